/** Records whose time is up, by class and store, and the log of what went. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import type { KeepClass } from '../stores/packs.ts';

export interface StoreKeeping extends Row {
  id: string;
  merchant_id: string;
  country: string;
  settings: unknown;
}

/** Every store of every merchant, a page at a time. */
export async function storesAfter(
  db: Queryable,
  after: string | null,
  limit: number,
): Promise<StoreKeeping[]> {
  const { rows } = await db.query<StoreKeeping>(
    `select id, merchant_id, country, settings from stores
     where $1::uuid is null or id > $1::uuid order by id limit $2`,
    [after, limit],
  );
  return rows;
}

export type StoreClass = Exclude<KeepClass, 'guestsDays'>;

/** Each deletes at most $4 records of one store older than $3, so that no statement runs long. */
const OLD: Record<StoreClass, string> = {
  sessionsDays: `delete from sessions where id in (
      select id from sessions where merchant_id = $1 and store_id = $2 and state = 'ended'
        and ended_at < $3 order by ended_at limit $4)`,
  visitsDays: `delete from visits where id in (
      select id from visits where merchant_id = $1 and store_id is not distinct from $2::uuid and status <> 'open'
        and coalesce(exit_at, entry_at) < $3 order by entry_at limit $4)`,
  messagesDays: `delete from messages where id in (
      select id from messages where merchant_id = $1 and store_id = $2 and created_at < $3 limit $4)`,
  codesDays: `delete from codes where id in (
      select id from codes where merchant_id = $1 and store_id = $2 and sent_at < $3 limit $4)`,
};

export async function dropOld(
  db: Queryable,
  of: { merchantId: string; storeId: string | null; kind: StoreClass },
  before: Date,
  limit: number,
): Promise<number> {
  const { rowCount } = await db.query(OLD[of.kind], [of.merchantId, of.storeId, before, limit]);
  return rowCount;
}

/** Guests who were last seen before, with no session or app that is still in use. */
export async function guestsGone(
  db: Queryable,
  merchantId: string,
  before: Date,
  limit: number,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select g.id from guests g where g.merchant_id = $1 and g.last_seen_at < $2
       and not exists (select 1 from sessions s where s.guest_id = g.id and s.state <> 'ended')
       and not exists (select 1 from devices d where d.guest_id = g.id
         and d.merchant_id = $1 and coalesce(d.last_ping_at, d.created_at) >= $2)
     order by g.last_seen_at limit $3`,
    [merchantId, before, limit],
  );
  return rows.map((row) => row.id);
}

export async function noteRemoval(
  db: Queryable,
  gone: {
    merchantId: string;
    storeId: string | null;
    kind: KeepClass | 'session-log';
    before: Date;
    removed: number;
  },
  now: number,
): Promise<void> {
  await db.query(
    `insert into retention_log (id, merchant_id, store_id, class, before, removed, ran_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      uuidv7(now),
      gone.merchantId,
      gone.storeId,
      gone.kind,
      gone.before,
      gone.removed,
      new Date(now),
    ],
  );
}
