/**
 * What the portal needs from its host, and nothing more: the server implements these shapes, tests
 * fake them. Interfaces only. Times are milliseconds since 1970 (UTC) unless a name says otherwise.
 */

export type Language = 'en' | 'zh-CN';
export type MethodName = 'click-through' | 'sms-code' | 'email-code' | 'voucher';
export type GatewayKind = 'pretend' | 'opennds';
/** Consent purposes: the terms of access, and messages about offers. Kept strictly apart. */
export type Purpose = 'access' | 'marketing';

/** Wording a guest is shown for one purpose. `version` changes with every edit of `text`. */
export interface ConsentWording {
  purpose: Purpose;
  version: string;
  text: Record<Language, string>;
}

/** The one optional question after consent; `options` empty means free text. */
export interface ProfileQuestion {
  key: string;
  label: Record<Language, string>;
  options: { value: string; label: Record<Language, string> }[];
}

/** A gateway the merchant registered for a store; only these may talk to its portal. */
export interface RegisteredGateway {
  id: string;
  kind: GatewayKind;
  /** openNDS: the gatewayname without its ` Node:<mac>` suffix. */
  name: string;
  /** openNDS fas_secure_enabled, 1..3. */
  level?: 1 | 2 | 3;
  /** openNDS faskey. Never leaves the server side. */
  secret?: string;
  /** openNDS: sha256 hex of the names it was heard under (see `Doors.learned`). */
  hashes?: string[];
}

/** Merchant-chosen look: data, never a template. Colours are `#rrggbb`, contrast-checked on save. */
export interface Theme {
  accent: string;
  /** Colour of text upon the accent. */
  onAccent: string;
  promise: Partial<Record<Language, string>>;
}

export interface StoreView {
  id: string;
  merchantId: string;
  slug: string;
  name: string;
  timezone: string;
  /** ISO 3166-1 alpha-2: how a phone number without + is read. */
  country: string;
  defaultLanguage: Language;
  methods: MethodName[];
  wordings: ConsentWording[];
  question?: ProfileQuestion;
  gateways: RegisteredGateway[];
  theme: Theme;
  /** Hosts a guest may be sent on to after login, lower case; anything else stays on our page. */
  landingHosts: string[];
  /** RFC 8908 venue-info-url, when the merchant gave one. */
  venueUrl?: string;
}

/** Who is at the door, as the gateway *claims*; bound to a guest only once the gateway confirms. */
export interface GatewayContext {
  gatewayId: string;
  kind: GatewayKind;
  /** aa:bb:cc:dd:ee:ff */
  mac: string;
  ip: string;
  /** Where the guest wanted to go; only ever shown or followed through the landing allow-list. */
  originUrl?: string;
  /** openNDS sha256 of the client token. */
  hid?: string;
  /** openNDS `address:port` the browser returns to, levels 1 and 2. */
  gatewayAddress?: string;
  authDir?: string;
}

/** What a finished method proved. `address` is E.164 or lower-case e-mail. */
export type Proof =
  | { method: 'click-through' }
  | { method: 'sms-code' | 'email-code'; address: string }
  | { method: 'voucher'; code: string };

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
}

export interface ConsentGiven {
  purpose: Purpose;
  granted: boolean;
  version: string;
  language: Language;
}

export interface AdmitRequest {
  store: StoreView;
  context: GatewayContext;
  proof: Proof;
  consents: ConsentGiven[];
  /** The optional question: answered, or dismissed (never asked again). */
  answer?: { key: string; value: string } | { key: string; dismissed: true };
  language: Language;
}

export type Admission =
  | { ok: true; grant: Grant; returning: boolean }
  | { ok: false; reason: 'voucher-invalid' | 'voucher-used' | 'blocked' };

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

/**
 * The reception: the single crossing between the portal and the house.
 * Every method may reject; the portal then shows its "sorry" page and keeps what was typed.
 */
export interface Desk {
  store(slug: string): Promise<StoreView | null>;
  /**
   * Whether this proof may still be asked the optional question (not answered, not dismissed).
   * Never reveals who the guest is.
   */
  mayAsk(store: StoreView, proof: Proof, questionKey: string, mac: string): Promise<boolean>;
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
export interface Doors {
  /** Deposits waiting for this gateway, oldest first, at most `limit`. */
  pending(store: StoreView, gatewayId: string, limit: number): Promise<Deposit[]>;
  deposit(store: StoreView, gatewayId: string, deposit: Deposit): Promise<void>;
  /** The gateway let these clients in. */
  confirmed(store: StoreView, gatewayId: string, rhids: string[]): Promise<void>;
  /** The browser came back from the gateway's own door (levels 1 and 2): weaker than `confirmed`. */
  landed(store: StoreView, sessionId: string): Promise<void>;
  /** The gateway restarted: nobody is inside any more. */
  cleared(store: StoreView, gatewayId: string): Promise<void>;
  /**
   * Hashes by which this gateway will introduce itself, learnt from a redirect only it can have
   * written. Kept by the host as `RegisteredGateway.hashes`, its calls are known again after a restart.
   */
  learned?(store: StoreView, gatewayId: string, hashes: string[]): Promise<void>;
  ended(
    store: StoreView,
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

export interface PortalPorts {
  desk: Desk;
  codes: Codes;
  vouchers: Vouchers;
  doors: Doors;
  clock: Clock;
  log: Log;
}
