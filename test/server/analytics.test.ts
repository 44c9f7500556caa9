/** A store's day: figures against rows made by hand, days in zones, small groups hidden. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { hideFew } from '../../server/analytics/answers.ts';
import { dayOf, startOfDay, weekApart } from '../../server/analytics/day.ts';
import { overviewOf } from '../../server/analytics/overview.ts';
import { analyticsRoutes } from '../../server/analytics/routes.ts';
import type { Database } from '../../server/db/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import {
  makeDevice,
  makeFence,
  makeMerchant,
  makeOffer,
  makeRedemption,
  makeStore,
  makeVisit,
  makeVoucher,
} from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await testDatabase();
  db = database.db;
});
afterAll(() => database.release());

const zone = 'Europe/Berlin';

async function shop() {
  const merchant = await makeMerchant(db);
  const store = await makeStore(db, merchant.id, { timezone: zone });
  const door = await makeFence(db, merchant.id, { storeId: store.id, name: 'Door' });
  const shelf = await makeFence(db, merchant.id, {
    storeId: store.id,
    parentId: door.id,
    name: 'Shelf',
  });
  const devices = [await makeDevice(db, merchant.id), await makeDevice(db, merchant.id)];
  const visit = (device: number, at: string, over: object = {}) =>
    makeVisit(
      db,
      { merchantId: merchant.id, fenceId: door.id, deviceId: devices[device]!.id },
      { storeId: store.id, entryAt: new Date(at), score: 0.9, ...over },
    );
  const place = { merchantId: merchant.id, storeId: store.id, timezone: zone };
  const ask = (day: string, at: string) =>
    db.tx((tx) => overviewOf(tx, place, day, new Date(at)), {
      tenant: merchant.id,
      readOnly: true,
    });
  return { merchant, store, door, shelf, devices, visit, ask };
}

describe('a day', () => {
  test('visits are the sum of scores, with their error; hours are the store’s', async () => {
    const { visit, ask } = await shop();
    // 24 November in Berlin runs from 23:00 UTC the day before.
    await visit(0, '2026-11-23T23:30:00Z', { score: 0.9 });
    await visit(1, '2026-11-24T09:10:00Z', { score: 0.5, band: 'medium' });
    await visit(0, '2026-11-24T09:50:00Z', { score: 0.8 });
    await visit(0, '2026-11-23T22:59:59Z', { score: 1 });
    await visit(0, '2026-11-24T10:00:00Z', { status: 'retracted', score: 1 });
    await visit(0, '2026-11-24T10:00:00Z', { band: 'none', score: 0.1 });
    const { visits, devices, hours } = await ask('2026-11-24', '2026-12-01T00:00:00Z');
    expect(visits.now.value).toBeCloseTo(2.2, 9);
    expect(visits.now.plusMinus).toBeCloseTo(1.96 * Math.sqrt(0.09 + 0.25 + 0.16), 9);
    // Device 0: 1 - 0.1 * 0.2; device 1: 0.5.
    expect(devices.now.value).toBeCloseTo(0.98 + 0.5, 6);
    expect(hours.filter((one) => one.now > 0)).toEqual([
      { hour: 0, now: 0.9, before: 0 },
      { hour: 10, now: 1.3, before: 0 },
    ]);
  });

  test('fences inside the store’s own fence do not count twice, but are listed', async () => {
    const { visit, shelf, door, ask } = await shop();
    await visit(0, '2026-11-24T09:00:00Z');
    await visit(0, '2026-11-24T09:05:00Z', { fenceId: shelf.id, dwellS: 120 });
    const found = await ask('2026-11-24', '2026-11-24T20:00:00Z');
    expect(found.visits.now.value).toBeCloseTo(0.9, 9);
    expect(found.fences.map((one) => [one.id, one.dwell])).toEqual([
      [door.id, 600],
      [shelf.id, 120],
    ]);
  });

  test('a running day is compared up to the same time, its bars with the whole day', async () => {
    const { visit, ask } = await shop();
    await visit(0, '2026-11-24T08:00:00Z', { score: 1 });
    await visit(0, '2026-11-17T08:00:00Z', { score: 1 });
    await visit(1, '2026-11-17T15:00:00Z', { score: 1 });
    const noon = await ask('2026-11-24', '2026-11-24T12:00:00Z');
    expect(noon).toMatchObject({ running: true, comparedWith: '2026-11-17' });
    expect([noon.visits.now.value, noon.visits.before.value]).toEqual([1, 1]);
    expect(noon.hours[16]).toMatchObject({ now: 0, before: 1 });
    const evening = await ask('2026-11-24', '2026-11-24T22:00:00Z');
    expect(evening.visits.before.value).toBe(2);
  });

  test('median stay has the median of its bounds; open-ended stays leave the upper one open', async () => {
    const { visit, ask } = await shop();
    const stay = (dwellS: number, dwellUpperS: number | null) => ({
      dwellS,
      dwellLowerS: dwellS - 60,
      dwellUpperS,
    });
    await visit(0, '2026-11-24T08:00:00Z', stay(300, 400));
    await visit(0, '2026-11-24T09:00:00Z', stay(600, 700));
    await visit(0, '2026-11-24T10:00:00Z', stay(900, null));
    await visit(0, '2026-11-24T11:00:00Z', { ...stay(5000, 5000), status: 'open' });
    await visit(0, '2026-11-24T11:30:00Z', { ...stay(5000, 5000), band: 'low', score: 0.3 });
    const { dwell } = await ask('2026-11-24', '2026-11-24T20:00:00Z');
    expect(dwell.now).toEqual({ median: 600, lower: 540, upper: 700, visits: 3 });
    await visit(0, '2026-11-24T12:00:00Z', stay(1000, null));
    expect((await ask('2026-11-24', '2026-11-24T20:00:00Z')).dwell.now.upper).toBeNull();
    expect((await ask('2026-11-25', '2026-11-25T20:00:00Z')).dwell.now).toEqual({
      median: null,
      lower: null,
      upper: null,
      visits: 0,
    });
  });

  test('redemptions belong to the till’s store, else to the issuing one', async () => {
    const { merchant, store, ask } = await shop();
    const other = await makeStore(db, merchant.id);
    const offer = await makeOffer(db, merchant.id);
    const issuedAt = new Date('2026-11-24T09:00:00Z');
    const spend = async (issuedBy: string, till: string | null): Promise<void> => {
      const voucher = await makeVoucher(db, merchant.id, offer.id, { storeId: issuedBy, issuedAt });
      const at = { voucherId: voucher.id, offerId: offer.id };
      await makeRedemption(db, merchant.id, at, { storeId: till, redeemedAt: issuedAt });
    };
    await spend(store.id, store.id);
    await spend(store.id, null);
    await spend(store.id, other.id);
    await spend(other.id, store.id);
    const { offers, curves } = await ask('2026-11-24', '2026-11-24T20:00:00Z');
    expect(offers.now).toEqual({ issued: 3, redeemed: 3 });
    expect(curves.redeemed.at(-1)).toBe(3);
    expect(curves.redeemed).toHaveLength(14);
  });

  test('another merchant’s rows are not counted, its store is not found', async () => {
    const mine = await shop();
    const theirs = await shop();
    await theirs.visit(0, '2026-11-24T09:00:00Z');
    expect((await mine.ask('2026-11-24', '2026-11-24T20:00:00Z')).visits.now.value).toBe(0);
    const app = routesApp(analyticsRoutes({ db, clock: () => Date.parse('2026-11-24T20:00:00Z') }));
    const call = (merchantId: string, storeId: string) =>
      request(app)
        .get('/v1/analytics/overview')
        .query({ store: storeId })
        .set('x-merchant', merchantId);
    await call(mine.merchant.id, theirs.store.id).expect(404);
    for (const day of ['9999-12-31', '0000-01-01']) {
      await call(theirs.merchant.id, theirs.store.id).query({ day }).expect(400);
    }
    const own = await call(theirs.merchant.id, theirs.store.id).expect(200);
    expect(own.body).toMatchObject({ day: '2026-11-24', running: true, inside: 0 });
    expect(own.body.visits.now.value).toBeCloseTo(0.9, 9);
  });
});

describe('days in a zone', () => {
  test.each([
    ['2026-11-24', 'Asia/Shanghai', '2026-11-23T16:00:00.000Z'],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z'],
    ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    ['2026-11-24', 'America/St_Johns', '2026-11-24T03:30:00.000Z'],
    // Clocks that change at midnight: the day has no 00:00 there, or two of them.
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
    ['2026-03-08', 'America/Havana', '2026-03-08T05:00:00.000Z'],
    ['2026-11-01', 'America/Havana', '2026-11-01T04:00:00.000Z'],
  ])('%s in %s begins at %s', (day, timezone, begins) => {
    expect(startOfDay(day, timezone).toISOString()).toBe(begins);
    expect(dayOf(startOfDay(day, timezone), timezone)).toBe(day);
    expect(dayOf(new Date(startOfDay(day, timezone).getTime() - 1), timezone)).not.toBe(day);
  });

  test('a day of 25 hours is compared with at most a whole one of 24', () => {
    const at = new Date('2026-10-25T22:59:00Z');
    const { before } = weekApart('2026-10-25', 'Europe/Berlin', at);
    expect(before.to.toISOString()).toBe('2026-10-18T22:00:00.000Z');
  });
});

describe('small groups', () => {
  const cells = (people: number[]) =>
    people.map((one, index) => ({ label: `${index}`, people: one }));
  test.each([
    [
      [30, 20, 12],
      [30, 20, 12],
    ],
    [
      [30, 20, 4],
      [30, null, null],
    ],
    [
      [30, 4, 3],
      [30, null, null],
    ],
    [[4], [null]],
    [
      [0, 40],
      [null, null],
    ],
    [[], []],
  ])('%j → %j', (given, shown) => {
    expect(hideFew(cells(given)).map((cell) => cell.people)).toEqual(shown);
  });

  test('only the small one is called small', () => {
    expect(hideFew(cells([30, 20, 4])).map((cell) => cell.few)).toEqual([false, false, true]);
  });
});
