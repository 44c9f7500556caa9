/** PURE. Two tellings of the same history compared: which visits came, went or stand differently. */
import type { Visit } from './visit.ts';

/** What can differ between two tellings of one visit. */
export type Difference = 'status' | 'band' | 'score' | 'entry' | 'exit' | 'dwell' | 'pings';

export interface ChangedVisit {
  readonly before: Visit;
  readonly after: Visit;
  readonly changes: readonly Difference[];
}

export interface VisitDiff {
  readonly added: readonly Visit[];
  readonly lost: readonly Visit[];
  readonly changed: readonly ChangedVisit[];
  /** How many stand as they did. */
  readonly same: number;
}

/** A second more or less is the same. */
const SAME_MS = 1000;
const SAME_SCORE = 0.005;

/**
 * Compares visits that are worth the name: those of band `none` count as not being there. A visit is
 * the same one when it has the same id, or is of the same device in the same fence and shares the
 * most time. The answer depends on the visits alone, not on the order in which they are given.
 * Only what `counts` is told of; a visit that moved in or out is a changed one.
 */
export function diffVisits(
  before: Iterable<Visit>,
  after: Iterable<Visit>,
  counts: (visit: Visit) => boolean = () => true,
): VisitDiff {
  const old = inOrder(before);
  const fresh = inOrder(after);
  const pairs = pair(old, fresh);
  const kept = new Set(pairs.values());
  const changed: ChangedVisit[] = [];
  let same = 0;
  for (const visit of fresh) {
    const was = pairs.get(visit);
    if (!was || (!counts(was) && !counts(visit))) continue;
    const changes = differences(was, visit);
    if (changes.length === 0) same++;
    else changed.push({ before: was, after: visit, changes });
  }
  return {
    added: fresh.filter((visit) => !pairs.has(visit) && counts(visit)),
    lost: old.filter((visit) => !kept.has(visit) && counts(visit)),
    changed,
    same,
  };
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function inOrder(visits: Iterable<Visit>): Visit[] {
  return [...visits]
    .filter((visit) => visit.band !== 'none')
    .toSorted(
      (a, b) => text(a.device, b.device) || a.entry.estimate - b.entry.estimate || text(a.id, b.id),
    );
}

/** For visits of `fresh` the one of `old` that they are. */
function pair(old: readonly Visit[], fresh: readonly Visit[]): Map<Visit, Visit> {
  const pairs = new Map<Visit, Visit>();
  const byId = new Map(old.map((visit) => [visit.id, visit]));
  for (const visit of fresh) {
    const same = byId.get(visit.id);
    if (same) pairs.set(visit, same);
  }
  const taken = new Set(pairs.values());
  const places = new Map<string, Visit[]>();
  for (const visit of old) {
    const there = places.get(placeOf(visit));
    if (there) there.push(visit);
    else places.set(placeOf(visit), [visit]);
  }
  for (const visit of fresh) {
    if (pairs.has(visit)) continue;
    let best: Visit | null = null;
    for (const each of places.get(placeOf(visit)) ?? []) {
      if (taken.has(each)) continue;
      const shared = sharedTime(each, visit);
      if (shared >= 0 && (best === null || shared > sharedTime(best, visit))) best = each;
    }
    if (best === null) continue;
    taken.add(best);
    pairs.set(visit, best);
  }
  return pairs;
}

const placeOf = (visit: Visit): string => `${visit.device}\n${visit.fence}`;

/** Milliseconds both were there; negative when they never met. */
function sharedTime(a: Visit, b: Visit): number {
  const end = (visit: Visit): number => visit.exit?.estimate ?? Infinity;
  return Math.min(end(a), end(b)) - Math.max(a.entry.estimate, b.entry.estimate);
}

const settled = (visit: Visit): string => (visit.status === 'open' ? 'open' : 'over');

function differences(a: Visit, b: Visit): Difference[] {
  const far = (x: number | null | undefined, y: number | null | undefined): boolean =>
    (x ?? null) === null || (y ?? null) === null
      ? (x ?? null) !== (y ?? null)
      : Math.abs((x as number) - (y as number)) > SAME_MS;
  const found: Difference[] = [];
  if (settled(a) !== settled(b)) found.push('status');
  if (a.band !== b.band) found.push('band');
  if (Math.abs(a.score - b.score) > SAME_SCORE) found.push('score');
  if (far(a.entry.estimate, b.entry.estimate)) found.push('entry');
  if (far(a.exit?.estimate, b.exit?.estimate)) found.push('exit');
  if (far(a.dwell.lower * 1000, b.dwell.lower * 1000)) found.push('dwell');
  if (a.pings !== b.pings) found.push('pings');
  return found;
}
