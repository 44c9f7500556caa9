/** Every domain event and its payload, in one map. Times are ISO 8601 UTC inside payloads. */

/** What all visit events say. `triggerEligible` is false for stale, untrusted or weak transitions. */
export interface VisitEvent {
  visitId: string;
  deviceId: string;
  guestId: string | null;
  storeId: string | null;
  fenceId: string;
  fenceName: string;
  /** When it happened, by the pings' own clock. */
  at: string;
  detectedAt: string;
  /** Probability of being inside that the engine held when it decided, 0..1. */
  p: number;
  /** How sure the event is: of an entry, that the device is there (`p`); else, of the whole visit. */
  score: number;
  band: 'high' | 'medium' | 'low' | 'none';
  triggerEligible: boolean;
  whyNot?: string;
}

/** A visit as it now stands, told anew. */
export interface VisitRevision {
  visitId: string;
  deviceId: string;
  guestId: string | null;
  storeId: string | null;
  fenceId: string;
  fenceName: string;
  /** `late-pings`, `fence_changed`. */
  reason: string;
  score: number;
  band: VisitEvent['band'];
  entry: string;
  exit: string | null;
  dwellSeconds: number;
  at: string;
  /** The visit's id as it was told before, when its first ping, and with it its id, is another now. */
  replaces?: string;
}

export interface EventPayloads {
  'visit.entered': VisitEvent;
  'visit.dwelled': VisitEvent & { tierSeconds: number; dwellLowerSeconds: number };
  'visit.left': VisitEvent & { dwellSeconds: number; reason: string };
  /** Late pings changed what is known of a visit; never triggers anything. */
  'visit.revised': VisitRevision & { change: 'added' | 'changed' };
  /** Late pings showed that there was no such visit. */
  'visit.retracted': VisitRevision;
  /** A line was crossed, or a fence was walked straight through. */
  'fence.crossed': {
    deviceId: string;
    guestId: string | null;
    storeId: string | null;
    fenceId: string;
    fenceName: string;
    /** Of a tripwire, seen along its line; null for a fence that was passed through. */
    direction: 'left' | 'right' | null;
    at: string;
    detectedAt: string;
    triggerEligible: boolean;
    whyNot?: string;
  };
  /** A guest was let in and the gateway confirmed or is about to. */
  'guest.admitted': {
    guestId: string;
    storeId: string;
    sessionId: string;
    method: string;
    returning: boolean;
    marketingConsent: boolean;
    at: string;
  };
  /** The gateway let the guest's client through. */
  'session.started': {
    sessionId: string;
    guestId: string;
    storeId: string;
    at: string;
  };
  'session.ended': {
    sessionId: string;
    guestId: string;
    storeId: string;
    reason: string;
    at: string;
  };
  /** A guest asks staff to be let in; who, only the list says. */
  'approval.asked': { requestId: string; storeId: string; at: string };
  'approval.decided': { requestId: string; storeId: string; granted: boolean; at: string };
  /** Codes sent to numbers that begin so are hardly ever typed: no SMS goes there for a while. */
  'sms.paused': {
    storeId: string;
    /** The first digits of an E.164 number. */
    prefix: string;
    country: string;
    /** Of the last hour. */
    sends: number;
    uses: number;
    until: string;
    at: string;
  };
  'offer.issued': {
    voucherId: string;
    offerId: string;
    ruleId: string;
    storeId: string | null;
    guestId: string | null;
    deviceId: string | null;
    code: string;
    headline: string;
    body: string;
    terms: string;
    validUntil: string;
    /** The event that caused it. */
    causeId: string;
    at: string;
  };
  'voucher.redeemed': {
    voucherId: string;
    offerId: string;
    storeId: string | null;
    guestId: string | null;
    deviceId: string | null;
    headline: string;
    till: string;
    at: string;
  };
  'fence.changed': { fenceId: string; change: 'created' | 'updated' | 'deleted'; at: string };
}

export type EventType = keyof EventPayloads;

/** An event as subscribers get it. `position` is the cursor: higher means handed out later. */
export interface DomainEvent<T extends EventType = EventType> {
  id: string;
  position: number;
  merchantId: string;
  storeId: string | null;
  guestId: string | null;
  deviceId: string | null;
  type: T;
  payload: EventPayloads[T];
  occurredAt: Date;
}

/** An event as a feature writes it. */
export interface NewEvent<T extends EventType = EventType> {
  merchantId: string;
  storeId?: string | null;
  guestId?: string | null;
  deviceId?: string | null;
  type: T;
  /** Events of one key are delivered in order; the device or guest is the usual key. */
  key: string;
  payload: EventPayloads[T];
  occurredAt: Date;
}
