/** PURE. Network sessions as counted by gateways: which leg a report belongs to, and what it adds. */

import type { Held } from './addresses.ts';
import { tellAddress } from './addresses.ts';

/** A report made tidy: bounded, in our time, counters that can be added. */
export interface Told {
  kind: 'start' | 'interim' | 'stop';
  /** ms since 1970. */
  at: number;
  /** Null where the gateway does not count them. */
  seconds: number | null;
  bytesIn: number;
  bytesOut: number;
  reason: string | null;
  ip: string | null;
  ap: string | null;
  ssid: string | null;
  multiSession: string | null;
}

/** One network session, or one of several that a gateway counted under the same name. Times in ms. */
export interface Leg {
  startedAt: number;
  lastAt: number;
  endedAt: number | null;
  endReason: string | null;
  /** Ended by silence or a restart: it may be heard of again. */
  inferred: boolean;
  bytesIn: number;
  bytesOut: number;
  seconds: number;
  /** The newest address. */
  ip: string | null;
  /** All of them and when, or null where the gateway tells none. */
  addresses: readonly Held[] | null;
  ap: string | null;
  ssid: string | null;
  multiSession: string | null;
}

/** Two tellings of one beginning differ by less: retransmissions, and clocks read a moment apart. */
const SAME_START_MS = 90_000;

/** When the network session of a report began, as far as it says: some count no time and say 0. */
export function startOf(told: Told): number | null {
  if (told.kind === 'start') return told.at - (told.seconds ?? 0) * 1000;
  return told.seconds ? told.at - told.seconds * 1000 : null;
}

/** Whether a leg's newest counters are told again: an hour later and without a clock, they look like a new beginning. */
function repeats(leg: Leg, told: Told): boolean {
  return (
    (told.seconds ?? 0) > 0 &&
    leg.seconds === told.seconds &&
    leg.bytesIn === told.bytesIn &&
    leg.bytesOut === told.bytesOut
  );
}

/**
 * The leg a report belongs to, of those under the same name at the same gateway; null when it begins a
 * new one. A beginning tells them apart in whatever order they come; where the gateway counts no time,
 * counters that fall later on are a new beginning.
 */
export function legFor<L extends Leg>(legs: readonly L[], told: Told): L | null {
  const start = startOf(told);
  const off = (leg: L): number => Math.abs(leg.startedAt - (start ?? Number.NaN));
  const [nearest] = legs.toSorted((a, b) => off(a) - off(b));
  if (nearest && off(nearest) <= SAME_START_MS) return nearest;
  const repeated = legs.find((leg) => repeats(leg, told));
  if (repeated) return repeated;
  if (start !== null) {
    // A gateway cannot have restarted while it was counting: there its clock was wrong.
    const amid = (leg: L): boolean => leg.startedAt < start && start < leg.lastAt - SAME_START_MS;
    return legs.find(amid) ?? null;
  }
  const before = legs.filter((leg) => leg.startedAt <= told.at);
  const newest = latest(before) ?? latest(legs);
  if (!newest) return null;
  const fell = told.bytesIn < newest.bytesIn || told.bytesOut < newest.bytesOut;
  return fell && told.at > newest.lastAt ? null : newest;
}

function latest<L extends Leg>(legs: readonly L[]): L | undefined {
  return legs.toSorted((a, b) => b.startedAt - a.startedAt)[0];
}

/** A leg as its first report tells it. */
export function beginLeg(told: Told): Leg {
  const startedAt = startOf(told) ?? told.at;
  const nothing: Leg = {
    startedAt,
    lastAt: startedAt,
    endedAt: null,
    endReason: null,
    inferred: false,
    bytesIn: 0,
    bytesOut: 0,
    seconds: 0,
    ip: null,
    addresses: null,
    ap: null,
    ssid: null,
    multiSession: null,
  };
  return growLeg(nothing, told);
}

/**
 * A leg after a report: counters and times only ever rise, an end by the gateway's word stands, and one
 * that was only inferred is taken back by a later sign of life.
 */
export function growLeg<L extends Leg>(leg: L, told: Told): L {
  const ends = told.kind === 'stop' && (leg.endedAt === null || leg.inferred);
  if (!ends && repeats(leg, told)) return leg;
  const newer = told.at >= leg.lastAt;
  const grown: L = {
    ...leg,
    lastAt: Math.max(leg.lastAt, told.at),
    bytesIn: Math.max(leg.bytesIn, told.bytesIn),
    bytesOut: Math.max(leg.bytesOut, told.bytesOut),
    seconds: Math.max(leg.seconds, told.seconds ?? 0),
    ip: newest(leg.ip, told.ip, newer),
    addresses: addressesOf(leg, told),
    ap: newest(leg.ap, told.ap, newer),
    ssid: newest(leg.ssid, told.ssid, newer),
    multiSession: newest(leg.multiSession, told.multiSession, newer),
  };
  if (ends) {
    return { ...grown, endedAt: told.at, endReason: told.reason ?? 'unknown', inferred: false };
  }
  if (leg.inferred && leg.endedAt !== null && told.at > leg.endedAt) {
    return { ...grown, endedAt: null, endReason: null, inferred: false };
  }
  return grown;
}

function addressesOf(leg: Leg, told: Told): readonly Held[] | null {
  return told.ip === null ? leg.addresses : tellAddress(leg.addresses ?? [], told.ip, told.at);
}

function newest(held: string | null, told: string | null, newer: boolean): string | null {
  return newer ? (told ?? held) : (held ?? told);
}

/** Whether anything in it is other than before: a repeated report writes nothing. */
export function sameLeg(a: Leg, b: Leg): boolean {
  const keys = Object.keys(b) as (keyof Leg)[];
  return keys.every((key) => a[key] === b[key]);
}
