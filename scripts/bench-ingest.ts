/** Pings per second over HTTP to durable storage, and ping to offer on a socket, on both databases. */
import { cpus, release, totalmem } from 'node:os';
import { Command } from 'commander';
import { openHouse, pinned, stepAside } from './bench/house.ts';
import { measureLoad } from './bench/ingest-load.ts';
import type { LoadResult } from './bench/ingest-load.ts';
import { WARM_UP, measureOffers } from './bench/offer-latency.ts';
import type { OfferResult } from './bench/offer-latency.ts';

interface Options {
  json?: true;
  quick?: true;
  embedded: boolean;
}

const CLIENTS = 16;
const BATCHES = [1, 10, 100];

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
}

async function measure(adminUrl: string | null, quick: boolean) {
  const trials = quick ? 20 : 200;
  say(`preparing ${adminUrl === null ? 'the embedded database' : 'PostgreSQL'} …`);
  const house = await openHouse(adminUrl, CLIENTS + trials + WARM_UP);
  try {
    say('ping to offer …');
    const offers = await measureOffers(house, trials);
    const loads: LoadResult[] = [];
    for (const [round, batch] of BATCHES.entries()) {
      say(`batches of ${batch} …`);
      loads.push(await measureLoad(house, batch, CLIENTS, quick ? 2 : 10, round));
    }
    // One client alone: what a single phone sees.
    const alone = await measureLoad(house, 1, 1, quick ? 1 : 5, BATCHES.length);
    return { offers, loads: [alone, ...loads] };
  } finally {
    await house.close();
  }
}

const whole = (value: number | null): string =>
  value === null ? 'unknown' : Math.round(value).toLocaleString('en');
const ms = (value: number): string => value.toFixed(1);

function table(loads: readonly LoadResult[], offers: readonly OfferResult[]): string {
  const lines = [
    'Pings over HTTP to durable storage',
    '| Database | batch | clients | pings/s | pings per CPU s | requests/s | p50 ms | p99 ms |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...loads.map(
      (row) =>
        `| ${row.engine} | ${row.batch} | ${row.clients} | ${whole(row.pingsPerSecond)} | ${whole(row.pingsPerCpuSecond)} | ${whole(row.requestsPerSecond)} | ${ms(row.p50)} | ${ms(row.p99)} |`,
    ),
    '',
    'Idle: start of a ping’s request to the offer on the socket, and to the durable answer',
    '| Database | trials | offer p50 ms | offer p99 ms | answer p50 ms | answer p99 ms |',
    '| --- | --- | --- | --- | --- | --- |',
    ...offers.map(
      (row) =>
        `| ${row.engine} | ${row.trials} | ${ms(row.p50)} | ${ms(row.p99)} | ${ms(row.answerP50)} | ${ms(row.answerP99)} |`,
    ),
  ];
  return lines.join('\n');
}

async function main(options: Options): Promise<void> {
  stepAside();
  const quick = options.quick === true;
  const adminUrl = process.env['BENCH_DATABASE_URL'] || process.env['TEST_DATABASE_URL'];
  const engines: (string | null)[] = [
    ...(adminUrl ? [adminUrl] : []),
    ...(options.embedded ? [null] : []),
  ];
  const results = [];
  for (const engine of engines) results.push(await measure(engine, quick));
  const loads = results.flatMap((result) => result.loads);
  const offers = results.map((result) => result.offers);
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    serverOnItsOwnProcessor: pinned,
    quick,
  };
  if (options.json) {
    console.log(JSON.stringify({ machine, loads, offers }));
    return;
  }
  console.log(table(loads, offers));
  if (!adminUrl) console.log('\nPostgreSQL left out: set BENCH_DATABASE_URL or TEST_DATABASE_URL.');
  const { node, cpu, processors, memoryGiB } = machine;
  const pinning = pinned ? 'server and load on processors of their own' : 'not pinned';
  console.log(`\nNode ${node}, ${processors} × ${cpu}, ${memoryGiB} GiB, ${pinning}.`);
}

await new Command('bench-ingest')
  .description('How many pings a second become durable, and how fast a ping becomes an offer.')
  .option('--json', 'one JSON object instead of a table')
  .option('--quick', 'a few seconds of everything, to see that it runs')
  .option('--no-embedded', 'leave out the embedded database')
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`bench-ingest: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
