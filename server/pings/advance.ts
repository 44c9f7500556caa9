/** PURE. A batch's pings by the time they are judged by, and when silence must be judged next. */
import type { DeviceState, Ping, Policy } from '../../geo/engine.ts';
import type { Run, Timeline } from '../../geo/history.ts';
import type { ParsedPing } from './ping.ts';
import { judge } from '../../geo/quality.ts';
import { isLate, run } from '../../geo/history.ts';
import { nextDeadline } from '../../geo/engine.ts';
import { aheadShift, engineTime } from './clock.ts';
import { toEngine } from './history.ts';

/** While a backlog streams in, silence by the phone's clock means nothing: wait for this much by ours. */
const BACKLOG_PAUSE = 5 * 60_000;
const LIVE_WITHIN = 120_000;

/** A ping on its way through the house. */
export interface Candidate {
  parsed: ParsedPing;
  /** As the engine is told it. */
  ping: Ping & { key: string };
  /** Why it cannot be used whatever else is known; null when that is for the engine to say. */
  hopeless: string | null;
}

/** Pings this house makes itself: their clock is ours. */
export const ownClock = (ping: ParsedPing): boolean =>
  ping.source === 'portal' || ping.source === 'session';

/** Pings with the time they are judged by: the device's, put right by `skew`, and never ahead of ours. */
export function judgeable(
  pings: readonly ParsedPing[],
  skew: number,
  policy: Policy,
  received: number,
): Candidate[] {
  const moved = pings.map((ping) => ping.at + (ownClock(ping) ? 0 : skew));
  const newest = pings.reduce(
    (max, { refusal }, i) => (refusal === null ? Math.max(max, moved[i] as number) : max),
    -Infinity,
  );
  const shift = aheadShift(newest, received);
  return pings.map((parsed, i) => {
    const ping = toEngine(parsed, engineTime(moved[i] as number, shift, received));
    // What the engine would refuse in any state need not be put in its place in history.
    const hopeless = parsed.refusal ?? judge(ping, null, null, policy).reason;
    return { parsed, ping, hopeless };
  });
}

/** Whether it must be put in its place among pings judged before. */
export const comesLate = (state: DeviceState, { ping, hopeless }: Candidate): boolean =>
  hopeless === null && isLate(state, ping);

/** When a device must be looked at again if it stays silent; null when nothing is open. */
export function wakeOf(state: DeviceState, policy: Policy, received: number): number | null {
  const deadline = nextDeadline(state, policy);
  if (deadline === null) return null;
  const late = received - (state.last?.t ?? received) > LIVE_WITHIN;
  return late ? Math.max(deadline, received + BACKLOG_PAUSE) : deadline;
}

/** Lets a device's silence be judged at `now` (wall clock). */
export function advanceSilence(
  start: DeviceState,
  timeline: Timeline,
  policy: Policy,
  now: number,
): Run & { wakeAt: number | null } {
  const after = run(start, [], timeline, policy, { until: now });
  const next = nextDeadline(after.state, policy);
  // Strictly later, or a state that has nothing to say would be asked again and again.
  return { ...after, wakeAt: next === null ? null : Math.max(next, now + 60_000) };
}
