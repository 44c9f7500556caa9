/** PURE. What one ping says about the fences around it: who may be true, in competing groups. */
import type { Box } from './bbox.ts';
import type { Contender } from './belief.ts';
import type { Sight } from './dwell.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Kin } from './kin.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { Fix, Judgement, Ping } from './quality.ts';
import type { DeviceState, FenceState, VisitSums } from './state.ts';
import type { Blob, Track } from './track.ts';
import type { Evenness } from './trust.ts';
import { contains } from './contains.ts';
import { edgeDistance, inradius } from './depth.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { relativeLon } from './fence.ts';
import { wrapLon } from './lonlat.ts';
import { massInside } from './mass.ts';
import { sigmaOf } from './quality.ts';
import { follow } from './track.ts';
import { evenAfter, perfectOf } from './trust.ts';

/** Below this a fence is not followed. */
export const FORGET = 0.02;
/** Standard deviations around the device within which fences are asked. */
const REACH = 3;
const NO_MASS = 1e-3;
/** A hypothesis of motion less probable than this is not asked at all. */
const SETTLED = 0.02;
/** How long a sign-in at a shop's network speaks for that shop, and how loudly at first. */
const EVIDENCE_MEMORY: Millis = 30 * 60_000;
const EVIDENCE_ODDS = 1000;
const OTHER_FLOOR = 0.1;
const HALL_SQUARE_METRES = 2000;

/** Certain knowledge of a place, fresh or remembered. */
export interface Sure {
  readonly fence: Fence;
  readonly t: Millis;
  /** It came with this very ping. */
  readonly now: boolean;
  readonly floor: string | null;
  /** The fence and all that holds it. */
  readonly within: ReadonlySet<string>;
}

export interface Moment {
  readonly ping: Ping;
  readonly fix: Fix;
  readonly before: Fix | null;
  readonly jumped: boolean;
  readonly sigma: number;
  readonly weight: number;
  readonly track: Track;
  /** Probability of standing, made certain where it nearly is. */
  readonly pStill: number;
  readonly even: Evenness | null;
  readonly perfect: VisitSums['perfect'] | null;
}

/** The ping in the light of what is known of the device. */
export function momentOf(
  state: DeviceState,
  ping: Ping,
  judgement: Judgement,
  policy: Policy,
): Moment {
  const before = judgement.jumped ? null : state.last;
  const gap = before === null ? null : (ping.t - before.t) / 1000;
  const dt = gap !== null && gap <= policy.staleSeconds ? gap : null;
  const sigma = sigmaOf(judgement.acc);
  const says = motionOf(ping, policy);
  const track = follow(state.track, { lon: ping.lon, lat: ping.lat, sigma, dt, says }, policy);
  const { pStill } = track;
  // Adding zero turns −0, which JSON does not keep, into 0.
  const fix: Fix = {
    t: ping.t + 0,
    lon: ping.lon + 0,
    lat: ping.lat + 0,
    acc: judgement.acc,
    ...(ping.evidence ? { evidence: ping.evidence.fence } : {}),
  };
  const even = evenAfter(state.even, before, fix, says === 'still');
  return {
    ping,
    fix,
    before,
    jumped: judgement.jumped,
    sigma,
    weight: dt === null ? 1 : Math.max(0.05, Math.tanh(dt / (2 * policy.correlationSeconds))),
    track,
    pStill: pStill < SETTLED ? 0 : pStill > 1 - SETTLED ? 1 : pStill,
    even,
    perfect: perfectOf(even, fix),
  };
}

function motionOf(ping: Ping, policy: Policy): 'still' | 'moving' | null {
  if (ping.still === true) return 'still';
  if (ping.speed === undefined || ping.speed < 0) return null;
  return ping.speed >= policy.walkingSpeed ? 'moving' : null;
}

/** The latest certain evidence, while it lasts. */
export function sureAfter(state: DeviceState, ping: Ping, fences: FenceIndex): Sure | null {
  const named = ping.evidence && fences.get(ping.evidence.fence);
  const fence = named ?? (state.sure && fences.get(state.sure.fence));
  if (!fence) return null;
  const t = (named ? ping.t : (state.sure?.t ?? ping.t)) + 0;
  if (ping.t - t > EVIDENCE_MEMORY) return null;
  const { ancestors, floor } = fences.kin(fence);
  return { fence, t, now: named !== undefined, floor, within: new Set([fence.id, ...ancestors]) };
}

/** Everything that may be true near the device, in competing groups. */
export function gather(
  followed: readonly FenceState[],
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Contender[][] {
  const names: string[] = [];
  const groups: Contender[][] = [];
  for (const fence of nearby(followed, now, sure, fences)) {
    const certain = sure !== null && sure.now && sure.within.has(fence.id);
    const least = certain ? 0.5 : 0;
    const still = now.pStill === 0 ? 0 : massOf(fence, now.track.still);
    const moving = now.pStill === 1 ? 0 : massOf(fence, now.track.moving);
    const seen = certain || still >= NO_MASS || moving >= NO_MASS;
    if (!seen && !followed.some((f) => f.fence === fence.id)) continue;
    const kin = fences.kin(fence);
    const contender: Contender = {
      fence,
      p: 0,
      none: 1,
      overlaps: kin.overlaps,
      still: Math.max(least, still),
      moving: Math.max(least, moving),
      weight: weightOf(fence, kin.floor, now, sure),
      wide: isWide(fence, kin, policy),
    };
    const at = names.indexOf(kin.group);
    if (at >= 0) (groups[at] as Contender[]).push(contender);
    else {
      names.push(kin.group);
      groups.push([contender]);
    }
  }
  return groups;
}

/** A hall people walk about in: big, or holding other fences and bigger than a shop. */
function isWide(fence: Fence, kin: Kin, policy: Policy): boolean {
  if (kin.holdsOthers && fence.areaSquareMetres >= HALL_SQUARE_METRES) return true;
  return inradius(fence) >= policy.immediateInradiusMetres;
}

/** One search for both hypotheses, and whatever is followed or certain besides. */
function nearby(
  followed: readonly FenceState[],
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
): Fence[] {
  const { still, moving } = now.track;
  const near = fences.touching(
    reachBox(now.pStill === 1 ? still : moving, now.pStill > 0 ? still : moving),
  );
  const add = (id: string): void => {
    if (near.some((fence) => fence.id === id)) return;
    const fence = fences.get(id);
    if (fence) near.push(fence);
  };
  for (const { fence } of followed) add(fence);
  if (sure?.now) for (const id of sure.within) add(id);
  return near;
}

/** The box around two error discs. */
function reachBox(a: Blob, b: Blob): Box {
  const [ra, rb] = [REACH * Math.sqrt(a.variance), REACH * Math.sqrt(b.variance)];
  const ky = 1 / METRES_PER_DEGREE;
  const kx = 1 / metresPerLonDegree(a.lat);
  const bLon = a.lon + wrapLon(b.lon - a.lon);
  return {
    minX: Math.min(a.lon - ra * kx, bLon - rb * kx),
    minY: Math.min(a.lat - ra * ky, b.lat - rb * ky),
    maxX: Math.max(a.lon + ra * kx, bLon + rb * kx),
    maxY: Math.max(a.lat + ra * ky, b.lat + rb * ky),
  };
}

const massOf = (fence: Fence, blob: Blob): number =>
  massInside(fence, blob.lon, blob.lat, Math.sqrt(blob.variance));

/** Evidence makes its fence and what holds it a thousand times likelier, fading over half an hour. */
function weightOf(fence: Fence, floor: string | null, now: Moment, sure: Sure | null): number {
  if (sure === null) return 1;
  const fresh = 1 - (now.fix.t - sure.t) / EVIDENCE_MEMORY;
  if (sure.within.has(fence.id)) return EVIDENCE_ODDS ** fresh;
  return floor !== null && sure.floor !== null && floor !== sure.floor ? OTHER_FLOOR : 1;
}

/** A fence met for the first time: outside it a moment ago, if a moment ago was seen at all. */
export function unseen(contender: Contender, now: Moment, policy: Policy): FenceState {
  const { before } = now;
  const known =
    before !== null && now.fix.t - before.t <= policy.staleSeconds * 1000 && !now.jumped;
  const from = known ? Math.min(now.fix.t, reachedFrom(contender.fence, before, policy)) : null;
  return {
    fence: contender.fence.id,
    p: contender.p,
    phase: 'away',
    since: now.fix.t,
    from,
    visit: null,
  };
}

/** The latest a fence can have been left for a fix outside it to be reached. */
function leftBy(fence: Fence, fix: Fix, policy: Policy): Millis {
  const away = Math.max(0, edgeDistance(fence, fix.lon, fix.lat) - fix.acc);
  return Math.round(fix.t - (away * 1000) / policy.footSpeed) + 0;
}

/** The soonest a fence can be reached from a fix; to its box, which is nearer and so never too late. */
function reachedFrom(fence: Fence, fix: Fix, policy: Policy): Millis {
  const { box } = fence;
  const px = relativeLon(fence, fix.lon);
  const py = fix.lat - fence.lat0;
  const x = Math.max(box.minX - px, px - box.maxX, 0) * metresPerLonDegree(fix.lat);
  const y = Math.max(box.minY - py, py - box.maxY, 0) * METRES_PER_DEGREE;
  const away = Math.max(0, Math.sqrt(x * x + y * y) - fix.acc);
  return Math.round(fix.t + (away * 1000) / policy.footSpeed) + 0;
}

/** The fence came to be where the device already was: its first sight there is no entry. */
function isEdited(fence: Fence, { before, fix }: Moment, policy: Policy): boolean {
  const { changedAt } = fence.definition;
  if (changedAt === undefined || before === null) return false;
  if (before.t >= changedAt || fix.t < changedAt) return false;
  if (fix.t - before.t > policy.timeoutSeconds * 1000) return false;
  if (contains(fence, before.lon, before.lat)) return true;
  return fence.kind !== 'ground' || edgeDistance(fence, before.lon, before.lat) <= before.acc;
}

/** One contender's place in its group, as the state machine wants it. */
export function sightOf(
  contender: Contender,
  group: readonly Contender[],
  now: Moment,
  sure: Sure | null,
  policy: Policy,
): Sight {
  const { fence } = contender;
  const certain = sure !== null && sure.now && sure.within.has(fence.id);
  return {
    t: now.fix.t,
    p: contender.p,
    none: contender.none,
    rivals: group
      .filter((c) => c !== contender && c.p >= FORGET && !contender.overlaps.includes(c.fence.id))
      .map((c) => [c.fence.id, c.p] as const),
    acc: now.fix.acc,
    weight: now.weight,
    pStill: now.track.pStill,
    odd: now.track.odd,
    evidence: certain ? (now.ping.evidence?.kind ?? null) : null,
    jumped: now.jumped,
    perfect: now.perfect,
    edited: isEdited(fence, now, policy),
    mayOpen: certain || now.sigma <= 3 * inradius(fence),
    wide: contender.wide,
    nextFrom: () => reachedFrom(fence, now.fix, policy),
    exitBy: () => leftBy(fence, now.fix, policy),
  };
}
