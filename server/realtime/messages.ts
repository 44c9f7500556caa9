/** Typed socket.io maps, both directions. */
import type { FeedFilter } from '../events/outbox.ts';
import type { DomainEvent, EventType } from '../events/types.ts';

/** Who joins and what they already have. */
export type Join =
  | { kind: 'staff'; storeId: string; after?: number }
  | { kind: 'device'; token: string; after?: number };

/** One event as a client gets it; the same shape over HTTP (`GET /v1/events`, `GET /v1/me/events`). */
export interface EventMessage {
  id: string;
  /** Cursor: pass the highest one seen as `after` when reconnecting. */
  position: number;
  type: EventType;
  /** When it happened, ISO 8601 UTC. */
  at: string;
  payload: Record<string, unknown>;
}

export interface ServerToClient {
  event(message: EventMessage): void;
  /**
   * Sent once after joining: everything missed was sent; `complete` is false when too much was missed.
   * Until then live events may overtake missed ones: a client moves its cursor from here on.
   */
  'caught-up'(state: { position: number; complete: boolean }): void;
}

/** Clients only listen; what they want to say goes over HTTP. */
export type ClientToServer = Record<string, never>;

/** Where a socket belongs and what it may hear. */
export interface SocketPlace {
  merchantId: string;
  audience: 'staff' | 'subject';
  rooms: string[];
  filter: FeedFilter;
}

export interface SocketFacts {
  place: SocketPlace;
  /** Cursor the client came with. */
  after: number | undefined;
  /** Asked again from time to time: is this caller still allowed, and at the same place? */
  standing: () => Promise<'same' | 'moved' | 'refused'>;
}

/** Fields a merchant's screen does not need: the voucher's code is the guest's. */
const forStaffHidden = new Set(['code']);

/** The message of an event, for its subject or for the store's staff. */
export function toMessage(event: DomainEvent, audience: 'staff' | 'subject'): EventMessage {
  const payload = Object.fromEntries(
    Object.entries(event.payload).filter(
      ([key]) => audience === 'subject' || !forStaffHidden.has(key),
    ),
  );
  return {
    id: event.id,
    position: event.position,
    type: event.type,
    at: event.occurredAt.toISOString(),
    payload,
  };
}

/** What an app or guest may hear about themselves. */
export const subjectTypes: readonly EventType[] = [
  'offer.issued',
  'voucher.redeemed',
  'visit.entered',
  'visit.dwelled',
  'visit.left',
  'visit.revised',
  'visit.retracted',
  'fence.crossed',
];

/** What a store's live screen shows. */
export const staffTypes: readonly EventType[] = [
  ...subjectTypes,
  'guest.admitted',
  'session.ended',
  'approval.asked',
  'approval.decided',
  'sms.paused',
  'fence.changed',
];
