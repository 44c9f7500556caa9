/** Asks gateways to put guests out or to change their limits: over RadSec where they are connected, else by UDP. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { RegisteredGateway } from '../ports-store.ts';
import type { Refuses } from '../reach.ts';
import { neverEquipment } from '../reach.ts';
import { unmapped } from './addresses.ts';
import type { Counts } from './counts.ts';
import { codes } from './dictionary.ts';
import type { DynamicCode, DynamicReply, SessionNames } from './dynamic.ts';
import { changeList, disconnectList, dynamicRequest, repliesNeedMac, replyIn } from './dynamic.ts';
import type { Attribute } from './packet.ts';
import { decode } from './packet.ts';
import type { Plan } from './profiles.ts';

/** RFC 5080 section 2.2.1: doubling waits, each off by up to a tenth. */
export interface Timers {
  initialMs: number;
  longestMs: number;
  totalMs: number;
  tries: number;
}
export const usualTimers: Timers = {
  initialMs: 2_000,
  longestMs: 16_000,
  totalMs: 30_000,
  tries: 5,
};

/** Requests to one gateway that are not answered yet: one octet numbers them. */
const MOST_TO_ONE = 256;
const MOST_WAITING = 4_096;

/** A connection that a gateway opened (RadSec), usable the other way. */
export interface Backwards {
  /** Whether this gateway is connected now. */
  holds(gatewayId: string): boolean;
  /** Null: no such connection now. */
  ask(
    gatewayId: string,
    code: DynamicCode,
    list: readonly Attribute[],
  ): Promise<DynamicReply> | null;
}

export interface DynamicClient {
  /** Whether there is a way to ask this gateway at all. */
  reaches(gateway: RegisteredGateway): boolean;
  disconnect(gateway: RegisteredGateway, names: SessionNames): Promise<DynamicReply>;
  change(gateway: RegisteredGateway, names: SessionNames, plan: Plan): Promise<DynamicReply>;
  close(): Promise<void>;
}

export interface ClientDeps {
  clock: () => number;
  /** In [0, 1). */
  random: () => number;
  counts: Counts;
  backwards?: Backwards;
  timers?: Timers;
  /** Addresses never to send to. */
  refuses?: Refuses;
}

interface Waiting {
  request: Buffer;
  secret: string;
  needsMac: boolean;
  settle(reply: DynamicReply): void;
}

type Family = 'udp4' | 'udp6';

export function createDynamicClient(deps: ClientDeps): DynamicClient {
  const { clock, random, counts, refuses = neverEquipment } = deps;
  const timers = deps.timers ?? usualTimers;
  const waiting = new Map<string, Waiting>();
  const sockets = new Map<Family, Socket>();
  const nextIds = new Map<string, number>();
  let closed = false;

  const heard = (octets: Buffer, address: string, port: number): void => {
    const decoded = decode(octets);
    const asked = decoded.ok
      ? waiting.get(`${unmapped(address)} ${port} ${decoded.packet.id}`)
      : undefined;
    const reply =
      decoded.ok && asked !== undefined
        ? replyIn(decoded.packet, asked.request, asked.secret, asked.needsMac)
        : null;
    if (reply === null || asked === undefined) counts['dynamic-stray']++;
    else asked.settle(reply);
  };

  const socketOf = (family: Family): Socket => {
    const known = sockets.get(family);
    if (known !== undefined) return known;
    const socket = createSocket({ type: family });
    socket.on('message', (octets, from) => heard(octets, from.address, from.port));
    socket.on('error', () => counts['send-failed']++);
    socket.unref();
    sockets.set(family, socket);
    return socket;
  };

  /** A number that no open request to this gateway has. */
  const freeId = (place: string): number | null => {
    const start = nextIds.get(place) ?? Math.floor(random() * MOST_TO_ONE);
    for (let step = 0; step < MOST_TO_ONE; step++) {
      const id = (start + step) % MOST_TO_ONE;
      if (waiting.has(`${place} ${id}`)) continue;
      if (nextIds.size >= MOST_WAITING) nextIds.clear();
      nextIds.set(place, (id + 1) % MOST_TO_ONE);
      return id;
    }
    return null;
  };

  /** Sends the same octets again until something genuine comes or time is up. */
  const exchange = (key: string, ask: Omit<Waiting, 'settle'>, to: Target): Promise<DynamicReply> =>
    new Promise((resolve) => {
      const socket = socketOf(to.family);
      const deadline = setTimeout(() => settle({ kind: 'silent' }), timers.totalMs);
      let again: ReturnType<typeof setTimeout> | undefined;
      const settle = (reply: DynamicReply): void => {
        clearTimeout(deadline);
        clearTimeout(again);
        waiting.delete(key);
        resolve(reply);
      };
      const send = (tries: number, wait: number): void => {
        socket.send(ask.request, to.port, to.address, (error) => {
          if (error !== null) counts['send-failed']++;
        });
        if (tries + 1 >= timers.tries) return;
        const next = Math.min(timers.longestMs, wait * 2) * (0.9 + random() * 0.2);
        again = setTimeout(() => send(tries + 1, next), wait);
      };
      waiting.set(key, { ...ask, settle });
      send(0, timers.initialMs * (0.9 + random() * 0.2));
    });

  const byUdp = async (
    gateway: RegisteredGateway,
    code: DynamicCode,
    list: readonly Attribute[],
  ): Promise<DynamicReply> => {
    const { coa, secret = '' } = gateway.radius ?? {};
    const to = coa === undefined || closed ? null : await targetOf(coa, refuses);
    if (to === null || waiting.size >= MOST_WAITING) return { kind: 'silent' };
    const place = `${to.address} ${to.port}`;
    const id = freeId(place);
    const request = id === null ? null : dynamicRequest(code, id, list, secret, clock());
    if (id === null || request === null) return { kind: 'silent' };
    return exchange(`${place} ${id}`, { request, secret, needsMac: repliesNeedMac(gateway) }, to);
  };

  const ask = async (
    gateway: RegisteredGateway,
    code: DynamicCode,
    list: readonly Attribute[],
  ): Promise<DynamicReply> => {
    counts['dynamic-sent']++;
    const reply = await (deps.backwards?.ask(gateway.id, code, list) ?? byUdp(gateway, code, list));
    const name = { ack: 'done', nak: 'refused', silent: 'unanswered' } as const;
    counts[`dynamic-${name[reply.kind]}`]++;
    return reply;
  };

  return {
    reaches: ({ id, radius }) => radius?.coa !== undefined || deps.backwards?.holds(id) === true,
    disconnect: (gateway, names) =>
      ask(gateway, codes.disconnectRequest, disconnectList(gateway, names)),
    change: (gateway, names, plan) =>
      ask(gateway, codes.coaRequest, changeList(gateway, names, plan)),
    async close() {
      closed = true;
      for (const asked of waiting.values()) asked.settle({ kind: 'silent' });
      const open = [...sockets.values()];
      sockets.clear();
      await Promise.all(open.map((socket) => new Promise<void>((done) => socket.close(done))));
    },
  };
}

interface Target {
  address: string;
  port: number;
  family: Family;
}

/** Answers are matched by address, so a name is looked up first; null also where nothing is sent to. */
async function targetOf(
  coa: { host: string; port: number },
  refuses: Refuses,
): Promise<Target | null> {
  try {
    const { address } = await lookup(coa.host);
    if (refuses(address)) return null;
    return { address, port: coa.port, family: isIPv6(address) ? 'udp6' : 'udp4' };
  } catch {
    return null;
  }
}
