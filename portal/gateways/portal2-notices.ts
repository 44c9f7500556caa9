/** What a Portal 2.0 AC says unasked: a guest was logged out, a known device came back, counters. */
import type { Peer, SessionReport } from '../ports-network.ts';
import type { Grant, PortalPorts } from '../ports.ts';
import type { Ac, Portal2Exchange } from './portal2-exchange.ts';
import { acOf, readFrom } from './portal2-exchange.ts';
import type { Portal2Packet } from './portal2-packet.ts';
import { ATTRIBUTE, encodePortal2, macOf, provesSecret, TYPE, valueOf } from './portal2-packet.ts';
import type { Address } from './portal2-wire.ts';

/** Who was let in at an address: a logout names nothing else. */
export interface Guest {
  mac: string;
  sessionId: string;
}

export interface Notices {
  /** Takes a packet; `reply` sends the answer, if any. Never throws. */
  hear(bytes: Buffer, from: Address, reply: (bytes: Buffer) => void): void;
  remember(gatewayId: string, ip: string, guest: Guest): void;
  /** Who was last let in at this address, as far as this process knows. */
  at(gatewayId: string, ip: string): Guest | null;
  /** Once all that was heard has been dealt with. */
  settled(): Promise<void>;
}

/** A notice whose sender is known. */
interface Heard {
  peer: Peer;
  ac: Ac;
  packet: Portal2Packet;
  from: Address;
  reply: (bytes: Buffer) => void;
}

/** More than this at once is a flood: ACs repeat what nobody answered. */
const MAX_IN_HAND = 200;
const MAX_REMEMBERED = 20_000;
const GIGA = 2 ** 32;

const LOGOUT_REASONS: Record<number, string> = {
  0: 'user-request',
  1: 'idle-timeout',
  2: 'admin-reset',
};

function numberOf(packet: Portal2Packet, type: number): number | null {
  const value = valueOf(packet, type);
  return value?.length === 4 ? value.readUInt32BE(0) : null;
}

function octetsOf(packet: Portal2Packet, low: number, high: number): number | null {
  const octets = numberOf(packet, low);
  return octets === null ? null : octets + (numberOf(packet, high) ?? 0) * GIGA;
}

/** Counters are the AC's: what came in is what the guest sent. */
function counters(packet: Portal2Packet, swapped: boolean): Partial<SessionReport> {
  const entered = octetsOf(packet, ATTRIBUTE.inputOctets, ATTRIBUTE.inputGigawords);
  const left = octetsOf(packet, ATTRIBUTE.outputOctets, ATTRIBUTE.outputGigawords);
  const [bytesOut, bytesIn] = swapped ? [left, entered] : [entered, left];
  const seconds = numberOf(packet, ATTRIBUTE.duration);
  return {
    ...(bytesIn === null ? {} : { bytesIn }),
    ...(bytesOut === null ? {} : { bytesOut }),
    ...(seconds === null ? {} : { seconds }),
  };
}

function answer({ packet, ac, reply }: Heard, type: number, error: number): void {
  const { version, pap, serial, reqId, ip, authenticator } = packet;
  const message = { version, type, pap, serial, reqId, ip, error, attributes: [] };
  reply(encodePortal2(message, packet.header, ac.secret, authenticator));
}

/**
 * The grant of a known device, or null when it may not come in by itself. The AC speaks for the address
 * as a NAS does that asks RADIUS by MAC; that the merchant wants it is `macBinding`.
 */
async function grantFor(ports: PortalPorts, { peer, packet }: Heard, mac: string) {
  const { gateway } = peer;
  const { network } = ports;
  if (network === undefined || gateway.radius === undefined) return null;
  const request = { userName: mac, mac, byMac: true, ip: packet.ip, proves: () => true };
  const decision = await network.authorise(peer, request);
  return decision.accept ? decision.grant : null;
}

export function createNotices(ports: PortalPorts, exchange: Portal2Exchange): Notices {
  const guests = new Map<string, Guest>();
  const inHand = new Set<Promise<void>>();
  const { doors, clock, log } = ports;

  function remember(gatewayId: string, ip: string, guest: Guest): void {
    const key = `${gatewayId}|${ip}`;
    guests.delete(key);
    guests.set(key, guest);
    const [oldest] = guests.keys();
    if (guests.size > MAX_REMEMBERED && oldest !== undefined) guests.delete(oldest);
  }

  async function report(heard: Heard, kind: SessionReport['kind'], reason?: string) {
    const { peer, packet } = heard;
    const key = `${peer.gateway.id}|${packet.ip}`;
    const known = guests.get(key);
    const said = macOf(valueOf(packet, ATTRIBUTE.mac));
    const mac = said ?? known?.mac;
    if (kind === 'stop') guests.delete(key);
    if (mac === undefined) return;
    // A new guest may have the address of one who left.
    const own = known !== undefined && known.mac === mac ? known.sessionId : undefined;
    await doors.report?.(peer.store, peer.gateway.id, {
      kind,
      mac,
      ip: packet.ip,
      nasSession: own === undefined ? `portal2-${mac}` : `portal2-${own}`,
      ...(own === undefined ? {} : { sessionId: own }),
      ...counters(packet, peer.gateway.radius?.swapOctets === true),
      ...(reason === undefined ? {} : { reason }),
      at: clock(),
    });
  }

  /** The AC was told that the device may come in, and did not let it: nobody is online. */
  async function notIn({ peer }: Heard, mac: string): Promise<void> {
    const { store, gateway } = peer;
    const nothing = { bytesIn: 0, bytesOut: 0, endedAt: clock() };
    await doors.ended(store, gateway.id, { mac, reason: 'door-failed', ...nothing });
  }

  async function logIn(heard: Heard, grant: Grant, mac: string): Promise<void> {
    const { store, gateway } = heard.peer;
    const { ip } = heard.packet;
    const ticket = await doors.ticket?.(store, gateway.id, grant.sessionId).catch(() => undefined);
    const outcome = ticket && (await exchange.login(heard.ac, ip, ticket));
    // Another login of this address decides for itself; whom the AC holds already is in.
    if (outcome?.kind === 'busy') return;
    if (outcome?.kind === 'in') remember(gateway.id, ip, { mac, sessionId: grant.sessionId });
    else if (outcome?.kind !== 'already') await notIn(heard, mac);
    const code = outcome?.kind === 'in' ? 'door-opened' : 'door-failed';
    await doors.noticed?.(store, gateway.id, { code, detail: { by: 'mac-binding' } });
  }

  /** A device that was here before: bound devices are then logged in like everybody else. */
  async function bind(heard: Heard): Promise<void> {
    const mac = macOf(valueOf(heard.packet, ATTRIBUTE.mac));
    const wanted = heard.peer.gateway.portal2?.macBinding === true && mac !== null;
    const grant = wanted ? await grantFor(ports, heard, mac).catch(() => null) : null;
    answer(heard, TYPE.ackMacBinding, grant === null ? 1 : 0);
    if (grant !== null && mac !== null) await logIn(heard, grant, mac);
  }

  async function act(heard: Heard): Promise<void> {
    const { packet } = heard;
    const logout = () => report(heard, 'stop', LOGOUT_REASONS[packet.error] ?? 'gateway');
    if (packet.type === TYPE.ntfLogout) {
      // Also for a guest nobody knows: the AC repeats it otherwise.
      answer(heard, TYPE.ackNtfLogout, 0);
      await logout();
    } else if (packet.type === TYPE.ntfUserLogout) await logout();
    else if (packet.type === TYPE.ntfUserLogon) await report(heard, 'start');
    else if (packet.type === TYPE.reqMacBinding) await bind(heard);
  }

  /** Of the gateways that share this address, the one whose secret the packet was signed with. */
  function senderOf(peers: Peer[], bytes: Buffer): Pick<Heard, 'peer' | 'ac' | 'packet'> | null {
    for (const peer of peers) {
      const ac = acOf(peer.gateway);
      const packet = ac === null ? null : readFrom(ac, bytes);
      if (ac === null || packet === null || packet.version !== ac.version) continue;
      if (ac.header === 16 || provesSecret(bytes, ac.secret)) return { peer, ac, packet };
    }
    return null;
  }

  async function take(bytes: Buffer, from: Address, reply: Heard['reply']): Promise<void> {
    const peers = async (anew: boolean): Promise<Peer[]> =>
      (await ports.network?.peersByAc(from.address, anew)) ?? [];
    const sender = senderOf(await peers(false), bytes) ?? senderOf(await peers(true), bytes);
    if (sender === null) return;
    const { peer } = sender;
    await doors.heard?.(peer.store, peer.gateway.id);
    await act({ ...sender, from, reply });
  }

  return {
    remember,
    at: (gatewayId, ip) => guests.get(`${gatewayId}|${ip}`) ?? null,
    hear(bytes, from, reply) {
      if (inHand.size >= MAX_IN_HAND) return;
      const work = take(bytes, from, reply).catch((error: unknown) => {
        const name = error instanceof Error ? error.name : 'unknown';
        log.error({ error: name }, 'a notice of an access controller could not be kept');
      });
      inHand.add(work);
      void work.finally(() => inHand.delete(work));
    },
    async settled() {
      await Promise.all(inHand);
    },
  };
}
