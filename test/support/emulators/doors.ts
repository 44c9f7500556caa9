/**
 * Doors of emulated equipment. On one machine all guests come from the same address, so that each gets
 * a port of its own: whoever knocks there is that guest, as a real gateway knows by the wire.
 */
import type { Socket } from 'node:dgram';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';

export type Knock = (url: URL, response: ServerResponse, request: IncomingMessage) => unknown;

export interface Door {
  port: number;
  close(): Promise<void>;
}

export async function closeServer(server: Pick<Server, 'close' | 'closeAllConnections'>) {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

function refusal(error: NodeJS.ErrnoException, port: number): Error {
  return error.code === 'EADDRINUSE' ? new Error(`port ${port} is in use`) : error;
}

/** Listens on this machine; a port that cannot be had is an error that says so. */
export async function listenAt(server: TcpServer, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(refusal(error, port)));
    server.listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** The same for UDP. */
export async function bindAt(socket: Socket, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(refusal(error, port)));
    socket.bind(port, host, resolve);
  });
  return socket.address().port;
}

export async function openDoor(knock: Knock, port = 0): Promise<Door> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://door.invalid');
    void (async () => {
      try {
        await knock(url, response, request);
      } catch {
        if (!response.headersSent) response.writeHead(500);
        response.end();
      }
    })();
  });
  return { port: await listenAt(server, port), close: () => closeServer(server) };
}

export function sendTo(response: ServerResponse, url: string): void {
  response.writeHead(302, { Location: url, 'Cache-Control': 'no-cache' });
  response.end();
}

/** As equipment writes it: percent signs with lower-case digits. */
export function percent(text: string): string {
  return encodeURIComponent(text).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}
