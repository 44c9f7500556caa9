/** Guests who log in: as many as go through, and a whole chain's worth who read each page first. */
import { setTimeout as pause } from 'node:timers/promises';
import { logIn } from '../demo/guest.ts';
import { randomFrom } from '../lib/random.ts';
import { percentile } from './measure.ts';
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
}

export interface LoadTarget {
  url: string;
  slugs: readonly string[];
}

/** Numbers guests through the whole run: nobody is a returning one. */
let arrivals = 0;

function summary(waits: number[], guests: number, failed: number, ms: number): LoginLoad {
  return {
    guests,
    failed,
    seconds: ms / 1000,
    loginsPerSecond: ((guests - failed) * 1000) / ms,
    pages: waits.length,
    p50: percentile(waits, 0.5),
    p95: percentile(waits, 0.95),
    p99: percentile(waits, 0.99),
  };
}

async function oneGuest(
  { url, slugs }: LoadTarget,
  waits: number[],
  read: () => Promise<void>,
): Promise<boolean> {
  const n = arrivals++;
  try {
    await logIn(url, arrivalAt(slugs[n % slugs.length]!, n), {
      method: 'click-through',
      marketing: n % 3 === 0,
      onPage: async (_title, ms) => {
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
  const waits: number[] = [];
  const started = performance.now();
  const until = started + seconds * 1000;
  let guests = 0;
  let failed = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      guests++;
      if (!(await oneGuest(target, waits, async () => {}))) failed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return summary(waits, guests, failed, performance.now() - started);
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
  const waits: number[] = [];
  const started = performance.now();
  let failed = 0;
  const guests = perStore * target.slugs.length;
  await Promise.all(
    Array.from({ length: guests }, async () => {
      await pause(random() * within * 1000);
      const done = await oneGuest(target, waits, () => pause(2000 + random() * 8000));
      if (!done) failed++;
    }),
  );
  return summary(waits, guests, failed, performance.now() - started);
}
