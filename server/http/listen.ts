/** An HTTP server that can be stopped without dropping anyone: new work is refused, work in hand ends. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express, RequestHandler } from 'express';
import { problem } from '../errors.ts';

/** Longest a request in hand is waited for once draining has begun. */
const drainMs = 8_000;

export interface HttpDoor {
  server: Server;
  /** First in line: once draining, refuses with 503 so that balancers and phones try again. */
  refuseWhenDraining: RequestHandler;
  draining: () => boolean;
  listen(host: string, port: number): Promise<{ port: number }>;
  /** Refuses new work; resolves when requests in hand are answered or the patience is over. */
  drain(): Promise<void>;
}

export function createHttpDoor(app: Express): HttpDoor {
  // Slow-loris bounds: a phone on bad WiFi needs seconds for its headers, not minutes.
  const server = createServer(
    { headersTimeout: 15_000, requestTimeout: 60_000, keepAliveTimeout: 10_000 },
    app,
  );
  server.maxRequestsPerSocket = 10_000;
  let draining = false;
  return {
    server,
    draining: () => draining,
    refuseWhenDraining: (request, response, next) => {
      if (!draining || request.path.startsWith('/health/')) {
        next();
        return;
      }
      response.setHeader('Connection', 'close');
      next(problem('draining', { retryAfter: 5 }));
    },
    async listen(host, port) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return { port: (server.address() as AddressInfo).port };
    },
    async drain() {
      draining = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const patience = setTimeout(() => server.closeAllConnections(), drainMs);
      const sweep = setInterval(() => server.closeIdleConnections(), 100);
      await closed;
      clearTimeout(patience);
      clearInterval(sweep);
    },
  };
}
