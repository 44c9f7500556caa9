/** One process per data folder: two would overwrite each other's pages in silence. */
import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

interface Holder {
  pid: number;
  /** Start time of that pid in kernel ticks, so that a reused pid is not mistaken for the holder. */
  started: string | null;
  host: string;
}

const HEARTBEAT_MS = 5_000;
// A holder on another host or in another container cannot be asked: it must have been silent so long.
const SILENT_MS = 20_000;
const TAKEOVER_STALE_MS = 10_000;

/** Linux: field 22 of /proc/PID/stat. Elsewhere null, and the pid alone decides. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function running(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Milliseconds since the file was touched; a file that is gone is infinitely old. */
function age(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return Infinity;
  }
}

function read(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function alive(holder: Holder, file: string): boolean {
  if (holder.host !== hostname()) return age(file) < SILENT_MS;
  if (!running(holder.pid)) return false;
  return holder.started === null || holder.started === startOf(holder.pid);
}

/** Creates `file` with its full content, or fails with EEXIST: never half-written. */
function createWhole(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}.${process.hrtime.bigint()}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead holder's lock; only one process at a time may judge and remove. */
async function removeStale(file: string): Promise<void> {
  const turn = `${file}.takeover`;
  if (!createWhole(turn, '')) {
    if (age(turn) > TAKEOVER_STALE_MS) rmSync(turn, { force: true });
    await pause(50);
    return;
  }
  try {
    const holder = read(file);
    if (holder && alive(holder, file)) return;
    rmSync(file, { force: true });
  } finally {
    rmSync(turn, { force: true });
  }
}

/**
 * Takes the folder for this process or throws, naming the process that has it.
 * Returns the release; a lock left by a process that died is taken over.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, 'lock');
  const me: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() };
  const content = `${JSON.stringify(me)}\n`;
  while (!createWhole(file, content)) {
    const holder = read(file);
    if (holder && alive(holder, file)) {
      const where = holder.host === me.host ? '' : ` on host ${holder.host}`;
      throw new Error(
        `the data folder ${folder} is in use by process ${holder.pid}${where}: one process at a time`,
      );
    }
    await removeStale(file);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(file, now, now);
    } catch {
      // the folder was removed under us; PostgreSQL will say so better than we can
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return () => {
    clearInterval(heartbeat);
    if (read(file)?.pid === me.pid) rmSync(file, { force: true });
  };
}
