/** Fences as they stood at earlier moments: the present index, less what came since, plus what went. */
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Timeline } from '../../geo/history.ts';
import type { FenceRow } from './queries.ts';
import type { VersionRow } from './versions-queries.ts';
import { definitionOf } from './definition.ts';
import { overlay } from './overlay.ts';

export interface Past {
  /** Changes after this moment are known. */
  readonly from: number;
  /** Epochs from `from` (not before the past's own) on; indexes are built when first looked at. */
  since(from: number): Timeline;
}

/** Indexes of past moments kept per merchant. */
const KEPT = 32;

/** `versions` began or ended after `from`; `present` is of the same revision as they are. */
export function createPast(
  present: FenceIndex,
  versions: readonly VersionRow[],
  from: number,
): Past {
  const kept = new Map<number, FenceIndex>();
  const moments = momentsOf(versions).filter((moment) => moment > from);

  function standingAt(moment: number): FenceIndex {
    const known = kept.get(moment);
    const index = known ?? build(present, versions, moment);
    kept.delete(moment);
    kept.set(moment, index);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value as number);
    return index;
  }

  return {
    from,
    since(start) {
      const later = moments.filter((moment) => moment > start);
      const last = later.at(-1);
      if (last === undefined) return [{ from: -Infinity, fences: present }];
      // By the change before it, not by `start`: every device asks for another one.
      const first = moments.findLast((moment) => moment <= start) ?? from;
      const earlier = [{ from: -Infinity, moment: first }].concat(
        later.slice(0, -1).map((moment) => ({ from: moment, moment })),
      );
      return [
        ...earlier.map((epoch) => ({
          from: epoch.from,
          get fences() {
            return standingAt(epoch.moment);
          },
        })),
        { from: last, fences: present },
      ];
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

function build(present: FenceIndex, versions: readonly VersionRow[], moment: number): FenceIndex {
  const stood = versions.filter(
    ({ valid_from, valid_to }) =>
      valid_from.getTime() <= moment && (valid_to === null || valid_to.getTime() > moment),
  );
  // A fence with an edition in the list changed after some moment; all others stood as today.
  const changed = new Set(versions.map((version) => version.fence_id));
  return overlay(present, changed, stood.map(definitionAt));
}

function definitionAt({ was, geometry }: VersionRow): FenceDefinition {
  const row = { ...was, geometry, changed_at: new Date(was.changed_at) };
  return definitionOf(row as unknown as FenceRow);
}
