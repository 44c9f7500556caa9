/** PURE. The fences of one ping as columns of numbers, and the beliefs that follow from them. */
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { FenceRows } from './fence-rows.ts';
import type { Kin } from './kin.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Sure } from './radio.ts';
import type { FenceState } from './state.ts';
import { FLOOR, believe } from './belief.ts';
import { contenderOf } from './contender.ts';
import { AREA, HOLDS, INRADIUS, KIN_MARKS, ROW } from './fence-rows.ts';
import { yieldGround } from './priority.ts';
import { LEAST_CHILD } from './sight.ts';

const HALL_SQUARE_METRES = 2000;

/**
 * The fences of one ping as numbers, column by column; filled anew with each ping and asked no longer
 * than it lasts. Most are turned away before anything is made of them.
 */
export const slots: number[] = [];
/** Place among those followed, or −1; once weighed, by fence that has mass. */
export const olds: number[] = [];
export const still: number[] = [];
export const moving: number[] = [];
export const weight: number[] = [];
/** Place of its group in `names`. */
export const groupOf: number[] = [];
/** Numbers of the groups met, and whether beliefs of one are plain sums. */
export const names: number[] = [];
export const plain: boolean[] = [];

export const isCertain = (fence: Fence, sure: Sure | null): boolean =>
  sure !== null && sure.now && sure.within.has(fence.id);

/** A hall people walk about in: big, or holding other fences and bigger than a shop. */
function isWide({ numbers }: FenceRows, slot: number, policy: Policy): boolean {
  const row = slot * ROW;
  const holds = ((numbers[row + KIN_MARKS] as number) & HOLDS) !== 0;
  if (holds && (numbers[row + AREA] as number) >= HALL_SQUARE_METRES) return true;
  return (numbers[row + INRADIUS] as number) >= policy.immediateInradiusMetres;
}

/**
 * `believe` (belief.ts) of a group in which all exclude each other, by the same sums in the same
 * order: somebody is made a contender only who is remembered, or believed enough to be told of.
 */
export function believeSums(
  g: number,
  held: number,
  followed: readonly FenceState[],
  now: Moment,
  fences: FenceIndex,
  policy: Policy,
): Contender[] {
  const { rows } = fences;
  const { pStill } = now;
  let noneStill = 1;
  let noneMoving = 1;
  let stillSum = 0;
  let movingSum = 0;
  for (let i = 0; i < held; i++) {
    if (groupOf[i] !== g) continue;
    const wide = isWide(rows, slots[i] as number, policy);
    const s = still[i] as number;
    const m = moving[i] as number;
    const w = weight[i] as number;
    noneStill -= s;
    noneMoving -= m;
    stillSum += s * (w * (wide ? policy.wideDensity : policy.standingDensity));
    movingSum += m * (w * (wide ? policy.wideDensity : policy.walkingDensity));
  }
  noneStill = Math.max(noneStill, FLOOR);
  noneMoving = Math.max(noneMoving, FLOOR);
  const a = pStill / (noneStill + stillSum);
  const b = (1 - pStill) / (noneMoving + movingSum);
  const group: Contender[] = [];
  for (let i = 0; i < held; i++) {
    if (groupOf[i] !== g) continue;
    const slot = slots[i] as number;
    const wide = isWide(rows, slot, policy);
    const s = still[i] as number;
    const m = moving[i] as number;
    const w = weight[i] as number;
    const p =
      a * s * (w * (wide ? policy.wideDensity : policy.standingDensity)) +
      b * m * (w * (wide ? policy.wideDensity : policy.walkingDensity));
    const k = olds[i] as number;
    if (k < 0 && p < LEAST_CHILD) continue;
    const fence = rows.fences[slot] as Fence;
    const old = k < 0 ? null : (followed[k] as FenceState);
    const kin = rows.kin[slot] as Kin;
    const c = contenderOf(fence, kin, old, s, m, w, wide, false, now, null, policy);
    c.p = p;
    c.none = a * noneStill + b * noneMoving;
    group.push(c);
  }
  return group;
}

/** A group in which some share ground, or with evidence about, or members of composites. */
export function believeAll(
  g: number,
  held: number,
  followed: readonly FenceState[],
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Contender[] {
  const group: Contender[] = [];
  for (let i = 0; i < held; i++) {
    if (groupOf[i] !== g) continue;
    const slot = slots[i] as number;
    const fence = fences.rows.fences[slot] as Fence;
    const k = olds[i] as number;
    const old = k < 0 ? null : (followed[k] as FenceState);
    const s = still[i] as number;
    const m = moving[i] as number;
    const w = weight[i] as number;
    const wide = isWide(fences.rows, slot, policy);
    const certain = isCertain(fence, sure);
    const kin = fences.kin(fence);
    group.push(contenderOf(fence, kin, old, s, m, w, wide, certain, now, sure, policy));
  }
  if (group.length > 1) yieldGround(group, now.track);
  believe(group, now.pStill, policy);
  return group;
}
