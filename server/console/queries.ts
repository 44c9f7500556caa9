/** What only the console's map pages ask: fences with their figures, who is in now, the newest events. */
import type { Queryable, Row } from '../db/database.ts';
import { drawnGeometry } from '../fences/datum.ts';
import type { Geometry } from '../fences/shape.ts';
import type { StoredFence } from './shared/fence.ts';

/** A fence with its geometry rounded to a centimetre. */
export type MapFence = StoredFence;

interface MapFenceRow extends Row {
  id: string;
  name: string;
  kind: MapFence['kind'];
  floor: string | null;
  parent_id: string | null;
  category: string | null;
  min_dwell_s: number;
  active: boolean;
  version: number;
  geometry: Geometry | null;
  radius_m: number | null;
  width_m: number | null;
  direction: MapFence['direction'];
  members: string[] | null;
  members_of: MapFence['of'];
  radio: string[] | null;
  priority: number;
  cooldown_s: number;
  hours: MapFence['hours'];
  datum: MapFence['datum'];
}

/**
 * A store's fences, and those of the merchant that belong to no store; each as it was drawn, or all
 * in the datum of one map.
 */
export async function mapFences(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  map?: MapFence['datum'],
): Promise<MapFence[]> {
  const { rows } = await tx.query<MapFenceRow>(
    `select id, name, kind, floor, parent_id, category, min_dwell_s, active, version, radius_m,
       width_m, direction, members, members_of, radio, priority, cooldown_s, hours, datum,
       st_asgeojson(shape, 7)::jsonb as geometry
     from fences where merchant_id = $1 and (store_id = $2 or store_id is null)
     order by name, id limit 2000`,
    [merchantId, storeId],
  );
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    kind: row.kind,
    floor: row.floor,
    parentId: row.parent_id,
    category: row.category,
    minDwellSeconds: row.min_dwell_s,
    active: row.active,
    version: row.version,
    geometry: drawnGeometry({ ...row, datum: map ?? row.datum }) as MapFence['geometry'],
    radius: row.radius_m,
    width: row.width_m,
    direction: row.direction,
    members: row.members,
    of: row.members_of,
    radio: row.radio,
    priority: row.priority,
    cooldownSeconds: row.cooldown_s,
    hours: row.hours,
    datum: row.datum,
  }));
}

/** How many visits would go with a fence. */
export async function visitsOfFence(
  tx: Queryable,
  merchantId: string,
  fenceId: string,
): Promise<number> {
  const { rows } = await tx.query<{ visits: number }>(
    `select count(*) as visits from visits
     where merchant_id = $1 and fence_id = $2 and status <> 'retracted'`,
    [merchantId, fenceId],
  );
  return rows[0]?.visits ?? 0;
}

/** Names by id, and in which fence each lies. */
export async function fencesNamed(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
): Promise<Map<string, { name: string; parentId: string | null }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.query<{ id: string; name: string; parent_id: string | null }>(
    'select id, name, parent_id from fences where merchant_id = $1 and id = any ($2::uuid[])',
    [merchantId, ids],
  );
  return new Map(rows.map(({ id, name, parent_id: parentId }) => [id, { name, parentId }]));
}

export interface Occupancy {
  /** Devices with an open visit anywhere in the store. */
  inStore: number;
  /** By fence id; fences with nobody are left out. */
  counts: Record<string, number>;
}

/** Who is in now: open visits the engine believes at least a little. */
export async function occupancy(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<Occupancy> {
  const { rows } = await tx.query<{ fence_id: string | null; people: number }>(
    `select fence_id, count(distinct device_id) as people from visits
     where merchant_id = $1 and store_id = $2 and status = 'open' and band <> 'none'
     group by grouping sets ((), (fence_id))`,
    [merchantId, storeId],
  );
  const counts: Record<string, number> = {};
  for (const { fence_id: id, people } of rows) if (id !== null) counts[id] = people;
  return { inStore: rows.find((row) => row.fence_id === null)?.people ?? 0, counts };
}

export interface RecentEvent {
  id: string;
  position: number;
  type: string;
  at: string;
  payload: Record<string, unknown>;
}

/** The newest events of a store, newest first, without voucher codes: those are the guest's. */
export async function recentEvents(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  limit: number,
): Promise<RecentEvent[]> {
  const { rows } = await tx.query<Row & Omit<RecentEvent, 'at'> & { occurred_at: Date }>(
    `select id, position, type, payload - 'code' as payload, occurred_at from outbox
     where merchant_id = $1 and store_id = $2 and position is not null
     order by position desc limit $3`,
    [merchantId, storeId, limit],
  );
  return rows.map(({ id, position, type, payload, occurred_at: at }) => ({
    id,
    position,
    type,
    payload,
    at: at.toISOString(),
  }));
}

/** Where a store stands, [lon, lat]; null when it never said. */
export async function storeLocation(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<[number, number] | null> {
  const { rows } = await tx.query<{ lon: number | null; lat: number | null }>(
    `select st_x(location::geometry) as lon, st_y(location::geometry) as lat from stores
     where merchant_id = $1 and id = $2`,
    [merchantId, storeId],
  );
  const { lon, lat } = rows[0] ?? { lon: null, lat: null };
  return lon === null || lat === null ? null : [lon, lat];
}

/** Held-out and refused decisions per rule; issued ones are counted in the rule itself. */
export async function ruleFigures(
  tx: Queryable,
  merchantId: string,
): Promise<Map<string, { heldOut: number; refused: number }>> {
  const { rows } = await tx.query<{ rule_id: string; held_out: number; refused: number }>(
    `select rule_id, count(*) filter (where outcome = 'held_out') as held_out,
       count(*) filter (where outcome = 'refused') as refused
     from decisions where merchant_id = $1 group by rule_id`,
    [merchantId],
  );
  return new Map(rows.map((row) => [row.rule_id, { heldOut: row.held_out, refused: row.refused }]));
}
