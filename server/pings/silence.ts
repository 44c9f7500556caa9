/** Silence is judged too: devices whose deadline passed without a ping are ticked. */
import type { Database, Queryable } from '../db/database.ts';
import type { IngestDeps } from './ingest.ts';
import type { Sleeper } from './queries.ts';
import { appendEvents } from '../events/outbox.ts';
import { fenceRevision } from '../fences/queries.ts';
import { upsertVisits } from '../visits/queries.ts';
import { advanceSilence } from './advance.ts';
import { usable } from './ingest.ts';
import { dueSleepers, lockSleeper, saveState } from './queries.ts';
import { visitEvents } from './visit-events.ts';

export type SilenceDeps = Pick<
  IngestDeps,
  'clock' | 'fences' | 'lanes' | 'policy' | 'afterCommit'
> & { db: Database };

const PAGE = 200;

/** Judges every silence that is due; returns how many devices were looked at. */
export async function judgeSilence(deps: SilenceDeps): Promise<number> {
  let judged = 0;
  for (;;) {
    const due = await dueSleepers(deps.db, deps.clock(), PAGE);
    await Promise.all(due.map((sleeper) => judgeOne(deps, sleeper)));
    judged += due.length;
    if (due.length < PAGE) return judged;
  }
}

async function judgeOne(deps: SilenceDeps, { merchantId, deviceId }: Sleeper): Promise<void> {
  const { clock, db, lanes } = deps;
  // In the device's lane, so that a ping arriving now is not mistaken for silence.
  const events = await lanes.run(deviceId, () => {
    const now = clock();
    const work = (tx: Queryable) => judgeInside(tx, deps, merchantId, deviceId, now);
    return db.tx(work, { tenant: merchantId });
  });
  if (events > 0) deps.afterCommit?.();
}

async function judgeInside(
  tx: Queryable,
  deps: SilenceDeps,
  merchantId: string,
  deviceId: string,
  now: number,
): Promise<number> {
  const sleeper = await lockSleeper(tx, merchantId, deviceId, now);
  if (!sleeper) return 0;
  const revision = await fenceRevision(tx, merchantId);
  const { index, metas } = await deps.fences.at(tx, merchantId, revision);
  const after = advanceSilence(usable(sleeper.state, deviceId), index, deps.policy, now);
  await saveState(tx, merchantId, deviceId, after.state, after.wakeAt, now);
  const who = { merchantId, deviceId, guestId: sleeper.guestId };
  const visits = after.visits.map((visit) => ({ visit, fence: metas.get(visit.fence) }));
  await upsertVisits(tx, who, visits, now);
  const events = visitEvents(who, after.happenings, metas, now);
  await appendEvents(tx, events, now);
  return events.length;
}
