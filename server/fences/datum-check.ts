/**
 * Are a store's fences in the datum of the positions? Who signs in to the store's WiFi stands in the
 * store. If their phones say so from 500 m away, all in one direction, the map was another one.
 */
import type { Datum } from '../../geo/datum.ts';
import type { Fence } from '../../geo/fence.ts';
import type { Queryable } from '../db/database.ts';
import { contains } from '../../geo/contains.ts';
import { datumsApply, datumShift } from '../../geo/datum.ts';
import { edgeDistance } from '../../geo/depth.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from '../../geo/distance.ts';
import { compileFence } from '../../geo/fence.ts';
import { wrapLon } from '../../geo/lonlat.ts';
import { definitionOf } from './definition.ts';
import { listFences } from './queries.ts';
import { signInPings } from './sign-in-queries.ts';

/** `moved`: consistently beside the fence, but no datum does that. `scattered`: no one direction. */
export type DatumVerdict = 'fits' | 'gcj02' | 'bd09' | 'moved' | 'scattered' | 'too-few';

export interface DatumCheck {
  verdict: DatumVerdict;
  /** Where the devices are, seen from the nearest point of the fence: metres; null when too few say. */
  medianEast: number | null;
  medianNorth: number | null;
  /** Positions looked at, and devices they come from. */
  n: number;
  devices: number;
  /** What it means and what to do, in English. */
  sentence: string;
}

/** A position at sign-in. */
export interface Sample {
  readonly device: string;
  readonly lon: number;
  readonly lat: number;
}

const LEAST_SAMPLES = 20;
const LEAST_DEVICES = 5;
/** Nearer than this is where good fixes of people in the store lie. */
const NEAR = 40;
const DAY = 86_400_000;
const LOOK_BACK = 56 * DAY;
const MOST_SIGN_INS = 2000;
const MOST_FENCES = 500;

/** Looks at the last eight weeks; null when the store has no fence with ground at its door. */
export async function checkDatum(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  now: number,
): Promise<DatumCheck | null> {
  const rows = await listFences(tx, merchantId, { storeId, active: true, limit: MOST_FENCES });
  const own = new Set(rows.map((row) => row.id));
  const doors = rows
    .filter((row) => row.parent_id === null || !own.has(row.parent_id))
    .map((row) => compileFence(definitionOf(row)))
    .filter((fence) => fence.kind === 'ground');
  if (doors.length === 0) return null;
  const since = new Date(now - LOOK_BACK);
  const found = await signInPings(tx, merchantId, storeId, since, MOST_SIGN_INS);
  const samples = found.map(({ device_id: device, lon, lat }) => ({ device, lon, lat }));
  return judgeDatum(samples, doors);
}

type Vector = readonly [east: number, north: number];

/** PURE. Compares where the devices are with where each datum would put them. */
export function judgeDatum(samples: readonly Sample[], fences: readonly Fence[]): DatumCheck {
  const devices = new Set(samples.map((one) => one.device)).size;
  const offsets = samples.map(({ lon, lat }) => offsetFrom(fences, lon, lat));
  const east = median(offsets.map(([x]) => x));
  const north = median(offsets.map(([, y]) => y));
  const few = samples.length < LEAST_SAMPLES || devices < LEAST_DEVICES;
  const told = (metres: number | null) => (few || metres === null ? null : Math.round(metres));
  const figures = {
    medianEast: told(east),
    medianNorth: told(north),
    n: samples.length,
    devices,
  };
  const verdict =
    few || east === null || north === null
      ? 'too-few'
      : verdictOf(samples, fences, offsets, [east, north]);
  return { verdict, ...figures, sentence: sentenceOf(verdict, figures) };
}

function verdictOf(
  samples: readonly Sample[],
  fences: readonly Fence[],
  offsets: readonly Vector[],
  middle: Vector,
): DatumVerdict {
  const beside = median(offsets.map(([x, y]) => Math.hypot(x, y))) ?? 0;
  if (beside <= NEAR) return 'fits';
  const explained = (['gcj02', 'bd09'] as const)
    .map((datum) => ({ datum, left: leftBy(datum, samples, fences) }))
    .filter(({ left }) => left <= NEAR)
    .toSorted((a, b) => a.left - b.left)[0];
  if (explained) return explained.datum;
  // The median of absolute deviations: one tablet left at home does not make a crowd scatter.
  const spread = median(offsets.map(([x, y]) => Math.hypot(x - middle[0], y - middle[1]))) ?? 0;
  return spread <= Math.max(60, 0.3 * Math.hypot(...middle)) ? 'moved' : 'scattered';
}

/**
 * Median distance that is left when the positions are moved as the datum moves the map. Fences that
 * stand that far off come to lie upon them; measured from the fence's edge alone, half of a large
 * fence would be missing from the shift.
 */
function leftBy(datum: Datum, samples: readonly Sample[], fences: readonly Fence[]): number {
  if (!samples.every((one) => datumsApply(one))) return Infinity;
  const left = samples.map(({ lon, lat }) => {
    const { east, north } = datumShift(datum, lon, lat);
    const at = [lon + east / metresPerLonDegree(lat), lat + north / METRES_PER_DEGREE] as const;
    return Math.hypot(...offsetFrom(fences, ...at));
  });
  return median(left) ?? Infinity;
}

/** From the nearest point of the nearest fence to the position; zero inside. */
function offsetFrom(fences: readonly Fence[], lon: number, lat: number): Vector {
  let best: { fence: Fence; away: number } | null = null;
  for (const fence of fences) {
    if (contains(fence, lon, lat)) return [0, 0];
    const away = edgeDistance(fence, lon, lat);
    if (best === null || away < best.away) best = { fence, away };
  }
  if (best === null) return [0, 0];
  // Away from the nearest point is the way in which the distance grows fastest.
  const { fence, away } = best;
  const [kx, ky] = [metresPerLonDegree(lat), METRES_PER_DEGREE];
  const at = (x: number, y: number): number =>
    edgeDistance(fence, wrapLon(lon + x / kx), lat + y / ky);
  const [dx, dy] = [at(0.5, 0) - at(-0.5, 0), at(0, 0.5) - at(0, -0.5)];
  const length = Math.hypot(dx, dy);
  return length === 0 ? [0, 0] : [(dx / length) * away, (dy / length) * away];
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[half - 1] ?? 0, sorted[half] ?? 0];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export type Bearing = 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'nw';

const BEARINGS: readonly Bearing[] = ['e', 'ne', 'n', 'nw', 'w', 'sw', 's', 'se'];

/** PURE. Distance in metres and one of eight directions. */
export function bearingOf(east: number, north: number): { metres: number; bearing: Bearing } {
  const eighth = Math.round((Math.atan2(north, east) / Math.PI) * 4);
  return {
    metres: Math.round(Math.hypot(east, north)),
    bearing: BEARINGS[(eighth + 8) % 8] ?? 'e',
  };
}

const WORDS: Record<Bearing, string> = {
  n: 'north',
  ne: 'north-east',
  e: 'east',
  se: 'south-east',
  s: 'south',
  sw: 'south-west',
  w: 'west',
  nw: 'north-west',
};

const MAPS = { gcj02: 'GCJ-02 (AMap, Tencent)', bd09: 'BD-09 (Baidu)' } as const;

function sentenceOf(
  verdict: DatumVerdict,
  { medianEast, medianNorth, n, devices }: Omit<DatumCheck, 'verdict' | 'sentence'>,
): string {
  const { metres, bearing } = bearingOf(medianEast ?? 0, medianNorth ?? 0);
  const where = `Phones that sign in here are ${metres} m ${WORDS[bearing]} of the fence (median of ${n} positions of ${devices} devices).`;
  switch (verdict) {
    case 'too-few':
      return `Not enough sign-ins with a good position yet: ${n} of ${LEAST_SAMPLES}, from ${devices} of ${LEAST_DEVICES} devices.`;
    case 'fits':
      return `The fences are where the people are: ${n} positions at sign-in, of ${devices} devices.`;
    case 'gcj02':
    case 'bd09':
      return `${where} That is how far ${MAPS[verdict]} moves a map here. Say for each fence that it was drawn on such a map; it is then moved to its true place.`;
    case 'moved':
      return `${where} No known map does that: compare the fence with a map, and move it if it is wrong.`;
    default:
      return `Phones that sign in here report positions far from the fence, and in no one direction (${n} positions of ${devices} devices). Check that the devices belong to the guests they are linked to.`;
  }
}
