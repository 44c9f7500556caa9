/** Where a guest stands who left the sign-in sheet: the sheet forgets, so we remember. */
import type { Journey } from './context.ts';
import { networkOf } from './crowd.ts';
import type { Kit } from './kit.ts';
import type { StoreView } from './ports-store.ts';
import type { Clock, GatewayContext } from './ports.ts';
import type { Walker } from './walk.ts';

const KEEP_MS = 10 * 60_000;
const MAX_KEPT = 10_000;

export interface Recalled {
  journey: Journey;
  /** Where the browser came from that the journey was kept for. */
  network: string | null;
  /** The gateway still knows the client by the same mark. */
  marked: boolean;
}

export interface Resume {
  remember(store: StoreView, journey: Journey, network: string | null): void;
  recall(store: StoreView, context: GatewayContext): Recalled | null;
  forget(store: StoreView, journey: Journey): void;
}

/** The client's id at the gateway counts as well where there is one: a MAC alone is easily borrowed. */
function keyOf(store: StoreView, context: GatewayContext): string {
  return [store.id, context.gatewayId, context.mac, context.hid ?? ''].join('|');
}

/**
 * A gateway gives a guest whose few minutes are over a new id. Only who has proved everything and was
 * let in for a while from this very device may go on without the old one, and only for a while.
 */
function laterKeyOf(store: StoreView, journey: Journey): string | null {
  const { context, session, proof, consents } = journey;
  const complete = session?.grace === true && proof !== undefined && consents !== undefined;
  return complete && context !== undefined ? keyOf(store, { ...context, hid: 'later' }) : null;
}

/** Kept in memory of this process, ten minutes. */
export function createResume(clock: Clock): Resume {
  const kept = new Map<string, { until: number; journey: Journey; network: string | null }>();
  const live = (key: string) => {
    const found = kept.get(key);
    return found !== undefined && found.until > clock() ? found : undefined;
  };
  return {
    remember(store, journey, network) {
      if (journey.context === undefined) return;
      const until = clock() + KEEP_MS;
      const keep = (key: string, till: number) => {
        kept.delete(key);
        kept.set(key, { until: till, journey, network });
        const oldest = kept.keys().next().value;
        if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      };
      keep(keyOf(store, journey.context), until);
      const later = laterKeyOf(store, journey);
      if (later !== null) keep(later, until + (journey.session?.grant.minutes ?? 0) * 60_000);
    },
    recall(store, context) {
      const same = live(keyOf(store, context));
      const found = same ?? live(keyOf(store, { ...context, hid: 'later' }));
      if (found === undefined) return null;
      const { network } = found;
      const marked = same !== undefined && context.hid !== undefined;
      return { journey: { ...found.journey, context }, network, marked };
    },
    forget(store, journey) {
      if (journey.context === undefined) return;
      kept.delete(keyOf(store, journey.context));
      kept.delete(keyOf(store, { ...journey.context, hid: 'later' }));
    },
  };
}

/** Whether this gateway's redirects are its own word: where anybody can write them, a MAC is only claimed. */
export function vouches(kit: Kit, store: StoreView, journey: Journey): boolean {
  const gateway = store.gateways.find(({ id }) => id === journey.context?.gatewayId);
  if (gateway === undefined) return false;
  return kit.gateways.of(gateway.kind).capabilities(gateway).redirect !== 'forgeable';
}

/** Keeps a journey for its guest's next redirect, and tells this browser that it is the one. */
export function rememberHere(kit: Kit, walker: Walker, journey: Journey): void {
  const { store, device, networkIp } = walker;
  const { claimed, ...whole } = journey;
  kit.resume.remember(store, whole, networkOf(networkIp));
  if (claimed === undefined && !vouches(kit, store, journey)) device.began(journey.binding);
}

/**
 * What was kept for this client, as far as this request may have it: whole for who shows more than a
 * hardware address, without a name for who comes from the same network, and else not at all.
 */
export function recallHere(
  kit: Kit,
  { store, journey, device, networkIp }: Walker,
): Journey | null {
  const { context } = journey;
  const found = context === undefined ? null : kit.resume.recall(store, context);
  if (found === null) return null;
  const proved =
    found.marked || vouches(kit, store, journey) || device.holds(found.journey.binding);
  if (proved) return found.journey;
  return found.network === networkOf(networkIp) ? { ...found.journey, claimed: true } : null;
}
