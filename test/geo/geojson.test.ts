/** Fences from outside: what is taken, and the name and words of every refusal. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { randomFrom } from '../../scripts/lib/random.ts';
import { contains } from '../../geo/contains.ts';
import { compileFence } from '../../geo/fence.ts';
import { FENCE_FAULTS, FENCE_WARNINGS } from '../../geo/fence-fault.ts';
import type { FenceFault } from '../../geo/fence-fault.ts';
import { MAX_FENCES, parseFence, parseFences } from '../../geo/geojson.ts';
import { MAX_LINE_VERTICES } from '../../geo/lines.ts';
import { MAX_KEYS, MAX_MEMBERS } from '../../geo/properties.ts';
import { MAX_VERTICES } from '../../geo/rings.ts';

const square = [
  [8, 47],
  [8.001, 47],
  [8.001, 47.001],
  [8, 47.001],
  [8, 47],
];
const inner = [
  [8.0002, 47.0002],
  [8.0008, 47.0002],
  [8.0008, 47.0008],
  [8.0002, 47.0008],
  [8.0002, 47.0002],
];
const feature = (geometry: unknown, properties: unknown = {}, id: unknown = 'f'): unknown => ({
  type: 'Feature',
  id,
  properties,
  geometry,
});
const polygon = (...coordinates: unknown[]): unknown => ({ type: 'Polygon', coordinates });
const point = (lon: unknown, lat: unknown): unknown => ({ type: 'Point', coordinates: [lon, lat] });

const line = (...coordinates: unknown[]): unknown => ({
  type: 'LineString',
  coordinates:
    coordinates.length === 0
      ? [
          [8, 47],
          [8.01, 47],
        ]
      : coordinates,
});
const UUID = 'E2C56DB5-DFFB-48D2-B060-D0F5A71096E0';
const keys = (count: number): string[] => Array.from({ length: count }, (_, i) => `qr:${i}`);
const week = (...spans: unknown[]): unknown[] => [spans, [], [], [], [], [], []];
const box = (lon: number, lat: number, size: number): number[][] => [
  [lon, lat],
  [lon + size, lat],
  [lon + size, lat + size],
  [lon, lat + size],
  [lon, lat],
];
/** Once round the earth, eastwards. */
const around = (lat: number): number[][] => [
  [0, lat],
  [120, lat],
  [-120, lat],
  [0, lat],
];
/** A line that folds into ever more meshes. */
const net = (vertices: number): number[][] => {
  const random = randomFrom(5);
  return Array.from({ length: vertices }, () => [8 + 0.002 * random(), 47 + 0.002 * random()]);
};

const wheel = (vertices: number): number[][] => {
  const ring = Array.from({ length: vertices - 1 }, (_, i) => {
    const a = (2 * Math.PI * i) / (vertices - 1);
    return [8 + 0.01 * Math.cos(a), 47 + 0.01 * Math.sin(a)];
  });
  return [...ring, ring[0] as number[]];
};

describe('taken', () => {
  test.each([
    ['a polygon', polygon(square), {}],
    ['with a hole', polygon(square, inner), {}],
    ['wound the other way', polygon(square.toReversed()), {}],
    ['with altitudes', polygon(square.map((p) => [...p, 400])), {}],
    ['two parts', { type: 'MultiPolygon', coordinates: [[square], [inner]] }, {}],
    ['a circle', point(8, 47), { radius: 25 }],
    ['the most vertices', polygon(wheel(MAX_VERTICES)), {}],
    [
      'rings that touch in a point',
      polygon(square, [
        [8, 47],
        [8.0005, 47.0002],
        [8.0005, 47.0005],
        [8, 47],
      ]),
      {},
    ],
    [
      'holes that touch each other',
      polygon(square, box(8.0002, 47.0002, 0.0002), box(8.0004, 47.0004, 0.0002)),
      {},
    ],
    [
      'holes side by side',
      polygon(square, box(8.0002, 47.0002, 0.0002), box(8.0004, 47.0002, 0.0002)),
      {},
    ],
    ['round a pole', polygon(around(60)), {}],
    ['a circle over a pole', point(0, 89.99), { radius: 5000 }],
    [
      'unsplit over the antimeridian',
      polygon([
        [179.9, -17],
        [-179.9, -17],
        [-179.9, -16.9],
        [179.9, -16.9],
        [179.9, -17],
      ]),
      {},
    ],
  ])('%s', (_, geometry, properties) => {
    expect(parseFence(feature(geometry, properties))).toMatchObject({ ok: true });
  });

  test('id, name, parent and the rest, numbers as texts', () => {
    const properties = {
      id: 7,
      name: 'Café',
      parent: 3,
      floor: 2,
      minDwellSeconds: 60,
      version: 4,
    };
    expect(
      parseFence({
        type: 'Feature',
        properties: { ...properties, radius: 9 },
        geometry: point(8, 47),
      }),
    ).toMatchObject({
      ok: true,
      fence: {
        id: '7',
        name: 'Café',
        parent: '3',
        floor: '2',
        minDwellSeconds: 60,
        version: 4,
        shape: { type: 'Circle', lon: 8, lat: 47, radius: 9 },
      },
    });
  });
});

describe('refused', () => {
  const cases: [FenceFault, unknown][] = [
    ['not-a-feature', null],
    ['not-a-feature', { type: 'Polygon' }],
    ['unsupported-type', feature(null)],
    ['unsupported-type', feature('here')],
    ['unsupported-type', feature({ type: 'GeometryCollection', geometries: [] })],
    ['unsupported-type', feature({ type: 'MultiPoint', coordinates: square })],
    ['bad-kind', feature(polygon(square), { kind: 'shop' })],
    ['bad-kind', feature(polygon(square), { kind: 'circle' })],
    ['bad-kind', feature(polygon(square), { kind: 'radio', radio: ['qr:1'] })],
    ['bad-kind', feature(null, { kind: 'corridor' })],
    ['bare-line', feature(line())],
    ['bare-line', feature(line(), { width: 5, direction: 'left' })],
    ['bare-line', feature(line(), { kind: 'tripwire', width: 5 })],
    ['bad-property', feature(line(), { direction: 'up' })],
    ['width-out-of-range', feature(line(), { kind: 'corridor' })],
    ['width-out-of-range', feature(line(), { width: 0.5 })],
    ['width-out-of-range', feature(line(), { width: 2001 })],
    ['width-out-of-range', feature(line(), { width: Number.NaN })],
    ['bad-coordinates', feature({ type: 'LineString', coordinates: 'here' }, { width: 5 })],
    ['too-few-points', feature(line([8, 47]), { width: 5 })],
    ['no-length', feature(line([8, 47], [8, 47]), { width: 5 })],
    ['no-length', feature(line([8, 47], [8, 47]), { direction: 'both' })],
    ['line-too-long', feature(line([8, 47], [10, 47]), { width: 5 })],
    ['near-pole', feature(line([8, 89.1], [9, 89.1]), { width: 5 })],
    ['too-many-vertices', feature(line(...wheel(MAX_LINE_VERTICES + 1)), { width: 5 })],
    ['too-many-vertices', feature(line(...net(400)), { width: 1 })],
    ['swapped-axes', feature(line([30, 120], [30, 121]), { width: 5 })],
    ['bad-radio', feature(null, { kind: 'radio' })],
    ['bad-radio', feature(null, { kind: 'beacon', radio: [] })],
    ['bad-radio', feature(null, { radio: 'qr:1' })],
    ['bad-radio', feature(null, { radio: ['bssid:12:34'] })],
    ['bad-radio', feature(null, { radio: ['hello'] })],
    ['bad-radio', feature(null, { radio: ['qr:'] })],
    ['bad-radio', feature(null, { radio: [{ uuid: 'x', major: 1, minor: 2 }] })],
    ['bad-radio', feature(null, { radio: [{ uuid: UUID, major: 65_536, minor: 2 }] })],
    ['too-many-keys', feature(null, { radio: keys(MAX_KEYS + 1) })],
    ['bad-members', feature(null, { kind: 'composite' })],
    ['bad-members', feature(null, { kind: 'composite', members: [] })],
    ['bad-members', feature(null, { members: ['a', 'f'] })],
    ['bad-members', feature(null, { members: [{}] })],
    ['too-many-members', feature(null, { members: keys(MAX_MEMBERS + 1) })],
    ['bad-property', feature(null, { members: ['a'], of: 'some' })],
    ['bad-property', feature(polygon(square), { priority: 101 })],
    ['bad-property', feature(polygon(square), { cooldownSeconds: -1 })],
    ['bad-property', feature(polygon(square), { source: 'guess' })],
    ['bad-hours', feature(polygon(square), { hours: 'Mo-Fr' })],
    ['bad-hours', feature(polygon(square), { hours: { timezone: 'Mars/Base', week: week() } })],
    ['bad-hours', feature(polygon(square), { hours: { week: week() } })],
    ['bad-hours', feature(polygon(square), { hours: { timezone: 'UTC', week: [[]] } })],
    ['bad-hours', feature(polygon(square), { hours: { timezone: 'UTC', week: week('09:00') } })],
    ['bad-hours', feature(polygon(square), { hours: { timezone: 'UTC', week: week(['9', '1']) } })],
    [
      'bad-hours',
      feature(polygon(square), { hours: { timezone: 'UTC', week: week([540, 1441]) } }),
    ],
    [
      'bad-hours',
      feature(polygon(square), { hours: { timezone: 'UTC', week: week(['24:00', 60]) } }),
    ],
    ['bad-hours', feature(polygon(square), { timezone: 'UTC', opening_hours: 'sunrise-sunset' })],
    ['bad-hours', feature(polygon(square), { timezone: 'UTC', opening_hours: 'Xx 09:00-10:00' })],
    ['bad-datum', feature(polygon(square), { datum: 'nad27' })],
    ['bad-datum', feature(polygon(square), { drawnIn: 7 })],
    ['datum-elsewhere', feature(polygon(square), { datum: 'gcj02' })],
    ['bad-id', feature(polygon(square), {}, null)],
    ['bad-id', feature(polygon(square), {}, '')],
    ['bad-id', feature(polygon(square), {}, 'x'.repeat(201))],
    ['bad-name', feature(polygon(square), { name: 5 })],
    ['bad-parent', feature(polygon(square), { parent: 'f' })],
    ['bad-parent', feature(polygon(square), { parent: {} })],
    ['bad-property', feature(polygon(square), { minDwellSeconds: -1 })],
    ['bad-property', feature(polygon(square), { version: 1.5 })],
    ['bad-coordinates', feature(polygon())],
    ['bad-coordinates', feature({ type: 'Polygon', coordinates: 'here' })],
    ['bad-coordinates', feature(polygon(['a', 'b', 'c', 'd']))],
    ['bad-coordinates', feature({ type: 'MultiPolygon', coordinates: [] })],
    [
      'not-finite',
      feature(
        polygon([
          [8, 47],
          [8, Number.NaN],
          [9, 47],
          [8, 47],
        ]),
      ),
    ],
    ['not-finite', feature(point('8', 47), { radius: 9 })],
    ['out-of-range', feature(point(181, 47), { radius: 9 })],
    ['swapped-axes', feature(point(30.29, 120.07), { radius: 9 })],
    [
      'too-few-points',
      feature(
        polygon([
          [8, 47],
          [8, 48],
          [8, 47],
        ]),
      ),
    ],
    ['not-closed', feature(polygon(square.slice(0, 4)))],
    [
      'no-area',
      feature(
        polygon([
          [8, 47],
          [9, 47],
          [8, 47],
          [8, 47],
        ]),
      ),
    ],
    [
      'no-area',
      feature(
        polygon([
          [8, 47],
          [8.01, 47.01],
          [8.02, 47.02],
          [8, 47],
        ]),
      ),
    ],
    [
      'self-crossing',
      feature(
        polygon([
          [8, 47],
          [8.01, 47.01],
          [8.01, 47],
          [8, 47.01],
          [8, 47],
        ]),
      ),
    ],
    [
      'self-crossing',
      feature(
        polygon([
          [8, 47],
          [8.01, 47.01],
          [8.01, 47],
          [8, 47.011],
          [8, 47],
        ]),
      ),
    ],
    [
      'self-crossing',
      feature(
        polygon(
          square,
          inner.map(([x, y]) => [(x ?? 0) + 0.0005, y]),
        ),
      ),
    ],
    ['hole-outside', feature(polygon(inner, square))],
    ['too-many-vertices', feature(polygon(wheel(MAX_VERTICES + 1)))],
    ['encloses-pole', feature(polygon(around(5)))],
    ['self-crossing', feature(polygon([...around(60), ...around(60).slice(1)]))],
    // A bow tie whose two lines cross in a vertex of both.
    [
      'self-crossing',
      feature(
        polygon([
          [8, 47],
          [8.001, 47.001],
          [8.002, 47.002],
          [8.002, 47],
          [8.001, 47.001],
          [8, 47.002],
          [8, 47],
        ]),
      ),
    ],
    // A line that ends on another one's middle and leaves on its other side.
    [
      'self-crossing',
      feature(
        polygon([
          [8, 47],
          [8.002, 47],
          [8.002, 47.002],
          [8.001, 47],
          [8.0005, 46.999],
          [8, 47],
        ]),
      ),
    ],
    ['nested-holes', feature(polygon(square, inner, box(8.0004, 47.0004, 0.0002)))],
    ['nested-holes', feature(polygon(square, box(8.0004, 47.0004, 0.0002), inner))],
    ['nested-holes', feature(polygon(square, inner, inner.toReversed()))],
    ['self-crossing', feature(polygon(square, inner, box(8.0007, 47.0004, 0.0002)))],
    ['hole-outside', feature(polygon(square, box(8.01, 47, 0.001)))],
    ['hole-outside', feature(polygon(square, square))],
    ['radius-out-of-range', feature(point(8, 47))],
    ['radius-out-of-range', feature(point(8, 47), { radius: 2 })],
    ['radius-out-of-range', feature(point(8, 47), { radius: 10_001 })],
    ['radius-out-of-range', feature(point(8, 47), { radius: '25' })],
  ];
  test.each(cases)('%s', (code, input) => {
    const result = parseFence(input);
    expect(result).toMatchObject({ ok: false, code });
    if (!result.ok) expect(result.message.length).toBeGreaterThan(10);
  });

  test('every refusal and warning has a case here and a row in docs/fences.md', () => {
    const told = new Set<string>(cases.map(([code]) => code));
    // Of whole collections, further down.
    const others = ['not-a-collection', 'too-many-fences', 'duplicate-id'];
    expect(FENCE_FAULTS.filter((code) => !told.has(code))).toEqual(expect.arrayContaining(others));
    expect(FENCE_FAULTS.filter((code) => !told.has(code))).toHaveLength(others.length);
    const page = readFileSync(new URL('../../docs/fences.md', import.meta.url), 'utf8');
    const missing = [...FENCE_FAULTS, ...FENCE_WARNINGS].filter(
      (code) => !page.includes(`\`${code}\``),
    );
    expect(missing).toEqual([]);
  });

  test('axes that only make sense the other way round', () => {
    const china = [73, 18, 135, 54] as const;
    const swapped = feature(point(30.29, 73.1), { radius: 9 });
    expect(parseFence(swapped)).toMatchObject({ ok: true });
    expect(parseFence(swapped, { expected: china })).toMatchObject({ code: 'swapped-axes' });
  });
});

test('a bomb of brackets is refused, not followed', () => {
  const bomb: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  expect(parseFence(feature({ type: 'MultiPolygon', coordinates: bomb }))).toMatchObject({
    ok: false,
    code: 'too-few-points',
  });
});

test('a collection keeps what is good and says what is not', () => {
  const collection = {
    type: 'FeatureCollection',
    features: [
      feature(polygon(square), {}, 'a'),
      feature(null, {}, 'b'),
      feature(point(8, 47), { radius: 5 }, 'a'),
    ],
  };
  const { fences, refused } = parseFences(collection);
  expect(fences.map((f) => f.id)).toEqual(['a']);
  expect(refused.map((r) => [r.index, r.id, r.code])).toEqual([
    [1, 'b', 'unsupported-type'],
    [2, 'a', 'duplicate-id'],
  ]);
  expect(parseFences([]).refused[0]?.code).toBe('not-a-collection');
  const crowd = { type: 'FeatureCollection', features: Array.from({ length: MAX_FENCES + 1 }) };
  expect(parseFences(crowd).refused).toMatchObject([{ index: -1, code: 'too-many-fences' }]);
});

test('one fence over the antimeridian, split or not', () => {
  const west = [
    [179.9, -17],
    [180, -17],
    [180, -16.9],
    [179.9, -16.9],
    [179.9, -17],
  ];
  const east = [
    [-180, -17],
    [-179.9, -17],
    [-179.9, -16.9],
    [-180, -16.9],
    [-180, -17],
  ];
  const whole = [
    [179.9, -17],
    [-179.9, -17],
    [-179.9, -16.9],
    [179.9, -16.9],
    [179.9, -17],
  ];
  const shapes = [{ type: 'MultiPolygon', coordinates: [[west], [east]] }, polygon(whole)];
  for (const shape of shapes) {
    const result = parseFence(feature(shape));
    if (!result.ok) throw new Error(result.message);
    const fence = compileFence(result.fence);
    for (const lon of [179.95, 180, -180, -179.95]) expect(contains(fence, lon, -16.95)).toBe(true);
    for (const lon of [179.85, -179.85, 0]) expect(contains(fence, lon, -16.95)).toBe(false);
    expect(fence.areaSquareMetres / 1e6).toBeCloseTo(236.6, 0);
  }
});
