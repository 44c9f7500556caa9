/** Finding fences, keeping them up to date, and who competes with whom. */
import { describe, expect, test } from '@jest/globals';
import distance from '@turf/distance';
import type { FenceDefinition } from '../../geo/fence.ts';
import { growBox, splitBox } from '../../geo/bbox.ts';
import { contains } from '../../geo/contains.ts';
import { greatCircle, planeDistance } from '../../geo/distance.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import { moved } from '../support/tracks.ts';

const circle = (id: string, east: number, radius: number, more = {}): FenceDefinition => {
  const [lon, lat] = moved(8, 47, east, 0);
  return { id, name: id, shape: { type: 'Circle', lon, lat, radius }, ...more };
};

test('the tree finds what a scan finds, through adds and removes', () => {
  const random = randomFrom(5);
  const index = createFenceIndex([]);
  const some = (i: number): FenceDefinition => circle(`c${i}`, 4000 * random(), 3 + 60 * random());
  for (let i = 0; i < 400; i++) index.add(some(i));
  for (let i = 0; i < 400; i += 3) expect(index.remove(`c${i}`)).toBe(true);
  for (let i = 1; i < 400; i += 5) index.add(some(i));
  expect(index.remove('nobody')).toBe(false);
  for (let i = 0; i < 500; i++) {
    const [lon, lat] = moved(8, 47, 4000 * random(), 60 * random() - 30);
    const scanned = index.all().filter((f) => contains(f, lon, lat));
    expect(index.containing(lon, lat).map((f) => f.id)).toEqual(scanned.map((f) => f.id));
  }
  expect(index.size).toBe(index.all().length);
});

test('candidates near the antimeridian, from both sides', () => {
  const index = createFenceIndex([
    { id: 'w', name: 'w', shape: { type: 'Circle', lon: 179.9999, lat: 0, radius: 5 } },
    { id: 'e', name: 'e', shape: { type: 'Circle', lon: -179.9999, lat: 0, radius: 20 } },
  ]);
  for (const lon of [179.99995, -179.99995, 180, -180]) {
    expect(index.candidates(lon, 0, 50).map((f) => f.id)).toEqual(['e', 'w']);
  }
  expect(index.containing(180, 0).map((f) => f.id)).toEqual(['e']);
});

test('fences without ground are found by what they are, and nowhere else', () => {
  const index = createFenceIndex([
    circle('shop', 0, 20, { radio: ['gateway:g1', 'bssid:aa:bb:cc:dd:ee:ff'] }),
    { id: 'ap', name: 'ap', shape: { type: 'Radio' }, radio: ['gateway:g1'], parent: 'shop' },
    { id: 'both', name: 'both', shape: { type: 'Composite', of: 'all', members: ['ap', 'shop'] } },
  ]);
  const wire = { type: 'Tripwire', direction: 'both' } as const;
  const ends = [
    [179.9999, 1],
    [-179.9999, 1.001],
  ] as const;
  index.add({ id: 'wire', name: 'wire', shape: { ...wire, coordinates: ends } });
  const ids = (fences: readonly { id: string }[]) => fences.map((fence) => fence.id);

  expect(ids(index.hearing('gateway:g1'))).toEqual(['ap', 'shop']);
  expect(ids(index.compositesOf('ap'))).toEqual(['both']);
  expect(ids(index.candidates(8, 47, 1e7))).toEqual(['shop']);
  expect(ids(index.wires({ minX: 180, minY: 1, maxX: 180.00005, maxY: 2 }))).toEqual(['wire']);
  expect(ids(index.wires({ minX: -180, minY: 1, maxX: -179.99995, maxY: 2 }))).toEqual(['wire']);
  expect(ids(index.wires({ minX: 0, minY: 1, maxX: 179, maxY: 2 }))).toEqual([]);
  expect(index.ancestors(index.get('ap')!)).toEqual(['shop']);
  expect(index.kin(index.get('both')!).overlaps).toEqual([]);

  for (const id of ['ap', 'both', 'wire']) expect(index.remove(id)).toBe(true);
  expect(ids(index.hearing('gateway:g1'))).toEqual(['shop']);
  expect(index.compositesOf('ap')).toEqual([]);
  expect(index.wires({ minX: -180, minY: -90, maxX: 180, maxY: 90 })).toEqual([]);
});

test('boxes: grown, and cut at the antimeridian', () => {
  const box = growBox({ minX: 179.9, minY: 60, maxX: 179.9, maxY: 60 }, 11_119.5);
  expect(box.maxY - 60).toBeCloseTo(0.1, 4);
  expect(box.maxX).toBeGreaterThan(180);
  expect(splitBox(box)).toHaveLength(2);
  expect(splitBox({ minX: -540, minY: 0, maxX: 0, maxY: 1 })).toEqual([
    { minX: -180, minY: 0, maxX: 180, maxY: 1 },
  ]);
});

test('distances agree with Turf', () => {
  for (const [a, b] of [
    [
      [8, 47],
      [8.01, 47.01],
    ],
    [
      [179.99, -17],
      [-179.99, -17],
    ],
    [
      [0, 80],
      [0.1, 80],
    ],
  ] as const) {
    const truth = distance([...a], [...b], { units: 'meters' });
    expect(greatCircle({ lon: a[0], lat: a[1] }, { lon: b[0], lat: b[1] })).toBeCloseTo(truth, 3);
    expect(planeDistance(a[0], a[1], b[0], b[1]) / truth).toBeCloseTo(1, 3);
  }
});

describe('kin', () => {
  test('declared parents, and those the drawing shows', () => {
    const index = createFenceIndex([
      circle('mall', 0, 100),
      circle('court', 20, 30),
      circle('kiosk', 20, 5),
      circle('declared', 500, 5, { parent: 'mall' }),
    ]);
    const line = (id: string) => index.ancestors(index.get(id)!);
    expect(line('kiosk')).toEqual(['court', 'mall']);
    expect(line('declared')).toEqual(['mall']);
    expect(line('mall')).toEqual([]);
  });

  test('neighbours compete, overlapping equals do not, floors do', () => {
    const index = createFenceIndex([
      circle('mall', 0, 100),
      circle('a', 0, 10, { parent: 'mall' }),
      circle('b', 21, 10, { parent: 'mall' }),
      circle('x', 60, 12, { parent: 'mall' }),
      circle('y', 66, 12, { parent: 'mall' }),
      circle('up', -40, 10, { parent: 'mall', floor: '2' }),
      circle('down', -40, 10, { parent: 'mall', floor: '1' }),
    ]);
    const group = (id: string) => index.kin(index.get(id)!).group;
    expect(group('b')).toBe(group('up'));
    const overlaps = (id: string) => index.kin(index.get(id)!).overlaps;
    expect(overlaps('up')).toEqual([]);
    expect(overlaps('x')).toEqual(['y']);
    expect(overlaps('y')).toEqual(['x']);
    const rivals = (id: string) => index.siblings(index.get(id)!).map((f) => f.id);
    expect(rivals('x')).toEqual(['a', 'b', 'down', 'up']);
    index.remove('y');
    expect(overlaps('x')).toEqual([]);
  });

  test('a circle of parents does not hang', () => {
    const index = createFenceIndex([
      circle('a', 0, 10, { parent: 'b' }),
      circle('b', 90, 10, { parent: 'a' }),
    ]);
    expect(index.ancestors(index.get('a')!)).toEqual(['b']);
  });
});
