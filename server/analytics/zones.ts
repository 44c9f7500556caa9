/** Which fences of a store were visited: each one's expected visits. */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';
import { counted } from './doors.ts';
import type { Estimate, Sums } from './estimate.ts';
import { estimateOf } from './estimate.ts';

interface ZoneRow extends Row, Sums {
  fence_id: string;
  name: string;
  floor: string | null;
}

export interface Zone extends Estimate {
  fenceId: string;
  name: string;
  floor: string | null;
}

/** The most visited first. */
export async function visitsByFence(
  tx: Queryable,
  place: Place,
  span: Span,
  limit: number,
): Promise<Zone[]> {
  const { rows } = await tx.query<ZoneRow>(
    `select f.id as fence_id, f.name, f.floor,
       sum(v.score) as expected, sum(v.score * (1 - v.score)) as variance, count(*) as claims
     from visits v join fences f on f.id = v.fence_id
     where ${counted}
     group by f.id, f.name, f.floor order by expected desc, f.name limit $5`,
    [place.merchantId, place.storeId, span.from, span.to, limit],
  );
  return rows.map((row) => ({
    fenceId: row.fence_id,
    name: row.name,
    floor: row.floor,
    ...estimateOf(row),
  }));
}
