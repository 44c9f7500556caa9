/** Where a guest stands who left the sign-in sheet to read a code: the sheet forgets, so we remember. */
import type { Journey } from './context.ts';
import type { Clock, GatewayContext, StoreView } from './ports.ts';

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

/** Only journeys with a code on its way are kept, ten minutes, in memory; the page masks the address. */
export function createResume(clock: Clock): Resume {
  const kept = new Map<string, { until: number; journey: Journey }>();
  return {
    remember(store, journey) {
      if (journey.context === undefined) return;
      const key = keyOf(store, journey.context);
      kept.delete(key);
      kept.set(key, { until: clock() + KEEP_MS, journey });
      const oldest = kept.keys().next().value;
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    },
    recall(store, context) {
      const found = kept.get(keyOf(store, context));
      return found !== undefined && found.until > clock() ? { ...found.journey, context } : null;
    },
    forget(store, journey) {
      if (journey.context !== undefined) kept.delete(keyOf(store, journey.context));
    },
  };
}
