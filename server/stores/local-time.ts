/** PURE. Wall-clock time in a store's zone; null when the zone is unknown. */

export interface LocalTime {
  /** Minutes since local midnight by the clock on the wall, 0..1439. */
  minutes: number;
  /** 1 = Monday … 7 = Sunday (ISO 8601). */
  weekday: number;
  /** `YYYY-MM-DD`. */
  date: string;
}

const MINUTE = 60_000;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 1440;
const MOST_ZONES = 500;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const clocks = new Map<string, Intl.DateTimeFormat | null>();

function clockOf(zone: string): Intl.DateTimeFormat | null {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  let clock: Intl.DateTimeFormat | null = null;
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  } catch {
    // Not a zone this machine knows: the callers fail closed on null.
  }
  if (clocks.size >= MOST_ZONES) clocks.clear();
  clocks.set(zone, clock);
  return clock;
}

/** The wall clock of `zone` at `now` (ms since 1970), or null when there is no such zone. */
export function localTime(zone: string | null, now: number): LocalTime | null {
  const clock = zone === null || zone === '' ? null : clockOf(zone);
  if (clock === null) return null;
  const part: Record<string, string> = {};
  for (const { type, value } of clock.formatToParts(now)) part[type] = value;
  return {
    minutes: Number(part['hour']) * 60 + Number(part['minute']),
    weekday: WEEKDAYS.indexOf(part['weekday'] ?? '') + 1,
    date: `${part['year']}-${part['month']}-${part['day']}`,
  };
}

/** The instant at which the local day of `now` began; an hour's change on that day is allowed for. */
export function startOfLocalDay(zone: string | null, now: number): number | null {
  const here = localTime(zone, now);
  if (here === null) return null;
  const guess = now - (now % MINUTE) - here.minutes * MINUTE;
  const there = localTime(zone, guess)!;
  const off = there.date === here.date ? -there.minutes : DAY_MINUTES - there.minutes;
  const begun = guess + off * MINUTE;
  // Where the clock is put back at one, the first hour comes twice: the earlier one counts.
  const before = begun - HOUR_MINUTES * MINUTE;
  return localTime(zone, before)!.date === here.date ? before : begun;
}
