/** Equipment by its address, kept in memory for moments, and answered from there while storage is away. */
import { isIP } from 'node:net';
import type { Database } from '../db/database.ts';
import type { GatewayKind, GatewaySettings } from '../stores/gateway-schema.ts';
import type { PeerRow } from './peer-queries.ts';
import { gatewayByCertificate, gatewaysAt } from './peer-queries.ts';

/** The shape of portal/ports-network.ts Peer. */
export interface Peer {
  store: { id: string; merchantId: string };
  gateway: GatewaySettings & { id: string; kind: GatewayKind; name: string };
}

const FOUND_MS = 30_000;
/** Strangers knock often; a gateway that was just registered must not wait long. */
const NOBODY_MS = 5_000;
/** Asked for anew, since none fitted, it is looked up again once in this time. */
const ANEW_MS = 2_000;
const MOST = 10_000;

interface Held {
  peers: Peer[];
  since: number;
  until: number;
}

function peerOf(row: PeerRow): Peer {
  return {
    store: { id: row.store_id, merchantId: row.merchant_id },
    gateway: { ...row.settings, id: row.id, kind: row.kind, name: row.name },
  };
}

export function createPeers({ db, clock }: { db: Database; clock: () => number }) {
  const held = new Map<string, Held>();
  const asked = new Map<string, Promise<Peer[]>>();

  async function look(key: string, find: () => Promise<PeerRow[]>): Promise<Peer[]> {
    try {
      const peers = (await find()).map(peerOf);
      held.delete(key);
      const since = clock();
      held.set(key, { peers, since, until: since + (peers.length > 0 ? FOUND_MS : NOBODY_MS) });
      const [oldest] = held.keys();
      if (held.size > MOST && oldest !== undefined) held.delete(oldest);
      return peers;
    } catch (error) {
      const stale = held.get(key);
      if (stale && stale.peers.length > 0) return stale.peers;
      throw error;
    }
  }

  /** One look at a time for one address, however many packets wait for it. */
  async function known(key: string, find: () => Promise<PeerRow[]>, anew = false): Promise<Peer[]> {
    const fresh = held.get(key);
    const until = fresh && (anew ? Math.min(fresh.until, fresh.since + ANEW_MS) : fresh.until);
    if (fresh && clock() < until!) return fresh.peers;
    const running = asked.get(key);
    if (running) return running;
    const looking = look(key, find).finally(() => asked.delete(key));
    asked.set(key, looking);
    return looking;
  }

  const at = async (way: 'radius' | 'ac', address: string, anew?: boolean): Promise<Peer[]> =>
    isIP(address) === 0 ? [] : known(`${way} ${address}`, () => gatewaysAt(db, way, address), anew);

  return {
    peersAt: (address: string, anew?: boolean): Promise<Peer[]> => at('radius', address, anew),
    peersByAc: (address: string, anew?: boolean): Promise<Peer[]> => at('ac', address, anew),

    async peerByCertificate(fingerprint: string): Promise<Peer | null> {
      if (!/^[0-9a-f]{64}$/.test(fingerprint)) return null;
      const [peer] = await known(`radsec ${fingerprint}`, async () => {
        const row = await gatewayByCertificate(db, fingerprint);
        return row ? [row] : [];
      });
      return peer ?? null;
    },

    /** Nothing held of this gateway is right any more. */
    changed(gatewayId: string): void {
      for (const [key, { peers }] of held) {
        if (peers.some((peer) => peer.gateway.id === gatewayId)) held.delete(key);
      }
    },
  };
}
