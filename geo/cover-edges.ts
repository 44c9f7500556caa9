/**
 * PURE. What a piece of few vertices leaves in a cell of the grid: nothing, all of the cell, or the
 * edges that touch it.
 *
 * The cell says of each of its 64 small cells whether it is outside, inside or has edges, and answers
 * nine questions in ten. For the tenth, memory: one block of the pool, some thirty bytes. For each run
 * of edges a head, vertices × 4 + 2 if another run follows + 1 if the cell's reference point is inside,
 * and its vertices: x and y in UNITs from the cell's corner, 16 bits each.
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
const MOST_TOUCHES = 8192;
/** Units in a cell: a vertex may be 16 cells off, which few pieces need, and those get a raster. */
const UNIT = 2048;
const FARTHEST = 16 - 1 / UNIT;
/** Cells. Nearer to an edge the robust predicate decides: 16 times what rounding moves a vertex. */
const NEAR = 16 / (2 * UNIT);
/** Each side of a cell is cut in eight; the cell's reference point is that of one small cell. */
const CUT = 8;
const MIDDLE = 4;
/** Integers of two bits for each small cell, two rows in one. */
const MASKS = CUT / 2;
const CELL_X = (MIDDLE + REFERENCE_X) / CUT;
const CELL_Y = (MIDDLE + REFERENCE_Y) / CUT;
const ALL_INSIDE = 0x55555555;

/** Puts one part of a fence into the cells of a range; false, and nothing done, if it does not fit. */
export function putEdges(
  grid: Grid,
  piece: number,
  fence: Fence,
  part: number,
  { level, x1, x2, y1, y2 }: CellRange,
): boolean {
  const [columns, rows] = [x2 - x1 + 1, y2 - y1 + 1];
  if (columns > FARTHEST || rows > FARTHEST) return false;
  const scale = SCALES[level] as number;
  const frame = {
    x: x1 / scale - 180 - fence.lon0,
    y: y1 / scale - 90 - fence.lat0,
    width: columns / scale,
    height: rows / scale,
    columns: CUT * columns,
    rows: CUT * rows,
  };
  const cells = cutIntoCells(fence, part, frame, MOST_TOUCHES);
  if (cells === null) return false;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const first = CUT * (row * frame.columns + column);
      gather(cells, first, frame.columns);
      if (masks.every((mask) => mask === 0)) continue;
      const x = frame.x + column / scale;
      const y = frame.y + row / scale;
      const reference = first + MIDDLE * frame.columns + MIDDLE;
      const what = masks.every((mask) => mask === ALL_INSIDE)
        ? ALL
        : pack(grid.pool, fence.xy, cells.inside[reference] as number, x, y, scale);
      put(grid, level, x1 + column, y1 + row, [piece, what], masks);
    }
  }
  return true;
}

/** Takes a piece out of all cells of a range, however it was put there. */
export function dropPiece(grid: Grid, piece: number, { level, x1, x2, y1, y2 }: CellRange): void {
  for (let y = y1; y <= y2; y++) {
    for (let x = x1; x <= x2; x++) {
      const what = drop(grid, level, x, y, piece);
      if (what > ASK) give(grid.pool, what, sizeOf(grid.pool.ints, what));
    }
  }
}

/** The edges of one cell, gathered from its small cells. */
const edges = new Int32Array(CUT * CUT * FEW_VERTICES);
const masks = new Int32Array(MASKS);
let gathered = 0;

/** Fills `masks` and `edges`, sorted, for the cell whose first small cell is given. */
function gather({ starts, ends, runs, inside }: Cells, first: number, columns: number): void {
  masks.fill(0);
  let count = 0;
  for (let small = 0; small < CUT * CUT; small++) {
    const c = first + (small >> 3) * columns + (small & 7);
    const edged = (ends[c] as number) > (starts[c] as number);
    masks[small >> 4]! |= (edged ? 2 : (inside[c] as number)) << (2 * (small & 15));
    for (let r = starts[c] as number; r < (ends[c] as number); r++) {
      const edge = (runs[r] as number) >> 8;
      const last = edge + ((runs[r] as number) & 255);
      for (let e = edge; e <= last; e++) edges[count++] = e;
    }
  }
  edges.subarray(0, count).sort();
  gathered = 0;
  for (let i = 0; i < count; i++) {
    if (i === 0 || edges[i] !== edges[i - 1]) edges[gathered++] = edges[i] as number;
  }
}

function pack(
  pool: Pool,
  xy: Float64Array,
  inside: number,
  x: number,
  y: number,
  scale: number,
): number {
  let runs = 0;
  for (let i = 0; i < gathered; i++) if (begins(i)) runs++;
  const block = take(pool, gathered + 2 * runs);
  const { ints } = pool;
  const vertex = (i: number): number => {
    const across = Math.round(((xy[2 * i] as number) - x) * scale * UNIT);
    const up = Math.round(((xy[2 * i + 1] as number) - y) * scale * UNIT);
    return (up << 16) | (across & 0xffff);
  };
  let at = block;
  for (let i = 0; i < gathered;) {
    const head = at++;
    ints[at++] = vertex(edges[i] as number);
    do ints[at++] = vertex((edges[i++] as number) + 1);
    while (i < gathered && !begins(i));
    ints[head] = ((at - head - 1) << 2) | (i < gathered ? 2 : 0) | inside;
  }
  return block;
}

/** Whether the gathered edge does not go on where the one before it ends. */
const begins = (i: number): boolean => i === 0 || edges[i] !== (edges[i - 1] as number) + 1;

function sizeOf(ints: Int32Array, block: number): number {
  for (let at = block; ;) {
    const head = ints[at] as number;
    at += 1 + (head >> 2);
    if ((head & 2) === 0) return at - block;
  }
}

/** The place of a small cell among the two bits of all; the point in cells from the cell's corner. */
export const smallCell = (x: number, y: number): number => (((y * CUT) | 0) << 3) | ((x * CUT) | 0);

/** The vertices of one run, unpacked. */
const unpacked = new Float32Array(2 * (FEW_VERTICES + 1));

/** 1 inside, 0 outside, −1 too near to an edge to say; the point in cells from the cell's corner. */
export function edgeSide(pool: Pool, block: number, x: number, y: number): number {
  const { ints } = pool;
  let side = (ints[block] as number) & 1;
  for (let at = block; ;) {
    const head = ints[at] as number;
    const vertices = head >> 2;
    for (let i = 0; i < vertices; i++) {
      const packed = ints[at + 1 + i] as number;
      unpacked[2 * i] = ((packed << 16) >> 16) / UNIT;
      unpacked[2 * i + 1] = (packed >> 16) / UNIT;
    }
    const crossed = crossings(unpacked, 0, 2 * vertices, x, y, CELL_X, CELL_Y, NEAR);
    if (crossed < 0) return -1;
    side ^= crossed;
    if ((head & 2) === 0) return side;
    at += 1 + vertices;
  }
}
