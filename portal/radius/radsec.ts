/** RADIUS over TLS (RFC 6614): gateways known by their certificates; both ways on one connection. */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Network, Peer } from '../ports-network.ts';
import type { Log } from '../ports.ts';
import { unmapped } from './addresses.ts';
import type { Answers } from './answers.ts';
import type { Backwards } from './client.ts';
import type { Counts } from './counts.ts';
import { codes } from './dictionary.ts';
import type { DynamicCode, DynamicReply } from './dynamic.ts';
import { dynamicRequest, replyIn } from './dynamic.ts';
import { createFrames } from './frames.ts';
import type { Attribute } from './packet.ts';
import { decode } from './packet.ts';

/** RFC 6614 section 2.3: the shared secret is this word, TLS does the rest. */
export const RADSEC_SECRET = 'radsec';

export interface RadsecSettings {
  host: string;
  port: number;
  /** PEM texts. */
  cert: string;
  key: string;
  /** Authorities of gateways' certificates; absent: the fingerprint alone says who it is. */
  ca?: string;
  /** Connections at all, and of one certificate. */
  most?: number;
  mostOfOne?: number;
  /** Silence after which a connection is closed. */
  idleMs?: number;
  handshakeMs?: number;
  /** Longest that a gateway may take to answer what it is asked backwards. */
  replyMs?: number;
  /** How long a connection goes by the registration it was let in under. */
  recheckMs?: number;
}

export interface RadsecDeps {
  network: Network;
  answers: Answers;
  clock: () => number;
  log: Log;
  counts: Counts;
}

export interface RadsecServer extends Backwards {
  port: number;
  close(): Promise<void>;
}

/** More requests than these in hand make a connection wait; more unread answers as well. */
const MOST_IN_HAND = 256;
const MOST_UNREAD = 256 * 1024;
const BACKWARD_ANSWERS: readonly number[] = [
  codes.disconnectAck,
  codes.disconnectNak,
  codes.coaAck,
  codes.coaNak,
];

interface Connection {
  socket: TLSSocket;
  peer: Peer;
  fingerprint: string;
  checkedAt: number;
  waiting: Map<number, { request: Buffer; settle(reply: DynamicReply): void }>;
  nextId: number;
}

/** On TLS the certificate names the gateway, so names and secrets of its UDP side do not count. */
function overTls(peer: Peer): Peer {
  const { radius } = peer.gateway;
  if (radius === undefined) return peer;
  const gateway = { ...peer.gateway, radius: { ...radius, secret: RADSEC_SECRET, nasIds: [] } };
  return { ...peer, gateway };
}

/** SHA-256 of the client's certificate, lower-case hex; null without one. */
function fingerprintOf(socket: TLSSocket): string | null {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  return raw === undefined ? null : createHash('sha256').update(raw).digest('hex');
}

export function listenRadsec(settings: RadsecSettings, deps: RadsecDeps): Promise<RadsecServer> {
  const { counts, log } = deps;
  const { most = 512, mostOfOne = 16, idleMs = 900_000, replyMs = 10_000 } = settings;
  const { recheckMs = 60_000 } = settings;
  const sockets = new Set<TLSSocket>();
  const connections = new Map<string, Set<Connection>>();

  const admit = async (socket: TLSSocket): Promise<Connection | null> => {
    const fingerprint = fingerprintOf(socket);
    const peer = fingerprint && (await deps.network.peerByCertificate(fingerprint));
    if (!fingerprint || !peer || peer.gateway.radius === undefined || socket.destroyed) {
      counts['tls-refused']++;
      return null;
    }
    const own = connections.get(peer.gateway.id) ?? new Set<Connection>();
    if (own.size >= mostOfOne) {
      counts['tls-too-many']++;
      return null;
    }
    const connection: Connection = {
      socket,
      peer: overTls(peer),
      fingerprint,
      checkedAt: deps.clock(),
      waiting: new Map(),
      nextId: 0,
    };
    connections.set(peer.gateway.id, own.add(connection));
    socket.once('close', () => {
      own.delete(connection);
      if (own.size === 0) connections.delete(peer.gateway.id);
      for (const asked of connection.waiting.values()) asked.settle({ kind: 'silent' });
    });
    return connection;
  };

  const welcome = (socket: TLSSocket): void => {
    socket.on('error', () => socket.destroy());
    socket.setTimeout(idleMs, () => socket.destroy());
    admit(socket).then(
      (connection) =>
        connection === null ? socket.destroy() : converse(connection, deps, recheckMs),
      (error: unknown) => {
        log.warn({ err: error }, 'a RadSec client could not be looked up');
        socket.destroy();
      },
    );
  };

  const ask: Backwards['ask'] = (gatewayId, code, list) => {
    const connection = [...(connections.get(gatewayId) ?? [])].at(-1);
    return connection === undefined ? null : askBack(connection, code, list, deps, replyMs);
  };

  const server = createServer({
    cert: settings.cert,
    key: settings.key,
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
    minVersion: 'TLSv1.2',
    requestCert: true,
    // Without an authority the fingerprint decides, in `admit`.
    rejectUnauthorized: settings.ca !== undefined,
    handshakeTimeout: settings.handshakeMs ?? 10_000,
  });
  server.maxConnections = most;
  server.on('drop', () => counts['tls-too-many']++);
  server.on('tlsClientError', () => counts['tls-refused']++);
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    welcome(socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, () => {
      server.removeListener('error', reject);
      server.on('error', (error) => log.warn({ err: error }, 'RadSec reported a failure'));
      resolve({
        port: (server.address() as AddressInfo).port,
        ask,
        holds: (gatewayId) => connections.has(gatewayId),
        close() {
          const closed = new Promise<void>((done) => void server.close(() => done()));
          for (const socket of sockets) socket.destroy();
          return closed;
        },
      });
    });
  });
}

/** A connection lasts for weeks: a registration that was taken back or changed holds for it as well. */
async function recheck(connection: Connection, { network, counts, clock }: RadsecDeps) {
  connection.checkedAt = clock();
  const known = await network.peerByCertificate(connection.fingerprint);
  const same = known?.gateway.id === connection.peer.gateway.id;
  if (known && same && known.gateway.radius !== undefined) connection.peer = overTls(known);
  else {
    counts['tls-refused']++;
    connection.socket.destroy();
  }
}

/** Reads packets and answers them, as many at a time as one octet can number. */
function converse(connection: Connection, deps: RadsecDeps, recheckMs: number): void {
  const { socket } = connection;
  const frames = createFrames();
  const address = unmapped(socket.remoteAddress ?? '');
  const port = socket.remotePort ?? 0;
  let inHand = 0;
  const breathe = (): void => {
    const full = inHand >= MOST_IN_HAND || socket.writableLength > MOST_UNREAD;
    if (full) socket.pause();
    else if (socket.isPaused()) socket.resume();
  };
  const take = async (octets: Buffer): Promise<void> => {
    if (BACKWARD_ANSWERS.includes(octets[0]!)) {
      hear(connection, octets, deps.counts);
      return;
    }
    inHand++;
    // While storage is away it goes on by what was known.
    if (deps.clock() - connection.checkedAt >= recheckMs)
      recheck(connection, deps).catch(() => undefined);
    const { peer } = connection;
    const response = await deps.answers.answer({ door: 'both', address, port, octets, peer });
    inHand--;
    if (socket.destroyed) return;
    if (response !== null) socket.write(response);
    breathe();
  };
  socket.on('drain', breathe);
  socket.on('data', (chunk: Buffer) => {
    for (const octets of frames.push(chunk)) void take(octets);
    if (frames.broken()) {
      deps.counts['tls-bad-frame']++;
      socket.destroy();
    } else breathe();
  });
}

function hear(connection: Connection, octets: Buffer, counts: Counts): void {
  const decoded = decode(octets);
  const asked = decoded.ok ? connection.waiting.get(decoded.packet.id) : undefined;
  const reply =
    decoded.ok && asked !== undefined
      ? replyIn(decoded.packet, asked.request, RADSEC_SECRET, false)
      : null;
  if (reply === null) counts['dynamic-stray']++;
  else asked?.settle(reply);
}

/** Sent once: TLS loses nothing that the connection outlives. */
function askBack(
  connection: Connection,
  code: DynamicCode,
  list: readonly Attribute[],
  deps: RadsecDeps,
  replyMs: number,
): Promise<DynamicReply> {
  const { waiting, socket } = connection;
  const id = connection.nextId;
  connection.nextId = (id + 1) % 256;
  const request = dynamicRequest(code, id, list, RADSEC_SECRET, deps.clock());
  if (request === null || waiting.has(id)) return Promise.resolve({ kind: 'silent' });
  return new Promise((resolve) => {
    const settle = (reply: DynamicReply): void => {
      clearTimeout(timer);
      waiting.delete(id);
      resolve(reply);
    };
    const timer = setTimeout(() => settle({ kind: 'silent' }), replyMs);
    waiting.set(id, { request, settle });
    socket.write(request);
  });
}
