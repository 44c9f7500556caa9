/** PURE. What one ping says about the fences around it: who may be true, in competing groups. */
import type { Box } from './bbox.ts';
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Kin } from './kin.ts';
import type { Metres } from './lonlat.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Sure } from './radio.ts';
import type { FenceState } from './state.ts';
import type { Track } from './track.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { isOpen } from './hours.ts';
import { wrapLon } from './lonlat.ts';
import { massWithin } from './mass.ts';
import { yieldGround } from './priority.ts';
import { EVIDENCE_MEMORY } from './radio.ts';

/** Less mass than this is believed less than `FORGET` even of somebody standing. */
const NO_MASS = 3e-3;
/** Standard deviations around the device within which there may be as much. */
const REACH = 2.75;
/** Standard deviations in inradii from which on a fix shows nothing about a fence. */
const TOO_COARSE = 3;
/** Of what is followed, less than this is nothing. */
const NEXT_TO_NOTHING = 1e-4;
/** How loudly a sign-in speaks at first. */
const EVIDENCE_ODDS = 1000;
const OTHER_FLOOR = 0.1;
const HALL_SQUARE_METRES = 2000;
/** Fences looked at per ping, at most: the bigger ones. */
const MAX_NEAR = 1024;
const NO_PARTS: readonly Contender[] = [];

/** Every fence that may be true with this ping. */
export interface Gathered {
  /** Contenders with ground, in competing groups. */
  readonly groups: Contender[][];
  /** Some fence without ground is followed. */
  readonly groundless: boolean;
  /** All fences with ground that the device may be in, or came by since its last ping. */
  readonly near: readonly Fence[];
}

const NOWHERE: Gathered = { groups: [], groundless: false, near: [] };

/** Every fence with ground that may be true near the device, in competing groups. */
export function gather(
  followed: readonly FenceState[],
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Gathered {
  const scale = scaleOf(now.track);
  const near = fences.touching(reachBox(now, scale, policy), MAX_NEAR);
  const found = near.length;
  // Nothing can be added to these groups: without evidence there is no signal, without members no composite.
  if (found === 0 && followed.length === 0 && sure === null) return NOWHERE;
  const groups: Contender[][] = [];
  const groundless = addFollowed(near, followed, sure, fences);
  for (let i = 0; i < near.length; i++) {
    const fence = near[i] as Fence;
    const old = stateIn(followed, fence.id);
    const c = contend(fence, old, i >= found, now, scale, sure, fences, policy);
    if (c !== null) place(groups, c);
  }
  for (const group of groups) if (group.length > 1) yieldGround(group, now.track);
  return { groups, groundless, near };
}

/** The state of a fence among those followed. */
function stateIn(followed: readonly FenceState[], id: string): FenceState | null {
  for (let i = 0; i < followed.length; i++) {
    if ((followed[i] as FenceState).fence === id) return followed[i] as FenceState;
  }
  return null;
}

function place(groups: Contender[][], c: Contender): void {
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] as Contender[];
    if ((group[0] as Contender).kin.group === c.kin.group) {
      group.push(c);
      return;
    }
  }
  groups.push([c]);
}

/** One fence looked at; null when it has next to no mass and nobody remembers it. */
function contend(
  fence: Fence,
  old: FenceState | null,
  far: boolean,
  now: Moment,
  scale: Scale,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Contender | null {
  const certain = sure !== null && sure.now && sure.within.has(fence.id);
  const kept = old !== null || far || certain;
  const { pStill, track } = now;
  const least = kept ? NEXT_TO_NOTHING : NO_MASS;
  const { lon, lat } = track.still;
  const still = pStill === 0 ? 0 : massWithin(fence, lon, lat, scale.stillX, scale.stillY, least);
  const to = track.moving;
  const moving =
    pStill === 1 ? 0 : massWithin(fence, to.lon, to.lat, scale.movingX, scale.movingY, least);
  if (!kept && still < NO_MASS && moving < NO_MASS) return null;
  const kin = fences.kin(fence);
  return {
    fence,
    kin,
    old,
    p: 0,
    none: 1,
    overlaps: kin.overlaps,
    still: certain ? Math.max(0.5, still) : still,
    moving: certain ? Math.max(0.5, moving) : moving,
    weight: weightOf(fence, kin.floor, now, sure, policy),
    wide: isWide(fence, kin, policy),
    certain: certain ? sure.kind : null,
    vague: now.track.odd,
    mayOpen: certain || now.sigma <= TOO_COARSE * kin.inradius,
    caution: certain ? 0 : cautionOf(now.sigma, kin.inradius, policy),
    parts: NO_PARTS,
    allOf: false,
  };
}

/**
 * A shop smaller than the error can only be told by averaging, which trusts that errors are no more
 * alike than assumed: there more belief is asked for, and a little less where the shop is twice as big.
 */
function cautionOf(sigma: Metres, inradius: Metres, policy: Policy): number {
  const beyond = sigma / Math.max(inradius, 0.1) - 1;
  return policy.coarseCaution * Math.min(1, Math.max(-0.5, beyond));
}

/** A hall people walk about in: big, or holding other fences and bigger than a shop. */
function isWide(fence: Fence, kin: Kin, policy: Policy): boolean {
  if (kin.holdsOthers && fence.areaSquareMetres >= HALL_SQUARE_METRES) return true;
  return kin.inradius >= policy.immediateInradiusMetres;
}

/** Adds whatever is followed or certain besides; true when some of it has no ground. */
function addFollowed(
  near: Fence[],
  followed: readonly FenceState[],
  sure: Sure | null,
  fences: FenceIndex,
): boolean {
  let groundless = false;
  const add = (id: string): void => {
    for (let i = 0; i < near.length; i++) if ((near[i] as Fence).id === id) return;
    const fence = fences.get(id);
    if (fence?.kind === 'ground') near.push(fence);
    else if (fence) groundless = true;
  };
  for (let i = 0; i < followed.length; i++) add((followed[i] as FenceState).fence);
  if (sure?.now) for (const id of sure.within) add(id);
  return groundless;
}

/** Standard deviations of both hypotheses in degrees of longitude and of latitude. */
interface Scale {
  readonly stillX: number;
  readonly stillY: number;
  readonly movingX: number;
  readonly movingY: number;
}

function scaleOf({ still, moving }: Track): Scale {
  const s = Math.sqrt(still.variance);
  const m = Math.sqrt(moving.variance);
  return {
    stillX: s / metresPerLonDegree(still.lat),
    stillY: s / METRES_PER_DEGREE,
    movingX: m / metresPerLonDegree(moving.lat),
    movingY: m / METRES_PER_DEGREE,
  };
}

/**
 * The box around the error discs of the hypotheses that still stand, and the way since the last ping:
 * one search finds who may hold the device and what it came by.
 */
function reachBox(now: Moment, scale: Scale, policy: Policy): Box {
  const { pStill, before, fix } = now;
  const { still, moving } = now.track;
  const one = pStill === 1;
  const a = one ? still : moving;
  const b = pStill > 0 ? still : moving;
  const ax = REACH * (one ? scale.stillX : scale.movingX);
  const ay = REACH * (one ? scale.stillY : scale.movingY);
  const bx = REACH * (pStill > 0 ? scale.stillX : scale.movingX);
  const by = REACH * (pStill > 0 ? scale.stillY : scale.movingY);
  const bLon = a.lon + wrapLon(b.lon - a.lon);
  const passing = before !== null && fix.t - before.t <= policy.crossSeconds * 1000;
  const from = passing ? before : fix;
  const fromLon = a.lon + wrapLon(from.lon - a.lon);
  const toLon = a.lon + wrapLon(fix.lon - a.lon);
  return {
    minX: Math.min(a.lon - ax, bLon - bx, fromLon, toLon),
    minY: Math.min(a.lat - ay, b.lat - by, from.lat, fix.lat),
    maxX: Math.max(a.lon + ax, bLon + bx, fromLon, toLon),
    maxY: Math.max(a.lat + ay, b.lat + by, from.lat, fix.lat),
  };
}

/**
 * Evidence makes its fence and what holds it a thousand times likelier, fading over half an hour, and
 * its fence is then open whatever its hours say. Any other place is less likely while it is closed.
 */
function weightOf(
  fence: Fence,
  floor: string | null,
  now: Moment,
  sure: Sure | null,
  policy: Policy,
): number {
  const { hours } = fence.definition;
  if (sure !== null && sure.within.has(fence.id)) {
    return EVIDENCE_ODDS ** (1 - (now.fix.t - sure.t) / EVIDENCE_MEMORY);
  }
  const open = hours === undefined || isOpen(hours, now.fix.t) ? 1 : policy.closedOdds;
  if (sure === null || floor === null || sure.floor === null) return open;
  return floor === sure.floor ? open : open * OTHER_FLOOR;
}
