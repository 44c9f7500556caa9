/**
 * PURE. The numbers a ping asks of every fence near it, side by side: one row for each fence.
 *
 * The runtime keeps each fractional property of an object in a place of its own on the heap, and each
 * typed array behind a header, so that looking at one fence as an object waits for memory some twenty
 * times. A row is 32 doubles in one array. The first eight, one line of cache, turn most fences away;
 * the next eight say what is asked of those that stay; the rest are the vertices of a small outline.
 * An object is only looked at for the few fences that are believed.
 *
 *   0 lon0, 1 lat0, 2–5 box (relative), 6 vertices held in the row or 0, 7 its marks
 *   8 inradius, 9 number of its group or −1 while kin is not known, 10 area, 11 kin's marks
 *   12–31 x, y of up to ten vertices
 */
import type { Fence } from './fence.ts';
import type { Kin } from './kin.ts';
import { byId } from './fence-lists.ts';

export const ROW = 32;
export const LON = 0;
export const LAT = 1;
export const MIN_X = 2;
export const MIN_Y = 3;
export const MAX_X = 4;
export const MAX_Y = 5;
export const VERTICES = 6;
export const MARKS = 7;
export const INRADIUS = 8;
export const GROUP = 9;
export const AREA = 10;
export const KIN_MARKS = 11;
export const XY = 12;

/** Marks of a fence: it has hours, it is a member of a composite, it has a priority. */
export const TIMED = 1;
export const MEMBER = 2;
export const RANKED = 4;
/** Marks of kin: others lie in it, it shares ground with siblings. */
export const HOLDS = 1;
export const OVERLAPPING = 2;

const MOST_VERTICES = (ROW - XY) / 2;

/** Rows by `fence.slot`. The arrays are replaced when they grow: read them anew with each question. */
export interface FenceRows {
  numbers: Float64Array;
  readonly fences: (Fence | null)[];
  readonly kin: (Kin | null)[];
  /** Slots below this are in the order of ids. */
  sorted: number;
  /** Slots from there on that can be given again. */
  readonly free: number[];
  /** Numbers of groups by name. */
  readonly groups: Map<string, number>;
  /** Fences whose kin are known. */
  known: number;
}

/** Rows for so many fences to begin with, whose slots will be in the order of their ids. */
export function createRows(sorted: number): FenceRows {
  return {
    numbers: new Float64Array(Math.max(16, sorted) * ROW),
    fences: [],
    kin: [],
    sorted,
    free: [],
    groups: new Map(),
    known: 0,
  };
}

/** A slot for a fence that was not among the first. */
export function newSlot(rows: FenceRows): number {
  return rows.free.pop() ?? rows.fences.length;
}

/** Writes the row of `fence.slot`. */
export function putRow(rows: FenceRows, fence: Fence): void {
  const { slot, box, xy, definition } = fence;
  while (rows.fences.length <= slot) {
    rows.fences.push(null);
    rows.kin.push(null);
  }
  const at = slot * ROW;
  if (at >= rows.numbers.length) {
    const grown = new Float64Array(rows.numbers.length * 2);
    grown.set(rows.numbers);
    rows.numbers = grown;
  }
  const { numbers } = rows;
  rows.fences[slot] = fence;
  rows.kin[slot] = null;
  const small = fence.rings.length === 2 && xy.length <= 2 * MOST_VERTICES;
  numbers[at + LON] = fence.lon0;
  numbers[at + LAT] = fence.lat0;
  numbers[at + MIN_X] = box.minX;
  numbers[at + MIN_Y] = box.minY;
  numbers[at + MAX_X] = box.maxX;
  numbers[at + MAX_Y] = box.maxY;
  numbers[at + VERTICES] = small ? xy.length / 2 : 0;
  numbers[at + MARKS] = (definition.hours ? TIMED : 0) | (definition.priority ? RANKED : 0);
  numbers[at + GROUP] = -1;
  numbers[at + AREA] = fence.areaSquareMetres;
  if (small) numbers.set(xy, at + XY);
}

/** Of a fence that was taken out. A slot among the first keeps its place in the order and stays empty. */
export function dropRow(rows: FenceRows, { slot }: Fence): void {
  rows.fences[slot] = null;
  rows.kin[slot] = null;
  if (slot >= rows.sorted) rows.free.push(slot);
}

/** Whether the fence is a member of some composite. */
export function markMember(rows: FenceRows, { slot }: Fence, member: boolean): void {
  const at = slot * ROW + MARKS;
  const marks = rows.numbers[at] as number;
  rows.numbers[at] = member ? marks | MEMBER : marks & ~MEMBER;
}

/** Kin by fence, in the rows. Of a fence that is not in the index nothing is kept. */
export interface KinRows {
  readonly size: number;
  get(fence: Fence): Kin | undefined;
  set(fence: Fence, kin: Kin): void;
  delete(fence: Fence): void;
  clear(): void;
}

export function kinRows(rows: FenceRows): KinRows {
  return {
    get size() {
      return rows.known;
    },
    get: (fence) => {
      const { slot } = fence;
      return rows.fences[slot] === fence ? (rows.kin[slot] ?? undefined) : undefined;
    },
    set: (fence, kin) => {
      const { slot } = fence;
      if (rows.fences[slot] !== fence) return;
      if (rows.kin[slot] === null) rows.known++;
      rows.kin[slot] = kin;
      let group = rows.groups.get(kin.group);
      if (group === undefined) rows.groups.set(kin.group, (group = rows.groups.size));
      const at = slot * ROW;
      rows.numbers[at + INRADIUS] = kin.inradius;
      rows.numbers[at + GROUP] = group;
      rows.numbers[at + KIN_MARKS] =
        (kin.holdsOthers ? HOLDS : 0) | (kin.overlaps.length > 0 ? OVERLAPPING : 0);
    },
    delete: (fence) => {
      const { slot } = fence;
      if (rows.fences[slot] !== fence || rows.kin[slot] === null) return;
      rows.known--;
      rows.kin[slot] = null;
      rows.numbers[slot * ROW + GROUP] = -1;
    },
    clear: () => {
      for (let slot = 0; slot < rows.kin.length; slot++) {
        rows.kin[slot] = null;
        rows.numbers[slot * ROW + GROUP] = -1;
      }
      rows.groups.clear();
      rows.known = 0;
    },
  };
}

/** Sorts the first `count` slots by the ids of their fences; lists are short as a rule. */
export function sortSlots(rows: FenceRows, slots: number[], count: number): void {
  if (count > 24) {
    const all = slots.slice(0, count).toSorted((a, b) => (isBefore(rows, a, b) ? -1 : 1));
    for (let i = 0; i < count; i++) slots[i] = all[i] as number;
    return;
  }
  for (let i = 1; i < count; i++) {
    const slot = slots[i] as number;
    let at = i;
    for (; at > 0 && isBefore(rows, slot, slots[at - 1] as number); at--) {
      slots[at] = slots[at - 1] as number;
    }
    slots[at] = slot;
  }
}

function isBefore(rows: FenceRows, a: number, b: number): boolean {
  if (a < rows.sorted && b < rows.sorted) return a < b;
  return byId(rows.fences[a] as Fence, rows.fences[b] as Fence) < 0;
}
