/** PURE. Many pings of one device in the one right order, whatever order they came in. */
import type { FenceIndex } from './fence-index.ts';
import type { Millis } from './lonlat.ts';
import type { Ping, Policy, RefusalReason, StepResult } from './engine.ts';
import type { FenceSight } from './dwell.ts';
import type { DeviceState, Turn } from './state.ts';
import type { Transition, Visit } from './visit.ts';
import { step, tick } from './engine.ts';
import { newCrossings } from './recrossing.ts';

/** Which fences stood when: `fences` from `from` until the next epoch. Sorted; the first from −∞. */
export type Timeline = readonly { readonly from: Millis; readonly fences: FenceIndex }[];

/** A transition with its visit as it stood at that moment; a crossing has none. */
export interface Happening {
  readonly transition: Transition;
  readonly visit: Visit | null;
}

export interface Run {
  readonly state: DeviceState;
  /** Of each ping in the order given: null when accepted. */
  readonly reasons: readonly (RefusalReason | null)[];
  readonly happenings: readonly Happening[];
  /** Each visit that was told, as last told, by id. */
  readonly visits: ReadonlyMap<string, Visit>;
}

export interface RunOptions {
  /** Silence is judged up to here after the last ping. */
  readonly until?: Millis;
  /** Called with every state in turn: for checkpoints, and for those who ask why. */
  readonly onStep?: (ping: Ping, result: StepResult, sights: readonly FenceSight[]) => void;
}

/** Negative when `a` is taken before `b`: by time, then by key. */
export function compareTurns(a: Turn, b: Turn): number {
  return a.t - b.t || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/** Whether the state was already judged by something that comes after this ping. */
export function isLate(state: DeviceState, ping: Turn): boolean {
  if (state.settled !== null && ping.t < state.settled) return true;
  return state.head !== null && compareTurns(ping, state.head) <= 0;
}

/**
 * Runs pings through the engine: in the one order, each through the fences that stood when it was
 * taken. `start` must not be ahead of any of them (see `isLate`). Equal sets of pings give equal
 * results, whatever order they are given in and whenever silence was asked about before.
 */
export function run(
  start: DeviceState,
  pings: readonly Ping[],
  timeline: Timeline,
  policy: Policy,
  options: RunOptions = {},
): Run {
  const order = pings.map((ping, i) => ({ i, t: ping.t, key: ping.key ?? '' }));
  const told: Told = { happenings: [], visits: new Map() };
  const reasons: (RefusalReason | null)[] = pings.map(() => null);
  const walk = walkOf(start, timeline, policy, told);
  for (const { i } of order.toSorted(compareTurns)) {
    const ping = pings[i] as Ping;
    const fences = walk.reach(ping.t);
    const sights: FenceSight[] | undefined = options.onStep && [];
    const result = step(walk.state, ping, fences, policy, sights);
    walk.state = result.state;
    reasons[i] = result.verdict.reason ?? null;
    tell(told, result);
    options.onStep?.(ping, result, sights ?? []);
  }
  if (options.until !== undefined) walk.rest(options.until);
  return { state: walk.state, reasons, ...told };
}

interface Told {
  readonly happenings: Happening[];
  readonly visits: Map<string, Visit>;
}

/** Gathers what one step had to say; of a visit the last edition counts. */
function tell(told: Told, { transitions, visits }: StepResult): void {
  for (const transition of transitions) {
    const visit = visits.find((each) => each.id === transition.visit) ?? null;
    told.happenings.push({ transition, visit });
  }
  for (const visit of visits) told.visits.set(visit.id, visit);
}

interface Walk {
  state: DeviceState;
  /** The fences that stand at `t`, after everything that changed until then was taken in. */
  reach(t: Millis): FenceIndex;
  /** Lets time pass up to `t`. */
  rest(t: Millis): void;
}

function walkOf(start: DeviceState, timeline: Timeline, policy: Policy, told: Told): Walk {
  let at = epochAt(timeline, seenUntil(start));
  const settleAt = (t: Millis): void => {
    const result = tick(walk.state, t, timeline[at]?.fences as FenceIndex, policy);
    walk.state = result.state;
    tell(told, result);
  };
  const walk: Walk = {
    state: start,
    reach: (t) => {
      for (let next = timeline[at + 1]; next && next.from <= t; next = timeline[at + 1]) {
        // What silence decided before the change, it decided about the fences as they were.
        settleAt(next.from);
        at++;
        settleAt(next.from);
      }
      return timeline[at]?.fences as FenceIndex;
    },
    rest: (t) => {
      walk.reach(t);
      settleAt(t);
    },
  };
  return walk;
}

/** The instant up to which a state has been judged. */
export const seenUntil = ({ head, settled }: DeviceState): Millis =>
  Math.max(head?.t ?? -Infinity, settled ?? -Infinity);

function epochAt(timeline: Timeline, t: Millis): number {
  let at = 0;
  while (at + 1 < timeline.length && (timeline[at + 1]?.from as Millis) <= t) at++;
  return at;
}

export interface Revision {
  /** With the late pings in their places. */
  readonly run: Run;
  /** Of the late pings, in the order given. */
  readonly lateReasons: readonly (RefusalReason | null)[];
  /** Of the stored pings, in the order given, with and without the late ones. */
  readonly storedReasons: readonly (RefusalReason | null)[];
  readonly storedReasonsBefore: readonly (RefusalReason | null)[];
  /** What happened and was not told before; told in the order in which it came to light. */
  readonly fresh: readonly Happening[];
  /** Visits that are new (`was` null) or stand differently; `was` is the visit as told before. */
  readonly changed: readonly { readonly visit: Visit; readonly was: Visit | null }[];
  /** Visits that were told and never were. */
  readonly retracted: readonly Visit[];
}

/**
 * What late pings change: history from `start` on with and without them, compared. A visit told
 * before is the same visit when it is in the same fence and overlaps in time, even though its first
 * ping, and with it its id, may be another.
 */
export function revise(
  start: DeviceState,
  stored: readonly Ping[],
  late: readonly Ping[],
  timeline: Timeline,
  policy: Policy,
  options: RunOptions = {},
): Revision {
  const { until } = options;
  const before = run(start, stored, timeline, policy, until === undefined ? {} : { until });
  const after = run(start, [...stored, ...late], timeline, policy, options);
  return difference(start, before, after, policy);
}

/**
 * What was told by `before` and what is to be told now; both runs began at `start`, and `after` was
 * given the pings of `before` first.
 */
export function difference(
  start: DeviceState,
  before: Run,
  after: Run,
  policy: Pick<Policy, 'crossSeconds'>,
): Revision {
  const pairs = pairVisits(before.visits, after.visits);
  // Nothing late undoes those: the new run only had no reason yet to tell of them again.
  const begun = new Set(start.fences.map(({ phase, visit }) => phase !== 'candidate' && visit?.id));
  const gone = new Map(before.visits);
  const changed: { visit: Visit; was: Visit | null }[] = [];
  for (const visit of after.visits.values()) {
    const was = pairs.get(visit.id) ?? null;
    if (was) gone.delete(was.id);
    if (!was || JSON.stringify(was) !== JSON.stringify(visit)) changed.push({ visit, was });
  }
  const known = new Map<string, number>();
  for (const h of before.happenings) {
    const name = nameOf(h, h.transition.visit);
    known.set(name, (known.get(name) ?? 0) + 1);
  }
  const crossings = newCrossings(before.happenings, after.happenings, policy.crossSeconds * 1000);
  const isNew = (h: Happening): boolean => {
    if (h.transition.type === 'crossed') return crossings.has(h);
    const id = h.transition.visit;
    const name = nameOf(h, id === undefined ? undefined : (pairs.get(id)?.id ?? id));
    const left = known.get(name) ?? 0;
    // A visit may be left and returned to more than once.
    known.set(name, left - 1);
    return left <= 0;
  };
  return {
    run: after,
    storedReasonsBefore: before.reasons,
    storedReasons: after.reasons.slice(0, before.reasons.length),
    lateReasons: after.reasons.slice(before.reasons.length),
    fresh: after.happenings.filter(isNew),
    changed,
    retracted: [...gone.values()].filter(({ id }) => !begun.has(id)),
  };
}

/** What makes a transition the same one when history is told again. */
function nameOf({ transition }: Happening, visit: string | undefined): string {
  const { type, fence, tierSeconds } = transition;
  return `${type} ${fence} ${visit} ${type === 'dwelled' ? tierSeconds : ''}`;
}

/** For each visit of `after` the one of `before` that it continues, by id. */
function pairVisits(
  before: ReadonlyMap<string, Visit>,
  after: ReadonlyMap<string, Visit>,
): Map<string, Visit> {
  const pairs = new Map<string, Visit>();
  const free = new Map(before);
  for (const id of after.keys()) {
    const same = free.get(id);
    if (same && free.delete(id)) pairs.set(id, same);
  }
  for (const visit of after.values()) {
    if (pairs.has(visit.id)) continue;
    for (const old of free.values()) {
      if (old.fence !== visit.fence || !overlap(old, visit)) continue;
      free.delete(old.id);
      pairs.set(visit.id, old);
      break;
    }
  }
  return pairs;
}

/** Whether somebody could have been in both visits at one moment. */
export function overlap(a: Visit, b: Visit): boolean {
  const start = (v: Visit): Millis => v.entry.latest ?? v.entry.estimate;
  const end = (v: Visit): Millis => v.exit?.estimate ?? Infinity;
  return start(a) <= end(b) && start(b) <= end(a);
}
