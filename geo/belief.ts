/** PURE. How probable each fence is: siblings compete, and "none of them" is one of the rivals. */
import type { Fence } from './fence.ts';
import type { Kin } from './kin.ts';
import type { Policy } from './policy.ts';
import type { EvidenceKind } from './quality.ts';
import type { FenceState } from './state.ts';

/** One fence in one update; `p` and `none` are written. */
export interface Contender {
  readonly fence: Fence;
  readonly kin: Kin;
  /** The state it is followed with, if it is. */
  readonly old: FenceState | null;
  /** Belief in the fence, and in none of it and its rivals. */
  p: number;
  none: number;
  /** Ids of siblings that share ground with it: no rivals. */
  readonly overlaps: readonly string[];
  /** Share of the position's uncertainty inside the fence if standing, and if walking. */
  readonly still: number;
  readonly moving: number;
  /** Prior weight against its siblings: floor, opening hours, and certain evidence. */
  readonly weight: number;
  /** Wide enough that people walk about in it. */
  readonly wide: boolean;
  /** What made it certain with this very ping. */
  readonly certain: EvidenceKind | null;
  /** The ping says neither inside nor outside: an outlier, or a signal not heard this once. */
  readonly vague: boolean;
  /** False when the fix is too coarse for a fence of this size to open a visit. */
  readonly mayOpen: boolean;
  /** Belief asked for beyond the usual, because the fix is coarse for it; below zero when it is fine. */
  readonly caution: number;
  /** Of a composite: the fences without members of their own that were looked at for it. */
  readonly parts: readonly Contender[];
  /** The composite is in all of its parts at once, not in any. */
  readonly allOf: boolean;
}

/** No hypothesis is ever quite impossible. */
export const FLOOR = 1e-7;

/**
 * A categorical posterior over {none} ∪ contenders under each hypothesis of motion, then their mean:
 *
 *   P(k) = Σ_h π(h) · ρ_h(k)·mass_h(k) / [(1 − Σ mass_h) + Σ_j ρ_h(j)·mass_h(j)]
 *
 * mass is the share of the fused position's Gaussian in the fence; ρ is how much likelier a square
 * metre of that fence is than one of the ground around it. Somebody standing is likelier in a shop
 * than beside it and somebody walking is not, hence one ρ for each hypothesis. The bare mass (ρ = 1)
 * found half of the five-minute stays that ρ = 6 finds five sixths of (docs/engine.md).
 *
 * Writes each contender's `p` and `none`. One that overlaps siblings is judged among the others
 * alone, so that being in both is no contradiction.
 */
export function believe(group: readonly Contender[], pStill: number, policy: Policy): void {
  let apart = true;
  for (let i = 0; i < group.length; i++) {
    if ((group[i] as Contender).overlaps.length > 0) apart = false;
  }
  if (apart || group.length === 1) {
    weigh(group, group, pStill, policy);
    return;
  }
  for (const c of group) {
    const rivals = group.filter((other) => !c.overlaps.includes(other.fence.id));
    weigh(rivals, [c], pStill, policy);
  }
}

function weigh(
  group: readonly Contender[],
  judged: readonly Contender[],
  pStill: number,
  policy: Policy,
): void {
  let noneStill = 1;
  let noneMoving = 1;
  let stillSum = 0;
  let movingSum = 0;
  for (let i = 0; i < group.length; i++) {
    const c = group[i] as Contender;
    noneStill -= c.still;
    noneMoving -= c.moving;
    stillSum += c.still * odds(c, policy, true);
    movingSum += c.moving * odds(c, policy, false);
  }
  noneStill = Math.max(noneStill, FLOOR);
  noneMoving = Math.max(noneMoving, FLOOR);
  const a = pStill / (noneStill + stillSum);
  const b = (1 - pStill) / (noneMoving + movingSum);
  for (const c of judged) {
    c.p = a * c.still * odds(c, policy, true) + b * c.moving * odds(c, policy, false);
    c.none = a * noneStill + b * noneMoving;
  }
}

function odds(c: Contender, policy: Policy, still: boolean): number {
  if (c.wide) return c.weight * policy.wideDensity;
  return c.weight * (still ? policy.standingDensity : policy.walkingDensity);
}
