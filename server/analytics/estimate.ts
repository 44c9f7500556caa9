/** PURE. An expected number of yes-or-no events with its error, from their probabilities. */

export interface Estimate {
  /** Sum of the probabilities: the number to expect. */
  value: number;
  /** Sum of p(1 − p). */
  variance: number;
  /** In 95 of 100 cases the true number lies between these; never below 0 or above the number of claims. */
  low: number;
  high: number;
  /** Half the width of that range before it is cut off. */
  plusMinus: number;
}

/** The sums as the database gives them; null without a row. */
export interface Sums {
  expected: number | null;
  variance: number | null;
  claims: number | null;
}

const Z = 1.959964;

/**
 * The events are taken as independent. Two visits of one device that exclude each other (it cannot be
 * in two shops at once) are negatively correlated, so the true spread is a little smaller than told.
 */
export function estimateOf(sums: Sums | undefined): Estimate {
  const value = sums?.expected ?? 0;
  const variance = Math.max(0, sums?.variance ?? 0);
  const plusMinus = Z * Math.sqrt(variance);
  return {
    value,
    variance,
    low: Math.max(0, value - plusMinus),
    high: Math.max(value, Math.min(sums?.claims ?? 0, value + plusMinus)),
    plusMinus,
  };
}
