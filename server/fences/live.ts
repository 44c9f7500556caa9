/** Warm fence indexes, one per merchant, each good for exactly one revision of that merchant's fences. */
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Timeline } from '../../geo/history.ts';
import type { Queryable } from '../db/database.ts';
import type { Past } from './past.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { definitionOf } from './definition.ts';
import { createPast } from './past.ts';
import { allFences, versionsSince } from './versions-queries.ts';

/** What the world outside the engine wants to know of a fence. */
export interface FenceMeta {
  id: string;
  name: string;
  storeId: string | null;
  parentId: string | null;
}

export interface Fences {
  index: FenceIndex;
  /** Retired fences too: what happened in them may still be told. */
  metas: ReadonlyMap<string, FenceMeta>;
}

export interface LiveFences {
  /**
   * The merchant's active fences at least as new as `revision`, which the caller has just read in
   * its own transaction: so every process notices every change, with no message between them.
   */
  at(tx: Queryable, merchantId: string, revision: number): Promise<Fences>;
  /**
   * Which fences stood when since `from` (event time): one epoch when nothing changed since, else
   * one more per moment of change. The last epoch is what `at` gives.
   */
  timeline(
    tx: Queryable,
    merchantId: string,
    revision: number,
    from: number,
  ): Promise<{ timeline: Timeline; metas: Fences['metas'] }>;
  /** Drops what is held of a merchant, to free memory. */
  forget(merchantId: string): void;
}

interface Held extends Fences {
  revision: number;
  past: Past | null;
}

/** A look back reads this much more than asked, so that the next one need not ask again. */
const MARGIN = 26 * 3_600_000;
const ATTEMPTS = 5;

/** `size` merchants at most are kept warm; the least recently used goes first. */
export function createLiveFences(size = 200): LiveFences {
  const held = new Map<string, Held>();

  async function current(tx: Queryable, merchantId: string, revision: number): Promise<Held> {
    const known = held.get(merchantId);
    const fit = known !== undefined && known.revision >= revision;
    const fences = fit ? known : await load(tx, merchantId);
    held.delete(merchantId);
    held.set(merchantId, fences);
    if (held.size > size) held.delete(held.keys().next().value as string);
    return fences;
  }

  /** The past must be of the very revision the index is of, or a change would be lost or doubled. */
  async function withPast(tx: Queryable, merchantId: string, revision: number, from: number) {
    let wanted = revision;
    for (let attempt = 1; ; attempt++) {
      const fences = await current(tx, merchantId, wanted);
      if (fences.past && fences.past.from <= from) return { fences, past: fences.past };
      const since = from - MARGIN;
      const read = await versionsSince(tx, merchantId, new Date(since));
      const past = createPast(fences.index, read.versions, since);
      if (read.revision === fences.revision) {
        fences.past = past;
        return { fences, past };
      }
      if (attempt === ATTEMPTS) throw new Error('the fences change faster than they can be read');
      wanted = read.revision;
    }
  }

  return {
    at: current,
    async timeline(tx, merchantId, revision, from) {
      const { fences, past } = await withPast(tx, merchantId, revision, from);
      return { timeline: past.since(from), metas: fences.metas };
    },
    forget: (merchantId) => void held.delete(merchantId),
  };
}

async function load(tx: Queryable, merchantId: string): Promise<Held> {
  const { revision, fences } = await allFences(tx, merchantId);
  const index = createFenceIndex(fences.filter((row) => row.active).map(definitionOf));
  const metas = new Map(
    fences.map((row) => [
      row.id,
      { id: row.id, name: row.name, storeId: row.store_id, parentId: row.parent_id },
    ]),
  );
  return { revision, index, metas, past: null };
}
