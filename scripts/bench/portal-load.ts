/** Guests who log in: as many as go through, and a whole chain's worth who read each page first. */
import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom } from '../lib/random.ts';
import { percentile } from './measure.ts';
import { costOf } from './portal-cost.ts';
import type { LoginCost, Meter } from './portal-cost.ts';
import { logInLean } from './portal-guest.ts';
import { arrivalAt } from './portal-stores.ts';

export interface LoginLoad {
  guests: number;
  failed: number;
  seconds: number;
  loginsPerSecond: number;
  pages: number;
  /** Milliseconds a guest waited for a page, from pressing the button to its last byte. */
  p50: number;
  p95: number;
  p99: number;
  cost: LoginCost;
}

export interface LoadTarget {
  url: string;
  slugs: readonly string[];
  meter: Meter;
}

/** Numbers guests through the whole run: nobody is a returning one. */
let arrivals = 0;

async function summary(
  { meter }: LoadTarget,
  { before, started, waits, guests, failed }: Run,
): Promise<LoginLoad> {
  const ms = performance.now() - started;
  return {
    guests,
    failed,
    cost: costOf(before, await meter.read(), guests - failed),
    seconds: ms / 1000,
    loginsPerSecond: ((guests - failed) * 1000) / ms,
    pages: waits.length,
    p50: percentile(waits, 0.5),
    p95: percentile(waits, 0.95),
    p99: percentile(waits, 0.99),
  };
}

interface Run {
  before: Awaited<ReturnType<Meter['read']>>;
  started: number;
  waits: number[];
  guests: number;
  failed: number;
}

async function begun({ meter }: LoadTarget): Promise<Run> {
  const before = await meter.read();
  return { before, started: performance.now(), waits: [], guests: 0, failed: 0 };
}

async function oneGuest(
  { url, slugs }: LoadTarget,
  waits: number[],
  read: () => Promise<void>,
): Promise<boolean> {
  const n = arrivals++;
  try {
    await logInLean(url, arrivalAt(slugs[n % slugs.length]!, n), {
      marketing: n % 3 === 0,
      onPage: async (ms) => {
        waits.push(ms);
        await read();
      },
    });
    return true;
  } catch {
    return false;
  }
}

/** `clients` guests at a time who never stop to read, for `seconds`. */
export async function measureRush(
  target: LoadTarget,
  clients: number,
  seconds: number,
): Promise<LoginLoad> {
  const run = await begun(target);
  const until = run.started + seconds * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      run.guests++;
      if (!(await oneGuest(target, run.waits, async () => {}))) run.failed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return summary(target, run);
}

/**
 * `perStore` guests at every store who arrive within `within` seconds and read each page for 2 to 10
 * seconds: all of them are in the portal together.
 */
export async function measureChain(
  target: LoadTarget,
  perStore: number,
  within: number,
): Promise<LoginLoad> {
  const random = randomFrom(4);
  const run = await begun(target);
  run.guests = perStore * target.slugs.length;
  await Promise.all(
    Array.from({ length: run.guests }, async () => {
      await pause(random() * within * 1000);
      const done = await oneGuest(target, run.waits, () => pause(2000 + random() * 8000));
      if (!done) run.failed++;
    }),
  );
  return summary(target, run);
}
