/** Why a fence has no visit, in figures that are those the engine judged by: finer fixes need less belief, coarser ones more. */
import { describe, expect, test } from '@jest/globals';
import type { FenceSight } from '../../geo/dwell.ts';
import type { Ping, Policy } from '../../geo/engine.ts';
import type { FenceVerdict } from '../../geo/explain-fence.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import { seeded } from '../../scripts/lib/random.ts';
import { defaultPolicy, initialState } from '../../geo/engine.ts';
import { createExplainer } from '../../geo/explain.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { run } from '../../geo/history.ts';
import { moved } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];

const square = (id: string, east: number, size: number): FenceDefinition => {
  const corner = (x: number, y: number): [number, number] =>
    moved(...HOME, east + (x * size) / 2, (y * size) / 2);
  const ring = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1), corner(-1, -1)];
  return { id, name: id, shape: { type: 'Polygon', coordinates: [ring] } };
};

const fix = (second: number, east: number, acc: number): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, lon, lat, acc, key: `k${second}` };
};

/** What is said of fence `a`, and all that the engine saw of it. */
function why(fences: readonly FenceDefinition[], pings: readonly Ping[], policy: Policy) {
  const index = createFenceIndex(fences);
  const explainer = createExplainer({ policy, asked: [index.get('a')!] });
  const sights: FenceSight[] = [];
  const timeline = [{ from: -Infinity, fences: index }];
  const told = run(initialState('d'), pings, timeline, policy, {
    until: Math.max(...pings.map(({ t }) => t)) + 4 * 3_600_000,
    onStep: (ping, result, seen) => {
      sights.push(...seen.filter(({ fence }) => fence.id === 'a'));
      explainer.onStep(ping, result, seen);
    },
  });
  const { fences: verdicts } = explainer.explain(told.visits.values());
  return { verdict: verdicts.find(({ fence }) => fence === 'a')!, sights };
}

/** Pings at which the belief was enough to open a visit by, with how long and how many fixes before. */
const sure = (sights: readonly FenceSight[], policy: Policy) =>
  sights
    .filter(({ after, sight }) => after.phase === 'candidate' && sight.mayOpen)
    .filter(({ sight }) => sight.p >= policy.enterAt + sight.caution)
    .map(({ sight, after }) => ({
      seconds: (sight.t - after.visit!.first) / 1000,
      pings: after.visit!.pings,
    }));

const figures = ({ says }: FenceVerdict) => says.values as Record<string, number>;

describe('what was asked for is what the engine asked for', () => {
  test.each([
    ['never-sure', 20, 30, defaultPolicy.enterAt],
    ['never-believed', 24, 40, defaultPolicy.candidateAt],
  ])('more of a coarse fix: %s, though it was believed as usual', (code, size, acc, usual) => {
    const policy = { ...defaultPolicy, coarseCaution: 0.3 };
    const fixes = Array.from({ length: 8 }, (_, i) => fix(30 * i, 0, acc));
    const { verdict } = why([square('a', 0, size)], fixes, policy);
    expect(verdict.says.code).toBe(code);
    expect(verdict.visited).toBe(false);
    const { p, needs } = figures(verdict);
    expect(p).toBeGreaterThan(usual);
    expect(needs).toBeGreaterThan(p!);
  });

  test('less of a fine fix: too brief, not too little believed', () => {
    const policy = { ...defaultPolicy, enterAt: 0.94, candidateAt: 0.9, coarseCaution: 0.3 };
    const fixes = [fix(0, -400, 5), fix(120, 0, 5), fix(140, 0, 5), fix(300, 400, 5)];
    const { verdict, sights } = why([square('a', 0, 60)], fixes, policy);
    expect(verdict.visited).toBe(false);
    expect(sure(sights, policy).length).toBeGreaterThan(0);
    expect(verdict.says.code).toBe('too-brief');
    expect(figures(verdict)['soFar']).toBeLessThan(policy.enterSeconds);
  });

  test('time that passed while it was doubted does not count as time it was believed', () => {
    const seen = new Set<string>();
    const policies = [0, 0.1, 0.3].flatMap((coarseCaution) =>
      [0.6, 0.7].map((enterAt) => ({ ...defaultPolicy, enterAt, coarseCaution, enterPings: 4 })),
    );
    for (let seed = 1; seed <= 250; seed++) {
      const random = seeded(seed);
      const size = random.between(12, 60);
      const fences = [square('a', 0, size), square('b', size + 1, size)];
      const policy = random.pick(policies);
      const about = random.between(-10, size);
      const fixes = Array.from({ length: 8 }, (_, i) => {
        const acc = random.between(4, 40);
        return fix(25 * i, about + (random.normal() * acc) / 3, acc);
      });
      const away = [fix(-100, -500, 5), ...fixes, fix(500, 900, 5)];
      const { verdict, sights } = why(fences, away, policy);
      const { code } = verdict.says;
      const { p, needs, soFar } = figures(verdict);
      seen.add(code);
      const enough = sure(sights, policy);
      if (code === 'never-sure') expect(enough).toEqual([]);
      if (code === 'never-sure' || code === 'never-believed') expect(p).toBeLessThan(needs!);
      if (code === 'never-believed') {
        expect(sights.map(({ after }) => after.phase)).not.toContain('candidate');
      }
      if (code === 'too-brief') {
        const longest = Math.max(...enough.map(({ seconds }) => seconds));
        expect(longest).toBeLessThan(policy.enterSeconds);
        expect(soFar).toBe(Math.round(longest));
      }
      if (code === 'too-few-fixes') {
        const long = enough.filter(({ seconds }) => seconds >= policy.enterSeconds);
        expect(long.length).toBeGreaterThan(0);
        expect(Math.max(...long.map(({ pings }) => pings))).toBeLessThan(policy.enterPings);
      }
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(['never-sure', 'never-believed', 'too-brief', 'too-few-fixes']),
    );
  });
});
