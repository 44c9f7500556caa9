/** A real server on a port of its own, with a database of its own and a clock that the test can move. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startServer } from '../../server/app.ts';
import type { RunningServer } from '../../server/app.ts';
import { readConfig } from '../../server/config.ts';
import type { Database } from '../../server/db/database.ts';
import { createLog } from '../../server/log.ts';
import { testDatabase } from './database.ts';

export interface TestApp {
  url: string;
  db: Database;
  /** PostgreSQL only: the same database for a second process. */
  databaseUrl?: string;
  server: RunningServer;
  /** ms since 1970; starts at the real time unless set. */
  clock: { now: number | null };
  /** Everything logged so far, one JSON line each. */
  logged: string[];
  /** Resolves when every event is delivered. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface AppOverrides {
  /** Stands between the house and its storage, e.g. to take it away. */
  storage?: (db: Database) => Database;
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts the whole house; `env` overrides settings. Timed jobs run only when a test calls them. */
export async function startApp(
  env: Record<string, string> = {},
  overrides: AppOverrides = {},
): Promise<TestApp> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'foyer-app-'));
  const database = await testDatabase();
  const clock: TestApp['clock'] = { now: null };
  const logged: string[] = [];
  const port = await freePort();
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: folder,
    LOG_LEVEL: 'info',
    JOBS: 'false',
    ...env,
  });
  const server = await startServer(config, {
    db: overrides.storage?.(database.db) ?? database.db,
    clock: () => clock.now ?? Date.now(),
    log: createLog(config.LOG_LEVEL, { write: (line) => void logged.push(line) }),
  });
  return {
    url: server.url,
    db: database.db,
    ...(database.url ? { databaseUrl: database.url } : {}),
    server,
    clock,
    logged,
    settled: () => server.services.dispatcher.idle(),
    async stop() {
      await server.close();
      await database.release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
