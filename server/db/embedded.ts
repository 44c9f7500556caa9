/** The Database over PGlite with PostGIS in a worker thread of this process: the default. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { Database } from './database.ts';
import { startEngine } from './embedded-engine.ts';
import type { RunningEngine } from './embedded-engine.ts';
import { engineStream } from './embedded-stream.ts';
import type { EngineStream } from './embedded-stream.ts';
import { failure } from './failures.ts';
import { lockFolder } from './folder-lock.ts';
import { pooledDatabase } from './pooled.ts';
import { subscriptions } from './subscriptions.ts';
import { columnTypes } from './types.ts';

export interface EmbeddedOptions {
  /** Data folder, made when missing; null keeps everything in memory until close. */
  folder: string | null;
  /** Milliseconds until the watchdog stops an unanswered statement (default 30,000; 0 never). */
  statementTimeout?: number;
  /** Milliseconds to wait for one's turn on the single connection (default 60,000). */
  connectionTimeout?: number;
  /** Tarball made by `dump` to begin from instead of an empty database. */
  template?: string;
  /** Folder where the empty template is kept between first starts; null keeps none. */
  cache?: string | null;
  /** Told about failures nobody waits for, and about restarts of the engine. */
  onError?: (error: Error) => void;
}

export interface EmbeddedDatabase extends Database {
  /** Writes the whole database as a tarball, for `template` or as a backup. */
  dump(file: string): Promise<void>;
}

/** Named by what decides its content: the pinned PGlite and PostGIS. */
const EMPTY_TEMPLATE = 'pglite-0.5.8-postgis-0.2.8.tar.gz';

function templates(options: EmbeddedOptions) {
  if (options.template !== undefined) return { template: options.template, saveTemplate: null };
  const cache =
    options.cache === undefined ? path.join(homedir(), '.cache', 'foyer') : options.cache;
  const file = cache === null ? null : path.join(cache, EMPTY_TEMPLATE);
  return { template: file, saveTemplate: file };
}

/** Keeps one engine running and replaces it when it ends; a memory engine cannot be replaced. */
function supervised(options: EmbeddedOptions, onError: (error: Error) => void) {
  const { folder } = options;
  const boot = { folder, ...templates(options) };
  const state = { current: undefined as Promise<RunningEngine> | undefined, spent: false };

  function running(): Promise<RunningEngine> {
    if (state.spent) {
      throw failure('57P01', 'the in-memory database ended with its engine and is gone');
    }
    state.current ??= startEngine(boot, (reason) => {
      state.current = undefined;
      if (folder === null) state.spent = true;
      onError(reason);
    }).catch((error: unknown) => {
      state.current = undefined;
      throw error;
    });
    return state.current;
  }

  /** Never hands out an engine that is on its way down, nor starts a second one beside it. */
  async function start(): Promise<RunningEngine> {
    for (;;) {
      const engine = await running();
      if (engine.usable()) return engine;
      await engine.ended;
    }
  }

  async function stop(): Promise<void> {
    const engine = await state.current?.catch(() => undefined);
    await engine?.close();
  }

  return { start, stop };
}

/** Notifications of the one connection, listening again after each reconnect. */
function inProcessListener(pool: pg.Pool) {
  const channels = subscriptions();
  return {
    async onConnect(client: pg.ClientBase): Promise<void> {
      client.on('notification', ({ channel, payload }) => channels.deliver(channel, payload ?? ''));
      for (const name of channels.names()) {
        await client.query(`listen ${pg.escapeIdentifier(name)}`);
      }
    },
    listen: (async (channel, onMessage) => {
      const name = pg.escapeIdentifier(channel);
      if (channels.add(channel, onMessage)) await pool.query(`listen ${name}`);
      return async () => {
        if (channels.remove(channel, onMessage) && !pool.ending) {
          await pool.query(`unlisten ${name}`);
        }
      };
    }) satisfies Database['listen'],
  };
}

export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { folder, statementTimeout = 30_000, connectionTimeout = 60_000 } = options;
  const onError = options.onError ?? (() => {});
  if (folder !== null) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unlock = folder === null ? () => {} : await lockFolder(folder);
  const engines = supervised(options, onError);
  const settings = {
    // One session is all the engine has: transactions wait here for their turn.
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: connectionTimeout,
    user: 'postgres',
    database: 'postgres',
    types: columnTypes,
    stream: () => engineStream(engines.start, statementTimeout) as never,
    onConnect: (client: pg.ClientBase) => listener.onConnect(client),
  };
  const pool = new pg.Pool(settings);
  const listener = inProcessListener(pool);
  pool.on('error', onError);
  pool.on('connect', (each) => each.on('error', () => {}));
  const db = pooledDatabase({
    engine: 'embedded',
    pool,
    limit: (client, ms) => {
      const { stream } = (client as unknown as { connection: { stream: EngineStream } }).connection;
      stream.limit = ms ?? statementTimeout;
    },
    listen: listener.listen,
    close: async () => {
      await pool.end();
      await engines.stop();
      unlock();
    },
  });
  try {
    // Not under the connection's timeout: a first start may take as long as it needs.
    await engines.start();
    await db.query('select 1');
  } catch (error) {
    await db.close();
    throw error;
  }
  return { ...db, dump: async (file) => (await engines.start()).dump(file) };
}
