/** The gateway's side of WiFiDog 1.3: raw HTTP/1.0 calls, one door a client, counters at each turn. */
import { createConnection } from 'node:net';
import type { Door } from './doors.ts';
import { openDoor, percent, sendTo } from './doors.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';

/** As the gateway's firewall knows them: outside, known, or for the time being. */
export type Mark = 'outside' | 'known' | 'validating';

export interface DogClient extends EmulatedClient {
  door: Door | null;
  token: string;
  mark: Mark;
  /** Octets to the client, and from it. */
  incoming: number;
  outgoing: number;
}

export interface WifidogEmulator extends Emulator {
  clients: Map<string, DogClient>;
  /** The last answers of the portal to calls of each kind, whole, with their headers. */
  answers: { call: string; text: string }[];
  /** One call as the gateway makes it. */
  call(pathAndQuery: string): Promise<string>;
  /** The ping thread's turn; false when the portal did not say Pong. */
  ping(): Promise<boolean>;
  /** What a client's browser meets at `wifidog/auth?token=…`. */
  authenticate(mac: string, token: string): Promise<string>;
}

export interface WifidogParts {
  /** Additions of a newer firmware to the redirect. */
  redirect?: Record<string, string>;
  pingExtras?: Record<string, string>;
  /** Counters in another way than one call a client. */
  count?: (clients: DogClient[]) => Promise<Map<string, number>>;
}

/** The gateway's own reader: at most 4 kB, until the connection ends, headers and all. */
const MOST = 4_096;
const PATIENCE_MS = 5_000;

export function rawCall(portal: string, path: string, method = 'GET', body = ''): Promise<string> {
  const url = new URL(portal);
  const head = [
    `${method} ${path} HTTP/1.0`,
    'User-Agent: WiFiDog 1.3.0',
    `Host: ${url.hostname}`,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return new Promise((resolve, reject) => {
    const socket = createConnection(Number(url.port), url.hostname);
    let text = '';
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer in time')));
    socket.on('connect', () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

/** As `sscanf` finds it anywhere in what came; -1 when it does not stand there. */
export function codeIn(text: string): number {
  const found = /Auth: (-?\d+)/.exec(text.slice(0, MOST));
  return found === null ? -1 : Number(found[1]);
}

const MESSAGES: Record<number, string> = { 0: 'denied', 5: 'activate', 6: 'failed_validation' };

export async function startWifidog(
  options: EmulatorOptions,
  parts: WifidogParts = {},
): Promise<WifidogEmulator> {
  const { portal, slug, gateway, say = () => undefined } = options;
  const base = `/wd/${slug}/${gateway.secret ?? ''}`;
  const clients = new Map<string, DogClient>();
  const answers: WifidogEmulator['answers'] = [];
  const started = Date.now();

  async function call(path: string): Promise<string> {
    const text = await rawCall(portal, path);
    answers.push({ call: path.slice(base.length), text });
    say(`${path.slice(base.length)} -> ${text.split('\r\n').at(-1) ?? ''}`);
    return text;
  }

  function authCall(stage: string, { ip, mac, token, incoming, outgoing }: DogClient) {
    const query = `stage=${stage}&ip=${ip}&mac=${mac}&token=${token}&incoming=${incoming}&outgoing=${outgoing}`;
    return call(`${base}/auth/?${query}&gw_id=${gateway.name}`);
  }

  /** What `authenticate_client` does with the answer. */
  async function authenticate(mac: string, token: string): Promise<string> {
    const client = held(mac);
    client.token = token;
    const code = codeIn(await authCall('login', { ...client, incoming: 0, outgoing: 0 }));
    if (code === 1 || code === 5) client.mark = code === 1 ? 'known' : 'validating';
    if (code === 1) return `${portal}${base}/portal/?gw_id=${gateway.name}&token=${token}`;
    if (code === -1) return '';
    return `${portal}${base}/gw_message.php?message=${MESSAGES[code] ?? 'denied'}&token=${token}`;
  }

  function held(mac: string): DogClient {
    const client = clients.get(mac);
    if (client === undefined) throw new Error(`nobody has joined as ${mac}`);
    return client;
  }

  const put = (client: DogClient, code: number) => {
    if (code === 1) client.mark = 'known';
    if (code === 5) client.mark = 'validating';
    if (code === 0 || code === 6) {
      client.mark = 'outside';
      client.token = '';
    }
  };

  async function count(): Promise<void> {
    const inside = [...clients.values()].filter(({ token }) => token !== '');
    const codes = await parts.count?.(inside);
    for (const client of inside)
      put(client, codes?.get(client.mac) ?? codeIn(await authCall('counters', client)));
  }

  async function ping(): Promise<boolean> {
    const query = new URLSearchParams({
      gw_id: gateway.name,
      sys_uptime: '2261',
      sys_memfree: '8049920',
      sys_load: '3.68',
      wifidog_uptime: String(Math.round((Date.now() - started) / 1000)),
      ...parts.pingExtras,
    });
    return (await call(`${base}/ping/?${query.toString()}`)).includes('Pong');
  }

  const emulator: WifidogEmulator = {
    url: portal,
    clients,
    answers,
    call,
    ping,
    authenticate,
    async join(client) {
      await clients.get(client.mac)?.door?.close();
      const door = await openDoor(async (url, response) => {
        const token = url.searchParams.get('token') ?? '';
        const next = await authenticate(client.mac, token);
        if (next !== '') return sendTo(response, next);
        response.writeHead(200, { 'Content-Type': 'text/html' });
        response.end('<h1>Error: We did not get a valid answer from the central server</h1>');
      });
      const { mac, ip, url = 'http://captive.test/' } = client;
      clients.set(mac, {
        mac,
        ip,
        url,
        door,
        token: '',
        mark: 'outside',
        incoming: 0,
        outgoing: 0,
      });
      const fields = {
        gw_address: '127.0.0.1',
        gw_port: String(door.port),
        gw_id: gateway.name,
        ip,
        mac,
        ...parts.redirect,
      };
      const query = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
      return `${portal}${base}/login/?${query.join('&')}&url=${percent(url)}`;
    },
    inside: (mac) => (clients.get(mac)?.mark ?? 'outside') !== 'outside',
    async leave(mac) {
      const client = held(mac);
      await authCall('logout', client);
      put(client, 0);
    },
    traffic(mac, bytesIn, bytesOut) {
      const client = held(mac);
      client.incoming += bytesIn;
      client.outgoing += bytesOut;
    },
    async tick() {
      await ping();
      await count();
    },
    async close() {
      for (const { door } of clients.values()) await door?.close();
    },
  };
  return emulator;
}
