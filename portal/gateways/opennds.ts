/** openNDS forwarding authentication, levels 0 to 4: its redirects, its door, and its authmon calls. */
import { createHash } from 'node:crypto';
import type { RegisteredGateway, StoreView } from '../ports-store.ts';
import type { Capabilities, Gateway, MachineCall, OpenRequest, Reading } from './gateway.ts';
import { normaliseMac, tidyOrigin, stranger } from './gateway.ts';
import { mayGoTo } from './next-hop.ts';
import { hearAuthmon } from './opennds-authmon.ts';
import { hidOf, readClear, standInMac } from './opennds-clear.ts';
import type { ClearQuery } from './opennds-clear.ts';
import { bareGatewayName, openFas, percentDecode } from './opennds-fas.ts';
import { createNames } from './opennds-names.ts';
import type { Names } from './opennds-names.ts';

const HEX64 = /^[0-9a-f]{64}$/;
const AUTHDIR = /^[\w-]{1,64}$/;

/** sha256 of the client token and the shared key: what the gateway accepts as proof of our consent. */
export function rhidOf(hid: string, faskey: string): string {
  return createHash('sha256')
    .update(hid + faskey)
    .digest('hex');
}

/** From level 3 on the gateway fetches its guests itself. */
const fetches = ({ level = 0 }: RegisteredGateway) => level >= 3;
const encrypts = ({ level = 0 }: RegisteredGateway) => level === 2 || level === 3;

/**
 * A client that is inside keeps its token and its time: asked again, levels 3 and 4 refuse it (seen with
 * 9.10), so more time needs a new sign-in. Up to level 2 no time of ours was ever set at the gateway,
 * and its door leads a client who is inside straight back to us.
 */
function capabilities(gateway: RegisteredGateway): Capabilities {
  const polls = fetches(gateway);
  return {
    door: polls ? 'poll' : 'browser',
    redirect: encrypts(gateway) ? 'encrypted' : 'forgeable',
    limits: polls,
    speed: polls,
    accounting: polls,
    kick: 'never',
    status: polls,
    extend: !polls,
    knock: 'http://status.client/',
  };
}

/** `address:port` of the gateway. Where a guest can write it, it must not lead out into the world. */
function mayLead(address: string, gateway: RegisteredGateway): boolean {
  const cut = address.lastIndexOf(':');
  const port = address.slice(cut + 1);
  return cut > 0 && /^\d{1,5}$/.test(port) && mayGoTo(address.slice(0, cut), Number(port), gateway);
}

function contextOf(gateway: RegisteredGateway, fas: Map<string, string>): Reading {
  const mac = normaliseMac(fas.get('clientmac') ?? '');
  const hid = fas.get('hid') ?? '';
  const address = fas.get('gatewayaddress') ?? '';
  const needsDoor = !fetches(gateway);
  if (mac === null || !HEX64.test(hid) || (needsDoor && !mayLead(address, gateway)))
    return { kind: 'refused', reason: 'malformed' };
  const origin = tidyOrigin(percentDecode(fas.get('originurl') ?? ''));
  const authDir = fas.get('authdir') ?? '';
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: 'opennds',
      mac,
      ip: (fas.get('clientip') ?? '').slice(0, 45),
      hid,
      ...(origin === null ? {} : { originUrl: origin }),
      ...(needsDoor ? { gatewayAddress: address } : {}),
      ...(AUTHDIR.test(authDir) ? { authDir } : {}),
    },
  };
}

const nameIn = (fas: Map<string, string> | null): string | null =>
  fas && bareGatewayName(fas.get('gatewayname') ?? '');

/** Only the way of asking that was registered counts: a plain query, which anybody can write, never
 * speaks for a gateway that encrypts, nor one in clear for any other level. */
function readFas(query: URLSearchParams, store: StoreView, names: Names): Reading {
  const encrypted = query.has('iv');
  const known = store.gateways.filter(
    (gateway) =>
      gateway.kind === 'opennds' && gateway.level !== 0 && encrypts(gateway) === encrypted,
  );
  let named = false;
  let called = encrypted ? null : nameIn(openFas(query, null));
  for (const gateway of known) {
    const fas = openFas(query, encrypted ? (gateway.secret ?? '') : null);
    if (fas === null) continue;
    const encodedName = fas.get('gatewayname') ?? '';
    called = nameIn(fas);
    if (called !== gateway.name.trim()) continue;
    named = true;
    const reading = contextOf(gateway, fas);
    if (reading.kind !== 'known') continue;
    const learnt = encrypted ? names.learn(gateway, encodedName) : null;
    if (gateway.level === 4) names.suspect(gateway, encodedName);
    return learnt === null ? reading : { ...reading, learnt };
  }
  if (named) return { kind: 'refused', reason: 'malformed' };
  // A secret of ours opened it: then only its name is a stranger's.
  const forged = encrypted && known.length > 0 && called === null;
  return forged ? { kind: 'refused', reason: 'forged' } : stranger(called);
}

function clearContext(gateway: RegisteredGateway, clear: ClearQuery): Reading {
  const origin = tidyOrigin(clear.origin);
  return {
    kind: 'known',
    gateway,
    context: {
      gatewayId: gateway.id,
      kind: 'opennds',
      mac: standInMac(gateway.id, clear.token),
      ip: clear.ip,
      hid: hidOf(clear.token),
      gatewayAddress: clear.address,
      authDir: clear.authDir,
      claims: { tok: clear.token },
      ...(origin === null ? {} : { originUrl: origin }),
    },
  };
}

function readLevel0(query: URLSearchParams, store: StoreView): Reading {
  const clear = readClear(query);
  if (clear === null) return { kind: 'refused', reason: 'malformed' };
  const gateway = store.gateways.find(
    ({ kind, level, name }) => kind === 'opennds' && level === 0 && name.trim() === clear.name,
  );
  if (gateway === undefined) return stranger(clear.name);
  return mayLead(clear.address, gateway)
    ? clearContext(gateway, clear)
    : { kind: 'refused', reason: 'malformed' };
}

async function open({ store, gateway, context, grant, landingUrl, doors }: OpenRequest) {
  const rhid = rhidOf(context.hid ?? '', gateway.secret ?? '');
  if (fetches(gateway)) {
    const { sessionId, minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = grant;
    const limits = { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB };
    await doors.deposit(store, gateway.id, { rhid, sessionId, ...limits });
    return { kind: 'waiting' } as const;
  }
  // Level 0 has no key to prove: the token itself opens.
  const shown = gateway.level === 0 ? (context.claims?.['tok'] ?? '') : rhid;
  const query = `tok=${shown}&redir=${encodeURIComponent(landingUrl)}`;
  const directory = context.authDir ?? 'opennds_auth';
  const url = `http://${context.gatewayAddress ?? ''}/${directory}/?${query}`;
  return { kind: 'through', url } as const;
}

export function createOpenNds(): Gateway {
  const names = createNames();
  return {
    capabilities,
    read(query, store) {
      if (query.get('status') === 'authenticated')
        return { kind: 'already-inside', returnTo: query.get('redir') };
      if (query.has('authaction')) return readLevel0(query, store);
      return query.has('fas') ? readFas(query, store, names) : { kind: 'absent' };
    },
    open,
    async hear(call) {
      if (!call.fields.has('auth_get')) return null;
      const known = call.store.gateways.filter(
        (gateway) => gateway.kind === 'opennds' && fetches(gateway),
      );
      const found = names.find(known, call.fields.get('gatewayhash') ?? '');
      if (found === null) return { status: 403, text: 'unknown gateway\n' };
      const { gateway, heardFirst } = found;
      if (heardFirst !== null) await keep(call, gateway, heardFirst);
      return { status: 200, text: await hearAuthmon(call, gateway) };
    },
  };
}

/** A host that cannot keep a name only has to learn it again after its next restart. */
async function keep(
  { store, doors, log }: MachineCall,
  gateway: RegisteredGateway,
  names: string[],
) {
  try {
    await doors.learned?.(store, gateway.id, names);
  } catch {
    log.warn({ gateway: gateway.id }, 'a gateway’s names could not be kept');
  }
}
