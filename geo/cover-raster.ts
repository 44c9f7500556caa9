/**
 * PURE. The cells of one polygon of many vertices, packed: two bits a cell, and for those that have
 * edges an entry.
 *
 * Memory: one block of the pool,
 *   [0] its size · [1] columns · [2] rows · [3] where vertex 0 would stand · [4…] for every 32 cells,
 *       row by row, three integers: which have edges · which have their reference point inside ·
 *       where the entries begin ·
 *   entries, one for each cell with edges: a run of edges (see cover-cells.ts), or, when there are
 *       several, ~where their list (how many, then the runs) begins ·
 *   the part's vertices, x and y in cells, as 32-bit floats.
 * It grows with the number of vertices alone: CELLS a vertex, at most TOUCHES edges in cells a vertex.
 */
import type { Cells, Frame } from './cover-cells.ts';
import type { Fence } from './fence.ts';
import type { Pool } from './cover-pool.ts';
import { crossings, cutIntoCells, REFERENCE_X, REFERENCE_Y } from './cover-cells.ts';
import { take } from './cover-pool.ts';

/** Cells for each vertex; fewer where long edges would touch too many. */
const CELLS = 8;
const TOUCHES = 12;
const MOST_CELLS = 1 << 18;
/**
 * Nearer to an edge than this the robust predicate decides: ten times the doubt of `contains`, in
 * degrees, and thirty times the rounding of the vertices, as a share of the raster's side. Rounding
 * then moves no vertex across the way from the point to its reference.
 */
const NEAR = 1e-10;
const NEAR_SHARE = 2 ** -19;
const HEAD = 4;

/** The rectangle of a polygon, a hair wider than the polygon. */
export type Rectangle = Pick<Frame, 'x' | 'y' | 'width' | 'height'>;

/** Builds the raster of one part of a fence; the place of its block in the pool. */
export function buildRaster(fence: Fence, part: number, rectangle: Rectangle, pool: Pool): number {
  const first = fence.rings[fence.parts[part] as number] as number;
  const end = fence.rings[fence.parts[part + 1] as number] as number;
  const goal = Math.min(MOST_CELLS, CELLS * (end - first));
  const flat = Math.max(0.01, Math.cos((fence.lat0 * Math.PI) / 180));
  const wide = Math.sqrt((goal * rectangle.width * flat) / rectangle.height);
  let columns = Math.max(1, Math.min(goal, Math.round(wide)));
  let rows = Math.max(1, Math.round(goal / columns));
  for (;;) {
    const frame = { ...rectangle, columns, rows };
    const most = columns * rows === 1 ? Infinity : TOUCHES * (end - first);
    const cells = cutIntoCells(fence, part, frame, most);
    if (cells) return pack(fence, first, end, frame, cells, pool);
    columns = Math.max(1, columns >> 1);
    rows = Math.max(1, rows >> 1);
  }
}

function pack(
  fence: Fence,
  first: number,
  end: number,
  frame: Frame,
  { starts, ends, runs, inside }: Cells,
  pool: Pool,
): number {
  const { columns, rows } = frame;
  const cells = columns * rows;
  const entries = HEAD + 3 * Math.ceil(cells / 32);
  let edged = 0;
  let listed = 0;
  for (let c = 0; c < cells; c++) {
    const count = (ends[c] as number) - (starts[c] as number);
    if (count > 0) edged++;
    if (count > 1) listed += count + 1;
  }
  const vertices = entries + edged + listed;
  const size = vertices + 2 * (end - first);
  const at = take(pool, size);
  const block = pool.ints.subarray(at, at + vertices).fill(0);
  block.set([size, columns, rows, vertices - 2 * first]);
  let entry = entries;
  let list = entries + edged;
  for (let c = 0; c < cells; c++) {
    const word = HEAD + 3 * (c >> 5);
    if ((c & 31) === 0) block[word + 2] = entry;
    if (inside[c] === 1) block[word + 1]! |= 1 << (c & 31);
    const [start, stop] = [starts[c] as number, ends[c] as number];
    if (stop === start) continue;
    block[word]! |= 1 << (c & 31);
    if (stop - start === 1) block[entry++] = runs[start] as number;
    else {
      block[entry++] = ~list;
      block[list++] = stop - start;
      for (let r = start; r < stop; r++) block[list++] = runs[r] as number;
    }
  }
  const { xy } = fence;
  for (let i = 2 * first, to = at + vertices; i < 2 * end; i += 2, to += 2) {
    pool.floats[to] = ((xy[i] as number) - frame.x) * (columns / frame.width);
    pool.floats[to + 1] = ((xy[i + 1] as number) - frame.y) * (rows / frame.height);
  }
  return at;
}

function bitsIn(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * 1 inside, 0 outside, −1 too near to an edge to say: the raster at `at`, and the point in shares of
 * the rectangle's width and height, 0 to 1. `degree`: shares in a degree, of the axis with more.
 */
export function rasterSide(pool: Pool, at: number, u: number, v: number, degree: number): number {
  const { ints, floats } = pool;
  const columns = ints[at + 1] as number;
  const rows = ints[at + 2] as number;
  const x = u * columns;
  const y = v * rows;
  const column = x < columns ? x | 0 : columns - 1;
  const row = y < rows ? y | 0 : rows - 1;
  const cell = row * columns + column;
  const word = at + HEAD + 3 * (cell >> 5);
  const bit = 1 << (cell & 31);
  const edged = ints[word] as number;
  let side = ((ints[word + 1] as number) & bit) === 0 ? 0 : 1;
  if ((edged & bit) === 0) return side;
  let at1 = at + (ints[word + 2] as number) + bitsIn(edged & (bit - 1));
  let at2 = at1 + 1;
  if ((ints[at1] as number) < 0) {
    at1 = at + ~(ints[at1] as number) + 1;
    at2 = at1 + (ints[at1 - 1] as number);
  }
  const near = (columns > rows ? columns : rows) * (NEAR_SHARE + NEAR * degree);
  const cx = column + REFERENCE_X;
  const cy = row + REFERENCE_Y;
  const vertices = at + (ints[at + 3] as number);
  for (; at1 < at2; at1++) {
    const run = ints[at1] as number;
    const first = vertices + 2 * (run >> 8);
    const end = first + 2 * ((run & 255) + 2);
    const crossed = crossings(floats, first, end, x, y, cx, cy, near);
    if (crossed < 0) return -1;
    side ^= crossed;
  }
  return side;
}
