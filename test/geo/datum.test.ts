/** Chinese datums: known places, there and back, and nothing elsewhere. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Datum } from '../../geo/datum.ts';
import { convert, datumsApply, datumShift } from '../../geo/datum.ts';
import { greatCircle } from '../../geo/distance.ts';

const metres = (a: readonly [number, number], b: readonly [number, number]): number =>
  greatCircle({ lon: a[0], lat: a[1] }, { lon: b[0], lat: b[1] });

const HANGZHOU = [120.0717, 30.2906] as const;

describe('known shifts', () => {
  // The worked examples in the README of coordtransform, another library.
  test.each([
    ['wgs84', 'gcj02', [116.41024449916938, 39.91640428150164]],
    ['gcj02', 'wgs84', [116.39775550083061, 39.91359571849836]],
    ['gcj02', 'bd09', [116.41036949371029, 39.92133699351021]],
    ['bd09', 'gcj02', [116.39762729119315, 39.90865673957631]],
  ] as const)('Beijing from %s to %s', (from, to, expected) => {
    // Its way back from GCJ-02 is one step, good to 2 m.
    expect(metres(convert([116.404, 39.915], from, to), expected)).toBeLessThan(2);
  });

  test.each([
    ['gcj02', 528],
    ['bd09', 1163],
  ] as const)('a mall in Hangzhou stands off in %s by %d m', (datum, off) => {
    const { east, north } = datumShift(datum, ...HANGZHOU);
    expect(Math.abs(Math.hypot(east, north) - off)).toBeLessThan(15);
    const [lon, lat] = convert(HANGZHOU, 'wgs84', datum);
    expect(metres([lon, lat], HANGZHOU)).toBeCloseTo(Math.hypot(east, north), 0);
    expect(Math.sign(east)).toBe(Math.sign(lon - HANGZHOU[0]));
    expect(Math.sign(north)).toBe(Math.sign(lat - HANGZHOU[1]));
  });

  test('the same datum has no shift', () => {
    expect(datumShift('wgs84', ...HANGZHOU)).toEqual({ east: 0, north: 0 });
  });
});

const datum = fc.constantFrom<Datum>('wgs84', 'gcj02', 'bd09');

test('there and back within 5 mm, anywhere in China', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 74, max: 135, noNaN: true }),
      fc.double({ min: 18, max: 53, noNaN: true }),
      datum,
      datum,
      (lon, lat, from, to) => {
        const back = convert(convert([lon, lat], from, to), to, from);
        expect(metres(back, [lon, lat])).toBeLessThan(0.005);
      },
    ),
    { numRuns: 2_000 },
  );
});

test.each([
  ['Zürich', 8.54, 47.37],
  ['Sydney', 151.2, -33.87],
  ['the antimeridian', -179.99, 30],
  ['a pole', 100, 90],
])('nothing moves in %s', (_, lon, lat) => {
  expect(datumsApply({ lon, lat })).toBe(false);
  for (const from of ['gcj02', 'bd09'] as const) {
    expect(convert([lon, lat], from, 'wgs84')).toEqual([lon, lat]);
    expect(datumShift(from, lon, lat)).toEqual({ east: 0, north: 0 });
  }
});

test('an answer everywhere, at the edge of China too', () => {
  // gcoord alone never comes back from 72.005, 30: its shift jumps to nothing at 72.004.
  for (const lon of [72.004, 72.005, 72.01, 72.5, 137.3, 137.8, 137.8347]) {
    for (const lat of [0.83, 0.84, 1.5, 30, 55.3, 55.82]) {
      for (const from of ['gcj02', 'bd09'] as const) {
        const [x, y] = convert([lon, lat], from, 'wgs84');
        expect(metres([x, y], [lon, lat])).toBeLessThan(5_000);
      }
    }
  }
});
