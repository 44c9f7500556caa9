/** Corridors in the engine: a way is entered, walked along and left; crossing it or passing beside it is no visit. */
import { describe, expect, test } from '@jest/globals';
import type { FenceDefinition, Position } from '../../geo/fence.ts';
import type { Ping } from '../../geo/engine.ts';
import type { Told } from '../support/tracks.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { defaultPolicy } from '../../geo/engine.ts';
import { wrapLon } from '../../geo/lonlat.ts';
import { moved, noisyTrack, runTrack } from '../support/tracks.ts';

/** Metres east and north of a place. */
type Place = readonly [number, number];

const HOMES: [string, Position][] = [
  ['in Zurich', [8.54, 47.376]],
  ['across the antimeridian', [179.9994, -16.8]],
  ['far north', [25.7, 71.1]],
];
const [, HOME] = HOMES[0]!;
const START = 1_700_000_000_000;
const WIDTH = 24;
/** How many noises each walk is tried with. */
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

const onEarth = ([lon, lat]: Position, [east, north]: Place): Position => {
  const [x, y] = moved(lon, lat, east, north);
  return [wrapLon(x), y];
};

const corridor = (home: Position, line: readonly Place[], width = WIDTH): FenceDefinition => ({
  id: 'way',
  name: 'Way',
  shape: { type: 'Corridor', coordinates: line.map((place) => onEarth(home, place)), width },
});

/** A walk from place to place, with the seconds at which each is reached. */
function walk(places: readonly Place[], metresPerSecond: number) {
  const times = [0];
  for (let i = 1; i < places.length; i++) {
    const [a, b] = [places[i - 1]!, places[i]!];
    times.push(times[i - 1]! + Math.hypot(b[0] - a[0], b[1] - a[1]) / metresPerSecond);
  }
  const at = (second: number): Place => {
    const i = Math.max(
      1,
      times.findIndex((time) => time >= second),
    );
    const [a, b] = [places[i - 1]!, places[i]!];
    const share = Math.min(1, (second - times[i - 1]!) / (times[i]! - times[i - 1]!));
    return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
  };
  return { at, times, seconds: Math.floor(times.at(-1)!) };
}

interface Noise {
  seed: number;
  acc?: number;
  period?: number;
}

function track(home: Position, { at, seconds }: ReturnType<typeof walk>, noise: Noise): Ping[] {
  const { seed, acc = 6, period = 10 } = noise;
  return noisyTrack((second) => moved(...home, ...at(second)), {
    seconds,
    period,
    acc,
    seed,
    noise: { tau: 20, white: 0.3 },
    start: START,
  }).map((ping) => ({ ...ping, lon: wrapLon(ping.lon) }));
}

const likely = ({ visits }: Told) =>
  visits.filter(({ band }) => band === 'medium' || band === 'high');
const types = ({ transitions }: Told): string[] => transitions.map(({ type }) => type);

/** A street with a bend: 150 m east, then 150 m north. */
const STREET: Place[] = [
  [0, 0],
  [150, 0],
  [150, 150],
];
/** From afar into its one end, along it at a stroll, out of the other end. */
const STROLL = walk(
  [
    [-150, 0],
    [0, 0],
    [150, 0],
    [150, 150],
    [150, 300],
  ],
  0.6,
);

describe.each(HOMES)('a walk along a way with a bend, %s', (_, home) => {
  const fences = createFenceIndex([corridor(home, STREET)]);
  const told = SEEDS.map((seed) => runTrack(track(home, STROLL, { seed }), fences));
  // The corridor reaches half its width beyond its ends.
  const inside = START + 1000 * (STROLL.times[1]! - WIDTH / 2 / 0.6);
  const outside = START + 1000 * (STROLL.times[3]! + WIDTH / 2 / 0.6);

  test('is one visit, entered once and left once', () => {
    for (const each of told) {
      expect(likely(each)).toHaveLength(1);
      expect(types(each).filter((type) => type !== 'dwelled')).toEqual(['entered', 'left']);
    }
  });

  test('has its entry, exit and dwell where they were', () => {
    const off = told.map((each) => {
      const [visit] = likely(each);
      return {
        entry: Math.abs(visit!.entry.estimate - inside) / 1000,
        exit: Math.abs(visit!.exit!.estimate - outside) / 1000,
        bounds:
          visit!.entry.earliest! <= inside + 30_000 && visit!.exit!.latest! >= outside - 30_000,
      };
    });
    for (const { entry, exit, bounds } of off) {
      expect(entry).toBeLessThan(60);
      expect(exit).toBeLessThan(60);
      expect(bounds).toBe(true);
    }
  });
});

describe('who does not walk along it', () => {
  const fences = createFenceIndex([corridor(HOME, STREET)]);
  test.each<[string, ReturnType<typeof walk>, Noise['acc']]>([
    [
      'crosses it',
      walk(
        [
          [75, -300],
          [75, 300],
        ],
        1.3,
      ),
      6,
    ],
    [
      'walks beside it',
      walk(
        [
          [-100, -50],
          [250, -50],
        ],
        0.8,
      ),
      6,
    ],
    [
      'cuts the corner',
      walk(
        [
          [-40, 110],
          [40, 110],
          [60, 130],
          [60, 260],
        ],
        0.8,
      ),
      6,
    ],
    [
      'stands in the crook of its bend',
      walk(
        [
          [90, 60],
          [91, 61],
        ],
        0.002,
      ),
      8,
    ],
    [
      'stands beyond its end',
      walk(
        [
          [-60, 0],
          [-61, 0],
        ],
        0.002,
      ),
      8,
    ],
  ])('%s: no visit', (__, way, acc = 6) => {
    for (const seed of SEEDS) {
      const told = runTrack(track(HOME, way, { seed, acc }), fences);
      expect(likely(told)).toEqual([]);
      expect(types(told)).not.toContain('entered');
    }
  });

  test('with a fix on either side the crossing is told', () => {
    const way = walk(
      [
        [75, -340],
        [75, 260],
      ],
      1.25,
    );
    for (const seed of SEEDS) {
      const told = runTrack(track(HOME, way, { seed, acc: 4, period: 60 }), fences);
      expect(types(told)).toEqual(['crossed']);
    }
  });
});

test('inside a loop one is not on the way around it', () => {
  const loop: Place[] = [
    [0, 0],
    [120, 0],
    [120, 120],
    [0, 120],
    [0, 0],
  ];
  const fences = createFenceIndex([corridor(HOME, loop, 20)]);
  const middle = walk(
    [
      [60, 60],
      [61, 60],
    ],
    0.002,
  );
  const around = walk([...loop, [-20, -200]], 0.8);
  for (const seed of SEEDS) {
    expect(types(runTrack(track(HOME, middle, { seed }), fences))).toEqual([]);
    expect(likely(runTrack(track(HOME, around, { seed }), fences))).toHaveLength(1);
  }
});

test('where it is as wide as a hall it is judged as the polygon of the same ground', () => {
  const way = corridor(
    HOME,
    [
      [-200, 0],
      [200, 0],
    ],
    40,
  );
  const corners: Place[] = [
    [-200, -20],
    [200, -20],
    [200, 20],
    [-200, 20],
    [-200, -20],
  ];
  const area: FenceDefinition = {
    ...way,
    shape: { type: 'Polygon', coordinates: [corners.map((corner) => onEarth(HOME, corner))] },
  };
  // In through one long side and out through the other: the round ends have no say.
  const through = walk(
    [
      [-60, -150],
      [-60, 0],
      [60, 0],
      [60, 150],
    ],
    0.5,
  );
  for (const seed of SEEDS) {
    const pings = track(HOME, through, { seed });
    const [one, other] = [way, area].map((fence) => runTrack(pings, createFenceIndex([fence])));
    expect(types(one!)).toEqual(types(other!));
    for (const [i, { at }] of one!.transitions.entries()) {
      expect(Math.abs(at - other!.transitions[i]!.at)).toBeLessThanOrEqual(1500);
    }
  }
});

test('too narrow for the fixes it opens no visit, and a narrow one beside a shop does not take it over', () => {
  const lane = corridor(
    HOME,
    [
      [-100, 0],
      [100, 0],
    ],
    3,
  );
  const corners: Place[] = [
    [-20, 5],
    [20, 5],
    [20, 35],
    [-20, 35],
    [-20, 5],
  ];
  const shop: FenceDefinition = {
    id: 'shop',
    name: 'Shop',
    shape: { type: 'Polygon', coordinates: [corners.map((corner) => onEarth(HOME, corner))] },
  };
  const fences = createFenceIndex([lane, shop]);
  const stay = walk(
    [
      [0, 20],
      [1, 20],
    ],
    0.002,
  );
  const along = walk(
    [
      [-100, 0],
      [100, 0],
    ],
    0.7,
  );
  for (const seed of SEEDS) {
    const inShop = likely(runTrack(track(HOME, stay, { seed, acc: 7 }), fences));
    expect(inShop.map(({ fence }) => fence)).toEqual(['shop']);
    const coarse = runTrack(track(HOME, along, { seed, acc: 25 }), createFenceIndex([lane]));
    expect(types(coarse)).not.toContain('entered');
  }
  expect(defaultPolicy.maxAccuracyMetres).toBeGreaterThan(25);
});
