/** The PostgreSQL pool when the network or the server fails: clear codes, and it comes back by itself. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { openPool } from '../../server/db/pool.ts';
import { postgresTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';

test('nobody at home is a connection failure', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const open = openPool(`postgres://u:p@127.0.0.1:${port}/d`);
  await expect(open).rejects.toMatchObject({ code: '08006' });
});

test('a server that never answers is given up', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = openPool(`postgres://u:p@127.0.0.1:${port}/d`, { connectionTimeout: 200 });
  await expect(open).rejects.toMatchObject({ code: '08006' });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

requirePart('PostgreSQL with PostGIS (set TEST_DATABASE_URL)', partPresent.postgres)(
  'PostgreSQL',
  () => {
    let target: TestDatabase;
    let db: Database;
    const told: string[] = [];
    const others = `select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid()`;

    beforeAll(async () => {
      target = await postgresTestDatabase(postgresUrl as string);
      db = await openPool(target.url as string, {
        max: 2,
        connectionTimeout: 400,
        statementTimeout: 1_000,
        idleTransactionTimeout: 300,
        onError: (error) => told.push(error.message),
      });
    }, 120_000);
    afterAll(async () => {
      await db?.close();
      await target?.release();
    });

    test('a statement over the limit is cancelled outside transactions too', async () => {
      await expect(db.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' });
    });

    test('a statement that comes often is kept prepared, for a merchant apart from the house', async () => {
      const own = await openPool(target.url as string, { max: 1 });
      const kept = 'select $1::int as often';
      const tenant = '01900000-0000-7000-8000-000000000001';
      for (let i = 0; i < 12; i++) {
        expect((await own.query(kept, [i])).rows).toEqual([{ often: i }]);
        const asked = await own.tx((tx) => tx.query(kept, [i]), { tenant });
        expect(asked.rows).toEqual([{ often: i }]);
      }
      const { rows } = await own.query('select statement from pg_prepared_statements');
      await own.close();
      expect(rows).toEqual([{ statement: kept }, { statement: kept }]);
    });

    test('a table changed by a migration meanwhile is read anew by whoever kept a statement', async () => {
      const own = await openPool(target.url as string, { max: 1 });
      const read = () => own.tx((tx) => tx.query('select * from changing where id >= $1', [0]));
      const alone = () => own.query('select changing.* from changing where id >= $1', [0]);
      await target.db.query('create table changing (id int)');
      await target.db.query('insert into changing values (1)');
      for (let i = 0; i < 10; i++) await Promise.all([read(), alone()]);
      await target.db.query('alter table changing add column more int default 7');
      expect((await read()).rows).toEqual([{ id: 1, more: 7 }]);
      await target.db.query('alter table changing drop column more');
      expect((await alone()).rows).toEqual([{ id: 1 }]);
      await own.close();
    });

    test('a full pool refuses after its waiting time', async () => {
      const hold = (): Promise<unknown> => db.query('select pg_sleep(0.9)');
      const held = [hold(), hold()];
      await expect(db.query('select 1')).rejects.toMatchObject({ code: '08006' });
      await Promise.all(held);
      expect((await db.query('select 1 as v')).rows).toEqual([{ v: 1 }]);
    });

    test('a backend that dies inside a transaction fails it, and the next one works', async () => {
      const work = db.tx(async (tx) => {
        await tx.query('select 1');
        await target.db.query(others);
        await tx.query('select 2');
      });
      await expect(work).rejects.toMatchObject({ code: expect.stringMatching(/^(57P01|08006)$/) });
      // The pool's other connection died unnoticed: a transaction that finds it so begins on a new one.
      const next = await db.tx((tx) => tx.query('select 1 as v'));
      expect(next.rows).toEqual([{ v: 1 }]);
    });

    test('a transaction left idle is ended by the server', async () => {
      const work = db.tx(async (tx) => {
        await tx.query('select 1');
        await target.db.query('select pg_sleep(0.8)');
        await tx.query('select 2');
      });
      await expect(work).rejects.toMatchObject({ code: expect.stringMatching(/^(25P03|08006)$/) });
    });

    test('a listener hears again after its connection was cut', async () => {
      let got: ((payload: string) => void) | undefined;
      const heard = new Promise<string>((resolve) => (got = resolve));
      const stop = await db.listen('hints', (payload) => got?.(payload));
      await target.db.query(others);
      // Hints may be missed meanwhile, so they are sent until one arrives.
      const sender = setInterval(() => {
        target.db.query("select pg_notify('hints', 'back')").catch(() => {});
      }, 100);
      expect(await heard).toBe('back');
      clearInterval(sender);
      await stop();
      expect(told.length).toBeGreaterThan(0);
    });

    test('deadlocks are settled by trying again', async () => {
      await target.db.query('create table pair (id int primary key, n int not null default 0)');
      await target.db.query('insert into pair values (1), (2)');
      let runs = 0;
      let meet: (() => void) | undefined;
      const met = new Promise<void>((resolve) => (meet = resolve));
      const add = (first: number, second: number): Promise<unknown> =>
        target.db.tx(async (tx) => {
          await tx.query('update pair set n = n + 1 where id = $1', [first]);
          // Both hold one row before either asks for the other's.
          if (++runs === 2) meet?.();
          await met;
          await tx.query('update pair set n = n + 1 where id = $1', [second]);
        });
      await Promise.all([add(1, 2), add(2, 1)]);
      expect(runs).toBeGreaterThan(2);
      const { rows } = await target.db.query('select n from pair order by id');
      expect(rows).toEqual([{ n: 2 }, { n: 2 }]);
    });
  },
);
