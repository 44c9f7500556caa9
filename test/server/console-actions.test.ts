/** What the console's forms do: redeeming, erasing, devices, codes, settings, people, keys. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import qrcode from 'qrcode';
import { newPrintableCode, parsePrintableCode } from '../../server/codes/printable.ts';
import { consentHistory, currentConsents } from '../../server/consents/queries.ts';
import { browserOf } from '../../server/console/account.ts';
import { change, curve, hourChart, niceCeiling } from '../../server/console/chart.ts';
import { formatFor } from '../../server/console/format.ts';
import { dayAsked, stepsOf } from '../../server/console/overview.ts';
import { keyFrom } from '../../server/console/store-form.ts';
import { localPath } from '../../server/console/sign-in.ts';
import { findDeviceByToken } from '../../server/devices/callers.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import type { ConsoleApp } from '../support/console.ts';
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

async function shop() {
  const merchant = await make.makeMerchant(database.db);
  const store = await make.makeStore(database.db, merchant.id);
  const owner = await personOf(house, merchant.id);
  return { merchant, store, owner };
}

describe('the till', () => {
  test('redeems once, also when the button is pressed twice, and says why not', async () => {
    const { merchant, store } = await shop();
    const till = await personOf(house, merchant.id, 'till');
    const offer = await make.makeOffer(database.db, merchant.id, { headline: 'A coffee on us' });
    const code = newPrintableCode();
    await make.makeVoucher(database.db, merchant.id, offer.id, { code, storeId: store.id });
    const page = await till.get('/console/vouchers').expect(200);
    const attempt = /name="attempt" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const press = (typed: string, id = attempt) =>
      till.post('/console/vouchers/redeem', { code: typed, till: 'Till 2', attempt: id });
    const first = await press(code.toLowerCase()).expect(200);
    expect(first.text).toContain('Accepted: A coffee on us');
    expect(decodeURIComponent(String(first.headers['set-cookie']))).toContain('foyer_till=Till 2');
    expect(first.text).toContain('value="Till 2"');
    expect((await press(code).expect(200)).text).toContain('Accepted');
    const again = await press(code, '').expect(409);
    expect(again.text).toContain('Already redeemed');
    expect((await press(newPrintableCode(), '').expect(404)).text).toContain(
      'No voucher has this code',
    );
    const { rows } = await database.db.query('select till from redemptions where offer_id = $1', [
      offer.id,
    ]);
    expect(rows).toEqual([{ till: 'Till 2' }]);
  });

  test('a voucher of another store says so in words', async () => {
    const { merchant, store, owner } = await shop();
    const other = await make.makeStore(database.db, merchant.id);
    const offer = await make.makeOffer(database.db, merchant.id, { storeId: other.id });
    const code = newPrintableCode();
    await make.makeVoucher(database.db, merchant.id, offer.id, { code, storeId: other.id });
    const here = `/console/vouchers/redeem?store=${store.slug}`;
    const refused = await owner.post(here, { code, till: 'Till 2' });
    expect([refused.status, refused.text]).toEqual([
      409,
      expect.stringContaining('This voucher is for another store'),
    ]);
  });
});

describe('a guest', () => {
  test('who takes back their agreement at the till stands so in the ledger, once', async () => {
    const { merchant, owner } = await shop();
    const guest = await make.makeGuest(database.db, merchant.id);
    await make.makeConsent(database.db, merchant.id, guest.id);
    const url = `/console/guests/${guest.id}`;
    expect((await owner.get(url).expect(200)).text).toContain('Record withdrawal');
    await owner.post(`${url}/withdraw`).expect(303);
    await owner.post(`${url}/withdraw`).expect(303);
    const history = await database.db.tx((tx) => consentHistory(tx, merchant.id, guest.id, 10), {
      tenant: merchant.id,
    });
    expect(history.map((row) => [row.granted, row.source, row.text_version])).toEqual([
      [false, 'console', 'withdrawal'],
      [true, 'portal', '1'],
    ]);
    const page = await owner.get(url).expect(200);
    expect(page.text).toContain('Taken back: offers');
    expect(page.text).not.toContain('Record withdrawal');
    const till = await personOf(house, merchant.id, 'till');
    await till.post(`${url}/withdraw`).expect(403);
  });

  test('who wants no more offers gets none by any channel; what else was agreed to stands', async () => {
    const { merchant, owner } = await shop();
    const guest = await make.makeGuest(database.db, merchant.id, { language: 'ar' });
    for (const purpose of ['access', 'marketing-email', 'marketing-sms', 'analytics'] as const) {
      await make.makeConsent(database.db, merchant.id, guest.id, { purpose });
    }
    const url = `/console/guests/${guest.id}`;
    const before = await owner.get(url).expect(200);
    expect(before.text).toContain('offers by text message: yes');
    expect(before.text).toContain('العربية');
    await owner.post(`${url}/withdraw`).expect(303);
    const holds = await database.db.tx((tx) => currentConsents(tx, merchant.id, guest.id), {
      tenant: merchant.id,
    });
    const granted = holds.filter((row) => row.granted).map((row) => row.purpose);
    expect(granted.toSorted()).toEqual(['access', 'analytics']);
    expect((await owner.get(url)).text).not.toContain('Record withdrawal');
  });

  test('is erased only after their name was typed', async () => {
    const { merchant, owner } = await shop();
    const guest = await make.makeGuest(database.db, merchant.id, { name: 'Ada Byron' });
    const url = `/console/guests/${guest.id}/erase`;
    expect((await owner.post(url, { word: 'ada' }).expect(422)).text).toContain(
      'Nothing was deleted',
    );
    await owner.post(url, {}).expect(422);
    await owner.post(url, { word: 'Ada Byron' }).expect(303);
    await owner.get(`/console/guests/${guest.id}`).expect(404);
  });

  test('is found by part of name or number, and exported whole', async () => {
    const { merchant, owner } = await shop();
    const guest = await make.makeGuest(database.db, merchant.id, {
      name: 'Zoë',
      phone: '+4915112345678',
    });
    await make.makeGuest(database.db, merchant.id, { name: 'Tom' });
    const found = await owner.get('/console/guests?q=12345').expect(200);
    expect(found.text).toContain('Zoë');
    expect(found.text).not.toContain('Tom');
    const record = await owner.get(`/console/guests/${guest.id}/export`).expect(200);
    expect(record.headers['content-disposition']).toContain('attachment');
    expect(record.body.guest.phone).toBe('+4915112345678');
  });
});

describe('devices', () => {
  test('show their token and codes once; a new token ends the old one, revoking ends both', async () => {
    const { merchant, owner } = await shop();
    const made = await owner
      .post('/console/devices', { name: 'Anna’s phone', consent: 'yes' })
      .expect(200);
    const token = /fd_[\w-]{32}/.exec(made.text)?.[0] ?? '';
    expect(made.text.match(/data:image\/svg\+xml;base64,/g)).toHaveLength(4);
    const caller = await findDeviceByToken(database.db, token);
    expect(caller?.merchantId).toBe(merchant.id);
    expect((await owner.get('/console/devices')).text).not.toContain(token);
    const next = await owner.post(`/console/devices/${caller?.deviceId}/token`).expect(200);
    const newToken = /fd_[\w-]{32}/.exec(next.text)?.[0] ?? '';
    expect(await findDeviceByToken(database.db, token)).toBeNull();
    await owner.post(`/console/devices/${caller?.deviceId}/revoke`).expect(303);
    expect(await findDeviceByToken(database.db, newToken)).toBeNull();
    await owner.post('/console/devices', { name: ' ' }).expect(400);
  });
});

describe('access codes', () => {
  test('come in a batch that prints, and can be withdrawn', async () => {
    const { store, owner } = await shop();
    const terms = { count: 3, minutes: 90, uses: 1, days: 30 };
    const made = await owner.post('/console/codes', terms).expect(303);
    const sheet = await owner.get(String(made.headers['location'])).expect(200);
    const codes = [...sheet.text.matchAll(/code-large">([^<]+)</g)].map((match) => match[1] ?? '');
    expect(codes).toHaveLength(3);
    expect(codes.every((code) => parsePrintableCode(code) !== null)).toBe(true);
    const address = `http://foyer.test/p/${store.slug}?code=`;
    for (const code of codes) {
      const svg = await qrcode.toString(address + code, { type: 'svg', margin: 0 });
      expect(sheet.text).toContain(Buffer.from(svg).toString('base64'));
    }
    expect((await owner.get('/console/codes')).text).toContain('1 h 30 min');
    await owner.post('/console/codes/withdraw', { made: house.time.now }).expect(303);
    const { rows } = await database.db.query('select 1 from access_vouchers where store_id = $1', [
      store.id,
    ]);
    expect(rows).toHaveLength(0);
    for (const wrong of [{ count: 0 }, { count: 201 }, { minutes: 'x' }, { days: 9999 }]) {
      await owner.post('/console/codes', { ...terms, ...wrong }).expect(400);
    }
  });
});

describe('settings', () => {
  test('a store is opened with its own address', async () => {
    const { owner, store } = await shop();
    const form = {
      name: 'Second',
      slug: `second-${store.slug}`.slice(0, 60),
      timezone: 'Asia/Shanghai',
      country: 'cn',
    };
    await owner.post('/console/settings/new-store', { ...form, slug: store.slug }).expect(422);
    await owner.post('/console/settings/new-store', { ...form, lat: '31' }).expect(422);
    await owner
      .post('/console/settings/new-store', { ...form, lat: '31.2', lon: '121.5' })
      .expect(303);
    expect(await storeBySlug(database.db, form.slug)).toMatchObject({
      country: 'CN',
      timezone: 'Asia/Shanghai',
    });
  });

  test('people are added and disabled; the last owner stays; keys are shown once', async () => {
    const { owner } = await shop();
    const email = `ben-${owner.staffId.slice(-8)}@example.com`;
    const form = { name: 'Ben', email, role: 'till', password: 'lantern under quiet water' };
    await owner.post('/console/settings/people', { ...form, password: 'short' }).expect(422);
    await owner.post('/console/settings/people', { ...form, role: 'emperor' }).expect(422);
    await owner.post('/console/settings/people', form).expect(303);
    expect((await owner.post('/console/settings/people', form).expect(422)).text).toContain(
      'already signs in',
    );
    const last = await owner.post(`/console/settings/people/${owner.staffId}/disable`).expect(303);
    expect(last.headers['location']).toContain('last-owner');
    const made = await owner
      .post('/console/settings/keys', { name: 'CRM', scope: ['guests:read', 'made:up'] })
      .expect(200);
    const key = /fk_[0-9a-f]{10}_[\w-]{32}/.exec(made.text)?.[0] ?? 'none';
    expect(key).not.toBe('none');
    expect((await owner.get('/console/settings/keys')).text).not.toContain(key);
    await owner.post('/console/settings/keys', { name: 'CRM' }).expect(422);
  });
});

describe('small parts', () => {
  test.each([
    ['/console/guests?q=a', '/console/guests?q=a'],
    ['//evil.test/console', '/console'],
    ['https://evil.test/console', '/console'],
    ['/console/../../evil', '/console'],
    ['/console\\@evil.test', '/console/@evil.test'],
    ['/consoles', '/console'],
    ['/console/sign-out', '/console'],
    ['javascript:alert(1)', '/console'],
    ['', '/console'],
  ])('after signing in, %s leads to %s', (next, to) => {
    expect(localPath(next)).toBe(to);
  });

  test.each([
    ['2026-11-20', '2026-11-20'],
    ['2026-12-01', '2026-11-24'],
    ['yesterday', '2026-11-24'],
    ['1999-01-01', '2026-11-24'],
  ])('day %s is read as %s', (asked, day) => {
    expect(dayAsked(asked, '2026-11-24')).toBe(day);
  });

  test('first steps are ticked as they are taken', () => {
    expect(stepsOf(null).every((step) => !step.done)).toBe(true);
  });

  test('charts: quiet hours fall away, the ceiling is round, the running hour is marked', () => {
    const hours = Array.from({ length: 24 }, (_, hour) => ({
      hour,
      now: hour === 12 ? 7 : 0,
      before: hour === 20 ? 3 : 0,
    }));
    const chart = hourChart(hours, 12);
    expect([chart.bars[0]?.hour, chart.bars.at(-1)?.hour]).toEqual([9, 21]);
    expect(chart.rules.map((rule) => rule.value)).toEqual([0, 4, 8]);
    const night = hourChart(
      hours.map((one) => ({ ...one, now: one.hour === 2 ? 1 : one.now })),
      12,
    );
    expect(night.bars.map((bar) => bar.hour)).toEqual(hours.map((one) => one.hour));
    expect(chart.bars.filter((bar) => bar.open).map((bar) => bar.hour)).toEqual([12]);
    expect([1, 3, 9, 11, 17, 130].map(niceCeiling)).toEqual([2, 4, 10, 12, 20, 160]);
    expect(curve([0, 0])).toBeNull();
    expect(curve([1, null, 2])?.line).toBe('0,16.5 100,3');
    expect([change(3, 2), change(3, 0), change(null, 2)]).toEqual([0.5, null, null]);
  });

  test.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
      'Chrome · Linux',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140',
      'Edge · Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1',
      'Safari · iPhone',
    ],
    ['curl/8.5', 'curl/8.5'],
    ['', '–'],
  ])('%j is read as %s', (userAgent, name) => {
    expect(browserOf(userAgent)).toBe(name);
  });

  test.each([
    ['en', 45, '45 s'],
    ['en', 754, '13 min'],
    ['en', 3900, '1 h 05 min'],
    ['en', 200_000, '2 d 7 h'],
    ['zh-CN', 3900, '1 小时 05 分钟'],
  ] as const)('%s: %d s is %s', (language, seconds, text) => {
    expect(formatFor(language, 'UTC').duration(seconds)).toBe(text);
  });

  test.each([
    ['Tea or coffee?', 'tea-or-coffee'],
    ['Was möchten Sie?', 'was-mo-chten-sie'],
    ['今天想喝什么', 'question'],
    ['2nd visit', 'nd-visit'],
  ])('key of %s is %s', (words, key) => {
    expect(keyFrom(words, 'question')).toBe(key);
  });
});
