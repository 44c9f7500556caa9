/** A device that keeps rewriting its history: asked to wait, unless others would have to wait with it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultPolicy } from '../../geo/engine.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import type { DeviceCaller } from '../../server/http/route.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import type { Ingest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import { pingOf } from '../../server/pings/ping.ts';
import { createBudget } from '../../server/pings/rewind.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeMerchant } from '../support/make.ts';

let held: TestDatabase;
let caller: DeviceCaller;
let ingest: Ingest;

beforeAll(async () => {
  held = await testDatabase();
});
afterAll(() => held?.release());

const at = (seconds: number) =>
  pingOf({
    key: `${seconds}`,
    at: NOON + seconds * 1000,
    lon: -0.1276,
    lat: 51.5072,
    accuracy: 8,
    source: 'foyer',
  });

beforeEach(async () => {
  const merchantId = (await makeMerchant(held.db)).id;
  const { id } = await makeDevice(held.db, merchantId);
  caller = { kind: 'device', merchantId, deviceId: id, guestId: null };
  ingest = createIngest({
    db: held.db,
    clock: () => NOON + 600_000,
    fences: createLiveFences(),
    lanes: createLanes(),
    policy: defaultPolicy,
    budget: createBudget(3, 0.001),
  });
  await ingest(caller, [at(0), at(100), at(200)]);
  // Four pings run again: more than its share.
  expect(await ingest(caller, [at(50)])).toMatchObject({ accepted: 1 });
});

const kept = async () =>
  (
    await held.db.query(
      `select ping_key as key, accepted, reason, usable from pings
       where device_id = $1 and ping_key in ('150', '250') order by 1`,
      [caller.deviceId],
    )
  ).rows;

describe('beyond its share', () => {
  test('a batch with late pings is to be sent again, whole', async () => {
    const batch = ingest(caller, [at(150), at(250)]);
    await expect(batch).rejects.toMatchObject({ code: 'too-many-requests' });
    expect(await kept()).toEqual([]);
  });

  test('where nobody can be asked to wait, late pings are kept aside and the others count', async () => {
    const result = await ingest(caller, [at(150), at(250)], { mayWait: false });
    expect(result).toEqual({
      accepted: 1,
      duplicates: 0,
      refused: [{ index: 0, reason: 'too-much-to-replay' }],
    });
    expect(await kept()).toEqual([
      { key: '150', accepted: false, reason: 'too-much-to-replay', usable: false },
      { key: '250', accepted: true, reason: null, usable: true },
    ]);
  });
});
