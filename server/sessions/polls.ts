/** What controllers list, compared with our sessions: counters, those who left, and those who should have. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { Log } from '../log.ts';
import type { GatewayKind, GatewaySettings } from '../stores/gateway-schema.ts';
import { announceEnded } from './announce.ts';
import type { KickReason } from './kick-queries.ts';
import { insertKicks } from './kick-queries.ts';
import { closeLegs, wasCounted } from './leg-queries.ts';
import { endSession } from './live-queries.ts';
import { keepNotice } from './notice-queries.ts';
import type { PeerRow } from './peer-queries.ts';
import type { HeldSession } from './poll-queries.ts';
import { gatewaysInUse, heldAt } from './poll-queries.ts';
import { createReports } from './reports.ts';
import { isOurs } from './verdict.ts';

/** The shape of portal/ports-network.ts LiveClient. */
export interface LiveClient {
  mac: string;
  nasSession?: string;
  ip?: string;
  ap?: string;
  bytesIn?: number;
  bytesOut?: number;
  seconds?: number;
}

/** What is asked of equipment; made by the portal. */
export interface Lister {
  /** Rejects when it is not told, and has noticed why. */
  poll(
    store: { id: string; merchantId: string },
    gateway: GatewaySettings & { id: string; kind: GatewayKind; name: string },
  ): Promise<LiveClient[] | null>;
}

export interface PollDeps {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** Longest that one controller is waited for. */
  patienceMs?: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MOST_GATEWAYS = 2000;
const AT_ONCE = 4;
const PATIENCE_MS = 20_000;
/** A controller shows a newcomer after a moment. */
const SETTLING_MS = 60_000;

export function createPolls({ db, clock, log, patienceMs = PATIENCE_MS }: PollDeps) {
  const reports = createReports({ db, clock });
  const closing = new AbortController();
  let working: Promise<unknown> | null = null;

  /** What the controller lists, or that it takes too long. */
  async function ask(
    lister: Lister,
    ...[store, gateway]: Parameters<Lister['poll']>
  ): Promise<LiveClient[] | null | 'late'> {
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, closing.signal]);
    const late = pause(patienceMs, 'late' as const, { signal, ref: false });
    try {
      return await Promise.race([lister.poll(store, gateway), late]);
    } finally {
      enough.abort();
      late.catch(() => undefined);
    }
  }

  async function note(peer: PeerRow, code: string): Promise<void> {
    const { merchant_id: merchantId, store_id: storeId, id: gatewayId } = peer;
    const notice = { merchantId, storeId, gatewayId, code, detail: {}, times: 1 };
    await db.tx((tx) => keepNotice(tx, notice, clock()), { tenant: merchantId });
  }

  /**
   * Sessions that the controller does not list any more: over if it never counted them, else when they stay
   * away as long as between two access points, since phones that sleep are often left out.
   */
  async function endMissing(peer: PeerRow, missing: readonly HeldSession[]): Promise<void> {
    const now = clock();
    await db.tx(
      async (tx) => {
        for (const { id } of missing) {
          await closeLegs(tx, peer.merchant_id, id, peer.id, 'not-listed', now);
          if (await wasCounted(tx, peer.merchant_id, id)) continue;
          const ended = await endSession(tx, peer.merchant_id, id, 'not-listed', now);
          await announceEnded(tx, ended, now);
        }
      },
      { tenant: peer.merchant_id },
    );
  }

  /** Clients that we put out, and that the controller still holds, are put out again. */
  async function kickLeftovers(peer: PeerRow, leftovers: readonly HeldSession[]): Promise<void> {
    const now = clock();
    await db.tx(
      async (tx) => {
        for (const { id, end_reason } of leftovers) {
          await insertKicks(tx, [id], end_reason as KickReason, now, now);
        }
      },
      { tenant: peer.merchant_id },
    );
  }

  async function heard(peer: PeerRow, session: HeldSession, client: LiveClient): Promise<void> {
    const { mac: _listed, nasSession = `poll ${session.id}`, ...counted } = client;
    const { id: sessionId, mac } = session;
    const store = { id: peer.store_id, merchantId: peer.merchant_id };
    const said = { ...counted, kind: 'interim' as const, mac, nasSession, sessionId, at: clock() };
    await reports.report(store, peer.id, said);
  }

  async function compare(peer: PeerRow, clients: readonly LiveClient[], now: number) {
    const listed = new Map(clients.map((client) => [client.mac.toLowerCase(), client]));
    const sessions = await db.tx((tx) => heldAt(tx, peer.merchant_id, peer.id, now - DAY), {
      tenant: peer.merchant_id,
    });
    const active = sessions.filter((session) => session.state === 'active');
    const settled = (session: HeldSession): boolean =>
      session.confirmed_at !== null && session.confirmed_at.getTime() < now - SETTLING_MS;
    const missing = active.filter((session) => !listed.has(session.mac) && settled(session));
    const ended = sessions.filter(({ state, mac }) => state === 'ended' && listed.has(mac));
    if (missing.length > 0) await endMissing(peer, missing);
    const leftovers = ended.filter(({ end_reason }) => isOurs(end_reason));
    const back = ended.filter(({ end_reason }) => end_reason === 'not-listed');
    for (const session of [...active, ...leftovers, ...back]) {
      const client = listed.get(session.mac);
      if (client) await heard(peer, session, client);
    }
    if (leftovers.length > 0) await kickLeftovers(peer, leftovers);
  }

  async function pollOne(lister: Lister, peer: PeerRow, now: number): Promise<boolean> {
    const store = { id: peer.store_id, merchantId: peer.merchant_id };
    const gateway = { ...peer.settings, id: peer.id, kind: peer.kind, name: peer.name };
    let clients: Awaited<ReturnType<typeof ask>>;
    try {
      clients = await ask(lister, store, gateway);
    } catch (error) {
      log.warn({ err: error, gateway: peer.id }, 'a controller did not tell who is inside');
      return false;
    }
    if (clients === null) return false;
    await note(peer, clients === 'late' ? 'controller-unreachable' : 'controller-ok');
    if (clients === 'late') return false;
    await compare(peer, clients, now);
    return true;
  }

  async function run(lister: Lister, now: number): Promise<number> {
    const peers = (await gatewaysInUse(db, now - HOUR, MOST_GATEWAYS)).values();
    let answered = 0;
    const work = async (): Promise<void> => {
      for (const peer of peers) {
        if (closing.signal.aborted) return;
        if (await pollOne(lister, peer, now)) answered += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return answered;
  }

  return {
    /** Asks every controller that may hold one of ours; gives how many answered. */
    run,

    /** The same for the timed jobs, which do not wait for controllers; one round at a time. */
    begin(lister: Lister, now: number): void {
      working ??= run(lister, now)
        .catch((error: unknown) => log.warn({ err: error }, 'controllers were not asked'))
        .finally(() => {
          working = null;
        });
    },

    /** Resolves when the round that was begun is done. */
    idle: async (): Promise<void> => void (await working),

    async stop(): Promise<void> {
      closing.abort();
      await working;
    },
  };
}

export type Polls = ReturnType<typeof createPolls>;
