/** Where a guest stands who left the sign-in sheet: the sheet forgets, so we remember. */
import type { Journey } from './context.ts';
import type { StoreView } from './ports-store.ts';
import type { Clock, GatewayContext } from './ports.ts';

const KEEP_MS = 10 * 60_000;
const MAX_KEPT = 10_000;

export interface Resume {
  remember(store: StoreView, journey: Journey): void;
  recall(store: StoreView, context: GatewayContext): Journey | null;
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

/** Kept in memory of this process, ten minutes; the pages mask every address. */
export function createResume(clock: Clock): Resume {
  const kept = new Map<string, { until: number; journey: Journey }>();
  const keep = (key: string, until: number, journey: Journey) => {
    kept.delete(key);
    kept.set(key, { until, journey });
    const oldest = kept.keys().next().value;
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  };
  return {
    remember(store, journey) {
      if (journey.context === undefined) return;
      const until = clock() + KEEP_MS;
      keep(keyOf(store, journey.context), until, journey);
      const later = laterKeyOf(store, journey);
      if (later !== null)
        keep(later, until + (journey.session?.grant.minutes ?? 0) * 60_000, journey);
    },
    recall(store, context) {
      const keys = [keyOf(store, context), keyOf(store, { ...context, hid: 'later' })];
      const found = keys.map((key) => kept.get(key)).find((one) => (one?.until ?? 0) > clock());
      return found === undefined ? null : { ...found.journey, context };
    },
    forget(store, journey) {
      if (journey.context === undefined) return;
      kept.delete(keyOf(store, journey.context));
      kept.delete(keyOf(store, { ...journey.context, hid: 'later' }));
    },
  };
}
