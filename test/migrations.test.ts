/** Migrations: empty to newest, once each, safe side by side, and refusals that name the file. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '../server/db/database.ts';
import { openEmbedded } from '../server/db/embedded.ts';
import { migrate, migrationsChecksum, readMigrations } from '../server/db/migrate.ts';
import { openPool } from '../server/db/pool.ts';
import { testFolder } from './support/folder.ts';
import { partPresent, postgresUrl, requirePart } from './support/parts.ts';
import { asAdmin, dropDatabase, emptyDatabase, urlOf } from './support/postgres.ts';

const folder = testFolder();
const files = readMigrations();
const real = path.resolve(import.meta.dirname, '../server/db/migrations');

/** A folder with these migrations: the real ones, then the given extra ones. */
function folderWith(name: string, extra: Record<string, string>, upTo = files.length): string {
  const made = path.join(folder, name);
  mkdirSync(made, { recursive: true });
  for (const file of files.slice(0, upTo)) {
    copyFileSync(path.join(real, file.name), path.join(made, file.name));
  }
  for (const [file, sql] of Object.entries(extra)) writeFileSync(path.join(made, file), sql);
  return made;
}

const nextNumber = String(files.length + 1).padStart(4, '0');
const afterNext = String(files.length + 2).padStart(4, '0');

interface Empty {
  db: Database;
  /** A second way in, for what happens side by side; the same database where there is only one. */
  other: Database;
  release(): Promise<void>;
}

function contract(open: () => Promise<Empty>): void {
  let target: Empty;
  let db: Database;
  const applied = async (): Promise<unknown[]> =>
    (await db.query('select name from foyer_migrations order by number')).rows.map(
      (r) => r['name'],
    );

  beforeAll(async () => {
    target = await open();
    ({ db } = target);
  }, 120_000);
  afterAll(() => target?.release());

  // In order: each test starts from where the one before it left the database.
  test('two at once bring an empty database to the newest, each file once', async () => {
    const [one, two] = await Promise.all([migrate(db), migrate(target.other)]);
    expect([...one, ...two].toSorted()).toEqual(files.map(({ name }) => name));
    expect(await applied()).toEqual(files.map(({ name }) => name));
  });

  test('a second run has nothing to do', async () => {
    expect(await migrate(db)).toEqual([]);
  });

  test('a row that the house deletes finds what hangs on it by an index', async () => {
    // Not merchants and stores, which are never deleted; not tables that grow with the shop's own work only.
    const { rows } = await db.query<{ key: string }>(
      `select c.conrelid::regclass || ' (' || a.attname || ')' as key
       from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
       where c.contype = 'f'
         and c.confrelid::regclass::text not in ('merchants', 'stores')
         and c.conrelid::regclass::text not in ('fences', 'rules', 'connection_notices')
         and not exists (
           select 1 from pg_index i
           where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1]
             and coalesce(pg_get_expr(i.indpred, i.indrelid) = '(' || a.attname || ' IS NOT NULL)', true))
       order by 1`,
    );
    expect(rows.map((row) => row.key)).toEqual([]);
  });

  test('a file that fails leaves nothing of itself', async () => {
    const bad = folderWith('bad', { [`${nextNumber}_bad.sql`]: 'create table half (); selec 1;' });
    await expect(migrate(db, { folder: bad })).rejects.toMatchObject({ code: '42601' });
    expect((await db.query("select to_regclass('half') as t")).rows).toEqual([{ t: null }]);
    expect(await applied()).toHaveLength(files.length);
  });

  test('the release after this one adds its file only, and tells of it', async () => {
    const steps: string[] = [];
    const next = folderWith('next', { [`${nextNumber}_more.sql`]: 'create table more ();' });
    await migrate(db, { folder: next, onStep: (name) => steps.push(name) });
    expect(steps).toEqual([`${nextNumber}_more.sql`]);
  });

  test('a database newer than the code is refused by the name of its file', async () => {
    await expect(migrate(db)).rejects.toThrow(`${nextNumber}_more.sql`);
    await expect(migrate(db)).rejects.toThrow('newer than this release');
  });

  test('an edited file is refused by name, a checkout with other line ends is not', async () => {
    const sql = 'create table more ();';
    const edited = folderWith('edited', { [`${nextNumber}_more.sql`]: `${sql} -- edited` });
    await expect(migrate(db, { folder: edited })).rejects.toThrow(`${nextNumber}_more.sql`);
    const windows = folderWith('windows', { [`${nextNumber}_more.sql`]: sql });
    const first = files[0]?.name ?? '';
    const text = readFileSync(path.join(real, first), 'utf8').replaceAll('\n', '\r\n');
    writeFileSync(path.join(windows, first), text);
    expect(await migrate(db, { folder: windows })).toEqual([]);
  });
}

describe('embedded engine', () => {
  contract(async () => {
    const db = await openEmbedded({ folder: null });
    return { db, other: db, release: () => db.close() };
  });
});

requirePart('PostgreSQL with PostGIS (set TEST_DATABASE_URL)', partPresent.postgres)(
  'PostgreSQL, as a login without special rights',
  () => {
    const admin = postgresUrl as string;
    const name = `foyer_clone_migrations_${process.pid}`;

    contract(async () => {
      await emptyDatabase(admin, name);
      const db = await openPool(urlOf(admin, name), { max: 2 });
      const other = await openPool(urlOf(admin, name), { max: 2 });
      return {
        db,
        other,
        async release() {
          await db.close();
          await other.close();
          await dropDatabase(admin, name);
        },
      };
    });

    test('a user who may not take the role is told what an administrator has to do', async () => {
      const poor = `foyer_poor_${process.pid}`;
      const database = `foyer_clone_poor_${process.pid}`;
      await asAdmin(admin, (client) =>
        client.query(`create role ${poor} login password 'poor' nosuperuser`),
      );
      try {
        await emptyDatabase(admin, database);
        const url = new URL(urlOf(admin, database));
        url.username = poor;
        url.password = 'poor';
        const db = await openPool(url.href, { max: 1 });
        await expect(migrate(db)).rejects.toThrow(/create role foyer_app nologin; grant foyer_app/);
        await db.close();
      } finally {
        await dropDatabase(admin, database);
        await asAdmin(admin, (client) => client.query(`drop role ${poor}`));
      }
    });
  },
);

describe('the files', () => {
  test('are numbered without gaps and named in words', () => {
    expect(files.map(({ number }) => number)).toEqual(files.map((_file, at) => at + 1));
    const gap = folderWith('gap', { [`${afterNext}_gap.sql`]: 'select 1;' });
    expect(() => readMigrations(gap)).toThrow(`${afterNext}_gap.sql`);
    const odd = folderWith('odd', { 'Later.sql': 'select 1;' });
    expect(() => readMigrations(odd)).toThrow('Later.sql');
  });

  test('have one checksum that any change moves', () => {
    const other = readMigrations(folderWith('other', { [`${nextNumber}_x.sql`]: 'select 1;' }));
    expect(migrationsChecksum(other)).not.toBe(migrationsChecksum(files));
    expect(migrationsChecksum(readMigrations(folderWith('same', {})))).toBe(
      migrationsChecksum(files),
    );
  });
});
