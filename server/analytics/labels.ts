/** Where guests surely were: WiFi sessions of guests whose devices also send pings, for calibration. */
import type { Queryable, Row } from '../db/database.ts';

export interface Certainty extends Row {
  device_id: string;
  guest_id: string;
  store_id: string;
  /** The guest was demonstrably on the store's network from one to the other. */
  from: Date;
  to: Date;
}

/**
 * Confirmed sessions of guests with a linked device, oldest first; none that a hardware address alone
 * opened, or whose address was at two stores at once. A session that ran out proves nothing about its
 * end, so only until it was last told of: its end by sign-out or used-up quota. Whether a guest's
 * visits may be looked at is for the caller to ask.
 */
export async function certainties(
  tx: Queryable,
  merchantId: string,
  since: Date,
  limit: number,
): Promise<Certainty[]> {
  const { rows } = await tx.query<Certainty>(
    `select d.id as device_id, s.guest_id, s.store_id, s.confirmed_at as from,
       case when s.end_reason in ('client_deauth', 'user-request', 'upquota_deauth',
         'downquota_deauth', 'quota') then s.ended_at else s.confirmed_at end as to
     from sessions s join devices d on d.guest_id = s.guest_id and d.merchant_id = s.merchant_id
     where s.merchant_id = $1 and s.confirmed_at >= $2 and s.method <> 'mac' and s.twin_at is null
     order by s.confirmed_at, s.id limit $3`,
    [merchantId, since, limit],
  );
  return rows;
}
