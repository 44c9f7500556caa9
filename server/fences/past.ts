/** PURE. Fences as they stood at earlier moments: one index per merchant, moved to and fro in time. */
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Timeline } from '../../geo/history.ts';
import type { FenceRow } from './queries.ts';
import type { Edit } from './view.ts';
import type { VersionRow } from './versions-queries.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { definitionOf } from './definition.ts';
import { applyEdits, fewEdits, readOnly } from './view.ts';

/** A fence as it stood from one moment to another; `to` is null while it is in force. */
export interface Edition {
  readonly from: number;
  readonly to: number | null;
  readonly definition: FenceDefinition;
}

/** Editions by fence. Of a fence that is not among them nothing changed. */
export type Editions = ReadonlyMap<string, readonly Edition[]>;

export interface Past {
  /** Changes after this moment are known. */
  readonly from: number;
  readonly editions: Editions;
  /** Epochs from `start` (not before the past's own `from`) on. */
  since(start: number): Timeline;
}

/** Editions of the rows; `rows` began or ended after the moment that a past is to begin at. */
export function editionsOf(rows: readonly VersionRow[]): Map<string, Edition[]> {
  const editions = new Map<string, Edition[]>();
  for (const row of rows) {
    const { fence_id: id, valid_from, valid_to } = row;
    const edition = {
      from: valid_from.getTime(),
      to: valid_to === null ? null : valid_to.getTime(),
      definition: definitionAt(row),
    };
    const others = editions.get(id);
    if (others) others.push(edition);
    else editions.set(id, [edition]);
  }
  return editions;
}

/** `editions` and `present` are of one revision. The pasts of all revisions share a traveller. */
export function createPast(
  present: FenceIndex,
  editions: Editions,
  from: number,
  traveller: Traveller = createTraveller(),
): Past {
  const moments = momentsOf(editions, from);
  const world = { present, editions, moments };
  const views = new Map<number, FenceIndex>();
  const viewAt = (moment: number): FenceIndex => {
    let view = views.get(moment);
    if (!view) views.set(moment, (view = readOnly(() => traveller(world, moment))));
    return view;
  };
  return {
    from,
    editions,
    since(start) {
      const later = moments.filter(({ moment }) => moment > start).map(({ moment }) => moment);
      const last = later.at(-1);
      if (last === undefined) return [{ from: -Infinity, fences: present }];
      // Of all moments of one epoch the first, so that they are one view.
      const first = moments[moments.length - later.length - 1]?.moment ?? from;
      const between = later
        .slice(0, -1)
        .map((moment) => ({ from: moment, fences: viewAt(moment) }));
      return [
        { from: -Infinity, fences: viewAt(first) },
        ...between,
        { from: last, fences: present },
      ];
    },
  };
}

interface Change {
  readonly moment: number;
  readonly ids: readonly string[];
}

/** Every later moment at which something began or ended, in order, and of which fences. */
function momentsOf(editions: Editions, after: number): Change[] {
  const all = new Map<number, string[]>();
  const note = (moment: number | null, id: string): void => {
    if (moment === null || moment <= after) return;
    const ids = all.get(moment);
    if (!ids) all.set(moment, [id]);
    else if (ids.at(-1) !== id) ids.push(id);
  };
  for (const [id, own] of editions) {
    for (const { from, to } of own) {
      note(from, id);
      note(to, id);
    }
  }
  return [...all].map(([moment, ids]) => ({ moment, ids })).toSorted((a, b) => a.moment - b.moment);
}

/** Fences of one revision through time. */
interface World {
  readonly present: FenceIndex;
  readonly editions: Editions;
  readonly moments: readonly Change[];
}

/** The index moved to a moment of a world; to be asked before anything is awaited. */
export type Traveller = (world: World, moment: number) => FenceIndex;

/**
 * All views of all pasts share one index, which is moved to a view's moment whenever that view is
 * asked something: an edit costs under a millisecond, an index of all fences up to a second. It is
 * not the index of the present, or devices that catch up would move that one to and fro. What people
 * only read, such as a name, may be that of another revision.
 */
export function createTraveller(): Traveller {
  let index: FenceIndex | null = null;
  // Not the world itself: nobody is to keep a revision that nobody asks for any more.
  let here: Editions | null = null;
  let now = NaN;

  return (world, moment) => {
    const { editions } = world;
    if (index && here === editions && now === moment) return index;
    const ids = here === editions ? changedBetween(world, now, moment) : keysOf(here, editions);
    const edits = index ? editsTo(index, world, moment, ids) : [];
    if (index && fewEdits(edits.length, index.size)) applyEdits(index, edits);
    else index = createFenceIndex(allAt(world, moment));
    here = editions;
    now = moment;
    return index;
  };
}

const keysOf = (one: Editions | null, other: Editions): Set<string> =>
  new Set([...(one?.keys() ?? []), ...other.keys()]);

function changedBetween({ moments }: World, a: number, b: number): Set<string> {
  const [from, to] = [Math.min(a, b), Math.max(a, b)];
  const ids = new Set<string>();
  for (const change of moments) {
    if (change.moment <= from || change.moment > to) continue;
    for (const id of change.ids) ids.add(id);
  }
  return ids;
}

function editsTo(
  index: FenceIndex,
  world: World,
  moment: number,
  ids: ReadonlySet<string>,
): Edit[] {
  const edits: Edit[] = [];
  for (const id of ids) {
    const before = index.get(id)?.definition ?? null;
    const after = definitionIn(world, id, moment);
    if (before !== after) edits.push({ id, before, after });
  }
  return edits;
}

function definitionIn({ present, editions }: World, id: string, moment: number) {
  const own = editions.get(id);
  if (!own) return present.get(id)?.definition ?? null;
  return own.find((edition) => stoodAt(edition, moment))?.definition ?? null;
}

const stoodAt = ({ from, to }: Edition, moment: number): boolean =>
  from <= moment && (to === null || to > moment);

function allAt({ present, editions }: World, moment: number): FenceDefinition[] {
  const same = present.all().filter(({ id }) => !editions.has(id));
  const others = [...editions.values()].flatMap((own) =>
    own.filter((edition) => stoodAt(edition, moment)).slice(0, 1),
  );
  return [...same, ...others].map(({ definition }) => definition);
}

function definitionAt({ was, geometry }: VersionRow): FenceDefinition {
  const row = { ...was, geometry, changed_at: new Date(was.changed_at) };
  return definitionOf(row as unknown as FenceRow);
}
