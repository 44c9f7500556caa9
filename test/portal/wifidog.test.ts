/** WiFiDog gateways before the portal, as the real program calls it: who gets in, who stays, who must not. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import { codeIn, rawCall, startWifidog } from '../support/emulators/wifidog.ts';
import type { WifidogEmulator } from '../support/emulators/wifidog.ts';
import type { Wire } from './wire.ts';
import { startWire } from './wire.ts';

const DOG: RegisteredGateway = {
  id: 'gw-dog',
  kind: 'wifidog',
  name: 'store42',
  secret: 'dogsecret0123456789abcdef',
};
const ADA = { mac: '02:00:00:00:00:50', ip: '192.168.77.162', url: 'http://captive.test/a?b=1' };
const BOB = { mac: '02:00:00:00:00:51', ip: '192.168.77.163' };

const FILE = path.join(import.meta.dirname, '../fixtures/gateways/wifidog-1.3.json');
const recorded = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>;

let wire: Wire;
let dog: WifidogEmulator;

async function start(more: Partial<RegisteredGateway> = {}): Promise<void> {
  wire = await startWire([{ ...DOG, ...more }]);
  const [gateway = DOG] = wire.store.gateways;
  dog = await startWifidog({ portal: wire.url, slug: wire.store.slug, gateway });
}

afterEach(async () => {
  await dog.close();
  await wire.close();
});

const base = () => `/wd/${wire.store.slug}/${DOG.secret}`;
const asks = (query: string) => rawCall(wire.url, `${base()}/auth/?${query}&gw_id=store42`);
const tokenOf = (mac: string) => dog.clients.get(mac)?.token ?? '';

describe('a guest behind WiFiDog', () => {
  test('walks in, is counted, and leaves', async () => {
    await start();
    const welcome = await wire.walkIn(await dog.join(ADA));
    expect(welcome.heading).toBe('You are online');
    expect(dog.inside(ADA.mac)).toBe(true);
    const token = tokenOf(ADA.mac);
    expect(token).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(wire.fakes.of('doors.claim')).toEqual([
      { gatewayId: 'gw-dog', token, mac: ADA.mac, ip: ADA.ip },
    ]);

    dog.traffic(ADA.mac, 2_831, 1_073);
    await dog.tick();
    expect(wire.fakes.of('doors.report')).toMatchObject([
      { kind: 'interim', mac: ADA.mac, nasSession: token, bytesIn: 2_831, bytesOut: 1_073 },
    ]);
    expect(dog.inside(ADA.mac)).toBe(true);
    expect(wire.fakes.of('doors.heard')).toEqual(['gw-dog']);

    await dog.leave(ADA.mac);
    expect(wire.fakes.of('doors.report').at(-1)).toMatchObject({
      kind: 'stop',
      nasSession: token,
      reason: 'logout',
    });
  });

  test('is put out at the next report once the time is over, and the session is closed here', async () => {
    await start();
    await wire.walkIn(await dog.join(ADA));
    wire.fakes.pass(3 * 3_600_000);
    dog.traffic(ADA.mac, 5, 6);
    await dog.tick();
    expect(dog.inside(ADA.mac)).toBe(false);
    expect(wire.fakes.of('doors.report').at(-1)).toMatchObject({
      kind: 'stop',
      reason: 'session-timeout',
      bytesIn: 5,
      bytesOut: 6,
    });
  });

  test('stays while the house is away, and whoever is unknown then is left as they are', async () => {
    await start();
    await wire.walkIn(await dog.join(ADA));
    for (const port of ['desk.store', 'doors.report', 'doors.claim', 'doors.heard'])
      wire.fakes.broken.add(port);
    await dog.tick();
    expect(dog.inside(ADA.mac)).toBe(true);
    expect(codeIn(dog.answers.at(-1)?.text ?? '')).toBe(1);
    const stranger = await asks(`stage=counters&ip=1.2.3.4&mac=${BOB.mac}&token=${'x'.repeat(32)}`);
    expect(stranger).toContain('Auth: -1');
    wire.fakes.pass(3 * 3_600_000);
    await dog.tick();
    expect(dog.inside(ADA.mac)).toBe(false);
  });

  test('who was admitted before the house went away still gets in, and is told of later', async () => {
    await start();
    wire.fakes.broken.add('doors.claim');
    await wire.walkIn(await dog.join(ADA));
    expect(dog.inside(ADA.mac)).toBe(true);
    expect(wire.fakes.of('doors.claim')).toEqual([]);
    const copied = `stage=login&ip=${BOB.ip}&mac=${BOB.mac}&token=${tokenOf(ADA.mac)}`;
    expect(await asks(copied)).toContain('Auth: 0');
    wire.fakes.broken.clear();
    await dog.tick();
    expect(wire.fakes.of('doors.claim')).toHaveLength(1);
    expect(dog.inside(ADA.mac)).toBe(true);
  });
});

describe('what a token is good for', () => {
  async function admitted(): Promise<string> {
    await start();
    await wire.walkIn(await dog.join(ADA));
    return tokenOf(ADA.mac);
  }

  test('another device that shows it is turned away, before and after its own', async () => {
    const token = await admitted();
    const login = (mac: string) => asks(`stage=login&ip=${BOB.ip}&mac=${mac}&token=${token}`);
    expect(await login(BOB.mac)).toContain('Auth: 0');
    expect(await login(ADA.mac)).toContain('Auth: 1');
  });

  test.each([
    ['that keeps claims', true],
    ['that keeps none', false],
  ])('at a house %s a MAC that the redirect did not name opens nothing', async (_how, claims) => {
    await start();
    if (!claims) delete wire.fakes.ports.doors.claim;
    await dog.join(BOB);
    const redirect = (await dog.join(ADA)).replace(ADA.mac, '02:00:00:00:00:99');
    await wire.walkIn(redirect);
    expect(dog.inside(ADA.mac)).toBe(false);
    expect(codeIn(dog.answers[0]?.text ?? '')).toBe(0);
  });

  test('a guest turned away twice is told to join again instead of going round', async () => {
    await start();
    const redirect = (await dog.join(ADA)).replace(ADA.mac, '02:00:00:00:00:99');
    const end = await wire.walkIn(redirect);
    expect(end.heading).toBe('Let us start again');
    expect(dog.answers.filter(({ call }) => call.startsWith('/auth/'))).toHaveLength(2);
  });

  test.each([
    ['none', 'stage=login&ip=10.0.0.1&mac=02:00:00:00:00:50&token='],
    ['too short', 'stage=login&ip=10.0.0.1&mac=02:00:00:00:00:50&token=abc'],
    ['with a blank, as in the recorded call', `stage=counters&mac=${ADA.mac}&token=tok+ABC123`],
    ['never made here', `stage=login&ip=10.0.0.1&mac=${ADA.mac}&token=${'A'.repeat(32)}`],
    ['without a MAC', `stage=login&ip=10.0.0.1&token=${'A'.repeat(32)}`],
  ])('a token %s is denied', async (_name, query) => {
    await start();
    expect(await asks(query)).toContain('Auth: 0');
  });

  test('an unknown stage changes nothing', async () => {
    await start();
    expect(await asks('stage=reboot')).toContain('Auth: -1');
  });
});

describe('what travels', () => {
  test('answers are short, plain and closed, and say Auth once', async () => {
    await start();
    await wire.walkIn(await dog.join(ADA));
    await dog.tick();
    for (const { call, text } of dog.answers) {
      expect(text.length).toBeLessThan(600);
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      expect(text).toMatch(/Content-Type: text\/plain\r\n/);
      expect(text).toMatch(/Connection: close\r\n/);
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      expect(body).toMatch(call.startsWith('/ping') ? /^Pong$/ : /^Auth: [015]$/);
      expect(text.split('Auth: ').length - 1).toBe(call.startsWith('/ping') ? 0 : 1);
    }
  });

  test('recorded calls are understood', async () => {
    await start();
    const said = (path: string, query = '') => rawCall(wire.url, `${base()}/${path}/?${query}`);
    expect(await said('ping', recorded['ping'])).toMatch(/\r\n\r\nPong$/);
    expect(await said('auth', recorded['counters'])).toMatch(/\r\n\r\nAuth: 0$/);
  });
});

describe('who may ask', () => {
  test.each([
    ['another secret', '/wd/harbour/wrong-secret-000000/auth/?stage=login&gw_id=store42'],
    ['another name', `/wd/harbour/${DOG.secret}/auth/?stage=login&gw_id=other`],
    ['another store', `/wd/elsewhere/${DOG.secret}/auth/?stage=login&gw_id=store42`],
    ['no secret at all', '/wd/harbour/x/ping/?gw_id=store42'],
  ])('%s is no gateway of ours', async (_name, path) => {
    await start();
    const text = await rawCall(wire.url, path);
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(text).not.toContain('Auth: ');
    expect(text).not.toContain('Pong');
  });

  test('only from its own addresses', async () => {
    await start({ sources: ['203.0.113.0/24'] });
    expect(await dog.ping()).toBe(false);
    await dog.close();
    await wire.close();
    await start({ sources: ['203.0.113.0/24', '127.0.0.0/8'] });
    expect(await dog.ping()).toBe(true);
  });

  test('guessing does not keep the house busy, and locks out no gateway behind the same address', async () => {
    await start();
    const lookups = () => wire.fakes.of('desk.store').length;
    for (let n = 0; n < 60; n++)
      await rawCall(wire.url, `/wd/harbour/guess-number-${n}-0/ping/?gw_id=store42`);
    const before = lookups();
    for (let n = 0; n < 20; n++) {
      await rawCall(wire.url, `/wd/harbour/guess-number-${n}-1/ping/?gw_id=store42`);
      await rawCall(wire.url, `/wd/nowhere/guess-number-${n}-1/ping/?gw_id=store42`);
    }
    expect(lookups() - before).toBeLessThanOrEqual(6);
    expect(await dog.ping()).toBe(true);
  });
});

describe('its redirect', () => {
  const at = (query: string) => `${wire.url}${base()}/login/?${query}`;
  const GOOD = `gw_address=192.168.77.1&gw_port=2060&gw_id=store42&ip=192.168.77.162&mac=${ADA.mac}&url=http%3a%2f%2fa.test%2f`;

  test.each<[string, string, number]>([
    ['as it comes', GOOD, 200],
    ['with a name nobody registered', GOOD.replace('store42', 'other'), 403],
    ['with a door out in the world', GOOD.replace('192.168.77.1', '6.6.6.6'), 403],
    ['with a door that is no address', GOOD.replace('192.168.77.1', 'evil.example'), 403],
    ['with a door at a name inside an address', GOOD.replace('2060', '80@evil.example'), 403],
    ['without a MAC', GOOD.replace(`mac=${ADA.mac}`, 'mac='), 403],
    ['without anything', '', 200],
  ])('%s', async (_name, query, status) => {
    await start();
    expect((await wire.browse(at(query))).status).toBe(status);
  });

  test('guests need not see the gateway’s secret', async () => {
    await start();
    const sight = await wire.browse(`${wire.url}/wd/harbour/login/?${GOOD}`);
    expect(sight.html).not.toContain(DOG.secret);
    expect(sight.status).toBe(200);
  });

  test('with the house away, the portal’s own page says so and keeps the address', async () => {
    await start();
    wire.fakes.broken.add('desk.store');
    const sight = await wire.browse(at(GOOD));
    expect(sight.status).toBe(503);
    wire.fakes.broken.clear();
    expect((await wire.browse(sight.url)).status).toBe(200);
  });

  test('a portal page for nobody in particular says that the device is inside', async () => {
    await start();
    const sight = await wire.browse(`${wire.url}${base()}/portal/?gw_id=store42&token=unknown`);
    expect(sight.heading).toBe('You are online');
  });
});
