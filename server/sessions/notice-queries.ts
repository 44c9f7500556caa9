/** What the connection check shows, in storage: one row a store, gateway and kind of event. */
import type { Queryable, Row } from '../db/database.ts';

export interface NewNotice {
  merchantId: string;
  storeId: string;
  gatewayId: string | null;
  code: string;
  detail: Record<string, string>;
  /** How many it stands for. */
  times: number;
}

/** Counts it at the store; a gateway that is not the store's is left out. */
export async function keepNotice(tx: Queryable, notice: NewNotice, now: number): Promise<void> {
  await tx.query(
    `insert into connection_notices as n (merchant_id, store_id, gateway_id, code, detail, times, first_at, last_at)
     select $1, s.id, (select g.id from gateways g where g.merchant_id = $1 and g.store_id = s.id and g.id = $3),
       $4, $5::jsonb, $6, $7, $7
     from stores s where s.merchant_id = $1 and s.id = $2
     on conflict (store_id, gateway_id, code) do update set detail = excluded.detail,
       times = n.times + excluded.times, last_at = greatest(n.last_at, excluded.last_at)`,
    [
      notice.merchantId,
      notice.storeId,
      notice.gatewayId,
      notice.code,
      JSON.stringify(notice.detail),
      notice.times,
      new Date(now),
    ],
  );
}

export interface NoticeRow extends Row {
  gateway_id: string | null;
  code: string;
  detail: Record<string, string>;
  times: number;
  first_at: Date;
  last_at: Date;
}

/** A store's notices, the newest first. */
export async function noticesOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  limit: number,
): Promise<NoticeRow[]> {
  const { rows } = await tx.query<NoticeRow>(
    `select gateway_id, code, detail, times, first_at, last_at from connection_notices
     where merchant_id = $1 and store_id = $2
     order by last_at desc, code, gateway_id limit $3`,
    [merchantId, storeId, limit],
  );
  return rows;
}

export async function dropNotices(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from connection_notices where last_at < $1', [
    new Date(before),
  ]);
  return rowCount;
}
