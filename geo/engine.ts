/** PURE. The door of the engine: step(state, ping, fences, policy) gives the next state, transitions and visits. */
import type { Teller } from './dwell.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { Ping, RefusalReason } from './quality.ts';
import type { DeviceState, FenceState } from './state.ts';
import type { Transition, Visit } from './visit.ts';
import { accept } from './accept.ts';
import { closeVisit, finishVisit, pastReopening } from './dwell.ts';
import { judge } from './quality.ts';

export type { AccuracyKind, Evidence, EvidenceKind, Ping, RefusalReason } from './quality.ts';
export type { DeviceState } from './state.ts';
export type { Policy } from './policy.ts';
export { initialState } from './state.ts';
export { defaultPolicy, parsePolicy } from './policy.ts';

export interface StepResult {
  /** A new object; the one handed in is never changed. */
  readonly state: DeviceState;
  readonly verdict: { readonly accepted: boolean; readonly reason?: RefusalReason };
  readonly transitions: readonly Transition[];
  /** Visits created or changed, whole, to be stored by id. */
  readonly visits: readonly Visit[];
}

/** Takes one ping. Never throws and never mutates; a refused ping changes next to nothing. */
export function step(
  state: DeviceState,
  ping: Ping,
  fences: FenceIndex,
  policy: Policy,
): StepResult {
  const judgement = judge(ping, state.last, state.suspect, policy);
  if (judgement.reason !== null) {
    const same = judgement.suspect === state.suspect;
    return {
      state: same ? state : { ...state, suspect: judgement.suspect },
      verdict: { accepted: false, reason: judgement.reason },
      transitions: [],
      visits: [],
    };
  }
  const teller: Teller = { device: state.device, policy, transitions: [], visits: [] };
  const rested = settle(state, ping.t, fences, policy, teller);
  const next = accept(rested, ping, judgement, fences, policy, teller);
  return {
    state: next,
    verdict: { accepted: true },
    transitions: teller.transitions,
    visits: teller.visits,
  };
}

/** Lets time pass without a ping: silence closes visits, closed visits become final. */
export function tick(
  state: DeviceState,
  now: Millis,
  fences: FenceIndex,
  policy: Policy,
): StepResult {
  const teller: Teller = { device: state.device, policy, transitions: [], visits: [] };
  const next = settle(state, now, fences, policy, teller);
  return {
    state: next,
    verdict: { accepted: true },
    transitions: teller.transitions,
    visits: teller.visits,
  };
}

/** When `tick` next has something to do if no ping comes; null when never. */
export function nextDeadline(state: DeviceState, policy: Policy): Millis | null {
  if (state.last === null) return null;
  const live = state.fences.filter((f) => f.phase !== 'away');
  if (live.length === 0) return null;
  const silence = state.last.t + policy.timeoutSeconds * 1000;
  const finals = live
    .filter((f) => f.phase === 'gone' && !f.again && f.visit)
    .map((f) => (f.visit?.exit?.earliest ?? 0) + policy.reopenSeconds * 1000 + 1);
  return Math.min(silence, ...finals);
}

/** What silence alone decides, stamped with its deadline and not with the time of asking. */
function settle(
  state: DeviceState,
  now: Millis,
  fences: FenceIndex,
  policy: Policy,
  teller: Teller,
): DeviceState {
  if (state.last === null || state.fences.length === 0) return state;
  const deadline = state.last.t + policy.timeoutSeconds * 1000;
  const silent = now >= deadline;
  let changed = false;
  const next: FenceState[] = [];
  for (const followed of state.fences) {
    const fence = fences.get(followed.fence);
    const kept = !fence
      ? bury(followed, now, teller)
      : silent
        ? hush(followed, fence, deadline, now, teller)
        : rest(followed, fence, now, teller);
    if (kept !== followed) changed = true;
    if (kept) next.push(kept);
  }
  return changed ? { ...state, fences: next } : state;
}

function hush(
  f: FenceState,
  fence: Fence,
  deadline: Millis,
  now: Millis,
  teller: Teller,
): FenceState | null {
  if (f.phase === 'away' || f.phase === 'candidate') return null;
  const open = f.phase === 'inside' || f.phase === 'leaving';
  const { again: _, ...closed } = open ? closeVisit(f, fence, deadline, f.p, 'timeout', teller) : f;
  if (!pastReopening(closed, now, teller.policy)) return closed;
  finishVisit(closed, fence, Math.max(deadline, closed.since), teller);
  return null;
}

function rest(f: FenceState, fence: Fence, now: Millis, teller: Teller): FenceState {
  if (!pastReopening(f, now, teller.policy)) return f;
  finishVisit(f, fence, now, teller);
  return { fence: f.fence, p: f.p, phase: 'away', since: now, from: f.from, visit: null };
}

/** The fence is gone from the index: its visit ends here, unseen, and cannot continue. */
function bury(f: FenceState, now: Millis, teller: Teller): null {
  const ghost = { id: f.fence, definition: {} };
  const open = f.phase === 'inside' || f.phase === 'leaving';
  const closed = open ? closeVisit(f, ghost, now, f.p, 'fence-removed', teller) : f;
  finishVisit(closed, ghost, now, teller);
  return null;
}
