/** PURE. Ground that two siblings share belongs to the one of higher priority. */
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { Blob, Track } from './track.ts';
import { fenceBox } from './fence.ts';
import { sharedMass } from './mass.ts';

const priorityOf = (fence: Fence): number => fence.definition.priority ?? 0;

/**
 * Takes from each contender the part of its mass that lies in siblings of higher priority on its
 * floor. The two then exclude each other like any neighbours. Where all priorities are equal, which
 * is the rule, nothing happens.
 */
export function yieldGround(group: Contender[], track: Track): void {
  const first = group[0];
  if (!first || group.every((c) => priorityOf(c.fence) === priorityOf(first.fence))) return;
  const whole = group.slice();
  for (const [i, c] of whole.entries()) {
    const takers = whole.filter((o) => takes(o, c));
    const givers = whole.filter((o) => takes(c, o));
    if (takers.length + givers.length === 0) continue;
    const met = [...takers, ...givers].map((o) => o.fence.id);
    group[i] = {
      ...c,
      still: beyond(c, c.still, takers, track.still),
      moving: beyond(c, c.moving, takers, track.moving),
      overlaps: c.overlaps.filter((id) => !met.includes(id)),
    };
  }
}

function takes(taker: Contender, giver: Contender): boolean {
  if (priorityOf(taker.fence) <= priorityOf(giver.fence)) return false;
  const [a, b] = [taker.kin.floor, giver.kin.floor];
  if (a !== null && b !== null && a !== b) return false;
  const [s, t] = [fenceBox(taker.fence), fenceBox(giver.fence)];
  return s.minX < t.maxX && t.minX < s.maxX && s.minY < t.maxY && t.minY < s.maxY;
}

/** Certain evidence is worth its least mass wherever the ground goes. */
function beyond(c: Contender, mass: number, takers: readonly Contender[], blob: Blob): number {
  if (mass === 0 || takers.length === 0) return mass;
  const others = takers.map((o) => o.fence);
  const shared = sharedMass(c.fence, others, blob.lon, blob.lat, Math.sqrt(blob.variance));
  return Math.max(c.certain === null ? 0 : 0.5, mass - shared);
}
