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
import { rememberedState } from './state.ts';

export interface JudgeDeps {
  fences: LiveFences;
  policy: Policy;
  budget: Budget;
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
  const { merchantId, deviceId } = who;
  const stored = rememberedState(loaded.state, deviceId);
  const reasons = candidates.map(({ hopeless }) => hopeless);
  const each = candidates.map((candidate, i) => ({ candidate, i }));
  const late = each.filter(({ candidate }) => comesLate(stored, candidate));
  const next = each.filter(
    ({ candidate, i }) => reasons[i] === null && !comesLate(stored, candidate),
  );

  const timelineFrom = async (from: number) =>
    deps.fences.timeline(tx, merchantId, loaded.fenceRevision, from);
  let fences: Awaited<ReturnType<typeof timelineFrom>> | null = null;
  const rewindDeps = {
    policy: deps.policy,
    budget: deps.budget,
    timelineFrom: async (from: number) => (fences = await timelineFrom(from)).timeline,
  };
  const lateOnes = late.map(({ candidate }) => candidate);
  const back = late.length > 0 && (await rewind(tx, rewindDeps, who, stored, lateOnes, received));
  if (back) late.forEach(({ i }, n) => (reasons[i] = back.reasons[n] ?? null));

  const change = back ? back.change : null;
  const start = change?.state ?? stored;
  const times = next.map(({ candidate }) => candidate.ping.t);
  const seen = seenUntil(start);
  fences ??= await timelineFrom(Number.isFinite(seen) ? seen : Math.min(received, ...times));
  const { timeline, metas } = fences as Awaited<ReturnType<typeof timelineFrom>>;
  const since = change?.sinceCheckpoint ?? loaded.sinceCheckpoint;
  const onward = goOn(
    start,
    next.map(({ candidate }) => candidate),
    timeline,
    deps.policy,
    since,
  );
  next.forEach(({ i }, n) => (reasons[i] = onward.reasons[n] ?? null));

  const index = timeline.at(-1)?.fences;
  return {
    reasons,
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

/** A device's history can be run again from here on: its first state, or one an older release left. */
function firstCheckpoint({ state }: Loaded, start: DeviceState): Checkpoint[] {
  const version = (state as { v?: unknown } | null)?.v;
  if (state !== null && version !== 1) return [];
  return [{ at: checkpointAt(start), state: start }];
}

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
