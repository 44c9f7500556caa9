/** Sign-ins and sessions as evidence; fences that rest, are crossed, or change around somebody. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { appendConsent } from '../../server/consents/queries.ts';
import type { Database } from '../../server/db/database.ts';
import type { DomainEvent, EventPayloads, EventType } from '../../server/events/types.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createWitness } from '../../server/pings/evidence.ts';
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

describe('a guest on the WiFi', () => {
  let guestId: string;
  let storeId: string;
  let sessionId: string;
  let gatewayId: string;
  let mayBeJoined: boolean;
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
    const mayAnalyse = (): Promise<boolean> => Promise.resolve(mayBeJoined);
    const parts = { db, policy: defaultPolicy, fences: createLiveFences(), ingest: doors.ingest };
    mayBeJoined = true;
    hear = createWitness({ ...parts, mayAnalyse });
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

  test('says nothing about somebody who did not agree to that', async () => {
    await smallShop();
    mayBeJoined = false;
    await hear(admitted(NOON));
    await hear(ended(NOON + MINUTE, 'user-request'));
    expect(await verdictsOf(db, device.id)).toEqual([]);
    mayBeJoined = true;
    await hear(ended(NOON + MINUTE, 'user-request'));
    expect(await verdictsOf(db, device.id)).toHaveLength(1);
  });

  test.each([
    ['a hardware address alone opened it', `method = 'mac'`],
    ['two used its hardware address at once', `twin_at = now()`],
  ])('says nothing about anybody when %s', async (_name, fact) => {
    await smallShop();
    await db.query(`update sessions set ${fact} where id = $1`, [sessionId]);
    await hear(admitted(NOON));
    expect(await verdictsOf(db, device.id)).toEqual([]);
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
    const agreed = {
      merchantId: house.merchantId,
      guestId,
      storeId: house.store.id,
      purpose: 'analytics',
      granted: true,
      version: '1',
      text: 'Count my visits.',
      language: 'en',
      source: 'portal',
    } as const;
    await appendConsent(app.db, agreed, at);
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
