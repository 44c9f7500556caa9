/** PURE. What all protocols share once they have found place and time: one fix into one ping. */
import type { AccuracyKind } from '../../../geo/quality.ts';
import type { Reading } from '../clock.ts';
import type { ParsedPing, Source } from '../ping.ts';
import { isoTime, readTime } from '../clock.ts';
import { extrasOf, isNullIsland, keyOf, pingOf, positionFault } from '../ping.ts';

export const KNOTS = 1852 / 3600;
export const KMH = 1 / 3.6;
/** Positions of one request that are read; the rest is counted. */
export const MAX_FIXES = 2000;

export interface Fix {
  source: Source;
  /** The app's own id of this fix, when it gives one. */
  id?: unknown;
  lon: number;
  lat: number;
  time: Reading;
  /** Metres; negative: the phone itself says that the fix is invalid. */
  accuracy: number | null;
  accuracyKind: AccuracyKind;
  /** Metres a second; negative: unknown. */
  speed: number | null;
  still?: boolean;
  mock?: boolean;
  heard?: readonly string[];
  sentAt?: number | null;
  /** What the protocol itself holds against it; told only when nothing worse is wrong. */
  refusal?: string | null;
  extras?: Parameters<typeof extrasOf>[0];
}

export function pingOfFix(fix: Fix): ParsedPing {
  const { lon, lat, time, accuracy, speed } = fix;
  const nowhere = isNullIsland(lon, lat) ? 'null-island' : null;
  const invalid = accuracy !== null && accuracy < 0 ? 'invalid-fix' : null;
  return pingOf({
    key: keyOf(fix.source, fix.id, lon, lat),
    at: time.at,
    lon,
    lat,
    accuracy,
    accuracyKind: fix.accuracyKind,
    speed: speed === null || speed < 0 ? null : speed,
    still: fix.still ?? false,
    mock: fix.mock ?? false,
    heard: fix.heard ?? [],
    sentAt: fix.sentAt ?? null,
    source: fix.source,
    refusal: positionFault(lon, lat) ?? nowhere ?? invalid ?? fix.refusal ?? time.refusal,
    extras: extrasOf({ ...fix.extras, clock: time.repair }),
  });
}

/** A battery in percent, or as a share when `whole` is 1; null when it is neither. */
export function batteryOf(level: number | null, whole: 1 | 100): number | null {
  return level === null || level < 0 || level > whole ? null : level / whole;
}

/** A time as `readTime` reads it, and also date and time without a zone, which then are UTC. */
export function readLooseTime(value: unknown, now: number): Reading | null {
  if (typeof value === 'string' && value.length <= 40 && isoTime(value) === null) {
    const bare = /^\s*(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)\s*$/.exec(value);
    if (bare) return readTime(`${bare[1]}T${bare[2]}Z`, now);
  }
  return readTime(value, now);
}

/** A message without any time is taken to be of the moment it came. */
export function timeOrNow(value: unknown, now: number): Reading | null {
  if (value === undefined || value === null) return { at: now, repair: null, refusal: null };
  return readLooseTime(value, now);
}
