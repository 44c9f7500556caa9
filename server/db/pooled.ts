/** The Database interface over a pg pool: the one code path of both engines. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Database, Queryable, Row, Rows, TransactionOptions } from './database.ts';
import { codeOf, failure, normalised } from './failures.ts';
import { plansToForget, statementNames } from './named.ts';
import { lost, rows, statements, undone } from './sending.ts';

/** The role that row-level security binds; made by the migrator. */
export const APP_ROLE = 'foyer_app';

const ATTEMPTS = 6;
const RETRYABLE = new Set(['40001', '40P01']);

export interface PooledParts {
  engine: Database['engine'];
  pool: pg.Pool;
  /** Sets the statement limit of one checked-out client on this side (milliseconds, 0 = none, null = default). */
  limit?: (client: pg.PoolClient, ms: number | null) => void;
  /** Whether this client's statements may be kept prepared: its connection is nobody else's. */
  prepares?: (client: pg.PoolClient) => boolean;
  listen: Database['listen'];
  close: () => Promise<void>;
}

interface Scope {
  open: boolean;
}

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw normalised(error);
  }
}

/** One round trip: transaction, limits, role and tenant together. */
function beginText(engine: Database['engine'], options: TransactionOptions): string {
  const { isolation, readOnly, statementTimeout, tenant } = options;
  let text = 'begin';
  if (isolation) text += ` isolation level ${isolation}`;
  if (readOnly) text += ' read only';
  if (statementTimeout !== undefined && engine === 'postgres') {
    text += `; set local statement_timeout = ${Math.trunc(statementTimeout)}`;
  }
  if (tenant !== undefined) {
    if (tenant === '') throw new Error('a transaction was given an empty tenant');
    text += `; set local role ${APP_ROLE}; set local foyer.merchant = ${pg.escapeLiteral(tenant)}`;
  }
  return text;
}

/** The name a statement is kept under on this client, if it is. */
type NameOf = (client: pg.PoolClient, text: string, bound: boolean) => string | undefined;

interface Parts extends PooledParts {
  name: NameOf;
  /** Whether this client's plans have grown old. */
  aged: (client: pg.PoolClient) => boolean;
}

async function attempt<T>(
  parts: Parts,
  work: (tx: Queryable) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const opening = beginText(parts.engine, options);
  const { alone = false, statementTimeout, tenant } = options;
  const client = await connected(parts.pool);
  // Behind the rest: before it, it would count as a query, after which no isolation can be asked for.
  const begin = parts.aged(client) ? `${opening}; discard plans` : opening;
  const state = { ended: false, failed: undefined as unknown };
  const nameOf = (text: string) => parts.name(client, text, tenant !== undefined);
  const sent = statements(client, { begin, alone, nameOf });
  const tx: Queryable = {
    async query<R extends Row>(text: string, params?: readonly unknown[]) {
      if (state.ended) throw new Error('a transaction was used after its end');
      state.ended = alone;
      try {
        return await sent.query<R>(text, params);
      } catch (error) {
        state.failed ??= error;
        throw error;
      }
    },
  };
  if (statementTimeout !== undefined) parts.limit?.(client, statementTimeout);
  try {
    const result = await work(tx);
    state.ended = true;
    if (alone && state.failed !== undefined) throw state.failed;
    if (alone || !sent.begun()) return result;
    const { command } = await sent.end('commit');
    // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
    if (command === 'ROLLBACK')
      throw state.failed ?? failure('25P02', 'the transaction had failed');
    return result;
  } catch (error) {
    state.ended = true;
    const open = sent.begun() && !alone && !lost.has(client);
    if (open) await sent.end('rollback').catch(() => lost.add(client));
    throw error;
  } finally {
    if (statementTimeout !== undefined) parts.limit?.(client, null);
    client.release(lost.has(client));
  }
}

export function pooledDatabase(given: PooledParts): Database {
  const names = statementNames();
  const name: NameOf = (client, text, bound) =>
    given.prepares?.(client) ? names.of(text, bound) : undefined;
  const aged = plansToForget(given.prepares ?? (() => false));
  const parts: Parts = { ...given, name, aged };
  const scopes = new AsyncLocalStorage<Scope>();
  let closing: Promise<void> | undefined;

  function guard(): void {
    if (scopes.getStore()?.open) {
      throw new Error(
        'the database was used inside its own transaction: use the tx that was handed in',
      );
    }
  }

  async function retrying<T>(work: (tx: Queryable) => Promise<T>, options: TransactionOptions) {
    for (let tries = 1; ; tries++) {
      const scope: Scope = { open: true };
      try {
        return await scopes.run(scope, () => attempt(parts, work, options));
      } catch (error) {
        const again = RETRYABLE.has(codeOf(error)) || undone.has(error as object);
        if (tries >= ATTEMPTS || !again) throw error;
      } finally {
        scope.open = false;
      }
      await pause(2 ** tries * 2);
    }
  }

  return {
    engine: parts.engine,
    async query<R extends Row>(text: string, params?: readonly unknown[]) {
      guard();
      const once = async (): Promise<Rows<R>> => {
        const client = await connected(parts.pool);
        try {
          return await rows<R>(client, text, params, name(client, text, false));
        } finally {
          client.release(lost.has(client));
        }
      };
      return once().catch((error: unknown) => {
        if (undone.has(error as object)) return once();
        throw error;
      });
    },
    async tx(work, options = {}) {
      guard();
      return retrying(work, options);
    },
    listen: parts.listen,
    close() {
      closing ??= parts.close();
      return closing;
    },
  };
}
