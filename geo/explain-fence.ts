/** PURE. Why a fence has no visit: what came nearest to one, over all pings of a span. */
import type { FenceSight } from './dwell.ts';
import type { Sentence } from './explain-words.ts';
import type { Fence } from './fence.ts';
import type { Metres, Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { Ping } from './quality.ts';
import type { Visit } from './visit.ts';
import { contains } from './contains.ts';
import { edgeDistance, inradius } from './depth.ts';
import { metres, say, share } from './explain-words.ts';
import { isOpen } from './hours.ts';

export interface FenceVerdict {
  readonly fence: string;
  readonly visited: boolean;
  /** The reason in one sentence. */
  readonly says: Sentence;
  /** Accepted pings at which the fence came into question, and the highest belief. */
  readonly pings: number;
  readonly best: number;
  readonly visits: readonly Visit[];
}

/** What one fence's pings had in common. */
export interface FenceNotes {
  fence: Fence;
  pings: number;
  best: number;
  /** The likeliest rival: at its best moment, and how often one was ahead. */
  rival: readonly [string, number] | null;
  behind: number;
  /** Believed, but by fixes too coarse to open a visit. */
  coarse: number;
  finest: Metres;
  /** Where it came nearest to being taken for a place the device is at, and to opening a visit. */
  begun: Lack | null;
  opened: Lack | null;
  /** The longest presence that never became a visit, among pings that were believed enough for one. */
  waited: number;
  waitedPings: number;
  candidates: number;
  /** Pings at an hour when it was closed. */
  closed: number;
  /** Nearest that any fix came; known for asked fences with ground only. */
  nearest: Metres | null;
}

/** A belief, and what was asked for at that very ping: more of a coarse fix, less of a fine one. */
interface Lack {
  readonly p: number;
  readonly needs: number;
}

const MAX_FENCES = 50;

function notesFor(all: Map<string, FenceNotes>, fence: Fence): FenceNotes {
  let own = all.get(fence.id);
  if (!own) {
    own = {
      fence,
      pings: 0,
      best: 0,
      rival: null,
      behind: 0,
      coarse: 0,
      finest: Infinity,
      begun: null,
      opened: null,
      waited: 0,
      waitedPings: 0,
      candidates: 0,
      closed: 0,
      nearest: null,
    };
    all.set(fence.id, own);
  }
  return own;
}

/** One ping from one fence's point of view. */
export function noteFence(all: Map<string, FenceNotes>, each: FenceSight, policy: Policy): void {
  const { sight, fence, after } = each;
  const own = notesFor(all, fence);
  own.pings++;
  own.best = Math.max(own.best, sight.p);
  own.finest = Math.min(own.finest, sight.acc);
  for (const rival of sight.rivals) {
    if (rival[1] > sight.p) own.behind++;
    if (own.rival === null || rival[1] > own.rival[1]) own.rival = rival;
  }
  if (closedAt(fence, sight.t)) own.closed++;
  const begins = policy.candidateAt + sight.caution;
  const coarse = !sight.mayOpen && sight.p >= Math.min(policy.releaseAt, begins);
  if (coarse) own.coarse++;
  else own.begun = lesser(own.begun, { p: sight.p, needs: begins });
  if (after.phase !== 'candidate') return;
  own.candidates++;
  if (!sight.mayOpen) return;
  const needs = policy.enterAt + sight.caution;
  own.opened = lesser(own.opened, { p: sight.p, needs });
  if (sight.p < needs) return;
  const waited = (sight.t - (after.visit?.first ?? after.since)) / 1000;
  if (waited < own.waited) return;
  own.waited = waited;
  own.waitedPings = after.visit?.pings ?? 1;
}

/** The one that is nearer to what it needs. */
const lesser = (old: Lack | null, next: Lack): Lack =>
  old !== null && old.needs - old.p <= next.needs - next.p ? old : next;

/** Whether the fence keeps hours and is closed. */
export const closedAt = ({ definition }: Fence, t: Millis): boolean =>
  definition.hours !== undefined && !isOpen(definition.hours, t);

/** How near a fix came to a fence that was asked for. */
export function noteFix(all: Map<string, FenceNotes>, fence: Fence, ping: Ping): void {
  if (fence.rings.length < 2) return;
  const own = notesFor(all, fence);
  const { lon, lat } = ping;
  const away = contains(fence, lon, lat) ? 0 : edgeDistance(fence, lon, lat);
  own.nearest = Math.min(own.nearest ?? Infinity, away);
}

/** As much of a ping as these verdicts need: `accepted`, or why not. */
interface Judged {
  readonly verdict: string;
}

export interface Heard {
  readonly notes: ReadonlyMap<string, FenceNotes>;
  readonly pings: readonly Judged[];
  readonly visits: readonly Visit[];
  readonly asked: readonly Fence[];
  readonly policy: Policy;
}

/** A verdict for every fence that was asked for or came into question. */
export function verdictsOf({ notes, pings, visits, asked, policy }: Heard): FenceVerdict[] {
  const none = sentenceForNone(pings);
  const ids = new Set([
    ...asked.map((fence) => fence.id),
    ...notes.keys(),
    ...visits.map((visit) => visit.fence),
  ]);
  const verdicts = [...ids].map((id): FenceVerdict => {
    const own = notes.get(id) ?? null;
    const fence = own?.fence ?? asked.find((each) => each.id === id) ?? null;
    const mine = visits.filter((visit) => visit.fence === id);
    return {
      fence: id,
      visited: mine.some((visit) => visit.band !== 'none'),
      says: ofVisits(mine, fence, policy) ?? none ?? ofNotes(own, fence, policy),
      pings: own?.pings ?? 0,
      best: share(own?.best ?? 0),
      visits: mine,
    };
  });
  const first = new Set(asked.map((fence) => fence.id));
  const rank = (v: FenceVerdict): number => (first.has(v.fence) ? 2 : 0) + (v.visited ? 1 : 0);
  // Of several visited at once the shop says more than the mall around it.
  const size = (v: FenceVerdict): number => notes.get(v.fence)?.fence.areaSquareMetres ?? 0;
  const order = (a: FenceVerdict, b: FenceVerdict): number =>
    rank(b) - rank(a) || (a.visited ? size(a) - size(b) : b.best - a.best);
  return verdicts
    .toSorted((a, b) => order(a, b) || (a.fence < b.fence ? -1 : 1))
    .slice(0, MAX_FENCES);
}

/** When no fix at all could be used, no fence is to blame. */
function sentenceForNone(pings: readonly Judged[]): Sentence | null {
  if (pings.length === 0) return say('no-fixes');
  const reasons = new Map<string, number>();
  for (const { verdict } of pings) {
    if (verdict === 'accepted') return null;
    reasons.set(verdict, (reasons.get(verdict) ?? 0) + 1);
  }
  const [most] = [...reasons].toSorted((a, b) => b[1] - a[1]);
  return say('all-refused', { reason: most?.[0] ?? '', count: pings.length });
}

function ofVisits(visits: readonly Visit[], fence: Fence | null, policy: Policy): Sentence | null {
  const [best] = visits.toSorted((a, b) => b.score - a.score);
  if (!best) return null;
  if (best.band !== 'none') return say('visit', { score: share(best.score), band: best.band });
  const [worst] = best.factors.toSorted((a, b) => a.value - b.value);
  if (worst?.name === 'stay') {
    const needs = fence?.definition.minDwellSeconds ?? policy.minDwellSeconds;
    const seconds = Math.round(best.dwell.upper ?? best.dwell.estimate);
    return say('too-short', { seconds, needs });
  }
  return say('weak', { score: share(best.score), factor: worst?.name ?? '' });
}

function ofNotes(own: FenceNotes | null, fence: Fence | null, policy: Policy): Sentence {
  const kind = fence?.definition.shape.type;
  if (kind === 'Tripwire') return say('wire');
  if (own === null || own.pings === 0) {
    if (kind === 'Radio') return say('never-heard');
    const away = own?.nearest ?? null;
    return away === null ? say('never-seen') : say('never-near', { metres: Math.round(away) });
  }
  const p = share(own.best);
  const { opened, coarse } = own;
  if (own.candidates > 0 && opened !== null) return ofPresence(own, opened, policy);
  if (coarse > 0) return ofCoarse(own);
  if (own.rival && own.rival[1] > own.best && own.behind * 2 >= own.pings) {
    return say('rival-won', { fence: own.rival[0], rival: share(own.rival[1]), p });
  }
  const code = own.closed === own.pings ? 'was-closed' : 'never-believed';
  return say(code, inFigures(own.begun ?? { p: own.best, needs: policy.candidateAt }));
}

function ofCoarse({ fence, finest }: FenceNotes): Sentence {
  const accuracy = Math.round(finest);
  if (fence.kind !== 'ground') return say('coarse-parts', { accuracy });
  return say('too-coarse', { accuracy, inradius: metres(inradius(fence)) });
}

/** Rounded apart: what falls short must not read as enough. */
const inFigures = ({ p, needs }: Lack): { p: number; needs: number } => ({
  p: share(p),
  needs: Math.ceil(needs * 100 - 1e-9) / 100,
});

/** What kept a presence from becoming a visit, where it came nearest to one. */
function ofPresence(own: FenceNotes, opened: Lack, policy: Policy): Sentence {
  if (opened.p < opened.needs) return say('never-sure', inFigures(opened));
  const p = share(own.best);
  if (own.waited >= policy.enterSeconds) {
    return say('too-few-fixes', { p, needs: policy.enterPings });
  }
  return say('too-brief', { p, needs: policy.enterSeconds, soFar: Math.round(own.waited) });
}
