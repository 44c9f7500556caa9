/** Debian's FreeRADIUS in a folder of its own, as the oracle, the client's server and the yardstick. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const freeradiusProgram = ['/usr/sbin/freeradius', '/usr/sbin/radiusd'].find((file) =>
  existsSync(file),
);

export interface FreeRadiusSettings {
  /** Clients, homes and servers: the part of radiusd.conf that differs. */
  servers: string;
  /** The `users` file. */
  users?: string;
  /** More modules than files, pap and chap. */
  modules?: string;
  threads?: number;
  /** Words before the program: a namespace, a processor. */
  before?: string[];
}

export interface FreeRadius {
  pid: number;
  /** What it said. */
  log(): string;
  stop(): Promise<void>;
}

/** Where Debian keeps its modules. */
function libraries(): string {
  const arch = existsSync('/usr/lib/freeradius')
    ? '/usr/lib/freeradius'
    : readdirSync('/usr/lib')
        .map((name) => `/usr/lib/${name}/freeradius`)
        .find((folder) => existsSync(folder));
  return arch ?? '/usr/lib/freeradius';
}

function configuration(folder: string, { servers, modules = '', threads = 4 }: FreeRadiusSettings) {
  return `prefix = /usr
libdir = ${libraries()}
logdir = ${folder}
run_dir = ${folder}
raddbdir = ${folder}
max_request_time = 30
cleanup_delay = 5
max_requests = 131072
hostname_lookups = no
log {
  destination = stdout
  auth = no
}
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
proxy_requests = yes
thread pool {
  start_servers = ${threads}
  max_servers = ${threads}
  min_spare_servers = 1
  max_spare_servers = ${threads}
  max_requests_per_server = 0
  max_queue_size = 65536
  auto_limit_acct = no
}
modules {
  files {
    usersfile = ${folder}/users
    acctusersfile = ${folder}/empty
    preproxy_usersfile = ${folder}/empty
  }
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
  pap {
  }
  chap {
  }
${modules}
}
${servers}
`;
}

/** Writes what `freeradius -n radiusd -d folder` reads. */
export function furnishFreeRadius(folder: string, settings: FreeRadiusSettings): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'dictionary'), '$INCLUDE /usr/share/freeradius/dictionary\n');
  writeFileSync(path.join(folder, 'users'), settings.users ?? '');
  writeFileSync(path.join(folder, 'empty'), '');
  writeFileSync(path.join(folder, 'radiusd.conf'), configuration(folder, settings));
}

export async function startFreeRadius(settings: FreeRadiusSettings): Promise<FreeRadius> {
  const folder = mkdtempSync(path.join(tmpdir(), 'foyer-freeradius-'));
  furnishFreeRadius(folder, settings);
  const options = ['-f', '-l', 'stdout', '-n', 'radiusd', '-d', folder];
  const words = [...(settings.before ?? []), freeradiusProgram ?? 'freeradius', ...options];
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-20_000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  await ready(child, () => said).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { pid: child.pid ?? 0, log: () => said, stop };
}

function ready(child: ChildProcess, said: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`FreeRADIUS did not start:\n${said()}`));
    const timer = setTimeout(fail, 30_000);
    const done = (how: () => void): void => {
      clearTimeout(timer);
      how();
    };
    child.once('exit', () => done(fail));
    child.once('error', () => done(fail));
    child.stdout?.on('data', () => {
      if (said().includes('Ready to process requests')) done(resolve);
    });
  });
}

/** Ends a process that we started, by its id. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await gone;
  clearTimeout(timer);
}

/** Whether programs can be held to one processor. */
export const canPin = spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;
