/** The address for RFC 8908 that a lease hook asks for is the one under which the client is known. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import request from 'supertest';
import { createDesk } from '../../server/guests/desk.ts';
import { capportRoutes } from '../../server/guests/capport-routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeMerchant, makeStore } from '../support/make.ts';
import { routesApp, silentLog } from '../support/routes-app.ts';

let held: TestDatabase;
const secret = randomBytes(48);
const publicUrl = 'https://wifi.example';

beforeAll(async () => {
  held = await testDatabase();
});
afterAll(() => held.release());

async function shop() {
  const merchantId = (await makeMerchant(held.db)).id;
  return { merchantId, store: await makeStore(held.db, merchantId) };
}

const ask = (merchantId: string, storeId: string, body: object) =>
  request(routesApp(capportRoutes({ db: held.db, secret, publicUrl })))
    .post(`/v1/stores/${storeId}/capport`)
    .set('x-merchant', merchantId)
    .send(body);

test('is the desk’s own key, however the address is written', async () => {
  const { merchantId, store } = await shop();
  const desk = createDesk({
    db: held.db,
    clock: () => NOON,
    log: silentLog,
    secret,
    storeBySlug: () => Promise.resolve(null),
    limits: () => Promise.reject(new Error('nobody is let in here')),
    offersDue: () => Promise.resolve([]),
    markShown: () => Promise.resolve(),
    waitForOffer: () => Promise.resolve(),
  });
  const key = desk.clientKey({ id: store.id }, '02:aa:00:00:00:01');
  for (const mac of ['02:aa:00:00:00:01', '02-AA-00-00-00-01']) {
    const reply = await ask(merchantId, store.id, { mac }).expect(200);
    expect(reply.body).toEqual({ url: `${publicUrl}/capport/${store.slug}/${key}` });
  }
});

test('another merchant’s store is not there, and what is no hardware address is refused', async () => {
  const [mine, theirs] = [await shop(), await shop()];
  const mac = '02:aa:00:00:00:01';
  await ask(mine.merchantId, theirs.store.id, { mac }).expect(404);
  for (const wrong of ['', 'gg:aa:00:00:00:01', '02aa00000001', `${mac}:05`]) {
    await ask(mine.merchantId, mine.store.id, { mac: wrong }).expect(400);
  }
});
