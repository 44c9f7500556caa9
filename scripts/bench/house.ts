/** A throwaway database with a merchant, shops, devices and one live rule, and a server process over it. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Database } from '../../server/db/database.ts';
import { migrate } from '../../server/db/migrate.ts';
import { databaseFolder, openDatabase } from '../../server/db/open.ts';
import { createDevice } from '../../server/devices/create.ts';
import { createFence } from '../../server/fences/change.ts';
import { uuidv7 } from '../../server/ids.ts';
import { createOffer } from '../../server/offers/manage.ts';
import { preparePartitions } from '../../server/pings/keep.ts';
import { createRule } from '../../server/rules/manage.ts';
import { definitionSchema } from '../../server/rules/schema.ts';

export interface Shop {
  lon: number;
  lat: number;
}

export interface House {
  engine: 'postgres' | 'embedded';
  url: string;
  /** Process id of the server. */
  pid: number;
  shops: Shop[];
  /** Device tokens. */
  tokens: string[];
  close(): Promise<void>;
}

const SHOPS = 100;
const DAY = 86_400_000;
const METRES = 1 / 111_195;
const root = path.resolve(import.meta.dirname, '../..');

/** Whether server and load can be put on processors of their own. */
export const pinned =
  availableParallelism() > 1 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;

/** Moves this process away from the server's processor. */
export function stepAside(): void {
  if (pinned) spawnSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' });
}

/** Shops of 25 m radius on a grid of 80 m, in Hangzhou. */
function shopGrid(): Shop[] {
  return Array.from({ length: SHOPS }, (_, i) => ({
    lon: 120.15 + (i % 10) * 80 * METRES * 1.158,
    lat: 30.27 + Math.floor(i / 10) * 80 * METRES,
  }));
}

async function furnish(db: Database, shops: Shop[], devices: number): Promise<string[]> {
  await migrate(db);
  const now = Date.now();
  await preparePartitions(db, now);
  const merchantId = uuidv7(now);
  await db.query(`insert into merchants (id, name) values ($1, 'Bench')`, [merchantId]);
  const tokens = await db.tx(
    async (tx) => {
      for (const [i, { lon, lat }] of shops.entries()) {
        const geometry = { type: 'Point', coordinates: [lon, lat] };
        const shop = { name: `Shop ${i}`, geometry, radius: 25, minDwellSeconds: 60 };
        // Before the walks begin, or there would be nothing to enter.
        await createFence(tx, merchantId, shop, now - 40 * DAY);
      }
      const made: string[] = [];
      for (let i = 0; i < devices; i++) {
        const device = { name: `Device ${i}`, marketingConsent: true };
        made.push((await createDevice(tx, merchantId, device, now)).token);
      }
      return made;
    },
    { tenant: merchantId },
  );
  await liveRule(db, merchantId);
  return tokens;
}

async function liveRule(db: Database, merchantId: string): Promise<void> {
  const deps = { db, clock: Date.now };
  const offer = await createOffer(deps, merchantId, {
    name: 'Coffee',
    storeId: null,
    headline: 'A coffee on us',
    body: '',
    terms: '',
    validForS: 86_400,
    stock: null,
    status: 'live',
  });
  const everybody = { trigger: 'visit.entered', experiment: { holdout: 0 } };
  const definition = definitionSchema.parse(everybody);
  const draft = { name: 'Coffee on entry', offerId: offer.id, definition };
  await createRule(deps, merchantId, draft, 'live', null);
}

async function startProcess(env: Record<string, string>): Promise<[ChildProcess, string]> {
  const run = ['--import', 'tsx', 'server/main.ts'];
  const [command, args] = pinned
    ? ['taskset', ['-c', '0', process.execPath, ...run]]
    : [process.execPath, run];
  const child = spawn(command, args, {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'error',
      NODE_ENV: 'production',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const [, url] = /listens on (\S+)/.exec(line) ?? [];
    if (url) return [child, url];
  }
  throw new Error('the server did not start');
}

export interface Furnished<T> {
  engine: House['engine'];
  url: string;
  /** Of the throwaway database; null with the embedded engine. */
  databaseUrl: string | null;
  pid: number;
  made: T;
  close(): Promise<void>;
}

/** A server process over a throwaway database that `furnish` filled; null means the embedded engine. */
export async function openServer<T>(
  adminUrl: string | null,
  furnish: (db: Database) => Promise<T>,
  more: Record<string, string> = {},
): Promise<Furnished<T>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'foyer-bench-'));
  const storage =
    adminUrl === null ? null : await ownDatabase(adminUrl, `foyer_bench_${process.pid}`);
  const clear = async (): Promise<void> => {
    await storage?.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const made = await prepared(folder, storage?.url, furnish);
    const env = { DATA_DIR: folder, ...(storage ? { DATABASE_URL: storage.url } : {}), ...more };
    const [child, url] = await startProcess(env);
    return {
      engine: adminUrl === null ? 'embedded' : 'postgres',
      url,
      databaseUrl: storage?.url ?? null,
      pid: child.pid as number,
      made,
      async close() {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

/** `adminUrl` may create databases; null means the embedded engine. */
export async function openHouse(adminUrl: string | null, devices: number): Promise<House> {
  const shops = shopGrid();
  const { made, ...server } = await openServer(adminUrl, (db) => furnish(db, shops, devices));
  return { ...server, shops, tokens: made };
}

async function prepared<T>(
  folder: string,
  url: string | undefined,
  furnish: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase({ url, folder: databaseFolder(folder) });
  try {
    return await furnish(db);
  } finally {
    await db.close();
  }
}

async function ownDatabase(adminUrl: string, name: string) {
  const run = async (sql: string): Promise<void> => {
    const admin = await openDatabase({ url: adminUrl, max: 1 });
    try {
      await admin.query(sql);
    } finally {
      await admin.close();
    }
  };
  await run(`create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`drop database if exists ${name} with (force)`) };
}

/** CPU seconds a process and its threads have used; null where the system does not tell. */
export function cpuSeconds(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    // Fields 14 and 15 (user and system time) in ticks of 1/100 s; two come before the split.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return null;
  }
}
