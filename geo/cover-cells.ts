/**
 * PURE. One polygon on a grid of cells: which edges touch each cell, and whether each cell's
 * reference point is inside. A cell without edges is all inside or all outside, as its point is; in
 * another only the edges between its point and the one asked about count (slabs and trapezoids for
 * point location, Preparata & Shamos 1985, 2.2, with the answer at one point kept for each cell).
 */
import type { Fence } from './fence.ts';

/** Columns and rows of cells over a rectangle, in degrees relative to the fence's origin. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
}

/** Good until the next cut. Row by row. Cell c has the runs of successive edges `runs[starts[c]]` to before `runs[ends[c]]`. */
export interface Cells {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** First vertex of the run × 256 + edges − 1. */
  readonly runs: Int32Array;
  /** 1 for a cell whose reference point is inside. */
  readonly inside: Uint8Array;
}

/** Where in its cell the reference point lies: off the middle, which drawn lines like. */
export const REFERENCE_X = 0.4861;
export const REFERENCE_Y = 0.5237;
/**
 * No cell answers at once within this of an edge, in degrees and in cells; rounding is less than a
 * thousandth of it.
 */
const MARGIN = 1e-9;
const MARGIN_OF_CELL = 1e-4;
const LONGEST_RUN = 256;

/** Cuts one part of a fence; null when more than `most` edges in cells would have to be noted. */
export function cutIntoCells(fence: Fence, part: number, frame: Frame, most: number): Cells | null {
  if (!findTouches(fence, part, frame, most)) return null;
  runsByCell(frame.columns * frame.rows);
  references(fence, part, frame);
  return cut;
}

/** Used again and again: a hundred thousand fences would leave half a million arrays behind. */
const cut = {
  starts: new Int32Array(256),
  ends: new Int32Array(256),
  runs: new Int32Array(1024),
  inside: new Uint8Array(256),
};

/** What was found last: pairs of a cell and an edge that touches it. */
const touches = { cells: new Int32Array(4096), edges: new Int32Array(4096), count: 0 };

function findTouches(fence: Fence, part: number, frame: Frame, most: number): boolean {
  const { xy, rings, parts } = fence;
  const { x, y, columns, rows } = frame;
  const [sx, sy] = [columns / frame.width, rows / frame.height];
  const [mx, my] = [MARGIN * sx + MARGIN_OF_CELL, MARGIN * sy + MARGIN_OF_CELL];
  touches.count = 0;
  for (let r = parts[part] as number; r < (parts[part + 1] as number); r++) {
    const last = (rings[r + 1] as number) - 1;
    for (let i = rings[r] as number; i < last; i++) {
      const x1 = ((xy[2 * i] as number) - x) * sx;
      const y1 = ((xy[2 * i + 1] as number) - y) * sy;
      const x2 = ((xy[2 * i + 2] as number) - x) * sx;
      const y2 = ((xy[2 * i + 3] as number) - y) * sy;
      touch(i, x1, y1, x2, y2, mx, my, columns, rows);
      if (touches.count > most) return false;
    }
  }
  return true;
}

/** Notes the cells an edge touches, row by row; all in cells. */
function touch(
  edge: number,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  mx: number,
  my: number,
  columns: number,
  rows: number,
): void {
  const slope = (x2 - x1) / (y2 - y1);
  const [low, high] = y1 < y2 ? [y1, y2] : [y2, y1];
  const top = within(high + my, rows);
  for (let row = within(low - my, rows); row <= top; row++) {
    let [from, to] = x1 < x2 ? [x1, x2] : [x2, x1];
    if (y1 !== y2) {
      const a = x1 + slope * (Math.max(low, row - my) - y1);
      const b = x1 + slope * (Math.min(high, row + 1 + my) - y1);
      from = Math.max(from, Math.min(a, b));
      to = Math.min(to, Math.max(a, b));
    }
    const until = within(to + mx, columns);
    for (let column = within(from - mx, columns); column <= until; column++) {
      note(row * columns + column, edge);
    }
  }
}

const within = (value: number, size: number): number =>
  value < 0 ? 0 : value >= size ? size - 1 : Math.floor(value);

function note(cell: number, edge: number): void {
  const { cells, edges, count } = touches;
  if (count === cells.length) {
    touches.cells = new Int32Array(2 * count);
    touches.edges = new Int32Array(2 * count);
    touches.cells.set(cells);
    touches.edges.set(edges);
  }
  touches.cells[count] = cell;
  touches.edges[count] = edge;
  touches.count = count + 1;
}

/** Sorts what was found by cell, edges in the order of the ring, and joins successive ones. */
function runsByCell(cells: number): void {
  if (cells + 1 > cut.starts.length) {
    cut.starts = new Int32Array(2 * cells);
    cut.ends = new Int32Array(2 * cells);
    cut.inside = new Uint8Array(2 * cells);
  }
  if (touches.count > cut.runs.length) cut.runs = new Int32Array(2 * touches.count);
  const { starts, ends, runs } = cut;
  starts.fill(0, 0, cells + 1);
  for (let i = 0; i < touches.count; i++) starts[(touches.cells[i] as number) + 1]!++;
  for (let c = 0; c < cells; c++) {
    starts[c + 1]! += starts[c] as number;
    ends[c] = starts[c] as number;
  }
  for (let i = 0; i < touches.count; i++) {
    const cell = touches.cells[i] as number;
    const edge = touches.edges[i] as number;
    const at = ends[cell] as number;
    const before = at > (starts[cell] as number) ? (runs[at - 1] as number) : -1;
    const length = (before & 255) + 1;
    if (before >= 0 && length < LONGEST_RUN && (before >> 8) + length === edge) runs[at - 1]!++;
    else {
      runs[at] = edge << 8;
      ends[cell] = at + 1;
    }
  }
}

/**
 * Edges that cross the row's reference line to the left of a point are counted, odd is inside. A
 * vertex on the line counts as above it, for both of its edges.
 */
function references(fence: Fence, part: number, frame: Frame): void {
  const { xy, rings, parts } = fence;
  const { x, y, columns, rows } = frame;
  const [sx, sy] = [columns / frame.width, rows / frame.height];
  const { inside } = cut;
  inside.fill(0, 0, columns * rows);
  for (let r = parts[part] as number; r < (parts[part + 1] as number); r++) {
    const last = (rings[r + 1] as number) - 1;
    for (let i = rings[r] as number; i < last; i++) {
      const y1 = ((xy[2 * i + 1] as number) - y) * sy - REFERENCE_Y;
      const y2 = ((xy[2 * i + 3] as number) - y) * sy - REFERENCE_Y;
      const from = Math.ceil(y1 < y2 ? y1 : y2);
      const to = Math.ceil(y1 < y2 ? y2 : y1);
      if (from === to) continue;
      const x1 = ((xy[2 * i] as number) - x) * sx - REFERENCE_X;
      const x2 = ((xy[2 * i + 2] as number) - x) * sx - REFERENCE_X;
      for (let row = Math.max(0, from); row < to && row < rows; row++) {
        const column = Math.ceil(x1 + ((row - y1) / (y2 - y1)) * (x2 - x1));
        if (column < columns) inside[row * columns + Math.max(0, column)]! ^= 1;
      }
    }
  }
  for (let row = 0; row < rows; row++) {
    for (let at = row * columns + 1; at < (row + 1) * columns; at++) {
      inside[at]! ^= inside[at - 1] as number;
    }
  }
}

/**
 * 1 when a run of edges is crossed an odd number of times on the way from a point to a reference
 * point, 0 when an even number; −1 when a vertex is within `near` of that way, or one of its ends
 * within `near` of an edge: then rounding might decide. Vertices stand at `first` to before `end`.
 */
export function crossings(
  vertices: Float32Array,
  first: number,
  end: number,
  x: number,
  y: number,
  cx: number,
  cy: number,
  near: number,
): number {
  const dx = cx - x;
  const dy = cy - y;
  const beside = near * (Math.abs(dx) + Math.abs(dy));
  let ax = vertices[first] as number;
  let ay = vertices[first + 1] as number;
  let a = dx * (ay - y) - dy * (ax - x);
  if (a <= beside && a >= -beside) return -1;
  let odd = 0;
  for (let i = first + 2; i < end; i += 2) {
    const bx = vertices[i] as number;
    const by = vertices[i + 1] as number;
    const b = dx * (by - y) - dy * (bx - x);
    if (b <= beside && b >= -beside) return -1;
    if (a > 0 !== b > 0) {
      const ex = bx - ax;
      const ey = by - ay;
      const p = ex * (y - ay) - ey * (x - ax);
      const c = ex * (cy - ay) - ey * (cx - ax);
      const close = near * (Math.abs(ex) + Math.abs(ey));
      if ((p <= close && p >= -close) || (c <= close && c >= -close)) return -1;
      if (p > 0 !== c > 0) odd ^= 1;
    }
    ax = bx;
    ay = by;
    a = b;
  }
  return odd;
}
