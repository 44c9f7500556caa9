/** PURE. Who lies in whom, and which fences exclude each other. */
import type { Fence } from './fence.ts';
import type { KinRows } from './fence-rows.ts';
import type { FenceTrees } from './fence-trees.ts';
import type { Metres } from './lonlat.ts';
import { contains } from './contains.ts';
import { inradius } from './depth.ts';
import { massInside } from './mass.ts';
import { fenceBox, fenceMiddle } from './fence.ts';
import { sizeClass } from './fence-trees.ts';
import { wrapLon } from './lonlat.ts';

export interface Kin {
  /** Nearest first. Declared parents; where none is declared, the fence it geometrically lies in. */
  readonly ancestors: readonly string[];
  /** A person is in one fence of a group or in none of it, but for those that overlap. */
  readonly group: string;
  /** Fences of the group that share ground with this one and may be true at the same time. */
  readonly overlaps: readonly string[];
  /** The floor the fence is on: its own, or its nearest ancestor's. */
  readonly floor: string | null;
  /** Some other fence lies in it. */
  readonly holdsOthers: boolean;
  /** Radius of the largest circle inside; 0 without ground. */
  readonly inradius: Metres;
}

/** Shares of area. Shop plans overlap a little by careless drawing; that is not nesting. */
const LIES_IN = 0.9;
const OVERLAPS = 0.25;
/** A container is clearly bigger than what it holds; two drawings of one shop are not parent and child. */
const BIGGER = 1.5;
const MAX_DEPTH = 8;
const GRID = 12;
/**
 * Bounds, for maps where everything lies on everything. Kin are looked for among so many fences that
 * touch the box, biggest first; where there are more, the smaller sizes are left out, and such fences
 * then exclude each other. So many of them are tried as containers, smallest first.
 */
const MOST_NEAR = 1024;
const MOST_TRIED = 64;
/** An edit that would forget more kin than this forgets all, and so does every so manieth. */
const MOST_FORGOTTEN = 256;

/** Share of `inner`'s ground that lies in `outer`, from a grid of points over inner's box. */
function shareWithin(inner: Fence, outer: Fence): number {
  let hits = 0;
  let points = 0;
  const { box } = inner;
  for (let i = 0; i < GRID; i++) {
    for (let j = 0; j < GRID; j++) {
      const x = box.minX + ((i + 0.5) / GRID) * (box.maxX - box.minX);
      const y = box.minY + ((j + 0.5) / GRID) * (box.maxY - box.minY);
      const lon = wrapLon(inner.lon0 + x);
      if (!contains(inner, lon, inner.lat0 + y)) continue;
      points++;
      if (contains(outer, lon, inner.lat0 + y)) hits++;
    }
  }
  if (points > 0) return hits / points;
  const middle = fenceMiddle(inner);
  return massInside(outer, middle.lon, middle.lat, 0.1);
}

export interface Kinship {
  of(fence: Fence): Kin;
  /** To be told after every edit. */
  added(fence: Fence): void;
  removed(fence: Fence): void;
}

export interface Families {
  get(id: string): Fence | undefined;
  readonly biggest: FenceTrees['biggest'];
  /** Where kin are remembered. */
  readonly known: KinRows;
  /** Fences that declare this one as their parent. */
  childrenOf(id: string): readonly Fence[];
}

/**
 * Works out kin on the first question and remembers it until an edit touches the fence, something
 * that touches the fence, or something above those. One question costs a few tree searches and some
 * sampling; an edit costs as much for each fence it touches.
 */
export function createKinship(families: Families): Kinship {
  const containers = new Map<Fence, Fence | null>();
  const held = new Map<Fence, Set<Fence>>();
  const kin = families.known;
  /** Fences that touch so many others that one more may change whom they are compared with. */
  const crowded = new Set<Fence>();
  let edits = 0;

  /** Others that touch the fence's box, in the order of their ids; and the class left out, if any. */
  const around = (fence: Fence): { near: Fence[]; left: number } => {
    if (fence.kind !== 'ground') return { near: [], left: -Infinity };
    const { found, left } = families.biggest(fenceBox(fence), MOST_NEAR);
    if (left > -Infinity || found.length > MOST_NEAR / 2) crowded.add(fence);
    return { near: found.filter((other) => other !== fence), left };
  };

  /**
   * The smallest fence that holds this one among those with the same declared parent (or, when none
   * is declared, among all); else the declared parent. A kiosk drawn inside a food court competes
   * with the court's other kiosks, not with the court.
   */
  const findContainer = (fence: Fence): Fence | null => {
    const { parent, floor } = fence.definition;
    const declared = parent === undefined ? undefined : families.get(parent);
    const limit =
      declared === undefined || declared === fence ? Infinity : declared.areaSquareMetres;
    const inside = around(fence)
      .near.filter(
        (other) =>
          other.areaSquareMetres < limit &&
          other.areaSquareMetres >= BIGGER * fence.areaSquareMetres &&
          (parent === undefined || other.definition.parent === parent) &&
          !differ(other.definition.floor, floor),
      )
      .toSorted((a, b) => a.areaSquareMetres - b.areaSquareMetres)
      .slice(0, MOST_TRIED)
      .find((other) => shareWithin(fence, other) >= LIES_IN);
    return inside ?? (declared === fence ? null : (declared ?? null));
  };
  const containerOf = (fence: Fence): Fence | null => {
    let container = containers.get(fence);
    if (container !== undefined) return container;
    container = findContainer(fence);
    containers.set(fence, container);
    if (container) {
      const others = held.get(container);
      if (others) others.add(fence);
      else held.set(container, new Set([fence]));
    }
    return container;
  };
  const lineOf = (fence: Fence): Fence[] => {
    const line: Fence[] = [];
    let at = containerOf(fence);
    while (at && at !== fence && !line.includes(at) && line.length < MAX_DEPTH) {
      line.push(at);
      at = containerOf(at);
    }
    return line;
  };
  /**
   * Shops one above the other exclude each other although they overlap. Storeys do not: each would
   * only halve the other's probability, and both say the same of where on the ground somebody is.
   */
  const overlaps = (
    fence: Fence,
    line: readonly Fence[],
    other: Fence,
    isFloor: boolean,
  ): boolean => {
    const otherLine = lineOf(other);
    if (groupBase(otherLine) !== groupBase(line)) return false;
    if (!isFloor && differ(floorOf(fence, line), floorOf(other, otherLine))) return false;
    const smaller = fence.areaSquareMetres <= other.areaSquareMetres;
    return (smaller ? shareWithin(fence, other) : shareWithin(other, fence)) >= OVERLAPS;
  };
  const findKin = (fence: Fence): Kin => {
    const line = lineOf(fence);
    const base = groupBase(line);
    const { near, left } = around(fence);
    const crowd = left > -Infinity && left < sizeClass(fenceBox(fence));
    const holdsOthers = crowd || near.some((other) => containerOf(other) === fence);
    const isFloor = fence.definition.floor !== undefined && holdsOthers;
    return {
      ancestors: line.map((f) => f.id),
      group: base,
      overlaps: near.filter((other) => overlaps(fence, line, other, isFloor)).map((f) => f.id),
      floor: floorOf(fence, line) ?? null,
      holdsOthers,
      inradius: fence.kind === 'ground' ? inradius(fence) : 0,
    };
  };
  const forgetAll = (): void => {
    for (const map of [containers, held, kin, crowded]) map.clear();
    edits = 0;
  };
  /** Fences whose container may be another now: all below them, and what touches those, is forgotten. */
  const forget = (changed: readonly Fence[]): void => {
    const seen = new Set(changed);
    for (const fence of changed) {
      const container = containers.get(fence);
      containers.delete(fence);
      if (container) held.get(container)?.delete(fence);
    }
    for (const fence of seen) {
      for (const below of held.get(fence) ?? []) seen.add(below);
      if (seen.size > MOST_FORGOTTEN) {
        forgetAll();
        return;
      }
      kin.delete(fence);
      const { near, left } = around(fence);
      for (const other of near) kin.delete(other);
      if (left > -Infinity) {
        forgetAll();
        return;
      }
    }
  };
  const edited = (fence: Fence): void => {
    edits++;
    if (edits >= MOST_FORGOTTEN) forgetAll();
    if (kin.size === 0 && containers.size === 0) return;
    const { near } = around(fence);
    const size = sizeClass(fenceBox(fence));
    // Whom this fence may hold, or held; and those for whom it may have crowded out a container.
    const changed = near.filter(
      (other) =>
        fence.areaSquareMetres >= BIGGER * other.areaSquareMetres ||
        (crowded.has(other) && size + 1 >= sizeClass(fenceBox(other))),
    );
    forget([fence, ...changed, ...families.childrenOf(fence.id), ...(held.get(fence) ?? [])]);
  };
  return {
    of: (fence) => {
      let known = kin.get(fence);
      if (!known) kin.set(fence, (known = findKin(fence)));
      return known;
    },
    added: edited,
    removed: (fence) => {
      edited(fence);
      held.delete(fence);
      crowded.delete(fence);
    },
  };
}

const differ = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && a !== b;

const floorOf = (fence: Fence, line: readonly Fence[]): string | undefined =>
  [fence, ...line].find((f) => f.definition.floor !== undefined)?.definition.floor;

/** The nearest ancestor that is not itself a floor, and how far down from it the fence stands. */
function groupBase(line: readonly Fence[]): string {
  let up = 0;
  while (up < line.length && line[up]?.definition.floor !== undefined) up++;
  return `${line[up]?.id ?? ''}/${up}`;
}
