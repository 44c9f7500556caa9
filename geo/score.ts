/** PURE. How surely a visit was a real visit: 0..1, the product of five terms that each explain themselves. */
import type { Policy } from './policy.ts';
import type { VisitSums } from './state.ts';
import type { Band, Distrust, Factor } from './visit.ts';
import { distrustOf } from './visit.ts';

export interface Scored {
  readonly score: number;
  readonly band: Band;
  readonly factors: readonly Factor[];
}

/** Mean further stay of somebody whose leaving nobody saw; for the share that reach the minimum. */
const FURTHER_SECONDS = 600;

/** P(dwell ≥ D): certain at the bounds, uniform between them, exponential where there is no upper. */
export function staying(lower: number, upper: number | null, minimum: number): number {
  if (lower >= minimum) return 1;
  if (upper === null) return Math.exp(-(minimum - lower) / FURTHER_SECONDS);
  return upper < minimum ? 0 : (upper - minimum) / (upper - lower);
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function duration(seconds: number): string {
  const s = Math.round(seconds);
  const minutes = Math.floor(s / 60);
  return minutes === 0 ? `${s} s` : `${minutes} min ${s % 60} s`;
}

function placeFactor(sums: VisitSums): Factor {
  const mean = sums.weight > 0 ? sums.belief / sums.weight : 0;
  const sure = sums.evidence.length > 0;
  const value = sure ? Math.max(mean, 0.97) : mean;
  const text = sure
    ? `seen here by ${sums.evidence.join(', ')}`
    : `${sums.pings} fixes put it here with ${percent(mean)}, best accuracy ${Math.round(sums.bestAcc)} m`;
  return { name: 'place', value, weight: 1, text };
}

function stayFactor(lower: number, upper: number | null, minimum: number): Factor {
  const reach = upper === null ? 'the end was not seen' : `at most ${duration(upper)}`;
  return {
    name: 'stay',
    value: staying(lower, upper, minimum),
    weight: 1,
    text: `at least ${duration(lower)}, ${reach}; ${duration(minimum)} make a visit`,
  };
}

function motionFactor(sums: VisitSums): Factor {
  const known = sums.observed > 0;
  const share = known ? Math.min(1, sums.still / sums.observed) : 0.5;
  const certain = sums.evidence.length > 0 || sums.wide;
  return {
    name: 'motion',
    value: certain ? 1 : 0.4 + 0.6 * share,
    weight: 0.6,
    text: sums.wide
      ? 'a place wide enough to walk about in'
      : known
        ? `standing or strolling ${percent(share)} of the time`
        : 'too short to tell walking from standing',
  };
}

function coverageFactor(sums: VisitSums, lower: number, upper: number | null): Factor {
  const whole = upper ?? (sums.last - sums.first) / 1000;
  const share = whole > 0 ? Math.min(1, lower / whole) : 1;
  const gap = sums.longestGap / 1000;
  return {
    name: 'coverage',
    value: 0.6 + 0.4 * share,
    weight: 0.4,
    text: `${percent(share)} of it was observed, longest gap ${duration(gap)}`,
  };
}

/** A frozen fix is as often a phone that repeats what it last knew as it is a fake. */
const TRUST: { readonly [K in Distrust]: readonly [number, string] } = {
  jumped: [0.3, 'arrived by an impossible jump'],
  ruled: [0.3, 'moved without any noise, as no receiver does'],
  frozen: [0.85, 'a fine fix that never stirred'],
};

function trustFactor(sums: VisitSums): Factor {
  const worst = distrustOf(sums)[0];
  const [value, text] = worst ? TRUST[worst] : [1, 'nothing odd about the fixes'];
  return { name: 'trust', value, weight: 1, text };
}

function bandOf(score: number, policy: Policy): Band {
  if (score >= policy.highScore) return 'high';
  if (score >= policy.mediumScore) return 'medium';
  return score >= policy.lowScore ? 'low' : 'none';
}

/** Score = place × stay × motion × coverage × trust. */
export function scoreVisit(
  sums: VisitSums,
  dwell: { readonly lower: number; readonly upper: number | null },
  minDwellSeconds: number,
  policy: Policy,
): Scored {
  const factors = [
    placeFactor(sums),
    stayFactor(dwell.lower, dwell.upper, minDwellSeconds),
    motionFactor(sums),
    coverageFactor(sums, dwell.lower, dwell.upper),
    trustFactor(sums),
  ].map((f) => ({ ...f, value: Math.round(f.value * 1e4) / 1e4 }));
  const score = factors.reduce((product, f) => product * f.value, 1);
  return { score, band: bandOf(score, policy), factors };
}
