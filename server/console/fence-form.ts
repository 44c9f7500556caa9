/** PURE. The fence form without a map: what is typed, read into a shape, and written back. */
import type { MapFence } from './queries.ts';
import type { LonLat } from './shared/coordinates.ts';
import { readPolygon, readRings, writePoint, writeRings } from './shared/coordinates.ts';

/** The form's fields as typed. */
export interface FenceDraft {
  id: string;
  name: string;
  floor: string;
  category: string;
  minutes: string;
  parentId: string;
  active: boolean;
  shape: 'polygon' | 'circle';
  coordinates: string;
  radius: string;
  /** How many visits would go with it. */
  visits: number;
}

export const emptyDraft: FenceDraft = {
  id: '',
  name: '',
  floor: '',
  category: '',
  minutes: '3',
  parentId: '',
  active: true,
  shape: 'polygon',
  coordinates: '',
  radius: '',
  visits: 0,
};

export function draftOf(fence: MapFence, visits: number): FenceDraft {
  const { geometry } = fence;
  return {
    id: fence.id,
    name: fence.name,
    floor: fence.floor ?? '',
    category: fence.category ?? '',
    minutes: String(Math.round((fence.minDwellSeconds / 60) * 100) / 100),
    parentId: fence.parentId ?? '',
    active: fence.active,
    shape: geometry.type === 'Point' ? 'circle' : 'polygon',
    coordinates: written(geometry),
    radius: fence.radius === null ? '' : String(fence.radius),
    visits,
  };
}

function written(geometry: MapFence['geometry']): string {
  if (geometry.type === 'Point') return writePoint(geometry.coordinates as unknown as LonLat);
  const rings = geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
  return writeRings(rings as unknown as LonLat[][]);
}

/** A circle, or an outline with its holes; a fault is a text key below `fences.unreadable`. */
export type TypedShape =
  | { ok: true; geometry: { type: 'Point'; coordinates: LonLat }; radius: number }
  | { ok: true; geometry: { type: 'Polygon'; coordinates: LonLat[][] }; radius: null }
  | { ok: false; fault: string; line: number };

export function typedShape(draft: FenceDraft): TypedShape {
  if (draft.shape === 'polygon') {
    const read = readPolygon(draft.coordinates);
    if (!read.ok) return read;
    return { ok: true, geometry: { type: 'Polygon', coordinates: read.rings }, radius: null };
  }
  const read = readRings(draft.coordinates);
  if (!read.ok) return read;
  const radius = Number(draft.radius);
  if (draft.radius === '' || !(radius >= 3 && radius <= 10_000)) {
    return { ok: false, fault: 'radius', line: 1 };
  }
  const centre = read.rings[0]![0]!;
  return { ok: true, geometry: { type: 'Point', coordinates: centre }, radius };
}
