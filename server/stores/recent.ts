/** Stores as read a moment ago, for the many pages of one guest; a change made here is seen at once. */
import type { Database, Queryable } from '../db/database.ts';

/** So long another process's change may go unseen: a guest may agree to the words before it, and the ledger says so. */
const KEEP_MS = 1_000;
const MOST_KEPT = 1_000;

/** Writes what a page shows of a store; when a gateway was last heard is not among it. */
const CHANGES =
  /^\s*(?:insert into|delete from|update) (?:stores|gateways)\b(?! set last_heard_at)/i;

export interface RecentStores<S> {
  /** Reads through, unless it was read within the last second and nothing was changed since. */
  through(slug: string, read: () => Promise<S>): Promise<S>;
  /** Something about stores or gateways was committed. */
  changed(): void;
}

/** `now` in ms, of a clock that never steps back. */
export function recentStores<S>(now: () => number = () => performance.now()): RecentStores<S> {
  const kept = new Map<string, { at: number; store: Promise<S> }>();
  return {
    through(slug, read) {
      const known = kept.get(slug);
      if (known && now() - known.at < KEEP_MS) return known.store;
      const entry = { at: now(), store: read() };
      // One that could not be read, or is not there, is asked for again.
      const drop = (): void => {
        if (kept.get(slug) === entry) kept.delete(slug);
      };
      entry.store.then((store) => store === null && drop(), drop);
      kept.delete(slug);
      kept.set(slug, entry);
      const [oldest] = kept.keys();
      if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
      return entry.store;
    },
    changed: () => kept.clear(),
  };
}

/** Calls `onChange` after each statement or transaction that changed a store or a gateway. */
export function watchStores(db: Database, onChange: () => void): Database {
  return {
    engine: db.engine,
    async query(text, params) {
      const answer = await db.query(text, params);
      if (CHANGES.test(text)) onChange();
      return answer as never;
    },
    async tx(work, options) {
      let wrote = false;
      const result = await db.tx((tx) => {
        const watched: Queryable = {
          query(text, params) {
            wrote ||= CHANGES.test(text);
            return tx.query(text, params);
          },
        };
        return work(watched);
      }, options);
      if (wrote) onChange();
      return result;
    },
    listen: (channel, onMessage) => db.listen(channel, onMessage),
    close: () => db.close(),
  };
}
