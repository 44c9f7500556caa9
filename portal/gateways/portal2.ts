/** China Mobile Portal 2.0 (Huawei, H3C, Ruijie, ZTE): we tell the AC by UDP, it asks our RADIUS meanwhile. */
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { KickOutcome, KickTarget } from '../ports-network.ts';
import type { RegisteredGateway } from '../ports-store.ts';
import type { PortalPorts } from '../ports.ts';
import type { Refuses } from '../reach.ts';
import { ADDRESS_REFUSED, neverEquipment } from '../reach.ts';
import type { Capabilities, Gateway, Opening, OpenRequest } from './gateway.ts';
import { openedAtOnce } from './gateway.ts';
import type { Ac, LoginOutcome, Patience, Portal2Exchange } from './portal2-exchange.ts';
import { acOf, createExchange, PATIENCE } from './portal2-exchange.ts';
import { PLAIN_PAGE } from './next-hop.ts';
import { createNotices } from './portal2-notices.ts';
import type { Notices } from './portal2-notices.ts';
import { readPortal2 } from './portal2-redirect.ts';
import { createWire } from './portal2-wire.ts';

function capabilities({ radius }: RegisteredGateway): Capabilities {
  const asksUs = radius !== undefined;
  return {
    door: 'now',
    redirect: 'forgeable',
    limits: asksUs,
    speed: asksUs,
    accounting: asksUs,
    kick: 'now',
    status: true,
    extend: false,
    knock: PLAIN_PAGE,
  };
}

interface Parts {
  ports: PortalPorts;
  exchange: Portal2Exchange;
  notices: Notices;
  refuses: Refuses;
}

/** Tells the console what went wrong between us and the AC. */
async function complain(
  { store, gateway, doors, log }: OpenRequest,
  outcome: Exclude<LoginOutcome, { kind: 'in' | 'already' }>,
): Promise<Opening> {
  if (outcome.kind === 'busy') return { kind: 'shut', reason: 'stale' };
  const silent = outcome.kind === 'silent';
  const detail: Record<string, string> =
    outcome.kind === 'silent'
      ? { why: outcome.wrongSecret ? 'wrong-secret' : 'no-answer' }
      : { at: outcome.at, code: String(outcome.code), text: outcome.text };
  log.warn({ gateway: gateway.id, ...detail }, 'the access controller did not open the door');
  const code = silent && detail['why'] === 'no-answer' ? 'controller-unreachable' : 'door-failed';
  await doors.noticed?.(store, gateway.id, { code, detail });
  return { kind: 'shut', reason: silent ? 'unreachable' : 'refused', noted: true };
}

async function letIn({ notices }: Parts, request: OpenRequest): Promise<Opening> {
  const { store, gateway, grant, doors, context } = request;
  const { sessionId, minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = grant;
  const rhid = `portal2-${sessionId}`;
  const limits = { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB };
  notices.remember(gateway.id, context.ip, { mac: context.mac, sessionId });
  await openedAtOnce(doors, store, gateway.id, { rhid, sessionId, ...limits });
  await doors.noticed?.(store, gateway.id, { code: 'door-opened' });
  return { kind: 'open' };
}

/**
 * The AC holds this address as inside. When that is our session all is well; else it is asked who is
 * there, and a stranger's link is never taken for this guest's, nor cut on a guest's word.
 */
async function alreadyInside(parts: Parts, ac: Ac, request: OpenRequest): Promise<Opening> {
  const { store, gateway, grant, context, doors } = request;
  const session = await parts.ports.desk.session(store, grant.sessionId);
  const ours = session?.state === 'active';
  if (!ours) {
    const { online, mac } = await parts.exchange.info(ac, context.ip);
    const stranger = mac !== null && mac !== context.mac;
    if (online !== true || stranger)
      return complain(request, { kind: 'refused', at: 'auth', code: 2, text: '' });
    // Weaker than a confirmation: the AC's word is about the address, not about this login.
    await doors.landed(store, grant.sessionId);
  }
  parts.notices.remember(gateway.id, context.ip, { mac: context.mac, sessionId: grant.sessionId });
  return { kind: 'open' };
}

async function open(parts: Parts, request: OpenRequest): Promise<Opening> {
  const { store, gateway, grant, context, doors } = request;
  const ac = acOf(gateway);
  const ticket = await doors.ticket?.(store, gateway.id, grant.sessionId);
  if (ac === null || ticket === undefined) return { kind: 'shut', reason: 'unreachable' };
  if (parts.refuses(ac.address)) {
    const detail = { says: ADDRESS_REFUSED };
    await doors.noticed?.(store, gateway.id, { code: 'controller-unreachable', detail });
    return { kind: 'shut', reason: 'unreachable' };
  }
  const outcome = await parts.exchange.login(ac, context.ip, ticket);
  if (outcome.kind === 'in') return letIn(parts, request);
  if (outcome.kind === 'already') return alreadyInside(parts, ac, request);
  return complain(request, outcome);
}

/** The AC knows guests by their address alone: one who got it since must not suffer for another. */
async function kick({ exchange, notices }: Parts, target: KickTarget): Promise<KickOutcome> {
  const { gateway, ip, mac, sessionId } = target;
  const ac = acOf(gateway);
  if (ac === null || ip === null) return 'unable';
  const there = notices.at(gateway.id, ip);
  if (there !== null && there.sessionId !== sessionId && there.mac !== mac) return 'done';
  return (await exchange.logout(ac, ip)) === 'out' ? 'done' : 'failed';
}

export interface Portal2Tools {
  patience?: Patience;
  /** Addresses never to send to. */
  refuses?: Refuses;
}

/** Packets are sent from the port that ACs are told, once it is listened on; else from any. */
export function createPortal2(
  ports: PortalPorts,
  { patience = PATIENCE, refuses = neverEquipment }: Portal2Tools = {},
): Gateway {
  const now = () => performance.now();
  const wire = createWire({ now, anySerial: () => randomInt(65_536), refuses });
  const exchange = createExchange(wire, now, patience);
  const notices = createNotices(ports, exchange);
  const parts = { ports, exchange, notices, refuses };
  return {
    capabilities,
    read: (query, store, visit) => readPortal2(query, store, visit.networkIp),
    open: (request) => open(parts, request),
    kick: (target) => kick(parts, target),
    async listen(host, port) {
      const taken = await wire.listen(host, port, (bytes, from) => {
        notices.hear(bytes, from, (reply) => wire.post(reply, from));
      });
      const close = async () => {
        await wire.close();
        await notices.settled();
      };
      return { port: taken, close };
    },
  };
}
