/** Printed access codes: batches, bounded guessing, and their use at the desk. */
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import { accessVoucherRoutes } from '../../server/access-vouchers/routes.ts';
import {
  DEVICE_TRIES,
  NETWORK_TRIES,
  TRY_WINDOW_MS,
  forgetTries,
} from '../../server/access-vouchers/vouchers.ts';
import { formatPrintableCode, newPrintableCode } from '../../server/codes/printable.ts';
import type { Database } from '../../server/db/database.ts';
import { makeAccessVoucher, makeMac } from '../support/make.ts';
import { admission, letIn, openReception, receptionEach } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';

const DAY = 86_400_000;

let db: Database;
let house: Reception;
let app: Express;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
  app = routesApp(accessVoucherRoutes({ db, clock: () => house.time.now }));
});

const path = (storeId = house.store.id) => `/v1/stores/${storeId}/access-vouchers`;
const post = (body: object, storeId = house.store.id) =>
  request(app).post(path(storeId)).set('x-merchant', house.merchantId).send(body);
const get = (query = '', storeId = house.store.id) =>
  request(app)
    .get(`${path(storeId)}${query}`)
    .set('x-merchant', house.merchantId);

async function count(table: string): Promise<number> {
  const text = `select count(*) as n from ${table} where merchant_id = $1`;
  const [row] = await house.rows<{ n: number }>(text, [house.merchantId]);
  return row?.n ?? -1;
}

const counts = async () => ({
  guests: await count('guests'),
  consents: await count('consents'),
  sessions: await count('sessions'),
  events: await count('outbox'),
});

let networks = 0;
const newIp = () => `10.8.0.${networks++}`;
const check = (code: string, mac = makeMac(), ip = newIp()) =>
  house.vouchers.check(house.store, code, mac, ip);

async function stored(over: { usesLeft?: number; expiresAt?: Date } = {}) {
  const code = newPrintableCode();
  await makeAccessVoucher(db, house.merchantId, house.store.id, { code, ...over });
  return code;
}

describe('a batch', () => {
  test('is as ordered, and each code opens the door', async () => {
    const { body } = await post({ count: 25, minutes: 90, uses: 2, validDays: 7 }).expect(201);
    const codes: string[] = body.vouchers.map((voucher: { code: string }) => voucher.code);
    expect(new Set(codes).size).toBe(25);
    for (const code of codes)
      expect(code).toMatch(/^[2-57-9CDFGHJKMNPRTVWXY]{5}-[2-57-9CDFGHJKMNPRTVWXY]{5}$/);
    expect(body.vouchers[0]).toMatchObject({
      minutes: 90,
      usesLeft: 2,
      expiresAt: new Date(house.time.now + 7 * DAY).toISOString(),
    });
    expect(await check(codes[0]!.toLowerCase().replace('-', ' '))).toEqual({ ok: true });
    const { grant } = await letIn(house, { proof: { method: 'voucher', code: codes[0]! } });
    expect(grant.minutes).toBe(90);
  });

  test('the largest fits', async () => {
    const { body } = await post({ count: 500, minutes: 10 }).expect(201);
    expect(body.vouchers).toHaveLength(500);
    expect(body.vouchers[0]).toMatchObject({ usesLeft: 1 });
  });

  test.each([
    [{ count: 0, minutes: 10 }],
    [{ count: 501, minutes: 10 }],
    [{ count: 1.5, minutes: 10 }],
    [{ count: 1, minutes: 0 }],
    [{ count: 1, minutes: 10, uses: 0 }],
    [{ count: 1, minutes: 10, validDays: 400 }],
    [{ count: '3', minutes: 10 }],
    [{ count: 1, minutes: 10, code: 'MYOWN' }],
    [{}],
  ])('%j is refused', async (body) => {
    expect((await post(body)).body.code).toBe('invalid-request');
    expect((await get()).body.vouchers).toEqual([]);
  });

  test('is listed newest first, page by page', async () => {
    await post({ count: 4, minutes: 10 });
    house.time.now += 1000;
    const late = await post({ count: 1, minutes: 10 });
    const first = await get('?limit=3').expect(200);
    expect(first.body.vouchers[0].id).toBe(late.body.vouchers[0].id);
    const second = await get(`?limit=3&cursor=${first.body.next}`).expect(200);
    const ids = [...first.body.vouchers, ...second.body.vouchers].map(
      (one: { id: string }) => one.id,
    );
    expect(new Set(ids).size).toBe(5);
    expect(second.body.next).toBeNull();
  });

  test('a code can be withdrawn', async () => {
    const { body } = await post({ count: 1, minutes: 10 });
    const [voucher] = body.vouchers;
    const withdraw = () =>
      request(app).delete(`${path()}/${voucher.id}`).set('x-merchant', house.merchantId);
    await withdraw().expect(204);
    expect(await check(voucher.code)).toEqual({ ok: false, reason: 'unknown' });
    await withdraw().expect(404);
  });

  test('other merchants’ stores are not there', async () => {
    const other = await openReception(db);
    expect((await post({ count: 1, minutes: 10 }, other.store.id)).status).toBe(404);
    expect((await get('', other.store.id)).status).toBe(404);
    const voucher = await makeAccessVoucher(db, other.merchantId, other.store.id);
    const reply = await request(app)
      .delete(`${path(other.store.id)}/${voucher.id}`)
      .set('x-merchant', house.merchantId);
    expect(reply.status).toBe(404);
    expect(
      await house.rows('select 1 from access_vouchers where store_id = $1', [other.store.id]),
    ).toHaveLength(1);
  });
});

describe('checking a code', () => {
  test('takes no use of it', async () => {
    const code = await stored();
    expect(await check(code)).toEqual({ ok: true });
    expect(await check(formatPrintableCode(code))).toEqual({ ok: true });
  });

  test.each<[string, () => Promise<string>]>([
    ['used', () => stored({ usesLeft: 0 })],
    ['expired', () => stored({ expiresAt: new Date(house.time.now) })],
    ['unknown', () => Promise.resolve(newPrintableCode())],
    ['unknown', () => Promise.resolve("'; drop table access_vouchers; --")],
    ['unknown', () => Promise.resolve('\u0000')],
    ['unknown', () => Promise.resolve('')],
    ['unknown', () => Promise.resolve('X'.repeat(100_000))],
  ])('says %s', async (reason, codeOf) => {
    expect(await check(await codeOf())).toEqual({ ok: false, reason });
  });

  test('says nothing of another store’s codes', async () => {
    const other = await openReception(db);
    const code = newPrintableCode();
    await makeAccessVoucher(db, other.merchantId, other.store.id, { code });
    expect(await check(code)).toEqual({ ok: false, reason: 'unknown' });
  });

  test('after too many wrong tries a device must wait, even with a right code', async () => {
    const code = await stored();
    const mac = makeMac();
    for (let i = 0; i < DEVICE_TRIES; i++) {
      expect(await check(newPrintableCode(), mac)).toEqual({ ok: false, reason: 'unknown' });
    }
    expect(await check(code, mac)).toEqual({ ok: false, reason: 'too-many-tries' });
    expect(await check(code)).toEqual({ ok: true });
    house.time.now += TRY_WINDOW_MS;
    expect(await check(code, mac)).toEqual({ ok: true });
  });

  test('so must a network', async () => {
    const code = await stored();
    const ip = newIp();
    for (let i = 0; i < NETWORK_TRIES; i++) await check(newPrintableCode(), makeMac(), ip);
    expect(await check(code, makeMac(), ip)).toEqual({ ok: false, reason: 'too-many-tries' });
  });

  test('which in IPv6 is a household’s whole range', async () => {
    const code = await stored();
    const ip = (host: number) => `2001:db8:1:2::${host.toString(16)}`;
    for (let i = 1; i <= NETWORK_TRIES; i++) await check(newPrintableCode(), makeMac(), ip(i));
    expect(await check(code, makeMac(), ip(999))).toEqual({ ok: false, reason: 'too-many-tries' });
  });

  test('parallel guesses are counted', async () => {
    const mac = makeMac();
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => check(newPrintableCode(), mac)),
    );
    const looked = answers.filter((answer) => !answer.ok && answer.reason === 'unknown');
    expect(looked).toHaveLength(DEVICE_TRIES);
  });

  test('right codes are not tries', async () => {
    const code = await stored({ usesLeft: 100 });
    const mac = makeMac();
    for (let i = 0; i <= DEVICE_TRIES; i++) expect(await check(code, mac)).toEqual({ ok: true });
  });

  test('tries are forgotten', async () => {
    await check(newPrintableCode());
    expect(await forgetTries(db, house.time.now + TRY_WINDOW_MS)).toBe(0);
    expect(await forgetTries(db, house.time.now + 3 * TRY_WINDOW_MS)).toBeGreaterThan(0);
  });
});

const voucherFor = (over: { usesLeft?: number; expiresAt?: Date } = {}) => {
  const code = newPrintableCode();
  return makeAccessVoucher(db, house.merchantId, house.store.id, {
    code,
    minutes: 45,
    ...over,
  });
};

describe('access vouchers at the desk', () => {
  test('give their own minutes and are used up', async () => {
    const { code } = await voucherFor();
    const answer = await letIn(house, { proof: { method: 'voucher', code: code.toLowerCase() } });
    expect(answer.grant).toMatchObject({ minutes: 45 });
    expect(
      await house.desk.admit(admission(house, { proof: { method: 'voucher', code } })),
    ).toEqual({
      ok: false,
      reason: 'voucher-used',
    });
  });

  test('of many devices in parallel only as many get in as uses are left', async () => {
    const { code } = await voucherFor({ usesLeft: 3 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        house.desk.admit(admission(house, { proof: { method: 'voucher', code } })),
      ),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(3);
    expect(await counts()).toEqual({ guests: 3, consents: 3, sessions: 3, events: 3 });
    const [row] = await house.rows<{ uses_left: number }>(
      'select uses_left from access_vouchers where merchant_id = $1',
      [house.merchantId],
    );
    expect(row?.uses_left).toBe(0);
  });

  test('the same press twice takes one use', async () => {
    const { code } = await voucherFor({ usesLeft: 2 });
    const same = admission(house, { proof: { method: 'voucher', code } });
    await house.desk.admit(same);
    await house.desk.admit(same);
    const [row] = await house.rows('select uses_left from access_vouchers where merchant_id = $1', [
      house.merchantId,
    ]);
    expect(row).toEqual({ uses_left: 1 });
  });

  test('a refusal gives the use back', async () => {
    const { code } = await voucherFor();
    await expect(
      house.desk.admit(admission(house, { proof: { method: 'voucher', code }, consents: [] })),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(
      await house.desk.admit(admission(house, { proof: { method: 'voucher', code } })),
    ).toMatchObject({ ok: true });
  });

  test.each([
    ['expired', async () => (await voucherFor({ expiresAt: new Date(house.time.now) })).code],
    ['never printed', () => Promise.resolve(newPrintableCode())],
    ['rubbish', () => Promise.resolve("' or true --")],
    [
      'another merchant’s',
      async () => {
        const other = await openReception(db);
        const code = newPrintableCode();
        await makeAccessVoucher(db, other.merchantId, other.store.id, { code });
        return code;
      },
    ],
  ])('one that is %s opens nothing', async (_name, codeOf) => {
    const proof = { method: 'voucher' as const, code: await codeOf() };
    expect(await house.desk.admit(admission(house, { proof }))).toEqual({
      ok: false,
      reason: 'voucher-invalid',
    });
    expect(await counts()).toEqual({ guests: 0, consents: 0, sessions: 0, events: 0 });
  });
});
