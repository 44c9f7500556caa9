/** PURE. Where a guest's browser may be sent to open a door: the shop's own network, or hosts the merchant registered. */
import type { RegisteredGateway } from '../ports-store.ts';
import { privateAddress } from './opennds-fas.ts';

/**
 * A page on plain http that no browser upgrades (IANA keeps it for documentation): a gateway catches
 * the request and shows its sign-in, and who is inside already sees something harmless.
 */
export const PLAIN_PAGE = 'http://example.com/';

const MAX_URL = 600;

/** The vendors' doors stand on web ports or on high ones; a browser sent lower would meet another service. */
function sanePort(port: number): boolean {
  return port === 80 || port === 443 || (port >= 1024 && port <= 65_535);
}

/**
 * Whether the browser may go to this host. A redirect is a guest's claim: without this the portal would
 * lead anybody's browser anywhere.
 */
export function mayGoTo(
  host: string,
  port: number,
  gateway: Pick<RegisteredGateway, 'hosts'>,
): boolean {
  const name = host.toLowerCase();
  const registered = gateway.hosts ?? [];
  if (registered.includes(`${name}:${port}`)) return true;
  if (!sanePort(port)) return false;
  return registered.includes(name) || privateAddress(`${name}:${port}`);
}

/** An http(s) address without a name, password or fragment in it, or null. */
export function doorUrl(text: string | null): URL | null {
  if (text === null || text.length > MAX_URL || !/^https?:\/\/[\x21-\x7e]+$/i.test(text))
    return null;
  if (text.includes('#') || text.includes('\\') || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : null;
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

const BARE = /^[0-9a-f]{12}$/;

/** aa:bb:cc:dd:ee:ff from any of the ways equipment writes a MAC (`AA-BB-…`, `aabb.ccdd.eeff`, bare), or null. */
export function anyMac(text: string | null): string | null {
  if (text === null || text.length > 17) return null;
  const bare = text.replaceAll(/[:.-]/g, '').toLowerCase();
  return BARE.test(bare) ? (bare.match(/../g) ?? []).join(':') : null;
}
