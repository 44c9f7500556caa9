/** PURE. One fence as one ping shows it, in the words of the state machine. */
import type { Contender } from './belief.ts';
import type { Sight } from './dwell.ts';
import type { Fence } from './fence.ts';
import type { Millis } from './lonlat.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Fix } from './quality.ts';
import type { FenceState } from './state.ts';
import { contains } from './contains.ts';
import { edgeDistance } from './depth.ts';
import { METRES_PER_DEGREE, metresPerLonDegree } from './distance.ts';
import { relativeLon } from './fence.ts';

/** Below this a fence is not followed. */
export const FORGET = 0.02;
/** Fences that a visit's alternates are chosen from, per ping. */
const MAX_RIVALS = 24;
/** Of many shops in a hall each may be little believed, and one of them is right all the same. */
export const LEAST_CHILD = 0.01;

/** A fence met for the first time: outside it a moment ago, if a moment ago was seen at all. */
export function unseen(contender: Contender, now: Moment, policy: Policy): FenceState {
  const { before } = now;
  const known =
    before !== null && now.fix.t - before.t <= policy.staleSeconds * 1000 && !now.jumped;
  const from = known ? Math.min(now.fix.t, soonest(contender, before, policy)) : null;
  return {
    fence: contender.fence.id,
    p: contender.p,
    phase: 'away',
    since: now.fix.t,
    from,
    visit: null,
  };
}

/**
 * What the state machine makes of a fence that is away and not believed enough to be anything else:
 * most of what it is ever asked, hence without the rest of its questions.
 */
export function rest(contender: Contender, now: Moment, policy: Policy): FenceState {
  const { old, p } = contender;
  if (old === null && p > policy.leaveAt) return unseen(contender, now, policy);
  return {
    fence: contender.fence.id,
    p,
    phase: 'away',
    since: old === null ? now.fix.t : old.since,
    from: p <= policy.leaveAt || old === null ? soonest(contender, now.fix, policy) : old.from,
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

/** The same for any kind of fence: a signal may be heard the next moment, a composite has members. */
export function soonest(c: Contender, fix: Fix, policy: Policy): Millis {
  if (c.fence.kind === 'ground') return reachedFrom(c.fence, fix, policy);
  if (c.parts.length === 0) return fix.t;
  const times = c.parts.map((part) => soonest(part, fix, policy));
  return c.allOf ? Math.max(...times) : Math.min(...times);
}

/** The latest that any kind of fence can have been left for a fix outside it. */
export function latest(c: Contender, fix: Fix, policy: Policy): Millis {
  if (c.fence.kind === 'ground') return leftBy(c.fence, fix, policy);
  if (c.parts.length === 0) return fix.t;
  const times = c.parts.map((part) => latest(part, fix, policy));
  return c.allOf ? Math.min(...times) : Math.max(...times);
}

/** The fence came to be where the device already was: its first sight there is no entry. */
function isEdited(fence: Fence, { before, fix }: Moment, policy: Policy): boolean {
  const { changedAt } = fence.definition;
  if (changedAt === undefined || before === null) return false;
  if (before.t >= changedAt || fix.t < changedAt) return false;
  if (fix.t - before.t > policy.timeoutSeconds * 1000) return false;
  if (fence.kind !== 'ground' || contains(fence, before.lon, before.lat)) return true;
  return edgeDistance(fence, before.lon, before.lat) <= before.acc;
}

/** One contender's place in its group, as the state machine wants it. */
export function sightOf(
  contender: Contender,
  group: readonly Contender[],
  groups: readonly Contender[][],
  now: Moment,
  policy: Policy,
): Sight {
  const { fence, kin } = contender;
  return {
    t: now.fix.t,
    p: contender.p,
    none: contender.none,
    rivals: kin.holdsOthers ? childrenIn(contender, group, groups) : rivalsIn(contender, group),
    holds: kin.holdsOthers,
    acc: now.fix.acc,
    weight: now.weight,
    pStill: now.track.pStill,
    odd: contender.vague,
    evidence: contender.certain,
    jumped: now.jumped,
    perfect: now.perfect,
    edited: isEdited(fence, now, policy),
    mayOpen: contender.mayOpen,
    caution: contender.caution,
    wide: contender.wide,
    seen: contender,
    fix: now.fix,
  };
}

type Named = readonly [string, number];

function rivalsIn(contender: Contender, group: readonly Contender[]): Named[] {
  const found: Named[] = [];
  for (const c of group) {
    if (c === contender || c.p < FORGET || contender.overlaps.includes(c.fence.id)) continue;
    found.push([c.fence.id, c.p]);
  }
  return found;
}

/** What a hall holds and what it competes with: where in it the device may be. Floors are seen through. */
function childrenIn(
  contender: Contender,
  group: readonly Contender[],
  groups: readonly Contender[][],
): Named[] {
  const found = rivalsIn(contender, group);
  for (const others of groups) {
    for (const c of others) {
      if (c.p < LEAST_CHILD || c.kin.holdsOthers) continue;
      if (c.kin.ancestors.includes(contender.fence.id)) found.push([c.fence.id, c.p]);
    }
  }
  if (found.length <= MAX_RIVALS) return found;
  return found.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MAX_RIVALS);
}
