/** Visits: written whole each time the engine tells one, read by filter, counted for the live page. */
import type { Visit } from '../../geo/visit.ts';
import type { Queryable, Row } from '../db/database.ts';
import type { Cursor } from '../http/cursor.ts';

export interface ToldVisit {
  visit: Visit;
  /** Undefined when the fence is gone: such a visit is not stored. */
  fence: { storeId: string | null } | undefined;
  /** Id under which the same presence was told before, when it was another. */
  continues?: string | null;
}

const iso = (ms: number | null | undefined): string | null =>
  ms == null ? null : new Date(ms).toISOString();

function toRecord({ visit, fence, continues = null }: ToldVisit) {
  return {
    id: visit.id,
    continues,
    store_id: fence?.storeId ?? null,
    fence_id: visit.fence,
    fence_version: visit.fenceVersion,
    // The engine's "final" is its own: late pings may still change the visit until it is final here.
    status: visit.status === 'open' ? 'open' : 'closed',
    score: visit.score,
    band: visit.band,
    entry_earliest: iso(visit.entry.earliest),
    entry_at: iso(visit.entry.estimate),
    entry_latest: iso(visit.entry.latest),
    exit_earliest: iso(visit.exit?.earliest),
    exit_at: iso(visit.exit?.estimate),
    exit_latest: iso(visit.exit?.latest),
    dwell_lower_s: visit.dwell.lower,
    dwell_s: visit.dwell.estimate,
    dwell_upper_s: visit.dwell.upper,
    pings: visit.pings,
    detail: visit,
  };
}

interface Author {
  merchantId: string;
  deviceId: string;
  guestId: string | null;
}

/**
 * Stores each visit's newest edition and counts it; the same edition again changes nothing, and final
 * visits stay as they are. A retracted visit that is told again is one again.
 */
export async function upsertVisits(
  tx: Queryable,
  who: Author,
  told: readonly ToldVisit[],
  now: number,
): Promise<void> {
  const rows = told.filter(({ fence }) => fence !== undefined).map(toRecord);
  if (rows.length === 0) return;
  await tx.query(
    `insert into visits as v (id, merchant_id, store_id, fence_id, fence_version, device_id, guest_id,
       status, revision, score, band, entry_earliest, entry_at, entry_latest, exit_earliest, exit_at,
       exit_latest, dwell_lower_s, dwell_s, dwell_upper_s, pings, detail, root_id, updated_at)
     select id, $2, store_id, fence_id, fence_version, $3, $4, status, 1, score, band,
       entry_earliest, entry_at, entry_latest, exit_earliest, exit_at, exit_latest, dwell_lower_s,
       dwell_s, dwell_upper_s, pings, detail, coalesce(
         (select o.root_id from visits o where o.merchant_id = $2 and o.id = r.continues), continues), $5
     from jsonb_to_recordset($1::jsonb) as r (id text, continues text, store_id uuid, fence_id uuid,
       fence_version integer, status text, score double precision, band text,
       entry_earliest timestamptz, entry_at timestamptz, entry_latest timestamptz,
       exit_earliest timestamptz, exit_at timestamptz, exit_latest timestamptz,
       dwell_lower_s double precision, dwell_s double precision, dwell_upper_s double precision,
       pings integer, detail jsonb)
     on conflict (id) do update set
       status = excluded.status, revision = v.revision + 1, score = excluded.score,
       band = excluded.band, guest_id = coalesce(v.guest_id, excluded.guest_id),
       fence_version = excluded.fence_version,
       entry_earliest = excluded.entry_earliest, entry_at = excluded.entry_at,
       entry_latest = excluded.entry_latest, exit_earliest = excluded.exit_earliest,
       exit_at = excluded.exit_at, exit_latest = excluded.exit_latest,
       dwell_lower_s = excluded.dwell_lower_s, dwell_s = excluded.dwell_s,
       dwell_upper_s = excluded.dwell_upper_s, pings = excluded.pings, detail = excluded.detail,
       root_id = coalesce(excluded.root_id, v.root_id), retracted_at = null, updated_at = excluded.updated_at
     where v.merchant_id = excluded.merchant_id and v.status <> 'final'
       and (v.status = 'retracted' or v.detail is distinct from excluded.detail)`,
    [JSON.stringify(rows), who.merchantId, who.deviceId, who.guestId, new Date(now)],
  );
}

/** A visit that stands no more. */
export interface GoneVisit {
  id: string;
  /** Id of the told visit that it turned out to be part of; null when it never was. */
  into: string | null;
}

/** Takes back visits that late pings showed never to have been; final ones stay. */
export async function retractVisits(
  tx: Queryable,
  merchantId: string,
  gone: readonly GoneVisit[],
  now: number,
): Promise<void> {
  if (gone.length === 0) return;
  await tx.query(
    `update visits v set status = 'retracted', retracted_at = $3, revision = v.revision + 1,
       updated_at = $3, root_id = coalesce(
         (select o.root_id from visits o where o.merchant_id = $1 and o.id = g.into), g.into, v.root_id)
     from jsonb_to_recordset($2::jsonb) as g (id text, "into" text)
     where v.merchant_id = $1 and v.id = g.id and v.status in ('open', 'closed')`,
    [merchantId, JSON.stringify(gone), new Date(now)],
  );
}

/** A visit that was taken back, with how far it had been told. Times in ms since 1970. */
export interface TakenBack {
  id: string;
  fenceId: string;
  entry: number;
  /** Null when it was taken back while it was open. */
  exit: number | null;
  retractedAt: number;
  /** Seconds. */
  dwellLower: number;
}

/** A device's visits to these fences that were taken back, and ended or were so after `since`. */
export async function takenBack(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  fenceIds: readonly string[],
  since: number,
): Promise<TakenBack[]> {
  const { rows } = await tx.query<{
    id: string;
    fence_id: string;
    entry_at: Date;
    exit_at: Date | null;
    retracted_at: Date;
    dwell_lower_s: number;
  }>(
    `select id, fence_id, entry_at, exit_at, retracted_at, dwell_lower_s from visits
     where merchant_id = $1 and device_id = $2 and fence_id = any ($3::uuid[])
       and status = 'retracted' and coalesce(exit_at, retracted_at) >= $4
     order by entry_at desc, id limit 100`,
    [merchantId, deviceId, fenceIds, new Date(since)],
  );
  return rows.map((row) => ({
    id: row.id,
    fenceId: row.fence_id,
    entry: row.entry_at.getTime(),
    exit: row.exit_at && row.exit_at.getTime(),
    retractedAt: row.retracted_at.getTime(),
    dwellLower: row.dwell_lower_s,
  }));
}

/** Which of these visits stand, in whatever state. */
export async function standing(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from visits where merchant_id = $1 and id = any ($2::text[]) and status <> 'retracted'`,
    [merchantId, ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Makes visits final that ended before `before`, of all merchants, `limit` at once; returns how many.
 * From here on nothing changes them. A device that has not been judged for `reach` ms (event time)
 * beyond the exit may still go on with the visit, however old it is: a backlog may be coming in.
 */
export async function finaliseVisits(
  db: Queryable,
  { before, reach, now, limit }: { before: number; reach: number; now: number; limit: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `update visits set status = 'final', revision = revision + 1, updated_at = $2
     where id = any (array(
       select v.id from visits v where v.status = 'closed' and v.exit_at < $1 and not exists (
         select 1 from device_states s where s.device_id = v.device_id and s.wake_at is not null
           and greatest((s.state -> 'head' ->> 't')::float8, (s.state ->> 'settled')::float8)
             < extract(epoch from v.exit_at) * 1000 + $4::float8)
       order by v.exit_at limit $3 for update of v skip locked)) and status = 'closed'`,
    [new Date(before), new Date(now), limit, reach],
  );
  return rowCount;
}

export interface VisitRow extends Row {
  id: string;
  store_id: string | null;
  fence_id: string;
  fence_name: string;
  fence_version: number;
  device_id: string;
  guest_id: string | null;
  status: 'open' | 'closed' | 'final' | 'retracted';
  revision: number;
  score: number;
  band: 'high' | 'medium' | 'low' | 'none';
  entry_earliest: Date | null;
  entry_at: Date;
  entry_latest: Date | null;
  exit_earliest: Date | null;
  exit_at: Date | null;
  exit_latest: Date | null;
  dwell_lower_s: number;
  dwell_s: number;
  dwell_upper_s: number | null;
  pings: number;
  detail: Visit;
}

const columns = `v.id, v.store_id, v.fence_id, f.name as fence_name, v.fence_version, v.device_id,
  v.guest_id, v.status, v.revision, v.score, v.band, v.entry_earliest, v.entry_at, v.entry_latest,
  v.exit_earliest, v.exit_at, v.exit_latest, v.dwell_lower_s, v.dwell_s, v.dwell_upper_s, v.pings,
  v.detail`;

export interface VisitFilter {
  fenceId?: string | undefined;
  storeId?: string | undefined;
  deviceId?: string | undefined;
  guestId?: string | undefined;
  /** Entered at or after. */
  from?: Date | undefined;
  /** Entered before. */
  to?: Date | undefined;
  /** Retracted visits are left out unless asked for. */
  status?: string | undefined;
  /** Only bands named here. */
  bands?: readonly string[] | undefined;
  after?: Cursor | undefined;
  limit: number;
}

/** Visits by time of entry, newest first. */
export async function listVisits(
  tx: Queryable,
  merchantId: string,
  filter: VisitFilter,
): Promise<VisitRow[]> {
  const { rows } = await tx.query<VisitRow>(
    `select ${columns} from visits v join fences f on f.id = v.fence_id
     where v.merchant_id = $1
       and ($2::uuid is null or v.fence_id = $2)
       and ($3::uuid is null or v.store_id = $3)
       and ($4::uuid is null or v.device_id = $4)
       and ($5::uuid is null or v.guest_id = $5)
       and ($6::timestamptz is null or v.entry_at >= $6)
       and ($7::timestamptz is null or v.entry_at < $7)
       and (case when $8::text is null then v.status <> 'retracted' else v.status = $8 end)
       and ($9::text[] is null or v.band = any ($9))
       and ($10::timestamptz is null or (v.entry_at, v.id) < ($10, $11::text))
     order by v.entry_at desc, v.id desc limit $12`,
    [
      merchantId,
      filter.fenceId ?? null,
      filter.storeId ?? null,
      filter.deviceId ?? null,
      filter.guestId ?? null,
      filter.from ?? null,
      filter.to ?? null,
      filter.status ?? null,
      filter.bands ?? null,
      filter.after?.at ?? null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
  return rows;
}

export async function visitById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<VisitRow | null> {
  const { rows } = await tx.query<VisitRow>(
    `select ${columns} from visits v join fences f on f.id = v.fence_id
     where v.merchant_id = $1 and v.id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

export interface Occupancy {
  fenceId: string;
  fenceName: string;
  /** Open visits whose band is not none. */
  visits: number;
  /** Sum of their scores: how many people are expected to be there in truth. */
  likely: number;
  /** When the longest of them began; null when nobody is there. */
  since: Date | null;
}

/** Who is there now, fence by fence; every active fence of the store has its row. */
export async function currentOccupancy(
  tx: Queryable,
  merchantId: string,
  storeId: string | null,
): Promise<Occupancy[]> {
  const { rows } = await tx.query<{
    fence_id: string;
    fence_name: string;
    visits: number;
    likely: number;
    since: Date | null;
  }>(
    `select f.id as fence_id, f.name as fence_name, count(v.id) as visits,
       coalesce(sum(v.score), 0) as likely, min(v.entry_at) as since
     from fences f
     left join visits v on v.fence_id = f.id and v.merchant_id = $1 and v.status = 'open' and v.band <> 'none'
     where f.merchant_id = $1 and f.active and ($2::uuid is null or f.store_id = $2)
     group by f.id, f.name order by f.name, f.id`,
    [merchantId, storeId],
  );
  return rows.map((row) => ({
    fenceId: row.fence_id,
    fenceName: row.fence_name,
    visits: row.visits,
    likely: Math.round(row.likely * 100) / 100,
    since: row.since,
  }));
}
