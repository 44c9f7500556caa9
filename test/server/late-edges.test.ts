/** Late pings at the edges: visits about to be final, fences dated back, locks waited for, long histories. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultPolicy, initialState } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { run } from '../../geo/history.ts';
import type { Database, Queryable } from '../../server/db/database.ts';
import { HORIZON, toEngine } from '../../server/pings/history.ts';
import { settleVisits } from '../../server/pings/keep.ts';
import { lockDevice } from '../../server/pings/queries.ts';
import { runInPieces } from '../../server/visits/pieces.ts';
import { heardDevices } from '../../server/visits/why-queries.ts';
import { standSince } from '../../server/fences/versions-queries.ts';
import { postgresTestDatabase, testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeDeviceState, makeFence, makeMerchant } from '../support/make.ts';
import { postgresUrl, requirePart } from '../support/parts.ts';
import { eventsOf, openDoors, stay, verdictsOf, visitsOf } from '../support/pinging.ts';
import type { Doors, SentPing } from '../support/pinging.ts';
import { signal } from '../support/signal.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHOP = { lon: -0.1276, lat: 51.5072 };
const AWAY = { lon: -0.1261, lat: 51.5092 };

let held: TestDatabase;
let db: Database;
let now = NOON;
let doors: Doors;
let merchantId: string;
let device: { id: string; token: string };

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held?.release());

beforeEach(async () => {
  now = NOON;
  merchantId = (await makeMerchant(db)).id;
  device = await makeDevice(db, merchantId);
  doors = openDoors(db, () => now);
});

const send = async (pings: readonly SentPing[]) => {
  const reply = await doors.send(device.token, pings);
  expect(reply.status).toBe(202);
  return reply.body;
};

async function outcome() {
  return { visits: await visitsOf(db, device.id), pings: await verdictsOf(db, device.id) };
}

async function forgotten(): Promise<void> {
  for (const table of ['pings', 'visits', 'device_states', 'device_checkpoints', 'outbox']) {
    await db.query(`delete from ${table} where device_id = $1`, [device.id]);
  }
}

const statuses = async () => (await visitsOf(db, device.id)).map((row) => row['status']);

describe('a visit is not final while it can change', () => {
  beforeEach(async () => {
    const { id } = await makeFence(db, merchantId, { name: 'Shop' });
    await standSince(db, merchantId, [id], new Date(NOON - 80 * HOUR));
  });

  test('by the latest ping that may still go on with it', async () => {
    const first = [...stay(8, NOON, SHOP), ...stay(1, NOON + 4 * MINUTE, AWAY)];
    const later = stay(1, NOON + 4 * HOUR, AWAY);
    // Just within the silence that followed.
    const late = stay(3, NOON + 34 * MINUTE - 10_000, SHOP, 3_000);
    now = NOON + 4 * HOUR;
    await send([...first, ...late, ...later]);
    const straight = await outcome();
    await forgotten();
    await send([...first, ...later]);
    expect(await statuses()).toEqual(['closed']);
    now = (late[0] as SentPing).at + HORIZON;
    await settleVisits(db, defaultPolicy, now);
    await send(late);
    expect((await outcome()).visits).toEqual(straight.visits);
    await settleVisits(db, defaultPolicy, now + 3 * HOUR);
    expect(await statuses()).toEqual(['final']);
  });

  test('by an old backlog that is still coming in', async () => {
    const old = NOON - 60 * HOUR;
    const coming = [...stay(8, old, SHOP), ...stay(3, old + 4 * MINUTE, AWAY)];
    const back = stay(8, old + 5.5 * MINUTE, SHOP);
    await send(coming);
    expect(await statuses()).toEqual(['closed']);
    await settleVisits(db, defaultPolicy, now);
    await send(back);
    await send(stay(4, old + 30 * MINUTE, AWAY));
    const [visit, ...others] = await visitsOf(db, device.id);
    expect(others).toEqual([]);
    expect(visit).toMatchObject({ status: 'closed', pings: 16 });
    await settleVisits(db, defaultPolicy, now);
    expect(await statuses()).toEqual(['final']);
  });
});

test('a visit to a fence that was dated back is told once late pings bring it up', async () => {
  const far = { type: 'Point', coordinates: [1, 50] };
  await makeFence(db, merchantId, { name: 'Far', shape: far, radiusM: 30 });
  await send([...stay(20, NOON - 3 * HOUR, SHOP), ...stay(6, NOON - 2 * HOUR, AWAY)]);
  expect(await visitsOf(db, device.id)).toEqual([]);
  const { id } = await makeFence(db, merchantId, { name: 'Shop' });
  await standSince(db, merchantId, [id], new Date(NOON - 5 * HOUR));
  await send(stay(1, NOON - 3 * HOUR - MINUTE, AWAY));
  expect(await visitsOf(db, device.id)).toMatchObject([{ fence_id: id, status: 'closed' }]);
  const told = await eventsOf(db, device.id);
  expect(told.map(({ type }) => type)).toEqual([
    'visit.entered',
    'visit.dwelled',
    'visit.dwelled',
    'visit.left',
    'visit.revised',
  ]);
  const [revised] = await eventsOf(db, device.id, 'visit.revised');
  expect(revised?.payload).toMatchObject({ change: 'added', fenceName: 'Shop' });
  const entered = await eventsOf(db, device.id, 'visit.entered');
  expect(entered.map(({ payload }) => payload.triggerEligible)).toEqual([false]);
  // And not told again by the next.
  await send(stay(1, NOON - 3 * HOUR - 2 * MINUTE, AWAY));
  expect(await eventsOf(db, device.id, 'visit.entered')).toHaveLength(1);
});

test('devices heard are looked for on the days asked for and their neighbours', async () => {
  now = NOON;
  await send(stay(2, NOON - HOUR, SHOP));
  const days = Array.from({ length: 20 }, (_, i) => new Date(NOON - i * 24 * HOUR));
  await db.query('call foyer_ping_partitions($1::date, $2::date)', [days.at(-1), days[0]]);
  const span = { from: NOON - 2 * HOUR, to: NOON, storeId: null, degrees: 0.005, limit: 10 };
  expect(await heardDevices(db, merchantId, span)).toEqual([device.id]);
  const plan: string[] = [];
  const explain = async (text: string, params: unknown[] = []) => {
    const found = await db.query<{ 'QUERY PLAN': string }>(`explain ${text}`, params);
    plan.push(...found.rows.map((row) => row['QUERY PLAN']));
    return { rows: [], rowCount: 0 };
  };
  await heardDevices({ query: explain } as never, merchantId, span);
  const read = new Set(plan.join('\n').match(/pings_\d{8}/g));
  expect(read.size).toBeGreaterThan(0);
  expect(read.size).toBeLessThanOrEqual(3);
});

describe('history in pieces', () => {
  const fences = createFenceIndex([
    { id: 'shop', name: 'Shop', shape: { type: 'Circle', ...SHOP, radius: 40 } },
  ]);
  const timeline = [{ from: -Infinity, fences }];
  const pings = Array.from({ length: 12 }, (_, leg) =>
    stay(150, NOON + leg * 150 * 20_000, leg % 3 === 0 ? AWAY : SHOP, 20_000),
  )
    .flat()
    .map((ping, i) => {
      const bare = { accuracyKind: 'p68' as const, speed: null, still: false, mock: false };
      return toEngine({ ...ping, ...bare, key: `k${i % 7}`, heard: [], evidence: null }, ping.at);
    });
  const until = NOON + 48 * HOUR;

  test('is as history at once, in any order', async () => {
    const start = initialState('d');
    const whole = run(start, pings, timeline, defaultPolicy, { until });
    expect(whole.visits.size).toBeGreaterThan(2);
    const mixed = pings.map((_, i) => pings[(i * 1009) % pings.length]!);
    const pieces = await runInPieces(start, mixed, timeline, defaultPolicy, { until });
    expect({ ...pieces, reasons: null }).toEqual({ ...whole, reasons: null });
    expect(pieces.reasons).toEqual(pings.map((_, i) => whole.reasons[(i * 1009) % pings.length]));
  });

  test('lets others have their turn', async () => {
    let turns = 0;
    const other = setInterval(() => turns++, 0);
    await runInPieces(initialState('d'), pings, timeline, defaultPolicy);
    clearInterval(other);
    expect(turns).toBeGreaterThan(0);
  });
});

requirePart('waiting for a lock (PostgreSQL)', postgresUrl)(
  'whoever waited for the lock of a device',
  () => {
    let apart: TestDatabase;
    beforeAll(async () => {
      apart = await postgresTestDatabase(postgresUrl!, 4);
    });
    afterAll(() => apart?.release());

    test('knows what changed meanwhile: fences, the token, pings', async () => {
      const own = apart.db;
      const { id } = await makeMerchant(own);
      const phone = await makeDevice(own, id);
      await makeDeviceState(own, id, phone.id);
      await makeFence(own, id);
      const asked = [{ at: NOON, key: 'one' }];
      const tenant = { tenant: id };
      const lock = (tx: Queryable) => lockDevice(tx, id, phone.id, asked, NOON);
      const before = await own.tx(lock, tenant);
      const [locked, hasLock] = signal();
      const [released, goOn] = signal();
      const first = own.tx(async (tx) => {
        await lock(tx);
        hasLock();
        await released;
        await tx.query(`update device_states set updated_at = updated_at where device_id = $1`, [
          phone.id,
        ]);
        await tx.query(
          `insert into pings (merchant_id, device_id, at, judged_at, ping_key, received_at, lon, lat,
             source, accepted) values ($1, $2, $3, $3, 'one', $3, 0, 0, 'foyer', true)`,
          [id, phone.id, new Date(NOON)],
        );
      }, tenant);
      await locked;
      const second = own.tx(lock, tenant);
      await pause(200);
      await makeFence(own, id);
      await own.query('update devices set revoked_at = now() where id = $1', [phone.id]);
      goOn();
      await first;
      const after = await second;
      expect(after?.fenceRevision).toBeGreaterThan(before!.fenceRevision);
      expect(after).toMatchObject({ revoked: true, known: new Set([0]) });
      expect(before).toMatchObject({ revoked: false, known: new Set() });
    });
  },
);
