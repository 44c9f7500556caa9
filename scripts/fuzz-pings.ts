/** Damages valid messages of every tracker app at random, and stops at the first that breaks a rule. */
import { Command } from 'commander';
import type { App, Sent } from './fuzz/apps.ts';
import { apps, fixturesOf, readAs, sentOf } from './fuzz/apps.ts';
import { damageFields, damageText, damageTree } from './fuzz/mutate.ts';
import { brokenRule } from './fuzz/rules.ts';
import type { Random } from './lib/random.ts';
import { seeded } from './lib/random.ts';
import { whole } from './lib/whole.ts';
import { sealMessage } from '../server/pings/protocols/secretbox.ts';

/** The present, to the parsers: near the fixtures' times. */
const NOW = Date.parse('2026-11-17T12:00:00Z');

const options = new Command('fuzz-pings')
  .description('Send damaged messages of every tracker app through its parser.')
  .option('--runs <number>', 'messages per app', whole(1), 1_000_000)
  .option('--seed <number>', 'the same seed damages the same way', whole(0), 1)
  .option('--app <name>', `one of ${apps.join(', ')}; default: all`)
  .parse()
  .opts<{ runs: number; seed: number; app?: string }>();

interface Tally {
  pings: number;
  accepted: number;
  none: number;
}

function damaged(valid: Sent, random: Random): Sent {
  const sent = { ...valid };
  const times = 1 + Math.floor(random.next() * 3);
  for (let i = 0; i < times; i++) {
    const inQuery = sent.query !== undefined && (sent.body === undefined || random.next() < 0.3);
    if (inQuery) sent.query = damageFields(sent.query ?? '', random);
    else if (sent.body !== undefined) sent.body = damagedBody(sent.body, random);
  }
  if (sent.passphrase !== undefined && random.next() < 0.5) sent.body = sealed(sent, random);
  return sent;
}

function damagedBody(body: string, random: Random): string {
  const tree = random.next() < 0.8 ? parsed(body) : undefined;
  if (tree === undefined) {
    const form = !/^\s*[[{]/.test(body) && body.includes('=');
    return form ? damageFields(body, random) : damageText(body, random);
  }
  return JSON.stringify(damageTree(tree, random)) ?? '';
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Damage that gets past the lock: sealed as the phone would. */
function sealed(sent: Sent, random: Random): string {
  const inner = { _type: 'location', lat: 51.5, lon: -0.12, tst: NOW / 1000, acc: 5, BSSID: 'x' };
  const bytes = (n: number): Buffer =>
    Buffer.from(Array.from({ length: n }, () => Math.floor(random.next() * 256)));
  return JSON.stringify(
    sealMessage(sent.passphrase ?? '', damageTree(inner, random) ?? null, bytes),
  );
}

/** Returns what went wrong, or how it went. */
function fuzz(app: App, runs: number, seed: number): Tally | string {
  const valid = fixturesOf(app).map(([, fixture]) => sentOf(fixture));
  const random = seeded(seed);
  const tally: Tally = { pings: 0, accepted: 0, none: 0 };
  for (let run = 0; run < runs; run++) {
    const sent = damaged(random.pick(valid), random);
    const wrong = check(app, sent, tally);
    if (wrong !== null) return `run ${run}: ${wrong}\n${JSON.stringify(sent).slice(0, 4_000)}`;
  }
  return tally;
}

function check(app: App, sent: Sent, tally: Tally): string | null {
  try {
    const read = readAs(app, sent, NOW);
    tally.pings += read.pings.length;
    tally.accepted += read.pings.filter(({ refusal }) => refusal === null).length;
    if (read.pings.length === 0) tally.none++;
    return brokenRule(read);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function main(): number {
  const chosen = apps.filter((app) => options.app === undefined || app === options.app);
  if (chosen.length === 0) throw new Error(`there is no app ${options.app}`);
  let failed = 0;
  for (const app of chosen) {
    const started = performance.now();
    const result = fuzz(app, options.runs, options.seed);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (typeof result === 'string') {
      failed++;
      process.stdout.write(`${app}: FAILED, ${result}\n`);
    } else {
      const { pings, accepted, none } = result;
      process.stdout.write(
        `${app}: ${options.runs} messages, ${pings} pings (${accepted} without fault), ${none} messages without one, ${seconds} s\n`,
      );
    }
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`fuzz-pings: ${error instanceof Error ? error.message : 'failed'}\n`);
  process.exitCode = 1;
}
