/** PURE. WGS-84 and the two datums of Chinese maps: GCJ-02 (AMap, Tencent) and BD-09 (Baidu). */
import type { Position } from './fence.ts';
import type { LonLat, Metres } from './lonlat.ts';
import gcoordModule from 'gcoord';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';

/** In which datum coordinates were drawn. The engine itself knows only WGS-84. */
export type Datum = 'wgs84' | 'gcj02' | 'bd09';

export const DATUMS: readonly Datum[] = ['wgs84', 'gcj02', 'bd09'];

/** Its types put the functions below a second `default`, its CommonJS does not. */
const { CRSTypes, transform: gcoord } = gcoordModule as unknown as typeof gcoordModule.default;

const CRS = { wgs84: CRSTypes.WGS84, gcj02: CRSTypes.GCJ02, bd09: CRSTypes.BD09 } as const;

/**
 * Where the Chinese datums are defined here: the usual rectangle, less a margin. At the rectangle's
 * own edge the shift jumps to nothing, and gcoord's way back would look for a place for ever.
 */
const WEST = 72.5;
const EAST = 137.3;
const SOUTH = 1.5;
const NORTH = 55.3;

/**
 * Whether GCJ-02 and BD-09 mean anything at a place. It is a rectangle about China, which takes in
 * its neighbours too; maps outside it are drawn in WGS-84, whoever publishes them.
 */
export function datumsApply({ lon, lat }: LonLat): boolean {
  return lon >= WEST && lon <= EAST && lat >= SOUTH && lat <= NORTH;
}

const raw = ([lon, lat]: Position, from: Datum, to: Datum): Position => {
  const [x, y] = gcoord<[number, number]>([lon, lat], CRS[from], CRS[to]);
  return [x, y];
};

/**
 * The same place in another datum; there and back within 5 mm. Outside the rectangle of
 * `datumsApply` nothing moves. Away from WGS-84 gcoord is the definition; its ways back are good to
 * some centimetres only and are put right by what the way there makes of them.
 */
export function convert(position: Position, from: Datum, to: Datum): Position {
  if (from === to || !datumsApply({ lon: position[0], lat: position[1] })) return position;
  let found = raw(position, from, to);
  if (DATUMS.indexOf(to) > DATUMS.indexOf(from)) return found;
  for (let round = 0; round < 2; round++) {
    const there = raw(found, to, from);
    found = [found[0] - (there[0] - position[0]), found[1] - (there[1] - position[1])];
  }
  return found;
}

export interface Shift {
  readonly east: Metres;
  readonly north: Metres;
}

/**
 * How far from its true place something stands that was drawn in `from` and is taken for WGS-84:
 * in Hangzhou some 460 m east and 250 m south for GCJ-02, more than a kilometre for BD-09. The
 * place is given in WGS-84; no shift outside China. Pings, being right, lie at minus this from the
 * fence as read.
 */
export function datumShift(from: Datum, lon: number, lat: number): Shift {
  const [x, y] = convert([lon, lat], 'wgs84', from);
  return {
    east: (x - lon) * metresPerLonDegree((lat + y) / 2),
    north: (y - lat) * METRES_PER_DEGREE,
  };
}
