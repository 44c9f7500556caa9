/** Which fences hold a point: the index against the usual tools, on the same points in one run. */
import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import type { Feature, FeatureCollection, Polygon } from 'geojson';
import { createRequire } from 'node:module';
import RBush from 'rbush';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { Land } from './geo-town.ts';
import { contains } from '../../geo/contains.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { at } from './geo-town.ts';
import { bytesHeld, median } from './measure.ts';

type Shop = Feature<Polygon, { id: string }>;
type Lookup = (lon: number, lat: number) => string;

export interface LookupRow {
  readonly fences: number;
  readonly land: string;
  readonly engine: string;
  readonly perSecond: number;
  /** Slowest and fastest round. */
  readonly range: readonly [number, number];
  readonly points: number;
  readonly sameAnswers: boolean;
  /** Only of foyer: its rate over the faster of which-polygon and rbush + turf. */
  readonly times?: number;
}
export interface BuildRow {
  readonly fences: number;
  readonly land: string;
  /** Milliseconds: compiling and R-trees; then the cover, with every raster and page warm. */
  readonly index: number;
  readonly cover: number;
  /** Bytes a fence, beside the definitions. */
  readonly indexBytes: number;
  readonly coverBytes: number;
  /** Random points on which the cover was compared with the robust predicate, and how many differed. */
  readonly compared: number;
  readonly different: number;
}

type WhichPolygon = (data: FeatureCollection<Polygon, { id: string }>) => {
  (point: [number, number], multi: true): { id: string }[] | null;
};
const whichPolygon = createRequire(import.meta.url)('which-polygon') as WhichPolygon;

const featureOf = (fence: FenceDefinition): Shop => {
  if (fence.shape.type !== 'Polygon') throw new Error('the bench knows polygons');
  const coordinates = fence.shape.coordinates.map((ring) => ring.map(([x, y]) => [x, y]));
  return {
    type: 'Feature',
    properties: { id: fence.id },
    geometry: { type: 'Polygon', coordinates },
  };
};

/** Several ids as one string. One id is itself, said in each engine: calls cost as much as a search. */
const joined = (ids: string[]): string => ids.toSorted().join();

function foyer(index: FenceIndex): Lookup {
  return (lon, lat) => {
    const found = index.containing(lon, lat);
    if (found.length < 2) return found[0]?.id ?? '';
    return joined(found.map(({ id }) => id));
  };
}

function polygonTree(shops: readonly Shop[]): Lookup {
  const query = whichPolygon({ type: 'FeatureCollection', features: [...shops] });
  return (lon, lat) => {
    const found = query([lon, lat], true);
    if (found === null) return '';
    return found.length < 2 ? (found[0]?.id ?? '') : joined(found.map(({ id }) => id));
  };
}

function turfTree(shops: readonly Shop[]): Lookup {
  const tree = new RBush<{ minX: number; minY: number; maxX: number; maxY: number; shop: Shop }>();
  tree.load(
    shops.map((shop) => {
      const ring = shop.geometry.coordinates[0] ?? [];
      const box = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity, shop };
      for (const [x = 0, y = 0] of ring) {
        box.minX = Math.min(box.minX, x);
        box.minY = Math.min(box.minY, y);
        box.maxX = Math.max(box.maxX, x);
        box.maxY = Math.max(box.maxY, y);
      }
      return box;
    }),
  );
  return (lon, lat) => {
    const found = tree.search({ minX: lon, minY: lat, maxX: lon, maxY: lat });
    const inside = found.filter(({ shop }) => booleanPointInPolygon([lon, lat], shop.geometry));
    if (inside.length < 2) return inside[0]?.shop.properties.id ?? '';
    return joined(inside.map(({ shop }) => shop.properties.id));
  };
}

function turfScan(shops: readonly Shop[]): Lookup {
  const inside = (lon: number, lat: number) =>
    shops.filter((shop) => booleanPointInPolygon([lon, lat], shop.geometry));
  return (lon, lat) => joined(inside(lon, lat).map((shop) => shop.properties.id));
}

export interface Effort {
  readonly points: number;
  readonly rounds: number;
  readonly compared: number;
}

interface Engine {
  readonly name: string;
  readonly ask: Lookup;
  readonly points: number;
  readonly rates: number[];
  same: boolean;
}

/** Rounds alternate between engines, so that a slow moment of the machine hits all of them. */
export function benchLookups(
  name: string,
  { fences, side }: Land,
  random: () => number,
  effort: Effort,
): { lookups: LookupRow[]; build: BuildRow } {
  const { index, build } = benchBuild(name, fences, side, random, effort);
  const shops = fences.map(featureOf);
  const scanned = Math.max(20, Math.min(effort.points, Math.floor(200_000 / fences.length)));
  const engine = (title: string, ask: Lookup, points = effort.points): Engine => ({
    name: title,
    ask,
    points,
    rates: [],
    same: true,
  });
  const engines = [
    engine('foyer', foyer(index)),
    engine('which-polygon', polygonTree(shops)),
    engine('rbush + turf', turfTree(shops)),
    engine('turf, linear scan', turfScan(shops), scanned),
  ];
  const xy = pointsIn(side, effort.points, random);
  compare(engines, xy);
  for (let round = 0; round < effort.rounds; round++) {
    for (const each of engines) each.rates.push(rateOf(each, xy));
  }
  const usual = Math.max(...engines.slice(1).map((e) => median(e.rates)));
  const lookups = engines.map((e, i) => ({
    fences: fences.length,
    land: name,
    engine: e.name,
    perSecond: Math.round(median(e.rates)),
    range: [Math.round(Math.min(...e.rates)), Math.round(Math.max(...e.rates))] as const,
    points: e.points,
    sameAnswers: e.same,
    ...(i === 0 ? { times: Math.round((10 * median(e.rates)) / usual) / 10 } : {}),
  }));
  return { lookups, build };
}

function pointsIn(side: number, count: number, random: () => number): Float64Array {
  const xy = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) xy.set(at(random() * side, random() * side), 2 * i);
  return xy;
}

function compare(engines: readonly Engine[], xy: Float64Array): void {
  const [truth, ...others] = engines as [Engine, ...Engine[]];
  for (const engine of others) {
    for (let i = 0; i < Math.min(engine.points, 20_000); i++) {
      const [lon, lat] = [xy[2 * i] as number, xy[2 * i + 1] as number];
      if (engine.ask(lon, lat) !== truth.ask(lon, lat)) engine.same = false;
    }
  }
}

function rateOf(engine: Engine, xy: Float64Array): number {
  let hits = 0;
  const start = performance.now();
  for (let i = 0; i < engine.points; i++) {
    if (engine.ask(xy[2 * i] as number, xy[2 * i + 1] as number) !== '') hits++;
  }
  const rate = (engine.points * 1000) / (performance.now() - start);
  if (hits > engine.points) throw new Error('unreachable');
  return rate;
}

/** Builds the index, warms all of its cover, weighs both, and checks the cover's answers. */
function benchBuild(
  land: string,
  fences: readonly FenceDefinition[],
  side: number,
  random: () => number,
  effort: Effort,
): { index: FenceIndex; build: BuildRow } {
  const before = bytesHeld();
  const start = performance.now();
  const index = createFenceIndex(fences);
  const built = performance.now();
  const between = bytesHeld();
  const again = performance.now();
  for (const fence of index.all()) index.containing(fence.lon0, fence.lat0);
  const covered = performance.now();
  const after = bytesHeld();
  const xy = pointsIn(side, effort.compared, random);
  let different = 0;
  for (let i = 0; i < effort.compared; i++) {
    const [lon, lat] = [xy[2 * i] as number, xy[2 * i + 1] as number];
    const plain = index.candidates(lon, lat, 0.01).filter((fence) => contains(fence, lon, lat));
    const found = index.containing(lon, lat);
    if (plain.length !== found.length || plain.some((f, n) => f !== found[n])) different++;
  }
  const build = {
    fences: fences.length,
    land,
    index: Math.round(built - start),
    cover: Math.round(covered - again),
    indexBytes: Math.round((between - before) / fences.length),
    coverBytes: Math.round((after - between) / fences.length),
    compared: effort.compared,
    different,
  };
  return { index, build };
}
