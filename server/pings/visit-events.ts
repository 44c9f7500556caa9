/** PURE. What happened as domain events, each saying whether it may trigger an offer, and if not, why. */
import type { Happening } from '../../geo/history.ts';
import type { Policy } from '../../geo/policy.ts';
import type { Transition, Visit } from '../../geo/visit.ts';
import type { EventPayloads, NewEvent, VisitEvent, VisitRevision } from '../events/types.ts';
import type { FenceMeta } from '../fences/live.ts';
import type { Cooler } from './cooling.ts';
import type { Returns } from './returning.ts';
import { bandOf } from '../../geo/score.ts';

export interface VisitOf {
  merchantId: string;
  deviceId: string;
  guestId: string | null;
}

/** What else an event's eligibility hangs on. */
export interface Surroundings {
  fences: ReadonlyMap<string, FenceMeta>;
  cooler: Cooler;
  /** Fences of which late pings took back a visit: what is told of them now was told before. */
  retold: ReadonlySet<string>;
  /** Visits taken back by earlier batches. */
  returns: Pick<Returns, 'told'>;
  policy: Policy;
  now: number;
}

/** Offers go to people who are there now: a transition older than this is only history. */
export const FRESH = 120_000;

/** Why no reader of fresh news should act on this; null when it may. */
function whyNotNews(happening: Happening, around: Surroundings): string | null {
  const { transition } = happening;
  const { reason, detectedAt, fence } = transition;
  if (reason === 'timeout') return 'The device fell silent; where it is now is unknown.';
  if (reason === 'fence_changed') return 'The fence was changed around the device.';
  if (reason === 'fence-removed') return 'The fence was taken off the map.';
  const late = around.now - detectedAt;
  if (late > FRESH) return `The ping came ${Math.round(late / 1000)} s after it was taken.`;
  if (around.retold.has(fence)) return 'Late pings corrected a visit that was told before.';
  if (around.returns.told(happening)) return 'It was told before of a visit that was taken back.';
  const rest = around.cooler.restsUntil(transition);
  if (rest === null) return null;
  return `The fence rests after the last exit until ${new Date(rest).toISOString()}.`;
}

/**
 * How sure that is which the event says. Who has just come in cannot have stayed yet: an entry says
 * only that somebody is there; all else is about the visit.
 */
function sureness({ transition }: Happening, visit: Visit, policy: Policy) {
  if (transition.type !== 'entered') return { score: visit.score, band: visit.band };
  return { score: transition.p, band: bandOf(transition.p, policy) };
}

/** Why this transition may not trigger anything; null when it may. */
export function whyNoTrigger(
  happening: Happening,
  visit: Visit,
  around: Surroundings,
): string | null {
  const old = whyNotNews(happening, around);
  if (old !== null) return old;
  if (visit.factors.some((factor) => factor.name === 'trust' && factor.value < 1)) {
    return visit.whyNot ?? 'The positions cannot be trusted.';
  }
  const { band } = sureness(happening, visit, around.policy);
  return band === 'high' || band === 'medium' ? null : 'The visit is not sure enough yet.';
}

/** Events of a batch, in the order they came to light; fences unknown by now give none. */
export function visitEvents(
  who: VisitOf,
  happenings: readonly Happening[],
  around: Surroundings,
): NewEvent[] {
  return happenings.flatMap((happening) => {
    const { transition, visit } = happening;
    const fence = around.fences.get(transition.fence);
    const event =
      !fence || (!visit && transition.type !== 'crossed')
        ? []
        : [
            visit
              ? eventOf(who, happening, visit, fence, around)
              : crossing(who, happening, fence, around),
          ];
    around.cooler.note(transition);
    return event;
  });
}

const envelopeOf = (who: VisitOf, fence: FenceMeta, at: number) => ({
  merchantId: who.merchantId,
  storeId: fence.storeId,
  guestId: who.guestId,
  deviceId: who.deviceId,
  key: `device:${who.deviceId}`,
  occurredAt: new Date(at),
});

const iso = (t: number): string => new Date(t).toISOString();

function eventOf(
  who: VisitOf,
  happening: Happening,
  visit: Visit,
  fence: FenceMeta,
  around: Surroundings,
): NewEvent {
  const { transition } = happening;
  const envelope = envelopeOf(who, fence, transition.at);
  const shared = sharedPayload(who, happening, visit, fence, around);
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

/** Who, where and when: what every event of a fence says. */
const where = (who: VisitOf, { at, detectedAt }: Transition, fence: FenceMeta) => ({
  deviceId: who.deviceId,
  guestId: who.guestId,
  storeId: fence.storeId,
  fenceId: fence.id,
  fenceName: fence.name,
  at: iso(at),
  detectedAt: iso(detectedAt),
});

const eligible = (whyNot: string | null) => ({
  triggerEligible: whyNot === null,
  ...(whyNot === null ? {} : { whyNot }),
});

function sharedPayload(
  who: VisitOf,
  happening: Happening,
  visit: Visit,
  fence: FenceMeta,
  around: Surroundings,
): VisitEvent {
  const { transition } = happening;
  return {
    visitId: visit.id,
    ...where(who, transition, fence),
    p: transition.p,
    ...sureness(happening, visit, around.policy),
    ...eligible(whyNoTrigger(happening, visit, around)),
  };
}

function crossing(
  who: VisitOf,
  happening: Happening,
  fence: FenceMeta,
  around: Surroundings,
): NewEvent<'fence.crossed'> {
  const { transition } = happening;
  const payload: EventPayloads['fence.crossed'] = {
    ...where(who, transition, fence),
    direction: transition.direction ?? null,
    ...eligible(whyNotNews(happening, around)),
  };
  return { ...envelopeOf(who, fence, transition.at), type: 'fence.crossed', payload };
}

/** A visit told anew, or taken back. */
export interface Retold {
  visit: Visit;
  /** `retracted`: there was no such visit. */
  change: 'added' | 'changed' | 'retracted';
  /** The id under which it was told before, when it was another. */
  replaces: string | null;
}

/** Events of a rewind; they never trigger anything. */
export function revisionEvents(
  who: VisitOf,
  retold: readonly Retold[],
  { fences, now }: Pick<Surroundings, 'fences' | 'now'>,
): NewEvent[] {
  return retold.flatMap(({ visit, change, replaces }): NewEvent[] => {
    const fence = fences.get(visit.fence);
    if (!fence) return [];
    const payload: VisitRevision = {
      visitId: visit.id,
      deviceId: who.deviceId,
      guestId: who.guestId,
      storeId: fence.storeId,
      fenceId: fence.id,
      fenceName: fence.name,
      reason: 'late-pings',
      score: visit.score,
      band: visit.band,
      entry: iso(visit.entry.estimate),
      exit: visit.exit && iso(visit.exit.estimate),
      dwellSeconds: visit.dwell.estimate,
      at: iso(now),
      ...(replaces === null ? {} : { replaces }),
    };
    const envelope = envelopeOf(who, fence, visit.entry.estimate);
    if (change === 'retracted') return [{ ...envelope, type: 'visit.retracted' as const, payload }];
    return [{ ...envelope, type: 'visit.revised' as const, payload: { ...payload, change } }];
  });
}
