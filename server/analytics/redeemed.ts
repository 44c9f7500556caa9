/** How many offers were issued and redeemed at a store. */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';

export interface OffersRow extends Row {
  issued: number;
  redeemed: number;
}

/** A redemption belongs to the till's store; when the till named none, to the store that issued. */
export async function offersOf(tx: Queryable, place: Place, span: Span): Promise<OffersRow> {
  const { rows } = await tx.query<OffersRow>(
    `select
       (select count(*) from vouchers
        where merchant_id = $1 and store_id = $2 and issued_at >= $3 and issued_at < $4) as issued,
       (select count(*) from redemptions r join vouchers v on v.id = r.voucher_id
        where r.merchant_id = $1 and coalesce(r.store_id, v.store_id) = $2
          and r.redeemed_at >= $3 and r.redeemed_at < $4) as redeemed`,
    [place.merchantId, place.storeId, span.from, span.to],
  );
  return rows[0] ?? { issued: 0, redeemed: 0 };
}

export interface RedeemedDay extends Row {
  day: string;
  redeemed: number;
}

export async function redeemedByDay(
  tx: Queryable,
  place: Place,
  span: Span,
): Promise<RedeemedDay[]> {
  const { rows } = await tx.query<RedeemedDay>(
    `select (r.redeemed_at at time zone $5)::date as day, count(*) as redeemed
     from redemptions r join vouchers v on v.id = r.voucher_id
     where r.merchant_id = $1 and coalesce(r.store_id, v.store_id) = $2
       and r.redeemed_at >= $3 and r.redeemed_at < $4
     group by 1 order by 1`,
    [place.merchantId, place.storeId, span.from, span.to, place.timezone],
  );
  return rows;
}
