/** Finding fences, keeping them up to date, and who competes with whom. */
import { describe, expect, test } from '@jest/globals';
import distance from '@turf/distance';
import type { FenceDefinition, Position, Shape } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import { growBox, splitBox } from '../../geo/bbox.ts';
import { contains } from '../../geo/contains.ts';
import { greatCircle, planeDistance } from '../../geo/distance.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { wrapLon } from '../../geo/lonlat.ts';
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

/** Shapes of all kinds and sizes, a few vertices and many, holes, parts, at a place on the earth. */
function shapes(lon: number, lat: number, random: () => number): Shape[] {
  const ring = (radius: number, vertices: number, rough: number, east = 0): Position[] => {
    const all = Array.from({ length: vertices }, (_, i): Position => {
      const a = (2 * Math.PI * i) / vertices;
      const r = radius * (1 - rough * random());
      const [x, y] = moved(lon, lat, east + r * Math.cos(a), r * Math.sin(a));
      return [wrapLon(x), y];
    });
    return [...all, all[0] as Position];
  };
  const east = (metres: number): Position => {
    const [x, y] = moved(lon, lat, metres, metres / 3);
    return [wrapLon(x), y];
  };
  const [cx, cy] = east(20);
  return [
    { type: 'Polygon', coordinates: [ring(12, 4, 0)] },
    { type: 'Polygon', coordinates: [ring(25, 32, 0.2), ring(8, 9, 0.3).toReversed()] },
    { type: 'Polygon', coordinates: [ring(80, 900, 0.5)] },
    { type: 'Polygon', coordinates: [ring(400, 300, 0.05), ring(90, 200, 0.6)] },
    { type: 'MultiPolygon', coordinates: [[ring(9, 6, 0, -30)], [ring(15, 400, 0.1, 25)]] },
    { type: 'Circle', lon: cx, lat: cy, radius: 15 },
    { type: 'Circle', lon: cx, lat: cy, radius: 4000 },
    { type: 'Corridor', coordinates: [east(-60), east(0), east(90)], width: 7 },
  ];
}

describe('the cover answers as the predicate does', () => {
  test.each([
    ['in a town', 8.55, 47.37],
    ['on the antimeridian', 180, -17],
    ['on the equator and the first meridian', 0, 0],
    ['far north', 25, 78],
  ] as const)('%s', (_, lon, lat) => {
    const random = randomFrom(lat * 7 + 1000);
    const index = createFenceIndex(
      shapes(lon, lat, random).map((shape, i) => ({ id: `f${i}`, name: '', shape })),
    );
    const cell = 360 / 2 ** 23;
    const points: [number, number][] = [];
    for (let i = 0; i < 6000; i++) {
      const spread = [30, 120, 600][i % 3] as number;
      points.push(moved(lon, lat, spread * (2 * random() - 1), spread * (2 * random() - 1)));
    }
    // Vertices, middles of edges, hairs beside both, and the corners and borders of cells.
    for (const fence of index.all()) {
      for (let i = 0; i + 3 < fence.xy.length; i += 2) {
        const [x, y, nx, ny] = fence.xy.subarray(i, i + 4) as unknown as number[];
        const at = (fx: number, fy: number) => points.push([fence.lon0 + fx, fence.lat0 + fy]);
        at(x!, y!);
        at((x! + nx!) / 2, (y! + ny!) / 2);
        const hair = 10 ** (-13 + 6 * random());
        at(x! + hair * (random() - 0.5), y! + hair * (random() - 0.5));
        at((x! + nx!) / 2 + hair * (random() - 0.5), (y! + ny!) / 2);
      }
    }
    for (let i = 0; i < 3000; i++) {
      const [x, y] = moved(lon, lat, 60 * (2 * random() - 1), 60 * (2 * random() - 1));
      const onColumn = Math.round((x + 180) / cell) * cell - 180;
      points.push([onColumn, i % 2 === 0 ? y : Math.round((y + 90) / cell) * cell - 90]);
    }
    let inside = 0;
    for (const [x, y] of points) {
      const turned = wrapLon(x);
      const plain = index.all().filter((fence) => contains(fence, turned, y));
      inside += plain.length;
      const ids = index.containing(turned, y).map((fence) => fence.id);
      if (ids.join() !== plain.map((fence) => fence.id).join()) {
        expect([turned, y, ids]).toEqual([turned, y, plain.map((fence) => fence.id)]);
      }
    }
    expect(points.length).toBeGreaterThan(12_000);
    expect(inside).toBeGreaterThan(points.length);
  });

  test('around the poles, and of fences half the world wide', () => {
    const index = createFenceIndex([
      { id: 'cap', name: '', shape: { type: 'Circle', lon: 30, lat: 88, radius: 500_000 } },
      {
        id: 'wide',
        name: '',
        shape: {
          type: 'Polygon',
          coordinates: [
            [
              [-100, 10],
              [100, 10],
              [100, 60],
              [-100, 60],
              [-100, 10],
            ],
          ],
        },
      },
    ]);
    const random = randomFrom(3);
    let inside = 0;
    for (let i = 0; i < 4000; i++) {
      const lon = 360 * random() - 180;
      const lat = i % 2 === 0 ? 90 - 10 * random() : 180 * random() - 90;
      const plain = index.all().filter((fence) => contains(fence, lon, lat));
      inside += plain.length;
      expect(index.containing(lon, lat)).toEqual(plain);
    }
    expect(inside).toBeGreaterThan(500);
    for (const odd of [NaN, Infinity, -Infinity]) expect(index.containing(odd, 0)).toEqual([]);
    expect(index.containing(0, NaN)).toEqual([]);
  });

  test('after thousands of edits nothing is left over and nothing is lost', () => {
    const random = randomFrom(9);
    const index = createFenceIndex([]);
    for (let round = 0; round < 4000; round++) {
      const id = `f${Math.floor(120 * random())}`;
      if (random() < 0.4) index.remove(id);
      else {
        const [lon, lat] = moved(8, 47, 200 * random(), 200 * random());
        const kinds = shapes(lon, lat, random);
        const shape = kinds[round % 40 === 0 ? 2 : Math.floor(8 * random()) % 2] as Shape;
        index.add({ id, name: '', shape });
      }
      const [x, y] = moved(8, 47, 200 * random(), 200 * random());
      const plain = index.all().filter((fence) => contains(fence, x, y));
      expect(index.containing(x, y)).toEqual(plain);
    }
    for (const fence of index.all()) index.remove(fence.id);
    for (let i = 0; i < 500; i++) {
      const [x, y] = moved(8, 47, 200 * random(), 200 * random());
      expect(index.containing(x, y)).toEqual([]);
      expect(index.nothingNear(x, y, 1000)).toBe(true);
    }
  });
});

describe('what lies near', () => {
  const random = randomFrom(21);
  const index = createFenceIndex([
    ...Array.from({ length: 300 }, (_, i) => circle(`s${i}`, 30_000 * random(), 4 + 10 * random())),
    circle('town', 0, 20_000),
    circle('mall', 0, 150),
  ]);

  test('nothingNear says what candidates would', () => {
    const answers = [0, 0];
    for (let i = 0; i < 2000; i++) {
      const [lon, lat] = moved(8, 47, 60_000 * random() - 20_000, 300 * random() - 150);
      const none = index.candidates(lon, lat, 25).length === 0;
      expect(index.nothingNear(lon, lat, 25)).toBe(none);
      answers[none ? 1 : 0]!++;
    }
    expect(Math.min(...answers)).toBeGreaterThan(100);
  });

  test('of too many the big ones, and always the same', () => {
    const box = { minX: 7, minY: 46, maxX: 9, maxY: 48 };
    const few = index.touching(box, 12).map((fence) => fence.id);
    expect(few).toHaveLength(12);
    expect(few).toEqual(expect.arrayContaining(['mall', 'town']));
    const turned = createFenceIndex(
      index
        .all()
        .toReversed()
        .map((fence) => fence.definition),
    );
    expect(turned.touching(box, 12).map((fence) => fence.id)).toEqual(few);
    expect(index.touching(box)).toHaveLength(302);
  });
});

test('a hundred thousand fences on one spot are answered', () => {
  const [west, south] = moved(8, 47, -10, -10);
  const pile = Array.from({ length: 100_000 }, (_, i): FenceDefinition => {
    const [east, north] = moved(8, 47, 10 + (i % 7), 10);
    const corners = [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ];
    const coordinates = [corners as [number, number][]];
    return { id: `p${i}`, name: '', shape: { type: 'Polygon', coordinates } };
  });
  const index = createFenceIndex([...pile, circle('mall', 0, 2000)]);
  const [lon, lat] = moved(8, 47, 3, 0);
  expect(index.containing(lon, lat)).toHaveLength(100_001);
  const near = index.touching({ minX: lon, minY: lat, maxX: lon, maxY: lat }, 64);
  expect(near).toHaveLength(64);
  // Containers are looked for; among themselves so many exclude each other.
  for (const fence of near) {
    const { ancestors, overlaps } = index.kin(fence);
    expect(ancestors).toEqual(fence.id === 'mall' ? [] : ['mall']);
    expect(overlaps).toEqual([]);
  }
  expect(index.kin(index.get('mall')!).holdsOthers).toBe(true);
  index.remove('p5');
  expect(index.containing(lon, lat)).toHaveLength(100_000);
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

  test('after any edit kin are what a new index would say', () => {
    const random = randomFrom(77);
    const index = createFenceIndex([]);
    const some = (i: number): FenceDefinition => {
      const big = random() < 0.15;
      const parent = random() < 0.2 ? { parent: `k${Math.floor(60 * random())}` } : {};
      const floor = random() < 0.2 ? { floor: String(Math.floor(3 * random())) } : {};
      const radius = big ? 40 + 200 * random() : 3 + 12 * random();
      return circle(`k${i}`, 400 * random(), radius, { ...parent, ...floor });
    };
    const asked = (of: FenceIndex) => of.all().map((fence) => [fence.id, of.kin(fence)]);
    for (let round = 0; round < 120; round++) {
      const i = Math.floor(60 * random());
      if (random() < 0.3) index.remove(`k${i}`);
      else index.add(some(i));
      const fresh = createFenceIndex(index.all().map((fence) => fence.definition));
      expect(asked(index)).toEqual(asked(fresh));
    }
    expect(asked(index).length).toBeGreaterThan(30);
  });

  test('a circle of parents does not hang', () => {
    const index = createFenceIndex([
      circle('a', 0, 10, { parent: 'b' }),
      circle('b', 90, 10, { parent: 'a' }),
    ]);
    expect(index.ancestors(index.get('a')!)).toEqual(['b']);
  });
});
