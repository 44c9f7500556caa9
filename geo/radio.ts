/** PURE. What is certain from a sign-in, a scan or a signal, and how long a signal once heard still counts. */
import type { Fence } from './fence.ts';
import type { FenceIndex } from './fence-index.ts';
import type { Metres, Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { EvidenceKind, Fix, Ping } from './quality.ts';
import type { DeviceState, FenceState } from './state.ts';
import { contains } from './contains.ts';
import { edgeDistance } from './depth.ts';

/** How long a sign-in at a shop's network speaks for that shop. */
export const EVIDENCE_MEMORY: Millis = 30 * 60_000;
/** Belief in a place whose signal is heard: the least that certain evidence is worth in a score. */
export const HEARD = 0.97;
/** Belief in a radio place while the device hears another one instead. */
const ELSEWHERE = 0.01;
/** Fences one ping can be certain about, at most; a key listed by more says nothing. */
const MAX_CERTAIN = 64;

/** Reach of each kind of signal, nearest first: a code is scanned at arm's length. */
const STRENGTH: Record<EvidenceKind, number> = {
  portal_login: 0,
  qr: 1,
  beacon: 2,
  wifi_session: 3,
};

/** One fence that this very ping is certain about. */
export interface Certain {
  readonly fence: Fence;
  readonly kind: EvidenceKind;
  /** The key that was heard; null for evidence that named its fence. */
  readonly key: string | null;
  /** Place of the key in `heard`; senders that know put the strongest first. */
  readonly order: number;
}

/** Certain knowledge of a place, fresh or remembered. */
export interface Sure {
  readonly fence: Fence;
  readonly t: Millis;
  /** It came with this very ping. */
  readonly now: boolean;
  readonly kind: EvidenceKind | null;
  readonly floor: string | null;
  /** The fence and all that holds it. */
  readonly within: ReadonlySet<string>;
}

function kindOfKey(key: string): EvidenceKind {
  if (key.startsWith('beacon:')) return 'beacon';
  return key.startsWith('qr:') ? 'qr' : 'wifi_session';
}

const NOTHING: readonly Certain[] = [];

/** A signal said to be heard so far from its fence, and this many times the accuracy, was made up. */
const EARSHOT: Metres = 1_000;
const EARSHOT_ACCURACIES = 5;

/** What a device says it hears is its own word, and is held against where it says it is. */
function withinEarshot(fence: Fence, ping: Ping): boolean {
  if (fence.kind !== 'ground' || contains(fence, ping.lon, ping.lat)) return true;
  const gap = edgeDistance(fence, ping.lon, ping.lat);
  return !(gap > EARSHOT + EARSHOT_ACCURACIES * Math.max(0, ping.acc ?? 0));
}

/** Every fence that the ping's evidence or one of its radio keys speaks for. */
export function certainOf(ping: Ping, fences: FenceIndex): readonly Certain[] {
  const { evidence, heard } = ping;
  if (evidence === undefined && (heard === undefined || heard.length === 0)) return NOTHING;
  const found: Certain[] = [];
  const named = evidence && fences.get(evidence.fence);
  if (evidence && named) found.push({ fence: named, kind: evidence.kind, key: null, order: -1 });
  (heard ?? []).forEach((key, order) => {
    const kind = kindOfKey(key);
    for (const fence of fences.hearing(key)) {
      if (found.length >= MAX_CERTAIN) return;
      if (withinEarshot(fence, ping)) found.push({ fence, kind, key, order });
    }
  });
  return found;
}

/** Metres from the fix's error disc to the fence; nothing to a fence without ground. */
function gapTo(fence: Fence, fix: Fix): Metres {
  if (fence.kind !== 'ground' || contains(fence, fix.lon, fix.lat)) return 0;
  return Math.max(0, edgeDistance(fence, fix.lon, fix.lat) - fix.acc);
}

/**
 * Negative when `a` is the better witness: the signal of shorter reach; of two fences with the same
 * key the one that lies in the other, because both are then true; the nearer; the one heard first;
 * the one with ground, the smaller, the one whose id comes first.
 */
function compare(a: Certain, b: Certain, fix: Fix, fences: FenceIndex): number {
  if (a.kind !== b.kind) return STRENGTH[a.kind] - STRENGTH[b.kind];
  if ((a.key === null) !== (b.key === null)) return a.key === null ? -1 : 1;
  if (a.key === b.key) {
    if (fences.ancestors(a.fence).includes(b.fence.id)) return -1;
    if (fences.ancestors(b.fence).includes(a.fence.id)) return 1;
  }
  const nearer = gapTo(a.fence, fix) - gapTo(b.fence, fix);
  if (nearer !== 0) return nearer;
  if (a.order !== b.order) return a.order - b.order;
  const grounded = Number(b.fence.kind === 'ground') - Number(a.fence.kind === 'ground');
  if (grounded !== 0) return grounded;
  const size = a.fence.areaSquareMetres - b.fence.areaSquareMetres;
  return size !== 0 ? size : a.fence.id < b.fence.id ? -1 : 1;
}

/** The latest certain evidence, while it lasts; of several at once the best. */
export function sureAfter(
  state: DeviceState,
  fix: Fix,
  certain: readonly Certain[],
  fences: FenceIndex,
): Sure | null {
  let best: Certain | null = null;
  for (const each of certain) {
    if (best === null || compare(each, best, fix, fences) < 0) best = each;
  }
  const fence = best?.fence ?? (state.sure && fences.get(state.sure.fence));
  if (!fence) return null;
  const t = best ? fix.t : (state.sure?.t ?? fix.t);
  if (fix.t - t > EVIDENCE_MEMORY) return null;
  const { ancestors, floor } = fences.kin(fence);
  const within = new Set([fence.id, ...ancestors]);
  return { fence, t, now: best !== null, kind: best?.kind ?? null, floor, within };
}

/** A place without ground, as believed after a ping. */
export interface Believed {
  readonly fence: Fence;
  readonly p: number;
  /** What made it certain with this very ping. */
  readonly kind: EvidenceKind | null;
}

/**
 * Radio sets: certain while heard, or while something in them is; when nothing is heard, belief fades from its last value, because a
 * scan now and then is missed; when another set is heard instead, it is gone at once.
 */
export function believeRadio(
  followed: readonly FenceState[],
  certain: readonly Certain[],
  sinceLast: Millis,
  fences: FenceIndex,
  policy: Policy,
): Believed[] {
  const found: Believed[] = [];
  const hear = (fence: Fence | undefined, kind: EvidenceKind): void => {
    if (fence?.kind !== 'radio' || found.some((each) => each.fence === fence)) return;
    found.push({ fence, p: HEARD, kind });
  };
  for (const { fence, kind } of certain) {
    hear(fence, kind);
    for (const id of fences.ancestors(fence)) hear(fences.get(id), kind);
  }
  const fade = Math.exp(-sinceLast / 1000 / policy.radioMemorySeconds);
  for (const { fence: id, p } of followed) {
    const fence = fences.get(id);
    if (fence?.kind !== 'radio' || found.some((each) => each.fence === fence)) continue;
    const gone = certain.some((each) => isInstead(each, fence, fences));
    found.push({ fence, p: gone ? Math.min(p, ELSEWHERE) : p * fade, kind: null });
  }
  return found;
}

/**
 * Whether a signal excludes a radio set that was not heard with it. A set of another medium may just
 * not have been scanned for, and the mall's own network is heard in each of its shops.
 */
function isInstead(
  { fence: other, kind, key }: Certain,
  fence: Fence,
  fences: FenceIndex,
): boolean {
  if (other === fence) return false;
  if (fences.ancestors(fence).includes(other.id)) return false;
  if (fences.ancestors(other).includes(fence.id)) return false;
  if (key === null || kind === 'qr') return true;
  return (fence.definition.radio ?? []).some((own) => kindOfKey(own) === kind);
}
