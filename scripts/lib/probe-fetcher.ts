/** Asks a probe's question over the network as a phone would: no redirect followed, nothing kept. */
import { lookup } from 'node:dns/promises';
import { request } from 'node:http';
import { connect } from 'node:tls';
import type { ProbeAsk, ProbeFetcher, ProbeHeard } from '../../portal/selftest.ts';

export interface FetcherOptions {
  /** Ask this address instead of what DNS says. */
  via?: { host: string; port: number };
  timeoutMs: number;
}

const MOST_OCTETS = 2_048;

interface Place {
  address: string;
  port: number;
  resolved: boolean;
}

async function placeOf(ask: ProbeAsk, { via }: FetcherOptions): Promise<Place | null> {
  if (via !== undefined) return { address: via.host, port: via.port, resolved: false };
  const found = await lookup(ask.host).catch(() => null);
  const port = ask.scheme === 'https' ? 443 : 80;
  return found === null ? null : { address: found.address, port, resolved: true };
}

/** The beginning of the body; the rest is not waited for. */
function ask(question: ProbeAsk, { address, port, resolved }: Place, timeoutMs: number) {
  return new Promise<ProbeHeard>((resolve) => {
    const call = request(
      {
        host: address,
        port,
        path: question.path,
        agent: false,
        headers: { Host: question.host, Connection: 'close', 'User-Agent': 'portal-selftest' },
        timeout: timeoutMs,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        const finish = () => {
          const body = Buffer.concat(chunks).subarray(0, MOST_OCTETS).toString('utf8');
          const { location = null, 'cache-control': cacheControl = null } = response.headers;
          const status = response.statusCode ?? 0;
          resolve({
            kind: 'answer',
            status,
            location,
            cacheControl,
            body,
            length,
            address,
            resolved,
          });
          call.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length > MOST_OCTETS) finish();
        });
        response.on('end', finish);
        response.on('error', finish);
      },
    );
    call.on('timeout', () => {
      resolve({ kind: 'silence' });
      call.destroy();
    });
    call.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ kind: error.code === 'ECONNREFUSED' ? 'refused' : 'silence' }),
    );
    call.end();
  });
}

/** Only whether somebody answers in this host's name. */
function shakeHands(question: ProbeAsk, { address, port }: Place, timeoutMs: number) {
  return new Promise<ProbeHeard>((resolve) => {
    const done = (heard: ProbeHeard) => {
      resolve(heard);
      socket.destroy();
    };
    // An untrusted certificate is what is looked for; nothing is sent over the connection.
    const socket = connect({
      host: address,
      port,
      servername: question.host,
      rejectUnauthorized: false,
    });
    socket.setTimeout(timeoutMs, () => done({ kind: 'silence' }));
    socket.on('secureConnect', () => done({ kind: 'handshake', trusted: socket.authorized }));
    socket.on('error', () => done({ kind: 'refused' }));
  });
}

export function createProbeFetcher(options: FetcherOptions): ProbeFetcher {
  return async (question) => {
    const place = await placeOf(question, options);
    if (place === null) return { kind: 'no-name' };
    const way = question.scheme === 'https' ? shakeHands : ask;
    return way(question, place, options.timeoutMs);
  };
}
