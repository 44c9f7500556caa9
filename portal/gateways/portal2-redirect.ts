/** PURE. The redirect of a Portal 2.0 AC: parameter names are the operator's choice, so a table reads them. */
import { isIPv4 } from 'node:net';
import type { Portal2Settings, RegisteredGateway, StoreView } from '../ports-store.ts';
import type { GatewayContext } from '../ports.ts';
import type { Reading } from './gateway.ts';
import { tidyOrigin, stranger } from './gateway.ts';
import { anyMac } from './next-hop.ts';

type Field = 'ip' | 'mac' | 'nas' | 'ssid' | 'ap' | 'url';

/** Names seen in the field, the most telling first. */
const USUAL: Record<Field, readonly string[]> = {
  ip: ['wlanuserip', 'userip', 'user-ipaddress', 'ip'],
  mac: ['wlanusermac', 'usermac', 'user-mac', 'mac', 'umac'],
  nas: ['wlanacname', 'wlanacip', 'ac-ip', 'nasip', 'nas-id'],
  ssid: ['ssid'],
  ap: ['apmac', 'ap-mac', 'device-mac'],
  url: ['wlanuserfirsturl', 'userurl', 'redirect-url', 'url'],
};

/** Names that no other vendor's redirect uses by themselves. */
const TELLING = [
  'wlanuserip',
  'wlanacname',
  'wlanacip',
  'wlanusermac',
  'user-ipaddress',
  'user-mac',
];
/** Said by other gateways beside `userip` or `ip`; then the request is theirs. */
const FOREIGN = ['fas', 'gw', 'gw_id', 'uamip', 'link-login-only', 'base_grant_url', 'magic'];

const PRIVATE =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;

function ownName(settings: Portal2Settings | undefined, field: Field): string | undefined {
  const named = settings?.parameters;
  return field === 'ap' ? undefined : named?.[field];
}

function valueOf(query: URLSearchParams, gateway: RegisteredGateway, field: Field): string {
  const own = ownName(gateway.portal2, field);
  if (own !== undefined) return query.get(own) ?? '';
  return USUAL[field].map((name) => query.get(name)).find((value) => value !== null) ?? '';
}

/** Whether this query speaks of such an AC at all: by telling names, or by names registered for it. */
function speaksOfIt(query: URLSearchParams, known: RegisteredGateway[]): boolean {
  if (FOREIGN.some((name) => query.has(name))) return false;
  if (TELLING.some((name) => query.has(name))) return true;
  if (known.length === 0) return query.has('userip') && query.has('usermac');
  const named = known.flatMap(({ portal2 }) => [portal2?.parameters?.ip, portal2?.parameters?.mac]);
  return query.has('userip') || named.some((name) => name !== undefined && query.has(name));
}

/** What the redirect calls its AC: by name, by address, or both. */
function calledBy(query: URLSearchParams, gateway: RegisteredGateway): string[] {
  const own = ownName(gateway.portal2, 'nas');
  const names = own === undefined ? USUAL.nas : [own];
  return names.map((name) => query.get(name)?.toLowerCase() ?? '').filter((said) => said !== '');
}

/** The AC is named in the redirect, or it is the store's only one. */
function gatewayOf(query: URLSearchParams, known: RegisteredGateway[]): RegisteredGateway | null {
  const named = known.find((gateway) => {
    const said = calledBy(query, gateway);
    return [gateway.name.toLowerCase(), gateway.portal2?.host ?? ''].some((own) =>
      said.includes(own),
    );
  });
  if (named !== undefined) return named;
  const [only] = known;
  const unnamed = only !== undefined && calledBy(query, only).length === 0;
  return known.length === 1 && unnamed ? only : null;
}

/** An address that a guest can have. */
function guestAddress(ip: string): boolean {
  const first = Number(ip.split('.')[0]);
  return isIPv4(ip) && first > 0 && first < 224 && first !== 127;
}

function contextOf(
  query: URLSearchParams,
  gateway: RegisteredGateway,
  networkIp: string,
): GatewayContext | 'ip' | 'mac' {
  const said = valueOf(query, gateway, 'ip');
  // Where guests and portal share a network without NAT, the request's own address will do.
  const ip = said === '' && PRIVATE.test(networkIp) ? networkIp : said;
  const mac = anyMac(valueOf(query, gateway, 'mac'));
  if (mac === null) return 'mac';
  if (!guestAddress(ip)) return 'ip';
  const ssid = valueOf(query, gateway, 'ssid').slice(0, 64);
  const ap = anyMac(valueOf(query, gateway, 'ap'));
  const origin = tidyOrigin(valueOf(query, gateway, 'url'));
  return {
    gatewayId: gateway.id,
    kind: 'portal2',
    mac,
    ip,
    ...(ssid === '' ? {} : { ssid }),
    ...(ap === null ? {} : { ap }),
    ...(origin === null ? {} : { originUrl: origin }),
  };
}

export function readPortal2(query: URLSearchParams, store: StoreView, networkIp: string): Reading {
  const known = store.gateways.filter(({ kind }) => kind === 'portal2');
  if (!speaksOfIt(query, known)) return { kind: 'absent' };
  const gateway = gatewayOf(query, known);
  if (gateway === null) return stranger(USUAL.nas.map((name) => query.get(name)).find(Boolean));
  const context = contextOf(query, gateway, networkIp);
  if (typeof context === 'string')
    return { kind: 'refused', reason: 'malformed', detail: { parameter: context } };
  return { kind: 'known', gateway, context };
}
