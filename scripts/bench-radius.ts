/** Authentications per second on one processor, ours and FreeRADIUS's, in turns and by the same client. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { median } from './bench/measure.ts';
import type { Load, Person } from './bench/radius-load.ts';
import { openRadiusHome } from './bench/radius-home.ts';
import { load, prepare } from './bench/radius-load.ts';
import { canPin, end, freeradiusProgram, startFreeRadius } from './lib/freeradius.ts';
import { freeUdpPort } from './lib/udp.ts';
import { whole } from './lib/whole.ts';

const options = new Command('bench-radius')
  .description('Measure authentications per second (PAP with Message-Authenticator).')
  .option('--quick', 'a smoke of a few seconds')
  .option('--json', 'figures as JSON')
  .option('--rounds <number>', 'turns of each server', whole(1), 3)
  .option('--window <number>', 'questions open at a time', whole(1), 128)
  .parse()
  .opts<{ quick?: true; json?: true; rounds: number; window: number }>();

const USERS = 1_000;
const TARGET_RATIO = 0.5;
const TARGET_P99_MS = 10;
const pin = canPin ? ['taskset', '-c', '0'] : [];
const root = path.resolve(import.meta.dirname, '..');

interface Server {
  name: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** Processor seconds that a process has had (Linux); 0 where nobody says. */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

const people = Array.from({ length: USERS }, (_, i): Person => ({
  name: `guest${i}`,
  password: `pw${i}`,
  mac: '02-00-00-00-00-50',
}));
const users = people
  .map(
    ({ name, password }) => `${name} Cleartext-Password := "${password}"
	Session-Timeout = 3600, Idle-Timeout = 900, Acct-Interim-Interval = 300, Class = 0x76313a732d31, WISPr-Bandwidth-Max-Up = 512000, WISPr-Bandwidth-Max-Down = 2048000
`,
  )
  .join('\n');

const servers = (port: number): string => `
client bench {
  ipaddr = 127.0.0.1
  secret = testing123
  require_message_authenticator = yes
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}`;

async function startTheirs(): Promise<Server | null> {
  if (freeradiusProgram === undefined) return null;
  const port = await freeUdpPort();
  const running = await startFreeRadius({ users, servers: servers(port), before: pin });
  return { name: 'FreeRADIUS, users file', port, pid: running.pid, stop: () => running.stop() };
}

async function startOurs(): Promise<Server> {
  const script = path.join(root, 'scripts/bench/radius-server.ts');
  const words = [...pin, process.execPath, '--import', 'tsx', script, String(USERS)];
  const child = spawn(words[0]!, words.slice(1), {
    cwd: root,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(String(line));
  return { name: 'Foyer, house in memory', port, pid: child.pid ?? 0, stop: () => end(child) };
}

interface Figures {
  name: string;
  rounds: number[];
  perSecond: number;
  /** For each second of processor time: what a busy machine changes less. */
  perCpuSecond: number;
  /** At half of the slower server's pace, where there are two. */
  half?: Load;
}

function usable(name: string, result: Load): Load {
  if (result.wrong > 0 || result.accepted === 0)
    throw new Error(`${name} answered wrongly: ${JSON.stringify(result)}`);
  return result;
}

/** The same through the whole house: tickets, sessions, storage. */
async function measureHome(adminUrl: string): Promise<Figures> {
  const seconds = options.quick ? 1 : 5;
  const home = await openRadiusHome(adminUrl, options.quick ? 50 : 500);
  try {
    const requests = prepare(seconds * 6_000, home.people);
    const { port } = home;
    // Each guest comes in for the first time, which costs more than asking again.
    await load({ port, requests, seconds: options.quick ? 1 : 5, window: 64 });
    const result = usable('Foyer', await load({ port, requests, seconds, window: 64 }));
    const rate = result.perSecond / 2;
    const half = usable('Foyer', await load({ port, requests, seconds, window: 1_024, rate }));
    const perSecond = result.perSecond;
    const rounds = [Math.round(perSecond)];
    return { name: 'Foyer, whole house on PostgreSQL', rounds, perSecond, perCpuSecond: 0, half };
  } finally {
    await home.close();
  }
}

async function measure(): Promise<Figures[]> {
  const seconds = options.quick ? 1 : 5;
  const requests = prepare(seconds * (options.quick ? 40_000 : 70_000), people);
  const theirs = await startTheirs();
  const ours = await startOurs();
  const running = theirs === null ? [ours] : [ours, theirs];
  const figures: Figures[] = running.map(({ name }) => ({
    name,
    rounds: [],
    perSecond: 0,
    perCpuSecond: 0,
  }));
  const spent = running.map((): number[] => []);
  const { window } = options;
  try {
    for (const { port } of running) await load({ port, requests, seconds: 1, window });
    for (let round = 0; round < (options.quick ? 1 : options.rounds); round++) {
      for (const [i, { name, port, pid }] of running.entries()) {
        const before = cpuSeconds(pid);
        const result = usable(name, await load({ port, requests, seconds, window }));
        figures[i]!.rounds.push(Math.round(result.perSecond));
        spent[i]!.push(result.accepted / (cpuSeconds(pid) - before));
      }
    }
    for (const [i, figure] of figures.entries()) {
      figure.perSecond = median(figure.rounds);
      figure.perCpuSecond = median(spent[i]!);
    }
    const rate = figures[0]!.perSecond / 2;
    for (const [i, { name, port }] of running.entries())
      figures[i]!.half = usable(name, await load({ port, requests, seconds, window: 2_048, rate }));
  } finally {
    for (const server of running) await server.stop();
  }
  return figures;
}

function table(figures: readonly Figures[]): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en');
  const lines = figures.map(({ name, rounds, perSecond, perCpuSecond, half }) => {
    const calm = half
      ? `${number(half.perSecond)} | ${half.p50.toFixed(2)} | ${half.p99.toFixed(2)} | ${half.lost}`
      : '';
    return `| ${name} | ${number(perSecond)} | ${rounds.map(number).join(', ')} | ${perCpuSecond > 0 ? number(perCpuSecond) : 'not measured'} | ${calm} |`;
  });
  return [
    `Authentications per second, ${canPin ? 'each server on one processor' : 'not pinned'}; ${cpus()[0]?.model ?? ''}, Linux ${release()}, Node ${process.version}`,
    '| Server | auths/s (median) | rounds | auths per CPU s | at half load: auths/s | p50 ms | p99 ms | lost |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

async function main(): Promise<void> {
  // The client keeps to another processor than the servers.
  if (canPin && cpus().length > 1)
    spawnSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' });
  const adminUrl = process.env['BENCH_DATABASE_URL'] || process.env['TEST_DATABASE_URL'];
  const figures = await measure();
  const [ours, theirs] = figures;
  if (adminUrl) figures.push(await measureHome(adminUrl));
  const ratio =
    theirs === undefined || ours === undefined ? null : ours.perSecond / theirs.perSecond;
  const byCpu =
    theirs === undefined || ours === undefined || theirs.perCpuSecond === 0
      ? null
      : ours.perCpuSecond / theirs.perCpuSecond;
  const p99 = ours?.half?.p99 ?? Infinity;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ figures, ratio, byCpu, p99 })}\n`);
    return;
  }
  const verdict =
    ratio === null
      ? 'no FreeRADIUS here to compare with'
      : `ratio ${ratio.toFixed(2)} (target ≥ ${TARGET_RATIO}), by processor time ${byCpu?.toFixed(2) ?? 'unknown'}`;
  process.stdout.write(
    `${table(figures)}\n\n${verdict}; p99 at half load ${p99.toFixed(2)} ms (target < ${TARGET_P99_MS})\n`,
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench-radius: ${error instanceof Error ? error.message : 'failed'}\n`);
  process.exitCode = 1;
}
