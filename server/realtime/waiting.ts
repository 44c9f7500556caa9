/** Guests' pages that wait for an offer: one promise per page, woken by the event, bounded in number. */
import type { Subscriber } from '../events/dispatch.ts';

export interface Waiting {
  /** Resolves when an offer is issued to this guest, after `waitMs`, or when aborted. */
  forOffer: (guestId: string, waitMs: number, signal?: AbortSignal) => Promise<void>;
  deliver: Subscriber;
  /** Lets everybody go at once, for a quick stop. */
  release(): void;
}

/** Beyond this many pages an answer is given at once; the page asks again at its own pace. */
const mostWaiting = 5_000;

export function createWaiting(): Waiting {
  const waiters = new Map<string, Set<() => void>>();
  let count = 0;
  return {
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
