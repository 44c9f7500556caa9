/** What each app sends, fixture by fixture, into pings; and the clocks and clients nobody should trust. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import request from 'supertest';
import type { Express } from 'express';
import { defaultPolicy } from '../../geo/engine.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { aheadShift, engineTime, isoTime, readTime } from '../../server/pings/clock.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import type { Parsed } from '../../server/pings/ping.ts';
import { num, text } from '../../server/pings/ping.ts';
import { parseOverland } from '../../server/pings/protocols/overland.ts';
import { parseOwnTracks } from '../../server/pings/protocols/owntracks.ts';
import { pingRoutes } from '../../server/pings/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeMerchant } from '../support/make.ts';
import { routesApp, silentLog } from '../support/routes-app.ts';

interface Fixture {
  about: string;
  agent: string;
  body: unknown;
  /** As ParsedPing, `at` in ISO 8601. */
  pings: object[];
  ignored: Record<string, number>;
}

const folder = path.join(import.meta.dirname, '../fixtures/protocols');
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name): [string, Fixture] => [
    name.slice(0, -5),
    JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Fixture,
  ]);
const parserOf = (name: string) => (name.startsWith('owntracks-') ? parseOwnTracks : parseOverland);
const shown = ({ pings, ignored }: Parsed) => ({
  pings: pings.map((ping) => ({ ...ping, at: new Date(ping.at).toISOString() })),
  ignored,
});

const clock = (): number => NOON;

describe('fixtures', () => {
  test.each(fixtures)('%s', (name, { agent, body, pings, ignored }) => {
    expect(shown(parserOf(name)(body, agent, NOON))).toEqual({ pings, ignored });
  });
});

describe('any message at all', () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        _type: fc.constantFrom('location', 'lwt', 'x'),
        lat: fc.oneof(fc.double(), fc.string()),
        lon: fc.oneof(fc.double(), fc.integer()),
        tst: fc.oneof(fc.double(), fc.integer(), fc.string()),
        acc: fc.jsonValue(),
        vel: fc.jsonValue(),
        t: fc.jsonValue(),
        SSID: fc.string({ unit: 'binary' }),
        motionactivities: fc.jsonValue(),
      },
      { requiredKeys: ['_type'] },
    ),
    fc.record({
      locations: fc.array(
        fc.record({ geometry: fc.jsonValue(), properties: fc.jsonValue() }, { requiredKeys: [] }),
      ),
      current: fc.jsonValue(),
    }),
  );
  test('is read without throwing, into numbers that can be stored', () => {
    fc.assert(
      fc.property(odd, fc.constantFrom(parseOwnTracks, parseOverland), (body, parse) => {
        for (const ping of parse(body, '', NOON).pings) {
          expect(Number.isFinite(ping.lon) && Number.isFinite(ping.lat)).toBe(true);
          expect(new Date(ping.at).toISOString()).toMatch(/^\d{4}-/);
          expect(ping.key).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('clocks', () => {
  const second = NOON / 1000;
  const iso = '2026-11-17T12:00:00Z';
  test.each<[string, unknown, string | null, string | null]>([
    ['seconds', second, iso, null],
    ['seconds with a fraction', second + 0.5, '2026-11-17T12:00:00.500Z', null],
    ['milliseconds', NOON, iso, null],
    ['seconds as text', String(second), iso, null],
    ['ISO with Z', iso, iso, null],
    ['ISO with an offset', '2026-11-17T20:00:00+08:00', iso, null],
    ['ISO with a short offset', '2026-11-17T20:00:00+08', iso, null],
    ['ISO with an offset without colon', '2026-11-17T20:00:00+0800', iso, null],
    ['ISO with a comma', '2026-11-17T12:00:00,25Z', '2026-11-17T12:00:00.250Z', null],
    ['ISO with a space', '2026-11-17 12:00:00Z', iso, null],
    ['ISO in lower case', '2026-11-17t12:00:00z', iso, null],
    ['since 2001, as Apple counts', second - 978_307_200, iso, 'apple-epoch'],
    ['a week rollover behind, as old GPS', second - 619_315_200, iso, 'gps-rollover'],
  ])('%s', (_, value, at, repair) => {
    const reading = readTime(value, NOON);
    expect(reading?.at).toBe(Date.parse(at ?? ''));
    expect(reading).toMatchObject({ repair, refusal: null });
  });

  test.each<[string, unknown, string]>([
    ['zero', 0, 'time-1970'],
    ['a day after 1970', 86_400, 'time-1970'],
    ['before 1970', -5, 'time-1970'],
    ['24 hours ahead and a second', NOON + 86_401_000, 'time-future'],
    ['year 9000', '9000-01-01T00:00:00Z', 'time-future'],
    ['31 days ago', NOON - 31 * 86_400_000, 'too-old'],
  ])('%s is read and refused', (_, value, refusal) => {
    expect(readTime(value, NOON)?.refusal).toBe(refusal);
  });

  test.each([
    undefined,
    null,
    '',
    ' ',
    'noon',
    {},
    [],
    true,
    NaN,
    Infinity,
    1e300,
    -1e13,
    1e15,
    '2026-13-45T99:00:00Z',
  ])('%p is no time', (value) => {
    expect(readTime(value, NOON)).toBeNull();
  });

  test.each([
    '2026-11-17T12:00:00',
    '2026-11-17',
    '12:00',
    'Tue Nov 17 2026',
    '2026-11-17T12:00:00+8',
  ])('a time that does not say its zone is no instant: %s', (value) => {
    expect(isoTime(value)).toBeNull();
  });

  test('a clock ahead moves only what lies in the future, the newest onto the arrival', () => {
    const shift = aheadShift(NOON + 3_600_000, NOON);
    expect(shift).toBe(3_600_000);
    expect(engineTime(NOON + 3_600_000, shift, NOON)).toBe(NOON);
    expect(engineTime(NOON + 3_000_000, shift, NOON)).toBe(NOON - 600_000);
    expect(engineTime(NOON - 5_000, shift, NOON)).toBe(NOON - 5_000);
    expect(aheadShift(NOON + 20_000, NOON)).toBe(0);
    expect(aheadShift(NOON - 86_400_000, NOON)).toBe(0);
  });
});

describe('small readers', () => {
  test.each<[unknown, number | null]>([
    [1.5, 1.5],
    ['1.5', 1.5],
    [' -2e3 ', -2000],
    ['.5', 0.5],
    ['', null],
    ['0x10', null],
    ['1,5', null],
    ['Infinity', null],
    ['1e999', null],
    // Longer than any number a phone sends: not worth reading, however it goes on.
    ['1'.repeat(65), null],
    [NaN, null],
    [null, null],
    [true, null],
    [[5], null],
  ])('num(%p) is %p', (value, expected) => {
    expect(num(value)).toBe(expected);
  });

  test.each<[unknown, string | null]>([
    ['  a b ', 'a b'],
    ['a\u0000b\ud800', 'ab'],
    ['\u001b[31mred', '[31mred'],
    ['x'.repeat(70), 'x'.repeat(64)],
    [5, '5'],
    ['', null],
    [{}, null],
  ])('text(%p) is %p', (value, expected) => {
    expect(text(value)).toBe(expected);
  });
});

describe('the doors', () => {
  let held: TestDatabase;
  let app: Express;
  let device: { id: string; token: string };

  beforeAll(async () => {
    held = await testDatabase();
    const { db } = held;
    const fences = createLiveFences();
    const ingest = createIngest({ db, clock, fences, lanes: createLanes(), policy: defaultPolicy });
    const callers = createDeviceCallers({ db, clock });
    app = routesApp(pingRoutes({ ingest, clock, log: silentLog }), callers.find);
  });
  afterAll(() => held?.release());
  beforeEach(async () => {
    device = await makeDevice(held.db, (await makeMerchant(held.db)).id);
  });

  const rows = async () =>
    (await held.db.query('select ping_key, reason from pings where device_id = $1', [device.id]))
      .rows;

  test.each(fixtures)(
    '%s is answered as the app needs it, twice, and stored once',
    async (name, fixture) => {
      const own = name.startsWith('owntracks-');
      for (let round = 0; round < 2; round++) {
        const reply = await request(app)
          .post(own ? '/owntracks' : '/overland')
          .set(
            own
              ? { Authorization: `Basic ${Buffer.from(`u:${device.token}`).toString('base64')}` }
              : { Authorization: `Bearer ${device.token}` },
          )
          .set('User-Agent', fixture.agent)
          .send(fixture.body as object);
        expect([reply.status, reply.body]).toEqual([200, own ? [] : { result: 'ok' }]);
        expect(reply.headers['content-type']).toMatch(/^application\/json/);
      }
      expect(await rows()).toHaveLength(fixture.pings.length);
    },
  );

  test.each([
    ['an empty body', '', 'application/json'],
    ['broken JSON', '{"_type":', 'application/json'],
    ['JSON of another type', '{"_type":"lwt"}', 'text/plain'],
    ['no JSON at all', 'lat=1&lon=2', 'application/x-www-form-urlencoded'],
    ['a number', '5', 'application/json; charset=utf-8'],
    ['NaN', '{"_type":"location","lat":NaN}', 'application/json'],
  ])('%s is never a 4xx', async (_, body, type) => {
    for (const [door, answer] of [
      ['/owntracks', []],
      ['/overland', { result: 'ok' }],
    ] as const) {
      const reply = await request(app)
        .post(door)
        .set('Authorization', `Bearer ${device.token}`)
        .set('Content-Type', type)
        .send(body);
      expect([reply.status, reply.body]).toEqual([200, answer]);
    }
  });

  test('every address an app may have been given is a door', async () => {
    const token = { Authorization: `Basic ${device.token}:` };
    for (const door of ['/owntracks', '/v1/owntracks', '/api/v1/owntracks/points']) {
      await request(app).post(door).set(token).send({ _type: 'lwt' }).expect(200, []);
    }
    for (const door of ['/overland', '/v1/overland']) {
      await request(app)
        .post(door)
        .set(token)
        .send({ locations: [] })
        .expect(200, { result: 'ok' });
    }
    await request(app)
      .post('/api/v1/overland/batches')
      .set(token)
      .send({ locations: [] })
      .expect(201, { result: 'ok' });
  });

  test('a wrong token is the one thing that is refused, and 10 MB', async () => {
    await request(app).post('/owntracks').auth('u', 'fd_wrong').send({ _type: 'lwt' }).expect(401);
    await request(app)
      .post('/overland')
      .set('Authorization', `Bearer ${device.token}`)
      .send({ locations: 'x'.repeat(10_000_000) })
      .expect(413);
  });

  test('hostile text is kept as text or not at all', async () => {
    const SSID = `<script>alert(1)</script>\u0000'; drop table pings; --`;
    const message = {
      _type: 'location',
      lat: 51,
      lon: 0.5,
      tst: NOON / 1000,
      SSID,
      _id: '\ud800\u0000',
    };
    await request(app).post('/owntracks').auth('u', device.token).send(message).expect(200);
    const { rows: kept } = await held.db.query<{ extras: { ssid: string } }>(
      'select extras from pings where device_id = $1',
      [device.id],
    );
    expect(kept[0]?.extras.ssid).toBe(`<script>alert(1)</script>'; drop table pings; --`);
  });
});
