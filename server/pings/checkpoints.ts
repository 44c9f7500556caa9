/** PURE. When a device's state is worth remembering as it stands: a rewind starts from there. */
import type { StepResult } from '../../geo/engine.ts';
import type { DeviceState } from '../../geo/state.ts';
import { seenUntil } from '../../geo/history.ts';

/** A state and the instant (ms since 1970) up to which everything has entered into it. */
export interface Checkpoint {
  at: number;
  state: DeviceState;
}

/** At least one for so many pings, and one for each hour with any. */
const CHECKPOINT_EVERY = 500;
const HOUR = 3_600_000;
/** Of a device's blank first state: before every ping. */
const BEGINNING = 0;

const hourOf = (t: number): number => Math.floor(t / HOUR);

export interface Checkpoints {
  /** To be called with each step's result in turn. */
  onStep: (ping: unknown, result: StepResult) => void;
  found(): readonly Checkpoint[];
  /** Pings judged since the newest. */
  since(): number;
}

/** Remembers the state as it was before a ping that begins an hour, or follows very many. */
export function watchStates(start: DeviceState, sinceNewest: number): Checkpoints {
  const found = new Map<number, DeviceState>();
  let before = start;
  let since = sinceNewest;
  const keep = (): void => {
    found.set(checkpointAt(before), before);
    since = 0;
  };
  return {
    onStep(_, { state }) {
      if (state !== before && state.head !== null) {
        const begins = before.head !== null && hourOf(state.head.t) !== hourOf(before.head.t);
        if (begins || since >= CHECKPOINT_EVERY) keep();
      }
      since++;
      before = state;
    },
    found: () => [...found].map(([at, state]) => ({ at, state })),
    since: () => since,
  };
}

/** Whether a run over so many pings up to `newest` may come upon a state worth remembering. */
export function worthWatching(
  state: DeviceState,
  sinceNewest: number,
  pings: number,
  newest: number,
): boolean {
  if (sinceNewest + pings > CHECKPOINT_EVERY) return true;
  return state.head !== null && hourOf(newest) !== hourOf(state.head.t);
}

/** Everything in the state lies at or before this; a blank state lies before everything. */
export function checkpointAt(state: DeviceState): number {
  const seen = seenUntil(state);
  return seen === -Infinity ? BEGINNING : seen;
}
