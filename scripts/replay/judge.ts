/** PURE. A whole recording through the engine, device by device, until silence has closed everything. */
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Run, RunOptions } from '../../geo/history.ts';
import type { Policy } from '../../geo/engine.ts';
import type { Transition, Visit } from '../../geo/visit.ts';
import type { Sourced } from './files.ts';
import { initialState } from '../../geo/engine.ts';
import { run } from '../../geo/history.ts';

export interface Told {
  readonly device: string;
  readonly transition: Transition;
}

export interface Outcome {
  readonly transitions: readonly Told[];
  /** Final visits that are worth the name. */
  readonly visits: readonly Visit[];
  /** Refused pings in order, with the reason. */
  readonly refused: readonly { readonly from: Sourced; readonly reason: string }[];
  readonly accepted: number;
}

export interface JudgeOptions {
  /** Called after each device with how many pings are done. */
  readonly onDevice?: (done: number) => void;
  /** Who listens to this device's steps, if anybody. */
  readonly listen?: (device: string) => RunOptions['onStep'];
}

/** `pings` by device, each device's in order (see `readPings`). */
export function judgeAll(
  pings: readonly Sourced[],
  fences: FenceIndex,
  policy: Policy,
  { onDevice, listen }: JudgeOptions = {},
): Outcome {
  const transitions: Told[] = [];
  const visits: Visit[] = [];
  const refused: { from: Sourced; reason: string }[] = [];
  let accepted = 0;
  for (let start = 0, end = 0; start < pings.length; start = end) {
    const device = (pings[start] as Sourced).device;
    while (end < pings.length && pings[end]?.device === device) end++;
    const own = pings.slice(start, end);
    const onStep = listen?.(device);
    for (const { happenings, reasons, visits: told } of judge(own, fences, policy, onStep)) {
      for (const { transition } of happenings) transitions.push({ device, transition });
      for (const visit of told.values()) if (visit.status === 'final') visits.push(visit);
      reasons.forEach((reason, i) => {
        if (reason === null) accepted++;
        else refused.push({ from: own[i] as Sourced, reason });
      });
    }
    onDevice?.(end);
  }
  const real = visits.filter((visit) => visit.band !== 'none');
  return { transitions, visits: real, refused, accepted };
}

/** One device: its pings, and the silence after the last: nobody is heard any more. */
function judge(
  own: readonly Sourced[],
  fences: FenceIndex,
  policy: Policy,
  onStep: RunOptions['onStep'],
): Run[] {
  const timeline = [{ from: -Infinity, fences }];
  const state = initialState((own[0] as Sourced).device);
  const pings = own.map(({ ping }) => ping);
  const heard = run(state, pings, timeline, policy, onStep ? { onStep } : {});
  const { last } = heard.state;
  if (last === null) return [heard];
  const until = last.t + (policy.timeoutSeconds + policy.reopenSeconds) * 1000 + 1;
  return [heard, run(heard.state, [], timeline, policy, { until })];
}
