/** Tracks too good to be true, and honest ones that must not be taken for such. */
import { describe, expect, test } from '@jest/globals';
import type { Ping } from '../../geo/engine.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { moved, noisyTrack, runTrack } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];
const hall: FenceDefinition = {
  id: 'hall',
  name: 'hall',
  shape: { type: 'Circle', lon: HOME[0], lat: HOME[1], radius: 400 },
};

const series = (
  fixes: number,
  period: number,
  where: (i: number) => [number, number],
  more: Partial<Ping> = {},
): Ping[] =>
  Array.from({ length: fixes }, (_, i) => {
    const [lon, lat] = moved(...HOME, ...where(i));
    return { t: T + i * period * 1000, lon, lat, acc: 6, ...more };
  });

const still = noisyTrack(() => HOME, {
  seconds: 1800,
  period: 30,
  acc: 6,
  seed: 5,
  noise: { tau: 20, white: 0.2 },
  start: T,
});

describe('distrust', () => {
  test.each<[string, Ping[], string[]]>([
    ['a fix that never stirs for half an hour', series(60, 30, () => [3, 3]), ['frozen']],
    ['the same, coarse: a network’s own position', series(60, 30, () => [3, 3], { acc: 35 }), []],
    [
      'the same, from a device that says it is still',
      series(60, 30, () => [3, 3], { still: true }),
      [],
    ],
    ['the same, for nine minutes only', series(18, 30, () => [3, 3]), []],
    ['a walk along a ruler', series(50, 15, (i) => [-300 + i * 12, 0]), ['ruled']],
    ['a walk to and fro', series(50, 15, (i) => [(i % 9) * 12, 0]), []],
    ['an honest stay', still, []],
  ])('%s', (_, pings, distrust) => {
    const { visits } = runTrack(pings, createFenceIndex([hall]));
    expect(visits.map((v) => v.distrust)).toEqual([distrust]);
  });

  test('a ruled track is no reason for an offer, and the visit says why', () => {
    const ruled = series(50, 15, (i) => [-300 + i * 12, 0]);
    const { visits } = runTrack(ruled, createFenceIndex([hall]));
    expect(visits[0]).toMatchObject({ triggerEligible: false });
    const trust = visits[0]?.factors.find((f) => f.name === 'trust');
    expect(trust).toMatchObject({ value: 0.3, text: expect.stringContaining('noise') });
  });
});

test('a thousand pings a second are a few pings', () => {
  const storm = series(5000, 0.001, () => [3, 3]);
  const { verdicts } = runTrack(storm, createFenceIndex([hall]));
  expect(verdicts.filter((v) => v === null)).toHaveLength(10);
  expect(new Set(verdicts)).toEqual(new Set([null, 'too-frequent']));
});
