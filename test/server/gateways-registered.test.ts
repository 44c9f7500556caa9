/** Registering gateways of every kind over the API: what each needs, what is made for it, what is never shown. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { isBlock } from '../../server/stores/gateway-schema.ts';
import { storeRoutes } from '../../server/stores/routes.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import { NOON, makeMerchant, makeStore } from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let database: TestDatabase;
let app: ReturnType<typeof routesApp>;
let merchant: Awaited<ReturnType<typeof makeMerchant>>;
let store: Awaited<ReturnType<typeof makeStore>>;
beforeAll(async () => {
  database = await testDatabase();
  app = routesApp(storeRoutes({ db: database.db, clock: () => NOON }));
  merchant = await makeMerchant(database.db);
  store = await makeStore(database.db, merchant.id);
});
afterAll(() => database.release());

const as = (call: request.Test) => call.set('x-merchant', merchant.id);
const register = (body: object) =>
  as(request(app).post(`/v1/stores/${store.id}/gateways`)).send(body);
const kept = async (id: string) =>
  (await storeBySlug(database.db, store.slug))?.gateways.find((gateway) => gateway.id === id);

const unifi = {
  url: 'https://192.168.1.2:8443',
  api: 'legacy',
  site: 'default',
  username: 'hotspot',
  password: 'a-password-of-the-controller',
};
const portal2 = { host: '10.0.0.1' };

describe('a gateway', () => {
  test.each([
    ['opennds', {}, { level: 3 }, null],
    ['opennds', { level: 0 }, { level: 0 }, null],
    ['wifidog', { sources: ['203.0.113.0/24'] }, { sources: ['203.0.113.0/24'] }, null],
    ['apfree', {}, { sources: [] }, null],
    ['coova', {}, { login: 'chap' }, { profile: 'coova', messageAuthenticator: 'require' }],
    [
      'mikrotik',
      { login: 'pap', hosts: ['wifi.example'], radius: { sources: ['10.1.0.0/16'] } },
      { login: 'pap', hosts: ['wifi.example'] },
      { profile: 'mikrotik', sources: ['10.1.0.0/16'], interimSeconds: 300 },
    ],
    ['unifi', { unifi }, { unifi: expect.objectContaining({ hasPassword: true }) }, null],
    ['meraki', {}, { hosts: [] }, null],
    [
      'portal2',
      { portal2 },
      { portal2: expect.objectContaining({ port: 2000, version: 2 }) },
      { profile: 'huawei' },
    ],
    [
      'radius',
      { radius: { coa: { host: '10.0.0.9' } } },
      {},
      { coa: { host: '10.0.0.9', port: 3799 } },
    ],
  ])('of kind %s, asked as %j', async (kind, asked, shown, radius) => {
    const name = `gw-${kind}-${JSON.stringify(asked).length}`;
    const made = await register({ kind, name, ...asked }).expect(201);
    expect(made.body).toMatchObject({ kind, name, ...shown });
    if (radius === null) expect(made.body.radius).toBeNull();
    else expect(made.body.radius).toMatchObject(radius);
    const row = await kept(made.body.id);
    expect(row?.secret ?? null).toBe(made.body.secret);
    expect(row?.radius?.secret ?? null).toBe(made.body.radiusSecret);
    if (radius !== null) expect(made.body.radiusSecret).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each([
    ['a UniFi one without its controller', { kind: 'unifi' }, 'unifi'],
    ['a Portal 2.0 one without its controller', { kind: 'portal2' }, 'portal2'],
    ['a part of another kind', { kind: 'meraki', level: 3 }, 'level'],
    ['RADIUS at a gateway without', { kind: 'opennds', radius: {} }, 'radius'],
    [
      'a source that is no address',
      { kind: 'radius', radius: { sources: ['10.0.0.0/33'] } },
      'radius.sources.0',
    ],
    ['a short secret', { kind: 'radius', radius: { secret: 'short' } }, 'radius.secret'],
    [
      'a controller in the clear',
      { kind: 'unifi', unifi: { ...unifi, url: 'http://10.0.0.2' } },
      'unifi.url',
    ],
    [
      'a controller with a path',
      { kind: 'unifi', unifi: { ...unifi, url: 'https://10.0.0.2/x' } },
      'unifi.url',
    ],
    [
      'a fingerprint cut short',
      { kind: 'unifi', unifi: { ...unifi, fingerprint: 'ab:cd' } },
      'unifi.fingerprint',
    ],
    [
      'an AC without an address',
      { kind: 'portal2', portal2: { host: 'ac.example' } },
      'portal2.host',
    ],
  ])('is refused: %s', async (_what, body, path) => {
    const answer = await register({ name: 'refused', ...body }).expect(400);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContainEqual(
      expect.stringContaining(path),
    );
  });

  test('never shows its secrets again, and keeps them when other things change', async () => {
    const made = await register({ kind: 'unifi', name: 'quiet', unifi }).expect(201);
    const { id } = made.body as { id: string };
    const changed = await as(request(app).patch(`/v1/gateways/${id}`))
      .send({ unifi: { url: 'https://192.168.1.3:8443', api: 'legacy', site: 'default' } })
      .expect(200);
    const list = await as(request(app).get(`/v1/stores/${store.id}/gateways`)).expect(200);
    for (const text of [made.text, changed.text, list.text]) {
      expect(text).not.toContain(unifi.password);
    }
    expect((await kept(id))?.unifi).toMatchObject({
      url: 'https://192.168.1.3:8443',
      password: unifi.password,
    });
  });

  test('of RADIUS: null takes a part away, and a new secret forgets what was learnt', async () => {
    const asked = {
      messageAuthenticator: 'learn',
      coa: { host: '10.0.0.9' },
      macAuth: { password: 'fixed', fixed: 'a word' },
    };
    const made = await register({ kind: 'radius', name: 'nas', radius: asked }).expect(201);
    const { id } = made.body as { id: string };
    expect(made.text).not.toContain('a word');
    await database.db.query(
      `update gateways set settings = jsonb_set(settings, '{radius,learnt}', 'true') where id = $1`,
      [id],
    );
    const change = (radius: object) =>
      as(request(app).patch(`/v1/gateways/${id}`))
        .send({ radius })
        .expect(200);
    expect((await change({ coa: null })).body.radius).toMatchObject({
      coa: null,
      learnt: true,
      macAuth: 'fixed',
    });
    const renewed = await change({ secret: 'another-secret-of-it', macAuth: null });
    expect(renewed.body.radius).toMatchObject({ learnt: false, macAuth: null });
    expect((await kept(id))?.radius?.secret).toBe('another-secret-of-it');
  });
});

test.each([
  ['10.0.0.0/8', true],
  ['10.0.0.1', true],
  ['2001:db8::/32', true],
  ['2001:db8::/129', false],
  ['10.0.0.0/33', false],
  ['10.0.0.0/', false],
  ['10.0.0/8', false],
  ['10.0.0.0/8/8', false],
  ['', false],
])('a block %s: %s', (text, is) => {
  expect(isBlock(text)).toBe(is);
});
