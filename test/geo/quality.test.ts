/** Which pings are believed, refused, and for what reason; and the numbers that policy may have. */
import { describe, expect, test } from '@jest/globals';
import type { Ping, RefusalReason } from '../../geo/engine.ts';
import { defaultPolicy, parsePolicy } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { accuracyOf } from '../../geo/quality.ts';
import { staying } from '../../geo/score.ts';
import { follow } from '../../geo/track.ts';
import { moved, runTrack } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4);
const at = (second: number, east = 0, more: Partial<Ping> = {}): Ping => {
  const [lon, lat] = moved(8, 47, east, 0);
  return { t: T + second * 1000, lon, lat, acc: 10, ...more };
};
const empty = createFenceIndex([]);
const reasons = (...pings: Ping[]): (string | null)[] => runTrack(pings, empty).verdicts;

describe('one ping', () => {
  test.each<[RefusalReason | null, Partial<Ping>]>([
    [null, {}],
    [null, { acc: null }],
    [null, { acc: 0 }],
    [null, { acc: -1 }],
    ['inaccurate', { acc: 251 }],
    [null, { acc: 400, accKind: 'p95' }],
    ['mock', { mock: true }],
    ['not-finite', { lon: Number.NaN }],
    ['not-finite', { t: Infinity }],
    ['not-finite', { acc: Number.NaN }],
    ['out-of-range', { lat: 90.01 }],
    ['out-of-range', { lon: -180.5 }],
  ])('%s: %j', (reason, fields) => {
    expect(reasons(at(0, 0, fields))).toEqual([reason]);
  });
});

describe('after another', () => {
  test.each<[string, Ping[], (RefusalReason | null)[]]>([
    ['the same again', [at(0), at(0)], [null, 'duplicate']],
    ['another place at the same time', [at(0), at(0, 5)], [null, 'too-frequent']],
    ['older', [at(10), at(5)], [null, 'out-of-order']],
    ['on foot', [at(0), at(10, 14)], [null, null]],
    ['by train', [at(0), at(10, 700)], [null, null]],
    ['a spike', [at(0), at(10, 2000), at(20, 5)], [null, 'impossible-speed', null]],
    [
      'a change of place, confirmed by a second fix',
      [at(0), at(10, 2000), at(20, 2005)],
      [null, 'impossible-speed', null],
    ],
    [
      'faster than sound, confirmed by two more',
      [at(0), at(10, 90_000), at(20, 90_005), at(30, 90_000)],
      [null, 'impossible-speed', 'impossible-speed', null],
    ],
    ['a plane that says so', [at(0), at(10, 2500, { speed: 250 })], [null, null]],
    ['a long way with time enough', [at(0), at(3600, 90_000)], [null, null]],
    [
      'evidence at the same moment',
      [at(0), at(0, 0, { evidence: { fence: 'x', kind: 'qr' } })],
      [null, null],
    ],
  ])('%s', (_, pings, expected) => {
    expect(reasons(...pings)).toEqual(expected);
  });
});

const acc = (accKind: Ping['accKind'], value: number): number =>
  accuracyOf(at(0, 0, accKind ? { acc: value, accKind } : { acc: value }), defaultPolicy);

test('accuracy means different things to different senders', () => {
  expect(acc(undefined, 30)).toBe(30);
  expect(acc('rms', 30)).toBeCloseTo(32.0, 1);
  expect(acc('p95', 30)).toBeCloseTo(18.5, 1);
  expect(acc('p68', 0.01)).toBe(defaultPolicy.minAccuracyMetres);
  expect(acc('p68', 0)).toBe(defaultPolicy.unknownAccuracyMetres);
});

const run = (easts: number[], dt: number) => {
  let track = null as ReturnType<typeof follow> | null;
  easts.forEach((east, i) => {
    const [lon, lat] = moved(8, 47, east, 0);
    track = follow(
      track,
      { lon, lat, sigma: 5, dt: i === 0 ? null : dt, says: null },
      defaultPolicy,
    );
  });
  return track as unknown as ReturnType<typeof follow>;
};

describe('the followed position', () => {
  test('standing is recognised and sharpens the position', () => {
    const track = run([3, -4, 2, -1, 4, -3, 0, 1], 30);
    expect(track.pStill).toBeGreaterThan(0.95);
    expect(track.still.variance).toBeLessThan(12);
  });
  test('walking is recognised', () => {
    expect(run([0, 30, 60, 90, 120], 30).pStill).toBeLessThan(0.05);
  });
  test('fast pings are not many proofs', () => {
    expect(
      run(
        Array.from({ length: 10 }, () => 0),
        1,
      ).still.variance,
    ).toBeGreaterThan(18);
  });
});

describe('policy', () => {
  test('some numbers replaced', () => {
    const result = parsePolicy({ minDwellSeconds: 60, tierSeconds: [120, 240] });
    expect(result).toEqual({
      ok: true,
      policy: { ...defaultPolicy, minDwellSeconds: 60, tierSeconds: [120, 240] },
    });
  });
  test('the default passes its own check', () => {
    expect(parsePolicy(defaultPolicy)).toEqual({ ok: true, policy: defaultPolicy });
  });
  test.each([
    ['not-an-object', null],
    ['not-an-object', []],
    ['unknown-key', { minDwel: 5 }],
    ['unknown-key', JSON.parse('{"__proto__": 5}')],
    ['wrong-type', { enterAt: '0.9' }],
    ['wrong-type', { enterAt: null }],
    ['wrong-type', { tierSeconds: 5 }],
    ['wrong-type', { tierSeconds: ['a'] }],
    ['out-of-range', { enterAt: 1.2 }],
    ['out-of-range', { tierSeconds: [0] }],
    ['out-of-order', { tierSeconds: [5, 4] }],
    ['out-of-order', { leaveAt: 0.8, releaseAt: 0.5 }],
    ['out-of-order', { staleSeconds: 4000 }],
  ])('%s: %j', (code, input) => {
    expect(parsePolicy(input)).toMatchObject({ ok: false, code });
  });
});

test.each([
  [200, 300, 1],
  [0, 100, 0],
  [100, 260, 0.5],
  [180, null, 1],
  [60, null, Math.exp(-0.2)],
])('staying: at least %d, at most %s s', (lower, upper, share) => {
  expect(staying(lower, upper, 180)).toBeCloseTo(share, 6);
});
