/** What asks RADIUS inside an emulated gateway: logins, accounting, and Disconnect requests that it obeys. */
import { createSocket } from 'node:dgram';
import { randomBytes, randomInt } from 'node:crypto';
import {
  attributes as a,
  codes,
  serviceTypes,
  statusTypes,
} from '../../../portal/radius/dictionary.ts';
import type { Attribute, Packet } from '../../../portal/radius/packet.ts';
import {
  address,
  authenticatorOf,
  decode,
  encode,
  first,
  integer,
  numberIn,
  octets,
  text,
  textIn,
} from '../../../portal/radius/packet.ts';
import {
  hidePassword,
  requestProof,
  responseProof,
  signRequest,
  signResponse,
  unsignedMac,
} from '../../../portal/radius/signing.ts';
import { bindAt } from './doors.ts';

/** How a guest's password reached the gateway. */
export type Shown = { pap: Buffer } | { chap: Buffer; ident: number; challenge: Buffer };

/** A guest as the gateway holds it; the emulator keeps these and the NAS fills in what RADIUS said. */
export interface NasClient {
  mac: string;
  ip: string;
  inside: boolean;
  userName: string;
  nasSession: string;
  /** Class of the Accept, to be given back. */
  class?: Buffer | undefined;
  since: number;
  bytesIn: number;
  bytesOut: number;
  /** Seconds the Accept allowed. */
  timeout?: number | undefined;
  reply?: string | undefined;
  /** The whole Accept, for tests that look at limits. */
  accept?: Packet | undefined;
}

export type Answer = 'accept' | 'reject' | 'silence';

export interface Nas {
  ask(client: NasClient, userName: string, shown: Shown): Promise<Answer>;
  account(client: NasClient, what: 'start' | 'interim' | 'stop', cause?: number): Promise<boolean>;
  /** UDP port that takes Disconnect requests. */
  coaPort: number;
  close(): Promise<void>;
}

export interface NasOptions {
  radius: { host: string; authPort: number; acctPort: number };
  secret: string;
  nasId: string;
  /** `AA-BB-…` as chilli writes it, or `AA:BB:…` as RouterOS does. */
  separator: '-' | ':';
  calledStation: string;
  /** Chilli signs its Access-Requests; not all equipment does. */
  signs?: boolean;
  clients: () => Iterable<NasClient>;
  /** Own address on the loopback net, so that several gateways can be told apart; 127.0.0.1 unless told. */
  host?: string;
  /** Port for Disconnect requests; any free one unless told. */
  coaPort?: number;
  timeoutMs?: number;
  tries?: number;
}

function freshClient(): Omit<NasClient, 'mac' | 'ip'> {
  return { inside: false, userName: '', nasSession: '', since: 0, bytesIn: 0, bytesOut: 0 };
}

export function nasClient(mac: string, ip: string): NasClient {
  return { mac, ip, ...freshClient() };
}

const GIGA = 2 ** 32;

function counters({ bytesIn, bytesOut, since }: NasClient): Attribute[] {
  return [
    integer(a.acctSessionTime, Math.round((Date.now() - since) / 1000)),
    // The NAS's view: input is what it received from the guest.
    integer(a.acctInputOctets, bytesOut % GIGA),
    integer(a.acctOutputOctets, bytesIn % GIGA),
    integer(a.acctInputGigawords, Math.floor(bytesOut / GIGA)),
    integer(a.acctOutputGigawords, Math.floor(bytesIn / GIGA)),
  ];
}

export async function startNas(options: NasOptions): Promise<Nas> {
  const { radius, secret, separator } = options;
  const socket = createSocket('udp4');
  const waiting = new Map<number, (packet: Packet) => void>();
  const givingUp = new Set<() => void>();
  let closed = false;
  let nextId = randomInt(256);

  socket.on('message', (bytes, from) => {
    const decoded = decode(bytes);
    if (!decoded.ok) return;
    const { packet } = decoded;
    if (packet.code === codes.disconnectRequest) return disconnect(packet, from.port, from.address);
    waiting.get(packet.id)?.(packet);
  });
  const coaPort = await bindAt(socket, options.coaPort ?? 0, options.host ?? '127.0.0.1');

  /** Sends until a reply with a good authenticator comes, or patience ends. */
  async function exchange(port: number, raw: Buffer): Promise<Packet | null> {
    if (closed) return null;
    const id = raw[1] ?? 0;
    const sent = raw.subarray(4, 20);
    return new Promise((resolve) => {
      let tries = 0;
      const finish = (packet: Packet | null) => {
        clearInterval(timer);
        givingUp.delete(giveUp);
        waiting.delete(id);
        resolve(packet);
      };
      const send = () => {
        tries += 1;
        if (tries > (options.tries ?? 3)) return finish(null);
        socket.send(raw, port, radius.host);
      };
      const giveUp = () => finish(null);
      const timer = setInterval(send, options.timeoutMs ?? 1_000);
      givingUp.add(giveUp);
      waiting.set(id, (packet) => {
        if (responseProof(packet, sent, secret) !== 'wrong') finish(packet);
      });
      send();
    });
  }

  function build(code: number, authenticator: Buffer | null, list: (Attribute | null)[]): Buffer {
    nextId = (nextId + 1) % 256;
    const all = list.filter((one) => one !== null);
    const raw = encode(code, nextId, authenticator, all);
    if (raw === null) throw new Error('the packet would be too long');
    return signRequest(raw, secret);
  }

  const stationOf = (mac: string) => mac.toUpperCase().replaceAll(':', separator);
  const identity = (client: NasClient): (Attribute | null)[] => [
    text(a.userName, client.userName),
    text(a.nasIdentifier, options.nasId),
    text(a.calledStationId, options.calledStation),
    text(a.callingStationId, stationOf(client.mac)),
    text(a.acctSessionId, client.nasSession),
    integer(a.nasPortType, 19),
    address(a.framedIpAddress, client.ip),
  ];

  function credentials(shown: Shown, authenticator: Buffer): Attribute[] {
    if ('pap' in shown)
      return [octets(a.userPassword, hidePassword(shown.pap, authenticator, secret))];
    const chap = Buffer.concat([Buffer.from([shown.ident]), shown.chap]);
    return [octets(a.chapPassword, chap), octets(a.chapChallenge, shown.challenge)];
  }

  async function account(client: NasClient, what: 'start' | 'interim' | 'stop', cause?: number) {
    const raw = build(codes.accountingRequest, null, [
      integer(a.acctStatusType, statusTypes[what]),
      ...identity(client),
      ...(client.class === undefined ? [] : [octets(a.class, client.class)]),
      integer(a.eventTimestamp, Math.floor(Date.now() / 1000)),
      ...(what === 'start' ? [] : counters(client)),
      ...(cause === undefined ? [] : [integer(a.acctTerminateCause, cause)]),
    ]);
    return (await exchange(radius.acctPort, raw)) !== null;
  }

  /** Chilli needs the user's name; a session id narrows it. */
  function disconnect(packet: Packet, port: number, host: string): void {
    if (requestProof(packet, secret) === 'wrong') return;
    const userName = textIn(first(packet, a.userName));
    const session = textIn(first(packet, a.acctSessionId));
    const found = [...options.clients()].find(
      (client) =>
        client.inside &&
        client.userName === userName &&
        (session === undefined || client.nasSession === session),
    );
    const code = found === undefined ? codes.disconnectNak : codes.disconnectAck;
    const raw = encode(code, packet.id, authenticatorOf(packet), [
      unsignedMac,
      ...(found === undefined ? [integer(a.errorCause, 503)] : []),
    ]);
    if (raw === null) return;
    socket.send(signResponse(raw, authenticatorOf(packet), secret), port, host);
    if (found === undefined) return;
    found.inside = false;
    void account(found, 'stop', 6);
  }

  return {
    coaPort,
    account,
    async ask(client, userName, shown) {
      const authenticator = randomBytes(16);
      const session = randomBytes(8).toString('hex');
      const asked = { ...client, userName, nasSession: session };
      const raw = build(codes.accessRequest, authenticator, [
        ...(options.signs === false ? [] : [unsignedMac]),
        ...identity(asked),
        integer(a.serviceType, serviceTypes.login),
        ...credentials(shown, authenticator),
      ]);
      const answer = await exchange(radius.authPort, raw);
      if (answer === null) return 'silence';
      client.reply = textIn(first(answer, a.replyMessage));
      if (answer.code !== codes.accessAccept) return 'reject';
      Object.assign(client, asked, {
        inside: true,
        since: Date.now(),
        bytesIn: 0,
        bytesOut: 0,
        class: first(answer, a.class),
        timeout: numberIn(first(answer, a.sessionTimeout)),
        accept: answer,
      });
      await account(client, 'start');
      return 'accept';
    },
    async close() {
      closed = true;
      for (const giveUp of givingUp) giveUp();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}
