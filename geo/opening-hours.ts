/** PURE. Opening hours from outside: spans of each weekday, or the simple half of OSM's notation. */
import type { OpenSpan, OpeningHours } from './fence.ts';
import { faulty, given, isObject } from './fence-fault.ts';

const MAX_SPANS = 8;
const MAX_TEXT = 500;
const DAY = 1440;
const DAYS = ['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su'] as const;

const bad = (message: string) => faulty('bad-hours', message);

function zoneOf(value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 60) {
    throw bad('opening hours need a "timezone" such as Asia/Shanghai');
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: value }).format(0);
  } catch {
    throw bad(`"${value}" is no time zone known here; use an IANA name such as Asia/Shanghai`);
  }
  return value;
}

/** "09:00" or 540; up to 24:00. */
function minutesOf(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= DAY) {
    return value;
  }
  const match = typeof value === 'string' ? /^(\d{1,2}):([0-5]\d)$/.exec(value) : null;
  const minutes = match ? 60 * Number(match[1]) + Number(match[2]) : DAY + 1;
  if (minutes > DAY) throw bad(`${where} is no time of day from 00:00 to 24:00`);
  return minutes;
}

function spanOf(value: unknown, where: string): OpenSpan {
  if (!Array.isArray(value) || value.length !== 2) {
    throw bad(`${where} is not a pair such as ["09:00", "21:30"]`);
  }
  const opens = minutesOf(value[0], `${where}, opening`);
  if (opens === DAY) throw bad(`${where} opens at 24:00; that is 00:00 of the next day`);
  return [opens, minutesOf(value[1], `${where}, closing`)];
}

function dayOf(value: unknown, where: string): OpenSpan[] {
  if (!Array.isArray(value) || value.length > MAX_SPANS) {
    throw bad(`${where} is not a list of at most ${MAX_SPANS} spans`);
  }
  return value.map((span, i) => spanOf(span, `${where}, span ${i + 1}`));
}

function daysOf(text: string): number[] {
  if (text === '') return [0, 1, 2, 3, 4, 5, 6];
  return text.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map((day) => DAYS.indexOf(day as 'mo'));
    if (from === undefined || to === undefined || from < 0 || to < 0 || part.split('-').length > 2)
      throw bad(`"${part}" is no weekday; use Mo, Tu, We, Th, Fr, Sa, Su`);
    const count = ((to - from + 7) % 7) + 1;
    return Array.from({ length: count }, (_, i) => (from + i) % 7);
  });
}

/** `Mo-Fr 09:00-21:00,22:00-02:00; Sa,Su 10:00-18:00; We off; 24/7`: later rules replace earlier. */
function weekOfText(text: string): OpenSpan[][] {
  const week: OpenSpan[][] = DAYS.map(() => []);
  if (text.length > MAX_TEXT) throw bad(`opening hours longer than ${MAX_TEXT} characters`);
  for (const rule of text.toLowerCase().split(';')) {
    const clean = rule.trim().replaceAll(/\s*([,-])\s*/g, '$1');
    if (clean === '') continue;
    const match = /^([a-z,-]*?)\s*(24\/7|off|closed|\d[\d:,-]*)$/.exec(clean);
    if (!match) throw bad(`"${rule.trim()}" is not understood; write Mo-Fr 09:00-21:00`);
    const [, days = '', times = ''] = match;
    const spans = spansOfText(times);
    for (const day of daysOf(days)) week[day] = spans;
  }
  return week;
}

function spansOfText(times: string): OpenSpan[] {
  if (times === '24/7') return [[0, DAY]];
  if (times === 'off' || times === 'closed') return [];
  return dayOf(
    times.split(',').map((span) => span.split('-')),
    'the hours',
  );
}

/**
 * `hours: {timezone, week}` with seven lists (Monday first) of `["09:00", "21:30"]` or of minutes,
 * or `opening_hours` as OpenStreetMap writes the simple ones, with `timezone` beside it.
 */
export function openingHoursOf(properties: Record<string, unknown>): OpeningHours | undefined {
  const { hours, opening_hours: text } = properties;
  if (given(hours)) {
    if (!isObject(hours)) throw bad('"hours" is {timezone, week}');
    const { week } = hours;
    if (!Array.isArray(week) || week.length !== 7) {
      throw bad('"week" needs seven lists of spans, Monday first');
    }
    const timezone = zoneOf(hours.timezone);
    return { timezone, week: week.map((day, i) => dayOf(day, `day ${i + 1}`)) };
  }
  if (!given(text) || !given(properties.timezone)) return undefined;
  if (typeof text !== 'string') throw bad('"opening_hours" is a text');
  // A column that was left empty says nothing, least of all that nobody ever comes.
  if (text.trim() === '') return undefined;
  return { timezone: zoneOf(properties.timezone), week: weekOfText(text) };
}

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** The inverse, as texts. */
export function hoursOut({ timezone, week }: OpeningHours): object {
  return {
    timezone,
    week: week.map((day) => day.map(([opens, closes]) => [clock(opens), clock(closes)])),
  };
}
