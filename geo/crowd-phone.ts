/** PURE. What phones make of where people are: periods, gaps, and errors of two different kinds. */
import type { Draw } from './draw.ts';
import type { Spot } from './crowd-town.ts';
import type { Way } from './crowd-walk.ts';
import { positionAt } from './crowd-walk.ts';

/**
 * drift: Gaussian errors that wander (AR(1), several correlation times) with rare wild fixes.
 * access-points: every access point pulls its own way, what a scan gives holds for a while, and each
 * fix adds a heavy-tailed (Student's t) error of its own.
 */
export type NoiseKind = 'drift' | 'access-points';

export interface Sighting extends Spot {
  readonly second: number;
  readonly acc: number;
  readonly speed?: number;
  readonly still?: boolean;
}

/** 68 % of a two-dimensional normal error lie within this many standard deviations. */
const RADIUS_68 = 1.5096;

/** Unit error (standard deviation about 1 on each axis) at a spot and second. */
type ErrorAt = (spot: Spot, second: number) => [number, number];

function drifting(draw: Draw): ErrorAt {
  const tau = draw.pick([10, 20, 40, 90, 300, 1200]);
  const white = draw.pick([0, 0.25, 0.5]);
  // A third of the phones hand out what one radio scan gave until the next.
  const hold = draw.chance(1 / 3) ? draw.between(15, 60) : 0;
  const [slow, fast] = [Math.sqrt(1 - white), Math.sqrt(white)];
  let [x, y, last] = [draw.normal(), draw.normal(), 0];
  return (_, second) => {
    if (second - last >= hold) {
      const keep = hold > 0 ? 0 : Math.exp(-(second - last) / tau);
      const fresh = Math.sqrt(1 - keep * keep);
      last = second;
      x = keep * x + fresh * draw.normal();
      y = keep * y + fresh * draw.normal();
    }
    return [slow * x + fast * draw.normal(), slow * y + fast * draw.normal()];
  };
}

/** A number that belongs to a cell of the floor and to nothing else, in (-1, 1). */
function cellNumber(x: number, y: number, salt: number): number {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(salt, 2246822519);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 2147483648 - 1;
}

function pulled(draw: Draw, town: number): ErrorAt {
  const cell = 18;
  let [sx, sy, until] = [0, 0, -1];
  return ({ x, y }, second) => {
    if (second > until) {
      [sx, sy] = [draw.normal(), draw.normal()];
      until = second + draw.exponential(35);
    }
    const [cx, cy] = [Math.floor(x / cell), Math.floor(y / cell)];
    const bias = (axis: number): number => cellNumber(cx, cy, town * 2 + axis) * 0.9;
    return [bias(0) + 0.5 * sx + 0.5 * draw.student(3), bias(1) + 0.5 * sy + 0.5 * draw.student(3)];
  };
}

interface Phone {
  readonly period: number;
  readonly acc: number;
  /** True error over what the reported accuracy says: 1, and now and then not. */
  readonly scale: number;
  readonly tellsStill: boolean;
  readonly tellsSpeed: boolean;
  /** Asks for fewer fixes while it lies still. */
  readonly lazy: boolean;
  readonly gap: readonly [from: number, to: number];
}

function makePhone(end: number, draw: Draw): Phone {
  const hole = draw.chance(0.15) ? draw.between(0, end) : end + 1;
  return {
    period: draw.pick([4, 10, 15, 30, 30, 60, 120, 300]),
    acc: Math.exp(draw.between(Math.log(4), Math.log(40))),
    scale: draw.chance(0.8) ? 1 : draw.pick([0.6, 1.5, 2]),
    tellsStill: draw.chance(0.2),
    tellsSpeed: draw.chance(0.3),
    lazy: draw.chance(0.2),
    gap: [hole, hole + draw.between(180, 1500)],
  };
}

/** What one phone reports of a way; at first often already somewhere, at the end often cut off. */
export function sightingsOf(way: Way, noise: NoiseKind, town: number, draw: Draw): Sighting[] {
  const end = way.points.at(-1)?.second ?? 0;
  const phone = makePhone(end, draw);
  const errorAt = noise === 'drift' ? drifting(draw) : pulled(draw, town);
  const from = draw.chance(0.25) ? draw.between(0, end * 0.7) : draw.between(0, phone.period);
  const to = draw.chance(0.2) ? draw.between(from, end) : end + 120;
  const seen: Sighting[] = [];
  let [leg, before] = [0, null as Spot | null];
  for (let second = from; second <= to;) {
    const [spot, at] = positionAt(way.points, second, leg);
    leg = at;
    const moved = before === null ? 0 : Math.hypot(spot.x - before.x, spot.y - before.y);
    before = spot;
    if (second < phone.gap[0] || second > phone.gap[1]) {
      seen.push(sight(spot, second, speedAt(way, second, leg), phone, errorAt, noise, draw));
    }
    const rest = phone.lazy && moved < 1 ? 4 : 1;
    second += phone.period * rest * draw.between(0.85, 1.15);
  }
  return seen;
}

function speedAt(way: Way, second: number, leg: number): number {
  const [a] = positionAt(way.points, second, leg);
  const [b] = positionAt(way.points, second + 1, leg);
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function sight(
  spot: Spot,
  second: number,
  speed: number,
  phone: Phone,
  errorAt: ErrorAt,
  noise: NoiseKind,
  draw: Draw,
): Sighting {
  const acc = Math.min(60, Math.max(3, phone.acc * Math.exp(0.2 * draw.normal())));
  const sigma = (acc / RADIUS_68) * phone.scale;
  const [ex, ey] = errorAt(spot, second);
  const wild = noise === 'drift' && draw.chance(0.01) ? draw.between(30, 200) : 0;
  const way = draw.between(0, 2 * Math.PI);
  const told = Math.max(0, speed + 0.25 * draw.normal());
  return {
    second,
    x: spot.x + sigma * ex + wild * Math.cos(way),
    y: spot.y + sigma * ey + wild * Math.sin(way),
    acc,
    ...(phone.tellsSpeed ? { speed: told } : {}),
    ...(phone.tellsStill ? { still: speed < 0.2 !== draw.chance(0.05) } : {}),
  };
}
