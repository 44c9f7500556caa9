/** Warm fence indexes, one per merchant: loaded once, then moved on by what was edited since. */
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { Timeline } from '../../geo/history.ts';
import type { Queryable } from '../db/database.ts';
import type { Edition, Editions, Past, Traveller } from './past.ts';
import type { FenceRow } from './queries.ts';
import type { ChangedFence } from './versions-queries.ts';
import type { Revisions } from './view.ts';
import { definitionOf } from './definition.ts';
import { createPast, createTraveller, editionsOf } from './past.ts';
import { createRevisions } from './view.ts';
import { allFences, fencesChanged, versionsChanged, versionsSince } from './versions-queries.ts';

/** What the world outside the engine wants to know of a fence. */
export interface FenceMeta {
  id: string;
  name: string;
  storeId: string | null;
  parentId: string | null;
}

export interface Fences {
  /** Of one revision for ever, whatever is edited while its holder awaits something. */
  index: FenceIndex;
  /** Retired fences too: what happened in them may still be told. */
  metas: ReadonlyMap<string, FenceMeta>;
}

export interface LiveFences {
  /**
   * The merchant's active fences at least as new as `revision`, which the caller has just read in
   * its own transaction: so every process notices every change, with no message between them. That
   * transaction must see what others commit meanwhile and must itself have changed no fence: if it
   * failed afterwards, what is held would be of a revision that never was.
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

/** One revision of a merchant's fences. The next one shares with it what both can use. */
interface Held extends Fences {
  readonly revision: number;
  readonly shared: { readonly revisions: Revisions; readonly traveller: Traveller };
  past: Past | null;
  /** What was read of the past for an earlier revision: it only has to be brought up to date. */
  readonly before: Editioned | null;
}

interface Editioned {
  readonly revision: number;
  /** Of each fence that changed after this moment, all of its editions since. */
  readonly from: number;
  readonly editions: Editions;
}

/** A look back reads this much more than asked, so that the next one need not ask again. */
const MARGIN = 26 * 3_600_000;
/** Followed pasts are cut off so far before what is asked: no ping is older. */
const FURTHEST = 32 * 86_400_000;
const ATTEMPTS = 5;

/** `size` merchants at most are kept warm; the least recently used goes first. */
export function createLiveFences(size = 200): LiveFences {
  const held = new Map<string, Held>();
  const loading = new Map<string, Promise<Held>>();

  function keep(merchantId: string, fences: Held): Held {
    held.delete(merchantId);
    held.set(merchantId, fences);
    if (held.size > size) held.delete(held.keys().next().value as string);
    return fences;
  }

  async function current(tx: Queryable, merchantId: string, revision: number): Promise<Held> {
    // Fifty devices after a start want one load, not fifty. Should it fail, each tries for itself.
    if (!held.has(merchantId)) await loading.get(merchantId)?.catch(() => null);
    const known = held.get(merchantId);
    if (known && known.revision >= revision) return keep(merchantId, known);
    return known ? follow(tx, merchantId, known) : loadOnce(tx, merchantId);
  }

  /** From reading to keeping nothing is awaited: who comes later finds what is kept. */
  async function follow(tx: Queryable, merchantId: string, known: Held): Promise<Held> {
    const read = await fencesChanged(tx, merchantId, known.revision);
    const now = held.get(merchantId);
    if (now && now.revision >= read.revision) return keep(merchantId, now);
    // What changed since `known` includes what changed since `now`, which others made of it.
    const same = now?.shared === known.shared;
    if (!same || read.forgotten > known.revision) return loadOnce(tx, merchantId);
    return keep(merchantId, changed(now, read.revision, read.fences));
  }

  function loadOnce(tx: Queryable, merchantId: string): Promise<Held> {
    const work = allFences(tx, merchantId).then(({ revision, fences }) => {
      const now = held.get(merchantId);
      const newest = now && now.revision >= revision ? now : loaded(revision, fences);
      return keep(merchantId, newest);
    });
    loading.set(merchantId, work);
    const done = (): void => {
      if (loading.get(merchantId) === work) loading.delete(merchantId);
    };
    work.then(done, done);
    return work;
  }

  /** The past must be of the very revision the index is of, or a change would be lost or doubled. */
  async function withPast(tx: Queryable, merchantId: string, revision: number, from: number) {
    let wanted = revision;
    for (let attempt = 1; ; attempt++) {
      const fences = await current(tx, merchantId, wanted);
      if (fences.past && fences.past.from <= from) return { fences, past: fences.past };
      const read = await editionsFor(tx, merchantId, fences, from);
      if (read.revision === fences.revision) {
        const past = createPast(fences.index, read.editions, read.from, fences.shared.traveller);
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

function loaded(revision: number, fences: readonly FenceRow[]): Held {
  const active = fences.filter((row) => row.active).map(definitionOf);
  const revisions = createRevisions(active);
  const metas = new Map(fences.map((row) => [row.id, metaOf(row)]));
  const shared = { revisions, traveller: createTraveller() };
  return { revision, index: revisions.newest(), metas, shared, past: null, before: null };
}

/** `rows` may name more than was changed: they say how things are now. */
function changed(old: Held, revision: number, rows: readonly ChangedFence[]): Held {
  const { shared } = old;
  const changes = new Map<string, FenceDefinition | null>();
  let { metas } = old;
  for (const row of rows) {
    const there = row.id !== null;
    const wanted = there && row.active ? definitionOf(row) : null;
    if (wanted || old.index.get(row.changed_id)) changes.set(row.changed_id, wanted);
    metas = withMeta(metas, row.changed_id, there ? metaOf(row) : null, metas === old.metas);
  }
  const index = changes.size === 0 ? old.index : shared.revisions.change(changes);
  const before = old.past ? { ...old.past, revision: old.revision } : old.before;
  return { revision, index, metas, shared, past: null, before };
}

/** Twenty thousand names are copied only for one that changed, and then once. */
function withMeta(
  metas: ReadonlyMap<string, FenceMeta>,
  id: string,
  meta: FenceMeta | null,
  copy: boolean,
): ReadonlyMap<string, FenceMeta> {
  if (JSON.stringify(metas.get(id) ?? null) === JSON.stringify(meta)) return metas;
  const next = copy ? new Map(metas) : (metas as Map<string, FenceMeta>);
  if (meta) next.set(id, meta);
  else next.delete(id);
  return next;
}

const metaOf = (row: FenceRow): FenceMeta => ({
  id: row.id,
  name: row.name,
  storeId: row.store_id,
  parentId: row.parent_id,
});

/** Editions since `from` or earlier: those of an earlier revision brought up to date, or all read. */
async function editionsFor(
  tx: Queryable,
  merchantId: string,
  { before }: Held,
  from: number,
): Promise<Editioned> {
  if (before && before.from <= from) {
    const since = Math.max(before.from, from - FURTHEST);
    const read = await versionsChanged(tx, merchantId, new Date(since), before.revision);
    if (read.forgotten <= before.revision) {
      const editions = cutOff(before.editions, since);
      for (const id of read.ids) editions.delete(id);
      for (const [id, own] of editionsOf(read.versions)) editions.set(id, own);
      return { revision: read.revision, from: since, editions };
    }
  }
  const since = from - MARGIN;
  const { revision, versions } = await versionsSince(tx, merchantId, new Date(since));
  return { revision, from: since, editions: editionsOf(versions) };
}

/** A copy without what began before and did not end since. */
function cutOff(editions: Editions, since: number): Map<string, readonly Edition[]> {
  const kept = new Map<string, readonly Edition[]>();
  for (const [id, own] of editions) {
    const later = own.filter(({ from, to }) => from > since || (to !== null && to > since));
    if (later.length > 0) kept.set(id, later);
  }
  return kept;
}
