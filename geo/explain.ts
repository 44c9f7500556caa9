/** PURE. Listens to a run of the engine and tells, ping by ping and fence by fence, why it did what it did. */
import type { Ping, Policy, StepResult } from './engine.ts';
import type { FenceSight } from './dwell.ts';
import type { Sentence } from './explain-words.ts';
import type { Fence } from './fence.ts';
import type { FenceNotes, FenceVerdict } from './explain-fence.ts';
import type { Metres, Millis } from './lonlat.ts';
import type { Fix } from './quality.ts';
import type { Phase } from './state.ts';
import type { Track } from './track.ts';
import type { Transition, Visit } from './visit.ts';
import { inradius } from './depth.ts';
import { planeDistance } from './distance.ts';
import { closedAt, noteFence, noteFix, verdictsOf } from './explain-fence.ts';
import { clues, metres, say, share } from './explain-words.ts';
import { wrapLon } from './lonlat.ts';
import { accuracyOf, sigmaOf } from './quality.ts';
import { dwellLower } from './visit.ts';

export interface FenceView {
  readonly fence: string;
  /** Belief in this fence and in none of it and its rivals, 0..1. */
  readonly p: number;
  readonly none: number;
  /** Best first. */
  readonly rivals: readonly { readonly fence: string; readonly p: number }[];
  readonly before: Phase;
  readonly after: Phase;
  /** What is still missing, or what came of it. */
  readonly says: Sentence;
}

/** Where the device is taken to be once its earlier fixes are heard, too. */
export interface Fused {
  readonly lon: number;
  readonly lat: number;
  /** Standard deviation on each axis. */
  readonly sigma: Metres;
  /** Probability of standing rather than walking. */
  readonly pStill: number;
}

export interface PingView {
  readonly t: Millis;
  readonly key: string;
  readonly lon: number;
  readonly lat: number;
  /** 68 % radius as it was used, and the standard deviation on each axis that it means; null when unusable. */
  readonly accuracy: Metres | null;
  readonly sigma: Metres | null;
  /** `accepted`, or the reason why not. */
  readonly verdict: string;
  readonly says: readonly Sentence[];
  /** Null for a refused ping. */
  readonly fused: Fused | null;
  /** Visits under way first, then the most believed. */
  readonly fences: readonly FenceView[];
  readonly transitions: readonly Transition[];
}

export interface Explanation {
  readonly pings: readonly PingView[];
  /** Each fence that came into question: with visits first, then the most believed. */
  readonly fences: readonly FenceVerdict[];
  /** What there is to distrust, with how often. */
  readonly trust: readonly Sentence[];
}

export interface ExplainOptions {
  readonly policy: Policy;
  /** Pings from before are the run-up: they shape the state and are not told. */
  readonly from?: Millis;
  /** Fences that are answered for even if nothing ever pointed to them. */
  readonly asked?: readonly Fence[];
  /** Tell of the asked fences alone. */
  readonly only?: boolean;
}

export interface Explainer {
  /** Hand this to `run` as `onStep`. */
  readonly onStep: (ping: Ping, result: StepResult, sights: readonly FenceSight[]) => void;
  /** A ping that never reached the engine; it takes its place by time. */
  refused(ping: Ping, reason: string): void;
  /** Everything so far, with the visits that came of it. */
  explain(visits: Iterable<Visit>): Explanation;
}

/** Fences told of at one ping. */
const MAX_FENCES = 12;
const MAX_RIVALS = 3;
const TRUST = [
  'mock',
  'impossible-speed',
  'jumped',
  'spike',
  'frozen',
  'ruled',
  'too-frequent',
] as const;

const seconds = (ms: Millis): number => Math.round(ms / 1000);

export function createExplainer(options: ExplainOptions): Explainer {
  const { policy, from = -Infinity, asked = [], only = false } = options;
  const wanted = only ? new Set(asked.map((fence) => fence.id)) : null;
  const pings: PingView[] = [];
  const notes = new Map<string, FenceNotes>();
  const odd = new Map<string, number>();
  const count = (reason: string): void => void odd.set(reason, (odd.get(reason) ?? 0) + 1);
  let last: Fix | null = null;
  return {
    onStep(ping, result, sights) {
      const before = last;
      last = result.state.last;
      if (ping.t < from) return;
      const { accepted, reason } = result.verdict;
      if (!accepted) {
        count(reason ?? 'other');
        pings.push(refusedView(ping, reason ?? 'other', before, policy));
        return;
      }
      const told = sights.filter(({ fence }) => wanted === null || wanted.has(fence.id));
      for (const each of told) noteFence(notes, each, policy);
      for (const fence of asked) noteFix(notes, fence, ping);
      const view = acceptedView(ping, result, sights, told, policy);
      for (const { code } of view.says) if (code.startsWith('note.')) count(code.slice(5));
      pings.push(view);
    },
    refused(ping, reason) {
      if (ping.t < from) return;
      count(reason);
      pings.push(refusedView(ping, reason, null, policy));
    },
    explain(visits) {
      const own = [...visits].filter((visit) => wanted === null || wanted.has(visit.fence));
      return {
        pings: pings.toSorted((a, b) => a.t - b.t),
        fences: verdictsOf({ notes, pings, visits: own, asked, policy }),
        trust: TRUST.flatMap((reason) => {
          const times = odd.get(reason) ?? 0;
          return times === 0 ? [] : [say(`trust.${reason}`, { count: times })];
        }),
      };
    },
  };
}

function refusedView(ping: Ping, reason: string, last: Fix | null, policy: Policy): PingView {
  return {
    ...placeOf(ping, policy),
    verdict: reason,
    says: [refusal(ping, reason, last, policy)],
    fused: null,
    fences: [],
    transitions: [],
  };
}

function placeOf(
  ping: Ping,
  policy: Policy,
): Pick<PingView, 't' | 'key' | 'lon' | 'lat' | 'accuracy' | 'sigma'> {
  const { t, lon, lat } = ping;
  const accuracy = accuracyOf(ping, policy);
  const usable = Number.isFinite(accuracy);
  return {
    t,
    key: ping.key ?? '',
    lon,
    lat,
    accuracy: usable ? metres(accuracy) : null,
    sigma: usable ? metres(sigmaOf(accuracy)) : null,
  };
}

function refusal(ping: Ping, reason: string, last: Fix | null, policy: Policy): Sentence {
  const code = clues.find((clue) => clue === `refused.${reason}`);
  if (code === undefined) return say('refused.other', { reason });
  if (code === 'refused.inaccurate') {
    const accuracy = Math.round(accuracyOf(ping, policy));
    return say(code, { accuracy, most: policy.maxAccuracyMetres });
  }
  if (code === 'refused.impossible-speed') {
    const far = last === null ? 0 : planeDistance(last.lon, last.lat, ping.lon, ping.lat);
    return say(code, { metres: Math.round(far), seconds: last ? seconds(ping.t - last.t) : 0 });
  }
  return say(code);
}

function acceptedView(
  ping: Ping,
  result: StepResult,
  all: readonly FenceSight[],
  told: readonly FenceSight[],
  policy: Policy,
): PingView {
  const rank = (s: FenceSight): number => (s.after.phase === 'away' ? 0 : 2) + s.sight.p;
  const shown = told.toSorted((a, b) => rank(b) - rank(a)).slice(0, MAX_FENCES);
  return {
    ...placeOf(ping, policy),
    verdict: 'accepted',
    says: notesOf(ping, result, all, policy),
    fused: result.state.track && fusedOf(result.state.track),
    fences: shown.map((each) => fenceView(each, policy)),
    transitions: result.transitions,
  };
}

function notesOf(
  ping: Ping,
  { state }: StepResult,
  sights: readonly FenceSight[],
  policy: Policy,
): Sentence[] {
  const notes: Sentence[] = [];
  if (state.track?.odd) notes.push(say('note.spike'));
  if (sights.some(({ sight }) => sight.jumped)) notes.push(say('note.jumped'));
  const perfect = sights.find(({ sight }) => sight.perfect !== null)?.sight.perfect;
  if (perfect) notes.push(say(`note.${perfect}`));
  if (ping.acc === null || !(ping.acc > 0)) {
    notes.push(say('note.no-accuracy', { accuracy: policy.unknownAccuracyMetres }));
  }
  for (const { sight, fence } of sights) {
    if (sight.evidence) notes.push(say('note.evidence', { fence: fence.id, kind: sight.evidence }));
  }
  return notes;
}

/** Mean and spread of the mixture of both hypotheses. */
export function fusedOf({ pStill, still, moving }: Track): Fused {
  const east = wrapLon(moving.lon - still.lon);
  const apart = planeDistance(still.lon, still.lat, moving.lon, moving.lat);
  const spread = (pStill * (1 - pStill) * apart * apart) / 2;
  const variance = pStill * still.variance + (1 - pStill) * moving.variance + spread;
  return {
    lon: wrapLon(still.lon + (1 - pStill) * east),
    lat: still.lat + (1 - pStill) * (moving.lat - still.lat),
    sigma: metres(Math.sqrt(variance)),
    pStill: share(pStill),
  };
}

function fenceView(each: FenceSight, policy: Policy): FenceView {
  const { sight, fence, before, after } = each;
  return {
    fence: fence.id,
    p: share(sight.p),
    none: share(sight.none),
    rivals: sight.rivals
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, MAX_RIVALS)
      .map(([id, p]) => ({ fence: id, p: share(p) })),
    before: before.phase,
    after: after.phase,
    says: sentenceOf(each, policy),
  };
}

/** What this ping did for this fence, or what it still lacked. */
export function sentenceOf(each: FenceSight, policy: Policy): Sentence {
  const { before, after } = each;
  const wasOpen = before.phase === 'inside' || before.phase === 'leaving';
  if (after.phase === 'inside') return presence(each, wasOpen, policy);
  if (after.phase === 'leaving' || after.phase === 'gone') return departure(each, wasOpen, policy);
  if (after.phase === 'candidate') return missing(each, policy);
  return before.phase === 'gone' ? say('settled') : absence(each, policy);
}

function presence(
  { sight, fence, before, after }: FenceSight,
  wasOpen: boolean,
  policy: Policy,
): Sentence {
  const p = share(sight.p);
  if (!wasOpen) return say(sight.evidence ? 'proven' : 'entered', { p });
  if (before.phase === 'leaving') return say('back', { p });
  if (sight.odd) return say(fence.kind === 'radio' ? 'unheard' : 'odd');
  if (sight.p < policy.releaseAt) return say('held', { p, leave: policy.leaveAt });
  return say('inside', { p, seconds: after.visit ? Math.round(dwellLower(after.visit)) : 0 });
}

function departure({ sight, after }: FenceSight, wasOpen: boolean, policy: Policy): Sentence {
  const p = share(sight.p);
  if (after.phase === 'leaving') {
    return say('leaving', { p, needs: policy.leaveSeconds, soFar: seconds(sight.t - after.since) });
  }
  if (wasOpen) return say('left', { p });
  if (after.again) return say('returning', { p, soFar: seconds(sight.t - after.again.first) });
  return say('gone', { seconds: policy.reopenSeconds });
}

/** A presence has begun; what keeps it from being a visit? */
function missing({ sight, fence, after }: FenceSight, policy: Policy): Sentence {
  const p = share(sight.p);
  if (!sight.mayOpen) return tooCoarse(sight.acc, fence);
  const needs = policy.enterAt + sight.caution;
  if (sight.p < needs) return say('unsure', { p, needs: share(needs) });
  const since = after.visit?.first ?? after.since;
  const soFar = seconds(sight.t - since);
  if (soFar < policy.enterSeconds) return say('wait', { p, needs: policy.enterSeconds, soFar });
  return say('one-more', { p, needs: policy.enterPings, soFar: after.visit?.pings ?? 1 });
}

/** Nothing has begun; why not? */
function absence({ sight, fence, before }: FenceSight, policy: Policy): Sentence {
  const p = share(sight.p);
  if (before.phase === 'candidate') return say('dropped', { p, needs: policy.releaseAt });
  if (!sight.mayOpen && sight.p >= policy.releaseAt) return tooCoarse(sight.acc, fence);
  if (closedAt(fence, sight.t)) return say('closed', { p });
  const [best] = sight.rivals.toSorted((a, b) => b[1] - a[1]);
  if (best && best[1] > sight.p && best[1] >= sight.none) {
    return say('rival', { fence: best[0], rival: share(best[1]), p });
  }
  if (sight.none > sight.p) return say('outside', { none: share(sight.none), p });
  return say('doubtful', { p, needs: share(policy.candidateAt + sight.caution) });
}

const tooCoarse = (accuracy: Metres, fence: Fence): Sentence =>
  fence.kind === 'ground'
    ? say('coarse', { accuracy: Math.round(accuracy), inradius: metres(inradius(fence)) })
    : say('coarse-parts', { accuracy: Math.round(accuracy) });
