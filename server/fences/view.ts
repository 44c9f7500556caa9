/** PURE. One index of fences from which several revisions can be read, each for as long as anybody holds it. */
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';

/** A fence as it is from now on; null when it is no more. */
export type Changes = ReadonlyMap<string, FenceDefinition | null>;

/** An index that can be asked but not changed; `now` gives what answers, each time anew. */
export function readOnly(now: () => FenceIndex): FenceIndex {
  const refuse = (): never => {
    throw new Error('fences are changed where they are kept');
  };
  return {
    get size() {
      return now().size;
    },
    get: (id) => now().get(id),
    all: () => now().all(),
    candidates: (lon, lat, metres, most) => now().candidates(lon, lat, metres, most),
    containing: (lon, lat) => now().containing(lon, lat),
    touching: (box, most) => now().touching(box, most),
    slots: (box, most, slots) => now().slots(box, most, slots),
    get rows() {
      return now().rows;
    },
    nothingNear: (lon, lat, metres) => now().nothingNear(lon, lat, metres),
    hearing: (key) => now().hearing(key),
    wires: (box) => now().wires(box),
    compositesOf: (id) => now().compositesOf(id),
    add: refuse,
    remove: refuse,
    kin: (fence) => now().kin(fence),
    ancestors: (fence) => now().ancestors(fence),
    siblings: (fence) => now().siblings(fence),
  };
}

/** What turns one set of fences into another, and back. */
export interface Edit {
  id: string;
  before: FenceDefinition | null;
  after: FenceDefinition | null;
}

/**
 * So many edits one by one are still quicker than all fences at once: an edit costs some three to
 * five times what a fence costs that is loaded with all others, and pauses nobody for long.
 */
export const fewEdits = (edits: number, fences: number): boolean =>
  edits <= Math.max(200, fences / 5);

/** Moves an index by edits; with `back` in reverse. */
export function applyEdits(index: FenceIndex, edits: readonly Edit[], back = false): void {
  for (const { id, before, after } of back ? edits.toReversed() : edits) {
    const wanted = back ? before : after;
    if (wanted) index.add(wanted);
    else index.remove(id);
  }
}

/** One revision; it knows only what came after it, so that nobody keeps revisions nobody holds. */
interface Revision {
  readonly no: number;
  next: { readonly edits: readonly Edit[]; readonly to: Revision } | null;
}

export interface Revisions {
  /** The newest revision's fences, whatever is changed later. */
  newest(): FenceIndex;
  /** Makes the next revision and returns its fences. Does next to nothing until these are asked. */
  change(changes: Changes): FenceIndex;
}

/**
 * All revisions share one index, which is moved to a revision's fences when one of these is asked
 * something: by undoing or doing the edits in between. So a view never changes, whoever edits while
 * its holder awaits something; and as questions are synchronous, the index cannot move in the middle
 * of one. Mostly the newest is asked, and then nothing moves.
 *
 * A `Fence` that was given out keeps its values for ever, but two of one fence need not be one
 * object: after an `await` it is to be asked for anew before `kin` is.
 */
export function createRevisions(definitions: readonly FenceDefinition[]): Revisions {
  const standing = new Map(definitions.map((definition) => [definition.id, definition]));
  let index = createFenceIndex(definitions);
  let at: Revision = { no: 0, next: null };
  let last = at;
  let newest = viewOf(at);

  function move(to: Revision): void {
    const edits = at.no < to.no ? between(at, to) : between(to, at);
    if (at.no > to.no) applyEdits(index, edits, true);
    else if (fewEdits(edits.length, index.size)) applyEdits(index, edits);
    else index = rebuilt(index, edits, false);
    at = to;
  }

  /** Asked of an old revision: far back it gets an index of its own, so that the shared one need not go to and fro. */
  function viewOf(revision: Revision): FenceIndex {
    let own: FenceIndex | null = null;
    return readOnly(() => {
      if (own) return own;
      if (at === revision) return index;
      if (at.no > revision.no) {
        const edits = between(revision, at);
        if (edits.length > FAR) return (own = rebuilt(index, edits, true));
      }
      move(revision);
      return index;
    });
  }

  return {
    newest: () => newest,
    change(changes) {
      const edits = [...changes].map(([id, after]) => {
        const before = standing.get(id) ?? null;
        if (after) standing.set(id, after);
        else standing.delete(id);
        return { id, before, after };
      });
      const to: Revision = { no: last.no + 1, next: null };
      last.next = { edits, to };
      last = to;
      newest = viewOf(to);
      return newest;
    },
  };
}

/** Edits by which a revision may lie behind and still share the index. */
const FAR = 100;

function between(from: Revision, to: Revision): Edit[] {
  const edits: Edit[] = [];
  for (let step = from; step !== to; step = step.next!.to) edits.push(...step.next!.edits);
  return edits;
}

function rebuilt(index: FenceIndex, edits: readonly Edit[], back: boolean): FenceIndex {
  const wanted = new Map(index.all().map(({ id, definition }) => [id, definition]));
  for (const { id, before, after } of back ? edits.toReversed() : edits) {
    const definition = back ? before : after;
    if (definition) wanted.set(id, definition);
    else wanted.delete(id);
  }
  return createFenceIndex([...wanted.values()]);
}
