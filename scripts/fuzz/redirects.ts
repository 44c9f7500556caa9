/** Redirects as every kind of gateway writes them, the store that knows these gateways, and ways to bend them. */
import { createCipheriv, createHash } from 'node:crypto';
import { pretendRedirect } from '../../portal/gateways/pretend.ts';
import type { RadiusSettings, RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import type { Random } from '../lib/random.ts';
import { damageText } from './mutate.ts';

export const BASE = 'https://portal.example';
export const SLUG = 'harbour';
const MAC = '02:00:00:00:00:50';
const IP = '10.0.0.23';
const SECRET = 's3cretfaskey0123456789abcdef';
const HID = 'a'.repeat(64);

const radius: RadiusSettings = {
  secret: 'radiusSecret1234',
  sources: ['10.0.0.2'],
  nasIds: [],
  profile: 'plain',
  messageAuthenticator: 'require',
  interimSeconds: 300,
};

const gateways: RegisteredGateway[] = [
  { id: 'pretend', kind: 'pretend', name: 'front-desk', secret: SECRET },
  { id: 'nds-0', kind: 'opennds', name: 'StoreZero', level: 0, secret: SECRET },
  { id: 'nds-1', kind: 'opennds', name: 'StoreOne', level: 1, secret: SECRET },
  { id: 'nds-2', kind: 'opennds', name: 'StoreTwo', level: 2, secret: SECRET },
  { id: 'wifidog', kind: 'wifidog', name: 'dog-1', secret: SECRET },
  { id: 'apfree', kind: 'apfree', name: 'dog-2', secret: SECRET },
  { id: 'coova', kind: 'coova', name: 'nas-1', secret: SECRET, login: 'chap', radius },
  {
    id: 'mikrotik',
    kind: 'mikrotik',
    name: 'router-1',
    login: 'chap',
    radius,
    hosts: ['router.example'],
  },
  { id: 'meraki', kind: 'meraki', name: 'meraki-1' },
  {
    id: 'unifi',
    kind: 'unifi',
    name: 'unifi-1',
    unifi: { url: 'https://10.0.0.3:8443', api: 'legacy', site: 'default' },
  },
  {
    id: 'portal2',
    kind: 'portal2',
    name: 'AC-1',
    secret: SECRET,
    radius,
    portal2: {
      host: '10.9.9.9',
      port: 2000,
      version: 2,
      auth: 'chap',
      sendChallenge: true,
      macBinding: false,
    },
  },
];

export const STORE: StoreView = {
  id: 'store-1',
  merchantId: 'merchant-1',
  slug: SLUG,
  name: 'Harbour Coffee',
  timezone: 'Europe/London',
  country: 'GB',
  defaultLanguage: 'en',
  methods: ['click-through'],
  wordings: [],
  questions: [],
  gateways,
  theme: { accent: '#1f5fbf', onAccent: '#ffffff', promise: {} },
  landingHosts: [],
};

/** The same shop with nothing registered: nothing may be known there. */
export const BARE: StoreView = { ...STORE, gateways: [] };

export interface Redirect {
  /** Id of the gateway that wrote it. */
  id: string;
  path: string;
  query: string;
}

const items = (name: string, authdir: string): string =>
  [
    `hid=${HID}`,
    `clientip=${IP}`,
    `clientmac=${MAC}`,
    'client_type=cpd_can',
    `gatewayname=${name}%20Node%3a163395498e73%20`,
    'version=9.10.0',
    'gatewayaddress=10.0.0.1:2050',
    'gatewaymac=163395498e73',
    ...(authdir === '' ? [] : [`authdir=${authdir}`]),
    'originurl=http%3a%2f%2fa.example%2f',
    'clientif=br-lan',
    'store=harbour, ',
  ].join(', ');

function sealed(text: string): string {
  const key = Buffer.alloc(32);
  Buffer.from(SECRET).copy(key);
  const iv = '69aaf8cc8a6b6ede';
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.from(iv, 'latin1'));
  const inner = cipher.update(text, 'utf8', 'base64') + cipher.final('base64');
  return `fas=${Buffer.from(inner).toString('base64')}&iv=${iv}`;
}

function uam(): string {
  const words = `res=notyet&uamip=10.1.0.1&uamport=3990&challenge=${'71fc'.repeat(8)}&called=FA-CA-FB-35-DB-CA&mac=02-00-00-00-00-50&ip=${IP}&ssid=Guest&nasid=nas-1&sessionid=17952998&userurl=http%3a%2f%2fa.example%2f`;
  const md5 = createHash('md5').update(`${BASE}/p/${SLUG}?${words}${SECRET}`);
  return `${words}&md=${md5.digest('hex').toUpperCase()}`;
}

const page = `/p/${SLUG}`;
const url = encodeURIComponent('http://a.example/x?y=1');
const signed = pretendRedirect(
  SLUG,
  { name: 'front-desk', secret: SECRET },
  { mac: MAC, ip: IP, url: 'http://a.example/' },
);

export const REDIRECTS: readonly Redirect[] = [
  { id: 'pretend', path: page, query: signed.slice(signed.indexOf('?') + 1) },
  {
    id: 'nds-0',
    path: page,
    query: `authaction=http://10.0.0.1:2050/opennds_auth/?clientip=${IP}&gatewayname=StoreZero%20Node%3a163395498e73%20&tok=489747f1&redir=${url}`,
  },
  {
    id: 'nds-1',
    path: page,
    query: `fas=${Buffer.from(items('StoreOne', '')).toString('base64')}`,
  },
  { id: 'nds-2', path: page, query: sealed(items('StoreTwo', 'opennds_auth')) },
  {
    id: 'wifidog',
    path: `/wd/${SLUG}/login/`,
    query: `gw_address=10.0.0.1&gw_port=2060&gw_id=dog-1&ip=${IP}&mac=${MAC}&url=${url}`,
  },
  {
    id: 'apfree',
    path: `/wd/${SLUG}/login/`,
    query: `gw_address=10.0.0.1&is_ipv6=0&gw_port=2060&device_id=AW&gw_id=dog-2&gw_channel=lan&ssid=Guest&ip=${IP}&mac=${MAC}&protocol=http&url=${url}`,
  },
  { id: 'coova', path: page, query: uam() },
  {
    id: 'mikrotik',
    path: page,
    query: `router=router-1&link-login-only=http%3A%2F%2F10.5.50.1%2Flogin&link-login=http%3A%2F%2F10.5.50.1%2Flogin%3Fdst%3Dx&link-orig=${url}&mac=${encodeURIComponent(MAC.toUpperCase())}&ip=${IP}&error=&chap-id=%5C371&chap-challenge=${encodeURIComponent('\\357\\015\\330\\013\\021\\234\\145\\245\\303\\253\\142\\246\\133\\175\\375\\316')}&identity=router-1&server-name=hs1&session-id=80100001`,
  },
  {
    id: 'meraki',
    path: page,
    query: `base_grant_url=${encodeURIComponent('https://n143.network-auth.com/splash/grant?hs=1')}&user_continue_url=${url}&node_id=149624&node_mac=88:15:44:50:0a:94&gateway_id=149625&client_ip=${IP}&client_mac=${MAC}`,
  },
  {
    id: 'unifi',
    path: '/guest/s/default/',
    query: `id=${MAC}&ap=78:8a:20:59:c6:99&t=1795335900&url=${url}&ssid=Guest`,
  },
  {
    id: 'portal2',
    path: page,
    query: `wlanuserip=${IP}&wlanusermac=0200-0000-0050&wlanacname=AC-1&ssid=Guest&wlanuserfirsturl=${url}`,
  },
];

/** Hosts and addresses that no guest's browser may be led to, in many spellings. */
const LURES = [
  'http://evil.example/',
  'https://evil.example/login',
  '//evil.example/',
  'http://10.0.0.1@evil.example/login',
  'http://evil.example#@10.0.0.1/login',
  'http://evil.example\\@10.0.0.1/login',
  'http://10.0.0.1.evil.example/login',
  'http://8.8.8.8/login',
  'http://134744072/login',
  'http://0x8080808/login',
  'http://[::ffff:8.8.8.8]/login',
  'http://[2001:db8::1]/login',
  'https://network-auth.com.evil.example/x',
  'https://evilnetwork-auth.com/x',
  'http://router.example.evil.example/login',
  'http://router.example:8443@evil.example/login',
  'javascript:alert(1)',
  'data:text/html,x',
  '8.8.8.8',
  '8.8.8.8:80',
  'evil.example:80',
  '10.0.0.1:80@evil.example:80',
  '10.0.0.256:2050',
  '１０.０.０.１:80',
  'evil。example',
];

const ODD = [
  '',
  ' ',
  '0',
  '-1',
  '65536',
  'null',
  '\u0000',
  '\u202e',
  '\ufeff',
  '%',
  '%zz',
  '%00',
  '%c3%28',
  '%ff%fe',
  '%ed%a0%80',
  '٠٢:٠٠',
  '---',
  'ff:ff:ff:ff:ff:ff',
  '00:00:00:00:00:00',
  '::1',
  'fe80::1%25eth0',
  '0.0.0.0',
  '255.255.255.255',
  '1e3',
  '{{7*7}}',
  '<script>',
  "' or 1=1 --",
  'x'.repeat(700),
  '😀'.repeat(40),
];

const NAMES = [
  ...'gw router mac ip url sig fas iv status redir authaction tok gw_id gw_address gw_port uamip uamport challenge'.split(
    ' ',
  ),
  ...'nasid md res userurl loginurl link-login-only link-login chap-id chap-challenge base_grant_url'.split(
    ' ',
  ),
  ...'client_mac id ap t ssid wlanuserip userip wlanusermac usermac wlanacname wlanacip nasip j __proto__'.split(
    ' ',
  ),
];

function odd(random: Random): string {
  const text = random.pick(random.next() < 0.5 ? LURES : ODD);
  return random.next() < 0.7 ? encodeURIComponent(text) : text.replaceAll(/[&#]/g, '');
}

/** The query with one or a few places changed. */
export function bend(query: string, random: Random): string {
  let bent = query;
  const times = 1 + Math.floor(random.next() * 3);
  for (let i = 0; i < times; i++) bent = bendOnce(bent, random);
  return bent.slice(0, 20_000);
}

function bendOnce(query: string, random: Random): string {
  const fields = query.split('&');
  const at = Math.floor(random.next() * fields.length);
  const [name = '', value = ''] = (fields[at] ?? '').split(/=(.*)/s);
  const way = random.next();
  if (way < 0.35) fields[at] = `${name}=${odd(random)}`;
  else if (way < 0.45) fields.push(`${name}=${odd(random)}`);
  else if (way < 0.52) fields.unshift(`${name}=${odd(random)}`);
  else if (way < 0.58) fields[at] = `${random.pick(NAMES)}=${value}`;
  else if (way < 0.64) fields.push(`${random.pick(NAMES)}=${odd(random)}`);
  else if (way < 0.7) fields.splice(at, 1);
  else if (way < 0.74) fields.push(random.pick(REDIRECTS).query);
  else if (way < 0.76) fields[at] = `${name}=${value.repeat(40)}`;
  else if (way < 0.8) fields[at] = `${name.toUpperCase()}=${value.toUpperCase()}`;
  else if (way < 0.9) fields[at] = `${name}=${damageText(value, random)}`;
  else return damageText(query, random);
  return fields.join('&');
}
