/** Statements on their way over one checked-out client: in order, in one piece where they can be, and what came of them. */
import type { Writable } from 'node:stream';
import type pg from 'pg';
import { wantsCopyIn } from './copy-guard.ts';
import type { Row, Rows } from './database.ts';
import { codeOf, failure, isAnswer, isStalePlan, normalised } from './failures.ts';

/**
 * Failures after which nothing was done, so that trying again is safe: a BEGIN on a dead connection, a
 * kept plan whose tables were changed by a migration meanwhile.
 */
export const undone = new WeakSet<object>();

/** Clients whose connection is gone: they leave the pool instead of being rolled back. */
export const lost = new WeakSet<pg.PoolClient>();

async function send<R extends Row>(
  client: pg.PoolClient,
  text: string,
  params?: readonly unknown[],
  name?: string,
): Promise<pg.QueryResult<R>> {
  if (wantsCopyIn(text)) {
    throw failure('0A000', 'COPY … FROM STDIN is not supported: insert with unnest() arrays');
  }
  try {
    const answer = params?.length
      ? await client.query<R>({ text, values: params as unknown[], ...(name && { name }) })
      : await client.query<R>(text);
    // Several statements in one text give several answers: the last one counts.
    return Array.isArray(answer) ? (answer.at(-1) as pg.QueryResult<R>) : answer;
  } catch (error) {
    const known = normalised(error);
    const stale = isStalePlan(error);
    if (stale) undone.add(error as object);
    if (stale || (!isAnswer(error) && codeOf(known) !== '')) lost.add(client);
    throw known;
  }
}

export async function rows<R extends Row>(
  client: pg.PoolClient,
  text: string,
  params: readonly unknown[] | undefined,
  name: string | undefined,
): Promise<Rows<R>> {
  const answer = await send<R>(client, text, params, name);
  return { rows: answer.rows, rowCount: answer.rowCount ?? 0 };
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
export function statements(
  client: pg.PoolClient,
  {
    begin,
    alone,
    nameOf,
  }: { begin: string; alone: boolean; nameOf: (text: string) => string | undefined },
) {
  const post = inOrder(client);
  let begun: Promise<unknown> | null = null;

  async function open(): Promise<void> {
    try {
      await post(() => send(client, begin));
    } catch (error) {
      // One that was to be committed in the same breath may have been.
      if (lost.has(client) && !alone) undone.add(error as object);
      throw error;
    }
  }

  return {
    begun: () => begun !== null,
    end: (command: 'commit' | 'rollback') => post(() => send(client, command)),
    async query<R extends Row>(text: string, params?: readonly unknown[]): Promise<Rows<R>> {
      begun ??= open();
      const answer = post(() => rows<R>(client, text, params, nameOf(text)));
      const ended = alone ? post(() => send(client, 'commit')) : null;
      const [first, own, last] = await Promise.allSettled([begun, answer, ended]);
      if (first.status === 'rejected') throw first.reason;
      if (own.status === 'rejected') throw own.reason;
      if (last.status === 'rejected') throw last.reason;
      return own.value;
    },
  };
}
