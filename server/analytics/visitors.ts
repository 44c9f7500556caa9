/**
 * How many different devices came. A device came when at least one of its visits was real:
 * 1 - product of (1 - score) over its visits, summed over devices, with the variance of that sum.
 * Its visits are taken as independent; where two exclude each other it came a little likelier than that.
 */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';
import { came, counted, doors } from './doors.ts';
import type { Estimate, Sums } from './estimate.ts';
import { estimateOf } from './estimate.ts';

export async function uniqueDevices(tx: Queryable, place: Place, span: Span): Promise<Estimate> {
  const { rows } = await tx.query<Row & Sums>(
    `with ${doors}, came as (
       select v.device_id, ${came} as p
       from visits v join doors d on d.id = v.fence_id
       where ${counted} group by v.device_id)
     select sum(p) as expected, sum(p * (1 - p)) as variance, count(*) as claims from came`,
    [place.merchantId, place.storeId, span.from, span.to],
  );
  return estimateOf(rows[0]);
}
