/** The gateway's side of CoovaChilli: redirects under a checksum, logons, and RADIUS behind them. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { boundChallenge, checksumOf } from '../../../portal/gateways/uam.ts';
import { percent, sendTo } from './doors.ts';
import type { HotspotEmulator, HotspotGuest, HotspotOptions } from './hotspot.ts';
import { startHotspot } from './hotspot.ts';
import type { Shown } from './nas.ts';

export interface CoovaOptions extends HotspotOptions {
  /** How long a challenge lives (ms). */
  challengeMs?: number;
}

export interface CoovaEmulator extends HotspotEmulator {
  /** The guest's challenge is forgotten, as after ten minutes. */
  age(mac: string): void;
}

interface Own {
  challenge: Buffer;
  madeAt: number;
  session: string;
}
type Held = HotspotGuest<Own>;

const CALLED = 'FA-CA-FB-35-DB-CA';

function proofIn(query: URLSearchParams, bound: Buffer): Shown | null {
  const response = query.get('response');
  if (response !== null) return { chap: Buffer.from(response, 'hex'), ident: 0, challenge: bound };
  const hidden = Buffer.from(query.get('password') ?? '', 'hex');
  if (hidden.length === 0) return null;
  const clear = Buffer.from(hidden.map((octet, at) => octet ^ (bound[at % 16] ?? 0)));
  const end = clear.indexOf(0);
  return { pap: end < 0 ? clear : clear.subarray(0, end) };
}

export async function startCoova(options: CoovaOptions): Promise<CoovaEmulator> {
  const { portal, slug, gateway, say = () => undefined } = options;
  const secret = gateway.secret ?? '';
  const hotspot = await startHotspot<Own>(options, {
    nas: { separator: '-', calledStation: `${CALLED}:Guest` },
    fresh: () => ({
      challenge: Buffer.alloc(16),
      madeAt: 0,
      session: randomBytes(8).toString('hex'),
    }),
    knock,
    redirect(client) {
      if (client.inside) return redirect(client, 'already');
      renew(client);
      return redirect(client, 'notyet');
    },
  });

  /** Order and spelling as chilli writes them. */
  function redirect(client: Held, res: string, more: Record<string, string> = {}): string {
    const { reason, reply, userurl, ...rest } = more;
    const outside = res !== 'success' && res !== 'already';
    const fields: [string, string | undefined][] = [
      ['res', res],
      ['reason', reason],
      ['uamip', '127.0.0.1'],
      ['uamport', String(client.door?.port ?? 0)],
      ['challenge', outside ? client.challenge.toString('hex') : undefined],
      ['called', CALLED],
      ['uid', rest['uid']],
      ['timeleft', rest['timeleft']],
      ['mac', client.mac.toUpperCase().replaceAll(':', '-')],
      ['ip', client.ip],
      ['reply', reply],
      ['ssid', 'Guest'],
      ['nasid', gateway.name],
      ['sessionid', client.session],
      ['userurl', userurl ?? client.url],
    ];
    const query = fields
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${percent(value ?? '')}`);
    const words = `${portal}/p/${slug}?${query.join('&')}`;
    return secret === '' ? words : `${words}&md=${checksumOf(words, secret)}`;
  }

  function renew(client: Held): void {
    client.challenge = randomBytes(16);
    client.madeAt = Date.now();
  }

  async function logon(client: Held, query: URLSearchParams, response: ServerResponse) {
    const userurl = query.get('userurl') ?? client.url;
    const failed = (reason: string) => {
      renew(client);
      say(`${client.mac} stays out: ${reason}`);
      const reply = client.reply === undefined ? {} : { reply: client.reply };
      sendTo(response, redirect(client, 'failed', { reason, userurl, ...reply }));
    };
    if (Date.now() - client.madeAt > (options.challengeMs ?? 600_000)) return failed('other');
    const shown = proofIn(query, boundChallenge(client.challenge.toString('hex'), secret));
    if (shown === null) return failed('other');
    const answer = await hotspot.nas.ask(client, query.get('username') ?? '', shown);
    if (answer !== 'accept') return failed(answer === 'silence' ? 'timeout' : 'reject');
    say(`${client.mac} is in as ${client.userName}`);
    const timeleft = client.timeout === undefined ? {} : { timeleft: String(client.timeout) };
    sendTo(response, redirect(client, 'success', { uid: client.userName, userurl, ...timeleft }));
  }

  async function knock(client: Held, url: URL, response: ServerResponse): Promise<void> {
    const query = url.searchParams;
    if (url.pathname === '/logon' || url.pathname === '/login')
      return logon(client, query, response);
    if (url.pathname === '/logoff' || url.pathname === '/logout') {
      await hotspot.logOff(client);
      return sendTo(response, redirect(client, 'logoff'));
    }
    if (client.inside) return sendTo(response, redirect(client, 'already'));
    renew(client);
    const userurl = query.get('userurl');
    sendTo(response, redirect(client, 'notyet', userurl === null ? {} : { userurl }));
  }

  return {
    ...hotspot.emulator,
    age(mac) {
      hotspot.known(mac).madeAt = 0;
    },
  };
}
