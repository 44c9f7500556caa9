/** Warm fence indexes, one per merchant, each good for exactly one revision of that merchant's fences. */
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Queryable } from '../db/database.ts';
import type { FenceRow } from './queries.ts';
import type { Shape } from '../../geo/fence.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { activeFences } from './queries.ts';
import { shapeOf } from './shape.ts';

/** What the world outside the engine wants to know of a fence. */
export interface FenceMeta {
  id: string;
  name: string;
  storeId: string | null;
  parentId: string | null;
}

export interface Fences {
  index: FenceIndex;
  metas: ReadonlyMap<string, FenceMeta>;
}

export interface LiveFences {
  /**
   * The merchant's active fences at least as new as `revision`, which the caller has just read in
   * its own transaction: so every process notices every change, with no message between them.
   */
  at(tx: Queryable, merchantId: string, revision: number): Promise<Fences>;
  /** Drops what is held of a merchant, to free memory. */
  forget(merchantId: string): void;
}

interface Held extends Fences {
  revision: number;
}

/** `size` merchants at most are kept warm; the least recently used goes first. */
export function createLiveFences(size = 200): LiveFences {
  const held = new Map<string, Held>();
  return {
    async at(tx, merchantId, revision) {
      const known = held.get(merchantId);
      const fit = known !== undefined && known.revision >= revision;
      const current = fit ? known : await load(tx, merchantId);
      held.delete(merchantId);
      held.set(merchantId, current);
      if (held.size > size) held.delete(held.keys().next().value as string);
      return current;
    },
    forget: (merchantId) => void held.delete(merchantId),
  };
}

async function load(tx: Queryable, merchantId: string): Promise<Held> {
  const { revision, fences } = await activeFences(tx, merchantId);
  const index = createFenceIndex(fences.map((row) => definitionOf(row)));
  const metas = new Map(
    fences.map((row) => [
      row.id,
      { id: row.id, name: row.name, storeId: row.store_id, parentId: row.parent_id },
    ]),
  );
  return { revision, index, metas };
}

/** The engine's view of a stored fence. */
export function definitionOf(row: FenceRow) {
  const shape: Shape = shapeOf(row);
  return {
    id: row.id,
    name: row.name,
    shape,
    version: row.version,
    minDwellSeconds: row.min_dwell_s,
    ...(row.parent_id === null ? {} : { parent: row.parent_id }),
    ...(row.floor === null ? {} : { floor: row.floor }),
  };
}
