/** Runs migrations/*.sql once each, in order, checksummed, safe when two processes start together. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Database, Queryable } from './database.ts';
import { codeOf } from './failures.ts';
import { ensureRole } from './role.ts';

export interface Migration {
  number: number;
  /** File name, for example 0001_stores_and_fences.sql */
  name: string;
  sql: string;
  /** SHA-256 of the text with line ends as LF, so that a checkout on Windows agrees. */
  checksum: string;
}

export interface MigrateOptions {
  /** Folder of the .sql files; default: the one beside this file. */
  folder?: string;
  /** How long to wait for another process that migrates, in milliseconds (default 120,000). */
  patience?: number;
  onStep?: (name: string, milliseconds: number) => void;
}

interface Applied extends Record<string, unknown> {
  number: number;
  name: string;
  checksum: string;
}

const FILE = /^(\d{4})_[a-z0-9_]+\.sql$/;
// Any constant will do; it only has to be the same in every Foyer process.
const LOCK_KEY = 0x466f7965;
const LOCK_TIMEOUT = '55P03';
const RACE_LOST = new Set(['23505', '42P07', LOCK_TIMEOUT]);

export function readMigrations(folder?: string): Migration[] {
  const from = folder ?? fileURLToPath(new URL('./migrations/', import.meta.url));
  const names = readdirSync(from).filter((name) => name.endsWith('.sql'));
  const found = names.toSorted().map((name) => {
    const number = Number(FILE.exec(name)?.[1]);
    if (!number) throw new Error(`migration ${name} is not named NNNN_words.sql`);
    const sql = readFileSync(`${from}/${name}`, 'utf8').replaceAll('\r\n', '\n');
    return { number, name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
  found.forEach(({ number, name }, at) => {
    if (number !== at + 1) throw new Error(`migration ${name} is out of line: expected ${at + 1}`);
  });
  return found;
}

/** One value that changes with any migration: names template databases. */
export function migrationsChecksum(migrations: Migration[]): string {
  const hash = createHash('sha256');
  for (const { name, checksum } of migrations) hash.update(`${name} ${checksum}\n`);
  return hash.digest('hex').slice(0, 16);
}

/** Throws when the database is not a prefix of what this release brings. */
function refuseStrangers(applied: Applied[], known: Migration[]): void {
  for (const { number, name, checksum } of applied) {
    const ours = known[number - 1];
    if (!ours) {
      throw new Error(
        `the database is newer than this release: it has ${name}, this release ends at ` +
          `${known.at(-1)?.name ?? 'nothing'}. Start the newer release instead.`,
      );
    }
    if (ours.name !== name || ours.checksum !== checksum) {
      throw new Error(
        `migration ${ours.name} was edited after it ran (the database has ${name} with another ` +
          'checksum). Restore the file and put the change into a new one.',
      );
    }
  }
}

async function readApplied(db: Queryable): Promise<Applied[]> {
  const { rows } = await db.query<Applied>(
    'select number, name, checksum from foyer_migrations order by number',
  );
  return rows;
}

async function createTable(tx: Queryable): Promise<void> {
  await tx.query(`create table if not exists foyer_migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`);
}

/** Under the lock: runs the next one that is missing. Returns null when there is none. */
async function step(tx: Queryable, known: Migration[]): Promise<string | null> {
  await tx.query("set local lock_timeout = '4s'");
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK_KEY]);
  await createTable(tx);
  const applied = await readApplied(tx);
  refuseStrangers(applied, known);
  const next = known[applied.length];
  if (!next) return null;
  // The row first: whoever cannot insert it must not run the file.
  await tx.query('insert into foyer_migrations (number, name, checksum) values ($1, $2, $3)', [
    next.number,
    next.name,
    next.checksum,
  ]);
  await tx.query(next.sql);
  return next.name;
}

/** True when nothing is left to do, found without any lock, so that ordinary starts do not queue. */
async function upToDate(db: Database, known: Migration[]): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>(
    "select to_regclass('foyer_migrations') is not null as there",
  );
  if (!rows[0]?.there) return false;
  const applied = await readApplied(db);
  refuseStrangers(applied, known);
  return applied.length === known.length;
}

/** Brings the database to this release; returns the names of the files that ran now. */
export async function migrate(db: Database, options: MigrateOptions = {}): Promise<string[]> {
  const { folder, patience = 120_000, onStep } = options;
  const known = readMigrations(folder);
  const ran: string[] = [];
  await ensureRole(db);
  let until = performance.now() + patience;
  while (!(await upToDate(db, known))) {
    const begun = performance.now();
    try {
      const name = await db.tx((tx) => step(tx, known), { statementTimeout: 0 });
      if (name === null) break;
      ran.push(name);
      onStep?.(name, performance.now() - begun);
      until = performance.now() + patience;
    } catch (error) {
      if (!RACE_LOST.has(codeOf(error)) || performance.now() > until) throw error;
      await pause(200);
    }
  }
  return ran;
}
