/** How often a sign-in may fail: per account and network, per account, per network; keys capped in number. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from '../http/network.ts';
import { hashToken } from '../ids.ts';

export interface Budget {
  /** Failures allowed within `seconds`. */
  points: number;
  seconds: number;
}

export interface ThrottleSettings {
  /** One account from one network: someone guessing. */
  pair: Budget;
  /** One account from anywhere: many machines guessing. Wider, so that a stranger cannot lock an owner out cheaply. */
  account: Budget;
  /** One network, any account: someone trying leaked lists. */
  network: Budget;
  /** Keys remembered per table; the oldest is forgotten first. */
  keys: number;
}

export const usualThrottle: ThrottleSettings = {
  pair: { points: 5, seconds: 900 },
  account: { points: 25, seconds: 900 },
  network: { points: 50, seconds: 900 },
  keys: 20_000,
};

export interface Throttle {
  /** Takes one try; null when it may go on, else the seconds to wait. Success gives the tries back. */
  take(email: string, ip: string): Promise<number | null>;
  succeeded(email: string, ip: string): Promise<void>;
}

export function createThrottle(settings: ThrottleSettings = usualThrottle): Throttle {
  const tables = [settings.pair, settings.account, settings.network].map((budget) =>
    cappedLimiter(budget, settings.keys),
  );
  return {
    take: async (email, ip) => {
      const waits = await Promise.all(
        keysOf(email, ip).map((key, index) => tables[index]!.take(key)),
      );
      const longest = Math.max(...waits);
      return longest > 0 ? longest : null;
    },
    succeeded: async (email, ip) => {
      const [pair, account, network] = keysOf(email, ip);
      await tables[0]!.forget(pair!);
      await tables[1]!.forget(account!);
      await tables[2]!.giveBack(network!);
    },
  };
}

function keysOf(email: string, ip: string): string[] {
  const account = hashToken(email).toString('base64url');
  const network = networkOf(ip);
  return [`${account} ${network}`, account, network];
}

interface Limiter {
  take(key: string): Promise<number>;
  giveBack(key: string): Promise<void>;
  forget(key: string): Promise<void>;
}

/** The library's table grows with every key it hears; this one forgets the oldest. */
function cappedLimiter(budget: Budget, cap: number): Limiter {
  const limiter = new RateLimiterMemory({ points: budget.points, duration: budget.seconds });
  const known = new Set<string>();
  const remember = async (key: string): Promise<void> => {
    known.delete(key);
    known.add(key);
    if (known.size <= cap) return;
    const [oldest] = known;
    if (oldest === undefined) return;
    known.delete(oldest);
    await limiter.delete(oldest);
  };
  return {
    take: async (key) => {
      await remember(key);
      try {
        await limiter.consume(key);
        return 0;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return Math.ceil(refusal.msBeforeNext / 1000) || 1;
        throw refusal;
      }
    },
    giveBack: async (key) => {
      await limiter.reward(key);
    },
    forget: async (key) => {
      known.delete(key);
      await limiter.delete(key);
    },
  };
}
