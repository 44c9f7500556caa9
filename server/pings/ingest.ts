/** One batch of one device: one transaction over pings, state, visits and events; answered after commit. */
import type { Policy } from '../../geo/engine.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { LiveFences } from '../fences/live.ts';
import type { DeviceCaller } from '../http/route.ts';
import type { Candidate } from './advance.ts';
import type { Judged } from './judge.ts';
import type { Lanes } from './lanes.ts';
import type { ParsedPing, Source } from './ping.ts';
import type { JudgedPing, Loaded } from './queries.ts';
import type { Budget } from './rewind.ts';
import { problem } from '../errors.ts';
import { judgeable, ownClock, wakeOf } from './advance.ts';
import { correctPast } from './history-queries.ts';
import { judgeBatch } from './judge.ts';
import { lockDevice, saveDevice } from './queries.ts';
import { createBudget } from './rewind.ts';
import { learnSkew, skewOf } from './skew.ts';
import { tellVisits } from './tell.ts';
import { createTogether } from './together.ts';

export interface IngestDeps {
  db: Database;
  clock: () => number;
  fences: LiveFences;
  lanes: Lanes;
  policy: Policy;
  /** How much history late pings may have run again; default: `createBudget()`. */
  budget?: Budget;
  /** Counts pings for the metrics, by protocol and verdict. */
  count?: ((source: Source, verdict: string, pings: number) => void) | undefined;
}

export interface IngestResult {
  accepted: number;
  /** Pings that were stored before, by this request's twin or an earlier one. */
  duplicates: number;
  /** Stored, but not used; `index` counts in the list given. */
  refused: { index: number; reason: string }[];
}

export interface IngestOptions {
  /**
   * False where the sender cannot be asked to send again later without others having to wait as well:
   * late pings beyond the device's share are then kept and not used. Default: true.
   */
  mayWait?: boolean;
}

export type Ingest = (
  caller: DeviceCaller,
  pings: readonly ParsedPing[],
  options?: IngestOptions,
) => Promise<IngestResult>;

type Fate = 'accepted' | 'duplicate' | { reason: string };

export function createIngest(parts: IngestDeps): Ingest {
  const { db, clock, lanes, budget = createBudget() } = parts;
  const together = createTogether<ParsedPing, Fate>();
  return async (caller, pings, { mayWait = true } = {}) => {
    if (pings.length === 0) return { accepted: 0, duplicates: 0, refused: [] };
    const deps = { ...parts, budget, mayWait };
    const work = (batch: readonly ParsedPing[]) => {
      const received = clock();
      return db.tx((tx) => store(tx, deps, caller, batch, received), { tenant: caller.merchantId });
    };
    const { deviceId } = caller;
    const turn = (task: () => Promise<Fate[]>) => lanes.run(deviceId, task, pings.length);
    const fates = await together.run(deviceId, pings, work, turn);
    return summarise(fates, pings, parts.count);
  };
}

/** Everything that happens inside the transaction; run again from the start after a conflict. */
async function store(
  tx: Queryable,
  deps: IngestDeps & { budget: Budget; mayWait: boolean },
  caller: DeviceCaller,
  pings: readonly ParsedPing[],
  received: number,
): Promise<Fate[]> {
  const { merchantId, deviceId } = caller;
  const loaded = await lockDevice(tx, merchantId, deviceId, pings, received);
  if (!loaded || loaded.revoked) throw problem('unauthenticated', { detail: 'Revoked token.' });
  const fates: Fate[] = pings.map(() => 'duplicate');
  const fresh = firstOfEach(pings, loaded.known);
  if (fresh.length === 0) return fates;

  const chosen = fresh.map((i) => pings[i] as ParsedPing);
  const skew = learnSkew(loaded.skew, chosen, received);
  const candidates = judgeable(chosen, skewOf(skew), deps.policy, received);
  const judged = await judgeBatch(tx, deps, caller, loaded, candidates, received);
  await save(tx, deps, caller, loaded, { candidates, judged, skew }, received);

  fresh.forEach((i, n) => {
    const reason = judged.reasons[n] ?? null;
    fates[i] = reason === null ? 'accepted' : { reason };
  });
  return fates;
}

async function save(
  tx: Queryable,
  deps: IngestDeps,
  { merchantId, deviceId }: DeviceCaller,
  loaded: Loaded,
  batch: { candidates: readonly Candidate[]; judged: Judged; skew: readonly number[] },
  received: number,
): Promise<void> {
  const { candidates, judged, skew } = batch;
  const { past } = judged;
  if (past) await correctPast(tx, merchantId, deviceId, past.from, past.corrections);
  const who = { merchantId, deviceId, guestId: loaded.guestId };
  const { cooling, tell } = await tellVisits(
    tx,
    who,
    judged,
    loaded.cooling,
    deps.policy,
    received,
  );
  const rows = candidates.map((candidate, i) => rowOf(candidate, judged.reasons[i] ?? null));
  const { state, checkpoints, sinceCheckpoint } = judged;
  const wakeAt = wakeOf(state, deps.policy, received);
  const app = candidates.find(({ parsed }) => !ownClock(parsed))?.parsed.source ?? null;
  const update = { state, wakeAt, app, skew, cooling, sinceCheckpoint, checkpoints };
  const kept = await saveDevice(tx, merchantId, deviceId, rows, update, received);
  if (kept !== rows.length) throw raced();
  await tell();
}

/** Verdicts of pings that were not put into history at all. */
const LEFT_OUT: ReadonlySet<string | null> = new Set(['too-late', 'too-much-to-replay']);

const rowOf = ({ parsed, ping }: Candidate, reason: string | null): JudgedPing => ({
  ping: parsed,
  judgedAt: ping.t,
  reason,
  usable: parsed.refusal === null && !LEFT_OUT.has(reason),
});

/** Indexes of pings that are neither stored nor repeated within the batch. */
function firstOfEach(pings: readonly ParsedPing[], known: ReadonlySet<number>): number[] {
  const seen = new Set<string>();
  const fresh: number[] = [];
  pings.forEach((ping, i) => {
    const identity = `${ping.at} ${ping.key}`;
    if (known.has(i) || seen.has(identity)) return;
    seen.add(identity);
    fresh.push(i);
  });
  return fresh;
}

/**
 * Another process stored some of these pings while this one waited for the lock, after its look at
 * what is known. As a serialization failure the transaction is run again and sees them.
 */
function raced(): Error {
  return Object.assign(new Error('the batch was stored by another process'), { code: '40001' });
}

function summarise(
  fates: readonly Fate[],
  pings: readonly ParsedPing[],
  count: IngestDeps['count'],
): IngestResult {
  const result: IngestResult = { accepted: 0, duplicates: 0, refused: [] };
  fates.forEach((fate, index) => {
    const source = (pings[index] as ParsedPing).source;
    if (fate === 'accepted') result.accepted++;
    else if (fate === 'duplicate') result.duplicates++;
    else result.refused.push({ index, reason: fate.reason });
    count?.(source, typeof fate === 'string' ? fate : fate.reason, 1);
  });
  return result;
}
