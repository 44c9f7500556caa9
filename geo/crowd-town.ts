/** PURE. Made-up malls and streets for a made-up crowd: shops of many sizes, corridors, pavements. */
import type { FenceDefinition, Position } from './fence.ts';
import type { Draw } from './draw.ts';
import type { LonLat } from './lonlat.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';

/** Metres east and north of the town's origin. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** A room with one door; all walls are along the axes. */
export interface Room {
  /** Null where no fence was drawn: stock rooms, shops that are not customers. */
  readonly fence: string | null;
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  /** In the wall; and the spot outside in front of it. */
  readonly door: Spot;
  readonly front: Spot;
  /** People keep their place in it: a café, a hairdresser. */
  readonly seated: boolean;
  /** Its WiFi can be signed in to. */
  readonly wifi: boolean;
}

/** A stretch of ground people walk along, and the rooms that open onto it. */
export interface Strip {
  /** Id of the fence that holds it all; null for a street. */
  readonly hall: string | null;
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  readonly rooms: readonly Room[];
}

export interface Town {
  readonly origin: LonLat;
  readonly strips: readonly Strip[];
  readonly fences: readonly FenceDefinition[];
}

/** Where a spot lies on earth. */
export function placeAt(origin: LonLat, spot: Spot): [lon: number, lat: number] {
  return [
    origin.lon + spot.x / metresPerLonDegree(origin.lat),
    origin.lat + spot.y / METRES_PER_DEGREE,
  ];
}

type Box = Pick<Strip, 'west' | 'south' | 'east' | 'north'>;

function outline(origin: LonLat, b: Box): readonly Position[] {
  const corners: [number, number][] = [
    [b.west, b.south],
    [b.east, b.south],
    [b.east, b.north],
    [b.west, b.north],
    [b.west, b.south],
  ];
  return corners.map(([x, y]) => placeAt(origin, { x, y }));
}

/** A mall of two rows along a corridor, and a street of shops 150 m away from it. */
export function makeTown(name: string, origin: LonLat, draw: Draw): Town {
  const fences: FenceDefinition[] = [];
  const mall = makeStrip(`${name}-mall`, true, 0, 5 + draw.between(0, 7), origin, fences, draw);
  const street = makeStrip(`${name}-street`, false, -190, 3.5, origin, fences, draw);
  return { origin, strips: [mall, street], fences };
}

function makeStrip(
  name: string,
  covered: boolean,
  middle: number,
  width: number,
  origin: LonLat,
  fences: FenceDefinition[],
  draw: Draw,
): Strip {
  const length = draw.between(110, 240);
  const strip = { west: 0, east: length, south: middle - width / 2, north: middle + width / 2 };
  const rows = covered ? [1, -1] : [1];
  const own: FenceDefinition[] = [];
  const rooms = rows.flatMap((side) =>
    makeRow(
      `${name}-${side > 0 ? 'n' : 's'}`,
      covered ? name : null,
      side,
      strip,
      origin,
      own,
      draw,
    ),
  );
  if (covered) {
    const box = {
      west: Math.min(0, ...rooms.map((r) => r.west)) - 1,
      east: Math.max(length, ...rooms.map((r) => r.east)) + 1,
      south: Math.min(...rooms.map((r) => r.south)) - 1,
      north: Math.max(...rooms.map((r) => r.north)) + 1,
    };
    const shape = { type: 'Polygon' as const, coordinates: [outline(origin, box)] };
    fences.push({ id: name, name, shape });
    fences.push(...own);
    return { ...box, south: strip.south, north: strip.north, hall: name, rooms };
  }
  fences.push(...own);
  return { ...strip, hall: null, rooms };
}

function makeRow(
  name: string,
  hall: string | null,
  side: number,
  strip: Box,
  origin: LonLat,
  fences: FenceDefinition[],
  draw: Draw,
): Room[] {
  const rooms: Room[] = [];
  const wall = side > 0 ? strip.north : strip.south;
  for (let west = strip.west; west < strip.east - 3;) {
    // Frontages of 4 to 30 m, most of them 5 to 12; shops are deeper than they are wide.
    const front = Math.min(Math.max(4, 8 * Math.exp(0.55 * draw.normal())), 30, strip.east - west);
    const deep = Math.min(32, Math.max(5, front * draw.between(0.8, 1.9)));
    const [south, north] = side > 0 ? [wall, wall + deep] : [wall - deep, wall];
    const door = { x: west + front * draw.between(0.25, 0.75), y: wall };
    const drawn = draw.chance(0.88);
    const fence = drawn ? `${name}${rooms.length}` : null;
    const room = { west, south, east: west + front, north };
    if (fence !== null) {
      const minimum = draw.pick([180, 180, 180, 60, 300]);
      fences.push({
        id: fence,
        name: fence,
        shape: { type: 'Polygon', coordinates: [outline(origin, room)] },
        minDwellSeconds: minimum,
        ...(hall === null ? {} : { parent: hall }),
      });
    }
    rooms.push({
      ...room,
      fence,
      door,
      front: { x: door.x, y: wall - side * 1.2 },
      seated: draw.chance(0.3),
      wifi: draw.chance(0.25),
    });
    west += front + (draw.chance(0.8) ? 0.3 : draw.between(1, 12));
  }
  return rooms;
}
