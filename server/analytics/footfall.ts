/**
 * How many visits a store had. Each visit counts as its score, so a doubtful one counts little: the sum
 * is the expected number, with the variance of independent yes-or-no events (sum of s(1-s)).
 * Only fences at the store's door count (those inside another fence of the store would count twice).
 */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';

/** An expected number and how far off it may be in 95 of 100 cases. */
export interface Estimate {
  value: number;
  plusMinus: number;
}

export interface HourRow extends Row {
  /** 0..23 by the store's clock. */
  hour: number;
  visits: number;
}

/** Visits by hour of entry; hours without any are left out. */
export async function visitsByHour(tx: Queryable, place: Place, span: Span): Promise<HourRow[]> {
  const { rows } = await tx.query<HourRow>(
    `select extract(hour from v.entry_at at time zone $5)::integer as hour, sum(v.score) as visits
     from visits v join fences f on f.id = v.fence_id
     left join fences p on p.id = f.parent_id and p.store_id = f.store_id
     where v.merchant_id = $1 and v.store_id = $2 and v.entry_at >= $3 and v.entry_at < $4
       and v.status <> 'retracted' and v.band <> 'none' and p.id is null
     group by 1 order by 1`,
    [place.merchantId, place.storeId, span.from, span.to, place.timezone],
  );
  return rows;
}

interface SumRow extends Row {
  visits: number | null;
  variance: number | null;
}

export async function visitCount(tx: Queryable, place: Place, span: Span): Promise<Estimate> {
  const { rows } = await tx.query<SumRow>(
    `select sum(v.score) as visits, sum(v.score * (1 - v.score)) as variance
     from visits v join fences f on f.id = v.fence_id
     left join fences p on p.id = f.parent_id and p.store_id = f.store_id
     where v.merchant_id = $1 and v.store_id = $2 and v.entry_at >= $3 and v.entry_at < $4
       and v.status <> 'retracted' and v.band <> 'none' and p.id is null`,
    [place.merchantId, place.storeId, span.from, span.to],
  );
  return { value: rows[0]?.visits ?? 0, plusMinus: 1.96 * Math.sqrt(rows[0]?.variance ?? 0) };
}

export interface DayRow extends Row {
  /** ISO day by the store's calendar. */
  day: string;
  visits: number;
  devices: number;
  /** Null on a day without a finished visit. */
  dwell_s: number | null;
}

/** Per day, for the small curves: visits, distinct devices, median dwell. Days without any are left out. */
export async function byDay(tx: Queryable, place: Place, span: Span): Promise<DayRow[]> {
  const { rows } = await tx.query<DayRow>(
    `select (v.entry_at at time zone $5)::date as day, sum(v.score) as visits,
       count(distinct v.device_id) filter (where v.band in ('high', 'medium')) as devices,
       percentile_cont(0.5) within group (order by v.dwell_s)
         filter (where v.status in ('closed', 'final') and v.band in ('high', 'medium')) as dwell_s
     from visits v join fences f on f.id = v.fence_id
     left join fences p on p.id = f.parent_id and p.store_id = f.store_id
     where v.merchant_id = $1 and v.store_id = $2 and v.entry_at >= $3 and v.entry_at < $4
       and v.status <> 'retracted' and v.band <> 'none' and p.id is null
     group by 1 order by 1`,
    [place.merchantId, place.storeId, span.from, span.to, place.timezone],
  );
  return rows;
}
