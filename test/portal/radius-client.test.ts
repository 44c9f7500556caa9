/** Disconnect and CoA towards gateways of every kind: what they are told, what they may answer, when they are silent. */
import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEquipment } from '../../portal/equipment.ts';
import { createGateways } from '../../portal/gateways/all.ts';
import type { KickTarget } from '../../portal/ports-network.ts';
import type { RadiusSettings, VendorProfile } from '../../portal/ports-store.ts';
import { createDynamicClient } from '../../portal/radius/client.ts';
import type { Timers } from '../../portal/radius/client.ts';
import { createCounts } from '../../portal/radius/counts.ts';
import { attributes as a, codes } from '../../portal/radius/dictionary.ts';
import { disconnectList, isOut } from '../../portal/radius/dynamic.ts';
import type { Attribute, Packet } from '../../portal/radius/packet.ts';
import {
  authenticatorOf,
  encode,
  first,
  has,
  integer,
  numberIn,
  textIn,
} from '../../portal/radius/packet.ts';
import { requestProof, signResponse, unsignedMac } from '../../portal/radius/signing.ts';
import { elsewhereOnly } from '../../portal/reach.ts';
import { nasPeer } from '../../scripts/lib/radius-house.ts';
import { makeFakes } from '../support/fakes.ts';
import { packetOf } from '../support/radius.ts';

const SECRET = 'testing123';
const timers: Timers = { initialMs: 40, longestMs: 100, totalMs: 400, tries: 3 };
const names = { mac: '02:00:00:00:00:50', ip: '10.1.0.2', userName: 'g.ada', nasSession: 'nas-1' };
let nas: Socket;
let port: number;
let heard: Packet[];
/** What the gateway answers; each is sent, in this order. */
let answers: (request: Packet) => Buffer[];

beforeEach(async () => {
  heard = [];
  answers = () => [];
  nas = createSocket('udp4');
  nas.on('message', (raw, from) => {
    const request = packetOf(raw);
    heard.push(request);
    for (const answer of answers(request)) nas.send(answer, from.port, from.address);
  });
  await new Promise<void>((done) => void nas.bind(0, '127.0.0.1', done));
  port = nas.address().port;
});
afterEach(() => new Promise<void>((done) => void nas.close(done)));

const gatewayOf = (settings: Partial<RadiusSettings> = {}) =>
  nasPeer('gw', { nasIds: ['store-1'], coa: { host: '127.0.0.1', port }, ...settings }).gateway;

function answer(request: Packet, code: number, list: Attribute[], secret = SECRET): Buffer {
  return signResponse(
    encode(code, request.id, authenticatorOf(request), list)!,
    authenticatorOf(request),
    secret,
  );
}
const ack = (request: Packet): Buffer => answer(request, request.code + 1, [unsignedMac]);
const nak = (request: Packet, cause?: number): Buffer =>
  answer(request, request.code + 2, [
    unsignedMac,
    ...(cause === undefined ? [] : [integer(a.errorCause, cause)]),
  ]);

async function disconnect(settings: Partial<RadiusSettings> = {}) {
  const counts = createCounts();
  const client = createDynamicClient({ clock: Date.now, random: Math.random, counts, timers });
  try {
    return { reply: await client.disconnect(gatewayOf(settings), names), counts };
  } finally {
    await client.close();
  }
}

describe('what a gateway is told', () => {
  const all = { nas: 'store-1', user: 'g.ada', session: 'nas-1' };
  test.each<[VendorProfile, Record<string, string>]>([
    ['plain', { ...all, mac: '02-00-00-00-00-50' }],
    ['wispr', { ...all, mac: '02-00-00-00-00-50' }],
    ['coova', { ...all, mac: '02-00-00-00-00-50' }],
    ['mikrotik', { ...all, mac: '02:00:00:00:00:50', ip: '10.1.0.2' }],
    ['huawei', { ...all, mac: '0200-0000-0050', ip: '10.1.0.2' }],
    ['h3c', { ...all, mac: '02-00-00-00-00-50', ip: '10.1.0.2' }],
    ['aruba', { ...all, mac: '020000000050', ip: '10.1.0.2' }],
    ['airespace', { ...all, mac: '02-00-00-00-00-50' }],
    ['ruckus', { ...all, mac: '02-00-00-00-00-50' }],
  ])('%s', async (profile, expected) => {
    answers = (request) => [ack(request)];
    expect((await disconnect({ profile })).reply).toEqual({ kind: 'ack' });
    const [request] = heard;
    if (request === undefined) throw new Error('nothing was heard');
    const text = (type: number): Record<string, string> => {
      const value = textIn(first(request, type));
      return value === undefined ? {} : { [type]: value };
    };
    expect({
      ...text(a.nasIdentifier),
      ...text(a.userName),
      ...text(a.acctSessionId),
      ...text(a.callingStationId),
      ip: first(request, a.framedIpAddress)?.join('.'),
    }).toEqual({
      [a.nasIdentifier]: expected['nas'],
      [a.userName]: expected['user'],
      [a.acctSessionId]: expected['session'],
      [a.callingStationId]: expected['mac'],
      ip: expected['ip'],
    });
    expect(request.raw[20]).toBe(a.messageAuthenticator);
    expect(requestProof(request, SECRET)).toBe('signed');
    const stamp = numberIn(first(request, a.eventTimestamp)) ?? 0;
    expect(Math.abs(stamp * 1000 - Date.now())).toBeLessThan(60_000);
  });

  test('Coova hears a user name always: the MAC of who had none', () => {
    const list = disconnectList(gatewayOf({ profile: 'coova' }), { ...names, userName: null });
    const user = list.find(({ type }) => type === a.userName);
    expect(user?.value.toString()).toBe('02-00-00-00-00-50');
  });

  test('nothing, at an address that nothing is sent to', async () => {
    answers = (request) => [ack(request)];
    const counts = createCounts();
    const client = createDynamicClient({
      clock: Date.now,
      random: Math.random,
      counts,
      timers,
      refuses: elsewhereOnly,
    });
    expect(await client.disconnect(gatewayOf(), names)).toEqual({ kind: 'silent' });
    await client.close();
    expect(heard).toEqual([]);
  });

  test('a gateway without a name is called by its address', () => {
    const list = disconnectList(gatewayOf({ nasIds: [] }), names);
    expect(list[0]).toEqual({ type: a.nasIpAddress, value: Buffer.from([127, 0, 0, 1]) });
  });

  test('a change says all limits at once', async () => {
    answers = (request) => [ack(request)];
    const client = createDynamicClient({
      clock: Date.now,
      random: Math.random,
      counts: createCounts(),
      timers,
    });
    const limits = { downKbps: 0, upKbps: 0, downOctets: 0, upOctets: 0 };
    const plan = { seconds: 60, idleSeconds: 900, interimSeconds: 300, ...limits };
    const reply = await client.change(gatewayOf(), names, plan);
    await client.close();
    expect(reply).toEqual({ kind: 'ack' });
    const request = heard[0]!;
    expect(request.code).toBe(codes.coaRequest);
    const limitsSaid = [a.sessionTimeout, a.idleTimeout, a.acctInterimInterval].map((type) =>
      numberIn(first(request, type)),
    );
    expect(limitsSaid).toEqual([60, 900, 300]);
  });
});

describe('what it may answer', () => {
  test('a refusal with its cause', async () => {
    answers = (request) => [nak(request, 503)];
    expect((await disconnect()).reply).toEqual({ kind: 'nak', cause: 503 });
    answers = (request) => [nak(request)];
    expect((await disconnect()).reply).toEqual({ kind: 'nak' });
  });

  test.each<[string, (request: Packet) => Buffer]>([
    ['another secret', (request) => answer(request, 41, [unsignedMac], 'wrong')],
    ['another number', (request) => ack({ ...request, id: (request.id + 1) % 256 })],
    ['an answer to something else', (request) => answer(request, codes.coaAck, [unsignedMac])],
    ['a broken packet', () => Buffer.from('hello')],
    ['no attribute 80 where it is demanded', (request) => answer(request, 41, [])],
  ])('%s is no answer; the genuine one behind it is', async (_name, forged) => {
    answers = (request) => [forged(request), nak(request, 501)];
    const { reply, counts } = await disconnect();
    expect(reply).toEqual({ kind: 'nak', cause: 501 });
    expect(counts['dynamic-stray']).toBe(1);
  });

  test.each<[Partial<RadiusSettings>, string]>([
    [{ profile: 'coova' }, 'ack'],
    [{ profile: 'mikrotik' }, 'ack'],
    [{ messageAuthenticator: 'learn' }, 'ack'],
    [{}, 'silent'],
  ])('without attribute 80 from %j: %s', async (settings, kind) => {
    answers = (request) => [answer(request, 41, [])];
    expect((await disconnect(settings)).reply.kind).toBe(kind);
  });

  test('the same octets come again until it answers', async () => {
    answers = (request) => (heard.length === 3 ? [ack(request)] : []);
    expect((await disconnect()).reply).toEqual({ kind: 'ack' });
    expect(heard).toHaveLength(3);
    expect(heard.every((packet) => packet.raw.equals(heard[0]!.raw))).toBe(true);
  });

  test('silence has an end', async () => {
    const { reply, counts } = await disconnect();
    expect(reply).toEqual({ kind: 'silent' });
    expect([heard.length, counts['dynamic-unanswered']]).toEqual([3, 1]);
  });

  test('many at a time keep their own answers', async () => {
    const client = createDynamicClient({
      clock: Date.now,
      random: Math.random,
      counts: createCounts(),
      timers: { ...timers, initialMs: 5_000, totalMs: 10_000 },
    });
    answers = (request) =>
      textIn(first(request, a.acctSessionId))?.endsWith('7') ? [nak(request, 503)] : [ack(request)];
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        client.disconnect(gatewayOf(), { ...names, nasSession: `nas-${i}` }),
      ),
    );
    await client.close();
    expect(replies.filter(({ kind }) => kind === 'ack')).toHaveLength(90);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(100);
  });
});

describe('whether the guest is out', () => {
  test.each([
    ['ack', {}, { kind: 'ack' } as const, true],
    ['session not found', {}, { kind: 'nak', cause: 503 } as const, true],
    ['prohibited', {}, { kind: 'nak', cause: 501 } as const, false],
    ['a bare refusal', {}, { kind: 'nak' } as const, false],
    ['a bare refusal of Coova', { profile: 'coova' as const }, { kind: 'nak' } as const, true],
    ['silence', {}, { kind: 'silent' } as const, false],
  ])('%s', (_name, settings, reply, out) => {
    expect(isOut(reply, gatewayOf(settings))).toBe(out);
  });
});

describe('equipment', () => {
  const open = () => {
    const { ports } = makeFakes();
    const lobby = { ports, publicUrl: 'http://portal.test', receive: async () => undefined };
    return createEquipment(createGateways(ports), lobby);
  };
  const target = (settings: Partial<RadiusSettings>, nasSessions: string[]): KickTarget => ({
    store: { id: 'store', merchantId: 'merchant' },
    gateway: gatewayOf(settings),
    sessionId: 's-1',
    mac: names.mac,
    ip: null,
    userName: null,
    token: null,
    nasSessions,
    reason: 'staff',
  });

  test('puts out every network session of a guest', async () => {
    answers = (request) => [nak(request, 503)];
    const equipment = open();
    expect(await equipment.kick(target({}, ['one', 'two']))).toBe('done');
    expect(heard.map((packet) => textIn(first(packet, a.acctSessionId)))).toEqual(['one', 'two']);
    await equipment.close();
  });

  test('names the guest where no network session is known', async () => {
    answers = (request) => [ack(request)];
    const equipment = open();
    expect(await equipment.kick(target({}, []))).toBe('done');
    expect(has(heard[0]!, a.acctSessionId)).toBe(false);
    await equipment.close();
  });

  test('cannot where there is no way back', async () => {
    const equipment = open();
    const { gateway, ...rest } = target({}, []);
    const { coa: _, ...radius } = gateway.radius!;
    expect(await equipment.kick({ ...rest, gateway: { ...gateway, radius } })).toBe('unable');
    await equipment.close();
  });

  test('fails when one is refused', async () => {
    answers = (request) => [
      textIn(first(request, a.acctSessionId)) === 'two' ? nak(request, 504) : ack(request),
    ];
    const equipment = open();
    expect(await equipment.kick(target({}, ['one', 'two']))).toBe('failed');
    await equipment.close();
  });

  test('a port that is taken leaves no door open', async () => {
    const equipment = open();
    const radius = { authPort: 0, acctPort: port };
    await expect(equipment.listen({ host: '127.0.0.1', radius })).rejects.toThrow('EADDRINUSE');
    const ports = await equipment.listen({
      host: '127.0.0.1',
      radius: { authPort: 0, acctPort: 0 },
    });
    expect(ports.radiusAuth).toBeGreaterThan(0);
    await equipment.close();
  });
});
