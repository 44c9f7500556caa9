/** PURE. How surely a visit was a real visit: the probability of having been there for the minimum dwell. */
import type { Policy } from './policy.ts';
import type { ScoreModel, Signs } from './score-model.ts';
import type { VisitSums } from './state.ts';
import type { Band, Distrust, Factor } from './visit.ts';
import { between, probablyHere, probablyLong, scoreModel } from './score-model.ts';

export interface Scored {
  readonly score: number;
  readonly band: Band;
  readonly factors: readonly Factor[];
}

/** Mean further stay of somebody whose leaving nobody saw; for the share that reach the minimum. */
const FURTHER_SECONDS = 600;

/** P(dwell ≥ D) by the bounds alone: uniform between them, exponential where there is no upper. */
export function staying(lower: number, upper: number | null, minimum: number): number {
  if (upper !== null) return between(lower, upper, minimum);
  return lower >= minimum ? 1 : Math.exp(-(minimum - lower) / FURTHER_SECONDS);
}

/** What a visit shows, for the model. */
export function signsOf(
  sums: VisitSums,
  dwell: { readonly lower: number; readonly upper: number | null },
  minimum: number,
): Signs {
  const whole = dwell.upper ?? (sums.last - sums.first) / 1000;
  return {
    belief: sums.weight > 0 ? sums.belief / sums.weight : 0,
    evidence: sums.evidence.length > 0,
    wide: sums.wide,
    still: sums.observed > 0 ? Math.min(1, sums.still / sums.observed) : 0.5,
    observed: whole > 0 ? Math.min(1, dwell.lower / whole) : 1,
    unseenEnds: (sums.from === null ? 1 : 0) + (sums.exit?.latest == null ? 1 : 0),
    lower: dwell.lower,
    upper: dwell.upper,
    minimum,
    pings: sums.pings,
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function duration(seconds: number): string {
  const s = Math.round(seconds);
  const minutes = Math.floor(s / 60);
  return minutes === 0 ? `${s} s` : `${minutes} min ${s % 60} s`;
}

function placeFactor(signs: Signs, sums: VisitSums, here: number, model: ScoreModel): Factor {
  const { belief, evidence, pings } = signs;
  const text = evidence
    ? `seen here by ${sums.evidence.join(', ')}`
    : `${pings} fixes put it here with ${percent(belief)}, best accuracy ${Math.round(sums.bestAcc)} m; right ${percent(here)} of the time`;
  return {
    name: 'place',
    value: evidence ? here : belief,
    weight: evidence ? 1 : (model.here.belief ?? 0),
    text,
  };
}

function stayFactor(signs: Signs, long: number, model: ScoreModel): Factor {
  const { lower, upper, minimum, wide } = signs;
  const reach = upper === null ? 'an end was not seen' : `at most ${duration(upper)}`;
  const weights = wide ? model.longHall : model.longShop;
  return {
    name: 'stay',
    value: staying(lower, upper, minimum),
    weight: (upper === null ? weights.unseenShare : weights.odds) ?? 0,
    text: `at least ${duration(lower)}, ${reach}; ${duration(minimum)} make a visit: probable to ${percent(long)}`,
  };
}

function motionFactor(signs: Signs, sums: VisitSums, model: ScoreModel): Factor {
  const certain = signs.evidence || signs.wide;
  return {
    name: 'motion',
    value: certain ? 1 : signs.still,
    weight: certain ? 0 : (model.here.still ?? 0),
    text: signs.wide
      ? 'a place wide enough to walk about in'
      : sums.observed > 0
        ? `standing or strolling ${percent(signs.still)} of the time`
        : 'too short to tell walking from standing',
  };
}

function coverageFactor(signs: Signs, sums: VisitSums, model: ScoreModel): Factor {
  const certain = signs.evidence || signs.wide;
  const gap = sums.longestGap / 1000;
  return {
    name: 'coverage',
    value: signs.observed,
    weight: certain ? 0 : (model.here.observed ?? 0),
    text: `${percent(signs.observed)} of it was observed, longest gap ${duration(gap)}`,
  };
}

/** A frozen fix is as often a phone that repeats what it last knew as it is a fake. */
const TRUST: { readonly [K in Distrust]: readonly [number, string] } = {
  jumped: [0.3, 'arrived by an impossible jump'],
  ruled: [0.3, 'moved without any noise, as no receiver does'],
  frozen: [0.85, 'a fine fix that never stirred'],
};

function trustFactor(sums: VisitSums): Factor {
  const worst: Distrust | undefined = sums.jumped ? 'jumped' : sums.perfect;
  const [value, text] = worst ? TRUST[worst] : [1, 'nothing odd about the fixes'];
  return { name: 'trust', value, weight: 1, text };
}

export function bandOf(score: number, policy: Policy): Band {
  if (score >= policy.highScore) return 'high';
  if (score >= policy.mediumScore) return 'medium';
  return score >= policy.lowScore ? 'low' : 'none';
}

/**
 * Score = P(was there) × P(stayed long enough, if there) × trust. The first two are logistic models
 * fitted on crowds whose truth is known (score-model.ts), so of all visits claimed with 0.7 seven in
 * ten are real. Trust is a judgement, not a fit: no crowd tells how many fake their position.
 */
export function scoreVisit(
  sums: VisitSums,
  dwell: { readonly lower: number; readonly upper: number | null },
  minDwellSeconds: number,
  policy: Policy,
  model: ScoreModel = scoreModel,
): Scored {
  const signs = signsOf(sums, dwell, minDwellSeconds);
  const here = probablyHere(signs, model);
  const long = probablyLong(signs, model);
  const trust = trustFactor(sums);
  const factors = [
    placeFactor(signs, sums, here, model),
    stayFactor(signs, long, model),
    motionFactor(signs, sums, model),
    coverageFactor(signs, sums, model),
    trust,
  ].map((f) => ({ ...f, value: Math.round(f.value * 1e4) / 1e4 }));
  const score = here * long * trust.value;
  return { score, band: bandOf(score, policy), factors };
}
