/**
 * PURE. What a piece of few vertices leaves in a cell of the grid: nothing, all of the cell, or the
 * edges that touch it.
 *
 * Memory: one block of the pool for a cell with edges,
 *   [0] its size · [1] whether the cell's reference point is inside · then for each run of edges, how
 *   many numbers follow, and x, y of its vertices in cells from the cell's corner, as 32-bit floats.
 */
import type { Cells } from './cover-cells.ts';
import type { CellRange, Grid } from './cover-grid.ts';
import type { Fence } from './fence.ts';
import type { Pool } from './cover-pool.ts';
import { crossings, cutIntoCells, REFERENCE_X, REFERENCE_Y } from './cover-cells.ts';
import { drop, put, SCALES } from './cover-grid.ts';
import { give, take } from './cover-pool.ts';

/** What may lie in a cell beside a block: all of the cell is inside; the piece must be asked. */
export const ALL = 1;
export const ASK = 2;
/** Pieces of more vertices, or with more edges in cells, get a raster of their own. */
export const FEW_VERTICES = 256;
const MOST_TOUCHES = 2048;
/** Cells. Nearer to an edge the robust predicate decides: 16 roundings of a float 128 cells off. */
const NEAR = 2 ** -13;
/** A piece so far from its origin, or so large, would lose too much to rounding. */
const FARTHEST = 100;

/** Puts one part of a fence into the cells of a range. False, and nothing done, when it has too many edges. */
export function putEdges(
  grid: Grid,
  piece: number,
  fence: Fence,
  part: number,
  range: CellRange,
): boolean {
  const { level, x1, x2, y1, y2 } = range;
  const [columns, rows] = [x2 - x1 + 1, y2 - y1 + 1];
  if (columns > FARTHEST || rows > FARTHEST) return false;
  const scale = SCALES[level] as number;
  const frame = {
    x: x1 / scale - 180 - fence.lon0,
    y: y1 / scale - 90 - fence.lat0,
    width: columns / scale,
    height: rows / scale,
    columns,
    rows,
  };
  const cells = cutIntoCells(fence, part, frame, MOST_TOUCHES);
  if (cells === null) return false;
  for (let c = 0; c < columns * rows; c++) {
    const edged = (cells.ends[c] as number) > (cells.starts[c] as number);
    if (!edged && cells.inside[c] === 0) continue;
    const [column, row] = [c % columns, Math.floor(c / columns)];
    const x = frame.x + column / scale;
    const y = frame.y + row / scale;
    const what = edged ? packCell(grid.pool, fence, cells, c, x, y, scale) : ALL;
    put(grid, level, x1 + column, y1 + row, piece, what);
  }
  return true;
}

/** Takes a piece out of all cells of a range, however it was put there. */
export function dropPiece(grid: Grid, piece: number, { level, x1, x2, y1, y2 }: CellRange): void {
  for (let y = y1; y <= y2; y++) {
    for (let x = x1; x <= x2; x++) {
      const what = drop(grid, level, x, y, piece);
      if (what > ASK) give(grid.pool, what, grid.pool.ints[what] as number);
    }
  }
}

function packCell(
  pool: Pool,
  fence: Fence,
  { starts, ends, runs, inside }: Cells,
  cell: number,
  x: number,
  y: number,
  scale: number,
): number {
  const [start, end] = [starts[cell] as number, ends[cell] as number];
  let size = 2;
  for (let r = start; r < end; r++) size += 1 + 2 * (((runs[r] as number) & 255) + 2);
  const block = take(pool, size);
  const { ints, floats } = pool;
  ints[block] = size;
  ints[block + 1] = inside[cell] as number;
  let at = block + 2;
  for (let r = start; r < end; r++) {
    const first = (runs[r] as number) >> 8;
    const last = first + ((runs[r] as number) & 255) + 1;
    ints[at++] = 2 * (last - first + 1);
    for (let i = first; i <= last; i++) {
      floats[at++] = ((fence.xy[2 * i] as number) - x) * scale;
      floats[at++] = ((fence.xy[2 * i + 1] as number) - y) * scale;
    }
  }
  return block;
}

/** 1 inside, 0 outside, −1 too near to an edge to say; the point in cells from the cell's corner. */
export function edgeSide(pool: Pool, block: number, x: number, y: number): number {
  const { ints, floats } = pool;
  const end = block + (ints[block] as number);
  let side = ints[block + 1] as number;
  for (let at = block + 2; at < end;) {
    const last = at + 1 + (ints[at] as number);
    const crossed = crossings(floats, at + 1, last, x, y, REFERENCE_X, REFERENCE_Y, NEAR);
    if (crossed < 0) return -1;
    side ^= crossed;
    at = last;
  }
  return side;
}
