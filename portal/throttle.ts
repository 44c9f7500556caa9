/** How often one address may fail at something before it is not listened to for a while. */
import type { Clock } from './ports.ts';

const MAX_KEPT = 5_000;

export interface Throttle {
  /** Whether this address has failed too often lately. */
  full(address: string): boolean;
  fail(address: string): void;
}

/** Counted in this process only, in fixed windows; the oldest entry gives way when there are too many. */
export function createThrottle(
  clock: Clock,
  { most, windowMs }: { most: number; windowMs: number },
): Throttle {
  const kept = new Map<string, { until: number; count: number }>();
  const current = (address: string) => {
    const entry = kept.get(address);
    return entry !== undefined && entry.until > clock() ? entry : undefined;
  };
  return {
    full: (address) => (current(address)?.count ?? 0) >= most,
    fail(address) {
      const entry = current(address) ?? { until: clock() + windowMs, count: 0 };
      entry.count += 1;
      kept.delete(address);
      kept.set(address, entry);
      const oldest = kept.keys().next().value;
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    },
  };
}
