/** Clocks that are wrong, and states an older release left: both go on without a gap. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { pingOf } from '../../server/pings/ping.ts';
import { learnSkew, skewOf } from '../../server/pings/skew.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';
import { NOON } from '../support/make.ts';
import { eventsOf, openDoors, stay, visitsOf } from '../support/pinging.ts';
import type { Doors } from '../support/pinging.ts';

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
  merchantId = (await make.makeMerchant(db)).id;
  device = await make.makeDevice(db, merchantId);
  doors = openDoors(db, () => now);
});

const caller = (guestId: string | null = null) => ({
  kind: 'device' as const,
  merchantId,
  deviceId: device.id,
  guestId,
});

describe('a clock that is wrong', () => {
  const sent = (at: number, sentAt: number | null = at) => ({ at, sentAt, refusal: null });

  test.each([
    ['is right within a minute', [1, 2, 20, 3, 1, 2], 0],
    ['is two hours behind', [7200, 7201, 7203, 7200, 7202], 7_201_000],
    ['is a day ahead', [-86_399, -86_400, -86_400, -86_398, -86_399], -86_399_000],
    ['is not known well enough yet', [7200, 7200, 7200, 7200], 0],
    ['cannot be told from a slow way', [40, 900, 120, 4000, 65], 0],
    ['is off but for two late messages', [300, 301, 4000, 300, 302, 9000, 300], 301_000],
  ])('%s', (_, known, skew) => expect(skewOf(known)).toBe(skew));

  test('is learned from fresh messages only, and the last nine of them', () => {
    expect(learnSkew([], [sent(NOON - 60_000), sent(NOON)], NOON + 90_000)).toEqual([90]);
    expect(learnSkew([5], [sent(NOON, null)], NOON)).toEqual([5]);
    // A queue emptied hours later stamps its messages as it sends them.
    expect(learnSkew([5], [sent(NOON - 5 * HOUR, NOON)], NOON + 1_000)).toEqual([5]);
    expect(learnSkew([1, 2, 3, 4, 5, 6, 7, 8, 9], [sent(NOON)], NOON)).toHaveLength(9);
  });

  test('is put right for the engine, the ping keeping its own time and identity', async () => {
    await make.makeFence(db, merchantId);
    const behind = 2 * HOUR;
    const ping = (i: number) => {
      const at = NOON + i * 30_000 - behind;
      return pingOf({
        key: `k${i}`,
        at,
        ...SHOP,
        lat: SHOP.lat + i * 1e-7,
        accuracy: 8,
        sentAt: at,
        source: 'owntracks',
      });
    };
    for (let i = 0; i < 16; i++) {
      now = NOON + i * 30_000 + 500;
      await doors.ingest(caller(), [ping(i)]);
    }
    const { rows } = await db.query<{ at: Date; judged_at: Date }>(
      'select at, judged_at from pings where device_id = $1 order by at',
      [device.id],
    );
    const shifts = rows.map((row) =>
      Math.round((row.judged_at.getTime() - row.at.getTime()) / 1000),
    );
    expect(shifts.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(new Set(shifts.slice(4))).toEqual(new Set([7201]));
    const entered = await eventsOf(db, device.id, 'visit.entered', 'visit.dwelled');
    expect(entered.at(-1)?.payload).toMatchObject({ triggerEligible: true });
    expect(await doors.ingest(caller(), [ping(3), ping(12)])).toMatchObject({ duplicates: 2 });
  });

  test('set right again does not put anybody into the future', async () => {
    const key = (i: number) => `k${i}`;
    for (let i = 0; i < 8; i++) {
      now = NOON + i * 30_000;
      const at = i < 6 ? now - 2 * HOUR : now;
      const ping = pingOf({
        key: key(i),
        at,
        ...AWAY,
        accuracy: 8,
        sentAt: at,
        source: 'owntracks',
      });
      await doors.ingest(caller(), [ping]);
    }
    const { rows } = await db.query<{ late: number }>(
      `select extract(epoch from max(judged_at - received_at)) as late from pings where device_id = $1`,
      [device.id],
    );
    expect(Number(rows[0]?.late)).toBeLessThanOrEqual(30);
  });
});

describe('a state an older release left', () => {
  /** As version 1 wrote it. */
  const old = (id: string, fence: string, visit: string) => ({
    v: 1,
    device: id,
    last: { t: NOON, lon: SHOP.lon, lat: SHOP.lat, acc: 8 },
    suspect: null,
    track: {
      pStill: 0.95,
      still: { lon: SHOP.lon, lat: SHOP.lat, variance: 9 },
      moving: { lon: SHOP.lon, lat: SHOP.lat, variance: 30 },
      odd: false,
    },
    sure: null,
    fences: [
      {
        fence,
        p: 0.98,
        phase: 'inside',
        since: NOON - 10 * MINUTE,
        from: null,
        visit: {
          id: visit,
          fenceVersion: 1,
          revision: 9,
          toldAt: NOON - 20_000,
          from: null,
          first: NOON - 10 * MINUTE,
          last: NOON,
          pings: 20,
          weight: 20,
          belief: 19.5,
          none: 0.4,
          alternates: [],
          observed: 10 * MINUTE,
          longestGap: 30_000,
          still: 9 * MINUTE,
          bestAcc: 8,
          evidence: [],
          wide: false,
          jumped: false,
          tiers: 2,
          exit: null,
        },
      },
    ],
  });

  test('goes on: the open visit is the same visit, and only what is older than it is too late', async () => {
    const fence = await make.makeFence(db, merchantId);
    const visit = await make.makeVisit(db, {
      merchantId,
      fenceId: fence.id,
      deviceId: device.id,
    });
    await db.query(
      `update visits set status = 'open', revision = 9, exit_at = null where id = $1`,
      [visit.id],
    );
    const state = old(device.id, fence.id, visit.id);
    await make.makeDeviceState(db, merchantId, device.id, { state });
    now = NOON + 10 * MINUTE;
    const answer = await doors.send(device.token, [
      ...stay(6, NOON + 30_000, SHOP),
      ...stay(6, NOON + 5 * MINUTE, AWAY),
      ...stay(1, NOON - 5 * MINUTE, SHOP),
    ]);
    expect(answer.body).toMatchObject({
      accepted: 12,
      refused: [{ index: 12, reason: 'too-late' }],
    });
    const [after, ...others] = await visitsOf(db, device.id);
    expect(others).toEqual([]);
    expect(after).toMatchObject({ id: visit.id, status: 'closed' });
    expect(Number(after?.['dwell_lower_s'])).toBeGreaterThan(600);
    // After the first batch there is a state to rewind to.
    const late = await doors.send(device.token, stay(1, NOON + 45_000, SHOP));
    expect(late.body).toMatchObject({ accepted: 1 });
    const [same] = await visitsOf(db, device.id);
    expect(same).toMatchObject({ id: visit.id, pings: Number(after?.['pings']) + 1 });
  });
});
