/** What strangers, guessers and bad days send through the whole house: pages, storage and a second process. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { failure } from '../../server/db/failures.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { browse, codeFor, makeHouse, makeOffering, redirectOf } from '../support/cast.ts';
import type { House } from '../support/cast.ts';
import { makeMac } from '../support/make.ts';
import { formsOf, headingOf } from './opennds/guest.ts';
import type { Sheet } from './opennds/guest.ts';

const SECRET = 'the same secret in both processes of a house';

let app: TestApp;
let other: TestApp;
/** How storage answers both processes, until a test changes it. */
let away: string | null = null;

beforeAll(async () => {
  const cut = <T>(work: () => Promise<T>): Promise<T> =>
    away === null ? work() : Promise.reject(failure(away, 'storage is away'));
  app = await startApp(
    { SECRET },
    {
      storage: (db) => ({
        ...db,
        query: (text, params) => cut(() => db.query(text, params)),
        tx: (work, options) => cut(() => db.tx(work, options)),
      }),
    },
  );
  other = await startApp({ SECRET, PUBLIC_URL: app.url }, { storage: () => app.db });
}, 120_000);
afterAll(async () => {
  await other?.stop();
  await app?.stop();
});

const houseWith = (methods: string[], more: Record<string, unknown> = {}): Promise<House> =>
  makeHouse(app, { methods, purposes: [], ...more });
const linkTo = (page: Sheet, text: string): string =>
  new RegExp(`href="([^"]*)"[^>]*>${text}`).exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
const sessionsOf = async (house: House) =>
  (
    await app.db.query<{ guest_id: string; method: string }>(
      'select guest_id, method from sessions where merchant_id = $1 order by granted_at, id',
      [house.merchantId],
    )
  ).rows;

/** Chooses a way where there are several. */
const by = (guest: ReturnType<typeof browse>, page: Sheet, method: string) =>
  guest.submit(page, { method });

describe('a code', () => {
  test('guessed five times: calm words, even the right one helps no more, and another way is a button', async () => {
    const house = await houseWith(['email-code', 'click-through']);
    const guest = browse(app);
    const address = `ada-${house.store.slug}@example.org`;
    const door = await guest.get(redirectOf(house));
    const form = await by(guest, door, 'email-code');
    let page = await guest.submit(form, { value: address });
    const right = await codeFor(app, address);
    let before = page;
    for (let n = 1; n <= 5; n++) {
      before = page;
      page = await guest.submit(page, {
        value: String((Number(right) + n) % 1_000_000).padStart(6, '0'),
      });
    }
    expect(page.status).toBe(200);
    expect(page.html).toContain('That was too many tries. Ask for a new code.');
    // The page asks for no code any more; a form kept from before brings nothing either.
    const late = await guest.submit(before, { value: right });
    expect(headingOf(late.html)).toBe('Enter your code');
    expect(await sessionsOf(house)).toEqual([]);
    const choose = await guest.get(linkTo(page, 'Connect another way'));
    expect(choose.html).toMatch(/value="click-through"/);
    const terms = await by(guest, choose, 'click-through');
    expect(headingOf((await guest.submit(terms, {})).html)).toBe('You are online');
    expect(await sessionsOf(house)).toMatchObject([{ method: 'click-through' }]);
  });
});

describe('a redirect', () => {
  test.each([
    ['its signature', (url: string) => url.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A'))],
    ['its MAC', (url: string) => url.replace('02%3A', '06%3A').replace('02:', '06:')],
  ])('with %s changed is refused with a way on', async (_name, change) => {
    const house = await houseWith(['click-through']);
    const whole = redirectOf(house);
    const forged = change(whole);
    expect(forged).not.toBe(whole);
    const page = await browse(app).get(forged);
    expect(page.status).toBe(403);
    expect(headingOf(page.html)).not.toBe('');
    expect(await sessionsOf(house)).toEqual([]);
  });

  test.each(['https://evil.example/', 'javascript:alert(1)', '//evil.example', 'http://harbour'])(
    'that wants to end at %s ends on our page',
    async (url) => {
      const house = await houseWith(['click-through'], { landingHosts: ['shop.example'] });
      const guest = browse(app);
      const welcome = await guest.submit(await guest.get(redirectOf(house, { url })), {});
      expect(headingOf(welcome.html)).toBe('You are online');
      expect(welcome.html).not.toContain('evil.example');
      expect(welcome.html).not.toContain('javascript:');
      expect(linkTo(welcome, 'Continue to')).toBe('');
    },
  );
});

describe('two guests with one MAC', () => {
  test('are two: neither is greeted as, offered what, or shown the data of the other', async () => {
    const house = await houseWith(['email-code', 'click-through'], { purposes: ['marketing'] });
    await makeOffering(house, { trigger: 'guest.admitted' });
    const mac = makeMac();
    const ada = browse(app);
    const address = `ada-${house.store.slug}@example.org`;
    const form = await by(ada, await ada.get(redirectOf(house, { mac })), 'email-code');
    const code = await ada.submit(form, { value: address });
    const terms = await ada.submit(code, { value: await codeFor(app, address) });
    await ada.submit(terms, { marketing: 'yes' });
    await app.settled();
    const bob = browse(app);
    const theirs = await by(bob, await bob.get(redirectOf(house, { mac })), 'click-through');
    const online = await bob.submit(theirs, {});
    expect(headingOf(online.html)).toBe('You are online');
    expect(online.html).not.toContain('A coffee on us');
    expect(online.html).not.toContain('Good to see you again');
    expect(online.html).not.toContain('example.org');
    const mine = await bob.get(linkTo(online, 'My data'));
    expect(mine.html).not.toContain('example.org');
    const sessions = await sessionsOf(house);
    expect(new Set(sessions.map((one) => one.guest_id)).size).toBe(2);
  });
});

describe('storage away', () => {
  test('who is inside still sees so; who comes is told what to do, and goes on once it is back', async () => {
    const house = await houseWith(['click-through']);
    const guest = browse(app);
    const terms = await guest.get(redirectOf(house));
    const inside = await guest.submit(terms, {});
    expect(headingOf(inside.html)).toBe('You are online');
    const known = inside.url.replace(app.url, '');
    await guest.get(known);
    const newcomer = browse(app);
    const theirs = await newcomer.get(redirectOf(house));
    away = '08006';
    try {
      const still = await guest.get(known);
      expect([still.status, headingOf(still.html)]).toEqual([200, 'You are online']);
      const held = await newcomer.submit(theirs, {});
      expect(held.status).toBe(503);
      expect(headingOf(held.html)).not.toBe('');
      away = null;
      const [form] = formsOf(held.html);
      const on = form ? await newcomer.submit(held, {}) : await newcomer.get(linkTo(held, 'Try'));
      expect(headingOf(on.html)).toBe('You are online');
    } finally {
      away = null;
    }
  });
});

describe('two processes', () => {
  /** Every request goes to the other process than the one before. */
  function between() {
    let turn = 0;
    const next = () => (turn++ % 2 === 0 ? app.url : other.url);
    const ask = async (path: string, init: RequestInit = {}): Promise<Sheet> => {
      const { pathname, search } = new URL(path, app.url);
      const headers = { 'accept-language': 'en' };
      const answer = await fetch(next() + pathname + search, {
        ...init,
        headers,
        redirect: 'manual',
      });
      const onward = answer.headers.get('location');
      if (onward !== null) return ask(onward);
      return { url: pathname + search, status: answer.status, html: await answer.text() };
    };
    return {
      get: (path: string) => ask(path),
      submit(from: Sheet, values: Record<string, string>, which = 0) {
        const form = formsOf(from.html)[which];
        if (form === undefined) throw new Error(`no form on “${headingOf(from.html)}”`);
        const body = new URLSearchParams({ ...form.fields, ...values });
        return ask(form.action, { method: 'POST', body });
      },
    };
  }

  test('a code asked for at one and typed at the other, its tries counted together', async () => {
    const house = await houseWith(['email-code']);
    const guest = between();
    const address = `eve-${house.store.slug}@example.org`;
    let page = await guest.submit(await guest.get(redirectOf(house)), { value: address });
    const right = await codeFor(app, address);
    for (let n = 1; n <= 4; n++) {
      const wrong = String((Number(right) + n) % 1_000_000).padStart(6, '0');
      page = await guest.submit(page, { value: wrong });
    }
    expect(page.html).toContain('You have 1 try left');
    const terms = await guest.submit(page, { value: right });
    expect(headingOf((await guest.submit(terms, {})).html)).toBe('You are online');
    expect(await sessionsOf(house)).toMatchObject([{ method: 'email-code' }]);
  });

  test('staff asked at one let in a guest whose page waits at both', async () => {
    const house = await houseWith(['staff']);
    const guest = between();
    const waiting = await guest.submit(await guest.get(redirectOf(house)), { value: 'Sam' });
    expect(headingOf(waiting.html)).toBe('The staff have been asked');
    const { approvals } = await house.api.get<{ approvals: { id: string }[] }>('/v1/approvals');
    expect(approvals).toHaveLength(1);
    await fetch(`${other.url}/v1/approvals/${approvals[0]!.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${house.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ granted: true }),
    });
    const [one, two] = [await guest.get(waiting.url), await guest.get(waiting.url)];
    expect([headingOf(one.html), headingOf(two.html)]).toEqual(['Almost there', 'Almost there']);
    expect(headingOf((await guest.submit(two, {})).html)).toBe('You are online');
    // The same form again, at the other process: the way in stays, and nobody is let in twice.
    await guest.submit(one, {});
    expect(await sessionsOf(house)).toHaveLength(1);
  });
});
