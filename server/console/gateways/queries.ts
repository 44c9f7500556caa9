/** What the pages of gateways ask: how many are online at each, and when somebody last came in. */
import type { Queryable, Row } from '../../db/database.ts';

export interface Traffic extends Row {
  gateway_id: string;
  /** Sessions that are running. */
  live: number;
  /** Of those, how many have run for a while without the gateway having counted them. */
  uncounted: number;
  /** The newest admission, and the newest that the gateway confirmed. */
  granted_at: Date | null;
  confirmed_at: Date | null;
  /** Guests being put out whom the gateway has not let go yet. */
  stuck: number;
}

/** Of every gateway of a store; `countedSince`: whoever was let in before that should have been counted. */
export async function trafficOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  countedSince: Date,
): Promise<Map<string, Traffic>> {
  const { rows } = await tx.query<Traffic>(
    `select w.id as gateway_id, x.*, (select count(*) from session_kicks k
         where k.merchant_id = $1 and k.gateway_id = w.id and k.outcome = 'failed') as stuck
     from gateways w cross join lateral (
       select count(*) filter (where s.state = 'active') as live,
         count(*) filter (where s.state = 'active' and s.confirmed_at < $3 and not exists (
           select 1 from session_legs l where l.merchant_id = $1 and l.session_id = s.id)) as uncounted,
         max(s.granted_at) as granted_at, max(s.confirmed_at) as confirmed_at
       from sessions s where s.merchant_id = $1 and s.store_id = $2 and s.gateway_id = w.id) x
     where w.merchant_id = $1 and w.store_id = $2`,
    [merchantId, storeId, countedSince],
  );
  return new Map(rows.map((row) => [row.gateway_id, row]));
}
