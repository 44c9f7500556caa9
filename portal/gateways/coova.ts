/** CoovaChilli and its UAM family: redirects under a checksum, a door that the browser knocks at, RADIUS behind it. */
import { isIP } from 'node:net';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { Clock, GatewayContext } from '../ports.ts';
import { behindRadius } from './behind-radius.ts';
import type { Capabilities, Gateway, OpenRequest, Opening, Reading, Visit } from './gateway.ts';
import { tidyOrigin, stranger } from './gateway.ts';
import { anyMac, mayGoTo } from './next-hop.ts';
import {
  boundChallenge,
  chapResponse,
  checksumFits,
  isChallenge,
  papPassword,
  splitChecksum,
} from './uam.ts';

/** The gateway forgets a challenge after ten minutes; a guest needs a moment to follow the link. */
const FRESH_MS = 9 * 60_000;
/** Its buffer for a query has 2048 octets, and the page to return to travels through it twice. */
const MAX_LANDING = 1400;

function capabilities(gateway: RegisteredGateway): Capabilities {
  return behindRadius(gateway, (gateway.secret ?? '') === '' ? 'forgeable' : 'signed');
}

/** With `uamhomepage` the gateway's own words stand whole inside `loginurl`. */
function wordsOf(query: URLSearchParams, visit: Visit): string | null {
  const inner = query.get('loginurl');
  if (inner !== null && inner.length <= 4096 && /[?&]uamip=/.test(inner)) return inner;
  return query.has('uamip') && (query.has('challenge') || query.has('res')) ? visit.url : null;
}

function gatewayOf(store: StoreView, nasId: string | null): RegisteredGateway | null {
  const known = store.gateways.filter((gateway) => gateway.kind === 'coova');
  if (nasId === null) return known.length === 1 ? (known[0] ?? null) : null;
  const named = known.find((gateway) => gateway.name === nasId);
  // chilli has one name for its redirects and for RADIUS.
  return named ?? known.find(({ radius }) => radius?.nasIds.includes(nasId) === true) ?? null;
}

const malformed = (parameter: string): Reading => ({
  kind: 'refused',
  reason: 'malformed',
  detail: { parameter },
});

const SHORT = /^[\x20-\x7e]{1,64}$/;
const REASONS = new Set(['reject', 'timeout', 'mtu', 'other']);

function optionalFacts(fields: URLSearchParams): Partial<GatewayContext> {
  const origin = tidyOrigin(fields.get('userurl') ?? '');
  const ssid = fields.get('ssid') ?? '';
  const session = fields.get('sessionid') ?? '';
  const ap = anyMac(fields.get('called'));
  return {
    ...(origin === null ? {} : { originUrl: origin }),
    ...(ssid === '' || ssid.length > 64 ? {} : { ssid }),
    ...(SHORT.test(session) ? { hid: session } : {}),
    ...(ap === null ? {} : { ap }),
  };
}

function contextOf(gateway: RegisteredGateway, fields: URLSearchParams, now: number): Reading {
  const mac = anyMac(fields.get('mac'));
  const challenge = fields.get('challenge') ?? '';
  const [host, port] = [fields.get('uamip') ?? '', Number(fields.get('uamport') ?? '3990')];
  const ip = fields.get('ip') ?? '';
  if (mac === null) return malformed('mac');
  if (!isChallenge(challenge)) return malformed('challenge');
  if (!Number.isInteger(port) || !mayGoTo(host, port, gateway)) return malformed('uamip');
  const reason = fields.get('reason') ?? 'other';
  const failed = fields.get('res') === 'failed';
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: 'coova',
      mac,
      ip: isIP(ip) === 0 ? '' : ip,
      gatewayAddress: `${host}:${port}`,
      ...optionalFacts(fields),
      claims: {
        challenge: challenge.toLowerCase(),
        heard: String(now),
        ...(failed ? { failed: REASONS.has(reason) ? reason : 'other' } : {}),
      },
    },
  };
}

function read(query: URLSearchParams, store: StoreView, visit: Visit, now: number): Reading {
  const url = wordsOf(query, visit);
  if (url === null) return { kind: 'absent' };
  const signed = splitChecksum(url);
  const fields = new URLSearchParams(signed.words.slice(signed.words.indexOf('?') + 1));
  const gateway = gatewayOf(store, fields.get('nasid'));
  if (gateway === null) return stranger(fields.get('nasid'));
  const secret = gateway.secret ?? '';
  if (secret !== '' && !checksumFits(signed, secret, gateway.hosts))
    return { kind: 'refused', reason: 'forged', detail: { parameter: 'md' } };
  const res = fields.get('res') ?? 'notyet';
  if (res === 'success' || res === 'already')
    return { kind: 'already-inside', returnTo: fields.get('userurl') };
  return contextOf(gateway, fields, now);
}

/** A new challenge comes back as a redirect to us, with `userurl` in it. */
function bounce(address: string, landingUrl: string): Opening {
  const back = landingUrl.length > MAX_LANDING ? '' : `?userurl=${encodeURIComponent(landingUrl)}`;
  return { kind: 'through', url: `http://${address}/prelogin${back}` };
}

async function open(request: OpenRequest): Promise<Opening> {
  const { store, gateway, context, grant, landingUrl, doors, now } = request;
  const { challenge = '', heard = '0' } = context.claims ?? {};
  const address = context.gatewayAddress ?? '';
  if (!isChallenge(challenge) || address === '') return { kind: 'shut', reason: 'stale' };
  const age = now - Number(heard);
  if (!(age >= 0 && age < FRESH_MS)) return bounce(address, landingUrl);
  const ticket = await doors.ticket?.(store, gateway.id, grant.sessionId);
  if (ticket === undefined) return { kind: 'shut', reason: 'refused' };
  const bound = boundChallenge(challenge, gateway.secret ?? '');
  const proof: Record<string, string> =
    gateway.login === 'pap'
      ? { password: papPassword(ticket.password, bound) }
      : { response: chapResponse(ticket.password, bound) };
  const fields = new URLSearchParams({ username: ticket.username, ...proof });
  if (landingUrl.length <= MAX_LANDING) fields.set('userurl', landingUrl);
  return { kind: 'through', url: `http://${address}/logon?${fields.toString()}` };
}

/**
 * Sessions end by RADIUS Disconnect, where the gateway takes it (`radius.coa`); chilli itself offers
 * nothing that could be asked from afar.
 */
export function createCoova(clock: Clock): Gateway {
  return {
    capabilities,
    read: (query, store, visit) => read(query, store, visit, clock()),
    open,
  };
}
