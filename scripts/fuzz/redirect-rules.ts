/** What must hold of every reading and every door, said anew and without the portal's own checks. */
import { createHash, createHmac } from 'node:crypto';
import type { Opening, Reading } from '../../portal/gateways/gateway.ts';
import type { RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import type { GatewayContext } from '../../portal/ports.ts';
import { BASE } from './redirects.ts';

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** Fields that only the pretend gateway's secret can have signed. */
function pretendSigned(query: URLSearchParams, gateway: RegisteredGateway, slug: string): boolean {
  const [mac, ip, url] = ['mac', 'ip', 'url'].map((name) => query.get(name) ?? '');
  const text = JSON.stringify(['foyer pretend 1', slug, query.get('gw'), mac, ip, url]);
  const expected = createHmac('sha256', gateway.secret ?? '')
    .update(text)
    .digest('hex');
  return query.get('sig') === expected;
}

/** Words whose checksum only the holder of the UAM secret can have made, as they reached us or inside `loginurl`. */
function uamSigned(url: string, query: URLSearchParams, gateway: RegisteredGateway): boolean {
  const secret = gateway.secret ?? '';
  return [url, query.get('loginurl') ?? ''].some((whole) => {
    const cut = whole.indexOf('&md=');
    if (cut < 0) return false;
    const words = whole.slice(0, cut);
    const path = words.replace(/^https?:\/\/[^/?#]*/i, '');
    const spellings = [
      words,
      `${BASE}${path}`,
      ...['https', 'http'].flatMap((scheme) =>
        ['portal.example', 'portal.example:80', 'portal.example:443'].map(
          (host) => `${scheme}://${host}${path}`,
        ),
      ),
    ];
    const md = whole
      .slice(cut + 4)
      .split('&')[0]
      ?.toUpperCase();
    return [...spellings, ...spellings.map((text) => text.replaceAll('&', '&amp;'))].some(
      (text) =>
        createHash('md5')
          .update(text + secret)
          .digest('hex')
          .toUpperCase() === md,
    );
  });
}

function brokenContext(context: GatewayContext, gateway: RegisteredGateway): string | null {
  const { mac, ip, ssid, ap, originUrl, claims = {} } = context;
  if (context.gatewayId !== gateway.id || context.kind !== gateway.kind)
    return 'another gateway’s context';
  if (!MAC.test(mac)) return `no MAC: ${mac}`;
  if (ip.length > 45) return 'an endless address';
  if (ssid !== undefined && ssid.length > 64) return 'an endless ssid';
  if (ap !== undefined && !MAC.test(ap)) return `no access point: ${ap}`;
  if (originUrl !== undefined && !/^https?:\/\//.test(originUrl)) return `origin ${originUrl}`;
  const entries = Object.entries(claims);
  if (entries.length > 20 || entries.some(([, value]) => value.length > 600))
    return 'endless claims';
  return null;
}

/** What is wrong with a reading, or null. */
export function brokenReading(
  reading: Reading,
  { url, query, store }: { url: string; query: URLSearchParams; store: StoreView },
): string | null {
  if (reading.kind !== 'known') return null;
  const { gateway, context } = reading;
  if (!store.gateways.includes(gateway)) return 'a gateway nobody registered is known';
  if (gateway.kind === 'pretend' && !pretendSigned(query, gateway, store.slug))
    return 'a forged pretend redirect is known';
  if (gateway.kind === 'coova' && !uamSigned(url, query, gateway))
    return 'a forged UAM redirect is known';
  return brokenContext(context, gateway);
}

function privateHost(host: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (parts === undefined) return /^\[f[cd]/i.test(host);
  const [a = 0, b = 0] = parts;
  const shared = a === 100 && b >= 64 && b < 128;
  return a === 10 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || shared;
}

/** Where a guest's browser would be sent, when that is nowhere it may go; else null. */
export function brokenOpening(opening: Opening, gateway: RegisteredGateway): string | null {
  if (opening.kind !== 'through' && opening.kind !== 'post') return null;
  if (!URL.canParse(opening.url)) return `unreadable door ${opening.url}`;
  const { protocol, hostname, host, username, password } = new URL(opening.url);
  if (protocol !== 'http:' && protocol !== 'https:') return `door by ${protocol}`;
  if (username !== '' || password !== '') return `door with a name in it: ${opening.url}`;
  const registered = gateway.hosts ?? [];
  const cloud = gateway.kind === 'meraki' && hostname.endsWith('.network-auth.com');
  if (registered.includes(hostname) || registered.includes(host) || cloud) return null;
  return privateHost(hostname) ? null : `a guest would be sent to ${opening.url}`;
}
