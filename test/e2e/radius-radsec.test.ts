/** RadSec: radsecproxy in front of us, and connections of our own making that do what none should. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createAnswers } from '../../portal/radius/answers.ts';
import { createDynamicClient } from '../../portal/radius/client.ts';
import type { Counts } from '../../portal/radius/counts.ts';
import { createCounts } from '../../portal/radius/counts.ts';
import { codes } from '../../portal/radius/dictionary.ts';
import { createFrames } from '../../portal/radius/frames.ts';
import type { Packet } from '../../portal/radius/packet.ts';
import { authenticatorOf, encode } from '../../portal/radius/packet.ts';
import type { RadsecServer, RadsecSettings } from '../../portal/radius/radsec.ts';
import { listenRadsec } from '../../portal/radius/radsec.ts';
import { requestProof, signResponse, unsignedMac } from '../../portal/radius/signing.ts';
import type { House } from '../../scripts/lib/radius-house.ts';
import { freeUdpPort } from '../../scripts/lib/udp.ts';
import { createHouse, nasPeer } from '../../scripts/lib/radius-house.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import {
  accessRequest,
  accountingRequest,
  packetOf,
  soon,
  statusServer,
  wellAnswered,
} from '../support/radius.ts';
import { createAuthority } from './radius/certificates.ts';
import type { Authority, Identity } from './radius/certificates.ts';
import type { Running } from './radius/programs.ts';
import { radclient, start } from './radius/programs.ts';

const SECRET = 'radsec';
let authority: Authority;
let ours: Identity;
let theirs: Identity;
let stranger: Identity;
let house: House;
let counts: Counts;
let server: RadsecServer;
const open: TLSSocket[] = [];

async function listen(settings: Partial<RadsecSettings> = {}): Promise<void> {
  const { network, doors, log } = house;
  const clock = Date.now;
  const answers = createAnswers({ network, doors, log, counts, clock });
  const { cert, key } = ours;
  server = await listenRadsec(
    { host: '127.0.0.1', port: 0, cert, key, ca: authority.ca, ...settings },
    { network, answers, clock, log, counts },
  );
}

interface Line {
  socket: TLSSocket;
  packets: Packet[];
  ask(raw: Buffer): Promise<Packet>;
  closed(): Promise<boolean>;
}

/** A gateway's connection. */
async function dial(
  identity: Identity | null = theirs,
  more: ConnectionOptions = {},
): Promise<Line> {
  const { cert, key } = identity ?? {};
  const socket = connect({
    host: '127.0.0.1',
    port: server.port,
    ca: authority.ca,
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...more,
  });
  open.push(socket);
  const packets: Packet[] = [];
  const frames = createFrames();
  let gone = false;
  socket.on('data', (chunk: Buffer) => packets.push(...frames.push(chunk).map(packetOf)));
  socket.on('error', () => undefined);
  socket.on('close', () => (gone = true));
  await soon(() => gone || socket.authorized, Boolean);
  return {
    socket,
    packets,
    closed: () => soon(() => gone, Boolean),
    async ask(raw) {
      const before = packets.length;
      socket.write(raw);
      await soon(
        () => packets.length,
        (length) => length > before,
      );
      const packet = packets[before];
      if (packet === undefined) throw new Error('no packet came');
      return packet;
    },
  };
}

const withSecret = { secret: SECRET };

requirePart('openssl', partPresent.openssl)('RadSec', () => {
  beforeAll(async () => {
    authority = await createAuthority();
    ours = await authority.issue('foyer');
    theirs = await authority.issue('gateway');
    stranger = await authority.issue('stranger');
  }, 60_000);
  afterAll(() => authority?.remove());

  beforeEach(() => {
    counts = createCounts();
    const settings = {
      secret: 'of its UDP side',
      sources: [],
      nasIds: ['cafe'],
      certificate: theirs.fingerprint,
    };
    house = createHouse([nasPeer('gw', settings)], [['ada', 'pw1']]);
  });
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy();
    await server?.close();
  });

  test('a registration that is taken back ends the connection; one that changes holds at once', async () => {
    await listen({ recheckMs: 0 });
    const line = await dial();
    const say = () => line.ask(accessRequest({ pap: 'pw1', ...withSecret }));
    expect((await say()).code).toBe(codes.accessAccept);
    const [peer] = house.peers;
    const macAuth = { password: 'mac' as const };
    const radius = { ...peer!.gateway.radius!, macAuth };
    house.peers[0] = { ...peer!, gateway: { ...peer!.gateway, radius } };
    await say();
    await say();
    const device = accessRequest({
      name: '02-00-00-00-00-50',
      pap: '02-00-00-00-00-50',
      ...withSecret,
    });
    await line.ask(device);
    expect(house.asked.at(-1)).toMatchObject({ byMac: true });
    house.peers.length = 0;
    line.socket.write(accessRequest({ pap: 'pw1', ...withSecret }));
    expect(await line.closed()).toBe(true);
    expect(counts['tls-refused']).toBe(1);
  });

  test('access, accounting and Status-Server on one connection', async () => {
    await listen();
    const line = await dial();
    const asks = [
      [accessRequest({ pap: 'pw1', ...withSecret }), codes.accessAccept],
      [accessRequest({ pap: 'pw1', unsigned: true, ...withSecret }), codes.accessAccept],
      [accessRequest({ pap: 'pw2', ...withSecret }), codes.accessReject],
      [accountingRequest(1, [], withSecret), codes.accountingResponse],
      [statusServer([], SECRET), codes.accessAccept],
    ] as const;
    for (const [raw, code] of asks) {
      const reply = await line.ask(raw);
      expect([reply.code, wellAnswered(reply, raw, SECRET)]).toEqual([code, true]);
    }
    expect(house.reports).toHaveLength(1);
    expect(line.socket.getProtocol()).toMatch(/TLSv1\.[23]/);
  });

  test('packets in pieces, and many at once', async () => {
    await listen();
    const line = await dial();
    const raw = accessRequest({ pap: 'pw1', ...withSecret });
    line.socket.write(raw.subarray(0, 3));
    line.socket.write(raw.subarray(3, 50));
    expect((await line.ask(raw.subarray(50))).code).toBe(codes.accessAccept);
    const many = Array.from({ length: 200 }, (_, id) =>
      accessRequest({ id, pap: 'pw1', ...withSecret }),
    );
    line.socket.write(Buffer.concat(many));
    expect(
      await soon(
        () => line.packets.length,
        (n) => n === 201,
      ),
    ).toBe(201);
  });

  test.each([
    ['a length of 19', Buffer.from([1, 1, 0, 19])],
    ['a length of 5000', Buffer.from([1, 1, 0x13, 0x88])],
    ['another language', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('%s ends the connection', async (_name, octets) => {
    await listen();
    const line = await dial();
    line.socket.write(octets);
    expect(await line.closed()).toBe(true);
    expect(counts['tls-bad-frame']).toBe(1);
  });

  test.each([
    ['nobody’s certificate', () => dial(stranger)],
    ['no certificate', () => dial(null)],
    ['TLS 1.1', () => dial(theirs, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })],
  ])('%s is not let in', async (_name, comes) => {
    await listen();
    const line = await comes();
    expect(await line.closed()).toBe(true);
    expect(
      await soon(
        () => counts['tls-refused'],
        (n) => n > 0,
      ),
    ).toBe(1);
  });

  test('without an authority the fingerprint alone decides', async () => {
    await listen();
    await server.close();
    const { network, doors, log } = house;
    const answers = createAnswers({ network, doors, log, counts, clock: Date.now });
    const { cert, key } = ours;
    server = await listenRadsec(
      { host: '127.0.0.1', port: 0, cert, key },
      { network, answers, clock: Date.now, log, counts },
    );
    const raw = accessRequest({ pap: 'pw1', ...withSecret });
    expect((await (await dial()).ask(raw)).code).toBe(codes.accessAccept);
    expect(await (await dial(stranger)).closed()).toBe(true);
  });

  test('connections have a limit, and silence an end', async () => {
    await listen({ mostOfOne: 1, idleMs: 300 });
    const first = await dial();
    await soon(() => server.holds('gw'), Boolean);
    expect(await (await dial()).closed()).toBe(true);
    expect(counts['tls-too-many']).toBe(1);
    expect(await first.closed()).toBe(true);
    expect(
      await soon(
        () => server.holds('gw'),
        (held) => !held,
      ),
    ).toBe(false);
  });

  test('a Disconnect goes back over the connection that the gateway opened', async () => {
    await listen();
    const client = createDynamicClient({
      clock: Date.now,
      random: Math.random,
      counts,
      backwards: server,
    });
    const { gateway } = house.peers[0]!;
    expect(client.reaches(gateway)).toBe(false);
    const line = await dial();
    await soon(() => client.reaches(gateway), Boolean);
    const names = { mac: '02:00:00:00:00:50', ip: null, userName: 'ada', nasSession: 'nas-1' };
    const outcome = client.disconnect(gateway, names);
    await soon(
      () => line.packets.length,
      (n) => n > 0,
    );
    const request = line.packets[0]!;
    expect(request.code).toBe(codes.disconnectRequest);
    expect(requestProof(request, SECRET)).toBe('signed');
    const forged = encode(codes.disconnectAck, request.id, null, [])!;
    const ack = encode(codes.disconnectAck, request.id, null, [unsignedMac])!;
    line.socket.write(forged);
    line.socket.write(signResponse(ack, authenticatorOf(request), SECRET));
    expect(await outcome).toEqual({ kind: 'ack' });
    expect(counts['dynamic-stray']).toBe(1);
    await client.close();
  });

  requirePart('radsecproxy', partPresent.radsecproxy)('behind radsecproxy', () => {
    let proxy: Running | undefined;
    afterEach(() => proxy?.stop());

    test('radclient is answered: PAP, Status-Server and accounting', async () => {
      await listen();
      const port = await freeUdpPort();
      const config = path.join(authority.folder, 'radsecproxy.conf');
      writeFileSync(
        config,
        `ListenUDP 127.0.0.1:${port}
LogLevel 2
LogDestination file://${authority.folder}/radsecproxy.log
tls default {
  CACertificateFile ${authority.caFile}
  CertificateFile ${theirs.certFile}
  CertificateKeyFile ${theirs.keyFile}
}
client nas {
  host 127.0.0.1
  type udp
  secret of-the-nas
}
server foyer {
  host 127.0.0.1
  port ${server.port}
  type tls
  secret radsec
  CertificateNameCheck off
}
realm * {
  server foyer
  accountingServer foyer
}
`,
      );
      proxy = start(['radsecproxy', '-f', '-c', config]);
      expect(await soon(() => server.holds('gw'), Boolean, 2_000)).toBe(true);
      const login = 'User-Name = "ada", User-Password = "pw1", Message-Authenticator = 0x00\n';
      const access = await radclient(port, 'auth', 'of-the-nas', login);
      expect(access.text).toContain('Received Access-Accept');
      const begun =
        'Acct-Status-Type = Start, Acct-Session-Id = "nas-1", User-Name = "ada", Calling-Station-Id = "02-00-00-00-00-50"\n';
      const kept = await radclient(port, 'acct', 'of-the-nas', begun);
      expect(kept.text).toContain('Received Accounting-Response');
      expect(house.reports).toHaveLength(1);
    }, 60_000);
  });
});
