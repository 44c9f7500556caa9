/** Recorded and made-up tracks for the geo tests: fixtures, the shared walks, and seeded noise. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature, FeatureCollection } from 'geojson';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Ping, Policy } from '../../geo/engine.ts';
import type { Transition, Visit } from '../../geo/visit.ts';
import { defaultPolicy, initialState, step, tick } from '../../geo/engine.ts';
import { parseFences } from '../../geo/geojson.ts';
import { normalFrom, randomFrom } from '../../scripts/lib/random.ts';
import { partPresent } from './parts.ts';

const ROOT = join(import.meta.dirname, '../..');
const FIXTURES = join(ROOT, 'test/fixtures/tracks');

/** A file of the shared test data, or null where it is not installed (FOYER_DATA names the folder). */
export function sharedData(...path: string[]): string | null {
  const folder = partPresent.sharedData;
  const file = folder ? join(folder, ...path) : null;
  return file && existsSync(file) ? file : null;
}

const METRES_PER_DEGREE = 111_195;

/** A point moved by metres east and north. */
export function moved(lon: number, lat: number, east: number, north: number): [number, number] {
  const kx = METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
  return [lon + east / kx, lat + north / METRES_PER_DEGREE];
}

export interface NoiseModel {
  /** Correlation time of the slow part of the error, seconds. */
  readonly tau: number;
  /** Share of the variance that is fresh with every fix. */
  readonly white: number;
}

export interface TrackOptions {
  readonly seconds: number;
  readonly period: number;
  readonly acc: number;
  readonly seed: number;
  readonly noise: NoiseModel;
  readonly start?: number;
}

/** Fixes of somebody on a path, with AR(1) error whose 68 % radius is the reported accuracy. */
export function noisyTrack(path: (second: number) => [number, number], o: TrackOptions): Ping[] {
  const random = randomFrom(o.seed);
  const sigma = o.acc / 1.5096;
  const slow = sigma * Math.sqrt(1 - o.noise.white);
  const fast = sigma * Math.sqrt(o.noise.white);
  const keep = Math.exp(-o.period / o.noise.tau);
  let [ex, ey] = [slow * normalFrom(random), slow * normalFrom(random)];
  const pings: Ping[] = [];
  for (let s = 0; s <= o.seconds; s += o.period) {
    if (s > 0) {
      const fresh = slow * Math.sqrt(1 - keep * keep);
      [ex, ey] = [keep * ex + fresh * normalFrom(random), keep * ey + fresh * normalFrom(random)];
    }
    const [lon, lat] = path(s);
    const east = ex + fast * normalFrom(random);
    const [x, y] = moved(lon, lat, east, ey + fast * normalFrom(random));
    pings.push({ t: (o.start ?? 1_700_000_000_000) + s * 1000, lon: x, lat: y, acc: o.acc });
  }
  return pings;
}

export interface Told {
  readonly transitions: Transition[];
  /** The last telling of each visit. */
  readonly visits: Visit[];
  readonly verdicts: (string | null)[];
}

/** A whole track through the engine, then silence until everything is final. */
export function runTrack(
  pings: readonly Ping[],
  fences: FenceIndex,
  policy: Policy = defaultPolicy,
  device = 'd',
): Told {
  let state = initialState(device);
  const transitions: Transition[] = [];
  const visits = new Map<string, Visit>();
  const verdicts: (string | null)[] = [];
  const take = (result: ReturnType<typeof step>): void => {
    ({ state } = result);
    transitions.push(...result.transitions);
    for (const visit of result.visits) visits.set(visit.id, visit);
  };
  for (const ping of pings) {
    const result = step(state, ping, fences, policy);
    verdicts.push(result.verdict.reason ?? null);
    take(result);
  }
  if (state.last) take(tick(state, state.last.t + 4 * 3_600_000, fences, policy));
  return { transitions, visits: [...visits.values()], verdicts };
}

export interface TrackFixture {
  readonly name: string;
  readonly fences: FenceDefinition[];
  readonly pings: Ping[];
}

const isFix = (f: Feature): boolean => f.properties?.t !== undefined;

/** A fixture is one GeoJSON file any viewer opens: fences, and each fix as a Point with `t`. */
export function trackFixtures(): TrackFixture[] {
  const files = readdirSync(join(FIXTURES, 'in')).filter((f) => f.endsWith('.geojson'));
  return files.toSorted().map((file) => {
    const text = readFileSync(join(FIXTURES, 'in', file), 'utf8');
    const { features } = JSON.parse(text) as FeatureCollection;
    const parsed = parseFences({ features: features.filter((f) => !isFix(f)) });
    if (parsed.refused.length > 0) throw new Error(`${file}: ${JSON.stringify(parsed.refused)}`);
    return {
      name: file.replace('.geojson', ''),
      fences: [...parsed.fences],
      pings: features.filter(isFix).map(pingOf),
    };
  });
}

function pingOf(feature: Feature): Ping {
  if (feature.geometry.type !== 'Point') throw new Error('a fix is a Point');
  const [lon, lat] = feature.geometry.coordinates as [number, number];
  const { t, ...rest } = feature.properties as { t: string; acc: number | null };
  return { t: Date.parse(t), lon, lat, ...rest };
}

/** What a fixture is known to give; with REGEN=1 what it gives now becomes what is known. */
export function expectedOutput(name: string, actual: unknown): unknown {
  const file = join(FIXTURES, 'out', `${name}.json`);
  const text = `${JSON.stringify(actual, null, 2)}\n`;
  if (process.env.REGEN === '1') {
    mkdirSync(join(FIXTURES, 'out'), { recursive: true });
    writeFileSync(file, text);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}
