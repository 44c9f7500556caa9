/** What a fence refers to - its store, its parent, its members - belongs to the merchant and forms no ring. */
import type { Queryable } from '../db/database.ts';
import type { Box } from './input.ts';
import { problem } from '../errors.ts';
import { hasStore } from '../stores/queries.ts';
import { compositesWith } from './inside-queries.ts';
import { countFences, findCycle, findMemberCycle, knownFences, storesBox } from './queries.ts';

/** Fences per merchant. */
export const MAX_FENCES = 20_000;
/** Degrees around the merchant's stores within which a fence is expected. */
const NEAR = 1;

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

/** Throws not-found for a parent that is not the merchant's, or that has no inside. */
export async function requireParent(
  tx: Queryable,
  merchantId: string,
  parentId: string | null | undefined,
): Promise<void> {
  if (parentId == null) return;
  const kind = (await knownFences(tx, merchantId, [parentId])).get(parentId);
  if (kind === undefined) throw problem('not-found', { detail: 'There is no such parent fence.' });
  if (kind === 'tripwire') {
    throw problem('conflict', { detail: 'Nothing lies in a tripwire: it is a line.' });
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Throws unless every member is a fence of the merchant that one can be in. */
export async function requireMembers(
  tx: Queryable,
  merchantId: string,
  members: readonly string[] | null,
): Promise<void> {
  if (members === null) return;
  const ids = members.filter((id) => uuid.test(id));
  const kinds = await knownFences(tx, merchantId, ids);
  for (const id of members) {
    const kind = kinds.get(id.toLowerCase());
    if (kind === undefined)
      throw problem('not-found', { detail: 'There is no such member fence.' });
    if (kind === 'tripwire') {
      throw problem('conflict', {
        detail: 'A tripwire has no inside, so it cannot be part of another fence.',
      });
    }
  }
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
      fault: 'ring',
    });
  }
}

/** Throws when a composite is, through its members, part of itself. */
export async function requireNoMemberRing(tx: Queryable, merchantId: string): Promise<void> {
  if ((await findMemberCycle(tx, merchantId)) !== null) {
    throw problem('conflict', {
      detail: 'A fence cannot be part of itself: the members form a ring.',
      fault: 'ring',
    });
  }
}

/** Throws when a fence in use is made of this one. */
export async function requireNoComposite(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<void> {
  const made = (await compositesWith(tx, merchantId, [id])).filter(({ direct }) => direct);
  if (made.length === 0) return;
  const names = made.slice(0, 3).map(({ name }) => `“${name}”`);
  throw problem('conflict', {
    detail: `This fence is part of ${names.join(', ')}${made.length > 3 ? ' and others' : ''}. Take it out there first, or delete those.`,
    fault: 'part-of',
  });
}
