/** Records whose time is up, by class and store. */
import type { Queryable, Row } from '../db/database.ts';
import type { KeepClass } from '../stores/packs.ts';
import { removeNoted } from '../stores/removal-queries.ts';

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

/** Each takes at most $6 records of one store ($5) older than $2, so that no statement runs long. */
const OLD: Record<StoreClass, string> = {
  // None ended before it was granted, which an index knows.
  sessionsDays: `gone as (delete from sessions where id in (
      select id from sessions where merchant_id = $4 and store_id = $5 and state = 'ended'
        and ended_at < $2 and granted_at < $2 order by granted_at limit $6)
    returning merchant_id, store_id)`,
  visitsDays: `gone as (delete from visits where id in (
      select id from visits where merchant_id = $4 and store_id is not distinct from $5::uuid and status <> 'open'
        and coalesce(exit_at, entry_at) < $2 and entry_at < $2 order by entry_at limit $6)
    returning merchant_id, store_id)`,
  messagesDays: `gone as (delete from messages where id in (
      select id from messages where merchant_id = $4 and store_id = $5 and created_at < $2 limit $6)
    returning merchant_id, store_id)`,
  codesDays: `gone as (delete from codes where id in (
      select id from codes where merchant_id = $4 and store_id = $5 and sent_at < $2 limit $6)
    returning merchant_id, store_id)`,
};

export async function dropOld(
  db: Queryable,
  of: { merchantId: string; storeId: string | null; kind: StoreClass },
  before: number,
  now: number,
  limit: number,
): Promise<number> {
  const { merchantId, storeId, kind } = of;
  const params = [merchantId, storeId, limit];
  return removeNoted(db, { kind, before, now, statement: OLD[kind], params });
}

/** Guests who were last seen before, with no session or app that is still in use. */
export async function guestsGone(
  db: Queryable,
  merchantId: string,
  before: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select g.id from guests g where g.merchant_id = $1 and g.last_seen_at < $2
       and not exists (select 1 from sessions s where s.guest_id = g.id and s.state <> 'ended')
       and not exists (select 1 from devices d where d.guest_id = g.id
         and d.merchant_id = $1 and coalesce(d.last_ping_at, d.created_at) >= $2)
     order by g.last_seen_at limit $3`,
    [merchantId, new Date(before), limit],
  );
  return rows.map((row) => row.id);
}
