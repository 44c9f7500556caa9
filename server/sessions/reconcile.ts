/** Compares grants with live sessions, and has equipment put out whose grant is over, by its strongest means. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { DomainEvent, EventPayloads } from '../events/types.ts';
import type { Log } from '../log.ts';
import type { GatewayKind, GatewaySettings } from '../stores/gateway-schema.ts';
import { announceEnded } from './announce.ts';
import { openingAt } from './hours.ts';
import type { KickReason, KickRow } from './kick-queries.ts';
import {
  dropKick,
  holdSessions,
  insertKicks,
  insideAt,
  noteKick,
  sessionsOver,
  storesWithHours,
  takeKicks,
  takeKicksOf,
  unheld,
} from './kick-queries.ts';
import { closeLegs } from './leg-queries.ts';
import { endSession } from './live-queries.ts';
import { keepNotice } from './notice-queries.ts';
import { sessionById } from './queries.ts';

/** The shape of portal/ports-network.ts KickTarget. */
export interface KickTarget {
  store: { id: string; merchantId: string };
  gateway: GatewaySettings & { id: string; kind: GatewayKind; name: string };
  sessionId: string;
  mac: string;
  ip: string | null;
  userName: string | null;
  token: string | null;
  nasSessions: string[];
  reason: KickReason;
}

export type KickOutcome = 'done' | 'later' | 'unable' | 'failed';

/** What the reconciler asks of equipment; made by the portal. */
export interface Kicker {
  kick(target: KickTarget): Promise<KickOutcome>;
}

export interface ReconcilerDeps {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** Counts answers of equipment for the metrics. */
  count: (outcome: KickOutcome) => void;
}

/** What comes of putting a guest out: `later` at the gateway's next question, `unable` at their own limit. */
export interface Disconnection {
  outcome: KickOutcome | 'ended';
  /** When the session ends in any case (ms since 1970); null when it has. */
  until: number | null;
}

const BATCH = 50;
const AT_ONCE = 8;
/** Longest that a gateway is waited for; another process may take over after twice that. */
const PATIENCE_MS = 15_000;
const LEASE_MS = 2 * PATIENCE_MS;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 15 * 60_000;
/** The worst first: what the caller is told when a session was held by several gateways. */
const severity: readonly KickOutcome[] = ['failed', 'unable', 'later', 'done'];

const retryIn = (attempts: number): number =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 3 ** Math.min(attempts - 1, 10));

function targetOf(kick: KickRow): KickTarget {
  return {
    store: { id: kick.store_id, merchantId: kick.merchant_id },
    gateway: { ...kick.settings, id: kick.gateway_id, kind: kick.kind, name: kick.name },
    sessionId: kick.session_id,
    mac: kick.mac,
    ip: kick.ip,
    userName: kick.user_name,
    token: kick.token,
    nasSessions: kick.nas_sessions,
    reason: kick.reason,
  };
}

/** Notes these to be put out; those that no gateway holds any more are over at once. */
async function noteOver(
  tx: Queryable,
  found: readonly string[],
  reason: KickReason,
  now: number,
): Promise<void> {
  const ids = await holdSessions(tx, found, true);
  await insertKicks(tx, ids, reason, now, now);
  for (const { id, merchant_id } of await unheld(tx, ids)) {
    await announceEnded(tx, await endSession(tx, merchant_id, id, reason, now), now);
  }
}

const NOTED_AT_ONCE = 500;
/** A mall that closes has a few thousand inside; what is left is noted in the next round. */
const MOST_NOTED = 20 * NOTED_AT_ONCE;

/** Notes what `find` finds, in short transactions, until it finds no more. */
async function noteAll(
  db: Database,
  find: (tx: Queryable) => Promise<{ id: string; reason: KickReason }[]>,
  now: number,
): Promise<void> {
  for (let noted = 0; noted < MOST_NOTED; noted += NOTED_AT_ONCE) {
    const found = await db.tx(async (tx) => {
      const over = await find(tx);
      for (const reason of new Set(over.map((row) => row.reason))) {
        const ids = over.filter((row) => row.reason === reason).map((row) => row.id);
        await noteOver(tx, ids, reason, now);
      }
      return over.length;
    });
    if (found < NOTED_AT_ONCE) return;
  }
}

/** Notes every live session whose grant is over. */
async function findOver(db: Database, now: number): Promise<void> {
  await noteAll(db, (tx) => sessionsOver(tx, now, NOTED_AT_ONCE), now);
  const stores = await storesWithHours(db);
  const shut = stores.filter((store) => !openingAt(store, now).open).map((store) => store.id);
  if (shut.length === 0) return;
  const inside = async (tx: Queryable) =>
    (await insideAt(tx, shut, NOTED_AT_ONCE)).map((id) => ({ id, reason: 'closed' as const }));
  await noteAll(db, inside, now);
}

/** Books what a gateway answered. */
async function settle(tx: Queryable, kick: KickRow, outcome: KickOutcome, now: number) {
  const { merchant_id: merchantId, session_id: sessionId, gateway_id: gatewayId, reason } = kick;
  await holdSessions(tx, [sessionId], false);
  if (outcome === 'done') {
    const left = await dropKick(tx, kick);
    await closeLegs(tx, merchantId, sessionId, gatewayId, reason, now);
    if (left > 0) return;
    await announceEnded(tx, await endSession(tx, merchantId, sessionId, reason, now), now);
  } else if (outcome === 'failed') {
    await noteKick(tx, kick, outcome, now + retryIn(kick.attempts));
    const { store_id: storeId } = kick;
    const notice = { merchantId, storeId, gatewayId, code: 'kick-failed', times: 1 };
    await keepNotice(tx, { ...notice, detail: { reason } }, now);
  } else if (outcome === 'unable' && kick.state === null) {
    // The guest was erased, and their own limit is all that this gateway has.
    await dropKick(tx, kick);
  } else {
    await noteKick(tx, kick, outcome, null);
  }
}

export function createReconciler({ db, clock, log, count }: ReconcilerDeps) {
  let equipment: Kicker | null = null;
  let working: Promise<unknown> = Promise.resolve();
  /** Work is running, and as much again is waiting for its end. */
  let queued = 0;
  const closing = new AbortController();

  async function ask(kick: KickRow): Promise<KickOutcome> {
    if (kick.moot) return 'done';
    if (!equipment) return 'failed';
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, closing.signal]);
    const late = pause(PATIENCE_MS, 'failed' as const, { signal, ref: false });
    try {
      return await Promise.race([
        equipment.kick(targetOf(kick)),
        late.catch(() => 'failed' as const),
      ]);
    } catch (error) {
      log.warn({ err: error, gateway: kick.gateway_id }, 'a gateway did not put a guest out');
      return 'failed';
    } finally {
      enough.abort();
    }
  }

  async function attempt(kick: KickRow): Promise<KickOutcome> {
    const outcome = await ask(kick);
    count(outcome);
    await db.tx((tx) => settle(tx, kick, outcome, clock()), { tenant: kick.merchant_id });
    return outcome;
  }

  /** Asks the gateways of everything that is due; gives how many were asked. */
  async function work(): Promise<number> {
    let total = 0;
    while (!closing.signal.aborted) {
      const kicks = await takeKicks(db, clock(), LEASE_MS, BATCH);
      total += kicks.length;
      const queue = kicks.values();
      const one = async (): Promise<void> => {
        for (const kick of queue) await attempt(kick);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
      if (kicks.length < BATCH) break;
    }
    return total;
  }

  /** One run after the other; a failure is left to the next. */
  function nudge(): void {
    if (queued > 1) return;
    queued += 1;
    working = working
      .then(work)
      .catch((error: unknown) => {
        log.warn({ err: error }, 'guests could not be put out; the next round tries again');
      })
      .finally(() => {
        queued -= 1;
      });
  }

  return {
    /** From now on this equipment is asked. */
    connect(kicker: Kicker): void {
      equipment = kicker;
    },

    /** One round: finds grants that are over and asks the gateways; gives how many were asked. */
    async run(now: number): Promise<number> {
      await findOver(db, now);
      return work();
    },

    /** The same for the timed jobs, which do not wait for gateways that are slow to answer. */
    async begin(now: number): Promise<void> {
      await findOver(db, now);
      nudge();
    },

    /** Does not wait for the next round when somebody was blocked or erased. */
    async hear({ type, payload }: DomainEvent): Promise<void> {
      if (type !== 'session.ended') return;
      const { reason } = payload as EventPayloads['session.ended'];
      if (reason === 'blocked' || reason === 'erased') nudge();
    },

    /** Puts one guest out for staff, and says what comes of it; rejects when there is no such session. */
    async disconnect(merchantId: string, sessionId: string): Promise<Disconnection> {
      const now = clock();
      const found = await db.tx(
        async (tx) => {
          const session = await sessionById(tx, merchantId, sessionId);
          if (!session) throw problem('not-found');
          if (session.state === 'ended') return { session, kicks: [] };
          await noteOver(tx, [session.id], 'staff', now);
          return { session, kicks: await takeKicksOf(tx, merchantId, session.id, now + LEASE_MS) };
        },
        { tenant: merchantId },
      );
      if (found.session.state === 'ended') return { outcome: 'ended', until: null };
      const outcomes: KickOutcome[] = [];
      for (const kick of found.kicks) outcomes.push(await attempt(kick));
      const outcome = severity.find((one) => outcomes.includes(one)) ?? 'done';
      const until = outcome === 'done' ? null : found.session.expires_at.getTime();
      return { outcome, until };
    },

    /** Resolves when what was nudged is done. */
    idle: async (): Promise<void> => void (await working),

    async stop(): Promise<void> {
      closing.abort();
      await working;
    },
  };
}

export type Reconciler = ReturnType<typeof createReconciler>;
