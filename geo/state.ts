/** PURE. What the engine remembers of one device between pings: plain JSON, a kilobyte or two. */
import type { Metres, Millis } from './lonlat.ts';
import type { EvidenceKind, Fix, Suspect } from './quality.ts';
import type { Track } from './track.ts';
import type { Evenness } from './trust.ts';

/** Running sums of one visit; `geo/visit.ts` turns them into a Visit. */
export interface VisitSums {
  readonly id: string;
  readonly fenceVersion: number;
  readonly revision: number;
  /** Event time at which this visit was last handed out. */
  readonly toldAt: Millis;
  /** Earliest possible entry; null when the device was first seen inside (left-censored). */
  readonly from: Millis | null;
  /** First and last ping judged inside. */
  readonly first: Millis;
  readonly last: Millis;
  readonly pings: number;
  /** Pings weighed by independence, and the same times belief in the fence, and in none. */
  readonly weight: number;
  readonly belief: number;
  readonly none: number;
  /** Fences believed in beside this one: id and weighed belief. */
  readonly alternates: readonly (readonly [string, number])[];
  /** Milliseconds: gaps short enough to count as seen; longest gap; of the seen, judged still. */
  readonly observed: Millis;
  readonly longestGap: Millis;
  readonly still: Millis;
  readonly bestAcc: Metres;
  readonly evidence: readonly EvidenceKind[];
  /** The fence is wider than a shop: walking about in it is no sign of passing by. */
  readonly wide: boolean;
  /** A far jump brought the device here. */
  readonly jumped: boolean;
  /** The track was smoother than any real one: it never stirred, or moved like a ruler. */
  readonly perfect?: 'frozen' | 'ruled';
  /** It began because the fence was drawn or redrawn around the device. */
  readonly edited?: true;
  /** Dwell thresholds already announced. */
  readonly tiers: number;
  /** Bounds of the exit once there is one; latest is null when nobody saw it. */
  readonly exit: { readonly earliest: Millis; readonly latest: Millis | null } | null;
}

/**
 * candidate: believed, not yet long enough. inside, leaving: visit open. gone: visit closed and
 * still reopenable. away: followed only because belief is above nothing.
 */
export type Phase = 'away' | 'candidate' | 'inside' | 'leaving' | 'gone';

export interface FenceState {
  readonly fence: string;
  readonly p: number;
  readonly phase: Phase;
  /** When the phase began (event time). */
  readonly since: Millis;
  /** Earliest possible entry should the device turn out to be inside; null when unknown. */
  readonly from: Millis | null;
  readonly visit: VisitSums | null;
  /** Sums of a new presence that may still prove to be the closed visit continued. */
  readonly again?: VisitSums;
}

/** Where a device too close to a tripwire to tell its side was last surely beside it. */
export interface Anchor {
  readonly fence: string;
  readonly t: Millis;
  readonly lon: number;
  readonly lat: number;
  /** Probability that it was on that side. */
  readonly p: number;
}

/** A place in the one order in which a device's pings are taken: by time, then by key. */
export interface Turn {
  readonly t: Millis;
  readonly key: string;
}

export interface DeviceState {
  readonly v: 2;
  readonly device: string;
  /** The last ping that changed this state. One whose turn is not after it is late. */
  readonly head: Turn | null;
  /** Silence has been judged up to here: a ping from before is late, too. */
  readonly settled: Millis | null;
  readonly last: Fix | null;
  readonly suspect: Suspect | null;
  readonly track: Track | null;
  readonly even: Evenness | null;
  /** The last certain evidence: which fence, and when. */
  readonly sure: { readonly fence: string; readonly t: Millis } | null;
  /** Only while the device is about a tripwire. */
  readonly wires?: readonly Anchor[];
  readonly fences: readonly FenceState[];
}

/** A device never heard of before. */
export function initialState(device: string): DeviceState {
  return {
    v: 2,
    device,
    head: null,
    settled: null,
    last: null,
    suspect: null,
    track: null,
    even: null,
    sure: null,
    fences: [],
  };
}
