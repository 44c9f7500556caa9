/** PURE. One ping taken as true: what it says of the fences around it, and what follows from that. */
import type { Teller } from './dwell.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Policy } from './policy.ts';
import type { Judgement, Ping } from './quality.ts';
import type { DeviceState, FenceState } from './state.ts';
import { believe } from './belief.ts';
import { crossings } from './crossing.ts';
import { advance } from './dwell.ts';
import { FORGET, gather, momentOf, sightOf, sureAfter, unseen } from './sighting.ts';

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
  const sure = sureAfter(state, ping, fences);
  const followed = state.fences;
  const next: FenceState[] = [];
  for (const group of gather(followed, now, sure, fences, policy)) {
    believe(group, now.pStill, policy);
    for (const contender of group) {
      const old = followed.find((f) => f.fence === contender.fence.id);
      if (!old && contender.p < FORGET) continue;
      const start = old ?? unseen(contender, now, policy);
      const sight = sightOf(contender, group, now, sure, policy);
      const moved = advance(start, contender.fence, sight, teller);
      teller.sights?.push({ sight, fence: contender.fence, before: start, after: moved });
      if (moved.phase !== 'away' || moved.p >= FORGET) next.push(moved);
    }
  }
  const wild = now.track.odd || state.track?.odd === true;
  if (!wild) teller.transitions.push(...crossings(now.before, now.fix, fences, next, policy));
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
    fences: limited(next),
  };
}

function limited(next: FenceState[]): FenceState[] {
  const away = next.filter((f) => f.phase === 'away');
  if (away.length <= MAX_AWAY) return next;
  const kept = new Set(away.toSorted((a, b) => b.p - a.p).slice(0, MAX_AWAY));
  return next.filter((f) => f.phase !== 'away' || kept.has(f));
}
