/**
 * PURE. Boxes of fences in R-trees, one for each class of size: big fences do not blow up the nodes
 * of small ones, and can be asked for alone.
 */
import RBush from 'rbush';
import type { Box } from './bbox.ts';
import type { Fence } from './fence.ts';
import { splitBox } from './bbox.ts';
import { byId } from './fence-lists.ts';

interface Item extends Box {
  readonly fence: Fence;
  readonly slot: number;
}

/** An inner node of rbush's tree, as its toJSON shows it. */
interface Node extends Box {
  readonly leaf: boolean;
  readonly children: readonly Node[] | readonly Item[];
}

export interface FenceTrees {
  load(places: readonly Place[]): void;
  add(place: Place): void;
  remove(place: Place): void;
  /**
   * Fences whose box touches this one (longitudes may leave [-180, 180]), in the order of their ids.
   * Of more than `most` the biggest by class; within a class a choice that depends on ids alone.
   */
  touching(box: Box, most?: number): Fence[];
  /** Slots of the same fences, in no order, put into `slots`; how many they are. */
  slots(box: Box, most: number, slots: number[]): number;
  /**
   * The same, biggest class first, until a class would make more than `most`: it and the smaller
   * ones are left out, after looking at `most` of it. `left` is the class, −∞ when none was.
   */
  biggest(box: Box, most: number): { readonly found: Fence[]; readonly left: number };
  /** Whether any box touches this one; nothing is allocated. */
  some(minX: number, minY: number, maxX: number, maxY: number): boolean;
}

/** A fence and its box in degrees; longitudes may leave [-180, 180]. */
export interface Place {
  readonly fence: Fence;
  readonly box: Box;
}

/** A class is a factor of eight in the longer side of the box. */
export function sizeClass({ minX, minY, maxX, maxY }: Box): number {
  return Math.floor(Math.log2(Math.max(maxX - minX, maxY - minY, 1e-9)) / 3);
}

/** Written out, not spread: items of one shape keep the search loop monomorphic. */
const itemsOf = ({ fence, box }: Place): Item[] =>
  splitBox(box).map(({ minX, minY, maxX, maxY }) => ({
    minX,
    minY,
    maxX,
    maxY,
    fence,
    slot: fence.slot,
  }));

/**
 * rbush's own search reads inner nodes and items through the same property sites, which makes the
 * engine look both shapes up each time; two loops for two shapes are about three times faster.
 * Stops soon after `most` are found.
 */
function search(
  node: Node,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  found: Fence[],
  most: number,
): void {
  if (node.leaf) {
    const items = node.children as readonly Item[];
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as Item;
      if (item.minX <= x2 && item.maxX >= x1 && item.minY <= y2 && item.maxY >= y1) {
        found.push(item.fence);
      }
    }
    return;
  }
  const nodes = node.children as readonly Node[];
  for (let i = 0; i < nodes.length && found.length <= most; i++) {
    const child = nodes[i] as Node;
    if (child.minX <= x2 && child.maxX >= x1 && child.minY <= y2 && child.maxY >= y1) {
      search(child, x1, y1, x2, y2, found, most);
    }
  }
}

/** The same for slots, put into a list from `count` on; how many it then holds. */
function seek(node: Node, box: Box, slots: number[], held: number): number {
  const { minX, minY, maxX, maxY } = box;
  let count = held;
  if (node.leaf) {
    const items = node.children as readonly Item[];
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as Item;
      if (item.minX <= maxX && item.maxX >= minX && item.minY <= maxY && item.maxY >= minY) {
        slots[count++] = item.slot;
      }
    }
    return count;
  }
  const nodes = node.children as readonly Node[];
  for (let i = 0; i < nodes.length; i++) {
    const child = nodes[i] as Node;
    if (child.minX <= maxX && child.maxX >= minX && child.minY <= maxY && child.maxY >= minY) {
      count = seek(child, box, slots, count);
    }
  }
  return count;
}

function meets(node: Node, x1: number, y1: number, x2: number, y2: number): boolean {
  const { children } = node;
  for (let i = 0; i < children.length; i++) {
    const child = children[i] as Box;
    if (child.minX > x2 || child.maxX < x1 || child.minY > y2 || child.maxY < y1) continue;
    if (node.leaf || meets(child as Node, x1, y1, x2, y2)) return true;
  }
  return false;
}

const isSplit = (box: Box): boolean => box.minX < -180 || box.maxX > 180;

/** Short lists are the rule, and sorting those in place costs no call. */
function sortById(found: Fence[]): void {
  if (found.length > 12) {
    found.sort(byId);
    return;
  }
  for (let i = 1; i < found.length; i++) {
    const fence = found[i] as Fence;
    let at = i;
    for (; at > 0 && (found[at - 1] as Fence).id > fence.id; at--) {
      found[at] = found[at - 1] as Fence;
    }
    found[at] = fence;
  }
}

/** A number that only the id decides, evenly spread (FNV-1a, then mixed). */
function lot({ id }: Fence): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  return (h ^ (h >>> 15)) >>> 0;
}

/** So many of them, drawn by lot; more when lots are the same. */
function drawn(fences: readonly Fence[], many: number): Fence[] {
  if (many <= 0) return [];
  const lots = Float64Array.from(fences, lot);
  const last = lots.toSorted()[many - 1] as number;
  return fences.filter((_, i) => (lots[i] as number) <= last);
}

export function createFenceTrees(): FenceTrees {
  /** Biggest class first. */
  let trees: { readonly size: number; readonly tree: RBush<Item>; split: number }[] = [];
  const treeFor = (box: Box) => {
    const size = sizeClass(box);
    let tree = trees.find((t) => t.size === size);
    if (!tree) {
      tree = { size, tree: new RBush<Item>(), split: 0 };
      trees = [...trees, tree].toSorted((a, b) => b.size - a.size);
    }
    return tree;
  };
  const within = (at: number, box: Box, most: number): Fence[] => {
    const { tree, split } = trees[at] as (typeof trees)[number];
    const root = tree.toJSON() as Node;
    let found: Fence[] = [];
    if (!isSplit(box)) search(root, box.minX, box.minY, box.maxX, box.maxY, found, most);
    else {
      for (const b of splitBox(box)) search(root, b.minX, b.minY, b.maxX, b.maxY, found, most);
    }
    // Only what was cut in two can be found twice.
    if (found.length > 1 && (split > 0 || isSplit(box))) found = [...new Set(found)];
    return found;
  };
  const touching = (box: Box, most = Infinity): Fence[] => {
    let found: Fence[] = [];
    for (let t = 0; t < trees.length && found.length < most; t++) {
      const more = within(t, box, Infinity);
      if (found.length + more.length > most) found.push(...drawn(more, most - found.length));
      else if (found.length === 0) found = more;
      else for (const fence of more) found.push(fence);
    }
    if (found.length > 1) sortById(found);
    return found;
  };
  return {
    load: (places) => {
      const items = new Map<ReturnType<typeof treeFor>, Item[]>();
      for (const place of places) {
        const to = treeFor(place.box);
        const all = items.get(to) ?? [];
        if (all.length === 0) items.set(to, all);
        for (const item of itemsOf(place)) all.push(item);
        if (isSplit(place.box)) to.split++;
      }
      for (const [to, all] of items) to.tree.load(all);
    },
    add: (place) => {
      const to = treeFor(place.box);
      for (const item of itemsOf(place)) to.tree.insert(item);
      if (isSplit(place.box)) to.split++;
    },
    remove: (place) => {
      const from = treeFor(place.box);
      for (const item of itemsOf(place)) from.tree.remove(item, (a, b) => a.fence === b.fence);
      if (isSplit(place.box)) from.split--;
      if (from.tree.toJSON().children.length === 0) trees = trees.filter((t) => t !== from);
    },
    touching,
    slots: (box, most, slots) => {
      let count = 0;
      let plain = !isSplit(box);
      for (let t = 0; plain && t < trees.length; t++) {
        const { tree, split } = trees[t] as (typeof trees)[number];
        plain = split === 0;
        if (plain) count = seek(tree.toJSON() as Node, box, slots, count);
      }
      if (plain && count <= most) return count;
      const found = touching(box, most);
      for (let i = 0; i < found.length; i++) slots[i] = (found[i] as Fence).slot;
      return found.length;
    },
    biggest: (box, most) => {
      const found: Fence[] = [];
      let left = -Infinity;
      for (let t = 0; t < trees.length; t++) {
        const more = within(t, box, most - found.length);
        if (found.length + more.length > most) {
          left = (trees[t] as (typeof trees)[number]).size;
          break;
        }
        for (const fence of more) found.push(fence);
      }
      sortById(found);
      return { found, left };
    },
    some: (minX, minY, maxX, maxY) => {
      for (let t = 0; t < trees.length; t++) {
        const root = (trees[t] as (typeof trees)[number]).tree.toJSON() as Node;
        if (minX >= -180 && maxX <= 180) {
          if (meets(root, minX, minY, maxX, maxY)) return true;
        } else {
          for (const b of splitBox({ minX, minY, maxX, maxY })) {
            if (meets(root, b.minX, b.minY, b.maxX, b.maxY)) return true;
          }
        }
      }
      return false;
    },
  };
}
