/** The real server as a process of its own, on either engine, with whatever it says and how it ends. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Database } from '../../server/db/database.ts';
import { migrate } from '../../server/db/migrate.ts';
import { databaseFolder, openDatabase } from '../../server/db/open.ts';
import { freePort } from './app.ts';
import { postgresTestDatabase, suiteUrl } from './database.ts';

const root = path.resolve(import.meta.dirname, '../..');

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

export interface ServerProcess {
  child: ChildProcess;
  url: string;
  /** Standard output so far. */
  said(): string;
  ended: Promise<Ending>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
}

/** Starts `server/main.ts` and waits for nothing but its end. */
export function runServer(env: Record<string, string>): {
  child: ChildProcess;
  said: () => string;
  ended: Promise<Ending>;
} {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOST: '127.0.0.1', JOBS: 'false', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: string[][] = [[], []];
  child.stdout.on('data', (text: Buffer) => out!.push(text.toString()));
  child.stderr.on('data', (text: Buffer) => err!.push(text.toString()));
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) =>
      resolve({ code, signal, out: out!.join(''), err: err!.join('') }),
    );
  });
  return { child, said: () => out!.join(''), ended };
}

/** Starts the server on a free port and waits until it listens. */
export async function startProcess(env: Record<string, string>): Promise<ServerProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { child, said, ended } = runServer({ PORT: String(port), PUBLIC_URL: url, ...env });
  const listens = new Promise<void>((resolve) => {
    child.stdout!.on('data', () => said().includes('listens on') && resolve());
  });
  const early = await Promise.race([listens.then(() => null), ended]);
  if (early) throw new Error(`the server did not start (${early.code}): ${early.out}${early.err}`);
  return {
    child,
    url,
    said,
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

export interface Site {
  /** Settings that put a process on this site's storage. */
  env: Record<string, string>;
  folder: string;
  /** Looks into storage; only while no process holds an embedded one. */
  look<T>(work: (db: Database) => Promise<T>): Promise<T>;
  clear(): Promise<void>;
}

/** Storage for server processes: a clone on PostgreSQL, or a data folder for the embedded engine. */
export async function makeSite(engine: 'suite' | 'embedded' = 'suite'): Promise<Site> {
  const folder = mkdtempSync(path.join(tmpdir(), 'foyer-site-'));
  const tidy = (): void => rmSync(folder, { recursive: true, force: true });
  if (suiteUrl && engine === 'suite') {
    const held = await postgresTestDatabase(suiteUrl);
    const url = held.url!;
    return {
      env: { DATA_DIR: folder, DATABASE_URL: url },
      folder,
      look: (work) => work(held.db),
      async clear() {
        await held.release();
        tidy();
      },
    };
  }
  return {
    env: { DATA_DIR: folder },
    folder,
    async look(work) {
      const own = await openDatabase({ folder: databaseFolder(folder) });
      try {
        await migrate(own);
        return await work(own);
      } finally {
        await own.close();
      }
    },
    clear: () => Promise.resolve(tidy()),
  };
}
