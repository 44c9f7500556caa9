/** The router's side of a MikroTik hotspot with an external login page: its own page, its login link, RADIUS behind it. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { sendTo } from './doors.ts';
import type { HotspotEmulator, HotspotGuest, HotspotOptions } from './hotspot.ts';
import { startHotspot } from './hotspot.ts';
import type { Shown } from './nas.ts';

export interface MikrotikEmulator extends HotspotEmulator {
  /** The variables its login page would send now, with a new challenge. */
  variables(mac: string): Record<string, string>;
}

interface Own {
  id: Buffer;
  challenge: Buffer;
  error: string;
}
type Held = HotspotGuest<Own>;

/** Backslash and three octal digits where an octet cannot be printed; as RouterOS does. */
export function octal(octets: Buffer): string {
  const one = (octet: number) =>
    octet > 0x20 && octet < 0x7f && octet !== 0x5c
      ? String.fromCharCode(octet)
      : `\\${octet.toString(8).padStart(3, '0')}`;
  return [...octets].map(one).join('');
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

export async function startMikrotik(options: HotspotOptions): Promise<MikrotikEmulator> {
  const { portal, slug, gateway, say = () => undefined } = options;
  const chap = gateway.login !== 'pap';
  const action = `${portal}/p/${slug}`;
  const hotspot = await startHotspot<Own>(options, {
    nas: { separator: ':', calledStation: 'hotspot1', signs: false },
    fresh: () => ({ id: Buffer.alloc(1), challenge: Buffer.alloc(16), error: '' }),
    knock,
    redirect: addressFor,
  });

  function variables(client: Held): Record<string, string> {
    client.id = randomBytes(1);
    client.challenge = randomBytes(16);
    const base = `http://127.0.0.1:${client.door?.port ?? 0}`;
    return {
      router: gateway.name,
      identity: gateway.name,
      'server-name': 'hotspot1',
      'link-login-only': `${base}/login`,
      'link-login': `${base}/login?dst=${encodeURIComponent(client.url)}`,
      'link-orig': client.url,
      mac: client.mac.toUpperCase(),
      ip: client.ip,
      'chap-id': chap ? octal(client.id) : '',
      'chap-challenge': chap ? octal(client.challenge) : '',
      error: client.error,
    };
  }

  function addressFor(client: Held): string {
    return `${action}?${new URLSearchParams(variables(client)).toString()}`;
  }

  /** Its login page: a form for browsers with scripts, and the same as a refresh for those without. */
  function page(client: Held, response: ServerResponse): void {
    const fields = variables(client);
    const inputs = Object.entries(fields).map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`,
    );
    const next = `${action}?${new URLSearchParams(fields).toString()}`;
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(
      `<!doctype html><title>Login</title><meta http-equiv="refresh" content="0; url=${escaped(next)}">` +
        `<form name="sendin" action="${action}" method="post">${inputs.join('')}<button>Continue</button></form>`,
    );
  }

  /** The router knows the challenge of the last page it served, and no other. */
  function proofIn(client: Held, password: string): Shown {
    if (!chap) return { pap: Buffer.from(password) };
    const ident = client.id[0] ?? 0;
    return { chap: Buffer.from(password, 'hex'), ident, challenge: client.challenge };
  }

  async function login(client: Held, query: URLSearchParams, response: ServerResponse) {
    const shown = proofIn(client, query.get('password') ?? '');
    const answer = await hotspot.nas.ask(client, query.get('username') ?? '', shown);
    if (answer === 'accept') {
      client.error = '';
      say(`${client.mac} is in as ${client.userName}`);
      return sendTo(response, query.get('dst') ?? client.url);
    }
    client.error = answer === 'silence' ? 'RADIUS server is not responding' : 'invalid username';
    say(`${client.mac} stays out: ${client.error}`);
    page(client, response);
  }

  async function knock(client: Held, url: URL, response: ServerResponse): Promise<void> {
    const query = url.searchParams;
    if (url.pathname === '/logout') {
      await hotspot.logOff(client);
      return sendTo(response, action);
    }
    if (url.pathname !== '/login') return sendTo(response, `${url.origin}/login`);
    if (query.has('username')) return login(client, query, response);
    client.url = query.get('dst') ?? client.url;
    page(client, response);
  }

  return { ...hotspot.emulator, variables: (mac) => variables(hotspot.known(mac)) };
}
