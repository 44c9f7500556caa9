/** The lock and the diary of timed jobs: one row each. */
import type { Queryable } from '../db/database.ts';

/** Makes sure that the job has its row; a new one is due at once. */
export async function enrolJob(db: Queryable, name: string, now: number): Promise<void> {
  await db.query('insert into jobs (name, due_at) values ($1, $2) on conflict (name) do nothing', [
    name,
    new Date(now),
  ]);
}

/** Takes the job when it is due and nobody has it. The lease ends by itself if its holder dies. */
export async function takeJob(
  db: Queryable,
  name: string,
  now: number,
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update jobs set leased_until = $3, started_at = $2
     where name = $1 and due_at <= $2 and (leased_until is null or leased_until <= $2)`,
    [name, new Date(now), new Date(now + leaseMs)],
  );
  return rowCount === 1;
}

/** Gives the job back, due again at `next`. A holder whose lease ran out changes nothing. */
export async function finishJob(
  db: Queryable,
  name: string,
  startedAt: number,
  now: number,
  next: number,
  error: string | null,
): Promise<void> {
  await db.query(
    `update jobs set leased_until = null, finished_at = $3, due_at = $4, last_error = $5
     where name = $1 and started_at = $2`,
    [name, new Date(startedAt), new Date(now), new Date(next), error?.slice(0, 300) ?? null],
  );
}
