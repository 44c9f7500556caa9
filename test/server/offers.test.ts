/** Offers over HTTP, voucher codes, what is due to whom, and the figures. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { CODE_LENGTH, formatCode, newCode, parseCode } from '../../server/offers/code.ts';
import { markShown, offersDue } from '../../server/offers/vouchers/queries.ts';
import type { Holder } from '../../server/offers/vouchers/queries.ts';
import { offerRoutes } from '../../server/offers/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeDecision,
  makeDevice,
  makeGuest,
  makeMerchant,
  makeOffer,
  makeRedemption,
  makeRule,
  makeStore,
  makeVoucher,
} from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let held: TestDatabase;
let db: Database;
let app: Express;
let merchantId: string;
let stranger: string;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  app = routesApp(offerRoutes({ db, clock: () => NOON }));
  merchantId = (await makeMerchant(db)).id;
  stranger = (await makeMerchant(db)).id;
});
afterAll(() => held.release());

const ask = (method: 'get' | 'post' | 'patch' | 'delete', path: string, who = merchantId) =>
  supertest(app)[method](path).set('x-merchant', who);
const offer = { name: 'Coffee', headline: 'A coffee on us' };

describe('codes', () => {
  test('are ten characters, parse back, and are not guessable from one another', () => {
    const codes = new Set(Array.from({ length: 2000 }, () => newCode()));
    expect(codes.size).toBe(2000);
    for (const code of codes) {
      expect(code).toHaveLength(CODE_LENGTH);
      expect(parseCode(formatCode(code))).toBe(code);
      expect(parseCode(` ${code.toLowerCase().slice(0, 5)} - ${code.slice(5)} `)).toBe(code);
    }
  });

  test('a single slip or a swap of neighbours is caught', () => {
    const code = newCode();
    for (let i = 0; i < CODE_LENGTH; i++) {
      for (const other of '2345789CDFGHJKMNPRTVWXY') {
        if (other === code[i]) continue;
        expect(parseCode(code.slice(0, i) + other + code.slice(i + 1))).toBeNull();
      }
      const [a, b] = [code[i]!, code[i + 1]];
      if (b === undefined || a === b) continue;
      expect(parseCode(code.slice(0, i) + b + a + code.slice(i + 2))).toBeNull();
    }
  });

  test.each([
    '',
    'x',
    '0000000000000000',
    'ABCDE-FGHJ',
    '<script>',
    "' or 1=1",
    'é'.repeat(10),
    'A'.repeat(5000),
  ])('%j is no code', (typed) => {
    expect(parseCode(typed)).toBeNull();
  });
});

describe('offers', () => {
  test('are made with defaults, changed in part, and paused', async () => {
    const { body } = await ask('post', '/v1/offers').send(offer).expect(201);
    expect(body).toMatchObject({
      ...offer,
      body: '',
      stock: null,
      validForS: 86_400,
      status: 'live',
      issued: 0,
    });
    const path = `/v1/offers/${body.id}`;
    const changed = await ask('patch', path).send({ stock: 5, status: 'paused' }).expect(200);
    expect(changed.body).toMatchObject({ ...offer, stock: 5, status: 'paused' });
    const lifted = await ask('patch', path).send({ stock: null }).expect(200);
    expect(lifted.body.stock).toBeNull();
    expect((await ask('get', path).expect(200)).body).toEqual(lifted.body);
    await ask('delete', path).expect(204);
    await ask('get', path).expect(404);
  });

  test('stock cannot fall below what is out, used offers cannot be deleted', async () => {
    const { id } = await makeOffer(db, merchantId, { issued: 3 });
    await ask('patch', `/v1/offers/${id}`).send({ stock: 2 }).expect(409);
    await ask('patch', `/v1/offers/${id}`).send({ stock: 3 }).expect(200);
    await ask('delete', `/v1/offers/${id}`).expect(409);
    const named = await makeOffer(db, merchantId);
    await makeRule(db, merchantId, named.id);
    await ask('delete', `/v1/offers/${named.id}`).expect(409);
  });

  test.each<[string, object]>([
    ['no headline', { name: 'x' }],
    ['NUL', { ...offer, body: 'a\u0000b' }],
    ['only blanks', { ...offer, headline: '   ' }],
    ['too long', { ...offer, headline: 'x'.repeat(81) }],
    ['a negative stock', { ...offer, stock: -1 }],
    ['half a voucher', { ...offer, stock: 1.5 }],
    ['a life of a second', { ...offer, validForS: 1 }],
    ['a stray key', { ...offer, issued: 0 }],
  ])('%s is refused', async (_, body) => {
    expect((await ask('post', '/v1/offers').send(body)).body.code).toBe('invalid-request');
  });

  test('a foreign store is not found', async () => {
    const foreign = (await makeStore(db, stranger)).id;
    await ask('post', '/v1/offers')
      .send({ ...offer, storeId: foreign })
      .expect(404);
    const own = await makeOffer(db, merchantId);
    await ask('patch', `/v1/offers/${own.id}`).send({ storeId: foreign }).expect(404);
  });

  test('another merchant finds nothing', async () => {
    const { id } = await makeOffer(db, merchantId);
    await ask('get', `/v1/offers/${id}`, stranger).expect(404);
    await ask('patch', `/v1/offers/${id}`, stranger).send({ name: 'mine' }).expect(404);
    await ask('delete', `/v1/offers/${id}`, stranger).expect(404);
    expect((await ask('get', '/v1/offers', stranger)).body).toEqual({ items: [] });
    expect((await ask('get', '/v1/offer-figures', stranger)).body).toEqual({ items: [] });
    expect((await ask('get', '/v1/redemptions', stranger)).body).toEqual({ items: [], next: null });
    await ask('get', `/v1/offers/${randomUUID()}`).expect(404);
  });
});

const due = async (holder: Holder, who = merchantId) =>
  (await db.tx((tx) => offersDue(tx, who, holder, NOON), { tenant: who })).map(
    (each) => each.voucherId,
  );

describe('what is due', () => {
  test('to a guest, its device, a stranger', async () => {
    const { id: offerId } = await makeOffer(db, merchantId);
    const { id: guestId } = await makeGuest(db, merchantId);
    const { id: other } = await makeGuest(db, merchantId);
    const { id: deviceId } = await makeDevice(db, merchantId, { guestId });
    const { id: loose } = await makeDevice(db, merchantId);
    const byLogin = (await makeVoucher(db, merchantId, offerId, { guestId })).id;
    const byDevice = (await makeVoucher(db, merchantId, offerId, { deviceId: loose })).id;
    await makeVoucher(db, merchantId, offerId, { guestId, expiresAt: new Date(NOON) });
    const spent = await makeVoucher(db, merchantId, offerId, { guestId });
    await makeRedemption(db, merchantId, { voucherId: spent.id, offerId });
    expect(await due({ guestId })).toEqual([byLogin]);
    expect(await due({ deviceId })).toEqual([byLogin]);
    expect(await due({ deviceId: loose })).toEqual([byDevice]);
    expect(await due({ guestId: other })).toEqual([]);
    expect(await due({})).toEqual([]);
    expect(await due({ guestId }, stranger)).toEqual([]);
    // The device changes hands: the former guest's voucher does not go with it.
    await makeVoucher(db, merchantId, offerId, { guestId, deviceId });
    await db.query('update devices set guest_id = $2 where id = $1', [deviceId, other]);
    expect(await due({ deviceId })).toEqual([]);
  });

  test('seen once, the first time counts, only the own ones', async () => {
    const { id: offerId } = await makeOffer(db, merchantId);
    const { id } = await makeVoucher(db, merchantId, offerId);
    const mark = (who: string, at: number) =>
      db.tx((tx) => markShown(tx, who, [id], at), { tenant: who });
    const shownAt = async () =>
      (
        await db.query<{ at: Date | null }>('select shown_at as at from vouchers where id = $1', [
          id,
        ])
      ).rows[0]!.at;
    await mark(stranger, NOON);
    expect(await shownAt()).toBeNull();
    await mark(merchantId, NOON);
    await mark(merchantId, NOON + 5000);
    expect(await shownAt()).toEqual(new Date(NOON));
  });
});

test('the figures count issued, held out, shown and redeemed', async () => {
  const { id: offerId } = await makeOffer(db, merchantId, {
    issued: 2,
    redeemed: 1,
    name: 'Counted',
  });
  const { id: ruleId } = await makeRule(db, merchantId, offerId);
  await makeDecision(db, merchantId, ruleId, { outcome: 'held_out', reason: 'held-out' });
  await makeDecision(db, merchantId, ruleId, { outcome: 'refused', reason: 'guest-cap' });
  await makeVoucher(db, merchantId, offerId, { shownAt: new Date(NOON) });
  const { body } = await ask('get', '/v1/offer-figures').expect(200);
  expect(body.items.find((each: { offerId: string }) => each.offerId === offerId)).toEqual({
    offerId,
    name: 'Counted',
    status: 'live',
    issued: 2,
    heldOut: 1,
    shown: 1,
    redeemed: 1,
  });
});
