/** PURE. The four triggering events brought into one shape, and the id of a decision about it. */
import { createHash } from 'node:crypto';
import type { DomainEvent, EventPayloads, VisitEvent } from '../events/types.ts';
import { triggers } from './fields.ts';
import type { Trigger } from './fields.ts';

/** What a visit event adds. */
export interface OccasionVisit {
  id: string;
  fenceId: string;
  eligible: boolean;
  whyNot: string;
  band: string;
  score: number;
  p: number;
  /** Lower bound, s; null where only the visit itself knows it. */
  dwellLower: number | null;
}

/** One event that rules may answer. */
export interface Occasion {
  eventId: string;
  merchantId: string;
  trigger: Trigger;
  storeId: string | null;
  guestId: string | null;
  deviceId: string | null;
  /** When it happened, ms since 1970. */
  at: number;
  /**
   * The ping that made it certain, ms since 1970: what freshness is judged by. An entry is stamped
   * with its first ping, which for a phone that reports every five minutes is long past by then.
   */
  seenAt: number;
  visit: OccasionVisit | null;
  session: { id: string; method: string; returning: boolean } | null;
  /** Visit or session id. */
  key: string;
  /** Sets several events of one visit apart: the dwell tier. */
  step: string;
}

/** A time that cannot be read is 1970: too late for every rule, instead of never late. */
function instant(text: string): number {
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
}

/** The event as an occasion, or null when no rule can answer it. */
export function occasionOf(event: DomainEvent): Occasion | null {
  if (!(triggers as readonly string[]).includes(event.type)) return null;
  const common = {
    eventId: event.id,
    merchantId: event.merchantId,
    trigger: event.type as Trigger,
  };
  if (event.type === 'guest.admitted') {
    const payload = event.payload as EventPayloads['guest.admitted'];
    const { storeId, guestId, sessionId, method, returning, at } = payload;
    const session = { id: sessionId, method, returning };
    const when = { at: instant(at), seenAt: instant(at) };
    const place = { storeId, guestId, deviceId: event.deviceId, ...when };
    return { ...common, ...place, visit: null, session, key: sessionId, step: '' };
  }
  const payload = event.payload as VisitEvent;
  const { storeId, guestId, deviceId, at, detectedAt, visitId } = payload;
  const when = { at: instant(at), seenAt: instant(detectedAt) };
  const place = { storeId, guestId, deviceId, ...when };
  const step = 'tierSeconds' in payload ? String(payload.tierSeconds) : '';
  const visit = visitOf(payload, common.trigger);
  return { ...common, ...place, visit, session: null, key: visitId, step };
}

function visitOf(payload: VisitEvent, trigger: Trigger): OccasionVisit {
  const lower = (payload as Partial<EventPayloads['visit.dwelled']>).dwellLowerSeconds;
  return {
    id: payload.visitId,
    fenceId: payload.fenceId,
    eligible: payload.triggerEligible,
    whyNot: payload.whyNot ?? 'unknown',
    band: payload.band,
    score: payload.score,
    p: payload.p,
    dwellLower: trigger === 'visit.entered' ? 0 : (lower ?? null),
  };
}

/**
 * The id of one rule version's decision about one subject and occasion. The same event delivered
 * again, or the same transition reported twice, gives the same id and so cannot decide twice.
 */
export function decisionId(
  rule: { id: string; version: number },
  subject: string,
  { key, step }: Pick<Occasion, 'key' | 'step'>,
): string {
  const parts = [rule.id, String(rule.version), subject, key, step];
  return createHash('sha256').update(parts.join('\u0000')).digest('base64url').slice(0, 32);
}
