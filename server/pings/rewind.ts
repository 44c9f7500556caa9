/** Late pings put in their places: history since the checkpoint before them is run again. */
import type { DeviceState, Policy } from '../../geo/engine.ts';
import type { Revision, Run } from '../../geo/history.ts';
import type { Queryable } from '../db/database.ts';
import type { LiveFences } from '../fences/live.ts';
import type { Candidate } from './advance.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Correction } from './history-queries.ts';
import type { StoredPing } from './history.ts';
import { compareTurns, difference, seenUntil } from '../../geo/history.ts';
import { problem } from '../errors.ts';
import { runInPieces } from '../visits/pieces.ts';
import { standing } from '../visits/queries.ts';
import { watchStates } from './checkpoints.ts';
import { HORIZON, checkpointBefore, storedPings } from './history.ts';

/** Stored pings one rewind may read again. */
const MAX_REPLAY = 20_000;

type FencesSince = Awaited<ReturnType<LiveFences['timeline']>>;

export interface Rewound {
  /** Verdicts of the late pings, in the order given; null when accepted. */
  reasons: (string | null)[];
  /** What came of it; null when none of them could be put in its place. */
  change: {
    state: DeviceState;
    revision: Revision;
    /** Stored pings whose verdict is another now. */
    corrections: Correction[];
    /** Checkpoints from here on no longer hold; ms since 1970. */
    from: number;
    checkpoints: readonly Checkpoint[];
    sinceCheckpoint: number;
    /** Which fences stood when since the checkpoint. */
    fences: FencesSince;
  } | null;
}

export interface RewindDeps {
  policy: Policy;
  budget: Budget;
  /** Whether the sender can be asked to send again later. */
  mayWait: boolean;
  fencesSince: (from: number) => Promise<FencesSince>;
}

/** Puts late pings in their places as of `state`, the newest state of their device. */
export async function rewind(
  tx: Queryable,
  deps: RewindDeps,
  who: { merchantId: string; deviceId: string },
  state: DeviceState,
  late: readonly Candidate[],
  received: number,
): Promise<Rewound> {
  const reasons: (string | null)[] = late.map(() => 'too-late');
  const young = late.flatMap(({ ping }, i) => (received - ping.t <= HORIZON ? [{ ping, i }] : []));
  const [first] = young.map(({ ping }) => ping).toSorted(compareTurns);
  if (!first) return { reasons, change: null };
  const { merchantId, deviceId } = who;
  const tooMuch = (): Rewound => {
    for (const { i } of young) reasons[i] = 'too-much-to-replay';
    return { reasons, change: null };
  };
  // Before history is read, which is half of the work.
  const wait = deps.budget.waitOf(deviceId, received);
  if (wait > 0 && deps.mayWait) throw askToWait(wait);
  if (wait > 0) return tooMuch();
  const start = await checkpointBefore(tx, merchantId, deviceId, first);
  if (!start) return { reasons, change: null };
  const stored = await since(tx, who, start);
  if (!stored) return tooMuch();
  deps.budget.spend(deviceId, stored.length + young.length, received);

  const reach = Math.min(first.t, stored[0]?.ping.t ?? Infinity, finite(seenUntil(start)));
  const fences = await deps.fencesSince(reach);
  const watch = watchStates(start, 0);
  const { timeline } = fences;
  const until = state.settled === null ? {} : { until: state.settled };
  const known = stored.map(({ ping }) => ping);
  const all = [...known, ...young.map(({ ping }) => ping)];
  const before = await runInPieces(start, known, timeline, deps.policy, until);
  const options = { onStep: watch.onStep, ...until };
  const after = await runInPieces(start, all, timeline, deps.policy, options);
  const told = await asTold(tx, merchantId, before);
  const revision = difference(start, told, after, deps.policy);
  young.forEach(({ i }, n) => (reasons[i] = revision.lateReasons[n] ?? null));
  const change = {
    state: revision.run.state,
    revision,
    corrections: correctionsOf(stored, revision),
    from: first.t,
    checkpoints: watch.found(),
    sinceCheckpoint: watch.since(),
    fences,
  };
  return { reasons, change };
}

/**
 * A run less what nobody was told: of a fence that was dated back, say, it knows of visits that could
 * not be known when their pings came.
 */
async function asTold(tx: Queryable, merchantId: string, before: Run): Promise<Run> {
  const { visits, happenings } = before;
  if (visits.size === 0) return before;
  const stand = await standing(tx, merchantId, [...visits.keys()]);
  return {
    ...before,
    visits: new Map([...visits].filter(([id]) => stand.has(id))),
    happenings: happenings.filter(
      ({ visit }) => visit === null || stand.has(visit.id) || !visits.has(visit.id),
    ),
  };
}

const finite = (t: number): number => (Number.isFinite(t) ? t : Infinity);

/** The pings judged after a state; null when they are too many. */
async function since(
  tx: Queryable,
  { merchantId, deviceId }: { merchantId: string; deviceId: string },
  { head }: DeviceState,
): Promise<StoredPing[] | null> {
  const from = head?.t ?? 0;
  const found = await storedPings(tx, merchantId, deviceId, from, LAST, MAX_REPLAY, 'usable');
  // A full page may have been cut off.
  if (found.length === MAX_REPLAY) return null;
  return head === null ? found : found.filter(({ ping }) => compareTurns(ping, head) > 0);
}

/** The year 9999: no ping is judged by a later time. */
const LAST = Date.UTC(9999, 11, 31);

function correctionsOf(stored: readonly StoredPing[], { storedReasons }: Revision): Correction[] {
  return stored.flatMap(({ at, ping, reason }, i) => {
    const now = storedReasons[i] ?? null;
    return now === reason ? [] : [{ at, key: ping.key, reason: now }];
  });
}

const askToWait = (seconds: number): Error =>
  problem('too-many-requests', {
    detail: 'Late pings of this device keep rewriting its history; send again later.',
    retryAfter: Math.min(60, Math.ceil(seconds)),
  });

/** How many pings may be run again for one device, over time: beyond it the device is asked to wait. */
export interface Budget {
  /** Seconds until the device has something left of its share; 0 while it has. */
  waitOf(deviceId: string, now: number): number;
  spend(deviceId: string, pings: number, now: number): void;
}

/** Five full rewinds at once, and from then on one in ten seconds: some 6 % of a processor. */
const FULL = 5 * MAX_REPLAY;
const PER_SECOND = MAX_REPLAY / 10;
const DEVICES = 10_000;

export function createBudget(full = FULL, perSecond = PER_SECOND): Budget {
  const left = new Map<string, { pings: number; at: number }>();
  function leftOf(deviceId: string, now: number): number {
    const known = left.get(deviceId);
    if (!known) return full;
    const gained = (Math.max(0, now - known.at) / 1000) * perSecond;
    return Math.min(full, known.pings + gained);
  }
  return {
    waitOf(deviceId, now) {
      const have = leftOf(deviceId, now);
      return have > 0 ? 0 : (1 - have) / perSecond;
    },
    spend(deviceId, pings, now) {
      const have = leftOf(deviceId, now);
      left.delete(deviceId);
      left.set(deviceId, { pings: have - pings, at: now });
      if (left.size > DEVICES) left.delete(left.keys().next().value as string);
    },
  };
}
