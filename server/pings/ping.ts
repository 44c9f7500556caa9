/** PURE. The one shape every tracker app's message is turned into, and small readers for untidy JSON. */
import type { AccuracyKind, Evidence } from '../../geo/quality.ts';

/** Who sent it; `portal` and `session` are this house itself (see evidence.ts). */
export type Source =
  | 'foyer'
  | 'owntracks'
  | 'overland'
  | 'osmand'
  | 'gpslogger'
  | 'background-geolocation'
  | 'radar'
  | 'webhook'
  | 'portal'
  | 'session';

/** One position as an app sent it, units and clock already put right. */
export interface ParsedPing {
  /** With the device and `at` this is the ping's identity: sending it again changes nothing. */
  key: string;
  /** Milliseconds since 1970 by the device's clock (epoch repaired, skew not). */
  at: number;
  lon: number;
  lat: number;
  /** Metres; null when the app gave none. */
  accuracy: number | null;
  accuracyKind: AccuracyKind;
  /** Metres a second; null when unknown. */
  speed: number | null;
  /** The device says that it does not move. */
  still: boolean;
  /** The device says that the position is simulated. */
  mock: boolean;
  /** Radio keys heard with the fix, lower case: `bssid:…`, `gateway:…`, `beacon:…`, `qr:…`. */
  heard: readonly string[];
  /** Certain knowledge that came with it; only the server itself gives any. */
  evidence: Evidence | null;
  /**
   * Milliseconds since 1970 by the device's clock when the message left; null when it does not say.
   * Against the time of arrival it tells how wrong that clock is.
   */
  sentAt: number | null;
  source: Source;
  /** Why it cannot be used, when that is plain before the engine sees it; it is kept all the same. */
  refusal: string | null;
  /** What else is worth keeping: battery, wifi, trigger, how the clock was repaired. */
  extras: Record<string, string | number | boolean> | null;
}

type Essential = 'key' | 'at' | 'lon' | 'lat' | 'source';

/** A ping of which only that is said that the message says: parsers state what they know. */
export function pingOf(known: Pick<ParsedPing, Essential> & Partial<ParsedPing>): ParsedPing {
  // Field by field: spreading the defaults under every ping is several times as slow.
  return {
    key: known.key,
    at: known.at,
    lon: known.lon,
    lat: known.lat,
    accuracy: known.accuracy ?? null,
    accuracyKind: known.accuracyKind ?? 'p68',
    speed: known.speed ?? null,
    still: known.still ?? false,
    mock: known.mock ?? false,
    heard: known.heard ?? NOTHING,
    evidence: known.evidence ?? null,
    sentAt: known.sentAt ?? null,
    source: known.source,
    refusal: known.refusal ?? null,
    extras: known.extras ?? null,
  };
}

const NOTHING: readonly string[] = [];

/** What one request held. Everything that is not a position is counted under a reason. */
export interface Parsed {
  pings: ParsedPing[];
  ignored: Record<string, number>;
}

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Signs of the longest number worth reading. */
const LONGEST_NUMBER = 64;

/** A finite number, or text that is one: several apps quote theirs. */
export function num(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.length > LONGEST_NUMBER) return null;
  if (!/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)) return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

/** Short text without what PostgreSQL cannot store (NUL, lone surrogates) or a terminal would obey. */
export function text(value: unknown, limit = 64): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const clean = String(value)
    .slice(0, limit)
    .replace(/[\p{Cc}\p{Cs}]/gu, '')
    .trim();
  return clean === '' ? null : clean;
}

/** The identity of a ping at its instant: the app's own id, else where it was. */
export function keyOf(source: Source, id: unknown, lon: number, lat: number): string {
  const own = text(id);
  if (own !== null) return `id:${own}`;
  return `${source}:${Math.round(lon * 1e7)},${Math.round(lat * 1e7)}`;
}

/** What is wrong with a position, told apart so that the answer helps: swapped axes are common. */
export function positionFault(lon: number, lat: number): string | null {
  if (Math.abs(lat) <= 90 && Math.abs(lon) <= 180) return null;
  return Math.abs(lon) <= 90 && Math.abs(lat) <= 180 ? 'lon-lat-swapped' : 'out-of-range';
}

/** Zero-zero is where receivers without a fix say they are. */
export function isNullIsland(lon: number, lat: number): boolean {
  return lon === 0 && lat === 0;
}

export function count(ignored: Record<string, number>, reason: string): void {
  ignored[reason] = (ignored[reason] ?? 0) + 1;
}

/** The extras that have a value; null when none has. */
export function extrasOf(
  entries: Record<string, string | number | boolean | null>,
): ParsedPing['extras'] {
  const kept = Object.entries(entries).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== null,
  );
  return kept.length === 0 ? null : Object.fromEntries(kept);
}

/** Accuracy meaning by platform: Android reports a 68 % radius, Apple a 2-D RMS. */
export function accuracyKindOf(agent: string, otherwise: AccuracyKind): AccuracyKind {
  if (/android|okhttp|dalvik/i.test(agent)) return 'p68';
  if (/darwin|cfnetwork|iphone|ipad|\bios\b/i.test(agent)) return 'rms';
  return otherwise;
}
