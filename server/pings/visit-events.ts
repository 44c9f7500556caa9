/** PURE. Transitions as domain events, each saying whether it may trigger an offer, and if not, why. */
import type { FenceMeta } from '../fences/live.ts';
import type { NewEvent, VisitEvent } from '../events/types.ts';
import type { Visit } from '../../geo/visit.ts';
import type { Happening } from './advance.ts';

export interface VisitOf {
  merchantId: string;
  deviceId: string;
  guestId: string | null;
}

/** Offers go to people who are there now: a transition older than this is only history. */
const FRESH = 120_000;

/** Why this transition may not trigger anything; null when it may. */
export function whyNoTrigger(happening: Happening, visit: Visit, now: number): string | null {
  const { transition } = happening;
  if (transition.reason === 'timeout') return 'The device fell silent; where it is now is unknown.';
  const late = now - transition.detectedAt;
  if (late > FRESH) return `The ping came ${Math.round(late / 1000)} s after it was taken.`;
  if (visit.factors.some((factor) => factor.name === 'trust' && factor.value < 1)) {
    return 'The device jumped here faster than anything travels.';
  }
  if (visit.band !== 'high' && visit.band !== 'medium') return 'The visit is not sure enough yet.';
  return null;
}

/** Events of a batch, in the order they happened; crossings and fences unknown by now give none. */
export function visitEvents(
  who: VisitOf,
  happenings: readonly Happening[],
  fences: ReadonlyMap<string, FenceMeta>,
  now: number,
): NewEvent[] {
  return happenings.flatMap((happening) => {
    const { visit } = happening;
    const fence = visit && fences.get(visit.fence);
    return visit && fence ? [eventOf(who, happening, visit, fence, now)] : [];
  });
}

function eventOf(
  who: VisitOf,
  happening: Happening,
  visit: Visit,
  fence: FenceMeta,
  now: number,
): NewEvent {
  const { transition } = happening;
  const envelope = {
    merchantId: who.merchantId,
    storeId: fence.storeId,
    guestId: who.guestId,
    deviceId: who.deviceId,
    key: `device:${who.deviceId}`,
    occurredAt: new Date(transition.at),
  };
  const shared = sharedPayload(who, happening, visit, fence, now);
  if (transition.type === 'dwelled') {
    const payload = {
      ...shared,
      tierSeconds: transition.tierSeconds ?? 0,
      dwellLowerSeconds: visit.dwell.lower,
    };
    return { ...envelope, type: 'visit.dwelled', payload };
  }
  if (transition.type === 'left') {
    const reason = transition.reason ?? 'left';
    const payload = { ...shared, dwellSeconds: visit.dwell.estimate, reason };
    return { ...envelope, type: 'visit.left', payload };
  }
  return { ...envelope, type: 'visit.entered', payload: shared };
}

function sharedPayload(
  who: VisitOf,
  happening: Happening,
  visit: Visit,
  fence: FenceMeta,
  now: number,
): VisitEvent {
  const { transition } = happening;
  const whyNot = whyNoTrigger(happening, visit, now);
  return {
    visitId: visit.id,
    deviceId: who.deviceId,
    guestId: who.guestId,
    storeId: fence.storeId,
    fenceId: fence.id,
    fenceName: fence.name,
    at: new Date(transition.at).toISOString(),
    detectedAt: new Date(transition.detectedAt).toISOString(),
    p: transition.p,
    score: visit.score,
    band: visit.band,
    triggerEligible: whyNot === null,
    ...(whyNot === null ? {} : { whyNot }),
  };
}
