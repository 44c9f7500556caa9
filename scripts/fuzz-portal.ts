/** Damages Portal 2.0 packets and gateways' redirects at random, and stops at the first that breaks a rule. */
import { Command } from 'commander';
import { createGateways } from '../portal/gateways/all.ts';
import type { Gateways } from '../portal/gateways/all.ts';
import type { Opening, Reading } from '../portal/gateways/gateway.ts';
import type { Doors, PortalPorts } from '../portal/ports.ts';
import { loginRun, packetRun } from './fuzz/portal2.ts';
import { brokenOpening, brokenReading } from './fuzz/redirect-rules.ts';
import { BARE, BASE, bend, REDIRECTS, STORE } from './fuzz/redirects.ts';
import type { Redirect } from './fuzz/redirects.ts';
import type { Random } from './lib/random.ts';
import { seeded } from './lib/random.ts';
import { whole } from './lib/whole.ts';

const options = new Command('fuzz-portal')
  .description(
    'Send damaged Portal 2.0 packets and gateway redirects through the portal’s readers.',
  )
  .option('--runs <number>', 'in total: half packets, half redirects', whole(100), 1_000_000)
  .option('--seed <number>', 'the same seed damages the same way', whole(0), 1)
  .parse()
  .opts<{ runs: number; seed: number }>();

const NOW = Date.parse('2026-11-17T12:00:00Z');
/** Whole conversations are dearer than packets; one in so many. */
const LOGIN_EVERY = 20;
const BARE_EVERY = 16;

const nothing = async (): Promise<void> => undefined;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const doors = {
  pending: async () => [],
  deposit: nothing,
  confirmed: nothing,
  landed: nothing,
  cleared: nothing,
  ended: nothing,
  noticed: nothing,
  ticket: async () => ({
    username: `g.${'a'.repeat(24)}`,
    password: 'abcdefghij234567',
    until: NOW,
  }),
} as unknown as Doors;
/** Readers ask nothing of the house; what they were to ask would show as a crash. */
const ports = { doors, clock: () => NOW, log: quiet } as unknown as PortalPorts;

interface Tally {
  known: number;
  refused: number;
  absent: number;
  inside: number;
  doors: number;
  byKind: Map<string, number>;
}

async function openingOf(
  gateways: Gateways,
  reading: Extract<Reading, { kind: 'known' }>,
): Promise<Opening | null> {
  const { gateway, context } = reading;
  // These ask their equipment over the network instead of sending a browser anywhere.
  if (gateway.kind === 'portal2' || gateway.kind === 'unifi') return null;
  const limits = { minutes: 60, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
  return gateways.of(gateway.kind).open({
    store: STORE,
    gateway,
    context,
    grant: { sessionId: 'session-1', ...limits },
    landingUrl: `${BASE}/p/harbour/landed?j=x`,
    doors,
    log: quiet,
    now: NOW,
  });
}

async function redirectRun(
  gateways: Gateways,
  { redirect, query, bare }: { redirect: Redirect; query: string; bare: boolean },
  tally: Tally,
): Promise<string | null> {
  const store = bare ? BARE : STORE;
  const url = `${BASE}${redirect.path}?${query}`;
  const fields = new URLSearchParams(query);
  const reading = gateways.read(fields, store, { url, method: 'GET', networkIp: '203.0.113.5' });
  const wrong = brokenReading(reading, { url, query: fields, store });
  if (wrong !== null) return wrong;
  if (reading.kind === 'already-inside') tally.inside += 1;
  else tally[reading.kind] += 1;
  if (reading.kind !== 'known') return null;
  const { kind } = reading.gateway;
  tally.byKind.set(kind, (tally.byKind.get(kind) ?? 0) + 1);
  const opening = await openingOf(gateways, reading);
  if (opening === null) return null;
  tally.doors += 1;
  return brokenOpening(opening, reading.gateway);
}

async function fuzzRedirects(runs: number, random: Random): Promise<Tally> {
  const gateways = createGateways(ports);
  const tally: Tally = { known: 0, refused: 0, absent: 0, inside: 0, doors: 0, byKind: new Map() };
  for (let run = 0; run < runs; run++) {
    const whole = REDIRECTS[run];
    const redirect = whole ?? random.pick(REDIRECTS);
    const query = whole?.query ?? bend(redirect.query, random);
    const bare = whole === undefined && run % BARE_EVERY === 0;
    const given = { redirect, query, bare };
    const before = tally.known;
    const broken = await redirectRun(gateways, given, tally).catch(crashed);
    const lost = whole !== undefined && tally.known === before;
    const wrong = lost ? 'an undamaged redirect is not known' : broken;
    if (wrong !== null)
      stop(`redirect ${run} of ${redirect.id}: ${wrong}\n${query.slice(0, 4_000)}`);
  }
  return tally;
}

async function fuzzPackets(runs: number, random: Random): Promise<number> {
  let logins = 0;
  for (let run = 0; run < runs; run++) {
    if (run % LOGIN_EVERY === 0) {
      logins += 1;
      const wrong = await loginRun(random).catch(crashed);
      if (wrong !== null) stop(`login ${run}: ${wrong}`);
      continue;
    }
    const { wrong, bytes } = safely(() => packetRun(random));
    if (wrong !== null) stop(`packet ${run}: ${wrong}\n${bytes.toString('hex')}`);
  }
  return logins;
}

function crashed(error: unknown): string {
  return `crashed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function safely(run: () => ReturnType<typeof packetRun>): ReturnType<typeof packetRun> {
  try {
    return run();
  } catch (error) {
    return { wrong: crashed(error), bytes: Buffer.alloc(0) };
  }
}

function stop(message: string): never {
  console.error(`seed ${options.seed}, ${message}`);
  process.exit(1);
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);

const half = Math.ceil(options.runs / 2);
const first = performance.now();
const logins = await fuzzPackets(half, seeded(options.seed));
console.log(`packets: ${half} (${logins} whole logins) in ${seconds(first)} s, nothing wrong`);
const second = performance.now();
const tally = await fuzzRedirects(half, seeded(options.seed + 1));
const { known, refused, absent, inside, doors: opened, byKind } = tally;
console.log(`redirects: ${half} in ${seconds(second)} s, nothing wrong`);
console.log(
  `  known ${known}, refused ${refused}, absent ${absent}, inside ${inside}, doors ${opened}`,
);
console.log(`  ${[...byKind].map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
