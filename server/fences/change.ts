/** Drawing, changing and removing fences: geometry judged, owners checked, a `fence.changed` for each. */
import type { Queryable } from '../db/database.ts';
import type { EventPayloads } from '../events/types.ts';
import type { FenceFields, FenceRow } from './queries.ts';
import type { StoredShape } from './shape.ts';
import { parseFence } from '../../geo/geojson.ts';
import { problem } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import { uuidv7 } from '../ids.ts';
import { hasStore } from '../stores/queries.ts';
import {
  countFences,
  deleteUnvisited,
  endVisitsOf,
  fenceById,
  findCycle,
  insertFence,
  knownFences,
  lockFences,
  retireFence,
  storesBox,
  updateFence,
} from './queries.ts';
import { toStored } from './shape.ts';

/** Fences per merchant. */
export const MAX_FENCES = 20_000;
/** Degrees around the merchant's stores within which a fence is expected. */
const NEAR = 1;

export type Box = readonly [number, number, number, number];

/** A new fence as people give it; what is left out has its default. */
export interface FenceInput {
  name: string;
  /** GeoJSON Polygon, MultiPolygon, or Point (then with `radius`). Not trusted. */
  geometry: unknown;
  /** Metres, circles only. */
  radius?: number | null | undefined;
  storeId?: string | null | undefined;
  parentId?: string | null | undefined;
  floor?: string | null | undefined;
  category?: string | null | undefined;
  minDwellSeconds?: number | undefined;
  active?: boolean | undefined;
}

/** What is left out stays as it is. */
export type FenceChange = { [K in keyof FenceInput]?: FenceInput[K] | undefined };

/** The geometry as it is stored, or the problem that says what to mend. */
export function acceptShape(
  geometry: unknown,
  radius: number | null | undefined,
  expected: Box | null,
): StoredShape {
  const feature = { type: 'Feature', geometry, properties: radius == null ? {} : { radius } };
  const result = parseFence(feature, { id: 'fence', ...(expected ? { expected } : {}) });
  if (result.ok) return toStored(result.fence.shape);
  throw problem('invalid-geometry', {
    detail: result.message,
    errors: [{ path: 'body.geometry', message: result.message }],
    fault: result.code,
  });
}

/** Where this merchant's fences should lie, so that swapped axes are noticed; null when unknown. */
export async function expectedBox(tx: Queryable, merchantId: string): Promise<Box | null> {
  const box = await storesBox(tx, merchantId);
  return box && [box[0] - NEAR, box[1] - NEAR, box[2] + NEAR, box[3] + NEAR];
}

/** Throws not-found for a store that is not the merchant's. */
export async function requireStore(
  tx: Queryable,
  merchantId: string,
  storeId: string | null | undefined,
): Promise<void> {
  if (storeId != null && !(await hasStore(tx, merchantId, storeId))) {
    throw problem('not-found', { detail: 'There is no store with this id.' });
  }
}

async function requireParent(
  tx: Queryable,
  merchantId: string,
  parentId: string | null | undefined,
): Promise<void> {
  if (parentId == null) return;
  const known = await knownFences(tx, merchantId, [parentId]);
  if (known.size === 0) throw problem('not-found', { detail: 'There is no such parent fence.' });
}

/** Throws when `adding` more fences would be too many. */
export async function requireRoom(
  tx: Queryable,
  merchantId: string,
  adding: number,
): Promise<void> {
  if ((await countFences(tx, merchantId)) + adding > MAX_FENCES) {
    throw problem('conflict', { detail: `A merchant has at most ${MAX_FENCES} fences.` });
  }
}

/** Throws when the parents no longer form a tree. */
export async function requireTree(tx: Queryable, merchantId: string): Promise<void> {
  if ((await findCycle(tx, merchantId)) !== null) {
    throw problem('conflict', {
      detail: 'A fence cannot lie inside itself: the parents form a ring.',
    });
  }
}

/** One `fence.changed` per fence, in this transaction. */
export async function announce(
  tx: Queryable,
  merchantId: string,
  fences: readonly { id: string; store_id: string | null }[],
  change: EventPayloads['fence.changed']['change'],
  now: number,
): Promise<void> {
  const occurredAt = new Date(now);
  const at = occurredAt.toISOString();
  const events = fences.map(({ id, store_id }) => ({
    merchantId,
    storeId: store_id,
    type: 'fence.changed' as const,
    key: `fence:${id}`,
    payload: { fenceId: id, change, at },
    occurredAt,
  }));
  await appendEvents(tx, events, now);
}

export async function createFence(
  tx: Queryable,
  merchantId: string,
  input: FenceInput,
  now: number,
): Promise<FenceRow> {
  await lockFences(tx, merchantId);
  await requireStore(tx, merchantId, input.storeId);
  await requireParent(tx, merchantId, input.parentId);
  await requireRoom(tx, merchantId, 1);
  const shape = acceptShape(input.geometry, input.radius, await expectedBox(tx, merchantId));
  const fields: FenceFields = {
    name: input.name,
    storeId: input.storeId ?? null,
    parentId: input.parentId ?? null,
    floor: input.floor ?? null,
    category: input.category ?? null,
    minDwellSeconds: input.minDwellSeconds ?? 180,
    active: input.active ?? true,
    radio: null,
    priority: 0,
    cooldownSeconds: 0,
    hours: null,
    datum: 'wgs84',
    made: null,
  };
  const row = await insertFence(tx, merchantId, uuidv7(now), fields, shape, new Date(now));
  await announce(tx, merchantId, [row], 'created', now);
  return row;
}

/** Changes what is given and leaves the rest; a shape that differs makes a new version. */
export async function changeFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  change: FenceChange,
  now: number,
): Promise<FenceRow> {
  await lockFences(tx, merchantId);
  const before = await fenceById(tx, merchantId, id);
  if (!before) throw problem('not-found', { detail: 'There is no fence with this id.' });
  await requireStore(tx, merchantId, change.storeId);
  await requireParent(tx, merchantId, change.parentId);
  const fields = mergeFields(before, change);
  const shape = await changedShape(tx, merchantId, before, change);
  const row = await updateFence(
    tx,
    merchantId,
    id,
    fields,
    shape ?? before,
    shape === null,
    new Date(now),
  );
  if (!row) throw problem('not-found');
  if (change.parentId != null) await requireTree(tx, merchantId);
  if (before.active && !row.active) await endVisitsOf(tx, merchantId, id, new Date(now));
  await announce(tx, merchantId, [row], 'updated', now);
  return row;
}

/** What is given replaces what is stored. */
function mergeFields(before: FenceRow, change: FenceChange): FenceFields {
  const { storeId, parentId, floor, category } = change;
  return {
    name: change.name ?? before.name,
    storeId: storeId === undefined ? before.store_id : storeId,
    parentId: parentId === undefined ? before.parent_id : parentId,
    floor: floor === undefined ? before.floor : floor,
    category: category === undefined ? before.category : category,
    minDwellSeconds: change.minDwellSeconds ?? before.min_dwell_s,
    active: change.active ?? before.active,
    radio: before.radio,
    priority: before.priority,
    cooldownSeconds: before.cooldown_s,
    hours: before.hours,
    datum: before.datum,
    made: before.made,
  };
}

async function changedShape(
  tx: Queryable,
  merchantId: string,
  before: FenceRow,
  change: FenceChange,
): Promise<StoredShape | null> {
  if (change.geometry === undefined && change.radius === undefined) return null;
  const geometry = change.geometry ?? before.geometry;
  const radius = change.radius === undefined ? before.radius_m : change.radius;
  return acceptShape(geometry, radius, await expectedBox(tx, merchantId));
}

/**
 * Removes a fence. One with visits is retired instead: it leaves the map and its visits stay, since
 * what happened there happened.
 */
export async function removeFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  now: number,
): Promise<void> {
  await lockFences(tx, merchantId);
  const before = await fenceById(tx, merchantId, id);
  if (!before) throw problem('not-found', { detail: 'There is no fence with this id.' });
  // Retired first: that tells the history of fences when it went.
  await retireFence(tx, merchantId, id, new Date(now));
  await deleteUnvisited(tx, merchantId, id);
  await endVisitsOf(tx, merchantId, id, new Date(now));
  await announce(tx, merchantId, [before], 'deleted', now);
}
