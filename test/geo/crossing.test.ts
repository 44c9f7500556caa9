/** Tripwires: crossed once for each real crossing, in the wanted direction, whatever the noise does. */
import { describe, expect, test } from '@jest/globals';
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { FenceDefinition, Position, TripwireShape } from '../../geo/fence.ts';
import type { Transition } from '../../geo/visit.ts';
import { defaultPolicy, initialState, step } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { moved, noisyTrack, runTrack } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const DOOR: [number, number] = [8.54, 47.376];

const spot = (east: number, north: number, origin = DOOR): [number, number] =>
  moved(...origin, east, north);

/** A line through the door from south to north: its left is west. */
function wire(
  direction: TripwireShape['direction'] = 'both',
  line: readonly (readonly [number, number])[] = [
    [0, -30],
    [0, 30],
  ],
  origin = DOOR,
): FenceDefinition {
  const coordinates = line.map(([e, n]): Position => spot(e, n, origin));
  return { id: 'wire', name: 'wire', shape: { type: 'Tripwire', direction, coordinates } };
}

const path = (
  points: readonly (readonly [east: number, north?: number])[],
  {
    period = 20,
    acc = 8,
    origin = DOOR,
  }: { period?: number; acc?: number; origin?: typeof DOOR } = {},
): Ping[] =>
  points.map(([e, n = 0], i) => {
    const [lon, lat] = spot(e, n, origin);
    return { t: T + i * period * 1000, lon, lat, acc };
  });

const crossed = (pings: Ping[], fence: FenceDefinition): Transition[] =>
  runTrack(pings, createFenceIndex([fence])).transitions.filter((t) => t.type === 'crossed');

describe('a line walked across', () => {
  test.each([
    ['right in two pings', [[-30], [30]], ['right']],
    ['left in two pings', [[30], [-30]], ['left']],
    ['right through the doubtful band', [[-30], [-4], [3], [-2], [30]], ['right']],
    ['into the band and out again', [[-30], [-4], [3], [-3], [-30]], []],
    ['there and back', [[-30], [30], [-30]], ['right', 'left']],
    [
      'past its end',
      [
        [-30, 60],
        [30, 60],
      ],
      [],
    ],
    [
      'round its end',
      [
        [-30, 0],
        [-10, 45],
        [10, 45],
        [30, 0],
      ],
      [],
    ],
    [
      'beside it',
      [
        [-20, -30],
        [-20, 0],
        [-20, 30],
      ],
      [],
    ],
    ['just beyond the accuracy, twice', [[-30], [10], [10.5]], ['right']],
    ['just beyond the accuracy, once', [[-30], [10], [-30]], []],
    ['a place too near the line to begin with', [[-4], [30]], []],
  ] as const)('%s', (_, points, directions) => {
    expect(crossed(path(points), wire()).map((t) => t.direction)).toEqual(directions);
  });

  test('tells when and how surely', () => {
    const [only] = crossed(path([[-30], [30]]), wire());
    expect(only).toMatchObject({ fence: 'wire', at: T + 10_000, detectedAt: T + 20_000 });
    expect(only?.p).toBeGreaterThan(0.99);
    const [through] = crossed(path([[-30], [-5], [5], [30]]), wire());
    expect(through?.detectedAt).toBe(T + 60_000);
    expect(through?.at).toBeGreaterThan(T + 20_000);
    expect(through?.at).toBeLessThan(T + 40_000);
    const [near] = crossed(path([[-12.5], [12.5]]), wire());
    expect(near?.p).toBeLessThan(0.99);
    expect(near?.p).toBeGreaterThan(0.9);
  });

  test.each([
    ['left', []],
    ['right', ['right']],
    ['both', ['right', 'left']],
  ] as const)('only the wanted way is told: %s', (direction, told) => {
    const walk = path(direction === 'both' ? [[-30], [30], [-30]] : [[-30], [30]]);
    expect(crossed(walk, wire(direction)).map((t) => t.direction)).toEqual(told);
  });

  test('a bent line round a corner is one line', () => {
    const bent = wire('both', [
      [-40, 0],
      [0, 0],
      [0, -40],
    ]);
    expect(
      crossed(
        path([
          [-20, -20],
          [20, 20],
        ]),
        bent,
      ).map((t) => t.direction),
    ).toEqual(['left']);
    for (const way of [
      [
        [-20, 22],
        [20, -18],
      ],
      [
        [-20, 10],
        [14, -24],
      ],
    ] as const) {
      expect(crossed(path(way), bent)).toEqual([]);
    }
  });

  test('over the antimeridian', () => {
    const origin: [number, number] = [180, -17];
    const walk = path([[-30], [30]], { origin }).map((p) => ({
      ...p,
      lon: p.lon > 180 ? p.lon - 360 : p.lon,
    }));
    const line = wire(
      'both',
      [
        [0, -30],
        [0, 30],
      ],
      origin,
    );
    expect(crossed(walk, line).map((t) => t.direction)).toEqual(['right']);
  });

  test('a silence so long that nothing carries over is no way through', () => {
    expect(crossed(path([[-30], [30]], { period: 1000 }), wire())).toEqual([]);
  });

  test('what is remembered is one small place, and only about the line', () => {
    const index = createFenceIndex([wire()]);
    let state: DeviceState = initialState('d');
    const sizes: number[] = [];
    for (const ping of path([[-30], [-4], [3], [30], [60]])) {
      ({ state } = step(state, ping, index, defaultPolicy));
      sizes.push(state.wires?.length ?? 0);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }
    expect(sizes).toEqual([0, 1, 1, 0, 0]);
  });
});

describe('noise about the line', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 1);
  const noise = { tau: 20, white: 0.25 };
  const count = (at: (second: number) => [number, number], seconds: number, seed: number): number =>
    crossed(noisyTrack(at, { seconds, period: 10, acc: 8, seed, noise }), wire()).length;

  test.each([0, 3, 8])(
    'somebody standing %d m beside it for ten minutes crosses nothing',
    (east) => {
      const told = seeds.map((seed) => count(() => spot(east, 0), 600, seed));
      console.info(
        `standing ${east} m beside a tripwire: ${told.reduce((a, b) => a + b)} in 40 stays`,
      );
      expect(told.filter((n) => n > 0).length).toBeLessThanOrEqual(3);
      expect(Math.max(...told)).toBeLessThanOrEqual(2);
    },
  );

  test('somebody who dithers over it and then goes through crosses once', () => {
    const walk = (second: number): [number, number] =>
      spot(second < 60 ? second - 65 : second < 300 ? 5 * Math.sin(second / 15) : second - 300, 0);
    const told = seeds.map((seed) => count(walk, 360, seed));
    expect(told.filter((n) => n === 1).length).toBeGreaterThanOrEqual(36);
    expect(Math.max(...told)).toBeLessThanOrEqual(3);
  });

  test('somebody walking through at a metre a second crosses once', () => {
    const told = seeds.map((seed) => count((second) => spot(second - 90, 0), 180, seed));
    expect(told.filter((n) => n === 1).length).toBeGreaterThanOrEqual(38);
  });
});

test('a hall gone straight through is crossed as before, without a direction', () => {
  const [lon, lat] = DOOR;
  const hall: FenceDefinition = {
    id: 'hall',
    name: 'hall',
    shape: { type: 'Circle', lon, lat, radius: 20 },
  };
  const told = crossed(path([[-180], [-60], [60], [180]], { period: 60 }), hall);
  expect(told).toEqual([expect.objectContaining({ type: 'crossed', fence: 'hall' })]);
  expect(told[0]).not.toHaveProperty('direction');
});
