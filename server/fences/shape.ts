/** PURE. Fence shapes between the database (GeoJSON and a radius), the engine and the outside. */
import type { PolygonShape, Position, Ring, Shape } from '../../geo/fence.ts';

/** GeoJSON geometry as PostGIS gives it back. */
export type Geometry =
  | { type: 'Point'; coordinates: [number, number] }
  | { type: 'Polygon'; coordinates: Position[][] }
  | { type: 'MultiPolygon'; coordinates: Position[][][] };

/** What is stored: a geometry, and for a circle its radius in metres. */
export interface StoredShape {
  geometry: Geometry;
  radiusM: number | null;
}

export function shapeOf(stored: { geometry: Geometry; radius_m: number | null }): Shape {
  const { geometry } = stored;
  if (geometry.type !== 'Point') return geometry;
  const [lon, lat] = geometry.coordinates;
  if (stored.radius_m === null) throw new Error('a stored circle has no radius');
  return { type: 'Circle', lon, lat, radius: stored.radius_m };
}

export function toStored(shape: Shape): StoredShape {
  if (shape.type !== 'Circle' && shape.type !== 'Polygon' && shape.type !== 'MultiPolygon') {
    throw new Error(`cannot store a ${shape.type}`);
  }
  if (shape.type === 'Circle') {
    return {
      geometry: { type: 'Point', coordinates: [shape.lon, shape.lat] },
      radiusM: shape.radius,
    };
  }
  if (shape.type === 'Polygon') {
    return { geometry: { type: 'Polygon', coordinates: copyRings(shape) }, radiusM: null };
  }
  const coordinates = shape.coordinates.map((rings) => rings.map(copyRing));
  return { geometry: { type: 'MultiPolygon', coordinates }, radiusM: null };
}

const copyRing = (ring: Ring): Position[] => ring.map(([lon, lat]) => [lon, lat]);
const copyRings = (shape: PolygonShape): Position[][] => shape.coordinates.map(copyRing);
