/** Ways in, limits, hours and providers on the console, with what a country's law refuses. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { storeById } from '../../server/stores/queries.ts';
import { readSettings } from '../../server/stores/settings.ts';
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

async function shop(over: object = {}) {
  const merchant = await make.makeMerchant(database.db);
  const store = await make.makeStore(database.db, merchant.id, over);
  const owner = await personOf(house, merchant.id);
  const settings = async () => {
    const row = await storeById(database.db, merchant.id, store.id);
    return readSettings(row?.settings);
  };
  return { merchant, store, owner, settings };
}

const url = '/console/settings/ways';
const form = {
  'order-click-through': '1',
  graceMinutes: '5',
  gracePerDay: '3',
  rememberDays: '30',
  minutes: '60',
  idleMinutes: '0',
  downKbps: '0',
  upKbps: '0',
  downQuotaKB: '0',
  upQuotaKB: '0',
  opening: 'always',
  defaultLanguage: 'en',
  language: ['en', 'zh-CN'],
  perDay: '200',
  countries: '',
  landingHosts: '',
  venueUrl: '',
};

describe('ways in', () => {
  test.each([
    ['CN', false],
    ['GB', true],
  ])(
    'in %s the minutes to fetch a code are asked only where they are given',
    async (country, asked) => {
      const { store, owner } = await shop({ country });
      const page = await owner.get(`${url}?store=${store.id}`).expect(200);
      expect(page.text.includes('<input type="hidden" name="graceMinutes" value="5">')).toBe(
        !asked,
      );
      expect(page.text.includes('id="graceMinutes"')).toBe(asked);
      expect(page.text.includes('lets nobody online before')).toBe(!asked);
    },
  );

  test('all seven in the order of their places, and everything else of the page', async () => {
    const { store, owner, settings } = await shop({ country: 'GB' });
    const order = { 'order-click-through': '', 'order-staff': '1', 'order-voucher': '2' };
    const more = { 'order-member-card': '3', 'order-oidc': '7', 'order-sms-code': '3' };
    await owner
      .post(url, {
        id: store.id,
        ...form,
        ...order,
        ...more,
        graceMinutes: '0',
        countries: 'gb fr',
        landingHosts: 'www.example.com\nexample.org',
        venueUrl: 'https://www.example.com/shop',
      })
      .expect(303);
    expect(await settings()).toMatchObject({
      methods: ['staff', 'voucher', 'sms-code', 'member-card', 'oidc'],
      policy: { graceMinutes: 0, gracePerDay: 3, rememberDays: 30 },
      session: { minutes: 60, idleMinutes: 0, downKbps: 0 },
      languages: ['en', 'zh-CN'],
      sms: { perDay: 200 },
      countries: ['GB', 'FR'],
      landingHosts: ['www.example.com', 'example.org'],
      venueUrl: 'https://www.example.com/shop',
      hours: null,
    });
    const page = await owner.get(url).expect(200);
    const shown = [...page.text.matchAll(/<label for="order-([a-z-]+)"/g)].map((found) => found[1]);
    expect(shown.slice(0, 5)).toEqual(['staff', 'voucher', 'sms-code', 'member-card', 'oidc']);
    expect(shown).toHaveLength(7);
  });

  test('hours as people write them, past midnight too', async () => {
    const { store, owner, settings } = await shop();
    const days = { 'day-mon': '9–12:30, 14:00-18:00', 'day-fri': '20:00–2:00', 'day-sat': '10–24' };
    await owner.post(url, { id: store.id, ...form, opening: 'hours', ...days }).expect(303);
    expect((await settings()).hours).toEqual({
      mon: [
        { from: '09:00', to: '12:30' },
        { from: '14:00', to: '18:00' },
      ],
      tue: [],
      wed: [],
      thu: [],
      fri: [{ from: '20:00', to: '02:00' }],
      sat: [{ from: '10:00', to: '24:00' }],
      sun: [],
    });
    expect((await owner.get(url)).text).toContain('value="09:00–12:30, 14:00–18:00"');
    await owner.post(url, { id: store.id, ...form, ...days }).expect(303);
    expect((await settings()).hours).toBeNull();
  });

  test.each([
    [{ 'order-click-through': '' }, 'Leave at least one way on'],
    [{ 'order-click-through': '9' }, 'Leave at least one way on'],
    [{ minutes: '1' }, '5 to 10,080 whole minutes'],
    [{ minutes: '' }, '5 to 10,080 whole minutes'],
    [{ idleMinutes: '4' }, '0, or 5 to 1,440 whole minutes'],
    [{ downKbps: '-1' }, 'A whole number; 0 for none'],
    [{ graceMinutes: '16' }, '0 to 15 whole minutes'],
    [{ gracePerDay: '0' }, '1 to 10 times'],
    [{ opening: 'hours', 'day-mon': 'mornings' }, 'Write times like 9:00–18:00'],
    [{ opening: 'hours', 'day-mon': '9–9' }, 'Write times like 9:00–18:00'],
    [{ language: [] }, 'Leave at least one language'],
    [{ defaultLanguage: 'tlh' }, 'Choose one of the languages'],
    [{ perDay: '1001' }, '1 to 1,000 texts a day'],
    [{ countries: 'Germany' }, 'Two letters each'],
    [{ landingHosts: 'https://x.com/y' }, 'One host name a line'],
    [{ venueUrl: 'ftp://x' }, 'A whole address'],
  ])('%j is refused at its field, everything typed kept', async (fields, words) => {
    const { store, owner, settings } = await shop();
    const before = await settings();
    const typed = { id: store.id, ...form, rememberDays: '77', ...fields };
    const refused = await owner.post(url, typed).expect(422);
    expect(refused.text).toContain(words);
    expect(refused.text).toContain('value="77"');
    expect(await settings()).toEqual(before);
  });

  test('in China a way that names nobody is refused in words, in either language', async () => {
    const { store, owner } = await shop({ country: 'CN', settings: { methods: ['sms-code'] } });
    const typed = { id: store.id, ...form };
    const refused = await owner.post(url, typed).expect(422);
    expect(refused.text).toContain('every guest must be named');
    expect(refused.text).toContain('Code by SMS, Member card, Account elsewhere');
    const chinese = await owner.post(`${url}?lang=zh-CN`, typed).expect(422);
    expect(chinese.text).toContain('要求实名上网');
    expect((await owner.get(`${url}?lang=zh-CN`)).text).toContain('不能确认实名');
  });

  test('a store cannot move to a country whose law its settings break', async () => {
    const { store, owner } = await shop({
      country: 'GB',
      settings: { methods: ['click-through'] },
    });
    const moved = { id: store.id, name: 'Shop', timezone: 'Asia/Shanghai', country: 'CN' };
    const refused = await owner.post('/console/settings', moved).expect(422);
    expect(refused.text).toContain('every guest must be named');
    expect((await storeBySlug(database.db, store.slug))?.country).toBe('GB');
  });
});

describe('providers', () => {
  const providers = '/console/settings/providers';
  const one = {
    name: 'Harbour Club',
    issuer: 'https://accounts.example.com',
    clientId: 'foyer',
    clientSecret: 'first secret',
    scopes: 'openid email',
  };

  test('are added, changed without their secret, and removed with the way that needs them', async () => {
    const { store, owner, settings } = await shop({
      settings: { methods: ['oidc', 'click-through'] },
    });
    await owner.post(providers, { id: store.id, ...one }).expect(303);
    await owner.post(providers, { id: store.id, ...one }).expect(303);
    expect((await settings()).oidc.map(({ id }) => id)).toEqual(['harbour-club', 'harbour-club-2']);
    const list = await owner.get(providers).expect(200);
    expect(list.text).toContain(`http://foyer.test/p/${store.slug}/oidc`);
    const page = await owner.get(`${providers}/harbour-club`).expect(200);
    for (const { text } of [list, page]) expect(text).not.toContain('first secret');
    const change = { id: store.id, ...one, name: 'Club', clientSecret: '', realName: 'yes' };
    await owner.post(`${providers}/harbour-club`, change).expect(303);
    expect((await settings()).oidc[0]).toMatchObject({
      id: 'harbour-club',
      name: 'Club',
      clientSecret: 'first secret',
      realName: true,
    });
    // A provider that moved must bring its own secret: ours is not sent to somebody else.
    const away = { ...change, issuer: 'https://elsewhere.example' };
    const refused = await owner.post(`${providers}/harbour-club`, away).expect(422);
    expect(refused.text).toContain('needs its client secret');
    await owner.post(`${providers}/harbour-club/remove`, { id: store.id, word: 'x' }).expect(303);
    expect((await settings()).oidc).toHaveLength(2);
    for (const [key, word] of [
      ['harbour-club', 'Club'],
      ['harbour-club-2', 'Harbour Club'],
    ]) {
      await owner.post(`${providers}/${key}/remove`, { id: store.id, word }).expect(303);
    }
    expect(await settings()).toMatchObject({ oidc: [], methods: ['click-through'] });
    await owner.get(`${providers}/harbour-club`).expect(404);
  });

  test.each([
    [{ name: '' }, '1 to 40 characters'],
    [{ issuer: 'http://accounts.example.com' }, 'An https address'],
    [{ issuer: 'nonsense' }, 'An https address'],
    [{ clientId: '' }, 'As the provider gave it'],
    [{ clientSecret: '' }, 'needs its client secret'],
    [{ scopes: 'bad"scope' }, 'At most ten scopes'],
  ])('%j is refused at its field', async (fields, words) => {
    const { store, owner, settings } = await shop();
    const refused = await owner.post(providers, { id: store.id, ...one, ...fields }).expect(422);
    expect(refused.text).toContain(words);
    expect(refused.text).not.toContain('first secret');
    expect((await settings()).oidc).toEqual([]);
  });
});
