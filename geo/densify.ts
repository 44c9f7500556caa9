/** PURE. Straight lines on the ground: edges cut until they keep to the great circle. */
import type { Metres } from './lonlat.ts';
import { EARTH_RADIUS } from './distance.ts';

const RADIANS = Math.PI / 180;
/** No edge shorter than this strays by a metre, below 85°: cheap to say for nearly every edge. */
const SHORT_DEGREES = 0.01;
const POLEWARD = 85;
const MAX_DEPTH = 16;
/** What the planar reading of an edge may differ from the geodesic before it is cut. */
export const STRAY: Metres = 1;

/** Degrees; x may leave [-180, 180]. */
interface Spot {
  readonly x: number;
  readonly y: number;
}

/** The point a share of the way along the great circle, its longitude next to `near`. */
function along(a: Spot, b: Spot, share: number, near: number): Spot {
  const [φ1, φ2] = [a.y * RADIANS, b.y * RADIANS];
  const [λ1, λ2] = [a.x * RADIANS, b.x * RADIANS];
  const s = Math.sin((φ2 - φ1) / 2) ** 2;
  const t = Math.sin((λ2 - λ1) / 2) ** 2;
  const arc = 2 * Math.asin(Math.min(1, Math.sqrt(s + Math.cos(φ1) * Math.cos(φ2) * t)));
  if (arc < 1e-12) return a;
  const f = Math.sin((1 - share) * arc) / Math.sin(arc);
  const g = Math.sin(share * arc) / Math.sin(arc);
  const x = f * Math.cos(φ1) * Math.cos(λ1) + g * Math.cos(φ2) * Math.cos(λ2);
  const y = f * Math.cos(φ1) * Math.sin(λ1) + g * Math.cos(φ2) * Math.sin(λ2);
  const z = f * Math.sin(φ1) + g * Math.sin(φ2);
  const lon = Math.atan2(y, x) / RADIANS;
  return {
    x: lon + 360 * Math.round((near - lon) / 360),
    y: Math.atan2(z, Math.sqrt(x * x + y * y)) / RADIANS,
  };
}

/** Metres by which the straight line in degrees strays from the great circle, a share along. */
function stray(a: Spot, b: Spot, share: number): Metres {
  const x = a.x + share * (b.x - a.x);
  const y = a.y + share * (b.y - a.y);
  const on = along(a, b, share, x);
  const east = (on.x - x) * Math.cos(((on.y + y) / 2) * RADIANS);
  return Math.sqrt(east * east + (on.y - y) ** 2) * RADIANS * EARTH_RADIUS;
}

/** Degrees: an edge shorter than this, and not across the equator, bends one way only. */
const SIMPLE = 1;

/** Only the part across the edge counts, but the part along it is as small: both are bounded. */
function straight(a: Spot, b: Spot, limit: Metres): boolean {
  if (stray(a, b, 0.5) > limit) return false;
  if (Math.abs(b.x - a.x) < SIMPLE && Math.abs(b.y - a.y) < SIMPLE && a.y * b.y > 0) return true;
  // An edge across the equator bends both ways and is right in its middle.
  return stray(a, b, 0.25) <= limit && stray(a, b, 0.75) <= limit;
}

interface Cutting {
  readonly out: number[];
  readonly lat0: number;
  readonly limit: Metres;
  /** Numbers in `out` after which nothing is cut any more. */
  readonly most: number;
}

function cut(a: Spot, b: Spot, depth: number, to: Cutting): void {
  if (depth >= MAX_DEPTH || to.out.length > to.most || straight(a, b, to.limit)) return;
  const middle = along(a, b, 0.5, (a.x + b.x) / 2);
  cut(a, middle, depth + 1, to);
  to.out.push(middle.x, middle.y - to.lat0);
  cut(middle, b, depth + 1, to);
}

/**
 * Adds vertices to a ring or line (x, y in turns, y relative to `lat0`) until no edge strays from
 * the great circle between its ends by more than `limit` metres. An edge along a meridian, the
 * equator or a pole stays as it is; a short one is not even asked. An edge read in degrees strays
 * by 2 m over 10 km at 45°, by 195 m over 100 km. Beyond `most` vertices it stops cutting.
 */
export function densify(
  xy: readonly number[],
  lat0: number,
  limit: Metres = STRAY,
  most = Infinity,
): readonly number[] {
  if (limit === Infinity || allShort(xy, lat0, limit)) return xy;
  const out: number[] = [];
  const to: Cutting = { out, lat0, limit, most: 2 * most };
  for (let i = 0; i < xy.length; i += 2) {
    const [x, y] = [xy[i] as number, xy[i + 1] as number];
    out.push(x, y);
    if (i + 3 >= xy.length) break;
    const [nx, ny] = [xy[i + 2] as number, xy[i + 3] as number];
    const atPole = Math.abs(y + lat0) > 90 - 1e-9 || Math.abs(ny + lat0) > 90 - 1e-9;
    if (nx === x || atPole) continue;
    cut({ x, y: y + lat0 }, { x: nx, y: ny + lat0 }, 0, to);
  }
  return out;
}

/** Nearly every ring: no edge is long enough to stray, so none is measured. */
function allShort(xy: readonly number[], lat0: number, limit: Metres): boolean {
  const short = SHORT_DEGREES * Math.min(1, Math.sqrt(limit / STRAY));
  for (let i = 0; i + 3 < xy.length; i += 2) {
    if (Math.abs((xy[i + 1] as number) + lat0) > POLEWARD) return false;
    if (Math.abs((xy[i + 2] as number) - (xy[i] as number)) > short) return false;
    if (Math.abs((xy[i + 3] as number) - (xy[i + 1] as number)) > short) return false;
  }
  return true;
}
