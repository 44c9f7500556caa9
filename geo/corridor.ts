/** PURE. A line with a width as a polygon: everything within half the width of the line. */
import type { Position } from './fence.ts';
import type { Metres } from './lonlat.ts';
import { outlineAround } from './capsules.ts';
import { densify } from './densify.ts';
import { EARTH_RADIUS } from './distance.ts';
import { wrapLon } from './lonlat.ts';

const RADIANS = Math.PI / 180;
/** Share of half the width by which a long side may stray from its great circle. */
const STRAY_SHARE = 5e-4;
const MOST_STRAY: Metres = 1;
/** Of half the width, squared: an enclosed sliver smaller than this is rounding, not a hole. */
const SLIVER = 1e-4;

/** Positions relative to the first, longitudes running on: no antimeridian, little rounding. */
export function relativeLine(line: readonly Position[], lon0: number, lat0: number): number[] {
  const out: number[] = [];
  let x = 0;
  for (let i = 0; i < line.length; i++) {
    const at = line[i] as Position;
    x = i === 0 ? wrapLon(at[0] - lon0) : x + wrapLon(at[0] - lon0 - x);
    out.push(x, at[1] - lat0);
  }
  return out;
}

interface Plane {
  /** Degrees, x relative to lon0, to metres. */
  readonly to: (x: number, lat: number) => { x: number; y: number };
  readonly from: (x: number, y: number) => { x: number; lat: number };
}

/**
 * Azimuthal equidistant about a middle: right in all directions at the middle, and 50 km away still
 * to 0.001 %.
 */
function planeAbout(middleX: number, middleLat: number): Plane {
  const [sin0, cos0] = [Math.sin(middleLat * RADIANS), Math.cos(middleLat * RADIANS)];
  return {
    to: (x, lat) => {
      const φ = lat * RADIANS;
      const λ = (x - middleX) * RADIANS;
      const east = Math.cos(φ) * Math.sin(λ);
      // As differences, which keeps millimetres where cosines would lose them.
      const north =
        Math.sin(φ - middleLat * RADIANS) + 2 * sin0 * Math.cos(φ) * Math.sin(λ / 2) ** 2;
      const sine = Math.hypot(east, north);
      const cosine = sin0 * Math.sin(φ) + cos0 * Math.cos(φ) * Math.cos(λ);
      const k = sine === 0 ? EARTH_RADIUS : (EARTH_RADIUS * Math.atan2(sine, cosine)) / sine;
      return { x: k * east, y: k * north };
    },
    from: (x, y) => {
      const arc = Math.hypot(x, y) / EARTH_RADIUS;
      const k = arc === 0 ? 1 / EARTH_RADIUS : Math.sin(arc) / (arc * EARTH_RADIUS);
      const [east, north] = [k * x, k * y];
      const sine = sin0 * Math.cos(arc) + cos0 * north;
      const depth = cos0 * Math.cos(arc) - sin0 * north;
      return {
        x: middleX + Math.atan2(east, depth) / RADIANS,
        lat: Math.atan2(sine, Math.hypot(east, depth)) / RADIANS,
      };
    },
  };
}

const ringArea = (xy: readonly number[]): number => {
  let sum = 0;
  for (let i = 0; i + 3 < xy.length; i += 2) {
    sum +=
      (xy[i] as number) * (xy[i + 3] as number) - (xy[i + 2] as number) * (xy[i + 1] as number);
  }
  return sum / 2;
};

function middleOf(values: readonly number[]): number {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return (min + max) / 2;
}

/**
 * The rings, x and y relative to `lon0`, `lat0`, outer one first; a line that comes back to itself
 * encloses holes. The width is right to 0.1 % for lines of a hundred kilometres. Null when the
 * line has no length or folds into thousands of meshes.
 */
export function corridorOutline(
  line: readonly Position[],
  width: Metres,
  lon0: number,
  lat0: number,
): (readonly number[])[] | null {
  const half = width / 2;
  const limit = Math.min(MOST_STRAY, half * STRAY_SHARE);
  const dense = densify(relativeLine(line, lon0, lat0), lat0, limit);
  const xs = dense.filter((_, i) => i % 2 === 0);
  const lats = dense.filter((_, i) => i % 2 === 1).map((y) => y + lat0);
  const plane = planeAbout(middleOf(xs), middleOf(lats));
  const rings = outlineAround(
    xs.map((x, i) => plane.to(x, lats[i] as number)),
    half,
  );
  if (!rings) return null;
  const kept = rings
    .filter((ring) => Math.abs(ringArea(ring)) > SLIVER * half * half)
    .toSorted((a, b) => ringArea(b) - ringArea(a));
  return kept.map((ring) => densify(onEarth(ring, plane, lat0), lat0, limit));
}

function onEarth(ring: readonly number[], plane: Plane, lat0: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ring.length - 2; i += 2) {
    const { x, lat } = plane.from(ring[i] as number, ring[i + 1] as number);
    out.push(x, lat - lat0);
  }
  out.push(out[0] as number, out[1] as number);
  return out;
}
