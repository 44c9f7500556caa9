/** Starts the namespaces of rig.sh, runs commands inside them, and ends them by their recorded process. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface RigOptions {
  level: 0 | 1 | 2 | 3;
  /** What runs as the portal, for one start: command and arguments; `{work}` is the rig's folder. */
  server: string[] | (() => Promise<string[]>);
}

export interface Rig {
  /** The guest's leased address. */
  clientIp: string;
  work: string;
  /** Runs a command in a namespace; its standard output, whatever its exit code. */
  run(namespace: 'cli' | 'gw' | 'srv', command: string[]): string;
  /** Command and arguments that put another program (a browser) into a namespace. */
  inside(namespace: 'cli' | 'gw' | 'srv', command: string[]): string[];
  /** What the parts said, for a failing test's message. */
  logs(): string;
  stop(): Promise<void>;
}

const PARTS = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
const LOGS = ['server.log', 'opennds.log', 'messages.log', 'dnsmasq.log', 'dhcp.log'];
const READY_MS = 90_000;
/** openNDS now and then ends at its start; a second world is quicker than an inquiry. */
const STARTS = 2;

function readLogs(work: string): string {
  const one = (name: string): string => {
    try {
      const lines = readFileSync(path.join(work, name), 'utf8').split('\n');
      // openNDS looks itself up once a second, under a name that is too long.
      const text = lines.filter((line) => !line.includes('pgrep')).join('\n');
      return `--- ${name}\n${text.slice(-3_000)}`;
    } catch {
      return `--- ${name}: none`;
    }
  };
  return LOGS.map(one).join('\n');
}

/** The first process inside the new process namespace: its end is the end of all others. */
function firstChild(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}

export async function startRig(options: RigOptions): Promise<Rig> {
  for (let start = 1; start < STARTS; start++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const why = String(error).split('\n').slice(0, 3).join(' ');
      process.stderr.write(`the rig is started again: ${why}\n`);
    }
  }
  return startOnce(options);
}

async function startOnce({ level, server }: RigOptions): Promise<Rig> {
  const work = mkdtempSync(path.join(tmpdir(), 'foyer-opennds-'));
  const script = path.join(import.meta.dirname, 'rig.sh');
  const words = typeof server === 'function' ? await server() : server;
  const command = words.map((word) => word.replace('{work}', work));
  const rig = spawn(
    'unshare',
    [...PARTS, '--propagation', 'private', 'bash', script, work, String(level), '--', ...command],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const ended = new Promise<void>((resolve) => rig.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    rig.kill('SIGKILL');
    await ended;
    rmSync(work, { recursive: true, force: true });
  };
  let said = '';
  rig.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the rig was not ready in time')), READY_MS);
    rig.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const address = /ready ([\d.]+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    rig.once('exit', () => {
      clearTimeout(timer);
      reject(new Error('the rig ended early'));
    });
  });
  const clientIp = await ready.catch(async (error: unknown) => {
    const logs = `${said}\n${readLogs(work)}`;
    await stop();
    throw new Error(`${String(error)}\n${logs}`);
  });
  const enter = ['nsenter', '-t', String(firstChild(rig.pid ?? 0)), '-m', '-p', '-n'];
  const inside: Rig['inside'] = (namespace, words) => [
    ...enter,
    'ip',
    'netns',
    'exec',
    namespace,
    ...words,
  ];
  return {
    clientIp,
    work,
    inside,
    run(namespace, words) {
      const [program = '', ...rest] = inside(namespace, words);
      return spawnSync(program, rest, { encoding: 'utf8', timeout: 20_000 }).stdout;
    },
    logs: () => `${said}\n${readLogs(work)}`,
    stop,
  };
}
