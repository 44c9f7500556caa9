/** Fences in the wrong datum are found out by where phones are when their owners sign in. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Datum } from '../../geo/datum.ts';
import { convert, datumShift } from '../../geo/datum.ts';
import { compileFence } from '../../geo/fence.ts';
import { drawFrom } from '../../geo/draw.ts';
import { bearingOf, judgeDatum } from '../../server/fences/datum-check.ts';
import { datumCheckRoutes } from '../../server/fences/datum-check-routes.ts';
import type { Database } from '../../server/db/database.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import { consoleApp, personOf } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import {
  NOON,
  makeDevice,
  makeFence,
  makeGateway,
  makeGuest,
  makeMerchant,
  makePing,
  makeSession,
  makeStore,
} from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';
import { moved } from '../support/tracks.ts';

const HANGZHOU: [number, number] = [120.153, 30.287];
const LONDON: [number, number] = [-0.1276, 51.5072];

/** A rectangle about a place, as somebody would draw it on a map of that datum. */
function drawnOn(datum: Datum, [lon, lat]: [number, number], wide: number, high: number) {
  const corners = [
    [-wide, -high],
    [wide, -high],
    [wide, high],
    [-wide, high],
    [-wide, -high],
  ] as const;
  return corners.map(([x, y]) => {
    const [a, b] = convert(moved(lon, lat, x / 2, y / 2), 'wgs84', datum);
    return [a, b] as [number, number];
  });
}

const fenceOn = (datum: Datum, place: [number, number], wide = 60, high = 40) =>
  compileFence({
    id: 'door',
    name: 'Door',
    shape: { type: 'Polygon', coordinates: [drawnOn(datum, place, wide, high)] },
  });

/** People about a place: good fixes, and a few devices that are somewhere else altogether. */
function people(
  place: [number, number],
  n: number,
  { devices = 8, spread = 12, strays = 0 }: { devices?: number; spread?: number; strays?: number },
) {
  const draw = drawFrom(randomFrom(n + devices));
  return Array.from({ length: n }, (_, i) => {
    const far = i < strays ? 20_000 : 0;
    const [lon, lat] = moved(...place, far + spread * draw.normal(), spread * draw.normal());
    return { device: `d${i % devices}`, lon, lat };
  });
}

describe('the verdict', () => {
  test.each<[string, Datum, [number, number], Parameters<typeof people>[2], number, string]>([
    ['drawn in WGS 84', 'wgs84', HANGZHOU, {}, 40, 'fits'],
    ['on a map of AMap', 'gcj02', HANGZHOU, {}, 40, 'gcj02'],
    ['on a map of Baidu', 'bd09', HANGZHOU, {}, 40, 'bd09'],
    ['a quarter of the devices elsewhere', 'gcj02', HANGZHOU, { strays: 10 }, 40, 'gcj02'],
    ['no such maps in London', 'gcj02', LONDON, {}, 40, 'fits'],
    ['19 positions', 'gcj02', HANGZHOU, {}, 19, 'too-few'],
    ['20 positions', 'gcj02', HANGZHOU, {}, 20, 'gcj02'],
    ['four devices', 'gcj02', HANGZHOU, { devices: 4 }, 40, 'too-few'],
    ['nobody', 'gcj02', HANGZHOU, {}, 0, 'too-few'],
  ])('%s', (_, datum, place, how, n, verdict) => {
    const check = judgeDatum(people(place, n, how), [fenceOn(datum, place)]);
    expect(check.verdict).toBe(verdict);
    expect(check.sentence.length).toBeGreaterThan(20);
  });

  test.each([
    [19, {}],
    [40, { devices: 4 }],
    [1, {}],
  ])('where few people stand is nobody’s business: %i positions %j', (n, how) => {
    const check = judgeDatum(people(HANGZHOU, n, how), [fenceOn('gcj02', HANGZHOU)]);
    expect(check).toMatchObject({ verdict: 'too-few', medianEast: null, medianNorth: null, n });
  });

  test('a mall as wide as the shift is told all the same', () => {
    const mall = [fenceOn('gcj02', HANGZHOU, 400, 300)];
    expect(judgeDatum(people(HANGZHOU, 60, {}), mall).verdict).toBe('gcj02');
  });

  test('a fence drawn 300 m off is moved, and in which direction it says', () => {
    const there = moved(...HANGZHOU, -300, 0);
    const check = judgeDatum(people(there, 40, {}), [fenceOn('wgs84', HANGZHOU)]);
    expect(check).toMatchObject({ verdict: 'moved', n: 40, devices: 8 });
    // Seen from its western edge, 30 m from the middle.
    expect(check.medianEast).toBeGreaterThan(-280);
    expect(check.medianEast).toBeLessThan(-260);
    expect(check.sentence).toContain('m west of the fence (median of 40 positions of 8 devices)');
  });

  test('people all over town say nothing about the fence', () => {
    const all = people(moved(...HANGZHOU, 500, 500), 40, { spread: 800 });
    expect(judgeDatum(all, [fenceOn('wgs84', HANGZHOU)]).verdict).toBe('scattered');
  });

  test('the median is minus the shift, but for the size of the fence', () => {
    const check = judgeDatum(people(HANGZHOU, 40, {}), [fenceOn('bd09', HANGZHOU)]);
    const shift = datumShift('bd09', ...HANGZHOU);
    expect(Math.abs((check.medianEast ?? 0) + shift.east)).toBeLessThan(45);
    expect(Math.abs((check.medianNorth ?? 0) + shift.north)).toBeLessThan(45);
  });

  test('the nearest of several fences counts, and inside is at it', () => {
    const other = compileFence({
      id: 'other',
      name: 'Other',
      shape: { type: 'Circle', lon: HANGZHOU[0], lat: HANGZHOU[1], radius: 30 },
    });
    const check = judgeDatum(people(HANGZHOU, 40, { spread: 5 }), [
      fenceOn('gcj02', HANGZHOU),
      other,
    ]);
    expect(check).toMatchObject({ verdict: 'fits', medianEast: 0, medianNorth: 0 });
  });

  test.each([
    [100, 0, 'e'],
    [100, 100, 'ne'],
    [0, 100, 'n'],
    [-100, 1, 'w'],
    [-100, -1, 'w'],
    [-70, -70, 'sw'],
    [1, -100, 's'],
    [100, -90, 'se'],
  ])('%d east, %d north is %s', (east, north, bearing) => {
    expect(bearingOf(east, north).bearing).toBe(bearing);
  });
});

describe('over the database', () => {
  let database: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    database = await testDatabase();
    db = database.db;
  });
  afterAll(() => database.release());

  const MINUTE = 60_000;
  const at = (minutes: number): Date => new Date(NOON + minutes * MINUTE);

  async function house(datum: Datum) {
    const merchant = await makeMerchant(db);
    const store = await makeStore(db, merchant.id, { timezone: 'Asia/Shanghai', country: 'CN' });
    const gateway = await makeGateway(db, merchant.id, store.id);
    const draw = (coordinates: [number, number][], more = {}) =>
      makeFence(db, merchant.id, {
        storeId: store.id,
        shape: { type: 'Polygon', coordinates: [coordinates] },
        ...more,
      });
    const door = await draw(drawnOn(datum, HANGZHOU, 60, 40), { name: 'Door' });
    // What lies inside the door is no door, wherever it is.
    await draw(drawnOn('wgs84', HANGZHOU, 20, 20), { name: 'Shelf', parentId: door.id });
    const where = { merchantId: merchant.id, storeId: store.id, gatewayId: gateway.id };
    const guests = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6].map(async () => {
        const guest = await makeGuest(db, merchant.id);
        return { guest, device: await makeDevice(db, merchant.id, { guestId: guest.id }) };
      }),
    );
    /** One sign-in, and a position so many minutes after it. */
    const signIn = async (who: number, minute: number, after = 1, over: object = {}) => {
      const { guest, device } = guests[who]!;
      const one = { ...where, guestId: guest.id };
      await makeSession(db, one, { confirmedAt: at(minute), grantedAt: at(minute) });
      const [lon, lat] = moved(...HANGZHOU, who * 2 - 6, 3);
      await makePing(db, merchant.id, device.id, { at: at(minute + after), lon, lat, ...over });
    };
    const app = routesApp(datumCheckRoutes({ db, clock: () => NOON + 86_400_000 }));
    const ask = (merchantId = merchant.id) =>
      request(app).get(`/v1/stores/${store.id}/datum-check`).set('x-merchant', merchantId);
    return { merchant, store, door, signIn, ask };
  }

  test('twenty sign-ins of seven devices find the map; what proves nothing is left out', async () => {
    const { signIn, ask } = await house('gcj02');
    for (let i = 0; i < 21; i++) await signIn(i % 7, -10 * i);
    const useless = [
      { accuracyM: 45 },
      { accuracyM: null },
      { accuracyM: 60, accuracyKind: 'p95' },
      { source: 'portal' },
      { source: 'session' },
      { accepted: false, reason: 'duplicate' },
    ];
    for (const [i, over] of useless.entries()) await signIn(i, -1000 - 10 * i, 1, over);
    // Three minutes away from the sign-in nobody knows where they are.
    await signIn(0, -2000, 3);
    // Longer ago than the check looks.
    await signIn(0, -60 * 24 * 90);
    const { body } = await ask().expect(200);
    expect(body).toMatchObject({ verdict: 'gcj02', n: 21, devices: 7 });
    const shift = datumShift('gcj02', ...HANGZHOU);
    expect(Math.abs(body.medianEast + shift.east)).toBeLessThan(45);
  });

  test('a good browser’s 95 % radius is good, one guest a day long is not a crowd', async () => {
    const { signIn, ask } = await house('wgs84');
    for (let i = 0; i < 40; i++)
      await signIn(0, -10 * i, 0, { accuracyM: 45, accuracyKind: 'p95' });
    expect((await ask().expect(200)).body).toMatchObject({ verdict: 'too-few', n: 20, devices: 1 });
    for (let i = 0; i < 7; i++) await signIn(i, -500 - 10 * i);
    const { body } = await ask();
    expect(body).toMatchObject({ verdict: 'fits', medianEast: 0, medianNorth: 0, devices: 7 });
  });

  test('a store without a fence, and somebody else’s store', async () => {
    const mine = await house('wgs84');
    const theirs = await house('wgs84');
    await mine.ask(theirs.merchant.id).expect(404);
    await db.query('update fences set active = false where merchant_id = $1', [mine.merchant.id]);
    expect((await mine.ask().expect(200)).body).toMatchObject({ verdict: 'no-fence', n: 0 });
  });

  test('the fences page says so in both languages, and one button puts them right', async () => {
    const { merchant, signIn, door, ask } = await house('gcj02');
    const app = consoleApp(db);
    const owner = await personOf(app, merchant.id);
    expect((await owner.get('/console/fences').expect(200)).text).not.toContain(
      'datum-notice-title',
    );
    for (let i = 0; i < 21; i++) await signIn(i % 7, -10 * i);
    const { text } = await owner.get('/console/fences').expect(200);
    expect(text).toContain('The fences seem to stand in the wrong place');
    expect(text).toMatch(/4\d\d m north-west of the fence \(median of 21 positions, 7 devices\)/);
    expect(text).toContain('AMap and Tencent maps (GCJ-02)');
    expect(text).toContain('Put 2 fences right');
    const chinese = await owner.get('/console/fences').set('Accept-Language', 'zh-CN').expect(200);
    expect(chinese.text).toContain('围栏的位置似乎不对');
    await owner.post('/console/fences-datum', { datum: 'wgs84' }).expect(404);
    await owner.post('/console/fences-datum', { datum: 'gcj02' }).expect(303);
    expect((await ask()).body).toMatchObject({ verdict: 'fits', n: 21 });
    const { rows } = await db.query<{ datum: string; version: number }>(
      'select datum, version from fences where id = $1',
      [door.id],
    );
    expect(rows[0]).toEqual({ datum: 'gcj02', version: 2 });
    expect((await owner.get('/console/fences')).text).not.toContain('datum-notice-title');
    const till = await personOf(app, merchant.id, 'till');
    await till.post('/console/fences-datum', { datum: 'gcj02' }).expect(403);
  });
});
