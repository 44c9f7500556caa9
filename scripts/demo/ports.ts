/** Where the demo listens: at the usual ports, or the next free ones. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const TRIES = 20;

async function freeTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

async function freeUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createSocket('udp4');
    probe.once('error', () => resolve(false));
    probe.bind(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

async function nextFree(
  from: number,
  step: number,
  free: (port: number) => Promise<boolean>,
): Promise<number> {
  const last = from + (TRIES - 1) * step;
  for (let port = from; port <= last; port += step) if (await free(port)) return port;
  throw new Error(`no free port from ${from} to ${last}`);
}

export interface DemoPorts {
  http: number;
  /** UDP; accounting is the one behind it. */
  radius: number;
  /** UDP: notices of Portal 2.0 controllers. */
  portal2: number;
}

export async function demoPorts(http: number): Promise<DemoPorts> {
  return {
    http: await nextFree(http, 1, freeTcp),
    radius: await nextFree(1812, 2, async (port) => (await freeUdp(port)) && freeUdp(port + 1)),
    portal2: await nextFree(50_100, 1, freeUdp),
  };
}
