/** PURE. Drawn lines from outside: corridors and tripwires, or a named refusal. */
import type { CorridorShape, Position, TripwireShape } from './fence.ts';
import type { Datum } from './datum.ts';
import type { Metres } from './lonlat.ts';
import type { Properties } from './properties.ts';
import { corridorOutline } from './corridor.ts';
import { METRES_PER_DEGREE, greatCircle, metresPerLonDegree } from './distance.ts';
import { faulty, given } from './fence-fault.ts';
import { wrapLon } from './lonlat.ts';
import { position, requireFewVertices } from './rings.ts';

export const MAX_LINE_VERTICES = 500;
export const MAX_LINE: Metres = 100_000;
const MIN_LINE: Metres = 0.1;
const MIN_WIDTH: Metres = 1;
const MAX_WIDTH: Metres = 2_000;
/** A corridor is laid out about its middle: near a pole that would still work, and nobody walks there. */
const POLEWARD = 89;
/** Vertices of an outline: a line that folds into hundreds of meshes is a net, not a corridor. */
const MAX_OUTLINE = 20_000;

function lineOf(coordinates: unknown, datum: Datum): Position[] {
  if (!Array.isArray(coordinates)) throw faulty('bad-coordinates', 'the line is not a list');
  requireFewVertices(coordinates, MAX_LINE_VERTICES, 'the line');
  if (coordinates.length < 2) throw faulty('too-few-points', 'a line needs at least 2 positions');
  const line = coordinates.map((p, i) => position(p, `the line, position ${i + 1}`, datum));
  if (line.some(([, lat]) => Math.abs(lat) > POLEWARD)) {
    throw faulty('near-pole', `a line must stay between ${POLEWARD}° south and north`);
  }
  let length = 0;
  for (let i = 1; i < line.length; i++) {
    const [[aLon, aLat], [bLon, bLat]] = [line[i - 1] as Position, line[i] as Position];
    length += greatCircle({ lon: aLon, lat: aLat }, { lon: bLon, lat: bLat });
  }
  if (length < MIN_LINE)
    throw faulty('no-length', 'the positions of the line are one and the same');
  if (length > MAX_LINE) {
    const km = Math.round(length / 1000);
    throw faulty('line-too-long', `the line is ${km} km long; at most ${MAX_LINE / 1000} km`);
  }
  return line;
}

/** Pairs of edges nearer than the width, which is what laying out a corridor costs. */
const MAX_NEAR_PAIRS = 15_000;

function requireFewFolds(line: readonly Position[], width: Metres): void {
  const boxes = line.slice(1).map((to, i) => {
    const [from, dx] = [line[i] as Position, width / metresPerLonDegree(to[1])];
    const step = wrapLon(to[0] - from[0]);
    const west = from[0] + Math.min(0, step) - dx / 2;
    const dy = width / METRES_PER_DEGREE / 2;
    return {
      west,
      width: Math.abs(step) + dx,
      south: Math.min(from[1], to[1]) - dy,
      north: Math.max(from[1], to[1]) + dy,
    };
  });
  let pairs = 0;
  for (const [i, a] of boxes.entries()) {
    for (let j = i + 1; j < boxes.length; j++) {
      const b = boxes[j] as (typeof boxes)[number];
      if (a.south > b.north || b.south > a.north) continue;
      const apart = wrapLon(b.west - a.west);
      if (apart > a.width || -apart > b.width) continue;
      if (++pairs > MAX_NEAR_PAIRS) {
        throw faulty('too-many-vertices', 'the line folds over itself too often; simplify it');
      }
    }
  }
}

function corridorOf(line: Position[], width: unknown): CorridorShape {
  if (typeof width !== 'number' || !(width >= MIN_WIDTH && width <= MAX_WIDTH)) {
    throw faulty('width-out-of-range', `the width must be ${MIN_WIDTH} to ${MAX_WIDTH} m`);
  }
  requireFewFolds(line, width);
  const [lon0, lat0] = line[0] as Position;
  const rings = corridorOutline(line, width, lon0, lat0);
  const vertices = rings?.reduce((sum, ring) => sum + ring.length / 2, 0) ?? Infinity;
  if (vertices > MAX_OUTLINE) {
    throw faulty('too-many-vertices', 'the line folds into too many meshes; simplify it');
  }
  return { type: 'Corridor', coordinates: line, width };
}

const DIRECTIONS = ['left', 'right', 'both'] as const;

function tripwireOf(line: Position[], direction: unknown): TripwireShape {
  const way = given(direction) ? DIRECTIONS.find((each) => each === direction) : 'both';
  if (!way) throw faulty('bad-property', 'the direction is left, right or both');
  return { type: 'Tripwire', coordinates: line, direction: way };
}

/** A LineString: a corridor by its `width`, a tripwire by its `direction`, either by its `kind`. */
export function lineShapeOf(
  coordinates: unknown,
  { kind, width, direction }: Properties,
  datum: Datum,
): CorridorShape | TripwireShape {
  const isCorridor = given(kind) ? kind === 'corridor' : given(width);
  const isTripwire = given(kind) ? kind === 'tripwire' : given(direction);
  if (isCorridor === isTripwire || given(isCorridor ? direction : width)) {
    const message =
      'a line is either a corridor with a "width" in metres or a tripwire with a "direction"';
    throw faulty('bare-line', message);
  }
  const line = lineOf(coordinates, datum);
  return isCorridor ? corridorOf(line, width) : tripwireOf(line, direction);
}
