/** What storage said a moment ago, kept in this process for when it is away: bounded in number and time. */
import { codeOf } from '../db/failures.ts';

export interface MemoryOptions<T> {
  clock: () => number;
  /** How long something kept may stand in for storage, ms. */
  keepMs: number;
  most: number;
  /** Whether this is worth keeping. */
  worth?: (value: T) => boolean;
}

/** No connection, none free, or none in time: no answer of storage's. */
const AWAY = /^(08|53|57P|57014)/;
const UNREACHED = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE']);
/** So long storage is left alone after it failed, when there is something to answer with. */
const PAUSE_MS = 1_000;

/** Whether a failure says that storage is away, rather than that it refused. */
function isAway(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return AWAY.test(codeOf(error)) || (typeof code === 'string' && UNREACHED.has(code));
}

/** Reads through to storage; answers from memory only while storage is away. */
export function createMemory<T>({ clock, keepMs, most, worth = () => true }: MemoryOptions<T>) {
  const kept = new Map<string, { value: T; at: number }>();
  let awayUntil = 0;

  function keep(key: string, value: T): void {
    kept.delete(key);
    if (!worth(value)) return;
    kept.set(key, { value, at: clock() });
    if (kept.size > most) kept.delete(kept.keys().next().value!);
  }

  function recall(key: string): { value: T } | null {
    const known = kept.get(key);
    return known && clock() - known.at <= keepMs ? known : null;
  }

  return {
    async through(key: string, read: () => Promise<T>): Promise<T> {
      const known = clock() < awayUntil ? recall(key) : null;
      if (known) return known.value;
      try {
        const value = await read();
        keep(key, value);
        return value;
      } catch (error) {
        if (!isAway(error)) throw error;
        awayUntil = clock() + PAUSE_MS;
        const before = recall(key);
        if (!before) throw error;
        return before.value;
      }
    },
  };
}

/** As long as one page takes from its look at the session to its look for offers. */
const PAGE_MS = 250;
const MOST_PAGES = 1_000;

/** What a page has just read, for its own next question: handed out once. `now` in ms. */
export function createJustSeen(now: () => number = () => performance.now()) {
  const kept = new Map<string, { at: number; guestId: string | null }>();
  return {
    keep(name: string, guestId: string | null): void {
      kept.delete(name);
      kept.set(name, { at: now(), guestId });
      const [oldest] = kept.keys();
      if (kept.size > MOST_PAGES && oldest !== undefined) kept.delete(oldest);
    },
    take(name: string): string | null | undefined {
      const seen = kept.get(name);
      kept.delete(name);
      return seen && now() - seen.at < PAGE_MS ? seen.guestId : undefined;
    },
  };
}
