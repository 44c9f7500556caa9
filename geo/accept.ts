/** PURE. One ping taken as true: what it says of the fences around it, and what follows from that. */
import type { Contender } from './belief.ts';
import type { Teller } from './dwell.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Judgement, Ping } from './quality.ts';
import type { Certain, Sure } from './radio.ts';
import type { Gathered } from './sighting.ts';
import type { DeviceState, FenceState } from './state.ts';
import { crossings } from './crossing.ts';
import { advance } from './dwell.ts';
import { believeComposites, believeSignals } from './groundless.ts';
import { momentOf } from './moment.ts';
import { certainOf, sureAfter } from './radio.ts';
import { FORGET, rest, sightOf, unseen } from './sight.ts';
import { gather } from './sighting.ts';
import { trip } from './tripwire.ts';

/** Fences followed without a visit, at most; the least believed are forgotten first. */
const MAX_AWAY = 16;

/** The state after a ping that passed `judge`; transitions and visits go to the teller. */
export function accept(
  state: DeviceState,
  ping: Ping,
  judgement: Judgement,
  fences: FenceIndex,
  policy: Policy,
  teller: Teller,
): DeviceState {
  const now = momentOf(state, ping, judgement, policy);
  const certain = certainOf(ping, fences);
  const sure = sureAfter(state, now.fix, certain, fences);
  const { groups, near } = believed(state, now, certain, sure, fences, policy);
  const next = advanceAll(groups, now, policy, teller);
  const wild = now.track.odd || state.track?.odd === true;
  if (!wild) {
    for (const each of crossings(now.before, now.fix, near, next, policy)) {
      teller.transitions.push(each);
    }
  }
  const tripped = trip(state, now, fences, policy);
  for (const each of tripped.transitions) teller.transitions.push(each);
  const after: DeviceState = {
    v: 2,
    device: state.device,
    head: { t: now.fix.t, key: ping.key ?? '' },
    settled: state.settled,
    last: now.fix,
    suspect: null,
    track: now.track,
    even: now.even,
    sure: sure && { fence: sure.fence.id, t: sure.t },
    fences: limited(next),
  };
  if (tripped.anchors.length === 0) return after;
  const { fences: followed, ...rest } = after;
  return { ...rest, wires: tripped.anchors, fences: followed };
}

/** Every fence that may be true, with its belief; composites last, for they are made of the others. */
function believed(
  state: DeviceState,
  now: Moment,
  certain: readonly Certain[],
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Gathered {
  const gathered = gather(state.fences, now, sure, fences, policy);
  const { groups, groundless } = gathered;
  if (groundless || certain.length > 0) believeSignals(groups, state, now, certain, fences, policy);
  if (groundless || sure?.now === true || someMember(groups, fences)) {
    believeComposites(groups, state.fences, sure, fences);
  }
  return gathered;
}

/** Whether any contender is a member of a composite. */
function someMember(groups: readonly Contender[][], fences: FenceIndex): boolean {
  for (let g = 0; g < groups.length; g++) {
    const group = groups[g] as Contender[];
    for (let i = 0; i < group.length; i++) {
      if (fences.compositesOf((group[i] as Contender).fence.id).length > 0) return true;
    }
  }
  return false;
}

function advanceAll(
  groups: readonly Contender[][],
  now: Moment,
  policy: Policy,
  teller: Teller,
): FenceState[] {
  const next: FenceState[] = [];
  for (let g = 0; g < groups.length; g++) {
    const group = groups[g] as Contender[];
    for (let i = 0; i < group.length; i++) {
      const contender = group[i] as Contender;
      const { old, p } = contender;
      if (old === null && p < FORGET) continue;
      const idle = old === null || (old.phase === 'away' && old.visit === null);
      const moved =
        idle && p < policy.candidateAt + contender.caution && teller.sights === undefined
          ? rest(contender, now, policy)
          : judge(contender, group, groups, now, policy, teller);
      if (moved.phase !== 'away' || moved.p >= FORGET) next.push(moved);
    }
  }
  return next;
}

/** The whole state machine of one fence. */
function judge(
  contender: Contender,
  group: readonly Contender[],
  groups: readonly Contender[][],
  now: Moment,
  policy: Policy,
  teller: Teller,
): FenceState {
  const start = contender.old ?? unseen(contender, now, policy);
  const sight = sightOf(contender, group, groups, now, policy);
  const moved = advance(start, contender.fence, sight, teller);
  teller.sights?.push({ sight, fence: contender.fence, before: start, after: moved });
  return moved;
}

function limited(next: FenceState[]): FenceState[] {
  if (next.length <= MAX_AWAY) return next;
  const away = next.filter((f) => f.phase === 'away');
  if (away.length <= MAX_AWAY) return next;
  const kept = new Set(away.toSorted((a, b) => b.p - a.p).slice(0, MAX_AWAY));
  return next.filter((f) => f.phase !== 'away' || kept.has(f));
}
