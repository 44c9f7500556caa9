/** Room for raw pings ahead of time, and none for those past their keep-time; visits made final. */
import type { Policy } from '../../geo/policy.ts';
import type { Database } from '../db/database.ts';
import { finaliseVisits } from '../visits/queries.ts';
import { blankStates, dropCheckpoints } from './history-queries.ts';
import { HORIZON } from './history.ts';
import { dropPartition, forgetStrays, makePartitions, partitionsBefore } from './queries.ts';

const DAY = 24 * 60 * 60 * 1000;
const AHEAD = 7;
const STRAYS_AT_ONCE = 5_000;

/** Daily partitions from a few days back (late batches) to a week ahead; run at start and daily. */
export async function preparePartitions(db: Database, now: number): Promise<void> {
  await makePartitions(db, new Date(now - 3 * DAY), new Date(now + AHEAD * DAY));
}

/**
 * Drops whole days of raw pings that are older than `keepDays`; visits stay. Returns the days
 * dropped and the stray pings deleted.
 */
export async function forgetPings(
  db: Database,
  keepDays: number,
  now: number,
): Promise<{ days: number; strays: number }> {
  const before = new Date(now - keepDays * DAY);
  const names = await partitionsBefore(db, before);
  for (const name of names) await dropPartition(db, name);
  let strays = 0;
  for (;;) {
    const gone = await forgetStrays(db, before, STRAYS_AT_ONCE);
    strays += gone;
    if (gone < STRAYS_AT_ONCE) return { days: names.length, strays };
  }
}

const VISITS_AT_ONCE = 1_000;

/** For batches that wait while their time of arrival stands, and for clocks of other processes. */
const SLACK = 60 * 60 * 1000;

type Patience = 'timeoutSeconds' | 'reopenSeconds' | 'leaveSeconds' | 'enterSeconds';

/**
 * Makes visits final that no ping within the horizon can change any more, with room between the two:
 * whoever hesitated to leave, was back within the time for it and then fell silent, may have stayed
 * all that long after what is called the exit. Returns how many.
 */
export async function settleVisits(
  db: Database,
  policy: Pick<Policy, Patience>,
  now: number,
): Promise<number> {
  const { timeoutSeconds, reopenSeconds, leaveSeconds, enterSeconds } = policy;
  const reach = (timeoutSeconds + reopenSeconds + leaveSeconds + enterSeconds) * 1000;
  const before = now - HORIZON - reach - SLACK;
  let total = 0;
  for (;;) {
    const settled = await finaliseVisits(db, { before, reach, now, limit: VISITS_AT_ONCE });
    total += settled;
    if (settled < VISITS_AT_ONCE) return total;
  }
}

/** Drops states from which no late ping can start a rewind. */
export async function forgetCheckpoints(db: Database, now: number): Promise<number> {
  return dropCheckpoints(db, now - HORIZON);
}

const STATES_AT_ONCE = 1_000;

/**
 * Forgets what the engine remembers of devices that have been silent for as long as their pings are
 * kept: a last position is a position. Returns how many.
 */
export async function forgetStates(db: Database, keepDays: number, now: number): Promise<number> {
  const before = new Date(now - keepDays * DAY);
  let total = 0;
  for (;;) {
    const gone = await blankStates(db, before, STATES_AT_ONCE);
    total += gone;
    if (gone < STATES_AT_ONCE) return total;
  }
}
