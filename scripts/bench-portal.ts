/** Full guest logins a second over HTTP, a chain of stores at once, and the first page, on both databases. */
import { cpus, release, totalmem } from 'node:os';
import { Command } from 'commander';
import { openServer, pinned, stepAside } from './bench/house.ts';
import { measureChain, measureRush } from './bench/portal-load.ts';
import type { LoginLoad } from './bench/portal-load.ts';
import { openMeter } from './bench/portal-cost.ts';
import { measureFirstPage } from './bench/portal-page.ts';
import { arrivalAt, openShops } from './bench/portal-stores.ts';

interface Options {
  json?: true;
  quick?: true;
  embedded: boolean;
  stores: string;
  guests: string;
  within: string[];
}

const RUSH_CLIENTS = [1, 16];

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
}

async function measure(adminUrl: string | null, options: Options) {
  const quick = options.quick === true;
  const stores = quick ? 10 : Number(options.stores);
  say(`preparing ${adminUrl === null ? 'the embedded database' : 'PostgreSQL'} …`);
  const server = await openServer(adminUrl, (db) => openShops(db, stores));
  const meter = await openMeter(server.pid, server.databaseUrl);
  const target = { url: server.url, slugs: server.made, meter };
  try {
    await measureRush(target, 4, quick ? 1 : 3);
    const rows: { load: string; result: LoginLoad }[] = [];
    for (const clients of RUSH_CLIENTS) {
      say(`${clients} guests who do not read …`);
      const result = await measureRush(target, clients, quick ? 2 : 15);
      rows.push({ load: `${clients} at a time, no reading`, result });
    }
    if (adminUrl !== null) {
      const guests = quick ? 2 : Number(options.guests);
      for (const within of quick ? [5] : options.within.map(Number)) {
        const asked = `${guests} at each of ${stores} stores within ${within} s`;
        say(`${asked} …`);
        const result = await measureChain(target, guests, within);
        const rate = ms((guests * stores) / within);
        rows.push({ load: `${asked} (${rate}/s)`, result });
      }
    }
    const url = new URL(arrivalAt(target.slugs[0]!, 4_000_000_000), server.url).href;
    const page = adminUrl === null ? null : await measureFirstPage(url, quick ? 0 : 3);
    return { engine: server.engine, rows, page };
  } finally {
    await meter.close();
    await server.close();
  }
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const ms = (value: number): string => value.toFixed(1);

/** Who used the processors: what the guests and PostgreSQL take here, they take elsewhere on other machines. */
function costTable(results: Awaited<ReturnType<typeof measure>>[]): string[] {
  const figure = (value: number | null): string => (value === null ? 'not read' : ms(value));
  return [
    '',
    'What one login costs, with server, guests and database on this machine',
    '| Database | guests | CPU of the server ms | of PostgreSQL ms | of the guests ms | transactions | log octets |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...results.flatMap(({ engine, rows }) =>
      rows.map(({ load, result: { cost } }) => {
        const wal = cost.walBytes === null ? 'not read' : whole(cost.walBytes);
        const cpu = [cost.server, cost.postgres, cost.guests, cost.transactions].map(figure);
        return `| ${engine} | ${load} | ${cpu.join(' | ')} | ${wal} |`;
      }),
    ),
  ];
}

function table(results: Awaited<ReturnType<typeof measure>>[]): string {
  const lines = [
    'Full logins: the gateway’s redirect, the choice, the terms, the grant, the welcome page',
    '| Database | guests | logins | failed | logins/s | page p50 ms | p95 ms | p99 ms |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...results.flatMap(({ engine, rows }) =>
      rows.map(
        ({ load, result }) =>
          `| ${engine} | ${load} | ${whole(result.guests)} | ${result.failed} | ${ms(result.loginsPerSecond)} | ${ms(result.p50)} | ${ms(result.p95)} | ${ms(result.p99)} |`,
      ),
    ),
  ];
  lines.push(...costTable(results));
  for (const { page } of results) {
    if (page === null) continue;
    const score = (value: number | null): string => (value === null ? 'not run' : value.toFixed(2));
    lines.push(
      '',
      `First page: ${whole(page.gzipBytes)} octets gzip (${whole(page.plainBytes)} plain), ` +
        `Lighthouse performance ${score(page.performance)}, accessibility ${score(page.accessibility)}.`,
    );
  }
  return lines.join('\n');
}

async function main(options: Options): Promise<void> {
  stepAside();
  const adminUrl = process.env['BENCH_DATABASE_URL'] || process.env['TEST_DATABASE_URL'];
  const engines: (string | null)[] = [
    ...(adminUrl ? [adminUrl] : []),
    ...(options.embedded ? [null] : []),
  ];
  const results = [];
  for (const engine of engines) results.push(await measure(engine, options));
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    serverOnItsOwnProcessor: pinned,
  };
  if (options.json) {
    console.log(JSON.stringify({ machine, results }));
    return;
  }
  console.log(table(results));
  if (!adminUrl) console.log('\nPostgreSQL left out: set BENCH_DATABASE_URL or TEST_DATABASE_URL.');
  const { node, cpu, processors, memoryGiB } = machine;
  const pinning = pinned ? 'server and guests on processors of their own' : 'not pinned';
  console.log(`\nNode ${node}, ${processors} × ${cpu}, ${memoryGiB} GiB, ${pinning}.`);
}

await new Command('bench-portal')
  .description(
    'How many guests a second log in, how long they wait for a page, and how heavy it is.',
  )
  .option('--stores <n>', 'stores of the chain', '200')
  .option('--guests <n>', 'guests at each of them', '40')
  .option('--within <s...>', 'seconds within which all of them arrive; each by itself', [
    '120',
    '300',
  ])
  .option('--json', 'one JSON object instead of a table')
  .option('--quick', 'a few seconds of everything, to see that it runs')
  .option('--no-embedded', 'leave out the embedded database')
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`bench-portal: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
