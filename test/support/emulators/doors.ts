/**
 * Doors of emulated equipment. On one machine all guests come from the same address, so that each gets
 * a port of its own: whoever knocks there is that guest, as a real gateway knows by the wire.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

export function sendTo(response: ServerResponse, url: string): void {
  response.writeHead(302, { Location: url, 'Cache-Control': 'no-cache' });
  response.end();
}

/** As equipment writes it: percent signs with lower-case digits. */
export function percent(text: string): string {
  return encodeURIComponent(text).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}
