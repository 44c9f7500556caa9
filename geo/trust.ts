/** PURE. Tracks that are too good to be true: no receiver repeats itself, or walks along a ruler. */
import type { Metres, Millis } from './lonlat.ts';
import type { Fix } from './quality.ts';
import type { VisitSums } from './state.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { wrapLon } from './lonlat.ts';

/** How evenly the device has moved of late. */
export interface Evenness {
  /** Since when, and over how many fixes, each was where the two before it foretold. */
  readonly since: Millis;
  readonly fixes: number;
  /** Degrees a second between the last two fixes. */
  readonly east: number;
  readonly north: number;
}

/** A fix this near to what the two before it foretold shows no noise at all. */
const NOISELESS: Metres = 0.05;
/** Chance alone repeats a rounded coordinate now and then; not so often, nor so long. */
const MIN_FIXES = 20;
const MIN_SPAN: Millis = 10 * 60_000;
/** Slower than this it did not move. */
const FROZEN_SPEED = 0.01;
/** Networks repeat a coarse position for hours and mean it; satellites never do. */
const FINE_ACCURACY: Metres = 10;

/** The evenness after one more fix. A device that says it stands still may repeat itself. */
export function evenAfter(
  even: Evenness | null,
  before: Fix | null,
  now: Fix,
  still: boolean,
): Evenness | null {
  if (before === null || still || now.t - before.t < 1) return null;
  const seconds = Math.max((now.t - before.t) / 1000, 0.001);
  // Adding zero turns −0, which JSON does not keep, into 0.
  const east = wrapLon(now.lon - before.lon) / seconds + 0;
  const north = (now.lat - before.lat) / seconds + 0;
  const start = { since: before.t, fixes: 2, east, north };
  if (even === null || before.acc !== now.acc) return start;
  const x = (east - even.east) * seconds * metresPerLonDegree(now.lat);
  const y = (north - even.north) * seconds * METRES_PER_DEGREE;
  if (x * x + y * y > NOISELESS * NOISELESS) return start;
  return { since: even.since, fixes: even.fixes + 1, east, north };
}

/** What is too perfect about the track, or null. */
export function perfectOf(even: Evenness | null, now: Fix): VisitSums['perfect'] | null {
  if (even === null || even.fixes < MIN_FIXES || now.t - even.since < MIN_SPAN) return null;
  const x = even.east * metresPerLonDegree(now.lat);
  const y = even.north * METRES_PER_DEGREE;
  if (Math.sqrt(x * x + y * y) >= FROZEN_SPEED) return 'ruled';
  return now.acc <= FINE_ACCURACY ? 'frozen' : null;
}
