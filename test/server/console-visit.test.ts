/** The page of one visit says in the reader's words how it stands and what its score is made of. */
import { describe, expect, test } from '@jest/globals';
import type { Visit } from '../../geo/visit.ts';
import { formatFor } from '../../server/console/format.ts';
import { groundArea } from '../../server/console/shared/ground.ts';
import { languages, translator } from '../../server/console/texts.ts';
import { factorLines } from '../../server/console/visit-words.ts';

const factor = (name: string, value: number, weight = 1) => ({
  name,
  value,
  weight,
  text: `engine’s own words about ${name}`,
});

const visit: Visit = {
  id: 'v',
  device: 'd',
  fence: 'f',
  fenceVersion: 1,
  status: 'closed',
  revision: 1,
  score: 0.8,
  band: 'high',
  entry: { earliest: 0, estimate: 5_000, latest: 10_000 },
  exit: { earliest: 300_000, estimate: 305_000, latest: 310_000 },
  leftCensored: false,
  rightCensored: false,
  dwell: { lower: 215, estimate: 230, upper: 245 },
  pings: 12,
  effectivePings: 6,
  bestAccuracy: 7.6,
  observedSeconds: 215,
  longestGapSeconds: 30,
  evidence: [],
  distrust: [],
  alternates: [],
  pNone: 0.1,
  factors: ['place', 'stay', 'motion', 'coverage', 'trust'].map((name) => factor(name, 0.9)),
  triggerEligible: true,
};

const say = (of: Visit, language: (typeof languages)[number] = 'en'): string[] =>
  factorLines(of, translator(language), formatFor(language, 'UTC')).map(({ words }) => words);

describe('the parts of a score', () => {
  test('are told from what the visit holds', () => {
    expect(say(visit)).toEqual([
      '12 positions put it here with 90%; the best is good to 8 m',
      'at least 3 min 35 s, at most 4 min 5 s',
      'standing or strolling 90% of the time',
      'positions cover 90% of it; the longest gap is 30 s',
      'nothing odd about the positions',
    ]);
  });

  test.each<[string, Partial<Visit>, string]>([
    ['one position', { pings: 1 }, '1 position puts it here'],
    ['proof', { evidence: ['portal_login', 'qr'] }, 'proven by a sign-in, a scanned code'],
    ['an unseen end', { dwell: { ...visit.dwell, upper: null } }, 'one end was not seen'],
    ['a hall', { factors: [factor('motion', 1), factor('coverage', 1, 0)] }, 'wide enough'],
    ['a jump', { distrust: ['jumped'] }, 'came by an impossible jump'],
  ])('%s', (_what, over, words) => {
    expect(say({ ...visit, ...over }).join('; ')).toContain(words);
  });

  test.each(languages)('have no missing text in %s', (language) => {
    for (const distrust of [[], ['jumped'], ['frozen'], ['ruled']] as Visit['distrust'][])
      expect(say({ ...visit, distrust }, language).join()).not.toMatch(/visit\.|engine/);
  });

  test('a visit of an earlier release keeps the words it came with', () => {
    const { evidence: _e, distrust: _d, ...old } = visit;
    const lines = factorLines(old as Visit, translator('zh-CN'), formatFor('zh-CN', 'UTC'));
    expect(lines.map(({ plain }) => plain)).toEqual([true, true, true, true, true]);
    expect(lines[0]?.words).toContain('engine’s own words');
  });
});

describe('the ground of an outline', () => {
  const square = (lon: number, lat: number, size: number): number[][] => [
    [lon, lat],
    [lon + size, lat],
    [lon + size, lat + size],
    [lon, lat + size],
    [lon, lat],
  ];

  test.each([
    ['on the equator', [[square(0, 0, 0.001)]], 12_392],
    ['at 60° half as wide', [[square(10, 60, 0.001)]], 6_196],
    ['over the antimeridian', [[square(179.9995, 0, 0.001).map(turned)]], 12_392],
    ['with a hole', [[square(0, 0, 0.001), square(0.0002, 0.0002, 0.0005)]], 9_294],
    ['of two parts', [[square(0, 0, 0.001)], [square(1, 0, 0.001)]], 24_784],
  ])('%s', (_where, polygons, metres) => {
    expect(groundArea(polygons) / metres).toBeCloseTo(1, 2);
  });

  function turned([lon = 0, lat = 0]: number[]): number[] {
    return [lon > 180 ? lon - 360 : lon, lat];
  }
});
