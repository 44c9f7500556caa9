/** Which registered gateway a packet comes from: by its address, its name, and the secret that verifies. */
import type { Network, Peer } from '../ports-network.ts';
import { attributes, codes } from './dictionary.ts';
import type { Packet } from './packet.ts';
import { first, textIn } from './packet.ts';
import type { Proof } from './signing.ts';
import { requestProof } from './signing.ts';

/** How long the registration of an address is taken as it was, without asking again. */
const FRESH_MS = 2_000;
/** When no gateway of an address fits a packet, the address is looked up anew once in this time. */
const ANEW_MS = 5_000;
/** How long it serves while asking again fails or takes its time. */
const STALE_MS = 120_000;
const MOST_ADDRESSES = 8_192;
const MOST_LOOKUPS = 64;
/** More gateways than these behind one address are not tried against one packet. */
const MOST_CANDIDATES = 64;

interface Known {
  peers: Peer[];
  at: number;
  asking: boolean;
  /** When it was last looked up because nothing fitted. */
  anewAt: number;
}

export interface Clients {
  /** Who may send from here: at once when known, else soon; null when too many ask at a time. */
  at(address: string, now: number): Peer[] | Promise<Peer[] | null>;
  /** None of those fits: one may just have been registered. Null when that was looked up moments ago. */
  anew(address: string, now: number): Promise<Peer[] | null> | null;
}

/** Remembers briefly, so that neither a busy gateway nor a forged flood asks storage for each packet. */
export function createClients(network: Network, clock: () => number): Clients {
  const known = new Map<string, Known>();
  const waiting = new Map<string, Promise<Peer[] | null>>();
  let lookups = 0;
  const ask = (address: string, anew = false): Promise<Peer[] | null> => {
    const running = waiting.get(address);
    // A usual look-up that is on its way may give what was held before.
    if (running !== undefined) return anew ? running.then(() => ask(address, true)) : running;
    if (lookups >= MOST_LOOKUPS) return Promise.resolve(null);
    lookups++;
    const asked = network
      .peersAt(address, anew)
      .then((all) => {
        const peers = all.filter(({ gateway }) => gateway.radius !== undefined);
        const anewAt = anew ? clock() : (known.get(address)?.anewAt ?? 0);
        known.delete(address);
        if (known.size >= MOST_ADDRESSES) known.delete(known.keys().next().value!);
        known.set(address, { peers, at: clock(), asking: false, anewAt });
        return peers;
      })
      .catch(() => {
        const entry = known.get(address);
        if (entry !== undefined) entry.asking = false;
        return null;
      })
      .finally(() => {
        lookups--;
        waiting.delete(address);
      });
    waiting.set(address, asked);
    return asked;
  };
  return {
    at(address, now) {
      const entry = known.get(address);
      if (entry === undefined || now - entry.at > STALE_MS) return ask(address);
      if (now - entry.at > FRESH_MS && !entry.asking) {
        // An address that was nobody's is asked for anew: a gateway may just have been registered.
        if (entry.peers.length === 0) return ask(address);
        entry.asking = true;
        void ask(address).then((peers) => {
          if (peers === null) entry.asking = false;
        });
      }
      return entry.peers;
    },
    anew(address, now) {
      const entry = known.get(address);
      if (entry === undefined || now - entry.anewAt < ANEW_MS) return null;
      entry.anewAt = now;
      return ask(address, true);
    },
  };
}

export type Recognised =
  | { peer: Peer; proof: Exclude<Proof, 'wrong'> }
  | {
      peer: null;
      why: 'unknown-nas' | 'wrong-secret' | 'ambiguous-client';
      /** Whom it concerns, as far as that is plain. */
      suspects: readonly Peer[];
    };

/** What the packet's sender calls itself. */
export const nasNameIn = (packet: Packet): string | undefined =>
  textIn(first(packet, attributes.nasIdentifier));

/**
 * Those that go by this NAS-Identifier, registered as such or as the gateway's own name; without such,
 * those that take any. Per merchant: behind a shared address nobody shuts another's gateway out by
 * registering its name as well.
 */
function namedLike(peers: readonly Peer[], packet: Packet): readonly Peer[] {
  const name = nasNameIn(packet);
  if (name === undefined && packet.code === codes.statusServer) return peers;
  const goesBy = ({ gateway }: Peer) =>
    name !== undefined && (gateway.name === name || gateway.radius?.nasIds.includes(name) === true);
  const named = peers.filter(goesBy);
  const owners = new Set(named.map(({ store }) => store.merchantId));
  const takesAny = ({ gateway, store }: Peer) =>
    gateway.radius?.nasIds.length === 0 && !owners.has(store.merchantId);
  return [...named, ...peers.filter(takesAny)];
}

/** At most as many as are tried; where merchants share an address, in turns, so that none takes all places. */
function bounded(peers: readonly Peer[]): readonly Peer[] {
  if (peers.length <= MOST_CANDIDATES) return peers;
  const counts = new Map<string, number>();
  const turns = peers.map((peer) => {
    const turn = counts.get(peer.store.merchantId) ?? 0;
    counts.set(peer.store.merchantId, turn + 1);
    return { peer, turn };
  });
  const inTurns = turns.toSorted((a, b) => a.turn - b.turn);
  return inTurns.slice(0, MOST_CANDIDATES).map(({ peer }) => peer);
}

/** Whose secret made it, for certain: an unsigned Access-Request says nothing of its sender. */
function proves({ gateway }: Peer, packet: Packet): boolean {
  const proof = requestProof(packet, gateway.radius!.secret);
  return proof === 'signed' || (proof === 'plain' && packet.code === codes.accountingRequest);
}

const alone = (peers: readonly Peer[]): readonly Peer[] => (peers.length === 1 ? peers : []);

/** None goes by its name: whose secret it shows all the same, or who is the only one there. */
function misnamed(peers: readonly Peer[], packet: Packet): readonly Peer[] {
  const proven = bounded(peers).filter((peer) => proves(peer, packet));
  return proven.length > 0 ? proven : alone(peers);
}

/** The gateway that this packet proves to come from. */
export function recognise(peers: readonly Peer[], packet: Packet): Recognised {
  const likely = bounded(namedLike(peers, packet));
  if (likely.length === 0)
    return { peer: null, why: 'unknown-nas', suspects: misnamed(peers, packet) };
  const plain: Peer[] = [];
  for (const peer of likely) {
    const proof = requestProof(packet, peer.gateway.radius!.secret);
    if (proof === 'signed') return { peer, proof };
    if (proof === 'wrong') continue;
    // The authenticator of an Access-Request is random: it does not say which of several sent it.
    if (packet.code === codes.accountingRequest) return { peer, proof };
    plain.push(peer);
  }
  const [only] = alone(plain);
  if (only !== undefined) return { peer: only, proof: 'plain' };
  if (plain.length > 0) return { peer: null, why: 'ambiguous-client', suspects: plain };
  return { peer: null, why: 'wrong-secret', suspects: alone(likely) };
}
