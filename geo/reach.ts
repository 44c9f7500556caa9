/** PURE. How far about a device the fences lie that may hold it. */
import type { Box } from './bbox.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Track } from './track.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { wrapLon } from './lonlat.ts';

/** Standard deviations around the device within which there may be `NO_MASS` (sighting.ts). */
const REACH = 2.75;

/** Standard deviations of both hypotheses in degrees of longitude and of latitude. */
export interface Scale {
  readonly stillX: number;
  readonly stillY: number;
  readonly movingX: number;
  readonly movingY: number;
}

export function scaleOf({ still, moving }: Track): Scale {
  const s = Math.sqrt(still.variance);
  const m = Math.sqrt(moving.variance);
  return {
    stillX: s / metresPerLonDegree(still.lat),
    stillY: s / METRES_PER_DEGREE,
    movingX: m / metresPerLonDegree(moving.lat),
    movingY: m / METRES_PER_DEGREE,
  };
}

/**
 * The box around the error discs of the hypotheses that still stand, and the way since the last ping:
 * one search finds who may hold the device and what it came by.
 */
export function reachBox(now: Moment, scale: Scale, policy: Policy): Box {
  const { pStill, before, fix } = now;
  const { still, moving } = now.track;
  const one = pStill === 1;
  const a = one ? still : moving;
  const b = pStill > 0 ? still : moving;
  const ax = REACH * (one ? scale.stillX : scale.movingX);
  const ay = REACH * (one ? scale.stillY : scale.movingY);
  const bx = REACH * (pStill > 0 ? scale.stillX : scale.movingX);
  const by = REACH * (pStill > 0 ? scale.stillY : scale.movingY);
  const bLon = a.lon + wrapLon(b.lon - a.lon);
  const passing = before !== null && fix.t - before.t <= policy.crossSeconds * 1000;
  const from = passing ? before : fix;
  const fromLon = a.lon + wrapLon(from.lon - a.lon);
  const toLon = a.lon + wrapLon(fix.lon - a.lon);
  return {
    minX: Math.min(a.lon - ax, bLon - bx, fromLon, toLon),
    minY: Math.min(a.lat - ay, b.lat - by, from.lat, fix.lat),
    maxX: Math.max(a.lon + ax, bLon + bx, fromLon, toLon),
    maxY: Math.max(a.lat + ay, b.lat + by, from.lat, fix.lat),
  };
}
