/** A small client of RESP, the protocol of Redis and Tile38: many commands at once, replies in order. */
import { connect } from 'node:net';

export type Reply = string | number | null | Error | Reply[];

export interface Resp {
  /** Sends all in one go; one reply for each command. An error reply is an Error in its place. */
  pipeline(commands: readonly (readonly string[])[]): Promise<Reply[]>;
  close(): void;
}

/** A command as an array of bulk strings. */
export function encode(command: readonly string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

/** One reply at `at` and where the next begins; null when it is not all there yet. */
export function decode(bytes: Buffer, at: number): { reply: Reply; next: number } | null {
  const end = bytes.indexOf('\r\n', at);
  if (end < 0) return null;
  const line = bytes.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[at] as number)) {
    case '+':
      return { reply: line, next };
    case '-':
      return { reply: new Error(line), next };
    case ':':
      return { reply: Number(line), next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, next };
      if (bytes.length < next + length + 2) return null;
      return { reply: bytes.toString('utf8', next, next + length), next: next + length + 2 };
    }
    case '*':
      return decodeArray(bytes, next, Number(line));
    default:
      throw new Error(`not RESP: ${bytes.toString('utf8', at, Math.min(end, at + 40))}`);
  }
}

function decodeArray(bytes: Buffer, at: number, length: number) {
  const reply: Reply[] = [];
  let next = at;
  for (let i = 0; i < length; i++) {
    const item = decode(bytes, next);
    if (item === null) return null;
    reply.push(item.reply);
    ({ next } = item);
  }
  return { reply: length < 0 ? null : reply, next };
}

interface Waiting {
  readonly replies: Reply[];
  readonly wanted: number;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: Error) => void;
}

/** `tile38://:password@host:port`; the port is 9851 when not given. */
export async function openResp(url: string): Promise<Resp> {
  const { hostname, port, password } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || 9851) });
  const queue: Waiting[] = [];
  let rest: Buffer = Buffer.alloc(0);
  const fail = (error: Error): void => {
    for (const waiting of queue.splice(0)) waiting.reject(error);
    socket.destroy();
  };
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    try {
      let at = 0;
      for (let found = decode(rest, at); found !== null; found = decode(rest, at)) {
        at = found.next;
        const [first] = queue;
        if (!first) throw new Error('a reply nobody asked for');
        first.replies.push(found.reply);
        if (first.replies.length === first.wanted) queue.shift()?.resolve(first.replies);
        if (at === rest.length) break;
      }
      rest = rest.subarray(at);
    } catch (error) {
      fail(error as Error);
    }
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const pipeline = (commands: readonly (readonly string[])[]): Promise<Reply[]> =>
    commands.length === 0
      ? Promise.resolve([])
      : new Promise((resolve, reject) => {
          queue.push({ replies: [], wanted: commands.length, resolve, reject });
          socket.write(commands.map(encode).join(''));
        });
  if (password !== '') {
    const [reply] = await pipeline([['AUTH', decodeURIComponent(password)]]);
    if (reply instanceof Error) throw reply;
  }
  return { pipeline, close: () => socket.destroy() };
}
