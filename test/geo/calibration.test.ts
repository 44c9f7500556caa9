/** Calibration: the measures against hand-made cases, the tool, and the claims of the engine itself. */
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NoiseKind } from '../../geo/crowd.ts';
import type { Presence } from '../../geo/crowd.ts';
import type { Visit } from '../../geo/visit.ts';
import {
  brierScore,
  fitLogistic,
  logLoss,
  reliability,
  wilson,
  worstGap,
} from '../../geo/calibration.ts';
import { sightingsOf } from '../../geo/crowd-phone.ts';
import { makeCrowd } from '../../geo/crowd.ts';
import { drawFrom } from '../../geo/draw.ts';
import { defaultPolicy } from '../../geo/engine.ts';
import { labelCrowd, staysOf, verdictsOf } from '../../geo/labels.ts';
import { labelledOf } from '../../scripts/calibrate/lines.ts';
import { randomFrom } from '../../scripts/lib/random.ts';

const claims = (...list: [number, 0 | 1][]) => list.map(([p, truth]) => ({ p, truth }));

describe('measures', () => {
  test('Brier score and log loss by hand', () => {
    const three = claims([0.9, 1], [0.6, 0], [0.2, 0]);
    expect(brierScore(three)).toBeCloseTo((0.01 + 0.36 + 0.04) / 3, 12);
    expect(logLoss(three)).toBeCloseTo(-(Math.log(0.9) + Math.log(0.4) + Math.log(0.8)) / 3, 12);
    // Certain and wrong is expensive, not infinite.
    expect(logLoss(claims([0, 1]))).toBeCloseTo(-Math.log(1e-6), 9);
  });

  test('bins hold their lower edge, the last one both', () => {
    const bins = reliability(claims([0, 0], [0.1, 1], [0.19, 0], [0.95, 1], [1, 1]));
    expect(bins.map((bin) => bin.n)).toEqual([1, 2, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect(bins[1]).toMatchObject({ claimed: expect.closeTo(0.145, 9), observed: 0.5 });
    expect(bins[2]).toMatchObject({ claimed: null, observed: null, low: null });
    expect(worstGap(bins, 2)).toBeCloseTo(0.355, 12);
    expect(worstGap(bins, 3)).toBe(0);
  });

  test.each([
    // Newcombe 1998, table I.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [29, 29, 0.883, 1],
  ])('Wilson interval of %d in %d', (hits, n, low, high) => {
    const [from, to] = wilson(hits, n);
    expect(from).toBeCloseTo(low, 4);
    expect(to).toBeCloseTo(high, 4);
  });

  test('logistic regression: hours of study and passing, a textbook case', () => {
    const hours = [
      0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.25, 4.5, 4.75, 5,
      5.5,
    ];
    const passed = [0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1] as (0 | 1)[];
    const fit = fitLogistic(
      hours.map((h) => [h]),
      passed,
      0,
    );
    expect(fit.converged).toBe(true);
    expect(fit.weights[0]).toBeCloseTo(-4.0777, 3);
    expect(fit.weights[1]).toBeCloseTo(1.5046, 3);
    expect(fit.standardErrors[0]).toBeCloseTo(1.761, 2);
    expect(fit.standardErrors[1]).toBeCloseTo(0.6287, 3);
  });

  test('a column that tells all, one that tells nothing, one twice: finite all the same', () => {
    const rows = Array.from({ length: 40 }, (_, i) => [i < 20 ? 0 : 1, 0, i < 20 ? 0 : 1]);
    const fit = fitLogistic(
      rows,
      rows.map(([x]) => (x === 1 ? 1 : 0)),
    );
    for (const weight of fit.weights) expect(Number.isFinite(weight)).toBe(true);
    expect(fit.weights[1]).toBeGreaterThan(1);
    expect(fit.weights[2]).toBeCloseTo(0, 9);
  });
});

const T = Date.UTC(2026, 4, 4, 9);
const stay = (fence: string, from: number, to: number): Presence => ({
  fence,
  from: T + from * 1000,
  to: T + to * 1000,
});
const claim = (fence: string, from: number, to: number): Visit =>
  ({
    fence,
    entry: { earliest: null, estimate: T + from * 1000, latest: T + from * 1000 },
    exit: { earliest: T + to * 1000, estimate: T + to * 1000, latest: null },
    dwell: { lower: to - from, estimate: to - from, upper: null },
  }) as Visit;

describe('what was true', () => {
  test('a short absence does not end a stay, a long one does, another fence is another stay', () => {
    const stays = staysOf(
      [stay('a', 0, 60), stay('b', 70, 90), stay('a', 100, 200), stay('a', 400, 500)],
      120_000,
    );
    expect(stays).toEqual([stay('a', 0, 200), stay('b', 70, 90), stay('a', 400, 500)]);
  });

  test.each<[string, Visit[], Presence[], boolean[]]>([
    ['there and long enough', [claim('a', 10, 150)], [stay('a', 0, 200)], [true]],
    ['there, but too short', [claim('a', 10, 150)], [stay('a', 0, 170)], [false]],
    ['elsewhere', [claim('b', 10, 150)], [stay('a', 0, 200)], [false]],
    ['at another time', [claim('a', 300, 500)], [stay('a', 0, 200)], [false]],
    [
      'told twice: the one that shares more of it',
      [claim('a', 0, 50), claim('a', 60, 200)],
      [stay('a', 0, 200)],
      [false, true],
    ],
  ])('%s', (_, visits, presences, verdicts) => {
    expect(verdictsOf(visits, presences, () => 180, 120_000)).toEqual(verdicts);
  });
});

describe('the made-up crowd', () => {
  test('the same seed, the same crowd; another seed or other errors, another', () => {
    const make = (seed: number, noise: NoiseKind) =>
      JSON.stringify(makeCrowd(randomFrom(seed), { people: 30, noise }));
    expect(make(1, 'drift')).toBe(make(1, 'drift'));
    expect(make(1, 'drift')).not.toBe(make(2, 'drift'));
    expect(make(1, 'drift')).not.toBe(make(1, 'access-points'));
  });

  test('pings are in order, within the periods and accuracies it was asked to cover', () => {
    const { people, fences } = makeCrowd(randomFrom(3), { people: 300, noise: 'drift' });
    const all = people.flatMap((person) => person.pings);
    for (const { pings, presences } of people) {
      for (const [i, ping] of pings.entries()) {
        expect(ping.t).toBeGreaterThan(pings[i - 1]?.t ?? 0);
      }
      for (const one of presences) expect(one.to).toBeGreaterThan(one.from);
    }
    const accuracies = all.map((ping) => ping.acc ?? 0).toSorted((a, b) => a - b);
    expect(accuracies[Math.floor(all.length * 0.02)]).toBeLessThan(5);
    expect(accuracies[Math.floor(all.length * 0.98)]).toBeGreaterThan(32);
    expect(fences.filter((fence) => fence.parent).length).toBeGreaterThan(100);
    expect(all.filter((ping) => ping.evidence).length).toBeGreaterThan(3);
  });

  test.each<NoiseKind>(['drift', 'access-points'])(
    'a reported radius holds about 68 %% of %s errors: wrong scales make it fewer',
    (noise) => {
      const draw = drawFrom(randomFrom(4));
      const still = [0, 3600].map((second) => ({ x: 0, y: 0, second }));
      let [inside, all] = [0, 0];
      for (let i = 0; i < 400; i++) {
        const way = { points: still, stretches: [], signIns: [] };
        for (const { x, y, acc } of sightingsOf(way, noise, i, draw)) {
          all++;
          if (Math.hypot(x, y) <= acc) inside++;
        }
      }
      expect(inside / all).toBeGreaterThan(0.5);
      expect(inside / all).toBeLessThan(0.75);
    },
  );
});

describe('claims of the engine', () => {
  /** Fitted on seed 1 with drifting errors; judged on other seeds, other towns and other errors. */
  const cases: [NoiseKind, number, number][] = [
    ['access-points', 2, 7000],
    ['drift', 6, 4000],
  ];
  test.each(cases)(
    'come true as often as claimed: %s errors, seed %i',
    (noise, seed, people) => {
      const labels = labelCrowd(makeCrowd(randomFrom(seed), { people, noise }), defaultPolicy);
      const all = labels.rows.map(({ visit, truth }) => ({ p: visit.score, truth }));
      const bins = reliability(all);
      console.info(
        [
          `${noise} errors, seed ${seed}: Brier ${brierScore(all).toFixed(4)}, ${labels.found} of ${labels.stays} stays in shops found`,
          ...bins.map(
            (bin) =>
              `${bin.from}-${bin.to}: n ${bin.n}, claimed ${bin.claimed?.toFixed(3)}, true ${bin.observed?.toFixed(3)}`,
          ),
        ].join('\n'),
      );
      expect(bins.filter((bin) => bin.n >= 50).length).toBeGreaterThanOrEqual(8);
      expect(worstGap(bins, 50)).toBeLessThanOrEqual(0.07);
      // And a sum of claims is a number of visits: within three per cent.
      const expected = all.reduce((sum, { p }) => sum + p, 0);
      const real = all.filter(({ truth }) => truth === 1).length;
      expect(Math.abs(expected / real - 1)).toBeLessThan(0.03);
      // Position alone puts people there wrongly; sign-ins hardly ever do.
      const signed = labels.rows.filter(({ signs }) => signs.evidence);
      const right = signed.filter(({ here }) => here === 1).length / signed.length;
      expect(right).toBeGreaterThan(0.95);
    },
    240_000,
  );
});

describe('labels from a file', () => {
  test.each([
    ['{"score":0.7,"truth":1}', { score: 0.7, truth: 1, about: 'visit' }],
    ['{"score":0,"truth":false,"here":true}', { score: 0, truth: 0, here: 1, about: 'visit' }],
    [
      '{"factors":[{"value":0.9},{"value":0.5}],"truth":0}',
      { score: 0.45, truth: 0, about: 'visit' },
    ],
  ])('%s', (line, read) => {
    expect(labelledOf(line)).toEqual(read);
  });

  test.each([
    ['{', 'no JSON'],
    ['[1]', 'no JSON object'],
    ['{"score":0.7}', '"truth" must be 0, 1, true or false'],
    ['{"truth":1}', 'needs "score" or "factors"'],
    ['{"score":1.2,"truth":1}', '"score" must be from 0 to 1'],
    ['{"score":"0.5","truth":1}', '"score" must be from 0 to 1'],
    ['{"factors":[{"name":"place"}],"truth":1}', '"score" must be from 0 to 1'],
    ['{"score":0.5,"truth":1,"here":0}', '"truth" is 1 although "here" is 0'],
    ['{"score":0.5,"truth":1,"about":"x"}', '"about" must be "visit" or "here"'],
    [
      '{"score":0.5,"truth":1,"signs":{"belief":-1}}',
      '"signs.belief" must be a number of 0 or more',
    ],
  ])('%s: %s', (line, reason) => {
    expect(labelledOf(line)).toBe(reason);
  });
});

describe('npm run -s calibrate', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const folder = mkdtempSync(path.join(tmpdir(), 'foyer-calibrate-'));
  const calibrate = (...args: string[]) => {
    const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');
    const done = spawnSync(process.execPath, [tsx, 'scripts/calibrate.ts', ...args], {
      cwd: root,
      encoding: 'utf8',
    });
    return { status: done.status, out: done.stdout, err: done.stderr };
  };

  test('a crowd: report, plot, labels that read back, and a fit of them', () => {
    const [svg, out] = [path.join(folder, 'r.svg'), path.join(folder, 'labels.jsonl')];
    const made = calibrate('--synthetic', '--people', '900', '--svg', svg, '--out', out);
    expect(made).toMatchObject({ status: 0, err: '' });
    expect(made.out).toMatch(/Brier score 0\.\d+/);
    const drawing = readFileSync(svg, 'utf8');
    expect(drawing).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(drawing.match(/<circle/g)?.length).toBeGreaterThanOrEqual(8);
    const again = calibrate('--file', out, '--json', '--fit');
    expect(again.status).toBe(0);
    const [first, ...fit] = again.out.split('\n');
    expect(made.out).toContain(String((JSON.parse(first ?? '') as { brier: number }).brier));
    expect(fit.join('\n')).toMatch(/^export const scoreModel: ScoreModel = \{\n {2}version: \d+,/);
  });

  test('bad lines are named with their number, good ones still counted, exit code 1', () => {
    const file = path.join(folder, 'bad.jsonl');
    writeFileSync(file, '{"score":0.7,"truth":1}\n\nnot json\n{"score":2,"truth":0}\n');
    const told = calibrate('--file', file);
    expect(told.status).toBe(1);
    expect(told.err).toBe('line 3: no JSON\nline 4: "score" must be from 0 to 1\n');
    expect(told.out).toContain('1 claims');
  });

  test.each([
    [[], 2, 'say one of --file'],
    [['--synthetic', '--database'], 2, 'say one of --file'],
    [['--synthetic', '--seed', 'x'], 2, 'whole number'],
    [['--synthetic', '--noise', 'white'], 2, 'drift or access-points'],
    [['--file', '/nowhere.jsonl'], 1, 'cannot read /nowhere.jsonl: ENOENT'],
    [['--file', '/dev/null'], 1, 'no labelled visits'],
    [['--synthetic', '--people', '5', '--fit'], 1, 'too few labels for a fit'],
  ])('%j: exit %i', (args, status, reason) => {
    const told = calibrate(...args);
    expect(told.status).toBe(status);
    expect(told.err).toContain(reason);
  });
});
