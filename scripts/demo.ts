/** One command to see Foyer alive: a server on the embedded database, a seeded mall, and a crowd in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { pretendRedirect } from '../portal/router.ts';
import { startServer } from '../server/app.ts';
import type { RunningServer } from '../server/app.ts';
import { readConfig } from '../server/config.ts';
import { createLog } from '../server/log.ts';
import { assemble } from './demo/cast.ts';
import { walkHistory } from './demo/history.ts';
import type { World } from './demo/people.ts';
import { gather, play } from './demo/play.ts';
import type { Played } from './demo/play.ts';
import { demoPorts } from './demo/ports.ts';
import type { DemoPorts } from './demo/ports.ts';
import { judge } from './demo/verdict.ts';
import type { Check } from './demo/verdict.ts';
import { seeded } from './lib/random.ts';
import { whole } from './lib/whole.ts';
import { seedDemo } from './seed.ts';
import type { Seeded } from './seed.ts';

interface Options {
  for?: number;
  port: number;
  seed: number;
  people: number;
}

const options = new Command('demo')
  .description(
    'Start Foyer on the embedded database with a seeded mall and a crowd walking through it.',
  )
  .option(
    '--for <seconds>',
    'stop after this time with a summary; exit code 1 when something expected did not happen',
    whole(0),
  )
  .option('--port <port>', 'port to listen on; the next free one when it is taken', whole(0), 8080)
  .option('--seed <number>', 'seed of the crowd', whole(0), 7)
  .option('--people <number>', 'strangers in the mall', whole(0), 14)
  .parse()
  .opts<Options>();

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** The newest code "mailed" to an address: the development outbox, as the console shows it. */
async function readMail({ services }: RunningServer, address: string): Promise<string> {
  const { rows } = await services.db.query<{ body: string }>(
    'select body from messages where address = $1 order by created_at desc limit 1',
    [address],
  );
  const code = /\b(\d{6})\b/.exec(rows[0]?.body ?? '')?.[1];
  if (!code) throw new Error('no code was mailed');
  return code;
}

function createWorld(server: RunningServer, house: Seeded): World {
  const { services, url } = server;
  return {
    base: url,
    api: house.api,
    storeId: house.store.id,
    random: seeded(options.seed),
    now: services.clock,
    redirect: (client) => pretendRedirect(house.store.slug, house.gateway, client),
    readMail: (address) => readMail(server, address),
  };
}

function welcomeText(
  url: string,
  { radius, portal2 }: DemoPorts,
  { owner, store, gateway, apiKey }: Seeded,
): string {
  const link = pretendRedirect(store.slug, gateway, { mac: '02:00:00:00:00:01', ip: '192.0.2.1' });
  return [
    '',
    `  Console   ${url}/console/live`,
    `            sign in as ${owner.email} with ${owner.password}`,
    `  Portal    ${url}${link}`,
    '            what a guest sees when the gateway sends them here',
    `  API       ${url}/docs`,
    `            key ${apiKey}`,
    `  Gateways  RADIUS at UDP ${radius} and ${radius + 1}, Portal 2.0 at UDP ${portal2}`,
    '            for emulated ones: npm run emulate -- --help',
    '',
  ].join('\n');
}

function summary(played: Played, checks: Check[]): string {
  const sorted = played.offerMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const lines = checks.map(({ what, ok, seen }) => `  ${ok ? 'ok  ' : 'FAIL'}  ${what}: ${seen}`);
  const timing =
    median === undefined ? '' : `; ping to offer on the phone: median ${Math.round(median)} ms`;
  return [`Summary: ${played.pings} live pings${timing}`, ...lines].join('\n');
}

async function main(): Promise<boolean> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'foyer-demo-'));
  const ports = await demoPorts(options.port);
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: String(ports.http),
    PUBLIC_URL: `http://127.0.0.1:${ports.http}`,
    RADIUS_PORT: String(ports.radius),
    PORTAL2_PORT: String(ports.portal2),
    DATA_DIR: folder,
    LOG_LEVEL: 'warn',
  });
  say('Starting the server on the embedded database (the first start takes some seconds) …');
  const server = await startServer(config, { log: createLog('warn') });
  try {
    return await show(server, ports);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function show(server: RunningServer, ports: DemoPorts): Promise<boolean> {
  say('Seeding the mall …');
  const house = await seedDemo(server.services, server.url);
  const world = createWorld(server, house);
  const past = await walkHistory(world, 20, 7, (done, all) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\rThe last eight days: ${done} of ${all} regulars `);
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  say(`The last eight days: ${past.people} regulars sent ${past.fixes} pings.`);
  const cast = await assemble(world, house.accessCodes);
  const crowd = await gather(world, options.people);
  say(welcomeText(server.url, ports, house));
  say(
    options.for === undefined
      ? 'The crowd walks until you press Ctrl-C.'
      : `The crowd walks for ${options.for} s.`,
  );
  let stopped = false;
  process.once('SIGINT', () => (stopped = true));
  process.once('SIGTERM', () => (stopped = true));
  const end = options.for === undefined ? Infinity : performance.now() + options.for * 1000;
  const played = await play(
    world,
    cast,
    crowd,
    () => stopped || performance.now() > end,
    (person, headline) =>
      say(`  ${new Date().toTimeString().slice(0, 8)}  ${person.name}: ${headline}`),
  );
  const checks = await judge(world, cast, played, house);
  say(summary(played, checks));
  return options.for === undefined || checks.every(({ ok }) => ok);
}

main().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : 'failed'}\n`);
    process.exit(1);
  },
);
