/** PURE. How wrong a device's clock is, from when its messages say they left and when they came. */

/** Differences remembered, newest last. */
const KEPT = 9;
/** So many are needed before anything is corrected. */
const ENOUGH = 5;
/** Seconds; a clock nearer than this is right, and the way takes time as well. */
const TOLERATED = 30;
/** Seconds; half of the differences lie nearer to their median, or it is the way and not the clock. */
const STEADY = 10;
/** Only a fix that was fresh when it left says anything: a queue may stamp messages as it is emptied. */
const LIVE_WITHIN = 120_000;
/** Seconds; further off is no clock. */
const MOST = 366 * 86_400;

/** What a message tells of its device's clock. */
export interface Sent {
  at: number;
  sentAt: number | null;
  refusal: string | null;
}

const middle = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? 0;

const median = (values: readonly number[]): number => middle(values.toSorted((a, b) => a - b));

/**
 * The differences after one more message, in seconds, positive for a clock that is behind. Messages
 * without a time of sending, and those held back, leave them as they are.
 */
export function learnSkew(
  known: readonly number[],
  pings: readonly Sent[],
  received: number,
): readonly number[] {
  let newest: number | null = null;
  for (const { at, sentAt, refusal } of pings) {
    if (sentAt === null || refusal !== null || Math.abs(sentAt - at) > LIVE_WITHIN) continue;
    newest = Math.max(newest ?? -Infinity, sentAt);
  }
  if (newest === null) return known;
  const difference = Math.round((received - newest) / 100) / 10;
  if (Math.abs(difference) > MOST) return known;
  return [...known, difference].slice(-KEPT);
}

/** Milliseconds to add to the device's times; 0 while its clock is right, or not known well enough. */
export function skewOf(known: readonly number[]): number {
  if (known.length < ENOUGH) return 0;
  const skew = median(known);
  if (Math.abs(skew) <= TOLERATED) return 0;
  const spread = median(known.map((value) => Math.abs(value - skew)));
  return spread <= STEADY ? Math.round(skew * 1000) : 0;
}
