/** PURE. A fence as people define it and as the engine wants it: compiled once, asked many times. */
import type { Box } from './bbox.ts';
import type { LonLat, Metres, Millis } from './lonlat.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { wrapLon } from './lonlat.ts';

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
}

/**
 * A compiled fence. Vertices are degrees relative to `lon0`, `lat0`, already unwrapped across the
 * antimeridian and wound (outer rings counter-clockwise, holes clockwise).
 */
export interface Fence {
  readonly id: string;
  readonly definition: FenceDefinition;
  readonly version: number;
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
}

const CIRCLE_VERTICES = 48;
/** A regular polygon of this circumradius (times the radius) has exactly the circle's area. */
const EQUAL_AREA = Math.sqrt(
  (2 * Math.PI) / (CIRCLE_VERTICES * Math.sin((2 * Math.PI) / CIRCLE_VERTICES)),
);

function circleRing(circle: CircleShape): Position[] {
  const r = circle.radius * EQUAL_AREA;
  const dx = r / metresPerLonDegree(circle.lat);
  const dy = r / METRES_PER_DEGREE;
  const ring: Position[] = [];
  for (let i = 0; i < CIRCLE_VERTICES; i++) {
    const a = (2 * Math.PI * i) / CIRCLE_VERTICES;
    ring.push([circle.lon + dx * Math.cos(a), circle.lat + dy * Math.sin(a)]);
  }
  ring.push(ring[0] as Position);
  return ring;
}

/** The shape's polygons, a circle as its stand-in ring. */
export function polygonsOf(shape: Shape): readonly (readonly Ring[])[] {
  if (shape.type === 'Circle') return [[circleRing(shape)]];
  if (shape.type === 'Polygon') return [shape.coordinates];
  return shape.type === 'MultiPolygon' ? shape.coordinates : [];
}

/** The ring relative to an origin, successive vertices less than half the earth apart. */
function relativeRing(ring: Ring, lon0: number, lat0: number): number[] {
  const out: number[] = [];
  let previous = 0;
  for (const [lon, lat] of ring) {
    const x = out.length === 0 ? wrapLon(lon - lon0) : previous + wrapLon(lon - lon0 - previous);
    out.push(x, lat - lat0);
    previous = x;
  }
  return out;
}

/** Twice the signed area in square degrees; positive when counter-clockwise. */
function signedArea(xy: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i + 3 < xy.length; i += 2) {
    sum +=
      (xy[i] as number) * (xy[i + 3] as number) - (xy[i + 2] as number) * (xy[i + 1] as number);
  }
  return sum;
}

function reversed(xy: readonly number[]): number[] {
  const out: number[] = [];
  for (let i = xy.length - 2; i >= 0; i -= 2) out.push(xy[i] as number, xy[i + 1] as number);
  return out;
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

interface Packed {
  xy: number[];
  rings: number[];
  parts: number[];
  squareDegrees: number;
}

function pack(polygons: readonly (readonly Ring[])[], lon0: number, lat0: number): Packed {
  const packed: Packed = { xy: [], rings: [0], parts: [0], squareDegrees: 0 };
  for (const polygon of polygons) {
    polygon.forEach((ring, i) => {
      const raw = relativeRing(ring, lon0, lat0);
      const area = signedArea(raw) / 2;
      const wound = area > 0 === (i === 0) ? raw : reversed(raw);
      for (const value of wound) packed.xy.push(value);
      packed.rings.push(packed.xy.length / 2);
      packed.squareDegrees += i === 0 ? Math.abs(area) : -Math.abs(area);
    });
    packed.parts.push(packed.rings.length - 1);
  }
  return packed;
}

/** Compiles a definition. It trusts the shape: outside input goes through `parseFence` first. */
export function compileFence(definition: FenceDefinition): Fence {
  const polygons = polygonsOf(definition.shape);
  const first = polygons[0]?.[0]?.[0] ?? [0, 0];
  const circle = definition.shape.type === 'Circle' ? definition.shape : null;
  const lon0 = circle ? circle.lon : first[0];
  const lat0 = circle ? circle.lat : first[1];
  const packed = pack(polygons, lon0, lat0);
  const xy = Float64Array.from(packed.xy);
  const box = boxOf(xy, 0, xy.length / 2);
  const partBoxes = packed.parts.slice(0, -1).map((ring, i) => {
    const end = packed.parts[i + 1] as number;
    return boxOf(xy, packed.rings[ring] as number, packed.rings[end] as number);
  });
  const middle = lat0 + (box.minY + box.maxY) / 2;
  return {
    id: definition.id,
    definition,
    version: definition.version ?? 1,
    lon0,
    lat0,
    box,
    xy,
    rings: Int32Array.from(packed.rings),
    parts: Int32Array.from(packed.parts),
    areaSquareMetres: circle
      ? Math.PI * circle.radius ** 2
      : Math.max(1, packed.squareDegrees * METRES_PER_DEGREE * metresPerLonDegree(middle)),
    radius: circle ? circle.radius : null,
    partBoxesOverlap: partBoxes.length > 1 && someOverlap(partBoxes),
  };
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
