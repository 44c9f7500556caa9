/** A till's doors: redeem once, the same answer on retry, clear refusals, few guesses. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { formatCode, newCode } from '../../server/offers/code.ts';
import { voucherRoutes } from '../../server/offers/vouchers/routes.ts';
import { dropAnswers, takeKey } from '../../server/offers/vouchers/queries.ts';
import { createWrongCodes } from '../../server/offers/wrong-codes.ts';
import { postgresTestDatabase, testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeGuest,
  makeMerchant,
  makeOffer,
  makeStore,
  makeVoucher,
} from '../support/make.ts';
import { postgresUrl, requirePart } from '../support/parts.ts';
import { routesApp } from '../support/routes-app.ts';
import { signal } from '../support/signal.ts';

const DAY = 86_400_000;

let held: TestDatabase;
let db: Database;
let app: Express;
let now = NOON;
let merchantId: string;
let stranger: string;
let offerId: string;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  merchantId = (await makeMerchant(db)).id;
  stranger = (await makeMerchant(db)).id;
});
afterAll(() => held.release());

beforeEach(async () => {
  now = NOON;
  app = routesApp(voucherRoutes({ db, clock: () => now }));
  offerId = (await makeOffer(db, merchantId, { issued: 1 })).id;
});

async function voucher(over: object = {}): Promise<{ id: string; code: string }> {
  const code = newCode();
  const { id } = await makeVoucher(db, merchantId, offerId, { code, ...over });
  return { id, code };
}

function redeem(body: object, key: string | null = randomUUID(), who = merchantId) {
  const request = supertest(app).post('/v1/redemptions').set('x-merchant', who);
  if (key !== null) void request.set('Idempotency-Key', key);
  return request.send({ till: 'till-1', ...body });
}
const look = (code: string, who = merchantId) =>
  supertest(app)
    .get(`/v1/vouchers/${encodeURIComponent(code)}`)
    .set('x-merchant', who);

async function booked(voucherId: string) {
  const { rows } = await db.query<{ redemptions: number; redeemed: number; events: number }>(
    `select (select count(*) from redemptions where voucher_id = $1) as redemptions,
       (select redeemed from offers where id = $2) as redeemed,
       (select count(*) from outbox where type = 'voucher.redeemed' and payload ->> 'voucherId' = $1::text) as events`,
    [voucherId, offerId],
  );
  return rows[0];
}
const once = { redemptions: 1, redeemed: 1, events: 1 };
const never = { redemptions: 0, redeemed: 0, events: 0 };

describe('redeeming', () => {
  test('spends the voucher, counts it and tells everybody', async () => {
    const { id: guestId } = await makeGuest(db, merchantId);
    const { id, code } = await voucher({ guestId });
    const { body } = await redeem({ code: formatCode(code).toLowerCase() }).expect(201);
    expect(body).toMatchObject({
      voucherId: id,
      offerId,
      headline: 'A coffee on us',
      till: 'till-1',
      storeId: null,
    });
    expect(await booked(id)).toEqual(once);
    const { rows } = await db.query<{ payload: object; guest_id: string; key: string }>(
      `select payload, guest_id, key from outbox where payload ->> 'voucherId' = $1`,
      [id],
    );
    expect(rows).toMatchObject([
      { guest_id: guestId, key: guestId, payload: { till: 'till-1', offerId } },
    ]);
    expect((await look(code).expect(200)).body).toMatchObject({
      state: 'redeemed',
      redeemedAt: new Date(NOON).toISOString(),
    });
  });

  test('the same key and request give the first answer, to the byte', async () => {
    const { id, code } = await voucher();
    const key = randomUUID();
    const first = await redeem({ code }, key).expect(201);
    now += 5000;
    const again = await redeem({ code: formatCode(code) }, key).expect(201);
    expect(again.text).toBe(first.text);
    expect(await booked(id)).toEqual(once);
  });

  test('a refusal is repeated too', async () => {
    const { code } = await voucher({ expiresAt: new Date(NOON) });
    const key = randomUUID();
    const first = await redeem({ code }, key).expect(410);
    await db.query('update vouchers set expires_at = $2 where code = $1', [
      code,
      new Date(NOON + DAY),
    ]);
    expect((await redeem({ code }, key).expect(410)).text).toBe(first.text);
    await redeem({ code }).expect(201);
  });

  test.each<[string, object]>([
    ['another code', { code: newCode() }],
    ['another till', { till: 'till-2' }],
  ])('the same key with %s is a mismatch and spends nothing', async (_, over) => {
    const { code } = await voucher();
    const key = randomUUID();
    await redeem({ code }, key).expect(201);
    const { body } = await redeem({ code, ...over }, key).expect(422);
    expect(body.code).toBe('idempotency-mismatch');
  });

  test('keys of two merchants do not meet', async () => {
    const { code } = await voucher();
    const key = randomUUID();
    await redeem({ code }, key, stranger).expect(404);
    await redeem({ code }, key).expect(201);
  });
});

describe('refusals', () => {
  test('each has its own code and spends nothing', async () => {
    const store = (await makeStore(db, merchantId)).id;
    const other = (await makeStore(db, merchantId)).id;
    const foreign = (await makeStore(db, stranger)).id;
    const bound = await voucher({ storeId: store });
    const old = await voucher({ expiresAt: new Date(NOON) });
    const cases: [object, number, string][] = [
      [{ code: newCode() }, 404, 'voucher-unknown'],
      [{ code: 'K7M4P-2XW9' }, 404, 'voucher-unknown'],
      [{ code: old.code }, 410, 'voucher-expired'],
      [{ code: bound.code, storeId: other }, 409, 'voucher-wrong-store'],
      [{ code: bound.code }, 409, 'voucher-wrong-store'],
      [{ code: bound.code, storeId: foreign }, 404, 'not-found'],
    ];
    for (const [body, status, code] of cases) {
      const reply = await redeem(body);
      expect([reply.status, reply.body.code]).toEqual([status, code]);
    }
    expect(await booked(bound.id)).toEqual(never);
    await redeem({ code: bound.code, storeId: store }).expect(201);
    const again = await redeem({ code: bound.code, storeId: store }).expect(409);
    expect(again.body).toMatchObject({
      code: 'voucher-redeemed',
      redeemedAt: new Date(NOON).toISOString(),
    });
  });

  test('a voucher of another merchant is unknown, to look at as well', async () => {
    const { id, code } = await voucher();
    expect((await redeem({ code }, randomUUID(), stranger)).body.code).toBe('voucher-unknown');
    expect((await look(code, stranger)).body.code).toBe('voucher-unknown');
    expect(await booked(id)).toEqual(never);
  });

  test.each<[string, string | null]>([
    ['no key', null],
    ['an empty key', ''],
    ['a key too long', 'x'.repeat(256)],
    ['a key with blanks', 'a b'],
  ])('%s', async (_, key) => {
    const { id, code } = await voucher();
    expect((await redeem({ code }, key)).body).toMatchObject({
      status: 400,
      code: 'invalid-request',
    });
    expect(await booked(id)).toEqual(never);
  });

  test.each<[string, object]>([
    ['no till', { code: 'x', till: '' }],
    ['a number', { code: 5 }],
    ['NUL in the till', { code: 'x', till: 'a\u0000' }],
    ['a list', { code: ['x'] }],
    ['a stray key', { code: 'x', amount: 5 }],
    ['a store that is no id', { code: 'x', storeId: "' or 1=1" }],
  ])('%s does not fit', async (_, body) => {
    expect((await redeem(body)).body).toMatchObject({ status: 400, code: 'invalid-request' });
  });
});

describe('guessing', () => {
  test('a caller that guesses has to wait, others do not', async () => {
    const wrongCodes = createWrongCodes(5, 60);
    app = routesApp(voucherRoutes({ db, clock: () => now, wrongCodes }));
    const { code } = await voucher();
    for (let i = 0; i < 5; i++) await redeem({ code: newCode() }).expect(404);
    const { body, headers } = await redeem({ code }).expect(429);
    expect(body.code).toBe('too-many-requests');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    await look(code).expect(429);
    await expect(wrongCodes.check('another')).resolves.toBeUndefined();
  });

  test('codes that are refused for another reason are no guesses', async () => {
    app = routesApp(voucherRoutes({ db, clock: () => now, wrongCodes: createWrongCodes(3, 60) }));
    const { code } = await voucher();
    await redeem({ code }).expect(201);
    for (let i = 0; i < 6; i++) await redeem({ code }).expect(409);
  });

  test('the memory for callers is bounded; the oldest is forgotten', async () => {
    const wrongCodes = createWrongCodes(1, 60, 2);
    for (const caller of ['a', 'b', 'c']) await wrongCodes.note(caller);
    await expect(wrongCodes.check('a')).resolves.toBeUndefined();
    await expect(wrongCodes.check('b')).rejects.toMatchObject({ code: 'too-many-requests' });
    await expect(wrongCodes.check('c')).rejects.toMatchObject({ code: 'too-many-requests' });
  });
});

test('old answers can be dropped, the voucher stays spent', async () => {
  const { id, code } = await voucher();
  const key = randomUUID();
  await redeem({ code }, key).expect(201);
  await dropAnswers(db, NOON + 1);
  expect((await redeem({ code }, key).expect(409)).body.code).toBe('voucher-redeemed');
  expect(await booked(id)).toEqual(once);
});

test('an old key for another voucher is a mismatch, and spends nothing', async () => {
  const [first, second] = [await voucher(), await voucher()];
  const key = randomUUID();
  await redeem({ code: first.code }, key).expect(201);
  await dropAnswers(db, NOON + 1);
  const reply = await redeem({ code: second.code }, key);
  expect([reply.status, reply.body.code]).toEqual([422, 'idempotency-mismatch']);
  expect(await booked(second.id)).toMatchObject({ redemptions: 0 });
});

const page = async (query: string) =>
  (
    await supertest(app)
      .get(`/v1/redemptions?offerId=${offerId}&limit=3${query}`)
      .set('x-merchant', merchantId)
      .expect(200)
  ).body;

test('redemptions are listed page by page', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const { code } = await voucher();
    ids.push((await redeem({ code }).expect(201)).body.redemptionId);
  }
  const first = await page('');
  const second = await page(`&cursor=${first.next}`);
  const seen = [...first.items, ...second.items].map((each: { id: string }) => each.id);
  expect(new Set(seen)).toEqual(new Set(ids));
  expect(second.next).toBeNull();
});

test('60 requests under one key at once have one effect and one answer', async () => {
  const { id, code } = await voucher();
  const key = randomUUID();
  const replies = await Promise.all(Array.from({ length: 60 }, () => redeem({ code }, key)));
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([201]));
  expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
  expect(await booked(id)).toEqual(once);
});

test('60 tills with keys of their own: one wins, the rest hear so', async () => {
  const { id, code } = await voucher();
  const replies = await Promise.all(Array.from({ length: 60 }, () => redeem({ code })));
  const statuses = replies.map((reply) => reply.status);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(59);
  expect(await booked(id)).toEqual(once);
});

requirePart('a request in flight (PostgreSQL)', postgresUrl)('two connections', () => {
  let apart: TestDatabase;
  beforeAll(async () => {
    apart = await postgresTestDatabase(postgresUrl!);
    db = apart.db;
    merchantId = (await makeMerchant(db)).id;
  });
  afterAll(() => apart.release());

  test('while the first request hangs, a repeat is told to come back', async () => {
    const { id, code } = await voucher();
    const key = randomUUID();
    const [taken, took] = signal();
    const [over, end] = signal();
    const hanging = db.tx(
      async (tx) => {
        await takeKey(tx, merchantId, key, Buffer.alloc(32), NOON);
        took();
        await over;
      },
      { tenant: merchantId },
    );
    await taken;
    const reply = await redeem({ code }, key);
    end();
    await hanging;
    expect([reply.status, reply.body.code]).toEqual([409, 'request-in-progress']);
    expect(reply.headers['retry-after']).toBe('1');
    expect(await booked(id)).toEqual(never);
  });
});
