/** PURE. Fence shapes between the database (a kind, GeoJSON, numbers), the engine and the outside. */
import type { PolygonShape, Position, Ring, Shape } from '../../geo/fence.ts';

/** GeoJSON geometry as PostGIS gives it back. */
export type Geometry =
  | { type: 'Point'; coordinates: [number, number] }
  | { type: 'LineString'; coordinates: Position[] }
  | { type: 'Polygon'; coordinates: Position[][] }
  | { type: 'MultiPolygon'; coordinates: Position[][][] };

export type FenceKind = 'area' | 'circle' | 'corridor' | 'tripwire' | 'radio' | 'composite';
export type Direction = 'left' | 'right' | 'both';

/** What is stored of a shape: its kind, its geometry if it has any, and what the kind needs beside. */
export interface StoredShape {
  kind: FenceKind;
  geometry: Geometry | null;
  /** Metres, circles only. */
  radius_m: number | null;
  /** Metres, corridors only. */
  width_m: number | null;
  /** Tripwires only. */
  direction: Direction | null;
  /** Fence ids, composites only. */
  members: string[] | null;
  members_of: 'any' | 'all' | null;
}

/** The engine's view of a stored shape. */
export function shapeOf(stored: StoredShape): Shape {
  const { kind, geometry } = stored;
  if (kind === 'radio') return { type: 'Radio' };
  if (kind === 'composite') {
    return { type: 'Composite', of: stored.members_of ?? 'any', members: stored.members ?? [] };
  }
  if (kind === 'circle' && geometry?.type === 'Point' && stored.radius_m !== null) {
    const [lon, lat] = geometry.coordinates;
    return { type: 'Circle', lon, lat, radius: stored.radius_m };
  }
  if (kind === 'corridor' && geometry?.type === 'LineString' && stored.width_m !== null) {
    return { type: 'Corridor', coordinates: geometry.coordinates, width: stored.width_m };
  }
  if (kind === 'tripwire' && geometry?.type === 'LineString') {
    const direction = stored.direction ?? 'both';
    return { type: 'Tripwire', coordinates: geometry.coordinates, direction };
  }
  if (kind === 'area' && (geometry?.type === 'Polygon' || geometry?.type === 'MultiPolygon')) {
    return geometry;
  }
  throw new Error(`a stored ${kind} has no ${kind === 'circle' ? 'radius' : 'shape'}`);
}

const bare = { radius_m: null, width_m: null, direction: null, members: null, members_of: null };

const line = (kind: 'corridor' | 'tripwire', coordinates: readonly Position[]) => ({
  ...bare,
  kind,
  geometry: { type: 'LineString' as const, coordinates: copyRing(coordinates) },
});

export function toStored(shape: Shape): StoredShape {
  if (shape.type === 'Circle') {
    const geometry: Geometry = { type: 'Point', coordinates: [shape.lon, shape.lat] };
    return { ...bare, kind: 'circle', geometry, radius_m: shape.radius };
  }
  if (shape.type === 'Corridor') {
    return { ...line('corridor', shape.coordinates), width_m: shape.width };
  }
  if (shape.type === 'Tripwire') {
    return { ...line('tripwire', shape.coordinates), direction: shape.direction };
  }
  if (shape.type === 'Radio') return { ...bare, kind: 'radio', geometry: null };
  if (shape.type === 'Composite') {
    const { members, of } = shape;
    return { ...bare, kind: 'composite', geometry: null, members: [...members], members_of: of };
  }
  if (shape.type === 'Polygon') {
    const geometry: Geometry = { type: 'Polygon', coordinates: copyRings(shape) };
    return { ...bare, kind: 'area', geometry };
  }
  const coordinates = shape.coordinates.map((rings) => rings.map(copyRing));
  return { ...bare, kind: 'area', geometry: { type: 'MultiPolygon', coordinates } };
}

const copyRing = (ring: Ring): Position[] => ring.map(([lon, lat]) => [lon, lat]);
const copyRings = (shape: PolygonShape): Position[][] => shape.coordinates.map(copyRing);
