/** PURE. A compiled fence as a shape that any map can draw, closed and in degrees. */
import type { Fence, Position } from './fence.ts';

/** GeoJSON, as far as fences need it. Longitudes may leave ±180 where a fence crosses that line. */
export type Drawn =
  | { readonly type: 'Polygon'; readonly coordinates: Position[][] }
  | { readonly type: 'MultiPolygon'; readonly coordinates: Position[][][] }
  | { readonly type: 'LineString'; readonly coordinates: Position[] };

/** About a centimetre. */
const round = (degrees: number): number => Math.round(degrees * 1e7) / 1e7;

/** Null for a fence without ground or line, such as a set of radios. */
export function drawnOf({ definition, lon0, lat0, xy, rings, parts }: Fence): Drawn | null {
  const { shape } = definition;
  if (shape.type === 'Tripwire') {
    return { type: 'LineString', coordinates: shape.coordinates.map(([lon, lat]) => [lon, lat]) };
  }
  const ringAt = (r: number): Position[] => {
    const ring: Position[] = [];
    for (let i = rings[r] as number; i < (rings[r + 1] as number); i++) {
      ring.push([round(lon0 + (xy[2 * i] as number)), round(lat0 + (xy[2 * i + 1] as number))]);
    }
    return ring;
  };
  const polygons: Position[][][] = [];
  for (let part = 0; part + 1 < parts.length; part++) {
    const polygon: Position[][] = [];
    for (let r = parts[part] as number; r < (parts[part + 1] as number); r++)
      polygon.push(ringAt(r));
    polygons.push(polygon);
  }
  const [only] = polygons;
  if (only === undefined) return null;
  return polygons.length === 1
    ? { type: 'Polygon', coordinates: only }
    : { type: 'MultiPolygon', coordinates: polygons };
}
