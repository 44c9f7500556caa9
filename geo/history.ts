/** PURE. Many pings of one device in the one right order, whatever order they came in. */
import type { FenceIndex } from './fence-index.ts';
import type { Millis } from './lonlat.ts';
import type { Ping, Policy, RefusalReason, StepResult } from './engine.ts';
import type { FenceSight } from './dwell.ts';
import type { DeviceState, Turn } from './state.ts';
import type { Transition, Visit } from './visit.ts';
import { step, tick } from './engine.ts';

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
