/** PURE. Where each visitor of the demo is at any moment, and what a phone would report of it. */
import { corridorY, entrance, parcelDesk, shops, toLonLat, tramStop } from './mall.ts';
import type { Shop, Spot } from './mall.ts';
import type { Random } from '../lib/random.ts';

export interface Stay {
  shop: Shop;
  seconds: number;
}

interface Leg {
  from: Spot;
  to: Spot;
  start: number;
  end: number;
}

/** A walk through the mall; times are seconds after its start. */
export interface Walk {
  legs: Leg[];
  seconds: number;
  stays: { shop: Shop; from: number; to: number }[];
}

const walkingSpeed = 1.1;

function inside({ box: [west, south, east, north] }: Shop, random: Random): Spot {
  const margin = 6;
  return {
    x: random.between(west + margin, east - margin),
    y: random.between(south + margin, north - margin),
  };
}

/** In through the entrance, along the corridor into each shop in turn, and out again. */
export function planWalk(plan: readonly Stay[], random: Random): Walk {
  const legs: Leg[] = [];
  const stays: Walk['stays'] = [];
  let at = entrance;
  let now = 0;
  const go = (to: Spot): void => {
    const seconds = Math.hypot(to.x - at.x, to.y - at.y) / walkingSpeed;
    legs.push({ from: at, to, start: now, end: now + seconds });
    now += seconds;
    at = to;
  };
  for (const { shop, seconds } of plan) {
    const spot = inside(shop, random);
    go({ x: at.x, y: corridorY });
    go({ x: spot.x, y: corridorY });
    go(spot);
    stays.push({ shop, from: now, to: now + seconds });
    legs.push({ from: spot, to: spot, start: now, end: now + seconds });
    now += seconds;
  }
  // Somebody without a plan walks the corridor to its end.
  if (plan.length === 0) go({ x: 172, y: corridorY });
  go({ x: at.x, y: corridorY });
  go(entrance);
  go(tramStop);
  return { legs, seconds: now, stays };
}

/** A shopper's plan: one to three shops, three to nine minutes each. */
export function randomPlan(random: Random): Stay[] {
  const count = 1 + Math.floor(random.next() * 3);
  return Array.from({ length: count }, () => ({
    shop: random.pick(shops),
    seconds: random.between(200, 540),
  }));
}

export function whereAt(walk: Walk, second: number): Spot {
  const leg = walk.legs.find(({ end }) => second < end) ?? walk.legs.at(-1)!;
  const share = leg.end === leg.start ? 1 : (second - leg.start) / (leg.end - leg.start);
  const part = Math.min(1, Math.max(0, share));
  return {
    x: leg.from.x + (leg.to.x - leg.from.x) * part,
    y: leg.from.y + (leg.to.y - leg.from.y) * part,
  };
}

export interface Fix {
  /** ms since 1970. */
  t: number;
  lon: number;
  lat: number;
  /** Metres, 68 %. */
  acc: number;
  /** m/s */
  speed: number;
  /** Whether the parcel desk's beacon is heard. */
  desk?: boolean;
}

function atDesk({ x, y }: Spot): boolean {
  const [west, south, east, north] = parcelDesk.box;
  return x > west && x < east && y > south && y < north;
}

/** A phone: true position plus noise that drifts (first-order autoregressive, 20 s), as indoors. */
export function createPhone(
  random: Random,
  accuracy: number,
): (walk: Walk, startedAt: number, t: number) => Fix {
  const sigma = accuracy / 1.5096;
  let last: { t: number; dx: number; dy: number } | null = null;
  return (walk, startedAt, t) => {
    const keep = last ? Math.exp(-(t - last.t) / 20_000) : 0;
    const fresh = Math.sqrt(1 - keep * keep) * sigma;
    last = {
      t,
      dx: (last?.dx ?? 0) * keep + fresh * random.normal(),
      dy: (last?.dy ?? 0) * keep + fresh * random.normal(),
    };
    const second = (t - startedAt) / 1000;
    const here = whereAt(walk, second);
    const before = whereAt(walk, second - 1);
    return {
      t,
      ...toLonLat({ x: here.x + last.dx, y: here.y + last.dy }),
      acc: accuracy,
      speed: Math.round(Math.hypot(here.x - before.x, here.y - before.y) * 10) / 10,
      desk: atDesk(here),
    };
  };
}
