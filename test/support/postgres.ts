/** Databases on a real PostgreSQL for tests: one migrated template, cloned per test file. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Database } from '../../server/db/database.ts';
import { migrate, migrationsChecksum, readMigrations } from '../../server/db/migrate.ts';
import { openPool } from '../../server/db/pool.ts';
import { ensureRole } from '../../server/db/role.ts';

/** The tests connect as this role: no superuser, so that row-level security is the real thing. */
export const TEST_LOGIN = 'foyer_test';
const PASSWORD = 'foyer_test';
const CLUSTER_LOCK = 0x666f7465;

/** `url` with another database, and as the test login unless `admin`. */
export function urlOf(adminUrl: string, database: string, admin = false): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  if (!admin) {
    url.username = TEST_LOGIN;
    url.password = PASSWORD;
  }
  return url.href;
}

/** Runs `work` with an administrator's connection. */
export async function asAdmin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function withPool(url: string, work: (db: Database) => Promise<unknown>): Promise<void> {
  const db = await openPool(url, { max: 1 });
  try {
    await work(db);
  } finally {
    await db.close();
  }
}

/** The login and the application's role, whoever comes first. */
async function ensureLogin(adminUrl: string, admin: pg.Client): Promise<void> {
  await admin.query(`do $$ begin
    create role ${TEST_LOGIN} login password '${PASSWORD}' nosuperuser nobypassrls;
  exception when duplicate_object then null; end $$`);
  await withPool(adminUrl, ensureRole);
  await admin.query(`grant foyer_app to ${TEST_LOGIN}`);
}

/** An empty database that the test login owns, with PostGIS in it. */
export async function emptyDatabase(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [CLUSTER_LOCK]);
    await ensureLogin(adminUrl, admin);
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.query(`create database ${name} owner ${TEST_LOGIN}`);
  });
  await asAdmin(urlOf(adminUrl, name, true), (admin) => admin.query('create extension postgis'));
}

export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`));
}

function running(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Clones whose process died on this machine before it could drop them, and databases of other days. */
export async function sweepDatabases(adminUrl: string): Promise<void> {
  const local = /^(localhost|127\.|\[::1\])/.test(new URL(adminUrl).hostname);
  await asAdmin(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string; old: boolean }>(
      `select datname as name, (pg_stat_file('base/' || oid || '/PG_VERSION')).modification
                < now() - interval '1 day' as old
         from pg_database where datname ~ '^foyer_(clone|template|building)_'`,
    );
    for (const { name, old } of rows) {
      const pid = Number(/^foyer_clone_(?:[a-z]+_)?(\d+)/.exec(name)?.[1] ?? 0);
      if (!old && !(local && pid > 0 && !running(pid))) continue;
      // Without force: a database that someone uses stays.
      await admin.query(`drop database if exists ${name}`).catch(() => {});
    }
  });
}

/** Builds the template of these migrations unless it is there; safe against parallel runs. */
export async function ensureTemplate(adminUrl: string): Promise<string> {
  const template = `foyer_template_${migrationsChecksum(readMigrations())}`;
  const there = async (admin: pg.Client): Promise<boolean> =>
    (await admin.query('select 1 from pg_database where datname = $1', [template])).rowCount === 1;
  await asAdmin(adminUrl, async (admin) => {
    if (await there(admin)) return;
    const building = `foyer_building_${randomBytes(6).toString('hex')}`;
    await emptyDatabase(adminUrl, building);
    await withPool(urlOf(adminUrl, building), migrate);
    await admin.query('select pg_advisory_lock($1)', [CLUSTER_LOCK]);
    // Only a finished template ever bears the name; a second builder throws its own away.
    if (await there(admin)) await admin.query(`drop database ${building} with (force)`);
    else await admin.query(`alter database ${building} rename to ${template}`);
  });
  return template;
}

/** A clone of the template under a name of its own. */
export async function cloneTemplate(adminUrl: string): Promise<string> {
  const template = await ensureTemplate(adminUrl);
  const name = `foyer_clone_${process.pid}_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, (admin) =>
    admin.query(`create database ${name} template ${template} owner ${TEST_LOGIN}`),
  );
  return name;
}
