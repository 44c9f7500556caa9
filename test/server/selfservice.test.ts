/** "My data" through the portal's own addresses: who gets in, what they see and change, and that it holds at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { askByMail } from '../../server/consents/confirm.ts';
import { hasConsent, hasMarketingConsent } from '../../server/consents/queries.ts';
import type { Purpose } from '../../server/stores/wordings.ts';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import { codeFor } from '../support/cast.ts';
import * as make from '../support/make.ts';
import { makeLeg } from '../support/site.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ TRUST_PROXY: '1' });
});
afterAll(() => app?.stop());

const ALL: Purpose[] = ['marketing', 'marketing-email', 'marketing-sms', 'analytics', 'profiling'];

interface Shop {
  merchantId: string;
  storeId: string;
  base: string;
  guest: { id: string; phone: string | null; email: string | null };
}
let shop: Shop;
let networks = 0;
let from = '';

beforeEach(async () => {
  networks += 1;
  from = `198.51.${Math.floor(networks / 200)}.${(networks % 200) + 1}`;
  const { db } = app;
  const merchant = await make.makeMerchant(db);
  const store = await make.makeStore(db, merchant.id, {
    country: 'GB',
    settings: { purposes: ALL, ageGate: null },
  });
  const guest = await make.makeGuest(db, merchant.id, {
    email: `anna-${networks}@guests.example`,
    name: 'Anna',
  });
  shop = { merchantId: merchant.id, storeId: store.id, base: `/p/${store.slug}`, guest };
});

interface Answer {
  status: number;
  text: string;
  location: string;
  headers: Headers;
}

async function ask(path: string, form?: Record<string, string>): Promise<Answer> {
  const response = await fetch(new URL(path, app.url), {
    redirect: 'manual',
    headers: { 'x-forwarded-for': from, 'accept-language': 'en' },
    ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
  });
  const location = response.headers.get('location') ?? '';
  const { status, headers } = response;
  return { status, headers, location, text: await response.text() };
}

const sealedIn = (path: string): string => new URL(path, app.url).search.slice(3);

/** Signs in by a code and gives the address of the open page. */
async function signIn(address: string): Promise<string> {
  const sent = await ask(`${shop.base}/mine/start`, { value: address });
  expect(sent.status).toBe(303);
  const c = sealedIn(sent.location);
  const code = await codeFor(app, address);
  const opened = await ask(`${shop.base}/mine/finish`, { c, value: code });
  expect(opened.location).toContain('/mine/look?m=');
  return opened.location;
}

/** The sealed part that the open page's forms carry. */
async function open(address: string): Promise<{ text: string; m: string }> {
  const { status, text } = await ask(await signIn(address));
  expect(status).toBe(200);
  return { text, m: /name="m" value="([\w-]+)"/.exec(text)?.[1] ?? '' };
}

const inside = <T>(work: (tx: Parameters<typeof hasConsent>[0]) => Promise<T>): Promise<T> =>
  app.db.tx(work, { tenant: shop.merchantId });
const held = (purpose: Purpose) =>
  inside((tx) => hasConsent(tx, shop.merchantId, shop.guest.id, purpose));

const version = (text: string, purpose: string): string =>
  new RegExp(`value="${purpose}">\\s*<input type="hidden" name="version" value="([^"]+)"`).exec(
    text,
  )?.[1] ?? '';

describe('who gets in', () => {
  test('a stranger and a known guest are answered alike, and only the guest gets a code', async () => {
    const known = await ask(`${shop.base}/mine/start`, { value: shop.guest.email! });
    const unknown = await ask(`${shop.base}/mine/start`, { value: 'nobody@guests.example' });
    expect([known.status, unknown.status]).toEqual([303, 303]);
    const page = async (path: string) =>
      (await ask(path)).text.replaceAll(/c=[\w-]+|value="[\w-]{80,}"|nonce="[^"]*"|[an]•••/g, '');
    expect(await page(unknown.location)).toBe(await page(known.location));
    const { rows } = await app.db.query<{ address: string }>(
      'select address from messages where merchant_id = $1',
      [shop.merchantId],
    );
    expect(rows.map((row) => row.address)).toEqual([shop.guest.email]);
    for (const { location } of [known, unknown]) {
      const wrong = await ask(`${shop.base}/mine/finish`, {
        c: sealedIn(location),
        value: '000000',
      });
      expect(wrong.location).toContain('/mine/code?c=');
      expect((await ask(wrong.location)).text).toContain('does not fit, or it is too old');
    }
  });

  test('asking here tells nothing at the door: its codes are counted apart', async () => {
    await ask(`${shop.base}/mine/start`, { value: shop.guest.email! });
    const { rows } = await app.db.query<{ address_hash: Buffer }>(
      'select address_hash from codes where merchant_id = $1',
      [shop.merchantId],
    );
    expect(rows).toHaveLength(1);
    await ask(`${shop.base}/mine/start`, { value: shop.guest.email! });
    const again = await app.db.query('select 1 from codes where merchant_id = $1', [
      shop.merchantId,
    ]);
    // The pause between two codes holds, and is not told.
    expect(again.rows).toHaveLength(1);
  });

  test('one network is asked to wait after a while', async () => {
    const statuses: number[] = [];
    for (let turn = 0; turn < 11; turn += 1) {
      statuses.push(
        (await ask(`${shop.base}/mine/start`, { value: `n${turn}@guests.example` })).status,
      );
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 303), 429]);
  });

  test.each([
    ['nothing', ''],
    ['no address', 'hello'],
    ['half a mail address', 'anna@'],
    ['too much', 'a'.repeat(400)],
  ])('%s is asked for again', async (_name, value) => {
    const answer = await ask(`${shop.base}/mine/start`, { value });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('neither a phone number nor an e-mail address');
  });

  test.each([
    ['empty', ''],
    ['short', 'x'],
    ['endless', 'a'.repeat(3000)],
    ['of a path', '../..'],
    ['of the right length', 'A'.repeat(120)],
  ])('a forged address that is %s shows the door', async (_kind, sealed) => {
    for (const path of ['look?m=', 'edit?m=', 'forget?m=', 'download?as=csv&m=', 'code?c=']) {
      const answer = await ask(`${shop.base}/mine/${path}${sealed}`);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('Show again who you are');
    }
  });

  test('an address of one shop opens nothing at another', async () => {
    const location = await signIn(shop.guest.email!);
    const other = await make.makeStore(app.db, shop.merchantId, {});
    const answer = await ask(location.replace(shop.base, `/p/${other.slug}`));
    expect(answer.text).toContain('Show again who you are');
    expect(answer.text).not.toContain('Anna');
  });

  test('leaving ends it for good', async () => {
    const location = await signIn(shop.guest.email!);
    const m = sealedIn(location);
    expect((await ask(`${shop.base}/mine/leave`, { m })).text).toContain('no longer works');
    expect((await ask(location)).text).toContain('Show again who you are');
  });

  test('half an hour ends it too', async () => {
    const location = await signIn(shop.guest.email!);
    app.clock.now = Date.now() + 31 * 60_000;
    try {
      expect((await ask(location)).text).toContain('Show again who you are');
    } finally {
      app.clock.now = null;
    }
  });
});

describe('what a guest sees', () => {
  test('is everything of theirs and nothing of others', async () => {
    const { db } = app;
    const { merchantId, storeId, guest } = shop;
    const gateway = await make.makeGateway(db, merchantId, storeId);
    await make.makeSession(db, { merchantId, storeId, gatewayId: gateway.id, guestId: guest.id });
    await make.makeAnswer(db, merchantId, guest.id);
    await make.makeGuest(db, merchantId, { name: 'Bert', email: 'bert@guests.example' });
    const { text } = await open(guest.email!);
    for (const part of ['Anna', guest.email!, guest.phone!, 'Corner Shop', 'tea']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('Bert');
    expect(text).not.toContain('<script');
  });

  test('can be taken along, with formulas defused', async () => {
    await app.db.query('update guests set name = $2 where id = $1', [shop.guest.id, '=cmd()']);
    const { m } = await open(shop.guest.email!);
    const json = await ask(`${shop.base}/mine/download?m=${m}&as=json`);
    expect(json.headers.get('content-disposition')).toMatch(/attachment; filename="my-data-/);
    expect(JSON.parse(json.text)).toMatchObject({ guest: { name: '=cmd()' }, consents: [] });
    const csv = await ask(`${shop.base}/mine/download?m=${m}&as=csv`);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect(csv.text).toContain(`guest,1,name,'=cmd()`);
  });
});

describe('switches', () => {
  test.each(ALL)(
    '%s is given and taken back, with its proof, and holds at once',
    async (purpose) => {
      const page = await open(shop.guest.email!);
      const given = await ask(`${shop.base}/mine/choose`, {
        m: page.m,
        purpose,
        granted: 'yes',
        version: version(page.text, purpose),
      });
      expect(given.status).toBe(303);
      const mailed = purpose === 'marketing-email';
      expect(await held(purpose)).toBe(!mailed);
      expect((await ask(given.location)).text).toContain(
        mailed ? 'on its way' : 'holds from now on',
      );
      await ask(`${shop.base}/mine/choose`, { m: page.m, purpose, granted: 'no' });
      expect(await held(purpose)).toBe(false);
      const { rows } = await app.db.query(
        `select granted, source, method, screen, page_sha256 is not null as page, ip is not null as ip
       from consents where merchant_id = $1 order by seq`,
        [shop.merchantId],
      );
      const entry = {
        source: 'self-service',
        method: 'form',
        screen: 'my-data',
        page: true,
        ip: true,
      };
      expect(rows).toEqual([
        ...(mailed ? [] : [{ ...entry, granted: true }]),
        { ...entry, granted: false },
      ]);
    },
  );

  test('words that changed meanwhile are not agreed to', async () => {
    const page = await open(shop.guest.email!);
    const form = { m: page.m, purpose: 'marketing', granted: 'yes', version: 'own-9' };
    const answer = await ask(`${shop.base}/mine/choose`, form);
    expect((await ask(answer.location)).text).toContain('changed meanwhile');
    expect(await inside((tx) => hasMarketingConsent(tx, shop.merchantId, shop.guest.id))).toBe(
      false,
    );
  });

  test('the terms, and a purpose nobody knows, are not switched', async () => {
    const { m } = await open(shop.guest.email!);
    for (const purpose of ['access', 'world-peace']) {
      const answer = await ask(`${shop.base}/mine/choose`, { m, purpose, granted: 'no' });
      expect((await ask(answer.location)).text).toContain('cannot be switched here');
    }
    const { rows } = await app.db.query('select 1 from consents where merchant_id = $1', [
      shop.merchantId,
    ]);
    expect(rows).toEqual([]);
  });

  test('below the age nothing can be given', async () => {
    await app.db.query(`update guests set age_band = 'under' where id = $1`, [shop.guest.id]);
    const page = await open(shop.guest.email!);
    expect(page.text).not.toContain('name="granted" value="yes"');
    const form = { m: page.m, purpose: 'marketing', granted: 'yes', version: 'standard-3' };
    await ask(`${shop.base}/mine/choose`, { ...form, overAge: 'yes' });
    expect(await held('marketing')).toBe(false);
  });
});

describe('correcting', () => {
  test('a name and an answer', async () => {
    await make.makeAnswer(app.db, shop.merchantId, shop.guest.id);
    const { m } = await open(shop.guest.email!);
    await ask(`${shop.base}/mine/save`, { m, name: '  Anna\nMaria ', 'answer-taste': '' });
    const { rows } = await app.db.query('select name from guests where id = $1', [shop.guest.id]);
    expect(rows).toEqual([{ name: 'Anna Maria' }]);
    const answers = await app.db.query('select 1 from guest_answers where guest_id = $1', [
      shop.guest.id,
    ]);
    expect(answers.rows).toEqual([]);
  });

  test('an address once its code was entered; never one of somebody else', async () => {
    const { m } = await open(shop.guest.email!);
    const fresh = `new-${networks}@guests.example`;
    const other = await make.makeGuest(app.db, shop.merchantId, {
      email: `taken-${networks}@guests.example`,
    });
    for (const [address, said] of [
      [other.email!, 'Another record has this address'],
      [fresh, 'new address is saved'],
    ] as const) {
      const sent = await ask(`${shop.base}/mine/address`, { m, value: address });
      const c = sealedIn(sent.location);
      const wrong = await ask(`${shop.base}/mine/finish`, { c, value: '111111' });
      expect(wrong.location).toContain('/mine/code');
      const value = await codeFor(app, address);
      const done = await ask(`${shop.base}/mine/finish`, { c, value });
      expect((await ask(done.location)).text).toContain(said);
    }
    const { rows } = await app.db.query('select email from guests where id = $1', [shop.guest.id]);
    expect(rows).toEqual([{ email: fresh }]);
  });
});

describe('being forgotten', () => {
  test('takes two steps, then everything goes and the open session is ended', async () => {
    const { db } = app;
    const { merchantId, storeId, guest } = shop;
    const gateway = await make.makeGateway(db, merchantId, storeId);
    await make.makeSession(
      db,
      { merchantId, storeId, gatewayId: gateway.id, guestId: guest.id },
      { state: 'active' },
    );
    const { m } = await open(guest.email!);
    const warned = await ask(`${shop.base}/mine/forget?m=${m}`);
    expect(warned.text).toContain('cannot be brought back');
    const unsure = await ask(`${shop.base}/mine/forget`, { m });
    expect(unsure.status).toBe(303);
    const gone = await ask(`${shop.base}/mine/forget`, { m, sure: 'yes' });
    expect(gone.text).toContain('Deleted');
    for (const table of ['guests', 'sessions', 'self_looks', 'consents']) {
      const { rows } = await db.query(`select 1 from ${table} where merchant_id = $1`, [
        merchantId,
      ]);
      expect([table, rows.length]).toEqual([table, 0]);
    }
    const ended = await db.query(
      `select 1 from outbox where merchant_id = $1 and type = 'session.ended'`,
      [merchantId],
    );
    expect(ended.rows).toHaveLength(1);
    expect((await ask(`${shop.base}/mine/look?m=${m}`)).text).toContain('Show again who you are');
  });

  test('where the law keeps the log, the page says so and the log stays, without anything else', async () => {
    await app.db.query(
      `update stores set country = 'CN', settings = settings || '{"methods":["sms-code"]}' where id = $1`,
      [shop.storeId],
    );
    const { merchantId, storeId, guest } = shop;
    const gateway = await make.makeGateway(app.db, merchantId, storeId);
    await make.makeSession(
      app.db,
      { merchantId, storeId, gatewayId: gateway.id, guestId: guest.id },
      { state: 'active' },
    );
    const { m } = await open(guest.email!);
    expect((await ask(`${shop.base}/mine/forget?m=${m}`)).text).toContain('for 180 days');
    await ask(`${shop.base}/mine/forget`, { m, sure: 'yes' });
    const { rows } = await app.db.query(
      'select account, extract(day from keep_until - ended_at)::int as days from session_log where merchant_id = $1',
      [merchantId],
    );
    expect(rows).toEqual([{ account: guest.phone, days: 180 }]);
  });

  test('a log kept for another store of the merchant’s is told here as well', async () => {
    const { merchantId, guest } = shop;
    const settings = { methods: ['sms-code'] };
    const store = await make.makeStore(app.db, merchantId, { country: 'CN', settings });
    const gateway = await make.makeGateway(app.db, merchantId, store.id);
    const { m } = await open(guest.email!);
    const page = () => ask(`${shop.base}/mine/forget?m=${m}`);
    expect((await page()).text).not.toContain('for 180 days');
    const at = { merchantId, storeId: store.id, gatewayId: gateway.id, guestId: guest.id };
    await make.makeSession(app.db, at);
    expect((await page()).text).toContain('for 180 days');
  });

  test('of devices alone', async () => {
    const { merchantId, storeId, guest } = shop;
    const gateway = await make.makeGateway(app.db, merchantId, storeId);
    const at = { merchantId, storeId, gatewayId: gateway.id, guestId: guest.id };
    const past = { state: 'ended', endedAt: new Date(make.NOON) } as const;
    const { id: sessionId } = await make.makeSession(app.db, at, past);
    await makeLeg(app.db, { ...at, sessionId });
    await app.db.query(`update sessions set nas_user_name = mac where id = $1`, [sessionId]);
    const { m } = await open(shop.guest.email!);
    const done = await ask(`${shop.base}/mine/devices`, { m });
    expect((await ask(done.location)).text).toContain('devices are forgotten');
    const { rows } = await app.db.query(
      `select mac, ip, client_key, nas_user_name,
         (select count(*)::int from session_legs where session_id = s.id) as legs
       from sessions s where id = $1`,
      [sessionId],
    );
    const nothing = { mac: '', ip: null, client_key: '', nas_user_name: null };
    expect(rows).toEqual([{ ...nothing, legs: 0 }]);
  });
});

describe('offers by mail', () => {
  async function mailedLink(): Promise<string> {
    const { merchantId, storeId, guest } = shop;
    await inside(async (tx) => {
      const { rows } = await tx.query<{
        id: string;
        merchant_id: string;
        slug: string;
        name: string;
      }>('select id, merchant_id, slug, name from stores where id = $1', [storeId]);
      const request = {
        row: rows[0]!,
        guestId: guest.id,
        given: { version: 'standard-1', language: 'en' as const },
        text: 'Send me offers by mail.',
        language: 'en' as const,
        publicUrl: app.url,
      };
      expect(await askByMail(tx, request, Date.now())).toBe(true);
    });
    const { rows } = await app.db.query<{ body: string }>(
      `select body from messages where merchant_id = $1 and channel = 'email' order by created_at desc limit 1`,
      [merchantId],
    );
    return /https?:\S+\/confirm\/\S+/.exec(rows[0]!.body)![0];
  }

  test('count once the button was pressed: a scanner that opens the link decides nothing', async () => {
    const link = await mailedLink();
    const page = await ask(link);
    expect(page.text).toContain('Send me offers by mail.');
    expect(await held('marketing-email')).toBe(false);
    const done = await ask(link, {});
    expect(done.text).toContain('Confirmed');
    expect(await held('marketing-email')).toBe(true);
    const again = await ask(link, {});
    expect(again.status).toBe(410);
    // Both speak of “My data”, and lead there.
    for (const { text } of [done, again])
      expect(text).toMatch(/<a [^>]*href="[^"]*\/mine\?lang=en">My data</);
    const { rows } = await app.db.query(
      'select source, method from consents where merchant_id = $1',
      [shop.merchantId],
    );
    expect(rows).toEqual([{ source: 'email-link', method: 'link' }]);
  });

  test.each([
    ['eight days later', () => void (app.clock.now = Date.now() + 8 * 86_400_000)],
    [
      'once the guest has another address',
      () =>
        app.db.query('update guests set email = $2 where id = $1', [shop.guest.id, 'x@y.example']),
    ],
    [
      'once it was taken back',
      () => app.db.query('delete from consent_requests where merchant_id = $1', [shop.merchantId]),
    ],
  ])('the link is void %s', async (_when, happens) => {
    const link = await mailedLink();
    await happens();
    try {
      expect((await ask(link)).status).toBe(410);
      expect((await ask(link, {})).status).toBe(410);
      expect(await held('marketing-email')).toBe(false);
    } finally {
      app.clock.now = null;
    }
  });
});
