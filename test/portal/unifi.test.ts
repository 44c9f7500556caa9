/** UniFi: redirects, both of its APIs against an emulated controller, and the controller's bad days. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { LINE_DEFAULTS } from '../../portal/gateways/controller-http.ts';
import { createUnifi } from '../../portal/gateways/unifi.ts';
import { admittanceOf } from '../../portal/gateways/unifi-api.ts';
import type { UnifiOptions } from '../../portal/gateways/unifi-controllers.ts';
import { csrfOf } from '../../portal/gateways/unifi-legacy.ts';
import type { KickTarget } from '../../portal/ports-network.ts';
import type { RegisteredGateway, UnifiSettings } from '../../portal/ports-store.ts';
import { doorBench } from '../support/door-bench.ts';
import { startUnifi } from '../support/emulators/unifi.ts';
import type { Mood, UnifiOptions as EmulatorSettings } from '../support/emulators/unifi.ts';

const MAC = '02:00:00:00:00:60';
const GUEST = { mac: MAC, ip: '10.0.0.23', url: 'http://a.test/' };
const PATIENT: UnifiOptions = {
  line: LINE_DEFAULTS,
  pace: { tries: 2, betweenMs: 10 },
  status: { everyMs: 10, forMs: 10_000 },
  grantMs: 12_000,
};
/** Where nothing comes, and nothing is waited for. */
const HASTY = { ...LINE_DEFAULTS, timeoutMs: 400 };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const LEGACY = { api: 'legacy', username: 'foyer', password: 'controller password' } as const;
const OFFICIAL = { api: 'official', apiKey: 'key-of-the-network' } as const;

interface Setup {
  settings: Partial<UnifiSettings>;
  controller?: Partial<EmulatorSettings>;
  options?: Partial<UnifiOptions>;
  /** What is registered wrongly: the controller keeps the other settings. */
  wrong?: Partial<UnifiSettings>;
}

async function controllerBench({ settings, controller = {}, options = {}, wrong = {} }: Setup) {
  const unifi: UnifiSettings = { url: '', api: 'legacy', site: 'default', ...settings };
  const gateway: RegisteredGateway = { id: 'gw-uf', kind: 'unifi', name: 'shop', unifi };
  const portal = 'https://portal.example';
  const held = await startUnifi({ portal, slug: 'harbour', gateway, ...controller });
  closers.push(() => held.close());
  const registered = { ...unifi, url: held.url, fingerprint: held.fingerprint, ...wrong };
  const bench = doorBench((ports) => createUnifi(ports, { ...PATIENT, ...options }), {
    ...gateway,
    unifi: registered,
  });
  const context = bench.contextOf(await held.join(GUEST));
  const target: KickTarget = {
    store: bench.store,
    gateway: bench.gateway,
    sessionId: 's-1',
    mac: MAC,
    ip: null,
    userName: null,
    token: null,
    nasSessions: [],
    reason: 'staff',
  };
  return { ...bench, held, context, target };
}

describe('redirects', () => {
  const unifi: UnifiSettings = { url: 'https://c.example', site: 'default', ...LEGACY };
  const SHOP: RegisteredGateway = { id: 'gw-uf', kind: 'unifi', name: 'shop', unifi };
  const bench = (more: RegisteredGateway[] = []) =>
    doorBench((ports) => createUnifi(ports), SHOP, more);
  const query = `id=02-00-00-00-00-60&ap=78:8A:20:59:C6:99&t=1795299140&url=http://a.test/&ssid=Guest`;

  test.each([
    `https://portal.example/guest/s/default/?${query}`,
    `https://portal.example/guest/s/default?${query}`,
    `https://portal.example/p/harbour?${query}`,
  ])('%s', (url) => {
    expect(bench().readUrl(url)).toEqual({
      kind: 'known',
      gateway: SHOP,
      context: {
        gatewayId: 'gw-uf',
        kind: 'unifi',
        mac: MAC,
        ip: '',
        ap: '78:8a:20:59:c6:99',
        ssid: 'Guest',
        originUrl: 'http://a.test/',
      },
    });
  });

  test('of a site that is not registered', () => {
    const reading = bench().readUrl(`https://portal.example/guest/s/other/?${query}`);
    const detail = { called: 'other' };
    expect(reading).toEqual({ kind: 'refused', reason: 'unknown-gateway', detail });
  });

  test('of two controllers with one site name go by the access point', () => {
    const aps = ['78:8a:20:59:c6:99'];
    const second: RegisteredGateway = { ...SHOP, id: 'gw-2', unifi: { ...unifi, aps } };
    const reading = bench([second]).readUrl(`https://portal.example/guest/s/default/?${query}`);
    expect(reading).toMatchObject({ gateway: { id: 'gw-2' } });
  });

  test.each([
    ['id=nobody&ap=78:8a:20:59:c6:99&t=1', 'refused'],
    ['ap=78:8a:20:59:c6:99&t=1', 'absent'],
    ['id=02:00:00:00:00:60', 'absent'],
  ])('%s: %s', (fields, kind) => expect(bench().read(fields).kind).toBe(kind));
});

test.each([
  [{ minutes: 90 }, { minutes: 90 }],
  [{ minutes: 0 }, { minutes: 525_600 }],
  [
    { upKbps: 512, downKbps: 2048 },
    { upKbps: 512, downKbps: 2048 },
  ],
  [{ downQuotaKB: 102_400 }, { megabytes: 100 }],
  [{ downQuotaKB: 1, upQuotaKB: 0 }, { megabytes: 1 }],
  [{ downQuotaKB: 102_400, upQuotaKB: 51_200 }, { megabytes: 150 }],
])('a grant of %j in the controller’s units', (grant, wanted) => {
  const none = { minutes: 1, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
  const minutes = 'minutes' in wanted ? wanted.minutes : 1;
  expect(admittanceOf(MAC, undefined, { ...none, ...grant })).toEqual({
    mac: MAC,
    ...wanted,
    minutes,
  });
});

test.each([
  ['TOKEN=h.eyJjc3JmVG9rZW4iOiJhYmMifQ.s', undefined, 'abc'],
  ['x=1; TOKEN=h.eyJjc3JmVG9rZW4iOiJhYmMifQ.s; y=2', undefined, 'abc'],
  ['TOKEN=h.eyJjc3JmVG9rZW4iOiJhYmMifQ.s', 'newer', 'newer'],
  ['TOKEN=h.bm90IGpzb24.s', undefined, null],
  ['TOKEN=nodots', undefined, null],
  ['unifises=1', undefined, null],
])('the token against forgery in %s and %s', (cookie, header, wanted) => {
  expect(csrfOf(cookie, header)).toBe(wanted);
});

describe.each([
  ['classic', { settings: LEGACY }],
  ['UniFi OS', { settings: LEGACY, controller: { os: true } }],
  ['the published API', { settings: OFFICIAL, controller: { os: true } }],
  [
    'a key that may not list, with credentials to fall back on',
    { settings: { ...LEGACY, ...OFFICIAL }, controller: { os: true, keyCannotList: true } },
  ],
] as [string, Setup][])('%s', (_name, setup) => {
  test('lets a guest in with all limits, and says so', async () => {
    const { open, context, held, fakes } = await controllerBench(setup);
    const limits = { upKbps: 512, downKbps: 2048, upQuotaKB: 0, downQuotaKB: 204_800 };
    expect(await open(context, limits)).toEqual({ kind: 'open' });
    expect(held.inside(MAC)).toBe(true);
    const said = held.guests.get(MAC)?.limits ?? {};
    const minutes = said['minutes'] ?? said['timeLimitMinutes'];
    const down = said['down'] ?? said['rxRateLimitKbps'];
    const up = said['up'] ?? said['txRateLimitKbps'];
    const megabytes = said['bytes'] ?? said['dataUsageLimitMBytes'];
    expect({ minutes, down, up, megabytes }).toEqual({
      minutes: 60,
      down: 2048,
      up: 512,
      megabytes: 200,
    });
    expect(fakes.of('doors.deposit')).toMatchObject([{ gatewayId: 'gw-uf', sessionId: 's-1' }]);
    expect(fakes.of('doors.confirmed')).toEqual([{ gatewayId: 'gw-uf', rhids: ['unifi-s-1'] }]);
  });

  test('keeps one session for many guests', async () => {
    const { kind, request, context, held } = await controllerBench(setup);
    const guests = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const mac = `02:00:00:00:01:${String(n).padStart(2, '0')}`;
        await held.join({ mac, ip: '10.0.0.9' });
        return kind.open(request({ ...context, mac }, { sessionId: `s-${n}` }));
      }),
    );
    expect(new Set(guests.map((opening) => opening.kind))).toEqual(new Set(['open']));
    expect(held.heard.filter((line) => line.endsWith('login')).length).toBeLessThanOrEqual(1);
  });

  test('lists who is in, with what they used, and puts them out', async () => {
    const { kind, open, context, held, store, gateway, target } = await controllerBench(setup);
    expect(await kind.poll?.(store, gateway)).toEqual([]);
    await open(context);
    held.traffic(MAC, 5_000, 700);
    const listed = await kind.poll?.(store, gateway);
    expect(listed).toHaveLength(1);
    expect(listed?.[0]).toMatchObject({ mac: MAC, bytesIn: 5_000, bytesOut: 700 });
    expect(await kind.kick?.(target)).toBe('done');
    expect(held.inside(MAC)).toBe(false);
    expect(await kind.poll?.(store, gateway)).toEqual([]);
  });

  test('nobody of that name is as good as put out', async () => {
    const { kind, target } = await controllerBench(setup);
    expect(await kind.kick?.({ ...target, mac: '02:00:00:00:00:99' })).toBe('done');
  });

  test('waits until the access point follows, and notes one that does not', async () => {
    const slow = { ...setup.controller, slow: 3 };
    const soon = await controllerBench({ ...setup, controller: slow });
    expect(await soon.open(soon.context)).toEqual({ kind: 'open' });
    expect(soon.notices()).toEqual([]);
    const never = await controllerBench({
      ...setup,
      controller: { ...slow, slow: 10_000 },
      options: { status: { everyMs: 10, forMs: 400 } },
    });
    expect(await never.open(never.context)).toEqual({ kind: 'open' });
    expect(never.notices()).toMatchObject([{ code: 'door-slow' }]);
  });
});

describe('bad days', () => {
  const onGrant = (mood: Mood) => (asked: { path: string }) =>
    /stamgr|actions/.test(asked.path) ? mood : 'answer';

  test.each([
    ['hang', 'unreachable', 'too late'],
    ['error', 'unreachable', 'status 500'],
    ['huge', 'unreachable', 'reply too long'],
    ['garbage', 'refused', 'status 200'],
    ['invalid', 'refused', 'api.err.Invalid'],
  ] as const)('%s: shut, %s, and why', async (mood, reason, says) => {
    const options = mood === 'hang' ? { line: HASTY } : {};
    const setup = { settings: LEGACY, controller: { mood: onGrant(mood) }, options };
    const { open, context, notices, held, fakes } = await controllerBench(setup);
    expect(await open(context)).toEqual({ kind: 'shut', reason, noted: true });
    expect(held.inside(MAC)).toBe(false);
    expect(fakes.of('doors.confirmed')).toEqual([]);
    expect(notices()).toMatchObject([{ code: `controller-${reason}`, detail: { says } }]);
    expect(JSON.stringify(notices())).not.toContain(MAC);
  });

  test.each([
    ['nobody listens', { url: 'https://127.0.0.1:9' }, 'ECONNREFUSED'],
    ['another certificate', { fingerprint: 'ab'.repeat(32) }, /^another certificate [0-9a-f]{64}$/],
    [
      'a certificate nobody signed',
      { fingerprint: undefined },
      /^DEPTH_ZERO_SELF_SIGNED_CERT [0-9a-f]{64}$/,
    ],
    ['metadata of a cloud', { url: 'https://169.254.169.254' }, 'address refused'],
    ['the same by name of its number', { url: 'https://2852039166' }, 'address refused'],
    ['a mapped address', { url: 'https://[::ffff:169.254.169.254]' }, 'address refused'],
  ])('%s: unreachable, and nothing is said there', async (_name, wrong, says) => {
    const { open, context, notices, held } = await controllerBench({ settings: LEGACY, wrong });
    expect(await open(context)).toEqual({ kind: 'shut', reason: 'unreachable', noted: true });
    const [{ code, detail }] = notices() as [{ code: string; detail: { says: string } }];
    expect([code, detail.says]).toEqual(['controller-unreachable', expect.stringMatching(says)]);
    expect(held.heard).toEqual([]);
  });

  test('a wrong password is tried once, not by every guest', async () => {
    const setup = { settings: LEGACY, wrong: { password: 'wrong' } };
    const { open, context, notices, held } = await controllerBench(setup);
    expect(await open(context)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(await open(context)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(held.heard.filter((line) => line.endsWith('/api/login'))).toHaveLength(1);
    expect(JSON.stringify(notices())).not.toContain('wrong');
  });

  test.each([false, true])('a forgotten session is made anew (UniFi OS: %s)', async (os) => {
    let forget = false;
    const mood = (asked: { path: string }): Mood => {
      const lost = forget && asked.path.endsWith('stamgr');
      if (lost) forget = false;
      return lost ? 'lost-session' : 'answer';
    };
    const { open, context, held } = await controllerBench({
      settings: LEGACY,
      controller: { os, mood },
    });
    expect(await open(context)).toEqual({ kind: 'open' });
    forget = true;
    expect(await open(context, { sessionId: 's-2' })).toEqual({ kind: 'open' });
    expect(held.heard.filter((line) => line.endsWith('login'))).toHaveLength(2);
  });

  test('an API key that is not known is refused', async () => {
    const setup = {
      settings: OFFICIAL,
      controller: { os: true },
      wrong: { apiKey: 'another-key' },
    };
    const { open, context, notices } = await controllerBench(setup);
    expect(await open(context)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(notices()).toMatchObject([{ detail: { says: 'status 401' } }]);
  });

  test('a site that the controller does not have', async () => {
    const setup = { settings: OFFICIAL, wrong: { site: 'default' }, controller: {} };
    const bench = await controllerBench({
      ...setup,
      settings: { ...OFFICIAL, site: 'elsewhere' },
      wrong: {},
    });
    const wrong = { ...bench.gateway, unifi: { ...bench.gateway.unifi!, site: 'default' } };
    const opening = await bench.kind.open({ ...bench.request(bench.context), gateway: wrong });
    expect(opening).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(bench.notices()).toMatchObject([{ detail: { says: 'unknown site' } }]);
  });

  test('a guest who is not connected cannot be let in by the published API', async () => {
    const setup = { settings: OFFICIAL, controller: { os: true } };
    const { open, context, notices } = await controllerBench(setup);
    const stranger = { ...context, mac: '02:00:00:00:00:99' };
    expect(await open(stranger)).toEqual({ kind: 'shut', reason: 'refused', noted: true });
    expect(notices()).toMatchObject([{ detail: { says: 'client not connected' } }]);
  });

  test('pressing twice asks the controller once', async () => {
    const { kind, request, context, held } = await controllerBench({ settings: LEGACY });
    const both = [kind.open(request(context)), kind.open(request(context))];
    expect(await Promise.all(both)).toEqual([{ kind: 'open' }, { kind: 'open' }]);
    expect(held.heard.filter((line) => line.endsWith('stamgr'))).toHaveLength(1);
  });

  test('a grant older than the list of guests is still held', async () => {
    const { kind, open, context, held, store, gateway } = await controllerBench({
      settings: LEGACY,
    });
    await open(context, { minutes: 0 });
    const guest = held.guests.get(MAC);
    if (guest !== undefined) guest.start -= 30 * 86_400;
    held.traffic(MAC, 5, 5);
    expect(await kind.poll?.(store, gateway)).toEqual([{ mac: MAC }]);
  });

  test('a kick that the controller does not take is said to have failed', async () => {
    const setup = { settings: LEGACY, controller: { mood: onGrant('error') } };
    const { kind, target, notices } = await controllerBench(setup);
    expect(await kind.kick?.(target)).toBe('failed');
    expect(notices()).toMatchObject([{ code: 'kick-failed' }]);
  });

  test('a crowd before a controller that hangs is turned away, not piled up', async () => {
    const line = { ...HASTY, parallel: 1, queue: 2 };
    const setup = { settings: LEGACY, controller: { mood: () => 'hang' as const } };
    const { kind, request, context, notices } = await controllerBench({
      ...setup,
      options: { line },
    });
    const crowd = Array.from({ length: 9 }, (_, n) =>
      kind.open(request(context, { sessionId: `s-${n}` })),
    );
    const ends = await Promise.all(crowd);
    expect(new Set(ends.map((end) => end.kind))).toEqual(new Set(['shut']));
    expect(notices()).toHaveLength(9);
  });
});
