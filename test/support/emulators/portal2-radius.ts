/** The RADIUS side of an emulated AC: asks about a login it holds proof of, and accounts for sessions. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { attributes, codes, statusTypes } from '../../../portal/radius/dictionary.ts';
import type { Attribute, Packet } from '../../../portal/radius/packet.ts';
import {
  address,
  all,
  decode,
  encode,
  integer,
  octets,
  text,
} from '../../../portal/radius/packet.ts';
import { hidePassword, responseProof, signRequest } from '../../../portal/radius/signing.ts';
import type { RegisteredGateway } from '../../../portal/ports.ts';
import type { AcClient, Authority, Shown } from './portal2.ts';

const TRY_MS = 1_500;
const TRIES = 2;
const GIGA = 2 ** 32;

interface Asking {
  host: string;
  authPort: number;
  acctPort: number;
}

const exists = (one: Attribute | null): one is Attribute => one !== null;

/** Everything said of a client in either kind of request. */
function placeOf(gateway: RegisteredGateway, client: AcClient): Attribute[] {
  return [
    text(attributes.userName, client.userName),
    text(attributes.nasIdentifier, gateway.name),
    text(attributes.callingStationId, client.mac.toUpperCase().replaceAll(':', '-')),
    text(attributes.acctSessionId, client.nasSession),
    integer(attributes.nasPortType, 19),
    address(attributes.framedIpAddress, client.ip),
    address(attributes.nasIpAddress, '127.0.0.1'),
  ].filter(exists);
}

function proofOf(shown: Shown, authenticator: Buffer, secret: string): Attribute[] {
  if ('pap' in shown) {
    const hidden = hidePassword(Buffer.from(shown.pap), authenticator, secret);
    return [octets(attributes.userPassword, hidden)];
  }
  const chap = Buffer.concat([Buffer.from([shown.id & 0xff]), shown.chap]);
  return [octets(attributes.chapPassword, chap), octets(attributes.chapChallenge, shown.challenge)];
}

function countersOf(client: AcClient, now: number): Attribute[] {
  return [
    integer(attributes.acctSessionTime, (now - client.since) / 1000),
    integer(attributes.acctInputOctets, client.bytesOut % GIGA),
    integer(attributes.acctInputGigawords, Math.floor(client.bytesOut / GIGA)),
    integer(attributes.acctOutputOctets, client.bytesIn % GIGA),
    integer(attributes.acctOutputGigawords, Math.floor(client.bytesIn / GIGA)),
  ];
}

export function radiusAuthority(
  gateway: RegisteredGateway,
  { host, authPort, acctPort }: Asking,
): Authority {
  const secret = gateway.radius?.secret ?? '';
  const socket = createSocket('udp4');
  const waiting = new Map<number, (packet: Packet) => void>();
  const classes = new Map<string, Buffer[]>();
  let nextId = 0;
  socket.on('message', (bytes) => {
    const read = decode(bytes);
    if (read.ok) waiting.get(read.packet.id)?.(read.packet);
  });
  socket.on('error', () => undefined);

  function ask(port: number, raw: Buffer): Promise<Packet | null> {
    const id = raw[1] ?? 0;
    const authenticator = raw.subarray(4, 20);
    return new Promise((resolve) => {
      let tries = 0;
      const finish = (packet: Packet | null) => {
        clearInterval(timer);
        waiting.delete(id);
        resolve(packet);
      };
      const send = () => {
        tries += 1;
        if (tries > TRIES) finish(null);
        else socket.send(raw, port, host);
      };
      const timer = setInterval(send, TRY_MS);
      waiting.set(id, (packet) => {
        if (responseProof(packet, authenticator, secret) !== 'wrong') finish(packet);
      });
      send();
    });
  }

  function request(code: number, authenticator: Buffer | null, list: Attribute[]): Buffer {
    nextId = (nextId + 1) % 256;
    const unsigned = octets(attributes.messageAuthenticator, Buffer.alloc(16));
    const raw = encode(code, nextId, authenticator, [unsigned, ...list]);
    if (raw === null) throw new Error('too much for one RADIUS packet');
    return signRequest(raw, secret);
  }

  return {
    async access(client, shown) {
      const authenticator = randomBytes(16);
      const list = [...placeOf(gateway, client), ...proofOf(shown, authenticator, secret)];
      const reply = await ask(authPort, request(codes.accessRequest, authenticator, list));
      const accepted = reply?.raw[0] === codes.accessAccept;
      if (accepted) classes.set(client.nasSession, all(reply, attributes.class));
      return accepted;
    },
    async account(client, what, now) {
      const carried = classes.get(client.nasSession) ?? [];
      if (what === 'stop') classes.delete(client.nasSession);
      const list = [
        integer(attributes.acctStatusType, statusTypes[what]),
        ...placeOf(gateway, client),
        ...(what === 'start' ? [] : countersOf(client, now)),
        ...carried.map((value) => octets(attributes.class, value)),
      ];
      await ask(acctPort, request(codes.accountingRequest, null, list));
    },
    close: () => new Promise((done) => socket.close(() => done())),
  };
}
