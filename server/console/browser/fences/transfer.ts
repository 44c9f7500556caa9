/** Fences to and from a GeoJSON file, in the form other tools and `npm run replay` read. */
import type { Geometry } from '../map/shapes.ts';
import type { EditorFence } from './model.ts';

interface Feature {
  type: 'Feature';
  id?: string | number;
  properties: Record<string, unknown> | null;
  geometry: Geometry | null;
}

export interface Collection {
  type: 'FeatureCollection';
  features: Feature[];
}

export type Imported = Omit<EditorFence, 'id' | 'version'>;

const MAX_FENCES = 500;

export function toGeoJson(fences: readonly EditorFence[]): Collection {
  return {
    type: 'FeatureCollection',
    features: fences.map((fence) => ({
      type: 'Feature',
      id: fence.id,
      properties: {
        name: fence.name,
        ...(fence.parentId === null ? {} : { parent: fence.parentId }),
        ...(fence.radius === null ? {} : { radius: fence.radius }),
        ...(fence.floor === null ? {} : { floor: fence.floor }),
        ...(fence.category === null ? {} : { category: fence.category }),
        minDwellSeconds: fence.minDwellSeconds,
        active: fence.active,
      },
      geometry: fence.geometry,
    })),
  };
}

export function download(name: string, collection: Collection): void {
  const blob = new Blob([JSON.stringify(collection, null, 2)], { type: 'application/geo+json' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}

const text = (value: unknown, max: number): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, max) : null;
const number = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : otherwise;

/** Null when the text is no feature collection; features that are no fence are counted, not kept. */
export function fromGeoJson(
  content: string,
  floor: string | null,
  known: ReadonlySet<string>,
): { fences: Imported[]; skipped: number } | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    return null;
  }
  const { type, features } = (parsed ?? {}) as Partial<Collection>;
  if (type !== 'FeatureCollection' || !Array.isArray(features)) return null;
  const fences = features
    .slice(0, MAX_FENCES)
    .map((feature) => readFeature(feature, floor, known))
    .filter((fence) => fence !== null);
  return { fences, skipped: features.length - fences.length };
}

function readFeature(
  feature: Feature,
  floor: string | null,
  known: ReadonlySet<string>,
): Imported | null {
  const { geometry } = feature ?? {};
  const properties = feature?.properties ?? {};
  if (!geometry || !['Point', 'Polygon', 'MultiPolygon'].includes(geometry.type)) return null;
  if (!Array.isArray(geometry.coordinates)) return null;
  const radius = number(properties['radius'], 0);
  if (geometry.type === 'Point' && radius <= 0) return null;
  const parent = text(properties['parent'], 100);
  return {
    name: text(properties['name'], 120) ?? String(feature.id ?? ''),
    floor: text(properties['floor'], 20) ?? floor,
    parentId: parent !== null && known.has(parent) ? parent : null,
    category: text(properties['category'], 60),
    minDwellSeconds: number(properties['minDwellSeconds'], 180),
    active: properties['active'] !== false,
    geometry,
    radius: geometry.type === 'Point' ? radius : null,
  };
}
