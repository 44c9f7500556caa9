/** Fence lookups and whole engine steps per second, against the usual tools on the same points in one run. */
import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import { Command } from 'commander';
import type { Feature, FeatureCollection, Polygon } from 'geojson';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import RBush from 'rbush';
import type { FenceDefinition, Position } from '../geo/fence.ts';
import type { DeviceState, Ping } from '../geo/engine.ts';
import { defaultPolicy, initialState, step } from '../geo/engine.ts';
import { createFenceIndex } from '../geo/fence-index.ts';
import { randomFrom } from './lib/random.ts';

type Shop = Feature<Polygon, { id: string }>;
type Lookup = (lon: number, lat: number) => string;

interface LookupRow {
  readonly fences: number;
  readonly engine: string;
  readonly perSecond: number;
  readonly points: number;
  readonly sameAnswers: boolean;
}
interface StepRow {
  readonly fences: number;
  readonly devices: number;
  readonly pings: number;
  readonly perSecond: number;
  readonly transitions: number;
}

type WhichPolygon = (data: FeatureCollection<Polygon, { id: string }>) => {
  (point: [number, number], multi: true): { id: string }[] | null;
};
const whichPolygon = createRequire(import.meta.url)('which-polygon') as WhichPolygon;

const VERTICES = 32;
const METRES = 1 / 111_195;
const LAT = 30.27;
const KX = METRES / Math.cos((LAT * Math.PI) / 180);

/** A town whose shops, 6 to 14 m in radius, cover about three tenths of the ground. */
function town(count: number, random: () => number): { shops: Shop[]; side: number } {
  const cells = Math.ceil(Math.sqrt(count));
  const pitch = 33;
  const shops: Shop[] = [];
  for (let i = 0; i < count; i++) {
    const x = ((i % cells) + 0.5) * pitch;
    const y = (Math.floor(i / cells) + 0.5) * pitch;
    const radius = 6 + random() * 8;
    const ring: Position[] = [];
    for (let v = 0; v < VERTICES; v++) {
      const a = (2 * Math.PI * v) / VERTICES;
      const r = radius * (0.85 + 0.15 * random());
      ring.push([120 + (x + r * Math.cos(a)) * KX, LAT + (y + r * Math.sin(a)) * METRES]);
    }
    ring.push(ring[0] as Position);
    shops.push({
      type: 'Feature',
      properties: { id: String(i) },
      geometry: { type: 'Polygon', coordinates: [ring.map(([lon, lat]) => [lon, lat])] },
    });
  }
  return { shops, side: cells * pitch };
}

const definitionOf = (shop: Shop): FenceDefinition => ({
  id: shop.properties.id,
  name: shop.properties.id,
  shape: { type: 'Polygon', coordinates: shop.geometry.coordinates as unknown as Position[][] },
});

const joined = (ids: string[]): string => (ids.length < 2 ? (ids[0] ?? '') : ids.toSorted().join());

function foyer(shops: readonly Shop[]): Lookup {
  const index = createFenceIndex(shops.map(definitionOf));
  return (lon, lat) => joined(index.containing(lon, lat).map((fence) => fence.id));
}

function polygonTree(shops: readonly Shop[]): Lookup {
  const query = whichPolygon({ type: 'FeatureCollection', features: [...shops] });
  return (lon, lat) => joined((query([lon, lat], true) ?? []).map((p) => p.id));
}

function turfTree(shops: readonly Shop[]): Lookup {
  const tree = new RBush<{ minX: number; minY: number; maxX: number; maxY: number; shop: Shop }>();
  tree.load(
    shops.map((shop) => {
      const ring = shop.geometry.coordinates[0] ?? [];
      const xs = ring.map((p) => p[0] ?? 0);
      const ys = ring.map((p) => p[1] ?? 0);
      const [minX, maxX] = [Math.min(...xs), Math.max(...xs)];
      return { minX, minY: Math.min(...ys), maxX, maxY: Math.max(...ys), shop };
    }),
  );
  return (lon, lat) => {
    const found = tree.search({ minX: lon, minY: lat, maxX: lon, maxY: lat });
    const inside = found.filter(({ shop }) => booleanPointInPolygon([lon, lat], shop.geometry));
    return joined(inside.map(({ shop }) => shop.properties.id));
  };
}

function turfScan(shops: readonly Shop[]): Lookup {
  return (lon, lat) =>
    joined(
      shops
        .filter((shop) => booleanPointInPolygon([lon, lat], shop.geometry))
        .map((shop) => shop.properties.id),
    );
}

const ENGINES = [
  { name: 'foyer', build: foyer, share: 1 },
  { name: 'which-polygon', build: polygonTree, share: 1 },
  { name: 'rbush + turf', build: turfTree, share: 1 },
  { name: 'turf, linear scan', build: turfScan, share: 0 },
] as const;

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Rounds alternate between engines, so that a slow moment of the machine hits all of them. */
function benchLookups(count: number, points: number, rounds: number): LookupRow[] {
  const random = randomFrom(count);
  const { shops, side } = town(count, random);
  const xy = Float64Array.from({ length: points * 2 }, (_, i) =>
    i % 2 === 0 ? 120 + random() * side * KX : LAT + random() * side * METRES,
  );
  const scanned = Math.max(20, Math.min(points, Math.floor(2_000_000 / count / 10)));
  const engines = ENGINES.map((engine) => ({
    name: engine.name,
    ask: engine.build(shops),
    points: engine.share === 1 ? points : scanned,
    rates: [] as number[],
    same: true,
  }));
  const truth = engines[0] as (typeof engines)[number];
  for (const engine of engines) {
    for (let i = 0; i < Math.min(engine.points, 20_000); i++) {
      const [lon, lat] = [xy[2 * i] as number, xy[2 * i + 1] as number];
      if (engine.ask(lon, lat) !== truth.ask(lon, lat)) engine.same = false;
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const engine of engines) {
      let hits = 0;
      const start = performance.now();
      for (let i = 0; i < engine.points; i++) {
        if (engine.ask(xy[2 * i] as number, xy[2 * i + 1] as number) !== '') hits++;
      }
      engine.rates.push((engine.points * 1000) / (performance.now() - start));
      if (hits > engine.points) throw new Error('unreachable');
    }
  }
  return engines.map((e) => ({
    fences: count,
    engine: e.name,
    perSecond: Math.round(median(e.rates)),
    points: e.points,
    sameAnswers: e.same,
  }));
}

interface Walker {
  state: DeviceState;
  x: number;
  y: number;
  heading: number;
  pausing: number;
}

/** A mixed crowd: walking about, stopping for minutes, 8 m accuracy, a ping each ten seconds. */
function benchSteps(count: number, devices: number, ticks: number): StepRow {
  const random = randomFrom(count + 1);
  const { shops, side } = town(count, random);
  const fences = createFenceIndex(shops.map(definitionOf));
  const crowd: Walker[] = Array.from({ length: devices }, (_, i) => ({
    state: initialState(`device-${i}`),
    x: random() * side,
    y: random() * side,
    heading: random() * 6.28,
    pausing: random() < 0.5 ? Math.floor(random() * 30) : 0,
  }));
  let transitions = 0;
  let steps = 0;
  let elapsed = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const pings = crowd.map((walker) => nextPing(walker, tick, side, random));
    const start = performance.now();
    crowd.forEach((walker, i) => {
      const result = step(walker.state, pings[i] as Ping, fences, defaultPolicy);
      walker.state = result.state;
      transitions += result.transitions.length;
    });
    // The first third warms the machine and the fences' kin.
    if (tick * 3 < ticks) continue;
    elapsed += performance.now() - start;
    steps += devices;
  }
  return {
    fences: count,
    devices,
    pings: steps,
    perSecond: Math.round((steps * 1000) / elapsed),
    transitions,
  };
}

function nextPing(walker: Walker, tick: number, side: number, random: () => number): Ping {
  if (walker.pausing > 0) walker.pausing--;
  else {
    walker.heading += (random() - 0.5) * 1.2;
    walker.x = Math.min(side, Math.max(0, walker.x + 10 * Math.cos(walker.heading)));
    walker.y = Math.min(side, Math.max(0, walker.y + 10 * Math.sin(walker.heading)));
    if (random() < 0.05) walker.pausing = 30;
  }
  const noise = (): number => (random() + random() + random() - 1.5) * 10;
  return {
    t: 1_700_000_000_000 + tick * 10_000,
    lon: 120 + (walker.x + noise()) * KX,
    lat: LAT + (walker.y + noise()) * METRES,
    acc: 8,
  };
}

const thousands = (n: number): string => n.toLocaleString('en-US');

function table(lookups: readonly LookupRow[], steps: readonly StepRow[]): string {
  const out = ['lookups per second (same points, same answers checked)', ''];
  out.push(`${'fences'.padStart(9)}  ${'engine'.padEnd(18)} ${'per second'.padStart(12)}  same`);
  for (const row of lookups) {
    const rate = thousands(row.perSecond).padStart(12);
    const same = row.sameAnswers ? 'yes' : 'NO';
    out.push(`${thousands(row.fences).padStart(9)}  ${row.engine.padEnd(18)} ${rate}  ${same}`);
  }
  out.push('', 'whole step() per second, mixed crowd, one core', '');
  out.push(`${'fences'.padStart(9)}  ${'devices'.padStart(9)} ${'per second'.padStart(12)}`);
  for (const row of steps) {
    const size = `${thousands(row.fences).padStart(9)}  ${thousands(row.devices).padStart(9)}`;
    out.push(`${size} ${thousands(row.perSecond).padStart(12)}`);
  }
  return out.join('\n');
}

function main(options: { json?: true; quick?: true }): void {
  const quick = options.quick === true;
  const sizes = quick ? [100, 1000] : [100, 10_000, 100_000];
  const lookups = sizes.flatMap((n) => benchLookups(n, quick ? 5000 : 200_000, quick ? 1 : 5));
  const steps = (quick ? [1000] : [100, 10_000, 100_000]).map((n) =>
    benchSteps(n, quick ? 100 : 2000, quick ? 6 : 45),
  );
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown' };
  const report = { bench: 'geo', quick, machine, lookups, steps };
  console.log(options.json === true ? JSON.stringify(report) : table(lookups, steps));
  // A fast wrong answer is no answer.
  if (lookups.some((row) => !row.sameAnswers)) process.exitCode = 1;
}

new Command('bench-geo')
  .description('Fence lookups and engine steps per second, against which-polygon and Turf.')
  .option('--json', 'one JSON object instead of a table')
  .option('--quick', 'a few seconds of everything, to see that it runs')
  .action(main)
  .parse();
