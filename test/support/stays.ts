/** Made-up stays and walks on any plan, counted: found, false, and named among the alternates. */
import type { Fence, FenceDefinition } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import type { Ping } from '../../geo/engine.ts';
import type { Visit } from '../../geo/visit.ts';
import type { NoiseModel } from './tracks.ts';
import { contains } from '../../geo/contains.ts';
import { normalFrom, randomFrom } from '../../scripts/lib/random.ts';
import { moved, noisyTrack, runTrack } from './tracks.ts';

export interface StayOptions {
  readonly where: (fence: Fence) => boolean;
  /** Stays in each such fence. */
  readonly each: number;
  readonly acc: number;
  readonly seed: number;
  readonly noise: NoiseModel;
  readonly period?: number;
  /** Share of fixes thrown some 40 m off. */
  readonly wild?: number;
}

export interface Tally {
  readonly stays: number;
  /** Visits per stay to the right shop, and to other shops. */
  readonly found: number;
  readonly strangers: number;
  /** Stays with a visit to fence 0, which holds all; of those, with the shop among its alternates. */
  readonly parents: number;
  readonly named: number;
  readonly mostNamed: number;
}

export function somewhereIn(fence: Fence, random: () => number): [number, number] {
  const { box, lon0, lat0 } = fence;
  for (;;) {
    const lon = lon0 + box.minX + random() * (box.maxX - box.minX);
    const lat = lat0 + box.minY + random() * (box.maxY - box.minY);
    if (contains(fence, lon, lat)) return [lon, lat];
  }
}

export const reported = (pings: readonly Ping[], fences: FenceIndex): Visit[] =>
  runTrack(pings, fences).visits.filter((v) => v.band !== 'none');

function thrown(pings: readonly Ping[], share: number, seed: number): Ping[] {
  const random = randomFrom(seed);
  return pings.map((ping) => {
    if (random() >= share) return ping;
    const off = [40 * normalFrom(random), 40 * normalFrom(random)] as const;
    const [lon, lat] = moved(ping.lon, ping.lat, ...off);
    return { ...ping, lon, lat };
  });
}

/** Five-minute stays at random places in each of the chosen fences. */
export function stays(fences: FenceIndex, o: StayOptions): Tally {
  const sums = { stays: 0, found: 0, strangers: 0, parents: 0, named: 0, mostNamed: 0 };
  for (const shop of fences.all().filter(o.where)) {
    for (let n = 0; n < o.each; n++) {
      const salt = o.seed * 10_000 + Number(shop.id) * 30 + n;
      const spot = somewhereIn(shop, randomFrom(salt));
      const track = { seconds: 300, period: o.period ?? 30, acc: o.acc, seed: salt + 5 };
      const pings = noisyTrack(() => spot, { ...track, noise: o.noise });
      const visits = reported(o.wild ? thrown(pings, o.wild, salt + 9) : pings, fences);
      sums.stays++;
      if (visits.some((v) => v.fence === shop.id)) sums.found++;
      sums.strangers += visits.filter((v) => v.fence !== shop.id && v.fence !== '0').length;
      const names = visits.find((v) => v.fence === '0')?.alternates;
      if (!names) continue;
      sums.parents++;
      sums.mostNamed = Math.max(sums.mostNamed, names.length);
      if (names.some((a) => a.fence === shop.id)) sums.named++;
    }
  }
  return { ...sums, found: sums.found / sums.stays, strangers: sums.strangers / sums.stays };
}

/** A rectangle of metres east and north of a place. */
export function rectangle(
  id: string,
  origin: readonly [number, number],
  [east, north, width, height]: readonly [number, number, number, number],
  more: Partial<FenceDefinition> = {},
): FenceDefinition {
  const at = (x: number, y: number): [number, number] => moved(...origin, east + x, north + y);
  const ring = [at(0, 0), at(width, 0), at(width, height), at(0, height), at(0, 0)];
  return { id, name: id, shape: { type: 'Polygon', coordinates: [ring] }, ...more };
}

export const PLAN_ORIGIN: readonly [number, number] = [2.35, 48.85];

/** A hall of 140 × 60 m (fence 0) with shops of 5 to 31 m frontage along both long walls. */
export function hallPlan(seed: number): FenceDefinition[] {
  const random = randomFrom(seed);
  const plan = [rectangle('0', PLAN_ORIGIN, [0, 0, 140, 60])];
  for (const upper of [false, true]) {
    for (let x = 2; ;) {
      const width = 5 + random() * random() * 26;
      const depth = 8 + random() * 12;
      if (x + width > 138) break;
      const box = [x, upper ? 58 - depth : 2, width, depth] as const;
      plan.push(rectangle(String(plan.length), PLAN_ORIGIN, box, { parent: '0' }));
      x += width + 0.3;
    }
  }
  return plan;
}

/** A street 14 m wide with shops of 7 to 22 m frontage on both sides, and nothing that holds them. */
export function streetPlan(seed: number): FenceDefinition[] {
  const random = randomFrom(seed);
  const plan: FenceDefinition[] = [];
  let x = 0;
  for (let n = 1; n < 24; n++) {
    const width = 7 + random() * 15;
    const [near, far] = [9 + random() * 14, 9 + random() * 14];
    plan.push(rectangle(String(n), PLAN_ORIGIN, [x, 0, width, near]));
    plan.push(rectangle(String(n + 100), PLAN_ORIGIN, [x, -14 - far, width, far]));
    x += width + (random() < 0.2 ? 6 : 0.3);
  }
  return plan;
}
