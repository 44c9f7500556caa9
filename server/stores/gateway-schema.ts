/** What a gateway's registration may hold, by kind. */
import { isIP } from 'node:net';
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
  headerOctets?: 16 | 32 | undefined;
  auth: 'chap' | 'pap';
  sendChallenge: boolean;
  parameters?:
    Partial<Record<'ip' | 'mac' | 'nas' | 'ssid' | 'url', string | undefined>> | undefined;
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
/** A gateway name travels through openNDS, shell and URL: only what survives all of them. */
export const gatewayName = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$/, 'must be letters, digits, blanks, dots or dashes');

/** PURE. An address or a CIDR block, IPv4 or IPv6. */
export function isBlock(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

const portNumber = z.number().int().min(1).max(65_535);
const address = z.string().refine((text) => isIP(text) !== 0, 'must be an IP address');
/** Portal 2.0 has room for four octets. */
const ipv4 = z.string().refine((text) => isIP(text) === 4, 'must be an IPv4 address');
const block = z
  .string()
  .trim()
  .refine(isBlock, 'must be an IP address or a block such as 10.0.0.0/8');
const hostName = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/, 'must be a host name or an address');
const fingerprint = z
  .string()
  .overwrite((text) => text.replaceAll(':', '').toLowerCase())
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 fingerprint, 64 hexadecimal digits');
const mac = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'must look like 00:11:22:33:44:55');
const parameter = z.string().regex(/^[\w-]{1,40}$/, 'must be the name of a parameter');

/** RADIUS of a gateway as the API takes it; a secret is made when none is given. */
export const radiusBody = z.object({
  secret: z
    .string()
    .min(12)
    .max(128)
    .optional()
    .describe('Shared secret; made for you unless given.'),
  sources: z
    .array(block)
    .max(20)
    .optional()
    .describe('Addresses or blocks its packets come from; none for RadSec only.'),
  nasIds: z
    .array(z.string().trim().min(1).max(128))
    .max(50)
    .optional()
    .describe('NAS-Identifiers it goes by; none means any from its addresses.'),
  profile: z.enum(vendorProfiles).optional().describe('Whose attributes its limits are said in.'),
  messageAuthenticator: z
    .enum(['require', 'learn', 'off'])
    .optional()
    .describe(
      'Whether requests must be signed (CVE-2024-3596): always, once it was seen, or never.',
    ),
  coa: z
    .object({
      host: address.describe('Address that takes Disconnect and CoA requests.'),
      port: portNumber.default(3799).describe('Its UDP port.'),
    })
    .nullable()
    .optional()
    .describe('Where sessions are ended; null means they cannot be.'),
  swapOctets: z
    .boolean()
    .optional()
    .describe('Its counters are written from the guest’s side: swap input and output.'),
  macAuth: z
    .object({
      password: z
        .enum(['mac', 'secret', 'fixed'])
        .describe('What stands in for a password: the MAC, the shared secret, or a fixed word.'),
      fixed: z.string().min(1).max(128).optional().describe('The fixed word.'),
    })
    .nullable()
    .optional()
    .describe('How known devices come in without a page; null means they do not.'),
  certificate: fingerprint
    .nullable()
    .optional()
    .describe('RadSec: SHA-256 fingerprint of its client certificate.'),
  interimSeconds: z
    .number()
    .int()
    .min(60)
    .max(3600)
    .optional()
    .describe('Seconds between interim accounting updates.'),
});

export const unifiBody = z.object({
  url: z
    .url({ protocol: /^https$/ })
    .max(200)
    .refine(
      (text) => URL.canParse(text) && new URL(text).pathname === '/',
      'must end after the port',
    )
    .describe('Address of the controller, https and port, without a path.'),
  api: z.enum(['legacy', 'official']).describe('User name and password, or an API key.'),
  site: parameter.describe('Short site name, as it stands in the redirect.'),
  username: z.string().min(1).max(100).optional().describe('Local account, without second factor.'),
  password: z.string().min(1).max(200).optional().describe('Its password.'),
  apiKey: z.string().min(8).max(300).optional().describe('API key of the Network application.'),
  fingerprint: fingerprint
    .nullable()
    .optional()
    .describe('SHA-256 fingerprint of its certificate, when no public authority signed it.'),
  aps: z.array(mac).max(500).optional().describe('MACs of its access points, to tell sites apart.'),
});

export const portal2Body = z.object({
  host: ipv4.describe('Address of the access controller.'),
  port: portNumber.default(2000).describe('Its UDP port.'),
  version: z
    .union([z.literal(1), z.literal(2)])
    .default(2)
    .describe('Protocol version.'),
  headerOctets: z
    .union([z.literal(16), z.literal(32)])
    .optional()
    .describe('Octets before the attributes, where they differ from what the version says.'),
  auth: z.enum(['chap', 'pap']).default('chap').describe('How the password travels.'),
  sendChallenge: z.boolean().default(true).describe('Repeat the challenge in REQ_AUTH.'),
  parameters: z
    .object({
      ip: parameter.optional().describe('Parameter with the guest’s address.'),
      mac: parameter.optional().describe('Parameter with the guest’s MAC.'),
      nas: parameter.optional().describe('Parameter with the name of the controller.'),
      ssid: parameter.optional().describe('Parameter with the SSID.'),
      url: parameter.optional().describe('Parameter with the page the guest wanted.'),
    })
    .optional()
    .describe('Names in its redirect that differ from the usual ones.'),
  macBinding: z.boolean().default(false).describe('Let known devices in without a page.'),
});

/** A gateway as the API takes it; which parts fit depends on its kind. */
export const gatewayBody = z.object({
  kind: z.enum(gatewayKinds).describe('Kind of equipment, or a pretend one for trying out.'),
  name: gatewayName.describe(
    'Its name: gatewayname (openNDS), gw_id (WiFiDog), nasid (CoovaChilli), identity (MikroTik).',
  ),
  level: z
    .union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
    .optional()
    .describe('openNDS fas_secure_enabled; 3 unless said.'),
  secret: secretText
    .optional()
    .describe('faskey, uamsecret, path or Portal 2.0 secret; made for you unless given.'),
  login: z.enum(['chap', 'pap']).optional().describe('UAM, MikroTik: how the password travels.'),
  hosts: z
    .array(hostName)
    .max(20)
    .optional()
    .describe('Hosts of the equipment that guests may be sent to, beside private addresses.'),
  sources: z.array(block).max(20).optional().describe('WiFiDog: addresses its calls come from.'),
  radius: radiusBody.optional().describe('RADIUS of this gateway.'),
  unifi: unifiBody.optional().describe('UniFi controller.'),
  portal2: portal2Body.optional().describe('Portal 2.0 access controller.'),
});
export type GatewayBody = z.output<typeof gatewayBody>;

type Part = 'level' | 'secret' | 'login' | 'hosts' | 'sources' | 'radius' | 'unifi' | 'portal2';

/** What belongs to each kind; parts with `!` must be given. */
export const partsOf: Record<GatewayKind, readonly (Part | `${Part}!`)[]> = {
  pretend: ['secret'],
  opennds: ['level', 'secret', 'hosts'],
  wifidog: ['secret', 'sources', 'hosts'],
  apfree: ['secret', 'sources', 'hosts'],
  coova: ['secret', 'login', 'hosts', 'radius'],
  mikrotik: ['login', 'hosts', 'radius'],
  unifi: ['unifi!'],
  meraki: ['hosts'],
  portal2: ['secret', 'portal2!', 'radius'],
  radius: ['radius'],
};

/** Their configuration ends a name at its first blank. */
export function takesNoBlank(kind: GatewayKind): boolean {
  return kind === 'wifidog' || kind === 'portal2';
}

/** PURE. Parts that do not belong to a kind, and parts that it needs and lacks. */
export function misfits(
  kind: GatewayKind,
  body: Partial<Record<Part, unknown>>,
): { part: Part; wrong: 'extra' | 'missing' }[] {
  const all: Part[] = [
    'level',
    'secret',
    'login',
    'hosts',
    'sources',
    'radius',
    'unifi',
    'portal2',
  ];
  const wrongs: { part: Part; wrong: 'extra' | 'missing' }[] = [];
  for (const part of all) {
    const given = body[part] !== undefined;
    const needed = partsOf[kind].includes(`${part}!`);
    if (given && !needed && !partsOf[kind].includes(part)) wrongs.push({ part, wrong: 'extra' });
    if (needed && !given) wrongs.push({ part, wrong: 'missing' });
  }
  return wrongs;
}
