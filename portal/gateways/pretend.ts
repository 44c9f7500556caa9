/** A gateway in memory: signed redirects in, doors that open at once. For the demo, tests and local work. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { Gateway, Reading } from './gateway.ts';
import { normaliseMac, openedAtOnce, stranger, tidyOrigin } from './gateway.ts';

export interface PretendClient {
  mac: string;
  ip: string;
  /** Where the guest wanted to go. */
  url?: string;
}

type Claims = { slug: string; gateway: string; mac: string; ip: string; url: string };

function sign(secret: string, claims: Claims): string {
  const { slug, gateway, mac, ip, url } = claims;
  const text = JSON.stringify(['foyer pretend 1', slug, gateway, mac, ip, url]);
  return createHmac('sha256', secret).update(text).digest('hex');
}

/** Path and query a pretend gateway redirects its guest to, e.g. `/p/cafe?gw=…&sig=…`. */
export function pretendRedirect(
  slug: string,
  gateway: Pick<RegisteredGateway, 'name' | 'secret'>,
  client: PretendClient,
): string {
  const { mac, ip, url = '' } = client;
  const query = new URLSearchParams({ gw: gateway.name, mac, ip, url });
  query.set('sig', sign(gateway.secret ?? '', { slug, gateway: gateway.name, mac, ip, url }));
  return `/p/${encodeURIComponent(slug)}?${query.toString()}`;
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function read(query: URLSearchParams, store: StoreView): Reading {
  const name = query.get('gw');
  if (name === null) return { kind: 'absent' };
  const gateway = store.gateways.find((known) => known.kind === 'pretend' && known.name === name);
  if (gateway === undefined) return stranger(name);
  const [mac, ip, url] = [query.get('mac') ?? '', query.get('ip') ?? '', query.get('url') ?? ''];
  const claims = { slug: store.slug, gateway: name, mac, ip, url };
  const secret = gateway.secret ?? '';
  if (secret === '' || !sameText(sign(secret, claims), query.get('sig') ?? ''))
    return { kind: 'refused', reason: 'forged' };
  const tidyMac = normaliseMac(mac);
  if (tidyMac === null || isIP(ip) === 0) return { kind: 'refused', reason: 'malformed' };
  const origin = tidyOrigin(url);
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: 'pretend',
      mac: tidyMac,
      ip,
      ...(origin === null ? {} : { originUrl: origin }),
    },
  };
}

export const pretend: Gateway = {
  capabilities: () => ({
    door: 'now',
    redirect: 'signed',
    limits: true,
    speed: true,
    accounting: false,
    kick: 'now',
    status: false,
    extend: true,
    knock: null,
  }),
  read,
  async open({ store, gateway, grant, doors }) {
    const { sessionId, minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = grant;
    const rhid = `pretend-${sessionId}`;
    const limits = { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB };
    await openedAtOnce(doors, store, gateway.id, { rhid, sessionId, ...limits });
    return { kind: 'open' };
  },
  kick: async () => 'done',
};
