/** A database that keeps secrets of settings sealed, so that no feature has to remember to. */
import type { Database, Queryable, Row, Rows } from '../db/database.ts';
import { settingsParameter } from '../stores/queries.ts';
import type { Vault } from '../stores/secrets.ts';

/** Opens the column `settings` of whatever is read, seals the settings of whatever is written. */
export function sealSettings(db: Database, vault: Vault): Database {
  const through = (inner: Queryable): Queryable => ({
    async query<R extends Row>(text: string, params?: readonly unknown[]): Promise<Rows<R>> {
      const at = settingsParameter(text) - 1;
      const sealed =
        at < 0 ? params : params?.map((value, i) => (i === at ? closed(vault, value) : value));
      const answer = await inner.query<R>(text, sealed);
      for (const row of answer.rows) {
        if ('settings' in row) Object.assign(row, { settings: vault.open(row['settings']) });
      }
      return answer;
    },
  });
  return {
    engine: db.engine,
    ...through(db),
    tx: (work, options) => db.tx((tx) => work(through(tx)), options),
    listen: (channel, onMessage) => db.listen(channel, onMessage),
    close: () => db.close(),
  };
}

function closed(vault: Vault, json: unknown): unknown {
  return typeof json === 'string' ? JSON.stringify(vault.close(JSON.parse(json))) : json;
}
