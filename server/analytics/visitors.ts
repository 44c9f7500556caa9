/**
 * How many different devices came. A device came when at least one of its visits was real:
 * 1 - product of (1 - score) over its visits, summed over devices, with the variance of that sum.
 */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';
import type { Estimate } from './footfall.ts';

interface VisitorRow extends Row {
  devices: number | null;
  variance: number | null;
}

export async function uniqueDevices(tx: Queryable, place: Place, span: Span): Promise<Estimate> {
  const { rows } = await tx.query<VisitorRow>(
    `with came as (
       select v.device_id, 1 - exp(sum(ln(greatest(1 - v.score, 1e-9)))) as p
       from visits v join fences f on f.id = v.fence_id
       left join fences p on p.id = f.parent_id and p.store_id = f.store_id
       where v.merchant_id = $1 and v.store_id = $2 and v.entry_at >= $3 and v.entry_at < $4
         and v.status <> 'retracted' and v.band <> 'none' and p.id is null
       group by v.device_id)
     select sum(p) as devices, sum(p * (1 - p)) as variance from came`,
    [place.merchantId, place.storeId, span.from, span.to],
  );
  return { value: rows[0]?.devices ?? 0, plusMinus: 1.96 * Math.sqrt(rows[0]?.variance ?? 0) };
}
