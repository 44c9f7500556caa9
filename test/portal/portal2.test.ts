/** Portal 2.0 against an emulated AC over loopback: good days, bad days, and what the AC says unasked. */
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Gateway, OpenRequest } from '../../portal/gateways/gateway.ts';
import { TYPE } from '../../portal/gateways/portal2-packet.ts';
import { PATIENCE } from '../../portal/gateways/portal2-exchange.ts';
import type { Patience } from '../../portal/gateways/portal2-exchange.ts';
import { createPortal2 } from '../../portal/gateways/portal2.ts';
import type { AccessDecision, KickTarget, SessionReport } from '../../portal/ports-network.ts';
import type { Portal2Settings, RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import type { Grant } from '../../portal/ports.ts';
import { elsewhereOnly } from '../../portal/reach.ts';
import type { Portal2EmulatorOptions } from '../support/emulators/portal2.ts';
import { startPortal2 } from '../support/emulators/portal2.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';
import { until } from '../support/until.ts';

const LOCAL = '127.0.0.1';
const MAC = '02:00:00:00:00:50';
const GUEST = { mac: MAC, ip: '10.0.0.23', url: 'http://harbour.example/menu' };
/** For ACs that do not answer, or not as they should: others are waited for as in life. */
const QUICK: Patience = { challenge: 150, auth: 400, logout: 150, info: 150 };
const TICKET = { username: 'g.abc', password: 'abcdefghij234567', until: 0 };

const LIMITS = { minutes: 60, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
const GRANT: Grant = { sessionId: 's-1', guestId: 'g-1', expiresAt: 0, ...LIMITS };

/** Knows the ticket, as our RADIUS would. */
const passwords = (userName: string) => (userName === TICKET.username ? TICKET.password : null);

interface Bench {
  settings?: Partial<Portal2Settings>;
  ac?: Partial<Portal2EmulatorOptions>;
  decision?: AccessDecision;
  secret?: string;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A portal's gateway and an AC, both on loopback. */
async function bench({ settings = {}, ac: more = {}, decision, secret }: Bench = {}) {
  const portal2: Portal2Settings = {
    host: '127.0.0.1',
    port: 0,
    version: 2,
    auth: 'chap',
    sendChallenge: true,
    macBinding: false,
    ...settings,
  };
  const gateway: RegisteredGateway = {
    id: 'gw-ac',
    kind: 'portal2',
    name: 'AC-1',
    secret: 'portalsecret',
    portal2,
    radius: {
      secret: 'radiusSecret1234',
      sources: ['127.0.0.1'],
      nasIds: [],
      profile: 'huawei',
      messageAuthenticator: 'require',
      interimSeconds: 300,
    },
  };
  const store: StoreView = fakeStore({ gateways: [gateway] });
  const fakes = makeFakes({ stores: [store] });
  const reports: SessionReport[] = [];
  const notices: { code: string; detail?: Record<string, string> }[] = [];
  Object.assign(fakes.ports.doors, {
    ticket: async () => TICKET,
    report: async (_store: unknown, _gateway: string, report: SessionReport) => {
      reports.push(report);
      return { allowed: false, reason: 'ended' };
    },
    noticed: async (_store: unknown, _gateway: string, notice: { code: string }) =>
      void notices.push(notice),
  });
  fakes.ports.network = {
    peersAt: async () => [],
    peerByCertificate: async () => null,
    peersByAc: async (address) => (address === portal2.host ? [{ store, gateway }] : []),
    authorise: async () => decision ?? { accept: false, reason: 'unknown' },
    learnt: async () => undefined,
    restarted: async () => undefined,
  };
  const odd = more.mood !== undefined || secret !== undefined;
  const portal: Gateway = createPortal2(fakes.ports, { patience: odd ? QUICK : PATIENCE });
  const door = await portal.listen?.('127.0.0.1', 0);
  if (door === undefined) throw new Error('no door');
  closers.push(() => door.close());
  const ac = await startPortal2({
    portal: 'http://127.0.0.1:8080',
    slug: store.slug,
    gateway: secret === undefined ? gateway : { ...gateway, secret },
    notify: { host: '127.0.0.1', port: door.port },
    passwords,
    ...more,
  });
  closers.push(() => ac.close());
  portal2.port = ac.port;
  const redirect = await ac.join(GUEST);
  const query = new URL(redirect).searchParams;
  const read = portal.read(query, store, { url: redirect, method: 'GET', networkIp: '127.0.0.1' });
  if (read.kind !== 'known') throw new Error(`the redirect was not read: ${read.kind}`);
  const request: OpenRequest = {
    store,
    gateway,
    context: read.context,
    grant: GRANT,
    landingUrl: 'http://portal.example/landed',
    doors: fakes.ports.doors,
    log: fakes.ports.log,
    now: 0,
  };
  const target = {
    store,
    gateway,
    sessionId: GRANT.sessionId,
    mac: MAC,
    ip: GUEST.ip,
    userName: TICKET.username,
    token: null,
    nasSessions: [],
    reason: 'staff' as const,
  };
  const port = door.port;
  return { portal, ac, port, store, gateway, fakes, reports, notices, request, target };
}

const VARIANTS: [string, Partial<Portal2Settings>, number[]][] = [
  ['version 2 with CHAP', {}, [1, 3, 7]],
  ['version 2 with CHAP, challenge not repeated', { sendChallenge: false }, [1, 3, 7]],
  ['version 2 with PAP', { auth: 'pap' }, [3, 7]],
  ['version 1 with CHAP', { version: 1 }, [1, 3, 7]],
  ['version 1 with PAP', { version: 1, auth: 'pap' }, [3, 7]],
  ['version 2 without authenticators', { headerOctets: 16 }, [1, 3, 7]],
];

describe('a login', () => {
  test.each(VARIANTS)('%s', async (_name, settings, types) => {
    const { portal, ac, fakes, request, notices } = await bench({ settings });
    expect(await portal.open(request)).toEqual({ kind: 'open' });
    await until(() => ac.heard.length === types.length);
    expect(ac.heard).toEqual(types);
    expect(ac.inside(MAC)).toBe(true);
    expect(ac.clients.get(MAC)).toMatchObject({ affirmed: true, userName: 'g.abc' });
    expect(fakes.of('doors.confirmed')).toEqual([{ gatewayId: 'gw-ac', rhids: ['portal2-s-1'] }]);
    expect(notices).toEqual([{ code: 'door-opened' }]);
  });

  test('waits for the packet after “in progress”', async () => {
    const mood = ({ type }: { type: number }) =>
      type === TYPE.reqAuth ? ('in-progress-first' as const) : ('answer' as const);
    const { portal, ac, request } = await bench({ ac: { mood } });
    expect(await portal.open(request)).toEqual({ kind: 'open' });
    expect(ac.inside(MAC)).toBe(true);
  });

  test('the same form sent twice is one login', async () => {
    const { portal, ac, request } = await bench();
    const both = await Promise.all([portal.open(request), portal.open(request)]);
    expect(both).toEqual([{ kind: 'open' }, { kind: 'open' }]);
    await until(() => ac.heard.length === 3);
    expect(ac.heard).toEqual([1, 3, 7]);
  });

  test('many guests at once each get their own answer', async () => {
    const { portal, ac, request } = await bench();
    const guests = Array.from({ length: 40 }, (_, i) => ({
      mac: `02:00:00:00:01:${i.toString(16).padStart(2, '0')}`,
      ip: `10.0.1.${i + 1}`,
    }));
    for (const guest of guests) await ac.join(guest);
    const all = guests.map((guest) =>
      portal.open({ ...request, context: { ...request.context, ...guest } }),
    );
    expect(await Promise.all(all)).toEqual(guests.map(() => ({ kind: 'open' })));
    expect(guests.every(({ mac }) => ac.inside(mac))).toBe(true);
  });

  test('without a listened port packets leave by one of their own, and it is given back', async () => {
    const { fakes, ac, request } = await bench();
    const other = createPortal2(fakes.ports);
    expect(await other.open(request)).toEqual({ kind: 'open' });
    expect(ac.inside(MAC)).toBe(true);
  });
});

describe('a login that fails', () => {
  test('when the AC is registered with an address that nothing is sent to', async () => {
    const { fakes, ac, request, notices } = await bench();
    const other = createPortal2(fakes.ports, { patience: QUICK, refuses: elsewhereOnly });
    expect(await other.open(request)).toEqual({ kind: 'shut', reason: 'unreachable' });
    const { store, gateway, context, grant } = request;
    const of = { store, gateway, mac: MAC, ip: context.ip, sessionId: grant.sessionId };
    const target: KickTarget = {
      ...of,
      userName: null,
      token: null,
      nasSessions: [],
      reason: 'staff',
    };
    expect(await other.kick?.(target)).toBe('failed');
    expect(ac.heard).toEqual([]);
    const detail = { says: 'address refused' };
    expect(notices).toEqual([{ code: 'controller-unreachable', detail }]);
  });

  test.each([
    ['the challenge', TYPE.reqChallenge],
    ['the login', TYPE.reqAuth],
  ])('when nobody answers %s: told so, and the AC hears that we gave up', async (_name, silent) => {
    const mood = ({ type }: { type: number }) =>
      type === silent ? ('silence' as const) : ('answer' as const);
    const { portal, ac, fakes, request, notices } = await bench({ ac: { mood } });
    expect(await portal.open(request)).toEqual({
      kind: 'shut',
      reason: 'unreachable',
      noted: true,
    });
    await until(() => ac.heard.includes(TYPE.reqLogout));
    expect(ac.heard.at(-1)).toBe(TYPE.reqLogout);
    expect(ac.heard).not.toContain(TYPE.affAckAuth);
    expect(fakes.of('doors.confirmed')).toEqual([]);
    expect(notices).toEqual([{ code: 'controller-unreachable', detail: { why: 'no-answer' } }]);
  });

  test.each([
    ['challenge', TYPE.reqChallenge],
    ['auth', TYPE.reqAuth],
  ])('when the AC refuses at the %s', async (at, type) => {
    const mood = (packet: { type: number }) =>
      packet.type === type ? ('refuse' as const) : ('answer' as const);
    const { portal, fakes, request, notices } = await bench({ ac: { mood } });
    expect(await portal.open(request)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(fakes.of('doors.confirmed')).toEqual([]);
    expect(notices).toMatchObject([{ code: 'door-failed', detail: { at, code: '1' } }]);
  });

  test('when RADIUS says no', async () => {
    const { portal, ac, request, notices } = await bench({ ac: { passwords: () => null } });
    expect(await portal.open(request)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(ac.inside(MAC)).toBe(false);
    expect(notices).toMatchObject([{ detail: { at: 'auth', code: '1', text: 'RC001' } }]);
  });

  test('when the AC holds another secret', async () => {
    const { portal, ac, request } = await bench({ secret: 'something-else' });
    expect(await portal.open(request)).toEqual({
      kind: 'shut',
      reason: 'unreachable',
      noted: true,
    });
    expect(ac.inside(MAC)).toBe(false);
  });

  test('when its answers are signed wrongly: nobody is let in, and the console is told why', async () => {
    const { portal, fakes, request, notices } = await bench({ ac: { mood: () => 'wrong-secret' } });
    expect(await portal.open(request)).toEqual({
      kind: 'shut',
      reason: 'unreachable',
      noted: true,
    });
    expect(fakes.of('doors.confirmed')).toEqual([]);
    expect(notices).toMatchObject([{ code: 'door-failed', detail: { why: 'wrong-secret' } }]);
  });

  test('when nobody is at the address', async () => {
    const { portal, ac, request } = await bench();
    await ac.join({ mac: MAC, ip: '10.0.0.99' });
    expect(await portal.open(request)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
  });

  test('when another login of this address is under way', async () => {
    const mood = ({ type }: { type: number }) =>
      type === TYPE.reqChallenge ? ('silence' as const) : ('answer' as const);
    const { portal, fakes, request } = await bench({ ac: { mood } });
    const first = portal.open(request);
    await new Promise((done) => setImmediate(done));
    Object.assign(fakes.ports.doors, { ticket: async () => ({ ...TICKET, username: 'g.other' }) });
    expect(await portal.open(request)).toEqual({ kind: 'shut', reason: 'stale' });
    expect(await first).toEqual({ kind: 'shut', reason: 'unreachable', noted: true });
  });

  test('an admission that is not affirmed is dropped by the AC', async () => {
    const { portal, ac, request } = await bench({
      ac: { affirmMs: 30, mood: ({ type }) => (type === TYPE.affAckAuth ? 'silence' : 'answer') },
    });
    await portal.open(request);
    await until(() => !ac.inside(MAC));
    expect(ac.inside(MAC)).toBe(false);
  });
});

describe('a link that is up already', () => {
  test('is fine when it is our own session', async () => {
    const { portal, ac, fakes, request } = await bench();
    await portal.open(request);
    const session = { sessionId: 's-1', guestId: 'g-1', state: 'active' as const, expiresAt: 0 };
    fakes.ports.desk.session = async () => session;
    expect(await portal.open(request)).toEqual({ kind: 'open' });
    await until(() => ac.heard.length === 4);
    expect(ac.heard).toEqual([1, 3, 7, 1]);
  });

  test('is asked about otherwise, and then counts as weakly as a landing', async () => {
    const { portal, ac, fakes, request } = await bench();
    await portal.open(request);
    expect(await portal.open({ ...request, grant: { ...GRANT, sessionId: 's-2' } })).toEqual({
      kind: 'open',
    });
    expect(ac.heard).toContain(TYPE.reqInfo);
    expect(fakes.of('doors.landed')).toEqual(['s-2']);
    expect(fakes.of('doors.confirmed')).toHaveLength(1);
  });

  test('of another device is neither taken nor cut', async () => {
    const { portal, ac, fakes, request } = await bench();
    await portal.open(request);
    const forged = { ...request.context, mac: '02:00:00:00:00:99' };
    const opening = await portal.open({
      ...request,
      context: forged,
      grant: { ...GRANT, sessionId: 's-3' },
    });
    expect(opening).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(ac.inside(MAC)).toBe(true);
    expect(fakes.of('doors.landed')).toEqual([]);
  });
});

describe('putting somebody out', () => {
  test('is done when the AC says so, and when it knows nobody there', async () => {
    const { portal, ac, request, target } = await bench();
    await portal.open(request);
    expect(await portal.kick?.(target)).toBe('done');
    expect(ac.inside(MAC)).toBe(false);
    expect(await portal.kick?.(target)).toBe('done');
  });

  test.each([
    ['failed', 'silence'],
    ['failed', 'refuse'],
    ['failed', 'wrong-secret'],
  ] as const)('is %s on %s', async (outcome, mood) => {
    const { portal, target } = await bench({
      ac: { mood: ({ type }) => (type === TYPE.reqLogout ? mood : 'answer') },
    });
    expect(await portal.kick?.(target)).toBe(outcome);
  });

  test('spares whoever got the address since', async () => {
    const { portal, ac, request, target } = await bench();
    await portal.open(request);
    const earlier = { ...target, sessionId: 's-0', mac: '02:00:00:00:00:99' };
    expect(await portal.kick?.(earlier)).toBe('done');
    expect(ac.inside(MAC)).toBe(true);
    expect(await portal.kick?.({ ...target, sessionId: 's-0' })).toBe('done');
    expect(ac.inside(MAC)).toBe(false);
  });

  test('without an address there are no means', async () => {
    const { portal, target } = await bench();
    expect(await portal.kick?.({ ...target, ip: null })).toBe('unable');
  });
});

describe('what the AC says unasked', () => {
  test('a logout ends the session and is acknowledged', async () => {
    const { portal, ac, request, reports } = await bench();
    await portal.open(request);
    await ac.leave(MAC);
    await until(() => reports.length > 0);
    expect(reports).toEqual([
      {
        kind: 'stop',
        mac: MAC,
        ip: GUEST.ip,
        nasSession: 'portal2-s-1',
        sessionId: 's-1',
        reason: 'user-request',
        at: expect.any(Number),
      },
    ]);
  });

  const LAST = 0x7777;

  /** What comes back before the answer to a good notice that is sent after it, or null. */
  async function said(
    { port, ac }: Awaited<ReturnType<typeof bench>>,
    bytes: Buffer,
    host = LOCAL,
  ) {
    const asker = createSocket('udp4');
    const other = host === LOCAL ? asker : createSocket('udp4');
    await new Promise<void>((done) => asker.bind(0, host, done));
    if (other !== asker) await new Promise<void>((done) => other.bind(0, LOCAL, done));
    const heard: Buffer[] = [];
    const last = (reply: Buffer) => reply.length > 6 && reply.readUInt16BE(4) === LAST;
    asker.on('message', (reply) => void (last(reply) || heard.push(reply)));
    const end = new Promise<void>((done) => other.on('message', (it) => last(it) && done()));
    asker.send(bytes, port, LOCAL);
    other.send(ac.sign({ type: TYPE.ntfLogout, serial: LAST, ip: '10.0.0.99' }), port, LOCAL);
    await end;
    asker.close();
    if (other !== asker) other.close();
    return heard[0] ?? null;
  }

  test('the recorded logout gets the recorded answer, though nobody knows the guest', async () => {
    const held = await bench();
    const notice = '02080000123600000a00001700000000d95d84d248aa01f402176c36f985c13f';
    const answer = await said(held, Buffer.from(notice, 'hex'));
    expect(answer?.toString('hex')).toBe(
      '020e0000123600000a0000170000000005789e16ac551db68de410e5ab221a55',
    );
    expect(held.reports).toEqual([]);
  });

  test.each([
    ['another secret', '02080000123600000a00001700000000d95d84d248aa01f402176c36f985c13e'],
    ['the other dialect', '02080000123600000a00001700000000'],
    ['an octet too much', '02080000123600000a00001700000000d95d84d248aa01f402176c36f985c13f00'],
    ['rubbish', 'ffffffffffffffffffffffffffffffffff'],
    ['nothing', ''],
  ])('silence for %s', async (_name, hex) => {
    const held = await bench();
    expect(await said(held, Buffer.from(hex, 'hex'))).toBeNull();
    expect(held.reports).toEqual([]);
  });

  test('silence for an address that nobody registered', async () => {
    const held = await bench();
    const notice = held.ac.sign({ type: TYPE.ntfLogout, serial: 7, ip: GUEST.ip });
    expect(await said(held, notice)).not.toBeNull();
    expect(await said(held, notice, '127.0.0.2')).toBeNull();
  });

  test('a reply that nobody waits for changes nothing', async () => {
    const held = await bench();
    expect(await said(held, held.ac.sign({ type: TYPE.ackAuth, ip: GUEST.ip }))).toBeNull();
    expect(held.fakes.of('doors.confirmed')).toEqual([]);
  });

  test('counters at the end, from the guest’s side', async () => {
    const { ac, reports } = await bench();
    const number = (value: number) => {
      const octets = Buffer.alloc(4);
      octets.writeUInt32BE(value);
      return octets;
    };
    const attributes = [
      { type: 0x0b, value: Buffer.from('020000000050', 'hex') },
      { type: 0x35, value: number(480) },
      { type: 0x39, value: number(1) },
      { type: 0x36, value: number(518) },
      { type: 0x33, value: number(61) },
    ];
    ac.shout(ac.sign({ type: TYPE.ntfUserLogout, serial: 9, ip: GUEST.ip, attributes }));
    await until(() => reports.length > 0);
    expect(reports).toMatchObject([
      { kind: 'stop', mac: MAC, bytesOut: 2 ** 32 + 480, bytesIn: 518, seconds: 61 },
    ]);
  });
});

describe('a known device comes back', () => {
  const known = { decision: { accept: true, grant: GRANT } as const };

  test('and is let in without a page', async () => {
    const { ac, notices } = await bench({ settings: { macBinding: true }, ...known });
    expect(await ac.comeBack(GUEST)).toBe(0);
    await until(() => ac.inside(MAC));
    expect(ac.inside(MAC)).toBe(true);
    await until(() => notices.length > 0);
    expect(notices).toMatchObject([{ code: 'door-opened', detail: { by: 'mac-binding' } }]);
  });

  test('and is sent to the page when the merchant did not ask for more', async () => {
    const { ac } = await bench(known);
    expect(await ac.comeBack(GUEST)).toBe(1);
    expect(ac.heard).toEqual([]);
  });

  test('and is sent to the page when the house does not know it', async () => {
    const { ac } = await bench({ settings: { macBinding: true } });
    expect(await ac.comeBack(GUEST)).toBe(1);
    expect(ac.inside(MAC)).toBe(false);
  });
});

describe('redirects', () => {
  const ac = (more: Partial<RegisteredGateway> = {}): RegisteredGateway => ({
    id: 'gw-ac',
    kind: 'portal2',
    name: 'AC-1',
    secret: 'x',
    portal2: {
      host: '10.9.9.9',
      port: 2000,
      version: 2,
      auth: 'chap',
      sendChallenge: true,
      macBinding: false,
    },
    ...more,
  });
  const named = (parameters: NonNullable<Portal2Settings['parameters']>) =>
    ac({ portal2: { ...ac().portal2!, parameters } });
  const portal = createPortal2(makeFakes().ports);
  const read = (query: string, gateways = [ac()], networkIp = '203.0.113.5') =>
    portal.read(new URLSearchParams(query), fakeStore({ gateways }), {
      url: `http://portal.example/p/harbour?${query}`,
      method: 'GET',
      networkIp,
    });

  const seen = { mac: MAC, ip: '10.0.0.23' };
  test.each<[string, string, object]>([
    [
      'Huawei',
      'wlanuserip=10.0.0.23&wlanacname=AC-1&wlanusermac=0200-0000-0050&ssid=Cafe&wlanuserfirsturl=http%3A%2F%2Fa.example%2F',
      { ...seen, ssid: 'Cafe', originUrl: 'http://a.example/' },
    ],
    ['H3C', 'userip=10.0.0.23&usermac=02-00-00-00-00-50&nasip=10.9.9.9&userurl=x', seen],
    [
      'Ruijie',
      'wlanuserip=10.0.0.23&wlanacname=ac-1&ssid=Cafe&nasip=10.9.9.9&mac=020000000050&t=wireless-v2',
      seen,
    ],
    [
      'ZTE',
      'wlanuserip=10.0.0.23&wlanacip=10.9.9.9&mac=02:00:00:00:00:50&ap-mac=aa-bb-cc-dd-ee-ff',
      { ...seen, ap: 'aa:bb:cc:dd:ee:ff' },
    ],
    ['an unnamed only AC', 'wlanuserip=10.0.0.23&mac=02:00:00:00:00:50', seen],
  ])('%s', (_name, query, context) =>
    expect(read(query)).toMatchObject({ kind: 'known', context: { kind: 'portal2', ...context } }),
  );

  test('names of the operator’s own choice', () => {
    const own = named({ ip: 'uaddress', mac: 'umac', nas: 'acn', url: 'start' });
    const query = 'uaddress=10.0.0.23&umac=020000000050&acn=AC-1&start=http://a.example/';
    expect(read(query, [own])).toMatchObject({ kind: 'known', context: seen });
    expect(read('wlanuserip=10.0.0.23&mac=020000000050', [own])).toMatchObject({ kind: 'refused' });
  });

  test('two ACs are told apart by name or address', () => {
    const two = [ac(), ac({ id: 'gw-2', name: 'AC-2' })];
    const query = 'wlanuserip=10.0.0.23&mac=020000000050';
    expect(read(`${query}&wlanacname=AC-2`, two)).toMatchObject({ gateway: { id: 'gw-2' } });
    expect(read(query, two)).toMatchObject({ kind: 'refused', reason: 'unknown-gateway' });
  });

  test('a shared network without NAT gives the address away', () => {
    const query = 'wlanacname=AC-1&mac=020000000050';
    expect(read(query, [ac()], '10.0.0.77')).toMatchObject({ context: { ip: '10.0.0.77' } });
    expect(read(query)).toMatchObject({ reason: 'malformed', detail: { parameter: 'ip' } });
  });

  test.each([
    [
      'an AC nobody registered',
      'wlanuserip=10.0.0.23&mac=020000000050&wlanacname=X',
      'unknown-gateway',
    ],
    ['no MAC', 'wlanuserip=10.0.0.23&wlanacname=AC-1', 'malformed'],
    ['an encrypted MAC', 'wlanuserip=10.0.0.23&wlanacname=AC-1&mac=3F2A9C', 'malformed'],
    ['an encoded address', 'wlanuserip=9f8e7d&wlanacname=AC-1&mac=020000000050', 'malformed'],
    ['a loopback address', 'wlanuserip=127.0.0.1&wlanacname=AC-1&mac=020000000050', 'malformed'],
    ['a group address', 'wlanuserip=224.0.0.1&wlanacname=AC-1&mac=020000000050', 'malformed'],
  ])('%s is refused', (_name, query, reason) =>
    expect(read(query)).toMatchObject({ kind: 'refused', reason }),
  );

  test.each([
    'gw=x&mac=02:00:00:00:00:50&ip=10.0.0.5',
    'fas=aGlk',
    'j=x',
    '',
    'uamip=10.1.0.1&userip=1',
  ])('“%s” is of another kind', (query) => expect(read(query)).toEqual({ kind: 'absent' }));

  test('stores without such an AC know none', () =>
    expect(read('wlanuserip=10.0.0.23&mac=020000000050', [])).toMatchObject({
      kind: 'refused',
      reason: 'unknown-gateway',
    }));
});
