/** openNDS forwarding authentication, levels 1 to 3: its redirects, its door, and its authmon calls. */
import { createHash } from 'node:crypto';
import type { RegisteredGateway, StoreView } from '../ports.ts';
import type { Capabilities, Gateway, MachineCall, OpenRequest, Reading } from './gateway.ts';
import { normaliseMac, tidyOrigin } from './gateway.ts';
import { bareGatewayName, openFas, percentDecode, privateAddress } from './opennds-fas.ts';
import { hearAuthmon } from './opennds-authmon.ts';

const HEX64 = /^[0-9a-f]{64}$/;
const AUTHDIR = /^[\w-]{1,64}$/;
const MAX_LEARNT = 4;

/** sha256 of the client token and the shared key: what the gateway accepts as proof of our consent. */
export function rhidOf(hid: string, faskey: string): string {
  return createHash('sha256')
    .update(hid + faskey)
    .digest('hex');
}

/** The two hashes a gateway may introduce itself by: 9.10 hashes its name with the `%20` it ends in. */
export function gatewayHashes(encodedName: string): string[] {
  const bare = encodedName.replace(/(?:%20)+$/i, '');
  return [`${bare}%20`, bare].map((name) => createHash('sha256').update(name).digest('hex'));
}

function capabilities(gateway: RegisteredGateway): Capabilities {
  const polls = gateway.level === 3;
  return {
    door: polls ? 'poll' : 'browser',
    redirect: gateway.level === 1 ? 'forgeable' : 'encrypted',
    limits: polls,
    speed: polls,
    accounting: polls,
    kick: 'never',
    status: polls,
    extend: false,
    knock: 'http://status.client/',
  };
}

function contextOf(gateway: RegisteredGateway, fas: Map<string, string>): Reading {
  const mac = normaliseMac(fas.get('clientmac') ?? '');
  const hid = fas.get('hid') ?? '';
  const address = fas.get('gatewayaddress') ?? '';
  const needsDoor = gateway.level !== 3;
  if (mac === null || !HEX64.test(hid) || (needsDoor && !privateAddress(address)))
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

/**
 * Only the way of asking that was registered counts: a gateway of level 2 or 3 never has its guests
 * accepted from a plain query, which anybody can write.
 */
function readFas(
  query: URLSearchParams,
  store: StoreView,
  learn: (gateway: RegisteredGateway, encodedName: string) => void,
): Reading {
  const known = store.gateways.filter((gateway) => gateway.kind === 'opennds');
  const encrypted = query.has('iv');
  let named = false;
  for (const gateway of known) {
    if ((gateway.level === 1) === encrypted) continue;
    const fas = openFas(query, encrypted ? (gateway.secret ?? '') : null);
    if (fas === null) continue;
    const encodedName = fas.get('gatewayname') ?? '';
    if (bareGatewayName(encodedName) !== gateway.name.trim()) continue;
    named = true;
    const reading = contextOf(gateway, fas);
    if (reading.kind === 'known' && encrypted) learn(gateway, encodedName);
    if (reading.kind === 'known') return reading;
  }
  if (named) return { kind: 'refused', reason: 'malformed' };
  const anyForm = known.some((gateway) => (gateway.level === 1) !== encrypted);
  return { kind: 'refused', reason: encrypted && anyForm ? 'forged' : 'unknown-gateway' };
}

async function open({ store, gateway, context, grant, landingUrl, doors }: OpenRequest) {
  const rhid = rhidOf(context.hid ?? '', gateway.secret ?? '');
  if (gateway.level === 3) {
    const { sessionId, minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = grant;
    const limits = { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB };
    await doors.deposit(store, gateway.id, { rhid, sessionId, ...limits });
    return { kind: 'waiting' } as const;
  }
  const query = `tok=${rhid}&redir=${encodeURIComponent(landingUrl)}`;
  const directory = context.authDir ?? 'opennds_auth';
  const url = `http://${context.gatewayAddress ?? ''}/${directory}/?${query}`;
  return { kind: 'through', url } as const;
}

/** Names learnt from redirects that only the holder of the key can have written, by gateway. */
type Learnt = Map<string, string[]>;

function findByHash(call: MachineCall, learnt: Learnt): RegisteredGateway | null {
  const hash = call.fields.get('gatewayhash') ?? '';
  const byHash = (gateway: RegisteredGateway) =>
    gateway.kind === 'opennds' &&
    gateway.level === 3 &&
    [
      ...gatewayHashes(encodeURIComponent(gateway.name.trim())),
      ...(gateway.hashes ?? []),
      ...(learnt.get(gateway.id) ?? []),
    ].includes(hash);
  return HEX64.test(hash) ? (call.store.gateways.find(byHash) ?? null) : null;
}

/**
 * A gateway's hash covers a suffix that only its redirects tell (` Node:` and its address), so it is
 * learnt from them, kept here, and handed to the host to keep for good (`Reading.learnt`).
 */
export function createOpenNds(): Gateway {
  const learnt: Learnt = new Map();
  return {
    capabilities,
    read(query, store) {
      if (query.get('status') === 'authenticated')
        return { kind: 'already-inside', returnTo: query.get('redir') };
      if (!query.has('fas')) return { kind: 'absent' };
      let fresh: string[] | undefined;
      const reading = readFas(query, store, (gateway, encodedName) => {
        const hashes = gatewayHashes(encodedName);
        const before = learnt.get(gateway.id) ?? gateway.hashes ?? [];
        if (hashes.every((hash) => before.includes(hash))) return;
        fresh = hashes;
        learnt.set(gateway.id, [...new Set([...hashes, ...before])].slice(0, MAX_LEARNT));
      });
      return reading.kind === 'known' && fresh !== undefined
        ? { ...reading, learnt: fresh }
        : reading;
    },
    open,
    async hear(call) {
      if (!call.fields.has('auth_get')) return null;
      const gateway = findByHash(call, learnt);
      if (gateway === null) return { status: 403, text: 'unknown gateway\n' };
      return { status: 200, text: await hearAuthmon(call, gateway) };
    },
  };
}
