/** A fresh, migrated database per test file: a clone on PostgreSQL, else the embedded engine. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../../server/db/database.ts';
import { openEmbedded } from '../../server/db/embedded.ts';
import { migrate, migrationsChecksum, readMigrations } from '../../server/db/migrate.ts';
import { openPool } from '../../server/db/pool.ts';
import { cloneTemplate, dropDatabase, ensureTemplate, sweepDatabases, urlOf } from './postgres.ts';

export interface TestDatabase {
  db: Database;
  /** PostgreSQL only: for a second pool or another process. */
  url?: string;
  /** Closes it and leaves nothing behind. */
  release(): Promise<void>;
}

const BUILD_TAKES_AT_MOST = 120_000;

/** Which engine the suite runs on: PostgreSQL when TEST_DATABASE_URL is set. */
export const suiteUrl = process.env['TEST_DATABASE_URL'] || undefined;

function cacheFolder(): string {
  const folder = path.join(tmpdir(), `foyer-test-${userInfo().username}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Tarball of an embedded database with all migrations; built by whoever comes first. */
export async function embeddedTemplate(): Promise<string> {
  const file = path.join(cacheFolder(), `${migrationsChecksum(readMigrations())}.tar.gz`);
  const turn = `${file}.building`;
  const until = performance.now() + BUILD_TAKES_AT_MOST;
  while (!existsSync(file)) {
    if (performance.now() > until) rmSync(turn, { recursive: true, force: true });
    try {
      mkdirSync(turn);
    } catch {
      await pause(200);
      continue;
    }
    try {
      if (!existsSync(file)) await build(file);
    } finally {
      rmSync(turn, { recursive: true, force: true });
    }
  }
  return file;
}

async function build(file: string): Promise<void> {
  const db = await openEmbedded({ folder: null, statementTimeout: 0 });
  try {
    await migrate(db);
    await db.dump(file);
  } finally {
    await db.close();
  }
}

/** Makes the template of the suite's engine, so that no test file pays for it. */
export async function prepareTemplate(): Promise<void> {
  if (!suiteUrl) {
    await embeddedTemplate();
    return;
  }
  await ensureTemplate(suiteUrl);
  await sweepDatabases(suiteUrl);
}

/** The embedded engine, migrated, whatever the suite runs on: in memory, or in `folder`. */
export async function embeddedTestDatabase(folder: string | null = null): Promise<TestDatabase> {
  const db = await openEmbedded({ folder, template: await embeddedTemplate() });
  return { db, release: () => db.close() };
}

/** A clone on this PostgreSQL (an administrator's URL), opened as a login without special rights. */
export async function postgresTestDatabase(adminUrl: string, max = 4): Promise<TestDatabase> {
  const name = await cloneTemplate(adminUrl);
  const url = urlOf(adminUrl, name);
  const db = await openPool(url, { max });
  return {
    db,
    url,
    async release() {
      await db.close();
      await dropDatabase(adminUrl, name);
    },
  };
}

export async function testDatabase(): Promise<TestDatabase> {
  return suiteUrl ? postgresTestDatabase(suiteUrl) : embeddedTestDatabase();
}
