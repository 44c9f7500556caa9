/** The server is killed in the middle of batches; a client that sends again loses and doubles nothing. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Database, Row } from '../../server/db/database.ts';
import { migrate } from '../../server/db/migrate.ts';
import { databaseFolder, openDatabase } from '../../server/db/open.ts';
import { postgresTestDatabase } from '../support/database.ts';
import { makeDevice, makeFence, makeMerchant } from '../support/make.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';

const root = path.resolve(import.meta.dirname, '../..');
const PER_BATCH = 5;
const EVERY = 30_000;
const shops = [
  { lon: -0.1276, lat: 51.5072 },
  { lon: -0.1246, lat: 51.5072 },
];

interface Ping {
  at: number;
  lon: number;
  lat: number;
  accuracy: number;
}

/**
 * Twenty pings in one shop, ten on the way, twenty in the next, and so on, ending an hour ago. Every
 * third batch comes after the one that follows it, and rewinds the device.
 */
function walk(batches: number): Ping[][] {
  const count = batches * PER_BATCH;
  const start = Math.floor(Date.now() / 1000) * 1000 - 3_600_000 - count * EVERY;
  const pings = Array.from({ length: count }, (_, i) => {
    const [leg, step] = [Math.floor(i / 30), i % 30];
    const [from, to] = leg % 2 === 0 ? [shops[0], shops[1]] : [shops[1], shops[0]];
    const share = step < 20 ? 0 : (step - 19) / 11;
    return {
      at: start + i * EVERY,
      lon: from!.lon + (to!.lon - from!.lon) * share,
      // A little unrest, so that no two positions are the same.
      lat: from!.lat + ((i * 7) % 5) * 1e-6,
      accuracy: 8,
    };
  });
  const inOrder = Array.from({ length: batches }, (_, b) =>
    pings.slice(b * PER_BATCH, (b + 1) * PER_BATCH),
  );
  return inOrder.map((batch, b) => inOrder[b % 3 === 1 ? b + 1 : b % 3 === 2 ? b - 1 : b] ?? batch);
}

interface Server {
  url: string;
  child: ChildProcess;
}

async function serve(env: Record<string, string>): Promise<Server> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: '0',
      JOBS: 'false',
      LOG_LEVEL: 'error',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /listens on (\S+)/.exec(line) ?? [];
    if (url) return { url, child };
  }
  throw new Error(`the server did not start: ${complaint}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** The batch's answer; null when the server went away before it came. */
async function send(url: string, token: string, pings: Ping[]): Promise<number | null> {
  try {
    const reply = await fetch(`${url}/v1/pings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ pings }),
    });
    await reply.arrayBuffer();
    return reply.status;
  } catch {
    return null;
  }
}

/** What the database holds of a device, without what names the device or the moment of storing. */
async function remembered(db: Database, deviceId: string): Promise<Record<string, Row[]>> {
  const ask = async (sql: string) => (await db.query(sql, [deviceId])).rows;
  return {
    pings: await ask(
      `select at, ping_key, lon, lat, accuracy_m, accepted, reason from pings
       where device_id = $1 order by at, ping_key`,
    ),
    state: await ask(`select state - 'device' as state from device_states where device_id = $1`),
    visits: await ask(
      `select fence_id, fence_version, status, revision, score, band, entry_at, exit_at, dwell_s, pings
       from visits where device_id = $1 order by entry_at, fence_id`,
    ),
    checkpoints: await ask(
      `select at, state - 'device' as state from device_checkpoints where device_id = $1 order by at`,
    ),
    events: await ask(
      `select type, payload ->> 'fenceId' as fence, coalesce(payload ->> 'entry', payload ->> 'at') as at
       from outbox
       where device_id = $1 order by seq`,
    ),
  };
}

/** Fences' states carry ids made of the device's: compared by all but those. */
const anonymous = (found: Record<string, Row[]>): unknown =>
  JSON.parse(JSON.stringify(found, (key, value: unknown) => (key === 'id' ? undefined : value)));

async function prepare(db: Database) {
  const merchant = await makeMerchant(db);
  for (const [i, { lon, lat }] of shops.entries()) {
    await makeFence(db, merchant.id, {
      name: `Shop ${i}`,
      shape: { type: 'Point', coordinates: [lon, lat] },
      radiusM: 30,
    });
  }
  return { struck: await makeDevice(db, merchant.id), spared: await makeDevice(db, merchant.id) };
}

type Devices = Awaited<ReturnType<typeof prepare>>;

/** Decides which batches are struck, and brings the server to the point where the blow falls. */
interface Striker {
  /** Asked after the spared device has sent the batch. */
  due(batch: number): Promise<boolean>;
  strike(begin: () => void, kill: () => Promise<void>): Promise<void>;
}

/**
 * PostgreSQL: a lock holds the transaction exactly before it reads the device's state, or, pings
 * and state already written, before it writes its events; there the server is killed.
 */
function strikeAtLock(db: Database, devices: Devices, each: number): Striker {
  const state = `select 1 from device_states where device_id = '${devices.struck.id}' for update`;
  const events = 'lock table outbox in share row exclusive mode';
  const left = { [state]: each, [events]: each };
  let lock = state;
  let told = 0;
  return {
    async due(batch) {
      const sql = 'select 1 from outbox where device_id = $1';
      const { rowCount } = await db.query(sql, [devices.spared.id]);
      lock = rowCount > told ? events : state;
      told = rowCount;
      if (left[lock] === 0 || (lock === state && batch % 4 !== 1)) return false;
      left[lock]!--;
      return true;
    },
    strike: (begin, kill) =>
      db.tx(async (tx) => {
        const waiting = `select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        await tx.query(lock);
        begin();
        for (let looks = 0; (await tx.query(waiting)).rowCount === 0; looks++) {
          if (looks > 1_000) throw new Error('the server never came to the lock');
          await pause(10);
        }
        await kill();
      }),
  };
}

/** Embedded: nobody else can look inside, so the blow falls some milliseconds after sending. */
function strikeSoon(times: number): Striker {
  let struck = 0;
  return {
    due: (batch) => Promise.resolve(struck < times && batch % 8 === 5),
    async strike(begin, kill) {
      begin();
      await pause(4 * struck++);
      await kill();
    },
  };
}

/** Sends the walk for both devices; returns how often the server was killed. */
async function sendUnderFire(
  env: Record<string, string>,
  devices: Devices,
  batches: Ping[][],
  striker: Striker,
): Promise<number> {
  let struck = 0;
  let server = await serve(env);
  try {
    for (const [i, batch] of batches.entries()) {
      expect(await send(server.url, devices.spared.token, batch)).toBe(202);
      if (await striker.due(i)) {
        const { child, url } = server;
        let answer: Promise<number | null> = Promise.resolve(null);
        const begin = () => void (answer = send(url, devices.struck.token, batch));
        await striker.strike(begin, () => end(child, 'SIGKILL'));
        await answer;
        struck++;
        server = await serve(env);
      }
      // As an app does: the same batch again until it is acknowledged.
      expect(await send(server.url, devices.struck.token, batch)).toBe(202);
    }
  } finally {
    await end(server.child, 'SIGTERM');
  }
  return struck;
}

async function compare(db: Database, devices: Devices, count: number) {
  const struck = await remembered(db, devices.struck.id);
  const spared = await remembered(db, devices.spared.id);
  expect(struck['pings']).toHaveLength(count);
  expect(struck['visits']?.length).toBeGreaterThan(1);
  expect(struck['events']).toContainEqual(expect.objectContaining({ type: 'visit.revised' }));
  expect(anonymous(struck)).toEqual(anonymous(spared));
}

requirePart('ingest under kill -9 on PostgreSQL (needs FOYER_POSTGRES_URL)', partPresent.postgres)(
  'PostgreSQL',
  () => {
    test('kill -9 in the middle of batches: same pings, state, visits and events', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'foyer-crash-'));
      const held = await postgresTestDatabase(postgresUrl as string);
      try {
        const devices = await prepare(held.db);
        const env = { DATA_DIR: folder, DATABASE_URL: held.url as string };
        const batches = walk(24);
        const striker = strikeAtLock(held.db, devices, 2);
        expect(await sendUnderFire(env, devices, batches, striker)).toBe(4);
        await compare(held.db, devices, batches.flat().length);
      } finally {
        await held.release();
        rmSync(folder, { recursive: true, force: true });
      }
    }, 240_000);
  },
);

describe('the embedded database', () => {
  test('kill -9 in the middle of batches: same pings, state, visits and events', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'foyer-crash-'));
    const open = () => openDatabase({ folder: databaseFolder(folder) });
    try {
      let db = await open();
      await migrate(db);
      const devices = await prepare(db);
      await db.close();
      const batches = walk(24);
      const env = { DATA_DIR: folder };
      expect(await sendUnderFire(env, devices, batches, strikeSoon(2))).toBe(2);
      db = await open();
      try {
        await compare(db, devices, batches.flat().length);
      } finally {
        await db.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 300_000);
});
