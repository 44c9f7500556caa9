/** A pg connection's socket whose other end is the embedded engine's worker, with the watchdog. */
import { Duplex } from 'node:stream';

/** One running engine, as the stream sees it. */
export interface Engine {
  send(bytes: Uint8Array): void;
  /** Clears what an earlier client left in the session. */
  hello(): void;
  /** Where replies and the engine's end are told; one client at a time. */
  attach(client: { reply(bytes: Uint8Array): void; gone(error: Error): void }): void;
  /** Stops the thread at once, as a kill -9 would. */
  kill(): Promise<void>;
}

export interface EngineStream extends Duplex {
  /** Milliseconds until an unanswered exchange has the engine stopped; 0 waits for ever. */
  limit: number;
}

const TERMINATE = 0x58;

/** PostgreSQL's ErrorResponse, as a server sends it before it closes a connection. */
function fatal(code: string, message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`;
  const size = Buffer.byteLength(fields);
  const bytes = Buffer.alloc(5 + size);
  bytes.write('E');
  bytes.writeInt32BE(4 + size, 1);
  bytes.write(fields, 5);
  return bytes;
}

/** `start` gives the running engine, starting it when there is none. */
export function engineStream(start: () => Promise<Engine>, defaultLimit: number): EngineStream {
  let engine: Engine | undefined;
  let waiting = 0;
  let watchdog: NodeJS.Timeout | undefined;

  function settled(): void {
    clearTimeout(watchdog);
    watchdog = undefined;
  }

  function bite(): void {
    const limit = stream.limit;
    const message = `canceling statement after ${limit} ms: the embedded engine was restarted`;
    stream.push(fatal('57014', message));
    void engine?.kill();
  }

  function post(bytes: Uint8Array): void {
    waiting++;
    if (stream.limit > 0) watchdog ??= setTimeout(bite, stream.limit);
    engine?.send(bytes);
  }

  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (chunk[0] !== TERMINATE) post(new Uint8Array(chunk));
      done();
    },
    writev(chunks, done) {
      post(new Uint8Array(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer))));
      done();
    },
    final(done) {
      done();
      stream.destroy();
    },
    destroy(error, done) {
      settled();
      done(error);
    },
  }) as EngineStream;
  stream.limit = defaultLimit;

  const client = {
    reply(bytes: Uint8Array) {
      if (--waiting === 0) settled();
      stream.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    },
    gone(error: Error) {
      // After what was pushed before it has been read.
      setImmediate(() => stream.destroy(error));
    },
  };

  async function connect(): Promise<void> {
    engine = await start();
    if (stream.destroyed) return;
    engine.attach(client);
    engine.hello();
    stream.emit('connect');
  }

  // What pg calls on a socket and a worker has no use for.
  const socket = { setNoDelay() {}, setKeepAlive() {}, ref() {}, unref() {} };
  return Object.assign(stream, socket, {
    connect: () => void connect().catch((error: Error) => stream.destroy(error)),
  });
}
