/** A seeded crowd walking through the seeded mall of a running server, over its public doors. */
import { Command } from 'commander';
import { createApi } from './demo/api.ts';
import type { World } from './demo/people.ts';
import { gather, play } from './demo/play.ts';
import { seeded } from './lib/random.ts';
import { whole } from './lib/whole.ts';

const options = new Command('simulate')
  .description(
    'Walk a crowd through the mall that "npm run seed" made, until Ctrl-C or for some time.',
  )
  .requiredOption('--key <key>', 'API key with devices:write')
  .option('--url <url>', 'server', 'http://localhost:8080')
  .option('--people <number>', 'people in the mall', whole(1), 20)
  .option('--seed <number>', 'seed of the crowd', whole(1), 7)
  .option('--for <seconds>', 'stop after this time', whole(1))
  .parse()
  .opts<{ key: string; url: string; people: number; seed: number; for?: number }>();

async function main(): Promise<number> {
  const world: World = {
    base: options.url.replace(/\/+$/, ''),
    api: createApi(options.url, options.key),
    random: seeded(options.seed),
    now: Date.now,
  };
  const crowd = await gather(world, options.people);
  process.stderr.write(`${crowd.length} people are walking …\n`);
  let stopped = false;
  process.once('SIGINT', () => (stopped = true));
  process.once('SIGTERM', () => (stopped = true));
  const end = options.for === undefined ? Infinity : performance.now() + options.for * 1000;
  const done = (): boolean => stopped || performance.now() > end;
  const { pings, failures } = await play(world, [], crowd, done, () => undefined);
  process.stdout.write(`${pings} pings sent, ${failures.length} failures\n`);
  for (const failure of failures.slice(0, 5)) process.stderr.write(`  ${failure}\n`);
  return failures.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`simulate: ${error instanceof Error ? error.message : 'failed'}\n`);
    process.exit(1);
  },
);
