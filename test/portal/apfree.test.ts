/** apfree-wifidog: counters in one JSON, and a line beside HTTP over which guests are put out at once. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Server as LiveServer } from 'socket.io';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { createLines } from '../../portal/gateways/apfree-lines.ts';
import { readCounters, writeCounters } from '../../portal/gateways/wifidog-counters.ts';
import { createWifidogs } from '../../portal/gateways/wifidog.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import type { KickTarget } from '../../portal/ports-network.ts';
import { startApfree } from '../support/emulators/apfree.ts';
import type { ApfreeEmulator, ApfreeOptions } from '../support/emulators/apfree.ts';
import { closeServer } from '../support/emulators/doors.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';
import { rawCall } from '../support/emulators/wifidog.ts';
import type { Wire } from './wire.ts';
import { startWire } from './wire.ts';
import { until } from '../support/until.ts';

const BOX: RegisteredGateway = {
  id: 'gw-box',
  kind: 'apfree',
  name: 'AW0001',
  secret: 'boxsecret0123456789abcdef',
};
const ADA = { mac: '02:00:00:00:00:50', ip: '192.168.77.162' };
const BOB = { mac: '02:00:00:00:00:51', ip: '192.168.77.163' };

let wire: Wire;
let box: ApfreeEmulator;

async function start(more: Partial<ApfreeOptions> = {}): Promise<void> {
  wire = await startWire([BOX]);
  const [gateway = BOX] = wire.store.gateways;
  box = await startApfree({ portal: wire.url, slug: wire.store.slug, gateway, ...more });
}

const tokenOf = (mac: string) => box.clients.get(mac)?.token ?? '';

function target(mac: string, more: Partial<KickTarget> = {}): KickTarget {
  const { store } = wire;
  const [gateway = BOX] = store.gateways;
  const token = tokenOf(mac);
  const common = { store, gateway, sessionId: 's', mac, ip: null, userName: null };
  return { ...common, token, nasSessions: [token], reason: 'staff', ...more };
}

/** Asked for somebody who is not inside: only the device itself can say that it knows nobody. */
const lineIsOpen = async () => {
  const kicked = await wire.equipment.kick(target('02:00:00:00:00:77', { ip: '10.9.9.9' }));
  return kicked === 'done';
};

describe('counters of a whole device', () => {
  afterEach(async () => {
    await box.close();
    await wire.close();
  });

  test.each(['newer', 'older'] as const)('in the %s shape', async (counters) => {
    await start({ counters });
    await wire.walkIn(await box.join(ADA));
    await wire.walkIn(await box.join(BOB));
    box.traffic(ADA.mac, 100, 10);
    box.traffic(BOB.mac, 200, 20);
    wire.fakes.blocked.add(BOB.mac);
    await box.tick();
    expect(box.inside(ADA.mac)).toBe(true);
    expect(box.inside(BOB.mac)).toBe(false);
    const reports = wire.fakes.of('doors.report') as { kind: string; mac: string }[];
    expect(reports.filter(({ kind }) => kind === 'interim')).toEqual([
      expect.objectContaining({ mac: ADA.mac, bytesIn: 100, bytesOut: 10 }),
      expect.objectContaining({ mac: BOB.mac, bytesIn: 200, bytesOut: 20 }),
    ]);
    expect(reports.find(({ kind }) => kind === 'stop')).toMatchObject({
      mac: BOB.mac,
      reason: 'blocked',
    });
    const [head = '', body = ''] = (box.answers.at(-1)?.text ?? '').split('\r\n\r\n');
    expect(head).toMatch(/Content-Type: application\/json/);
    expect(head).not.toContain('Auth: ');
    const operations = [
      { id: 1, auth_code: 1 },
      { id: 2, auth_code: 0 },
    ];
    const group = { gw_id: BOX.name, auth_op: operations };
    expect(JSON.parse(body)).toEqual(counters === 'newer' ? { result: [group] } : group);
  });

  test('while the house is away the known stay and the unknown are left alone', async () => {
    await start();
    await wire.walkIn(await box.join(ADA));
    await box.join(BOB);
    const bob = box.clients.get(BOB.mac);
    if (bob !== undefined) bob.token = 'Q'.repeat(32);
    wire.fakes.broken.add('doors.report');
    await box.tick();
    expect(JSON.parse((box.answers.at(-1)?.text ?? '').split('\r\n\r\n')[1] ?? '')).toEqual({
      result: [
        {
          gw_id: BOX.name,
          auth_op: [
            { id: 1, auth_code: 1 },
            { id: 2, auth_code: -1 },
          ],
        },
      ],
    });
  });

  test.each([
    ['no JSON', '{"gateway":', 400],
    ['another thing', '[1,2]', 400],
    ['nothing', '', 400],
    ['another gateway', '{"gateway":[{"gw_id":"other","clients":[]}]}', 200],
    ['clients that are none', '{"gateway":[{"gw_id":"AW0001","clients":"all"}]}', 200],
  ])('%s is answered calmly', async (_name, body, status) => {
    await start();
    const path = `/wd/harbour/${BOX.secret}/auth/?stage=counters_v2`;
    const text = await rawCall(wire.url, path, 'POST', body);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text).not.toContain('Auth: ');
    expect(wire.fakes.of('doors.report')).toEqual([]);
  });
});

test('counters are read with IPv6 added, numbers as text, and odd clients left harmless', () => {
  const client = { ip: '10.0.0.1', mac: '02-00-00-00-00-50', token: 't' };
  const read = readCounters(
    JSON.stringify({
      gateway: [
        {
          gw_id: 'g',
          clients: [
            { ...client, id: 7, incoming_bytes: '5', incoming_bytes_v6: 6, outgoing_bytes: -1 },
            { ...client, mac: 'x', incoming: 3 },
          ],
        },
      ],
    }),
  );
  expect(read).toEqual({
    shape: 'newer',
    groups: [
      {
        gwId: 'g',
        clients: [
          {
            id: 7,
            call: { token: 't', mac: ADA.mac, ip: '10.0.0.1', bytesIn: 11, bytesOut: 0 },
          },
          { id: 1, call: { token: 't', mac: null, ip: '10.0.0.1', bytesIn: 3, bytesOut: 0 } },
        ],
      },
    ],
  });
  expect(writeCounters('older', [])).toBe('{}');
});

describe('the line', () => {
  afterEach(async () => {
    await box.close();
    await wire.close();
  });

  test('a guest is put out at once while it is open, and at the next report when it is not', async () => {
    await start();
    await wire.walkIn(await box.join(ADA));
    expect(await lineIsOpen()).toBe(false);
    await box.connect();
    expect(await lineIsOpen()).toBe(true);
    expect(await wire.equipment.kick(target(ADA.mac))).toBe('done');
    expect(box.inside(ADA.mac)).toBe(false);
    expect(box.orders.at(-1)).toMatchObject({
      type: 'kickoff',
      client_ip: ADA.ip,
      client_mac: ADA.mac,
      device_id: 'AW-1',
      gw_id: BOX.name,
    });
    expect(await wire.equipment.kick(target(ADA.mac, { token: 'x', ip: ADA.ip }))).toBe('done');

    await box.hangUp();
    wire.fakes.sessions.clear();
    wire.fakes.pass(120_000);
    await wire.walkIn(await box.join(ADA));
    expect(box.inside(ADA.mac)).toBe(true);
    expect(await wire.equipment.kick(target(ADA.mac))).toBe('later');
  });

  test('who came in anew is not put out for what the old token did', async () => {
    await start();
    await box.connect();
    await wire.walkIn(await box.join(ADA));
    const old = target(ADA.mac);
    const session = [...wire.fakes.sessions.values()][0];
    if (session !== undefined) session.state = 'ended';
    await box.tick();
    expect(box.inside(ADA.mac)).toBe(false);
    wire.fakes.sessions.clear();
    wire.fakes.pass(120_000);
    await wire.walkIn(await box.join(ADA));
    expect(box.inside(ADA.mac)).toBe(true);
    expect(tokenOf(ADA.mac)).not.toBe(old.token);
    expect(await wire.equipment.kick(old)).toBe('done');
    expect(box.inside(ADA.mac)).toBe(true);
  });

  test('a device that does not answer is asked at its next report', async () => {
    await start({ mute: true });
    const lines = { answerMs: 30 };
    await wire.close();
    const { server, equipment, close } = await bareLine(lines);
    const line = new WebSocket(`${server}/wd/harbour/${BOX.secret}/ws`);
    await new Promise((resolve) => line.once('open', resolve));
    line.send(JSON.stringify({ type: 'connect', device_id: 'd', gateway: [{ gw_id: BOX.name }] }));
    await new Promise((resolve) => line.once('message', resolve));
    const about = { types: ['kickoff_response'], mac: ADA.mac };
    expect(await equipment.ask(BOX.id, { type: 'kickoff' }, about)).toBeNull();
    line.terminate();
    await close();
    wire = await startWire([BOX]);
  });

  test('a device that restarted has its guests let in again, never everybody', async () => {
    await start();
    await box.connect();
    await wire.walkIn(await box.join(ADA));
    await box.join(BOB);
    box.restart();
    expect(box.inside(ADA.mac)).toBe(false);
    await box.connect();
    expect(box.orders.filter(({ type }) => type === 'auth')).toEqual([
      {
        type: 'auth',
        token: tokenOf(ADA.mac),
        client_ip: ADA.ip,
        client_mac: ADA.mac,
        gw_id: BOX.name,
        once_auth: false,
      },
    ]);
    expect(box.inside(ADA.mac)).toBe(true);
    expect(box.inside(BOB.mac)).toBe(false);
  });

  test('nonsense on the line is ignored, and the line lives on', async () => {
    await start();
    await box.connect();
    for (const text of ['', '[]', '{"type":7}', '{"type":"get_status_response"}', '{'])
      box.say(text);
    await box.heartbeat();
    expect(await lineIsOpen()).toBe(true);
    expect(wire.fakes.of('doors.heard').length).toBeGreaterThan(1);
  });

  test('a message larger than any of its own ends it', async () => {
    await start();
    await box.connect();
    box.say(JSON.stringify({ type: 'heartbeat', pad: 'x'.repeat(70_000) }));
    await until(async () => !(await lineIsOpen()));
  });

  test('a device under another name speaks for nobody', async () => {
    await start();
    await box.connect();
    const liar = await startApfree({
      portal: wire.url,
      slug: wire.store.slug,
      gateway: { ...BOX, name: 'other' },
    });
    await liar.connect();
    await wire.walkIn(await box.join(ADA));
    expect(await wire.equipment.kick(target(ADA.mac))).toBe('done');
    expect(liar.orders.filter(({ type }) => type === 'kickoff')).toEqual([]);
    await liar.close();
  });

  test.each([
    ['another secret', '/wd/harbour/wrong-secret-000000/ws', 403],
    ['another store', `/wd/elsewhere/${BOX.secret}/ws`, 403],
    ['another path', '/wd/harbour/ws', 404],
  ])('%s gets none', async (_name, path, status) => {
    await start();
    const line = new WebSocket(wire.url.replace('http', 'ws') + path);
    const refused = new Promise<number>((resolve) => {
      line.once('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        line.terminate();
      });
      line.on('error', () => undefined);
    });
    expect(await refused).toBe(status);
  });

  test('socket.io goes on beside it on the same server', async () => {
    await start();
    const live = new LiveServer(wire.server, { path: '/live', serveClient: false });
    live.on('connection', (socket) =>
      socket.on('hello', (answer: (text: string) => void) => answer('hi')),
    );
    const client = io(wire.url, { path: '/live', transports: ['websocket'] });
    try {
      expect(await client.emitWithAck('hello')).toBe('hi');
      await box.connect();
      expect(await lineIsOpen()).toBe(true);
      expect(await client.emitWithAck('hello')).toBe('hi');
      await box.heartbeat();
    } finally {
      client.disconnect();
      await box.close();
      await live.close();
    }
  });
});

/** A server with nothing on it but the line. */
async function bareLine(waits: { answerMs?: number; silenceMs?: number }) {
  const fakes = makeFakes({ stores: [fakeStore({ gateways: [BOX] })] });
  const callers = {
    store: async () => fakeStore({ gateways: [BOX] }),
    find: async () => [{ store: fakeStore({ gateways: [BOX] }), gateway: BOX }],
    mayCall: () => true,
  };
  const equipment = createLines({ ports: fakes.ports, callers, joined: () => undefined, ...waits });
  const server = createServer();
  const detach = equipment.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    await detach();
    await closeServer(server);
  };
  return { server: url, equipment, close };
}

test('a line that fell silent is closed', async () => {
  const { server, equipment, close } = await bareLine({ silenceMs: 40 });
  const line = new WebSocket(`${server}/wd/harbour/${BOX.secret}/ws`);
  const [answered, closed] = [once(line, 'message'), once(line, 'close')];
  await once(line, 'open');
  line.send(JSON.stringify({ type: 'connect', gateway: [{ gw_id: BOX.name }] }));
  await answered;
  await closed;
  await until(() => !equipment.isOpen(BOX.id));
  await close();
});

test('a client gets a pass to fetch a code, for a bounded time, and only over a line', async () => {
  const store = fakeStore({ gateways: [BOX] });
  const { ports } = makeFakes({ stores: [store] });
  const { apfree } = createWifidogs(ports);
  const server = createServer();
  const detach = apfree.attach?.(server, { ports, publicUrl: '', receive: async () => undefined });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const portal = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const device = await startApfree({ portal, slug: store.slug, gateway: BOX });
  const context = { gatewayId: BOX.id, kind: 'apfree', ...ADA } as const;
  const pass = (seconds: number) =>
    apfree.pass?.({ store, gateway: BOX, context, seconds, log: ports.log });
  expect(await pass(300)).toBe(false);
  await device.connect();
  expect(apfree.capabilities(BOX)).toMatchObject({ kick: 'now' });
  expect(await pass(300)).toBe(true);
  expect(await pass(86_400)).toBe(true);
  await until(() => device.passes.get(ADA.mac) === 900);
  expect(device.orders.filter(({ type }) => type === 'tmp_pass')).toEqual([
    { type: 'tmp_pass', client_mac: ADA.mac, timeout: 300 },
    { type: 'tmp_pass', client_mac: ADA.mac, timeout: 900 },
  ]);
  await device.close();
  await detach?.();
  await closeServer(server);
});

test('what it can do is said', () => {
  const { wifidog, apfree } = createWifidogs(makeFakes().ports);
  for (const gateway of [wifidog, apfree])
    expect(gateway.capabilities(BOX)).toEqual({
      door: 'browser',
      redirect: 'forgeable',
      limits: false,
      speed: false,
      accounting: true,
      kick: 'next-report',
      status: true,
      extend: true,
      knock: null,
    });
});
