/** Starts the embedded engine's worker thread and speaks to it. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isUint8Array } from 'node:util/types';
import { Worker } from 'node:worker_threads';
import type { EmbeddedBoot, FromWorker, ToWorker } from './embedded-protocol.ts';
import type { Engine } from './embedded-stream.ts';
import { failure } from './failures.ts';

export interface RunningEngine extends Engine {
  /** False from the moment it was told to stop. */
  usable(): boolean;
  /** Resolves when the thread is gone. */
  ended: Promise<void>;
  dump(file: string): Promise<void>;
  /** Checkpoints, closes and waits for the thread's end. */
  close(): Promise<void>;
}

type Client = Parameters<Engine['attach']>[0];

/** Compiled, the worker is plain JavaScript; from source, tsx has to read it first. */
function spawn(boot: EmbeddedBoot): Worker {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) {
    return new Worker(new URL('./embedded-worker.js', here), { workerData: boot, execArgv: [] });
  }
  const api = createRequire(here)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const tsx = pathToFileURL(api).href;
  const file = new URL('./embedded-worker.ts', here).href;
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(file)}); })`;
  return new Worker(code, { eval: true, workerData: boot, execArgv: [] });
}

/** Resolves when the engine answers; `onEnd` hears when it ends without having been asked to. */
export async function startEngine(
  boot: EmbeddedBoot,
  onEnd: (reason: Error) => void,
): Promise<RunningEngine> {
  const worker = spawn(boot);
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const state = {
    client: undefined as Client | undefined,
    dumped: undefined as ((problem: string | null) => void) | undefined,
    stopping: false,
    closing: false,
    reason: failure('57P01', 'the embedded engine stopped'),
  };
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (isUint8Array(message)) state.client?.reply(message);
      else if (message.kind === 'ready') resolve();
      else if (message.kind === 'refused') reject(failure('58000', message.message));
      else state.dumped?.(message.problem);
    });
    worker.on('error', (error) => {
      state.reason = failure('58000', `the embedded engine stopped: ${error.message}`, error);
    });
    worker.once('exit', () => reject(state.reason));
  });
  worker.once('exit', () => {
    if (state.closing) return;
    onEnd(state.reason);
    state.client?.gone(state.reason);
    state.dumped?.(state.reason.message);
  });
  const post = (message: ToWorker): void => worker.postMessage(message, []);
  return {
    send: (bytes) => worker.postMessage(bytes, [bytes.buffer as ArrayBuffer]),
    hello: () => post({ kind: 'hello' }),
    attach: (client) => {
      state.client = client;
    },
    usable: () => !state.stopping,
    ended,
    kill: async () => {
      state.stopping = true;
      await worker.terminate();
    },
    async dump(file) {
      const problem = await new Promise<string | null>((resolve) => {
        state.dumped = resolve;
        post({ kind: 'dump', file });
      });
      if (problem !== null) throw failure('58030', `the dump failed: ${problem}`);
    },
    async close() {
      state.stopping = true;
      state.closing = true;
      post({ kind: 'close' });
      await ended;
    },
  };
}
