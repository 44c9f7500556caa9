/** PURE. Presences folded into visits: bounds of entry, exit and dwell, censoring, alternatives. */
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { EvidenceKind } from './quality.ts';
import type { VisitSums } from './state.ts';
import { scoreVisit } from './score.ts';

export type Band = 'high' | 'medium' | 'low' | 'none';

/** An instant known only within bounds; null where nobody saw (censored). */
export interface Bounds {
  readonly earliest: Millis | null;
  readonly estimate: Millis;
  readonly latest: Millis | null;
}

export interface Factor {
  readonly name: string;
  readonly value: number;
  /** In the fitted model (geo/score-model.ts); 0 is told but not counted. */
  readonly weight: number;
  readonly text: string;
}

/** `frozen`: a fine fix that never stirred; `ruled`: a motion without any noise. */
export type Distrust = 'jumped' | 'frozen' | 'ruled';

export interface Visit {
  readonly id: string;
  readonly device: string;
  readonly fence: string;
  readonly fenceVersion: number;
  readonly status: 'open' | 'closed' | 'final';
  readonly revision: number;
  readonly score: number;
  readonly band: Band;
  readonly entry: Bounds;
  readonly exit: Bounds | null;
  readonly leftCensored: boolean;
  readonly rightCensored: boolean;
  /** Seconds; upper is null while the exit or the entry is unseen. */
  readonly dwell: {
    readonly lower: number;
    readonly estimate: number;
    readonly upper: number | null;
  };
  readonly pings: number;
  /** Pings weighed by their independence: correlated fixes count for less than one. */
  readonly effectivePings: number;
  /** Metres, 68 % radius. */
  readonly bestAccuracy: number;
  /** Seconds of the dwell that pings cover, and the longest stretch they do not. */
  readonly observedSeconds: number;
  readonly longestGapSeconds: number;
  /** What else than positions speaks for it. */
  readonly evidence: readonly EvidenceKind[];
  /** What is wrong with the track, if anything: came by an impossible jump, or is too perfect. */
  readonly distrust: readonly Distrust[];
  readonly alternates: readonly { readonly fence: string; readonly p: number }[];
  readonly pNone: number;
  readonly factors: readonly Factor[];
  readonly triggerEligible: boolean;
  readonly whyNot?: string;
}

export interface Transition {
  readonly type: 'entered' | 'dwelled' | 'left' | 'crossed';
  readonly fence: string;
  readonly visit?: string;
  /** When it happened, as far as can be told. */
  readonly at: Millis;
  /** Event time of the ping, or of the deadline, that gave it away. */
  readonly detectedAt: Millis;
  readonly p: number;
  /** For dwelled: the threshold passed. */
  readonly tierSeconds?: number;
  /** `returned`, `timeout`, `fence_changed`, `fence-removed`. */
  readonly reason?: string;
  /** Of a tripwire: to which side, seen along its line from the first position. */
  readonly direction?: 'left' | 'right';
}

/** Seconds known to have been spent inside: first to last ping inside, less the unseen gaps. */
export function dwellLower(sums: VisitSums): number {
  return sums.observed / 1000;
}

const round = (value: number, digits: number): number => {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
};

/** cyrb53 (public domain): 53 well-mixed bits of a string, with no library and no Node. */
function hash53(text: string): number {
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ c, 2654435761);
    h2 = Math.imul(h2 ^ c, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return 4294967296 * (2097151 & h2) + (h1 >>> 0);
}

/** The same device entering the same fence at the same time is the same visit, however often told. */
export function visitId(device: string, fence: string, entered: Millis): string {
  return `${hash53(`${device}\n${fence}`).toString(36)}-${Math.round(entered).toString(36)}`;
}

function entryBounds(sums: VisitSums): Bounds {
  const { from, first } = sums;
  return { earliest: from, estimate: from === null ? first : (from + first) / 2, latest: first };
}

function exitBounds(sums: VisitSums): Bounds | null {
  if (!sums.exit) return null;
  const { earliest, latest } = sums.exit;
  return { earliest, estimate: latest === null ? earliest : (earliest + latest) / 2, latest };
}

const bounds = (b: Bounds): Bounds => ({
  earliest: b.earliest === null ? null : Math.round(b.earliest),
  estimate: Math.round(b.estimate),
  latest: b.latest === null ? null : Math.round(b.latest),
});

/** The visit as told to the world. */
export function toVisit(
  sums: VisitSums,
  device: string,
  fence: string,
  status: Visit['status'],
  policy: Policy,
  minDwellSeconds: number,
): Visit {
  const entry = entryBounds(sums);
  const exit = exitBounds(sums);
  const lower = dwellLower(sums);
  const upper =
    entry.earliest === null || exit === null || exit.latest === null
      ? null
      : (exit.latest - entry.earliest) / 1000;
  const estimate = Math.max(lower, ((exit?.estimate ?? sums.last) - entry.estimate) / 1000);
  const scored = scoreVisit(sums, { lower, upper }, minDwellSeconds, policy);
  const why = whyNoTrigger(sums, status, scored.band);
  return {
    id: sums.id,
    device,
    fence,
    fenceVersion: sums.fenceVersion,
    status,
    revision: sums.revision,
    score: round(scored.score, 4),
    band: scored.band,
    entry: bounds(entry),
    exit: exit && bounds(exit),
    leftCensored: sums.from === null,
    rightCensored: sums.exit !== null && sums.exit.latest === null,
    dwell: {
      lower: round(lower, 3),
      estimate: round(upper === null ? estimate : Math.min(estimate, upper), 3),
      upper: upper === null ? null : round(upper, 3),
    },
    pings: sums.pings,
    effectivePings: round(sums.weight, 2),
    bestAccuracy: round(sums.bestAcc, 1),
    observedSeconds: round(lower, 3),
    longestGapSeconds: round(sums.longestGap / 1000, 3),
    evidence: sums.evidence,
    distrust: distrustOf(sums),
    alternates: sums.alternates
      .map(([id, belief]) => ({ fence: id, p: round(belief / sums.weight, 4) }))
      .filter((a) => a.p >= 0.01)
      .slice(0, 8),
    pNone: round(sums.none / sums.weight, 4),
    factors: scored.factors,
    triggerEligible: why === null,
    ...(why === null ? {} : { whyNot: why }),
  };
}

/** Reasons not to trust the track, worst first. */
function distrustOf(sums: Pick<VisitSums, 'jumped' | 'perfect'>): Distrust[] {
  const perfect = sums.perfect ? [sums.perfect] : [];
  return sums.jumped ? ['jumped', ...perfect] : perfect;
}

function whyNoTrigger(sums: VisitSums, status: Visit['status'], band: Band): string | null {
  if (sums.jumped) return 'The device jumped here faster than anything travels.';
  if (sums.perfect === 'ruled') return 'The track is too perfect to be real.';
  if (band !== 'high' && band !== 'medium') return 'The visit is not sure enough yet.';
  return status === 'open' ? null : 'The visit is over.';
}
