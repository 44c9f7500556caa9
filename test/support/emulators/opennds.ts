/** The gateway's side of openNDS 9.10 and 10.2, levels 0 to 4: its redirects, its door, and its authmon. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import type { Door } from './doors.ts';
import { openDoor, percent } from './doors.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';

export interface NdsClient extends EmulatedClient {
  door: Door;
  /** 8 hex digits; a new one after each departure. */
  token: string;
  state: 'Preauthenticated' | 'Authenticated';
  custom: string;
  /** Octets to the client, and from it. */
  incoming: number;
  outgoing: number;
  /** As `ndsctl json` shows them; 0 is none. */
  minutes: number;
  upKbps: number;
  downKbps: number;
  upQuotaKB: number;
  downQuotaKB: number;
  since: number;
}

export interface NdsEmulator extends Emulator {
  clients: Map<string, NdsClient>;
  /** What the portal answered to each call of the poller. */
  answers: { action: string; status: number; text: string }[];
  /** The poller starts anew and clears what was left for it. */
  restart(): Promise<void>;
  /** One call of the poller. */
  authmon(action: string, payload?: string): Promise<string>;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
/** The shell reads as much of a list, and handles as many of its guests. */
const MOST_TEXT = 1_024;
const MOST_GUESTS = 4;
const NONE = { minutes: 0, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };

/** The key's octets, cut or padded with NUL to 32; base64 of base64, as its PHP does. */
function encrypted(text: string, faskey: string): string {
  const key = Buffer.alloc(32);
  Buffer.from(faskey).copy(key);
  const iv = sha256(randomBytes(8).toString('hex')).slice(0, 16);
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.from(iv, 'latin1'));
  const inner = cipher.update(text, 'utf8', 'base64') + cipher.final('base64');
  return `fas=${Buffer.from(inner).toString('base64')}&iv=${iv}`;
}

function fresh(client: EmulatedClient, door: Door): NdsClient {
  return {
    ...client,
    door,
    token: randomBytes(4).toString('hex'),
    state: 'Preauthenticated',
    custom: 'bmE=',
    incoming: 0,
    outgoing: 0,
    since: 0,
    ...NONE,
  };
}

export async function startOpenNds(options: EmulatorOptions): Promise<NdsEmulator> {
  const { portal, slug, gateway, say = () => undefined } = options;
  const { level = 1, secret: faskey = '' } = gateway;
  const fas = `${portal}/p/${slug}`;
  const encodedName = `${encodeURIComponent(`${gateway.name} Node:`).replace('%3A', '%3a')}163395498e73%20`;
  const clients = new Map<string, NdsClient>();
  const answers: NdsEmulator['answers'] = [];
  const rhidOf = ({ token }: NdsClient) => sha256(sha256(token) + faskey);

  function redirect(client: NdsClient, url = client.url ?? 'http://captive.test/'): string {
    const address = `127.0.0.1:${client.door.port}`;
    if (level === 0)
      return `${fas}?authaction=http://${address}/opennds_auth/?clientip=${client.ip}&gatewayname=${encodedName}&tok=${client.token}&redir=${percent(url)}`;
    const items = {
      hid: sha256(client.token),
      clientip: client.ip,
      clientmac: client.mac,
      client_type: 'cpd_can',
      gatewayname: encodedName,
      gatewayurl: percent('http://status.client'),
      version: level === 4 ? '10.2.0' : '9.10.0',
      gatewayaddress: address,
      gatewaymac: '163395498e73',
      ...(level === 2 || level === 3 ? { authdir: 'opennds_auth' } : {}),
      originurl: percent(url),
      clientif: 'br-lanbr-lan',
      themespec: '(null)',
    };
    const text = Object.entries(items).map(([name, value]) => `${name}=${value}`);
    const said = `${text.join(', ')}, `;
    if (level === 2 || level === 3) return `${fas}?${encrypted(said, faskey)}`;
    return `${fas}?fas=${Buffer.from(`${said}(null)(null)`).toString('base64')}`;
  }

  function letIn(client: NdsClient, custom: string, limits: Partial<typeof NONE> = {}): void {
    Object.assign(client, limits, { state: 'Authenticated', custom, since: Date.now() });
    say(`${client.mac} is in`);
  }

  function knock(client: NdsClient, url: URL): { status: number; to?: string } {
    const [tok, redir] = [url.searchParams.get('tok') ?? '', url.searchParams.get('redir')];
    if (url.pathname === '/opennds_deny/') {
      forget(client);
      return { status: 307, to: `http://127.0.0.1:${client.door.port}/` };
    }
    if (url.pathname !== '/opennds_auth/') return { status: 307, to: redirect(client, url.href) };
    if (redir === null) return { status: 403 };
    if (client.state === 'Authenticated')
      return { status: 307, to: `${fas}?tok=${tok}&redir=${redir}&status=authenticated` };
    const good = tok === client.token || (level > 0 && tok === rhidOf(client));
    if (!good) return { status: 307, to: redirect(client, redir) };
    letIn(client, url.searchParams.get('custom') ?? 'bmE=');
    return { status: 307, to: redir };
  }

  const forget = (client: NdsClient) => {
    const { mac, ip, url } = client;
    Object.assign(client, fresh({ mac, ip, ...(url === undefined ? {} : { url }) }, client.door));
  };

  /** Level 4 asks by GET, with base64 as it stands; the others by a form. */
  async function authmon(action: string, payload = 'none'): Promise<string> {
    const text = Buffer.from(payload).toString('base64');
    const headers = { 'User-Agent': 'openNDS(authmon;NDS:9.10.0;)' };
    const hash = sha256(encodedName);
    const fields = new URLSearchParams({ auth_get: action, gatewayhash: hash, payload: text });
    const response =
      level === 4
        ? await fetch(`${fas}?auth_get=${action}&gatewayhash=${hash}&payload=${text}`, { headers })
        : await fetch(fas, { method: 'POST', body: fields, headers });
    const said = (await response.text()).trim();
    answers.push({ action, status: response.status, text: said });
    say(`${action} -> ${said}`);
    return said;
  }

  /** `ndsctl auth`: nobody who is inside is let in again. */
  function admitted(word: string): string | null {
    const parts = decodeURIComponent(word).split(' ');
    const [rhid = '', ...rest] = parts;
    const [minutes = 0, upKbps = 0, downKbps = 0, upQuotaKB = 0, downQuotaKB = 0] =
      rest.map(Number);
    const client = [...clients.values()].find((one) => rhidOf(one) === rhid);
    if (client?.state !== 'Preauthenticated') return null;
    letIn(client, parts.at(-1) ?? '', { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB });
    return rhid;
  }

  async function poll(): Promise<void> {
    const list = await authmon('view');
    if (!list.startsWith('*')) return;
    const words = list.slice(2, 2 + MOST_TEXT).split(' ');
    const let_in = words
      .filter((word) => word !== '')
      .slice(0, MOST_GUESTS)
      .map(admitted);
    await authmon('view', ['*', ...let_in.filter((rhid) => rhid !== null)].join(' '));
  }

  async function deauth(client: NdsClient, method: string): Promise<void> {
    const { mac, incoming, outgoing, since, token, custom } = client;
    const start = Math.round(since / 1000);
    const end = Math.round(Date.now() / 1000);
    forget(client);
    if (level < 3) return;
    await authmon(
      'deauthed',
      `method=${method}, clientmac=${mac}, bytes_incoming=${incoming}, bytes_outgoing=${outgoing}, session_start=${start}, session_end=${end}, token=${token}, custom=${percent(custom)}`,
    );
  }

  async function enforce(): Promise<void> {
    for (const client of clients.values()) {
      const { incoming, outgoing, downQuotaKB, upQuotaKB } = client;
      if (client.state !== 'Authenticated') continue;
      if (downQuotaKB > 0 && incoming / 1024 >= downQuotaKB)
        await deauth(client, 'downquota_deauth');
      else if (upQuotaKB > 0 && outgoing / 1024 >= upQuotaKB)
        await deauth(client, 'upquota_deauth');
    }
  }

  const held = (mac: string): NdsClient => {
    const client = clients.get(mac);
    if (client === undefined) throw new Error(`nobody has joined as ${mac}`);
    return client;
  };

  return {
    url: portal,
    clients,
    answers,
    authmon,
    async restart() {
      for (const client of clients.values()) forget(client);
      await authmon('clear');
    },
    async join(client) {
      const before = clients.get(client.mac);
      if (before !== undefined) return redirect(Object.assign(before, client));
      const door = await openDoor((url, response) => {
        const { status, to } = knock(held(client.mac), url);
        response.writeHead(status, to === undefined ? {} : { Location: to });
        response.end();
      });
      const made = fresh(client, door);
      clients.set(client.mac, made);
      return redirect(made);
    },
    inside: (mac) => clients.get(mac)?.state === 'Authenticated',
    leave: (mac) => deauth(held(mac), 'client_deauth'),
    traffic(mac, bytesIn, bytesOut) {
      const client = held(mac);
      client.incoming += bytesIn;
      client.outgoing += bytesOut;
    },
    async tick() {
      await enforce();
      if (level >= 3) await poll();
    },
    async close() {
      for (const { door } of clients.values()) await door.close();
    },
  };
}
