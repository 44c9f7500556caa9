/** What runs when: timed jobs under a database lock, so that each runs in one process at a time. */
import type { Database } from '../db/database.ts';
import type { Log } from '../log.ts';
import { enrolJob, finishJob, takeJob } from './queries.ts';

export interface Job {
  name: string;
  /** Milliseconds from one start to the next. */
  every: number;
  /** Milliseconds after which another process may take over from a holder that died; default 5 min. */
  lease?: number;
  /** Must bear being run again after a crash in the middle. */
  run: (now: number) => Promise<unknown>;
}

export interface JobRunner {
  start(): void;
  /** No new job starts; resolves when the running one has ended. */
  stop(): Promise<void>;
  /** Runs every job that is due now, in order; for tests and for a first round at start. */
  runDue(): Promise<string[]>;
}

const LEASE = 5 * 60_000;
/** Milliseconds between looks at the diary. */
const LOOK = 1_000;

export function createJobRunner(
  deps: { db: Database; clock: () => number; log: Log },
  jobs: readonly Job[],
): JobRunner {
  const { db, clock, log } = deps;
  /** When to look at the database again, by job: spares a query per second for a daily job. */
  const notBefore = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();
  let stopped = false;
  let enrolled = false;

  async function runOne(job: Job): Promise<boolean> {
    const startedAt = clock();
    if (!(await takeJob(db, job.name, startedAt, job.lease ?? LEASE))) {
      notBefore.set(job.name, startedAt + Math.min(job.every, 15_000));
      return false;
    }
    let error: string | null = null;
    try {
      await job.run(startedAt);
    } catch (failure) {
      error = failure instanceof Error ? failure.message : 'failed';
      log.error({ err: failure, job: job.name }, 'job failed');
    }
    const next = startedAt + job.every;
    await finishJob(db, job.name, startedAt, clock(), next, error);
    notBefore.set(job.name, next);
    return true;
  }

  async function runDue(): Promise<string[]> {
    if (!enrolled) {
      for (const job of jobs) await enrolJob(db, job.name, clock());
      enrolled = true;
    }
    const ran: string[] = [];
    for (const job of jobs) {
      if (stopped || (notBefore.get(job.name) ?? 0) > clock()) continue;
      if (await runOne(job)) ran.push(job.name);
    }
    return ran;
  }

  function look(): void {
    round = runDue()
      .catch((error: unknown) => log.warn({ err: error }, 'jobs could not be looked up'))
      .finally(() => {
        if (stopped) return;
        timer = setTimeout(look, LOOK);
        timer.unref();
      });
  }

  return {
    start: look,
    runDue,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
