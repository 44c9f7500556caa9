/** PURE. A point, or a point with its error disc, against a compiled fence. */
import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import type { Fence } from './fence.ts';
import type { Metres } from './lonlat.ts';
import { METRES_PER_DEGREE, greatCircle, metresPerLonDegree } from './distance.ts';
import { fenceBox, polygonsOf, relativeLon } from './fence.ts';
import { quantile, shareBelow } from './gauss.ts';

/**
 * Degrees, about a micrometre. Nearer to an edge than this, plain arithmetic is not trusted and
 * Turf's robust predicate decides; edges count as inside, as PostGIS ST_Covers has it.
 */
const DOUBT = 1e-11;

/** 1 inside, 0 outside, −1 too close to an edge to say. One part: its outer ring and its holes. */
function castRay(fence: Fence, part: number, px: number, py: number): number {
  const { xy, rings } = fence;
  let inside = false;
  for (let r = fence.parts[part] as number; r < (fence.parts[part + 1] as number); r++) {
    const last = (rings[r + 1] as number) - 1;
    for (let i = rings[r] as number; i < last; i++) {
      const y1 = (xy[2 * i + 1] as number) - py;
      const y2 = (xy[2 * i + 3] as number) - py;
      if ((y1 > DOUBT && y2 > DOUBT) || (y1 < -DOUBT && y2 < -DOUBT)) continue;
      const x1 = (xy[2 * i] as number) - px;
      const x2 = (xy[2 * i + 2] as number) - px;
      if (x1 < -DOUBT && x2 < -DOUBT) continue;
      const straddles = y1 > 0 !== y2 > 0;
      if (x1 > DOUBT && x2 > DOUBT) {
        if (straddles) inside = !inside;
        continue;
      }
      const cross = x1 * y2 - x2 * y1;
      if (Math.abs(cross) <= DOUBT * (Math.abs(x2 - x1) + Math.abs(y2 - y1) + DOUBT)) return -1;
      if (straddles && cross > 0 === y2 > y1) inside = !inside;
    }
  }
  return inside ? 1 : 0;
}

function relativePolygons(fence: Fence): [number, number][][][] {
  const { xy, rings, parts } = fence;
  return Array.from(parts.subarray(0, -1), (first, p) =>
    Array.from(rings.subarray(first, parts[p + 1]), (start, r) => {
      const end = rings[first + r + 1] as number;
      const ring: [number, number][] = [];
      for (let i = start; i < end; i++) ring.push([xy[2 * i] as number, xy[2 * i + 1] as number]);
      return ring;
    }),
  );
}

/** Slower, exact on edges and corners. A fence over the antimeridian is asked in its own degrees. */
function containsExactly(fence: Fence, lon: number, lat: number): boolean {
  const box = fenceBox(fence);
  const crosses = box.minX < -180 || box.maxX > 180;
  const point = crosses ? [relativeLon(fence, lon), lat - fence.lat0] : [lon, lat];
  const polygons = crosses ? relativePolygons(fence) : polygonsOf(fence.definition.shape);
  return polygons.some((rings) =>
    booleanPointInPolygon(point, {
      type: 'Polygon',
      coordinates: rings.map((ring) => ring.map(([x, y]) => [x, y])),
    }),
  );
}

/** True when the point lies in the fence or on its edge. */
export function contains(fence: Fence, lon: number, lat: number): boolean {
  const { box } = fence;
  const x = relativeLon(fence, lon);
  const y = lat - fence.lat0;
  if (x < box.minX - DOUBT || x > box.maxX + DOUBT) return false;
  if (y < box.minY - DOUBT || y > box.maxY + DOUBT) return false;
  if (fence.radius !== null) {
    return greatCircle({ lon: 0, lat: fence.lat0 }, { lon: x, lat }) <= fence.radius;
  }
  for (let part = 0; part + 1 < fence.parts.length; part++) {
    const answer = castRay(fence, part, x, y);
    if (answer === 1) return true;
    if (answer === -1 && containsExactly(fence, lon, lat)) return true;
  }
  return false;
}

/** Scan lines of equal probability; the weight of each is 1 / LINES. */
const LINES = 32;
const LINE_Z = Float64Array.from({ length: LINES }, (_, i) => quantile((i + 0.5) / LINES));
/** Standard deviations beyond which the error disc is taken to end. */
const REACH = 4;

/**
 * Share of the error disc inside one ring: P(true point in ring) when the error is an isotropic
 * Gaussian of `sx`, `sy` degrees about the point. Integrated along y by equal-probability lines and
 * along x in closed form: where an edge crosses a line it adds ±Φ(x), and because rings are wound,
 * the signs pair entries with exits and subtract holes without any sorting. About ten times cheaper
 * than 64 point-in-polygon tests, and exact along x where those are not.
 */
function ringMass(fence: Fence, r: number, px: number, py: number, sx: number, sy: number): number {
  const { xy, rings } = fence;
  const start = rings[r] as number;
  const end = rings[r + 1] as number;
  let sum = 0;
  let x1 = ((xy[2 * start] as number) - px) / sx;
  let y1 = ((xy[2 * start + 1] as number) - py) / sy;
  let u1 = lineIndex(y1);
  for (let i = start + 1; i < end; i++) {
    const x2 = ((xy[2 * i] as number) - px) / sx;
    const y2 = ((xy[2 * i + 1] as number) - py) / sy;
    const u2 = lineIndex(y2);
    const low = u1 < u2 ? u1 : u2;
    const high = u1 < u2 ? u2 : u1;
    if (high > low) {
      const slope = (x2 - x1) / (y2 - y1);
      let crossings = 0;
      for (let l = low; l < high; l++) {
        crossings += shareBelow(x1 + slope * ((LINE_Z[l] as number) - y1));
      }
      sum += u2 > u1 ? crossings : -crossings;
    }
    x1 = x2;
    y1 = y2;
    u1 = u2;
  }
  return sum / LINES;
}

/** Number of scan lines below z. */
function lineIndex(z: number): number {
  let i = Math.round(shareBelow(z) * LINES);
  while (i > 0 && (LINE_Z[i - 1] as number) >= z) i--;
  while (i < LINES && (LINE_Z[i] as number) < z) i++;
  return i;
}

/** Union of overlapping parts along each scan line would need sorting; a grid of points does not. */
function sampledMass(fence: Fence, lon: number, lat: number, sx: number, sy: number): number {
  let hits = 0;
  for (let i = 0; i < LINES; i += 2) {
    for (let j = 0; j < LINES; j += 2) {
      const x = ((LINE_Z[i] as number) + (LINE_Z[i + 1] as number)) / 2;
      const y = ((LINE_Z[j] as number) + (LINE_Z[j + 1] as number)) / 2;
      if (contains(fence, lon + sx * x, lat + sy * y)) hits++;
    }
  }
  return hits / (LINES * LINES * 0.25);
}

/** P(true point inside the fence | measured point, sigma in metres), 0..1. */
export function massInside(fence: Fence, lon: number, lat: number, sigma: Metres): number {
  const sy = sigma / METRES_PER_DEGREE;
  const sx = sigma / metresPerLonDegree(lat);
  const { box } = fence;
  const px = relativeLon(fence, lon);
  const py = lat - fence.lat0;
  if (px + REACH * sx < box.minX || px - REACH * sx > box.maxX) return 0;
  if (py + REACH * sy < box.minY || py - REACH * sy > box.maxY) return 0;
  if (fence.overlappingParts) return sampledMass(fence, lon, lat, sx, sy);
  let mass = 0;
  for (let r = 0; r + 1 < fence.rings.length; r++) mass += ringMass(fence, r, px, py, sx, sy);
  return mass < 0 ? 0 : mass > 1 ? 1 : mass;
}
