/** Devices that walk from shop to shop and send batch after batch as fast as they are answered. */
import http from 'node:http';
import type { House, Shop } from './house.ts';
import { cpuSeconds } from './house.ts';

export interface LoadResult {
  engine: string;
  batch: number;
  clients: number;
  pingsPerSecond: number;
  requestsPerSecond: number;
  /** Pings per second of the server's processor time; null where the system does not tell it. */
  pingsPerCpuSecond: number | null;
  p50: number;
  p99: number;
}

interface Walker {
  token: string;
  next(batch: number): object[];
}

const DAY = 86_400_000;

/** Two minutes in a shop, half a minute on the way to the next, a ping a second. */
export function walker(token: string, shops: readonly Shop[], from: number, start: number): Walker {
  let step = 0;
  return {
    token,
    next: (batch) =>
      Array.from({ length: batch }, () => {
        const leg = Math.floor(step / 150);
        const share = Math.max(0, ((step % 150) - 120) / 30);
        const here = shops[(from + leg) % shops.length] as Shop;
        const there = shops[(from + leg + 1) % shops.length] as Shop;
        const unrest = (((step * 7919) % 101) - 50) * 1e-7;
        return {
          at: start + step++ * 1000,
          lon: here.lon + (there.lon - here.lon) * share + unrest,
          lat: here.lat + (there.lat - here.lat) * share - unrest,
          accuracy: 8,
        };
      }),
  };
}

export function createSender(url: string, sockets: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: sockets });
  const { hostname, port } = new URL(url);
  return {
    /** Resolves with the milliseconds until the whole answer was there. */
    post: (token: string, pings: object[]) =>
      new Promise<number>((resolve, reject) => {
        const body = JSON.stringify({ pings });
        const from = performance.now();
        const request = http.request(
          {
            agent,
            hostname,
            port,
            method: 'POST',
            path: '/v1/pings',
            headers: {
              authorization: `Bearer ${token}`,
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(body),
            },
          },
          (response) => {
            response.resume();
            response.once('end', () => {
              if (response.statusCode === 202) resolve(performance.now() - from);
              else reject(new Error(`the server answered ${response.statusCode}`));
            });
          },
        );
        request.once('error', reject);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** One row of the table: `clients` devices in parallel for some seconds, after a warm-up. */
export async function measureLoad(
  house: House,
  batch: number,
  clients: number,
  seconds: number,
  round: number,
): Promise<LoadResult> {
  const sender = createSender(house.url, clients);
  // Each round its own days, so that time only moves forward for a device.
  const start = Math.floor(Date.now() / 1000) * 1000 - (24 - round * 4) * DAY;
  const walkers = house.tokens
    .slice(0, clients)
    .map((token, i) => walker(token, house.shops, i * 7, start));
  const run = async (until: number): Promise<number[]> => {
    const took: number[] = [];
    await Promise.all(
      walkers.map(async (each) => {
        while (performance.now() < until) {
          took.push(await sender.post(each.token, each.next(batch)));
        }
      }),
    );
    return took;
  };
  await run(performance.now() + Math.min(1000, seconds * 300));
  const cpuBefore = cpuSeconds(house.pid);
  const from = performance.now();
  const took = await run(from + seconds * 1000);
  const elapsed = (performance.now() - from) / 1000;
  const cpuAfter = cpuSeconds(house.pid);
  sender.close();
  const sorted = took.toSorted((a, b) => a - b);
  const pings = took.length * batch;
  const cpu = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  return {
    engine: house.engine,
    batch,
    clients,
    pingsPerSecond: pings / elapsed,
    requestsPerSecond: took.length / elapsed,
    pingsPerCpuSecond: cpu === null || cpu === 0 ? null : pings / cpu,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  };
}
