/** Many fences from a GeoJSON FeatureCollection: all of them or, with every fault named, none. */
import type { Datum } from '../../geo/datum.ts';
import type { Queryable } from '../db/database.ts';
import type { Draft, Refusal } from './drafts.ts';
import type { FenceFields, FenceRow } from './queries.ts';
import type { FenceKind, StoredShape } from './shape.ts';
import { problem } from '../errors.ts';
import { uuidv7 } from '../ids.ts';
import { announce, reconsider } from './change.ts';
import { parentsFirst, readDrafts, refused } from './drafts.ts';
import { fieldsOf } from './input.ts';
import { closeForgotten } from './inside-queries.ts';
import { fenceById, insertFence, knownFences, lockFences, updateFence } from './queries.ts';
import {
  expectedBox,
  requireNoMemberRing,
  requireRoom,
  requireStore,
  requireTree,
} from './relations.ts';
import { toStored } from './shape.ts';
import { standSince } from './versions-queries.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface ImportOptions {
  /** Store of features that name none. */
  storeId?: string | null | undefined;
  /** Of features that name none. */
  datum?: Datum | undefined;
  /** New fences count from then on, not from now: what phones send late is judged by them, too. */
  since?: Date | undefined;
}

export interface Imported {
  created: FenceRow[];
  updated: FenceRow[];
  /** Id in the collection → fence id. */
  ids: Record<string, string>;
  /** What was taken and is still odd; `index` counts in the collection. */
  warnings: { index: number; id: string; code: string; message: string }[];
}

/**
 * A feature whose id is one of the merchant's fences updates it; any other makes a new one. Parents
 * and members may be named by either kind of id.
 */
export async function importFences(
  tx: Queryable,
  merchantId: string,
  collection: unknown,
  options: ImportOptions,
  now: number,
): Promise<Imported> {
  await lockFences(tx, merchantId);
  const drafts = readDrafts(
    collection,
    options.datum ?? 'wgs84',
    await expectedBox(tx, merchantId),
  );
  const naming = await nameAll(tx, merchantId, drafts, now);
  const fresh = drafts.filter(({ outerId }) => !naming.known.has(outerId));
  await requireRoom(tx, merchantId, fresh.length);
  await requireStores(tx, merchantId, drafts, options.storeId ?? null);
  const imported: Imported = {
    created: [],
    updated: [],
    ids: Object.fromEntries(naming.ids),
    warnings: drafts.flatMap(({ index, outerId, warnings }) =>
      warnings.map(({ code, message }) => ({ index, id: outerId, code, message })),
    ),
  };
  const changed = await writeAll(tx, merchantId, drafts, naming, options, imported, now);
  await requireTree(tx, merchantId);
  await requireNoMemberRing(tx, merchantId);
  const created = imported.created.map(({ id }) => id);
  if (options.since) await standSince(tx, merchantId, created, options.since);
  await reconsider(tx, merchantId, changed.moved, new Date(now));
  await closeForgotten(tx, merchantId, changed.retired, new Date(now));
  await announce(tx, merchantId, imported.created, 'created', now);
  await announce(tx, merchantId, imported.updated, 'updated', now);
  return imported;
}

/** Which id in the collection means which fence. */
interface Naming {
  ids: ReadonlyMap<string, string>;
  /** The merchant's fences among all ids that are mentioned. */
  known: ReadonlyMap<string, FenceKind>;
}

async function nameAll(
  tx: Queryable,
  merchantId: string,
  drafts: readonly Draft[],
  now: number,
): Promise<Naming> {
  const mentioned = drafts.flatMap(({ outerId, parent, members }) => [
    outerId,
    ...(parent === null ? [] : [parent]),
    ...members,
  ]);
  const own = [...new Set(mentioned.filter((id) => uuid.test(id)))];
  const known = await knownFences(tx, merchantId, own);
  const ids = new Map(
    drafts.map(({ outerId }) => [outerId, known.has(outerId) ? outerId : uuidv7(now)]),
  );
  return { ids, known };
}

/** Writes every draft; returns which fences' ground changed and which of them went out of use. */
async function writeAll(
  tx: Queryable,
  merchantId: string,
  drafts: readonly Draft[],
  naming: Naming,
  options: ImportOptions,
  imported: Imported,
  now: number,
): Promise<{ moved: string[]; retired: string[] }> {
  const at = new Date(now);
  const moved: string[] = [];
  const retired: string[] = [];
  const kinds = new Map(naming.known);
  for (const draft of drafts) kinds.set(draft.outerId, toStored(draft.definition.shape).kind);
  for (const draft of parentsFirst(drafts, naming.known)) {
    const id = naming.ids.get(draft.outerId) as string;
    const fields = ownFields(draft, naming, kinds, options.storeId ?? null);
    const shape = ownShape(draft, naming, kinds);
    const before = naming.known.has(draft.outerId) ? await fenceById(tx, merchantId, id) : null;
    if (!before) {
      imported.created.push(await insertFence(tx, merchantId, id, fields, shape, at));
      continue;
    }
    const row = await updateFence(tx, merchantId, id, { fields, shape, keepGeometry: false }, at);
    if (!row) throw problem('not-found');
    imported.updated.push(row);
    if (row.version !== before.version || row.active !== before.active) moved.push(id);
    if (!row.active) retired.push(id);
  }
  return { moved, retired };
}

async function requireStores(
  tx: Queryable,
  merchantId: string,
  drafts: readonly Draft[],
  fallback: string | null,
): Promise<void> {
  const wanted = new Set(drafts.map(({ own }) => own.storeId ?? fallback));
  for (const storeId of wanted) await requireStore(tx, merchantId, storeId);
}

function ownFields(
  { definition, own, parent, index }: Draft,
  naming: Naming,
  kinds: ReadonlyMap<string, FenceKind>,
  storeId: string | null,
): FenceFields {
  const parentId = parent === null ? null : named(parent, naming);
  if (parentId === undefined || (parent !== null && kinds.get(parent) === 'tripwire')) {
    throw refused([
      fault(
        index,
        'bad-parent',
        parentId === undefined
          ? 'the parent is neither in this collection nor one of your fences'
          : 'nothing lies in a tripwire: it is a line',
      ),
    ]);
  }
  return fieldsOf(definition, { ...own, storeId: own.storeId ?? storeId, parentId });
}

function ownShape(
  { definition, members, index }: Draft,
  naming: Naming,
  kinds: ReadonlyMap<string, FenceKind>,
): StoredShape {
  const shape = toStored(definition.shape);
  if (shape.members === null) return shape;
  const ids = members.map((member) => {
    const id = named(member, naming);
    if (id === undefined || kinds.get(member) === 'tripwire') {
      const message =
        id === undefined
          ? 'a member is neither in this collection nor one of your fences'
          : 'a tripwire has no inside, so it cannot be part of another fence';
      throw refused([fault(index, 'bad-members', message)]);
    }
    return id;
  });
  return { ...shape, members: ids };
}

const named = (id: string, { ids, known }: Naming): string | undefined =>
  ids.get(id) ?? (known.has(id) ? id : undefined);

const fault = (index: number, code: string, message: string): Refusal => ({
  path: `body.features.${index}`,
  message,
  fault: code,
});
