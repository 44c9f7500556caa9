/** MikroTik hotspot with an external login page: a router's form in, a link to its own login out, RADIUS behind it. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { Clock } from '../ports.ts';
import { behindRadius } from './behind-radius.ts';
import type { Gateway, OpenRequest, Opening, Reading } from './gateway.ts';
import { tidyOrigin, stranger } from './gateway.ts';
import { anyMac, doorUrl, mayGoTo, portOf } from './next-hop.ts';

/**
 * The router makes a new challenge with each page it serves and does not say how long one lives; a guest
 * who took longer is led past its login page, which costs one redirect.
 */
const FRESH_MS = 5 * 60_000;
const MAX_LANDING = 1900;

/**
 * Octets of `chap-id` and `chap-challenge`: printed as backslash and three octal digits each, or as the
 * character itself. Null when it is not that many.
 */
export function octalOctets(text: string, length: number): Buffer | null {
  const octets: number[] = [];
  for (const [piece] of text.slice(0, 200).matchAll(/\\[0-3][0-7]{2}|[^]/g)) {
    const octet = piece.length === 4 ? Number.parseInt(piece.slice(1), 8) : piece.charCodeAt(0);
    if (octet > 255) return null;
    octets.push(octet);
  }
  return octets.length === length ? Buffer.from(octets) : null;
}

/** What the router takes instead of the password: MD5 of its id, the password and its challenge. */
export function mikrotikResponse(id: Buffer, password: string, challenge: Buffer): string {
  return createHash('md5').update(id).update(password).update(challenge).digest('hex');
}

const malformed = (parameter: string, value?: string): Reading => ({
  kind: 'refused',
  reason: 'malformed',
  detail: { parameter, ...(value === undefined ? {} : { value }) },
});

/** `router` is written into the login page we generate; identity and server-name are the router's own. */
const namesIn = (query: URLSearchParams): string[] =>
  ['router', 'identity', 'server-name'].map((field) => query.get(field) ?? '');

function gatewayOf(query: URLSearchParams, store: StoreView): RegisteredGateway | null {
  const known = store.gateways.filter((gateway) => gateway.kind === 'mikrotik');
  const named = namesIn(query).find((name) => known.some((gateway) => gateway.name === name));
  return known.find((gateway) => gateway.name === named) ?? null;
}

/** The router's login address, when a browser may be sent there. */
function loginUrl(text: string | null, gateway: RegisteredGateway): URL | null {
  const url = doorUrl(text);
  if (url === null || url.pathname !== '/login') return null;
  return mayGoTo(url.hostname, portOf(url), gateway) ? url : null;
}

/** Undefined: this page came without a challenge, as http-pap and https logins do. Null: unreadable. */
function challengeOf(query: URLSearchParams) {
  const [id, challenge] = [query.get('chap-id') ?? '', query.get('chap-challenge') ?? ''];
  if (id === '' && challenge === '') return undefined;
  const [idOctets, octets] = [octalOctets(id, 1), octalOctets(challenge, 16)];
  return idOctets === null || octets === null ? null : { id: idOctets, octets };
}

function claimsOf(query: URLSearchParams, gateway: RegisteredGateway, now: number) {
  const challenge = challengeOf(query);
  const only = loginUrl(query.get('link-login-only'), gateway);
  if (only === null) return malformed('link-login-only');
  if (challenge === null) return malformed('chap-challenge');
  if (challenge === undefined && gateway.login === 'chap') return malformed('chap-id');
  const again = loginUrl(query.get('link-login'), gateway);
  const failed = (query.get('error') ?? '') !== '';
  const claims: Record<string, string> = {
    only: only.href,
    heard: String(now),
    ...(again === null ? {} : { again: again.origin + again.pathname }),
    ...(failed ? { failed: 'reject' } : {}),
    ...(challenge === undefined || gateway.login === 'pap'
      ? {}
      : { chapId: challenge.id.toString('hex'), challenge: challenge.octets.toString('hex') }),
  };
  return claims;
}

function read(query: URLSearchParams, store: StoreView, now: number): Reading {
  if (!query.has('link-login-only')) return { kind: 'absent' };
  const gateway = gatewayOf(query, store);
  if (gateway === null) return stranger(namesIn(query).find((name) => name !== ''));
  const typed = query.get('mac') ?? '';
  const mac = anyMac(typed);
  // The router prints dashes when it sees no MAC: a client behind another router, which it cannot admit.
  if (mac === null) return typed === '---' ? malformed('mac', '---') : malformed('mac');
  const claims = claimsOf(query, gateway, now);
  if ('kind' in claims) return claims as Reading;
  const ip = query.get('ip') ?? '';
  const origin = tidyOrigin(query.get('link-orig') ?? '');
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: 'mikrotik',
      mac,
      ip: isIP(ip) === 0 ? '' : ip,
      ...(origin === null ? {} : { originUrl: origin }),
      claims,
    },
  };
}

/** Through the router's own login page, which sends the browser back to us with a new challenge. */
function bounce(claims: Record<string, string>, landingUrl: string): Opening {
  const { again, only = '' } = claims;
  const page = again ?? only;
  return { kind: 'through', url: `${page}?dst=${encodeURIComponent(landingUrl)}` };
}

async function open(request: OpenRequest): Promise<Opening> {
  const { store, gateway, context, grant, landingUrl, doors, now } = request;
  const claims = context.claims ?? {};
  const only = loginUrl(claims['only'] ?? null, gateway);
  if (only === null) return { kind: 'shut', reason: 'stale' };
  const age = now - Number(claims['heard'] ?? 0);
  if (!(age >= 0 && age < FRESH_MS)) return bounce(claims, landingUrl);
  const ticket = await doors.ticket?.(store, gateway.id, grant.sessionId);
  if (ticket === undefined) return { kind: 'shut', reason: 'refused' };
  const { chapId, challenge } = claims;
  const password =
    chapId === undefined || challenge === undefined
      ? ticket.password
      : mikrotikResponse(
          Buffer.from(chapId, 'hex'),
          ticket.password,
          Buffer.from(challenge, 'hex'),
        );
  const fields = new URLSearchParams({ username: ticket.username, password });
  if (landingUrl.length <= MAX_LANDING) fields.set('dst', landingUrl);
  fields.set('popup', 'false');
  only.search = fields.toString();
  return { kind: 'through', url: only.href };
}

/** Sessions end by RADIUS Disconnect, where the router takes it (`/radius incoming`). */
export function createMikrotik(clock: Clock): Gateway {
  return {
    capabilities: (gateway) => behindRadius(gateway, 'forgeable'),
    read: (query, store) => read(query, store, clock()),
    open,
  };
}
