/** PURE. What one ping says about the fences around it: who may be true, in competing groups. */
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Sure } from './radio.ts';
import type { Scale } from './reach.ts';
import type { FenceState } from './state.ts';
import {
  believeAll,
  believeSums,
  groupOf,
  isCertain,
  moving,
  names,
  olds,
  plain,
  slots,
  still,
  weight,
} from './columns.ts';
import { weightOf } from './contender.ts';
import { GROUP, KIN_MARKS, MARKS, MEMBER, OVERLAPPING, RANKED, ROW, TIMED } from './fence-rows.ts';
import { massInRow } from './mass.ts';
import { reachBox, scaleOf } from './reach.ts';

/** Less mass than this is believed less than `FORGET` even of somebody standing. */
const NO_MASS = 3e-3;
/** Of what is followed, less than this is nothing. */
const NEXT_TO_NOTHING = 1e-4;
/** Fences looked at per ping, at most: the bigger ones. */
const MAX_NEAR = 1024;

/** Every fence that may be true with this ping. */
export interface Gathered {
  /** Contenders with ground and their beliefs, in competing groups. Who cannot matter is left out. */
  readonly groups: Contender[][];
  /** Some fence without ground is followed. */
  readonly groundless: boolean;
  /** All fences with ground that the device may be in, or came by since its last ping. */
  readonly near: readonly Fence[];
}

const NOWHERE: Gathered = { groups: [], groundless: false, near: [] };

/** Every fence with ground that may be true near the device, as believed, in competing groups. */
export function gather(
  followed: readonly FenceState[],
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Gathered {
  const scale = scaleOf(now.track);
  const found = fences.slots(reachBox(now, scale, policy), MAX_NEAR, slots);
  // Nothing can be added to these groups: without evidence there is no signal, without members no composite.
  if (found === 0 && followed.length === 0 && sure === null) return NOWHERE;
  for (let i = 0; i < found; i++) olds[i] = -1;
  const { count, groundless } = addFollowed(found, followed, sure, fences);
  const near: Fence[] = [];
  for (let i = 0; i < count; i++) near.push(fences.rows.fences[slots[i] as number] as Fence);
  const held = weighAll(found, count, now, scale, sure, fences, policy);
  const groups: Contender[][] = [];
  for (let g = 0; g < names.length; g++) {
    const group = plain[g]
      ? believeSums(g, held, followed, now, fences, policy)
      : believeAll(g, held, followed, now, sure, fences, policy);
    if (group.length > 0) groups.push(group);
  }
  return { groups, groundless, near };
}

/** Adds whatever is followed or certain besides; `groundless` when some of it has no ground. */
function addFollowed(
  found: number,
  followed: readonly FenceState[],
  sure: Sure | null,
  fences: FenceIndex,
): { readonly count: number; readonly groundless: boolean } {
  let count = found;
  let groundless = false;
  for (let k = 0; k < followed.length; k++) {
    const fence = fences.get((followed[k] as FenceState).fence);
    if (fence === undefined) continue;
    if (fence.kind !== 'ground') groundless = true;
    else {
      const at = placeOf(fence.slot, count);
      if (at === count) olds[count++] = -1;
      if (olds[at] === -1) olds[at] = k;
    }
  }
  if (sure?.now) {
    for (const id of sure.within) {
      const fence = fences.get(id);
      if (fence && fence.kind !== 'ground') groundless = true;
      else if (fence && placeOf(fence.slot, count) === count) olds[count++] = -1;
    }
  }
  return { count, groundless };
}

/** Where a slot stands in the list; at its end, and from now on there, when it did not. */
function placeOf(slot: number, count: number): number {
  let at = 0;
  while (at < count && slots[at] !== slot) at++;
  slots[at] = slot;
  return at;
}

/**
 * Mass, weight and group of each fence; the columns then hold only those that have some mass, or are
 * remembered and have next to none. How many they are.
 */
function weighAll(
  found: number,
  count: number,
  now: Moment,
  scale: Scale,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): number {
  const { rows } = fences;
  const { pStill, track } = now;
  let held = 0;
  names.length = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    const old = olds[i] as number;
    const kept = old >= 0 || i >= found || isCertain(rows.fences[slot] as Fence, sure);
    const least = kept ? NEXT_TO_NOTHING : NO_MASS;
    const s =
      pStill === 0
        ? 0
        : massInRow(
            rows,
            slot,
            track.still.lon,
            track.still.lat,
            scale.stillX,
            scale.stillY,
            least,
          );
    const { lon, lat } = track.moving;
    const m =
      pStill === 1 ? 0 : massInRow(rows, slot, lon, lat, scale.movingX, scale.movingY, least);
    if (!kept && s < NO_MASS && m < NO_MASS) continue;
    slots[held] = slot;
    olds[held] = old;
    still[held] = s;
    moving[held] = m;
    enrol(held, slot, now, sure, fences, policy);
    held++;
  }
  return held;
}

/** Weight and group of one fence; its kin are in its row from here on. */
function enrol(
  at: number,
  slot: number,
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): void {
  const { rows } = fences;
  const row = slot * ROW;
  if ((rows.numbers[row + GROUP] as number) < 0) fences.kin(rows.fences[slot] as Fence);
  const { numbers } = rows;
  const marks = numbers[row + MARKS] as number;
  const name = numbers[row + GROUP] as number;
  if (sure === null && (marks & TIMED) === 0) weight[at] = 1;
  else {
    const fence = rows.fences[slot] as Fence;
    weight[at] = weightOf(fence, fences.kin(fence).floor, now, sure, policy);
  }
  let g = 0;
  while (g < names.length && names[g] !== name) g++;
  groupOf[at] = g;
  if (g === names.length) {
    names.push(name);
    plain[g] = sure === null;
  }
  if ((marks & (MEMBER | RANKED)) !== 0) plain[g] = false;
  if (((numbers[row + KIN_MARKS] as number) & OVERLAPPING) !== 0) plain[g] = false;
}
