/** The embedded engine's worker thread: PGlite with PostGIS behind PostgreSQL's own wire protocol. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { PGliteOptions } from '@electric-sql/pglite';
import { postgis } from '@electric-sql/pglite-postgis';
import { durableFs, durableStartParams, fsyncTree } from './durable-fs.ts';
import type { EmbeddedBoot, FromWorker, ToWorker } from './embedded-protocol.ts';

const POSTGRES_MAJOR = '18';
// Nobody checkpoints in the background here: a small log keeps the pause of each one short.
const FILE_SETTINGS = ['-c', 'max_wal_size=64MB'];
const SETTINGS = ['-c', 'timezone=UTC'];

const port = parentPort;
if (!port) throw new Error('the embedded engine runs in a worker thread');

function say(message: FromWorker): void {
  if (message instanceof Uint8Array) port?.postMessage(message, [message.buffer as ArrayBuffer]);
  else port?.postMessage(message);
}

function tarball(file: string | null): Pick<PGliteOptions, 'loadDataDir'> {
  if (file === null || !existsSync(file)) return {};
  return { loadDataDir: new Blob([readFileSync(file)], { type: 'application/x-gzip' }) };
}

async function dump(pg: PGlite, file: string): Promise<void> {
  await pg.exec('checkpoint');
  const bytes = Buffer.from(await (await pg.dumpDataDir('gzip')).arrayBuffer());
  const draft = `${file}.${process.pid}.${process.hrtime.bigint()}`;
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(draft, bytes, { mode: 0o600 });
  renameSync(draft, file);
}

/** Boots from the template, or from nothing and leaves a template for the next time. */
async function first(options: PGliteOptions, boot: EmbeddedBoot): Promise<PGlite> {
  const begin = tarball(boot.template);
  const pg = await PGlite.create({ ...options, ...begin, extensions: { postgis } });
  if (begin.loadDataDir) return pg;
  await pg.exec('create extension postgis');
  if (boot.saveTemplate !== null) {
    // A machine without a writable cache is only slower the next time.
    await dump(pg, boot.saveTemplate).catch(() => {});
  }
  return pg;
}

function fileOptions(data: string): PGliteOptions {
  return {
    fs: durableFs(data),
    startParams: [...durableStartParams, ...FILE_SETTINGS, ...SETTINGS],
  };
}

function memoryOptions(): PGliteOptions {
  return { startParams: [...PGlite.defaultStartParams, ...SETTINGS] };
}

/** A folder counts from the moment its `ready` mark is on disk; anything before is made anew. */
async function openFolder(folder: string, boot: EmbeddedBoot): Promise<PGlite> {
  const data = path.join(folder, 'pg');
  const ready = path.join(folder, 'ready');
  if (existsSync(ready)) {
    const version = readFileSync(path.join(data, 'PG_VERSION'), 'utf8').trim();
    if (version !== POSTGRES_MAJOR) {
      throw new Error(`${folder} was made by PostgreSQL ${version}, this is ${POSTGRES_MAJOR}`);
    }
    return PGlite.create({ ...fileOptions(data), extensions: { postgis } });
  }
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const pg = await first(fileOptions(data), boot);
  await pg.exec('checkpoint');
  fsyncTree(folder);
  writeFileSync(ready, `PostgreSQL ${POSTGRES_MAJOR}\n`);
  fsyncTree(folder);
  return pg;
}

/** A new client meets a clean session, whatever the one before it left open. */
async function hello(pg: PGlite): Promise<void> {
  if (pg.isInTransaction()) await pg.exec('rollback');
  await pg.exec('discard all');
}

async function exchange(pg: PGlite, bytes: Uint8Array): Promise<void> {
  const parts: Buffer[] = [];
  // The bytes handed over are a view into the engine's own memory: copy at once.
  const onRawData = (part: Uint8Array): void => void parts.push(Buffer.from(part));
  await pg.execProtocolRawStream(bytes, { syncToFs: false, onRawData });
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const reply = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    reply.set(part, at);
    at += part.length;
  }
  say(reply);
}

async function answer(pg: PGlite, message: ToWorker): Promise<void> {
  if (message instanceof Uint8Array) return exchange(pg, message);
  if (message.kind === 'hello') return hello(pg);
  if (message.kind === 'dump') {
    const problem = await dump(pg, message.file).then(
      () => null,
      (error: Error) => error.message,
    );
    return say({ kind: 'dumped', problem });
  }
  await pg.close();
  port?.close();
}

const boot = workerData as EmbeddedBoot;
let engine: PGlite;
try {
  engine =
    boot.folder === null ? await first(memoryOptions(), boot) : await openFolder(boot.folder, boot);
} catch (error) {
  say({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
let turn: Promise<void> = Promise.resolve();
port.on('message', (message: ToWorker) => {
  // A failure here is the engine's own end, not a statement's: let the thread die and be replaced.
  turn = turn.then(() => answer(engine, message));
});
say({ kind: 'ready' });
