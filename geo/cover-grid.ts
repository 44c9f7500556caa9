/**
 * PURE. A hierarchy of grids of square degrees in one hash table: what of which piece lies in which
 * cell.
 *
 * The cells are those of a quadtree over the plane of longitude and latitude, every second level of
 * it (as S2 covers regions with cells of several levels, Google 2011); longitudes wrap. A piece
 * stands in one level, so that a point asks one cell of each level in use.
 *
 * Memory: one Int32Array, eight integers a cell, open addressing with linear probing:
 *   column · row × 16 + level · piece · what of it lies here (0: the cell is free) · four of two bits
 *   for each of the cell's 64 small cells: 0 outside, 1 inside, 2 to be looked up
 * or, when several pieces meet, in the third place that of a list in the pool and in the fourth minus
 * their number; the list has six integers for each, a power of two of them. One cache line answers
 * most questions. Removing shifts cells back: no tombstones.
 */
import type { Box } from './bbox.ts';
import type { Pool } from './cover-pool.ts';
import { give, take } from './cover-pool.ts';

/** Halvings of 360° that make each level's cells, finest (0.6 m) first; shops stand in 9.5 m. */
const BITS = [26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0] as const;
/** Cells in a degree, and the columns of a level less one. */
export const SCALES = Float64Array.from(BITS, (bits) => 2 ** bits / 360);
const WRAPS = Int32Array.from(BITS, (bits) => 2 ** bits - 1);
/** Degrees added to a box on each side: more than any rounding, less than any device can tell. */
const HAIR = 1e-9;
/** Share of the table in use beyond which it doubles. */
const FULL = 0.7;
/** Integers of a cell, and of what a piece has in it: piece, what, and the small cells. */
const CELL = 8;
export const ENTRY = 6;

export interface Grid {
  readonly pool: Pool;
  slots: Int32Array;
  mask: number;
  cells: number;
  /** Levels that hold something, finest first. */
  levels: readonly number[];
  /** Entries of each level. */
  readonly entries: number[];
}

/** Columns (to be wrapped) and rows of one level. */
export interface CellRange {
  readonly level: number;
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
}

export function createGrid(pool: Pool): Grid {
  const entries = BITS.map(() => 0);
  return { pool, slots: new Int32Array(CELL * 64), mask: 63, cells: 0, levels: [], entries };
}

/** The finest level in which a box touches at most `most` cells; longitudes may leave [-180, 180]. */
export function cellRange(box: Box, most: number): CellRange {
  for (let level = 0; ; level++) {
    const scale = SCALES[level] as number;
    const x1 = Math.floor((box.minX - HAIR + 180) * scale);
    const x2 = Math.min(x1 + (WRAPS[level] as number), Math.floor((box.maxX + HAIR + 180) * scale));
    const y1 = Math.max(0, Math.floor((box.minY - HAIR + 90) * scale));
    const y2 = Math.floor((box.maxY + HAIR + 90) * scale);
    const last = level === BITS.length - 1;
    if (last || (x2 - x1 + 1) * (y2 - y1 + 1) <= most) return { level, x1, x2, y1, y2 };
  }
}

function hash(x: number, key: number): number {
  let h = Math.imul(x, 0x9e3779b1) ^ Math.imul(key, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/** Where in `slots` a cell stands, or would. */
function locate(grid: Grid, x: number, key: number): number {
  const { slots, mask } = grid;
  let at = CELL * (hash(x, key) & mask);
  while (slots[at + 3] !== 0 && (slots[at] !== x || slots[at + 1] !== key)) {
    at = (at + CELL) & (CELL * mask + CELL - 1);
  }
  return at;
}

/** Where in `slots` the cell of a column and a row begins; free when the cell is empty. */
export function cellAt(grid: Grid, level: number, x: number, y: number): number {
  return locate(grid, x & (WRAPS[level] as number), (y << 4) | level);
}

/** Adds `what` (never 0, not negative) of a piece, and its small cells, to a cell it is not yet in. */
export function put(
  grid: Grid,
  level: number,
  x: number,
  y: number,
  entry: readonly [piece: number, what: number],
  small: Int32Array,
): void {
  if (grid.cells >= (grid.mask + 1) * FULL) grow(grid);
  const at = cellAt(grid, level, x, y);
  const { slots, pool } = grid;
  const old = slots[at + 3] as number;
  count(grid, level, 1);
  if (old === 0) {
    slots[at] = x & (WRAPS[level] as number);
    slots[at + 1] = (y << 4) | level;
    slots.set(entry, at + 2);
    slots.set(small, at + 4);
    grid.cells++;
    return;
  }
  const n = old < 0 ? -old : 1;
  let list = slots[at + 2] as number;
  if ((n & (n - 1)) === 0) {
    const longer = take(pool, 2 * n * ENTRY);
    if (old > 0) pool.ints.set(slots.subarray(at + 2, at + CELL), longer);
    else {
      pool.ints.copyWithin(longer, list, list + n * ENTRY);
      give(pool, list, n * ENTRY);
    }
    list = longer;
  }
  pool.ints.set(entry, list + n * ENTRY);
  pool.ints.set(small, list + n * ENTRY + 2);
  slots[at + 2] = list;
  slots[at + 3] = -n - 1;
}

/** Takes a piece out of a cell: what was there of it, 0 when it was not in it. */
export function drop(grid: Grid, level: number, x: number, y: number, piece: number): number {
  const at = cellAt(grid, level, x, y);
  const { slots, pool } = grid;
  const old = slots[at + 3] as number;
  if (old >= 0) {
    if (old === 0 || slots[at + 2] !== piece) return 0;
    close(grid, at);
    count(grid, level, -1);
    return old;
  }
  const list = slots[at + 2] as number;
  const end = list - old * ENTRY;
  const { ints } = pool;
  let place = list;
  while (place < end && ints[place] !== piece) place += ENTRY;
  if (place === end) return 0;
  count(grid, level, -1);
  const what = ints[place + 1] as number;
  ints.copyWithin(place, end - ENTRY, end);
  const n = -old - 1;
  slots[at + 3] = -n;
  if ((n & (n - 1)) !== 0) return what;
  if (n === 1) slots.set(ints.subarray(list, list + ENTRY), at + 2);
  else {
    slots[at + 2] = take(pool, n * ENTRY);
    pool.ints.copyWithin(slots[at + 2] as number, list, list + n * ENTRY);
  }
  give(pool, list, 2 * n * ENTRY);
  return what;
}

function count(grid: Grid, level: number, by: 1 | -1): void {
  const before = grid.entries[level] as number;
  grid.entries[level] = before + by;
  if (before !== 0 && before + by !== 0) return;
  grid.levels = BITS.flatMap((_, l) => ((grid.entries[l] as number) > 0 ? [l] : []));
}

function grow(grid: Grid): void {
  const old = grid.slots;
  grid.slots = new Int32Array(old.length * 2);
  grid.mask = grid.slots.length / CELL - 1;
  for (let at = 0; at < old.length; at += CELL) {
    if (old[at + 3] === 0) continue;
    const to = locate(grid, old[at] as number, old[at + 1] as number);
    for (let i = 0; i < CELL; i++) grid.slots[to + i] = old[at + i] as number;
  }
}

/** Frees a cell: those that follow move into the hole if that brings them nearer to their place. */
function close(grid: Grid, hole: number): void {
  const { slots, mask } = grid;
  grid.cells--;
  slots[hole + 3] = 0;
  let empty = hole / CELL;
  for (let at = (empty + 1) & mask; slots[CELL * at + 3] !== 0; at = (at + 1) & mask) {
    const home = hash(slots[CELL * at] as number, slots[CELL * at + 1] as number) & mask;
    if (((at - home) & mask) < ((at - empty) & mask)) continue;
    slots.copyWithin(CELL * empty, CELL * at, CELL * (at + 1));
    slots[CELL * at + 3] = 0;
    empty = at;
  }
}
