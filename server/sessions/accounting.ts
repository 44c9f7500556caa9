/** What gateways report about sessions, and the reaper of those whose time ran out. */
import type { Database, Queryable } from '../db/database.ts';
import { announceEnded, announceStarted } from './announce.ts';
import type { EndedRow } from './door-queries.ts';
import {
  clearGateway,
  confirmSessions,
  depositedSessions,
  endByGateway,
  endExpired,
  heardGateway,
  landSession,
  learnHashes,
  leaveDeposit,
  openSession,
  waitingDeposits,
} from './door-queries.ts';
import { dropKicksOf, dropStaleKicks, insertKicks } from './kick-queries.ts';
import { closeGatewayLegs, closeSilent, dropStrangers, endLegless } from './leg-queries.ts';
import type { SessionLimits } from './queries.ts';
import { forgetClients } from './queries.ts';
import { createReports } from './reports.ts';
import type { ReportDeps, StoreRef } from './reports.ts';
import { createNotices } from './notices.ts';

export interface Deposit extends SessionLimits {
  /** The hash by which an openNDS gateway knows its client. */
  rhid: string;
  sessionId: string;
}

export interface EndReport {
  mac: string;
  reason: string;
  bytesIn: number;
  bytesOut: number;
  /** By the gateway's clock, ms since 1970. */
  endedAt: number;
}

/** A client that has not been fetched by then has left; its next try makes a new deposit. */
const DEPOSIT_MS = 10 * 60_000;
/** Gateways without a clock of their own say 1970; beyond this difference ours counts. */
const CLOCK_TRUST_MS = 24 * 3_600_000;
const CLOCK_SKEW_MS = 2 * 60_000;
const HEARD_EVERY_MS = 30_000;
const KEEP_HASHES = 16;
const REAP_BATCH = 500;

const counter = (bytes: number): number => (Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0);

/** What is kept of a gateway's report: bounded, and by a clock that can be believed. */
function tidyReport(report: EndReport, now: number): EndReport {
  const believable = Math.abs(report.endedAt - now) < CLOCK_TRUST_MS;
  return {
    mac: report.mac.toLowerCase(),
    reason: report.reason.replace(/[^\w.-]/g, '').slice(0, 40) || 'unknown',
    bytesIn: counter(report.bytesIn),
    bytesOut: counter(report.bytesOut),
    endedAt: believable ? Math.min(report.endedAt, now) : now,
  };
}

/** The ends of sessions that gateways hold; every call may be repeated. */
export function createDoors(deps: ReportDeps) {
  const { db, clock } = deps;
  /** Runs `work` as the store's merchant and tells the house which sessions it ended. */
  async function ending(
    store: StoreRef,
    work: (tx: Queryable, now: number) => Promise<EndedRow[]>,
  ): Promise<void> {
    const now = clock();
    await db.tx(async (tx) => announceEnded(tx, await work(tx, now), now), {
      tenant: store.merchantId,
    });
  }

  return {
    ...createReports(deps),
    ...createNotices(deps),

    async pending(store: StoreRef, gatewayId: string, limit: number): Promise<Deposit[]> {
      const now = clock();
      const rows = await db.tx(
        async (tx) => {
          await heardGateway(tx, store.merchantId, gatewayId, now, HEARD_EVERY_MS);
          return waitingDeposits(tx, store.merchantId, gatewayId, now - DEPOSIT_MS, now, limit);
        },
        { tenant: store.merchantId },
      );
      return rows.map((row) => ({
        rhid: row.rhid,
        sessionId: row.id,
        minutes: row.minutes,
        upKbps: row.up_kbps,
        downKbps: row.down_kbps,
        upQuotaKB: row.up_quota_kb,
        downQuotaKB: row.down_quota_kb,
      }));
    },

    async deposit(store: StoreRef, gatewayId: string, deposit: Deposit): Promise<void> {
      const { merchantId } = store;
      const { sessionId, rhid } = deposit;
      await db.tx(
        (tx) => leaveDeposit(tx, merchantId, gatewayId, sessionId, rhid, deposit, clock()),
        { tenant: merchantId, alone: true },
      );
    },

    /** Deposit and confirmation at once, for a door that is open when it answers. */
    async opened(store: StoreRef, gatewayId: string, deposit: Deposit): Promise<void> {
      const { sessionId, rhid, ...limits } = deposit;
      await ending(store, async (tx, now) => {
        const grant = { sessionId, rhid, limits };
        const { started, ended } = await openSession(tx, store.merchantId, gatewayId, grant, now);
        await announceStarted(tx, started, now);
        return ended;
      });
    },

    async confirmed(store: StoreRef, gatewayId: string, rhids: string[]): Promise<void> {
      if (rhids.length === 0) return;
      await ending(store, async (tx, now) => {
        const { merchantId } = store;
        const ids = await depositedSessions(tx, merchantId, gatewayId, rhids);
        const { started, ended } = await confirmSessions(tx, merchantId, ids, now);
        await announceStarted(tx, started, now);
        return ended;
      });
    },

    async landed(store: StoreRef, sessionId: string): Promise<void> {
      await ending(store, (tx, now) => landSession(tx, store.merchantId, store.id, sessionId, now));
    },

    async cleared(store: StoreRef, gatewayId: string): Promise<void> {
      await ending(store, async (tx, now) => {
        await closeGatewayLegs(tx, store.merchantId, gatewayId, now);
        return clearGateway(tx, store.merchantId, gatewayId, now);
      });
    },

    async ended(store: StoreRef, gatewayId: string, report: EndReport): Promise<void> {
      await ending(store, async (tx, now) => {
        const departure = tidyReport(report, now);
        const latestStart = departure.endedAt + CLOCK_SKEW_MS;
        const ended = await endByGateway(tx, store.merchantId, gatewayId, departure, latestStart);
        await dropKicksOf(
          tx,
          ended.map((row) => row.id),
        );
        return ended;
      });
    },

    async learned(store: StoreRef, gatewayId: string, hashes: string[]): Promise<void> {
      const fit = hashes.filter((hash) => /^[0-9a-f]{64}$/.test(hash)).slice(0, KEEP_HASHES);
      if (fit.length === 0) return;
      await db.tx((tx) => learnHashes(tx, store.merchantId, gatewayId, fit, KEEP_HASHES), {
        tenant: store.merchantId,
      });
    },
  };
}

/** A gateway that keeps the time itself says so within this; the others are asked afterwards. */
const OWN_END_MS = 20_000;

/** Ends every session whose time ran out, in batches; gives how many. For the timed jobs. */
export async function expireSessions(db: Database, now: number): Promise<number> {
  let total = 0;
  for (;;) {
    const ended = await db.tx(async (tx) => {
      const rows = await endExpired(tx, now, REAP_BATCH);
      const inside = rows.filter((row) => row.end_reason === 'expired').map((row) => row.id);
      await insertKicks(tx, inside, 'expired', now + OWN_END_MS, now);
      await announceEnded(tx, rows, now);
      return rows.length;
    });
    total += ended;
    if (ended < REAP_BATCH) return total;
  }
}

/** Silence after which a client is taken for gone, when its gateway goes on speaking. */
const SILENCE_MS = 15 * 60_000;
/** A client that left one access point comes back at another within this time, or has gone. */
const GRACE_MS = 3 * 60_000;

/** Ends sessions whose clients fell silent or left and did not come back; gives how many. For the timed jobs. */
export async function endQuietSessions(db: Database, now: number): Promise<number> {
  await inBatches(() => db.tx((tx) => closeSilent(tx, now, SILENCE_MS, REAP_BATCH)), REAP_BATCH);
  let total = 0;
  for (;;) {
    const ended = await db.tx(async (tx) => {
      const rows = await endLegless(tx, now - GRACE_MS, REAP_BATCH);
      await dropKicksOf(
        tx,
        rows.map((row) => row.id),
      );
      await announceEnded(tx, rows, now);
      return rows.length;
    });
    total += ended;
    if (ended < REAP_BATCH) return total;
  }
}

/** As long as a client is known again at the portal. */
const KEEP_CLIENT_MS = 30 * 24 * 3_600_000;

const KEEP_STRANGER_MS = 24 * 3_600_000;
const KEEP_KICK_MS = 3_600_000;
const FORGET_BATCH = 5_000;

/** Repeats what changes up to `batch` rows until there is nothing left to change; gives how many were. */
async function inBatches(work: () => Promise<number>, batch: number): Promise<number> {
  let total = 0;
  for (;;) {
    const done = await work();
    total += done;
    if (done < batch) return total;
  }
}

/** Forgets hardware and network addresses of sessions long over. For the timed jobs. */
export async function forgetSessionClients(db: Queryable, now: number): Promise<number> {
  const [client, stranger] = [now - KEEP_CLIENT_MS, now - KEEP_STRANGER_MS];
  const forgotten = await inBatches(
    () => forgetClients(db, client, now, FORGET_BATCH),
    FORGET_BATCH,
  );
  await inBatches(() => dropStrangers(db, stranger, now, FORGET_BATCH), FORGET_BATCH);
  await dropStaleKicks(db, now - KEEP_KICK_MS);
  return forgotten;
}
