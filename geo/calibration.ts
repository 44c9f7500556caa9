/** PURE. Whether claimed probabilities come true: Brier score, log loss, reliability, and a logistic fit. */

/** A claimed probability and what turned out. */
export interface Claim {
  readonly p: number;
  readonly truth: 0 | 1;
}

/** Mean squared distance of the claims from the truth: 0 is perfect, 0.25 is "fifty-fifty" always. */
export function brierScore(claims: readonly Claim[]): number {
  return mean(claims.map(({ p, truth }) => (p - truth) ** 2));
}

/** A claim of 0 or 1 that is wrong would cost infinitely much; it costs as much as one this close. */
const CLOSEST = 1e-6;

/** Mean of −ln(probability given to what happened). */
export function logLoss(claims: readonly Claim[]): number {
  return mean(
    claims.map(({ p, truth }) => {
      const kept = Math.min(1 - CLOSEST, Math.max(CLOSEST, p));
      return -Math.log(truth === 1 ? kept : 1 - kept);
    }),
  );
}

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly n: number;
  /** Mean claim and share that came true; null in an empty bin. */
  readonly claimed: number | null;
  readonly observed: number | null;
  /** Half-width of the 95 % interval of the observed share (Wilson); null in an empty bin. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Claims in bins of equal width; 1 belongs to the last. */
export function reliability(claims: readonly Claim[], bins = 10): Bin[] {
  const groups: Claim[][] = Array.from({ length: bins }, () => []);
  for (const claim of claims) groups[Math.min(bins - 1, Math.floor(claim.p * bins))]?.push(claim);
  return groups.map((group, i) => {
    const hits = group.filter((claim) => claim.truth === 1).length;
    const none = group.length === 0;
    const [low, high] = none ? [null, null] : wilson(hits, group.length);
    return {
      from: i / bins,
      to: (i + 1) / bins,
      n: group.length,
      claimed: none ? null : mean(group.map((claim) => claim.p)),
      observed: none ? null : hits / group.length,
      low,
      high,
    };
  });
}

/** Greatest |claimed − observed| among bins of at least `least` claims; 0 when there is none. */
export function worstGap(bins: readonly Bin[], least: number): number {
  return Math.max(
    0,
    ...bins
      .filter((bin) => bin.n >= least)
      .map((bin) => Math.abs((bin.claimed ?? 0) - (bin.observed ?? 0))),
  );
}

/** 95 % score interval of a share (Wilson 1927): right for few cases and near 0 and 1, too. */
export function wilson(hits: number, n: number): [low: number, high: number] {
  const z = 1.959964;
  const share = hits / n;
  const scale = 1 + (z * z) / n;
  const middle = (share + (z * z) / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

export interface LogisticFit {
  /** Bias first, then one weight per column. */
  readonly weights: readonly number[];
  readonly standardErrors: readonly number[];
  readonly iterations: number;
  readonly converged: boolean;
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/**
 * Logistic regression by Newton's method (iteratively reweighted least squares). A little ridge keeps
 * the weights finite where a column tells the cases apart completely. No randomness: the same rows
 * give the same weights.
 */
export function fitLogistic(
  rows: readonly (readonly number[])[],
  truths: readonly (0 | 1)[],
  ridge = 1e-3,
): LogisticFit {
  const size = (rows[0]?.length ?? 0) + 1;
  const weights = Array.from({ length: size }, () => 0);
  for (let iteration = 1; ; iteration++) {
    const { gradient, hessian } = slopes(rows, truths, weights, ridge);
    const move = solve(hessian, gradient);
    // A Newton step can overshoot far from the answer: no weight moves by more than 5 at once.
    const longest = Math.max(...move.map(Math.abs));
    const brake = Math.min(1, 5 / Math.max(longest, 1e-300));
    for (let i = 0; i < size; i++) weights[i] = (weights[i] ?? 0) + brake * (move[i] ?? 0);
    const converged = longest < 1e-9;
    if (converged || iteration >= 100) {
      const errors = weights.map((_, i) => {
        const unit = weights.map((__, k) => (k === i ? 1 : 0));
        return Math.sqrt(Math.max(0, solve(hessian, unit)[i] ?? 0));
      });
      return { weights, standardErrors: errors, iterations: iteration, converged };
    }
  }
}

function slopes(
  rows: readonly (readonly number[])[],
  truths: readonly (0 | 1)[],
  weights: readonly number[],
  ridge: number,
): { gradient: number[]; hessian: number[][] } {
  const size = weights.length;
  // The bias is not held back: it carries how frequent true cases are.
  const gradient = weights.map((w, i) => (i === 0 ? 0 : -ridge * w));
  const hessian = weights.map((_, i) => weights.map((__, k) => (i === k && i > 0 ? ridge : 0)));
  for (const [n, row] of rows.entries()) {
    const x = (i: number): number => (i === 0 ? 1 : (row[i - 1] ?? 0));
    let z = 0;
    for (let i = 0; i < size; i++) z += (weights[i] ?? 0) * x(i);
    const p = sigmoid(z);
    const miss = (truths[n] ?? 0) - p;
    const spread = Math.max(p * (1 - p), 1e-12);
    for (let i = 0; i < size; i++) {
      gradient[i] = (gradient[i] ?? 0) + miss * x(i);
      const line = hessian[i] as number[];
      for (let k = 0; k < size; k++) line[k] = (line[k] ?? 0) + spread * x(i) * x(k);
    }
  }
  return { gradient, hessian };
}

/** Solves A·x = b by elimination with the largest pivot; a column without one gives 0. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const a = matrix.map((line, i) => [...line, right[i] ?? 0]);
  const size = a.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++) {
      if (Math.abs(cell(a, i, column)) > Math.abs(cell(a, pivot, column))) pivot = i;
    }
    [a[column], a[pivot]] = [a[pivot] as number[], a[column] as number[]];
    const by = cell(a, column, column);
    if (Math.abs(by) < 1e-300) continue;
    for (let i = 0; i < size; i++) {
      const factor = i === column ? 0 : cell(a, i, column) / by;
      if (factor === 0) continue;
      const [line, top] = [a[i] as number[], a[column] as number[]];
      for (let k = column; k <= size; k++) line[k] = (line[k] ?? 0) - factor * (top[k] ?? 0);
    }
  }
  return a.map((line, i) => {
    const by = line[i] ?? 0;
    return Math.abs(by) < 1e-300 ? 0 : (line[size] ?? 0) / by;
  });
}

const cell = (a: readonly (readonly number[])[], i: number, k: number): number => a[i]?.[k] ?? 0;

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
