/** "Why (no) visit?" over a real database: what the doors made of pings is what the answer tells. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { defaultPolicy } from '../../geo/policy.ts';
import { createArchive } from '../../server/compose/archive.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { whyRoutes } from '../../server/visits/why-routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makeStore } from '../support/make.ts';
import { openDoors, stay, verdictsOf, visitsOf } from '../support/pinging.ts';
import type { Doors, SentPing } from '../support/pinging.ts';
import { routesApp } from '../support/routes-app.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHOP = { lon: -0.1276, lat: 51.5072 };
const AWAY = { lon: -0.1261, lat: 51.5092 };

interface Told {
  code: string;
  text: string;
  values: Record<string, string | number>;
}
interface Answer {
  fences: { fenceId: string; name: string; visited: boolean; says: Told; best: number }[];
  trust: Told[];
  pings: {
    at: string;
    verdict: string;
    receivedAt: string | null;
    source: string | null;
    says: Told[];
    fences: { fenceId: string; p: number; before: string; after: string; says: Told }[];
  }[];
  transitions: { type: string; fenceId: string; visitId: string | null }[];
  visits: { id: string; stored: string | null; band: string; factors: object[] }[];
}

let held: TestDatabase;
let db: Database;
let app: Express;
let doors: Doors;
let now = NOON;
let merchantId: string;
let shop: string;
let cafe: string;
let device: { id: string; token: string };

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  const clock = (): number => now;
  const archive = createArchive(createLiveFences());
  app = routesApp(whyRoutes({ db, clock, archive, policy: defaultPolicy }));
  merchantId = (await makeMerchant(db)).id;
  const storeId = (await makeStore(db, merchantId)).id;
  shop = (await makeFence(db, merchantId, { storeId, name: 'Shop' })).id;
  const shape = { type: 'Point', coordinates: [-0.1246, 51.5072] };
  cafe = (await makeFence(db, merchantId, { storeId, name: 'Café', shape, radiusM: 30 })).id;
});
afterAll(() => held?.release());
beforeEach(async () => {
  now = NOON;
  device = await makeDevice(db, merchantId);
  doors = openDoors(db, () => now);
});

const send = async (pings: readonly SentPing[]): Promise<void> => {
  now = Math.max(now, ...pings.map((ping) => ping.at + 1000));
  await doors.send(device.token, pings);
};
const iso = (t: number): string => new Date(t).toISOString();
const ask = (query: Record<string, string>, of = device.id, merchant = merchantId) =>
  request(app).get(`/v1/devices/${of}/why`).query(query).set('x-merchant', merchant);
const why = async (from = NOON - HOUR, to = NOON + HOUR, fence?: string): Promise<Answer> => {
  const query = { from: iso(from), to: iso(to), ...(fence ? { fence } : {}) };
  const { body } = await ask(query).expect(200);
  return body as Answer;
};

describe('what the engine really did', () => {
  test('every ping with its beliefs, every transition, every visit and its factors', async () => {
    await send([...stay(4, NOON, AWAY), ...stay(12, NOON + 2 * MINUTE, SHOP)]);
    await send(stay(6, NOON + 8 * MINUTE, AWAY));
    const answer = await why();
    expect(answer.pings).toHaveLength(22);
    expect(answer.pings[0]).toMatchObject({
      at: iso(NOON),
      verdict: 'accepted',
      source: 'foyer',
      receivedAt: expect.any(String),
    });
    const codes = answer.pings.flatMap((p) => p.fences.map((f) => `${f.fenceId} ${f.says.code}`));
    expect(codes).toEqual(expect.arrayContaining([`${shop} wait`, `${shop} entered`]));
    expect(answer.transitions.map((t) => t.type)).toEqual([
      'entered',
      'dwelled',
      'dwelled',
      'left',
    ]);
    const [stored] = await visitsOf(db, device.id);
    expect(answer.visits).toEqual([
      expect.objectContaining({ id: stored?.['id'], stored: stored?.['status'], band: 'high' }),
    ]);
    expect(answer.visits[0]?.factors.length).toBeGreaterThan(3);
    expect(answer.fences[0]).toMatchObject({ fenceId: shop, name: 'Shop', visited: true });
  });

  test('late pings are in their places, verdicts as they are stored', async () => {
    const all = [...stay(4, NOON, AWAY), ...stay(14, NOON + 2 * MINUTE, SHOP)];
    const odd = { at: NOON + 3 * MINUTE + 15_000, lon: 10, lat: 51.5, accuracy: 8 };
    const coarse = { at: NOON + 4 * MINUTE + 15_000, ...SHOP, accuracy: 800 };
    await send(all.filter((_, i) => i % 2 === 0));
    await send([...all.filter((_, i) => i % 2 === 1), odd, coarse]);
    const answer = await why();
    const stored = await verdictsOf(db, device.id);
    expect(answer.pings.map((p) => p.verdict)).toEqual(
      stored.map((row) => row['reason'] ?? 'accepted'),
    );
    expect(answer.pings.map((p) => p.verdict)).toEqual(
      expect.arrayContaining(['inaccurate', 'impossible-speed']),
    );
    expect(answer.trust).toContainEqual(
      expect.objectContaining({ code: 'trust.impossible-speed', values: { count: 1 } }),
    );
  });

  test('a span in the middle is told by the state that led up to it', async () => {
    await send(stay(60, NOON, SHOP));
    const whole = await why();
    const part = await why(NOON + 10 * MINUTE, NOON + 12 * MINUTE);
    expect(part.pings).toEqual(whole.pings.slice(20, 25));
    expect(part.visits.map((v) => v.id)).toEqual(whole.visits.map((v) => v.id));
    expect(part.transitions).toEqual([]);
  });

  test('the fence is the one that stood then, not the one of today', async () => {
    const own = await makeFence(db, merchantId, {
      name: 'Kiosk',
      shape: { type: 'Point', coordinates: [-0.2, 51.5072] },
      radiusM: 40,
    });
    const kiosk = { lon: -0.2, lat: 51.5072 };
    await send([...stay(4, NOON, AWAY), ...stay(12, NOON + 20 * MINUTE, kiosk)]);
    const before = await why(NOON, NOON + HOUR, own.id);
    expect(before.fences[0]?.visited).toBe(true);
    await db.query(
      `update fences set shape = st_geogfromtext('POINT(-0.3 51.5)'), version = version + 1,
         updated_at = $2 where id = $1`,
      [own.id, new Date(NOON + 2 * HOUR)],
    );
    await db.query('update fence_revisions set revision = revision + 1 where merchant_id = $1', [
      merchantId,
    ]);
    expect((await why(NOON, NOON + HOUR, own.id)).pings).toEqual(before.pings);
  });

  test('without a span it tells of the last two hours', async () => {
    await send([...stay(2, NOON, SHOP), ...stay(2, NOON + 3 * HOUR, SHOP)]);
    const { body } = await ask({}).expect(200);
    expect((body as Answer).pings.map((p) => p.at)).toEqual([
      iso(NOON + 3 * HOUR),
      iso(NOON + 3 * HOUR + 30_000),
    ]);
  });

  test('asking writes nothing', async () => {
    await send(stay(12, NOON, SHOP));
    const look = async () => [await visitsOf(db, device.id), await verdictsOf(db, device.id)];
    const before = await look();
    await why();
    expect(await look()).toEqual(before);
  });
});

describe('why no visit', () => {
  test('a fence asked for is answered for, in words with figures', async () => {
    await send(stay(12, NOON, SHOP));
    const { fences, pings } = await why(NOON, NOON + HOUR, cafe);
    expect(fences).toHaveLength(1);
    expect(fences[0]).toMatchObject({ fenceId: cafe, name: 'Café', visited: false });
    expect(fences[0]?.says.text).toMatch(
      /^Never believed to be there: the nearest fix was 1\d\d m/,
    );
    expect(pings).toHaveLength(12);
  });

  test('nobody was heard', async () => {
    expect((await why(NOON, NOON + HOUR, shop)).fences[0]?.says.code).toBe('no-fixes');
  });

  test('the clock was wrong: such pings are listed with their reason', async () => {
    const ahead = { at: NOON + 3 * 24 * HOUR, ...SHOP, accuracy: 8 };
    await doors.send(device.token, [ahead]);
    now = NOON + 4 * 24 * HOUR;
    const answer = await why(NOON + 2 * 24 * HOUR, NOON + 3 * 24 * HOUR);
    expect(answer.pings.concat((await why()).pings).map((p) => p.says[0]?.code)).toEqual([
      'refused.time-future',
    ]);
  });
});

describe('what it refuses', () => {
  test.each<[string, Record<string, string>, number]>([
    ['a span that is none', { from: 'today', to: 'tomorrow' }, 400],
    ['a span that ends before it begins', { from: iso(NOON), to: iso(NOON - 1) }, 400],
    ['more than a day', { from: iso(NOON - 25 * HOUR), to: iso(NOON) }, 400],
    [
      'a fence of nobody',
      { from: iso(NOON - HOUR), to: iso(NOON), fence: '01933b2e-8f00-7000-8000-0000000000aa' },
      404,
    ],
  ])('%s', async (_, query, status) => {
    const { body } = await ask(query).expect(status);
    expect((body as { detail: string }).detail).toBeTruthy();
  });

  test('a device or fence of another merchant', async () => {
    const theirs = (await makeMerchant(db)).id;
    const query = { from: iso(NOON - HOUR), to: iso(NOON) };
    await ask(query, device.id, theirs).expect(404);
    const fence = (await makeFence(db, theirs)).id;
    await ask({ ...query, fence }).expect(404);
  });

  test('more pings than can be told', async () => {
    await db.query(
      `insert into pings (merchant_id, device_id, at, judged_at, ping_key, received_at, lon, lat,
         accuracy_m, accuracy_kind, source, accepted)
       select $1, $2, t, t, 'k', t, -0.1276, 51.5072, 8, 'p68', 'foyer', true
       from generate_series($3::timestamptz, $4::timestamptz, interval '1 second') as t`,
      [merchantId, device.id, new Date(NOON), new Date(NOON + 5001_000)],
    );
    now = NOON + 3 * HOUR;
    const { body } = await ask({ from: iso(NOON), to: iso(NOON + 2 * HOUR) }).expect(400);
    expect((body as { detail: string }).detail).toContain('5000 pings');
    expect((await why(NOON, NOON + HOUR)).pings).toHaveLength(3601);
  });
});
