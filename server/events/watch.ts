/** A database that says when events were committed, so that no feature has to remember to. */
import type { Database, Queryable } from '../db/database.ts';
import { isEventInsert } from './outbox.ts';

/** Calls `onCommit` after each transaction in which events were appended. */
export function watchEvents(db: Database, onCommit: () => void): Database {
  return {
    engine: db.engine,
    query: (text, params) => db.query(text, params),
    listen: (channel, onMessage) => db.listen(channel, onMessage),
    close: () => db.close(),
    async tx(work, options) {
      let wrote = false;
      const result = await db.tx((tx) => {
        wrote = false;
        const watched: Queryable = {
          query(text, params) {
            if (isEventInsert(text)) wrote = true;
            return tx.query(text, params);
          },
        };
        return work(watched);
      }, options);
      if (wrote) onCommit();
      return result;
    },
  };
}
