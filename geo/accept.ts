/** PURE. One ping taken as true: what it says of the fences around it, and what follows from that. */
import type { Contender } from './belief.ts';
import type { Teller } from './dwell.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Judgement, Ping } from './quality.ts';
import type { Certain, Sure } from './radio.ts';
import type { DeviceState, FenceState } from './state.ts';
import { believe } from './belief.ts';
import { crossings } from './crossing.ts';
import { advance } from './dwell.ts';
import { believeComposites, believeSignals } from './groundless.ts';
import { momentOf } from './moment.ts';
import { certainOf, sureAfter } from './radio.ts';
import { FORGET, sightOf, unseen } from './sight.ts';
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
  const groups = believed(state, now, certain, sure, fences, policy);
  const next = advanceAll(state.fences, groups, now, policy, teller);
  const wild = now.track.odd || state.track?.odd === true;
  if (!wild) teller.transitions.push(...crossings(now.before, now.fix, fences, next, policy));
  const tripped = trip(state, now, fences, policy);
  teller.transitions.push(...tripped.transitions);
  return {
    v: 2,
    device: state.device,
    head: { t: now.fix.t, key: ping.key ?? '' },
    settled: state.settled,
    last: now.fix,
    suspect: null,
    track: now.track,
    even: now.even,
    sure: sure && { fence: sure.fence.id, t: sure.t },
    ...(tripped.anchors.length > 0 ? { wires: tripped.anchors } : {}),
    fences: limited(next),
  };
}

/** Every fence that may be true, with its belief; composites last, for they are made of the others. */
function believed(
  state: DeviceState,
  now: Moment,
  certain: readonly Certain[],
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Contender[][] {
  const groups = gather(state.fences, now, sure, fences, policy);
  for (const group of groups) believe(group, now.pStill, policy);
  believeSignals(groups, state, now, certain, fences, policy);
  believeComposites(groups, state.fences, sure, fences);
  return groups;
}

function advanceAll(
  followed: readonly FenceState[],
  groups: readonly Contender[][],
  now: Moment,
  policy: Policy,
  teller: Teller,
): FenceState[] {
  const all = groups.flat();
  const next: FenceState[] = [];
  for (const group of groups) {
    for (const contender of group) {
      const old = followed.find((f) => f.fence === contender.fence.id);
      if (!old && contender.p < FORGET) continue;
      const start = old ?? unseen(contender, now, policy);
      const sight = sightOf(contender, group, all, now, policy);
      const moved = advance(start, contender.fence, sight, teller);
      teller.sights?.push({ sight, fence: contender.fence, before: start, after: moved });
      if (moved.phase !== 'away' || moved.p >= FORGET) next.push(moved);
    }
  }
  return next;
}

function limited(next: FenceState[]): FenceState[] {
  const away = next.filter((f) => f.phase === 'away');
  if (away.length <= MAX_AWAY) return next;
  const kept = new Set(away.toSorted((a, b) => b.p - a.p).slice(0, MAX_AWAY));
  return next.filter((f) => f.phase !== 'away' || kept.has(f));
}
