/** PURE. A stored fence as the engine wants it. */
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceRow } from './queries.ts';
import { shapeOf } from './shape.ts';

/** The engine's view of a stored fence. */
export function definitionOf(row: FenceRow): FenceDefinition {
  return {
    id: row.id,
    name: row.name,
    shape: shapeOf(row),
    version: row.version,
    minDwellSeconds: row.min_dwell_s,
    changedAt: row.changed_at.getTime(),
    ...(row.parent_id === null ? {} : { parent: row.parent_id }),
    ...(row.floor === null ? {} : { floor: row.floor }),
    ...optionsOf(row),
  };
}

/** What a fence says beyond its ground, under the names that GeoJSON has for it too; defaults left out. */
export function optionsOf(row: FenceRow) {
  return {
    ...(row.radio === null ? {} : { radio: row.radio }),
    ...(row.priority === 0 ? {} : { priority: row.priority }),
    ...(row.cooldown_s === 0 ? {} : { cooldownSeconds: row.cooldown_s }),
    ...(row.hours === null ? {} : { hours: row.hours }),
    ...(row.made === null ? {} : { source: row.made }),
    ...(row.datum === 'wgs84' ? {} : { drawnIn: row.datum }),
  };
}
