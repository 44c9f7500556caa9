/** Country packs: what each sets and forbids, and that access never hangs on anything but the terms. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { recordConsents } from '../../server/consents/record.ts';
import { checkSettings, lawOf, newProblems } from '../../server/stores/law.ts';
import { keepClasses, packFor, packOf, packs, quietHours } from '../../server/stores/packs.ts';
import type { PackName } from '../../server/stores/packs.ts';
import { storeRoutes } from '../../server/stores/routes.ts';
import { settingsChange } from '../../server/stores/schema.ts';
import { applyChange, defaultSettings, readSettings } from '../../server/stores/settings.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import { defaultWordings, purposes } from '../../server/stores/wordings.ts';
import { languages } from '../../server/stores/words.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import { NOON, makeGuest, makeMerchant, makeStore } from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let database: TestDatabase;
let app: ReturnType<typeof routesApp>;
beforeAll(async () => {
  database = await testDatabase();
  app = routesApp(storeRoutes({ db: database.db, clock: () => NOON }));
});
afterAll(() => database.release());

const COUNTRY: Record<PackName, string> = { generic: 'BR', eu: 'DE', us: 'US', cn: 'CN' };
const changed = (country: string, change: object) =>
  applyChange(defaultSettings(country), settingsChange.parse(change));
const paths = (country: string, change: object) =>
  checkSettings(changed(country, change), country).map(({ path }) => path);

describe('a pack', () => {
  test.each([
    ['CN', 'cn'],
    ['DE', 'eu'],
    ['GB', 'eu'],
    ['CH', 'eu'],
    ['US', 'us'],
    ['PR', 'us'],
    ['BR', 'generic'],
    ['HK', 'generic'],
    ['', 'generic'],
  ])('of %s is %s', (country, pack) => {
    expect(packFor(country)).toBe(pack);
  });

  test.each(packs)('%s allows what it starts with', (name) => {
    expect(checkSettings(defaultSettings(COUNTRY[name]), COUNTRY[name])).toEqual([]);
    const { keep } = packOf(name);
    for (const kind of keepClasses) {
      expect(keep[kind].usual).toBeGreaterThanOrEqual(keep[kind].least);
      expect(keep[kind].usual).toBeLessThanOrEqual(keep[kind].most);
    }
  });

  test.each([
    ['CN', { methods: ['click-through'] }, ['methods']],
    ['CN', { methods: ['sms-code', 'voucher', 'staff'] }, ['methods', 'methods']],
    ['CN', { methods: ['email-code'] }, ['methods']],
    ['CN', { methods: ['sms-code', 'member-card'] }, []],
    ['CN', { retention: { sessionsDays: 179 } }, ['retention.sessionsDays']],
    ['CN', { retention: { sessionsDays: 180 } }, []],
    ['CN', { ageGate: null }, ['ageGate']],
    ['CN', { ageGate: 13 }, ['ageGate']],
    ['CN', { ageGate: 14 }, []],
    ['CN', { pack: 'generic', methods: ['click-through'] }, ['pack']],
    ['DE', { ageGate: 12 }, ['ageGate']],
    ['DE', { ageGate: 13 }, []],
    ['DE', { ageGate: 17 }, ['ageGate']],
    ['DE', { retention: { guestsDays: 3000 } }, ['retention.guestsDays']],
    ['DE', { pack: 'us' }, ['pack']],
    ['US', { pack: 'generic' }, ['pack']],
    ['BR', { pack: 'eu' }, []],
    ['BR', { retention: { messagesDays: 8 } }, ['retention.messagesDays']],
  ])('in %s with %j finds %j', (country, change, found) => {
    expect(paths(country, change)).toEqual(found);
  });

  test('real names come before the first minute online: no short time to read the code', async () => {
    const merchant = await makeMerchant(database.db);
    for (const [country, minutes] of [
      ['CN', 0],
      ['DE', 5],
    ] as const) {
      const row = await makeStore(database.db, merchant.id, { country });
      const view = await storeBySlug(database.db, row.slug);
      expect(view?.policy.graceMinutes).toBe(minutes);
    }
  });

  test('real names by a provider only when it vouches for them', () => {
    const provider = (realName: boolean) => ({
      id: 'club',
      name: 'Club',
      issuer: 'https://id.example',
      clientId: 'c',
      clientSecret: 's',
      realName,
    });
    const methods = ['sms-code', 'oidc'];
    expect(paths('CN', { methods, oidc: [provider(false)] })).toEqual(['methods']);
    expect(paths('CN', { methods, oidc: [provider(true)] })).toEqual([]);
  });

  test('a row that was unlawful before can still be mended step by step', () => {
    const old = readSettings({ methods: ['click-through'] });
    const before = { settings: old, country: 'CN' };
    const accent = applyChange(old, { accent: '#123456' });
    expect(newProblems(before, { settings: accent, country: 'CN' })).toEqual([]);
    const worse = applyChange(old, { methods: ['click-through', 'voucher'] });
    expect(newProblems(before, { settings: worse, country: 'CN' })).toMatchObject([
      { path: 'methods' },
    ]);
  });

  test.each([
    ['us', 'sms', { from: '21:00', to: '08:00' }],
    ['us', 'email', { from: '21:00', to: '08:00' }],
    ['us', 'page', null],
    ['us', 'socket', null],
    ['eu', 'sms', null],
  ] as const)('%s is quiet by %s: %j', (pack, channel, hours) => {
    expect(quietHours(pack, channel)).toEqual(hours);
  });
});

describe('standard words', () => {
  test('stand for every purpose in every language', () => {
    expect(defaultWordings.map((one) => one.purpose)).toEqual([...purposes]);
    for (const { text } of defaultWordings) {
      for (const language of languages) expect(text[language]?.length).toBeGreaterThan(15);
    }
  });

  test.each(packs)('of %s: only what is asked reaches the page, the terms first', async (name) => {
    const merchant = await makeMerchant(database.db);
    const { slug } = await makeStore(database.db, merchant.id, { country: COUNTRY[name] });
    const view = await storeBySlug(database.db, slug);
    const law = lawOf(readSettings({}), COUNTRY[name]);
    expect(view?.wordings.map((one) => one.purpose)).toEqual(law.purposes);
    expect(view?.wordings[0]?.purpose).toBe('access');
    expect(law.purposes).toEqual(
      name === 'eu' || name === 'cn'
        ? ['access', 'marketing', 'analytics', 'profiling']
        : ['access', 'marketing'],
    );
    expect(view?.ageGate).toBe({ generic: undefined, us: undefined, eu: 16, cn: 14 }[name]);
  });

  test('the store’s own choice of what is asked holds', async () => {
    const merchant = await makeMerchant(database.db);
    const settings = changed('DE', { purposes: ['marketing-sms'] });
    const { slug } = await makeStore(database.db, merchant.id, { country: 'DE', settings });
    const view = await storeBySlug(database.db, slug);
    expect(view?.wordings.map((one) => one.purpose)).toEqual(['access', 'marketing-sms']);
  });
});

describe('access', () => {
  const admit = async (name: PackName, granted: boolean | null) => {
    const merchant = await makeMerchant(database.db);
    const { slug } = await makeStore(database.db, merchant.id, {
      country: COUNTRY[name],
      settings: { purposes: purposes.filter((one) => one !== 'access') },
    });
    const store = (await storeBySlug(database.db, slug))!;
    const guest = await makeGuest(database.db, merchant.id, { email: `${slug}@guests.example` });
    const consents = store.wordings
      .filter(({ purpose }) => purpose === 'access' || granted !== null)
      .map(({ purpose, version }) => ({
        purpose,
        version,
        granted: purpose === 'access' || granted === true,
        language: 'en' as const,
      }));
    return database.db.tx(
      (tx) =>
        recordConsents(
          tx,
          {
            store,
            guestId: guest.id,
            consents,
            age: 'over',
            language: 'en',
            source: 'portal',
            publicUrl: 'https://wifi.example',
          },
          NOON,
        ),
      { tenant: merchant.id },
    );
  };

  test.each(packs)('under %s depends on the terms alone', async (name) => {
    const optional = purposes.filter((one) => one !== 'access');
    expect(await admit(name, null)).toMatchObject({ granted: ['access'], refused: [] });
    expect(await admit(name, false)).toMatchObject({ granted: ['access'], refused: optional });
    const all = await admit(name, true);
    const mailed = name === 'eu' ? ['marketing-email'] : [];
    expect(all).toMatchObject({ awaiting: mailed, failed: [], refused: [] });
    expect(all.granted).toEqual(['access', ...optional.filter((one) => !mailed.includes(one))]);
  });
});

describe('over the API', () => {
  const body = { name: 'Shop', timezone: 'Asia/Shanghai', country: 'CN' };
  let count = 0;
  const open = async (more: object = {}, country = 'CN') => {
    const merchant = await makeMerchant(database.db);
    const me = (call: request.Test): request.Test => call.set('x-merchant', merchant.id);
    count += 1;
    const made = me(request(app).post('/v1/stores'));
    const sent = await made.send({ ...body, country, slug: `packs-${count}`, ...more });
    return { me, sent };
  };

  test('a store in China starts with a way in that names people', async () => {
    const { sent } = await open();
    expect(sent.status).toBe(201);
    expect(sent.body.settings).toMatchObject({
      methods: ['sms-code'],
      law: { pack: 'cn', ageGate: 14, retention: { sessionsDays: 180 } },
    });
  });

  test('what the law forbids is refused part by part', async () => {
    const { sent } = await open({
      settings: { methods: ['click-through'], retention: { sessionsDays: 30 } },
    });
    expect(sent.status).toBe(400);
    expect(sent.headers['content-type']).toContain('application/problem+json');
    const found = (sent.body.errors as { path: string }[]).map((one) => one.path);
    expect(found).toEqual(['settings.methods', 'settings.retention.sessionsDays']);
  });

  test('moving a store to another country is checked too', async () => {
    const { me, sent } = await open({}, 'BR');
    const path = `/v1/stores/${sent.body.id}`;
    await me(request(app).patch(path)).send({ country: 'CN' }).expect(400);
    await me(request(app).patch(path))
      .send({ country: 'CN', settings: { methods: ['sms-code'] } })
      .expect(200);
  });
});
