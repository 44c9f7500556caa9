/** A transaction that asks for time, as migrations do, gets it from both ends of the connection. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { openPool } from '../../server/db/pool.ts';
import { postgresTestDatabase } from '../support/database.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';

requirePart('PostgreSQL with PostGIS (set TEST_DATABASE_URL)', partPresent.postgres)(
  'PostgreSQL',
  () => {
    let target: TestDatabase;
    let db: Database;
    beforeAll(async () => {
      target = await postgresTestDatabase(postgresUrl as string);
      db = await openPool(target.url as string, { max: 1, statementTimeout: 100 });
    }, 120_000);
    afterAll(async () => {
      await db?.close();
      await target?.release();
    });

    test('a statement may take longer than the client waits otherwise', async () => {
      const slow = (ms: number) =>
        db.tx((tx) => tx.query("select 'done' as v from pg_sleep(5.5)"), { statementTimeout: ms });
      expect((await slow(0)).rows).toEqual([{ v: 'done' }]);
      // The same connection is back under its usual limit.
      await expect(db.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' });
    }, 30_000);
  },
);
