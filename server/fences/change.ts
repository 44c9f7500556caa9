/** Drawing, changing and removing fences: input judged, owners checked, people inside judged anew. */
import type { Queryable } from '../db/database.ts';
import type { EventPayloads } from '../events/types.ts';
import type { Accepted, FenceChange, FenceInput, Warning } from './input.ts';
import type { FenceRow } from './queries.ts';
import { problem } from '../errors.ts';
import { appendEvents } from '../events/outbox.ts';
import { uuidv7 } from '../ids.ts';
import { acceptChange, acceptNew } from './input.ts';
import { closeForgotten, compositesWith, renewVersions, wakeInside } from './inside-queries.ts';
import {
  deleteUnvisited,
  fenceById,
  insertFence,
  lockFences,
  retireFence,
  updateFence,
} from './queries.ts';
import {
  expectedBox,
  requireMembers,
  requireNoComposite,
  requireNoMemberRing,
  requireParent,
  requireRoom,
  requireStore,
  requireTree,
} from './relations.ts';
import { standSince } from './versions-queries.ts';

/** A fence as it is stored now, with what is odd about it. */
export type SavedFence = FenceRow & { warnings: readonly Warning[] };

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

/**
 * After the ground of fences changed or went: what is made of them changed, too, and whoever is in
 * any of them is judged anew, soon and without an offer.
 */
export async function reconsider(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
  now: Date,
): Promise<void> {
  const made = (await compositesWith(tx, merchantId, ids)).map(({ id }) => id);
  await renewVersions(
    tx,
    merchantId,
    made.filter((id) => !ids.includes(id)),
    now,
  );
  await wakeInside(tx, merchantId, [...ids, ...made], now);
}

async function requireOwn(
  tx: Queryable,
  merchantId: string,
  { fields, shape }: Accepted,
): Promise<void> {
  await requireStore(tx, merchantId, fields.storeId);
  await requireParent(tx, merchantId, fields.parentId);
  await requireMembers(tx, merchantId, shape.members);
}

export async function createFence(
  tx: Queryable,
  merchantId: string,
  input: FenceInput,
  now: number,
  /** From when on it counts; from `now` unless said. */
  since?: Date,
): Promise<SavedFence> {
  await lockFences(tx, merchantId);
  await requireRoom(tx, merchantId, 1);
  const accepted = acceptNew(input, await expectedBox(tx, merchantId));
  await requireOwn(tx, merchantId, accepted);
  const { fields, shape, warnings } = accepted;
  const row = await insertFence(tx, merchantId, uuidv7(now), fields, shape, new Date(now));
  if (since) await standSince(tx, merchantId, [row.id], since);
  await announce(tx, merchantId, [row], 'created', now);
  return { ...row, warnings };
}

/** Changes what is given and leaves the rest; another ground makes a new version. */
export async function changeFence(
  tx: Queryable,
  merchantId: string,
  id: string,
  change: FenceChange,
  now: number,
): Promise<SavedFence> {
  await lockFences(tx, merchantId);
  const before = await fenceById(tx, merchantId, id);
  if (!before) throw problem('not-found', { detail: 'There is no fence with this id.' });
  const accepted = acceptChange(before, change, await expectedBox(tx, merchantId));
  await requireOwn(tx, merchantId, accepted);
  const at = new Date(now);
  const row = await updateFence(tx, merchantId, id, accepted, at);
  if (!row) throw problem('not-found');
  if (change.parentId != null) await requireTree(tx, merchantId);
  if (row.members !== null) await requireNoMemberRing(tx, merchantId);
  if (row.version !== before.version || row.active !== before.active) {
    await reconsider(tx, merchantId, [id], at);
    if (!row.active) await closeForgotten(tx, merchantId, [id], at);
  }
  await announce(tx, merchantId, [row], 'updated', now);
  return { ...row, warnings: accepted.warnings };
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
  await requireNoComposite(tx, merchantId, id);
  const at = new Date(now);
  // Retired first: that tells the history of fences when it went.
  await retireFence(tx, merchantId, id, at);
  await wakeInside(tx, merchantId, [id], at);
  await closeForgotten(tx, merchantId, [id], at);
  await deleteUnvisited(tx, merchantId, id);
  await announce(tx, merchantId, [before], 'deleted', now);
}
