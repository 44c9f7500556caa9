/** PURE. Fits the score's model to visits whose truth is known. */
import type { LogisticFit } from './calibration.ts';
import type { ScoreModel, Signs, Weights } from './score-model.ts';
import { fitLogistic } from './calibration.ts';
import { hereColumns, longColumns } from './score-model.ts';

/** What a fit needs to know of a visit. */
export interface Case {
  readonly signs: Signs;
  readonly here: 0 | 1;
  /** Whether the stay was long enough; null when nobody knows. */
  readonly truth: 0 | 1 | null;
}

/** Columns that may only speak for a visit: to be seen more, or to stand still, is no proof against it. */
const NEVER_AGAINST: ReadonlySet<string> = new Set(['belief', 'observed', 'still', 'odds']);

/** Fewest cases of each part of the model. */
export const LEAST_CASES = 200;

export type Part = 'here' | 'longShop' | 'longHall';

export interface Fitted {
  readonly model: ScoreModel;
  /** Standard errors, by the same names; 0 for weights that were held at 0, none of a part not fitted. */
  readonly errors: Readonly<Partial<Record<Part, Weights>>>;
  readonly cases: Readonly<Record<Part, number>>;
}

/** A model for the cases given. A part with fewer than LEAST_CASES stays as it is; null when all do. */
export function fitScoreModel(cases: readonly Case[], old: ScoreModel): Fitted | null {
  // Evidence is no matter of belief: its probability is set, not fitted.
  const positions = cases.filter(({ signs }) => !signs.evidence);
  const known = cases.filter(({ here, truth }) => here === 1 && truth !== null);
  const shops = known.filter(({ signs }) => !signs.wide);
  const halls = known.filter(({ signs }) => signs.wide);
  const enough = (part: readonly Case[]): boolean => part.length >= LEAST_CASES;
  const here = enough(positions) ? fitPart(positions, hereColumns, (one) => one.here) : null;
  const shop = enough(shops) ? fitPart(shops, longColumns, truthOf) : null;
  const hall = enough(halls) ? fitPart(halls, longColumns, truthOf) : null;
  if (!here && !shop && !hall) return null;
  return {
    model: {
      version: old.version + 1,
      here: here?.weights ?? old.here,
      longShop: shop?.weights ?? old.longShop,
      longHall: hall?.weights ?? old.longHall,
    },
    errors: {
      ...(here && { here: here.errors }),
      ...(shop && { longShop: shop.errors }),
      ...(hall && { longHall: hall.errors }),
    },
    cases: { here: positions.length, longShop: shops.length, longHall: halls.length },
  };
}

const truthOf = (one: Case): 0 | 1 => one.truth ?? 0;

function fitPart(
  cases: readonly Case[],
  columns: (signs: Signs) => Record<string, number>,
  outcome: (one: Case) => 0 | 1,
): { weights: Weights; errors: Weights } {
  const table = cases.map(({ signs }) => columns(signs));
  const truths = cases.map(outcome);
  const all = Object.keys(table[0] ?? {});
  let names = all;
  for (;;) {
    const kept = names;
    const rows = table.map((row) => kept.map((name) => row[name] ?? 0));
    const fit = fitLogistic(rows, truths);
    const wrong = kept.filter((name, i) => NEVER_AGAINST.has(name) && weightAt(fit, i + 1) < 0);
    if (wrong.length === 0) return named(all, kept, fit);
    names = kept.filter((name) => !wrong.includes(name));
  }
}

const weightAt = (fit: LogisticFit, i: number): number => fit.weights[i] ?? 0;
const round = (value: number): number => Math.round(value * 1000) / 1000 + 0;

function named(
  all: readonly string[],
  kept: readonly string[],
  fit: LogisticFit,
): { weights: Weights; errors: Weights } {
  const pick = (values: readonly number[]): Weights =>
    Object.fromEntries(
      ['bias', ...all].map((name) => {
        const at = name === 'bias' ? 0 : kept.indexOf(name) + 1;
        return [name, name !== 'bias' && at === 0 ? 0 : round(values[at] ?? 0)];
      }),
    );
  return { weights: pick(fit.weights), errors: pick(fit.standardErrors) };
}
