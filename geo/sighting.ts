/** PURE. What one ping says about the fences around it: who may be true, in competing groups. */
import type { Box } from './bbox.ts';
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Kin } from './kin.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Sure } from './radio.ts';
import type { FenceState } from './state.ts';
import type { Blob } from './track.ts';
import { inradius } from './depth.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { isOpen } from './hours.ts';
import { wrapLon } from './lonlat.ts';
import { massInside } from './mass.ts';
import { yieldGround } from './priority.ts';
import { EVIDENCE_MEMORY } from './radio.ts';

/** Standard deviations around the device within which fences are asked. */
const REACH = 3;
const NO_MASS = 1e-3;
/** How loudly a sign-in speaks at first. */
const EVIDENCE_ODDS = 1000;
const OTHER_FLOOR = 0.1;
const HALL_SQUARE_METRES = 2000;
const NO_PARTS: readonly Contender[] = [];

/** Every fence with ground that may be true near the device, in competing groups. */
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
      kin,
      p: 0,
      none: 1,
      overlaps: kin.overlaps,
      still: Math.max(least, still),
      moving: Math.max(least, moving),
      weight: weightOf(fence, kin.floor, now, sure, policy),
      wide: isWide(fence, kin, policy),
      certain: certain ? sure.kind : null,
      vague: now.track.odd,
      mayOpen: certain || now.sigma <= 3 * inradius(fence),
      parts: NO_PARTS,
      allOf: false,
    };
    const at = names.indexOf(kin.group);
    if (at >= 0) (groups[at] as Contender[]).push(contender);
    else {
      names.push(kin.group);
      groups.push([contender]);
    }
  }
  for (const group of groups) yieldGround(group, now.track);
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
    if (fence?.kind === 'ground') near.push(fence);
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
