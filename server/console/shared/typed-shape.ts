/** PURE. The ground of a fence as text: read by its kind, written back. */
import type { LonLat, ReadRings } from './coordinates.ts';
import { readLine, readPolygon, readRings, writePoint, writeRings } from './coordinates.ts';
import type { FenceGeometry, FenceKind } from './fence.ts';

/** A fault is a text key below `fences.unreadable`. */
export type TypedShape =
  { ok: true; geometry: FenceGeometry | null } | { ok: false; fault: string; line: number };

/** Kinds without ground have nothing to read. */
export function readShape(kind: FenceKind, text: string): TypedShape {
  if (kind === 'radio' || kind === 'composite') return { ok: true, geometry: null };
  const read = readerOf(kind)(text);
  if (!read.ok) {
    const line = kind === 'corridor' || kind === 'tripwire';
    return line && read.fault === 'too-few' ? { ...read, fault: 'too-short' } : read;
  }
  const rings = read.rings.map((ring) => ring.map(([lon, lat]) => [lon, lat]));
  const [first = []] = rings;
  if (kind === 'area') return { ok: true, geometry: { type: 'Polygon', coordinates: rings } };
  if (kind !== 'circle') return { ok: true, geometry: { type: 'LineString', coordinates: first } };
  return { ok: true, geometry: { type: 'Point', coordinates: first[0] ?? [] } };
}

function readerOf(kind: FenceKind): (text: string) => ReadRings {
  if (kind === 'area') return readPolygon;
  return kind === 'circle' ? readRings : readLine;
}

export function writeShape(geometry: FenceGeometry | null): string {
  if (geometry === null) return '';
  if (geometry.type === 'Point') return writePoint(geometry.coordinates as unknown as LonLat);
  if (geometry.type === 'LineString') {
    return geometry.coordinates.map((point) => writePoint(point as unknown as LonLat)).join('\n');
  }
  const rings = geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
  return writeRings(rings as unknown as LonLat[][]);
}
