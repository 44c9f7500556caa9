/** Chooses the engine: PostgreSQL when there is a URL, otherwise the embedded one. */
import path from 'node:path';
import type { Database } from './database.ts';
import { openEmbedded } from './embedded.ts';
import { openPool } from './pool.ts';

export interface OpenOptions {
  /** A postgres:// URL; unset means the embedded engine. */
  url?: string | undefined;
  /** The embedded engine's data folder; null keeps everything in memory. Ignored with a URL. */
  folder?: string | null | undefined;
  /** Connections at most, PostgreSQL only. */
  max?: number | undefined;
  /** Milliseconds a statement may run. */
  statementTimeout?: number | undefined;
  /** Told about failures nobody waits for. */
  onError?: ((error: Error) => void) | undefined;
}

/** Where the embedded database lives below the server's data folder. */
export function databaseFolder(dataDir: string): string {
  return path.join(dataDir, 'db');
}

export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { url, folder, max, statementTimeout, onError } = options;
  const shared = {
    ...(statementTimeout === undefined ? {} : { statementTimeout }),
    ...(onError === undefined ? {} : { onError }),
  };
  if (url) return openPool(url, max === undefined ? shared : { ...shared, max });
  if (folder === undefined) throw new Error('a database needs a URL or a data folder');
  return openEmbedded({ ...shared, folder });
}

/** Resolves when storage answers a question; rejects within its own time limit when it does not. */
export async function answers(db: Pick<Database, 'query'>): Promise<void> {
  await db.query('select 1');
}
