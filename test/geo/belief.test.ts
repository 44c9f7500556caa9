/** Belief on plans and noise it was not made for: another hall, a street of shops, slow noise, wild fixes. */
import { describe, expect, test } from '@jest/globals';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { massInside, sharedMass } from '../../geo/mass.ts';
import { contains } from '../../geo/contains.ts';
import {
  PLAN_ORIGIN,
  hallPlan,
  rectangle,
  reported,
  somewhereIn,
  stays,
  streetPlan,
} from '../support/stays.ts';
import { moved, noisyTrack } from '../support/tracks.ts';
import { randomFrom } from '../../scripts/lib/random.ts';

const PLANS = { hall: hallPlan, street: streetPlan };
type Plan = keyof typeof PLANS;
const SEEDS = [1, 2, 3];
const cases = (Object.keys(PLANS) as Plan[]).flatMap((plan) =>
  SEEDS.map((seed) => [plan, seed] as const),
);
const isShop = {
  where: (f: { id: string; areaSquareMetres: number }) => f.id !== '0' && f.areaSquareMetres >= 100,
};

describe('another plan', () => {
  test.each(cases)('stays are found in the %s, seed %i', (plan, seed) => {
    const fences = createFenceIndex(PLANS[plan](seed));
    const tally = stays(fences, { ...isShop, each: 4, acc: 7, seed, noise: { tau: 20, white: 0 } });
    console.info(
      `${plan} ${seed}: ${tally.stays} stays, ${tally.found.toFixed(2)}, ${tally.strangers.toFixed(2)} false`,
    );
    expect(tally.found).toBeGreaterThanOrEqual(0.75);
    expect(tally.strangers).toBeLessThanOrEqual(0.2);
  });

  test.each(cases)(
    'also with slow noise and one fix in twenty thrown far off: %s, seed %i',
    (plan, seed) => {
      const fences = createFenceIndex(PLANS[plan](seed));
      const noise = { tau: 40, white: 0 };
      const tally = stays(fences, { ...isShop, each: 4, acc: 7, seed, noise, wild: 0.05 });
      console.info(
        `${plan} ${seed}, slow and wild: ${tally.found.toFixed(2)}, ${tally.strangers.toFixed(2)} false`,
      );
      expect(tally.found).toBeGreaterThanOrEqual(0.65);
      expect(tally.strangers).toBeLessThanOrEqual(0.25);
    },
  );

  test.each(cases)('nobody walking through the %s visits a shop, seed %i', (plan, seed) => {
    const fences = createFenceIndex(PLANS[plan](seed));
    const middle = plan === 'hall' ? 30 : -7;
    let visits = 0;
    for (let walk = 0; walk < 30; walk++) {
      const speed = 0.7 + 0.03 * walk;
      const at = (second: number): [number, number] =>
        moved(...PLAN_ORIGIN, speed * second, middle + 3 * Math.sin(second / 50));
      const period = [5, 15, 30][walk % 3] as number;
      const track = { seconds: 140 / speed, period, acc: 7, seed: seed * 1000 + walk };
      const pings = noisyTrack(at, { ...track, noise: { tau: 20, white: 0.2 } });
      visits += reported(pings, fences).filter((v) => v.fence !== '0').length;
    }
    expect(visits).toBe(0);
  });
});

describe('mass', () => {
  const square = createFenceIndex([
    rectangle('a', PLAN_ORIGIN, [0, 0, 20, 20]),
    rectangle('b', PLAN_ORIGIN, [10, 0, 20, 20]),
  ]);
  const [a, b] = square.all();

  test('is the share of random points that fall inside', () => {
    const random = randomFrom(5);
    for (let i = 0; i < 20; i++) {
      const [lon, lat] = moved(...PLAN_ORIGIN, random() * 40 - 10, random() * 40 - 10);
      const sigma = 1 + random() * 15;
      const noise = {
        seconds: 4000,
        period: 1,
        acc: sigma * 1.5096,
        seed: i,
        noise: { tau: 1, white: 1 },
      };
      const points = noisyTrack(() => [lon, lat], noise);
      const share = points.filter((p) => contains(a!, p.lon, p.lat)).length / points.length;
      expect(Math.abs(massInside(a!, lon, lat, sigma) - share)).toBeLessThan(0.035);
    }
  });

  test('shared ground is found to a hundredth', () => {
    const strip = createFenceIndex([rectangle('s', PLAN_ORIGIN, [10, 0, 10, 20])]).all()[0]!;
    for (const sigma of [2, 6, 20]) {
      const [lon, lat] = somewhereIn(a!, randomFrom(sigma));
      const shared = sharedMass(a!, [b!], lon, lat, sigma);
      expect(Math.abs(shared - massInside(strip, lon, lat, sigma))).toBeLessThan(0.03);
    }
  });
});
