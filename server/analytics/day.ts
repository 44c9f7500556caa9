/** PURE. Days in a store's own time zone, as instants; nothing here knows what is counted. */

export interface Span {
  from: Date;
  to: Date;
}

/** What every question is asked about: one store, in its zone. */
export interface Place {
  merchantId: string;
  storeId: string;
  timezone: string;
}

const DAY = 86_400_000;

/** The instant at which an ISO day begins in a zone. */
export function startOfDay(day: string, timezone: string): Date {
  const wall = Date.parse(`${day}T00:00:00Z`);
  const guess = wall - offsetAt(wall, timezone);
  // By the clock of the evening before and by that of noon: where it changes at midnight there is
  // no 00:00 that day, or there are two, and only the first instant that belongs to the day counts.
  const [first, second] = [-DAY / 2, DAY / 2]
    .map((away) => wall - offsetAt(guess + away, timezone))
    .toSorted((a, b) => a - b);
  return dayOf(new Date(first!), timezone) === day ? new Date(first!) : new Date(second!);
}

export function dayAfter(day: string, days = 1): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/** The ISO day on which an instant falls in a zone. */
export function dayOf(at: Date, timezone: string): string {
  return new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(at);
}

export interface Comparison {
  /** The day asked for; cut at now while it is still running. */
  now: Span;
  /** The same weekday a week before, cut at the same time after opening of the day. */
  before: Span;
  running: boolean;
}

/** A day and the same weekday of the week before; a running day is compared up to the same hour. */
export function weekApart(day: string, timezone: string, at: Date): Comparison {
  const from = startOfDay(day, timezone);
  const to = startOfDay(dayAfter(day), timezone);
  const beforeFrom = startOfDay(dayAfter(day, -7), timezone);
  const beforeTo = startOfDay(dayAfter(day, -6), timezone);
  const running = at >= from && at < to;
  if (!running) return { now: { from, to }, before: { from: beforeFrom, to: beforeTo }, running };
  const passed = at.getTime() - from.getTime();
  return {
    now: { from, to: at },
    before: {
      from: beforeFrom,
      to: new Date(Math.min(beforeTo.getTime(), beforeFrom.getTime() + passed)),
    },
    running,
  };
}

/** Milliseconds that a zone's wall clock is ahead of UTC at an instant. */
function offsetAt(at: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const read = (type: string): number =>
    Number(parts.find((part) => part.type === type)?.value ?? 0);
  const wall = Date.UTC(
    read('year'),
    read('month') - 1,
    read('day'),
    read('hour'),
    read('minute'),
    read('second'),
  );
  return wall - Math.floor(at / 1000) * 1000;
}
