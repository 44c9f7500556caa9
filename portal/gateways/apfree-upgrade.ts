/** Lets apfree-wifidog's sockets in at `/wd/:store/:secret/ws`, beside whoever else takes upgrades of this server. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Caller, Callers } from './wifidog-callers.ts';
import { plainAddress } from './wifidog-callers.ts';

export interface UpgradeParts {
  callers: Callers;
  talk: (socket: WebSocket, found: Caller[]) => void;
  /** How many lines there are. */
  open: () => number;
  close: () => void;
}

const PATH = /^\/wd\/([\w-]{1,64})\/([\w-]{8,64})\/ws\/?(?:\?|$)/;
const MOST_LINES = 2_000;
const MOST_OCTETS = 64 * 1024;
/** socket.io ends upgrades that nobody took within a second. */
const LOOKUP_MS = 800;

function refuse(socket: Duplex, status: string): void {
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  if (socket.writable) socket.end(head);
}

/** Null when the house does not say in time. */
async function callersOf(callers: Callers, request: IncomingMessage): Promise<Caller[] | null> {
  const [, slug = '', secret = ''] = PATH.exec(request.url ?? '') ?? [];
  const address = plainAddress(request.socket.remoteAddress ?? '');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LOOKUP_MS);
  });
  const found = callers.find(slug, secret, address).catch(() => null);
  const first = await Promise.race([found, late]);
  clearTimeout(timer);
  return first;
}

/** Other paths are left to whoever else listens; alone, we must not leave them hanging. */
export function attachLines(server: Server, parts: UpgradeParts): () => Promise<void> {
  const { callers, talk, open, close } = parts;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_OCTETS });

  async function welcome(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const found = await callersOf(callers, request);
    if (found === null) return refuse(socket, '503 Service Unavailable');
    const own = found.filter(({ gateway }) => gateway.kind === 'apfree');
    if (own.length === 0) return refuse(socket, '403 Forbidden');
    sockets.handleUpgrade(request, socket, head, (line) => talk(line, own));
  }

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (!PATH.test(request.url ?? '')) {
      if (server.listenerCount('upgrade') === 1) refuse(socket, '404 Not Found');
      return;
    }
    socket.on('error', () => socket.destroy());
    if (open() >= MOST_LINES) return refuse(socket, '503 Service Unavailable');
    welcome(request, socket, head).catch(() => socket.destroy());
  };
  server.on('upgrade', onUpgrade);
  return async () => {
    server.off('upgrade', onUpgrade);
    close();
    await Promise.resolve();
  };
}
