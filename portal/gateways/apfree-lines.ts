/** The sockets apfree-wifidog keeps open to us, one a device: who is on the line, and what we tell them. */
import type { Server } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { PortalPorts } from '../ports.ts';
import { attachLines } from './apfree-upgrade.ts';
import type { Caller, Callers } from './wifidog-callers.ts';

export type Message = Record<string, unknown> & { type: string };

interface Question {
  reqId: number;
  types: string[];
  mac: string;
  settle: (message: Message | null) => void;
}

interface Line {
  socket: WebSocket;
  deviceId: string;
  /** What waits for an answer, oldest first. */
  asked: Question[];
}

export interface Lines {
  isOpen(gatewayId: string): boolean;
  deviceId(gatewayId: string): string | null;
  /** False when nobody is on the line. */
  tell(gatewayId: string, message: Message): boolean;
  /** The answer of one of these types about this device, or null when none came in time. */
  ask(
    gatewayId: string,
    message: Message,
    about: { types: string[]; mac: string },
  ): Promise<Message | null>;
  attach(server: Server): () => Promise<void>;
}

export interface LineParts {
  ports: Pick<PortalPorts, 'doors' | 'log'>;
  callers: Callers;
  /** A device said hello, and for which of our gateways it speaks. */
  joined: (caller: Caller, lines: Lines) => void;
  /** Waits, ms; shorter in tests. */
  answerMs?: number;
  silenceMs?: number;
}

const MOST_ASKED = 200;
const MESSAGES_A_MINUTE = 300;
/** Two heartbeats of a minute each may be lost. */
const SILENCE_MS = 180_000;
const ANSWER_MS = 3_000;

const text = z.string().max(200);
const Hello = z.looseObject({
  device_id: text.optional(),
  gateway: z
    .array(z.looseObject({ gw_id: text }))
    .max(64)
    .catch([]),
});
const Said = z.looseObject({ type: text });

function parse(data: RawData): Message | null {
  try {
    const said = Said.safeParse(JSON.parse(Buffer.from(data as Buffer).toString('utf8')));
    return said.success ? said.data : null;
  } catch {
    return null;
  }
}

/** Its answer names our number; older firmware only repeats the device. */
function settles(message: Message, asked: Question): boolean {
  if (!asked.types.includes(message.type)) return false;
  if (message['req_id'] !== undefined) return Number(message['req_id']) === asked.reqId;
  const mac = message['client_mac'];
  return typeof mac !== 'string' || mac.toLowerCase() === asked.mac;
}

export function createLines(parts: LineParts): Lines {
  const { ports, callers, joined } = parts;
  const byGateway = new Map<string, Line>();
  const open = new Set<Line>();
  let lastId = 0;

  const lineOf = (gatewayId: string): Line | null => {
    const line = byGateway.get(gatewayId);
    return line?.socket.readyState === 1 ? line : null;
  };

  const lines: Lines = {
    isOpen: (gatewayId) => lineOf(gatewayId) !== null,
    deviceId: (gatewayId) => lineOf(gatewayId)?.deviceId ?? null,
    tell(gatewayId, message) {
      const line = lineOf(gatewayId);
      line?.socket.send(JSON.stringify(message));
      return line !== null;
    },
    ask(gatewayId, message, { types, mac }) {
      const line = lineOf(gatewayId);
      if (line === null || line.asked.length >= MOST_ASKED) return Promise.resolve(null);
      const reqId = (lastId += 1);
      return new Promise((resolve) => {
        const settle = (answer: Message | null) => {
          clearTimeout(timer);
          line.asked = line.asked.filter((one) => one.reqId !== reqId);
          resolve(answer);
        };
        const timer = setTimeout(() => settle(null), parts.answerMs ?? ANSWER_MS);
        line.asked.push({ reqId, types, mac, settle });
        line.socket.send(JSON.stringify({ ...message, req_id: reqId }));
      });
    },
    attach: (server) => attachLines(server, { callers, talk, open: () => open.size, close }),
  };

  function hello(line: Line, found: Caller[], message: Message): void {
    const said = Hello.safeParse(message);
    if (!said.success) return;
    line.deviceId = said.data.device_id ?? line.deviceId;
    const names = said.data.gateway.map(({ gw_id }) => gw_id.trim());
    for (const caller of found.filter(({ gateway }) => names.includes(gateway.name.trim()))) {
      const { store, gateway } = caller;
      const before = byGateway.get(gateway.id);
      byGateway.set(gateway.id, line);
      if (before !== undefined && before !== line) before.socket.close(1000, 'another line');
      ports.doors.heard?.(store, gateway.id).catch(() => undefined);
      if (message.type === 'connect') joined(caller, lines);
    }
    // Any answer keeps the gateway from taking us for away; an empty list changes nothing at it.
    line.socket.send(JSON.stringify({ type: 'heartbeat', gateway: [] }));
  }

  function talk(socket: WebSocket, found: Caller[]): void {
    const line: Line = { socket, deviceId: '', asked: [] };
    open.add(line);
    let heard = 0;
    const clear = setInterval(() => (heard = 0), 60_000);
    const silence = setTimeout(() => socket.terminate(), parts.silenceMs ?? SILENCE_MS);
    silence.unref();
    clear.unref();
    socket.on('message', (data) => {
      silence.refresh();
      heard += 1;
      if (heard > MESSAGES_A_MINUTE) return socket.close(1008, 'too many messages');
      const message = parse(data);
      if (message === null) return;
      if (message.type === 'connect' || message.type === 'heartbeat') hello(line, found, message);
      else line.asked.find((one) => settles(message, one))?.settle(message);
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearInterval(clear);
      clearTimeout(silence);
      open.delete(line);
      for (const [gatewayId, own] of byGateway) if (own === line) byGateway.delete(gatewayId);
      for (const { settle } of line.asked.slice()) settle(null);
    });
  }

  function close(): void {
    for (const { socket } of open) socket.terminate();
  }

  return lines;
}
