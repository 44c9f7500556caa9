/** PURE. Whether a place is open at an instant, in its own time zone. */
import type { OpenSpan, OpeningHours } from './fence.ts';
import type { Millis } from './lonlat.ts';

const MINUTE = 60_000;
const DAY_MINUTES = 1440;
/** Zones change their clocks at quarters of an hour, so within one the offset is constant. */
const SLOT: Millis = 15 * MINUTE;
/** Offsets remembered per zone, and zones remembered: enough for a replay of days in any order. */
const MAX_SLOTS = 1024;
const MAX_ZONES = 512;

interface Zone {
  readonly format: Intl.DateTimeFormat | null;
  readonly offsets: Map<number, Millis>;
  /** The slot asked for last: nearly always the one asked for next. */
  slot: number;
  offset: Millis;
}

const zones = new Map<string, Zone>();

function openZone(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known) return known;
  if (zones.size >= MAX_ZONES) zones.clear();
  const zone: Zone = { format: formatOf(timezone), offsets: new Map(), slot: NaN, offset: 0 };
  zones.set(timezone, zone);
  return zone;
}

/** Null for a zone that this runtime does not know: such a fence has no hours. */
function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  const two = '2-digit';
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    });
  } catch {
    return null;
  }
}

/** Local clock minus UTC, as the zone has it at the start of a slot. */
function askOffset(format: Intl.DateTimeFormat, at: Millis): Millis {
  const part: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = value;
  const year = part.era === 'BC' ? 1 - Number(part.year) : Number(part.year);
  const local = new Date(0);
  local.setUTCFullYear(year, Number(part.month) - 1, Number(part.day));
  local.setUTCHours(Number(part.hour), Number(part.minute), Number(part.second));
  return local.getTime() - at;
}

/** Local clock minus UTC in milliseconds; null when the zone is unknown or the instant no date. */
export function zoneOffset(timezone: string, t: Millis): Millis | null {
  const zone = openZone(timezone);
  if (zone.format === null || !(Math.abs(t) < 8e15)) return null;
  const slot = Math.floor(t / SLOT);
  if (slot === zone.slot) return zone.offset;
  let offset = zone.offsets.get(slot);
  if (offset === undefined) {
    if (zone.offsets.size >= MAX_SLOTS) zone.offsets.clear();
    offset = askOffset(zone.format, slot * SLOT);
    zone.offsets.set(slot, offset);
  }
  zone.slot = slot;
  zone.offset = offset;
  return offset;
}

const NO_SPANS: readonly OpenSpan[] = [];

/**
 * True within the opening hours by the clock on the wall there; a span that closes at or before its
 * opening reaches into the next day. Hours in an unknown zone are always open.
 */
export function isOpen(hours: OpeningHours, t: Millis): boolean {
  const offset = zoneOffset(hours.timezone, t);
  if (offset === null) return true;
  const minutes = (t + offset) / MINUTE;
  const day = Math.floor(minutes / DAY_MINUTES);
  const minute = minutes - day * DAY_MINUTES;
  // 1970-01-01 was a Thursday; the week here begins on Monday.
  const today = (((day + 3) % 7) + 7) % 7;
  for (const [opens, closes] of hours.week[today] ?? NO_SPANS) {
    if (minute >= opens && (closes <= opens || minute < closes)) return true;
  }
  for (const [opens, closes] of hours.week[(today + 6) % 7] ?? NO_SPANS) {
    if (closes <= opens && minute < closes) return true;
  }
  return false;
}
