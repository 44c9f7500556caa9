/** PURE. What was read from the tables and the event, as facts under the catalogue's names. */
import { localTime, startOfLocalDay } from '../stores/local-time.ts';
import type { Facts } from './evaluate.ts';
import type { FactValue } from './fields.ts';
import type { Occasion } from './occasion.ts';

const DAY_MS = 86_400_000;
/** Days of `guest.visits_30d`, today included. */
const HISTORY_DAYS = 30;
/** Where the zone is unknown days are still counted, by UTC. */
const FALLBACK_ZONE = 'UTC';

/** What the tables said about the subject; null where nothing was asked or found. */
export interface Findings {
  language: string | null;
  consent: boolean;
  /** Quarter hours with a presence, newest 30 days; null when no rule asks about history. */
  seen: Date[] | null;
  /** The last presence before today. */
  lastBefore: Date | null;
  answers: Record<string, string | null> | null;
  openVouchers: number | null;
  dwellLower: number | null;
  fenceCategory: string | null;
}

/** The instants that history is counted between. */
export interface HistorySpan {
  zone: string;
  /** Local midnight before the event. */
  today: number;
  /** Start of the oldest day that counts. */
  since: number;
}

export function historySpan(zone: string | null, at: number): HistorySpan {
  const known = localTime(zone, at) === null ? FALLBACK_ZONE : zone!;
  const today = startOfLocalDay(known, at)!;
  // From noon to noon an hour of summer time cannot move the day.
  const oldest = today + DAY_MS / 2 - (HISTORY_DAYS - 1) * DAY_MS;
  return { zone: known, today, since: startOfLocalDay(known, oldest)! };
}

/** Days between two local dates. */
function daysBetween(earlier: string, later: string): number {
  return Math.round((Date.parse(later) - Date.parse(earlier)) / DAY_MS);
}

function historyFacts(found: Findings, occasion: Occasion, span: HistorySpan) {
  if (found.seen === null) return {};
  const dateOf = (ms: number): string => localTime(span.zone, ms)!.date;
  const today = dateOf(occasion.at);
  const days = new Set(found.seen.map((each) => dateOf(each.getTime())));
  days.add(today);
  const returning = found.lastBefore !== null || occasion.session?.returning === true;
  return {
    'guest.returning': returning,
    'guest.new': !returning,
    'guest.visits_30d': days.size,
    'guest.days_since_last_visit':
      found.lastBefore === null ? null : daysBetween(dateOf(found.lastBefore.getTime()), today),
  };
}

function visitFacts(found: Findings, { visit }: Occasion) {
  if (visit === null) return {};
  return {
    'visit.dwell_seconds': visit.dwellLower ?? found.dwellLower,
    'visit.score': visit.score,
    'visit.band': visit.band,
    'visit.p': visit.p,
    'visit.fence_id': visit.fenceId,
    'visit.fence_category': found.fenceCategory,
  };
}

/** Everything known, by field name; what is null stays out and is therefore unknown. */
export function gather(
  found: Findings,
  occasion: Occasion,
  zone: string | null,
  span: HistorySpan,
): Facts {
  const time = localTime(zone, occasion.at);
  const values: Record<string, FactValue | null | undefined> = {
    'guest.language': found.language,
    'guest.marketing_consent': found.consent,
    ...historyFacts(found, occasion, span),
    'voucher.open_count': found.openVouchers,
    ...visitFacts(found, occasion),
    'store.id': occasion.storeId,
    'time.hour': time && Math.floor(time.minutes / 60),
    'time.weekday': time?.weekday,
    'session.method': occasion.session?.method,
  };
  const facts = new Map<string, FactValue>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined) facts.set(name, value);
  }
  for (const [key, value] of Object.entries(found.answers ?? {})) {
    if (value !== null) facts.set(`answer.${key}`, value);
  }
  return facts;
}
