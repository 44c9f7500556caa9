/**
 * How many visits a store had: not a count of best guesses but the sum of their probabilities (the
 * scores), with its variance. Two visits that are half sure are one visit, whatever a threshold says.
 */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';
import { came, counted, doors } from './doors.ts';
import type { Estimate, Sums } from './estimate.ts';
import { estimateOf } from './estimate.ts';

export interface HourEstimate extends Estimate {
  /** 0..23 by the store's clock. */
  hour: number;
}

interface HourRow extends Row, Sums {
  hour: number;
}

/** Visits by hour of entry; hours without any are left out. */
export async function visitsByHour(
  tx: Queryable,
  place: Place,
  span: Span,
): Promise<HourEstimate[]> {
  const { rows } = await tx.query<HourRow>(
    `with ${doors}
     select extract(hour from v.entry_at at time zone $5)::integer as hour,
       sum(v.score) as expected, sum(v.score * (1 - v.score)) as variance, count(*) as claims
     from visits v join doors d on d.id = v.fence_id
     where ${counted} group by 1 order by 1`,
    [place.merchantId, place.storeId, span.from, span.to, place.timezone],
  );
  return rows.map((row) => ({ hour: row.hour, ...estimateOf(row) }));
}

export async function visitCount(tx: Queryable, place: Place, span: Span): Promise<Estimate> {
  const { rows } = await tx.query<Row & Sums>(
    `with ${doors}
     select sum(v.score) as expected, sum(v.score * (1 - v.score)) as variance, count(*) as claims
     from visits v join doors d on d.id = v.fence_id where ${counted}`,
    [place.merchantId, place.storeId, span.from, span.to],
  );
  return estimateOf(rows[0]);
}

export interface DayRow extends Row {
  /** ISO day by the store's calendar. */
  day: string;
  /** Expected numbers. */
  visits: number;
  devices: number;
}

/** Expected visits and different devices per day, for the small curves; days without any are left out. */
export async function byDay(tx: Queryable, place: Place, span: Span): Promise<DayRow[]> {
  const { rows } = await tx.query<DayRow>(
    `with ${doors}, came as (
       select (v.entry_at at time zone $5)::date as day, v.device_id, sum(v.score) as visits,
         ${came} as p
       from visits v join doors d on d.id = v.fence_id
       where ${counted} group by 1, 2)
     select day, sum(visits) as visits, sum(p) as devices from came group by 1 order by 1`,
    [place.merchantId, place.storeId, span.from, span.to, place.timezone],
  );
  return rows;
}
