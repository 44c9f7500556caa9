/** PURE. Opening hours of a store's WiFi: whether it is open now, until when, and how long a grant may last. */
import { localTime } from '../stores/local-time.ts';

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** `HH:MM` by the clock on the wall; `24:00` is the end of the day, and `to` not after `from` is the next day's. */
export interface Span {
  from: string;
  to: string;
}

/** The shape of portal/ports.ts WeekHours; a day without spans is closed. */
export type WeekHours = Record<(typeof days)[number], Span[]>;

/** The part of a store that says when its WiFi is open; without hours it always is. */
export interface OpenStore {
  timezone: string;
  hours?: WeekHours | undefined;
}

/** `until` is the instant of closing (ms since 1970), null when none comes within a week. */
export type Opening = { open: true; until: number | null } | { open: false };

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const DAYS_AHEAD = 8;
const WALL = /^([01]\d|2[0-4]):([0-5]\d)$/;

/** What the clock on the wall shows at `at`, written as if it were UTC. */
function wallAt(zone: string, at: number): number | null {
  const time = localTime(zone, at);
  return time && Date.parse(`${time.date}T00:00:00Z`) + time.minutes * MINUTE + (at % MINUTE);
}

/**
 * The instant at which the wall clock of `zone` shows `wall`. An hour that comes twice is the first one
 * when opening and the second when closing; one that is left out is read by the clock before the change.
 */
function instantOf(zone: string, wall: number, pick: 'first' | 'last'): number {
  const candidates = [wall - DAY, wall + DAY].map((near) => {
    const shown = wallAt(zone, near) ?? near;
    return wall - (shown - near);
  });
  const real = candidates.filter((at) => wallAt(zone, at) === wall);
  const from = real.length > 0 ? real : [Math.max(...candidates)];
  return pick === 'first' ? Math.min(...from) : Math.max(...from);
}

function minutesOf(text: string): number | null {
  const match = WALL.exec(text);
  const minutes = match && Number(match[1]) * 60 + Number(match[2]);
  return minutes !== null && minutes <= 1440 ? minutes : null;
}

/** Open times of one day (its midnight by the wall) as instants, in order of opening. */
function openTimes(zone: string, hours: WeekHours, day: number): [number, number][] {
  const name = days[(new Date(day).getUTCDay() + 6) % 7]!;
  const found: [number, number][] = [];
  for (const span of hours[name] ?? []) {
    const [from, to] = [minutesOf(span.from), minutesOf(span.to)];
    if (from === null || to === null) continue;
    const end = to > from ? to : to + 1440;
    found.push([
      instantOf(zone, day + from * MINUTE, 'first'),
      instantOf(zone, day + end * MINUTE, 'last'),
    ]);
  }
  return found.toSorted((a, b) => a[0] - b[0]);
}

/** Whether the WiFi is open at `now`; spans that touch or overlap, midnight included, are one. */
export function openingAt(store: OpenStore, now: number): Opening {
  const { timezone, hours } = store;
  const wall = hours ? wallAt(timezone, now) : null;
  // A zone nobody knows must not lock everybody out; it is checked where it is typed.
  if (!hours || wall === null) return { open: true, until: null };
  const today = Math.floor(wall / DAY) * DAY;
  let until: number | null = null;
  for (let ahead = -1; ahead <= DAYS_AHEAD; ahead++) {
    for (const [from, to] of openTimes(timezone, hours, today + ahead * DAY)) {
      const joins: boolean = until === null ? from <= now && now < to : from <= until;
      if (joins) until = Math.max(until ?? to, to);
    }
    // Yesterday's evening and today decide whether it is open; days after that only prolong it.
    if (ahead >= 0 && (until ?? 0) < now + ahead * DAY) break;
  }
  if (until === null) return { open: false };
  return { open: true, until: until - now >= 7 * DAY ? null : until };
}

/**
 * Minutes of a grant of `minutes` (0 = unlimited) that begins now, cut at closing time; null when the
 * WiFi is closed. Never 0 when it was cut: that would be unlimited.
 */
export function limitedMinutes(store: OpenStore, now: number, minutes: number): number | null {
  const opening = openingAt(store, now);
  if (!opening.open) return null;
  if (opening.until === null) return minutes;
  const left = Math.max(1, Math.floor((opening.until - now) / MINUTE));
  return minutes === 0 ? left : Math.min(minutes, left);
}
