/** Guests' pages that wait for an offer: one promise per page, woken by the event, bounded in number. */
import type { Subscriber } from '../events/dispatch.ts';

export interface Waiting {
  /** Resolves when an offer is issued to this guest, after `waitMs`, or when aborted. */
  forOffer: (guestId: string, waitMs: number, signal?: AbortSignal) => Promise<void>;
  deliver: Subscriber;
  /** Somebody is being let in: for a moment, rules may have an offer for them. */
  expect: (guestId: string) => void;
  /** Resolves when rules have heard of the admission expected; null when none is, or for too long. */
  heard: (guestId: string) => Promise<void> | null;
  /** The last of the subscribers: whatever an admission brings has been brought. */
  settle: Subscriber;
  /** Lets everybody go at once, for a quick stop. */
  release(): void;
}

/** Beyond this many pages an answer is given at once; the page asks again at its own pace. */
const mostWaiting = 5_000;
/** An admission that rules have not heard of by then was heard of by another process. */
const expectMs = 1_000;

interface Expected {
  until: number;
  heard: Promise<void>;
  resolve: () => void;
}

/** Admissions on their way to the rules, by guest; the oldest go first when there are too many. */
function expectations(): Pick<Waiting, 'expect' | 'heard' | 'settle'> {
  const open = new Map<string, Expected>();

  function drop(guestId: string): void {
    open.get(guestId)?.resolve();
    open.delete(guestId);
  }

  return {
    expect(guestId) {
      drop(guestId);
      let resolve = (): void => undefined;
      const heard = new Promise<void>((done) => {
        resolve = done;
      });
      open.set(guestId, { until: performance.now() + expectMs, heard, resolve });
      const [oldest] = open.keys();
      if (open.size > mostWaiting && oldest !== undefined) drop(oldest);
    },
    heard(guestId) {
      const expected = open.get(guestId);
      if (expected && expected.until > performance.now()) return expected.heard;
      drop(guestId);
      return null;
    },
    async settle(event) {
      if (event.type === 'guest.admitted' && event.guestId !== null) drop(event.guestId);
    },
  };
}

export function createWaiting(): Waiting {
  const waiters = new Map<string, Set<() => void>>();
  let count = 0;
  return {
    ...expectations(),
    async forOffer(guestId, waitMs, signal) {
      if (waitMs <= 0 || count >= mostWaiting || signal?.aborted) return;
      const mine = waiters.get(guestId) ?? new Set();
      waiters.set(guestId, mine);
      count += 1;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, waitMs);
        function done(): void {
          if (!mine.delete(done)) return;
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          if (mine.size === 0) waiters.delete(guestId);
          count -= 1;
          resolve();
        }
        mine.add(done);
        signal?.addEventListener('abort', done, { once: true });
      });
    },
    async deliver(event) {
      if (event.type !== 'offer.issued' || event.guestId === null) return;
      for (const wake of waiters.get(event.guestId) ?? []) wake();
    },
    release() {
      for (const mine of waiters.values()) for (const wake of mine) wake();
    },
  };
}
