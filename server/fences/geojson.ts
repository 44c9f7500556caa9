/** Fences as GeoJSON (RFC 7946) for export, maps and moving house. */
import type { Datum } from '../../geo/datum.ts';
import type { OpeningHours } from '../../geo/fence.ts';
import type { Queryable } from '../db/database.ts';
import type { FenceRow } from './queries.ts';
import type { Direction, FenceKind, Geometry } from './shape.ts';
import { optionsOf } from './definition.ts';
import { listFences } from './queries.ts';

export interface FenceFeature {
  type: 'Feature';
  id: string;
  /** WGS 84. Null for sets of radios and for composites. */
  geometry: Geometry | null;
  properties: {
    name: string;
    kind: FenceKind;
    /** Metres; circles only, whose geometry is a Point. */
    radius: number | null;
    /** Metres; corridors only, whose geometry is a LineString. */
    width?: number;
    /** Tripwires only. */
    direction?: Direction;
    /** Fence ids; composites only. */
    members?: readonly string[];
    of?: 'any' | 'all';
    radio?: readonly string[];
    /** Id of the fence this one lies in. */
    parent: string | null;
    storeId: string | null;
    floor: string | null;
    category: string | null;
    minDwellSeconds: number;
    priority?: number;
    cooldownSeconds?: number;
    hours?: OpeningHours;
    source?: 'isochrone';
    /** The datum it was drawn in, when that was another one; the geometry is WGS 84 all the same. */
    drawnIn?: Datum;
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
      kind: row.kind,
      radius: row.radius_m,
      parent: row.parent_id,
      storeId: row.store_id,
      floor: row.floor,
      category: row.category,
      minDwellSeconds: row.min_dwell_s,
      ...(row.width_m === null ? {} : { width: row.width_m }),
      ...(row.direction === null ? {} : { direction: row.direction }),
      ...(row.members === null ? {} : { members: row.members }),
      ...(row.members_of === null ? {} : { of: row.members_of }),
      ...optionsOf(row),
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
