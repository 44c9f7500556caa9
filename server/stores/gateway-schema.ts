/** What a gateway's registration may hold, by kind. */
import { z } from 'zod';

export const gatewayKinds = [
  'pretend',
  'opennds',
  'wifidog',
  'apfree',
  'coova',
  'mikrotik',
  'unifi',
  'meraki',
  'portal2',
  'radius',
] as const;
export type GatewayKind = (typeof gatewayKinds)[number];
export const vendorProfiles = [
  'plain',
  'wispr',
  'coova',
  'mikrotik',
  'huawei',
  'h3c',
  'aruba',
  'airespace',
  'ruckus',
] as const;
export type VendorProfile = (typeof vendorProfiles)[number];

/** The shape of portal/ports.ts RadiusSettings. */
export interface RadiusSettings {
  secret: string;
  sources: string[];
  nasIds: string[];
  profile: VendorProfile;
  messageAuthenticator: 'require' | 'learn' | 'off';
  learnt?: boolean | undefined;
  coa?: { host: string; port: number } | undefined;
  swapOctets?: boolean | undefined;
  macAuth?: { password: 'mac' | 'secret' | 'fixed'; fixed?: string | undefined } | undefined;
  certificate?: string | undefined;
  interimSeconds: number;
}

/** The shape of portal/ports.ts UnifiSettings. */
export interface UnifiSettings {
  url: string;
  api: 'legacy' | 'official';
  site: string;
  username?: string | undefined;
  password?: string | undefined;
  apiKey?: string | undefined;
  fingerprint?: string | undefined;
  aps?: string[] | undefined;
}

/** The shape of portal/ports.ts Portal2Settings. */
export interface Portal2Settings {
  host: string;
  port: number;
  version: 1 | 2;
  auth: 'chap' | 'pap';
  sendChallenge: boolean;
  parameters?: Partial<Record<'ip' | 'mac' | 'nas' | 'ssid' | 'url', string>> | undefined;
  macBinding: boolean;
}

/** What of a gateway is kept in its `settings` column; secrets among it. */
export interface GatewaySettings {
  /** openNDS fas_secure_enabled. */
  level?: 0 | 1 | 2 | 3 | 4;
  /** openNDS faskey, UAM secret, WiFiDog path secret, Portal 2.0 secret, or what signs a pretend redirect. */
  secret?: string;
  /** Names it was heard under, hashed; learnt by the portal's host. */
  hashes?: string[];
  radius?: RadiusSettings;
  login?: 'chap' | 'pap';
  hosts?: string[];
  sources?: string[];
  unifi?: UnifiSettings;
  portal2?: Portal2Settings;
}

/** openNDS cuts or pads the key to 32 octets: longer ones would only look stronger. */
export const secretText = z
  .string()
  .regex(/^[A-Za-z0-9]{16,32}$/, 'must be 16 to 32 letters and digits');
/** A gateway name travels through openNDS, shell and URL: only what survives all three. */
export const gatewayName = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$/, 'must be letters, digits, blanks, dots or dashes');
