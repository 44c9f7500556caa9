/**
 * What the portal needs from its host, and nothing more: the server implements these shapes, tests
 * fake them. Interfaces only. Times are milliseconds since 1970 (UTC) unless a name says otherwise.
 */

import type { LiveDoors, Network } from './ports-network.ts';
import type { SelfService } from './ports-self.ts';

export type Language = 'en' | 'zh-CN' | 'es' | 'ar';
/** Words of the merchant's: English and Chinese always, the others when somebody wrote them. */
export interface Text {
  en: string;
  'zh-CN': string;
  es?: string | undefined;
  ar?: string | undefined;
}
export type MethodName =
  'click-through' | 'sms-code' | 'email-code' | 'voucher' | 'member-card' | 'oidc' | 'staff';
export type GatewayKind =
  | 'pretend'
  | 'opennds'
  | 'wifidog'
  | 'apfree'
  | 'coova'
  | 'mikrotik'
  | 'unifi'
  | 'meraki'
  | 'portal2'
  | 'radius';
/**
 * What a guest may agree to, each by itself: the terms of access; offers on this page and in the app;
 * offers by mail; by text message; own visits used for statistics; a profile used to choose offers.
 */
export type Purpose =
  'access' | 'marketing' | 'marketing-email' | 'marketing-sms' | 'analytics' | 'profiling';

/** Wording a guest is shown for one purpose. `version` changes with every edit of `text`. */
export interface ConsentWording {
  purpose: Purpose;
  version: string;
  text: Text;
}

/** An optional question, asked one a visit; `options` empty means free text. */
export interface ProfileQuestion {
  key: string;
  label: Text;
  options: { value: string; label: Text }[];
}

/** How this gateway's RADIUS packets are known and answered. */
export interface RadiusSettings {
  /** Shared secret; `radsec` where RFC 6614 fixes it. Never leaves the server side. */
  secret: string;
  /** Addresses or CIDR blocks its packets come from; empty for RadSec only. */
  sources: string[];
  /** NAS-Identifiers it goes by; empty means any from its sources. */
  nasIds: string[];
  /** Whose attributes and units its limits are said in. */
  profile: VendorProfile;
  /** BlastRADIUS policy: demand attribute 80, demand it once it was sent, or accept its absence. */
  messageAuthenticator: 'require' | 'learn' | 'off';
  /** With `learn`: attribute 80 was seen and is demanded from now on. */
  learnt?: boolean | undefined;
  /** Where Disconnect and CoA requests go; absent means never. */
  coa?: { host: string; port: number } | undefined;
  /** Its counters are written from the guest's side instead of the NAS's. */
  swapOctets?: boolean | undefined;
  /** How a MAC is presented as a password; absent means that MAC authentication is refused. */
  macAuth?: { password: 'mac' | 'secret' | 'fixed'; fixed?: string | undefined } | undefined;
  /** RadSec: SHA-256 of the client certificate, lower-case hex. */
  certificate?: string | undefined;
  /** Acct-Interim-Interval, seconds, at least 60. */
  interimSeconds: number;
}

export type VendorProfile =
  'plain' | 'wispr' | 'coova' | 'mikrotik' | 'huawei' | 'h3c' | 'aruba' | 'airespace' | 'ruckus';

/** A gateway the merchant registered for a store; only these may talk to its portal. */
export interface RegisteredGateway {
  id: string;
  kind: GatewayKind;
  /** openNDS: the gatewayname without its ` Node:<mac>` suffix. WiFiDog: gw_id. UAM: nasid. MikroTik: identity. */
  name: string;
  /** openNDS fas_secure_enabled, 0..4. */
  level?: 0 | 1 | 2 | 3 | 4;
  /** openNDS faskey, UAM secret, Portal 2.0 secret, WiFiDog path secret. Never leaves the server side. */
  secret?: string;
  /** openNDS: sha256 hex of the names it was heard under (see `Doors.learned`). */
  hashes?: string[];
  radius?: RadiusSettings;
  /** UAM and MikroTik: how the one-time password travels. */
  login?: 'chap' | 'pap';
  /** UAM, MikroTik, Meraki: hosts a guest's browser may be sent to, beside private addresses. */
  hosts?: string[];
  /** WiFiDog: addresses its calls may come from; empty or absent means any. */
  sources?: string[];
  unifi?: UnifiSettings;
  portal2?: Portal2Settings;
}

export interface UnifiSettings {
  /** `https://controller:8443`; no path. */
  url: string;
  api: 'legacy' | 'official';
  /** Short site name as it stands in the redirect's path. */
  site: string;
  username?: string | undefined;
  password?: string | undefined;
  apiKey?: string | undefined;
  /** SHA-256 of the controller's certificate, lower-case hex, where no public authority signed it. */
  fingerprint?: string | undefined;
  /** MACs of its access points, to tell two sites of one name apart. */
  aps?: string[] | undefined;
}

export interface Portal2Settings {
  /** Address of the AC or BAS, and its UDP port (2000). */
  host: string;
  port: number;
  version: 1 | 2;
  /** Octets before the attributes where they differ from the usual 16 (version 1) and 32 (version 2). */
  headerOctets?: 16 | 32 | undefined;
  auth: 'chap' | 'pap';
  /** Repeat the Challenge attribute in REQ_AUTH. */
  sendChallenge: boolean;
  /** Names of the redirect's parameters where they differ from the usual ones. */
  parameters?:
    Partial<Record<'ip' | 'mac' | 'nas' | 'ssid' | 'url', string | undefined>> | undefined;
  /** Answer MAC-binding queries: a known device is let in without a page. */
  macBinding: boolean;
}

/** Merchant-chosen look: data, never a template. Colours are `#rrggbb`, contrast-checked on save. */
export interface Theme {
  accent: string;
  /** Colour of text upon the accent. */
  onAccent: string;
  promise: Partial<Text>;
  background?: 'paper' | 'tint' | 'accent';
  /** PNG, drawn at most 240 × 80 CSS pixels; `data` is base64. */
  logo?: { data: string; width: number; height: number; alt: string };
}

/** Words of the house for a place on a page, shown when no offer is due in time. */
export interface HouseContent {
  headline: Text;
  body: Partial<Text>;
  /** https only. */
  link?: string | undefined;
}
export type SlotName = 'pre_auth' | 'landing' | 'return';

/** An identity provider guests may sign in with (OpenID Connect). */
export interface OidcProvider {
  id: string;
  /** What the button says after "Continue with". */
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  scopes: string[];
}

/** How a site's ways in behave; all of it data. */
export interface MethodPolicy {
  /** Minutes online to read a code or sign in elsewhere; 0 = none. At most `gracePerDay` a device a day. */
  graceMinutes: number;
  gracePerDay: number;
  /** Days a returning device gets in with one tap; 0 = asks each time. */
  rememberDays: number;
}

/** Opening hours of the WiFi in the store's zone; a day without spans is closed. */
export type WeekHours = Record<
  'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun',
  { from: string; to: string }[]
>;

export interface StoreView {
  id: string;
  merchantId: string;
  slug: string;
  name: string;
  timezone: string;
  /** ISO 3166-1 alpha-2: how a phone number without + is read. */
  country: string;
  defaultLanguage: Language;
  /** Languages the switch offers, at least one. */
  languages?: Language[];
  methods: MethodName[];
  policy?: MethodPolicy;
  oidc?: OidcProvider[];
  /** In the order they are shown; purposes without a wording here are not asked. */
  wordings: ConsentWording[];
  /** In the order they are asked, one a visit. */
  questions: ProfileQuestion[];
  /** Years; guests below it are asked for nothing but the terms. Absent: nobody is asked. */
  ageGate?: number;
  gateways: RegisteredGateway[];
  theme: Theme;
  house?: Partial<Record<SlotName, HouseContent>>;
  hours?: WeekHours;
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
