/** PURE. Where else somebody may have been: the most believed rivals of a visit, or the shops of a hall. */
import type { VisitSums } from './state.ts';

/** Alternates kept of a shop, and of a hall whose visit may be one to any of its shops. */
const MAX_RIVALS = 4;
const MAX_CHILDREN = 16;
const NEWEST_SHARE = 0.12;

/** As much of a sight as alternates need. */
interface Rivalry {
  readonly rivals: readonly (readonly [string, number])[];
  readonly holds: boolean;
  readonly weight: number;
  readonly pStill: number;
}

type Alternates = VisitSums['alternates'];

/** Beliefs by id while they are counted: one list for all counts, none outlives its call. */
const ids: string[] = [];
const sums: number[] = [];

/** Counts beliefs into the list; how many names it then holds. */
function countAll(held: number, beliefs: Alternates, times: number): number {
  let count = held;
  for (let i = 0; i < beliefs.length; i++) {
    const each = beliefs[i] as Alternates[number];
    const id = each[0];
    let at = 0;
    while (at < count && ids[at] !== id) at++;
    if (at < count) sums[at] = (sums[at] as number) + each[1] * times;
    else {
      ids[count] = id;
      sums[count] = each[1] * times;
      count++;
    }
  }
  return count;
}

/** The most believed, best first; of equals the one whose id comes first. */
function best(count: number, most: number): Alternates {
  const order: number[] = [];
  for (let i = 0; i < count; i++) {
    const p = sums[i] as number;
    let at = order.length < most ? order.length : most;
    for (; at > 0; at--) {
      const other = order[at - 1] as number;
      const before = sums[other] as number;
      if (before > p || (before === p && (ids[other] as string) < (ids[i] as string))) break;
      order[at] = other;
    }
    if (at < most) order[at] = i;
    if (order.length > most) order.length = most;
  }
  const names: (readonly [string, number])[] = [];
  for (const i of order) {
    names.push([ids[i] as string, Math.round((sums[i] as number) * 1e4) / 1e4]);
  }
  return names;
}

/**
 * The alternates after one more ping. Of a hall's children the newest ping of somebody standing counts
 * for an eighth at least: it knows all that the ones before it knew, and whom a long visit names must
 * be able to change. Walking on does not wipe out where one stood.
 */
export function mergeRivals({ alternates, weight }: VisitSums, sight: Rivalry): Alternates {
  const whole = weight + sight.weight;
  const share = Math.max(sight.weight / whole, sight.holds ? NEWEST_SHARE * sight.pStill : 0);
  const fades = sight.holds && weight > 0;
  if (sight.rivals.length === 0 && (!fades || alternates.length === 0)) return alternates;
  const kept = fades ? (1 - share) * (whole / weight) : 1;
  const count = countAll(countAll(0, alternates, kept), sight.rivals, share * whole);
  return best(count, sight.holds ? MAX_CHILDREN : MAX_RIVALS);
}

/** The alternates of two presences that are one visit. */
export function joinRivals(a: Alternates, b: Alternates): Alternates {
  return best(countAll(countAll(0, a, 1), b, 1), Math.max(MAX_RIVALS, a.length, b.length));
}
