/** PURE. Many pings of one device through the engine in the order they were taken. */
import type { DeviceState, Policy } from '../../geo/engine.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Transition, Visit } from '../../geo/visit.ts';
import type { ParsedPing } from './ping.ts';
import { nextDeadline, step, tick } from '../../geo/engine.ts';
import { aheadShift, engineTime } from './clock.ts';

/** A transition with its visit as it stood at that moment; crossings have none. */
export interface Happening {
  transition: Transition;
  visit: Visit | null;
}

export interface Advanced {
  state: DeviceState;
  /** Why each ping was refused, null where accepted, in the order given. */
  reasons: (string | null)[];
  happenings: Happening[];
  /** Each visit that changed, as it stands now. */
  visits: Visit[];
  /** When silence must be judged; null when nothing is open. */
  wakeAt: number | null;
}

/** While a backlog streams in, silence by the phone's clock means nothing: wait for this much by ours. */
const BACKLOG_PAUSE = 5 * 60_000;
const LIVE_WITHIN = 120_000;

/** Steps the pings by their own time; those refused beforehand are passed over. */
export function advance(
  start: DeviceState,
  pings: readonly ParsedPing[],
  fences: FenceIndex,
  policy: Policy,
  received: number,
): Advanced {
  const reasons = pings.map((ping) => ping.refusal);
  const newest = pings.reduce(
    (max, p) => (p.refusal === null ? Math.max(max, p.at) : max),
    -Infinity,
  );
  const shift = aheadShift(newest, received);
  const order = pings
    .map((ping, i) => ({ ping, i, t: engineTime(ping.at, shift, received) }))
    .filter(({ ping }) => ping.refusal === null)
    .toSorted((a, b) => a.t - b.t || a.i - b.i);
  const told: Told = { happenings: [], visits: new Map() };
  let state = start;
  for (const { ping, i, t } of order) {
    const { accuracy, accuracyKind, lon, lat, speed, still, mock } = ping;
    const spoken = speed === null ? {} : { speed };
    const fix = { t, lon, lat, acc: accuracy, accKind: accuracyKind, still, mock, ...spoken };
    const result = step(state, fix, fences, policy);
    state = result.state;
    reasons[i] = result.verdict.accepted ? null : (result.verdict.reason ?? 'refused');
    tell(told, result);
  }
  return {
    state,
    reasons,
    happenings: told.happenings,
    visits: [...told.visits.values()],
    wakeAt: wakeOf(state, policy, received),
  };
}

/** Lets a device's silence be judged at `now` (wall clock). */
export function advanceSilence(
  start: DeviceState,
  fences: FenceIndex,
  policy: Policy,
  now: number,
): Advanced {
  const result = tick(start, now, fences, policy);
  const told: Told = { happenings: [], visits: new Map() };
  tell(told, result);
  const next = nextDeadline(result.state, policy);
  // Strictly later, or a state that has nothing to say would be asked again and again.
  const wakeAt = next === null ? null : Math.max(next, now + 60_000);
  return {
    state: result.state,
    reasons: [],
    happenings: told.happenings,
    visits: [...told.visits.values()],
    wakeAt,
  };
}

function wakeOf(state: DeviceState, policy: Policy, received: number): number | null {
  const deadline = nextDeadline(state, policy);
  if (deadline === null) return null;
  const late = received - (state.last?.t ?? received) > LIVE_WITHIN;
  return late ? Math.max(deadline, received + BACKLOG_PAUSE) : deadline;
}

interface Told {
  happenings: Happening[];
  visits: Map<string, Visit>;
}

/** Gathers what one step had to say; of a visit the last edition counts. */
function tell(
  told: Told,
  result: { transitions: readonly Transition[]; visits: readonly Visit[] },
): void {
  for (const transition of result.transitions) {
    const visit = result.visits.find((each) => each.id === transition.visit) ?? null;
    told.happenings.push({ transition, visit });
  }
  for (const visit of result.visits) told.visits.set(visit.id, visit);
}
