/** HTTPS to a network controller: pinned or verified, bounded in time, size and number, never aimed where none stands. */
import { lookup as dnsLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { connect } from 'node:tls';
import type { Refuses } from '../reach.ts';
import { ADDRESS_REFUSED, neverEquipment } from '../reach.ts';

/** `refused`: it answered, and said no. `unreachable`: late, never, garbled, or with a foreign certificate. */
export type Outcome<T> =
  { ok: true; value: T } | { ok: false; trouble: 'refused' | 'unreachable'; detail: string };

export interface ControllerCall {
  method: 'GET' | 'POST';
  /** Absolute, with its query. */
  path: string;
  headers?: Record<string, string>;
  body?: Record<string, unknown>;
  /** Ends the call before its own limit. */
  signal?: AbortSignal | undefined;
}

export interface ControllerReply {
  status: number;
  headers: IncomingMessage['headers'];
  /** Undefined when the body is no JSON. */
  json: unknown;
}

export interface LineOptions {
  timeoutMs: number;
  maxBytes: number;
  /** Calls under way at once, and waiting behind them. */
  parallel: number;
  queue: number;
  /** Addresses never to connect to. */
  refuses: Refuses;
}

export interface ControllerLine {
  call(call: ControllerCall): Promise<Outcome<ControllerReply>>;
  close(): void;
}

export const LINE_DEFAULTS: LineOptions = {
  timeoutMs: 5_000,
  maxBytes: 8_000_000,
  parallel: 4,
  queue: 64,
  refuses: neverEquipment,
};

function guardedLookup(refuses: Refuses): LookupFunction {
  return (hostname, options, done) => {
    dnsLookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const fine = error === null ? found.filter(({ address }) => !refuses(address)) : [];
      const [first] = fine;
      if (first === undefined)
        return done(error ?? new Error(ADDRESS_REFUSED), options.all === true ? [] : '', 0);
      if (options.all === true) return done(null, fine);
      done(null, first.address, first.family);
    });
  };
}

type Dialled = (error: Error | null, socket?: Socket) => void;

/**
 * Nothing is written before the certificate is known: a pin is compared once the handshake is done and
 * before the request gets its socket.
 */
function dial(url: URL, pin: string | undefined, options: LineOptions, done: Dialled): void {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && options.refuses(host)) return done(new Error(ADDRESS_REFUSED));
  const socket = connect({
    host,
    port: url.port === '' ? 443 : Number(url.port),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // Judged below, where what it shows can be told: whoever set it up may know it again and pin it.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    lookup: guardedLookup(options.refuses),
  });
  const fail = (error: Error) => {
    socket.destroy();
    done(error);
  };
  socket.setTimeout(options.timeoutMs, () => fail(new Error('too late')));
  socket.once('error', fail);
  socket.once('secureConnect', () => {
    const shown = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
    if (pin !== undefined && shown !== pin) return fail(new Error(`another certificate ${shown}`));
    if (pin === undefined && !socket.authorized)
      return fail(new Error(`${String(socket.authorizationError)} ${shown}`));
    socket.off('error', fail);
    socket.setTimeout(0);
    done(null, socket);
  });
}

/** Only what says why, never what was sent. */
function wordsOf(error: unknown): string {
  const { name, code, message } = error as { name?: unknown; code?: unknown; message?: unknown };
  if (name === 'AbortError' || name === 'TimeoutError') return 'too late';
  const said = typeof code === 'string' ? code : message;
  return typeof said === 'string' ? said.slice(0, 120) : 'unknown';
}

function wasKept(error: unknown): boolean {
  const { code, reused } = error as { code?: unknown; reused?: unknown };
  return reused === true && (code === 'ECONNRESET' || code === 'EPIPE');
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

async function readAll(message: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      message.destroy();
      throw new Error('reply too long');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function exchange(
  url: URL,
  agent: Agent,
  call: ControllerCall,
  options: LineOptions,
): Promise<ControllerReply> {
  const body = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
  const limit = AbortSignal.timeout(options.timeoutMs);
  const signal = call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]);
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpsRequest(new URL(call.path, url), {
      agent,
      method: call.method,
      signal,
      headers: {
        Accept: 'application/json',
        ...(body === null
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }),
        ...call.headers,
      },
    });
    sent.once('response', resolve).once('error', (error) => {
      reject(sent.reusedSocket ? Object.assign(error, { reused: true }) : error);
    });
    sent.end(body ?? undefined);
  });
  const bytes = await readAll(message, options.maxBytes);
  return { status: message.statusCode ?? 0, headers: message.headers, json: parsed(bytes) };
}

/** A kept connection may have been closed meanwhile: then nobody read the request, and it is sent anew. */
async function exchangeOnce(...all: Parameters<typeof exchange>): Promise<ControllerReply> {
  try {
    return await exchange(...all);
  } catch (error) {
    if (!wasKept(error)) throw error;
    return exchange(...all);
  }
}

/** One controller: connections are kept and shared, redirects never followed. */
export function openLine(
  settings: { url: string; fingerprint?: string | undefined },
  options: LineOptions = LINE_DEFAULTS,
): ControllerLine {
  const url = new URL(settings.url);
  const agent = new Agent({ keepAlive: true, maxSockets: options.parallel, timeout: 10_000 });
  const open: unknown = (_to: unknown, done: Dialled) =>
    dial(url, settings.fingerprint, options, done);
  agent.createConnection = open as typeof agent.createConnection;
  let waiting = 0;
  return {
    async call(call) {
      if (waiting >= options.parallel + options.queue)
        return { ok: false, trouble: 'unreachable', detail: 'too many calls waiting' };
      waiting += 1;
      try {
        return { ok: true, value: await exchangeOnce(url, agent, call, options) };
      } catch (error) {
        return { ok: false, trouble: 'unreachable', detail: wordsOf(error) };
      } finally {
        waiting -= 1;
      }
    },
    close: () => agent.destroy(),
  };
}
