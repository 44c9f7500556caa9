/**
 * How long people stayed: the median of finished, believed visits. Each dwell is an interval (between
 * pings nobody knows), so the median has bounds: the median of the shortest and of the longest dwells.
 */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';

export interface Dwell {
  /** Seconds; null without a finished visit. */
  median: number | null;
  lower: number | null;
  /** Null when half of the visits have no known end. */
  upper: number | null;
  /** Visits behind it. */
  visits: number;
}

interface DwellRow extends Row {
  median: number | null;
  lower: number | null;
  upper: number | null;
  visits: number;
}

/** Stands for "no known end" inside the ordering; any median near it means there is none. */
const endless = 1e9;

export async function medianDwell(tx: Queryable, place: Place, span: Span): Promise<Dwell> {
  const { rows } = await tx.query<DwellRow>(
    `select percentile_cont(0.5) within group (order by v.dwell_s) as median,
       percentile_cont(0.5) within group (order by v.dwell_lower_s) as lower,
       percentile_cont(0.5) within group (order by coalesce(v.dwell_upper_s, $5::float8)) as upper,
       count(*) as visits
     from visits v join fences f on f.id = v.fence_id
     left join fences p on p.id = f.parent_id and p.store_id = f.store_id
     where v.merchant_id = $1 and v.store_id = $2 and v.entry_at >= $3 and v.entry_at < $4
       and v.status in ('closed', 'final') and v.band in ('high', 'medium') and p.id is null`,
    [place.merchantId, place.storeId, span.from, span.to, endless],
  );
  const row = rows[0];
  const upper = row?.upper ?? null;
  return {
    median: row?.median ?? null,
    lower: row?.lower ?? null,
    upper: upper !== null && upper < endless / 3 ? upper : null,
    visits: row?.visits ?? 0,
  };
}
