/** PURE. A fence as people define it and as the engine wants it: compiled once, asked many times. */
import type { Box } from './bbox.ts';
import type { Datum } from './datum.ts';
import type { LonLat, Metres, Millis } from './lonlat.ts';
import { relativeLine } from './corridor.ts';
import { densify } from './densify.ts';
import { wrapLon } from './lonlat.ts';
import { outlineOf } from './outline.ts';

/** [lon, lat] in degrees. */
export type Position = readonly [number, number];
/** Closed: the last position repeats the first. */
export type Ring = readonly Position[];

export interface CircleShape {
  readonly type: 'Circle';
  readonly lon: number;
  readonly lat: number;
  readonly radius: Metres;
}
export interface PolygonShape {
  readonly type: 'Polygon';
  /** Outer ring first, then holes. */
  readonly coordinates: readonly Ring[];
}
export interface MultiPolygonShape {
  readonly type: 'MultiPolygon';
  readonly coordinates: readonly (readonly Ring[])[];
}
/** A line with a width: everything within half of it is inside. */
export interface CorridorShape {
  readonly type: 'Corridor';
  readonly coordinates: readonly Position[];
  /** The whole width, not half of it. */
  readonly width: Metres;
}
/** A line to be walked across. It has no inside: it is crossed, never visited. */
export interface TripwireShape {
  readonly type: 'Tripwire';
  readonly coordinates: readonly Position[];
  /** Which way counts, seen along the line from its first position: to its left, right, or either. */
  readonly direction: 'left' | 'right' | 'both';
}
/** No ground of its own: a device is in it while it hears one of the fence's `radio` keys. */
export interface RadioShape {
  readonly type: 'Radio';
}
/** Made of other fences: in any of them, or in all at once. */
export interface CompositeShape {
  readonly type: 'Composite';
  readonly of: 'any' | 'all';
  readonly members: readonly string[];
}
/** Shapes with ground that can be stood on. */
export type GroundShape = CircleShape | PolygonShape | MultiPolygonShape | CorridorShape;
export type Shape = GroundShape | TripwireShape | RadioShape | CompositeShape;

/** [opens, closes] as minutes of the day, 0 to 1440; closing at or before opening is past midnight. */
export type OpenSpan = readonly [number, number];
export interface OpeningHours {
  /** IANA name. */
  readonly timezone: string;
  /** Monday first; an empty day is closed. */
  readonly week: readonly (readonly OpenSpan[])[];
}

export interface FenceDefinition {
  readonly id: string;
  readonly name: string;
  /** Id of the fence this one lies in: a shop's mall, a counter's shop. */
  readonly parent?: string;
  readonly shape: Shape;
  /** Which edition of the fence a visit was judged against; 1 when not given. */
  readonly version?: number;
  /** Overrides the policy's minimum dwell for this fence. */
  readonly minDwellSeconds?: number;
  /** Fences on different floors of one building exclude each other even where they overlap. */
  readonly floor?: string;
  /**
   * What can only be heard here: `bssid:aa:bb:cc:dd:ee:ff`, `gateway:<id>`,
   * `beacon:<uuid>:<major>:<minor>`, `qr:<code>`; all lower case.
   */
  readonly radio?: readonly string[];
  /** Ground shared with a sibling belongs to the one of higher priority; 0 when not given. */
  readonly priority?: number;
  /** After an exit the fence triggers nothing for the same device for so long. */
  readonly cooldownSeconds?: number;
  readonly hours?: OpeningHours;
  /** Since when this version is in force; never when not given. A first sight after it is no entry. */
  readonly changedAt?: Millis;
  /** What the shape is, beyond its geometry: an imported travel-time polygon. */
  readonly source?: 'isochrone';
  /** The datum of the map it was drawn on, when that was another one. The shape is WGS-84. */
  readonly drawnIn?: Datum;
}

/**
 * A compiled fence. Vertices are degrees relative to `lon0`, `lat0`, already unwrapped across the
 * antimeridian and wound (outer rings counter-clockwise, holes clockwise).
 */
export interface Fence {
  readonly id: string;
  readonly definition: FenceDefinition;
  readonly version: number;
  /** Its row in the index it is in (fence-rows.ts); −1 when it is in none. */
  readonly slot: number;
  /** What it is made of. Only `ground` has an area, rings and a box; the rest have empty ones. */
  readonly kind: 'ground' | 'tripwire' | 'radio' | 'composite';
  readonly lon0: number;
  readonly lat0: number;
  /** Relative to lon0, lat0. */
  readonly box: Box;
  /** x, y of every ring's vertices, each ring closed. */
  readonly xy: Float64Array;
  /** Vertex index at which each ring starts, and one past the end. */
  readonly rings: Int32Array;
  /** Ring index at which each polygon starts, and one past the end. */
  readonly parts: Int32Array;
  readonly areaSquareMetres: number;
  /** Set for circles: the exact radius. The ring is then a stand-in of equal area. */
  readonly radius: Metres | null;
  /** Some parts' boxes overlap, so the parts themselves may. */
  readonly partBoxesOverlap: boolean;
  /**
   * The vertices are those of the definition's shape. False when edges were cut to follow the
   * great circle, when the outline goes round a pole (it is then three turns wide, so that it has
   * no seam within half a turn of lon0) and for corridors: ask `xy` then, not the shape.
   */
  readonly asDrawn: boolean;
  /** Tripwires only: x, y of the line's vertices relative to lon0, lat0. */
  readonly line: Float64Array | null;
}

function boxOf(xy: ArrayLike<number>, from: number, to: number): Box {
  let minX = Infinity;
  let minY = Infinity;
  let maxX = -Infinity;
  let maxY = -Infinity;
  for (let i = from; i < to; i++) {
    const x = xy[2 * i] as number;
    const y = xy[2 * i + 1] as number;
    if (x < minX) minX = x;
    if (x > maxX) maxX = x;
    if (y < minY) minY = y;
    if (y > maxY) maxY = y;
  }
  return { minX, minY, maxX, maxY };
}

const apart = (a: Box, b: Box): boolean =>
  a.maxX <= b.minX || b.maxX <= a.minX || a.maxY <= b.minY || b.maxY <= a.minY;

function someOverlap(boxes: readonly Box[]): boolean {
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length; j++) {
      if (!apart(boxes[i] as Box, boxes[j] as Box)) return true;
    }
  }
  return false;
}

const NO_BOX: Box = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity };
const NO_XY = new Float64Array(0);
const NO_STARTS = new Int32Array(0);

/** Vertices in one array, and where each ring and each part starts in it. */
function pack(parts: readonly (readonly (readonly number[])[])[]) {
  let size = 0;
  let count = 0;
  for (const part of parts) {
    count += part.length;
    for (const ring of part) size += ring.length;
  }
  const xy = new Float64Array(size);
  const rings = new Int32Array(count + 1);
  const starts = new Int32Array(parts.length + 1);
  let at = 0;
  let r = 0;
  for (let p = 0; p < parts.length; p++) {
    for (const ring of parts[p] as readonly (readonly number[])[]) {
      for (let i = 0; i < ring.length; i++) xy[at + i] = ring[i] as number;
      at += ring.length;
      r += 1;
      rings[r] = at / 2;
    }
    starts[p + 1] = r;
  }
  return { xy, rings, parts: starts };
}

function boxesOverlap(xy: Float64Array, rings: Int32Array, parts: Int32Array): boolean {
  if (parts.length < 3) return false;
  const boxes: Box[] = [];
  for (let p = 0; p + 1 < parts.length; p++) {
    const [from, to] = [parts[p] as number, parts[p + 1] as number];
    boxes.push(boxOf(xy, rings[from] as number, rings[to] as number));
  }
  return someOverlap(boxes);
}

/** All fences are written out by one literal here or the next: the engine's inner loops read them. */
function ground(definition: FenceDefinition, shape: GroundShape, slot: number): Fence {
  const outline = outlineOf(shape);
  const { xy, rings, parts } = pack(outline.parts);
  const circle = shape.type === 'Circle' ? shape : null;
  return {
    id: definition.id,
    definition,
    version: definition.version ?? 1,
    slot,
    kind: 'ground',
    lon0: outline.lon0,
    lat0: outline.lat0,
    box: boxOf(xy, 0, xy.length / 2),
    xy,
    rings,
    parts,
    areaSquareMetres: circle ? Math.PI * circle.radius ** 2 : Math.max(1, outline.squareMetres),
    radius: circle ? circle.radius : null,
    partBoxesOverlap: boxesOverlap(xy, rings, parts),
    asDrawn: outline.asDrawn,
    line: null,
  };
}

function groundless(
  definition: FenceDefinition,
  kind: 'tripwire' | 'radio' | 'composite',
  lon0: number,
  lat0: number,
  line: Float64Array | null,
  slot: number,
): Fence {
  return {
    id: definition.id,
    definition,
    version: definition.version ?? 1,
    slot,
    kind,
    lon0,
    lat0,
    box: NO_BOX,
    xy: NO_XY,
    rings: NO_STARTS,
    parts: NO_STARTS,
    areaSquareMetres: 0,
    radius: null,
    partBoxesOverlap: false,
    asDrawn: true,
    line,
  };
}

/** Compiles a definition. It trusts the shape: outside input goes through `parseFence` first. */
export function compileFence(definition: FenceDefinition, slot = -1): Fence {
  const { shape } = definition;
  if (shape.type === 'Radio') return groundless(definition, 'radio', 0, 0, null, slot);
  if (shape.type === 'Composite') return groundless(definition, 'composite', 0, 0, null, slot);
  if (shape.type !== 'Tripwire') return ground(definition, shape, slot);
  const [lon0, lat0] = shape.coordinates[0] as Position;
  const line = densify(relativeLine(shape.coordinates, lon0, lat0), lat0);
  return groundless(definition, 'tripwire', lon0, lat0, Float64Array.from(line), slot);
}

/** A tripwire's box in degrees; longitudes may leave [-180, 180]. Empty for all other fences. */
export function wireBox(fence: Fence): Box {
  if (fence.line === null) return NO_BOX;
  const { minX, minY, maxX, maxY } = boxOf(fence.line, 0, fence.line.length / 2);
  const { lon0, lat0 } = fence;
  return { minX: lon0 + minX, minY: lat0 + minY, maxX: lon0 + maxX, maxY: lat0 + maxY };
}

/** The fence's box in degrees; longitudes may leave [-180, 180]. */
export function fenceBox(fence: Fence): Box {
  const { box, lon0, lat0 } = fence;
  return {
    minX: lon0 + box.minX,
    minY: lat0 + box.minY,
    maxX: lon0 + box.maxX,
    maxY: lat0 + box.maxY,
  };
}

/** Where a longitude lies relative to the fence's origin, on the side of the earth the fence is. */
export function relativeLon(fence: Fence, lon: number): number {
  const x = lon - fence.lon0;
  const middle = (fence.box.minX + fence.box.maxX) / 2;
  return x - middle >= -180 && x - middle < 180 ? x : middle + wrapLon(x - middle);
}

/** Any position inside the fence's box: its middle. */
export function fenceMiddle(fence: Fence): LonLat {
  return {
    lon: wrapLon(fence.lon0 + (fence.box.minX + fence.box.maxX) / 2),
    lat: fence.lat0 + (fence.box.minY + fence.box.maxY) / 2,
  };
}
