/** Asks a RADIUS server as fast as it answers, or at a given rate; a bounded number of questions stay open. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { attributes as a, codes } from '../../portal/radius/dictionary.ts';
import { address, decode, encode, integer, octets, text } from '../../portal/radius/packet.ts';
import {
  hidePassword,
  responseProof,
  signRequest,
  unsignedMac,
} from '../../portal/radius/signing.ts';
import { percentile } from './measure.ts';

const SOCKETS = 16;
const SLOTS = SOCKETS * 256;
/** Given up after this: a lost packet must not hold its number for ever. */
const LOST_MS = 2_000;
const SECRET = 'testing123';

export interface Person {
  name: string;
  password: string;
  mac: string;
}

/** Requests made beforehand, so that making them costs the server's rival nothing. */
export function prepare(count: number, people: readonly Person[]): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const { name, password: word, mac } = people[i % people.length]!;
    const authenticator = randomBytes(16);
    const password = hidePassword(Buffer.from(word), authenticator, SECRET);
    const raw = encode(codes.accessRequest, i % 256, authenticator, [
      unsignedMac,
      text(a.userName, name),
      octets(a.userPassword, password),
      address(a.nasIpAddress, '127.0.0.1')!,
      text(a.nasIdentifier, 'store-1'),
      text(a.callingStationId, mac),
      text(a.calledStationId, 'AA-BB-CC-DD-EE-FF:GuestWiFi'),
      integer(a.nasPortType, 19),
      integer(a.serviceType, 1),
    ]);
    return signRequest(raw!, SECRET);
  });
}

export interface Load {
  perSecond: number;
  p50: number;
  p99: number;
  accepted: number;
  lost: number;
  /** Replies checked against the secret, and those that failed. */
  checked: number;
  wrong: number;
}

export interface LoadOptions {
  port: number;
  requests: readonly Buffer[];
  seconds: number;
  /** Open at a time. */
  window: number;
  /** Questions a second; absent: as fast as answered. */
  rate?: number;
}

interface Slot {
  request: Buffer;
  at: number;
}

function openSockets(heard: (socket: number, raw: Buffer) => void): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: SOCKETS }, async (_, i) => {
      const socket = createSocket('udp4');
      socket.on('message', (raw) => heard(i, raw));
      await new Promise<void>((done) => void socket.bind(0, '127.0.0.1', done));
      socket.setRecvBufferSize(4 * 1024 * 1024);
      return socket;
    }),
  );
}

export async function load(options: LoadOptions): Promise<Load> {
  const { port, requests, seconds, window, rate } = options;
  const slots: (Slot | undefined)[] = Array.from({ length: SLOTS });
  const waits: number[] = [];
  const tally = { accepted: 0, lost: 0, checked: 0, wrong: 0, open: 0, sent: 0 };
  const started = performance.now();
  const until = started + seconds * 1000;

  const ask = (): void => {
    const number = tally.sent % SLOTS;
    const request = requests[tally.sent];
    if (request === undefined || slots[number] !== undefined) return;
    tally.sent++;
    tally.open++;
    slots[number] = { request, at: performance.now() };
    sockets[number >> 8]!.send(request, port, '127.0.0.1');
  };
  const check = (raw: Buffer, slot: Slot): void => {
    const decoded = decode(raw);
    tally.checked++;
    const proof = decoded.ok
      ? responseProof(decoded.packet, slot.request.subarray(4, 20), SECRET)
      : 'wrong';
    if (proof === 'wrong') tally.wrong++;
  };
  const heard = (socket: number, raw: Buffer): void => {
    const number = (socket << 8) | raw[1]!;
    const slot = slots[number];
    if (slot === undefined) return;
    const now = performance.now();
    slots[number] = undefined;
    tally.open--;
    waits.push(now - slot.at);
    if (raw[0] === codes.accessAccept) tally.accepted++;
    if (waits.length % 64 === 0) check(raw, slot);
    if (rate === undefined && now < until && tally.open < window) ask();
  };
  const sockets = await openSockets(heard);
  try {
    if (rate === undefined) for (let i = 0; i < window; i++) ask();
    let swept = started;
    for (let now = started; now < until; now = performance.now()) {
      if (rate !== undefined) {
        const due = Math.floor(((now - started) * rate) / 1000);
        for (let burst = 0; tally.sent < due && tally.open < window && burst < 64; burst++) ask();
      }
      if (now - swept > 100) {
        sweep(slots, now, tally);
        for (let i = tally.open; rate === undefined && i < window; i++) ask();
        swept = now;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const elapsed = (performance.now() - started) / 1000;
    return {
      perSecond: waits.length / elapsed,
      p50: percentile(waits, 0.5),
      p99: percentile(waits, 0.99),
      ...tally,
    };
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** Frees the numbers of questions that were never answered. */
function sweep(
  slots: (Slot | undefined)[],
  now: number,
  tally: { lost: number; open: number },
): void {
  for (const [number, slot] of slots.entries()) {
    if (slot === undefined || now - slot.at < LOST_MS) continue;
    slots[number] = undefined;
    tally.lost++;
    tally.open--;
  }
}
