/** PURE. Numbers, times and durations as a reader of this language expects them, in the store's zone. */
import type { Language } from './texts.ts';

export interface Format {
  number(value: number, digits?: number): string;
  /** 0.123 → 12% */
  percent(share: number): string;
  /** A change with its sign: 0.12 → +12% */
  change(share: number): string;
  /** Seconds → "12 min", "1 h 05 min". */
  duration(seconds: number): string;
  /** Seconds to the second below an hour: "3 min 35 s". */
  precise(seconds: number): string;
  /** The same, number and unit apart, for large figures. */
  parts(seconds: number): [value: string, unit: string];
  /** 24 Nov 2026, 14:05 */
  moment(at: Date): string;
  /** 14:05 */
  time(at: Date): string;
  /** 14:05:30 */
  second(at: Date): string;
  /** Tue 24 Nov */
  day(isoDay: string): string;
  date(at: Date): string;
  /** "5 minutes ago" */
  ago(at: Date, now: Date): string;
  /** DE → Germany */
  country(code: string): string;
  /** 2026-11-24T06:05:00Z: for datetime attributes and CSV. */
  iso(at: Date): string;
}

const words = {
  en: { s: ' s', min: ' min', h: ' h', d: ' d', gap: ' ' },
  'zh-CN': { s: ' 秒', min: ' 分钟', h: ' 小时', d: ' 天', gap: ' ' },
} as const;

export function formatFor(language: Language, timeZone: string): Format {
  const moment = dates(language, timeZone, { dateStyle: 'medium', timeStyle: 'short' });
  const time = dates(language, timeZone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const second = dates(language, timeZone, { timeStyle: 'medium', hourCycle: 'h23' });
  const date = dates(language, timeZone, { dateStyle: 'medium' });
  const day = dates(language, 'UTC', { weekday: 'short', day: 'numeric', month: 'short' });
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
  const change = new Intl.NumberFormat(language, {
    style: 'percent',
    maximumFractionDigits: 0,
    signDisplay: 'exceptZero',
  });
  const regions = new Intl.DisplayNames(language, { type: 'region' });
  return {
    number: (value, digits = 0) =>
      new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value),
    percent: (share) => percent.format(share),
    change: (share) => change.format(share),
    duration: (seconds) => duration(seconds, words[language]),
    precise: (seconds) => precise(seconds, words[language]),
    parts: (seconds) => parts(seconds, words[language]),
    moment: (at) => moment.format(at),
    time: (at) => time.format(at),
    second: (at) => second.format(at),
    date: (at) => date.format(at),
    day: (isoDay) => day.format(new Date(`${isoDay}T00:00:00Z`)),
    ago: (at, now) => ago(language, at, now),
    country: (code) => (/^[A-Z]{2}$/.test(code) ? (regions.of(code) ?? code) : code),
    iso: (at) => at.toISOString(),
  };
}

function dates(
  language: Language,
  timeZone: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const british = language === 'en' ? 'en-GB' : language;
  return new Intl.DateTimeFormat(british, { timeZone, ...options });
}

type Words = Record<'s' | 'min' | 'h' | 'd' | 'gap', string>;

function duration(seconds: number, unit: Words): string {
  if (seconds < 60) return `${Math.round(seconds)}${unit.s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}${unit.min}`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)}${unit.d}${unit.gap}${hours % 24}${unit.h}`;
  const rest = minutes % 60;
  return rest === 0
    ? `${hours}${unit.h}`
    : `${hours}${unit.h}${unit.gap}${String(rest).padStart(2, '0')}${unit.min}`;
}

function precise(seconds: number, unit: Words): string {
  const whole = Math.round(seconds);
  const rest = whole % 60;
  if (whole < 60 || whole >= 3600 || rest === 0) return duration(whole, unit);
  return `${Math.floor(whole / 60)}${unit.min}${unit.gap}${rest}${unit.s}`;
}

function parts(seconds: number, unit: Words): [string, string] {
  if (seconds < 60) return [String(Math.round(seconds)), unit.s.trim()];
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return [String(minutes), unit.min.trim()];
  return [`${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`, unit.h.trim()];
}

function ago(language: Language, at: Date, now: Date): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ];
  const step = steps.find(([, size]) => Math.abs(seconds) >= size);
  return step
    ? format.format(Math.trunc(seconds / step[1]), step[0])
    : format.format(Math.min(0, seconds), 'second');
}
