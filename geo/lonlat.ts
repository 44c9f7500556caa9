/** PURE. Positions, lengths and instants, and the one place that says which axis comes first. */

/** Degrees on WGS-84. Arrays are always [lon, lat], as GeoJSON (RFC 7946) writes them. */
export interface LonLat {
  readonly lon: number;
  readonly lat: number;
}

/** A length on the ground, in metres. */
export type Metres = number;

/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type Millis = number;

export type LonLatFault = 'not-finite' | 'out-of-range';

/** What is wrong with a position, or null when nothing is. */
export function lonLatFault(lon: unknown, lat: unknown): LonLatFault | null {
  if (typeof lon !== 'number' || typeof lat !== 'number') return 'not-finite';
  if (!Number.isFinite(lon) || !Number.isFinite(lat)) return 'not-finite';
  if (lon < -180 || lon > 180 || lat < -90 || lat > 90) return 'out-of-range';
  return null;
}

/** The same meridian as a number in [-180, 180). */
export function wrapLon(lon: number): number {
  if (lon >= -180 && lon < 180) return lon;
  return lon - 360 * Math.floor((lon + 180) / 360);
}
