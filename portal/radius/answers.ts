/** From a packet to its answer, whatever it came by: paced, read, told apart, verified, and answered once. */
import type { Peer } from '../ports-network.ts';
import type { Recognised } from './clients.ts';
import { createClients, nasNameIn, recognise } from './clients.ts';
import type { Deps, Desk, Limits } from './decide.ts';
import { access, account, policyAllows, status, usualLimits } from './decide.ts';
import { codes } from './dictionary.ts';
import { createDuplicates } from './duplicates.ts';
import { createNotices } from './notices.ts';
import { createOnceIn, createPace, createTries } from './pace.ts';
import type { Packet } from './packet.ts';
import { decode } from './packet.ts';

/** One packet and the way it came. */
export interface Arrival {
  door: 'auth' | 'acct' | 'both';
  /** Unmapped. */
  address: string;
  port: number;
  octets: Buffer;
  /** Proven by its certificate: then TLS protects what attribute 80 would. */
  peer?: Peer;
}

export interface Answers {
  /** The response, or null for silence. Never rejects. */
  answer(arrival: Arrival): Promise<Buffer | null>;
}

const DOORS: Record<Arrival['door'], readonly number[]> = {
  auth: [codes.accessRequest, codes.statusServer],
  acct: [codes.accountingRequest, codes.statusServer],
  both: [codes.accessRequest, codes.accountingRequest, codes.statusServer],
};

/** What a merchant reads of a packet that could be its gateway's. */
const UNRECOGNISED = {
  'wrong-secret': 'radius-wrong-secret',
  'ambiguous-client': 'radius-shared-address',
  'unknown-nas': 'radius-unknown-nas',
} as const;
const LONGEST_NAME = 60;

/** Requests being worked on, of all and by gateway. */
function createHands(limits: Limits) {
  const byGateway = new Map<string, number>();
  let all = 0;
  return {
    take(gatewayId: string): boolean {
      const own = byGateway.get(gatewayId) ?? 0;
      if (all >= limits.working || own >= limits.workingPerGateway) return false;
      all++;
      byGateway.set(gatewayId, own + 1);
      return true;
    },
    release(gatewayId: string): void {
      all--;
      const own = (byGateway.get(gatewayId) ?? 1) - 1;
      if (own === 0) byGateway.delete(gatewayId);
      else byGateway.set(gatewayId, own);
    },
  };
}

export function createAnswers(deps: Deps): Answers {
  const { clock, counts } = deps;
  const limits = { ...usualLimits, ...deps.limits };
  const desk: Desk = {
    ...deps,
    limits,
    notices: createNotices(deps.doors, clock, deps.log),
    learnt: new Set(),
    tries: createTries(10, 60_000),
    seldom: createOnceIn(10_000),
  };
  const clients = createClients(deps.network, clock);
  const duplicates = createDuplicates();
  const pace = createPace(limits.perSecond, limits.burst);
  const hands = createHands(limits);

  /** The gateway that may ask this, or null; counted and noticed. */
  const admitted = (arrival: Arrival, packet: Packet, found: Recognised): Peer | null => {
    if (found.peer === null) {
      counts[found.why]++;
      const called = nasNameIn(packet)?.slice(0, LONGEST_NAME) ?? '';
      const detail = { from: arrival.address, ...(called === '' ? {} : { called }) };
      for (const suspect of found.suspects)
        desk.notices.noticed(suspect, UNRECOGNISED[found.why], detail);
      return null;
    }
    const { peer, proof } = found;
    const asks = packet.code !== codes.accountingRequest;
    if (asks && !policyAllows(desk, packet, peer, proof, arrival.peer !== undefined)) return null;
    desk.notices.heard(peer);
    return peer;
  };

  const work = async (
    key: string,
    packet: Packet,
    peer: Peer,
    tls: boolean,
  ): Promise<Buffer | null> => {
    const { id } = peer.gateway;
    if (!hands.take(id)) {
      counts.overloaded++;
      return null;
    }
    const begun = duplicates.begin(key, packet.raw, clock());
    if (begun !== 'new' && begun !== 'replaced') {
      hands.release(id);
      return repeated(begun);
    }
    if (begun === 'replaced') counts.replaced++;
    let response: Buffer | null = null;
    try {
      const asks = packet.code === codes.accessRequest;
      response = await (asks ? access(desk, packet, peer) : account(desk, packet, peer, tls));
    } finally {
      hands.release(id);
      if (response === null) duplicates.drop(key, packet.raw);
    }
    return response !== null && duplicates.finish(key, packet.raw, response) ? response : null;
  };

  const repeated = (before: Buffer | 'working'): Buffer | null => {
    counts[before === 'working' ? 'duplicate-working' : 'duplicate-answered']++;
    return before === 'working' ? null : before;
  };

  const answer = async (arrival: Arrival): Promise<Buffer | null> => {
    const { address, door } = arrival;
    if (!pace.allows(address, clock())) return (counts['too-fast']++, null);
    const decoded = decode(arrival.octets);
    if (!decoded.ok) return (counts.malformed++, null);
    const { packet } = decoded;
    if (!DOORS[door].includes(packet.code)) return (counts['wrong-code']++, null);
    const key = `${address} ${arrival.port} ${packet.code} ${packet.id} ${door}`;
    const before = duplicates.find(key, packet.raw, clock());
    if (before !== null) return repeated(before);
    const asked = arrival.peer === undefined ? clients.at(address, clock()) : [arrival.peer];
    const peers = Array.isArray(asked) ? asked : await asked;
    if (peers === null) return (counts.overloaded++, null);
    if (peers.length === 0) {
      counts['unknown-client']++;
      deps.strangers?.heard(address, clock());
      return null;
    }
    let found = recognise(peers, packet);
    const anew = found.peer || arrival.peer ? null : clients.anew(address, clock());
    if (anew !== null) found = recognise((await anew) ?? peers, packet);
    const peer = admitted(arrival, packet, found);
    if (peer === null) return null;
    if (packet.code === codes.statusServer) return status(desk, packet, peer, door === 'acct');
    return work(key, packet, peer, arrival.peer !== undefined);
  };

  return {
    answer: (arrival) =>
      answer(arrival).catch((error: unknown) => {
        counts.faults++;
        if (desk.seldom('fault', clock()))
          deps.log.error({ err: error }, 'a RADIUS packet found a fault of ours');
        return null;
      }),
  };
}
