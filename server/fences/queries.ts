/** Fences as rows: shapes are PostGIS geography, a circle its centre and a radius. */
import type { Queryable, Row } from '../db/database.ts';
import type { Cursor } from '../http/cursor.ts';
import type { Datum } from '../../geo/datum.ts';
import type { OpeningHours } from '../../geo/fence.ts';
import type { Direction, FenceKind, Geometry, StoredShape } from './shape.ts';

export interface FenceRow extends Row {
  id: string;
  store_id: string | null;
  parent_id: string | null;
  name: string;
  kind: FenceKind;
  /** Null for sets of radios and for composites. Always WGS 84. */
  geometry: Geometry | null;
  radius_m: number | null;
  width_m: number | null;
  direction: Direction | null;
  /** Fence ids, composites only. */
  members: string[] | null;
  members_of: 'any' | 'all' | null;
  radio: string[] | null;
  priority: number;
  cooldown_s: number;
  hours: OpeningHours | null;
  /** What it was drawn in. */
  datum: Datum;
  made: 'isochrone' | null;
  floor: string | null;
  category: string | null;
  min_dwell_s: number;
  version: number;
  /** Since when this version is in force. */
  changed_at: Date;
  active: boolean;
  created_at: Date;
  updated_at: Date;
}

/** 15 digits: what was drawn comes back as it was drawn. */
const asGeoJson = 'st_asgeojson(f.shape::geometry, 15)::jsonb';
/** All of a fence but its shape. */
export const plain = `f.id, f.store_id, f.parent_id, f.name, f.kind, f.radius_m, f.width_m, f.direction,
  f.members, f.members_of, f.radio, f.priority, f.cooldown_s, f.hours, f.datum, f.made, f.floor,
  f.category, f.min_dwell_s, f.version, f.changed_at, f.active, f.created_at, f.updated_at`;
const columns = `${plain}, ${asGeoJson} as geometry`;

/** Everything of a fence that people set beside its shape. */
export interface FenceFields {
  name: string;
  storeId: string | null;
  parentId: string | null;
  floor: string | null;
  category: string | null;
  minDwellSeconds: number;
  active: boolean;
  radio: string[] | null;
  priority: number;
  cooldownSeconds: number;
  hours: OpeningHours | null;
  datum: Datum;
  made: 'isochrone' | null;
}

/** The number that rises with every change of the merchant's fences. */
export async function fenceRevision(tx: Queryable, merchantId: string): Promise<number> {
  const { rows } = await tx.query<{ revision: number }>(
    'select revision from fence_revisions where merchant_id = $1',
    [merchantId],
  );
  return rows[0]?.revision ?? 0;
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
    `select ${columns} from fences f
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
    `select ${columns} from fences f where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

/** Which of the ids are this merchant's fences, and of what kind. */
export async function knownFences(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<Map<string, FenceKind>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.query<{ id: string; kind: FenceKind }>(
    'select id, kind from fences where merchant_id = $1 and id = any ($2::uuid[])',
    [merchantId, ids],
  );
  return new Map(rows.map(({ id, kind }) => [id, kind]));
}

const json = (value: unknown): string | null => (value == null ? null : JSON.stringify(value));

/** Parameters $3 to $22 of insert and update. */
const written = (fields: FenceFields, shape: StoredShape, now: Date): unknown[] => [
  fields.name,
  fields.storeId,
  fields.parentId,
  fields.floor,
  fields.category,
  fields.minDwellSeconds,
  fields.active,
  json(fields.radio),
  fields.priority,
  fields.cooldownSeconds,
  json(fields.hours),
  fields.datum,
  fields.made,
  shape.kind,
  json(shape.geometry),
  shape.radius_m,
  shape.width_m,
  shape.direction,
  json(shape.members),
  shape.members_of,
  now,
];

export async function insertFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  fields: FenceFields,
  shape: StoredShape,
  now: Date,
): Promise<FenceRow> {
  const { rows } = await tx.query<FenceRow>(
    `insert into fences as f (merchant_id, id, name, store_id, parent_id, floor, category,
       min_dwell_s, active, radio, priority, cooldown_s, hours, datum, made, kind, shape, radius_m,
       width_m, direction, members, members_of, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13::jsonb, $14, $15, $16,
       st_setsrid(st_geomfromgeojson($17::text), 4326)::geography, $18, $19, $20, $21::jsonb, $22,
       $23, $23)
     returning ${columns}`,
    [merchantId, id, ...written(fields, shape, now)],
  );
  return rows[0] as FenceRow;
}

/**
 * Writes the fields and the shape. Another shape, floor or set of radios makes a new version: what
 * is known of people inside no longer holds. With `keepGeometry` the stored one stays bit by bit.
 */
export async function updateFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  {
    fields,
    shape,
    keepGeometry,
  }: { fields: FenceFields; shape: StoredShape; keepGeometry: boolean },
  now: Date,
): Promise<FenceRow | null> {
  const { rows } = await tx.query<FenceRow>(
    `with drawn as (
       select case when $24 then shape else
         st_setsrid(st_geomfromgeojson($17::text), 4326)::geography end as shape
       from fences where merchant_id = $1 and id = $2)
     update fences f set
       name = $3, store_id = $4, parent_id = $5, floor = $6, category = $7, min_dwell_s = $8,
       active = $9, radio = $10::jsonb, priority = $11, cooldown_s = $12, hours = $13::jsonb,
       datum = $14, made = $15, kind = $16, shape = d.shape, radius_m = $18, width_m = $19,
       direction = $20, members = $21::jsonb, members_of = $22, updated_at = $23,
       version = f.version + case
         when st_asbinary(d.shape) is not distinct from st_asbinary(f.shape)
           and (f.kind, f.radius_m, f.width_m, f.direction, f.members, f.members_of, f.radio, f.floor)
             is not distinct from ($16::text, $18::double precision, $19::double precision, $20::text,
               $21::jsonb, $22::text, $10::jsonb, $6::text)
         then 0 else 1 end
     from drawn d
     where f.merchant_id = $1 and f.id = $2
     returning ${columns}`,
    [merchantId, id, ...written(fields, shape, now), keepGeometry],
  );
  return rows[0] ?? null;
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

/** A composite that is part of itself, or null when there is none. */
export async function findMemberCycle(tx: Queryable, merchantId: string): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    `with recursive parts as (
       select f.id as start, m.member from fences f, jsonb_array_elements_text(f.members) m (member)
       where f.merchant_id = $1 and f.kind = 'composite'
       union
       select p.start, m.member from parts p join fences f on f.id::text = p.member,
         jsonb_array_elements_text(f.members) m (member)
       where f.merchant_id = $1 and f.kind = 'composite' and p.member <> p.start::text)
     select start as id from parts where member = start::text limit 1`,
    [merchantId],
  );
  return rows[0]?.id ?? null;
}

/** Takes a fence off the map; what lay in it lies in nothing from now on. */
export async function retireFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  now: Date,
): Promise<void> {
  await tx.query(
    'update fences set active = false, updated_at = $3 where merchant_id = $1 and id = $2',
    [merchantId, id, now],
  );
  await tx.query(
    'update fences set parent_id = null, updated_at = $3 where merchant_id = $1 and parent_id = $2',
    [merchantId, id, now],
  );
}

/** Deletes a retired fence that nobody ever visited; one with visits stays. */
export async function deleteUnvisited(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<void> {
  await tx.query(
    `delete from fences where merchant_id = $1 and id = $2 and not active
       and not exists (select 1 from visits where fence_id = $2)`,
    [merchantId, id],
  );
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
