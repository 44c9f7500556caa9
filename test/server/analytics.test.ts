/** A store's day: figures against rows made by hand, days in zones, small groups hidden. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { hideFew } from '../../server/analytics/answers.ts';
import { dayOf, startOfDay, weekApart } from '../../server/analytics/day.ts';
import { estimateOf } from '../../server/analytics/estimate.ts';
import { overviewOf } from '../../server/analytics/overview.ts';
import { analyticsRoutes } from '../../server/analytics/routes.ts';
import { medianStay, survival } from '../../server/analytics/survival.ts';
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
  test('a device that comes hundreds of times is one device', async () => {
    const { visit, ask } = await shop();
    for (let minute = 0; minute < 200; minute++) {
      const at = new Date(Date.parse('2026-11-24T09:00:00Z') + minute * 60_000).toISOString();
      await visit(0, at, { score: 0.99 });
    }
    const { devices, curves } = await ask('2026-11-24', '2026-12-01T00:00:00Z');
    expect(devices.now.value).toBeCloseTo(1, 9);
    expect(curves.devices.at(-1)).toBeCloseTo(1, 9);
  });

  test('visits are the sum of probabilities, with their error; hours are the store’s', async () => {
    const { visit, ask } = await shop();
    // 24 November in Berlin runs from 23:00 UTC the day before.
    await visit(0, '2026-11-23T23:30:00Z', { score: 0.9 });
    await visit(1, '2026-11-24T09:10:00Z', { score: 0.5, band: 'medium' });
    await visit(0, '2026-11-24T09:50:00Z', { score: 0.8 });
    await visit(0, '2026-11-23T22:59:59Z', { score: 1 });
    await visit(0, '2026-11-24T10:00:00Z', { status: 'retracted', score: 1 });
    // Too doubtful to be listed, and yet one in ten of them was a visit.
    await visit(0, '2026-11-24T10:00:00Z', { band: 'none', score: 0.1 });
    const { visits, devices, hours, curves } = await ask('2026-11-24', '2026-12-01T00:00:00Z');
    const variance = 0.09 + 0.25 + 0.16 + 0.09;
    expect(visits.now.value).toBeCloseTo(2.3, 9);
    expect(visits.now.variance).toBeCloseTo(variance, 9);
    expect(visits.now.plusMinus).toBeCloseTo(1.96 * Math.sqrt(variance), 3);
    expect(visits.now.low).toBeCloseTo(2.3 - 1.96 * Math.sqrt(variance), 3);
    // Four claims can be at most four visits.
    expect(visits.now.high).toBeCloseTo(Math.min(4, 2.3 + 1.96 * Math.sqrt(variance)), 3);
    // Device 0: 1 - 0.1 * 0.2 * 0.9; device 1: 0.5.
    const [p0, p1] = [1 - 0.1 * 0.2 * 0.9, 0.5];
    expect(devices.now.value).toBeCloseTo(p0 + p1, 6);
    expect(devices.now.variance).toBeCloseTo(p0 * (1 - p0) + p1 * (1 - p1), 6);
    expect(devices.now.high).toBeLessThanOrEqual(2);
    expect(curves.devices.at(-1)).toBeCloseTo(p0 + p1, 6);
    const busy = hours.filter((one) => one.now > 0);
    expect(busy.map((one) => [one.hour, Number(one.now.toFixed(6)), one.before])).toEqual([
      [0, 0.9, 0],
      [10, 1.3, 0],
      [11, 0.1, 0],
    ]);
    expect(busy[0]).toMatchObject({ high: 1 });
    expect(busy[2]).toMatchObject({ low: 0 });
  });

  test('nothing seen is nothing expected, without an error', async () => {
    const { ask } = await shop();
    const { visits, devices, dwell } = await ask('2026-11-24', '2026-11-24T20:00:00Z');
    for (const one of [visits.now, devices.now, visits.before]) {
      expect(one).toEqual({ value: 0, variance: 0, low: 0, high: 0, plusMinus: 0 });
    }
    expect(dwell.now).toEqual({ median: null, lower: null, upper: null, visits: 0, ended: 0 });
  });

  test('a fence made of others counts through them, or by itself when they lie within it', async () => {
    const { merchant, store, door, visit, ask } = await shop();
    const both = await makeFence(db, merchant.id, { storeId: store.id, name: 'Either' });
    const compose = (members: string[]) =>
      db.query(
        `update fences set kind = 'composite', members_of = 'any', members = $2, shape = null, radius_m = null where id = $1`,
        [both.id, JSON.stringify(members)],
      );
    await compose([door.id]);
    await visit(0, '2026-11-24T09:00:00Z', { score: 1 });
    await visit(0, '2026-11-24T09:00:00Z', { score: 1, fenceId: both.id });
    expect((await ask('2026-11-24', '2026-11-24T20:00:00Z')).visits.now.value).toBe(1);
    await db.query('update fences set parent_id = $2 where id = $1', [door.id, both.id]);
    expect((await ask('2026-11-24', '2026-11-24T20:00:00Z')).visits.now.value).toBe(1);
    await db.query('update fences set parent_id = null where id = $1', [door.id]);
    await compose([]);
    expect((await ask('2026-11-24', '2026-11-24T20:00:00Z')).visits.now.value).toBe(2);
  });

  test('fences inside the store’s own fence do not count twice, but are listed', async () => {
    const { visit, shelf, door, ask } = await shop();
    await visit(0, '2026-11-24T09:00:00Z');
    await visit(0, '2026-11-24T09:05:00Z', { fenceId: shelf.id, dwellS: 120 });
    await visit(1, '2026-11-24T09:05:00Z', { fenceId: shelf.id, status: 'retracted', score: 1 });
    const found = await ask('2026-11-24', '2026-11-24T20:00:00Z');
    expect(found.visits.now.value).toBeCloseTo(0.9, 9);
    expect(found.fences.map((one) => [one.id, one.visits, one.high, one.dwell])).toEqual([
      [door.id, 0.9, 1, 600],
      [shelf.id, 0.9, 1, 120],
    ]);
    expect(found.curves.dwell.at(-1)).toBe(600);
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

  test('stays nobody saw the end of are longer than what was seen, and make the median longer', async () => {
    const { visit, ask } = await shop();
    const stay = (dwellS: number, dwellUpperS: number | null, more: object = {}) => ({
      dwellS,
      dwellLowerS: dwellS - 60,
      dwellUpperS,
      score: 1,
      ...more,
    });
    const at = (hour: number): string => `2026-11-24T${String(hour).padStart(2, '0')}:00:00Z`;
    await visit(0, at(8), stay(300, 400));
    await visit(0, at(9), stay(600, 700));
    await visit(0, at(10), stay(900, 1000));
    const seen = (await ask('2026-11-24', '2026-11-24T20:00:00Z')).dwell.now;
    expect(seen).toEqual({ median: 600, lower: 540, upper: 700, visits: 3, ended: 3 });
    // Lost after 540 s: two of the four were over by 600 s or not seen so long, one third of those left.
    await visit(1, at(11), stay(600, null));
    await visit(1, at(12), { ...stay(600, 660), status: 'open' });
    const lost = (await ask('2026-11-24', '2026-11-24T20:00:00Z')).dwell.now;
    expect(lost).toMatchObject({ visits: 5, ended: 3, median: 600 });
    await visit(1, at(13), stay(2000, null));
    await visit(1, at(14), stay(2000, null));
    const longer = (await ask('2026-11-24', '2026-11-24T20:00:00Z')).dwell.now;
    expect(longer).toMatchObject({ visits: 7, ended: 3, median: 900 });
    await visit(1, at(15), stay(2000, null));
    // More than half were not seen to their end.
    const most = (await ask('2026-11-24', '2026-11-24T20:00:00Z')).dwell.now;
    expect(most.visits).toBe(8);
    expect(most.ended).toBe(3);
    expect(most.median).toBeNull();
  });

  test('a doubtful stay weighs little', async () => {
    const { visit, ask } = await shop();
    await visit(0, '2026-11-24T08:00:00Z', { dwellS: 300, score: 0.9 });
    await visit(0, '2026-11-24T09:00:00Z', { dwellS: 60, score: 0.1, band: 'none' });
    await visit(0, '2026-11-24T10:00:00Z', { dwellS: 70, score: 0.1, band: 'none' });
    expect((await ask('2026-11-24', '2026-11-24T20:00:00Z')).dwell.now.median).toBe(300);
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

describe('survival', () => {
  /** Weeks in remission, 6-MP and placebo (Freireich et al. 1963, in every textbook since); + is lost. */
  const weeks = (text: string, weight = 1) =>
    text
      .split(' ')
      .map((one) => ({ seconds: parseInt(one, 10), ended: !one.endsWith('+'), weight }));
  const treated = '6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+';
  const placebo = '1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23';

  test('Kaplan-Meier estimates and Greenwood errors as published', () => {
    const steps = survival(weeks(treated)).map((one) => [
      one.seconds,
      one.atRisk,
      Number(one.survival.toFixed(3)),
      Number(one.error.toFixed(4)),
    ]);
    expect(steps).toEqual([
      [6, 21, 0.857, 0.0764],
      [7, 17, 0.807, 0.0869],
      [10, 15, 0.753, 0.0963],
      [13, 12, 0.69, 0.1068],
      [16, 11, 0.627, 0.1141],
      [22, 7, 0.538, 0.1282],
      [23, 6, 0.448, 0.1346],
    ]);
  });

  test.each([
    ['6-MP', treated, 23],
    ['placebo', placebo, 8],
    ['none lost: the ordinary median', '1 2 3 4 5', 3],
    ['an even number: between the two in the middle', '1 2 3 4', 2.5],
    ['half of them lost at once', '1 2+ 2+', null],
    ['all lost', '5+ 6+', null],
    ['one', '7', 7],
  ])('median: %s', (_, text, median) => {
    expect(medianStay(weeks(text))).toBe(median);
  });

  test('weights are repetitions, and what weighs nothing is not there', () => {
    expect(survival(weeks(treated, 0.1)).map((one) => one.survival.toFixed(9))).toEqual(
      survival(weeks(treated)).map((one) => one.survival.toFixed(9)),
    );
    expect(medianStay([...weeks('9'), ...weeks('1 1 1', 0)])).toBe(9);
    expect(medianStay([])).toBeNull();
  });
});

test('an interval never leaves what is possible', () => {
  const few = estimateOf({ expected: 0.3, variance: 0.21, claims: 1 });
  expect([few.low, few.high]).toEqual([0, 1]);
  expect(estimateOf({ expected: null, variance: null, claims: 0 }).high).toBe(0);
});
