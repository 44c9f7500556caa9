/** PURE. Drawn polygons from outside: closed, simple, holes inside, or a named refusal. */
import type { Position, Ring } from './fence.ts';
import type { Datum } from './datum.ts';
import { convert, datumsApply } from './datum.ts';
import { faulty } from './fence-fault.ts';
import { lonLatFault, wrapLon } from './lonlat.ts';
import { flatDrawing } from './outline.ts';
import { polarRing } from './polar.ts';
import { findSelfCrossing } from './self-crossing.ts';

export const MAX_VERTICES = 10_000;
/** Twice the area in square degrees, about two square millimetres. */
const LEAST_AREA = 2e-13;

type FlatRing = readonly number[];

/** One [longitude, latitude] in range, from its datum into WGS-84. */
export function position(value: unknown, where: string, datum: Datum): Position {
  if (!Array.isArray(value) || value.length < 2) {
    throw faulty('bad-coordinates', `${where} is not a [longitude, latitude] pair`);
  }
  const [lon, lat] = value as unknown[];
  const fault = lonLatFault(lon, lat);
  if (fault === 'not-finite') throw faulty(fault, `${where} is not a pair of finite numbers`);
  const [x, y] = [lon as number, lat as number];
  if (fault === 'out-of-range') {
    if (Math.abs(y) > 90 && Math.abs(y) <= 180 && Math.abs(x) <= 90) {
      throw faulty('swapped-axes', `${where} reads ${x}, ${y}: GeoJSON has longitude first`);
    }
    throw faulty(fault, `${where} reads ${x}, ${y}: longitude ±180, latitude ±90`);
  }
  if (datum === 'wgs84') return [x, y];
  if (!datumsApply({ lon: x, lat: y })) {
    throw faulty(
      'datum-elsewhere',
      `${where} reads ${x}, ${y}: ${datum} is a datum of China; elsewhere maps are in wgs84`,
    );
  }
  return convert([x, y], datum, 'wgs84');
}

/** No deeper than a multipolygon goes: a bomb of brackets must not exhaust the stack. */
function countVertices(value: unknown, most: number, depth = 0): number {
  if (!Array.isArray(value) || depth > 4) return 0;
  if (typeof value[0] === 'number') return 1;
  let sum = 0;
  for (const item of value) {
    sum += countVertices(item, most, depth + 1);
    if (sum > most) break;
  }
  return sum;
}

/** Before anything else looks at them. */
export function requireFewVertices(coordinates: unknown, most: number, what: string): void {
  if (countVertices(coordinates, most) > most) {
    throw faulty('too-many-vertices', `${what} has more than ${most} vertices; simplify it`);
  }
}

function crossed(what: string, x: number, y: number): Error {
  return faulty('self-crossing', `${what} crosses itself near ${round(wrapLon(x))}, ${round(y)}`);
}

const round = (degrees: number): number => Math.round(degrees * 1e7) / 1e7;

/** Signed twice-area, and the sum of its pieces without their signs. */
function areas(xy: FlatRing): { area: number; swept: number } {
  let [area, swept] = [0, 0];
  for (let i = 2; i + 1 < xy.length; i += 2) {
    const piece =
      ((xy[i - 2] as number) - (xy[0] as number)) * ((xy[i + 1] as number) - (xy[1] as number)) -
      ((xy[i] as number) - (xy[0] as number)) * ((xy[i - 1] as number) - (xy[1] as number));
    area += piece;
    swept += Math.abs(piece);
  }
  return { area, swept };
}

function ringOf(value: unknown, where: string, datum: Datum): Ring {
  if (!Array.isArray(value)) throw faulty('bad-coordinates', `${where} is not a list`);
  if (value.length < 4) throw faulty('too-few-points', `${where} needs at least 4 positions`);
  const ring = value.map((p, i) => position(p, `${where}, position ${i + 1}`, datum));
  const [first, last] = [ring[0] as Position, ring.at(-1) as Position];
  if (first[0] !== last[0] || first[1] !== last[1]) {
    throw faulty('not-closed', `${where} does not end where it began: repeat its first position`);
  }
  const polar = polarRing(ring);
  if (polar && !polar.sure) {
    const message = `${where} goes round the earth near the equator: which pole it holds is unclear`;
    throw faulty('encloses-pole', message);
  }
  const { lon0, lat0, polygons } = flatDrawing([[ring]]);
  const flat = polygons[0]?.[0] ?? [];
  if (!polar && Math.abs((flat.at(-2) ?? 0) - (flat[0] ?? 0)) > 180) {
    throw crossed(where, first[0], first[1]);
  }
  const { area, swept } = areas(flat);
  if (Math.abs(area) >= LEAST_AREA) return ring;
  // The two halves of a symmetric bow tie cancel out: that outline crosses itself.
  const crossing = swept < LEAST_AREA ? null : findSelfCrossing([flat]);
  if (crossing) throw crossed(where, lon0 + crossing[0], lat0 + crossing[1]);
  throw faulty('no-area', `${where} encloses no area`);
}

/** 1 inside the ring, 0 outside, −1 on it. */
function place(xy: FlatRing, px: number, py: number): number {
  let inside = false;
  for (let i = 2; i + 1 < xy.length; i += 2) {
    const [x1, y1] = [(xy[i - 2] as number) - px, (xy[i - 1] as number) - py];
    const [x2, y2] = [(xy[i] as number) - px, (xy[i + 1] as number) - py];
    const cross = x1 * y2 - x2 * y1;
    const length = Math.abs(x2 - x1) + Math.abs(y2 - y1);
    const between = x1 * x2 + y1 * y2 <= 1e-11 * length;
    if (between && Math.abs(cross) <= 1e-11 * length) return -1;
    if (y1 > 0 !== y2 > 0 && cross > 0 === y2 > y1) inside = !inside;
  }
  return inside ? 1 : 0;
}

/** Where one ring lies as seen from another it does not cross: the first place that is not on it. */
function liesIn(inner: FlatRing, outer: FlatRing): number {
  for (let i = 0; i + 3 < inner.length; i += 2) {
    const [x, y] = [inner[i] as number, inner[i + 1] as number];
    const at = place(outer, x, y);
    if (at >= 0) return at;
    const middle = place(
      outer,
      (x + (inner[i + 2] as number)) / 2,
      (y + (inner[i + 3] as number)) / 2,
    );
    if (middle >= 0) return middle;
  }
  return -1;
}

interface Span {
  readonly minX: number;
  readonly maxX: number;
  readonly minY: number;
  readonly maxY: number;
}

function spanOf(xy: FlatRing): Span {
  let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    minX = Math.min(minX, xy[i] as number);
    maxX = Math.max(maxX, xy[i] as number);
    minY = Math.min(minY, xy[i + 1] as number);
    maxY = Math.max(maxY, xy[i + 1] as number);
  }
  return { minX, maxX, minY, maxY };
}

const apart = (a: Span, b: Span): boolean =>
  a.maxX <= b.minX || b.maxX <= a.minX || a.maxY <= b.minY || b.maxY <= a.minY;

/** Rings of which one lies in another (or on it, for two of one shape): their places, or null. */
function nested(rings: readonly FlatRing[]): readonly [number, number] | null {
  const spans = rings.map(spanOf);
  for (let i = 0; i < rings.length; i++) {
    for (let j = 0; j < rings.length; j++) {
      if (i === j || apart(spans[i] as Span, spans[j] as Span)) continue;
      if (liesIn(rings[i] as FlatRing, rings[j] as FlatRing) !== 0) return [i, j];
    }
  }
  return null;
}

/** One polygon's rings: outer first, holes inside it and beside each other. They may touch. */
export function polygonOf(value: unknown, where: string, datum: Datum): readonly Ring[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw faulty('bad-coordinates', `${where}the polygon has no ring`);
  }
  const rings = value.map((ring, i) =>
    ringOf(ring, i === 0 ? `${where}outer ring` : `${where}hole ${i}`, datum),
  );
  const { lon0, lat0, polygons, lines } = flatDrawing([rings]);
  const [outer, ...holes] = polygons[0] as [FlatRing, ...FlatRing[]];
  const crossing = findSelfCrossing(lines.flat());
  if (crossing) throw crossed(`${where}the outline`, lon0 + crossing[0], lat0 + crossing[1]);
  holes.forEach((hole, i) => {
    if (liesIn(hole, outer) === 1) return;
    throw faulty('hole-outside', `${where}hole ${i + 1} is not inside the outer ring`);
  });
  const pair = nested(holes);
  if (pair) {
    const [inner, around] = pair;
    const message = `${where}hole ${inner + 1} lies in hole ${around + 1}: leave one of them out`;
    throw faulty('nested-holes', message);
  }
  return rings;
}

/** Whether two polygons of a multipolygon share ground. */
export function partsOverlap(polygons: readonly (readonly Ring[])[]): boolean {
  if (polygons.length < 2) return false;
  const { polygons: flat, lines } = flatDrawing(polygons);
  const groups = flat.flatMap((rings, i) => rings.map(() => i));
  if (findSelfCrossing(lines.flat(), groups)) return true;
  const spans = flat.map(([outer]) => spanOf(outer as FlatRing));
  return flat.some(([inner], i) =>
    flat.some(([outer, ...holes], j) => {
      if (i === j || apart(spans[i] as Span, spans[j] as Span)) return false;
      if (liesIn(inner as FlatRing, outer as FlatRing) === 0) return false;
      return holes.every((hole) => liesIn(inner as FlatRing, hole) === 0);
    }),
  );
}
