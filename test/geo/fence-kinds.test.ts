/** Fences that are more than a ring: corridors, tripwires, signals, poles, long edges, and all of them out and in. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Fence, FenceDefinition, OpenSpan, Position, Shape } from '../../geo/fence.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import { contains } from '../../geo/contains.ts';
import { edgeDistance } from '../../geo/depth.ts';
import { EARTH_RADIUS, greatCircle } from '../../geo/distance.ts';
import { compileFence, wireBox } from '../../geo/fence.ts';
import { toGeoJson } from '../../geo/geojson-out.ts';
import { parseFence } from '../../geo/geojson.ts';
import { massInside } from '../../geo/mass.ts';
import { moved } from '../support/tracks.ts';

const fenceOf = (shape: Shape): Fence => compileFence({ id: 'f', name: 'f', shape });
const polygon = (...coordinates: Position[][]): Fence => fenceOf({ type: 'Polygon', coordinates });

const RADIANS = Math.PI / 180;
type Vector = readonly [number, number, number];
const vector = ([lon, lat]: Position): Vector => [
  Math.cos(lat * RADIANS) * Math.cos(lon * RADIANS),
  Math.cos(lat * RADIANS) * Math.sin(lon * RADIANS),
  Math.sin(lat * RADIANS),
];
const times = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const apart = (a: Vector, b: Vector): number =>
  2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) / 2));

/** Metres from a place to the great circle between two others, on vectors: not as the engine does it. */
function toEdge(at: Position, from: Position, to: Position): number {
  const [p, a, b] = [vector(at), vector(from), vector(to)];
  const normal = times(a, b);
  const length = Math.hypot(...normal);
  if (length === 0) return apart(p, a);
  const n: Vector = [normal[0] / length, normal[1] / length, normal[2] / length];
  const beside = dot(times(n, a), p) >= 0 && dot(times(b, n), p) >= 0;
  return beside
    ? EARTH_RADIUS * Math.asin(Math.abs(dot(n, p)))
    : Math.min(apart(p, a), apart(p, b));
}
const toLine = (at: Position, line: readonly Position[]): number =>
  Math.min(...line.slice(1).map((to, i) => toEdge(at, line[i] as Position, to)));

/** Places along every edge of the outline: its corners, quarters and middles. */
function* outline(fence: Fence): Generator<Position> {
  for (let r = 0; r + 1 < fence.rings.length; r++) {
    for (let i = fence.rings[r] as number; i + 1 < (fence.rings[r + 1] as number); i++) {
      for (const q of [0, 0.25, 0.5, 0.75]) {
        const [x1, y1] = [fence.xy[2 * i] as number, fence.xy[2 * i + 1] as number];
        const [x2, y2] = [fence.xy[2 * i + 2] as number, fence.xy[2 * i + 3] as number];
        yield [fence.lon0 + x1 + q * (x2 - x1), fence.lat0 + y1 + q * (y2 - y1)];
      }
    }
  }
}

describe('corridors', () => {
  const lines: [string, Position[]][] = [
    [
      'a street',
      [
        [8, 47],
        [8.01, 47.003],
      ],
    ],
    [
      'at 60 degrees',
      [
        [10, 60],
        [10.05, 60],
      ],
    ],
    [
      'at 85 degrees',
      [
        [10, 85],
        [10.2, 85.01],
      ],
    ],
    [
      'sharp turns',
      [
        [10, 60],
        [10.001, 60],
        [10.0005, 60.0005],
        [10.002, 60.0001],
        [10.002, 60.002],
      ],
    ],
    [
      'a hundred kilometres',
      [
        [10, 60],
        [11.7, 60.2],
      ],
    ],
    [
      'over the antimeridian',
      [
        [179.99, -17],
        [-179.99, -17.005],
        [-179.98, -17],
      ],
    ],
    [
      'back on itself',
      [
        [8, 47],
        [8.001, 47],
        [8.0005, 47],
        [8.0005, 47.001],
      ],
    ],
    [
      'a loop',
      [
        [8, 47],
        [8.01, 47],
        [8.01, 47.01],
        [8, 47.01],
        [8, 47],
      ],
    ],
    [
      'a figure of eight',
      [
        [8, 47],
        [8.02, 47.02],
        [8.02, 47],
        [8, 47.02],
        [8, 47],
      ],
    ],
    [
      'points in a row, one twice',
      [
        [8, 47],
        [8.001, 47.001],
        [8.001, 47.001],
        [8.002, 47.002],
      ],
    ],
  ];
  test.each(
    lines.flatMap(([name, line]) => [2, 20, 400].map((width) => [name, width, line] as const)),
  )('%s, %d m wide, to 0.1 %%', (_, width, line) => {
    const fence = fenceOf({ type: 'Corridor', coordinates: line, width });
    expect(fence.kind).toBe('ground');
    let [least, most] = [Infinity, 0];
    for (const place of outline(fence)) {
      const share = toLine(place, line) / (width / 2);
      least = Math.min(least, share);
      most = Math.max(most, share);
    }
    expect(least).toBeGreaterThan(0.999);
    expect(most).toBeLessThan(1.001);
  });

  test('loops enclose ground that is not the corridor’s', () => {
    const loop: Position[] = [
      [8, 47],
      [8.01, 47],
      [8.01, 47.01],
      [8, 47.01],
      [8, 47],
    ];
    const fence = fenceOf({ type: 'Corridor', coordinates: loop, width: 20 });
    expect(fence.rings.length - 1).toBe(2);
    expect(contains(fence, 8.005, 47.005)).toBe(false);
    expect(contains(fence, 8.005, 47.00005)).toBe(true);
    expect(massInside(fence, 8.005, 47, 1)).toBeGreaterThan(0.999);
  });

  test('inside is within half the width, whatever the line does', () => {
    const near = fc.tuple(
      fc.double({ min: -0.001, max: 0.001, noNaN: true }),
      fc.double({ min: -0.001, max: 0.001, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(near, { minLength: 2, maxLength: 12 }),
        fc.constantFrom(1, 7, 30, 150),
        fc.constantFrom(0, 47, -60, 80),
        fc.constantFrom(8, 180, -180),
        fc.array(near, { minLength: 20, maxLength: 20 }),
        (steps, width, lat0, lon0, places) => {
          const at = ([x, y]: readonly [number, number]): Position => [
            ((lon0 + x + 540) % 360) - 180,
            lat0 + y,
          ];
          const line = steps.map(at);
          fc.pre(line.some((p) => apart(vector(p), vector(line[0] as Position)) > 0.1));
          const fence = fenceOf({ type: 'Corridor', coordinates: line, width });
          for (const place of places.map(at)) {
            const distance = toLine(place, line);
            if (Math.abs(distance - width / 2) < 0.001 * width) continue;
            expect(contains(fence, ...(place as [number, number]))).toBe(distance < width / 2);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  const folded = (corners: number) => {
    const random = randomFrom(9);
    const coordinates = Array.from({ length: corners }, (): Position =>
      moved(8, 47, 300 * random(), 300 * random()),
    );
    const geometry = { type: 'LineString', coordinates };
    const feature = { type: 'Feature', id: 'x', properties: { width: 40 }, geometry };
    return { corner: coordinates[corners / 2] as [number, number], result: parseFence(feature) };
  };

  test('a hundred and fifty corners folded into one place: one outline', () => {
    const { corner, result } = folded(150);
    if (!result.ok) throw new Error(result.message);
    expect(contains(compileFence(result.fence), ...corner)).toBe(true);
  });

  test('five hundred are refused: laying them out would take a second', () => {
    const { result } = folded(500);
    expect(result).toMatchObject({ ok: false, code: 'too-many-vertices' });
  });
});

describe('fences without ground', () => {
  const wire: Shape = {
    type: 'Tripwire',
    coordinates: [
      [179.9999, 10],
      [-179.9999, 10.0001],
    ],
    direction: 'left',
  };
  test.each<[string, Shape]>([
    ['radio', { type: 'Radio' }],
    ['composite', { type: 'Composite', of: 'all', members: ['a', 'b'] }],
    ['tripwire', wire],
  ])('%s: holds nobody', (kind, shape) => {
    const fence = fenceOf(shape);
    expect(fence.kind).toBe(kind);
    expect([fence.xy.length, fence.rings.length, fence.parts.length]).toEqual([0, 0, 0]);
    expect(fence.areaSquareMetres).toBe(0);
    expect(fence.box.minX > fence.box.maxX).toBe(true);
    for (const [lon, lat] of [
      [0, 0],
      [8, 47],
      [180, 10],
      [0, 90],
    ] as const) {
      expect(contains(fence, lon, lat)).toBe(false);
    }
    expect(fence.line === null).toBe(kind !== 'tripwire');
  });

  test('a tripwire keeps its line, unwrapped, and knows its box', () => {
    const fence = fenceOf(wire);
    expect(fence.line).toHaveLength(4);
    expect(fence.line?.[2]).toBeCloseTo(0.0002, 9);
    const box = wireBox(fence);
    expect(box.minX).toBeCloseTo(179.9999, 9);
    expect(box.maxX).toBeCloseTo(180.0001, 9);
    expect(wireBox(fenceOf({ type: 'Radio' })).minX).toBe(Infinity);
  });

  test('a long tripwire follows the great circle', () => {
    const fence = fenceOf({
      type: 'Tripwire',
      coordinates: [
        [8, 60],
        [9, 60],
      ],
      direction: 'both',
    });
    const line = fence.line as Float64Array;
    expect(line.length).toBeGreaterThan(10);
    for (let i = 0; i < line.length; i += 2) {
      const place: Position = [8 + (line[i] as number), 60 + (line[i + 1] as number)];
      expect(toEdge(place, [8, 60], [9, 60])).toBeLessThan(0.01);
    }
  });
});

describe('round the poles', () => {
  const cap = (lat: number, ...lons: number[]): Position[] => [
    ...lons.map((lon): Position => [lon, lat]),
    [lons[0] as number, lat],
  ];
  const antarctica: Position[] = [
    [-180, -90],
    [-180, -84],
    [-150, -77],
    [-100, -73],
    [-60, -64],
    [0, -70],
    [50, -66],
    [110, -66],
    [170, -72],
    [180, -84],
    [180, -90],
    [-180, -90],
  ];
  const cases: [string, Position[][], Position[], Position[]][] = [
    [
      'a polar cap, eastwards',
      [cap(70, 0, 60, 120, 180, -120, -60)],
      [
        [0, 90],
        [17, 90],
        [30, 80],
        [0, 70],
        [-179.9, 75],
        [180, 75],
      ],
      [
        [0, 69.9],
        [30, 60],
        [0, 0],
        [0, -90],
      ],
    ],
    [
      'the same westwards',
      [cap(70, 0, -60, -120, 180, 120, 60)],
      [
        [0, 90],
        [30, 80],
        [0, 70],
      ],
      [
        [30, 60],
        [0, -90],
      ],
    ],
    [
      'about the south pole, from no special meridian',
      [cap(-80, 33, 95, 150, -140, -80, -20)],
      [
        [0, -90],
        [33, -80],
        [-20.001, -85],
        [179, -89],
      ],
      [
        [33, -79.9],
        [0, 90],
        [0, 0],
      ],
    ],
    [
      'drawn up to the pole as flat maps do',
      [antarctica],
      [
        [0, -90],
        [0, -80],
        [180, -85],
        [-180, -85],
        [-60, -65],
        [179.999, -84.5],
      ],
      [
        [180, -83.9],
        [0, -69],
        [-60, -63],
        [0, 90],
      ],
    ],
    [
      'the rest of a flat map above a parallel',
      [
        [
          [-180, 60],
          [180, 60],
          [180, 90],
          [-180, 90],
          [-180, 60],
        ],
      ],
      [
        [0, 90],
        [0, 61],
        [180, 61],
        [-180, 61],
        [90, 60],
      ],
      [
        [0, 59],
        [180, 59.9],
      ],
    ],
    [
      'a ring about a ring',
      [cap(60, 0, 90, 180, -90), cap(80, 10, 100, -170, -80)],
      [
        [0, 70],
        [180, 70],
        [-30, 75],
      ],
      [
        [0, 89.9],
        [0, 89.9999],
        [55, 88],
        [0, 50],
      ],
    ],
    [
      'a cap with a hole that lies over the antimeridian',
      [
        cap(60, 0, 90, 180, -90),
        [
          [179, 70],
          [-179, 70],
          [-179, 72],
          [179, 72],
          [179, 70],
        ],
      ],
      [
        [0, 70],
        [178, 71],
        [-178, 71],
        [0, 90],
      ],
      [
        [180, 71],
        [-180, 71],
        [179.5, 71],
        [0, 50],
      ],
    ],
    [
      'a wedge with its tip at the pole goes round nothing',
      [
        [
          [0, 80],
          [120, 80],
          [-120, 80],
          [-120, 90],
          [0, 90],
          [0, 80],
        ],
      ],
      [
        [60, 89],
        [0, 85],
        [-120, 85],
        [179, 87],
      ],
      [
        [-60, 85],
        [-10, 85],
      ],
    ],
  ];
  test.each(cases)('%s', (_, rings, inside, outside) => {
    const result = parseFence({
      type: 'Feature',
      id: 'f',
      properties: {},
      geometry: { type: 'Polygon', coordinates: rings },
    });
    if (!result.ok) throw new Error(result.message);
    const fence = compileFence(result.fence);
    for (const [lon, lat] of inside)
      expect([lon, lat, contains(fence, lon, lat)]).toEqual([lon, lat, true]);
    for (const [lon, lat] of outside)
      expect([lon, lat, contains(fence, lon, lat)]).toEqual([lon, lat, false]);
  });

  test('no seam: all of an error disc is inside on every meridian', () => {
    for (const fence of [polygon(cap(70, 0, 60, 120, 180, -120, -60)), polygon(antarctica)]) {
      const lat = fence.lat0 < 0 ? -86 : 86;
      for (let lon = -180; lon <= 180; lon += 7.5) {
        expect(massInside(fence, lon, lat, 500)).toBeGreaterThan(0.999);
        expect(edgeDistance(fence, lon, lat)).toBeGreaterThan(50_000);
      }
    }
  });

  test('the area is the cap’s', () => {
    // Many vertices: the edges between few would run far inside the parallel.
    const fence = polygon(cap(60, ...Array.from({ length: 720 }, (_, i) => i / 2 - 180)));
    const exact = 2 * Math.PI * EARTH_RADIUS ** 2 * (1 - Math.sin(60 * RADIANS));
    expect(fence.areaSquareMetres / exact).toBeCloseTo(1, 4);
  });

  test('a multipolygon with a pole in it and islands on either side of the antimeridian', () => {
    const island = (lon: number): Position[] => [
      [lon, 50],
      [lon + 2, 50],
      [lon + 2, 52],
      [lon, 52],
      [lon, 50],
    ];
    const over: Position[] = [
      [179, 40],
      [-179, 40],
      [-179, 42],
      [179, 42],
      [179, 40],
    ];
    const fence = fenceOf({
      type: 'MultiPolygon',
      coordinates: [
        [cap(70, 90, 150, -150, -90, -30, 30)],
        [island(-178)],
        [island(176)],
        [island(0)],
        [over],
      ],
    });
    for (const [lon, lat] of [
      [0, 80],
      [-177, 51],
      [177, 51],
      [1, 51],
      [180, 41],
      [-180, 41],
      [-179.5, 41],
      [179.5, 41],
    ] as const)
      expect([lon, lat, contains(fence, lon, lat)]).toEqual([lon, lat, true]);
    for (const [lon, lat] of [
      [180, 51],
      [90, 51],
      [3, 51],
      [178, 41],
      [0, 41],
    ] as const)
      expect([lon, lat, contains(fence, lon, lat)]).toEqual([lon, lat, false]);
  });

  test('a circle over a pole holds what lies within its radius', () => {
    const fence = fenceOf({ type: 'Circle', lon: 20, lat: 89.99, radius: 5_000 });
    for (const [lon, lat] of [
      [0, 90],
      [20, 89.99],
      [-160, 89.98],
      [-160, 89.96],
      [20, 89.94],
      [110, 89.95],
    ] as const) {
      const within = greatCircle({ lon: 20, lat: 89.99 }, { lon, lat }) <= 5_000;
      expect([lon, lat, contains(fence, lon, lat)]).toEqual([lon, lat, within]);
    }
  });
});

describe('long edges', () => {
  test('within a metre of the great circle, at any length and latitude', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -80, max: 75, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        fc.constantFrom(0.02, 0.3, 2, 9),
        (lat, lon, size) => {
          const west = ((lon + 540) % 360) - 180;
          const east = ((lon + size + 540) % 360) - 180;
          const north = lat + size / 2;
          const corners: Position[] = [
            [west, lat],
            [east, lat],
            [east, north],
            [west, north],
            [west, lat],
          ];
          const fence = polygon(corners);
          for (const place of outline(fence)) expect(toLine(place, corners)).toBeLessThan(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the drawn shape stays as drawn, and a small fence is not touched', () => {
    const big = polygon([
      [8, 47],
      [9, 47],
      [9, 48],
      [8, 48],
      [8, 47],
    ]);
    expect(big.asDrawn).toBe(false);
    expect(big.xy.length).toBeGreaterThan(10);
    expect(big.definition.shape).toMatchObject({ coordinates: [{ length: 5 }] });
    const small = polygon([
      [8, 47],
      [8.01, 47],
      [8.01, 47.01],
      [8, 47],
    ]);
    expect([small.asDrawn, small.xy.length]).toEqual([true, 8]);
  });

  test('a fence of half a continent in four hundred spikes stays bounded', () => {
    const ring = Array.from({ length: 399 }, (_, i): Position => {
      const a = (2 * Math.PI * i) / 399;
      const r = i % 2 === 0 ? 40 : 10;
      return [r * Math.cos(a), 40 + r * 0.9 * Math.sin(a)];
    });
    const fence = polygon([...ring, ring[0] as Position]);
    expect(fence.xy.length / 2).toBeLessThan(60_000);
    expect(contains(fence, 0, 40)).toBe(true);
  });
});

describe('read', () => {
  const read = (geometry: unknown, properties: object) => {
    const result = parseFence({ type: 'Feature', id: 'f', properties, geometry });
    if (!result.ok) throw new Error(result.message);
    return result;
  };
  const shop = {
    type: 'Polygon',
    coordinates: [
      [
        [120.0717, 30.2906],
        [120.0721, 30.2906],
        [120.0721, 30.291],
        [120.0717, 30.2906],
      ],
    ],
  };

  test('radio keys in any spelling, beacons as objects, each once', () => {
    const radio = [
      'AA-BB-CC-DD-EE-FF',
      'bssid:aabb.ccdd.eeff',
      'Gateway:Shop-7',
      { uuid: 'E2C56DB5-DFFB-48D2-B060-D0F5A71096E0', major: 1, minor: '02' },
      'beacon:e2c56db5dffb48d2b060d0f5a71096e0:1:2',
      'QR:Till',
    ];
    expect(read(null, { kind: 'beacon', radio }).fence).toMatchObject({
      shape: { type: 'Radio' },
      radio: [
        'bssid:aa:bb:cc:dd:ee:ff',
        'gateway:shop-7',
        'beacon:e2c56db5-dffb-48d2-b060-d0f5a71096e0:1:2',
        'qr:till',
      ],
    });
  });

  test('a composite, of any of its members unless said', () => {
    const shape = { type: 'Composite', of: 'any', members: ['a', '7'] };
    expect(read(null, { members: ['a', 7, 'a'] }).fence.shape).toEqual(shape);
    expect(read(null, { kind: 'composite', of: 'all', members: ['a', 7] }).fence.shape).toEqual({
      ...shape,
      of: 'all',
    });
  });

  const spans: OpenSpan[] = [[540, 1290]];
  test.each<[string, object, (readonly OpenSpan[])[]]>([
    [
      'spans of texts and of minutes',
      {
        hours: {
          timezone: 'Asia/Shanghai',
          week: [[['09:00', '21:30']], [[540, 1290]], [], [], [], [], [['20:00', '24:00']]],
        },
      },
      [spans, spans, [], [], [], [], [[1200, 1440]]],
    ],
    [
      'the simple half of OpenStreetMap’s',
      {
        timezone: 'Asia/Shanghai',
        opening_hours: 'Mo-Fr 09:00-21:30; We off; Sa, Su 10:00-12:00,22:00-02:00',
      },
      [
        spans,
        spans,
        [],
        spans,
        spans,
        [
          [600, 720],
          [1320, 120],
        ],
        [
          [600, 720],
          [1320, 120],
        ],
      ],
    ],
    [
      'always',
      { timezone: 'Asia/Shanghai', opening_hours: '24/7' },
      Array.from({ length: 7 }, () => [[0, 1440]]),
    ],
    [
      'over the weekend',
      { timezone: 'Asia/Shanghai', opening_hours: 'Sa-Mo 9:00-21:30' },
      [spans, [], [], [], [], spans, spans],
    ],
  ])('opening hours: %s', (_, properties, week) => {
    expect(read(shop, properties).fence.hours).toEqual({ timezone: 'Asia/Shanghai', week });
  });

  test('opening hours left empty are none', () => {
    const { fence } = read(shop, { timezone: 'Asia/Shanghai', opening_hours: ' ' });
    expect(fence.hours).toBeUndefined();
  });

  test.each<[string, object, string]>([
    ['openrouteservice', { group_index: 0, value: 600, center: [120, 30] }, 'Isochrone 600'],
    ['Valhalla', { contour: 10, metric: 'time', color: '#bf4040' }, '10 min'],
    ['Valhalla by distance', { contour: 2, metric: 'distance' }, '2 km'],
    ['Mapbox', { contour: 5, color: '#4286f4', opacity: 0.33 }, '5 min'],
    ['a kind', { kind: 'isochrone', name: 'ten minutes' }, 'ten minutes'],
  ])('an isochrone by %s', (_, properties, name) => {
    expect(read(shop, properties).fence).toMatchObject({ source: 'isochrone', name });
  });

  test.each(['gcj02', 'bd09', 'GCJ-02'])('drawn in %s: moved to WGS-84, and says so', (datum) => {
    const { fence } = read(shop, { datum });
    const at = fence.shape.type === 'Polygon' ? fence.shape.coordinates[0]?.[0] : null;
    if (!at) throw new Error('no polygon');
    const off = greatCircle({ lon: at[0], lat: at[1] }, { lon: 120.0717, lat: 30.2906 });
    expect(off).toBeGreaterThan(500);
    expect(fence.drawnIn).toBe(datum === 'bd09' ? 'bd09' : 'gcj02');
    expect(read(shop, {}).fence.drawnIn).toBeUndefined();
  });

  test.each<[string, unknown, object, string[]]>([
    [
      'a small circle',
      { type: 'Point', coordinates: [8, 47] },
      { radius: 14 },
      ['small-without-radio'],
    ],
    [
      'one with its access point',
      { type: 'Point', coordinates: [8, 47] },
      { radius: 14, radio: ['qr:1'] },
      [],
    ],
    ['a bigger circle', { type: 'Point', coordinates: [8, 47] }, { radius: 15 }, []],
    [
      'a kiosk',
      {
        type: 'Polygon',
        coordinates: [
          [
            [8, 47],
            [8.0001, 47],
            [8.0001, 47.0001],
            [8, 47],
          ],
        ],
      },
      {},
      ['small-without-radio'],
    ],
    [
      'a narrow corridor',
      {
        type: 'LineString',
        coordinates: [
          [8, 47],
          [8.1, 47],
        ],
      },
      { width: 4 },
      ['small-without-radio'],
    ],
    [
      'parts that overlap',
      {
        type: 'MultiPolygon',
        coordinates: [
          [
            [
              [8, 47],
              [8.01, 47],
              [8.01, 47.01],
              [8, 47.01],
              [8, 47],
            ],
          ],
          [
            [
              [8.005, 47.005],
              [8.02, 47.005],
              [8.02, 47.02],
              [8.005, 47.005],
            ],
          ],
        ],
      },
      {},
      ['overlapping-parts'],
    ],
    [
      'a part within another',
      {
        type: 'MultiPolygon',
        coordinates: [
          [
            [
              [8.004, 47.004],
              [8.006, 47.004],
              [8.006, 47.006],
              [8.004, 47.004],
            ],
          ],
          [
            [
              [8, 47],
              [8.01, 47],
              [8.01, 47.01],
              [8, 47.01],
              [8, 47],
            ],
          ],
        ],
      },
      {},
      ['overlapping-parts'],
    ],
    [
      'a part in another’s hole, and one that shares an edge',
      {
        type: 'MultiPolygon',
        coordinates: [
          [
            [
              [8.004, 47.004],
              [8.006, 47.004],
              [8.006, 47.006],
              [8.004, 47.004],
            ],
          ],
          [
            [
              [8, 47],
              [8.01, 47],
              [8.01, 47.01],
              [8, 47.01],
              [8, 47],
            ],
            [
              [8.003, 47.003],
              [8.007, 47.003],
              [8.007, 47.007],
              [8.003, 47.003],
            ],
          ],
          [
            [
              [8.01, 47],
              [8.02, 47],
              [8.02, 47.01],
              [8.01, 47.01],
              [8.01, 47],
            ],
          ],
        ],
      },
      {},
      [],
    ],
    [
      'an edge over the antimeridian',
      {
        type: 'Polygon',
        coordinates: [
          [
            [179.9, 0],
            [-179.9, 0],
            [-179.9, 1],
            [179.9, 0],
          ],
        ],
      },
      {},
      ['long-edge'],
    ],
  ])('odd, and taken: %s', (_, geometry, properties, codes) => {
    const { warnings } = read(geometry, properties);
    expect(warnings.map(({ code }) => code)).toEqual(codes);
    for (const { message } of warnings) expect(message.length).toBeGreaterThan(30);
  });
});

describe('out and in again', () => {
  const lonLat = fc.tuple(
    fc.double({ min: -179, max: 179, noNaN: true }),
    fc.double({ min: -80, max: 80, noNaN: true }),
  );
  const ring = lonLat.chain(([lon, lat]) =>
    fc
      .array(fc.double({ min: 0.2, max: 1, noNaN: true }), { minLength: 3, maxLength: 9 })
      .map((reach) => {
        const corners = reach.map((r, i): Position => {
          const a = (2 * Math.PI * i) / reach.length;
          return [lon + 0.01 * r * Math.cos(a), lat + 0.01 * r * Math.sin(a)];
        });
        return [...corners, corners[0] as Position];
      }),
  );
  const line = lonLat.chain(([lon, lat]) =>
    fc
      .array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 })), {
        minLength: 1,
        maxLength: 5,
      })
      .map((steps): Position[] => [
        [lon, lat],
        ...steps.map(([x, y]): Position => [lon + x / 5000, lat + y / 5000]),
      ]),
  );
  const shape: fc.Arbitrary<Shape> = fc.oneof(
    fc.record({
      type: fc.constant('Circle' as const),
      lon: fc.double({ min: -180, max: 180, noNaN: true }),
      lat: fc.double({ min: -90, max: 90, noNaN: true }),
      radius: fc.double({ min: 3, max: 10_000, noNaN: true }),
    }),
    ring.map((r) => ({ type: 'Polygon' as const, coordinates: [r] })),
    fc.array(ring, { minLength: 1, maxLength: 3 }).map((rings) => ({
      type: 'MultiPolygon' as const,
      coordinates: rings.map((r) => [r]),
    })),
    fc.tuple(line, fc.integer({ min: 1, max: 2000 })).map(([coordinates, width]) => ({
      type: 'Corridor' as const,
      coordinates,
      width,
    })),
    fc
      .tuple(line, fc.constantFrom('left' as const, 'right' as const, 'both' as const))
      .map(([coordinates, direction]) => ({ type: 'Tripwire' as const, coordinates, direction })),
    fc.constant({ type: 'Composite' as const, of: 'all' as const, members: ['a', 'b'] }),
    fc.constant({ type: 'Radio' as const }),
  );
  const span = fc.tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 0, max: 1440 }));
  const text = fc.string({ minLength: 1, maxLength: 40 });
  const rest = fc.record(
    {
      parent: text.map((t) => `p${t}`),
      version: fc.integer({ min: 1, max: 2 ** 31 }),
      minDwellSeconds: fc.integer({ min: 0, max: 86_400 }),
      floor: text,
      priority: fc.integer({ min: -100, max: 100 }),
      cooldownSeconds: fc.integer({ min: 0, max: 2_592_000 }),
      hours: fc.record({
        timezone: fc.constantFrom('UTC', 'Asia/Shanghai', 'America/New_York'),
        week: fc.array(fc.array(span, { maxLength: 3 }), { minLength: 7, maxLength: 7 }),
      }),
      drawnIn: fc.constantFrom('gcj02' as const, 'bd09' as const),
    },
    { requiredKeys: [] },
  );
  const radio = fc.uniqueArray(
    fc.constantFrom(
      'qr:1',
      'gateway:x',
      'bssid:00:11:22:33:44:55',
      'beacon:e2c56db5-dffb-48d2-b060-d0f5a71096e0:1:2',
    ),
    { minLength: 1, maxLength: 4 },
  );

  test('every definition comes back the same', () => {
    fc.assert(
      fc.property(
        text,
        text,
        shape,
        rest,
        radio,
        fc.boolean(),
        fc.boolean(),
        (id, name, s, more, keys, heard, made) => {
          const isArea = s.type === 'Polygon' || s.type === 'MultiPolygon';
          const definition: FenceDefinition = {
            id: `f${id}`,
            name,
            shape: s,
            ...more,
            ...(heard || s.type === 'Radio' ? { radio: keys } : {}),
            ...(made && isArea ? { source: 'isochrone' as const } : {}),
          };
          const sent: unknown = JSON.parse(JSON.stringify(toGeoJson(definition)));
          const back = parseFence(sent);
          expect(back).toMatchObject({ ok: true });
          if (back.ok)
            expect(JSON.stringify(sorted(back.fence))).toBe(JSON.stringify(sorted(definition)));
        },
      ),
      { numRuns: 300 },
    );
  });

  /** Same keys in the same order; −0 and 0 are one number in JSON. */
  const sorted = (value: FenceDefinition): unknown =>
    Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
});
