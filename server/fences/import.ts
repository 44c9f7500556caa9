/** Many fences from a GeoJSON FeatureCollection: all of them or, with every fault named, none. */
import type { FenceDefinition } from '../../geo/fence.ts';
import type { Queryable } from '../db/database.ts';
import type { Box } from './change.ts';
import type { FenceFields, FenceRow } from './queries.ts';
import { parseFence } from '../../geo/geojson.ts';
import { problem } from '../errors.ts';
import { uuidv7 } from '../ids.ts';
import { announce, expectedBox, requireRoom, requireStore, requireTree } from './change.ts';
import {
  endVisitsOf,
  insertFence,
  knownFences,
  lockFences,
  setParents,
  updateFence,
} from './queries.ts';
import { toStored } from './shape.ts';

/** Features in one request. */
export const MAX_IMPORT = 2_000;
const SHOWN = 20;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Draft {
  index: number;
  /** The id the collection uses, for parents. */
  outerId: string;
  definition: FenceDefinition;
  properties: Readonly<Record<string, unknown>>;
}

interface Refusal {
  path: string;
  message: string;
  fault: string;
}

export interface Imported {
  created: FenceRow[];
  updated: FenceRow[];
  /** Id in the collection → fence id. */
  ids: Record<string, string>;
}

/**
 * A feature whose id is one of the merchant's fences updates it; any other makes a new one. Parents
 * may be named by either kind of id. `storeId` is for features that name none.
 */
export async function importFences(
  tx: Queryable,
  merchantId: string,
  collection: unknown,
  storeId: string | null,
  now: number,
): Promise<Imported> {
  await lockFences(tx, merchantId);
  const features = featuresOf(collection);
  const drafts = readDrafts(features, await expectedBox(tx, merchantId));
  const outer = drafts.flatMap(({ outerId, definition: { parent } }) => [outerId, parent ?? '']);
  const known = await knownFences(tx, merchantId, [
    ...new Set(outer.filter((id) => uuid.test(id))),
  ]);
  const ids = new Map(
    drafts.map(({ outerId }) => [outerId, known.has(outerId) ? outerId : uuidv7(now)]),
  );
  await requireRoom(tx, merchantId, drafts.filter(({ outerId }) => !known.has(outerId)).length);
  await requireStores(tx, merchantId, drafts, storeId);
  const links = parentLinks(drafts, ids, known);

  const imported: Imported = { created: [], updated: [], ids: Object.fromEntries(ids) };
  const at = new Date(now);
  for (const draft of drafts) {
    const id = ids.get(draft.outerId) as string;
    const fields = fieldsOf(draft, storeId);
    const shape = toStored(draft.definition.shape);
    const old = known.has(draft.outerId)
      ? await updateFence(tx, merchantId, id, fields, shape, false, at)
      : null;
    if (old) {
      imported.updated.push(old);
      if (!old.active) await endVisitsOf(tx, merchantId, id, at);
    } else imported.created.push(await insertFence(tx, merchantId, id, fields, shape, at));
  }
  // Parents last: a child may stand before its parent in the file.
  await setParents(tx, merchantId, links, at);
  await requireTree(tx, merchantId);
  await announce(tx, merchantId, imported.created, 'created', now);
  await announce(tx, merchantId, imported.updated, 'updated', now);
  return imported;
}

function featuresOf(collection: unknown): unknown[] {
  const { type, features } = (collection ?? {}) as { type?: unknown; features?: unknown };
  const list = type === 'Feature' ? [collection] : features;
  if (type !== 'Feature' && (type !== 'FeatureCollection' || !Array.isArray(list))) {
    throw refused([
      {
        path: 'body',
        message: 'Send a GeoJSON Feature or FeatureCollection.',
        fault: 'not-a-collection',
      },
    ]);
  }
  const found = list as unknown[];
  if (found.length > MAX_IMPORT) {
    const message = `${found.length} features; at most ${MAX_IMPORT} fit into one request.`;
    throw refused([{ path: 'body.features', message, fault: 'too-many-fences' }]);
  }
  return found;
}

function readDrafts(features: readonly unknown[], expected: Box | null): Draft[] {
  const drafts: Draft[] = [];
  const faults: Refusal[] = [];
  const seen = new Set<string>();
  features.forEach((feature, index) => {
    const path = `body.features.${index}`;
    const result = parseFence(feature, {
      id: `feature-${index}`,
      ...(expected ? { expected } : {}),
    });
    if (!result.ok) {
      faults.push({ path, message: result.message, fault: result.code });
      return;
    }
    const { properties } = feature as { properties?: unknown };
    const draft: Draft = {
      index,
      outerId: result.fence.id,
      definition: result.fence,
      properties: (properties ?? {}) as Record<string, unknown>,
    };
    const fault = seen.has(draft.outerId)
      ? { fault: 'duplicate-id', message: 'an earlier feature has the same id' }
      : propertyFault(draft);
    seen.add(draft.outerId);
    if (fault) faults.push({ path, ...fault });
    else drafts.push(draft);
  });
  if (faults.length > 0) throw refused(faults);
  return drafts;
}

const shortText = (value: unknown, limit: number): boolean =>
  value == null ||
  (typeof value === 'string' && value.length <= limit && !/[\p{Cc}\p{Cs}]/u.test(value));

/** What our own columns ask beyond what the engine asks. */
function propertyFault({ definition, properties }: Draft): Omit<Refusal, 'path'> | null {
  if (definition.name.trim() === '' || !shortText(definition.name, 120)) {
    return { fault: 'bad-name', message: 'the name needs 1 to 120 printable characters' };
  }
  const { storeId, floor, category, active } = properties;
  if (storeId != null && (typeof storeId !== 'string' || !uuid.test(storeId))) {
    return { fault: 'bad-property', message: 'storeId must be the id of a store' };
  }
  if (!shortText(typeof floor === 'number' ? '' : floor, 40) || !shortText(category, 60)) {
    return { fault: 'bad-property', message: 'floor and category are short texts' };
  }
  if (active != null && typeof active !== 'boolean') {
    return { fault: 'bad-property', message: 'active must be true or false' };
  }
  return null;
}

async function requireStores(
  tx: Queryable,
  merchantId: string,
  drafts: readonly Draft[],
  fallback: string | null,
): Promise<void> {
  const wanted = new Set(drafts.map(({ properties }) => properties['storeId'] ?? fallback));
  for (const storeId of wanted) await requireStore(tx, merchantId, storeId as string | null);
}

function parentLinks(
  drafts: readonly Draft[],
  ids: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): { id: string; parentId: string }[] {
  return drafts.flatMap(({ index, outerId, definition: { parent } }) => {
    if (parent === undefined) return [];
    const parentId = ids.get(parent) ?? (known.has(parent) ? parent : undefined);
    if (parentId === undefined) {
      const message = 'the parent is neither in this collection nor one of your fences';
      throw refused([{ path: `body.features.${index}`, message, fault: 'bad-parent' }]);
    }
    return [{ id: ids.get(outerId) as string, parentId }];
  });
}

function fieldsOf({ definition, properties }: Draft, storeId: string | null): FenceFields {
  return {
    name: definition.name.trim(),
    storeId: (properties['storeId'] as string | null | undefined) ?? storeId,
    parentId: null,
    floor: definition.floor ?? null,
    category: (properties['category'] as string | null | undefined) ?? null,
    minDwellSeconds: definition.minDwellSeconds ?? 180,
    active: (properties['active'] as boolean | null | undefined) ?? true,
    radio: null,
    priority: 0,
    cooldownSeconds: 0,
    hours: null,
    datum: 'wgs84',
    made: null,
  };
}

function refused(faults: readonly Refusal[]) {
  return problem('invalid-geometry', {
    detail: `${faults.length} of the features cannot be used: ${faults[0]?.message ?? ''}`,
    errors: faults.slice(0, SHOWN).map(({ path, message }) => ({ path, message })),
    faults: faults.slice(0, SHOWN),
    fault: faults[0]?.fault,
  });
}
