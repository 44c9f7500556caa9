/** Hands out events after commit: in order per key, at least once, with retries and a dead-letter end. */
import type { Database } from '../db/database.ts';
import type { Log } from '../log.ts';
import type { DomainEvent } from './types.ts';
import type { HandedOut } from './outbox.ts';
import { finishEvents, postponeEvent, releaseEvents, takeEvents } from './outbox.ts';

/** Called at least once per event; must be idempotent. */
export type Subscriber = (event: DomainEvent) => Promise<void>;

/** A subscriber whom most events do not concern: one look at a batch spares it a look at each. */
export interface Choosy {
  hear: Subscriber;
  /** Those among these that it has to hear; of the others it would make nothing. */
  among: (events: readonly DomainEvent[]) => Promise<ReadonlySet<DomainEvent>>;
}

export interface Dispatcher {
  /** Says that something was committed; returns at once. */
  nudge: () => void;
  start(): void;
  /** Stops taking new events, waits for those in hand. */
  stop(): Promise<void>;
  /** Resolves when nothing is due any more; events waiting for a retry do not count. */
  idle(): Promise<void>;
}

type Hearing = (event: DomainEvent) => readonly Subscriber[];

const batchSize = 100;
/** Keys worked on at once: each may hold a connection, and requests need some of the pool as well. */
const laneCount = 4;
const leaseMs = 30_000;
/** Another process may write events without nudging us: look at least this often. */
const pollMs = 1_000;
/** Rounds that found something begin this far apart: a busy house hands out many at once, not each alone. */
const gatherMs = 20;
/** Delays after the 1st, 2nd, … failure; past the end an event is dead and kept for replay. */
const retryMs = [500, 2_000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000];

/** A wait that can be cut short; cutting none does nothing. */
function breakable() {
  let cut: () => void = () => undefined;
  return {
    cut: () => cut(),
    async wait(ms: number): Promise<void> {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        cut = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      cut = () => undefined;
    },
  };
}

export function createDispatcher(deps: {
  db: Database;
  clock: () => number;
  log: Log;
  /**
   * Screens: told of each event as soon as it has its position, in order of positions across all keys,
   * so that a client's highest position is a cursor. A hint only: a failure is logged, not retried.
   */
  announce?: readonly Subscriber[];
  subscribers: readonly (Subscriber | Choosy)[];
}): Dispatcher {
  const { db, clock, log } = deps;
  let running = false;
  let nudged = false;
  let loop: Promise<void> = Promise.resolve();
  const poll = breakable();
  const gathering = breakable();
  const waiting: (() => void)[] = [];

  function nudge(): void {
    nudged = true;
    poll.cut();
  }

  async function pause(ms: number): Promise<void> {
    if (nudged || !running) return;
    await poll.wait(ms);
  }

  /** Until the next round may begin; whoever waits for idleness, or stops us, is not kept. */
  async function gather(began: number): Promise<void> {
    const left = gatherMs - (performance.now() - began);
    if (left <= 0 || !running || waiting.length > 0) return;
    await gathering.wait(left);
  }

  function settle(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  async function run(): Promise<void> {
    let finished: number[] = [];
    while (running) {
      nudged = false;
      const began = performance.now();
      try {
        // Closing the last batch and opening the next share a transaction: one commit less per hop.
        const done = finished;
        const batch = await db.tx(async (tx) => {
          const [, taken] = await Promise.all([
            finishEvents(tx, done, clock()),
            takeEvents(tx, clock(), batchSize, leaseMs),
          ]);
          return taken;
        });
        finished = await deliver(batch);
        if (batch.length > 0) {
          if (batch.length < batchSize) await gather(began);
          continue;
        }
        if (!nudged) settle();
        await pause(pollMs);
      } catch (error) {
        log.error({ err: error }, 'events could not be handed out');
        await pause(pollMs);
      }
    }
    // Lost only if the database is gone: then the lease runs out and the events come again.
    if (finished.length > 0) await finishEvents(db, finished, clock()).catch(() => undefined);
    settle();
  }

  /** Keys side by side, a few at a time; the seqs that everyone took. */
  async function deliver(batch: HandedOut[]): Promise<number[]> {
    await announceAll(batch);
    const lanes = new Map<string, HandedOut[]>();
    for (const item of batch) lanes.set(item.lane, [...(lanes.get(item.lane) ?? []), item]);
    const queues = [...lanes.values()];
    const hearing = await concerned(batch.map(({ event }) => event));
    const done: number[] = [];
    const work = async (): Promise<void> => {
      for (let queue = queues.shift(); queue; queue = queues.shift())
        await deliverKey(queue, hearing, done);
    };
    await Promise.all(Array.from({ length: Math.min(laneCount, queues.length) }, work));
    return done;
  }

  /** Who is told of which event, in the order of the subscribers. */
  async function concerned(events: readonly DomainEvent[]): Promise<Hearing> {
    const chosen = await Promise.all(
      deps.subscribers.map(async (subscriber) => {
        if (typeof subscriber === 'function') return { hear: subscriber, of: null };
        const { hear, among } = subscriber;
        // Who cannot look ahead is told of everything.
        const of = events.length === 0 ? null : await among(events).catch(() => null);
        return { hear, of };
      }),
    );
    return (event) =>
      chosen.flatMap(({ hear, of }) => (of === null || of.has(event) ? [hear] : []));
  }

  async function announceAll(batch: HandedOut[]): Promise<void> {
    for (const { attempts, event } of batch) {
      if (attempts > 1) continue;
      for (const tell of deps.announce ?? []) {
        await tell(event).catch((error: unknown) => {
          log.warn({ err: error, type: event.type, event: event.id }, 'event not announced');
        });
      }
    }
  }

  /** Events of one key in order; a failure holds back the rest of its key. */
  async function deliverKey(queue: HandedOut[], hearing: Hearing, done: number[]): Promise<void> {
    try {
      for (const [index, item] of queue.entries()) {
        if (!(await deliverOne(item, hearing))) {
          const held = queue.slice(index + 1).map(({ seq }) => seq);
          await releaseEvents(db, held, clock());
          return;
        }
        done.push(item.seq);
      }
    } catch (error) {
      // Storage is away: the lease runs out and these come again.
      log.error({ err: error }, 'events could not be put back');
    }
  }

  async function deliverOne(
    { seq, attempts, event }: HandedOut,
    hearing: Hearing,
  ): Promise<boolean> {
    try {
      for (const hear of hearing(event)) await hear(event);
      return true;
    } catch (error) {
      const delay = retryMs[attempts - 1];
      const dueAt = delay === undefined ? null : clock() + delay;
      log.warn(
        { err: error, type: event.type, event: event.id, attempts, dead: dueAt === null },
        'event not delivered',
      );
      await postponeEvent(
        db,
        seq,
        error instanceof Error ? error.message : 'failed',
        clock(),
        dueAt,
      );
      return false;
    }
  }

  return {
    nudge,
    start() {
      running = true;
      loop = run();
    },
    async stop() {
      running = false;
      poll.cut();
      gathering.cut();
      await loop;
    },
    async idle() {
      if (!running) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        nudge();
        gathering.cut();
      });
    },
  };
}
