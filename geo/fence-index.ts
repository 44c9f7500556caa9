/** PURE. All fences of a merchant, found by where they are, by what is heard, and by kinship. */
import type { Box } from './bbox.ts';
import type { Cover } from './cover.ts';
import type { Fence, FenceDefinition } from './fence.ts';
import type { FenceRows } from './fence-rows.ts';
import type { FenceTrees, Place } from './fence-trees.ts';
import type { Kin } from './kin.ts';
import type { Metres } from './lonlat.ts';
import { addToCover, coverContaining, createCover, removeFromCover } from './cover.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { compileFence, fenceBox, wireBox } from './fence.ts';
import { byId, createFenceLists, memberIds, parentIds, radioKeys } from './fence-lists.ts';
import {
  createRows,
  dropRow,
  kinRows,
  markMember,
  newSlot,
  putRow,
  sortSlots,
} from './fence-rows.ts';
import { createFenceTrees } from './fence-trees.ts';
import { createKinship } from './kin.ts';

/**
 * `candidates`, `containing`, `touching` and `nothingNear` concern only fences with ground: circles,
 * polygons, corridors. Tripwires, radio sets and composites are asked for by name. Every list is in
 * the order of ids, whatever the order of adding.
 *
 * What it costs: `containing` asks one cell for each size of fence, then the few edges in it;
 * `touching` and `candidates` an R-tree, and grow with what they find unless `most` is given;
 * `add` and `remove` some ten to a hundred microseconds beside a hundred thousand fences, now and
 * then a doubling of a table. The cover behind `containing` is built on its first question.
 */
export interface FenceIndex {
  readonly size: number;
  get(id: string): Fence | undefined;
  /** All fences, in the order of their ids. */
  all(): Fence[];
  /** Fences whose box comes within `metres` of the point; `most` as in `touching`. */
  candidates(lon: number, lat: number, metres: Metres, most?: number): Fence[];
  /** Fences that hold the point or have it on their edge. Nothing is allocated where there is none. */
  containing(lon: number, lat: number): readonly Fence[];
  /**
   * Fences whose box touches a box in degrees (longitudes may leave [-180, 180]). Of more than
   * `most` the bigger ones, and among those of one size a choice that depends on their ids alone.
   */
  touching(box: Box, most?: number): Fence[];
  /** Slots of the same fences in the same order, put into `slots`; how many they are. */
  slots(box: Box, most: number, slots: number[]): number;
  /** What a ping asks of each fence, by slot. */
  readonly rows: FenceRows;
  /** True when no fence's box comes within `metres` of the point. Allocates nothing, costs 0.1 µs. */
  nothingNear(lon: number, lat: number, metres: Metres): boolean;
  /** Fences that list this key in `radio` (lower case). */
  hearing(key: string): readonly Fence[];
  /** Tripwires whose box touches a box in degrees (longitudes may leave [-180, 180]). */
  wires(box: Box): Fence[];
  /** Composites that have the fence of this id as a member. */
  compositesOf(id: string): readonly Fence[];
  /** Adds a fence, or replaces the one with the same id. */
  add(definition: FenceDefinition): Fence;
  /** False when there was no such fence. */
  remove(id: string): boolean;
  /**
   * The fence's container, competing group and ancestors. Worked out on the first question and kept
   * until an edit near the fence or above it.
   */
  kin(fence: Fence): Kin;
  /** Ids of the fence's parent, grandparent and so on, nearest first. */
  ancestors(fence: Fence): readonly string[];
  /** Fences that compete with this one: same container, not overlapping it. Asks all fences. */
  siblings(fence: Fence): Fence[];
}

/** Builds the index. A later definition with the same id replaces an earlier one. */
export function createFenceIndex(definitions: readonly FenceDefinition[]): FenceIndex {
  const fences = new Map<string, Fence>();
  const ground = createFenceTrees();
  const wires = createFenceTrees();
  const heard = createFenceLists();
  const composites = createFenceLists();
  const children = createFenceLists();
  fill(fences, definitions, ground, wires);
  const rows = createRows(fences.size);
  let cover: Cover | null = null;

  const markMembers = (composite: Fence): void => {
    for (const id of memberIds(composite)) {
      const member = fences.get(id);
      if (member && rows.fences[member.slot] === member) {
        markMember(rows, member, composites.get(id).length > 0);
      }
    }
  };
  const list = (fence: Fence): void => {
    heard.add(radioKeys(fence), fence);
    composites.add(memberIds(fence), fence);
    children.add(parentIds(fence), fence);
    putRow(rows, fence);
    markMember(rows, fence, composites.get(fence.id).length > 0);
    markMembers(fence);
  };
  const take = (fence: Fence): void => {
    fences.delete(fence.id);
    heard.remove(radioKeys(fence), fence);
    composites.remove(memberIds(fence), fence);
    children.remove(parentIds(fence), fence);
    markMembers(fence);
    if (fence.kind === 'tripwire') wires.remove(wirePlace(fence));
    if (fence.kind === 'ground') {
      ground.remove(groundPlace(fence));
      if (cover) removeFromCover(cover, fence);
    }
    kinship.removed(fence);
    dropRow(rows, fence);
  };
  const box: Writable<Box> = { minX: 0, minY: 0, maxX: 0, maxY: 0 };

  const index: FenceIndex = {
    get size() {
      return fences.size;
    },
    get: (id) => fences.get(id),
    all: () => [...fences.values()].toSorted(byId),
    candidates: (lon, lat, metres, most) => ground.touching(around(box, lon, lat, metres), most),
    containing: (lon, lat) => {
      cover ??= coverOf(fences.values());
      return coverContaining(cover, lon, lat);
    },
    touching: (where, most) => ground.touching(where, most),
    slots: (where, most, slots) => {
      const count = ground.slots(where, most, slots);
      if (count > 1) sortSlots(rows, slots, count);
      return count;
    },
    rows,
    nothingNear: (lon, lat, metres) => {
      const { minX, minY, maxX, maxY } = around(box, lon, lat, metres);
      return !ground.some(minX, minY, maxX, maxY);
    },
    hearing: (key) => heard.get(key),
    wires: (where) => wires.touching(where),
    compositesOf: (id) => composites.get(id),
    add: (definition) => {
      const old = fences.get(definition.id);
      if (old) take(old);
      // In the old one's row, unless that is free for all: a place in the order goes with the id.
      const kept = old !== undefined && old.slot < rows.sorted;
      const fence = compileFence(definition, kept ? old.slot : newSlot(rows));
      fences.set(fence.id, fence);
      list(fence);
      if (fence.kind === 'tripwire') wires.add(wirePlace(fence));
      if (fence.kind === 'ground') {
        ground.add(groundPlace(fence));
        if (cover) addToCover(cover, fence);
      }
      kinship.added(fence);
      return fence;
    },
    remove: (id) => {
      const fence = fences.get(id);
      if (fence) take(fence);
      return fence !== undefined;
    },
    kin: (fence) => kinship.of(fence),
    ancestors: (fence) => kinship.of(fence).ancestors,
    siblings: (fence) => {
      const { group, overlaps } = index.kin(fence);
      return index
        .all()
        .filter((f) => f !== fence && index.kin(f).group === group && !overlaps.includes(f.id));
    },
  };
  const kinship = createKinship({
    get: (id) => fences.get(id),
    biggest: (where, most) => ground.biggest(where, most),
    childrenOf: (id) => children.get(id),
    known: kinRows(rows),
  });
  for (const fence of fences.values()) list(fence);
  return index;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function fill(
  fences: Map<string, Fence>,
  definitions: readonly FenceDefinition[],
  ground: FenceTrees,
  wires: FenceTrees,
): void {
  for (const definition of definitions) fences.set(definition.id, compileFence(definition));
  // Copied in one go the records lie side by side: a fifth of the page misses of a lookup that hits.
  const order = [...fences.keys()].toSorted();
  const slots = new Map(order.map((id, slot) => [id, slot]));
  for (const [id, fence] of fences) fences.set(id, { ...fence, slot: slots.get(id) ?? -1 });
  const all = [...fences.values()];
  ground.load(all.filter(({ kind }) => kind === 'ground').map(groundPlace));
  wires.load(all.filter(({ kind }) => kind === 'tripwire').map(wirePlace));
}

const groundPlace = (fence: Fence): Place => ({ fence, box: fenceBox(fence) });
const wirePlace = (fence: Fence): Place => ({ fence, box: wireBox(fence) });

function coverOf(fences: Iterable<Fence>): Cover {
  const cover = createCover();
  for (const fence of fences) if (fence.kind === 'ground') addToCover(cover, fence);
  return cover;
}

/** `growBox` of a point, into a box that is used again. */
function around(box: Writable<Box>, lon: number, lat: number, metres: Metres): Box {
  const dy = metres / METRES_PER_DEGREE;
  const dx = Math.min(180, metres / metresPerLonDegree(Math.min(90, Math.abs(lat) + dy)));
  box.minX = lon - dx;
  box.minY = Math.max(-90, lat - dy);
  box.maxX = lon + dx;
  box.maxY = Math.min(90, lat + dy);
  return box;
}
