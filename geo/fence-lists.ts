/** PURE. Fences found by something other than ground: by what is heard, and by what they are made of. */
import type { Fence } from './fence.ts';

/** Lists of fences by string, each in the order of the fences' ids. */
export interface FenceLists {
  get(key: string): readonly Fence[];
  add(keys: readonly string[], fence: Fence): void;
  remove(keys: readonly string[], fence: Fence): void;
}

const NONE: readonly Fence[] = [];

export const byId = (a: Fence, b: Fence): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** A list is replaced, never changed: who holds one may keep it. */
export function createFenceLists(): FenceLists {
  const lists = new Map<string, readonly Fence[]>();
  return {
    get: (key) => lists.get(key) ?? NONE,
    add: (keys, fence) => {
      for (const key of new Set(keys)) {
        lists.set(key, [...(lists.get(key) ?? NONE), fence].toSorted(byId));
      }
    },
    remove: (keys, fence) => {
      for (const key of new Set(keys)) {
        const left = (lists.get(key) ?? NONE).filter((other) => other !== fence);
        if (left.length > 0) lists.set(key, left);
        else lists.delete(key);
      }
    },
  };
}

/** Keys of the fence's radio set. */
export const radioKeys = (fence: Fence): readonly string[] => fence.definition.radio ?? [];

/** Ids of the fences a composite is made of. */
export function memberIds(fence: Fence): readonly string[] {
  const { shape } = fence.definition;
  return shape.type === 'Composite' ? shape.members : [];
}
