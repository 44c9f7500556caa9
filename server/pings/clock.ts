/** PURE. Reading the clocks of phones: units, wrong epochs, rolled-over weeks, impossible years. */

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
/** Seconds from 1970-01-01 to 2001-01-01 UTC, Apple's reference date. */
const APPLE_EPOCH = 978_307_200;
/** 1,024 weeks: a GPS receiver that missed a rollover is behind by this. */
const GPS_ROLLOVER = 619_315_200;
/** A repaired time counts only when it lands this near the present. */
const REPAIR_WINDOW = 7 * DAY;
/** Below this a number is taken for seconds, from it on for milliseconds. */
const SECONDS_BELOW = 2 ** 31;
/** Outside these a time is none: ISO text of it would no longer have four digits for the year. */
const FIRST_STORABLE = Date.UTC(1900, 0, 1);
const LAST_STORABLE = Date.UTC(9999, 11, 31);

/** Older than this is no longer a report but an archive. */
export const MAX_AGE = 30 * DAY;
/** Further ahead than this is a broken clock (Traccar's default). */
export const MAX_AHEAD = DAY;

export interface Reading {
  /** Milliseconds since 1970. */
  at: number;
  /** How the value was put right, when it was. */
  repair: 'apple-epoch' | 'gps-rollover' | null;
  /** Why the time cannot be believed. */
  refusal: 'time-1970' | 'time-future' | 'too-old' | null;
}

const isoInstant =
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s*(Z|[+-]\d{2}(:?\d{2})?)$/i;

/** An ISO 8601 instant with its offset, in milliseconds; null when it is not one. */
export function isoTime(value: string): number | null {
  const trimmed = value.trim();
  if (!isoInstant.test(trimmed)) return null;
  const normal = trimmed
    .replace(' ', 'T')
    .replace(/\s+/, '')
    .replace(',', '.')
    .replace(/([+-]\d{2})$/, '$1:00')
    .replace(/([+-]\d{2})(\d{2})$/, '$1:$2')
    .toUpperCase();
  const at = Date.parse(normal);
  return Number.isNaN(at) ? null : at;
}

/** Reads a time that may be seconds, milliseconds or ISO text; null when it is no time at all. */
export function readTime(value: unknown, now: number): Reading | null {
  const at = typeof value === 'string' ? (isoTime(value) ?? numeric(value)) : numeric(value);
  if (at === null || at < FIRST_STORABLE || at > LAST_STORABLE) return null;
  return judgeTime(at, now);
}

function numeric(value: unknown): number | null {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof parsed !== 'number' || !Number.isFinite(parsed)) return null;
  return Math.round(Math.abs(parsed) < SECONDS_BELOW ? parsed * SECOND : parsed);
}

function judgeTime(at: number, now: number): Reading {
  if (Math.abs(at - now) > REPAIR_WINDOW) {
    const apple = at + APPLE_EPOCH * SECOND;
    if (Math.abs(apple - now) <= REPAIR_WINDOW) {
      return { at: apple, repair: 'apple-epoch', refusal: aheadOf(apple, now) };
    }
    const rolled = at + GPS_ROLLOVER * SECOND;
    if (Math.abs(rolled - now) <= REPAIR_WINDOW) {
      return { at: rolled, repair: 'gps-rollover', refusal: aheadOf(rolled, now) };
    }
  }
  return { at, repair: null, refusal: ageFault(at, now) };
}

function aheadOf(at: number, now: number): Reading['refusal'] {
  return at - now > MAX_AHEAD ? 'time-future' : null;
}

function ageFault(at: number, now: number): Reading['refusal'] {
  if (at - now > MAX_AHEAD) return 'time-future';
  if (at < Date.UTC(1980, 0, 6)) return 'time-1970';
  return now - at > MAX_AGE ? 'too-old' : null;
}

/** A clock may run ahead by this much before its times are shifted. */
const TOLERATED_AHEAD = 30 * SECOND;

/**
 * How far to move times that lie in the future, so that the newest of a batch counts as taken when
 * it arrived. Zero for clocks that are right or behind: lateness looks just like a slow clock.
 */
export function aheadShift(newest: number, received: number): number {
  return newest - received > TOLERATED_AHEAD ? newest - received : 0;
}

/** The time the engine is told: as sent, unless it lies ahead of the clock on the wall. */
export function engineTime(at: number, shift: number, received: number): number {
  return shift > 0 && at - received > 0 ? at - shift : at;
}
