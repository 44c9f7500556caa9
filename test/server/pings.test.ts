/** The ping doors over a real database: verdicts, idempotency, order, events, bad input. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import { defaultPolicy } from '../../geo/engine.ts';
import type { Database } from '../../server/db/database.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import type { EventPayloads } from '../../server/events/types.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import type { Ingest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import type { LaneLimits } from '../../server/pings/lanes.ts';
import { parseNative } from '../../server/pings/protocols/native.ts';
import { pingRoutes } from '../../server/pings/routes.ts';
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
import { routesApp, silentLog } from '../support/routes-app.ts';

const SHOP = { lon: -0.1276, lat: 51.5072 };
const AWAY = { lon: -0.12, lat: 51.512 };

let held: TestDatabase;
let db: Database;
let now = NOON;
let app: Express;
let place: { merchantId: string; storeId: string; fenceId: string };
let device: { id: string; token: string };

const clock = () => now;

/** One server process over the database: its own lanes, caches and fence indexes. */
function process(over: { limits?: Partial<LaneLimits>; db?: Database } = {}): {
  app: Express;
  ingest: Ingest;
} {
  const ingest = createIngest({
    db: over.db ?? db,
    clock,
    fences: createLiveFences(),
    lanes: createLanes(over.limits),
    policy: defaultPolicy,
  });
  const callers = createDeviceCallers({ db, clock });
  return {
    app: routesApp(pingRoutes({ ingest, clock, log: silentLog }), callers.find),
    ingest,
  };
}

/** A ping every 30 s at one spot. */
function stay(count: number, from: number, at = SHOP) {
  return Array.from({ length: count }, (_, i) => ({
    at: from + i * 30_000,
    lon: at.lon,
    lat: at.lat + i * 1e-7,
    accuracy: 8,
  }));
}

const send = (pings: unknown, to = app, token = device.token) =>
  request(to).post('/v1/pings').set('Authorization', `Bearer ${token}`).send({ pings });

async function stored(): Promise<{ at: number; accepted: boolean; reason: string | null }[]> {
  const { rows } = await db.query<{ at: Date; accepted: boolean; reason: string | null }>(
    'select at, accepted, reason from pings where device_id = $1 order by at, ping_key',
    [device.id],
  );
  return rows.map((row) => ({ ...row, at: row.at.getTime() }));
}

async function events() {
  const { rows } = await db.query<{ type: string; payload: EventPayloads['visit.left'] }>(
    'select type, payload from outbox where device_id = $1 order by seq',
    [device.id],
  );
  return rows;
}

async function snapshot() {
  const state = await db.query('select state from device_states where device_id = $1', [device.id]);
  const visits = await db.query(
    `select fence_id, status, score, entry_at, exit_at, dwell_s, pings from visits
     where device_id = $1 order by entry_at`,
    [device.id],
  );
  return { state: state.rows[0]?.['state'], visits: visits.rows, pings: await stored() };
}

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  const merchant = await makeMerchant(db);
  const store = await makeStore(db, merchant.id);
  const fence = await makeFence(db, merchant.id, { storeId: store.id, name: 'Shoes' });
  place = { merchantId: merchant.id, storeId: store.id, fenceId: fence.id };
});
afterAll(() => held?.release());

beforeEach(async () => {
  now = NOON;
  device = await makeDevice(db, place.merchantId);
  ({ app } = process());
});

describe('a batch', () => {
  test('is stored with verdicts and answered with counts; sent again it changes nothing', async () => {
    const pings = [...stay(3, NOON - 60_000), { ...stay(1, NOON)[0], lat: 51.6, accuracy: 900 }];
    const first = await send(pings);
    expect([first.status, first.body]).toEqual([
      202,
      { accepted: 3, duplicates: 0, refused: [{ index: 3, reason: 'inaccurate' }] },
    ]);
    const before = await snapshot();
    expect((await send(pings)).body).toEqual({ accepted: 0, duplicates: 4, refused: [] });
    expect(await snapshot()).toEqual(before);
    expect(before.pings.map((ping) => ping.reason)).toEqual([null, null, null, 'inaccurate']);
  });

  test('of repeated pings stores each once', async () => {
    const [ping] = stay(1, NOON - 5_000);
    expect((await send([ping, ping, ping])).body).toEqual({
      accepted: 1,
      duplicates: 2,
      refused: [],
    });
  });

  test('gives the same in any order within it', async () => {
    now = NOON + 600_000;
    const track = [...stay(8, NOON), ...stay(4, NOON + 300_000, AWAY)];
    await send(track);
    const forward = await snapshot();
    device = await makeDevice(db, place.merchantId);
    await send(track.toReversed());
    const backward = await snapshot();
    expect(backward.visits).toEqual(forward.visits);
    expect(backward.pings).toEqual(forward.pings);
    expect(forward.visits).toHaveLength(1);
  });

  test('keeps an app’s own ids apart at one place and time', async () => {
    const [ping] = stay(1, NOON);
    const { body } = await send([
      { ...ping, id: 'a' },
      { ...ping, id: 'b' },
    ]);
    expect(body).toMatchObject({ duplicates: 0 });
    expect(await stored()).toHaveLength(2);
  });
});

describe('a stay', () => {
  test('becomes a visit and events that may trigger, for the guest who carries the device', async () => {
    const guest = await makeGuest(db, place.merchantId);
    device = await makeDevice(db, place.merchantId, { guestId: guest.id });
    const { app: one } = process();
    for (const ping of stay(9, NOON)) {
      now = ping.at + 500;
      await send([ping], one).expect(202);
    }
    const told = await events();
    expect(told.map((event) => event.type)).toEqual(['visit.entered', 'visit.dwelled']);
    expect(told[0]?.payload).toMatchObject({
      fenceName: 'Shoes',
      fenceId: place.fenceId,
      storeId: place.storeId,
      guestId: guest.id,
      triggerEligible: true,
    });
    expect(told[1]?.payload).toMatchObject({ tierSeconds: 180, triggerEligible: true });
    const { rows } = await db.query('select * from visits where device_id = $1', [device.id]);
    expect(rows).toEqual([
      expect.objectContaining({
        status: 'open',
        guest_id: guest.id,
        store_id: place.storeId,
        fence_id: place.fenceId,
      }),
    ]);
    const { rows: states } = await db.query<{ wake_at: Date }>(
      'select wake_at from device_states where device_id = $1',
      [device.id],
    );
    expect(states[0]?.wake_at.getTime()).toBe(NOON + 8 * 30_000 + 30 * 60_000);
  });

  test('reported late is a visit all the same, but triggers nothing and says why', async () => {
    now = NOON + 3 * 3_600_000;
    await send([...stay(20, NOON), ...stay(6, NOON + 700_000, AWAY)]).expect(202);
    const told = await events();
    expect(told.map((event) => event.type)).toEqual(
      expect.arrayContaining(['visit.entered', 'visit.left']),
    );
    expect(told.map((event) => event.payload.triggerEligible)).not.toContain(true);
    expect(told[0]?.payload.whyNot).toMatch(/^The ping came \d+ s after/);
  });

  test('with a clock ahead counts as now, the ping keeping its own time', async () => {
    const ahead = 7_200_000;
    await send(stay(6, NOON + ahead - 150_000)).expect(202);
    const [entered] = await events();
    expect(Date.parse(entered?.payload.detectedAt ?? '')).toBeLessThanOrEqual(NOON);
    expect((await stored()).at(-1)?.at).toBe(NOON + ahead);
  });

  test('continues where another process left off, and sees fences drawn meanwhile', async () => {
    const [first, second] = [process(), process()];
    const corner = { lon: -0.2, lat: 51.6 };
    const track = stay(12, NOON, corner);
    now = NOON + 360_000;
    await send(track.slice(0, 2), first.app);
    await send(track.slice(2, 3), second.app);
    await makeFence(db, place.merchantId, {
      name: 'Corner',
      shape: { type: 'Point', coordinates: [corner.lon, corner.lat] },
      radiusM: 40,
    });
    await send(track.slice(3, 7), first.app);
    await send(track.slice(7), second.app);
    const told = await events();
    expect(told.map((event) => [event.type, event.payload.fenceName])).toEqual([
      ['visit.entered', 'Corner'],
      ['visit.dwelled', 'Corner'],
    ]);
  });
});

describe('several processes at once', () => {
  test('take the same retried batches of one device exactly once', async () => {
    now = NOON + 900_000;
    const track = [...stay(16, NOON), ...stay(6, NOON + 540_000, AWAY)];
    await send(track).expect(202);
    const alone = await snapshot();
    device = await makeDevice(db, place.merchantId);
    const caller = {
      kind: 'device' as const,
      merchantId: place.merchantId,
      deviceId: device.id,
      guestId: null,
    };
    const pings = parseNative(track, now);
    const workers = [process(), process(), process()];
    const answers = await Promise.all(workers.map(({ ingest }) => ingest(caller, pings)));
    expect(answers.map((answer) => answer.accepted).toSorted((a, b) => a - b)).toEqual([0, 0, 22]);
    const together = await snapshot();
    expect(together.pings).toEqual(alone.pings);
    expect(together.visits).toEqual(alone.visits);
  });
});

describe('bad input', () => {
  const good = stay(1, NOON)[0];
  test.each([
    ['an empty list', { pings: [] }, 400],
    ['no list', {}, 400],
    ['a list of numbers', { pings: [1] }, 400],
    ['a latitude in words', { pings: [{ ...good, lat: 'north' }] }, 400],
    ['no time', { pings: [{ lon: 1, lat: 1 }] }, 400],
    ['a negative accuracy', { pings: [{ ...good, accuracy: -5 }] }, 400],
    ['1,001 pings', { pings: stay(1001, NOON - 9e7) }, 400],
  ])('%s is refused whole, saying where', async (_, body, status) => {
    const reply = await request(app)
      .post('/v1/pings')
      .set('Authorization', `Bearer ${device.token}`)
      .send(body);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ code: 'invalid-request' });
    expect(reply.body.errors[0].path).toMatch(/^body/);
    expect(await stored()).toEqual([]);
  });

  test.each([
    ['malformed JSON', '{"pings":[', 'application/json', 400, 'malformed-json'],
    [
      'NaN, which is not JSON',
      '{"pings":[{"lon":NaN}]}',
      'application/json',
      400,
      'malformed-json',
    ],
    ['a form', 'lat=1&lon=2', 'application/x-www-form-urlencoded', 415, 'unsupported-media-type'],
    ['10 MB', `{"pings":"${'x'.repeat(10_000_000)}"}`, 'application/json', 413, 'body-too-large'],
  ])('%s gets its own answer', async (_, body, type, status, code) => {
    const reply = await request(app)
      .post('/v1/pings')
      .set('Authorization', `Bearer ${device.token}`)
      .set('Content-Type', type)
      .send(body);
    expect([reply.status, reply.body.code]).toEqual([status, code]);
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  test.each([
    ['swapped axes', { lon: 30.27, lat: 120.15 }, 'lon-lat-swapped'],
    ['axes out of range', { lon: 200, lat: 95 }, 'out-of-range'],
    ['null island', { lon: 0, lat: 0 }, 'null-island'],
    ['1970', { at: 1000 }, 'time-1970'],
    ['the far future', { at: '2099-01-01T00:00:00Z' }, 'time-future'],
    ['25 hours ahead', { at: NOON + 25 * 3_600_000 }, 'time-future'],
    ['last year', { at: '2025-01-01T00:00:00Z' }, 'too-old'],
    ['a time in words', { at: 'yesterday' }, 'no-time'],
    ['a time without its offset', { at: '2026-11-17T12:00:00' }, 'no-time'],
    ['an immense accuracy', { accuracy: 1e300 }, 'inaccurate'],
    ['a mocked place', { mock: true }, 'mock'],
  ])('%s is kept with its reason and holds nobody up', async (_, over, reason) => {
    const reply = await send([
      { ...good, ...over },
      { ...good, lat: 51.5 },
    ]);
    expect(reply.body).toEqual({ accepted: 1, duplicates: 0, refused: [{ index: 0, reason }] });
    expect(new Set((await stored()).map((ping) => ping.reason))).toEqual(new Set([null, reason]));
  });

  test('hostile ids are stored as text, without what the database cannot hold', async () => {
    const id = `'); drop table pings;--\u0000\ud800`;
    await send([{ ...good, id }]).expect(202);
    const { rows } = await db.query<{ ping_key: string }>(
      'select ping_key from pings where device_id = $1',
      [device.id],
    );
    expect(rows[0]?.ping_key).toBe(`id:'); drop table pings;--`);
  });
});

describe('who may send', () => {
  test.each([
    ['nobody', {}],
    ['an unknown token', { Authorization: 'Bearer fd_unknown' }],
    ['an empty one', { Authorization: 'Bearer ' }],
  ])('%s gets 401 before the body is read', async (_, headers) => {
    const reply = await request(app).post('/v1/pings').set(headers).send('{"');
    expect([reply.status, reply.body.code]).toEqual([401, 'unauthenticated']);
  });

  test('a token in the address opens only the doors whose apps need it', async () => {
    const { token } = device;
    await request(app).post(`/v1/pings?token=${token}`).send({ pings: [] }).expect(401);
    await request(app).post(`/owntracks?token=${token}`).send({ _type: 'lwt' }).expect(200, []);
    await request(app)
      .post(`/api/v1/overland/batches?api_key=${token}`)
      .send({ locations: [] })
      .expect(201, { result: 'ok' });
  });

  test('a revoked device is refused at once, even by a process that remembers it', async () => {
    await send(stay(1, NOON)).expect(202);
    await db.query('update devices set revoked_at = $2 where id = $1', [device.id, new Date(now)]);
    await send(stay(1, NOON + 1000)).expect(401);
  });
});

describe('when things go badly', () => {
  test('a busy server says 429 to systems and 503 to apps that would drop the message', async () => {
    const none = process({ limits: { total: 0 } }).app;
    const busy = await send(stay(1, NOON), none);
    expect([busy.status, busy.headers['retry-after']]).toEqual([429, '2']);
    const tracks = await request(none)
      .post('/owntracks')
      .auth('u', device.token)
      .send({ _type: 'location', lat: 1, lon: 1, tst: NOON / 1000 });
    expect([tracks.status, tracks.headers['retry-after']]).toEqual([503, '2']);
  });

  test('without storage nothing is acknowledged', async () => {
    const lost = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    const away: Database = { ...db, tx: () => Promise.reject(lost) };
    const reply = await request(process({ db: away }).app)
      .post('/overland')
      .set('Authorization', `Bearer ${device.token}`)
      .send({
        locations: [
          {
            geometry: { coordinates: [1, 1] },
            properties: { timestamp: '2026-11-17T12:00:00Z' },
          },
        ],
      });
    expect([reply.status, reply.body.code]).toEqual([503, 'unavailable']);
  });
});
