/** A UniFi controller with its access point: redirects, sessions, both APIs, and bad days. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { selfSigned } from '../self-signed.ts';
import { closeServer, listenAt } from './doors.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';
import type { Asked, Held, Told } from './unifi-apis.ts';
import { legacyAnswer, no, officialAnswer } from './unifi-apis.ts';

/** `lost-session`: forgets everybody's sign-in once. `invalid`: says no with status 200. */
export type Mood = 'answer' | 'hang' | 'error' | 'garbage' | 'huge' | 'invalid' | 'lost-session';

export interface UnifiOptions extends EmulatorOptions {
  /** UniFi OS instead of a classic controller. */
  os?: boolean;
  /** How the controller takes the next call: for tests of bad days. */
  mood?: (asked: Asked) => Mood;
  /** The key may act, not list. */
  keyCannotList?: boolean;
  /** Questions until a new grant shows. */
  slow?: number;
}

export interface UnifiGuest extends EmulatedClient {
  id: string;
  ap: string;
  /** Seconds since 1970. */
  start: number;
  end: number;
  slow: number;
  slowly: number;
  /** The last command as it came. */
  limits: Record<string, unknown>;
  joined: boolean;
  bytesIn: number;
  bytesOut: number;
}

export interface UnifiEmulator extends Emulator {
  /** SHA-256 of its certificate. */
  fingerprint: string;
  /** Calls so far, `METHOD path`. */
  heard: string[];
  guests: Map<string, UnifiGuest>;
}

const AP = '78:8a:20:59:c6:99';
const OFFICIAL = '/proxy/network/integration/v1';

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  if (chunks.length === 0) return {};
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
}

function tell(response: ServerResponse, { status, json, headers = {} }: Told): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(json));
}

/** Sessions as either kind of controller keeps them: a cookie, and on UniFi OS a token against forgery. */
function createSignIn(options: UnifiOptions) {
  const { unifi } = options.gateway;
  const sessions = new Map<string, string>();
  const jwt = (csrfToken: string) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'HS256' })}.${part({ csrfToken, sid: randomUUID() })}.c2ln`;
  };
  return {
    forget: () => sessions.clear(),
    login({ body }: Asked): Told {
      const right = body['username'] === unifi?.username && body['password'] === unifi?.password;
      if (!right || unifi?.username === undefined)
        return options.os === true
          ? { status: 403, json: { code: 'AUTHENTICATION_FAILED_INVALID_CREDENTIALS' } }
          : no('api.err.Invalid', 400);
      const csrf = randomUUID();
      const value = options.os === true ? jwt(csrf) : randomBytes(16).toString('hex');
      sessions.set(value, csrf);
      const name = options.os === true ? 'TOKEN' : 'unifises';
      const cookie = `${name}=${value}; Path=/; Secure; HttpOnly`;
      return {
        status: 200,
        json: { meta: { rc: 'ok' }, data: [] },
        headers: { 'Set-Cookie': cookie },
      };
    },
    /** Null when the caller is signed in and, where it matters, shows the token. */
    complaint({ headers, method }: Asked): Told | null {
      const cookie = String(headers['cookie'] ?? '');
      const value = /(?:TOKEN|unifises)=([^;]+)/.exec(cookie)?.[1] ?? '';
      const csrf = sessions.get(value);
      if (csrf === undefined) return no('api.err.LoginRequired', 401);
      if (options.os === true && method !== 'GET' && headers['x-csrf-token'] !== csrf)
        return { status: 403, json: { code: 'INVALID_CSRF' } };
      return null;
    },
  };
}

export async function startUnifi(options: UnifiOptions): Promise<UnifiEmulator> {
  const { portal, gateway, os = false, say = () => undefined } = options;
  const settings = gateway.unifi;
  if (settings === undefined) throw new Error('the gateway has no controller');
  const guests = new Map<string, UnifiGuest>();
  const now = () => Math.floor(Date.now() / 1000);
  const held: Held = { guests, site: settings.site, now };
  const signIn = createSignIn(options);
  const heard: string[] = [];

  function official(asked: Asked): Told {
    if (asked.headers['x-api-key'] !== settings?.apiKey) return { status: 401, json: {} };
    const path = asked.path.slice(OFFICIAL.length);
    const lists = asked.method === 'GET' && path.endsWith('/clients');
    if (options.keyCannotList === true && lists) return { status: 401, json: {} };
    return officialAnswer(held, { ...asked, path });
  }

  function answer(asked: Asked): Told {
    const { path, method } = asked;
    if (path.startsWith(OFFICIAL) && settings?.apiKey !== undefined) return official(asked);
    if (path === '/')
      return os
        ? { status: 200, json: {} }
        : { status: 302, json: {}, headers: { Location: '/manage' } };
    if (method === 'POST' && path === (os ? '/api/auth/login' : '/api/login'))
      return signIn.login(asked);
    const prefix = os ? '/proxy/network' : '';
    if (!path.startsWith(`${prefix}/api/s/`)) return no('api.err.NotFound', 404);
    const complaint = signIn.complaint(asked);
    return complaint ?? legacyAnswer(held, { ...asked, path: path.slice(prefix.length) });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://controller.invalid');
    const { method = 'GET', headers } = request;
    const body = await bodyOf(request);
    const asked: Asked = { method, path: url.pathname, query: url.searchParams, headers, body };
    heard.push(`${method} ${url.pathname}`);
    say(`${method} ${url.pathname}`);
    const mood = options.mood?.(asked) ?? 'answer';
    if (mood === 'hang') return;
    if (mood === 'lost-session') signIn.forget();
    if (mood === 'error') return tell(response, { status: 500, json: {} });
    if (mood === 'invalid') return tell(response, no('api.err.Invalid'));
    if (mood === 'garbage') {
      response.writeHead(200, { 'Content-Type': 'text/html' });
      response.end('<!doctype html><title>Not what you think</title>');
      return;
    }
    if (mood === 'huge') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(Buffer.alloc(9_000_000, 0x20));
      return;
    }
    tell(response, answer(asked));
  }

  const identity = selfSigned();
  const server = createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  const port = await listenAt(server, options.port ?? 0);
  say(`fingerprint of its certificate: ${identity.fingerprint}`);

  return {
    url: `https://127.0.0.1:${port}`,
    fingerprint: identity.fingerprint,
    heard,
    guests,
    async join({ mac, ip, url = 'http://example.com/' }) {
      const fresh = { start: 0, end: 0, slow: options.slow ?? 0, slowly: 0, limits: {} };
      const counters = { bytesIn: 0, bytesOut: 0 };
      const known = guests.get(mac) ?? { id: randomUUID(), ap: AP, ...fresh, ...counters };
      guests.set(mac, { ...known, mac, ip, joined: true });
      const query = new URLSearchParams({ id: mac, ap: AP, t: String(now()), url, ssid: 'Guest' });
      return `${portal}/guest/s/${settings.site}/?${query.toString()}`;
    },
    inside: (mac) => (guests.get(mac)?.end ?? 0) > now(),
    async leave(mac) {
      guests.delete(mac);
    },
    traffic(mac, bytesIn, bytesOut) {
      const guest = guests.get(mac);
      if (guest === undefined) return;
      guest.bytesIn += bytesIn;
      guest.bytesOut += bytesOut;
    },
    // It is asked; it tells nothing by itself.
    tick: async () => undefined,
    close: () => closeServer(server),
  };
}
