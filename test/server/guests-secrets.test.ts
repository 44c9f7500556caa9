/** Secrets in settings: never in clear in storage, whole in every feature's hands. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { sealSettings } from '../../server/compose/sealed.ts';
import type { Database } from '../../server/db/database.ts';
import {
  changeGateway,
  changeStore,
  createGateway,
  createStore,
} from '../../server/stores/change.ts';
import { gatewayById, keepAgain } from '../../server/stores/queries.ts';
import { createVault } from '../../server/stores/secrets.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeGateway, makeMerchant, makeStore } from '../support/make.ts';

const SECRET = randomBytes(48);
const CLEAR = 'faskeyfaskeyfaskey01';

let held: TestDatabase;
let db: Database;
let merchantId: string;
const clock = () => Date.parse('2026-11-17T12:00:00Z');

beforeAll(async () => {
  held = await testDatabase();
  db = sealSettings(held.db, createVault(SECRET));
  merchantId = (await makeMerchant(held.db)).id;
});
afterAll(() => held.release());

/** Everything that storage holds of the merchant's settings. */
async function stored(): Promise<string> {
  const { rows } = await held.db.query<{ text: string }>(
    `select settings::text as text from gateways where merchant_id = $1
     union all select settings::text from stores where merchant_id = $1`,
    [merchantId],
  );
  return rows.map(({ text }) => text).join('\n');
}

test('what is saved is sealed, what is read is whole', async () => {
  const deps = { db, clock };
  const oidc = {
    id: 'corp',
    name: 'Corp',
    issuer: 'https://id.example',
    clientId: 'foyer',
    clientSecret: 'oidc secret in clear',
    scopes: ['openid'],
    realName: false,
  };
  const store = { slug: 'sealed-shop', name: 'Shop', timezone: 'UTC', country: 'DE' };
  const id = await createStore(deps, merchantId, { ...store, settings: { oidc: [oidc] } });
  const gateway = { kind: 'opennds' as const, name: 'front', secret: CLEAR };
  const gatewayId = await createGateway(deps, merchantId, id, gateway);
  const view = await storeBySlug(db, 'sealed-shop');
  expect(view?.gateways[0]?.secret).toBe(CLEAR);
  expect(view?.oidc[0]?.clientSecret).toBe('oidc secret in clear');
  expect(await stored()).not.toContain(CLEAR);
  expect(await stored()).not.toContain('in clear');

  await changeGateway(deps, merchantId, gatewayId, { name: 'back' });
  await changeStore(deps, merchantId, id, { name: 'Shop two' });
  expect((await storeBySlug(db, 'sealed-shop'))?.gateways[0]).toMatchObject({
    name: 'back',
    secret: CLEAR,
  });
  expect(await stored()).not.toContain(CLEAR);
});

test('secrets that an older release kept in clear are read, and sealed by the job', async () => {
  const store = await makeStore(held.db, merchantId);
  const radius = {
    secret: 'radius-in-clear-0001',
    macAuth: { password: 'fixed', fixed: 'f-in-clear' },
  };
  const unifi = {
    url: 'https://c.example',
    password: 'u-in-clear',
    apiKey: 'k-in-clear',
    site: 's',
  };
  const { id } = await makeGateway(held.db, merchantId, store.id, {
    settings: { secret: CLEAR, radius, unifi },
  });
  const read = () => db.tx((tx) => gatewayById(tx, merchantId, id), { tenant: merchantId });
  const before = await read();
  expect(before?.settings).toEqual({ secret: CLEAR, radius, unifi });
  expect(await stored()).toContain('in-clear');
  await keepAgain(db, 'gateways');
  expect(await stored()).not.toContain('in-clear');
  expect(await read()).toEqual(before);
  expect(await keepAgain(db, 'gateways')).toBe(0);
});

describe('the vault', () => {
  const vault = createVault(SECRET);
  const settings = { name: 'plain', deep: [{ password: 'p', other: 'o' }], secret: '' };

  test('seals by name, differently each time, and opens what it sealed', () => {
    const [one, two] = [vault.close(settings), vault.close(settings)];
    expect(one).not.toEqual(two);
    expect(one).toMatchObject({ name: 'plain', deep: [{ other: 'o' }] });
    expect(vault.open(one)).toEqual(settings);
  });

  test('a secret that looks sealed is still only a secret', () => {
    const sly = { secret: 'sealed:AAAA' };
    expect(vault.open(vault.close(sly))).toEqual(sly);
  });

  test.each([
    ['another installation', () => createVault(randomBytes(48)).close({ secret: CLEAR })],
    ['rubbish', () => ({ secret: 'sealed:rubbish' })],
  ])('what %s left opens to something nobody knows', (_name, make) => {
    const { secret } = vault.open(make()) as { secret: string };
    expect(secret).toMatch(/^lost_[\w-]{32}$/);
    expect((createVault(SECRET).open(make()) as { secret: string }).secret).not.toBe(secret);
  });
});
