/** A gateway's side by hand: `npm run emulate -- unifi --portal http://127.0.0.1:8080 --store harbour --secret …` */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type {
  GatewayKind,
  RadiusSettings,
  RegisteredGateway,
} from '../../../portal/ports-store.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';

interface Options {
  portal: string;
  store: string;
  name: string;
  secret: string;
  radiusSecret: string;
  radius: Place;
  acctPort: number;
  coaPort: number;
  notify?: Place;
  port: number;
  mac: string;
  ip: string;
  url: string;
  level: number;
  login: 'chap' | 'pap';
  protocol: number;
  api: 'legacy' | 'official';
  site: string;
  user: string;
  every: number;
  wait: number;
}

interface Place {
  host: string;
  port: number;
}

type Start = (options: EmulatorOptions & { notify?: Place }) => Promise<Emulator>;

const KINDS: Partial<Record<GatewayKind, () => Promise<Start>>> = {
  opennds: async () => (await import('./opennds.ts')).startOpenNds,
  wifidog: async () => (await import('./wifidog.ts')).startWifidog,
  apfree: async () => {
    const { startApfree } = await import('./apfree.ts');
    return (options) => startApfree({ ...options, keepsLine: true });
  },
  coova: async () => (await import('./coova.ts')).startCoova,
  mikrotik: async () => (await import('./mikrotik.ts')).startMikrotik,
  meraki: async () => (await import('./meraki.ts')).startMeraki,
  unifi: async () => (await import('./unifi.ts')).startUnifi,
  portal2: async () => (await import('./portal2.ts')).startPortal2,
};

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
    return value;
  };
}

function place(text: string): Place {
  const [, host = '', port = ''] = /^([\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535)
    throw new InvalidArgumentError('must be an address with its port, such as 127.0.0.1:1812');
  return { host, port: Number(port) };
}

function matching(pattern: RegExp, words: string): (text: string) => string {
  return (text) => {
    if (!pattern.test(text)) throw new InvalidArgumentError(words);
    return text;
  };
}

const macOf = matching(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/, 'must look like 02:00:00:00:00:50');
const ipOf = matching(/^\d{1,3}(?:\.\d{1,3}){3}$/, 'must look like 10.0.0.50');
const webOf = matching(/^https?:\/\/[^/]+$/, 'must look like http://127.0.0.1:8080');
const port = number(0, 65_535);

function withOptions(command: Command): Command {
  return command
    .requiredOption('--store <slug>', 'the store, as in its portal address')
    .option('--portal <url>', 'where the portal stands', webOf, 'http://127.0.0.1:8080')
    .option('--name <name>', 'the gateway’s name as registered', 'StoreOne')
    .option('--secret <secret>', 'its secret as registered (UniFi: password or API key)', '')
    .option('--radius <host:port>', 'RADIUS of the portal', place, {
      host: '127.0.0.1',
      port: 1812,
    })
    .option('--acct-port <port>', 'its accounting port', port, 1813)
    .option('--coa-port <port>', 'where it takes Disconnect requests; 0 takes any', port, 0)
    .option('--radius-secret <secret>', 'RADIUS secret as registered', '')
    .option('--notify <host:port>', 'portal2: where the portal hears notices', place)
    .option('--port <port>', 'port of the equipment’s own door; 0 takes any', port, 0)
    .option('--mac <mac>', 'the guest’s device', macOf, '02:00:00:00:00:50')
    .option('--ip <ip>', 'the guest’s address', ipOf, '10.0.0.50')
    .option('--url <url>', 'what the guest wanted to see', 'http://example.com/')
    .option('--level <level>', 'opennds: fas_secure_enabled', number(0, 4), 3)
    .option('--protocol <version>', 'portal2: version', number(1, 2), 2)
    .option('--site <site>', 'unifi: short site name', 'default')
    .option('--user <name>', 'unifi: account of the controller', 'foyer')
    .addOption(
      new Option('--login <way>', 'how passwords travel').choices(['chap', 'pap']).default('chap'),
    )
    .addOption(new Option('--api <api>', 'unifi').choices(['legacy', 'official']).default('legacy'))
    .option(
      '--every <seconds>',
      'how often the equipment does its periodic work',
      number(1, 3600),
      5,
    )
    .option(
      '--wait <seconds>',
      'end with 0 once the guest is inside, with 1 when time is up',
      number(0, 3600),
      0,
    );
}

/** The registration that the portal must hold for this equipment. */
function gatewayOf(kind: GatewayKind, options: Options): RegisteredGateway {
  const { name, secret, login, level, api, site, user, radiusSecret } = options;
  const radius: RadiusSettings = {
    secret: radiusSecret,
    sources: ['127.0.0.1'],
    nasIds: [name],
    profile: 'plain',
    messageAuthenticator: 'require',
    interimSeconds: 60,
  };
  const parts: Partial<Record<GatewayKind, Partial<RegisteredGateway>>> = {
    opennds: { level: level as 0 | 1 | 2 | 3 | 4 },
    coova: { login, radius },
    mikrotik: { login, radius },
    unifi: {
      unifi: {
        url: `https://127.0.0.1:${options.port}`,
        api,
        site,
        ...(api === 'official' ? { apiKey: secret } : { username: user, password: secret }),
      },
    },
    portal2: {
      radius,
      portal2: {
        host: '127.0.0.1',
        port: options.port === 0 ? 2000 : options.port,
        version: options.protocol === 1 ? 1 : 2,
        auth: login,
        sendChallenge: true,
        macBinding: false,
      },
    },
  };
  return { id: 'emulated', kind, name, secret, ...parts[kind] };
}

/** Commands while it runs, one a line. */
async function obey(
  line: string,
  emulator: Emulator,
  guest: EmulatedClient,
): Promise<string | null> {
  const [word = '', first = '0', second = '0'] = line.trim().split(/\s+/);
  if (word === 'leave') await emulator.leave(guest.mac);
  else if (word === 'join') return `open ${await emulator.join(guest)}`;
  else if (word === 'tick') await emulator.tick();
  else if (word === 'traffic') emulator.traffic(guest.mac, Number(first) || 0, Number(second) || 0);
  else if (word !== '') return 'commands: join, leave, traffic <to guest> <from guest>, tick, quit';
  return null;
}

const say = (line: string): void =>
  console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

/** Its periodic work until the time is up or somebody ends it. Gives the exit code. */
async function live(emulator: Emulator, guest: EmulatedClient, options: Options): Promise<number> {
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line.trim() === 'quit') return end();
    void obey(line, emulator, guest).then((words) => words !== null && say(words), trouble);
  });
  const until = options.wait === 0 ? Infinity : Date.now() + options.wait * 1000;
  let inside = false;
  while (!ending.signal.aborted && Date.now() < until) {
    if (emulator.inside(guest.mac) !== inside) {
      inside = !inside;
      say(inside ? 'the guest is inside' : 'the guest is outside');
    }
    if (inside && options.wait > 0) break;
    await pause(options.every * 1000, null, { signal: ending.signal }).catch(() => undefined);
    if (!ending.signal.aborted) await emulator.tick().catch(trouble);
  }
  lines.close();
  return options.wait > 0 && !inside ? 1 : 0;
}

function trouble(error: unknown): void {
  say(`failed: ${error instanceof Error ? error.message : String(error)}`);
}

async function run(kind: GatewayKind, options: Options): Promise<void> {
  const start = await KINDS[kind]?.();
  if (start === undefined) throw new Error(`no emulator of ${kind}`);
  const gateway = gatewayOf(kind, options);
  const { portal, store: slug, radius, acctPort, coaPort, notify, mac, ip, url } = options;
  const emulator = await start({
    portal,
    slug,
    gateway,
    port: gateway.portal2?.port ?? options.port,
    coaPort,
    say,
    ...(options.radiusSecret === ''
      ? {}
      : { radius: { host: radius.host, authPort: radius.port, acctPort } }),
    ...(notify === undefined ? {} : { notify }),
  });
  try {
    const guest = { mac, ip, url };
    say(
      `${kind} “${gateway.name}” stands at ${emulator.url}; register it with its name and secret`,
    );
    if (emulator.coaPort) say(`takes Disconnect requests at UDP 127.0.0.1:${emulator.coaPort}`);
    say(`open ${await emulator.join(guest)}`);
    process.exitCode = await live(emulator, guest, options);
  } finally {
    await emulator.close();
  }
}

function failed(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  console.error(`emulate: ${why.split('\n')[0]}`);
  process.exit(1);
}

const program = new Command('emulate')
  .description('Stands in for a gateway, so that a portal can be tried without one.')
  .addHelpText('after', '\nExit code: 0 ended, 1 failed or not inside in time, 2 wrong usage.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
for (const kind of Object.keys(KINDS) as GatewayKind[])
  withOptions(program.command(kind).description(`a gateway of kind ${kind}`)).action(
    (options: Options) => run(kind, options).catch(failed),
  );
await program.parseAsync();
process.exit();
