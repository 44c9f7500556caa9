/** PURE. Lines that are walked across: told once the device is surely on the other side. */
import type { Box } from './bbox.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Metres, Millis } from './lonlat.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Fix } from './quality.ts';
import type { Anchor, DeviceState } from './state.ts';
import type { Track } from './track.ts';
import type { Transition } from './visit.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { shareBelow } from './gauss.ts';
import { wrapLon } from './lonlat.ts';
import { sigmaOf } from './quality.ts';

/** Tripwires whose last sure side is remembered, at most; the latest seen are kept. */
const MAX_ANCHORS = 8;
/** Accuracies from the line at which one fix alone is believed: a stander's noise seldom gets there. */
const BEYOND_DOUBT = 1.5;
/** Told only when likelier than not. */
const LEAST_P = 0.5;

/** Where the device is taken to be: the fix, or the fused position where that is better. */
interface Spot {
  readonly t: Millis;
  readonly lon: number;
  readonly lat: number;
  readonly acc: Metres;
}

/** Somebody standing is where the average of the fixes is; anybody else where the last one is. */
function spotOf(fix: Fix, track: Track): Spot {
  const fused = track.pStill > 0.5 && Math.sqrt(track.still.variance) < sigmaOf(fix.acc);
  const { lon, lat } = fused ? track.still : fix;
  return { t: fix.t, lon, lat, acc: fix.acc };
}

/** The wire in metres about a spot. */
interface Local {
  readonly kx: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
}

function localTo(wire: Fence, spot: Spot): Local {
  const line = wire.line ?? new Float64Array(0);
  const kx = metresPerLonDegree(spot.lat);
  const x = new Float64Array(line.length / 2);
  const y = new Float64Array(line.length / 2);
  for (let i = 0; i < x.length; i++) {
    const east = wire.lon0 + (line[2 * i] as number) - spot.lon;
    // The whole line on the side of the earth where its first vertex is nearest.
    const turn = i === 0 ? 0 : (x[0] as number) / kx - (wire.lon0 + (line[0] as number) - spot.lon);
    x[i] = (i === 0 ? wrapLon(east) : east + turn) * kx;
    y[i] = (wire.lat0 + (line[2 * i + 1] as number) - spot.lat) * METRES_PER_DEGREE;
  }
  return { kx, x, y };
}

/** Metres from the spot, which is the origin, to the wire. */
function gapTo({ x, y }: Local): Metres {
  let best = Infinity;
  for (let i = 0; i + 1 < x.length; i++) {
    const ax = x[i] as number;
    const ay = y[i] as number;
    const dx = (x[i + 1] as number) - ax;
    const dy = (y[i + 1] as number) - ay;
    const length = dx * dx + dy * dy;
    const along = length === 0 ? 0 : Math.min(1, Math.max(0, -(ax * dx + ay * dy) / length));
    best = Math.min(best, Math.hypot(ax + along * dx, ay + along * dy));
  }
  return best;
}

/** How a straight way to the spot goes through the wire. */
interface Passage {
  /** Passages to the left less passages to the right. */
  readonly net: number;
  /** Share of the way at which it happens. */
  readonly at: number;
  /** Metres along the wire from there to its nearer end. */
  readonly fromEnd: Metres;
}

function passage(wire: Local, from: { lon: number; lat: number }, spot: Spot): Passage {
  const ax = wrapLon(from.lon - spot.lon) * wire.kx;
  const ay = (from.lat - spot.lat) * METRES_PER_DEGREE;
  const { x, y } = wire;
  let net = 0;
  let at = 1;
  let before = 0;
  let whole = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const px = (x[i] as number) - ax;
    const py = (y[i] as number) - ay;
    const ex = (x[i + 1] as number) - (x[i] as number);
    const ey = (y[i + 1] as number) - (y[i] as number);
    const length = Math.hypot(ex, ey);
    // The way goes from (ax, ay) to the origin, so its direction is (−ax, −ay).
    const area = -ax * ey + ay * ex;
    const s = area === 0 ? -1 : (px * ey - py * ex) / area;
    const u = area === 0 ? -1 : (px * -ay - py * -ax) / area;
    if (s >= 0 && s <= 1 && u >= 0 && u < 1) {
      net += ex * -ay - ey * -ax > 0 ? 1 : -1;
      at = Math.min(at, s);
      before = whole + u * length;
    }
    whole += length;
  }
  return { net, at, fromEnd: Math.min(before, whole - before) };
}

export interface Tripped {
  readonly transitions: Transition[];
  /** Wires that the device is too close to, and where it was last surely beside them. */
  readonly anchors: readonly Anchor[];
}

const NO_ANCHORS: readonly Anchor[] = [];
const NOTHING: Tripped = { transitions: [], anchors: [] };

interface Passing {
  readonly before: Spot | null;
  readonly now: Spot;
  readonly odd: boolean;
  readonly wasOdd: boolean;
}

/**
 * Crossed: the device was surely beside the wire, further from it than the accuracy, and now surely is
 * again, and the straight way between the two places goes through it. In between it may have been
 * anywhere about the line for several pings: the last sure place is kept, so that dithering over the
 * line is at most one crossing for each real one. A place only just beyond the accuracy needs a ping
 * before it on the same side. An outlier says nothing.
 */
export function trip(
  state: DeviceState,
  { before, fix, track }: Moment,
  fences: FenceIndex,
  policy: Policy,
): Tripped {
  const recent = before !== null && fix.t - before.t <= policy.staleSeconds * 1000;
  const beforeTrack = state.track;
  const known = recent ? (state.wires ?? NO_ANCHORS) : NO_ANCHORS;
  const wires = fences.wires(reach(fix, track, recent ? before : null, beforeTrack, known));
  if (wires.length === 0) return NOTHING;
  const now = spotOf(fix, track);
  const passing: Passing = {
    before: recent && beforeTrack ? spotOf(before, beforeTrack) : null,
    now,
    odd: track.odd,
    wasOdd: beforeTrack?.odd === true,
  };
  const told: Transition[] = [];
  const kept: Anchor[] = [];
  for (const wire of wires) {
    const anchor = known.find((a) => a.fence === wire.id) ?? null;
    const next = pass(wire, anchor, passing, told);
    if (next) kept.push(next);
  }
  const fits = kept.length <= MAX_ANCHORS;
  const latest = fits ? kept : kept.toSorted((a, b) => b.t - a.t).slice(0, MAX_ANCHORS);
  return { transitions: told, anchors: latest };
}

/** A box around every place that the way to this ping may start from, and the accuracy about it. */
function reach(
  fix: Fix,
  track: Track,
  before: Fix | null,
  beforeTrack: Track | null,
  anchors: readonly Anchor[],
): Box {
  const box = { minX: fix.lon, minY: fix.lat, maxX: fix.lon, maxY: fix.lat };
  stretch(box, fix, track.still);
  if (before !== null) stretch(box, fix, before);
  if (before !== null && beforeTrack !== null) stretch(box, fix, beforeTrack.still);
  for (let i = 0; i < anchors.length; i++) stretch(box, fix, anchors[i] as Anchor);
  const dx = fix.acc / metresPerLonDegree(fix.lat);
  const dy = fix.acc / METRES_PER_DEGREE;
  box.minX -= dx;
  box.maxX += dx;
  box.minY -= dy;
  box.maxY += dy;
  return box;
}

function stretch(
  box: { minX: number; minY: number; maxX: number; maxY: number },
  fix: Fix,
  to: { readonly lon: number; readonly lat: number },
): void {
  const x = fix.lon + wrapLon(to.lon - fix.lon);
  if (x < box.minX) box.minX = x;
  if (x > box.maxX) box.maxX = x;
  if (to.lat < box.minY) box.minY = to.lat;
  if (to.lat > box.maxY) box.maxY = to.lat;
}

/** One wire: tells of a crossing, and gives what to remember of the wire. */
function pass(
  wire: Fence,
  anchor: Anchor | null,
  { before, now, odd, wasOdd }: Passing,
  told: Transition[],
): Anchor | null {
  const last = anchor ?? (wasOdd ? null : anchorAt(wire, before));
  if (odd) return last;
  const local = localTo(wire, now);
  const gap = gapTo(local);
  if (gap <= now.acc) return last;
  if (last === null) return null;
  const way = passage(local, last, now);
  if (way.net === 0) return null;
  const company = before !== null && anchor !== null ? passageBefore(wire, anchor, before) : 0;
  if (gap < BEYOND_DOUBT * now.acc && Math.sign(company) !== Math.sign(way.net)) return last;
  const sigma = sigmaOf(now.acc);
  const p = last.p * shareBelow(gap / sigma) * shareBelow(way.fromEnd / sigma);
  const direction = way.net > 0 ? 'left' : 'right';
  const { shape } = wire.definition;
  const wanted = shape.type === 'Tripwire' ? shape.direction : 'both';
  if (p < LEAST_P || (wanted !== 'both' && wanted !== direction)) return null;
  const at = crossedAt(wire, last, before, now, way, company);
  told.push({ type: 'crossed', fence: wire.id, at, detectedAt: now.t, p, direction });
  return null;
}

/** The spot as a sure place beside the wire; null when it is too close to it. */
function anchorAt(wire: Fence, spot: Spot | null): Anchor | null {
  if (spot === null) return null;
  const gap = gapTo(localTo(wire, spot));
  if (gap <= spot.acc) return null;
  const p = shareBelow(gap / sigmaOf(spot.acc));
  return { fence: wire.id, t: spot.t, lon: spot.lon, lat: spot.lat, p: Math.round(p * 1e4) / 1e4 };
}

const passageBefore = (wire: Fence, anchor: Anchor, before: Spot): number =>
  passage(localTo(wire, before), anchor, before).net;

/** Between the last ping on the old side and the first on the new one, by the way between them. */
function crossedAt(
  wire: Fence,
  last: Anchor,
  before: Spot | null,
  now: Spot,
  way: Passage,
  company: number,
): Millis {
  const close = before !== null && before.t > last.t;
  if (!close) return Math.round(last.t + way.at * (now.t - last.t));
  if (Math.sign(company) === Math.sign(way.net)) {
    const earlier = passage(localTo(wire, before), last, before);
    return Math.round(last.t + earlier.at * (before.t - last.t));
  }
  const late = passage(localTo(wire, now), before, now);
  const share = late.net === 0 ? 0.5 : late.at;
  return Math.round(before.t + share * (now.t - before.t));
}
