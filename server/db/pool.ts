/** The Database over pg: PostgreSQL with PostGIS, for production. */
import pg from 'pg';
import type { Database } from './database.ts';
import { postgresListener } from './listener.ts';
import { pooledDatabase } from './pooled.ts';
import { columnTypes } from './types.ts';

export interface PoolOptions {
  /** Connections at most (default 10). */
  max?: number;
  /** Milliseconds to wait for a connection, free or new (default 5,000). */
  connectionTimeout?: number;
  /** Milliseconds a statement may run before the server cancels it (default 15,000). */
  statementTimeout?: number;
  /** Milliseconds a transaction may sit idle before the server ends it (default 60,000). */
  idleTransactionTimeout?: number;
  /** Told about failures nobody waits for: idle connections that broke, a listener reconnecting. */
  onError?: (error: Error) => void;
}

const NOTHING = (): void => {};

/** Start-up parameters in one `options` string, the only one a PgBouncer has to be told to ignore. */
function serverOptions(statementTimeout: number, idleTimeout: number): string {
  return [
    `-c statement_timeout=${statementTimeout}`,
    `-c idle_in_transaction_session_timeout=${idleTimeout}`,
    '-c timezone=UTC',
  ].join(' ');
}

/**
 * How long the client waits for an answer; 0: for ever. The server's limit fires first; this one is
 * for a server that cannot be reached any more.
 */
function patience(statementTimeout: number): number {
  return statementTimeout === 0 ? 0 : statementTimeout + 5_000;
}

/**
 * Clients whose connection leads to a backend of its own. A pooler in between that lends backends answers
 * with a key of its own making, and then nothing may be kept from one transaction to the next.
 */
function ownBackends() {
  const own = new WeakSet<pg.PoolClient>();
  return {
    has: (client: pg.PoolClient) => own.has(client),
    verify(client: pg.PoolClient, done: (error?: Error) => void): void {
      const { processID } = client as pg.PoolClient & { processID?: number };
      client.query<{ pid: number }>('select pg_backend_pid() as pid').then(({ rows }) => {
        if (rows[0]?.pid === processID) own.add(client);
        done();
      }, done);
    },
  };
}

export async function openPool(url: string, options: PoolOptions = {}): Promise<Database> {
  const { max = 10, connectionTimeout = 5_000, statementTimeout = 15_000 } = options;
  const { idleTransactionTimeout = 60_000, onError = NOTHING } = options;
  const client = {
    connectionString: url,
    types: columnTypes,
    connectionTimeoutMillis: connectionTimeout,
    keepAlive: true,
    application_name: 'foyer',
    options: serverOptions(statementTimeout, idleTransactionTimeout),
  };
  const own = ownBackends();
  const pool = new pg.Pool({
    ...client,
    max,
    verify: (each, done) => own.verify(each, done),
    // What is sent together goes out together: BEGIN with a transaction's first statement.
    pipeline: true,
    idleTimeoutMillis: 30_000,
    query_timeout: patience(statementTimeout),
  });
  pool.on('error', onError);
  // A checked-out client's failure reaches whoever waits for its query.
  pool.on('connect', (each) => each.on('error', NOTHING));
  const listener = postgresListener(client, onError);
  const db = pooledDatabase({
    engine: 'postgres',
    pool,
    prepares: own.has,
    limit: (each, ms) => {
      const { connectionParameters } = each as unknown as {
        connectionParameters: { query_timeout: number };
      };
      connectionParameters.query_timeout = patience(ms ?? statementTimeout);
    },
    listen: listener.listen,
    close: async () => {
      await listener.close();
      await pool.end();
    },
  });
  try {
    await db.query('select 1');
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}
