/** PURE. The door of the engine: step(state, ping, fences, policy) gives the next state, transitions and visits. */
import type { FenceSight, Teller } from './dwell.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { Ping, RefusalReason } from './quality.ts';
import type { DeviceState } from './state.ts';
import type { Transition, Visit } from './visit.ts';
import { accept } from './accept.ts';
import { judge } from './quality.ts';
import { settle } from './settle.ts';

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

/**
 * Takes one ping. Never throws and never mutates; a refused ping changes next to nothing. `sights`,
 * when given, is filled with how the ping looked from each fence.
 */
export function step(
  state: DeviceState,
  ping: Ping,
  fences: FenceIndex,
  policy: Policy,
  sights?: FenceSight[],
): StepResult {
  const judgement = judge(ping, state.last, state.suspect, policy);
  if (judgement.reason !== null) {
    const same = judgement.suspect === state.suspect;
    const head = { t: ping.t + 0, key: ping.key ?? '' };
    return {
      state: same ? state : { ...state, head, suspect: judgement.suspect },
      verdict: { accepted: false, reason: judgement.reason },
      transitions: [],
      visits: [],
    };
  }
  const teller = tellerOf(state, policy, sights);
  const rested = settle(state, ping.t, fences, policy, teller);
  const next = accept(rested, ping, judgement, fences, policy, teller);
  return {
    state: next,
    verdict: { accepted: true },
    transitions: teller.transitions,
    visits: teller.visits,
  };
}

/**
 * Lets time pass without a ping: silence closes visits, closed visits become final, and fences that
 * were edited or removed are judged anew. What silence decides is stamped with its deadline, so that
 * it does not matter when, or whether, this was asked before the next ping.
 */
export function tick(
  state: DeviceState,
  now: Millis,
  fences: FenceIndex,
  policy: Policy,
): StepResult {
  const teller = tellerOf(state, policy);
  const next = settle(state, now, fences, policy, teller);
  return {
    state: next,
    verdict: { accepted: true },
    transitions: teller.transitions,
    visits: teller.visits,
  };
}

function tellerOf({ device }: DeviceState, policy: Policy, sights?: FenceSight[]): Teller {
  const teller: Teller = { device, policy, transitions: [], visits: [] };
  return sights ? { ...teller, sights } : teller;
}

/** When silence closes what is open, if no ping comes; null when nothing is. */
export function nextDeadline(state: DeviceState, policy: Policy): Millis | null {
  if (state.last === null || state.fences.every((f) => f.phase === 'away')) return null;
  return state.last.t + policy.timeoutSeconds * 1000;
}
