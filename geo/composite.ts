/** PURE. Fences made of other fences: how probable it is to be in any of them, or in all at once. */
import type { Contender } from './belief.ts';
import type { CompositeShape, Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { FenceState } from './state.ts';

/** Composites of composites deeper than this are not looked into. */
const MAX_DEPTH = 4;
/** Composites judged per ping, at most. */
const MAX_COMPOSITES = 64;

/** A composite as believed after a ping, and the members that it was believed by. */
export interface Composed {
  readonly fence: Fence;
  readonly p: number;
  /** In all of the parts at once. False when in any, or when composites of both kinds are nested. */
  readonly tight: boolean;
  /** Members, and members' members, that are not composites and were looked at with this ping. */
  readonly parts: readonly Contender[];
}

/** Beliefs of one ping by fence id. */
export type Beliefs = ReadonlyMap<string, Contender>;

const shapeOf = (fence: Fence): CompositeShape | null =>
  fence.definition.shape.type === 'Composite' ? fence.definition.shape : null;

/** Every composite that a looked-at fence is a member of, or that is followed, in order of ids. */
export function composeAll(
  followed: readonly FenceState[],
  beliefs: Beliefs,
  fences: FenceIndex,
): Composed[] {
  const found = new Map<string, Fence>();
  const climb = (id: string, depth: number): void => {
    for (const fence of fences.compositesOf(id)) {
      if (found.has(fence.id) || found.size >= MAX_COMPOSITES) continue;
      found.set(fence.id, fence);
      if (depth < MAX_DEPTH) climb(fence.id, depth + 1);
    }
  };
  for (const { fence: id } of followed) {
    const fence = fences.get(id);
    if (fence?.kind === 'composite') found.set(id, fence);
  }
  for (const id of beliefs.keys()) climb(id, 1);
  const composites = [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const known: Known = new Map();
  return composites.map((fence) => compose(fence, beliefs, fences, known));
}

interface Evaluated {
  readonly p: number;
  readonly parts: ReadonlySet<Contender>;
}

/**
 * What was found of a composite within this ping, by how deep it was met: a hundred composites of the
 * same hundred composites would otherwise be looked into once for every way that leads to them.
 */
type Known = Map<Fence, (Evaluated | undefined)[]>;

/** One composite. A fence that no ping came near is not among the beliefs and counts as nothing. */
export function compose(
  fence: Fence,
  beliefs: Beliefs,
  fences: FenceIndex,
  known: Known = new Map(),
): Composed {
  const shape = shapeOf(fence);
  const { p, parts } = evaluate(fence, beliefs, fences, [], known);
  const nested = shape?.members.some((id) => fences.get(id)?.kind === 'composite') ?? false;
  return { fence, p, tight: shape?.of === 'all' && !nested, parts: [...parts] };
}

const NOTHING: Evaluated = { p: 0, parts: new Set() };

/** A member's belief; `above` are the composites it is reached through, which it cannot hold again. */
function evaluate(
  fence: Fence,
  beliefs: Beliefs,
  fences: FenceIndex,
  above: readonly Fence[],
  known: Known,
): Evaluated {
  const shape = shapeOf(fence);
  if (shape === null || above.includes(fence) || above.length >= MAX_DEPTH) return NOTHING;
  const before = known.get(fence)?.[above.length];
  if (before) return before;
  const line = [...above, fence];
  const members = new Map<Fence, Member>();
  const parts = new Set<Contender>();
  for (const id of shape.members) {
    const member = fences.get(id);
    if (!member || member.kind === 'tripwire' || line.includes(member)) continue;
    if (members.has(member)) continue;
    const seen = beliefs.get(id);
    if (seen) parts.add(seen);
    if (member.kind === 'composite') {
      const inner = evaluate(member, beliefs, fences, line, known);
      for (const part of inner.parts) parts.add(part);
      members.set(member, { fence: member, p: inner.p });
    } else members.set(member, { fence: member, p: seen?.p ?? 0 });
  }
  const all = [...members.values()];
  const p = shape.of === 'any' ? inAny(all, fences) : inAll(all, fences);
  const found = { p, parts };
  const depths = known.get(fence) ?? [];
  depths[above.length] = found;
  known.set(fence, depths);
  return found;
}

interface Member {
  readonly fence: Fence;
  readonly p: number;
}

/** Whether being in one is never being in the other: neighbours that share no ground. */
function exclude(a: Fence, b: Fence, fences: FenceIndex): boolean {
  if (a.kind !== 'ground' || b.kind !== 'ground') return false;
  const kin = fences.kin(a);
  return kin.group === fences.kin(b).group && !kin.overlaps.includes(b.id);
}

/**
 * 1 − Π (1 − Σ): within a set of fences that exclude each other beliefs add up, and the sets are
 * taken as independent. A member that lies in another, or shares ground with it, adds nothing of its
 * own: of those the surest counts.
 */
function inAny(members: readonly Member[], fences: FenceIndex): number {
  const sets: Member[][] = [];
  const loners: Member[] = [];
  for (const member of members) {
    if (member.p <= 0) continue;
    if (lean(member, members, fences)) {
      loners.push(member);
      continue;
    }
    const set = sets.find((s) => s.every((other) => exclude(member.fence, other.fence, fences)));
    if (set) set.push(member);
    else sets.push([member]);
  }
  let missed = 1;
  for (const set of sets) {
    missed *=
      1 -
      Math.min(
        1,
        set.reduce((sum, { p }) => sum + p, 0),
      );
  }
  const surest = loners.reduce((most, { p }) => Math.max(most, p), 0);
  return Math.max(surest, 1 - missed);
}

/** Whether a member's ground is, in part or whole, also that of another which is believed more. */
function lean(member: Member, members: readonly Member[], fences: FenceIndex): boolean {
  if (member.fence.kind !== 'ground') return false;
  const { ancestors, overlaps } = fences.kin(member.fence);
  return members.some((other) => {
    if (other === member || other.p < member.p) return false;
    if (other.p === member.p && other.fence.id > member.fence.id) return false;
    const { id } = other.fence;
    return overlaps.includes(id) || ancestors.includes(id);
  });
}

/**
 * The least believed member. Beliefs about one person at one moment rise and fall together, because
 * one position feeds them, so a product would count the same doubt several times over. Members that
 * exclude each other cannot all be true.
 */
function inAll(members: readonly Member[], fences: FenceIndex): number {
  if (members.length === 0 || members.some(({ p }) => p <= 0)) return 0;
  let least = 1;
  for (const [i, member] of members.entries()) {
    least = Math.min(least, member.p);
    for (const other of members.slice(i + 1)) {
      if (exclude(member.fence, other.fence, fences)) {
        least = Math.min(least, Math.max(0, member.p + other.p - 1));
      }
    }
  }
  return least;
}
