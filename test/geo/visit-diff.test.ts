/** Two tellings of history compared: what came, what went, what stands differently. */
import { describe, expect, test } from '@jest/globals';
import type { Visit } from '../../geo/visit.ts';
import { diffVisits } from '../../geo/visit-diff.ts';

const visit = (id: string, from: number, to: number | null, over: Partial<Visit> = {}): Visit => ({
  id,
  device: 'd',
  fence: 'f',
  fenceVersion: 1,
  status: to === null ? 'open' : 'final',
  revision: 1,
  score: 0.8,
  band: 'high',
  entry: { earliest: from, estimate: from, latest: from },
  exit: to === null ? null : { earliest: to, estimate: to, latest: to },
  leftCensored: false,
  rightCensored: false,
  dwell: { lower: 300, estimate: 300, upper: 300 },
  pings: 10,
  effectivePings: 8,
  bestAccuracy: 5,
  observedSeconds: 300,
  longestGapSeconds: 30,
  evidence: [],
  distrust: [],
  alternates: [],
  pNone: 0,
  factors: [],
  triggerEligible: false,
  ...over,
});

const ids = (visits: readonly Visit[]): string[] => visits.map((each) => each.id);
const MIN = 60_000;

describe('the same visit', () => {
  test.each<[string, Visit, Visit, string[]]>([
    ['nothing', visit('a', 0, MIN), visit('a', 0, MIN), []],
    [
      'closed is as good as final',
      visit('a', 0, MIN),
      visit('a', 0, MIN, { status: 'closed' }),
      [],
    ],
    ['another revision', visit('a', 0, MIN), visit('a', 0, MIN, { revision: 9 }), []],
    [
      'band and score',
      visit('a', 0, MIN),
      visit('a', 0, MIN, { band: 'low', score: 0.3 }),
      ['band', 'score'],
    ],
    ['the entry', visit('a', 0, 9 * MIN), visit('b', MIN, 9 * MIN), ['entry']],
    ['the exit', visit('a', 0, null), visit('a', 0, MIN), ['status', 'exit']],
    ['how it was seen', visit('a', 0, MIN), visit('a', 0, MIN, { pings: 11 }), ['pings']],
  ])('%s', (_, before, after, changes) => {
    const diff = diffVisits([before], [after]);
    expect(diff.changed.map((each) => each.changes)).toEqual(changes.length > 0 ? [changes] : []);
    expect(diff.same).toBe(changes.length > 0 ? 0 : 1);
    expect([...diff.added, ...diff.lost]).toEqual([]);
  });

  test('is the one that shares the most time', () => {
    const old = [visit('short', 0, 2 * MIN), visit('long', 3 * MIN, 20 * MIN)];
    const diff = diffVisits(old, [visit('new', MIN, 18 * MIN)]);
    expect(diff.changed.map(({ before }) => before.id)).toEqual(['long']);
    expect(ids(diff.lost)).toEqual(['short']);
  });
});

describe('another visit', () => {
  test.each<[string, Visit, Visit]>([
    ['in another fence', visit('a', 0, MIN), visit('b', 0, MIN, { fence: 'g' })],
    ['of another device', visit('a', 0, MIN), visit('b', 0, MIN, { device: 'e' })],
    ['at another time', visit('a', 0, MIN), visit('b', 2 * MIN, 3 * MIN)],
  ])('%s', (_, before, after) => {
    const diff = diffVisits([before], [after]);
    expect([ids(diff.lost), ids(diff.added)]).toEqual([['a'], ['b']]);
  });

  test('one of band none counts as not being there', () => {
    const none = visit('a', 0, MIN, { band: 'none' });
    expect(ids(diffVisits([none], [visit('a', 0, MIN)]).added)).toEqual(['a']);
    expect(ids(diffVisits([visit('a', 0, MIN)], [none]).lost)).toEqual(['a']);
  });
});

test('the order in which visits are given says nothing', () => {
  const old = [visit('a', 0, MIN), visit('b', 2 * MIN, null), visit('c', 0, MIN, { device: 'x' })];
  const fresh = [visit('z', 30_000, 4 * MIN), visit('y', 0, MIN, { fence: 'g' })];
  const once = JSON.stringify(diffVisits(old, fresh));
  expect(JSON.stringify(diffVisits(old.toReversed(), fresh.toReversed()))).toBe(once);
});

test('only what counts is told; a visit that moved in or out is a changed one', () => {
  const within = ({ entry }: Visit): boolean => entry.estimate >= MIN;
  const old = [visit('a', 0, 5 * MIN), visit('gone', 0, 5 * MIN, { fence: 'g' })];
  const diff = diffVisits(old, [visit('b', 2 * MIN, 5 * MIN)], within);
  expect([diff.changed.length, diff.lost.length, diff.added.length]).toEqual([1, 0, 0]);
});
