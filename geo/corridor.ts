/** PURE. A line with a width as polygons: everything within half the width of the line. */
import { buffer } from '@turf/buffer';
import type { Position } from './fence.ts';
import type { Metres } from './lonlat.ts';
import { densify } from './densify.ts';
import { wrapLon } from './lonlat.ts';

/** Segments per quarter of a round end: the polygon stays within 0.06 % of the arc. */
const STEPS = 24;
/** Share of half the width by which a long side may stray from its great circle. */
const STRAY_SHARE = 5e-4;
const MOST_STRAY: Metres = 1;

/** Positions relative to the first, longitudes running on: no antimeridian, little rounding. */
export function relativeLine(line: readonly Position[], lon0: number, lat0: number): number[] {
  const out: number[] = [];
  let x = 0;
  for (const [lon, lat] of line) {
    x = out.length === 0 ? wrapLon(lon - lon0) : x + wrapLon(lon - lon0 - x);
    out.push(x, lat - lat0);
  }
  return out;
}

/**
 * Rings of each polygon, x and y relative to `lon0`, `lat0`; outer ring first. A line that comes
 * back to itself encloses holes. Turf lays the buffer out in an azimuthal equidistant plane about
 * the line's middle, which is good to 0.01 % for lines of a hundred kilometres; its long sides are
 * then bent to the great circle.
 */
export function corridorOutline(
  line: readonly Position[],
  width: Metres,
  lon0: number,
  lat0: number,
): number[][][] {
  const half = width / 2;
  const limit = Math.min(MOST_STRAY, half * STRAY_SHARE);
  const xy = densify(relativeLine(line, lon0, lat0), lat0, limit);
  const coordinates: [number, number][] = [];
  for (let i = 0; i < xy.length; i += 2) {
    coordinates.push([xy[i] as number, (xy[i + 1] as number) + lat0]);
  }
  const made = buffer({ type: 'LineString', coordinates }, half, {
    units: 'meters',
    steps: STEPS,
  });
  if (!made) throw new Error('a corridor without ground');
  const { geometry } = made;
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  return polygons.map((rings) =>
    rings.map((ring) =>
      densify(
        ring.flatMap(([x, y]) => unrolled(x, y, lat0)),
        lat0,
        limit,
      ),
    ),
  );
}

/** Relative longitudes stay small: a corridor is far shorter than half the earth. */
const unrolled = (x = 0, y = 0, lat0: number): [number, number] => [x, y - lat0];
