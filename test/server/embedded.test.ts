/** The embedded engine alone: its folder, its lock, its watchdog, its tarballs, its housekeeping. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { wantsCopyIn } from '../../server/db/copy-guard.ts';
import { openEmbedded } from '../../server/db/embedded.ts';
import { lockFolder } from '../../server/db/folder-lock.ts';
import { openDatabase } from '../../server/db/open.ts';
import { tidy } from '../../server/db/tidy.ts';
import { testFolder } from '../support/folder.ts';

const folder = testFolder();
const ENDLESS = 'select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b';

async function deadPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid as number;
}

test('a folder keeps its rows, refuses a second opener by pid, and survives its watchdog', async () => {
  const data = path.join(folder, 'one');
  const first = await openDatabase({ folder: data });
  await first.query('create table t (id int primary key)');
  await first.query('insert into t values (1)');
  await expect(openDatabase({ folder: data })).rejects.toThrow(`in use by process ${process.pid}`);
  await tidy(first);
  await first.close();
  await first.close();
  expect(existsSync(path.join(data, 'lock'))).toBe(false);

  const told: string[] = [];
  const onError = (error: Error): void => void told.push(error.message);
  const again = await openEmbedded({ folder: data, statementTimeout: 300, onError });
  const results = await Promise.allSettled([
    again.query(ENDLESS),
    again.query('select id from t'),
    again.tx((tx) => tx.query('insert into t values (2) returning id')),
  ]);
  expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: '57014' } });
  expect(results[1]).toMatchObject({ status: 'fulfilled', value: { rows: [{ id: 1 }] } });
  expect(results[2]).toMatchObject({ status: 'fulfilled', value: { rows: [{ id: 2 }] } });
  expect(told.join()).toContain('stopped');
  const settings = "select current_setting('fsync') as f, current_setting('wal_sync_method') as m";
  expect((await again.query(settings)).rows).toEqual([{ f: 'on', m: 'fsync' }]);
  await again.dump(path.join(folder, 'copy.tar.gz'));
  await again.close();

  const copy = await openEmbedded({ folder: null, template: path.join(folder, 'copy.tar.gz') });
  expect((await copy.query('select id from t order by id')).rows).toEqual([{ id: 1 }, { id: 2 }]);
  // In memory there is nothing to reopen: saying so is better than an empty database.
  const lost = copy.tx((tx) => tx.query(ENDLESS), { statementTimeout: 300 });
  await expect(lost).rejects.toMatchObject({ code: '57014' });
  await expect(copy.query('select 1')).rejects.toMatchObject({ code: '57P01' });
  await copy.close();
}, 120_000);

test('a first start that was cut off is begun again, a foreign version is refused', async () => {
  const data = path.join(folder, 'half');
  const half = await openEmbedded({ folder: data });
  await half.query('create table t ()');
  await half.close();
  rmSync(path.join(data, 'ready'));
  const anew = await openEmbedded({ folder: data });
  expect((await anew.query("select to_regclass('t') as t")).rows).toEqual([{ t: null }]);
  await anew.close();
  writeFileSync(path.join(data, 'pg', 'PG_VERSION'), '17\n');
  await expect(openEmbedded({ folder: data })).rejects.toThrow('made by PostgreSQL 17');
  expect(existsSync(path.join(data, 'lock'))).toBe(false);
}, 120_000);

test('the lock of a dead process is taken over, once', async () => {
  const data = path.join(folder, 'lock-dead');
  const release = await lockFolder(data);
  const file = path.join(data, 'lock');
  const mine = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  release();
  writeFileSync(file, JSON.stringify({ ...mine, pid: await deadPid() }));
  const takers = await Promise.allSettled([lockFolder(data), lockFolder(data), lockFolder(data)]);
  expect(takers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const taker of takers) if (taker.status === 'fulfilled') taker.value();
});

test('a reused pid is not mistaken for the holder, another host is asked by its heartbeat', async () => {
  const data = path.join(folder, 'lock-reused');
  const release = await lockFolder(data);
  const file = path.join(data, 'lock');
  const mine = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  release();
  writeFileSync(file, JSON.stringify({ ...mine, started: '1' }));
  (await lockFolder(data))();
  writeFileSync(file, JSON.stringify({ ...mine, host: 'elsewhere' }));
  await expect(lockFolder(data)).rejects.toThrow('on host elsewhere');
  writeFileSync(file, 'not json');
  (await lockFolder(data))();
});

test.each([
  ['copy t from stdin', true],
  ['select 1; COPY "my table" (a, b) FROM\n STDIN (format csv)', true],
  ['copy t from/**/stdin', true],
  ["copy t to '/dev/null'", false],
  ["select 'copy t from stdin'", false],
  ['select $a$; copy t from stdin$a$', false],
  ['-- copy t from stdin\nselect 1', false],
  ['select copy, stdin from t', false],
])('COPY guard: %s is %s', (text, expected) => {
  expect(wantsCopyIn(text)).toBe(expected);
});
