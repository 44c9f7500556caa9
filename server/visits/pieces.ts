/** A long history through the engine in pieces, so that the server does other work in between. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { DeviceState, Policy } from '../../geo/engine.ts';
import type { Happening, Run, RunOptions, Timeline } from '../../geo/history.ts';
import type { Ping, RefusalReason } from '../../geo/quality.ts';
import type { Visit } from '../../geo/visit.ts';
import { compareTurns, run } from '../../geo/history.ts';

/** Pings between two breaths. */
const PIECE = 200;

/** As `run` of all at once, pings in any order. */
export async function runInPieces(
  start: DeviceState,
  pings: readonly Ping[],
  timeline: Timeline,
  policy: Policy,
  { until, onStep }: RunOptions = {},
): Promise<Run> {
  const order = pings
    .map((ping, i) => ({ i, t: ping.t, key: ping.key ?? '' }))
    .toSorted(compareTurns);
  const reasons: (RefusalReason | null)[] = pings.map(() => null);
  const happenings: Happening[] = [];
  const visits = new Map<string, Visit>();
  let state = start;
  const take = (piece: readonly Ping[], options: RunOptions): Run => {
    const part = run(state, piece, timeline, policy, options);
    ({ state } = part);
    happenings.push(...part.happenings);
    for (const [id, visit] of part.visits) visits.set(id, visit);
    return part;
  };
  for (let at = 0; at < order.length; at += PIECE) {
    if (at > 0) await breathe();
    const piece = order.slice(at, at + PIECE).map(({ i }) => i);
    const part = take(
      piece.map((i) => pings[i] as Ping),
      onStep ? { onStep } : {},
    );
    piece.forEach((i, n) => (reasons[i] = part.reasons[n] ?? null));
  }
  if (until !== undefined) take([], { until });
  return { state, reasons, happenings, visits };
}
