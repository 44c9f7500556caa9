/** The whole house behind RADIUS: a ticket opens the door, accounting keeps the session, staff end it by Disconnect. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Ticket } from '../../portal/ports-network.ts';
import { attributes as a, codes, statusTypes } from '../../portal/radius/dictionary.ts';
import type { Packet } from '../../portal/radius/packet.ts';
import {
  authenticatorOf,
  encode,
  first,
  integer,
  numberIn,
  octets,
  text,
  textIn,
} from '../../portal/radius/packet.ts';
import { requestProof, signResponse, unsignedMac } from '../../portal/radius/signing.ts';
import { createGrantMemory } from '../../server/sessions/memory.ts';
import { createTickets } from '../../server/sessions/tickets.ts';
import { createApiKey } from '../../server/staff/keys.ts';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import { makeGateway, makeGuest, makeMerchant, makeSession, makeStore } from '../support/make.ts';
import type { Asker } from '../support/radius.ts';
import {
  accessRequest,
  accountingRequest,
  createAsker,
  packetOf,
  wellAnswered,
} from '../support/radius.ts';

const secret = 'the-secret-of-this-gateway-is-32';
const mac = '02:00:00:00:00:50';
let app: TestApp;
let nas: Asker;
/** The gateway's own door for Disconnect. */
let coa: Socket;
let asked: Packet[];
let sessionId: string;
let ticket: Ticket;
let key: string;

async function session(): Promise<Record<string, unknown>> {
  const { rows } = await app.db.query('select * from sessions where id = $1', [sessionId]);
  return rows[0] ?? {};
}

async function eventually(column: string, value: unknown): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 300; tries++) {
    const row = await session();
    if (row[column] === value) return row;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return session();
}

beforeAll(async () => {
  app = await startApp({ RADIUS_PORT: '0' });
  nas = await createAsker();
  asked = [];
  coa = createSocket('udp4');
  coa.on('message', (raw, from) => {
    const request = packetOf(raw);
    asked.push(request);
    const authenticator = authenticatorOf(request);
    const ack = encode(codes.disconnectAck, request.id, authenticator, [unsignedMac])!;
    coa.send(signResponse(ack, authenticator, secret), from.port, from.address);
  });
  await new Promise<void>((done) => void coa.bind(0, '127.0.0.1', done));

  const { db } = app;
  const merchant = await makeMerchant(db);
  const store = await makeStore(db, merchant.id);
  const radius = {
    secret,
    sources: ['127.0.0.1/32'],
    nasIds: ['store-1'],
    profile: 'coova',
    messageAuthenticator: 'learn',
    coa: { host: '127.0.0.1', port: coa.address().port },
    interimSeconds: 300,
  };
  const gateway = await makeGateway(db, merchant.id, store.id, {
    kind: 'radius',
    settings: { radius },
  });
  const guest = await makeGuest(db, merchant.id);
  const at = {
    merchantId: merchant.id,
    storeId: store.id,
    gatewayId: gateway.id,
    guestId: guest.id,
  };
  const now = Date.now();
  const made = await makeSession(db, at, {
    mac,
    state: 'pending',
    confirmedAt: null,
    minutes: 60,
    grantedAt: new Date(now),
    expiresAt: new Date(now + 3_600_000),
  });
  sessionId = made.id;
  const clock = Date.now;
  const tickets = createTickets({
    db: app.server.services.db,
    clock,
    secret: app.server.services.secret,
    memory: createGrantMemory(clock),
  });
  ticket = await tickets.ticket({ id: store.id, merchantId: merchant.id }, gateway.id, sessionId);
  const wanted = { name: 'Till', scopes: ['guests:write'] as const };
  ({ key } = await createApiKey({ db: app.server.services.db, clock }, merchant.id, wanted));
}, 120_000);
afterAll(async () => {
  await nas?.close();
  await new Promise<void>((done) => void coa.close(done));
  await app?.stop();
});

const named = [text(a.nasIdentifier, 'store-1')];

test('who is not registered meets silence, and the operator reads from where', async () => {
  const stranger = await createAsker('127.0.0.2');
  stranger.send(app.server.ports.radiusAuth ?? 0, accessRequest({ name: 'x', pap: 'x' }));
  const read = () => app.server.services.metrics.registry.metrics();
  const line = 'foyer_radius_unknown_client_packets{address="127.0.0.2"} 1';
  const deadline = Date.now() + 5_000;
  while (Date.now() < deadline && !(await read()).includes(line)) await pause(20);
  expect(await read()).toContain(line);
  expect(stranger.received).toEqual([]);
  await stranger.close();
});

describe('a guest with a ticket', () => {
  test('is refused with another password', async () => {
    const request = accessRequest({ name: ticket.username, pap: 'guess', secret, more: named });
    const reply = await nas.ask(app.server.ports.radiusAuth ?? 0, request);
    expect([reply.code, wellAnswered(reply, request, secret)]).toEqual([codes.accessReject, true]);
    expect((await session())['state']).toBe('pending');
  });

  test('comes in, with what is left and the session to be echoed', async () => {
    const { username: name, password: chap } = ticket;
    const request = accessRequest({ name, chap, secret, more: named });
    const reply = await nas.ask(app.server.ports.radiusAuth ?? 0, request);
    expect([reply.code, wellAnswered(reply, request, secret)]).toEqual([codes.accessAccept, true]);
    expect(textIn(first(reply, a.class))).toBe(`v1:${sessionId}`);
    const left = numberIn(first(reply, a.sessionTimeout)) ?? 0;
    expect(left).toBeGreaterThan(3_000);
    expect(left).toBeLessThanOrEqual(3_600);
    expect(await eventually('state', 'active')).toMatchObject({ state: 'active' });
  });

  test('and the gateway’s Message-Authenticator is learnt', async () => {
    const unsigned = accessRequest({ name: 'x', pap: 'x', secret, more: named, unsigned: true });
    nas.send(app.server.ports.radiusAuth ?? 0, unsigned);
    let metrics = '';
    for (let tries = 0; tries < 300; tries++) {
      metrics = await app.server.services.metrics.registry.metrics();
      if (metrics.includes('outcome="no-message-authenticator"} 1')) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(metrics).toContain('foyer_radius_packets_total{outcome="no-message-authenticator"} 1');
    expect(metrics).toContain('foyer_radius_packets_total{outcome="accepted"} 1');
  });
});

describe('accounting', () => {
  const told = (status: number, more: [number, number][]): Promise<Packet> =>
    nas.ask(
      app.server.ports.radiusAcct ?? 0,
      accountingRequest(
        status,
        [
          ...named,
          octets(a.class, Buffer.from(`v1:${sessionId}`)),
          ...more.map(([type, value]) => integer(type, value)),
        ],
        { secret },
      ),
    );

  test('counts what the guest used, from the guest’s side', async () => {
    expect((await told(statusTypes.start, [])).code).toBe(codes.accountingResponse);
    const used: [number, number][] = [
      [a.acctInputOctets, 100],
      [a.acctOutputOctets, 2_000],
      [a.acctSessionTime, 30],
    ];
    expect((await told(statusTypes.interim, used)).code).toBe(codes.accountingResponse);
    const row = await session();
    expect([Number(row['bytes_in']), Number(row['bytes_out'])]).toEqual([2_000, 100]);
  });

  test('staff end the session: the gateway is told, and its Stop closes it', async () => {
    const answer = await fetch(`${app.url}/v1/sessions/${sessionId}/disconnect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(await answer.json()).toMatchObject({ outcome: 'done' });
    expect(asked).not.toEqual([]);
    expect(requestProof(asked[0]!, secret)).toBe('signed');
    expect(textIn(first(asked[0]!, a.userName))).toBe(ticket.username);
    expect(textIn(first(asked[0]!, a.acctSessionId))).toBe('nas-1');
    await told(statusTypes.stop, [[a.acctTerminateCause, 6]]);
    expect(await eventually('state', 'ended')).toMatchObject({ state: 'ended' });
  });
});
