/** How often one caller may send codes that do not exist, before it has to wait. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { problem } from '../errors.ts';

/** Wrong codes a caller may send in one window. Guessing one of 2^40 codes this way is hopeless. */
export const WRONG_CODES = 60;
const WINDOW_SECONDS = 300;
/** Callers remembered at most; the one that has been silent longest is forgotten first. */
const MOST_CALLERS = 5_000;

export interface WrongCodes {
  /** Throws `too-many-requests` for a caller that has guessed too often. */
  check(caller: string): Promise<void>;
  /** Notes a wrong code. */
  note(caller: string): Promise<void>;
}

export function createWrongCodes(
  points = WRONG_CODES,
  duration = WINDOW_SECONDS,
  callers = MOST_CALLERS,
): WrongCodes {
  const limiter = new RateLimiterMemory({ points, duration });
  const remembered = new Set<string>();
  return {
    async check(caller) {
      const state = await limiter.get(caller);
      if (state === null || state.consumedPoints < points) return;
      throw problem('too-many-requests', {
        detail: 'Too many codes that do not exist. Check how codes are scanned, then try again.',
        retryAfter: Math.max(1, Math.ceil(state.msBeforeNext / 1000)),
      });
    },
    async note(caller) {
      remembered.delete(caller);
      remembered.add(caller);
      const oldest = remembered.size > callers ? [...remembered.values()][0] : undefined;
      if (oldest !== undefined) {
        remembered.delete(oldest);
        await limiter.delete(oldest);
      }
      await limiter.penalty(caller);
    },
  };
}
