/** The one UDP socket towards every Portal 2.0 AC: requests leave by it, replies find who waits for them. */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import type { Refuses } from '../reach.ts';

export interface Address {
  address: string;
  port: number;
}

/** What hears packets that nobody waits for. */
export type Hear = (bytes: Buffer, from: Address) => void;

/** A conversation's share of the socket. */
export interface Line {
  serial: number;
  send(bytes: Buffer): void;
  /** The next packet of the AC with this serial, or null once `until` (ms of `now`) is over. */
  next(until: number): Promise<Buffer | null>;
  hangUp(): void;
}

export interface Portal2Wire {
  /**
   * A line to the AC under a serial that no other conversation with it uses; null when all are taken,
   * nothing may be sent there, or the socket cannot be had.
   */
  dial(ac: Address): Promise<Line | null>;
  /** Binds the port that ACs are told; requests leave by it from then on. Gives the port taken. */
  listen(host: string, port: number, hear: Hear): Promise<number>;
  /** Sends where nothing is waited for. */
  post(bytes: Buffer, to: Address): void;
  close(): Promise<void>;
}

export interface WireTools {
  /** Milliseconds that only ever grow. */
  now: () => number;
  /** A whole number from 0 to 65535. */
  anySerial: () => number;
  /** Addresses never to send to. */
  refuses: Refuses;
}

interface Mailbox {
  letters: Buffer[];
  wake: (() => void) | null;
}

const SERIALS = 65_536;
/** A conversation never needs more letters than this at once; the rest is noise. */
const MAX_LETTERS = 16;
const SERIAL_AT = 4;
const UNSPECIFIED = '0.0.0.0';

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host === '::' ? UNSPECIFIED : host, () => {
      socket.off('error', reject);
      // An unreachable AC shows as silence; nothing else can go wrong with a bound socket.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

const shut = (socket: Socket): Promise<void> => new Promise((done) => socket.close(() => done()));

function waitFor(box: Mailbox, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.max(0, ms));
    function done(): void {
      clearTimeout(timer);
      box.wake = null;
      resolve();
    }
    box.wake = done;
  });
}

export function createWire({ now, anySerial, refuses }: WireTools): Portal2Wire {
  const boxes = new Map<string, Mailbox>();
  let listening: Socket | null = null;
  let passing: Promise<Socket> | null = null;
  let serial = anySerial();
  let closed = false;

  function receive(bytes: Buffer, from: RemoteInfo, hear?: Hear): void {
    if (bytes.length < 16) return;
    const box = boxes.get(`${from.address}|${bytes.readUInt16BE(SERIAL_AT)}`);
    if (box === undefined || isNotice(bytes)) return hear?.(bytes, from);
    if (box.letters.length < MAX_LETTERS) box.letters.push(bytes);
    box.wake?.();
  }

  function sendBy(socket: Socket, bytes: Buffer, to: Address): void {
    if (!closed) socket.send(bytes, to.port, to.address, () => undefined);
  }

  /** A socket for as long as somebody waits, where no port is listened on. */
  async function line(): Promise<Socket> {
    if (listening !== null) return listening;
    passing ??= bind(UNSPECIFIED, 0).then((socket) => {
      socket.on('message', (bytes, from) => receive(bytes, from));
      return socket;
    });
    return passing;
  }

  async function release(): Promise<void> {
    if (boxes.size > 0 || passing === null) return;
    const socket = passing;
    passing = null;
    await shut(await socket);
  }

  function reserve(address: string): { key: string; serial: number; box: Mailbox } | null {
    for (let tries = 0; tries < SERIALS; tries++) {
      serial = (serial + 1) % SERIALS;
      const key = `${address}|${serial}`;
      if (serial === 0 || boxes.has(key)) continue;
      const box: Mailbox = { letters: [], wake: null };
      boxes.set(key, box);
      return { key, serial, box };
    }
    return null;
  }

  return {
    async dial(ac) {
      const own = closed || refuses(ac.address) ? null : reserve(ac.address);
      if (own === null) return null;
      const socket = await line().catch(() => null);
      if (socket === null) {
        boxes.delete(own.key);
        passing = null;
        return null;
      }
      const { key, box } = own;
      return {
        serial: own.serial,
        send: (bytes) => sendBy(socket, bytes, ac),
        async next(until) {
          if (box.letters.length === 0 && !closed) await waitFor(box, until - now());
          return box.letters.shift() ?? null;
        },
        hangUp() {
          boxes.delete(key);
          void release();
        },
      };
    },
    async listen(host, port, hear) {
      const socket = await bind(host, port);
      socket.on('message', (bytes, from) => receive(bytes, from, hear));
      listening = socket;
      return socket.address().port;
    },
    post(bytes, to) {
      if (listening !== null) sendBy(listening, bytes, to);
    },
    async close() {
      closed = true;
      for (const box of boxes.values()) box.wake?.();
      boxes.clear();
      const socket = listening;
      await release();
      if (socket !== null && listening === socket) {
        listening = null;
        await shut(socket);
      }
    },
  };
}

/** Requests and notices of an AC carry serials of its own choosing, which may meet one of ours. */
function isNotice(bytes: Buffer): boolean {
  const notices = [0x08, 0x0c, 0x10, 0x12, 0x13, 0x30, 0x32, 0x34];
  return notices.includes(bytes[1] ?? 0);
}
