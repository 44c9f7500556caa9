/** PURE. The door of the engine: step(state, ping, fences, policy) gives the next state, transitions and visits. */
import type { Contender } from './belief.ts';
import type { Sight, Teller } from './dwell.ts';
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Kin } from './kin.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { Fix, Judgement, Ping, RefusalReason } from './quality.ts';
import type { DeviceState, FenceState } from './state.ts';
import type { Blob, Track } from './track.ts';
import type { Transition, Visit } from './visit.ts';
import { believe } from './belief.ts';
import { massInside } from './mass.ts';
import { crossings } from './crossing.ts';
import { edgeDistance, inradius } from './depth.ts';
import { advance, closeVisit, finishVisit, pastReopening } from './dwell.ts';
import { judge, sigmaOf } from './quality.ts';
import { follow } from './track.ts';

export type { AccuracyKind, Evidence, EvidenceKind, Ping, RefusalReason } from './quality.ts';
export type { DeviceState } from './state.ts';
export type { Policy } from './policy.ts';
export { initialState } from './state.ts';
export { defaultPolicy, parsePolicy } from './policy.ts';

export interface StepResult {
  /** A new object; the one handed in is never changed. */
  readonly state: DeviceState;
  readonly verdict: { readonly accepted: boolean; readonly reason?: RefusalReason };
  readonly transitions: readonly Transition[];
  /** Visits created or changed, whole, to be stored by id. */
  readonly visits: readonly Visit[];
}

/** Below this a fence is no longer followed. */
const FORGET = 0.02;
/** Fences followed without a visit, at most; the least believed are forgotten first. */
const MAX_AWAY = 16;
/** Standard deviations around a fix within which fences are asked. */
const REACH = 3;
const NO_MASS = 1e-3;
/** How long a sign-in at a shop's network speaks for that shop, and how loudly at first. */
const EVIDENCE_MEMORY: Millis = 30 * 60_000;
const EVIDENCE_ODDS = 1000;
const OTHER_FLOOR = 0.1;
const HALL_SQUARE_METRES = 2000;

/** Certain knowledge of a place, fresh or remembered. */
interface Sure {
  readonly fence: Fence;
  readonly t: Millis;
  /** It came with this very ping. */
  readonly now: boolean;
  readonly floor: string | null;
  /** The fence and all that holds it. */
  readonly within: ReadonlySet<string>;
}

interface Moment {
  readonly ping: Ping;
  readonly fix: Fix;
  readonly before: Fix | null;
  readonly jumped: boolean;
  readonly sigma: number;
  readonly weight: number;
  readonly track: Track;
}

/** Takes one ping. Never throws and never mutates; a refused ping changes next to nothing. */
export function step(
  state: DeviceState,
  ping: Ping,
  fences: FenceIndex,
  policy: Policy,
): StepResult {
  const judgement = judge(ping, state.last, state.suspect, policy);
  if (judgement.reason !== null) {
    const same = judgement.suspect === state.suspect;
    return {
      state: same ? state : { ...state, suspect: judgement.suspect },
      verdict: { accepted: false, reason: judgement.reason },
      transitions: [],
      visits: [],
    };
  }
  const teller: Teller = { device: state.device, policy, transitions: [], visits: [] };
  const rested = settle(state, ping.t, fences, policy, teller);
  const next = accept(rested, ping, judgement, fences, policy, teller);
  return {
    state: next,
    verdict: { accepted: true },
    transitions: teller.transitions,
    visits: teller.visits,
  };
}

/** Lets time pass without a ping: silence closes visits, closed visits become final. */
export function tick(
  state: DeviceState,
  now: Millis,
  fences: FenceIndex,
  policy: Policy,
): StepResult {
  const teller: Teller = { device: state.device, policy, transitions: [], visits: [] };
  const next = settle(state, now, fences, policy, teller);
  return {
    state: next,
    verdict: { accepted: true },
    transitions: teller.transitions,
    visits: teller.visits,
  };
}

/** When `tick` next has something to do if no ping comes; null when never. */
export function nextDeadline(state: DeviceState, policy: Policy): Millis | null {
  if (state.last === null) return null;
  const live = state.fences.filter((f) => f.phase !== 'away');
  if (live.length === 0) return null;
  const silence = state.last.t + policy.timeoutSeconds * 1000;
  const finals = live
    .filter((f) => f.phase === 'gone' && !f.again && f.visit)
    .map((f) => (f.visit?.exit?.earliest ?? 0) + policy.reopenSeconds * 1000 + 1);
  return Math.min(silence, ...finals);
}

/** What silence alone decides, stamped with its deadline and not with the time of asking. */
function settle(
  state: DeviceState,
  now: Millis,
  fences: FenceIndex,
  policy: Policy,
  teller: Teller,
): DeviceState {
  if (state.last === null || state.fences.length === 0) return state;
  const deadline = state.last.t + policy.timeoutSeconds * 1000;
  const silent = now >= deadline;
  let changed = false;
  const next: FenceState[] = [];
  for (const followed of state.fences) {
    const fence = fences.get(followed.fence);
    const kept =
      silent && fence
        ? hush(followed, fence, deadline, now, teller)
        : rest(followed, fence, now, teller);
    if (kept !== followed) changed = true;
    if (kept) next.push(kept);
  }
  return changed ? { ...state, fences: next } : state;
}

function hush(
  f: FenceState,
  fence: Fence,
  deadline: Millis,
  now: Millis,
  teller: Teller,
): FenceState | null {
  if (f.phase === 'away' || f.phase === 'candidate') return null;
  const open = f.phase === 'inside' || f.phase === 'leaving';
  const { again: _, ...closed } = open ? closeVisit(f, fence, deadline, f.p, 'timeout', teller) : f;
  if (!pastReopening(closed, now, teller.policy)) return closed;
  finishVisit(closed, fence, Math.max(deadline, closed.since), teller);
  return null;
}

function rest(
  f: FenceState,
  fence: Fence | undefined,
  now: Millis,
  teller: Teller,
): FenceState | null {
  if (!fence) return null;
  if (!pastReopening(f, now, teller.policy)) return f;
  finishVisit(f, fence, now, teller);
  return { fence: f.fence, p: f.p, phase: 'away', since: now, from: f.from, visit: null };
}

function momentOf(state: DeviceState, ping: Ping, judgement: Judgement, policy: Policy): Moment {
  const before = judgement.jumped ? null : state.last;
  const gap = before === null ? null : (ping.t - before.t) / 1000;
  const dt = gap !== null && gap <= policy.staleSeconds ? gap : null;
  const sigma = sigmaOf(judgement.acc);
  const says = motionOf(ping, policy);
  return {
    ping,
    fix: { t: ping.t, lon: ping.lon, lat: ping.lat, acc: judgement.acc },
    before,
    jumped: judgement.jumped,
    sigma,
    weight: dt === null ? 1 : Math.tanh(dt / (2 * policy.correlationSeconds)),
    track: follow(state.track, { lon: ping.lon, lat: ping.lat, sigma, dt, says }, policy),
  };
}

function motionOf(ping: Ping, policy: Policy): 'still' | 'moving' | null {
  if (ping.still === true) return 'still';
  if (ping.speed === undefined || ping.speed < 0) return null;
  return ping.speed >= policy.walkingSpeed ? 'moving' : null;
}

function accept(
  state: DeviceState,
  ping: Ping,
  judgement: Judgement,
  fences: FenceIndex,
  policy: Policy,
  teller: Teller,
): DeviceState {
  const now = momentOf(state, ping, judgement, policy);
  const sure = sureAfter(state, ping, fences);
  const followed = new Map(state.fences.map((f) => [f.fence, f]));
  const next: FenceState[] = [];
  for (const group of gather(followed, now, sure, fences, policy)) {
    const none = believe(group, now.track.pStill, policy);
    for (const contender of group) {
      const old = followed.get(contender.fence.id);
      if (!old && contender.p < FORGET) continue;
      const start = old ?? unseen(contender, now, policy);
      const sight = sightOf(contender, group, none, now, sure, policy);
      const moved = advance(start, contender.fence, sight, teller);
      if (moved.phase !== 'away' || moved.p >= FORGET) next.push(moved);
    }
  }
  for (const t of crossings(now.before, now.fix, fences, next, policy)) teller.transitions.push(t);
  return {
    v: 1,
    device: state.device,
    last: now.fix,
    suspect: null,
    track: now.track,
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

function sureAfter(state: DeviceState, ping: Ping, fences: FenceIndex): Sure | null {
  const named = ping.evidence && fences.get(ping.evidence.fence);
  const fence = named ?? (state.sure && fences.get(state.sure.fence));
  if (!fence) return null;
  const t = named ? ping.t : (state.sure?.t ?? ping.t);
  if (ping.t - t > EVIDENCE_MEMORY) return null;
  const { ancestors, floor } = fences.kin(fence);
  return { fence, t, now: named !== undefined, floor, within: new Set([fence.id, ...ancestors]) };
}

/** Everything that may be true near the ping, in competing groups. */
function gather(
  followed: ReadonlyMap<string, FenceState>,
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
  policy: Policy,
): Contender[][] {
  const groups = new Map<string, Contender[]>();
  for (const fence of nearby(followed, now, sure, fences)) {
    const certain = sure !== null && sure.now && sure.within.has(fence.id);
    const least = certain ? 0.5 : 0;
    const still = Math.max(least, massOf(fence, now.track.still));
    const moving = Math.max(least, massOf(fence, now.track.moving));
    if (still < NO_MASS && moving < NO_MASS && !followed.has(fence.id)) continue;
    const kin = fences.kin(fence);
    const contender: Contender = {
      fence,
      p: 0,
      still,
      moving,
      weight: weightOf(fence, kin.floor, now, sure),
      wide: isWide(fence, kin, policy),
    };
    const group = groups.get(kin.group);
    if (group) group.push(contender);
    else groups.set(kin.group, [contender]);
  }
  return [...groups.values()];
}

/** A hall people walk about in: big, or holding other fences and bigger than a shop. */
function isWide(fence: Fence, kin: Kin, policy: Policy): boolean {
  if (kin.holdsOthers && fence.areaSquareMetres >= HALL_SQUARE_METRES) return true;
  return inradius(fence) >= policy.immediateInradiusMetres;
}

function nearby(
  followed: ReadonlyMap<string, FenceState>,
  now: Moment,
  sure: Sure | null,
  fences: FenceIndex,
): Iterable<Fence> {
  const { still, moving, pStill } = now.track;
  const near = new Map<string, Fence>();
  const look = (b: Blob): void => {
    for (const fence of fences.candidates(b.lon, b.lat, REACH * Math.sqrt(b.variance))) {
      near.set(fence.id, fence);
    }
  };
  look(moving);
  if (pStill > 0.01) look(still);
  for (const id of [...followed.keys(), ...(sure?.now ? sure.within : [])]) {
    const fence = fences.get(id);
    if (fence) near.set(id, fence);
  }
  return near.values();
}

const massOf = (fence: Fence, blob: Blob): number =>
  massInside(fence, blob.lon, blob.lat, Math.sqrt(blob.variance));

/** Evidence makes its fence and what holds it a thousand times likelier, fading over half an hour. */
function weightOf(fence: Fence, floor: string | null, now: Moment, sure: Sure | null): number {
  if (sure === null) return 1;
  const fresh = 1 - (now.fix.t - sure.t) / EVIDENCE_MEMORY;
  if (sure.within.has(fence.id)) return EVIDENCE_ODDS ** fresh;
  return floor !== null && sure.floor !== null && floor !== sure.floor ? OTHER_FLOOR : 1;
}

/** A fence met for the first time: outside it a moment ago, if a moment ago was seen at all. */
function unseen(contender: Contender, now: Moment, policy: Policy): FenceState {
  const { before } = now;
  const known =
    before !== null && now.fix.t - before.t <= policy.staleSeconds * 1000 && !now.jumped;
  const from = known ? Math.min(now.fix.t, reachable(contender.fence, before, 1, policy)) : null;
  return {
    fence: contender.fence.id,
    p: contender.p,
    phase: 'away',
    since: now.fix.t,
    from,
    visit: null,
  };
}

/** The soonest (+1) the fence can be reached from a fix, or the latest (−1) it was left for it. */
function reachable(fence: Fence, fix: Fix, direction: 1 | -1, policy: Policy): Millis {
  const away = Math.max(0, edgeDistance(fence, fix.lon, fix.lat) - fix.acc);
  return Math.round(fix.t + (direction * away * 1000) / policy.footSpeed);
}

function sightOf(
  contender: Contender,
  group: readonly Contender[],
  none: number,
  now: Moment,
  sure: Sure | null,
  policy: Policy,
): Sight {
  const { fence } = contender;
  const certain = sure !== null && sure.now && sure.within.has(fence.id);
  return {
    t: now.fix.t,
    p: contender.p,
    none,
    rivals: group
      .filter((c) => c !== contender && c.p >= FORGET)
      .map((c) => [c.fence.id, c.p] as const),
    acc: now.fix.acc,
    weight: now.weight,
    pStill: now.track.pStill,
    evidence: certain ? (now.ping.evidence?.kind ?? null) : null,
    jumped: now.jumped,
    mayOpen: certain || now.sigma <= 3 * inradius(fence),
    wide: contender.wide,
    nextFrom: () => reachable(fence, now.fix, 1, policy),
    exitBy: () => reachable(fence, now.fix, -1, policy),
  };
}
