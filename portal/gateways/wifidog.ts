/** WiFiDog version 1 and apfree-wifidog: the gateway asks us about each token, each minute, in plain HTTP. */
import { randomBytes } from 'node:crypto';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { PortalPorts } from '../ports.ts';
import { createApfree } from './apfree.ts';
import type { Capabilities, Gateway, OpenRequest, Opening, Reading } from './gateway.ts';
import { normaliseMac, tidyOrigin, stranger } from './gateway.ts';
import { mayGoTo } from './next-hop.ts';
import { createCallers } from './wifidog-callers.ts';
import { mountWifidog } from './wifidog-routes.ts';
import type { Randomness, Tokens } from './wifidog-tokens.ts';
import { createTokens } from './wifidog-tokens.ts';
import { createVerdicts } from './wifidog-verdicts.ts';

/** The gateway gives up after a few seconds, and the guest's click waits for it. */
const PATIENCE_MS = 1_500;

/**
 * Limits and speed have no place in this protocol: time and volume end when we deny the client at its
 * next report, each CheckInterval (60 s).
 */
export const WIFIDOG: Capabilities = {
  door: 'browser',
  redirect: 'forgeable',
  limits: false,
  speed: false,
  accounting: true,
  kick: 'next-report',
  status: true,
  extend: true,
  knock: null,
};

/** `address:port`, with brackets around IPv6. */
function doorOf(gateway: RegisteredGateway, query: URLSearchParams): string | null {
  const address = query.get('gw_address') ?? '';
  const port = query.get('gw_port') ?? '';
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  const plain = /^(?:[\d.]{7,15}|\[[0-9a-f:]{2,39}\])$/i.test(host) && /^\d{1,5}$/.test(port);
  return plain && mayGoTo(host, Number(port), gateway) ? `${host}:${port}` : null;
}

/** What of apfree's additions its socket needs back. */
function claimsOf(query: URLSearchParams): Record<string, string> {
  const kept = ['device_id', 'gw_channel'].flatMap((name): [string, string][] => {
    const value = query.get(name);
    return value === null || value === '' ? [] : [[name, value.slice(0, 100)]];
  });
  return Object.fromEntries(kept);
}

function contextOf(gateway: RegisteredGateway, query: URLSearchParams): Reading {
  // Missing where the gateway does not know its client's card yet: joining again tells it.
  const mac = normaliseMac(query.get('mac') ?? '');
  const door = doorOf(gateway, query);
  if (mac === null || door === null) return { kind: 'refused', reason: 'malformed' };
  const origin = tidyOrigin(query.get('url') ?? '');
  const ssid = (query.get('ssid') ?? '').slice(0, 64);
  const claims = claimsOf(query);
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: gateway.kind,
      mac,
      ip: (query.get('ip') ?? '').slice(0, 45),
      gatewayAddress: door,
      ...(ssid === '' ? {} : { ssid }),
      ...(origin === null ? {} : { originUrl: origin }),
      ...(Object.keys(claims).length === 0 ? {} : { claims }),
    },
  };
}

/** Both kinds send the same redirect; which one it is stands in the registration. */
export function readWifidog(query: URLSearchParams, store: StoreView): Reading {
  if (!['gw_id', 'gw_address', 'gw_port'].every((name) => query.has(name)))
    return { kind: 'absent' };
  const name = (query.get('gw_id') ?? '').trim();
  const gateway = store.gateways.find(
    (one) => (one.kind === 'wifidog' || one.kind === 'apfree') && one.name.trim() === name,
  );
  return gateway === undefined ? stranger(name) : contextOf(gateway, query);
}

function opener(tokens: Tokens) {
  return async (request: OpenRequest): Promise<Opening> => {
    const { store, gateway, context, grant, landingUrl, doors, now } = request;
    if (context.gatewayAddress === undefined) return { kind: 'shut', reason: 'stale' };
    const { token } = tokens.issue({
      gatewayId: gateway.id,
      sessionId: grant.sessionId,
      mac: context.mac,
      ip: context.ip === '' ? null : context.ip,
      expiresAt: grant.minutes === 0 ? 0 : now + grant.minutes * 60_000,
      grace: request.grace === true,
      landingUrl,
    });
    const { sessionId, minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = grant;
    const limits = { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB };
    await doors.deposit(store, gateway.id, { rhid: token, sessionId, ...limits });
    return { kind: 'through', url: `http://${context.gatewayAddress}/wifidog/auth?token=${token}` };
  };
}

/** The two share routes, tokens and redirects; apfree adds a line of its own. */
export function createWifidogs(
  ports: PortalPorts,
  random: Randomness = randomBytes,
): { wifidog: Gateway; apfree: Gateway } {
  const { doors, log, clock } = ports;
  const tokens = createTokens(clock, random);
  const callers = createCallers(ports);
  const verdicts = createVerdicts({ doors, tokens, log, clock, patienceMs: PATIENCE_MS });
  const open = opener(tokens);
  const routes = { callers, verdicts, tokens, doors, log, read: readWifidog };
  const wifidog: Gateway = {
    capabilities: () => WIFIDOG,
    read: readWifidog,
    open,
    async kick({ token, nasSessions }) {
      for (const name of [token ?? '', ...nasSessions]) tokens.end(name);
      return 'later';
    },
    mount: (router, lobby) => mountWifidog(router, lobby, routes),
  };
  const apfree = createApfree({ ports, callers, tokens, base: WIFIDOG, read: readWifidog, open });
  return { wifidog, apfree };
}
