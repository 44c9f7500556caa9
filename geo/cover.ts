/**
 * PURE. Which fences hold a point, with the answers of `contains` at a fraction of its price.
 *
 * Each part of a fence is a piece, and each piece stands in some cells of a grid (cover-grid.ts).
 * Where a piece of few vertices covers a cell it answers at once, elsewhere the cell keeps the few
 * edges that touch it (cover-edges.ts). A piece of many vertices has a finer raster of its own
 * (cover-raster.ts), built when the first point falls into its box. Whatever comes near an edge, and
 * every shape too big for a flat map, is asked of `contains` itself: hence the same answers.
 *
 * Memory: a record of 64 bytes a piece. Six doubles: origin (2) and the box relative to it, a hair
 * wider than the piece (4); for circles two factors in place of the box. Then, in the place of two
 * more doubles, integers: what stands for the piece, part of the fence, next piece of the fence.
 */
import type { Box } from './bbox.ts';
import type { Fence } from './fence.ts';
import type { Grid } from './cover-grid.ts';
import type { Pool } from './cover-pool.ts';
import { contains } from './contains.ts';
import { ASK, dropPiece, edgeSide, FEW_VERTICES, putEdges, smallCell } from './cover-edges.ts';
import { cellAt, cellRange, createGrid, ENTRY, put, SCALES } from './cover-grid.ts';
import { createPool, give } from './cover-pool.ts';
import { buildRaster, rasterSide } from './cover-raster.ts';
import { EARTH_RADIUS, METRES_PER_DEGREE } from './distance.ts';
import { fenceBox, relativeLon } from './fence.ts';
import { byId } from './fence-lists.ts';
import { wrapLon } from './lonlat.ts';

export interface Cover {
  readonly pool: Pool;
  readonly grid: Grid;
  /** The first piece of each fence. */
  readonly first: Map<Fence, number>;
  /** Of each piece. */
  readonly owners: Fence[];
  readonly free: number[];
  /** Two views of the records. */
  doubles: Float64Array;
  ints: Int32Array;
}

/** Stands for a raster: not built yet; ask `contains`; a flat circle; edges are in the cells. */
const UNBUILT = 0;
const PLAIN = -1;
const CIRCLE = -2;
const EDGES = -3;
/** Most cells a piece may stand in: with edges, and where it must be asked. */
const MANY = 28;
const FEW = 24;
const RASTER = 12;
const PART = 13;
const NEXT = 14;
/** Degrees; as in `contains`. */
const DOUBT = 1e-11;
/** Wider fences may meet a point from both sides of the earth. */
const WIDEST = 90;
/** Share of a circle's square radius within which the great circle decides. */
const RIM = 1e-3;
/** All small cells are to be looked up. */
const LOOK_UP = new Int32Array(4).fill(0xaaaaaaaa);
const NONE: readonly Fence[] = [];

export function createCover(): Cover {
  const pool = createPool();
  const doubles = new Float64Array(8 * 64);
  const ints = new Int32Array(doubles.buffer);
  const grid = createGrid(pool);
  return { pool, grid, first: new Map(), owners: [], free: [], doubles, ints };
}

/** Adds a fence with ground. */
export function addToCover(cover: Cover, fence: Fence): void {
  let piece = -1;
  const state = stateOf(fence);
  for (let part = state === UNBUILT ? fence.parts.length - 2 : 0; part >= 0; part--) {
    piece = addPiece(cover, fence, part, state, piece);
  }
  cover.first.set(fence, piece);
}

export function removeFromCover(cover: Cover, fence: Fence): void {
  const { pool, ints } = cover;
  let piece = cover.first.get(fence) ?? -1;
  cover.first.delete(fence);
  for (; piece >= 0; piece = ints[16 * piece + NEXT] as number) {
    const box = pieceBox(fence, ints[16 * piece + PART] as number);
    const raster = ints[16 * piece + RASTER] as number;
    dropPiece(cover.grid, piece, cellRange(box, raster === EDGES ? MANY : FEW));
    if (raster > 0) give(pool, raster, pool.ints[raster] as number);
    cover.free.push(piece);
  }
}

/** Fences that hold the point or have it on their edge, in the order of their ids. */
export function coverContaining(cover: Cover, lon: number, lat: number): readonly Fence[] {
  if (!(lat >= -90 && lat <= 90) || !Number.isFinite(lon)) return NONE;
  const turned = lon >= -180 && lon <= 180 ? lon : wrapLon(lon);
  const { grid, pool } = cover;
  const { levels } = grid;
  let found: Fence[] | null = null;
  for (let l = 0; l < levels.length; l++) {
    const level = levels[l] as number;
    const x = (turned + 180) * (SCALES[level] as number);
    const y = (lat + 90) * (SCALES[level] as number);
    const cell = cellAt(grid, level, x | 0, y | 0);
    const many = grid.slots[cell + 3] as number;
    if (many === 0) continue;
    const [across, up] = [x - (x | 0), y - (y | 0)];
    const small = smallCell(across, up);
    const from = many > 0 ? grid.slots : pool.ints;
    let entry = many > 0 ? cell + 2 : (grid.slots[cell + 2] as number);
    const end = entry + ENTRY * (many > 0 ? 1 : -many);
    for (; entry < end; entry += ENTRY) {
      let side = ((from[entry + 2 + (small >> 4)] as number) >>> (2 * (small & 15))) & 3;
      if (side === 0) continue;
      const piece = from[entry] as number;
      if (side > 1) {
        const what = from[entry + 1] as number;
        side = what === ASK ? sideOf(cover, piece, lon, lat) : edgeSide(pool, what, across, up);
        if (side === 0) continue;
      }
      const fence = cover.owners[piece] as Fence;
      if (side < 0 && !contains(fence, lon, lat)) continue;
      if (found === null) found = [fence];
      else found.push(fence);
    }
  }
  return found === null ? NONE : found.length === 1 ? found : inOrder(found);
}

/** 1 inside, 0 outside, −1 to be asked of `contains`. */
function sideOf(cover: Cover, piece: number, lon: number, lat: number): number {
  const { doubles, ints } = cover;
  const at = 8 * piece;
  let raster = ints[2 * at + RASTER] as number;
  if (raster === PLAIN) return -1;
  let x = lon - (doubles[at] as number);
  const y = lat - (doubles[at + 1] as number);
  if (x < -WIDEST || x > WIDEST) x = relativeLon(cover.owners[piece] as Fence, lon);
  const left = doubles[at + 2] as number;
  const bottom = doubles[at + 3] as number;
  if (raster === CIRCLE) {
    const share = x * x * left + y * y * bottom;
    return share < 1 - RIM ? 1 : share > 1 + RIM ? 0 : -1;
  }
  const right = doubles[at + 4] as number;
  const top = doubles[at + 5] as number;
  if (x < left || x > right || y < bottom || y > top) return 0;
  if (raster === UNBUILT) raster = buildPiece(cover, piece);
  const across = 1 / (right - left);
  const up = 1 / (top - bottom);
  const degree = across > up ? across : up;
  return rasterSide(cover.pool, raster, (x - left) * across, (y - bottom) * up, degree);
}

function buildPiece(cover: Cover, piece: number): number {
  const [x = 0, y = 0, right = 0, top = 0] = cover.doubles.subarray(8 * piece + 2, 8 * piece + 6);
  const frame = { x, y, width: right - x, height: top - y };
  const part = cover.ints[16 * piece + PART] as number;
  const raster = buildRaster(cover.owners[piece] as Fence, part, frame, cover.pool);
  cover.ints[16 * piece + RASTER] = raster;
  return raster;
}

function addPiece(cover: Cover, fence: Fence, part: number, state: number, next: number): number {
  const piece = cover.free.pop() ?? cover.owners.length;
  if (8 * piece === cover.doubles.length) {
    const grown = new Float64Array(2 * cover.doubles.length);
    grown.set(cover.doubles);
    cover.doubles = grown;
    cover.ints = new Int32Array(grown.buffer);
  }
  cover.owners[piece] = fence;
  const at = 8 * piece;
  cover.doubles.set(state === CIRCLE ? circleNumbers(fence) : boxNumbers(fence, part), at);
  cover.ints[2 * at + RASTER] = state;
  cover.ints[2 * at + PART] = part;
  cover.ints[2 * at + NEXT] = next;
  place(cover, piece, fence, part);
  return piece;
}

/** Into the cells of the grid: with its edges if they are few, else to be asked. */
function place(cover: Cover, piece: number, fence: Fence, part: number): void {
  const box = pieceBox(fence, part);
  if (stateOf(fence) === UNBUILT && verticesOf(fence, part) <= FEW_VERTICES) {
    if (putEdges(cover.grid, piece, fence, part, cellRange(box, MANY))) {
      cover.ints[16 * piece + RASTER] = EDGES;
      return;
    }
  }
  const { level, x1, x2, y1, y2 } = cellRange(box, FEW);
  for (let y = y1; y <= y2; y++) {
    for (let x = x1; x <= x2; x++) put(cover.grid, level, x, y, [piece, ASK], LOOK_UP);
  }
}

function verticesOf({ rings, parts }: Fence, part: number): number {
  const last = rings[parts[part + 1] as number] as number;
  return last - (rings[parts[part] as number] as number);
}

/** Circles and fences too big for a flat map are one piece, whatever their parts. */
function stateOf(fence: Fence): number {
  if (fence.box.maxX - fence.box.minX > WIDEST) return PLAIN;
  if (fence.radius === null) return UNBUILT;
  return isFlat(fence, fence.radius) ? CIRCLE : PLAIN;
}

/** Whether distances on the plane about a circle's centre are good to half the rim. */
function isFlat(fence: Fence, radius: number): boolean {
  const arc = radius / EARTH_RADIUS;
  const steep = Math.abs(Math.tan((fence.lat0 * Math.PI) / 180));
  return 2 * arc * (steep + arc) < RIM / 2;
}

/** x² times the third and y² times the fourth make the square distance as a share of the radius. */
function circleNumbers(fence: Fence): number[] {
  const perRadius = (METRES_PER_DEGREE / (fence.radius ?? 1)) ** 2;
  const cos = Math.cos((fence.lat0 * Math.PI) / 180);
  return [fence.lon0, fence.lat0, perRadius * cos * cos, perRadius];
}

function boxNumbers(fence: Fence, part: number): number[] {
  const { minX, minY, maxX, maxY } = partBox(fence, part);
  return [fence.lon0, fence.lat0, minX - DOUBT, minY - DOUBT, maxX + DOUBT, maxY + DOUBT];
}

/** In degrees, for the grid. */
function pieceBox(fence: Fence, part: number): Box {
  return fenceBox(stateOf(fence) === UNBUILT ? { ...fence, box: partBox(fence, part) } : fence);
}

/** Relative to the fence's origin. */
function partBox(fence: Fence, part: number): Box {
  const { xy, rings, parts } = fence;
  if (parts.length === 2) return fence.box;
  const end = rings[parts[part + 1] as number] as number;
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = rings[parts[part] as number] as number; i < end; i++) {
    minX = Math.min(minX, xy[2 * i] as number);
    minY = Math.min(minY, xy[2 * i + 1] as number);
    maxX = Math.max(maxX, xy[2 * i] as number);
    maxY = Math.max(maxY, xy[2 * i + 1] as number);
  }
  return { minX, minY, maxX, maxY };
}

/** Sorted by id; a fence two of whose parts hold the point stands there once. */
function inOrder(found: Fence[]): Fence[] {
  found.sort(byId);
  let kept = 1;
  for (let i = 1; i < found.length; i++) {
    if (found[i] !== found[i - 1]) found[kept++] = found[i] as Fence;
  }
  found.length = kept;
  return found;
}
