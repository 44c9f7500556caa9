/** PURE. Where a device probably is: two Kalman filters, one for standing and one for walking, weighed against each other. */
import type { Policy } from './policy.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { wrapLon } from './lonlat.ts';

/** An isotropic Gaussian over positions; variance in square metres on each axis. */
export interface Blob {
  readonly lon: number;
  readonly lat: number;
  readonly variance: number;
}

/** The mixture of both hypotheses after the last accepted ping. */
export interface Track {
  /** Probability of standing rather than walking. */
  readonly pStill: number;
  readonly still: Blob;
  readonly moving: Blob;
  /** The last fix was set aside as an outlier; the next one cannot be. */
  readonly odd: boolean;
}

export interface Measurement {
  readonly lon: number;
  readonly lat: number;
  /** Standard deviation on each axis, metres. */
  readonly sigma: number;
  /** Seconds since the last ping; null for the first, or after so long a silence that nothing carries over. */
  readonly dt: number | null;
  /** What the device itself says of its motion. */
  readonly says: 'still' | 'moving' | null;
}

/** Drift of somebody browsing, and of somebody walking with a change of direction now and then (m²/s). */
const STILL_DRIFT = 0.02;
const MOVING_DRIFT = 15;
/** Standard deviation on each axis of the speed of somebody walking straight on (m/s). */
const STRAIGHT_SPEED = 0.7;
/** Nobody gets further than about 60 m per axis from where they were without it being a new story. */
const MAX_SPREAD = 3600;
/** Share of those moving who ride, and their speed (m/s). */
const RIDING_SHARE = 0.1;
const RIDING_SPEED = 15;
/** Time constant of changing between standing and walking. */
const CHANGE_SECONDS = 300;
/** Share of fixes that are simply wrong, and how widely they scatter (m). */
const ODD_SHARE = 0.02;
const ODD_SPREAD = 100;
/** Only against somebody known to stand is a far fix odd; of somebody walking it is expected. */
const SURE_STILL = 0.75;
/** How much a device's own word about its motion counts. */
const WORD_ODDS = 10;

interface Local {
  readonly x: number;
  readonly y: number;
  readonly v: number;
}

/**
 * One step of an interacting multiple model filter (Blom and Bar-Shalom 1988) with two models.
 *
 * The errors of successive indoor fixes are correlated, so a fix dt after the last counts as
 * w = tanh(dt / 2τ) independent fixes: exactly the loss of information in the mean of an AR(1) series
 * with correlation time τ. Its variance is therefore taken as σ²/w.
 */
export function follow(track: Track | null, z: Measurement, policy: Policy): Track {
  const r = z.sigma * z.sigma;
  const here: Blob = { lon: z.lon, lat: z.lat, variance: r };
  if (track === null || z.dt === null) {
    return { pStill: priorStill(z), still: here, moving: here, odd: false };
  }
  const kx = metresPerLonDegree(z.lat);
  const stay = 0.5 + 0.5 * Math.exp((-2 * z.dt) / CHANGE_SECONDS);
  const fromStill = track.pStill * stay;
  const fromMoving = (1 - track.pStill) * (1 - stay);
  const pStill = fromStill + fromMoving;
  // Both blobs in metres about the fix; written out, for this runs with every ping.
  const ax = wrapLon(track.still.lon - z.lon) * kx;
  const ay = (track.still.lat - z.lat) * METRES_PER_DEGREE;
  const bx = wrapLon(track.moving.lon - z.lon) * kx;
  const by = (track.moving.lat - z.lat) * METRES_PER_DEGREE;
  const apart = (ax - bx) ** 2 + (ay - by) ** 2;
  const s = fromStill / pStill;
  const m = (track.pStill - fromStill) / (1 - pStill);
  const av = track.still.variance;
  const bv = track.moving.variance;
  const still = {
    x: s * ax + (1 - s) * bx,
    y: s * ay + (1 - s) * by,
    v: s * av + (1 - s) * bv + (s * (1 - s) * apart) / 2 + spread(STILL_DRIFT * z.dt),
  };
  const moving = {
    x: m * ax + (1 - m) * bx,
    y: m * ay + (1 - m) * by,
    v: m * av + (1 - m) * bv + (m * (1 - m) * apart) / 2 + spread(movingSpread(z.dt)),
  };
  const independence = Math.max(1e-3, Math.tanh(z.dt / (2 * policy.correlationSeconds)));
  return correct(z, pStill, still, moving, r / independence, track.odd, kx);
}

const spread = (by: number): number => Math.min(by, MAX_SPREAD);

/** Variance gained by walking: turning this way and that for short times, straight on for longer. */
const movingSpread = (dt: number): number => MOVING_DRIFT * dt + (STRAIGHT_SPEED * dt) ** 2;

function priorStill(z: Measurement): number {
  if (z.says === null) return 0.5;
  return z.says === 'still' ? 0.9 : 0.1;
}

/** Density of a fix at the origin under a prediction of variance v; the constant 1/2π is left out. */
function likelihood(b: Local, v: number, r: number): number {
  const s = v + r;
  return Math.exp(-(b.x * b.x + b.y * b.y) / (2 * s)) / s;
}

function correct(
  z: Measurement,
  pStill: number,
  still: Local,
  moving: Local,
  r: number,
  wasOdd: boolean,
  kx: number,
): Track {
  const oddity = wasOdd || pStill < SURE_STILL ? 0 : ODD_SHARE / (ODD_SPREAD * ODD_SPREAD);
  const fits = likelihood(still, still.v, r);
  const trust = fits / (fits + oddity + 1e-300);
  const word = z.says === null ? 1 : z.says === 'still' ? WORD_ODDS : 1 / WORD_ODDS;
  const wStill = pStill * (fits + oddity) * word;
  const riding = moving.v + (RIDING_SPEED * (z.dt ?? 0)) ** 2;
  const onFoot = likelihood(moving, moving.v, r);
  const byWheel = RIDING_SHARE * likelihood(moving, riding, r);
  const wMoving = (1 - pStill) * (onFoot + byWheel);
  const sum = wStill + wMoving;
  const moved = byWheel > onFoot ? riding : moving.v;
  const next = sum > 0 ? Math.min(0.999, Math.max(0.001, wStill / sum)) : 0.001;
  return {
    pStill: next,
    still: placeOf(z, still, still.v, (trust * still.v) / (still.v + r), kx),
    moving: placeOf(z, moving, moved, moved / (moved + r), kx),
    odd: trust < 0.5 && next > 0.5,
  };
}

/** A prediction moved towards the fix by its gain. */
function placeOf(z: Measurement, b: Local, v: number, gain: number, kx: number): Blob {
  return {
    lon: wrapLon(z.lon + ((1 - gain) * b.x) / kx),
    lat: z.lat + ((1 - gain) * b.y) / METRES_PER_DEGREE,
    variance: (1 - gain) * v,
  };
}
