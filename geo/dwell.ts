/** PURE. The state machine of one device in one fence. */
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { Metres, Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { EvidenceKind, Fix } from './quality.ts';
import type { FenceState, VisitSums } from './state.ts';
import type { Transition, Visit } from './visit.ts';
import { addInside, joinSums, startSums } from './sums.ts';
import { latest, soonest } from './sight.ts';
import { dwellLower, toVisit } from './visit.ts';

/** What one ping says about one fence, after the belief update. */
export interface Sight {
  readonly t: Millis;
  /** Belief in this fence, in none, and in its rivals (id, belief; best first). */
  readonly p: number;
  readonly none: number;
  readonly rivals: readonly (readonly [string, number])[];
  /** Other fences lie in this one, and the rivals are chiefly those. */
  readonly holds: boolean;
  readonly acc: Metres;
  /** Independence of this ping from the one before, 0..1. */
  readonly weight: number;
  /** Probability of standing rather than walking. */
  readonly pStill: number;
  /** The fix was set aside as an outlier: it says neither inside nor outside. */
  readonly odd: boolean;
  readonly evidence: EvidenceKind | null;
  readonly jumped: boolean;
  /** The track is smoother than any real one. */
  readonly perfect: VisitSums['perfect'] | null;
  /** The fence was drawn or redrawn around the device since its last fix. */
  readonly edited: boolean;
  /** False when the fix is too coarse for a fence of this size to open a visit. */
  readonly mayOpen: boolean;
  /** Belief asked for beyond the usual, because the fix is coarse for a fence of this size. */
  readonly caution: number;
  /** Wide enough to be entered without a hold. */
  readonly wide: boolean;
  /** What was looked at and from where: for the earliest entry and latest exit, if it is outside. */
  readonly seen: Contender;
  readonly fix: Fix;
}

/** Collects what one step has to say. */
export interface Teller {
  readonly device: string;
  readonly policy: Policy;
  readonly transitions: Transition[];
  readonly visits: Visit[];
  /** Filled for those who ask why. */
  readonly sights?: FenceSight[];
}

/** How one ping looked from one fence, and what came of it. */
export interface FenceSight {
  readonly sight: Sight;
  readonly fence: Fence;
  readonly before: FenceState;
  readonly after: FenceState;
}

/** An open visit is handed out again at least this often while pings keep coming. */
const TELL_EVERY: Millis = 60_000;

/** As much of a fence as telling of a visit needs, so that a removed one can still be told of. */
export interface FenceName {
  readonly id: string;
  readonly definition: { readonly minDwellSeconds?: number };
}

const minDwell = (fence: FenceName, policy: Policy): number =>
  fence.definition.minDwellSeconds ?? policy.minDwellSeconds;

function tell(
  sums: VisitSums,
  status: Visit['status'],
  fence: FenceName,
  now: Millis,
  teller: Teller,
): VisitSums {
  const told = { ...sums, revision: sums.revision + 1, toldAt: now };
  const { device, policy } = teller;
  teller.visits.push(toVisit(told, device, fence.id, status, policy, minDwell(fence, policy)));
  return told;
}

function ripe(sums: VisitSums, sight: Sight, policy: Policy): boolean {
  if (!sight.mayOpen) return false;
  if ((sight.wide || sums.evidence.length > 0) && sight.p >= policy.immediateAt) return true;
  return (
    sight.p >= policy.enterAt + sight.caution &&
    sums.pings >= policy.enterPings &&
    sight.t - sums.first >= policy.enterSeconds * 1000
  );
}

/** A dwell threshold by its number: the fence's minimum, then the policy's tiers above it. */
function tierAt(number: number, least: number, tiers: readonly number[]): number {
  if (number === 0) return least;
  let left = number;
  for (let i = 0; i < tiers.length; i++) {
    const tier = tiers[i] as number;
    if (tier > least && --left === 0) return tier;
  }
  return Infinity;
}

function announceDwell(sums: VisitSums, fence: Fence, sight: Sight, teller: Teller): VisitSums {
  const { policy } = teller;
  const least = minDwell(fence, policy);
  const dwelled = dwellLower(sums);
  let reached = sums.tiers;
  for (;;) {
    const tierSeconds = tierAt(reached, least, policy.tierSeconds);
    if (dwelled < tierSeconds) break;
    teller.transitions.push({
      type: 'dwelled',
      fence: fence.id,
      visit: sums.id,
      at: sums.first + tierSeconds * 1000 + (sums.last - sums.first - sums.observed),
      detectedAt: sight.t,
      p: sight.p,
      tierSeconds,
    });
    reached++;
  }
  return reached === sums.tiers ? sums : { ...sums, tiers: reached };
}

function enter(
  sums: VisitSums,
  again: boolean,
  state: FenceState,
  fence: Fence,
  sight: Sight,
  teller: Teller,
): FenceState {
  const at = again ? (state.again?.first ?? sight.t) : sums.first;
  teller.transitions.push({
    type: 'entered',
    fence: fence.id,
    visit: sums.id,
    at,
    detectedAt: sight.t,
    p: sight.p,
    ...(again ? { reason: 'returned' } : sums.edited ? { reason: 'fence_changed' } : {}),
  });
  const told = tell(announceDwell(sums, fence, sight, teller), 'open', fence, sight.t, teller);
  return { fence: fence.id, p: sight.p, phase: 'inside', since: at, from: null, visit: told };
}

/** Away, or gone and perhaps coming back: gather evidence of a presence until it is ripe. */
function outside(state: FenceState, fence: Fence, sight: Sight, teller: Teller): FenceState {
  const { policy, device } = teller;
  const gone = state.phase === 'gone';
  const pending = gone ? (state.again ?? null) : state.visit;
  const { again: _, ...rest } = state;
  const idle: FenceState = {
    ...rest,
    p: sight.p,
    ...(gone ? {} : { visit: null, phase: 'away' as const }),
  };
  if (
    pending === null ? sight.p < policy.candidateAt + sight.caution : sight.p < policy.releaseAt
  ) {
    return {
      ...idle,
      from: sight.p <= policy.leaveAt ? soonest(sight.seen, sight.fix, policy) : state.from,
    };
  }
  if (pending === null && !sight.mayOpen) return idle;
  const start =
    pending ??
    startSums(sight, state.from === null ? null : Math.min(state.from, sight.t), fence, device);
  const sums = addInside(start, sight, policy);
  if (!ripe(sums, sight, policy)) {
    return gone
      ? { ...idle, again: sums }
      : { ...idle, phase: 'candidate', since: sums.first, visit: sums };
  }
  if (!gone || !state.visit) return enter(sums, false, state, fence, sight, teller);
  const soon = sums.first - (state.visit.exit?.earliest ?? state.visit.last);
  if (soon <= policy.reopenSeconds * 1000) {
    return enter(
      joinSums(state.visit, sums),
      true,
      { ...state, again: sums },
      fence,
      sight,
      teller,
    );
  }
  tell(state.visit, 'final', fence, sight.t, teller);
  return enter(sums, false, state, fence, sight, teller);
}

const stillThere = (
  { fence, since, from }: FenceState,
  visit: VisitSums,
  p: number,
): FenceState => ({ fence, p, phase: 'inside', since, from, visit });

function present(
  state: FenceState,
  sums: VisitSums,
  fence: Fence,
  sight: Sight,
  teller: Teller,
): FenceState {
  const { policy } = teller;
  if (sight.p > policy.leaveAt) {
    if (sight.odd || sight.p < policy.releaseAt) {
      return stillThere(state, sums.exit === null ? sums : { ...sums, exit: null }, sight.p);
    }
    const counted = addInside(sums, sight, policy);
    const announced = announceDwell(counted, fence, sight, teller);
    const due =
      announced.tiers !== sums.tiers ||
      sight.t - sums.toldAt >= TELL_EVERY ||
      counted.evidence !== sums.evidence;
    const visit = due ? tell(announced, 'open', fence, sight.t, teller) : announced;
    return stillThere(state, visit, sight.p);
  }
  const first = state.phase === 'inside';
  const since = first ? sight.t : state.since;
  const exit =
    first || !sums.exit
      ? { earliest: sums.last, latest: Math.max(sums.last, latest(sight.seen, sight.fix, policy)) }
      : sums.exit;
  const leaving: FenceState = {
    ...state,
    p: sight.p,
    phase: 'leaving',
    since,
    from: soonest(sight.seen, sight.fix, policy),
    visit: { ...sums, exit },
  };
  // One wild fix is no exit: it takes a second ping outside, or time.
  const sure =
    (!first && sight.p <= policy.exitAt) || sight.t - since >= policy.leaveSeconds * 1000;
  return sure ? closeVisit(leaving, fence, sight.t, sight.p, undefined, teller) : leaving;
}

/**
 * Ends an open visit. Without a seen exit it is right-censored: its end is not made up. A fence that
 * changed or went is left by that moment at the latest.
 */
export function closeVisit(
  state: FenceState,
  fence: FenceName,
  now: Millis,
  p: number,
  reason: string | undefined,
  teller: Teller,
): FenceState {
  const sums = state.visit as VisitSums;
  const byChange = reason === 'fence_changed' || reason === 'fence-removed';
  const exit = sums.exit ?? { earliest: sums.last, latest: byChange ? now : null };
  const at = exit.latest === null ? exit.earliest : (exit.earliest + exit.latest) / 2;
  teller.transitions.push({
    type: 'left',
    fence: fence.id,
    visit: sums.id,
    at: Math.round(at),
    detectedAt: now,
    p,
    ...(reason === undefined ? {} : { reason }),
  });
  const visit = tell({ ...sums, exit }, 'closed', fence, now, teller);
  return { ...state, p, phase: 'gone', since: now, visit };
}

/** Makes a closed visit final; from here on it no longer changes. */
export function finishVisit(
  state: FenceState,
  fence: FenceName,
  now: Millis,
  teller: Teller,
): void {
  if (state.phase === 'gone' && state.visit) tell(state.visit, 'final', fence, now, teller);
}

/**
 * The last instant at which a closed visit can still be continued by a presence that is not yet under
 * way; null when there is no such visit, or when one is under way.
 */
export function reopenableUntil(state: FenceState, policy: Policy): Millis | null {
  if (state.phase !== 'gone' || state.again || !state.visit) return null;
  return (state.visit.exit?.earliest ?? state.visit.last) + policy.reopenSeconds * 1000;
}

/** An open visit goes on under a new version of its fence. */
export function adoptFence(
  state: FenceState,
  sums: VisitSums,
  fence: Fence,
  now: Millis,
  teller: Teller,
): FenceState {
  const adopted = { ...sums, fenceVersion: fence.version };
  return { ...state, visit: tell(adopted, 'open', fence, now, teller) };
}

/** Moves one fence on by one ping. */
export function advance(state: FenceState, fence: Fence, sight: Sight, teller: Teller): FenceState {
  const open = state.phase === 'inside' || state.phase === 'leaving';
  if (open && state.visit) return present(state, state.visit, fence, sight, teller);
  const next = outside(state, fence, sight, teller);
  const until = reopenableUntil(next, teller.policy);
  if (until === null || sight.t <= until) return next;
  finishVisit(next, fence, sight.t, teller);
  return {
    fence: fence.id,
    p: next.p,
    phase: 'away',
    since: sight.t,
    from: next.from,
    visit: null,
  };
}
