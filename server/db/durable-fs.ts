/**
 * PGlite's file system over a folder, with the one thing it leaves out: fsync.
 *
 * As shipped, PGlite starts PostgreSQL with fsync off and its Node file system answers every fsync
 * with "done" without asking the kernel, so a power cut can take all of it. Here fsync reaches the
 * disk: for files through their own descriptor, for folders through one opened for the purpose.
 * PostgreSQL must be started without -F and with wal_sync_method=fsync (the build's fdatasync does
 * nothing). Rests on PGlite's internals: keep its version pinned and test/e2e/power-cut.test.ts.
 */
import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

interface NodeStream {
  nfd?: number;
  node: object;
}

interface EmscriptenFs {
  ErrnoError: new (errno: number) => Error;
  filesystems: {
    NODEFS: {
      stream_ops: { fsync?: (stream: NodeStream) => number };
      realPath: (node: object) => string;
    };
  };
}

const EIO = 29;

/** Start parameters that make PostgreSQL ask for every flush it needs. */
export const durableStartParams: string[] = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  '-c',
  'fsync=on',
  '-c',
  'wal_sync_method=fsync',
];

function fsyncPath(name: string): void {
  const descriptor = openSync(name, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function addFsync(fs: EmscriptenFs): void {
  const nodefs = fs.filesystems.NODEFS;
  nodefs.stream_ops.fsync = (stream) => {
    try {
      if (stream.nfd === undefined) fsyncPath(nodefs.realPath(stream.node));
      else fsyncSync(stream.nfd);
    } catch {
      // PostgreSQL panics on a failed flush and recovers from its log: never report success.
      throw new fs.ErrnoError(EIO);
    }
    return 0;
  };
}

function hook(module: { FS: unknown }): void {
  addFsync(module.FS as EmscriptenFs);
}

export function durableFs(folder: string): NodeFS {
  const fs = new NodeFS(folder);
  const init = fs.init.bind(fs);
  fs.init = async (pg, options) => {
    const { emscriptenOpts } = await init(pg, options);
    const preRun = [...(emscriptenOpts.preRun ?? []), hook];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  };
  return fs;
}

/** Flushes every file and folder below `folder`, itself included. */
export function fsyncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) fsyncTree(name);
    else if (entry.isFile()) fsyncPath(name);
  }
  fsyncPath(folder);
}
