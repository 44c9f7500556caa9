/** A batch judged: late pings in their places in the past, the others after what was judged before. */
import type { DeviceState, Policy } from '../../geo/engine.ts';
import type { Happening, Revision, Timeline } from '../../geo/history.ts';
import type { Visit } from '../../geo/visit.ts';
import type { Queryable } from '../db/database.ts';
import type { FenceMeta, LiveFences } from '../fences/live.ts';
import type { Candidate } from './advance.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Correction } from './history-queries.ts';
import type { Loaded } from './queries.ts';
import type { Budget, Rewound } from './rewind.ts';
import { run, seenUntil } from '../../geo/history.ts';
import { comesLate } from './advance.ts';
import { checkpointAt, watchStates, worthWatching } from './checkpoints.ts';
import { rewind } from './rewind.ts';
import { beginsHistory, rememberedState } from './state.ts';

export interface JudgeDeps {
  fences: LiveFences;
  policy: Policy;
  budget: Budget;
  mayWait: boolean;
}

export interface Judged {
  /** Of each candidate, in the order given; null when accepted. */
  reasons: (string | null)[];
  state: DeviceState;
  happenings: readonly Happening[];
  /** Each visit that was told, as it stands now. */
  visits: ReadonlyMap<string, Visit>;
  /** What late pings changed of what was told before; null when nothing. */
  revision: Pick<Revision, 'changed' | 'retracted'> | null;
  past: { from: number; corrections: readonly Correction[] } | null;
  checkpoints: readonly Checkpoint[];
  sinceCheckpoint: number;
  metas: ReadonlyMap<string, FenceMeta>;
  /** Seconds for which a fence triggers nothing after an exit. */
  cooldownOf: (fence: string) => number;
}

type Who = { merchantId: string; deviceId: string };

/** Judges fresh pings of one device, whose state is locked. */
export async function judgeBatch(
  tx: Queryable,
  deps: JudgeDeps,
  who: Who,
  loaded: Loaded,
  candidates: readonly Candidate[],
  received: number,
): Promise<Judged> {
  const stored = rememberedState(loaded.state, who.deviceId);
  const fencesSince = (from: number) =>
    deps.fences.timeline(tx, who.merchantId, loaded.fenceRevision, from);
  const late = candidates.filter((candidate) => comesLate(stored, candidate));
  const back =
    late.length === 0
      ? null
      : await rewind(tx, { ...deps, fencesSince }, who, stored, late, received);
  const change = back && back.change;

  const start = change?.state ?? stored;
  const isLate = new Set(late);
  const next = candidates.filter((each) => each.hopeless === null && !isLate.has(each));
  const { timeline, metas } = change?.fences ?? (await fencesSince(reachOf(start, next, received)));
  const since = change?.sinceCheckpoint ?? loaded.sinceCheckpoint;
  const onward = goOn(start, next, timeline, deps.policy, since);

  const verdicts = new Map<Candidate, string | null>();
  late.forEach((each, i) => verdicts.set(each, back?.reasons[i] ?? null));
  next.forEach((each, i) => verdicts.set(each, onward.reasons[i] ?? null));
  const index = timeline.at(-1)?.fences;
  return {
    reasons: candidates.map((each) => each.hopeless ?? verdicts.get(each) ?? null),
    state: onward.state,
    happenings: [...(change?.revision.fresh ?? []), ...onward.happenings],
    visits: merged(change, onward.visits),
    revision: change && change.revision,
    past: change && { from: change.from, corrections: change.corrections },
    checkpoints: onePerInstant([
      ...firstCheckpoint(loaded, stored),
      ...(change?.checkpoints ?? []),
      ...onward.checkpoints,
    ]),
    sinceCheckpoint: onward.since,
    metas,
    cooldownOf: (fence) => index?.get(fence)?.definition.cooldownSeconds ?? 0,
  };
}

/** From when on the fences of the past are asked for: what the state has not yet taken in. */
function reachOf(start: DeviceState, next: readonly Candidate[], received: number): number {
  const seen = seenUntil(start);
  return Number.isFinite(seen) ? seen : Math.min(received, ...next.map(({ ping }) => ping.t));
}

function goOn(
  start: DeviceState,
  candidates: readonly Candidate[],
  timeline: Timeline,
  policy: Policy,
  since: number,
) {
  const pings = candidates.map(({ ping }) => ping);
  const newest = pings.reduce((max, { t }) => Math.max(max, t), -Infinity);
  const watch = worthWatching(start, since, pings.length, newest)
    ? watchStates(start, since)
    : null;
  const options = watch ? { onStep: watch.onStep } : {};
  return {
    ...run(start, pings, timeline, policy, options),
    checkpoints: watch?.found() ?? [],
    since: watch?.since() ?? since + pings.length,
  };
}

const firstCheckpoint = ({ state }: Loaded, start: DeviceState): Checkpoint[] =>
  beginsHistory(state) ? [{ at: checkpointAt(start), state: start }] : [];

const onePerInstant = (all: readonly Checkpoint[]): Checkpoint[] => [
  ...new Map(all.map((checkpoint) => [checkpoint.at, checkpoint])).values(),
];

/** Visits to be stored: those a rewind left as they were are not among them. */
function merged(
  change: Rewound['change'],
  onward: ReadonlyMap<string, Visit>,
): ReadonlyMap<string, Visit> {
  if (!change) return onward;
  const changed = change.revision.changed.map(({ visit }) => [visit.id, visit] as const);
  return new Map([...changed, ...onward]);
}
