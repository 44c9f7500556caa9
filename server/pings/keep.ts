/** Room for raw pings ahead of time, and none for those past their keep-time. */
import type { Database } from '../db/database.ts';
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
