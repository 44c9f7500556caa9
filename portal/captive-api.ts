/** PURE. RFC 8908's answer, and the addresses by which operating systems find out that a portal waits. */
import type { StoreView } from './ports-store.ts';
import type { SessionView } from './ports.ts';

export const CAPTIVE_JSON = 'application/captive+json';

/** Member names as RFC 8908 section 5 spells them. */
export interface CaptiveAnswer {
  captive: boolean;
  'user-portal-url'?: string;
  'venue-info-url'?: string;
  'can-extend-session'?: boolean;
  'seconds-remaining'?: number;
  'bytes-remaining'?: number;
}

/** A session counts as open only while the gateway's confirmation stands and time and volume are left. */
function isOpen(session: SessionView | null, now: number): session is SessionView {
  if (session === null || session.state !== 'active' || session.bytesRemaining === 0) return false;
  return session.expiresAt === 0 || session.expiresAt > now;
}

/** RFC 8908 section 5 wants both pages over TLS; clients ignore others. */
function overTls(url: string | undefined): url is string {
  return url !== undefined && URL.canParse(url) && new URL(url).protocol === 'https:';
}

export interface CaptiveMore {
  /** Page with what the shop offers this client now; shown by the system after login. */
  offersUrl?: string;
  /** The gateway can give more time without sending the guest out first. */
  canExtend?: boolean;
}

export function captiveAnswer(
  store: StoreView,
  session: SessionView | null,
  portalUrl: string,
  now: number,
  { offersUrl, canExtend = false }: CaptiveMore = {},
): CaptiveAnswer {
  const open = isOpen(session, now);
  const answer: CaptiveAnswer = { captive: !open };
  if (overTls(portalUrl)) answer['user-portal-url'] = portalUrl;
  const venueUrl = open ? (offersUrl ?? store.venueUrl) : store.venueUrl;
  if (overTls(venueUrl)) answer['venue-info-url'] = venueUrl;
  if (!open) return answer;
  answer['can-extend-session'] = canExtend;
  if (session.expiresAt > 0)
    answer['seconds-remaining'] = Math.floor((session.expiresAt - now) / 1000);
  if (session.bytesRemaining !== undefined)
    answer['bytes-remaining'] = Math.max(0, Math.floor(session.bytesRemaining));
  return answer;
}

export interface Probe {
  system: string;
  host: string;
  /** Paths asked for; `*` means any. */
  paths: readonly string[];
  /** What a free network answers; anything else tells the system that a portal waits. */
  online: { status: number; body: string };
}

const noContent = { status: 204, body: '' };
const page = (body: string) => ({ status: 200, body });
const APPLE = page('<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>');
const FIREFOX =
  '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>';
const GENERATE = ['/generate_204', '/gen_204'] as const;

const generate204 = (system: string, ...hosts: string[]): Probe[] =>
  hosts.map((host) => ({ system, host, paths: GENERATE, online: noContent }));

export const PROBES: readonly Probe[] = [
  { system: 'apple', host: 'captive.apple.com', paths: ['*'], online: APPLE },
  {
    system: 'apple',
    host: 'www.apple.com',
    paths: ['/library/test/success.html'],
    online: APPLE,
  },
  ...generate204(
    'android',
    'connectivitycheck.gstatic.com',
    'connectivitycheck.android.com',
    'clients3.google.com',
    'www.google.com',
    'play.googleapis.com',
  ),
  ...generate204('xiaomi', 'connect.rom.miui.com'),
  ...generate204('huawei', 'connectivitycheck.platform.hicloud.com'),
  ...generate204('honor', 'connectivitycheck.platform.hihonorcloud.com'),
  ...generate204('oppo', 'conn1.oppomobile.com'),
  ...generate204('vivo', 'wifi.vivo.com.cn'),
  ...generate204('samsung', 'connectivity.samsung.com.cn'),
  ...['www.msftconnecttest.com', 'ipv6.msftconnecttest.com'].map((host) => ({
    system: 'windows',
    host,
    paths: ['/connecttest.txt', '/redirect'],
    online: page('Microsoft Connect Test'),
  })),
  {
    system: 'windows',
    host: 'www.msftncsi.com',
    paths: ['/ncsi.txt'],
    online: page('Microsoft NCSI'),
  },
  {
    system: 'edge',
    host: 'edge-http.microsoft.com',
    paths: ['/captiveportal/generate_204'],
    online: noContent,
  },
  {
    system: 'firefox',
    host: 'detectportal.firefox.com',
    paths: ['/canonical.html'],
    online: page(FIREFOX),
  },
  {
    system: 'firefox',
    host: 'detectportal.firefox.com',
    paths: ['/success.txt'],
    online: page('success\n'),
  },
  {
    system: 'gnome',
    host: 'nmcheck.gnome.org',
    paths: ['/check_network_status.txt'],
    online: page('NetworkManager is online\n'),
  },
  {
    system: 'debian',
    host: 'network-test.debian.org',
    paths: ['/nm'],
    online: page('NetworkManager is online\n'),
  },
  { system: 'ubuntu', host: 'connectivity-check.ubuntu.com', paths: ['*'], online: noContent },
  {
    system: 'fedora',
    host: 'fedoraproject.org',
    paths: ['/static/hotspot.txt'],
    online: page('OK'),
  },
  {
    system: 'arch',
    host: 'ping.archlinux.org',
    paths: ['*'],
    online: page('NetworkManager is online\n'),
  },
  { system: 'kde', host: 'networkcheck.kde.org', paths: ['*'], online: page('OK\n') },
  {
    system: 'kindle',
    host: 'spectrum.s3.amazonaws.com',
    paths: ['/kindle-wifi/wifistub.html', '/kindle-wifi/wifistub-eink.html'],
    online: page('81ce4465-7167-4dcb-835b-dcc9e44c112a'),
  },
  { system: 'steam', host: 'test.steampowered.com', paths: ['/204'], online: noContent },
  {
    system: 'cloudflare',
    host: 'cp.cloudflare.com',
    paths: ['/generate_204', '/'],
    online: noContent,
  },
];

const probeHosts = new Set(PROBES.map((probe) => probe.host));

export function isProbeHost(host: string): boolean {
  return probeHosts.has(host.toLowerCase());
}

/** The probe that a request is, or null. A captive network answers it with a redirect, never with `online`. */
export function probeAnswer(host: string, path: string): Probe | null {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  const fits = (probe: Probe) => probe.paths.includes('*') || probe.paths.includes(path);
  return PROBES.find((probe) => probe.host === name && fits(probe)) ?? null;
}
