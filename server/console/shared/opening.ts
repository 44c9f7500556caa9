/** PURE. Opening hours as people write them, one day a line: "9–12:30, 14:00–18:00". */
import type { OpenSpan } from './fence.ts';

const DAY = 1440;
const MOST_SPANS = 6;

/** Null when the text is no list of spans; an empty text is a day closed. */
export function readDay(text: string): OpenSpan[] | null {
  if (text.trim() === '') return [];
  const spans = text.split(/[,;，；、]/).map(readSpan);
  if (spans.length > MOST_SPANS || spans.includes(null)) return null;
  return spans as OpenSpan[];
}

function readSpan(text: string): OpenSpan | null {
  const ends = text.trim().split(/\s*(?:[-–—~～]|至|到)\s*/);
  if (ends.length !== 2) return null;
  const [opens, closes] = ends.map(readTime);
  if (opens == null || closes == null || opens === DAY) return null;
  return [opens, closes];
}

function readTime(text: string): number | null {
  const found = /^(\d{1,2})(?:[:.：](\d{2}))?$/.exec(text);
  if (!found) return null;
  const minutes = Number(found[1]) * 60 + Number(found[2] ?? 0);
  return Number(found[2] ?? 0) < 60 && minutes <= DAY ? minutes : null;
}

export function writeDay(spans: readonly OpenSpan[]): string {
  return spans.map(([opens, closes]) => `${time(opens)}–${time(closes)}`).join(', ');
}

const two = (value: number): string => String(value).padStart(2, '0');
const time = (minutes: number): string => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
