/** PURE. What the passing of time decides without a ping: silence, the end of reopening, edited fences. */
import type { Teller } from './dwell.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { DeviceState, FenceState, VisitSums } from './state.ts';
import { adoptFence, closeVisit, finishVisit, reopenableUntil } from './dwell.ts';
import { massInside } from './mass.ts';

/** What became of one followed fence, and the instant at which that was decided. */
interface Settled {
  readonly state: FenceState | null;
  readonly at: Millis;
}

/**
 * The state at `now`. Everything is stamped with the instant that decided it and not with `now`, and
 * settling twice is settling once: so the state after a set of pings does not depend on when somebody
 * asked in between.
 */
export function settle(
  state: DeviceState,
  now: Millis,
  fences: FenceIndex,
  policy: Policy,
  teller: Teller,
): DeviceState {
  if (state.last === null || state.fences.length === 0) return state;
  const deadline = state.last.t + policy.timeoutSeconds * 1000;
  let next: FenceState[] | null = null;
  let settled = state.settled;
  state.fences.forEach((followed, i) => {
    const fence = fences.get(followed.fence);
    const result = fence
      ? settleFence(state, followed, fence, now, deadline, teller)
      : bury(followed, now, teller);
    if (result === null) next?.push(followed);
    else {
      next ??= state.fences.slice(0, i);
      if (result.state) next.push(result.state);
      settled = Math.max(settled ?? -Infinity, result.at);
    }
  });
  return next === null ? state : { ...state, fences: next, settled };
}

/** Null when nothing changed. */
function settleFence(
  state: DeviceState,
  f: FenceState,
  fence: Fence,
  now: Millis,
  deadline: Millis,
  teller: Teller,
): Settled | null {
  if (now >= deadline) return hush(f, fence, now, deadline, teller);
  if (f.visit && f.phase !== 'gone' && f.visit.fenceVersion !== fence.version) {
    return reconsider(state, f, f.visit, fence, now, teller);
  }
  const until = reopenableUntil(f, teller.policy);
  if (until === null || now <= until) return null;
  finishVisit(f, fence, until + 1, teller);
  return { state: awayFrom(f, until + 1), at: until + 1 };
}

function hush(
  f: FenceState,
  fence: Fence,
  now: Millis,
  deadline: Millis,
  teller: Teller,
): Settled | null {
  if (f.phase === 'away' || f.phase === 'candidate') return { state: null, at: deadline };
  const open = f.phase === 'inside' || f.phase === 'leaving';
  const { again, ...rest } = f;
  const closed = open ? closeVisit(f, fence, deadline, f.p, 'timeout', teller) : rest;
  const end = Math.max(deadline, (reopenableUntil(closed, teller.policy) ?? deadline - 1) + 1);
  if (now < end) return open || again ? { state: closed, at: deadline } : null;
  finishVisit(closed, fence, end, teller);
  return { state: null, at: end };
}

const awayFrom = (f: FenceState, since: Millis): FenceState => ({
  fence: f.fence,
  p: f.p,
  phase: 'away',
  since,
  from: f.from,
  visit: null,
});

/** The fence is gone from the index: its visit ends here, unseen, and cannot continue. */
function bury(f: FenceState, now: Millis, teller: Teller): Settled {
  const ghost = { id: f.fence, definition: {} };
  const open = f.phase === 'inside' || f.phase === 'leaving';
  const closed = open ? closeVisit(f, ghost, now, f.p, 'fence-removed', teller) : f;
  finishVisit(closed, ghost, now, teller);
  return { state: null, at: now };
}

/**
 * The fence was edited around the device. Where it was last believed to be decides whether the visit
 * goes on under the new version or ends; a presence not yet entered starts again.
 */
function reconsider(
  state: DeviceState,
  f: FenceState,
  sums: VisitSums,
  fence: Fence,
  now: Millis,
  teller: Teller,
): Settled {
  const at = Math.min(now, Math.max(fence.definition.changedAt ?? now, sums.last));
  if (f.phase === 'candidate') return { state: awayFrom(f, at), at };
  if (fence.kind !== 'ground' || stillInside(state, fence) > teller.policy.leaveAt) {
    return { state: adoptFence(f, sums, fence, at, teller), at };
  }
  const left = closeVisit(f, fence, at, f.p, 'fence_changed', teller);
  return { state: { ...left, from: at }, at };
}

/** Share of where the device may be that lies in the fence. */
function stillInside({ track }: DeviceState, fence: Fence): number {
  if (track === null) return 0;
  const { pStill, still, moving } = track;
  const mass = (b: typeof still): number => massInside(fence, b.lon, b.lat, Math.sqrt(b.variance));
  return pStill * mass(still) + (1 - pStill) * mass(moving);
}
