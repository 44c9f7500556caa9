/** Silence is judged too: devices whose deadline passed without a ping are ticked. */
import type { Database, Queryable } from '../db/database.ts';
import type { Log } from '../log.ts';
import type { IngestDeps } from './ingest.ts';
import type { Sleeper } from './queries.ts';
import { seenUntil } from '../../geo/history.ts';
import { fenceRevision } from '../fences/queries.ts';
import { advanceSilence } from './advance.ts';
import { dueSleepers, lockSleeper, saveState, wakeLater } from './queries.ts';
import { rememberedState } from './state.ts';
import { tellVisits } from './tell.ts';

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
  const state = rememberedState(sleeper.state, deviceId);
  const seen = seenUntil(state);
  const from = Number.isFinite(seen) ? Math.min(now, seen) : now;
  const { timeline, metas } = await deps.fences.timeline(tx, merchantId, revision, from);
  const { happenings, visits, ...after } = advanceSilence(state, timeline, deps.policy, now);
  const who = { merchantId, deviceId, guestId: sleeper.guestId };
  const index = timeline.at(-1)?.fences;
  const cooldownOf = (fence: string) => index?.get(fence)?.definition.cooldownSeconds ?? 0;
  const news = { happenings, visits, revision: null, metas, cooldownOf };
  const { cooling, tell } = await tellVisits(tx, who, news, sleeper.cooling, deps.policy, now);
  await saveState(tx, merchantId, deviceId, { ...after, cooling }, now);
  await tell();
}
