/** Fences as GeoJSON (RFC 7946) for export, maps and moving house. */
import type { Queryable } from '../db/database.ts';
import type { FenceRow } from './queries.ts';
import type { Geometry } from './shape.ts';
import { listFences } from './queries.ts';

export interface FenceFeature {
  type: 'Feature';
  id: string;
  /** Null for sets of radios and for composites. */
  geometry: Geometry | null;
  properties: {
    name: string;
    /** Metres; circles only, whose geometry is a Point. */
    radius: number | null;
    /** Id of the fence this one lies in. */
    parent: string | null;
    storeId: string | null;
    floor: string | null;
    category: string | null;
    minDwellSeconds: number;
    active: boolean;
    version: number;
  };
}

export interface FenceCollection {
  type: 'FeatureCollection';
  features: FenceFeature[];
}

export function toFeature(row: FenceRow): FenceFeature {
  return {
    type: 'Feature',
    id: row.id,
    geometry: row.geometry,
    properties: {
      name: row.name,
      radius: row.radius_m,
      parent: row.parent_id,
      storeId: row.store_id,
      floor: row.floor,
      category: row.category,
      minDwellSeconds: row.min_dwell_s,
      active: row.active,
      version: row.version,
    },
  };
}

const MAX_EXPORT = 20_000;

/** The merchant's fences (one store's, when named) as a FeatureCollection; retired ones only when asked. */
export async function fencesAsGeoJson(
  tx: Queryable,
  merchantId: string,
  storeId?: string | null,
  withRetired = false,
): Promise<FenceCollection> {
  const rows = await listFences(tx, merchantId, {
    storeId: storeId ?? undefined,
    active: withRetired ? undefined : true,
    limit: MAX_EXPORT,
  });
  return { type: 'FeatureCollection', features: rows.map(toFeature) };
}
