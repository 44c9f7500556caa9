/** Labels from production: sign-ins against what positions alone would have claimed. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPolicy } from '../../geo/policy.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import { drawFrom } from '../../geo/draw.ts';
import { labelsIn } from '../../scripts/calibrate/database.ts';
import type { Database } from '../../server/db/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import {
  NOON,
  makeConsent,
  makeDevice,
  makeFence,
  makeGateway,
  makeGuest,
  makeMerchant,
  makePing,
  makeSession,
  makeStore,
} from '../support/make.ts';
import { moved } from '../support/tracks.ts';

const HERE: [number, number] = [-0.1276, 51.5072];
const minutes = (n: number): Date => new Date(NOON + n * 60_000);

describe('labels from sign-ins', () => {
  let database: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    database = await testDatabase();
    db = database.db;
  });
  afterAll(() => database.release());

  /** Two stores 300 m apart, and somebody who spends ten minutes at the first one. */
  async function street() {
    const merchant = await makeMerchant(db);
    const [there, elsewhere] = [await makeStore(db, merchant.id), await makeStore(db, merchant.id)];
    const fence = (storeId: string, east: number, more = {}) =>
      makeFence(db, merchant.id, {
        storeId,
        shape: { type: 'Point', coordinates: moved(...HERE, east, 0) },
        radiusM: 24,
        ...more,
      });
    const door = await fence(there.id, 0);
    await fence(there.id, 0, { parentId: door.id, radiusM: 18, name: 'Shelf' });
    await fence(elsewhere.id, 300);
    const gateway = await makeGateway(db, merchant.id, there.id);
    const guest = await makeGuest(db, merchant.id);
    await makeConsent(db, merchant.id, guest.id, { purpose: 'analytics', granted: true });
    const device = await makeDevice(db, merchant.id, { guestId: guest.id });
    const draw = drawFrom(randomFrom(1));
    for (let i = 0; i <= 20; i++) {
      const [lon, lat] = moved(...HERE, 3 * draw.normal(), 3 * draw.normal());
      await makePing(db, merchant.id, device.id, { at: minutes(i / 2), lon, lat });
    }
    for (const [minute, east] of [
      [-1, 120],
      [11, 120],
      [12, 200],
      [13, 240],
    ] as const) {
      const [lon, lat] = moved(...HERE, east, 80);
      await makePing(db, merchant.id, device.id, { at: minutes(minute), lon, lat });
    }
    const signIn = (storeId: string, at: number, end: number | null, endReason = 'client_deauth') =>
      makeSession(
        db,
        { merchantId: merchant.id, storeId, gatewayId: gateway.id, guestId: guest.id },
        {
          grantedAt: minutes(at),
          confirmedAt: minutes(at),
          ...(end === null ? {} : { endedAt: minutes(end), endReason, state: 'ended' as const }),
        },
      );
    const labels = () =>
      labelsIn(db, { days: 7, merchant: merchant.id }, defaultPolicy, NOON + 3_600_000);
    return { merchant, there, elsewhere, device, guest, signIn, labels };
  }

  test('no sign-in, no label', async () => {
    const { labels } = await street();
    expect((await labels()).rows).toEqual([]);
  });

  test('a sign-in proves the place; how long, only a session that lasted', async () => {
    const { there, signIn, labels } = await street();
    await signIn(there.id, 2, null);
    const [only, ...others] = (await labels()).rows;
    expect(others).toEqual([]);
    expect(only).toMatchObject({ truth: 1, here: 1, about: 'here' });
    expect(only?.score).toBeGreaterThan(0.9);
    expect(only?.signs).toMatchObject({ evidence: false, wide: false });
    // A session that ran out says nothing about when they left; a sign-out does.
    await signIn(there.id, 3, 9, 'expired');
    expect((await labels()).rows).toMatchObject([{ about: 'here' }]);
    await signIn(there.id, 3, 9);
    expect((await labels()).rows).toMatchObject([{ about: 'visit', truth: 1, here: 1 }]);
  });

  test.each([
    ['a session that a hardware address alone opened', 'method = $2', 'mac'],
    ['an address that was at two stores at once', 'twin_at = $2', minutes(3)],
  ])('%s is no label', async (_what, set, value) => {
    const { merchant, there, signIn, labels } = await street();
    await signIn(there.id, 2, null);
    expect((await labels()).rows).toHaveLength(1);
    await db.query(`update sessions set ${set} where merchant_id = $1`, [merchant.id, value]);
    expect((await labels()).rows).toEqual([]);
  });

  test('of a guest who refused statistics there is no label', async () => {
    const { merchant, there, guest, signIn, labels } = await street();
    await signIn(there.id, 2, null);
    await makeConsent(db, merchant.id, guest.id, { purpose: 'analytics', granted: false });
    expect((await labels()).rows).toEqual([]);
  });

  test('signed in at the other store: the claim was wrong', async () => {
    const { elsewhere, signIn, labels } = await street();
    await signIn(elsewhere.id, 4, null);
    expect((await labels()).rows).toMatchObject([{ about: 'visit', truth: 0, here: 0 }]);
  });

  test('what the house itself knew is no ground of the claim', async () => {
    const { merchant, there, device, signIn, labels } = await street();
    await signIn(there.id, 2, null);
    const [before] = (await labels()).rows;
    const [lon, lat] = HERE;
    await makePing(db, merchant.id, device.id, { at: minutes(2), lon, lat, source: 'portal' });
    expect((await labels()).rows).toEqual([before]);
  });
});
