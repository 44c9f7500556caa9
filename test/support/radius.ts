/** Our RADIUS doors over a house in memory, and a socket that asks them as equipment does. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { createAnswers } from '../../portal/radius/answers.ts';
import type { Answers } from '../../portal/radius/answers.ts';
import type { Counts, CountName } from '../../portal/radius/counts.ts';
import { createCounts } from '../../portal/radius/counts.ts';
import type { Limits } from '../../portal/radius/decide.ts';
import { attributes as a, codes } from '../../portal/radius/dictionary.ts';
import type { Attribute, Packet } from '../../portal/radius/packet.ts';
import { decode, encode, integer, octets, text } from '../../portal/radius/packet.ts';
import type { RadiusServer } from '../../portal/radius/server.ts';
import { listenUdp } from '../../portal/radius/server.ts';
import type { Strangers } from '../../portal/radius/strangers.ts';
import { createStrangers } from '../../portal/radius/strangers.ts';
import {
  chapPassword,
  hidePassword,
  responseProof,
  signRequest,
  unsignedMac,
} from '../../portal/radius/signing.ts';
import type { House } from '../../scripts/lib/radius-house.ts';

export interface Rig {
  house: House;
  server: RadiusServer;
  answers: Answers;
  counts: Counts;
  strangers: Strangers;
  clock: { now: number };
  stop(): Promise<void>;
}

export async function startRadius(house: House, limits: Partial<Limits> = {}): Promise<Rig> {
  const counts = createCounts();
  const clock = { now: 1_700_000_000_000 };
  const { network, doors, log } = house;
  const strangers = createStrangers();
  const deps = { network, doors, log, counts, strangers, limits, clock: () => clock.now };
  const answers = createAnswers(deps);
  const local = { host: '127.0.0.1', authPort: 0, acctPort: 0 };
  const server = await listenUdp(local, answers, counts);
  return { house, server, answers, counts, strangers, clock, stop: () => server.close() };
}

/** Waits for what must become so; gives the last value when it never does. */
export async function soon<T>(read: () => T, fits: (value: T) => boolean, tries = 500): Promise<T> {
  let value = read();
  for (; tries > 0 && !fits(value); tries--) {
    await delay(10);
    value = read();
  }
  return value;
}

/** What has been counted since `before`, zeros left out. */
export const counted = (before: Counts, now: Counts): Partial<Counts> =>
  Object.fromEntries(
    Object.entries(now)
      .map(([name, count]) => [name, count - before[name as CountName]] as const)
      .filter(([, count]) => count !== 0),
  );

export interface Asker {
  port: number;
  /** What came back, oldest first. */
  received: Buffer[];
  send(port: number, raw: Buffer): void;
  /** The next packet to come. */
  ask(port: number, raw: Buffer): Promise<Packet>;
  close(): Promise<void>;
}

export async function createAsker(from = '127.0.0.1'): Promise<Asker> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (raw) => received.push(raw));
  await new Promise<void>((done) => void socket.bind(0, from, done));
  const send = (port: number, raw: Buffer): void => socket.send(raw, port, '127.0.0.1');
  return {
    port: socket.address().port,
    received,
    send,
    async ask(port, raw) {
      const before = received.length;
      send(port, raw);
      await soon(
        () => received.length,
        (length) => length > before,
      );
      return packetOf(received[before]);
    },
    close: () => new Promise((done) => void socket.close(done)),
  };
}

export function packetOf(raw: Buffer | undefined | null): Packet {
  if (!raw) throw new Error('no packet came');
  const decoded = decode(raw);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.packet;
}

export interface Login {
  id?: number;
  name?: string;
  pap?: string;
  chap?: string;
  /** With a challenge of its own instead of the authenticator. */
  challenge?: Buffer;
  mac?: string;
  more?: Attribute[];
  secret?: string;
  /** Without attribute 80. */
  unsigned?: boolean;
}

let ids = 0;
const nextId = (): number => (ids = (ids + 1) % 256);

/** An Access-Request as equipment sends it. */
export function accessRequest(login: Login): Buffer {
  const { secret = 'testing123', name = 'ada', mac = '02-00-00-00-00-50' } = login;
  const authenticator = randomBytes(16);
  const credentials = [
    ...(login.pap === undefined
      ? []
      : [octets(a.userPassword, hidePassword(Buffer.from(login.pap), authenticator, secret))]),
    ...(login.chap === undefined
      ? []
      : [
          octets(
            a.chapPassword,
            chapPassword(3, Buffer.from(login.chap), login.challenge ?? authenticator),
          ),
        ]),
    ...(login.challenge === undefined ? [] : [octets(a.chapChallenge, login.challenge)]),
  ];
  const raw = encode(codes.accessRequest, login.id ?? nextId(), authenticator, [
    ...(login.unsigned === true ? [] : [unsignedMac]),
    ...(name === '' ? [] : [text(a.userName, name)]),
    ...credentials,
    ...(mac === '' ? [] : [text(a.callingStationId, mac)]),
    ...(login.more ?? []),
  ]);
  return signRequest(raw!, secret);
}

/** An Accounting-Request; `status` as in `statusTypes`. */
export function accountingRequest(
  status: number,
  list: Attribute[],
  options: { secret?: string; mac?: string; session?: string; id?: number } = {},
): Buffer {
  const { secret = 'testing123', mac = '02-00-00-00-00-50', session = 'nas-1' } = options;
  const raw = encode(codes.accountingRequest, options.id ?? nextId(), null, [
    integer(a.acctStatusType, status),
    ...(session === '' ? [] : [text(a.acctSessionId, session)]),
    ...(mac === '' ? [] : [text(a.callingStationId, mac)]),
    ...list,
  ]);
  return signRequest(raw!, secret);
}

export function statusServer(list: Attribute[] = [], secret = 'testing123'): Buffer {
  const raw = encode(codes.statusServer, nextId(), randomBytes(16), [unsignedMac, ...list]);
  return signRequest(raw!, secret);
}

/** Whether a reply is genuine, and begins with attribute 80; what acknowledges accounting has none. */
export function wellAnswered(reply: Packet, request: Buffer, secret = 'testing123'): boolean {
  const proof = responseProof(reply, request.subarray(4, 20), secret);
  if (request[0] === codes.accountingRequest && proof === 'plain') return true;
  return reply.raw[20] === a.messageAuthenticator && proof === 'signed';
}
