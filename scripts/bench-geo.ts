/** Fence lookups, live edits and whole engine steps per second, against the usual tools in one run. */
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { EditRow } from './bench/geo-edits.ts';
import type { BuildRow, Effort, LookupRow } from './bench/geo-lookups.ts';
import type { PostgisRow } from './bench/geo-postgis.ts';
import type { StepRow } from './bench/geo-steps.ts';
import type { Tile38Row } from './bench/geo-tile38.ts';
import { benchEdits } from './bench/geo-edits.ts';
import { benchLookups } from './bench/geo-lookups.ts';
import { benchPostgis } from './bench/geo-postgis.ts';
import { benchSteps } from './bench/geo-steps.ts';
import { benchTile38 } from './bench/geo-tile38.ts';
import { geoTables } from './bench/geo-tables.ts';
import { bigPolygons, mallCity, shopTown } from './bench/geo-town.ts';
import { randomFrom } from './lib/random.ts';
import { whole } from './lib/whole.ts';

export interface GeoReport {
  readonly bench: 'geo';
  readonly quick: boolean;
  readonly machine: { readonly node: string; readonly cpu: string; readonly versions: string };
  readonly seed: number;
  readonly lookups: LookupRow[];
  readonly builds: BuildRow[];
  readonly edits: EditRow;
  readonly steps: StepRow[];
  /** A word on why where it was left out. */
  readonly postgis: PostgisRow[] | string;
  readonly tile38: Tile38Row[] | string;
}

interface Options {
  readonly json?: true;
  readonly quick?: true;
  readonly seed: number;
}

/** What each part is given: enough to measure, or just enough to see that it runs. */
function plan(quick: boolean) {
  const effort: Effort = quick
    ? { points: 5000, rounds: 1, compared: 5000 }
    : { points: 200_000, rounds: 5, compared: 1_000_000 };
  return {
    effort,
    shops: quick ? [100, 1000] : [100, 10_000, 100_000],
    polygons: quick ? 20 : 1000,
    edited: quick ? { fences: 1000, edits: 50 } : { fences: 100_000, edits: 2000 },
    cities: quick ? [1000] : [100, 10_000, 100_000],
    devices: quick ? 100 : 2000,
    // A crowd at its daily ways: in the first rounds every shop is met for the first time.
    rounds: quick ? 6 : 240,
    batches: quick ? 2 : 20,
  };
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return `${name} ${version}`;
}

async function measure({ quick, seed }: Options): Promise<GeoReport> {
  const { effort, shops, polygons, edited, cities, devices, rounds, batches } = plan(
    quick === true,
  );
  const random = (n: number) => randomFrom(seed + n);
  // One land at a time, live edits and steps first: what an earlier part leaves behind slows the later.
  const land = (n: number) => shopTown(n, random(n));
  const edits = benchEdits(land(edited.fences), edited.edits);
  const steps = cities.map((n) =>
    benchSteps(mallCity(n, random(n)), devices, rounds, random(n + 1)),
  );
  const found = [
    ...shops.map((n) => benchLookups('shops', land(n), random(1), effort)),
    benchLookups('500–5,000 vertices', bigPolygons(polygons, random(0)), random(2), effort),
  ];
  const town = land(shops[1] ?? 100);
  const { TILE38_URL: tile38, TEST_DATABASE_URL: test, DATABASE_URL: database } = process.env;
  const postgres = test || database;
  return {
    bench: 'geo',
    quick: quick === true,
    machine: {
      node: process.version,
      cpu: cpus()[0]?.model ?? 'unknown',
      versions: ['which-polygon', 'rbush', '@turf/boolean-point-in-polygon']
        .map(versionOf)
        .join(', '),
    },
    seed,
    lookups: found.flatMap(({ lookups }) => lookups),
    builds: found.map(({ build }) => build),
    edits,
    steps,
    postgis: postgres
      ? [await benchPostgis(postgres, town, batches, random(7))]
      : 'left out: no TEST_DATABASE_URL or DATABASE_URL',
    tile38: tile38
      ? [await benchTile38(tile38, town, batches, random(8))]
      : 'left out: no TILE38_URL',
  };
}

async function main(options: Options): Promise<void> {
  const report = await measure(options);
  console.log(options.json === true ? JSON.stringify(report) : geoTables(report));
  // A fast wrong answer is no answer.
  const wrong = [...report.lookups, ...(Array.isArray(report.postgis) ? report.postgis : [])];
  const differing = report.builds.some(({ different }) => different > 0);
  if (differing || wrong.some((row) => !row.sameAnswers)) process.exitCode = 1;
}

await new Command('bench-geo')
  .description('Fence lookups and engine steps per second, against which-polygon and Turf.')
  .option('--json', 'one JSON object instead of tables')
  .option('--quick', 'a few seconds of everything, to see that it runs')
  .option('--seed <number>', 'another town and other people', whole(0), 1)
  .action(main)
  .parseAsync();
