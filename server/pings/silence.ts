/** Silence is judged too: devices whose deadline passed without a ping are ticked. */
import type { Database, Queryable } from '../db/database.ts';
import type { Log } from '../log.ts';
import type { IngestDeps } from './ingest.ts';
import type { Sleeper } from './queries.ts';
import { appendEvents } from '../events/outbox.ts';
import { fenceRevision } from '../fences/queries.ts';
import { upsertVisits } from '../visits/queries.ts';
import { advanceSilence } from './advance.ts';
import { usable } from './ingest.ts';
import { dueSleepers, lockSleeper, saveState, wakeLater } from './queries.ts';
import { visitEvents } from './visit-events.ts';

export interface SilenceDeps extends Pick<IngestDeps, 'clock' | 'fences' | 'lanes' | 'policy'> {
  db: Database;
  log: Pick<Log, 'error'>;
}

const PAGE = 200;
/** A device that could not be judged is not asked again before this has passed. */
const AFTER_FAILURE = 10 * 60_000;

/** Judges every silence that is due; returns how many devices were judged. */
export async function judgeSilence(deps: SilenceDeps): Promise<number> {
  let judged = 0;
  for (;;) {
    const due = await dueSleepers(deps.db, deps.clock(), PAGE);
    const done = await Promise.all(due.map((sleeper) => judgeOrPostpone(deps, sleeper)));
    judged += done.filter(Boolean).length;
    if (due.length < PAGE) return judged;
  }
}

/** One that fails must neither stop the others nor stand at the head of the line for ever. */
async function judgeOrPostpone(deps: SilenceDeps, sleeper: Sleeper): Promise<boolean> {
  const { merchantId, deviceId } = sleeper;
  try {
    await judgeOne(deps, sleeper);
    return true;
  } catch (error) {
    deps.log.error({ err: error, deviceId }, 'a silence could not be judged');
    const later = deps.clock() + AFTER_FAILURE;
    await deps.db.tx((tx) => wakeLater(tx, merchantId, deviceId, later), { tenant: merchantId });
    return false;
  }
}

async function judgeOne(deps: SilenceDeps, { merchantId, deviceId }: Sleeper): Promise<void> {
  const { clock, db, lanes } = deps;
  // In the device's lane, so that a ping arriving now is not mistaken for silence.
  await lanes.run(deviceId, () => {
    const now = clock();
    const work = (tx: Queryable) => judgeInside(tx, deps, merchantId, deviceId, now);
    return db.tx(work, { tenant: merchantId });
  });
}

async function judgeInside(
  tx: Queryable,
  deps: SilenceDeps,
  merchantId: string,
  deviceId: string,
  now: number,
): Promise<void> {
  const sleeper = await lockSleeper(tx, merchantId, deviceId, now);
  if (!sleeper) return;
  const revision = await fenceRevision(tx, merchantId);
  const { index, metas } = await deps.fences.at(tx, merchantId, revision);
  const after = advanceSilence(usable(sleeper.state, deviceId), index, deps.policy, now);
  await saveState(tx, merchantId, deviceId, after.state, after.wakeAt, now);
  const who = { merchantId, deviceId, guestId: sleeper.guestId };
  const visits = after.visits.map((visit) => ({ visit, fence: metas.get(visit.fence) }));
  await upsertVisits(tx, who, visits, now);
  await appendEvents(tx, visitEvents(who, after.happenings, metas, now), now);
}
