/** PURE. An R-tree over compiled fences, and which of them compete with which. */
import RBush from 'rbush';
import type { Box } from './bbox.ts';
import type { Fence, FenceDefinition } from './fence.ts';
import type { Kin } from './kin.ts';
import type { Metres } from './lonlat.ts';
import { growBox, splitBox } from './bbox.ts';
import { contains } from './contains.ts';
import { compileFence, fenceBox } from './fence.ts';
import { createKinship } from './kin.ts';

interface Item extends Box {
  readonly fence: Fence;
}

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

const itemsOf = (fence: Fence): Item[] =>
  splitBox(fenceBox(fence)).map((box) => ({ ...box, fence }));

const byId = (a: Fence, b: Fence): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function collect(tree: RBush<Item>, box: Box): Fence[] {
  const boxes = box.minX >= -180 && box.maxX <= 180 ? [box] : splitBox(box);
  const found: Fence[] = [];
  for (const part of boxes) for (const item of tree.search(part)) found.push(item.fence);
  if (found.length < 2) return found;
  found.sort(byId);
  return found.filter((fence, i) => i === 0 || fence !== found[i - 1]);
}

/** Builds the index. A later definition with the same id replaces an earlier one. */
export function createFenceIndex(definitions: readonly FenceDefinition[]): FenceIndex {
  const tree = new RBush<Item>();
  const fences = new Map<string, Fence>();
  for (const definition of definitions) fences.set(definition.id, compileFence(definition));
  tree.load([...fences.values()].flatMap(itemsOf));

  const take = (fence: Fence): void => {
    for (const item of itemsOf(fence)) tree.remove(item, (a, b) => a.fence === b.fence);
  };
  const index: FenceIndex = {
    get size() {
      return fences.size;
    },
    get: (id) => fences.get(id),
    all: () => [...fences.values()].toSorted(byId),
    candidates: (lon, lat, metres) =>
      collect(tree, growBox({ minX: lon, minY: lat, maxX: lon, maxY: lat }, metres)),
    containing: (lon, lat) =>
      collect(tree, atPoint(lon, lat)).filter((fence) => contains(fence, lon, lat)),
    touching: (box) => collect(tree, box),
    add: (definition) => {
      const old = fences.get(definition.id);
      if (old) take(old);
      const fence = compileFence(definition);
      fences.set(fence.id, fence);
      for (const item of itemsOf(fence)) tree.insert(item);
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
      const { group } = index.kin(fence);
      return index.all().filter((other) => other !== fence && index.kin(other).group === group);
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
