/** PURE. The fitted part of the score: what a visit shows, and how probable it makes a real visit. */

/** What a visit shows, before anything is concluded from it. */
export interface Signs {
  /** Mean belief over the pings inside, weighed by their independence. */
  readonly belief: number;
  /** A sign-in, session, beacon or code put the device there. */
  readonly evidence: boolean;
  /** A hall rather than a shop: many walk through it and mean nothing by it. */
  readonly wide: boolean;
  /** Share of the observed time spent standing or strolling. */
  readonly still: number;
  /** Share of the longest possible stay that was observed. */
  readonly observed: number;
  /** Ends of the stay that nobody saw: 0, 1 or 2. */
  readonly unseenEnds: number;
  /** Seconds; upper is null when an end of the stay was not seen. */
  readonly lower: number;
  readonly upper: number | null;
  readonly minimum: number;
  readonly pings: number;
}

/** Weights of a logistic model by the name of what they weigh; `bias` stands alone. */
export type Weights = Readonly<Record<string, number>>;

export interface ScoreModel {
  /** Rises with every new fit: scores of different versions are not alike. */
  readonly version: number;
  /** The device was in the fence at the time. */
  readonly here: Weights;
  /** If so, the stay reached the minimum: of shops, and of halls. */
  readonly longShop: Weights;
  readonly longHall: Weights;
}

/** Fitted by `npm run calibrate -- --fit`; docs/calibration.md tells on what and how well. */
export const scoreModel: ScoreModel = {
  version: 1,
  here: { bias: -1.463, belief: 1.519, faint: -22.947, hall: 2.798, observed: 0.891, still: 0 },
  longShop: {
    bias: 1.262,
    odds: 0.492,
    short: -0.476,
    shortBy: -1.609,
    reached: 0.079,
    unseen: -2.432,
    unseenBoth: -0.482,
    unseenReached: 5.353,
    unseenShare: 4.114,
    unseenOnce: 0.814,
  },
  longHall: {
    bias: 0.177,
    odds: 0.821,
    short: -0.033,
    shortBy: -0.971,
    reached: 0.709,
    unseen: -0.22,
    unseenBoth: 0.388,
    unseenReached: 4.558,
    unseenShare: 0.966,
    unseenOnce: 0.821,
  },
};

/** Where a sign-in put the device, it was: what is left is a network that reaches through a wall. */
const EVIDENCE = 0.97;
const FAINT = 0.6;
/** Beliefs nearer to 0 and 1 than this say no more. */
const EDGE = 0.02;

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function odds(p: number): number {
  const kept = Math.min(1 - EDGE, Math.max(EDGE, p));
  return Math.log(kept / (1 - kept));
}

/** P(dwell ≥ D) when it is known to lie between two bounds and nothing else is. */
export function between(lower: number, upper: number, minimum: number): number {
  if (lower >= minimum) return 1;
  return upper < minimum ? 0 : (upper - minimum) / (upper - lower);
}

/** What the model of being there looks at. */
export function hereColumns(s: Signs): Record<string, number> {
  return {
    belief: odds(s.belief),
    // On average below what it takes to enter: the belief has died away since.
    faint: Math.max(0, FAINT - s.belief),
    hall: s.wide ? 1 : 0,
    observed: s.wide ? 0 : s.observed,
    still: s.wide ? 0 : s.still,
  };
}

/** What the models of a stay long enough look at: other things when an end of it was not seen. */
export function longColumns(s: Signs): Record<string, number> {
  const reached = s.lower >= s.minimum;
  const unseen = s.upper === null;
  const short = s.upper !== null && s.upper < s.minimum;
  return {
    odds: s.upper === null ? 0 : odds(between(s.lower, s.upper, s.minimum)),
    short: short ? 1 : 0,
    shortBy: short ? 1 - s.upper / s.minimum : 0,
    reached: !unseen && reached ? 1 : 0,
    unseen: unseen ? 1 : 0,
    unseenBoth: s.unseenEnds > 1 ? 1 : 0,
    unseenReached: unseen && reached ? 1 : 0,
    unseenShare: unseen && !reached ? s.lower / s.minimum : 0,
    unseenOnce: unseen && s.pings === 1 ? 1 : 0,
  };
}

function answer(weights: Weights, columns: Readonly<Record<string, number>>): number {
  let z = weights.bias ?? 0;
  for (const [name, value] of Object.entries(columns)) z += (weights[name] ?? 0) * value;
  return sigmoid(z);
}

/** P(the device was in the fence). */
export function probablyHere(s: Signs, model: ScoreModel): number {
  const p = answer(model.here, hereColumns(s));
  return s.evidence ? Math.max(EVIDENCE, p) : p;
}

/** P(the stay reached the minimum, if the device was there). */
export function probablyLong(s: Signs, model: ScoreModel): number {
  return answer(s.wide ? model.longHall : model.longShop, longColumns(s));
}
