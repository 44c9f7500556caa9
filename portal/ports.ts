/**
 * What the portal needs from its host, and nothing more: the server implements these shapes, tests
 * fake them. Interfaces only. Times are milliseconds since 1970 (UTC) unless a name says otherwise.
 */

import type {
  GatewayKind,
  HouseContent,
  Language,
  Purpose,
  SlotName,
  StoreView,
} from './ports-store.ts';
import type { LiveDoors, Network, StoreRef } from './ports-network.ts';
import type { SelfService } from './ports-self.ts';

/** Who is at the door, as the gateway *claims*; bound to a guest only once the gateway confirms. */
export interface GatewayContext {
  gatewayId: string;
  kind: GatewayKind;
  /** aa:bb:cc:dd:ee:ff */
  mac: string;
  ip: string;
  ssid?: string;
  /** Access point or BSSID, aa:bb:cc:dd:ee:ff. */
  ap?: string;
  /** Where the guest wanted to go; only ever shown or followed through the landing allow-list. */
  originUrl?: string;
  /** The client's mark at its gateway: openNDS sha256 of the token, UAM sessionid. */
  hid?: string;
  /** openNDS `address:port` the browser returns to, levels 0 to 2. */
  gatewayAddress?: string;
  authDir?: string;
  /** What else the vendor's door needs back, byte for byte; at most 20 entries of 600 characters. */
  claims?: Record<string, string>;
}

/** What a finished method proved. `address` is E.164 or lower-case e-mail. */
export type Proof =
  | { method: 'click-through' }
  | { method: 'sms-code' | 'email-code'; address: string }
  | { method: 'voucher'; code: string }
  /** Number and second factor were checked by `Members.check`. */
  | { method: 'member-card'; number: string }
  /** Subject of a validated ID token; `email` only when the provider says it is verified. */
  | { method: 'oidc'; provider: string; subject: string; email?: string; name?: string }
  /** A request that staff granted (`Approvals`). */
  | { method: 'staff'; requestId: string }
  /** A device that was here before shows the token it was given (`Admission.deviceToken`). */
  | { method: 'returning'; token: string }
  /** A few minutes online to fetch a code or to sign in elsewhere. */
  | { method: 'grace'; towards: 'email-code' | 'sms-code' | 'oidc' };

/** Limits of one admission; 0 = unlimited. */
export interface Grant {
  sessionId: string;
  guestId: string;
  minutes: number;
  upKbps: number;
  downKbps: number;
  upQuotaKB: number;
  downQuotaKB: number;
  expiresAt: number;
  /** Minutes of silence after which the gateway may end it; 0 = never, absent = the usual 15. */
  idleMinutes?: number;
}

export interface ConsentGiven {
  purpose: Purpose;
  granted: boolean;
  version: string;
  /** Language of the words that were shown. */
  language: Language;
}

/** How a consent came about: kept with it in the ledger. */
export interface ConsentProof {
  /** SHA-256 of the page's own text as it was shown, lower-case hex. */
  pageSha256: string;
  screen: string;
  ip: string;
  /** At most 200 characters. */
  userAgent: string;
}

export interface AdmitRequest {
  store: StoreView;
  context: GatewayContext;
  proof: Proof;
  consents: ConsentGiven[];
  shown?: ConsentProof;
  /** Above the site's age gate or below it; absent when nobody asked. */
  age?: 'over' | 'under';
  /** The optional question: answered, or dismissed (never asked again). */
  answer?: { key: string; value: string } | { key: string; dismissed: true };
  language: Language;
  /** The gateway can be asked again to let in a client that it let in before. */
  reopens?: boolean;
}

export type AdmitRefusal =
  | 'voucher-invalid'
  | 'voucher-used'
  | 'blocked'
  | 'member-unknown'
  | 'staff-waiting'
  | 'staff-denied'
  | 'device-unknown'
  | 'terms-changed'
  | 'grace-used'
  | 'closed';

export type Admission =
  | {
      ok: true;
      grant: Grant;
      returning: boolean;
      /**
       * What only the hardware address led to: a guest who was here before, or a session that was open
       * already. Absent where more was proved, and for whom this very admission made known.
       */
      byMac?: 'guest' | 'session';
      /** For a cookie of the portal: proves this device at its next visit, with its MAC. */
      deviceToken?: string;
    }
  | { ok: false; reason: AdmitRefusal };

/** An offer due to this guest, ready to show. */
export interface OfferCard {
  voucherId: string;
  code: string;
  headline: string;
  body: string;
  terms: string;
  validUntil: number;
}

export interface SessionView {
  sessionId: string;
  guestId: string;
  state: 'pending' | 'active' | 'ended';
  expiresAt: number;
  bytesRemaining?: number;
}

/** What stands in a slot: an offer, or words of the house. */
export type SlotContent =
  { kind: 'offer'; card: OfferCard } | { kind: 'house'; content: HouseContent };

/**
 * The reception: the single crossing between the portal and the house.
 * Every method may reject; the portal then shows its "sorry" page and keeps what was typed.
 */
export interface Desk {
  store(slug: string): Promise<StoreView | null>;
  /** The store behind a vendor's own address: a UniFi site name, told apart by the access point. */
  storeByEntry?(entry: { kind: GatewayKind; key: string; ap?: string }): Promise<StoreView | null>;
  /** Whether this device may come in with one tap: its token and MAC are known, terms are current. */
  knows?(store: StoreView, mac: string, token: string): Promise<boolean>;
  /** What a slot shows to this guest (none known before admission). Never rejects slowly: the portal waits 150 ms. */
  slot?(
    store: StoreView,
    slot: SlotName,
    who: { sessionId?: string; language: Language },
  ): Promise<SlotContent | null>;
  /** The first question this proof may still be asked, by key, or null. Never reveals who the guest is. */
  question?(store: StoreView, proof: Proof, mac: string): Promise<string | null>;
  /** One transaction: guest, consents, session, event. Idempotent for the same `hid`/context and proof within a minute. */
  admit(request: AdmitRequest): Promise<Admission>;
  session(store: StoreView, sessionId: string): Promise<SessionView | null>;
  /** For RFC 8908: the live session of a client key made by `clientKey`, if any. */
  sessionByClientKey(store: StoreView, key: string): Promise<SessionView | null>;
  /** Opaque, unguessable per-client key: HMAC of store and MAC. */
  clientKey(store: StoreView, mac: string): string;
  /**
   * Offers due to the session's guest. With `waitMs` > 0 resolves early as soon as one appears
   * that is not in `known` (voucher ids), else after that time with what there is.
   */
  offers(
    store: StoreView,
    sessionId: string,
    waitMs: number,
    known?: string[],
  ): Promise<OfferCard[]>;
  /** Marks the offer as seen by the guest. */
  shown(store: StoreView, sessionId: string, voucherIds: string[]): Promise<void>;
}

export type SendOutcome =
  | { ok: true; resendAt: number; expiresAt: number }
  | {
      ok: false;
      reason: 'too-many-sends' | 'destination-refused' | 'unavailable';
      /** When another try makes sense, if ever. */
      retryAt?: number;
    };

export type VerifyOutcome =
  | { ok: true }
  | { ok: false; reason: 'wrong'; triesLeft: number }
  | { ok: false; reason: 'expired' | 'locked' | 'used' };

/** One-time codes by phone or mail. `binding` ties a code to the journey that asked for it. */
export interface Codes {
  /** Normalises what was typed, or null when it cannot be one (E.164 for phones, RFC 5321 length for mail). */
  normalise(store: StoreView, channel: 'sms' | 'email', typed: string): string | null;
  send(request: {
    store: StoreView;
    channel: 'sms' | 'email';
    address: string;
    binding: string;
    mac: string;
    ip: string;
    language: Language;
  }): Promise<SendOutcome>;
  verify(request: {
    store: StoreView;
    channel: 'sms' | 'email';
    address: string;
    binding: string;
    code: string;
  }): Promise<VerifyOutcome>;
}

/** Access vouchers (printed codes that open the WiFi). Consumed only by `Desk.admit`. */
export interface Vouchers {
  check(
    store: StoreView,
    code: string,
    mac: string,
    ip: string,
  ): Promise<
    { ok: true } | { ok: false; reason: 'unknown' | 'used' | 'expired' | 'too-many-tries' }
  >;
}

/** A door the gateway will open when it next asks (openNDS level 3 authmon). */
export interface Deposit {
  rhid: string;
  sessionId: string;
  minutes: number;
  upKbps: number;
  downKbps: number;
  upQuotaKB: number;
  downQuotaKB: number;
}

/** What gateways report; the truth about sessions. All idempotent. */
export interface Doors extends LiveDoors {
  /** Deposits waiting for this gateway, oldest first, at most `limit`. */
  pending(store: StoreView, gatewayId: string, limit: number): Promise<Deposit[]>;
  deposit(store: StoreView, gatewayId: string, deposit: Deposit): Promise<void>;
  /** The gateway let these clients in. */
  confirmed(store: StoreView, gatewayId: string, rhids: string[]): Promise<void>;
  /** `deposit` and `confirmed` in one, where the house can: the gateway let this client in as it was asked. */
  opened?(store: StoreView, gatewayId: string, deposit: Deposit): Promise<void>;
  /** The browser came back from the gateway's own door (levels 1 and 2): weaker than `confirmed`. */
  landed(store: StoreView, sessionId: string): Promise<void>;
  /** The gateway restarted: nobody is inside any more. */
  cleared(store: StoreView, gatewayId: string): Promise<void>;
  /**
   * Hashes by which this gateway will introduce itself, learnt from a redirect only it can have
   * written. Kept by the host as `RegisteredGateway.hashes`, its calls are known again after a restart.
   */
  learned?(store: StoreView, gatewayId: string, hashes: string[]): Promise<void>;
  /** The gateway, or the exchange that should have opened it, says that this client is not inside. */
  ended(
    store: StoreRef,
    gatewayId: string,
    report: { mac: string; reason: string; bytesIn: number; bytesOut: number; endedAt: number },
  ): Promise<void>;
}

export type Clock = () => number;

/** Structured log of the host; never give it personal data. */
export interface Log {
  info(facts: Record<string, unknown>, message: string): void;
  warn(facts: Record<string, unknown>, message: string): void;
  error(facts: Record<string, unknown>, message: string): void;
}

/** Member cards: a number and something only the member knows. */
export interface Members {
  /** `factor` is a PIN or the last four digits of the phone on file, as the merchant chose. */
  check(
    store: StoreView,
    typed: { number: string; factor: string },
    mac: string,
    ip: string,
  ): Promise<
    { ok: true; number: string } | { ok: false; reason: 'unknown' | 'too-many-tries' | 'blocked' }
  >;
}

/** Guests whom staff let in from the console. */
export interface Approvals {
  /** A request of this name (shown to staff, 60 characters) or the one already waiting for this client. */
  ask(store: StoreView, request: { name: string; mac: string }): Promise<{ requestId: string }>;
  state(store: StoreView, requestId: string): Promise<'waiting' | 'granted' | 'denied' | 'expired'>;
}

/**
 * Sealed journeys kept under a short key, so that a guest can go on in another browser and so that a
 * provider's answer finds its way back. Keys are 8 characters without look-alikes, or 43 for `state`.
 */
export interface Links {
  keep(
    store: StoreView,
    sealed: string,
    options: { ttlMs: number; kind: 'short' | 'state' },
  ): Promise<string>;
  /** The sealed journey, null when unknown or too old. `state` keys can be read once. */
  find(store: StoreView, key: string): Promise<string | null>;
}

export interface PortalPorts {
  desk: Desk;
  codes: Codes;
  vouchers: Vouchers;
  doors: Doors;
  /** RADIUS and the Portal 2.0 door stay shut without it. */
  network?: Network;
  members?: Members;
  approvals?: Approvals;
  links?: Links;
  /** The pages "My data" and mailed confirmations stay shut without it. */
  self?: SelfService;
  clock: Clock;
  log: Log;
}
