/** Fences as rows: shapes are PostGIS geography, a circle its centre and a radius. */
import type { Queryable, Row } from '../db/database.ts';
import type { Cursor } from '../http/cursor.ts';
import type { Geometry, StoredShape } from './shape.ts';

export interface FenceRow extends Row {
  id: string;
  store_id: string | null;
  parent_id: string | null;
  name: string;
  geometry: Geometry;
  radius_m: number | null;
  floor: string | null;
  category: string | null;
  min_dwell_s: number;
  version: number;
  active: boolean;
  created_at: Date;
  updated_at: Date;
}

// 15 digits: what was drawn comes back as it was drawn.
const columns = `id, store_id, parent_id, name, st_asgeojson(shape::geometry, 15)::jsonb as geometry,
  radius_m, floor, category, min_dwell_s, version, active, created_at, updated_at`;

/** Everything of a fence that people set. */
export interface FenceFields {
  name: string;
  storeId: string | null;
  parentId: string | null;
  floor: string | null;
  category: string | null;
  minDwellSeconds: number;
  active: boolean;
}

/** The number that rises with every change of the merchant's fences. */
export async function fenceRevision(tx: Queryable, merchantId: string): Promise<number> {
  const { rows } = await tx.query<{ revision: number }>(
    'select revision from fence_revisions where merchant_id = $1',
    [merchantId],
  );
  return rows[0]?.revision ?? 0;
}

/** All active fences and the revision they are of, in one statement and so of one moment. */
export async function activeFences(
  tx: Queryable,
  merchantId: string,
): Promise<{ revision: number; fences: FenceRow[] }> {
  const { rows } = await tx.query<FenceRow & { revision: number | null }>(
    `select r.revision, f.* from (select $1::uuid as merchant_id) m
     left join fence_revisions r using (merchant_id)
     left join (select merchant_id, ${columns} from fences where active) f using (merchant_id)
     order by f.id`,
    [merchantId],
  );
  return {
    revision: rows[0]?.revision ?? 0,
    fences: rows.filter((row) => (row.id as string | null) !== null),
  };
}

/** Makes changes of one merchant's fences wait for each other: limits and cycles need a still picture. */
export async function lockFences(tx: Queryable, merchantId: string): Promise<void> {
  // Not the strongest lock: other tables may still point at the merchant meanwhile.
  await tx.query('select 1 from merchants where id = $1 for no key update', [merchantId]);
}

export async function countFences(tx: Queryable, merchantId: string): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    'select count(*) as n from fences where merchant_id = $1',
    [merchantId],
  );
  return rows[0]?.n ?? 0;
}

export async function listFences(
  tx: Queryable,
  merchantId: string,
  filter: {
    storeId?: string | undefined;
    active?: boolean | undefined;
    after?: Cursor | undefined;
    limit: number;
  },
): Promise<FenceRow[]> {
  const { rows } = await tx.query<FenceRow>(
    `select ${columns} from fences
     where merchant_id = $1
       and ($2::uuid is null or store_id = $2)
       and ($3::boolean is null or active = $3)
       and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
     order by created_at desc, id desc limit $6`,
    [
      merchantId,
      filter.storeId ?? null,
      filter.active ?? null,
      filter.after?.at ?? null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
  return rows;
}

export async function fenceById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<FenceRow | null> {
  const { rows } = await tx.query<FenceRow>(
    `select ${columns} from fences where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

/** Which of the ids are this merchant's fences. */
export async function knownFences(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string }>(
    'select id from fences where merchant_id = $1 and id = any ($2::uuid[])',
    [merchantId, ids],
  );
  return new Set(rows.map((row) => row.id));
}

export async function insertFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: FenceFields,
  shape: StoredShape,
  now: Date,
): Promise<FenceRow> {
  const { rows } = await tx.query<FenceRow>(
    `insert into fences (id, merchant_id, store_id, parent_id, name, shape, radius_m, floor, category,
       min_dwell_s, active, created_at, updated_at)
     values ($1, $2, $3, $4, $5, st_setsrid(st_geomfromgeojson($6), 4326)::geography, $7, $8, $9, $10,
       $11, $12, $12)
     returning ${columns}`,
    [
      id,
      merchantId,
      fields.storeId,
      fields.parentId,
      fields.name,
      JSON.stringify(shape.geometry),
      shape.radiusM,
      fields.floor,
      fields.category,
      fields.minDwellSeconds,
      fields.active,
      now,
    ],
  );
  return rows[0] as FenceRow;
}

/** Writes the fields; a shape other than the stored one makes a new version of the fence. */
export async function updateFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: FenceFields,
  shape: StoredShape | null,
  now: Date,
): Promise<FenceRow | null> {
  const { rows } = await tx.query<FenceRow>(
    `with drawn as (
       select st_setsrid(st_geomfromgeojson($9::text), 4326)::geography as shape,
         $10::double precision as radius_m)
     update fences f set
       name = $3, store_id = $4, parent_id = $5, floor = $6, category = $7, min_dwell_s = $8,
       active = $11, updated_at = $12,
       shape = coalesce(d.shape, f.shape),
       radius_m = case when d.shape is null then f.radius_m else d.radius_m end,
       version = f.version + case
         when d.shape is null then 0
         when st_asbinary(d.shape) = st_asbinary(f.shape) and d.radius_m is not distinct from f.radius_m then 0
         else 1 end
     from drawn d
     where f.merchant_id = $1 and f.id = $2
     returning f.id, f.store_id, f.parent_id, f.name,
       st_asgeojson(f.shape::geometry, 15)::jsonb as geometry, f.radius_m, f.floor, f.category,
       f.min_dwell_s, f.version, f.active, f.created_at, f.updated_at`,
    [
      merchantId,
      id,
      fields.name,
      fields.storeId,
      fields.parentId,
      fields.floor,
      fields.category,
      fields.minDwellSeconds,
      shape && JSON.stringify(shape.geometry),
      shape?.radiusM ?? null,
      fields.active,
      now,
    ],
  );
  return rows[0] ?? null;
}

/** Sets the parents of freshly imported fences, once all of them exist. */
export async function setParents(
  tx: Queryable,
  merchantId: string,
  links: readonly { id: string; parentId: string }[],
): Promise<void> {
  if (links.length === 0) return;
  await tx.query(
    `update fences f set parent_id = l.parent_id
     from unnest($2::uuid[], $3::uuid[]) as l (id, parent_id)
     where f.merchant_id = $1 and f.id = l.id and f.parent_id is distinct from l.parent_id`,
    [merchantId, links.map((link) => link.id), links.map((link) => link.parentId)],
  );
}

/** A fence that is its own ancestor, or null when there is none. */
export async function findCycle(tx: Queryable, merchantId: string): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    `with recursive up as (
       select id as start, parent_id as at, 1 as steps from fences
       where merchant_id = $1 and parent_id is not null
       union all
       select up.start, f.parent_id, up.steps + 1 from up join fences f on f.id = up.at
       where f.merchant_id = $1 and f.parent_id is not null and up.at <> up.start and up.steps < 64)
     select start as id from up where at = start or steps >= 64 limit 1`,
    [merchantId],
  );
  return rows[0]?.id ?? null;
}

/** Deletes a fence that nobody ever visited; false when there are visits (or no such fence). */
export async function deleteUnvisited(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `delete from fences where merchant_id = $1 and id = $2
       and not exists (select 1 from visits where fence_id = $2)`,
    [merchantId, id],
  );
  return rowCount > 0;
}

/** Takes a fence off the map and ends its visits; true when it was on it. */
export async function retireFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update fences set active = false, updated_at = $3 where merchant_id = $1 and id = $2',
    [merchantId, id, now],
  );
  return rowCount > 0;
}

/** The engine no longer sees a fence that left the map, so nothing else would end its visits. */
export async function endVisitsOf(
  tx: Queryable,
  merchantId: string,
  fenceId: string,
  now: Date,
): Promise<number> {
  const { rowCount } = await tx.query(
    `update visits set status = 'final', revision = revision + 1, updated_at = $3,
       exit_at = coalesce(exit_at, entry_at + dwell_s * interval '1 second')
     where merchant_id = $1 and fence_id = $2 and status in ('open', 'closed')`,
    [merchantId, fenceId, now],
  );
  return rowCount;
}

/** [west, south, east, north] of the merchant's stores; null when none says where it is. */
export async function storesBox(
  tx: Queryable,
  merchantId: string,
): Promise<[number, number, number, number] | null> {
  const { rows } = await tx.query<Record<'w' | 's' | 'e' | 'n', number | null>>(
    `select st_xmin(box) as w, st_ymin(box) as s, st_xmax(box) as e, st_ymax(box) as n
     from (select st_extent(location::geometry) as box from stores
           where merchant_id = $1 and location is not null) located`,
    [merchantId],
  );
  const { w, s, e, n } = rows[0] ?? { w: null, s: null, e: null, n: null };
  return w === null || s === null || e === null || n === null ? null : [w, s, e, n];
}
