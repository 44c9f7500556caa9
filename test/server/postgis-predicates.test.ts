/**
 * What lies in a fence and how far its edge is, against PostGIS geography on both engines.
 *
 * Geography's edges are geodesics of the ellipsoid; a fence's are straight in degrees, cut until they
 * keep to the great circle by a metre. So near an edge the two may differ, by SLACK metres at most;
 * everywhere else they must agree. Distances are on a sphere here, on the ellipsoid there: 0.56 %.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Database } from '../../server/db/database.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Position, Shape } from '../../geo/fence.ts';
import { edgeDistance } from '../../geo/depth.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { wrapLon } from '../../geo/lonlat.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import type { TestDatabase } from '../support/database.ts';
import { embeddedTestDatabase, postgresTestDatabase } from '../support/database.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';
import { moved } from '../support/tracks.ts';

/** Metres two readings of an edge may be apart, and the share of a distance. */
const SLACK = 1.5;
const SHARE = 0.006;
const RUNS = 60;
const POINTS = 40;

interface Case {
  readonly lon: number;
  readonly lat: number;
  readonly metres: number;
  readonly kind: 'circle' | 'polygon' | 'holed' | 'parts' | 'corridor';
  readonly seed: number;
}

const cases = fc.record<Case>({
  lon: fc.oneof(fc.integer({ min: -179, max: 179 }), fc.constantFrom(180, -180, 179.9995, 0)),
  lat: fc.oneof(fc.integer({ min: -85, max: 85 }), fc.constantFrom(0, 78.2, -77.8, 84.9)),
  metres: fc.constantFrom(8, 60, 900, 20_000, 60_000),
  kind: fc.constantFrom('circle', 'polygon', 'holed', 'parts', 'corridor'),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

const place = (c: Case, east: number, north: number): Position => {
  const [x, y] = moved(c.lon, c.lat, east, north);
  return [wrapLon(x), Math.max(-89.9, Math.min(89.9, y))];
};

/** A star about a place, its corners between a share of the radius and all of it. */
function star(c: Case, random: () => number, radius: number, east = 0): Position[] {
  const corners = 5 + Math.floor(20 * random());
  const ring = Array.from({ length: corners }, (_, i) => {
    const a = (2 * Math.PI * (i + 0.6 * random())) / corners;
    const r = radius * (0.55 + 0.45 * random());
    return place(c, east + r * Math.cos(a), r * Math.sin(a));
  });
  return [...ring, ring[0] as Position];
}

function shapeOf(c: Case, random: () => number): Shape {
  const { metres } = c;
  const outer = () => star(c, random, metres);
  switch (c.kind) {
    case 'circle':
      return { type: 'Circle', lon: wrapLon(c.lon), lat: c.lat, radius: metres };
    case 'polygon':
      return { type: 'Polygon', coordinates: [outer()] };
    case 'holed':
      return {
        type: 'Polygon',
        coordinates: [outer(), star(c, random, metres / 3).toReversed()],
      };
    case 'parts':
      return {
        type: 'MultiPolygon',
        coordinates: [
          [star(c, random, metres / 2, -metres)],
          [star(c, random, metres / 2, metres)],
        ],
      };
    default:
      return {
        type: 'Corridor',
        width: metres / 8,
        coordinates: [place(c, -metres, 0), place(c, 0, metres / 4), place(c, metres, -metres / 5)],
      };
  }
}

/** The shape in SQL: what a geography covers, and the line its edge is. */
function sqlOf(shape: Shape): { json: string; radius: number } {
  switch (shape.type) {
    case 'Circle':
      return {
        json: JSON.stringify({ type: 'Point', coordinates: [shape.lon, shape.lat] }),
        radius: shape.radius,
      };
    case 'Corridor':
      return {
        json: JSON.stringify({ type: 'LineString', coordinates: shape.coordinates }),
        radius: shape.width / 2,
      };
    default:
      return { json: JSON.stringify(shape), radius: 0 };
  }
}

const ASK = `
  with fence as (select st_geomfromgeojson($1)::geography as g),
  edge as (select case when $2::float8 > 0 then g
                       else st_boundary(g::geometry)::geography end as e from fence)
  select st_covers(g, p) as covered, st_distance(g, p) as away, st_distance(e, p) as edge
  from unnest($3::float8[], $4::float8[]) with ordinality as q(x, y, n)
  cross join lateral (select st_setsrid(st_point(q.x, q.y), 4326)::geography as p) as s
  cross join fence cross join edge order by n`;

interface Answer {
  readonly inside: boolean;
  /** Metres to the edge. */
  readonly edge: number;
}

async function ask(db: Database, shape: Shape, points: readonly Position[]): Promise<Answer[]> {
  const { json, radius } = sqlOf(shape);
  const xs = points.map(([x]) => x);
  const { rows } = await db.query<{ covered: boolean; away: number; edge: number }>(ASK, [
    json,
    radius,
    xs,
    points.map(([, y]) => y),
  ]);
  // Of a circle and a corridor geography is asked for the distance to the middle.
  return rows.map(({ covered, away, edge }) =>
    radius > 0
      ? { inside: away <= radius, edge: Math.abs(away - radius) }
      : { inside: covered, edge },
  );
}

function pointsFor(c: Case, shape: Shape, random: () => number): Position[] {
  const corners =
    shape.type === 'Polygon'
      ? shape.coordinates.flat()
      : shape.type === 'MultiPolygon'
        ? shape.coordinates.flat(2)
        : [];
  return Array.from({ length: POINTS }, (_, i) => {
    const corner = corners[Math.floor(random() * corners.length)];
    if (i % 4 === 0 && corner) return corner;
    const spread = c.metres * (i % 4 === 1 ? 3 : 1.3);
    return place(c, spread * (2 * random() - 1), spread * (2 * random() - 1));
  });
}

interface Tally {
  points: number;
  inside: number;
  near: number;
}

function judge(
  index: FenceIndex,
  point: Position,
  theirs: Answer,
  tally: Tally,
  metres: number,
): void {
  const [lon, lat] = point;
  const [fence] = index.all();
  const inside = index.containing(lon, lat).length > 0;
  tally.points++;
  if (inside) tally.inside++;
  const radius = fence?.radius ?? 0;
  const slack =
    SLACK + (radius + (fence?.definition.shape.type === 'Corridor' ? metres / 16 : 0)) * SHARE;
  if (theirs.edge > slack) {
    expect({ point, edge: theirs.edge, inside }).toEqual({
      point,
      edge: theirs.edge,
      inside: theirs.inside,
    });
  } else tally.near++;
  // The plane about the point, which the engine measures on, is good to a tenth of a percent in 100 km.
  if (!fence || theirs.edge > 3 * metres || theirs.edge > 50_000) return;
  const ours = edgeDistance(fence, lon, lat);
  const allowed = slack + SHARE * (theirs.edge + 2 * radius) + curved(theirs.edge, lat);
  expect({
    point,
    metres,
    close: Math.abs(ours - theirs.edge) <= allowed,
    ours,
    theirs: theirs.edge,
  }).toMatchObject({ close: true });
}

/** What a plane loses at a latitude: metres squared over the earth's radius, steeper to the poles. */
const curved = (metres: number, lat: number): number =>
  ((metres * metres) / 6_371_000) * Math.abs(Math.tan((lat * Math.PI) / 180));

function compareOn(name: string, open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => void (database = await open()), 180_000);
  afterAll(async () => database.release());
  test(`random fences and points: ${name}`, async () => {
    const tally: Tally = { points: 0, inside: 0, near: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const random = randomFrom(c.seed);
        const shape = shapeOf(c, random);
        const index = createFenceIndex([{ id: 'f', name: 'f', shape }]);
        const points = pointsFor(c, shape, random);
        const answers = await ask(database.db, shape, points);
        points.forEach((point, i) => judge(index, point, answers[i] as Answer, tally, c.metres));
      }),
      { seed: 20_261_122, numRuns: RUNS },
    );
    expect(tally.points).toBe(RUNS * POINTS);
    expect(tally.inside).toBeGreaterThan(tally.points / 8);
    expect(tally.near).toBeLessThan(tally.points / 2);
  }, 120_000);
}

requirePart('PostgreSQL (TEST_DATABASE_URL)', partPresent.postgres)('against PostgreSQL', () => {
  compareOn('PostGIS', () => postgresTestDatabase(postgresUrl as string));
});
compareOn('the embedded engine', () => embeddedTestDatabase());
