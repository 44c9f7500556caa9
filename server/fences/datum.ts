/** PURE. Stored fences (WGS 84) as they were drawn, in the datum of the map they were drawn on. */
import type { Datum } from '../../geo/datum.ts';
import type { Position } from '../../geo/fence.ts';
import type { Geometry } from './shape.ts';
import { convert } from '../../geo/datum.ts';

/** A few millimetres: what lies behind is the rounding of there and back. */
const round = (value: number): number => Number(value.toFixed(8));

/** The geometry in the datum it was drawn in. */
export function drawnGeometry<G extends Geometry | null>(stored: { datum: Datum; geometry: G }): G {
  const { datum, geometry } = stored;
  if (geometry === null || datum === 'wgs84') return geometry;
  const shift = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value;
    if (typeof value[0] !== 'number') return value.map(shift);
    return convert(value as unknown as Position, 'wgs84', datum).map(round);
  };
  return { ...geometry, coordinates: shift(geometry.coordinates) };
}
