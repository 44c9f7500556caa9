/**
 * PURE. How long people stay when the end of many stays was not seen (Kaplan and Meier 1958): a stay
 * that was lost sight of after ten minutes says "ten at least". A mean or median over what was seen of
 * it would be too short, one without it as well, since long stays are the likelier to be lost.
 */

export interface Stay {
  /** Length, or how much of it was seen. */
  seconds: number;
  /** False when it went on unseen. */
  ended: boolean;
  /** How much it counts: the probability that it was a stay at all. */
  weight: number;
}

export interface SurvivalStep {
  seconds: number;
  /** Share of stays longer than this. */
  survival: number;
  /** Its standard error (Greenwood 1926), with weights in place of counts. */
  error: number;
  /** Weight of the stays that were still going on just before. */
  atRisk: number;
}

/** One step at each length at which a stay ended. Stays lost at that very length still count there. */
export function survival(stays: readonly Stay[]): SurvivalStep[] {
  const sorted = stays.filter((stay) => stay.weight > 0).toSorted((a, b) => a.seconds - b.seconds);
  let atRisk = sorted.reduce((sum, stay) => sum + stay.weight, 0);
  let [share, greenwood] = [1, 0];
  const steps: SurvivalStep[] = [];
  for (let i = 0; i < sorted.length;) {
    const { seconds } = sorted[i]!;
    let [ended, gone] = [0, 0];
    for (; i < sorted.length && sorted[i]!.seconds === seconds; i++) {
      const { weight, ended: known } = sorted[i]!;
      gone += weight;
      if (known) ended += weight;
    }
    if (ended > 0) {
      // Sums of weights are off by rounding: the last stay must not leave a crumb, nor less than none.
      const left = Math.max(0, atRisk - ended) < 1e-9 ? 0 : atRisk - ended;
      share *= left / atRisk;
      greenwood += left === 0 ? 0 : ended / (atRisk * left);
      steps.push({ seconds, survival: share, error: share * Math.sqrt(greenwood), atRisk });
    }
    atRisk -= gone;
  }
  return steps;
}

const HALF = 0.5;
const SAME = 1e-9;

/**
 * The length that half of the stays exceed; halfway to the next when exactly half do, as everywhere
 * in statistics. Null when fewer than half were seen to their end.
 */
export function medianStay(stays: readonly Stay[]): number | null {
  const steps = survival(stays);
  const at = steps.findIndex((step) => step.survival <= HALF + SAME);
  const step = steps[at];
  if (!step) return null;
  const next = steps[at + 1];
  const exact = Math.abs(step.survival - HALF) <= SAME;
  return exact && next ? (step.seconds + next.seconds) / 2 : step.seconds;
}
