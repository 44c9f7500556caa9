/** PURE. Fences for the geo bench: a town of shops, a land of big polygons, a city of malls; all seeded. */
import type { FenceDefinition, Position } from '../../geo/fence.ts';

type Random = () => number;

/** Metres to degrees about one place. */
const METRES = 1 / 111_195;
export const ORIGIN = { lon: 120, lat: 30.27 };
const KX = METRES / Math.cos((ORIGIN.lat * Math.PI) / 180);

/** Degrees of a place so many metres east and north of the origin. */
export const at = (east: number, north: number): [number, number] => [
  ORIGIN.lon + east * KX,
  ORIGIN.lat + north * METRES,
];

export interface Land {
  readonly fences: FenceDefinition[];
  /** Metres of the square they stand in. */
  readonly side: number;
}

const polygon = (id: string, ring: Position[], parent?: string): FenceDefinition => ({
  id,
  name: id,
  shape: { type: 'Polygon', coordinates: [[...ring, ring[0] as Position]] },
  ...(parent === undefined ? {} : { parent }),
});

/** 32-gons, 6 to 14 m in radius, one each 33 m: three tenths of the ground. */
export function shopTown(count: number, random: Random): Land {
  const across = Math.ceil(Math.sqrt(count));
  const fences = Array.from({ length: count }, (_, i) => {
    const [x, y] = [((i % across) + 0.5) * 33, (Math.floor(i / across) + 0.5) * 33];
    const radius = 6 + random() * 8;
    const ring = Array.from({ length: 32 }, (_v, v): Position => {
      const turn = (2 * Math.PI * v) / 32;
      const r = radius * (0.85 + 0.15 * random());
      return at(x + r * Math.cos(turn), y + r * Math.sin(turn));
    });
    return polygon(String(i), ring);
  });
  return { fences, side: across * 33 };
}

/** Outlines of 500 to 5,000 vertices with bays and a rough shore, 60 to 140 m in radius, each 330 m. */
export function bigPolygons(count: number, random: Random): Land {
  const across = Math.ceil(Math.sqrt(count));
  const fences = Array.from({ length: count }, (_, i) => {
    const [x, y] = [((i % across) + 0.5) * 330, (Math.floor(i / across) + 0.5) * 330];
    const vertices = 500 + Math.floor(4501 * random());
    const radius = 60 + 80 * random();
    const [a, b] = [6.28 * random(), 6.28 * random()];
    const ring = Array.from({ length: vertices }, (_v, v): Position => {
      const turn = (2 * Math.PI * v) / vertices;
      const bays = 0.8 + 0.12 * Math.sin(3 * turn + a) + 0.08 * Math.sin(11 * turn + b);
      const r = radius * bays * (0.97 + 0.03 * random());
      return at(x + r * Math.cos(turn), y + r * Math.sin(turn));
    });
    return polygon(String(i), ring);
  });
  return { fences, side: across * 330 };
}

export interface Mall {
  readonly x: number;
  readonly y: number;
}
export interface City extends Land {
  /** South-west corners of the malls, 120 m by 100 m. */
  readonly malls: Mall[];
  readonly mallFences: number;
}

const MALL_SHOPS = 80;

/**
 * Malls (an outline and 80 shops wall to wall along four aisles) 1,500 m apart, and between them a
 * street with twenty shops for each mall.
 */
export function mallCity(count: number, random: Random): City {
  const malls: Mall[] = [];
  const fences: FenceDefinition[] = [];
  const number = Math.max(1, Math.round(count / (MALL_SHOPS + 21)));
  const across = Math.ceil(Math.sqrt(number));
  const box = (id: string, x: number, y: number, w: number, h: number, parent?: string) =>
    polygon(id, [at(x, y), at(x + w, y), at(x + w, y + h), at(x, y + h)], parent);
  for (let m = 0; m < number; m++) {
    const [x, y] = [(m % across) * 1500 + 600, Math.floor(m / across) * 1500 + 600];
    malls.push({ x, y });
    fences.push(box(`m${m}`, x, y, 120, 100));
    for (let s = 0; s < MALL_SHOPS; s++) {
      const [column, row] = [s % 10, Math.floor(s / 10)];
      const south = y + Math.floor(row / 2) * 25 + (row % 2) * 14;
      fences.push(box(`m${m}-${s}`, x + 12 * column, south, 12, 11, `m${m}`));
    }
    for (let s = 0; s < 20 && fences.length < count; s++) {
      fences.push(box(`s${m}-${s}`, x - 500 + 14 * s, y + 700, 8 + 5 * random(), 9 + 6 * random()));
    }
  }
  return { fences, side: across * 1500, malls, mallFences: MALL_SHOPS };
}
