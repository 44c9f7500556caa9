/** PURE. Hours by the clock on the wall: quiet hours, opening hours, and the day a late hour belongs to. */
import type { LocalTime } from '../stores/local-time.ts';

/** `HH:MM`, 24 hours; `24:00` is the end of the day. */
export interface Hours {
  from: string;
  to: string;
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
}

/** Whether hours run past midnight, as 22:00–09:00 does. */
function wraps({ from, to }: Hours): boolean {
  return minutesOf(from) > minutesOf(to);
}

/** Whether the wall clock stands in [from, to). */
export function inHours(time: LocalTime, hours: Hours): boolean {
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  return wraps(hours)
    ? time.minutes >= from || time.minutes < to
    : time.minutes >= from && time.minutes < to;
}

/** The weekday a moment counts towards: after midnight, hours that wrap still belong to the evening. */
export function businessDay(time: LocalTime, hours: Hours | undefined): number {
  const late = hours !== undefined && wraps(hours) && time.minutes < minutesOf(hours.to);
  return late ? ((time.weekday + 5) % 7) + 1 : time.weekday;
}
