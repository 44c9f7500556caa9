/** Points in polygons by the JTS cases, and error discs against brute force. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { Fence, Position, Shape } from '../../geo/fence.ts';
import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import { contains } from '../../geo/contains.ts';
import { edgeDistance, inradius } from '../../geo/depth.ts';
import { compileFence } from '../../geo/fence.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { shareBelow } from '../../geo/gauss.ts';
import { massInside } from '../../geo/mass.ts';
import { requirePart } from '../support/parts.ts';
import { normalFrom, randomFrom } from '../../scripts/lib/random.ts';
import { moved, sharedData } from '../support/tracks.ts';

const fenceOf = (shape: Shape) => compileFence({ id: 'f', name: 'f', shape });

interface JtsCase {
  name: string;
  points: Position[];
  shape: Shape;
  /** Whether some of the points fall inside or on the edge, and whether some fall outside. */
  some: { covered: boolean; outside: boolean };
}

/** Plane coordinates brought to the size of a town by a power of two, which is exact: small enough to have no curved edges. */
const SCALE = 1 / 65_536;

function pairs(text: string): Position[] {
  return text
    .replaceAll(/[()]/g, ' ')
    .split(',')
    .filter((pair) => pair.trim() !== 'EMPTY')
    .map((pair) => {
      const [x, y] = pair.trim().split(/\s+/).map(Number);
      return [(x ?? 0) * SCALE, (y ?? 0) * SCALE] as const;
    });
}

const ringsOf = (text: string): Position[][] =>
  [...text.matchAll(/\(([^()]+)\)/g)].map((ring) => pairs(ring[1] ?? ''));

function shapeOf(wkt: string): Shape | null {
  const body = wkt.slice(wkt.indexOf('('));
  if (wkt.startsWith('POLYGON')) return { type: 'Polygon', coordinates: ringsOf(body) };
  if (!wkt.startsWith('MULTIPOLYGON')) return null;
  const parts = body.slice(1, -1).split(/(?<=\)\s*\))\s*,/);
  return { type: 'MultiPolygon', coordinates: parts.map(ringsOf) };
}

/** What a test says of points and a polygon: a DE-9IM matrix, or two predicates of the polygon. */
function verdict(body: string, pointsFirst: boolean): JtsCase['some'] | null {
  const matrix = body.match(/name="relate"[^>]*arg3="([^"]+)"/)?.[1];
  if (matrix !== undefined) {
    const [inside, edge, outside] = [0, 1, 2].map((i) => matrix[pointsFirst ? i : 3 * i] === '0');
    return { covered: inside === true || edge === true, outside: outside === true };
  }
  const says = (predicate: string): string | undefined =>
    body.match(new RegExp(`name="${predicate}"[^>]*>\\s*(true|false)`))?.[1];
  const [covers, intersects] = [says('covers'), says('intersects')];
  if (covers === undefined || intersects === undefined) return null;
  return { covered: intersects === 'true', outside: covers === 'false' };
}

/** Cases of points and one polygonal geometry, whichever comes first. */
function jtsCases(file: string): JtsCase[] {
  const xml = readFileSync(file, 'utf8');
  return [...xml.matchAll(/<case>([\s\S]*?)<\/case>/g)].flatMap(([, body = '']) => {
    const part = (tag: string): string =>
      (body.match(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`))?.[1] ?? '')
        .replaceAll(/\s+/g, ' ')
        .trim();
    const both = [part('a'), part('b')];
    const dots = both.find((wkt) => /^(MULTI)?POINT/.test(wkt));
    const shape = both.map(shapeOf).find((found) => found !== null);
    const some = verdict(body, dots === both[0]);
    if (!dots || !shape || !some) return [];
    return [{ name: part('desc'), points: pairs(dots.slice(dots.indexOf('('))), shape, some }];
  });
}

const files = [
  'general-TestRelatePA.xml',
  'validate-TestRelatePA.xml',
  'general-TestPreparedPolygonPredicate.xml',
]
  .map((name) => sharedData('jts', name))
  .filter((file) => file !== null);

requirePart('JTS predicate cases (FOYER_DATA)', files.length > 0)(
  'JTS point and polygon cases',
  () => {
    const cases = files.flatMap(jtsCases);
    test('there are some in each file', () => {
      expect(files.map((file) => jtsCases(file).length)).toEqual([11, 41, 9]);
    });
    test.each(cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
      const index = createFenceIndex([{ id: 'f', name: 'f', shape: c.shape }]);
      const [fence] = index.all() as [Fence];
      const inside = c.points.filter(([lon, lat]) => contains(fence, lon, lat));
      expect(inside.length > 0).toBe(c.some.covered);
      expect(inside.length < c.points.length).toBe(c.some.outside);
      const covered = c.points.filter(([lon, lat]) => index.containing(lon, lat).length > 0);
      expect(covered).toEqual(inside);
    });
  },
);

const blob = (random: () => number, vertices: number, radius: number, lat = 47): Position[] => {
  const ring = Array.from({ length: vertices }, (_, i): Position => {
    const a = (2 * Math.PI * i) / vertices;
    const r = radius * (0.4 + 0.6 * random());
    return moved(8, lat, r * Math.cos(a), r * Math.sin(a));
  });
  return [...ring, ring[0] as Position];
};

test('agrees with Turf on a thousand points, corners and edges among them', () => {
  const random = randomFrom(3);
  for (let n = 0; n < 10; n++) {
    const hole = blob(random, 7, 8);
    const coordinates = [blob(random, 24, 60).map(([x, y]): Position => [x, y]), hole];
    const fence = fenceOf({ type: 'Polygon', coordinates });
    const plain = {
      type: 'Polygon' as const,
      coordinates: coordinates.map((r) => r.map(([x, y]) => [x, y])),
    };
    const corners = coordinates.flat();
    const middles = corners.slice(1).map(([x, y], i): Position => {
      const [px, py] = corners[i] as Position;
      return [(x + px) / 2, (y + py) / 2];
    });
    const free = Array.from({ length: 100 }, (): Position =>
      moved(8, 47, 120 * random() - 60, 120 * random() - 60),
    );
    for (const [lon, lat] of [...corners, ...middles, ...free]) {
      expect(contains(fence, lon, lat)).toBe(booleanPointInPolygon([lon, lat], plain));
    }
  }
});

describe('the share of an error disc inside', () => {
  const shapes: [string, Shape][] = [
    ['a polygon', { type: 'Polygon', coordinates: [blob(randomFrom(1), 12, 20)] }],
    [
      'with a hole',
      { type: 'Polygon', coordinates: [blob(randomFrom(1), 12, 30), blob(randomFrom(2), 8, 8)] },
    ],
    ['a circle', { type: 'Circle', lon: 8, lat: 47, radius: 12 }],
    [
      'overlapping parts',
      {
        type: 'MultiPolygon',
        coordinates: [[blob(randomFrom(4), 9, 20)], [blob(randomFrom(5), 9, 20)]],
      },
    ],
  ];
  test.each(shapes)('%s, against fifty thousand draws', (_, shape) => {
    const fence = fenceOf(shape);
    const random = randomFrom(11);
    for (const [east, north, sigma] of [
      [0, 0, 5],
      [8, -6, 5],
      [15, 10, 12],
      [25, 0, 4],
    ] as const) {
      const [lon, lat] = moved(8, 47, east, north);
      let hits = 0;
      const draws = 50_000;
      for (let i = 0; i < draws; i++) {
        const [x, y] = moved(lon, lat, sigma * normalFrom(random), sigma * normalFrom(random));
        if (contains(fence, x, y)) hits++;
      }
      expect(Math.abs(massInside(fence, lon, lat, sigma) - hits / draws)).toBeLessThan(0.02);
    }
  });

  test('known values: a disc of radius r holds 1 − exp(−r²/2σ²) of a fix in its middle', () => {
    const fence = fenceOf({ type: 'Circle', lon: 8, lat: 47, radius: 30 });
    for (const acc of [10, 30, 65]) {
      const sigma = acc / 1.5096;
      const exact = 1 - Math.exp(-900 / (2 * sigma * sigma));
      expect(massInside(fence, 8, 47, sigma)).toBeCloseTo(exact, 1.7);
    }
  });

  test('the normal table', () => {
    for (const [z, share] of [
      [0, 0.5],
      [1, 0.8413447],
      [-1.96, 0.0249979],
      [9, 1],
      [-9, 0],
    ] as const) {
      expect(shareBelow(z)).toBeCloseTo(share, 5);
    }
  });
});

const at = (e: number, n: number): Position => moved(8, 47, e, n);

test('depths: edge distance and the largest circle inside', () => {
  const hall = fenceOf({
    type: 'Polygon',
    coordinates: [[at(0, 0), at(100, 0), at(100, 40), at(0, 40), at(0, 0)]],
  });
  expect(edgeDistance(hall, ...(at(50, 10) as [number, number]))).toBeCloseTo(10, 1);
  expect(edgeDistance(hall, ...(at(50, -7) as [number, number]))).toBeCloseTo(7, 1);
  expect(inradius(hall)).toBeGreaterThan(19);
  expect(inradius(hall)).toBeLessThan(20.1);
  const thin = fenceOf({
    type: 'Polygon',
    coordinates: [[at(0, 0), at(400, 0), at(400, 3), at(0, 3), at(0, 0)]],
  });
  expect(inradius(thin)).toBeGreaterThan(1.3);
  expect(inradius(thin)).toBeLessThan(1.6);
});
