/** PURE. An index that differs from another by a few fences, at the cost of those few. */
import type { Fence, FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { byId } from '../../geo/fence-lists.ts';
import { createKinship } from '../../geo/kin.ts';

/** `base` without the fences of the ids, plus others. It must not be changed while in use. */
export function overlay(
  base: FenceIndex,
  without: ReadonlySet<string>,
  plus: readonly FenceDefinition[],
): FenceIndex {
  const extra = createFenceIndex(plus);
  const stays = ({ id }: Fence): boolean => !without.has(id) && extra.get(id) === undefined;
  const merged = (ask: (index: FenceIndex) => readonly Fence[]): Fence[] => {
    const found = ask(base).filter(stays);
    const more = ask(extra);
    return more.length === 0 ? found : [...found, ...more].toSorted(byId);
  };
  const index: FenceIndex = {
    get size() {
      return index.all().length;
    },
    get(id) {
      const known = extra.get(id) ?? base.get(id);
      return known && without.has(id) && known !== extra.get(id) ? undefined : known;
    },
    all: () => merged((each) => each.all()),
    candidates: (lon, lat, metres) => merged((each) => each.candidates(lon, lat, metres)),
    containing: (lon, lat) => merged((each) => each.containing(lon, lat)),
    touching: (box) => merged((each) => each.touching(box)),
    hearing: (key) => merged((each) => each.hearing(key)),
    wires: (box) => merged((each) => each.wires(box)),
    compositesOf: (id) => merged((each) => each.compositesOf(id)),
    add: refuse,
    remove: refuse,
    kin: (fence) => kinship.of(fence),
    ancestors: (fence) => index.kin(fence).ancestors,
    siblings(fence) {
      const { group, overlaps } = index.kin(fence);
      return index
        .all()
        .filter((f) => f !== fence && index.kin(f).group === group && !overlaps.includes(f.id));
    },
  };
  const kinship = createKinship(index);
  return index;
}

function refuse(): never {
  throw new Error('the past cannot be changed');
}
