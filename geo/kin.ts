/** PURE. Who lies in whom, and which fences exclude each other. */
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import { contains } from './contains.ts';
import { massInside } from './mass.ts';
import { fenceBox, fenceMiddle } from './fence.ts';
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
}

/** Shares of area. Shop plans overlap a little by careless drawing; that is not nesting. */
const LIES_IN = 0.9;
const OVERLAPS = 0.25;
/** A container is clearly bigger than what it holds; two drawings of one shop are not parent and child. */
const BIGGER = 1.5;
const MAX_DEPTH = 8;
const GRID = 12;

/** Share of `inner`'s ground that lies in `outer`, from a grid of points over inner's box. */
export function shareWithin(inner: Fence, outer: Fence): number {
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

interface Kinship {
  of(fence: Fence): Kin;
  forget(): void;
}

/**
 * Works out kin on the first question and remembers it until `forget`. One question costs a tree
 * search and some sampling.
 */
export function createKinship(index: Pick<FenceIndex, 'get' | 'touching'>): Kinship {
  const containers = new Map<Fence, Fence | null>();
  const kin = new Map<Fence, Kin>();
  const neighbours = (fence: Fence): Fence[] =>
    fence.xy.length === 0 ? [] : index.touching(fenceBox(fence)).filter((other) => other !== fence);

  /**
   * The smallest fence that holds this one among those with the same declared parent (or, when none
   * is declared, among all); else the declared parent. A kiosk drawn inside a food court competes
   * with the court's other kiosks, not with the court.
   */
  const containerOf = (fence: Fence): Fence | null => {
    const known = containers.get(fence);
    if (known !== undefined) return known;
    const { parent } = fence.definition;
    let best: Fence | null = (parent !== undefined && index.get(parent)) || null;
    if (best === fence) best = null;
    for (const other of neighbours(fence)) {
      if (other === best || (best && other.areaSquareMetres >= best.areaSquareMetres)) continue;
      if (parent !== undefined && other.definition.parent !== parent) continue;
      if (other.areaSquareMetres < BIGGER * fence.areaSquareMetres) continue;
      if (differ(other.definition.floor, fence.definition.floor)) continue;
      if (shareWithin(fence, other) >= LIES_IN) best = other;
    }
    containers.set(fence, best);
    return best;
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
    const near = neighbours(fence);
    const holdsOthers = near.some((other) => containerOf(other) === fence);
    const isFloor = fence.definition.floor !== undefined && holdsOthers;
    return {
      ancestors: line.map((f) => f.id),
      group: base,
      overlaps: near.filter((other) => overlaps(fence, line, other, isFloor)).map((f) => f.id),
      floor: floorOf(fence, line) ?? null,
      holdsOthers,
    };
  };
  return {
    of: (fence) => {
      let known = kin.get(fence);
      if (!known) kin.set(fence, (known = findKin(fence)));
      return known;
    },
    forget: () => {
      containers.clear();
      kin.clear();
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
