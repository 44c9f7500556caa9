/** PURE. One ping in the light of what is known of the device: how new it is, and where it puts it. */
import type { Policy } from './policy.ts';
import type { Fix, Judgement, Ping } from './quality.ts';
import type { DeviceState, VisitSums } from './state.ts';
import type { Track } from './track.ts';
import type { Evenness } from './trust.ts';
import { sigmaOf } from './quality.ts';
import { follow } from './track.ts';
import { evenAfter, perfectOf } from './trust.ts';

/** A hypothesis of motion less probable than this is not asked at all. */
const SETTLED = 0.03;

export interface Moment {
  readonly ping: Ping;
  readonly fix: Fix;
  readonly before: Fix | null;
  readonly jumped: boolean;
  readonly sigma: number;
  readonly weight: number;
  readonly track: Track;
  /** Probability of standing, made certain where it nearly is. */
  readonly pStill: number;
  readonly even: Evenness | null;
  readonly perfect: VisitSums['perfect'] | null;
}

/** The ping in the light of what is known of the device. */
export function momentOf(
  state: DeviceState,
  ping: Ping,
  judgement: Judgement,
  policy: Policy,
): Moment {
  const before = judgement.jumped ? null : state.last;
  const gap = before === null ? null : (ping.t - before.t) / 1000;
  const dt = gap !== null && gap <= policy.staleSeconds ? gap : null;
  const sigma = sigmaOf(judgement.acc);
  const says = motionOf(ping, policy);
  const track = follow(state.track, { lon: ping.lon, lat: ping.lat, sigma, dt, says }, policy);
  const { pStill } = track;
  // Adding zero turns −0, which JSON does not keep, into 0.
  const plain: Fix = {
    t: ping.t + 0,
    lon: ping.lon + 0,
    lat: ping.lat + 0,
    acc: judgement.acc,
  };
  const fix = ping.evidence ? { ...plain, evidence: ping.evidence.fence } : plain;
  const even = evenAfter(state.even, before, fix, says === 'still');
  return {
    ping,
    fix,
    before,
    jumped: judgement.jumped,
    sigma,
    weight: dt === null ? 1 : Math.max(0.05, Math.tanh(dt / (2 * policy.correlationSeconds))),
    track,
    pStill: pStill < SETTLED ? 0 : pStill > 1 - SETTLED ? 1 : pStill,
    even,
    perfect: perfectOf(even, fix),
  };
}

function motionOf(ping: Ping, policy: Policy): 'still' | 'moving' | null {
  if (ping.still === true) return 'still';
  if (ping.speed === undefined || ping.speed < 0) return null;
  return ping.speed >= policy.walkingSpeed ? 'moving' : null;
}
