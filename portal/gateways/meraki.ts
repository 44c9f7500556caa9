/** Meraki click-through: a grant link of Cisco's cloud, which the guest's browser follows. */
import { isIP } from 'node:net';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { GatewayContext } from '../ports.ts';
import type { Gateway, OpenRequest, Opening, Reading } from './gateway.ts';
import { tidyOrigin, stranger } from './gateway.ts';
import { anyMac, doorUrl, PLAIN_PAGE, portOf } from './next-hop.ts';

/**
 * The cloud's own hosts over TLS, or the merchant's entries for other regions. Nothing in the redirect
 * is signed: the host is all that keeps the link from leading anywhere.
 */
function isGrantLink(text: string | null, gateway: Pick<RegisteredGateway, 'hosts'>): boolean {
  const url = doorUrl(text);
  if (url === null) return false;
  const host = url.hostname.toLowerCase();
  const registered = gateway.hosts ?? [];
  if (registered.includes(host) || registered.includes(`${host}:${portOf(url)}`)) return true;
  return host.endsWith('.network-auth.com') && url.protocol === 'https:' && portOf(url) === 443;
}

/** Networks are told apart by what they are registered as; a single one needs no name. */
function gatewayOf(query: URLSearchParams, store: StoreView): RegisteredGateway | null {
  const known = store.gateways.filter((gateway) => gateway.kind === 'meraki');
  const ids = [query.get('gateway_id'), query.get('node_id')];
  return known.find((gateway) => ids.includes(gateway.name)) ?? known[0] ?? null;
}

const malformed = (parameter: string): Reading => ({
  kind: 'refused',
  reason: 'malformed',
  detail: { parameter },
});

function optionalFacts(query: URLSearchParams): Partial<GatewayContext> {
  const origin = tidyOrigin(query.get('user_continue_url') ?? '');
  const ap = anyMac(query.get('node_mac'));
  return {
    ...(origin === null ? {} : { originUrl: origin }),
    ...(ap === null ? {} : { ap }),
  };
}

function read(query: URLSearchParams, store: StoreView): Reading {
  const link = query.get('base_grant_url');
  if (link === null) return { kind: 'absent' };
  const gateway = gatewayOf(query, store);
  if (gateway === null) return stranger(query.get('gateway_id'));
  const mac = anyMac(query.get('client_mac'));
  const ip = query.get('client_ip') ?? '';
  if (!isGrantLink(link, gateway)) return malformed('base_grant_url');
  if (mac === null) return malformed('client_mac');
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: 'meraki',
      mac,
      ip: isIP(ip) === 0 ? '' : ip,
      ...optionalFacts(query),
      // As it came: the cloud compares it, and a URL written anew may differ.
      claims: { grant: link },
    },
  };
}

async function open(request: OpenRequest): Promise<Opening> {
  const { gateway, context, grant, landingUrl } = request;
  const link = context.claims?.['grant'] ?? '';
  if (!isGrantLink(link, gateway)) return { kind: 'shut', reason: 'stale' };
  const join = link.includes('?') ? '&' : '?';
  const duration = grant.minutes > 0 ? `&duration=${grant.minutes * 60}` : '';
  const url = `${link}${join}continue_url=${encodeURIComponent(landingUrl)}${duration}`;
  return { kind: 'through', url };
}

/** The cloud tells us nothing afterwards: time alone travels, and nobody can be put out from here. */
export const meraki: Gateway = {
  capabilities: () => ({
    door: 'browser',
    redirect: 'forgeable',
    limits: false,
    speed: false,
    accounting: false,
    kick: 'never',
    status: false,
    extend: false,
    knock: PLAIN_PAGE,
  }),
  read,
  open,
};
