/** Timed jobs: one process at a time, silence judged, old pings forgotten, partitions made ahead. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultPolicy } from '../../geo/engine.ts';
import type { Database } from '../../server/db/database.ts';
import type { EventPayloads } from '../../server/events/types.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createJobRunner } from '../../server/jobs/runner.ts';
import type { Job } from '../../server/jobs/runner.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import { forgetPings, forgetStates, preparePartitions } from '../../server/pings/keep.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import { parseNative } from '../../server/pings/protocols/native.ts';
import { judgeSilence } from '../../server/pings/silence.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makePing } from '../support/make.ts';
import { silentLog } from '../support/routes-app.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let held: TestDatabase;
let db: Database;
let now = NOON;
const clock = (): number => now;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held?.release());
beforeEach(() => {
  now = NOON;
});

const runner = (jobs: Job[]) => createJobRunner({ db, clock, log: silentLog }, jobs);

const fail = (): Promise<never> => Promise.reject(new Error('no room'));
/** A promise and the way to settle it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
const count = (
  name: string,
  runs: number[],
  run: () => Promise<unknown> = () => Promise.resolve(),
): Job => ({
  name,
  every: 10 * MINUTE,
  run: (at) => {
    runs.push(at);
    return run();
  },
});

describe('the runner', () => {
  test('runs a job when it is due, and then not before its time', async () => {
    const runs: number[] = [];
    const jobs = runner([count('often', runs)]);
    expect(await jobs.runDue()).toEqual(['often']);
    now += 9 * MINUTE;
    expect(await jobs.runDue()).toEqual([]);
    now += MINUTE;
    expect(await jobs.runDue()).toEqual(['often']);
    expect(runs).toEqual([NOON, NOON + 10 * MINUTE]);
  });

  test('of several processes one runs it', async () => {
    const runs: number[] = [];
    const several = Array.from({ length: 4 }, () => runner([count('shared', runs)]));
    const ran = await Promise.all(several.map((each) => each.runDue()));
    expect(ran.flat()).toEqual(['shared']);
    expect(runs).toEqual([NOON]);
  });

  test('takes over from one that died holding it, once its lease is over', async () => {
    const runs: number[] = [];
    await runner([count('orphan', runs)]).runDue();
    now += 10 * MINUTE;
    await db.query(`update jobs set leased_until = $1 where name = 'orphan'`, [
      new Date(now + 5 * MINUTE),
    ]);
    expect(await runner([count('orphan', runs)]).runDue()).toEqual([]);
    now += 5 * MINUTE;
    expect(await runner([count('orphan', runs)]).runDue()).toEqual(['orphan']);
  });

  test('writes down a failure, goes on with the next job, and tries again later', async () => {
    const runs: number[] = [];
    const jobs = runner([count('failing', runs, fail), count('after', runs)]);
    expect(await jobs.runDue()).toEqual(['failing', 'after']);
    const { rows } = await db.query(
      `select last_error, leased_until from jobs where name = 'failing'`,
    );
    expect(rows).toEqual([{ last_error: 'no room', leased_until: null }]);
    now += 10 * MINUTE;
    expect(await jobs.runDue()).toEqual(['failing', 'after']);
  });

  test('stops when told to, after the job in hand', async () => {
    const [begun, end] = [gate(), gate()];
    let ended = false;
    const long = async () => {
      begun.open();
      await end.opened;
      ended = true;
    };
    const jobs = runner([
      { name: 'long', every: DAY, run: long },
      { name: 'never', every: DAY, run: fail },
    ]);
    jobs.start();
    await begun.opened;
    const stopped = jobs.stop();
    end.open();
    await stopped;
    expect(ended).toBe(true);
    const { rows } = await db.query(`select started_at from jobs where name = 'never'`);
    expect(rows).toEqual([{ started_at: null }]);
  });
});

const deps = () => ({
  db,
  clock,
  log: silentLog,
  fences: createLiveFences(),
  lanes: createLanes(),
  policy: defaultPolicy,
});

const visitOf = async (deviceId: string) =>
  (
    await db.query<{ status: string; detail: { rightCensored: boolean } }>(
      'select status, detail from visits where device_id = $1',
      [deviceId],
    )
  ).rows[0];

const leftOf = async (deviceId: string) =>
  (
    await db.query<{ payload: EventPayloads['visit.left'] }>(
      `select payload from outbox where device_id = $1 and type = 'visit.left'`,
      [deviceId],
    )
  ).rows.map((row) => row.payload);

describe('silence', () => {
  const shop = { lon: -0.1276, lat: 51.5072 };

  async function visitor(pings: number, receivedAt = NOON) {
    const merchant = await makeMerchant(db);
    await makeFence(db, merchant.id);
    const device = await makeDevice(db, merchant.id);
    now = receivedAt;
    const track = Array.from({ length: pings }, (_, i) => ({
      ...shop,
      accuracy: 8,
      at: NOON - (pings - 1 - i) * 30_000,
    }));
    const caller = {
      kind: 'device' as const,
      merchantId: merchant.id,
      deviceId: device.id,
      guestId: null,
    };
    await createIngest(deps())(caller, parseNative(track, now));
    return device.id;
  }

  test('ends a visit when its time is over, with no further ping, once', async () => {
    const deviceId = await visitor(10);
    now = NOON + 29 * MINUTE;
    await judgeSilence(deps());
    expect(await visitOf(deviceId)).toMatchObject({ status: 'open' });
    now = NOON + 31 * MINUTE;
    expect(await judgeSilence(deps())).toBe(1);
    expect(await visitOf(deviceId)).toMatchObject({ detail: { rightCensored: true } });
    expect((await visitOf(deviceId))?.status).toMatch(/^(closed|final)$/);
    expect(await leftOf(deviceId)).toEqual([
      expect.objectContaining({
        reason: 'timeout',
        triggerEligible: false,
        whyNot: 'The device fell silent; where it is now is unknown.',
      }),
    ]);
    now += DAY;
    await judgeSilence(deps());
    expect(await leftOf(deviceId)).toHaveLength(1);
    expect(await judgeSilence(deps())).toBe(0);
  });

  test('is judged once when several processes look at the same time', async () => {
    const deviceId = await visitor(10);
    now = NOON + 31 * MINUTE;
    await Promise.all([judgeSilence(deps()), judgeSilence(deps()), judgeSilence(deps())]);
    expect(await leftOf(deviceId)).toHaveLength(1);
  });

  test('of one device that cannot be judged keeps none of the others waiting', async () => {
    const [broken, other] = [await visitor(10), await visitor(10)];
    await db.query(`update device_states set state = '{"v": 2}' where device_id = $1`, [broken]);
    now = NOON + 31 * MINUTE;
    expect(await judgeSilence(deps())).toBe(1);
    expect(await leftOf(other)).toHaveLength(1);
    expect(await judgeSilence(deps())).toBe(0);
  });

  test('of a backlog still streaming in is given time by our own clock', async () => {
    const deviceId = await visitor(10, NOON + 3 * 60 * MINUTE);
    await judgeSilence(deps());
    expect(await visitOf(deviceId)).toMatchObject({ status: 'open' });
    now += 6 * MINUTE;
    await judgeSilence(deps());
    expect(await leftOf(deviceId)).toHaveLength(1);
  });

  test('as long as pings are kept makes the engine forget where the device was', async () => {
    const quiet = await visitor(10);
    now = NOON + 31 * MINUTE;
    await judgeSilence(deps());
    now = NOON + 60 * DAY;
    const recent = await visitor(10);
    const remembered = async (deviceId: string) => {
      const { rows } = await db.query<{ state: unknown; checkpoints: number }>(
        `select state, (select count(*) from device_checkpoints c where c.device_id = s.device_id)::int
           as checkpoints from device_states s where device_id = $1`,
        [deviceId],
      );
      return rows[0];
    };
    expect(await remembered(quiet)).toMatchObject({ state: { v: 2 } });
    now = NOON + 91 * DAY;
    // Those of the tests before fell silent as long ago.
    expect(await forgetStates(db, 90, now)).toBeGreaterThan(0);
    expect(await remembered(quiet)).toEqual({ state: null, checkpoints: 0 });
    expect(await remembered(recent)).toMatchObject({ state: { v: 2 } });
    expect(await forgetStates(db, 90, now)).toBe(0);
  });
});

const partitions = async () =>
  (
    await db.query<{ name: string }>(
      `select relname as name from pg_class where relname ~ '^pings_[0-9]{8}$' order by 1`,
    )
  ).rows.map((row) => row.name);

const left = async (deviceId: string) =>
  (await db.query('select 1 from pings where device_id = $1', [deviceId])).rowCount;

describe('raw pings', () => {
  // A month after the others: a day that already has pings in the default partition gets none of its own.
  const BASE = NOON + 30 * DAY;

  test('have room a week ahead, and are dropped by the day when their time is over', async () => {
    await db.query('delete from pings');
    await preparePartitions(db, BASE);
    await preparePartitions(db, BASE);
    expect(await partitions()).toEqual(
      Array.from(
        { length: 11 },
        (_, i) =>
          `pings_${new Date(BASE + (i - 3) * DAY).toISOString().slice(0, 10).replaceAll('-', '')}`,
      ),
    );
    const merchant = await makeMerchant(db);
    const device = await makeDevice(db, merchant.id);
    for (const days of [-2, 0, 2]) {
      const at = new Date(BASE + days * DAY);
      await makePing(db, merchant.id, device.id, { at, receivedAt: at });
    }
    const stray = new Date('1970-01-01T00:00:01Z');
    await makePing(db, merchant.id, device.id, { at: stray, receivedAt: new Date(BASE - 2 * DAY) });
    await makePing(db, merchant.id, device.id, {
      at: new Date('2033-01-01'),
      receivedAt: new Date(BASE),
    });

    expect(await forgetPings(db, 90, BASE)).toEqual({ days: 0, strays: 0 });
    expect(await left(device.id)).toBe(5);
    expect(await forgetPings(db, 1, BASE)).toEqual({ days: 2, strays: 1 });
    expect(await left(device.id)).toBe(3);
    expect(await forgetPings(db, 1, BASE + 20 * DAY)).toMatchObject({ days: 9, strays: 1 });
    expect(await left(device.id)).toBe(0);
  });

  test('find the right day under row-level security', async () => {
    await preparePartitions(db, BASE + 100 * DAY);
    const merchant = await makeMerchant(db);
    const device = await makeDevice(db, merchant.id);
    await makePing(db, merchant.id, device.id, { at: new Date(BASE + 100 * DAY) });
    const stranger = await makeMerchant(db);
    const seen = (tenant: string) =>
      db.tx((tx) => tx.query('select 1 from pings where device_id = $1', [device.id]), { tenant });
    expect((await seen(merchant.id)).rowCount).toBe(1);
    expect((await seen(stranger.id)).rowCount).toBe(0);
  });
});
