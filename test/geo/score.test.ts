/** What a score claims: its parts in words, its bands, and which way each sign moves it. */
import { describe, expect, test } from '@jest/globals';
import type { ScoreModel, Signs } from '../../geo/score-model.ts';
import type { VisitSums } from '../../geo/state.ts';
import { defaultPolicy } from '../../geo/policy.ts';
import { between, probablyHere, probablyLong, scoreModel } from '../../geo/score-model.ts';
import { fitScoreModel, LEAST_CASES } from '../../geo/score-fit.ts';
import { scoreVisit, signsOf, staying } from '../../geo/score.ts';
import { randomFrom } from '../../scripts/lib/random.ts';

const T = Date.UTC(2026, 4, 4, 9);

/** Five minutes in a shop, a fix each twenty seconds, both ends seen. */
function sums(over: Partial<VisitSums> = {}): VisitSums {
  return {
    id: 'v',
    fenceVersion: 1,
    revision: 1,
    toldAt: T,
    from: T - 20_000,
    first: T,
    last: T + 300_000,
    pings: 16,
    weight: 8,
    belief: 8 * 0.9,
    none: 8 * 0.08,
    alternates: [],
    observed: 300_000,
    longestGap: 20_000,
    still: 290_000,
    bestAcc: 6,
    evidence: [],
    wide: false,
    jumped: false,
    tiers: 1,
    exit: { earliest: T + 300_000, latest: T + 320_000 },
    ...over,
  };
}

const score = (
  over: Partial<VisitSums> = {},
  dwell = { lower: 300, upper: 340 as number | null },
) => scoreVisit(sums(over), dwell, 180, defaultPolicy);

const short = {
  last: T + 60_000,
  observed: 60_000,
  exit: { earliest: T + 60_000, latest: T + 80_000 },
};

describe('bands', () => {
  test('five sure minutes are high, one minute that cannot have been three is none', () => {
    expect(score().band).toBe('high');
    expect(score(short, { lower: 60, upper: 100 }).band).toBe('none');
  });

  test('a doubtful place makes a doubtful visit, however long it lasted', () => {
    const doubtful = score({ belief: 8 * 0.66 });
    expect(doubtful.band).toBe('medium');
    expect(doubtful.score).toBeLessThan(score().score - 0.2);
  });

  test('thresholds are those of the policy', () => {
    const strict = { ...defaultPolicy, highScore: 0.99 };
    expect(scoreVisit(sums(), { lower: 300, upper: 340 }, 180, strict).band).toBe('medium');
  });

  test('what a jump or a ruler brought counts three tenths', () => {
    const sure = score().score;
    expect(score({ jumped: true }).score).toBeCloseTo(sure * 0.3, 9);
    expect(score({ perfect: 'ruled' }).score).toBeCloseTo(sure * 0.3, 9);
  });
});

describe('factors', () => {
  test('five of them, each with a sentence; their weights are the model’s', () => {
    const { factors } = score();
    expect(factors.map((factor) => factor.name)).toEqual([
      'place',
      'stay',
      'motion',
      'coverage',
      'trust',
    ]);
    for (const factor of factors) {
      expect(factor.value).toBeGreaterThanOrEqual(0);
      expect(factor.value).toBeLessThanOrEqual(1);
      expect(factor.text.length).toBeGreaterThan(10);
    }
    expect(factors[0]).toMatchObject({ value: 0.9, weight: scoreModel.here.belief });
    expect(factors[0]?.text).toMatch(
      /^16 fixes put it here with 90 %, best accuracy 6 m; right \d+ %/,
    );
    expect(factors[1]).toMatchObject({ value: 1, weight: scoreModel.longShop.odds });
    expect(factors[3]?.weight).toBe(scoreModel.here.observed);
  });

  test('a sign-in puts the device there with 0.97 at least, whatever the fixes said', () => {
    const blind = score({ belief: 8 * 0.3, evidence: ['portal_login'] });
    expect(blind.factors[0]?.value).toBeGreaterThanOrEqual(0.97);
    expect(blind.factors[0]?.text).toBe('seen here by portal_login');
    expect(blind.band).toBe('high');
    // But it does not make a minute three.
    const brief = score({ ...short, evidence: ['portal_login'] }, { lower: 60, upper: 100 });
    expect(brief.score).toBeLessThan(0.5);
  });

  test('in a hall neither motion nor coverage count', () => {
    const wide = score({ wide: true });
    expect(wide.factors.map((factor) => factor.weight).slice(2, 4)).toEqual([0, 0]);
    expect(score({ wide: true, still: 0 }).score).toBe(wide.score);
  });
});

const signs = (over: Partial<Signs> = {}): Signs => ({
  ...signsOf(sums(), { lower: 300, upper: 340 }, 180),
  ...over,
});

describe('the model', () => {
  test.each<[string, Partial<Signs>, Partial<Signs>]>([
    ['more belief', { belief: 0.6 }, { belief: 0.9 }],
    ['more of it observed', { observed: 0.2 }, { observed: 0.9 }],
    ['a hall', { wide: false, belief: 0.7 }, { wide: true, belief: 0.7 }],
    ['evidence', { belief: 0.7 }, { belief: 0.7, evidence: true }],
  ])('%s makes being there likelier', (_, less, more) => {
    expect(probablyHere(signs(more), scoreModel)).toBeGreaterThan(
      probablyHere(signs(less), scoreModel),
    );
  });

  test.each<[string, Partial<Signs>, Partial<Signs>]>([
    ['bounds that reach further', { lower: 100, upper: 200 }, { lower: 100, upper: 400 }],
    ['the minimum reached', { lower: 100, upper: 200 }, { lower: 200, upper: 220 }],
    [
      'more of the minimum seen, the end unseen',
      { lower: 20, upper: null, unseenEnds: 1 },
      { lower: 170, upper: null, unseenEnds: 1 },
    ],
    [
      'the minimum seen, the end unseen',
      { lower: 170, upper: null, unseenEnds: 1 },
      { lower: 180, upper: null, unseenEnds: 1 },
    ],
  ])('%s makes a long stay likelier, in shops and halls', (_, less, more) => {
    for (const wide of [false, true]) {
      expect(probablyLong(signs({ ...more, wide }), scoreModel)).toBeGreaterThan(
        probablyLong(signs({ ...less, wide }), scoreModel),
      );
    }
  });

  test('nonsense in, a probability out', () => {
    for (const belief of [0, 1, 0.5]) {
      for (const minimum of [0, 86_400]) {
        const odd = signs({ belief, minimum, lower: 0, upper: 0, pings: 0 });
        for (const p of [probablyHere(odd, scoreModel), probablyLong(odd, scoreModel)]) {
          expect(p).toBeGreaterThan(0);
          expect(p).toBeLessThan(1);
        }
      }
    }
  });
});

test.each([
  [200, 300, 1],
  [0, 100, 0],
  [100, 260, 0.5],
])('between %d and %d s: reached 180 with %d', (lower, upper, share) => {
  expect(between(lower, upper, 180)).toBe(share);
  expect(staying(lower, upper, 180)).toBe(share);
});

describe('fitting', () => {
  /** Cases drawn from a model: the fit must find it again. */
  function drawn(model: ScoreModel, n: number) {
    const random = randomFrom(5);
    return Array.from({ length: n }, () => {
      const lower = random() * 400;
      const one = signs({
        belief: 0.5 + 0.49 * random(),
        observed: random(),
        wide: random() < 0.3,
        lower,
        upper: lower + random() * 300,
      });
      const here = random() < probablyHere(one, model) ? 1 : 0;
      const long = random() < probablyLong(one, model) ? 1 : 0;
      return { signs: one, here, truth: (here * long) as 0 | 1 } as const;
    });
  }

  test('finds the weights that made the labels, within four standard errors', () => {
    const fit = fitScoreModel(drawn(scoreModel, 12_000), scoreModel);
    expect(fit?.model.version).toBe(scoreModel.version + 1);
    for (const name of ['bias', 'belief', 'hall', 'observed']) {
      const [is, was] = [fit?.model.here[name] ?? NaN, scoreModel.here[name] ?? NaN];
      expect(Math.abs(is - was)).toBeLessThan(4 * (fit?.errors.here?.[name] ?? 0));
    }
    const [is, was] = [fit?.model.longShop.odds ?? NaN, scoreModel.longShop.odds ?? NaN];
    expect(Math.abs(is - was)).toBeLessThan(4 * (fit?.errors.longShop?.odds ?? 0));
  });

  test('no weight may turn a good sign into a bad one', () => {
    const cases = drawn(scoreModel, 4000).map((one) => ({
      ...one,
      signs: { ...one.signs, still: one.here === 1 ? 0.2 : 0.9 },
    }));
    expect(fitScoreModel(cases, scoreModel)?.model.here.still).toBe(0);
  });

  test('parts with too few cases stay as they are; without any there is no fit', () => {
    const few = drawn(scoreModel, LEAST_CASES + 50).map((one) => ({ ...one, truth: null }));
    const fit = fitScoreModel(few, scoreModel);
    expect(fit?.model.here).not.toEqual(scoreModel.here);
    expect(fit?.model.longShop).toBe(scoreModel.longShop);
    expect(fit?.errors.longHall).toBeUndefined();
    expect(fitScoreModel(few.slice(0, LEAST_CASES - 1), scoreModel)).toBeNull();
  });
});
