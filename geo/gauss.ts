/** PURE. The normal distribution in tables: the share below a point, and the points of equal share. */

/** Standard deviations beyond which nothing is left. */
export const SPAN = 6;
const STEPS_PER_UNIT = 256;
const LAST = 2 * SPAN * STEPS_PER_UNIT;

/** Abramowitz and Stegun 7.1.26 by way of erf; absolute error below 1.5e-7. */
function shareBelowExact(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const half = 0.5 * poly * Math.exp(-x * x);
  return z < 0 ? half : 1 - half;
}

const TABLE = Float64Array.from({ length: LAST + 2 }, (_, i) =>
  shareBelowExact(i / STEPS_PER_UNIT - SPAN),
);

/** P(Z ≤ z) of a standard normal, by linear interpolation; absolute error below 1e-6. */
export function shareBelow(z: number): number {
  if (z <= -SPAN) return 0;
  if (z >= SPAN) return 1;
  const at = (z + SPAN) * STEPS_PER_UNIT;
  const i = at | 0;
  const low = TABLE[i] as number;
  return low + ((TABLE[i + 1] as number) - low) * (at - i);
}

/** The z with P(Z ≤ z) = share, by bisection of the table: only used to build constants. */
export function quantile(share: number): number {
  let low = -SPAN;
  let high = SPAN;
  for (let i = 0; i < 60; i++) {
    const mid = (low + high) / 2;
    if (shareBelowExact(mid) < share) low = mid;
    else high = mid;
  }
  return (low + high) / 2;
}
