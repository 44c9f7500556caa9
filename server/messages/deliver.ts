/** Takes waiting messages, hands them to their senders, and decides what follows a failure. */
import type { Database, Queryable } from '../db/database.ts';
import type { Log } from '../log.ts';
import type { MessageRow } from './queries.ts';
import {
  dropMessages,
  messageFailed,
  messagePostponed,
  messageSent,
  nextMessageDue,
  takeMessages,
} from './queries.ts';
import type { SendResult, Senders } from './sender.ts';

export interface DeliveryDeps {
  db: Database;
  senders: Senders;
  clock: () => number;
  log: Pick<Log, 'warn' | 'error'>;
}

const BATCH = 20;
/** Longer than any sender's own time limit, so that a slow one does not lose its message to another worker. */
const LEASE_MS = 60_000;
const MOST_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;

export interface Delivered {
  sent: number;
  failed: number;
  postponed: number;
}

/** Pause after the nth try: 2, 4, 8 … 60 s. A guest waits at the door, so the first come quickly. */
function pauseAfter(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS);
}

async function settle(
  { db, clock, log, senders }: DeliveryDeps,
  row: MessageRow,
  result: SendResult,
): Promise<keyof Delivered> {
  const now = clock();
  if (result.ok) {
    const keep = senders[row.channel].kind === 'development';
    await messageSent(db, row.id, row.attempts, keep, now);
    return 'sent';
  }
  const dueAt = now + pauseAfter(row.attempts);
  const useless = dueAt >= row.expires_at.getTime();
  const facts = {
    messageId: row.id,
    channel: row.channel,
    attempts: row.attempts,
    reason: result.error,
  };
  if (!result.again || row.attempts >= MOST_ATTEMPTS || useless) {
    await messageFailed(db, row.id, row.attempts, result.error);
    log.error(facts, 'a message could not be delivered');
    return 'failed';
  }
  await messagePostponed(db, row.id, row.attempts, result.error, dueAt);
  log.warn(facts, 'a message will be tried again');
  return 'postponed';
}

async function deliverOne(deps: DeliveryDeps, row: MessageRow): Promise<keyof Delivered> {
  if (row.expires_at.getTime() <= deps.clock()) {
    return settle(deps, row, { ok: false, again: false, error: 'expired' });
  }
  const message = {
    id: row.id,
    address: row.address,
    subject: row.subject,
    body: row.body,
    createdAt: row.created_at.getTime(),
  };
  return settle(deps, row, await deps.senders[row.channel].send(message));
}

/**
 * Delivers one batch of due messages of all merchants. At least once: a process that dies between
 * sending and recording sends again after the lease, under the same id.
 */
export async function deliverMessages(deps: DeliveryDeps): Promise<Delivered> {
  const rows = await takeMessages(deps.db, deps.clock(), BATCH, LEASE_MS);
  const fates = await Promise.all(rows.map((row) => deliverOne(deps, row)));
  const count = (fate: keyof Delivered) => fates.filter((f) => f === fate).length;
  return { sent: count('sent'), failed: count('failed'), postponed: count('postponed') };
}

/** The console's outbox page looks back a week. */
const KEEP_MS = 7 * 24 * 3_600_000;

/** Drops messages nobody looks at any more. For the timed jobs. */
export async function forgetMessages(db: Queryable, now: number): Promise<number> {
  return dropMessages(db, now - KEEP_MS, now);
}

export interface Courier {
  /** Something was queued and committed: look now. */
  wake(): void;
  /** Finishes what is under way and takes nothing new. */
  stop(): Promise<void>;
}

/** Longest sleep: messages queued by other processes are found by then. */
const LOOK_EVERY_MS = 2000;

/** Delivers for as long as the process lives. */
export function startCourier(deps: DeliveryDeps, lookEveryMs = LOOK_EVERY_MS): Courier {
  let stopped = false;
  let asked = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;

  async function deliverAll(): Promise<void> {
    try {
      for (;;) {
        asked = false;
        const { sent, failed, postponed } = await deliverMessages(deps);
        const more = asked || sent + failed + postponed === BATCH;
        if (stopped || !more) return;
      }
    } catch (error) {
      deps.log.error({ err: error }, 'messages could not be taken from storage');
    }
  }

  async function sleepTime(): Promise<number> {
    const due = await nextMessageDue(deps.db).catch(() => null);
    if (due === null) return lookEveryMs;
    return Math.min(Math.max(due - deps.clock(), 50), lookEveryMs);
  }

  function run(): void {
    clearTimeout(timer);
    round = deliverAll()
      .then(sleepTime)
      .then((ms) => {
        round = undefined;
        if (asked && !stopped) run();
        else if (!stopped) timer = setTimeout(run, ms);
      });
  }

  run();
  return {
    wake() {
      if (stopped) return;
      asked = true;
      if (round === undefined) run();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
