/** The first page as a phone gets it: octets on the wire, and what Lighthouse says of it. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface FirstPage {
  /** Octets of the page as sent, gzip when the server or a proxy compresses, level 6. */
  gzipBytes: number;
  plainBytes: number;
  /** 0..1; null where there is no browser. */
  performance: number | null;
  accessibility: number | null;
}

const BROWSERS = [process.env['FOYER_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'];

async function octets(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get(url, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts)));
    }).on('error', reject);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Lighthouse's own simulated slow phone; medians of `runs`. */
async function lighthouseScores(url: string, browser: string, runs: number) {
  const [{ default: lighthouse }, { chromium }] = await Promise.all([
    import('lighthouse'),
    import('playwright-core'),
  ]);
  const port = await freePort();
  const chrome = await chromium.launch({
    executablePath: browser,
    args: [`--remote-debugging-port=${port}`, '--no-sandbox', '--disable-dev-shm-usage'],
  });
  const scores: { performance: number; accessibility: number }[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      const result = await lighthouse(url, {
        port,
        onlyCategories: ['performance', 'accessibility'],
        logLevel: 'silent',
      });
      const categories = result?.lhr.categories;
      scores.push({
        performance: categories?.['performance']?.score ?? 0,
        accessibility: categories?.['accessibility']?.score ?? 0,
      });
    }
  } finally {
    await chrome.close();
  }
  const middle = (of: 'performance' | 'accessibility') =>
    scores.map((one) => one[of]).toSorted((a, b) => a - b)[Math.floor(scores.length / 2)] ?? null;
  return { performance: middle('performance'), accessibility: middle('accessibility') };
}

export async function measureFirstPage(url: string, runs: number): Promise<FirstPage> {
  const page = await octets(url);
  const browser = BROWSERS.find((file) => file !== undefined && existsSync(file));
  const scores =
    browser === undefined || runs === 0
      ? { performance: null, accessibility: null }
      : await lighthouseScores(url, browser, runs);
  return { gzipBytes: gzipSync(page).length, plainBytes: page.length, ...scores };
}
