/** PURE. Accept a ping, or refuse it with a reason: accuracy, order, duplicates, impossible speed. */
import type { Metres, Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import { planeDistance } from './distance.ts';
import { lonLatFault } from './lonlat.ts';

/** What the accuracy number means: Android 68 % radius, iOS 2-D RMS, browsers 95 % radius. */
export type AccuracyKind = 'p68' | 'rms' | 'p95';

export type EvidenceKind = 'portal_login' | 'wifi_session' | 'qr' | 'beacon';

/** Certain knowledge that the device is at a fence, brought by something other than its position. */
export interface Evidence {
  readonly fence: string;
  readonly kind: EvidenceKind;
}

export interface Ping {
  readonly t: Millis;
  /** Settles the order of pings of the same instant; the identity they are stored by. */
  readonly key?: string;
  readonly lon: number;
  readonly lat: number;
  /** Reported accuracy in metres; null, zero and negative mean unknown, never perfect. */
  readonly acc: Metres | null;
  readonly accKind?: AccuracyKind;
  /** Metres a second, as the device reports it; negative means unknown. */
  readonly speed?: number;
  /** The device says that it is not moving. */
  readonly still?: boolean;
  /** The device says that the position is simulated. */
  readonly mock?: boolean;
  readonly evidence?: Evidence;
  /** Radio keys heard with this fix (see FenceDefinition.radio); fences that list one are certain. */
  readonly heard?: readonly string[];
}

export type RefusalReason =
  | 'not-finite'
  | 'out-of-range'
  | 'mock'
  | 'inaccurate'
  | 'duplicate'
  | 'out-of-order'
  | 'too-frequent'
  | 'impossible-speed';

/** A fix the engine has taken as true. */
export interface Fix {
  readonly t: Millis;
  readonly lon: number;
  readonly lat: number;
  /** 68 % radius. */
  readonly acc: Metres;
  /** Fence of the evidence that came with it. */
  readonly evidence?: string;
}

/** A far jump that waits for company. */
export interface Suspect extends Fix {
  /** How many fixes agree so far, and how many are needed. */
  readonly seen: number;
  readonly need: number;
}

export interface Judgement {
  readonly reason: RefusalReason | null;
  /** The accuracy as a 68 % radius, bounded. */
  readonly acc: Metres;
  readonly suspect: Suspect | null;
  /** True when a far jump has just been believed. */
  readonly jumped: boolean;
}

/** Rayleigh radii of an isotropic Gaussian in units of its sigma. */
const SIGMA_IN_P68 = 1.5096;
const P68_OF: Record<AccuracyKind, number> = {
  p68: 1,
  rms: SIGMA_IN_P68 / Math.SQRT2,
  p95: SIGMA_IN_P68 / 2.4477,
};

/** Standard deviation on each axis of a fix with a 68 % radius. */
export const sigmaOf = (acc: Metres): Metres => acc / SIGMA_IN_P68;

/** Any accuracy as a 68 % radius. */
export function accuracyOf(ping: Ping, policy: Policy): Metres {
  if (ping.acc === null || !(ping.acc > 0)) return policy.unknownAccuracyMetres;
  return Math.max(ping.acc * P68_OF[ping.accKind ?? 'p68'], policy.minAccuracyMetres);
}

const refused = (reason: RefusalReason, acc: Metres, suspect: Suspect | null): Judgement => ({
  reason,
  acc,
  suspect,
  jumped: false,
});

/** Speed needed to get from one fix to another when both errors helped as much as they could. */
function impliedSpeed(a: Fix, lon: number, lat: number, acc: Metres, t: Millis): number {
  const distance = planeDistance(a.lon, a.lat, lon, lat) - a.acc - acc;
  return distance <= 0 ? 0 : distance / Math.max((t - a.t) / 1000, 0.001);
}

/** Judges one ping against the last fix taken as true. */
export function judge(
  ping: Ping,
  last: Fix | null,
  suspect: Suspect | null,
  policy: Policy,
): Judgement {
  if (!Number.isFinite(ping.t)) return refused('not-finite', 0, suspect);
  if (ping.acc !== null && !Number.isFinite(ping.acc)) return refused('not-finite', 0, suspect);
  const fault = lonLatFault(ping.lon, ping.lat);
  if (fault) return refused(fault, 0, suspect);
  const acc = accuracyOf(ping, policy);
  if (ping.mock === true) return refused('mock', acc, suspect);
  if (acc > policy.maxAccuracyMetres) return refused('inaccurate', acc, suspect);
  if (last === null) return { reason: null, acc, suspect: null, jumped: false };
  if (ping.t < last.t) return refused('out-of-order', acc, suspect);
  if (ping.t - last.t < policy.minGapSeconds * 1000) {
    const news = ping.evidence !== undefined && ping.evidence.fence !== last.evidence;
    const same = ping.t === last.t && ping.lon === last.lon && ping.lat === last.lat;
    if (!news) return refused(same ? 'duplicate' : 'too-frequent', acc, suspect);
  }
  return judgeSpeed(ping, acc, last, suspect, policy);
}

/**
 * One wild fix is a spike and is dropped; a jump that further fixes confirm is a real change of
 * place (a train without signal, a first fix that was wrong) and is believed.
 */
function judgeSpeed(
  ping: Ping,
  acc: Metres,
  last: Fix,
  suspect: Suspect | null,
  policy: Policy,
): Judgement {
  const { t, lon, lat } = ping;
  const limit = (ping.speed ?? 0) > 50 ? policy.rejectSpeed : policy.doubtSpeed;
  const speed = impliedSpeed(last, lon, lat, acc, t);
  if (speed <= limit) return { reason: null, acc, suspect: null, jumped: false };
  if (suspect && t === suspect.t && lon === suspect.lon && lat === suspect.lat) {
    return refused('duplicate', acc, suspect);
  }
  const agrees =
    suspect !== null && t > suspect.t && impliedSpeed(suspect, lon, lat, acc, t) <= limit;
  const need = Math.max(speed > policy.rejectSpeed ? 2 : 1, agrees ? suspect.need : 0);
  if (agrees && suspect.seen >= need) return { reason: null, acc, suspect: null, jumped: true };
  const seen = agrees ? suspect.seen + 1 : 1;
  return refused('impossible-speed', acc, { t, lon, lat, acc, seen, need });
}
