/** What goes because its time is up, or because its guest asked, leaves a line: how many, never of whom. */
import type { Queryable } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import type { KeepClass } from './packs.ts';

/** Class of record, as the line names it. */
export type Removal =
  | KeepClass
  | 'session-log'
  | 'addresses'
  | 'strangers'
  | 'grace'
  | 'requests'
  | 'known-devices'
  | 'erasure';

export interface Gone {
  kind: Removal;
  /** Records older than this go (ms since 1970): $2 of the statement. */
  before: number;
  now: number;
  /**
   * A list of common table expressions of which the last, `gone`, takes the rows and returns their
   * merchant_id and store_id.
   */
  statement: string;
  /** $4 and what follows. */
  params?: readonly unknown[];
}

/**
 * Takes rows and leaves a line a store in one statement; gives how many rows went. What goes on the same day
 * (UTC) counts on the same line: these lines stay, and some jobs run every hour.
 */
export async function removeNoted(db: Queryable, gone: Gone): Promise<number> {
  const { rows } = await db.query<{ removed: number }>(
    `with ${gone.statement},
     counted as (select merchant_id, store_id, count(*)::integer as removed from gone group by 1, 2),
     line as (
       select c.*, today.id from counted c left join lateral (
         select l.id from retention_log l
         where l.merchant_id = c.merchant_id and l.store_id is not distinct from c.store_id and l.class = $1
           and l.ran_at >= date_trunc('day', $3::timestamptz, 'UTC')
         order by l.ran_at desc limit 1) today on true),
     grown as (
       update retention_log l set removed = l.removed + line.removed,
         before = greatest(l.before, $2::timestamptz), ran_at = greatest(l.ran_at, $3::timestamptz)
       from line where l.id = line.id),
     noted as (
       insert into retention_log (id, merchant_id, store_id, class, before, removed, ran_at)
       select gen_random_uuid(), merchant_id, store_id, $1, $2::timestamptz, removed, $3::timestamptz
       from line where id is null)
     select coalesce(sum(removed), 0)::integer as removed from counted`,
    [gone.kind, new Date(gone.before), new Date(gone.now), ...(gone.params ?? [])],
  );
  return rows[0]?.removed ?? 0;
}

/** The line of what went one by one. */
export async function noteRemoval(
  tx: Queryable,
  merchantId: string,
  gone: { kind: Removal; before: number; removed: number },
  now: number,
): Promise<void> {
  await tx.query(
    `insert into retention_log (id, merchant_id, store_id, class, before, removed, ran_at)
     values ($1, $2, null, $3, $4, $5, $6)`,
    [uuidv7(now), merchantId, gone.kind, new Date(gone.before), gone.removed, new Date(now)],
  );
}
