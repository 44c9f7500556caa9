/** A long history through the engine in pieces, so that the server does other work in between. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { DeviceState, Policy } from '../../geo/engine.ts';
import type { Happening, RunOptions, Timeline } from '../../geo/history.ts';
import type { Ping } from '../../geo/quality.ts';
import type { Visit } from '../../geo/visit.ts';
import { run } from '../../geo/history.ts';

/** Pings between two breaths. */
const PIECE = 1000;

export interface Outcome {
  happenings: Happening[];
  /** Each visit as last told, by id. */
  visits: Map<string, Visit>;
}

/** As `run` of all at once; `pings` in the order in which the engine takes them. */
export async function runInPieces(
  start: DeviceState,
  pings: readonly Ping[],
  timeline: Timeline,
  policy: Policy,
  { until, onStep }: RunOptions & { until: number },
): Promise<Outcome> {
  const outcome: Outcome = { happenings: [], visits: new Map() };
  let state = start;
  const take = (piece: readonly Ping[], options: RunOptions): void => {
    const part = run(state, piece, timeline, policy, options);
    ({ state } = part);
    outcome.happenings.push(...part.happenings);
    for (const [id, visit] of part.visits) outcome.visits.set(id, visit);
  };
  for (let at = 0; at < pings.length; at += PIECE) {
    take(pings.slice(at, at + PIECE), onStep ? { onStep } : {});
    await breathe();
  }
  take([], { until });
  return outcome;
}
