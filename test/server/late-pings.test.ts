/** Late pings through the doors: history is put right, what changed is told, and nothing is fired. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Database } from '../../server/db/database.ts';
import { HORIZON } from '../../server/pings/history.ts';
import { forgetCheckpoints, settleVisits } from '../../server/pings/keep.ts';
import { createBudget } from '../../server/pings/rewind.ts';
import { defaultPolicy } from '../../geo/engine.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makeStore } from '../support/make.ts';
import { eventsOf, openDoors, stay, verdictsOf, visitsOf } from '../support/pinging.ts';
import type { Doors, SentPing } from '../support/pinging.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHOP = { lon: -0.1276, lat: 51.5072 };
const CAFE = { lon: -0.1246, lat: 51.5072 };
const AWAY = { lon: -0.1261, lat: 51.5092 };

let held: TestDatabase;
let db: Database;
let now = NOON;
let doors: Doors;
let merchantId: string;
let shopId: string;
let device: { id: string; token: string };

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  merchantId = (await makeMerchant(db)).id;
  const storeId = (await makeStore(db, merchantId)).id;
  shopId = (await makeFence(db, merchantId, { storeId, name: 'Shop' })).id;
  const shape = { type: 'Point', coordinates: [CAFE.lon, CAFE.lat] };
  await makeFence(db, merchantId, { storeId, name: 'Café', shape, radiusM: 30 });
});
afterAll(() => held?.release());

beforeEach(async () => {
  now = NOON;
  device = await makeDevice(db, merchantId);
  doors = openDoors(db, () => now);
});

const send = async (pings: readonly SentPing[]) => {
  const reply = await doors.send(device.token, pings);
  expect(reply.status).toBe(202);
  return reply.body;
};

/** Judges what is left open, long after. */
async function nightfall(): Promise<void> {
  now = NOON + 12 * HOUR;
  await doors.silence();
}

async function outcome() {
  return { visits: await visitsOf(db, device.id), pings: await verdictsOf(db, device.id) };
}

/** The same device as if it had never sent anything. */
async function forgotten(): Promise<void> {
  for (const table of ['pings', 'visits', 'device_states', 'device_checkpoints', 'outbox']) {
    await db.query(`delete from ${table} where device_id = $1`, [device.id]);
  }
}

const types = async () => (await eventsOf(db, device.id)).map((event) => event.type);

const retracted = async () =>
  (
    await db.query(`select id from visits where device_id = $1 and status = 'retracted'`, [
      device.id,
    ])
  ).rows;

describe('any order of arrival', () => {
  /** Stays and walks between shops, wild fixes and coarse ones among them. */
  const life = fc
    .array(
      fc.record({
        where: fc.constantFrom(SHOP, CAFE, AWAY),
        pings: fc.integer({ min: 1, max: 14 }),
        every: fc.constantFrom(12_000, 30_000, 75_000),
        pause: fc.constantFrom(0, 20_000, 4 * MINUTE, 40 * MINUTE),
        odd: fc.constantFrom('none', 'none', 'none', 'wild', 'coarse', 'far'),
      }),
      { minLength: 2, maxLength: 6 },
    )
    .map((legs) => {
      let at = NOON - 9 * HOUR;
      return legs.flatMap(({ where, pings, every, pause, odd }) => {
        const leg = stay(pings, at, where, every);
        at += pings * every + pause;
        const middle = leg[leg.length >> 1] as SentPing;
        if (odd === 'wild') middle.lat += 0.003;
        if (odd === 'coarse') middle.accuracy = 400;
        if (odd === 'far') middle.lat += 1;
        return leg;
      });
    });
  /** How it arrives: shuffled by these numbers, cut into batches, silence judged in between. */
  const arrival = fc.record({
    order: fc.array(fc.nat(), { minLength: 84, maxLength: 84 }),
    batch: fc.integer({ min: 1, max: 25 }),
    nearlyInOrder: fc.boolean(),
    silences: fc.boolean(),
  });

  test('and every ping twice: the same visits, byte for byte, and the same verdicts', async () => {
    let visits = 0;
    const holds = fc.asyncProperty(life, arrival, async (pings, { order, batch, ...how }) => {
      now = NOON;
      await forgotten();
      for (const ping of pings) await send([ping]);
      await nightfall();
      const straight = await outcome();
      visits += straight.visits.length;
      now = NOON;
      await forgotten();
      const rank = (i: number) => (how.nearlyInOrder ? i * 1e9 + (order[i]! % 8e9) : order[i]!);
      const twice = pings.map((ping, i) => ({ ping, rank: rank(i) }));
      const shuffled = [...twice, ...twice.map(({ ping, rank: r }) => ({ ping, rank: r ^ 5 }))]
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ ping }) => ping);
      for (let i = 0; i < shuffled.length; i += batch) {
        await send(shuffled.slice(i, i + batch));
        if (how.silences && i % 3 === 0) await doors.silence();
      }
      await nightfall();
      expect(await outcome()).toEqual(straight);
    });
    await fc.assert(holds, { numRuns: Number(process.env['FOYER_RUNS'] ?? 10) });
    expect(visits).toBeGreaterThan(0);
  }, 300_000);
});

describe('a late ping', () => {
  test('adds a visit that nobody had seen, and says so', async () => {
    now = NOON + HOUR;
    await send([...stay(3, NOON, AWAY), ...stay(3, NOON + 10 * MINUTE, AWAY)]);
    expect(await visitsOf(db, device.id)).toEqual([]);
    const late = await send(stay(11, NOON + 2 * MINUTE, SHOP));
    expect(late).toEqual({ accepted: 11, duplicates: 0, refused: [] });
    expect(await visitsOf(db, device.id)).toMatchObject([{ status: 'closed', fence_id: shopId }]);
    const revised = await eventsOf(db, device.id, 'visit.revised');
    expect(revised.map(({ payload }) => payload)).toMatchObject([
      { change: 'added', fenceName: 'Shop', reason: 'late-pings', band: 'high' },
    ]);
    expect(await types()).toEqual([
      'visit.entered',
      'visit.dwelled',
      'visit.left',
      'visit.revised',
    ]);
  });

  test('extends a visit', async () => {
    now = NOON + HOUR;
    await send([...stay(6, NOON, SHOP), ...stay(4, NOON + 20 * MINUTE, AWAY)]);
    const [before] = await visitsOf(db, device.id);
    await send(stay(20, NOON + 4 * MINUTE, SHOP));
    const [after, ...others] = await visitsOf(db, device.id);
    expect(others).toEqual([]);
    expect(after?.['id']).toBe(before?.['id']);
    expect(Number(after?.['dwell_lower_s'])).toBeGreaterThan(
      Number(before?.['dwell_lower_s']) + 300,
    );
    const [revised] = await eventsOf(db, device.id, 'visit.revised');
    expect(revised?.payload).toMatchObject({ change: 'changed', visitId: before?.['id'] });
    const { rows } = await db.query('select revision from visits where device_id = $1', [
      device.id,
    ]);
    expect(rows).toEqual([{ revision: 2 }]);
  });

  test('from before it gives a visit another id, and the event names the old one', async () => {
    now = NOON + HOUR;
    await send([...stay(2, NOON - 10 * MINUTE, AWAY), ...stay(8, NOON, SHOP)]);
    const [before] = await visitsOf(db, device.id);
    await send(stay(3, NOON - 90_000, SHOP));
    const [after, ...others] = await visitsOf(db, device.id);
    expect(others).toEqual([]);
    expect(after?.['id']).not.toBe(before?.['id']);
    expect(await retracted()).toEqual([{ id: before?.['id'] }]);
    const told = await eventsOf(db, device.id, 'visit.revised', 'visit.retracted');
    expect(told).toMatchObject([
      { type: 'visit.revised', payload: { visitId: after?.['id'], replaces: before?.['id'] } },
    ]);
    // Nobody is told twice that somebody came in.
    expect((await types()).filter((type) => type === 'visit.entered')).toHaveLength(1);
  });

  test('takes a visit back that never was', async () => {
    await send([...stay(1, NOON - 5 * MINUTE, AWAY), ...stay(2, NOON - 60_000, SHOP, 50_000)]);
    const [before] = await visitsOf(db, device.id);
    expect(before).toMatchObject({ status: 'open' });
    now = NOON + MINUTE;
    await send(stay(6, NOON - 58_000, AWAY, 8_000));
    expect(await visitsOf(db, device.id)).toEqual([]);
    expect(await retracted()).toEqual([{ id: before?.['id'] }]);
    const [told] = await eventsOf(db, device.id, 'visit.retracted');
    expect(told?.payload).toMatchObject({ visitId: before?.['id'], reason: 'late-pings' });
  });

  test('turns the verdict of an earlier one round', async () => {
    now = NOON + HOUR;
    const far = { lon: SHOP.lon, lat: SHOP.lat + 1 };
    await send([...stay(2, NOON, SHOP), ...stay(1, NOON + 2 * MINUTE, far)]);
    const reasons = async () => (await verdictsOf(db, device.id)).map((row) => row['reason']);
    expect(await reasons()).toEqual([null, null, 'impossible-speed']);
    await send(stay(2, NOON + 100_000, far, 10_000));
    const wild = 'impossible-speed';
    expect(await reasons()).toEqual([null, null, wild, wild, null]);
  });

  test('fires nothing, whatever it finds', async () => {
    now = NOON + HOUR;
    await send(stay(1, NOON + 50 * MINUTE, AWAY));
    for (const ping of stay(30, NOON, SHOP).toReversed()) await send([ping]);
    const told = await eventsOf(db, device.id, 'visit.entered', 'visit.dwelled', 'visit.left');
    expect(told.length).toBeGreaterThan(2);
    expect(told.filter(({ payload }) => payload.triggerEligible)).toEqual([]);
  });

  test('a few seconds late leaves a live visit eligible, once', async () => {
    const pings = stay(10, NOON, SHOP);
    const order = [0, 2, 1, 3, 5, 4, 6, 7, 9, 8];
    for (const i of order) {
      now = Math.max(now, (pings[i] as SentPing).at + 1_000);
      await send([pings[i] as SentPing]);
    }
    const told = await eventsOf(db, device.id, 'visit.entered', 'visit.dwelled');
    expect(told.map(({ type, payload }) => [type, payload.triggerEligible])).toEqual([
      ['visit.entered', true],
      ['visit.dwelled', true],
    ]);
  });

  test('older than the horizon is kept, and judged too late', async () => {
    await send(stay(6, NOON - 30 * HOUR, AWAY));
    await send(stay(3, NOON - 2 * HOUR, AWAY));
    const before = await outcome();
    const answer = await send(stay(2, NOON - 29 * HOUR, SHOP));
    expect(answer.refused.map(({ reason }) => reason)).toEqual(['too-late', 'too-late']);
    expect((await outcome()).pings).toHaveLength(before.pings.length + 2);
    // In order it is no late ping, however old it is.
    device = await makeDevice(db, merchantId);
    expect(await send(stay(6, NOON - 30 * HOUR, AWAY))).toMatchObject({ accepted: 6 });
  });

  test('that would have too much run again is kept with that reason', async () => {
    await send(stay(2, NOON - 5 * HOUR, AWAY));
    await send(stay(2, NOON, AWAY));
    await db.query(
      `insert into pings (merchant_id, device_id, at, judged_at, ping_key, received_at, lon, lat, source,
         accepted, reason)
       select $1, $2, at, at, 'many', at, $4, $5, 'foyer', false, 'too-frequent'
       from generate_series($3::timestamptz, $3::timestamptz + interval '20.5 seconds', interval '1 ms') as at`,
      [merchantId, device.id, new Date(NOON - 3 * HOUR), AWAY.lon, AWAY.lat],
    );
    const answer = await send(stay(1, NOON - 4 * HOUR, SHOP));
    expect(answer.refused).toEqual([{ index: 0, reason: 'too-much-to-replay' }]);
    // From a checkpoint after all that it is ordinary again.
    now = NOON + HOUR;
    await send(stay(1, now, AWAY));
    expect(await send(stay(1, NOON + 30 * MINUTE, AWAY))).toMatchObject({ accepted: 1 });
  });
});

describe('checkpoints', () => {
  const kept = async () =>
    (
      await db.query<{ at: Date }>(
        'select at from device_checkpoints where device_id = $1 order by at',
        [device.id],
      )
    ).rows.map((row) => row.at.getTime());

  test('stand at the beginning, at hours, and where many pings were', async () => {
    await send(stay(4, NOON - 2 * HOUR, AWAY));
    expect(await kept()).toEqual([0]);
    const last = NOON - 2 * HOUR + 90_000;
    await send(stay(2, NOON - HOUR, AWAY));
    expect(await kept()).toEqual([0, last]);
    await send(stay(900, NOON - HOUR + 60_000, AWAY, 1_000));
    await send(stay(150, NOON - HOUR + 1_000_000, AWAY, 1_000));
    expect(await kept()).toHaveLength(4);
  });

  test('older than the horizon go, but the newest of them', async () => {
    for (const hours of [30, 28, 26, 3, 2, 1]) await send(stay(2, NOON - hours * HOUR, AWAY));
    const before = await kept();
    expect(before).toHaveLength(6);
    await forgetCheckpoints(db, NOON);
    expect(await kept()).toEqual(before.slice(3));
    expect(await send(stay(1, NOON - 23 * HOUR, AWAY))).toMatchObject({ accepted: 1 });
  });
});

describe('a visit', () => {
  const statuses = async () =>
    (
      await db.query<{ status: string }>('select status from visits where device_id = $1', [
        device.id,
      ])
    ).rows.map((row) => row.status);

  test('is provisional until no late ping can change it, then final', async () => {
    await send([...stay(8, NOON - HOUR, SHOP), ...stay(4, NOON - 50 * MINUTE, AWAY)]);
    await nightfall();
    expect(await statuses()).toEqual(['closed']);
    const [visit] = await visitsOf(db, device.id);
    const over = Number(visit?.['exit_at']) + HORIZON;
    await settleVisits(db, defaultPolicy, over + HOUR);
    expect(await statuses()).toEqual(['closed']);
    expect(await settleVisits(db, defaultPolicy, over + 2 * HOUR)).toBe(1);
    expect(await statuses()).toEqual(['final']);
    now = over + 2 * HOUR;
    const { refused } = await send(stay(1, NOON - HOUR + 15_000, AWAY));
    expect(refused).toEqual([{ index: 0, reason: 'too-late' }]);
    expect(await statuses()).toEqual(['final']);
  });
});

describe('a device that overdoes it', () => {
  test('with 1,000 pings a second is answered, and few of them are used', async () => {
    const burst = (second: number) => stay(1000, NOON - 20_000 + second * 1000, AWAY, 1);
    const answers = await Promise.all([0, 1, 2, 3, 4].map((second) => send(burst(second))));
    const accepted = answers.reduce((sum, answer) => sum + answer.accepted, 0);
    expect(accepted).toBeGreaterThanOrEqual(5);
    expect(accepted).toBeLessThanOrEqual(12);
    const reasons = new Set(answers.flatMap((answer) => answer.refused.map((r) => r.reason)));
    expect([...reasons]).toEqual(['too-frequent']);
    const { rows } = await db.query<{ bytes: number; marks: number }>(
      `select length(state::text) as bytes,
         (select count(*) from device_checkpoints where device_id = $1) as marks
       from device_states where device_id = $1`,
      [device.id],
    );
    expect(rows[0]?.bytes).toBeLessThan(2_048);
    expect(rows[0]?.marks).toBeLessThanOrEqual(12);
  });

  test('with one late batch after the other is asked to wait, and loses nothing', () => {
    const budget = createBudget(1_000, 100);
    budget.spend('d', 900, 0);
    expect(budget.waitOf('d', 0)).toBe(0);
    budget.spend('d', 900, 0);
    expect(budget.waitOf('d', 0)).toBeCloseTo(8, 0);
    expect(budget.waitOf('d', 7_900)).toBeGreaterThan(0);
    expect(budget.waitOf('other', 0)).toBe(0);
    expect(budget.waitOf('d', 9_000)).toBe(0);
  });
});
