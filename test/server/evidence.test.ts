/** What else than positions says: WiFi evidence, skewed clocks, resting fences, crossings, old states. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import type { DomainEvent, EventPayloads, EventType } from '../../server/events/types.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createWitness } from '../../server/pings/evidence.ts';
import { pingOf } from '../../server/pings/ping.ts';
import { learnSkew, skewOf } from '../../server/pings/skew.ts';
import { createDoors } from '../../server/sessions/accounting.ts';
import { defaultPolicy } from '../../geo/engine.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeHouse, makeRoom, nowOf } from '../support/cast.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';
import { NOON } from '../support/make.ts';
import { eventsOf, openDoors, stay, verdictsOf, visitsOf } from '../support/pinging.ts';
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

describe('a guest on the WiFi', () => {
  let guestId: string;
  let storeId: string;
  let sessionId: string;
  let gatewayId: string;
  let hear: (event: DomainEvent) => Promise<void>;

  /** A shop of 8 m radius: positions of 20 m accuracy could never tell who is in it. */
  async function smallShop(over: Record<string, unknown> = {}) {
    const shape = { type: 'Point', coordinates: [SHOP.lon, SHOP.lat] };
    return make.makeFence(db, merchantId, { storeId, name: 'Kiosk', shape, radiusM: 8, ...over });
  }

  const said = <T extends EventType>(type: T, payload: EventPayloads[T]): DomainEvent => ({
    id: 'e',
    position: 1,
    merchantId,
    storeId,
    guestId,
    deviceId: null,
    type,
    payload,
    occurredAt: new Date(now),
  });
  const admitted = (at: number) =>
    said('guest.admitted', {
      guestId,
      storeId,
      sessionId,
      method: 'click-through',
      returning: false,
      marketingConsent: false,
      at: new Date(at).toISOString(),
    });
  const ended = (at: number, reason: string) =>
    said('session.ended', { sessionId, guestId, storeId, reason, at: new Date(at).toISOString() });

  beforeEach(async () => {
    guestId = (await make.makeGuest(db, merchantId)).id;
    storeId = (await make.makeStore(db, merchantId)).id;
    gatewayId = (await make.makeGateway(db, merchantId, storeId)).id;
    sessionId = (await make.makeSession(db, { merchantId, storeId, gatewayId, guestId })).id;
    device = await make.makeDevice(db, merchantId, { guestId });
    const parts = { db, policy: defaultPolicy, fences: createLiveFences(), ingest: doors.ingest };
    hear = createWitness(parts);
  });

  /** Positions too coarse for the shop. */
  const coarse = (count: number, from: number) =>
    stay(count, from, SHOP).map((ping) => ({ ...ping, accuracy: 40 }));

  test('visits a shop that no position could tell, once however often it is heard', async () => {
    await smallShop();
    now = NOON + 5 * MINUTE;
    await doors.send(device.token, coarse(5, NOON));
    expect(await visitsOf(db, device.id)).toEqual([]);
    await hear(admitted(now));
    await hear(admitted(now));
    await doors.send(device.token, coarse(1, now + 1_000));
    const [visit, ...others] = await visitsOf(db, device.id);
    expect(others).toEqual([]);
    expect(visit).toMatchObject({ status: 'open' });
    expect(visit?.['detail']).toContain('portal_login');
    const { rows } = await db.query(
      `select source, evidence ->> 'kind' as kind, accepted from pings
       where device_id = $1 and source = 'portal'`,
      [device.id],
    );
    expect(rows).toEqual([{ source: 'portal', kind: 'portal_login', accepted: true }]);
    // The house speaking is not the app speaking.
    const { rows: devices } = await db.query('select last_app from devices where id = $1', [
      device.id,
    ]);
    expect(devices).toEqual([{ last_app: 'foyer' }]);
  });

  test('is in the fence that lists the gateway rather than at the store’s own', async () => {
    await smallShop({ name: 'Mall', radiusM: 200 });
    const corner = await smallShop({ name: 'Corner' });
    await db.query(`update fences set radio = $2::jsonb where id = $1`, [
      corner.id,
      JSON.stringify([`gateway:${gatewayId}`]),
    ]);
    await hear(admitted(NOON));
    const { rows } = await db.query('select evidence from pings where device_id = $1', [device.id]);
    expect(rows).toEqual([{ evidence: { fence: corner.id, kind: 'portal_login' } }]);
  });

  test('signing out shows where they were; an end that comes by itself shows nothing', async () => {
    await smallShop();
    now = NOON + HOUR;
    await hear(ended(NOON, 'timeout_deauth'));
    await hear(ended(NOON, 'expired'));
    expect(await verdictsOf(db, device.id)).toEqual([]);
    await hear(ended(NOON + MINUTE, 'client_deauth'));
    const { rows } = await db.query('select source, at from pings where device_id = $1', [
      device.id,
    ]);
    expect(rows).toEqual([{ source: 'session', at: new Date(NOON + MINUTE) }]);
    expect(await eventsOf(db, device.id, 'visit.left')).toEqual([]);
  });

  test('heard of late goes to its place in the past and fires nothing', async () => {
    await smallShop();
    now = NOON + HOUR;
    await doors.send(device.token, [...coarse(6, NOON), ...stay(3, NOON + 20 * MINUTE, AWAY)]);
    expect(await visitsOf(db, device.id)).toEqual([]);
    await hear(admitted(NOON + 20_000));
    expect(await visitsOf(db, device.id)).toMatchObject([{ status: 'closed' }]);
    const told = await eventsOf(db, device.id, 'visit.entered', 'visit.left');
    expect(told.map(({ payload }) => payload.triggerEligible)).not.toContain(true);
  });

  test('without a linked device, or a fence of the store, leaves no trace', async () => {
    await hear(admitted(NOON));
    await smallShop();
    await db.query('update devices set guest_id = null where id = $1', [device.id]);
    await hear(admitted(NOON));
    expect(await verdictsOf(db, device.id)).toEqual([]);
  });
});

describe('the whole house', () => {
  let app: TestApp;
  afterAll(() => app?.stop());

  test('hears from the gateway who is there, and knows where their phone is', async () => {
    app = await startApp();
    const at = nowOf(app);
    const house = await makeHouse(app);
    const room = await makeRoom(house);
    const { id: guestId } = await make.makeGuest(app.db, house.merchantId);
    const phone = await make.makeDevice(app.db, house.merchantId, { guestId });
    const rhid = 'a'.repeat(64);
    const { store, gateway, merchantId: owner } = house;
    const place = { merchantId: owner, storeId: store.id, gatewayId: gateway.id, guestId };
    await make.makeSession(app.db, place, {
      state: 'pending',
      rhid,
      grantedAt: new Date(at - 5_000),
      expiresAt: new Date(at + HOUR),
    });
    const { db: watched, clock, dispatcher } = app.server.services;
    const gate = createDoors({ db: watched, clock });
    await gate.confirmed({ id: store.id, merchantId: owner }, gateway.id, [rhid]);
    await gate.confirmed({ id: store.id, merchantId: owner }, gateway.id, [rhid]);
    dispatcher.nudge();
    await app.settled();
    const { rows } = await app.db.query(
      'select source, evidence, accepted from pings where device_id = $1',
      [phone.id],
    );
    const evidence = { fence: room, kind: 'wifi_session' };
    expect(rows).toEqual([{ source: 'session', evidence, accepted: true }]);
    const entered = await eventsOf(app.db, phone.id, 'visit.entered');
    expect(entered.map(({ payload }) => payload)).toMatchObject([
      { fenceId: room, guestId, triggerEligible: true },
    ]);
  });
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

describe('a fence that rests after an exit', () => {
  async function comeAndGo(cooldownS: number) {
    await make.makeFence(db, merchantId, { cooldownS });
    let at = NOON;
    for (const spot of [AWAY, SHOP, AWAY, SHOP, AWAY]) {
      for (const ping of stay(10, at, spot)) {
        now = ping.at + 500;
        await doors.send(device.token, [ping]);
      }
      at += 5 * MINUTE;
    }
    const told = await eventsOf(db, device.id, 'visit.entered', 'visit.dwelled', 'visit.left');
    return told.map(
      ({ type, payload }) => [type, payload.triggerEligible, payload.whyNot] as const,
    );
  }

  test('triggers nothing for the same device until it has rested, saying so', async () => {
    const told = await comeAndGo(3600);
    const [entered, dwelled, left, ...again] = told;
    expect([entered?.[1], dwelled?.[1], left?.[1]]).toEqual([true, true, true]);
    expect(again.length).toBeGreaterThanOrEqual(3);
    for (const [, eligible, whyNot] of again) {
      expect(eligible).toBe(false);
      expect(whyNot).toMatch(/^The fence rests after the last exit until 2026-11-17T13:/);
    }
  });

  test('that has rested long enough, or needs no rest, triggers again', async () => {
    expect((await comeAndGo(60)).map(([, eligible]) => eligible)).not.toContain(false);
    const { rows } = await db.query('select cooling from device_states where device_id = $1', [
      device.id,
    ]);
    expect(rows).toEqual([{ cooling: null }]);
  });
});

describe('a crossing', () => {
  const line = (a: [number, number], b: [number, number]) => ({
    type: 'LineString',
    coordinates: [a, b],
  });

  test('of a tripwire is told with its direction, and not as a visit', async () => {
    const shape = line([SHOP.lon, SHOP.lat - 0.001], [SHOP.lon, SHOP.lat + 0.001]);
    await make.makeFence(db, merchantId, {
      name: 'Gate',
      shape,
      kind: 'tripwire',
      direction: 'both',
    });
    const walk = (from: number, lons: number[]) =>
      lons.map((d, i) => ({
        at: from + i * 20_000,
        lon: SHOP.lon + d,
        lat: SHOP.lat,
        accuracy: 5,
      }));
    now = NOON + 45_000;
    await doors.send(device.token, walk(NOON, [-0.0006, -0.0003, 0.0003, 0.0006]));
    const told = await eventsOf(db, device.id, 'fence.crossed');
    expect(told.map(({ payload }) => payload)).toMatchObject([
      { fenceName: 'Gate', direction: 'right', triggerEligible: true },
    ]);
    now = NOON + HOUR;
    await doors.send(device.token, walk(NOON + 10 * MINUTE, [0.0006, 0.0003, -0.0003, -0.0006]));
    const [, back] = await eventsOf(db, device.id, 'fence.crossed');
    expect(back?.payload).toMatchObject({ direction: 'left', triggerEligible: false });
    expect(await visitsOf(db, device.id)).toEqual([]);
  });
});

describe('an edited fence', () => {
  test('ends the visit of whoever it no longer holds, at the time of the edit, firing nothing', async () => {
    const fence = await make.makeFence(db, merchantId);
    now = NOON + 5 * MINUTE;
    await doors.send(device.token, stay(10, NOON, SHOP));
    const moved = { type: 'Point', coordinates: [SHOP.lon + 0.01, SHOP.lat] };
    await db.query(
      `update fences set shape = st_setsrid(st_geomfromgeojson($2), 4326)::geography,
         version = version + 1, updated_at = $3 where id = $1`,
      [fence.id, JSON.stringify(moved), new Date(now)],
    );
    await db.query('update device_states set wake_at = $2 where device_id = $1', [
      device.id,
      new Date(now),
    ]);
    now += MINUTE;
    await doors.silence();
    const told = await eventsOf(db, device.id, 'visit.left');
    expect(told.map(({ payload }) => payload)).toMatchObject([
      {
        reason: 'fence_changed',
        detectedAt: new Date(NOON + 5 * MINUTE).toISOString(),
        triggerEligible: false,
        whyNot: 'The fence was changed around the device.',
      },
    ]);
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
