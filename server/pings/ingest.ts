/** One batch of one device: one transaction over pings, state, visits and events; answered after commit. */
import type { DeviceState, Policy } from '../../geo/engine.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { LiveFences } from '../fences/live.ts';
import type { DeviceCaller } from '../http/route.ts';
import type { Lanes } from './lanes.ts';
import type { ParsedPing, Source } from './ping.ts';
import type { JudgedPing } from './queries.ts';
import { initialState } from '../../geo/engine.ts';
import { problem } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import { upsertVisits } from '../visits/queries.ts';
import { advance } from './advance.ts';
import { lockDevice, saveDevice } from './queries.ts';
import { visitEvents } from './visit-events.ts';

export interface IngestDeps {
  db: Database;
  clock: () => number;
  fences: LiveFences;
  lanes: Lanes;
  policy: Policy;
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

export type Ingest = (caller: DeviceCaller, pings: readonly ParsedPing[]) => Promise<IngestResult>;

type Fate = 'accepted' | 'duplicate' | { reason: string };

export function createIngest(deps: IngestDeps): Ingest {
  const { db, clock, lanes } = deps;
  return async (caller, pings) => {
    if (pings.length === 0) return { accepted: 0, duplicates: 0, refused: [] };
    const work = () => {
      const received = clock();
      return db.tx((tx) => store(tx, deps, caller, pings, received), { tenant: caller.merchantId });
    };
    const fates = await lanes.run(caller.deviceId, work, pings.length);
    return summarise(fates, pings, deps.count);
  };
}

/** Everything that happens inside the transaction; run again from the start after a conflict. */
async function store(
  tx: Queryable,
  deps: IngestDeps,
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

  const { index, metas } = await deps.fences.at(tx, merchantId, loaded.fenceRevision);
  const start = usable(loaded.state, deviceId);
  const chosen = fresh.map((i) => pings[i] as ParsedPing);
  const after = advance(start, chosen, index, deps.policy, received);
  const judged: JudgedPing[] = chosen.map((ping, i) => ({
    ping,
    reason: after.reasons[i] ?? null,
  }));
  const update = { state: after.state, wakeAt: after.wakeAt, app: chosen[0]?.source ?? 'foyer' };
  const kept = await saveDevice(tx, merchantId, deviceId, judged, update, received);
  if (kept !== judged.length) throw raced();

  const who = { merchantId, deviceId, guestId: loaded.guestId };
  const visits = after.visits.map((visit) => ({ visit, fence: metas.get(visit.fence) }));
  await upsertVisits(tx, who, visits, received);
  await appendEvents(tx, visitEvents(who, after.happenings, metas, received), received);

  fresh.forEach((i, n) => {
    const reason = after.reasons[n] ?? null;
    fates[i] = reason === null ? 'accepted' : { reason };
  });
  return fates;
}

/** The remembered state, or a blank one when there is none or an older release wrote it differently. */
export function usable(state: DeviceState | null, deviceId: string): DeviceState {
  const blank = initialState(deviceId);
  return state?.v === blank.v ? state : blank;
}

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
