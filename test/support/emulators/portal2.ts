/** The AC's side of Portal 2.0: redirects, challenges, asks RADIUS, and drops whom nobody affirms. */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { RemoteInfo } from 'node:dgram';
import type { Portal2Message, Portal2Packet } from '../../../portal/gateways/portal2-packet.ts';
import {
  ATTRIBUTE,
  attribute,
  decodePortal2,
  encodePortal2,
  headerOf,
  macOctets,
  provesSecret,
  TYPE,
  valueOf,
} from '../../../portal/gateways/portal2-packet.ts';
import { bindAt } from './doors.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';
import { authorityFor } from './authority.ts';
import type { Passwords } from './authority.ts';
import type { NasClient, Shown } from './nas.ts';
import { nasClient } from './nas.ts';

export type Mood = 'answer' | 'silence' | 'in-progress-first' | 'wrong-secret' | 'refuse';

export interface Portal2EmulatorOptions extends EmulatorOptions {
  /** Where the portal hears what is said unasked. */
  notify?: { host: string; port: number };
  /** In place of RADIUS. */
  passwords?: Passwords;
  /** How long an admission may stay without AFF_ACK_AUTH (ms). */
  affirmMs?: number;
  /** How the AC takes a packet: for tests of bad days. */
  mood?: (packet: Portal2Packet) => Mood;
}

export interface AcClient extends NasClient {
  url?: string;
  asking: boolean;
  affirmed: boolean;
  challenge: Buffer;
  reqId: number;
}

export interface Portal2Emulator extends Emulator {
  port: number;
  /** A known device comes back: asks the portal whether it is bound. Gives ErrCode, or null for silence. */
  comeBack(client: EmulatedClient): Promise<number | null>;
  /** Types of packets received, in order. */
  heard: number[];
  /** Sends octets to the portal's notice port as they are. */
  shout(bytes: Buffer): void;
  /** A message of this AC, signed as it would be. */
  sign(message: Partial<Portal2Message> & { type: number }, seed?: Buffer): Buffer;
  clients: Map<string, AcClient>;
}

const AFFIRM_MS = 30_000;
const NOTICE_MS = 500;
const NOTICE_TRIES = 3;

function freshClient({ mac, ip }: EmulatedClient): AcClient {
  const none = { asking: false, affirmed: false, challenge: Buffer.alloc(0), reqId: 0 };
  return { ...nasClient(mac, ip), ...none };
}

/** The names its administrator gave the redirect's parameters. */
function redirectOf({ portal, slug, gateway }: EmulatorOptions, client: EmulatedClient): string {
  const named = gateway.portal2?.parameters ?? {};
  const query = new URLSearchParams({
    [named.ip ?? 'wlanuserip']: client.ip,
    [named.mac ?? 'wlanusermac']: client.mac.replaceAll(':', '-'),
    [named.nas ?? 'wlanacname']: gateway.name,
    [named.ssid ?? 'ssid']: 'Guest',
    ...(client.url === undefined ? {} : { [named.url ?? 'wlanuserfirsturl']: client.url }),
  });
  return `${portal}/p/${encodeURIComponent(slug)}?${query.toString()}`;
}

export async function startPortal2(options: Portal2EmulatorOptions): Promise<Portal2Emulator> {
  const { gateway, notify, say = () => undefined } = options;
  const settings = gateway.portal2;
  if (settings === undefined) throw new Error('the gateway has no Portal 2.0 settings');
  const { version } = settings;
  const header = headerOf(version, settings.headerOctets);
  const secret = gateway.secret ?? '';
  const clients = new Map<string, AcClient>();
  const authority = await authorityFor(options, {
    separator: '-',
    calledStation: '00-00-5E-00-53-01:Guest',
    clients: () => clients.values(),
  });
  const timers = new Set<NodeJS.Timeout>();
  const replies = new Map<number, (packet: Portal2Packet) => void>();
  const heard: number[] = [];
  const socket = createSocket('udp4');
  let serial = randomInt(0x8000);
  let closed = false;

  const byIp = (ip: string) => [...clients.values()].find((client) => client.ip === ip);

  function sign(
    message: Partial<Portal2Message> & { type: number },
    seed: Buffer | null = null,
    key = secret,
  ): Buffer {
    const usual = { version, pap: settings?.auth === 'pap', serial: 0, reqId: 0, error: 0 };
    const full = { ...usual, ip: '0.0.0.0', attributes: [], ...message };
    return encodePortal2(full, header, key, seed);
  }

  function drop(client: AcClient, why: string): void {
    if (!client.inside) return;
    client.inside = false;
    say(`${client.mac} is out: ${why}`);
    void authority.account(client, 'stop');
  }

  /** An admission that nobody affirms does not last. */
  function watch(client: AcClient): void {
    const session = client.nasSession;
    const timer = setTimeout(() => {
      timers.delete(timer);
      const same = client.nasSession === session && client.inside;
      if (same && !client.affirmed) drop(client, 'AFF_ACK_AUTH never came');
    }, options.affirmMs ?? AFFIRM_MS);
    timers.add(timer);
  }

  function shownIn(packet: Portal2Packet, client: AcClient): Shown {
    const password = valueOf(packet, ATTRIBUTE.password);
    if (packet.pap && password !== null) return { pap: password };
    const chap = valueOf(packet, ATTRIBUTE.chapPassword) ?? Buffer.alloc(16);
    return { chap, ident: packet.reqId & 0xff, challenge: client.challenge };
  }

  type Reply = (what: Partial<Portal2Message> & { type: number }) => void;

  function challenge(client: AcClient | undefined, reply: Reply): void {
    const type = TYPE.ackChallenge;
    if (client === undefined) return reply({ type, error: 1, attributes: [refusal('AC102')] });
    if (client.inside) return reply({ type, error: 2 });
    if (client.asking) return reply({ type, error: 3 });
    client.challenge = randomBytes(16);
    client.reqId = randomInt(1, 65_536);
    const attributes = [attribute(ATTRIBUTE.challenge, client.challenge)];
    reply({ type, reqId: client.reqId, attributes });
  }

  async function login(packet: Portal2Packet, client: AcClient | undefined, reply: Reply) {
    const type = TYPE.ackAuth;
    if (client === undefined) return reply({ type, error: 1, attributes: [refusal('AC102')] });
    if (client.inside) return reply({ type, error: 2 });
    if (packet.pap) client.reqId = randomInt(1, 65_536);
    const stale = !packet.pap && packet.reqId !== client.reqId;
    const userName = valueOf(packet, ATTRIBUTE.userName)?.toString('utf8') ?? '';
    client.asking = true;
    const answer = stale
      ? 'reject'
      : await authority.ask(client, userName, shownIn(packet, client));
    client.asking = false;
    if (answer === 'silence') return reply({ type, error: 4, attributes: [refusal('AC201')] });
    if (answer === 'reject') return reply({ type, error: 1, attributes: [refusal('RC001')] });
    client.affirmed = false;
    say(`${client.mac} is in as ${client.userName}`);
    watch(client);
    reply({ type, reqId: client.reqId });
  }

  function logout(packet: Portal2Packet, client: AcClient | undefined, reply: Reply): void {
    const online = client?.inside === true;
    if (client !== undefined) drop(client, packet.error === 1 ? 'the portal gave up' : 'logout');
    if (packet.error !== 1) reply({ type: TYPE.ackLogout, error: online ? 0 : 3 });
  }

  function inform(client: AcClient | undefined, reply: Reply): void {
    const type = TYPE.ackInfo;
    if (client?.inside !== true) return reply({ type, error: 2 });
    const kilobytes = (bytes: number) => {
      const value = Buffer.alloc(8);
      value.writeBigUInt64BE(BigInt(Math.floor(bytes / 1024)));
      return value;
    };
    const attributes = [
      attribute(ATTRIBUTE.upLinkFlux, kilobytes(client.bytesOut)),
      attribute(ATTRIBUTE.downLinkFlux, kilobytes(client.bytesIn)),
      attribute(ATTRIBUTE.mac, macOctets(client.mac)),
    ];
    reply({ type, attributes });
  }

  async function serve(packet: Portal2Packet, reply: Reply): Promise<void> {
    const client = byIp(packet.ip);
    if (packet.type === TYPE.reqChallenge) challenge(client, reply);
    else if (packet.type === TYPE.reqAuth) await login(packet, client, reply);
    else if (packet.type === TYPE.reqLogout) logout(packet, client, reply);
    else if (packet.type === TYPE.reqInfo) inform(client, reply);
    else if (packet.type === TYPE.affAckAuth && client?.inside === true) client.affirmed = true;
  }

  async function receive(bytes: Buffer, from: RemoteInfo): Promise<void> {
    const packet = decodePortal2(bytes, header);
    if (packet === null || packet.version !== version) return;
    const isReply = packet.type === TYPE.ackNtfLogout || packet.type === TYPE.ackMacBinding;
    if (isReply) return replies.get(packet.serial)?.(packet);
    if (header === 32 && !provesSecret(bytes, secret)) return say('a packet with a wrong secret');
    heard.push(packet.type);
    const mood = options.mood?.(packet) ?? 'answer';
    const say2 = (what: Partial<Portal2Message> & { type: number }, key = secret) => {
      const same = { serial: packet.serial, ip: packet.ip, reqId: packet.reqId };
      const bytes = sign({ ...same, ...what }, packet.authenticator, key);
      if (!closed) socket.send(bytes, from.port, from.address);
    };
    const ack = packet.type + 1;
    if (mood === 'silence') return;
    if (mood === 'refuse') return say2({ type: ack, error: 1 });
    if (mood === 'wrong-secret') return say2({ type: ack }, 'another-secret');
    if (mood === 'in-progress-first') say2({ type: ack, error: 3 });
    await serve(packet, (what) => say2(what));
  }

  /** Says something unasked, again and again until it is answered. */
  async function notice(message: Partial<Portal2Message> & { type: number }) {
    if (notify === undefined || closed) return null;
    serial = (serial + 1) % 65_536;
    const own = serial;
    const bytes = sign({ serial: own, ...message });
    return new Promise<Portal2Packet | null>((resolve) => {
      let tries = 0;
      const finish = (packet: Portal2Packet | null) => {
        clearInterval(timer);
        timers.delete(timer);
        replies.delete(own);
        resolve(packet);
      };
      const send = () => {
        tries += 1;
        if (tries > NOTICE_TRIES) finish(null);
        else socket.send(bytes, notify.port, notify.host);
      };
      const timer = setInterval(send, NOTICE_MS);
      timers.add(timer);
      replies.set(own, finish);
      send();
    });
  }

  socket.on('message', (bytes, from) => void receive(bytes, from));
  const port = await bindAt(socket, options.port ?? settings.port, settings.host);

  const known = (client: EmulatedClient): AcClient => {
    const held = clients.get(client.mac) ?? freshClient(client);
    Object.assign(held, client);
    clients.set(client.mac, held);
    return held;
  };

  return {
    url: `udp://${settings.host}:${port}`,
    port,
    heard,
    clients,
    sign: (message, seed) => sign(message, seed ?? null),
    shout(bytes) {
      if (notify !== undefined) socket.send(bytes, notify.port, notify.host);
    },
    async join(client) {
      known(client);
      return redirectOf(options, client);
    },
    async comeBack(client) {
      known(client);
      const attributes = [
        attribute(ATTRIBUTE.mac, macOctets(client.mac)),
        attribute(ATTRIBUTE.nasId, gateway.name),
      ];
      const reply = await notice({ type: TYPE.reqMacBinding, ip: client.ip, attributes });
      return reply?.error ?? null;
    },
    inside: (mac) => clients.get(mac)?.inside === true,
    async leave(mac) {
      const client = clients.get(mac);
      if (client?.inside !== true) return;
      drop(client, 'left');
      await notice({ type: TYPE.ntfLogout, ip: client.ip });
    },
    traffic(mac, bytesIn, bytesOut) {
      const client = clients.get(mac);
      if (client === undefined) return;
      client.bytesIn += bytesIn;
      client.bytesOut += bytesOut;
    },
    async tick() {
      const inside = [...clients.values()].filter((client) => client.inside);
      await Promise.all(inside.map((client) => authority.account(client, 'interim')));
    },
    async close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      await new Promise<void>((done) => socket.close(() => done()));
      await authority.close();
    },
  };
}

const refusal = (code: string) => attribute(ATTRIBUTE.text, code);
