/** Which fences of a store were visited: each one's expected visits and median dwell. */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';

export interface ZoneRow extends Row {
  fence_id: string;
  name: string;
  floor: string | null;
  visits: number;
  dwell_s: number | null;
}

/** The most visited first. */
export async function visitsByFence(
  tx: Queryable,
  place: Place,
  span: Span,
  limit: number,
): Promise<ZoneRow[]> {
  const { rows } = await tx.query<ZoneRow>(
    `select f.id as fence_id, f.name, f.floor, sum(v.score) as visits,
       percentile_cont(0.5) within group (order by v.dwell_s)
         filter (where v.status in ('closed', 'final') and v.band in ('high', 'medium')) as dwell_s
     from visits v join fences f on f.id = v.fence_id
     where v.merchant_id = $1 and v.store_id = $2 and v.entry_at >= $3 and v.entry_at < $4
       and v.status <> 'retracted' and v.band <> 'none'
     group by f.id, f.name, f.floor order by visits desc, f.name limit $5`,
    [place.merchantId, place.storeId, span.from, span.to, limit],
  );
  return rows;
}
