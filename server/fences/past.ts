/** Fences as they stood at earlier moments: one index per merchant, moved to and fro in time. */
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Timeline } from '../../geo/history.ts';
import type { FenceRow } from './queries.ts';
import type { VersionRow } from './versions-queries.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { definitionOf } from './definition.ts';

export interface Past {
  /** Changes after this moment are known. */
  readonly from: number;
  /** Epochs from `start` (not before the past's own `from`) on. */
  since(start: number): Timeline;
}

/** `versions` began or ended after `from`; `present` is of the same revision as they are. */
export function createPast(
  present: FenceIndex,
  versions: readonly VersionRow[],
  from: number,
): Past {
  const moments = momentsOf(versions).filter((moment) => moment > from);
  const traveller = createTraveller(present, versions);
  return {
    from,
    since(start) {
      const later = moments.filter((moment) => moment > start);
      const last = later.at(-1);
      if (last === undefined) return [{ from: -Infinity, fences: present }];
      const before = [{ from: -Infinity, fences: traveller(start) }];
      const between = later
        .slice(0, -1)
        .map((moment) => ({ from: moment, fences: traveller(moment) }));
      return [...before, ...between, { from: last, fences: present }];
    },
  };
}

/** Every moment at which something began or ended, in order. */
function momentsOf(versions: readonly VersionRow[]): number[] {
  const all = versions.flatMap(({ valid_from, valid_to }) => [
    valid_from.getTime(),
    ...(valid_to === null ? [] : [valid_to.getTime()]),
  ]);
  return [...new Set(all)].toSorted((a, b) => a - b);
}

const stoodAt = ({ valid_from, valid_to }: VersionRow, moment: number): boolean =>
  valid_from.getTime() <= moment && (valid_to === null || valid_to.getTime() > moment);

/** More changes than this are slower one by one than all at once. */
const MANY = 200;

/**
 * A view of the fences at any one moment. All views share one index, which is moved to a view's
 * moment whenever that view is asked something: an edit costs under a millisecond, an index of all
 * fences up to a second.
 */
function createTraveller(present: FenceIndex, versions: readonly VersionRow[]) {
  // A fence with an edition in the list changed after some moment; all others stood as today.
  const changed = new Set(versions.map((version) => version.fence_id));
  let index: FenceIndex | null = null;
  let standing = new Map<string, VersionRow>();
  let now = NaN;

  function moved(moment: number): FenceIndex {
    if (index && now === moment) return index;
    const wanted = new Map(
      versions.filter((row) => stoodAt(row, moment)).map((row) => [row.fence_id, row]),
    );
    const gone = [...standing.keys()].filter((id) => !wanted.has(id));
    const come = [...wanted.values()].filter((row) => standing.get(row.fence_id) !== row);
    if (!index || gone.length + come.length > MANY) {
      const same = present.all().filter((fence) => !changed.has(fence.id));
      const definitions = same.map((fence) => fence.definition);
      index = createFenceIndex([...definitions, ...[...wanted.values()].map(definitionAt)]);
    } else {
      for (const id of gone) index.remove(id);
      for (const row of come) index.add(definitionAt(row));
    }
    standing = wanted;
    now = moment;
    return index;
  }

  return (moment: number): FenceIndex =>
    new Proxy(present, {
      get: (_target, name) => {
        if (name === 'add' || name === 'remove') throw new Error('the past cannot be changed');
        return Reflect.get(moved(moment), name) as unknown;
      },
    });
}

function definitionAt({ was, geometry }: VersionRow): FenceDefinition {
  const row = { ...was, geometry, changed_at: new Date(was.changed_at) };
  return definitionOf(row as unknown as FenceRow);
}
