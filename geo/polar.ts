/** PURE. Rings that go round a pole: which pole, and the same ground as an outline on a flat map. */
import type { Position, Ring } from './fence.ts';
import { wrapLon } from './lonlat.ts';

export type Pole = 1 | -1;

export interface PolarRing {
  readonly pole: Pole;
  /** x, y of one turn with y in degrees of latitude; the last vertex is the first, 360° on. */
  readonly chain: readonly number[];
  /** Mean sine of the latitude along the ring. */
  readonly height: number;
  /** False when the ring lies about the equator: neither side is clearly the smaller. */
  readonly sure: boolean;
}

const AT_POLE = 90 - 1e-9;
const RADIANS = Math.PI / 180;
/** Sine of ten degrees. */
const CLEAR = 0.174;

const isPole = ([, lat]: Position): boolean => Math.abs(lat) >= AT_POLE;
const sameMeridian = (a: Position, b: Position): boolean => {
  const apart = Math.abs(wrapLon(a[0] - b[0]));
  return apart < 1e-9;
};

/**
 * Flat maps draw Antarctica with a slit: along ±180° to the pole, along the map's edge, and back.
 * The vertices at the pole go, and with them the slit; the ring then ends where the slit was.
 */
function withoutSlit(open: readonly Position[]): { ring: Position[]; pole: Pole | null } {
  const start = open.findIndex((p) => !isPole(p));
  if (start < 0) return { ring: [...open], pole: null };
  const turned = [...open.slice(start), ...open.slice(0, start)];
  const ring: Position[] = [];
  let pole: Pole | null = null;
  let slit = 0;
  for (let i = 0; i < turned.length; i++) {
    const here = turned[i] as Position;
    if (!isPole(here)) {
      ring.push(here);
      continue;
    }
    let end = i;
    while (end + 1 < turned.length && isPole(turned[end + 1] as Position)) end++;
    const after = turned[(end + 1) % turned.length] as Position;
    if (sameMeridian(ring.at(-1) as Position, after)) {
      pole = here[1] > 0 ? 1 : -1;
      slit = ring.length;
    } else ring.push(...turned.slice(i, end + 1));
    i = end;
  }
  return { ring: [...ring.slice(slit), ...ring.slice(0, slit)], pole };
}

/** Degrees between the vertices that keep a whole turn along a parallel on it. */
const STEP = 0.1;

/**
 * Longitudes run on. `whole` reads a step from −180 to 180 as once round, along a straight line of
 * the flat map, not as standing still; the step that closes the ring never is one.
 */
function unrolled(open: readonly Position[], whole: boolean): number[] {
  const [first, lat0] = open[0] as Position;
  const xy: number[] = [first, lat0];
  let x = first;
  for (let i = 1; i <= open.length; i++) {
    const [lon, lat] = open[i % open.length] as Position;
    const [fromLon, from] = open[i - 1] as Position;
    const raw = lon - fromLon;
    const round = whole && i < open.length && Math.abs(raw) === 360;
    const steps = round ? 360 / STEP : 1;
    const step = (round ? raw : wrapLon(raw)) / steps;
    for (let k = 1; k < steps; k++) xy.push(x + k * step, from + (k * (lat - from)) / steps);
    x += steps * step;
    xy.push(x, lat);
  }
  return xy;
}

const turnOf = (xy: readonly number[]): number => (xy.at(-2) as number) - (xy[0] as number);

/** Starts at the vertex nearest the pole: no edge lies between it and the pole. */
function fromTheTop(xy: readonly number[], pole: Pole): number[] {
  let top = 0;
  for (let i = 2; i < xy.length - 2; i += 2) {
    if (pole * (xy[i + 1] as number) > pole * (xy[top + 1] as number)) top = i;
  }
  const turn = turnOf(xy);
  const chain = xy.slice(top);
  for (let i = 2; i <= top; i += 2) chain.push((xy[i] as number) + turn, xy[i + 1] as number);
  return chain;
}

function heightOf(xy: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i + 3 < xy.length; i += 2) {
    const low = Math.sin((xy[i + 1] as number) * RADIANS);
    const high = Math.sin((xy[i + 3] as number) * RADIANS);
    sum += (((xy[i + 2] as number) - (xy[i] as number)) * (low + high)) / 2;
  }
  return sum / turnOf(xy);
}

/** No ring goes round a pole within half the longitudes; nearly every fence ends here. */
function wide(ring: Ring): boolean {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < ring.length; i++) {
    const lon = (ring[i] as Position)[0];
    if (lon < min) min = lon;
    if (lon > max) max = lon;
  }
  return max - min >= 180;
}

/**
 * What a ring encloses when its longitudes add up to a full turn: the pole on its smaller side,
 * whichever way it is wound, or the pole it was drawn up to. Null for every other ring.
 */
export function polarRing(ring: Ring): PolarRing | null {
  if (!wide(ring)) return null;
  const open = ring.slice(0, -1);
  const { ring: plain, pole: drawn } = withoutSlit(open);
  if (plain.length < 2) return null;
  let xy = unrolled(plain, false);
  if (Math.abs(turnOf(xy)) < 180 && drawn !== null) xy = unrolled(plain, true);
  if (Math.abs(Math.abs(turnOf(xy)) - 360) > 1e-6) return null;
  const height = heightOf(xy);
  const pole = drawn ?? (height >= 0 ? 1 : -1);
  const sure = drawn !== null || Math.abs(height) > CLEAR;
  return { pole, chain: fromTheTop(xy, pole), height, sure };
}

const TURNS = 3;
/** Steps along the pole are thirds of a turn, so that each is the short way round. */
const THIRD = 120;
/** Vertices that close it: along the pole, and the first once more. */
const CLOSING = (360 * TURNS) / THIRD + 2;

/**
 * The ring three turns wide and closed along its pole: planar code that looks a little to both
 * sides of a place within half a turn of the middle sees no seam. x relative to `lon0`, y to
 * `lat0`; reaches at least from −360 to 360, from −540 to 540 when the
 * chain starts half a turn from `lon0`.
 */
export function closedThroughPole(
  { chain, pole }: PolarRing,
  lon0: number,
  lat0: number,
): number[] {
  const east = turnOf(chain) > 0 ? chain : backwards(chain);
  const start = wrapLon((east[0] as number) - lon0 + 180) - 540;
  const shift = start - (east[0] as number);
  const out: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const end = turn === TURNS - 1 ? east.length : east.length - 2;
    for (let i = 0; i < end; i += 2) {
      out.push((east[i] as number) + shift + 360 * turn, (east[i + 1] as number) - lat0);
    }
  }
  for (let x = 360 * TURNS; x >= 0; x -= THIRD) out.push(start + x, pole * 90 - lat0);
  out.push(out[0] as number, out[1] as number);
  return out;
}

/** The first vertices of what `closedThroughPole` gives: the ring itself, without the way to the pole. */
export const shorePart = (closed: readonly number[]): readonly number[] =>
  closed.slice(0, closed.length - 2 * CLOSING);

function backwards(xy: readonly number[]): number[] {
  const out: number[] = [];
  for (let i = xy.length - 2; i >= 0; i -= 2) out.push(xy[i] as number, xy[i + 1] as number);
  return out;
}

/** Share of the sphere's surface, 0 to 1, between the ring and its pole. */
export function polarShare({ pole, height }: PolarRing): number {
  return (1 - pole * height) / 2;
}
