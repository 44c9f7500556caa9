/** PURE. Engine states out of storage: those of older releases are carried over, never thrown away. */
import type { DeviceState } from '../../geo/state.ts';
import { initialState } from '../../geo/engine.ts';

/** As earlier releases wrote it: without an order of pings. */
interface StateV1 extends Omit<Partial<DeviceState>, 'v'> {
  v: 1;
}

/** Sorts after any key: every ping of that instant counts as taken. */
const AFTER_ALL_KEYS = '\uffff';

/** The state as this release writes it; a blank one when there is none, or it is from a newer one. */
export function rememberedState(stored: unknown, deviceId: string): DeviceState {
  const state = stored as DeviceState | StateV1 | null;
  if (state?.v === 2) return state;
  if (state?.v !== 1) return initialState(deviceId);
  const { last } = state;
  return {
    ...initialState(deviceId),
    ...state,
    v: 2,
    head: last ? { t: last.t, key: AFTER_ALL_KEYS } : null,
    settled: null,
  };
}

/** Whether history can be run again from this stored state on, and from no earlier one. */
export function beginsHistory(stored: unknown): boolean {
  return stored === null || (stored as Partial<StateV1>).v === 1;
}
