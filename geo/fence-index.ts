/** PURE. An R-tree over compiled fences, and which of them compete with which. */
import RBush from 'rbush';
import type { Box } from './bbox.ts';
import type { Fence, FenceDefinition } from './fence.ts';
import type { FenceLists } from './fence-lists.ts';
import type { Kin } from './kin.ts';
import type { Metres } from './lonlat.ts';
import { growBox, splitBox } from './bbox.ts';
import { contains } from './contains.ts';
import { compileFence, fenceBox } from './fence.ts';
import { byId, createFenceLists, memberIds, radioKeys } from './fence-lists.ts';
import { createKinship } from './kin.ts';
import { wrapLon } from './lonlat.ts';

interface Item extends Box {
  readonly fence: Fence;
}

/**
 * `candidates`, `containing` and `touching` concern only fences with ground: circles, polygons,
 * corridors. Tripwires, radio sets and composites are asked for by name.
 */
export interface FenceIndex {
  readonly size: number;
  get(id: string): Fence | undefined;
  /** All fences, in the order of their ids. */
  all(): Fence[];
  /** Fences whose box comes within `metres` of the point, in the order of their ids. */
  candidates(lon: number, lat: number, metres: Metres): Fence[];
  /** Fences that hold the point or have it on their edge, in the order of their ids. */
  containing(lon: number, lat: number): Fence[];
  /** Fences whose box touches a box in degrees (longitudes may leave [-180, 180]). */
  touching(box: Box): Fence[];
  /** Fences that list this key in `radio` (lower case), in the order of their ids. */
  hearing(key: string): readonly Fence[];
  /** Tripwires whose box touches a box in degrees (longitudes may leave [-180, 180]). */
  wires(box: Box): Fence[];
  /** Composites that have the fence of this id as a member, in the order of their ids. */
  compositesOf(id: string): readonly Fence[];
  /** Adds a fence, or replaces the one with the same id. */
  add(definition: FenceDefinition): Fence;
  /** False when there was no such fence. */
  remove(id: string): boolean;
  /** The fence's container, competing group and ancestors; kept until the next add or remove. */
  kin(fence: Fence): Kin;
  /** Ids of the fence's parent, grandparent and so on, nearest first. */
  ancestors(fence: Fence): readonly string[];
  /** Fences that compete with this one: same container, not overlapping it. */
  siblings(fence: Fence): Fence[];
}

/** An inner node of rbush's tree, as its toJSON shows it. */
interface Node extends Box {
  readonly leaf: boolean;
  readonly children: readonly Node[] | readonly Item[];
}

/** Written out, not spread: items of one shape keep the search loop monomorphic. */
const itemsOf = (fence: Fence, box: Box): Item[] =>
  splitBox(box).map(({ minX, minY, maxX, maxY }) => ({ minX, minY, maxX, maxY, fence }));

/** The box of what a fence has in the world, in degrees; null when it has nothing there. */
function placeOf(fence: Fence): Box | null {
  const { shape } = fence.definition;
  if (shape.type === 'Radio' || shape.type === 'Composite') return null;
  if (shape.type !== 'Tripwire') return fenceBox(fence);
  const ys = shape.coordinates.map((position) => position[1]);
  const xs: number[] = [];
  for (const [lon] of shape.coordinates) {
    const before = xs.at(-1) ?? lon;
    xs.push(before + wrapLon(lon - before));
  }
  const [minX, maxX] = [Math.min(...xs), Math.max(...xs)];
  return { minX, minY: Math.min(...ys), maxX, maxY: Math.max(...ys) };
}

/**
 * rbush's own search reads inner nodes and items through the same property sites, which makes the
 * engine look both shapes up each time; two loops for two shapes are about three times faster.
 */
function search(node: Node, x1: number, y1: number, x2: number, y2: number, found: Fence[]): void {
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
  for (let i = 0; i < nodes.length; i++) {
    const child = nodes[i] as Node;
    if (child.minX <= x2 && child.maxX >= x1 && child.minY <= y2 && child.maxY >= y1) {
      search(child, x1, y1, x2, y2, found);
    }
  }
}

function collect(tree: RBush<Item>, box: Box): Fence[] {
  const found: Fence[] = [];
  const root = tree.toJSON() as Node;
  if (box.minX >= -180 && box.maxX <= 180) {
    search(root, box.minX, box.minY, box.maxX, box.maxY, found);
  } else {
    for (const b of splitBox(box)) search(root, b.minX, b.minY, b.maxX, b.maxY, found);
  }
  if (found.length < 2) return found;
  found.sort(byId);
  return found.filter((fence, i) => i === 0 || fence !== found[i - 1]);
}

/** Builds the index. A later definition with the same id replaces an earlier one. */
export function createFenceIndex(definitions: readonly FenceDefinition[]): FenceIndex {
  const fences = new Map<string, Fence>();
  const ground = new RBush<Item>();
  const wires = new RBush<Item>();
  const heard: FenceLists = createFenceLists();
  const composites: FenceLists = createFenceLists();

  const treeOf = (fence: Fence): RBush<Item> =>
    fence.definition.shape.type === 'Tripwire' ? wires : ground;
  const place = (fence: Fence): Item[] => {
    heard.add(radioKeys(fence), fence);
    composites.add(memberIds(fence), fence);
    const box = placeOf(fence);
    return box === null ? [] : itemsOf(fence, box);
  };
  const take = (fence: Fence): void => {
    heard.remove(radioKeys(fence), fence);
    composites.remove(memberIds(fence), fence);
    const box = placeOf(fence);
    if (box === null) return;
    const tree = treeOf(fence);
    for (const item of itemsOf(fence, box)) tree.remove(item, (a, b) => a.fence === b.fence);
  };

  for (const definition of definitions) fences.set(definition.id, compileFence(definition));
  const items: Item[] = [];
  for (const fence of fences.values()) {
    const tree = treeOf(fence);
    for (const item of place(fence)) {
      if (tree === ground) items.push(item);
      else tree.insert(item);
    }
  }
  ground.load(items);

  const index: FenceIndex = {
    get size() {
      return fences.size;
    },
    get: (id) => fences.get(id),
    all: () => [...fences.values()].toSorted(byId),
    candidates: (lon, lat, metres) =>
      collect(ground, growBox({ minX: lon, minY: lat, maxX: lon, maxY: lat }, metres)),
    containing: (lon, lat) => {
      const near = collect(ground, atPoint(lon, lat));
      return near.length === 0 ? near : near.filter((fence) => contains(fence, lon, lat));
    },
    touching: (box) => collect(ground, box),
    hearing: (key) => heard.get(key),
    wires: (box) => collect(wires, box),
    compositesOf: (id) => composites.get(id),
    add: (definition) => {
      const old = fences.get(definition.id);
      if (old) take(old);
      const fence = compileFence(definition);
      fences.set(fence.id, fence);
      const tree = treeOf(fence);
      for (const item of place(fence)) tree.insert(item);
      kinship.forget();
      return fence;
    },
    remove: (id) => {
      const fence = fences.get(id);
      if (!fence) return false;
      take(fence);
      fences.delete(id);
      kinship.forget();
      return true;
    },
    kin: (fence) => kinship.of(fence),
    ancestors: (fence) => index.kin(fence).ancestors,
    siblings: (fence) => {
      const { group, overlaps } = index.kin(fence);
      return index
        .all()
        .filter((f) => f !== fence && index.kin(f).group === group && !overlaps.includes(f.id));
    },
  };
  const kinship = createKinship(index);
  return index;
}

/** A hair wider than the point, so that an edge rounded the other way is still asked. */
function atPoint(lon: number, lat: number): Box {
  const hair = 1e-10;
  return { minX: lon - hair, minY: lat - hair, maxX: lon + hair, maxY: lat + hair };
}
