/** A store as the portal needs it: its ways in, wordings, gateways and look; all of it the merchant's data. */

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
