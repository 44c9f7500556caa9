/** PURE. Shapes as rings on a flat map of degrees: densified, unwrapped, closed through the pole. */
import type { CircleShape, GroundShape, Position, Ring, Shape } from './fence.ts';
import type { Metres } from './lonlat.ts';
import type { PolarRing } from './polar.ts';
import { corridorOutline, relativeLine } from './corridor.ts';
import { densify, STRAY } from './densify.ts';
import { EARTH_RADIUS, METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { wrapLon } from './lonlat.ts';
import { closedThroughPole, polarRing, polarShare, shorePart } from './polar.ts';

const RADIANS = Math.PI / 180;

/** x, y relative to lon0, lat0; closed; wound (outer counter-clockwise, holes clockwise). */
type FlatRing = readonly number[];

export interface Outline {
  readonly lon0: number;
  readonly lat0: number;
  readonly parts: readonly (readonly FlatRing[])[];
  readonly squareMetres: number;
  /** The vertices are the drawn ones, none added and none moved. */
  readonly asDrawn: boolean;
}

const CIRCLE_VERTICES = 48;
/** A regular polygon of this circumradius (times the radius) has exactly the circle's area. */
const EQUAL_AREA = Math.sqrt(
  (2 * Math.PI) / (CIRCLE_VERTICES * Math.sin((2 * Math.PI) / CIRCLE_VERTICES)),
);
/** Beyond this latitude a circle is visibly no ellipse in degrees. */
const ROUND_BELOW = 75;

/** The ring that stands in for a circle where areas are asked for, of the same area. */
function circleRing({ lon, lat, radius }: CircleShape): Position[] {
  const r = radius * EQUAL_AREA;
  const dx = r / metresPerLonDegree(lat);
  const dy = r / METRES_PER_DEGREE;
  const round = Math.abs(lat) > ROUND_BELOW;
  const ring: Position[] = [];
  for (let i = 0; i < CIRCLE_VERTICES; i++) {
    const a = (2 * Math.PI * i) / CIRCLE_VERTICES;
    if (round) ring.push(destination(lon, lat, r, a));
    else ring.push([lon + dx * Math.cos(a), lat + dy * Math.sin(a)]);
  }
  ring.push(ring[0] as Position);
  return ring;
}

/** `turn` counter-clockwise from east, in radians. */
function destination(lon: number, lat: number, metres: Metres, turn: number): Position {
  const arc = metres / EARTH_RADIUS;
  const φ = lat * RADIANS;
  const sin = Math.sin(φ) * Math.cos(arc) + Math.cos(φ) * Math.sin(arc) * Math.sin(turn);
  const east = Math.cos(turn) * Math.sin(arc) * Math.cos(φ);
  const north = Math.cos(arc) - Math.sin(φ) * sin;
  return [wrapLon(lon + Math.atan2(east, north) / RADIANS), Math.asin(sin) / RADIANS];
}

/** The shape's polygons as drawn, a circle as its stand-in ring; a corridor has none. */
export function polygonsOf(shape: Shape): readonly (readonly Ring[])[] {
  if (shape.type === 'Circle') return [[circleRing(shape)]];
  if (shape.type === 'Polygon') return [shape.coordinates];
  return shape.type === 'MultiPolygon' ? shape.coordinates : [];
}

/** Twice the signed area in square degrees; positive when counter-clockwise. */
function signedArea(xy: FlatRing): number {
  let sum = 0;
  for (let i = 0; i + 3 < xy.length; i += 2) {
    sum +=
      (xy[i] as number) * (xy[i + 3] as number) - (xy[i + 2] as number) * (xy[i + 1] as number);
  }
  return sum;
}

function wound(xy: FlatRing, outer: boolean): FlatRing {
  if (signedArea(xy) > 0 === outer) return xy;
  const out: number[] = [];
  for (let i = xy.length - 2; i >= 0; i -= 2) out.push(xy[i] as number, xy[i + 1] as number);
  return out;
}

/** On the sphere, of a ring that does not go round a pole. */
function squareMetres(xy: FlatRing, lat0: number): number {
  let sum = 0;
  let low = Math.sin(((xy[1] as number) + lat0) * RADIANS);
  for (let i = 0; i + 3 < xy.length; i += 2) {
    const high = Math.sin(((xy[i + 3] as number) + lat0) * RADIANS);
    sum += ((xy[i + 2] as number) - (xy[i] as number)) * RADIANS * (2 + low + high);
    low = high;
  }
  return Math.abs(sum / 2) * EARTH_RADIUS ** 2;
}

/** Vertices of one outline after densifying; above it the limit is widened, by fours. */
const MAX_OUTLINE = 60_000;

interface Flat {
  readonly ring: FlatRing;
  readonly squareMetres: number;
  readonly polar: boolean;
}

function flatten(ring: Ring, lon0: number, lat0: number, limit: Metres): Flat {
  const polar = polarRing(ring);
  if (polar) {
    const chain = densify(polar.chain, 0, limit, MAX_OUTLINE);
    return {
      ring: closedThroughPole({ ...polar, chain }, lon0, lat0),
      squareMetres: 4 * Math.PI * EARTH_RADIUS ** 2 * polarShare(polar),
      polar: true,
    };
  }
  const dense = densify(relativeLine(ring, lon0, lat0), lat0, limit, MAX_OUTLINE);
  return { ring: dense, squareMetres: squareMetres(dense, lat0), polar: false };
}

const shifted = (xy: FlatRing, dx: number): FlatRing =>
  dx === 0 ? xy : xy.map((value, i) => (i % 2 === 0 ? value + dx : value));

function spanOf(xy: FlatRing): { min: number; max: number } {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < xy.length; i += 2) {
    const x = xy[i] as number;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return { min, max };
}

/** A hole belongs on the same side of the earth as its outer ring. */
function beside(hole: FlatRing, outer: FlatRing): FlatRing {
  const { min, max } = spanOf(outer);
  const middle = (min + max) / 2;
  const x = hole[0] as number;
  return shifted(hole, middle + wrapLon(x - middle) - x);
}

/** Other rings are repeated where a ring three turns wide may look for them. */
const TURNED = [-360, 0, 360];

function partOf(rings: readonly Flat[], around: boolean): FlatRing[][] {
  const [outer, ...holes] = rings as [Flat, ...Flat[]];
  if (outer.polar) {
    const inner = holes.flatMap(({ ring, polar }) =>
      polar ? [ring] : TURNED.map((dx) => shifted(ring, dx)),
    );
    return [[wound(outer.ring, true), ...inner.map((ring) => wound(ring, false))]];
  }
  const part = [
    wound(outer.ring, true),
    ...holes.map(({ ring }) => wound(beside(ring, outer.ring), false)),
  ];
  return around ? TURNED.map((dx) => part.map((ring) => shifted(ring, dx))) : [part];
}

export interface FlatDrawing {
  readonly lon0: number;
  readonly lat0: number;
  readonly polygons: readonly (readonly FlatRing[])[];
  /** The same rings without the way to the pole that closes the polar ones. */
  readonly lines: readonly (readonly FlatRing[])[];
}

/**
 * Polygons as drawn, every ring on the same flat map: for judging a drawing before it is taken.
 * Rings round a pole are closed through it.
 */
export function flatDrawing(polygons: readonly (readonly Ring[])[]): FlatDrawing {
  const poles = polygons.map((rings) => polarRing(rings[0] as Ring));
  const [lon, lat0] = polygons[0]?.[0]?.[0] ?? [0, 0];
  const lon0 = wrapLon(originOf(poles) ?? lon);
  const flats = flattenAll(polygons, lon0, lat0, Infinity);
  const placed = flats.map((rings) =>
    rings.map(({ ring, polar }, i) =>
      i === 0 || polar ? ring : beside(ring, (rings[0] as Flat).ring),
    ),
  );
  const lines = placed.map((rings, p) =>
    rings.map((ring, r) => (flats[p]?.[r]?.polar ? shorePart(ring) : ring)),
  );
  return { lon0, lat0, polygons: placed, lines };
}

/** The shape about an origin, every edge within a metre of its great circle. */
export function outlineOf(shape: GroundShape): Outline {
  if (shape.type === 'Corridor') return corridor(shape.coordinates, shape.width);
  const polygons = polygonsOf(shape);
  const poles = polygons.map((rings) => polarRing(rings[0] as Ring));
  const first = polygons[0]?.[0]?.[0] ?? [0, 0];
  const middle = shape.type === 'Circle' ? ([shape.lon, shape.lat] as const) : first;
  const lon0 = wrapLon(originOf(poles) ?? middle[0]);
  const lat0 = middle[1];
  let limit: Metres = STRAY;
  let flats = flattenAll(polygons, lon0, lat0, limit);
  while (countOf(flats) > MAX_OUTLINE && limit < 1e5) {
    limit *= 4;
    flats = flattenAll(polygons, lon0, lat0, limit);
  }
  return assembled(polygons, flats, lon0, lat0);
}

/** Half a turn from where the first polar ring starts, which puts its three turns about the origin. */
function originOf(poles: readonly (PolarRing | null)[]): number | null {
  const polar = poles.find((pole) => pole !== null);
  return polar ? (polar.chain[0] as number) + 180 : null;
}

const countOf = (flats: readonly (readonly Flat[])[]): number =>
  flats.reduce((sum, rings) => sum + rings.reduce((n, { ring }) => n + ring.length / 2, 0), 0);

const flattenAll = (
  polygons: readonly (readonly Ring[])[],
  lon0: number,
  lat0: number,
  limit: Metres,
): Flat[][] => polygons.map((rings) => rings.map((ring) => flatten(ring, lon0, lat0, limit)));

function assembled(
  polygons: readonly (readonly Ring[])[],
  flats: readonly (readonly Flat[])[],
  lon0: number,
  lat0: number,
): Outline {
  const spans = flats.map((rings) => spanOf((rings[0] as Flat).ring));
  const width = Math.max(...spans.map((s) => s.max)) - Math.min(...spans.map((s) => s.min));
  const drawn = polygons.reduce((n, rings) => rings.reduce((m, ring) => m + ring.length, n), 0);
  return {
    lon0,
    lat0,
    parts: flats.flatMap((rings) => partOf(rings, width > 360)),
    squareMetres: flats.reduce((sum, rings) => sum + areaOf(rings), 0),
    asDrawn: width <= 360 && countOf(flats) === drawn,
  };
}

const areaOf = ([outer, ...holes]: readonly Flat[]): number =>
  holes.reduce((sum, hole) => sum - hole.squareMetres, outer?.squareMetres ?? 0);

function corridor(line: readonly Position[], width: Metres): Outline {
  const [lon0, lat0] = line[0] as Position;
  const rings = corridorOutline(line, width, lon0, lat0);
  if (!rings) throw new Error('a corridor without an outline');
  return {
    lon0,
    lat0,
    parts: [rings.map((ring, i) => wound(ring, i === 0))],
    squareMetres: rings.reduce(
      (sum, ring, i) => sum + (i === 0 ? 1 : -1) * squareMetres(ring, lat0),
      0,
    ),
    asDrawn: false,
  };
}
