/** PURE. A point against a compiled fence; edges count as inside. */
import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import type { Fence } from './fence.ts';
import { greatCircle } from './distance.ts';
import { fenceBox, relativeLon } from './fence.ts';
import { polygonsOf } from './outline.ts';

/**
 * Degrees, about a micrometre. Nearer to an edge than this, plain arithmetic is not trusted and
 * Turf's robust predicate decides; edges count as inside, as PostGIS ST_Covers has it.
 */
const DOUBT = 1e-11;

/**
 * 1 inside, 0 outside, −1 too close to an edge to say. One part: its outer ring and its holes.
 * The point is in degrees relative to the fence's origin.
 */
export function castRay(fence: Fence, part: number, px: number, py: number): number {
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

/** Slower, exact on edges and corners. A fence that is not as drawn is asked in its own degrees. */
function containsExactly(fence: Fence, lon: number, lat: number): boolean {
  const box = fenceBox(fence);
  const crosses = !fence.asDrawn || box.minX < -180 || box.maxX > 180;
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
  // Asked this way round, what is no number is outside.
  if (!(x >= box.minX - DOUBT && x <= box.maxX + DOUBT)) return false;
  if (!(y >= box.minY - DOUBT && y <= box.maxY + DOUBT)) return false;
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
