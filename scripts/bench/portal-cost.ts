/** What a login costs: CPU time of the server, of PostgreSQL where it runs on this machine, and of the guests. */
import { readFileSync } from 'node:fs';
import { openDatabase } from '../../server/db/open.ts';
import { cpuSeconds } from './house.ts';

/** Milliseconds of CPU for one login; null where it cannot be read. */
export interface LoginCost {
  server: number | null;
  postgres: number | null;
  guests: number;
  /** Transactions of our database, and octets of its cluster's write-ahead log. */
  transactions: number | null;
  walBytes: number | null;
}

interface Reading {
  server: number | null;
  /** Seconds by process; empty where it runs elsewhere. */
  postgres: ReadonlyMap<number, number>;
  guests: number;
  transactions: number | null;
  wal: number | null;
}

export interface Meter {
  read(): Promise<Reading>;
  close(): Promise<void>;
}

interface DatabaseFacts extends Record<string, unknown> {
  pids: number[];
  transactions: number;
  wal: number;
}

const FACTS = `select
    (select array_agg(pid) from pg_stat_activity where datname = $1 or backend_type <> 'client backend') as pids,
    (select xact_commit from pg_stat_database where datname = $1) as transactions,
    (pg_current_wal_lsn() - '0/0')::bigint as wal`;

/** Of those processes that are PostgreSQL's on this machine. */
function postgresSeconds(pids: readonly number[]): ReadonlyMap<number, number> {
  const here = pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres';
    } catch {
      return false;
    }
  });
  return new Map(here.map((pid) => [pid, cpuSeconds(pid) ?? 0]));
}

/** `databaseUrl` null: the embedded engine, whose cost is the server's. */
export async function openMeter(serverPid: number, databaseUrl: string | null): Promise<Meter> {
  const db = databaseUrl === null ? null : await openDatabase({ url: databaseUrl, max: 1 });
  const name = databaseUrl === null ? '' : new URL(databaseUrl).pathname.slice(1);
  return {
    async read() {
      const { rows } = db ? await db.query<DatabaseFacts>(FACTS, [name]) : { rows: [] };
      const { user, system } = process.cpuUsage();
      const [facts] = rows;
      return {
        server: cpuSeconds(serverPid),
        postgres: postgresSeconds(facts?.pids ?? []),
        guests: (user + system) / 1e6,
        transactions: facts?.transactions ?? null,
        wal: facts?.wal ?? null,
      };
    },
    close: async () => db?.close(),
  };
}

/** What `logins` cost between two readings. */
export function costOf(before: Reading, after: Reading, logins: number): LoginCost {
  const each = (what: Exclude<keyof Reading, 'postgres'>, factor: number): number | null => {
    const [from, to] = [before[what], after[what]];
    return from === null || to === null || logins === 0 ? null : ((to - from) * factor) / logins;
  };
  // A process that ended in between (an autovacuum worker) is left out.
  const used = [...after.postgres].map(([pid, to]) => to - (before.postgres.get(pid) ?? 0));
  const postgres = used.reduce((sum, seconds) => sum + seconds, 0);
  return {
    server: each('server', 1000),
    postgres: used.length === 0 || logins === 0 ? null : (postgres * 1000) / logins,
    guests: each('guests', 1000) ?? 0,
    transactions: each('transactions', 1),
    walBytes: each('wal', 1),
  };
}
