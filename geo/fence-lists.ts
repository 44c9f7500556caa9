/** PURE. Fences found by a name that is not their own: by what is heard, by members, by parent. */
import type { Fence } from './fence.ts';

/** Lists of fences by string. */
export interface FenceLists {
  /** In the order of the fences' ids; not to be changed. */
  get(key: string): readonly Fence[];
  add(keys: readonly string[], fence: Fence): void;
  remove(keys: readonly string[], fence: Fence): void;
}

const NONE: readonly Fence[] = [];

export const byId = (a: Fence, b: Fence): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Sorted when asked: a parent of a hundred thousand is filled one by one. */
export function createFenceLists(): FenceLists {
  const sets = new Map<string, Set<Fence>>();
  const sorted = new Map<string, readonly Fence[]>();
  return {
    get: (key) => {
      if (sets.size === 0) return NONE;
      const set = sets.get(key);
      if (set === undefined) return NONE;
      let list = sorted.get(key);
      if (list === undefined) sorted.set(key, (list = [...set].toSorted(byId)));
      return list;
    },
    add: (keys, fence) => {
      for (const key of keys) {
        const set = sets.get(key);
        if (set) set.add(fence);
        else sets.set(key, new Set([fence]));
        sorted.delete(key);
      }
    },
    remove: (keys, fence) => {
      for (const key of keys) {
        const set = sets.get(key);
        set?.delete(fence);
        if (set?.size === 0) sets.delete(key);
        sorted.delete(key);
      }
    },
  };
}

const NO_KEYS: readonly string[] = [];

/** Keys of the fence's radio set. */
export const radioKeys = (fence: Fence): readonly string[] => fence.definition.radio ?? NO_KEYS;

/** Ids of the fences a composite is made of. */
export function memberIds(fence: Fence): readonly string[] {
  const { shape } = fence.definition;
  return shape.type === 'Composite' ? shape.members : NO_KEYS;
}

export function parentIds(fence: Fence): readonly string[] {
  const { parent } = fence.definition;
  return parent === undefined ? NO_KEYS : [parent];
}
