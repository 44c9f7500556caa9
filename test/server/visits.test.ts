/** Visits over a real database: filters, pages, one with its reasons, occupancy, tenants. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Visit } from '../../geo/visit.ts';
import type { Database } from '../../server/db/database.ts';
import { retractVisits, upsertVisits } from '../../server/visits/queries.ts';
import { visitRoutes } from '../../server/visits/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeDevice,
  makeFence,
  makeGuest,
  makeMerchant,
  makeStore,
} from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let held: TestDatabase;
let db: Database;
let app: Express;
let merchantId: string;
let theirs: string;
let storeId: string;
let shoes: string;
let bags: string;
let device: string;
let guest: string;

function visit(over: Partial<Visit> & { id: string }): Visit {
  return {
    device,
    fence: shoes,
    fenceVersion: 1,
    status: 'final',
    revision: 1,
    score: 0.86,
    band: 'high',
    entry: { earliest: NOON - 10_000, estimate: NOON, latest: NOON + 10_000 },
    exit: { earliest: NOON + 600_000, estimate: NOON + 610_000, latest: null },
    leftCensored: false,
    rightCensored: true,
    dwell: { lower: 590, estimate: 610, upper: null },
    pings: 21,
    effectivePings: 12.5,
    bestAccuracy: 5,
    observedSeconds: 590,
    longestGapSeconds: 30,
    evidence: ['portal_login'],
    distrust: [],
    alternates: [{ fence: bags, p: 0.08 }],
    pNone: 0.03,
    factors: [{ name: 'place', value: 0.9, weight: 1, text: '21 fixes put it here with 90 %' }],
    triggerEligible: false,
    whyNot: 'The visit is over.',
    ...over,
  };
}

const hours = (h: number) => {
  const estimate = NOON + h * 3_600_000;
  return { earliest: null, estimate, latest: estimate };
};

const put = (...visits: Visit[]) =>
  db.tx(
    (tx) =>
      upsertVisits(
        tx,
        { merchantId, deviceId: device, guestId: guest },
        visits.map((each) => ({
          visit: each,
          fence: { storeId: each.fence === shoes ? storeId : null },
        })),
        NOON,
      ),
    { tenant: merchantId },
  );
const get = (path: string, merchant = merchantId) =>
  request(app).get(path).set('x-merchant', merchant);
const ids = async (query: string): Promise<string[]> =>
  (await get(`/v1/visits?${query}`).expect(200)).body.visits.map((each: { id: string }) => each.id);

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  app = routesApp(visitRoutes({ db, clock: () => NOON }));
  merchantId = (await makeMerchant(db)).id;
  theirs = (await makeMerchant(db)).id;
  storeId = (await makeStore(db, merchantId)).id;
  shoes = (await makeFence(db, merchantId, { storeId, name: 'Shoes' })).id;
  bags = (await makeFence(db, merchantId, { name: 'Bags' })).id;
  guest = (await makeGuest(db, merchantId)).id;
  device = (await makeDevice(db, merchantId)).id;
  await put(
    visit({ id: 'v1' }),
    visit({ id: 'v2', fence: bags, entry: hours(1), band: 'medium', score: 0.6 }),
    visit({ id: 'v3', entry: hours(2), band: 'low', score: 0.3 }),
    visit({ id: 'v4', entry: hours(3), status: 'open', exit: null, score: 0.7, band: 'medium' }),
    visit({ id: 'v5', entry: hours(3), status: 'open', exit: null, score: 0.05, band: 'none' }),
  );
});
afterAll(() => held?.release());

describe('the list', () => {
  test.each([
    ['everything, newest first', () => '', ['v5', 'v4', 'v3', 'v2', 'v1']],
    ['of a fence', () => `fenceId=${bags}`, ['v2']],
    ['of a store', () => `storeId=${storeId}`, ['v5', 'v4', 'v3', 'v1']],
    ['of a device', () => `deviceId=${device}&limit=1`, ['v5']],
    ['of a guest', () => `guestId=${guest}`, ['v5', 'v4', 'v3', 'v2', 'v1']],
    ['of a stranger', () => `guestId=${device}`, []],
    ['from a time', () => 'from=2026-11-17T14:00:00Z', ['v5', 'v4', 'v3']],
    ['to a time', () => `to=${encodeURIComponent('2026-11-17T14:00:00+01:00')}`, ['v1']],
    ['still open', () => 'status=open', ['v5', 'v4']],
    ['medium and better', () => 'band=medium', ['v4', 'v2', 'v1']],
  ])('%s', async (_, query, expected) => {
    expect(await ids(query())).toEqual(expected);
  });

  test('comes in pages that neither repeat nor skip, even at one instant', async () => {
    const all: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { body }: { body: { visits: { id: string }[]; next: string | null } } = await get(
        `/v1/visits?limit=1${next && `&cursor=${next}`}`,
      ).expect(200);
      all.push(...body.visits.map((each) => each.id));
      ({ next } = body);
    }
    expect(all).toEqual(['v5', 'v4', 'v3', 'v2', 'v1']);
  });

  test.each(['fenceId=shoes', 'from=yesterday', 'status=gone', 'limit=0', 'cursor=%00'])(
    'refuses %s',
    async (query) => {
      await get(`/v1/visits?${query}`).expect(400);
    },
  );
});

describe('one visit', () => {
  test('says why its score is what it is', async () => {
    const { body } = await get('/v1/visits/v1').expect(200);
    expect(body).toMatchObject({
      fenceName: 'Shoes',
      guestId: guest,
      score: 0.86,
      rightCensored: true,
      exit: { latest: null },
      dwell: { lower: 590, upper: null },
      alternates: [{ fenceId: bags, p: 0.08 }],
      factors: [{ name: 'place', text: '21 fixes put it here with 90 %' }],
      whyNot: 'The visit is over.',
      evidence: ['portal_login'],
      distrust: [],
      effectivePings: 12.5,
      bestAccuracy: 5,
      observedSeconds: 590,
      longestGapSeconds: 30,
    });
  });

  test('of an older release has no figures that were not kept then', async () => {
    const { evidence: _e, distrust: _d, observedSeconds: _o, ...old } = visit({ id: 'v8' });
    await put(old as Visit);
    expect((await get('/v1/visits/v8').expect(200)).body).toMatchObject({
      evidence: [],
      distrust: [],
      observedSeconds: null,
    });
    await db.query(`delete from visits where id = 'v8'`);
  });

  test('that was retracted is listed only when asked for, and fires nothing', async () => {
    await put(visit({ id: 'v9', status: 'closed', triggerEligible: true }));
    await db.tx((tx) => retractVisits(tx, merchantId, [{ id: 'v9', into: null }], NOON), {
      tenant: merchantId,
    });
    expect(await ids('')).not.toContain('v9');
    expect(await ids('status=retracted')).toEqual(['v9']);
    expect((await get('/v1/visits/v9').expect(200)).body).toMatchObject({
      status: 'retracted',
      triggerEligible: false,
      whyNot: 'Later pings showed that it never was.',
    });
    await db.query(`delete from visits where id = 'v9'`);
  });

  test('is stored as it was told last; each difference is a revision, a repetition is none', async () => {
    const first = visit({ id: 'v6', status: 'closed', pings: 20 });
    const second = { ...first, pings: 30 };
    for (const each of [first, first, second, second]) await put(each);
    expect((await get('/v1/visits/v6')).body).toMatchObject({ revision: 2, pings: 30 });
    await db.query(`update visits set status = 'final' where id = 'v6'`);
    await put({ ...first, pings: 40 });
    expect((await get('/v1/visits/v6')).body).toMatchObject({ revision: 2, pings: 30 });
    await db.query(`delete from visits where id = 'v6'`);
  });

  test('unknown or another merchant’s is not there', async () => {
    await get('/v1/visits/v0').expect(404);
    await get('/v1/visits/v1', theirs).expect(404);
    expect((await get('/v1/visits', theirs)).body).toEqual({ visits: [], next: null });
  });
});

test('occupancy counts open visits by fence and what to expect of them', async () => {
  const { body } = await get(`/v1/occupancy?storeId=${storeId}`).expect(200);
  expect(body.fences).toEqual([
    {
      fenceId: shoes,
      fenceName: 'Shoes',
      visits: 1,
      likely: 0.7,
      since: '2026-11-17T15:00:00.000Z',
    },
  ]);
  expect((await get('/v1/occupancy')).body.fences).toHaveLength(2);
});
