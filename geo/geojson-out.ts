/** PURE. Fence definitions as GeoJSON that `parseFence` reads back to the same. */
import type { FenceDefinition, Position, Shape } from './fence.ts';
import { hoursOut } from './opening-hours.ts';

/** A Feature in WGS-84; `null` where a fence has no ground. */
export interface FenceFeature {
  readonly type: 'Feature';
  readonly id: string;
  readonly geometry: { readonly type: string; readonly coordinates: unknown } | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

const list = (positions: readonly Position[]): number[][] => positions.map(([x, y]) => [x, y]);

type Ground = Pick<FenceFeature, 'geometry' | 'properties'>;

function groundOf(shape: Shape): Ground {
  const ground = (
    type: string,
    coordinates: unknown,
    properties: Ground['properties'],
  ): Ground => ({
    geometry: { type, coordinates },
    properties,
  });
  if (shape.type === 'Circle') {
    const { lon, lat, radius } = shape;
    return ground('Point', [lon, lat], { kind: 'circle', radius });
  }
  if (shape.type === 'Polygon') {
    return ground('Polygon', shape.coordinates.map(list), { kind: 'area' });
  }
  if (shape.type === 'MultiPolygon') {
    const coordinates = shape.coordinates.map((rings) => rings.map(list));
    return ground('MultiPolygon', coordinates, { kind: 'area' });
  }
  if (shape.type === 'Corridor') {
    const { coordinates, width } = shape;
    return ground('LineString', list(coordinates), { kind: 'corridor', width });
  }
  if (shape.type === 'Tripwire') {
    const { coordinates, direction } = shape;
    return ground('LineString', list(coordinates), { kind: 'tripwire', direction });
  }
  if (shape.type === 'Radio') return { geometry: null, properties: { kind: 'radio' } };
  const { of, members } = shape;
  return { geometry: null, properties: { kind: 'composite', of, members: [...members] } };
}

/**
 * The shape as drawn, before it was cut to follow great circles, and always in WGS-84: a fence that
 * was drawn in another datum says so as `drawnIn`, because `datum` would move it once more when it
 * is read again. `changedAt` stays behind.
 */
export function toGeoJson(definition: FenceDefinition): FenceFeature {
  const { id, shape, changedAt: _, hours, ...rest } = definition;
  const { geometry, properties } = groundOf(shape);
  return {
    type: 'Feature',
    id,
    geometry,
    properties: { ...properties, ...rest, ...(hours ? { hours: hoursOut(hours) } : {}) },
  };
}
