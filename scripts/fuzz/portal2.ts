/** Damaged Portal 2.0 packets: what is read, what proves the secret, and who is let in by them. */
import type { Ac, LoginOutcome } from '../../portal/gateways/portal2-exchange.ts';
import { createExchange } from '../../portal/gateways/portal2-exchange.ts';
import type { HeaderSize, Portal2Message } from '../../portal/gateways/portal2-packet.ts';
import {
  attribute,
  decodePortal2,
  encodePortal2,
  provesSecret,
  TYPE,
} from '../../portal/gateways/portal2-packet.ts';
import type { Line, Portal2Wire } from '../../portal/gateways/portal2-wire.ts';
import type { Random } from '../lib/random.ts';

const SECRET = 'portalsecret';
const IP = '10.0.0.23';
const ERROR_AT = 14;
const ATTRIBUTES = [1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0x0b, 0x26, 0x30, 0x35, 0xff];
const TYPES = [...Object.values(TYPE), 0, 0x0c, 0x10, 0x81, 0xff];

const whole = (random: Random, below: number): number => Math.floor(random.next() * below);

function octets(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = whole(random, 256);
  return bytes;
}

export function anyMessage(random: Random): Portal2Message {
  const count = whole(random, 5);
  return {
    version: random.next() < 0.5 ? 1 : 2,
    type: random.pick(TYPES),
    pap: random.next() < 0.5,
    serial: whole(random, 65_536),
    reqId: whole(random, 65_536),
    ip: IP,
    error: whole(random, 5),
    attributes: Array.from({ length: count }, () =>
      attribute(random.pick(ATTRIBUTES), octets(random, random.pick([0, 1, 4, 6, 16, 40]))),
    ),
  };
}

/** Changes lengths, counts and octets; null when it stays as it was. */
function damage(bytes: Buffer, header: HeaderSize, random: Random): Buffer {
  const way = random.next();
  if (way < 0.2) return bytes.subarray(0, whole(random, bytes.length + 1));
  if (way < 0.3) return Buffer.concat([bytes, octets(random, 1 + whole(random, 40))]);
  const bent = Buffer.from(bytes);
  const place = way < 0.45 ? 15 : way < 0.6 ? header + 1 : whole(random, bent.length);
  if (place < bent.length) bent[place] = whole(random, 256);
  return bent;
}

function resigned(bytes: Buffer): Buffer {
  if (bytes.length < 32) return bytes;
  const bent = Buffer.from(bytes);
  const packet = decodePortal2(bent, 32);
  if (packet === null) return bent;
  const { authenticator } = packet;
  const fresh = encodePortal2(packet, 32, SECRET).subarray(16, 32);
  authenticator?.set(fresh);
  return bent;
}

/** Octets that the codec does not carry: with them a packet cannot be written again as it was. */
const carries = (bytes: Buffer): boolean =>
  (bytes[2] ?? 0) < 2 && bytes[3] === 0 && bytes[12] === 0 && bytes[13] === 0;

/** One damaged packet through the codec. Gives what is wrong, or null. */
export function packetRun(random: Random): { wrong: string | null; bytes: Buffer } {
  const header: HeaderSize = random.next() < 0.6 ? 32 : 16;
  const good = encodePortal2(anyMessage(random), header, SECRET);
  const bent = damage(good, header, random);
  const signs = header === 32 && random.next() < 0.5;
  const bytes = signs ? resigned(bent) : bent;
  const wrong = wrongOf(bytes, header, { good, signs });
  return { wrong, bytes };
}

function wrongOf(
  bytes: Buffer,
  header: HeaderSize,
  { good, signs }: { good: Buffer; signs: boolean },
): string | null {
  const packet = decodePortal2(bytes, header);
  if (!signs && header === 32 && !bytes.equals(good) && provesSecret(bytes, SECRET))
    return 'a damaged packet proves the secret';
  if (packet === null) return null;
  const size = packet.attributes.reduce<number>((sum, { value }) => sum + value.length + 2, header);
  if (size !== bytes.length) return 'sizes do not come out';
  if (packet.attributes.length !== bytes[15]) return 'the count is wrong';
  if (!carries(bytes)) return null;
  const again = encodePortal2(packet, header, SECRET);
  const same = header === 16 ? again.equals(bytes) : unsigned(again).equals(unsigned(bytes));
  if (!same) return 'written again it differs';
  if (signs && !provesSecret(bytes, SECRET)) return 'a signed packet does not prove the secret';
  return null;
}

function unsigned(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, 16), bytes.subarray(32)]);
}

/** What an AC, or somebody in its place, answers to each request. */
type Answerer = (request: Buffer) => Buffer[];

/** A wire without a network: answers lie ready, and silence comes at once. */
function deadWire(answer: Answerer): Portal2Wire {
  const line = (): Line => {
    const letters: Buffer[] = [];
    return {
      serial: 0x1234,
      send: (bytes) => void letters.push(...answer(bytes)),
      next: async () => letters.shift() ?? null,
      hangUp: () => undefined,
    };
  };
  return {
    dial: async () => line(),
    listen: async () => 0,
    post: () => undefined,
    close: async () => undefined,
  };
}

interface Told {
  outcome: LoginOutcome;
  /** An undamaged “ok” to REQ_AUTH was among the answers. */
  allowed: boolean;
}

async function login(random: Random, ac: Ac): Promise<Told> {
  let allowed = false;
  const reply = (request: Buffer, type: number, reqId: number): Buffer[] => {
    const asked = decodePortal2(request, ac.header);
    if (asked === null) return [];
    const attributes = type === TYPE.ackChallenge ? [attribute(3, octets(random, 16))] : [];
    const error = random.next() < 0.8 ? 0 : whole(random, 5);
    const message = { ...asked, type, reqId, error, attributes };
    const seed = random.next() < 0.9 ? asked.authenticator : octets(random, 16);
    const secret = random.next() < 0.9 ? SECRET : 'another';
    const good = encodePortal2(message, ac.header, secret, seed);
    const bytes = random.next() < 0.4 ? damage(good, ac.header, random) : good;
    const honest =
      bytes[1] === TYPE.ackAuth && bytes[ERROR_AT] === 0 && proven(bytes, ac, asked.authenticator);
    if (honest) allowed = true;
    return [bytes];
  };
  const answer: Answerer = (request) => {
    if (request[1] === TYPE.reqChallenge) return reply(request, TYPE.ackChallenge, 0xa7);
    if (request[1] !== TYPE.reqAuth) return [];
    const noise = random.next() < 0.3 ? reply(request, random.pick(TYPES), 0xa7) : [];
    return [...noise, ...reply(request, TYPE.ackAuth, 0xa7)];
  };
  const exchange = createExchange(deadWire(answer), () => 0);
  const outcome = await exchange.login(ac, IP, { username: 'g.abc', password: 'abcdefghij234567' });
  return { outcome, allowed };
}

/** Whether the AC's own words stand there, as far as this dialect can tell. */
function proven(bytes: Buffer, ac: Ac, seed: Buffer | null): boolean {
  return ac.header === 16 || provesSecret(bytes, ac.secret, seed);
}

/** One login against damaged answers. Gives what is wrong, or null. */
export async function loginRun(random: Random): Promise<string | null> {
  const version = random.next() < 0.7 ? 2 : 1;
  const header: HeaderSize = version === 2 ? 32 : 16;
  const pap = random.next() < 0.5;
  const ac: Ac = {
    address: '10.9.9.9',
    port: 2000,
    version,
    header,
    secret: SECRET,
    pap,
    sendChallenge: random.next() < 0.5,
  };
  const { outcome, allowed } = await login(random, ac);
  return outcome.kind === 'in' && !allowed ? 'somebody was let in whom the AC did not admit' : null;
}
