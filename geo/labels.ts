/** PURE. A crowd through the engine: each visit with what it shows and with what was true. */
import type { Crowd, Person, Presence } from './crowd.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Timeline } from './history.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { Ping } from './quality.ts';
import type { Signs } from './score-model.ts';
import type { VisitSums } from './state.ts';
import type { Visit } from './visit.ts';
import { createFenceIndex } from './fence-index.ts';
import { run } from './history.ts';
import { signsOf } from './score.ts';
import { initialState } from './state.ts';

export interface Labelled extends ClaimedVisit {
  /** The device truly was in the fence at the time. */
  readonly here: 0 | 1;
  /** It truly was a visit: there, and for the minimum dwell at least. */
  readonly truth: 0 | 1;
}

export interface Labels {
  readonly rows: readonly Labelled[];
  /** True stays of at least the minimum dwell at fences that are no hall, and how many were found. */
  readonly stays: number;
  readonly found: number;
}

/** After so long without a ping everything is decided. */
const SILENCE: Millis = 6 * 3_600_000;

/** Runs everybody through the engine and compares with the truth. */
export function labelCrowd(crowd: Crowd, policy: Policy): Labels {
  const fences = createFenceIndex(crowd.fences);
  const rows: Labelled[] = [];
  let [stays, found] = [0, 0];
  const parents = new Set(crowd.fences.map((fence) => fence.parent));
  for (const person of crowd.people) {
    const labelled = labelPerson(person, fences, policy);
    rows.push(...labelled);
    const real = staysOf(person.presences, policy.reopenSeconds * 1000).filter(
      (stay) => !parents.has(stay.fence) && isLong(stay, minimumOf(stay.fence, fences, policy)),
    );
    stays += real.length;
    found += labelled.filter((row) => row.truth === 1 && !parents.has(row.visit.fence)).length;
  }
  return { rows, stays, found };
}

/** A visit that the engine claims, and what it showed. */
export interface ClaimedVisit {
  readonly visit: Visit;
  readonly signs: Signs;
}

/** All visits of a device, run from its first ping, with the signs they are scored by. */
export function claimsOf(
  device: string,
  pings: readonly Ping[],
  timeline: Timeline,
  policy: Policy,
): ClaimedVisit[] {
  const known = new Map<string, VisitSums>();
  const fences = timeline.at(-1)?.fences;
  const latest = pings.reduce((most, { t }) => Math.max(most, t), 0);
  const { visits } = run(initialState(device), pings, timeline, policy, {
    until: latest + SILENCE,
    onStep: (_, { state }) => {
      for (const { visit } of state.fences) if (visit) known.set(visit.id, visit);
    },
  });
  return [...visits.values()].flatMap((visit) => {
    const last = known.get(visit.id);
    if (!last || !fences) return [];
    const sums = { ...last, exit: visit.rightCensored ? null : last.exit };
    return [{ visit, signs: signsOf(sums, visit.dwell, minimumOf(visit.fence, fences, policy)) }];
  });
}

function labelPerson(person: Person, fences: FenceIndex, policy: Policy): Labelled[] {
  const { device, pings, presences } = person;
  const claims = claimsOf(device, pings, [{ from: -Infinity, fences }], policy);
  const visits = claims.map(({ visit }) => visit);
  const minimum = (fence: string): number => minimumOf(fence, fences, policy);
  const truths = verdictsOf(visits, presences, minimum, policy.reopenSeconds * 1000);
  return claims.map((claim, i) => {
    const { fence } = claim.visit;
    const here = presences.some((p) => p.fence === fence && shared(claim.visit, p) >= 0);
    return { ...claim, here: here ? 1 : 0, truth: truths[i] ? 1 : 0 };
  });
}

/** Seconds that make a visit to a fence. */
function minimumOf(fence: string, fences: FenceIndex, policy: Policy): number {
  return fences.get(fence)?.definition.minDwellSeconds ?? policy.minDwellSeconds;
}

const isLong = (stay: Presence, seconds: number): boolean => stay.to - stay.from >= seconds * 1000;

/** How much of what the engine saw inside was truly inside; negative when nothing. */
function shared(visit: Visit, stay: Presence): Millis {
  const from = visit.entry.latest ?? visit.entry.estimate;
  const to = visit.exit?.earliest ?? from + visit.dwell.lower * 1000;
  return Math.min(stay.to, to) - Math.max(stay.from, from);
}

/** Presences at a fence with no more than `bridge` between them are one stay. */
export function staysOf(presences: readonly Presence[], bridge: Millis): Presence[] {
  const stays: Presence[] = [];
  for (const next of presences.toSorted((a, b) => a.from - b.from)) {
    const at = stays.findIndex((s) => s.fence === next.fence && next.from - s.to <= bridge);
    const known = stays[at];
    if (known) stays[at] = { ...known, to: Math.max(known.to, next.to) };
    else stays.push(next);
  }
  return stays;
}

/**
 * For each visit whether it was one: a stay at that fence of at least the minimum dwell, at the time
 * claimed. A stay proves one visit, the one that shares most of it: telling it twice is one too many.
 */
export function verdictsOf(
  visits: readonly Visit[],
  presences: readonly Presence[],
  minimumSeconds: (fence: string) => number,
  bridge: Millis,
): boolean[] {
  const proven = visits.map(() => false);
  for (const stay of staysOf(presences, bridge)) {
    if (!isLong(stay, minimumSeconds(stay.fence))) continue;
    let [best, most] = [-1, -1];
    for (const [i, visit] of visits.entries()) {
      if (visit.fence !== stay.fence || proven[i]) continue;
      const common = shared(visit, stay);
      if (common >= 0 && common > most) [best, most] = [i, common];
    }
    if (best >= 0) proven[best] = true;
  }
  return proven;
}
