/** The console's pages: who may open them, forged forms, other merchants' rows, hostile text, tables to take away. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { newPrintableCode } from '../../server/codes/printable.ts';
import { csvCell } from '../../server/http/csv.ts';
import { readTexts } from '../../server/console/texts.ts';
import { createOwnerLink } from '../../server/staff/sign-in.ts';
import { createPasswords } from '../../server/staff/passwords.ts';
import type { ConsoleApp, Person } from '../support/console.ts';
import { consoleApp, personOf } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';

let database: TestDatabase;
let house: ConsoleApp;
beforeAll(async () => {
  database = await testDatabase();
  house = consoleApp(database.db);
});
afterAll(() => database.release());

const hostile = `<script>alert("x")</script>'"&`;

/** A merchant with one row of everything, all of it called `name`. */
async function merchantWith(name: string) {
  const { db } = database;
  const merchant = await make.makeMerchant(db, { name });
  const store = await make.makeStore(db, merchant.id, {
    name,
    settings: {
      question: {
        key: 'taste',
        label: { en: name, 'zh-CN': name },
        options: [{ value: 'tea', label: { en: name, 'zh-CN': name } }],
      },
      oidc: [
        {
          id: 'accounts',
          name,
          issuer: 'https://accounts.example.com',
          clientId: name,
          clientSecret: 'never shown',
          scopes: ['openid'],
          realName: false,
        },
      ],
    },
  });
  const gateway = await make.makeGateway(db, merchant.id, store.id, { name });
  const guest = await make.makeGuest(db, merchant.id, { name });
  await make.makeConsent(db, merchant.id, guest.id, { textVersion: name });
  await make.makeAnswer(db, merchant.id, guest.id, { answer: name });
  const session = await make.makeSession(db, {
    merchantId: merchant.id,
    storeId: store.id,
    gatewayId: gateway.id,
    guestId: guest.id,
  });
  const device = await make.makeDevice(db, merchant.id, { name, guestId: guest.id });
  const fence = await make.makeFence(db, merchant.id, { name, floor: name, storeId: store.id });
  const visit = await make.makeVisit(
    db,
    { merchantId: merchant.id, fenceId: fence.id, deviceId: device.id },
    {
      storeId: store.id,
      guestId: guest.id,
      entryAt: new Date(make.NOON - 3_600_000),
      detail: { factors: [{ name: 'place', value: 0.9, weight: 1, text: name }] },
    },
  );
  const offer = await make.makeOffer(db, merchant.id, {
    name,
    headline: name,
    body: name,
    terms: name,
  });
  const code = newPrintableCode();
  const voucher = await make.makeVoucher(db, merchant.id, offer.id, {
    code,
    storeId: store.id,
    guestId: guest.id,
  });
  await make.makeMessage(db, merchant.id, {
    subject: name,
    body: name,
    address: name,
    lastError: name,
    status: 'failed',
  });
  const batch = await make.makeAccessVoucher(db, merchant.id, store.id);
  const card = await make.makeMemberCard(db, merchant.id, { name });
  const approval = await make.makeApproval(db, merchant.id, store.id, { name });
  const key = await make.makeApiKey(db, merchant.id, { name });
  const staff = await make.makeStaff(db, merchant.id, { name });
  return {
    merchant,
    store,
    gateway,
    guest,
    session,
    device,
    fence,
    visit,
    offer,
    voucher,
    code,
    batch,
    card,
    approval,
    key,
    staff,
  };
}
type Filled = Awaited<ReturnType<typeof merchantWith>>;

/** Every page that is about rows; those with an id come with whose row it is. */
const pages = [
  '/console/overview',
  '/console/sessions',
  '/console/guests',
  '/console/visits',
  '/console/vouchers',
  '/console/devices',
  '/console/codes',
  '/console/members',
  '/console/approvals',
  '/console/outbox',
  '/console/settings',
  '/console/settings/new-store',
  '/console/settings/look',
  '/console/settings/ways',
  '/console/settings/providers',
  '/console/settings/consent',
  '/console/settings/texts',
  '/console/settings/questions',
  '/console/settings/questions/new',
  '/console/settings/gateways',
  '/console/settings/gateways/new',
  '/console/settings/gateways/new?equipment=opennds',
  '/console/settings/people',
  '/console/settings/keys',
  '/console/account',
];
const idPages = (row: Filled): string[] => [
  `/console/guests/${row.guest.id}`,
  `/console/guests/${row.guest.id}/export`,
  `/console/guests/${row.guest.id}/erase`,
  `/console/visits/${row.visit.id}`,
  `/console/devices/${row.device.id}/revoke`,
  `/console/sessions/${row.session.id}/disconnect`,
  `/console/settings/gateways/${row.gateway.id}`,
  `/console/settings/gateways/${row.gateway.id}/check`,
  `/console/settings/gateways/${row.gateway.id}/abilities`,
  `/console/settings/gateways/${row.gateway.id}/edit`,
];
const idPosts = (row: Filled): [string, Record<string, unknown>][] => [
  [`/console/guests/${row.guest.id}/block`, { blocked: 'yes' }],
  [`/console/guests/${row.guest.id}/withdraw`, {}],
  [`/console/guests/${row.guest.id}/erase`, { word: row.guest.name }],
  [`/console/devices/${row.device.id}/token`, {}],
  [`/console/devices/${row.device.id}/revoke`, {}],
  ['/console/settings', { id: row.store.id, name: 'x', timezone: 'UTC', country: 'GB' }],
  ['/console/settings/look', { id: row.store.id, accent: '#000000' }],
  ['/console/settings/look/preview', { id: row.store.id, accent: '#000000' }],
  ['/console/settings/ways', { id: row.store.id, 'order-voucher': '1' }],
  ['/console/settings/consent', { id: row.store.id }],
  ['/console/settings/texts', { id: row.store.id }],
  ['/console/settings/questions/new', { id: row.store.id, 'label-en': 'x', 'label-zh-CN': 'x' }],
  ['/console/settings/questions/taste', { id: row.store.id }],
  ['/console/settings/questions/taste/move', { id: row.store.id, to: 'up' }],
  ['/console/settings/questions/taste/remove', { id: row.store.id }],
  ['/console/settings/providers', { id: row.store.id, name: 'x' }],
  ['/console/settings/providers/accounts', { id: row.store.id, name: 'x' }],
  ['/console/settings/providers/accounts/remove', { id: row.store.id, word: row.store.name }],
  [`/console/members/${row.card.id}`, { name: 'x' }],
  [`/console/members/${row.card.id}/block`, { blocked: 'yes' }],
  [`/console/members/${row.card.id}/remove`, { word: row.card.number }],
  [`/console/approvals/${row.approval.id}`, { answer: 'grant' }],
  ['/console/settings/gateways', { id: row.store.id, kind: 'pretend', name: 'x' }],
  [`/console/settings/gateways/${row.gateway.id}/edit`, { name: 'x' }],
  [`/console/settings/gateways/${row.gateway.id}/check`, {}],
  [`/console/settings/gateways/${row.gateway.id}/secret`, {}],
  [`/console/sessions/${row.session.id}/disconnect`, {}],
  [`/console/settings/gateways/${row.gateway.id}/remove`, { word: row.gateway.name }],
  [`/console/settings/people/${row.staff.id}/disable`, {}],
  [`/console/settings/keys/${row.key.id}/revoke`, {}],
];

describe('the wall', () => {
  test.each(pages)('%s sends strangers to sign in, and back afterwards', async (page) => {
    const joined = `${page}${page.includes('?') ? '&' : '?'}day=2026-11-17`;
    const answer = await request(house.app).get(joined).expect(303);
    expect(answer.headers['location']).toBe(`/console/sign-in?next=${encodeURIComponent(joined)}`);
  });

  test('pages come with a strict policy and are not kept', async () => {
    const answer = await request(house.app).get('/console/sign-in').expect(200);
    const policy = answer.headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/default-src 'none';.*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
    });
  });

  test('the till opens its own page and nothing else', async () => {
    const { merchant } = await merchantWith('Shop');
    const till = await personOf(house, merchant.id, 'till');
    for (const page of pages) {
      const own = page === '/console/vouchers' || page === '/console/account';
      await till.get(page).expect(own ? 200 : 403);
    }
    expect((await till.get('/console/vouchers')).text).not.toContain('guests/');
    await till.get('/console/vouchers.csv').expect(403);
    await till.get('/console').expect(303).expect('location', '/console/vouchers');
  });

  test('people and keys are the owner’s alone', async () => {
    const { merchant } = await merchantWith('Shop');
    const manager = await personOf(house, merchant.id, 'manager');
    for (const page of pages) {
      await manager.get(page).expect(/people|keys/.test(page) ? 403 : 200);
    }
    const post = manager.post('/console/settings/keys', { name: 'x', scope: 'guests:read' });
    await post.expect(403);
  });

  test('pages say what is wrong in words, with the right status', async () => {
    const { merchant } = await merchantWith('Shop');
    const owner = await personOf(house, merchant.id);
    const missing = await owner.get('/console/nothing').expect(404);
    expect(missing.text).toContain('Nothing here');
    await owner.get('/console/guests/not-an-id').expect(404);
    await owner.get('/console/guests?after=%00').expect(400);
    await owner.get('/console/codes/sheet?made=1').expect(404);
    await owner.get('/console/codes/sheet?made=99999999999999').expect(404);
    await owner.get('/console/overview?day=2026-02-31&store=%27').expect(200);
  });
});

describe('sign-in page', () => {
  const password = 'lantern under quiet water';

  async function visitor() {
    const answer = await request(house.app).get('/console/sign-in').expect(200);
    const cookie = answer.headers['set-cookie']?.[0] ?? '';
    const csrf = /name="csrf" value="([^"]+)"/.exec(answer.text)?.[1] ?? '';
    return { cookie, csrf };
  }

  test('sets an HttpOnly, SameSite cookie, a new one each time', async () => {
    const merchant = await make.makeMerchant(database.db);
    const passwordHash = await createPasswords().hash(password);
    const { email } = await make.makeStaff(database.db, merchant.id, { passwordHash });
    const { cookie, csrf } = await visitor();
    const post = (fields: object) =>
      request(house.app)
        .post('/console/sign-in')
        .set('Cookie', cookie)
        .type('form')
        .send({ csrf, email, password, next: '/console/guests?q=a', ...fields });
    const refused = await post({ password: 'wrong' }).expect(401);
    const unknown = await post({ email: 'x@y', password: 'wrong' }).expect(401);
    const alert = (text: string): string | undefined => /role="alert">.*?<\/div>/s.exec(text)?.[0];
    expect(alert(refused.text)).toBeDefined();
    expect(alert(refused.text)).toBe(alert(unknown.text));
    const entered = await post({}).expect(303).expect('location', '/console/guests?q=a');
    expect(entered.headers['set-cookie']?.[0]).toMatch(
      /^foyer=fs_[\w-]{32}; .*HttpOnly; SameSite=Lax$/,
    );
    await post({ csrf: 'x' }).expect(403);
    await request(house.app)
      .post('/console/sign-in')
      .type('form')
      .send({ csrf, email, password })
      .expect(403);
  });

  test('over https the cookie is bound to the host', async () => {
    const secure = consoleApp(database.db, { publicUrl: 'https://foyer.test' });
    const answer = await request(secure.app).get('/console/sign-in').expect(200);
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-foyer-visitor=.*Path=\/; .*HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(answer.headers['strict-transport-security']).toBeDefined();
  });

  test('signing out ends the sign-in on the server', async () => {
    const { merchant } = await merchantWith('Shop');
    const owner = await personOf(house, merchant.id);
    await owner.get('/console/guests').expect(200);
    await owner.post('/console/sign-out').expect(303);
    await owner.get('/console/guests').expect(303);
  });

  test('the owner’s link opens a form once; weak passwords are told why', async () => {
    const link = await createOwnerLink(database.db, () => make.NOON);
    const url = `/console/start/${link}`;
    const { cookie, csrf } = await visitor();
    const email = `first-${link.slice(-6).toLowerCase()}@example.com`;
    const post = (fields: object) =>
      request(house.app)
        .post(url)
        .set('Cookie', cookie)
        .type('form')
        .send({ csrf, merchantName: 'New', name: 'Ada', email, password, ...fields });
    await request(house.app).get(url).expect(200);
    expect((await post({ password: 'short' }).expect(422)).text).toContain(
      'at least 12 characters',
    );
    await post({ csrf: '' }).expect(403);
    const made = await post({}).expect(303).expect('location', '/console');
    expect(made.headers['set-cookie']?.[0]).toMatch(/^foyer=fs_/);
    await request(house.app).get(url).expect(404);
    await post({ email: 'second@example.com' }).expect(404);
  });
});

describe('forged forms', () => {
  let owner: Person;
  let row: Filled;
  beforeAll(async () => {
    row = await merchantWith('Forged');
    owner = await personOf(house, row.merchant.id);
  });

  test.each([
    ['without a token', { csrf: '' }, {}],
    ['with somebody else’s token', { csrf: 'A'.repeat(43) }, {}],
    ['with two tokens', { csrf: ['a', 'b'] }, {}],
    ['from another site', {}, { 'Sec-Fetch-Site': 'cross-site' }],
    ['from a sibling host', {}, { 'Sec-Fetch-Site': 'same-site' }],
    ['with another origin', {}, { Origin: 'https://evil.test' }],
    ['from a sandboxed frame', {}, { Origin: 'null' }],
  ])('%s change nothing', async (_name, fields, headers) => {
    for (const [url, body] of idPosts(row)) {
      await owner
        .post(url, { ...body, ...fields })
        .set(headers)
        .expect(403);
    }
    const { rows } = await database.db.query(
      `select 1 from guests g, devices d, api_keys k, gateways w, staff s
       where g.id = $1 and g.blocked_at is null and d.id = $2 and d.revoked_at is null
         and k.id = $3 and k.revoked_at is null and w.id = $4 and s.id = $5 and s.disabled_at is null`,
      [row.guest.id, row.device.id, row.key.id, row.gateway.id, row.staff.id],
    );
    expect(rows).toHaveLength(1);
  });
});

describe('other merchants', () => {
  test('see none of it: lists are empty of it, ids are not found, forms change nothing', async () => {
    const theirs = await merchantWith('Secretive');
    const mine = await merchantWith('Curious');
    const owner = await personOf(house, mine.merchant.id);
    for (const page of [
      ...pages,
      '/console/guests.csv',
      '/console/visits.csv',
      '/console/vouchers.csv',
    ]) {
      const joined = `${page}${page.includes('?') ? '&' : '?'}store=${theirs.store.slug}`;
      const answer = await owner.get(joined).expect(200);
      expect(answer.text).not.toContain('Secretive');
    }
    for (const page of idPages(theirs)) await owner.get(page).expect(404);
    for (const [url, fields] of idPosts(theirs)) await owner.post(url, fields).expect(404);
    const redeem = await owner.post('/console/vouchers/redeem', { code: theirs.code, till: 'x' });
    expect(redeem.status).toBe(404);
    const { rows } = await database.db.query('select 1 from redemptions where merchant_id = $1', [
      theirs.merchant.id,
    ]);
    expect(rows).toHaveLength(0);
    const made = theirs.batch.createdAt.getTime();
    await owner.post('/console/codes/withdraw', { made });
    const left = await database.db.query('select 1 from access_vouchers where id = $1', [
      theirs.batch.id,
    ]);
    expect(left.rows).toHaveLength(1);
    for (const page of idPages(mine)) await owner.get(page).expect(200);
  });
});

describe('hostile text', () => {
  test('is shown, never run, on every page', async () => {
    const row = await merchantWith(hostile);
    const owner = await personOf(house, row.merchant.id);
    await database.db.query('update staff set name = $2 where id = $1', [owner.staffId, hostile]);
    let shown = 0;
    for (const page of [...pages, ...idPages(row).filter((one) => !one.endsWith('/export'))]) {
      for (const language of ['en', 'zh-CN']) {
        const query = new URLSearchParams({
          lang: language,
          q: hostile,
          done: hostile,
          state: hostile,
        });
        const { text } = await owner
          .get(`${page}?${page === '/console/guests' ? `lang=${language}` : query.toString()}`)
          .expect(200);
        expect(text).not.toContain('<script>alert');
        expect(text).not.toContain('="<script');
        if (text.includes('&lt;script&gt;alert(&#34;x&#34;)')) shown += 1;
      }
    }
    expect(shown).toBeGreaterThan(30);
    const { text } = await owner.get(`/console/guests?q=${encodeURIComponent(hostile)}`);
    expect(text).toContain('value="&lt;script&gt;');
  });

  test('what a form was sent comes back escaped', async () => {
    const { merchant, store } = await merchantWith('Shop');
    const owner = await personOf(house, merchant.id);
    const forms: [string, Record<string, unknown>][] = [
      ['/console/settings', { id: store.id, name: '', timezone: hostile, country: hostile }],
      ['/console/settings/new-store', { slug: hostile, name: hostile }],
      ['/console/settings/look', { id: store.id, accent: 'red', 'promise-en': hostile }],
      ['/console/settings/ways', { id: store.id, landingHosts: hostile, 'day-mon': hostile }],
      ['/console/settings/consent', { id: store.id, ageGate: hostile }],
      ['/console/settings/texts', { id: store.id, 'access-en': hostile }],
      ['/console/settings/questions/new', { id: store.id, 'label-en': hostile }],
      ['/console/settings/providers', { id: store.id, name: hostile, issuer: hostile }],
      ['/console/members', { number: hostile, name: hostile }],
      ['/console/members/import', { csv: hostile }],
      ['/console/settings/gateways', { id: store.id, kind: 'pretend', name: hostile }],
      ['/console/settings/people', { name: hostile, email: hostile }],
    ];
    for (const [url, fields] of forms) {
      const { text } = await owner.post(url, fields).expect(422);
      expect(text).not.toContain('<script>alert');
      expect(text).toContain('&lt;script&gt;');
    }
    const till = await owner.post('/console/vouchers/redeem', { code: hostile, till: hostile });
    expect(till.status).toBe(404);
    expect(till.text).not.toContain('<script>alert');
  });

  test('views write unescaped only what includes or our own JSON give', () => {
    const folder = path.resolve(import.meta.dirname, '../../server/console/views');
    const views = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    for (const view of views.filter((name) => name.endsWith('.ejs'))) {
      const text = readFileSync(path.join(folder, view), 'utf8');
      const raw = [...text.matchAll(/<%-\s*(\S+)/g)].map((match) => match[1] ?? '');
      expect({
        view,
        raw: raw.filter((one) => !/^(include\(|invalid\('\w+'\)|data$)/.test(one)),
      }).toEqual({ view, raw: [] });
      expect({ view, inline: /\son[a-z]+=|\sstyle=/.test(text) }).toEqual({ view, inline: false });
    }
  });
});

describe('tables to take away', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+8613800000000', "'+8613800000000"],
    ['-2', "'-2"],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' =1+1', "' =1+1"],
    ['\t=1', `"'\t=1"`],
    ['\r\n=1', `"'\r\n=1"`],
    ['＝1+1', "'＝1+1"],
    ['=HYPERLINK("x";"y")', `"'=HYPERLINK(""x"";""y"")"`],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['李晓梅', '李晓梅'],
    [-2, '-2'],
    [null, ''],
    [true, 'true'],
  ])('%j → %s', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  test('guests, visits and vouchers, formulas defused', async () => {
    const row = await merchantWith('=cmd|calc');
    const owner = await personOf(house, row.merchant.id);
    for (const [url, name] of [
      ['/console/guests.csv', 'guests.csv'],
      ['/console/visits.csv', 'visits-2026-11-17.csv'],
      ['/console/vouchers.csv', 'vouchers.csv'],
    ] as const) {
      const answer = await owner.get(url).expect(200);
      expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
      expect(answer.headers['content-disposition']).toBe(`attachment; filename=${name}`);
      expect(answer.text).toContain("'=cmd|calc");
      expect(answer.text).not.toMatch(/(^|,)=/m);
    }
  });
});

describe('texts', () => {
  const keysOf = (tree: unknown, at = ''): string[] =>
    typeof tree === 'string'
      ? [at]
      : Object.entries(tree as object).flatMap(([key, value]) =>
          keysOf(value, at ? `${at}.${key}` : key),
        );

  test('both languages have one key set, none empty, with the same blanks to fill', () => {
    const [en, zh] = [readTexts('en'), readTexts('zh-CN')];
    expect(keysOf(zh).toSorted()).toEqual(keysOf(en).toSorted());
    const read = (tree: unknown, key: string): string =>
      key
        .split('.')
        .reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], tree) as string;
    const blanks = (text: string): string[] => [...new Set(text.match(/\{\{\w+\}\}/g))].toSorted();
    for (const key of keysOf(en)) {
      expect({ key, text: read(zh, key) }).not.toEqual({ key, text: '' });
      // Chinese needs no word for "a" or "the day", but never a blank nobody fills.
      for (const blank of blanks(read(zh, key))) expect(blanks(read(en, key))).toContain(blank);
    }
  });

  test('every text a page asks for exists', async () => {
    const row = await merchantWith('Shop');
    const owner = await personOf(house, row.merchant.id);
    const known = new Set(Object.keys(readTexts('en')));
    for (const page of [...pages, ...idPages(row)]) {
      const { text } = await owner.get(page).expect(200);
      // A missing text shows as its own key, e.g. guests.title
      const words = text
        .replaceAll(/<script[\s\S]*?<\/script>/g, '')
        .replaceAll(/<(?!\/?(option|label))[^>]*>/g, ' ');
      const missing = [...words.matchAll(/(?<![\w/.@:-])([a-z][\w-]*)\.[a-z][\w.-]*(?![\w/:@])/gi)]
        .map((match) => match[0])
        .filter((one) => known.has(one.split('.')[0] ?? ''));
      expect({ page, missing }).toEqual({ page, missing: [] });
    }
  });

  test('the language follows the browser, then what was chosen', async () => {
    const read = async (headers: Record<string, string>, query = '') =>
      /<html lang="([^"]+)"/.exec(
        (await request(house.app).get(`/console/sign-in${query}`).set(headers)).text,
      )?.[1];
    expect(await read({ 'Accept-Language': 'zh-TW,zh;q=0.9' })).toBe('zh-CN');
    expect(await read({ 'Accept-Language': 'fr' })).toBe('en');
    expect(await read({ 'Accept-Language': 'zh', Cookie: 'foyer_lang=en' })).toBe('en');
    expect(await read({ Cookie: 'foyer_lang=en' }, '?lang=zh-CN')).toBe('zh-CN');
    expect(await read({ Cookie: 'foyer_lang=xx' }, '?lang=../..')).toBe('en');
  });
});
