/** A guest logs in through the real house: every method, the consents, the offer, the till; and who only pretends. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { logIn } from '../../scripts/demo/guest.ts';
import type { GuestChoices, Visit } from '../../scripts/demo/guest.ts';
import type { Database, Row } from '../../server/db/database.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { browse, codeFor, makeHouse, makeOffering, redirectOf } from '../support/cast.ts';
import type { House } from '../support/cast.ts';
import { makeMac, makePhone as makeNumber } from '../support/make.ts';
import { formsOf, headingOf } from './opennds/guest.ts';
import type { Sheet } from './opennds/guest.ts';

/** Storage that a test can take away. */
const state = { away: false };
const gone = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
const storage = (db: Database): Database => ({
  engine: db.engine,
  query: (text, params) => (state.away ? gone() : db.query(text, params)),
  tx: (work, options) => (state.away ? gone() : db.tx(work, options)),
  listen: (channel, told) => db.listen(channel, told),
  close: () => db.close(),
});

let app: TestApp;
let house: House;
beforeAll(async () => {
  app = await startApp({}, { storage });
});
afterAll(() => app?.stop());
beforeEach(async () => {
  app.clock.now = null;
  state.away = false;
  house = await makeHouse(app, { countries: ['NL', 'GB'], question });
});

const question = {
  key: 'taste',
  label: { en: 'What do you like?', 'zh-CN': '喜欢什么？' },
  options: [],
};

const rows = async <R extends Row>(text: string): Promise<R[]> =>
  (await app.db.query<R>(text, [house.merchantId])).rows;
const count = async (table: string): Promise<number> =>
  (await rows(`select 1 from ${table} where merchant_id = $1`)).length;
const nothingHappened = async () => {
  for (const table of ['guests', 'sessions', 'consents', 'outbox'])
    expect([table, await count(table)]).toEqual([table, 0]);
};

let mails = 0;

/** How each method is walked: what is typed, and where its code is read. */
async function choicesFor(method: GuestChoices['method']): Promise<GuestChoices> {
  const rest = { method, marketing: true, answer: 'tea' };
  if (method === 'click-through') return rest;
  if (method === 'voucher') {
    const { vouchers } = await house.api.post<{ vouchers: { code: string }[] }>(
      `/v1/stores/${house.store.id}/access-vouchers`,
      { count: 1, minutes: 60, uses: 1, validDays: 1 },
    );
    return { ...rest, value: vouchers[0]!.code };
  }
  mails += 1;
  const value = method === 'email-code' ? `guest-${mails}@guests.example` : makeNumber();
  return { ...rest, value, readCode: () => codeFor(app, value) };
}

interface Offers {
  changed: boolean;
  html: string;
}

/** What the welcome page's script asks: answered as soon as there is an offer, or after its own wait. */
async function news(visit: Visit): Promise<Offers> {
  const at = new URL(visit.url);
  const j = at.searchParams.get('j') ?? '';
  const path = at.pathname.replace(/\/go$/, '/offers.json');
  return (await (await fetch(`${app.url}${path}?j=${j}`)).json()) as Offers;
}

describe.each(['click-through', 'email-code', 'sms-code', 'voucher'] as const)('%s', (method) => {
  test('from the gateway to the till', async () => {
    const { offerId } = await makeOffering(house, { trigger: 'guest.admitted' });
    const mac = makeMac();
    const choices = await choicesFor(method);
    const visit = await logIn(app.url, redirectOf(house, { mac }), choices);
    expect(visit.pages.at(-1)).toBe('You are online');

    // What was agreed to, word for word.
    const consents = await rows<{ purpose: string; granted: boolean; sha: string; text: string }>(
      `select c.purpose, c.granted, c.text_sha256 as sha, t.text from consents c
       join consent_texts t on t.merchant_id = c.merchant_id and t.sha256 = c.text_sha256
       where c.merchant_id = $1 order by c.purpose`,
    );
    expect(consents.map(({ purpose, granted }) => [purpose, granted])).toEqual([
      ['access', true],
      ['marketing', true],
    ]);
    for (const { sha, text } of consents)
      expect(createHash('sha256').update(text).digest('hex')).toBe(sha);

    const sessions = await rows(
      'select method, state, mac, guest_id from sessions where merchant_id = $1',
    );
    expect(sessions).toEqual([{ method, state: 'active', mac, guest_id: expect.any(String) }]);
    const guests = await rows('select id, phone, email from guests where merchant_id = $1');
    expect(guests).toEqual([
      {
        id: sessions[0]!['guest_id'],
        phone: method === 'sms-code' ? choices.value : null,
        email: method === 'email-code' ? choices.value : null,
      },
    ]);

    // The offer: in the answer that waits for it, and on the page itself.
    const fresh = await news(visit);
    expect(fresh.changed).toBe(true);
    expect(fresh.html).toContain('A coffee on us');
    const page = await browse(app).get(visit.url);
    expect(page.html).toContain('A coffee on us');
    const code = /class="big"[^>]*>([^<]+)</.exec(page.html)?.[1] ?? '';
    expect(fresh.html).toContain(code);
    await app.settled();
    const events = await rows<{ type: string }>(
      'select type from outbox where merchant_id = $1 order by position',
    );
    const types = events.map(({ type }) => type);
    expect(types.toSorted()).toEqual(['guest.admitted', 'offer.issued', 'session.started']);
    expect(types.indexOf('guest.admitted')).toBe(0);

    // The till, the ledger, and the same till once more.
    const redeem = (key: string) =>
      house.api.post<{ redemptionId: string }>(
        '/v1/redemptions',
        { code, till: 'till-1', storeId: house.store.id },
        { 'idempotency-key': key },
      );
    const { redemptionId } = await redeem('first');
    expect((await redeem('first')).redemptionId).toBe(redemptionId);
    await expect(redeem('second')).rejects.toThrow(/409 voucher-redeemed/);
    const { items } = await house.api.get<{ items: Row[] }>('/v1/redemptions');
    expect(items).toMatchObject([{ offerId, till: 'till-1' }]);
    expect((await browse(app).get(visit.url)).html).not.toContain(code);
  });
});

describe('what the guest decides', () => {
  test('without marketing: online just the same, no offer, and the no is on record', async () => {
    await makeOffering(house, { trigger: 'guest.admitted' });
    const visit = await logIn(app.url, redirectOf(house), {
      method: 'click-through',
      marketing: false,
    });
    expect(visit.pages.at(-1)).toBe('You are online');
    await app.settled();
    expect(await count('vouchers')).toBe(0);
    expect(await rows('select gate, reason from decisions where merchant_id = $1')).toEqual([
      { gate: 'consent', reason: 'no-consent' },
    ]);
    expect(
      await rows(`select granted from consents where merchant_id = $1 and purpose = 'marketing'`),
    ).toEqual([{ granted: false }]);
  });

  test('the ledger is only ever added to: the house itself cannot change or remove a line', async () => {
    await logIn(app.url, redirectOf(house), { method: 'click-through', marketing: true });
    const asHouse = (sql: string) =>
      app.db.tx((tx) => tx.query(sql, [house.merchantId]), { tenant: house.merchantId });
    const change = 'update consents set granted = false where merchant_id = $1';
    await expect(asHouse(change)).rejects.toThrow(/permission denied/);
    await expect(asHouse('delete from consents where merchant_id = $1')).rejects.toThrow(
      /permission denied/,
    );
    // And whoever owns the database stumbles as well.
    await expect(app.db.query(change, [house.merchantId])).rejects.toThrow(/append-only/);
    expect(await count('consents')).toBe(2);
  });

  test('hostile text in a profile is text on every page of the console', async () => {
    const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}<%= 7*7 %>`;
    const guest = browse(app, { 'user-agent': hostile });
    let page = await guest.get(redirectOf(house, { url: `http://x.example/${hostile}` }));
    page = await guest.submit(page, { method: 'click-through' });
    page = await guest.submit(page, { marketing: 'yes' });
    page = await guest.submit(page, { value: hostile });
    expect(headingOf(page.html)).toBe('You are online');
    const [{ id } = { id: '' }] = await rows<{ id: string }>(
      'select id from guests where merchant_id = $1',
    );
    const staff = browse(app, house.headers);
    const shown = await staff.get(`/console/guests/${id}`);
    expect(shown.status).toBe(200);
    expect(shown.html).toContain('&lt;script&gt;alert(');
    for (const path of [`/console/guests/${id}`, '/console/guests', '/console', '/console/live']) {
      const { html } = await staff.get(path);
      expect([path, /<script>alert|<img src=x/.test(html)]).toEqual([path, false]);
    }
    const record = await fetch(`${app.url}/console/guests/${id}/export`, {
      headers: house.headers,
    });
    expect(record.headers.get('content-type')).toContain('application/json');
    expect(JSON.stringify(await record.json())).toContain('<script>');
  });
});

describe('who only pretends', () => {
  test.each<[string, (path: string) => string, string]>([
    [
      'another MAC',
      (path) => path.replace(/mac=[^&]+/, 'mac=02%3A00%3A00%3A00%3A00%3A01'),
      'This link cannot be used',
    ],
    [
      'another address',
      (path) => path.replace(/ip=[^&]+/, 'ip=198.51.100.1'),
      'This link cannot be used',
    ],
    [
      'another page to go on to',
      (path) => path.replace('url=', 'url=http%3A%2F%2Fevil.example%2F'),
      'This link cannot be used',
    ],
    ['no signature', (path) => path.replace(/&sig=.*/, ''), 'This link cannot be used'],
    ['an empty signature', (path) => path.replace(/sig=.*/, 'sig='), 'This link cannot be used'],
    ['half a signature', (path) => path.slice(0, -32), 'This link cannot be used'],
    [
      'a gateway nobody registered',
      (path) => path.replace('gw=atrium', 'gw=cellar'),
      'This WiFi is not set up yet',
    ],
    ['no gateway', (path) => path.replace(/\?.*/, ''), 'Join the WiFi first'],
    [
      'a shop that is not there',
      (path) => path.replace(/\/p\/[^?]+/, '/p/elsewhere'),
      'No such shop here',
    ],
    [
      'a path up and out',
      (path) => path.replace(/\/p\/[^?]+/, '/p/..%2f..%2fetc'),
      'No such shop here',
    ],
  ])('%s', async (_what, forge, heading) => {
    const page = await browse(app).get(forge(redirectOf(house)));
    expect(headingOf(page.html)).toBe(heading);
    // Every way on from here stays with us.
    expect(page.html).not.toMatch(/(?:href|action)="(?!\/p\/|#|data:)/);
    await nothingHappened();
  });

  test("another shop's signed link is not ours", async () => {
    const other = await makeHouse(app);
    const stolen = redirectOf({ store: house.store, gateway: other.gateway });
    expect(headingOf((await browse(app).get(stolen)).html)).toBe('This link cannot be used');
    await nothingHappened();
  });
});

describe('links and forms sent again', () => {
  /** To the consent page, having clicked through. */
  const toConsent = async (guest = browse(app)): Promise<Sheet> => {
    const first = await guest.get(redirectOf(house));
    return guest.submit(first, { method: 'click-through' });
  };

  test('the last form pressed twice, and again later, is one session', async () => {
    const guest = browse(app);
    const consent = await guest.submit(await toConsent(guest), { marketing: 'yes' });
    const press = () => guest.submit(consent, { skip: 'yes' });
    const pages = [...(await Promise.all([press(), press(), press()])), await press()];
    expect(pages.map(({ html }) => headingOf(html))).toEqual(Array(4).fill('You are online'));
    await app.settled();
    expect([await count('sessions'), await count('consents'), await count('guests')]).toEqual([
      1, 2, 1,
    ]);
    const admitted = await rows(
      `select 1 from outbox where merchant_id = $1 and type = 'guest.admitted'`,
    );
    expect(admitted).toHaveLength(1);
  });

  test('a link is good for its own shop only, whole, and for half an hour', async () => {
    const other = await makeHouse(app);
    const consent = await toConsent();
    const own = new URL(consent.url);
    const j = own.searchParams.get('j')!;
    const elsewhere = own.href.replace(house.store.slug, other.store.slug);
    const bent = own.href.replace(j, `${j.slice(0, 40)}${j[40] === 'A' ? 'B' : 'A'}${j.slice(41)}`);
    const cut = own.href.replace(j, j.slice(0, -4));
    for (const url of [elsewhere, bent, cut])
      expect(headingOf((await browse(app).get(url)).html)).toBe('Let us start again');
    app.clock.now = Date.now() + 31 * 60_000;
    expect(headingOf((await browse(app).get(own.href)).html)).toBe('Let us start again');
    const late = await browse(app).submit(consent, { marketing: 'yes' });
    expect(headingOf(late.html)).toBe('Let us start again');
    await nothingHappened();
  });

  test('a printed code for one guest lets one guest in', async () => {
    const choices = await choicesFor('voucher');
    await logIn(app.url, redirectOf(house), choices);
    const second = logIn(app.url, redirectOf(house), choices);
    await expect(second).rejects.toThrow();
    expect(await count('sessions')).toBe(1);
  });
});

describe('one-time codes', () => {
  const mail = (): string => `codes-${(mails += 1)}@guests.example`;

  /** To the page that asks for the code. */
  const toCode = async (address: string): Promise<Sheet> => {
    const guest = browse(app);
    let page = await guest.get(redirectOf(house));
    page = await guest.submit(page, { method: 'email-code' });
    return guest.submit(page, { value: address });
  };
  const wrongFor = (code: string): string => (code === '000000' ? '000001' : '000000');

  test('wrong codes count down to a lock that the right one does not open', async () => {
    const guest = browse(app);
    const address = mail();
    let page = await toCode(address);
    const code = await codeFor(app, address);
    for (const left of [4, 3, 2, 1]) {
      page = await guest.submit(page, { value: wrongFor(code).slice(0, -1) + left });
      expect(page.html).toContain(`You have ${left} ${left === 1 ? 'try' : 'tries'} left.`);
    }
    const last = page;
    page = await guest.submit(last, { value: '999999' === code ? '999998' : '999999' });
    expect(page.html).toContain('That was too many tries');
    // The page asks for a new code; somebody goes back to the field all the same.
    page = await guest.submit(last, { value: code });
    expect(page.html).toContain('That was too many tries');
    expect(headingOf(page.html)).toBe('Enter your code');
    await nothingHappened();
  });

  test('a code belongs to the journey that asked for it, works once, and for minutes', async () => {
    const guest = browse(app);
    const address = mail();
    const mine = await toCode(address);
    const code = await codeFor(app, address);
    // Somebody else typed the same address and looked over the shoulder.
    const theirs = await toCode(address);
    if (formsOf(theirs.html)[0]?.action.endsWith('/finish')) {
      const tried = await guest.submit(theirs, { value: code });
      expect(headingOf(tried.html)).not.toBe('Almost there');
    }
    expect(headingOf((await guest.submit(mine, { value: code })).html)).toBe('Almost there');
    app.clock.now = Date.now() + 60_000;
    const later = await toCode(address);
    const spent = await guest.submit(later, { value: code });
    expect(headingOf(spent.html)).toBe('Enter your code');
    const fresh = await codeFor(app, address);
    app.clock.now += 6 * 60_000;
    const old = await guest.submit(later, { value: fresh });
    expect(old.html).toContain('This code is too old');
    expect(await count('sessions')).toBe(0);
  });

  test('what cannot be an address is said so, shown as text, and nothing is sent', async () => {
    const page = await toCode('"><script>alert(1)</script>@x');
    expect(page.html).toContain('does not look like an e-mail address');
    expect(page.html).not.toContain('<script>alert(1)');
    expect(await count('messages')).toBe(0);
  });
});

describe('storage away', () => {
  test('at the door: a page that says so and what is kept, and the way on when it is back', async () => {
    state.away = true;
    const path = redirectOf(house);
    const sorry = await browse(app).get(path);
    expect([sorry.status, headingOf(sorry.html)]).toEqual([503, 'One moment, please']);
    expect(sorry.html).not.toMatch(/ECONNREFUSED|gone|at .*\.ts/);
    state.away = false;
    expect(headingOf((await browse(app).get(path)).html)).toBe('Free WiFi');
  });

  test('at the last step: nobody is let in by half, and everything typed is kept', async () => {
    const guest = browse(app);
    let page = await guest.get(redirectOf(house));
    page = await guest.submit(page, { method: 'click-through' });
    page = await guest.submit(page, { marketing: 'yes' });
    expect(headingOf(page.html)).toBe('One question');
    state.away = true;
    // The shop is known from memory, so the page can say more than that something is away.
    const sorry = await guest.submit(page, { value: 'tea' });
    expect([sorry.status, headingOf(sorry.html)]).toEqual([503, 'Ready to connect']);
    expect(sorry.html).toContain('Everything you entered is kept');
    state.away = false;
    await nothingHappened();
    page = await guest.submit(page, { value: 'tea' });
    expect(headingOf(page.html)).toBe('You are online');
    expect([await count('sessions'), await count('consents')]).toEqual([1, 2]);
  });
});
