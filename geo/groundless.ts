/** PURE. Fences without ground of their own among the contenders: radio sets and composites. */
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { EvidenceKind } from './quality.ts';
import type { Certain, Sure } from './radio.ts';
import type { DeviceState, FenceState } from './state.ts';
import { composeAll } from './composite.ts';
import { HEARD, believeRadio } from './radio.ts';

interface Shown {
  readonly certain: EvidenceKind | null;
  readonly vague: boolean;
  readonly mayOpen: boolean;
  readonly wide: boolean;
  readonly parts: readonly Contender[];
  readonly allOf: boolean;
}

/** Without ground there is no mass, and nobody to compete with. */
function contenderOf(
  fence: Fence,
  p: number,
  old: FenceState | null,
  fences: FenceIndex,
  shown: Shown,
): Contender {
  const mass = { still: 0, moving: 0, weight: 1, overlaps: [], caution: 0 };
  return { fence, kin: fences.kin(fence), old, p, none: 1 - p, ...mass, ...shown };
}

const stateOf = (followed: readonly FenceState[], { id }: Fence): FenceState | null =>
  followed.find((f) => f.fence === id) ?? null;

/** Adds each radio set that is heard or still remembered, in a group of its own. */
export function believeSignals(
  groups: Contender[][],
  state: DeviceState,
  now: Moment,
  certain: readonly Certain[],
  fences: FenceIndex,
  policy: Policy,
): void {
  const gap = state.last === null ? Infinity : now.fix.t - state.last.t;
  for (const { fence, p, kind } of believeRadio(state.fences, certain, gap, fences, policy)) {
    const shown = { certain: kind, vague: kind === null, mayOpen: true, wide: false };
    const old = stateOf(state.fences, fence);
    groups.push([contenderOf(fence, p, old, fences, { ...shown, parts: [], allOf: false })]);
  }
}

/** Adds each composite that has a contender among its members, or is followed. */
export function believeComposites(
  groups: Contender[][],
  followed: readonly FenceState[],
  sure: Sure | null,
  fences: FenceIndex,
): void {
  const beliefs = new Map(groups.flat().map((c) => [c.fence.id, c]));
  for (const { fence, p, tight, parts } of composeAll(followed, beliefs, fences)) {
    const named = sure?.now === true && sure.within.has(fence.id);
    groups.push([
      contenderOf(fence, named ? Math.max(p, HEARD) : p, stateOf(followed, fence), fences, {
        certain: named ? sure.kind : certainBy(parts, tight),
        vague: !named && parts.length > 0 && parts.every((c) => c.vague),
        mayOpen: named || (tight ? parts.every(opens) : parts.some(opens)),
        wide: tight ? parts.every(isWide) : (surest(parts)?.wide ?? false),
        parts,
        allOf: tight,
      }),
    ]);
  }
}

const opens = (c: Contender): boolean => c.mayOpen && c.p > 0;
const isWide = (c: Contender): boolean => c.wide;

const surest = (parts: readonly Contender[]): Contender | undefined =>
  parts.reduce<Contender | undefined>((best, c) => (best && best.p >= c.p ? best : c), undefined);

/** One certain member proves a place made of any of them; of all of them, each has to be. */
function certainBy(parts: readonly Contender[], all: boolean): EvidenceKind | null {
  const proven = parts.filter((c) => c.certain !== null);
  if (proven.length === 0 || (all && proven.length < parts.length)) return null;
  return proven[0]?.certain ?? null;
}
