/** Conversations with a Portal 2.0 AC: log a guest in, out, and ask after one. One at a time per guest's address. */
import { isIP } from 'node:net';
import type { Portal2Settings, RegisteredGateway } from '../ports-store.ts';
import type { HeaderSize, Portal2Attribute, Portal2Packet } from './portal2-packet.ts';
import {
  ATTRIBUTE,
  attribute,
  chapPassword,
  decodePortal2,
  encodePortal2,
  headerOf,
  macOf,
  provesSecret,
  TYPE,
  valueOf,
} from './portal2-packet.ts';
import type { Line, Portal2Wire } from './portal2-wire.ts';

/** An AC as it is spoken to. */
export interface Ac {
  address: string;
  port: number;
  version: 1 | 2;
  header: HeaderSize;
  secret: string;
  pap: boolean;
  sendChallenge: boolean;
}

export interface Credentials {
  username: string;
  password: string;
}

export type LoginOutcome =
  | { kind: 'in' }
  /** The AC holds this address as logged in already; who that is stays open. */
  | { kind: 'already' }
  /** `code` and `text` as the AC gave them; `text` may be empty. */
  | { kind: 'refused'; at: 'challenge' | 'auth'; code: number; text: string }
  /** Another login of this address is under way. */
  | { kind: 'busy' }
  /** No answer in time; `wrongSecret` when answers came whose authenticator was wrong. */
  | { kind: 'silent'; wrongSecret: boolean };

export type LogoutOutcome = 'out' | 'refused' | 'silent';

/** `online` null: the AC does not say. */
export interface InfoOutcome {
  online: boolean | null;
  mac: string | null;
}

/** How long the parts of a conversation may take (ms). */
export interface Patience {
  challenge: number;
  /** The AC asks RADIUS meanwhile. */
  auth: number;
  logout: number;
  info: number;
}

export const PATIENCE: Patience = { challenge: 4_000, auth: 10_000, logout: 5_000, info: 3_000 };

export interface Portal2Exchange {
  login(ac: Ac, ip: string, credentials: Credentials): Promise<LoginOutcome>;
  logout(ac: Ac, ip: string): Promise<LogoutOutcome>;
  info(ac: Ac, ip: string): Promise<InfoOutcome>;
}

/** ErrCodes of ACK_CHALLENGE and ACK_AUTH. */
const CODE = { ok: 0, linkUp: 2, inProgress: 3 } as const;
const NOT_ONLINE = 3;
const GAVE_UP = 1;

/** The AC of a registration, or null when it is no such gateway. */
export function acOf({ portal2, secret }: RegisteredGateway): Ac | null {
  if (portal2 === undefined || isIP(portal2.host) !== 4) return null;
  const { host, port, version, auth, sendChallenge } = portal2;
  const header = headerOf(version, portal2.headerOctets);
  const pap = auth === 'pap';
  return { address: host, port, version, header, secret: secret ?? '', pap, sendChallenge };
}

/** Whether what is heard from this AC can be checked; without, only its address speaks for it. */
export function isSigned(settings: Portal2Settings): boolean {
  return headerOf(settings.version, settings.headerOctets) === 32;
}

/** Some ACs of version 1 add an authenticator all the same; it is read over, never relied on. */
export function readFrom(ac: Ac, bytes: Buffer): Portal2Packet | null {
  const packet = decodePortal2(bytes, ac.header);
  return packet ?? (ac.version === 1 && ac.header === 16 ? decodePortal2(bytes, 32) : null);
}

/** One conversation under way. */
interface Talk {
  ac: Ac;
  ip: string;
  line: Line;
  /** As the AC chose it; 0 until it did. */
  reqId: number;
  wrongSecret: boolean;
}

interface Sending {
  type: number;
  attributes?: Portal2Attribute[];
  error?: number;
}

export function createExchange(
  wire: Portal2Wire,
  now: () => number,
  patience: Patience = PATIENCE,
): Portal2Exchange {
  const busy = new Map<string, { what: string; done: Promise<unknown> }>();

  /** Sends, and gives the authenticator that the reply is signed over. */
  function send({ ac, ip, line, reqId }: Talk, what: Sending): Buffer {
    const { version, pap } = ac;
    const { type, attributes = [], error = 0 } = what;
    const message = { version, type, pap, serial: line.serial, reqId, ip, error, attributes };
    const bytes = encodePortal2(message, ac.header, ac.secret);
    line.send(bytes);
    return bytes.subarray(16, 32);
  }

  /** The next packet of this type for this guest that the AC really wrote; null when time is up. */
  async function receive(
    talk: Talk,
    type: number,
    seed: Buffer,
    until: number,
  ): Promise<Portal2Packet | null> {
    for (;;) {
      const bytes = await talk.line.next(until);
      if (bytes === null) return null;
      const packet = readFrom(talk.ac, bytes);
      if (packet === null || packet.type !== type || packet.ip !== talk.ip) continue;
      if (talk.ac.header === 16 || provesSecret(bytes, talk.ac.secret, seed)) return packet;
      talk.wrongSecret = true;
    }
  }

  async function ask(talk: Talk, what: Sending, reply: number, ms: number) {
    const until = now() + ms;
    return receive(talk, reply, send(talk, what), until);
  }

  /** What the AC is told of us, for CHAP after it gave its challenge; or how the login ended there. */
  async function credentialsFor(
    talk: Talk,
    { username, password }: Credentials,
  ): Promise<Portal2Attribute[] | LoginOutcome> {
    const name = attribute(ATTRIBUTE.userName, username);
    if (talk.ac.pap) return [name, attribute(ATTRIBUTE.password, password)];
    const told = { type: TYPE.reqChallenge };
    const reply = await ask(talk, told, TYPE.ackChallenge, patience.challenge);
    if (reply === null) return { kind: 'silent', wrongSecret: talk.wrongSecret };
    if (reply.error === CODE.linkUp) return { kind: 'already' };
    const challenge = valueOf(reply, ATTRIBUTE.challenge);
    if (reply.error !== CODE.ok || challenge?.length !== 16) return refusal(reply, 'challenge');
    talk.reqId = reply.reqId;
    const proof = chapPassword(reply.reqId, password, challenge);
    const repeated = talk.ac.sendChallenge ? [attribute(ATTRIBUTE.challenge, challenge)] : [];
    return [name, ...repeated, attribute(ATTRIBUTE.chapPassword, proof)];
  }

  async function authenticate(talk: Talk, attributes: Portal2Attribute[]): Promise<LoginOutcome> {
    const until = now() + patience.auth;
    const seed = send(talk, { type: TYPE.reqAuth, attributes });
    for (;;) {
      const reply = await receive(talk, TYPE.ackAuth, seed, until);
      if (reply === null) return { kind: 'silent', wrongSecret: talk.wrongSecret };
      if (reply.error === CODE.inProgress) continue;
      if (reply.error === CODE.linkUp) return { kind: 'already' };
      if (reply.error !== CODE.ok) return refusal(reply, 'auth');
      if (talk.ac.pap) talk.reqId = reply.reqId;
      // At once: an AC drops the guest whose admission nobody affirms.
      send(talk, { type: TYPE.affAckAuth });
      return { kind: 'in' };
    }
  }

  async function logIn(talk: Talk, credentials: Credentials): Promise<LoginOutcome> {
    const attributes = await credentialsFor(talk, credentials);
    const outcome = Array.isArray(attributes) ? await authenticate(talk, attributes) : attributes;
    if (outcome.kind === 'silent') send(talk, { type: TYPE.reqLogout, error: GAVE_UP });
    return outcome;
  }

  async function withLine<T>(ac: Ac, ip: string, none: T, work: (talk: Talk) => Promise<T>) {
    const line = await wire.dial(ac);
    if (line === null) return none;
    try {
      return await work({ ac, ip, line, reqId: 0, wrongSecret: false });
    } finally {
      line.hangUp();
    }
  }

  /** After whatever else is under way for this address. */
  async function inTurn<T>(key: string, what: string, work: () => Promise<T>): Promise<T> {
    for (let held = busy.get(key); held !== undefined; held = busy.get(key))
      await held.done.catch(() => undefined);
    const done = work();
    busy.set(key, { what, done });
    try {
      return await done;
    } finally {
      busy.delete(key);
    }
  }

  return {
    login(ac, ip, credentials) {
      const key = `${ac.address}|${ip}`;
      const held = busy.get(key);
      // The same form sent twice waits for the one answer.
      if (held?.what === credentials.username) return held.done as Promise<LoginOutcome>;
      if (held !== undefined) return Promise.resolve({ kind: 'busy' });
      const silent: LoginOutcome = { kind: 'silent', wrongSecret: false };
      return inTurn(key, credentials.username, () =>
        withLine(ac, ip, silent, (talk) => logIn(talk, credentials)),
      );
    },
    logout: (ac, ip) =>
      inTurn(`${ac.address}|${ip}`, '', () =>
        withLine<LogoutOutcome>(ac, ip, 'silent', async (talk) => {
          const told = { type: TYPE.reqLogout };
          const reply = await ask(talk, told, TYPE.ackLogout, patience.logout);
          if (reply === null) return 'silent';
          return reply.error === CODE.ok || reply.error === NOT_ONLINE ? 'out' : 'refused';
        }),
      ),
    info: (ac, ip) =>
      inTurn(`${ac.address}|${ip}`, '', () =>
        withLine<InfoOutcome>(ac, ip, { online: null, mac: null }, async (talk) => {
          const empty = [ATTRIBUTE.upLinkFlux, ATTRIBUTE.downLinkFlux, ATTRIBUTE.port];
          const attributes = empty.map((type) => attribute(type, ''));
          const told = { type: TYPE.reqInfo, attributes };
          const reply = await ask(talk, told, TYPE.ackInfo, patience.info);
          if (reply === null || reply.error === 1) return { online: null, mac: null };
          return { online: reply.error === CODE.ok, mac: macOf(valueOf(reply, ATTRIBUTE.mac)) };
        }),
      ),
  };
}

/** Reasons are for the log and the console: at most 60 printable characters of what the AC wrote. */
function refusal(reply: Portal2Packet, at: 'challenge' | 'auth'): LoginOutcome {
  const text = valueOf(reply, ATTRIBUTE.text)?.toString('utf8') ?? '';
  const plain = text.replace(/[^ -~]/g, '').slice(0, 60);
  return { kind: 'refused', at, code: reply.error, text: plain };
}
