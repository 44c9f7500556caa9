/** What each app sends, fixture by fixture, into pings; and the messages and clocks nobody should trust. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allFixtures, apps, folder, readAs, sentOf } from '../../scripts/fuzz/apps.ts';
import { brokenRule } from '../../scripts/fuzz/rules.ts';
import { aheadShift, engineTime, isoTime, readTime } from '../../server/pings/clock.ts';
import type { Parsed } from '../../server/pings/ping.ts';
import { num, text } from '../../server/pings/ping.ts';
import { KNOTS } from '../../server/pings/protocols/fix.ts';
import { readMessage } from '../../server/pings/protocols/message.ts';
import { osmAndToken } from '../../server/pings/protocols/osmand.ts';
import { beaconKey, bssidKey, heardOf, qrKey } from '../../server/pings/protocols/radio.ts';
import { openMessage, sealMessage } from '../../server/pings/protocols/secretbox.ts';
import { NOON } from '../support/make.ts';

const empty = (value: unknown): boolean =>
  value === null || value === false || (Array.isArray(value) && value.length === 0);
const iso = (ms: unknown): unknown => (typeof ms === 'number' ? new Date(ms).toISOString() : ms);

/** Times in ISO 8601, and without what is empty. */
const shown = ({ pings, ignored }: Parsed) => ({
  pings: pings.map((ping) => {
    const told = Object.entries({ ...ping, at: iso(ping.at), sentAt: iso(ping.sentAt) });
    return Object.fromEntries(told.filter(([, value]) => !empty(value)));
  }),
  ignored,
});

describe('fixtures', () => {
  test.each(allFixtures)('%s: %s', (app, name, fixture) => {
    const got = shown(readAs(app, sentOf(fixture), NOON));
    if (process.env['REGEN'] === '1') {
      const file = path.join(folder, app, `${name}.json`);
      writeFileSync(file, `${JSON.stringify({ ...fixture, ...got }, null, 2)}\n`);
    } else expect(got).toEqual({ pings: fixture.pings, ignored: fixture.ignored });
  });
});

describe('any message at all', () => {
  const number = fc.oneof(fc.double(), fc.integer(), fc.string(), fc.jsonValue());
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        _type: fc.constantFrom('location', 'encrypted', 'beacon', 'x'),
        lat: number,
        lon: number,
        tst: number,
        acc: number,
        vel: number,
        latitude: number,
        longitude: number,
        timestamp: number,
        speed: number,
        t: fc.jsonValue(),
        SSID: fc.string({ unit: 'binary' }),
        data: fc.string(),
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
    fc.record({ location: fc.record({ coords: fc.jsonValue(), timestamp: number }) }),
  );
  test.each(apps)('%s reads it without throwing, into numbers that can be stored', (app) => {
    fc.assert(
      fc.property(odd, fc.webQueryParameters(), (body, query) => {
        const read = readAs(app, { body: JSON.stringify(body), query }, NOON);
        expect(brokenRule(read)).toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  const deep = (levels: number): string => '{"location":'.repeat(levels) + '1' + '}'.repeat(levels);
  test.each<[string, string]>([
    ['nested 20,000 deep', deep(20_000)],
    ['lists 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    [
      'a number of 100,000 digits',
      `{"_type":"location","lat":${'9'.repeat(100_000)},"lon":1,"tst":1}`,
    ],
    ['numbers beyond all bounds', '{"lat":1e308,"lon":-1e308,"latitude":1e999,"tst":1e308}'],
    ['NaN as text', '{"_type":"location","lat":"NaN","lon":"nan","tst":"NaN","latitude":"NaN"}'],
    ['types that do not fit', '{"lat":{},"lon":[],"coords":5,"location":"x","locations":{"0":1}}'],
    ['names of prototypes', '{"__proto__":{"lat":1},"constructor":1,"hasOwnProperty":1,"lat":1}'],
    [
      'toString in the way',
      '{"_type":{"toString":null},"timestamp":{"valueOf":1},"lat":1,"lon":1}',
    ],
    ['100,000 locations', `{"locations":[${'null,'.repeat(99_999)}null]}`],
    ['100,000 points', `[${'{"lat":1,"lon":1},'.repeat(49_999)}null]`],
    ['10,000 fields', `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join()}}`],
    ['a long text', `{"_type":"location","lat":1,"lon":1,"tst":1,"_id":"${'x'.repeat(1e6)}"}`],
    [
      'signs nobody can store',
      '{"_type":"location","lat":1,"lon":1,"tst":1,"SSID":"\\u0000\\ud800"}',
    ],
  ])('%s', (_, body) => {
    for (const app of apps) {
      const read = readAs(app, { body, passphrase: '123' }, NOON);
      expect([app, brokenRule(read)]).toEqual([app, null]);
      expect(read.pings.length).toBeLessThanOrEqual(2_000);
    }
    expect(Object.prototype).not.toHaveProperty('lat');
  });

  test('the same in a form: thousands of fields and values, broken escapes', () => {
    const body = `${'wifi=00-14-22-01-23-45&'.repeat(5_000)}lat=1&lon=1&%E0%A4%A=%FF`;
    const many = Array.from({ length: 5_000 }, (_, i) => `k${i}=1`).join('&');
    for (const form of [body, many, `__proto__=1&lat=1&lon=2`, '='.repeat(10_000)]) {
      for (const app of ['osmand', 'gpslogger', 'webhook'] as const) {
        expect(brokenRule(readAs(app, { body: form, query: form }, NOON))).toBeNull();
      }
    }
  });
});

describe('what is heard', () => {
  test.each<[unknown, string | null]>([
    ['AA:BB:CC:DD:EE:FF', 'bssid:aa:bb:cc:dd:ee:ff'],
    ['aa-bb-cc-dd-ee-0f', 'bssid:aa:bb:cc:dd:ee:0f'],
    ['a:b:c:d:e:f', 'bssid:0a:0b:0c:0d:0e:0f'],
    ['aabb.ccdd.eeff', 'bssid:aa:bb:cc:dd:ee:ff'],
    ['aabbccddeeff', 'bssid:aa:bb:cc:dd:ee:ff'],
    ['02:00:00:00:00:00', null],
    ['00:00:00:00:00:00', null],
    ['aa:bb:cc:dd:ee', null],
    ['aa:bb:cc:dd:ee:fg', null],
    ['<unknown ssid>', null],
    [{}, null],
    [null, null],
  ])('an access point %p is %p', (value, key) => {
    expect(bssidKey(value)).toBe(key);
  });

  const uuid = '2f234454-cf6d-4a0f-adf2-f4911ba9ffa6';
  test.each<[unknown, unknown, unknown, string | null]>([
    [uuid, 1, 2, `beacon:${uuid}:1:2`],
    [uuid.toUpperCase().replaceAll('-', ''), '1', '2', `beacon:${uuid}:1:2`],
    [uuid, 65_536, 1, null],
    [uuid, 1.5, 1, null],
    [uuid, -1, 1, null],
    [uuid, undefined, 1, null],
    ['x', 1, 1, null],
  ])('a beacon %p %p %p is %p', (id, major, minor, key) => {
    expect(beaconKey(id, major, minor)).toBe(key);
  });

  test('each once, and no more than a ping may have', () => {
    expect(heardOf([qrKey('Till-7'), null, qrKey('till-7')])).toEqual(['qr:till-7']);
    const many = Array.from({ length: 100 }, (_, i) => qrKey(i));
    expect(heardOf(many)).toHaveLength(32);
  });
});

describe('encryption of OwnTracks', () => {
  test('what is sealed opens under the same passphrase only', () => {
    const message = { _type: 'location', lat: 1, text: 'Zoë 店' };
    const { _type, data } = sealMessage('pässword', message);
    expect(_type).toBe('encrypted');
    expect(openMessage('pässword', data)).toEqual(message);
    expect(openMessage('password', data)).toBeUndefined();
    const bytes = Buffer.from(data, 'base64');
    for (const at of [0, 23, 24, 39, 40, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(openMessage('pässword', changed.toString('base64'))).toBeUndefined();
    }
    expect(openMessage('pässword', bytes.subarray(0, 41).toString('base64'))).toBeUndefined();
    expect(sealMessage('pässword', message).data).not.toBe(data);
  });

  test('a message that is no JSON inside stays closed', () => {
    const sealed = sealMessage('k', 'x');
    expect(openMessage('k', sealed.data)).toBe('x');
    const read = readAs('owntracks', { body: JSON.stringify(sealed), passphrase: 'k' }, NOON);
    expect(read.ignored).toEqual({ 'not-decryptable': 1 });
  });
});

describe('the OsmAnd protocol', () => {
  test.each<[string, string, string | undefined, string | null]>([
    ['in the address', 'id=fd_a&lat=1', undefined, 'fd_a'],
    ['as deviceid', 'deviceid=fd_a', undefined, 'fd_a'],
    ['as token, before the id', 'id=phone&token=fd_a', undefined, 'fd_a'],
    ['in a form', '', 'lat=1&id=fd_a', 'fd_a'],
    ['in JSON', '', '{"location":{},"device_id":"fd_a"}', 'fd_a'],
    ['in a list', '', '[{"id":"fd_a"},{"id":"fd_b"}]', 'fd_a'],
    ['nowhere', 'lat=1', '{"location":{}}', null],
    ['in broken JSON', '', '{"device_id":"fd_a"', null],
  ])('has its token %s', (_, query, body, token) => {
    const asked = Object.fromEntries(new URLSearchParams(query));
    expect(osmAndToken(readMessage(asked, body))).toBe(token);
  });

  test('a knot is 0.514 m/s', () => {
    expect(KNOTS).toBeCloseTo(0.514444, 6);
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
