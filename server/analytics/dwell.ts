/**
 * How long people stayed: the Kaplan-Meier median over all visits of a span, each weighed by its
 * score. A visit whose beginning or end nobody saw, or that is going on, counts as "so long at least".
 */
import type { Queryable, Row } from '../db/database.ts';
import type { Place, Span } from './day.ts';
import { counted, doors } from './doors.ts';
import type { Stay } from './survival.ts';
import { medianStay } from './survival.ts';

export interface Dwell {
  /** Seconds; null when fewer than half of the stays were seen to their end. */
  median: number | null;
  /** The same were every stay as short, and as long, as its pings allow. */
  lower: number | null;
  upper: number | null;
  /** Visits behind it, and how many of them were seen from beginning to end. */
  visits: number;
  ended: number;
}

interface StayRow extends Row {
  lower: number;
  dwell: number;
  /** Null when an end was not seen. */
  upper: number | null;
  score: number;
}

/** More visits than this in one span are sampled by their id, which is as good as at random. */
const MOST = 50_000;

/** An open visit has no end yet, whatever its bounds say of what was seen of it. */
const unended = `case when v.status = 'open' then null else v.dwell_upper_s end`;

export async function medianDwell(tx: Queryable, place: Place, span: Span): Promise<Dwell> {
  const { rows } = await tx.query<StayRow>(
    `with ${doors}
     select v.dwell_lower_s as lower, v.dwell_s as dwell, ${unended} as upper, v.score
     from visits v join doors d on d.id = v.fence_id
     where ${counted} order by v.id limit $5`,
    [place.merchantId, place.storeId, span.from, span.to, MOST],
  );
  const as = (seconds: (row: StayRow) => number): number | null =>
    medianStay(
      rows.map((row) => ({
        seconds: row.upper === null ? row.lower : seconds(row),
        ended: row.upper !== null,
        weight: row.score,
      })),
    );
  return {
    median: as((row) => row.dwell),
    lower: as((row) => row.lower),
    upper: as((row) => row.upper ?? row.lower),
    visits: rows.length,
    ended: rows.filter((row) => row.upper !== null).length,
  };
}

interface GroupRow extends Row {
  name: string;
  seconds: number;
  ended: boolean;
  weight: number;
}

/** Stays to the second are few enough to travel: a day has 86,400 of them, however many came. */
const length = `round(case when ${unended} is null then v.dwell_lower_s else v.dwell_s end)`;

/** Median stay of each day, by ISO day of the store's calendar. */
export async function dwellByDay(
  tx: Queryable,
  place: Place,
  span: Span,
): Promise<Map<string, number | null>> {
  const { rows } = await tx.query<GroupRow>(
    `with ${doors}
     select to_char(v.entry_at at time zone $5, 'YYYY-MM-DD') as name, ${length} as seconds,
       ${unended} is not null as ended, sum(v.score) as weight
     from visits v join doors d on d.id = v.fence_id
     where ${counted} group by 1, 2, 3`,
    [place.merchantId, place.storeId, span.from, span.to, place.timezone],
  );
  return medians(rows);
}

/** Median stay in each of the fences named. */
export async function dwellByFence(
  tx: Queryable,
  place: Place,
  span: Span,
  fenceIds: readonly string[],
): Promise<Map<string, number | null>> {
  const { rows } = await tx.query<GroupRow>(
    `select v.fence_id as name, ${length} as seconds, ${unended} is not null as ended,
       sum(v.score) as weight
     from visits v
     where ${counted} and v.fence_id = any ($5::uuid[]) group by 1, 2, 3`,
    [place.merchantId, place.storeId, span.from, span.to, fenceIds],
  );
  return medians(rows);
}

function medians(rows: readonly GroupRow[]): Map<string, number | null> {
  const groups = new Map<string, Stay[]>();
  for (const { name, seconds, ended, weight } of rows) {
    const group = groups.get(name) ?? [];
    group.push({ seconds, ended, weight });
    groups.set(name, group);
  }
  return new Map([...groups].map(([name, stays]) => [name, medianStay(stays)]));
}
