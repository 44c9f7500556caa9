/** The Database interface over a pg pool: the one code path of both engines. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import pg from 'pg';
import type { Database, Queryable, Row, Rows, TransactionOptions } from './database.ts';
import { wantsCopyIn } from './copy-guard.ts';
import { codeOf, failure, isAnswer, normalised } from './failures.ts';

/** The role that row-level security binds; made by the migrator. */
export const APP_ROLE = 'foyer_app';

const ATTEMPTS = 6;
const RETRYABLE = new Set(['40001', '40P01']);

export interface PooledParts {
  engine: Database['engine'];
  pool: pg.Pool;
  /** Sets the statement limit of one checked-out client on this side (milliseconds, 0 = none, null = default). */
  limit?: (client: pg.PoolClient, ms: number | null) => void;
  listen: Database['listen'];
  close: () => Promise<void>;
}

interface Scope {
  open: boolean;
}

/** Failures of a BEGIN on a dead connection: nothing was done yet, so trying again is safe. */
const unbegun = new WeakSet<object>();

/** Clients whose connection is gone: they leave the pool instead of being rolled back. */
const lost = new WeakSet<pg.PoolClient>();

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw normalised(error);
  }
}

async function send<R extends Row>(
  client: pg.PoolClient,
  text: string,
  params?: readonly unknown[],
): Promise<pg.QueryResult<R>> {
  if (wantsCopyIn(text)) {
    throw failure('0A000', 'COPY … FROM STDIN is not supported: insert with unnest() arrays');
  }
  try {
    const answer = params?.length
      ? await client.query<R>(text, params as unknown[])
      : await client.query<R>(text);
    // Several statements in one text give several answers: the last one counts.
    return Array.isArray(answer) ? (answer.at(-1) as pg.QueryResult<R>) : answer;
  } catch (error) {
    const known = normalised(error);
    if (!isAnswer(error) && codeOf(known) !== '') lost.add(client);
    throw known;
  }
}

async function rows<R extends Row>(
  client: pg.PoolClient,
  text: string,
  params: readonly unknown[] | undefined,
): Promise<Rows<R>> {
  const answer = await send<R>(client, text, params);
  return { rows: answer.rows, rowCount: answer.rowCount ?? 0 };
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
    text += `; set local role ${APP_ROLE}; select set_config('foyer.merchant', ${pg.escapeLiteral(tenant)}, true)`;
  }
  return text;
}

/**
 * Sends one statement after the other. Where the driver pipelines, what comes in the same breath goes out
 * in one piece, and nobody waits between its parts.
 */
function inOrder(client: pg.PoolClient) {
  const { pipeline, connection } = client as pg.PoolClient & { connection: { stream: Writable } };
  let last: Promise<unknown> = Promise.resolve();
  return <T>(run: () => Promise<T>): Promise<T> => {
    if (pipeline) {
      connection.stream.cork();
      process.nextTick(() => connection.stream.uncork());
      return run();
    }
    const next = last.then(run);
    last = next.catch(() => undefined);
    return next;
  };
}

/**
 * A transaction that begins with its first statement, in one round trip: were the beginning refused, that
 * statement would be refused as well. One that is `alone` is committed in the same round trip.
 */
function statements(client: pg.PoolClient, begin: string, alone: boolean) {
  const post = inOrder(client);
  let begun: Promise<unknown> | null = null;

  async function open(): Promise<void> {
    try {
      await post(() => send(client, begin));
    } catch (error) {
      // One that was to be committed in the same breath may have been.
      if (lost.has(client) && !alone) unbegun.add(error as object);
      throw error;
    }
  }

  return {
    begun: () => begun !== null,
    end: (command: 'commit' | 'rollback') => post(() => send(client, command)),
    async query<R extends Row>(text: string, params?: readonly unknown[]): Promise<Rows<R>> {
      begun ??= open();
      const answer = post(() => rows<R>(client, text, params));
      const ended = alone ? post(() => send(client, 'commit')) : null;
      const [first, own, last] = await Promise.allSettled([begun, answer, ended]);
      if (first.status === 'rejected') throw first.reason;
      if (own.status === 'rejected') throw own.reason;
      if (last.status === 'rejected') throw last.reason;
      return own.value;
    },
  };
}

async function attempt<T>(
  parts: PooledParts,
  work: (tx: Queryable) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const begin = beginText(parts.engine, options);
  const { alone = false, statementTimeout } = options;
  const client = await connected(parts.pool);
  const state = { ended: false, failed: undefined as unknown };
  const sent = statements(client, begin, alone);
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

export function pooledDatabase(parts: PooledParts): Database {
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
        const again = RETRYABLE.has(codeOf(error)) || unbegun.has(error as object);
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
      const client = await connected(parts.pool);
      try {
        return await rows<R>(client, text, params);
      } finally {
        client.release(lost.has(client));
      }
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
