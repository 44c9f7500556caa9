/** Whole logins over HTTP: a plain browser, the portal over ports in memory, emulated equipment, and real RADIUS between them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import { createPortal } from '../../portal/router.ts';
import type { OpenPorts } from '../../portal/equipment.ts';
import type { RadiusSettings, RegisteredGateway } from '../../portal/ports.ts';
import type { KickTarget } from '../../portal/ports-network.ts';
import type { Emulator, EmulatorOptions } from '../support/emulators/emulator.ts';
import { startCoova } from '../support/emulators/coova.ts';
import { closeServer } from '../support/emulators/doors.ts';
import { startMeraki } from '../support/emulators/meraki.ts';
import { startMikrotik } from '../support/emulators/mikrotik.ts';
import { startUnifi } from '../support/emulators/unifi.ts';
import { fakeStore, makeFakes } from '../support/fakes.ts';
import { plainBrowser } from '../support/plain-browser.ts';
import type { PlainBrowser, Sheet } from '../support/plain-browser.ts';
import { settings } from './phone.ts';

const MAC = '02:00:00:00:00:50';
const GUEST = { mac: MAC, ip: '10.0.0.23', url: 'http://a.test/' };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const RADIUS: RadiusSettings = {
  secret: 'a radius secret of the tests',
  sources: ['127.0.0.1'],
  nasIds: [],
  profile: 'plain',
  messageAuthenticator: 'learn',
  interimSeconds: 60,
};
const COOVA: RegisteredGateway = {
  id: 'gw-coova',
  kind: 'coova',
  name: 'shop-chilli',
  secret: 'uamsecretofthetests',
  hosts: ['127.0.0.1'],
  radius: { ...RADIUS, profile: 'coova' },
};
const ROUTER: RegisteredGateway = {
  id: 'gw-mt',
  kind: 'mikrotik',
  name: 'shop-router',
  hosts: ['127.0.0.1'],
  radius: { ...RADIUS, profile: 'mikrotik', messageAuthenticator: 'off' },
};

/** A portal on a port of its own, its equipment doors open. */
async function house(gateway: RegisteredGateway) {
  const store = fakeStore({ gateways: [gateway], methods: ['click-through'], questions: [] });
  const fakes = makeFakes({ stores: [store], clock: Date.now });
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => closeServer(server));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const portal = createPortal(fakes.ports, settings({ publicUrl: url }));
  app.use(portal.router);
  const ports = await portal.equipment.listen({
    host: '127.0.0.1',
    radius: { authPort: 0, acctPort: 0 },
  });
  closers.push(() => portal.equipment.close());
  return { store, fakes, url, portal, options: optionsFor(url, gateway, ports) };
}

function optionsFor(portal: string, gateway: RegisteredGateway, ports: OpenPorts): EmulatorOptions {
  const { radiusAuth: authPort = 0, radiusAcct: acctPort = 0 } = ports;
  const radius = { host: '127.0.0.1', authPort, acctPort };
  return { portal, slug: 'harbour', gateway, radius };
}

function keep<E extends Emulator>(emulator: E): E {
  closers.push(() => emulator.close());
  return emulator;
}

/** From the first page to wherever agreeing leads. */
async function agree(browser: PlainBrowser, first: Sheet): Promise<Sheet> {
  expect(first.heading).toBe('Almost there');
  return browser.submit(first);
}

const targetOf = (gateway: RegisteredGateway, more: Partial<KickTarget>): KickTarget => ({
  store: { id: 'store-1', merchantId: 'merchant-1' },
  gateway,
  sessionId: 's-1',
  mac: MAC,
  ip: GUEST.ip,
  userName: null,
  token: null,
  nasSessions: [],
  reason: 'staff',
  ...more,
});

describe.each([
  ['CoovaChilli, CHAP', COOVA, startCoova],
  ['CoovaChilli, PAP', { ...COOVA, login: 'pap' }, startCoova],
  ['MikroTik, CHAP', ROUTER, startMikrotik],
  ['MikroTik, PAP', { ...ROUTER, login: 'pap' }, startMikrotik],
] as const)('%s', (_name, gateway: RegisteredGateway, start) => {
  test('from the redirect to the internet, and out again', async () => {
    const { options, fakes, portal } = await house(gateway);
    const nas = keep(await start(options));
    const registered = { ...gateway };
    registered.radius = { ...RADIUS, coa: { host: '127.0.0.1', port: nas.coaPort } };
    const browser = plainBrowser();
    const welcome = await agree(browser, await browser.go(await nas.join(GUEST)));
    expect(welcome.heading).toBe('You are online');
    expect(nas.inside(MAC)).toBe(true);
    expect(fakes.of('network.authorise')).toMatchObject([{ mac: MAC, gatewayId: gateway.id }]);
    const [session] = fakes.sessions.values();
    expect(session?.state).toBe('active');

    nas.traffic(MAC, 5_000_000_000, 1_000);
    await nas.tick();
    expect(fakes.of('doors.report')).toMatchObject([
      { kind: 'start', mac: MAC, sessionId: session?.sessionId },
      { kind: 'interim', mac: MAC, bytesIn: 5_000_000_000, bytesOut: 1_000 },
    ]);

    const { userName, nasSession } = nas.clients.get(MAC)!;
    const target = targetOf(registered, { userName, nasSessions: [nasSession] });
    expect(await portal.equipment.kick(target)).toBe('done');
    expect(nas.inside(MAC)).toBe(false);
  });

  test('a redirect somebody copied opens nothing for another device', async () => {
    const { options, fakes } = await house(gateway);
    const nas = keep(await start(options));
    const copied = await nas.join(GUEST);
    const browser = plainBrowser();
    await agree(browser, await browser.go(copied));
    expect(nas.inside(MAC)).toBe(true);
    const door = new URL(browser.path.find((url) => /\/log(?:on|in)\?username/.test(url)) ?? '');

    // The thief’s own line to the gateway, with the victim’s redirect and the victim’s link.
    const thief = '02:00:00:00:66:66';
    const own = new URL(await nas.join({ mac: thief, ip: '10.0.0.66' }));
    const gate =
      own.searchParams.get('uamport') ??
      new URL(own.searchParams.get('link-login-only') ?? '').port;
    door.port = gate;
    await fetch(door, { redirect: 'manual' });
    expect(nas.inside(thief)).toBe(false);
    const before = fakes.sessions.size;
    const again = await plainBrowser().go(copied);
    expect(again.status).toBeLessThan(500);
    expect(nas.inside(thief)).toBe(false);
    expect(fakes.sessions.size).toBe(before);
  });
});

test.each([
  ['CoovaChilli', COOVA, startCoova],
  ['MikroTik', ROUTER, startMikrotik],
] as const)(
  '%s: asking for the landing page makes nobody a guest',
  async (_name, gateway, start) => {
    const { options, fakes } = await house(gateway);
    const nas = keep(await start(options));
    const browser = plainBrowser();
    const terms = await browser.go(await nas.join(GUEST));
    await nas.close();
    closers.pop();
    await expect(agree(browser, terms)).rejects.toThrow('fetch failed');
    const door = new URL(browser.path.at(-1) ?? '').searchParams;
    await browser.go(door.get('userurl') ?? door.get('dst') ?? '');
    const [session] = fakes.sessions.values();
    expect(session?.state).toBe('pending');
    expect(fakes.of('doors.landed')).toEqual([]);
  },
);

test('CoovaChilli: a guest whom RADIUS refuses is told so, not sent round and round', async () => {
  const { options, fakes } = await house(COOVA);
  const nas = keep(await startCoova(options));
  Object.assign(fakes.ports.network ?? {}, {
    authorise: async () => ({ accept: false, reason: 'expired', message: 'Not now.' }),
  });
  const browser = plainBrowser();
  const end = await agree(browser, await browser.go(await nas.join(GUEST)));
  expect(end.heading).toBe('The WiFi did not let you in');
  expect(nas.inside(MAC)).toBe(false);
  expect(browser.path.length).toBeLessThan(16);
});

test('CoovaChilli: a forgotten challenge is made anew without a word to the guest', async () => {
  const { options } = await house(COOVA);
  const nas = keep(await startCoova(options));
  const browser = plainBrowser();
  const terms = await browser.go(await nas.join(GUEST));
  nas.age(MAC);
  const end = await agree(browser, terms);
  expect(end.heading).toBe('You are online');
  expect(nas.inside(MAC)).toBe(true);
});

test('CoovaChilli: a forged redirect ends at a page that says so', async () => {
  const { options, fakes } = await house(COOVA);
  const nas = keep(await startCoova(options));
  const forged = (await nas.join(GUEST)).replace('02-00-00-00-00-50', '02-00-00-00-00-51');
  const page = await plainBrowser().go(forged);
  expect(page.status).toBe(403);
  expect(fakes.of('desk.admit')).toEqual([]);
  expect(fakes.of('doors.noticed')).toMatchObject([{ code: 'redirect-forged' }]);
});

test('CoovaChilli: another language on a page of trouble leaves the checksum whole', async () => {
  const { options, fakes, url } = await house(COOVA);
  const nas = keep(await startCoova(options));
  fakes.broken.add('desk.store');
  const redirect = await nas.join(GUEST);
  const away = await plainBrowser().go(redirect);
  expect(away.status).toBe(503);
  fakes.broken.clear();
  const chinese = /href="([^"]*lang=zh-CN)"/.exec(away.html)?.[1] ?? '';
  expect(chinese).not.toBe('');
  const page = await plainBrowser().go(new URL(chinese.replaceAll('&amp;', '&'), url).href);
  expect(page.status).toBe(200);
});

test('MikroTik: the router’s own page leads to the portal', async () => {
  const { options } = await house(ROUTER);
  const nas = keep(await startMikrotik(options));
  const start = new URL(await nas.join(GUEST)).searchParams.get('link-login') ?? '';
  const browser = plainBrowser();
  const terms = await browser.go(start);
  const end = await agree(browser, terms);
  expect(end.heading).toBe('You are online');
});

test('MikroTik: its page may post its variables', async () => {
  const { options, url } = await house(ROUTER);
  const nas = keep(await startMikrotik(options));
  await nas.join(GUEST);
  const body = new URLSearchParams(nas.variables(MAC));
  const posted = await fetch(`${url}/p/harbour`, { method: 'POST', body, redirect: 'manual' });
  expect(posted.status).toBe(303);
  const browser = plainBrowser();
  const terms = await browser.go(new URL(posted.headers.get('location') ?? '', url).href);
  expect((await agree(browser, terms)).heading).toBe('You are online');
  expect(nas.inside(MAC)).toBe(true);
});

test('Meraki: through the cloud’s link and back', async () => {
  const gateway: RegisteredGateway = {
    id: 'gw-mk',
    kind: 'meraki',
    name: 'shop',
    hosts: ['127.0.0.1'],
  };
  const { options, fakes } = await house(gateway);
  const cloud = keep(await startMeraki(options));
  const browser = plainBrowser();
  const end = await agree(browser, await browser.go(await cloud.join(GUEST)));
  expect(end.heading).toBe('You are online');
  expect(cloud.granted.get(MAC)).toBe(fakes.settings.minutes * 60);
});

describe('UniFi', () => {
  async function site(mood?: Parameters<typeof startUnifi>[0]['mood']) {
    const unifi = {
      url: '',
      api: 'legacy' as const,
      site: 'default',
      username: 'foyer',
      password: 'controller password',
      fingerprint: '',
    };
    const gateway: RegisteredGateway = { id: 'gw-uf', kind: 'unifi', name: 'shop', unifi };
    const made = await house(gateway);
    const controller = keep(
      await startUnifi({ ...made.options, ...(mood === undefined ? {} : { mood }) }),
    );
    Object.assign(unifi, { url: controller.url, fingerprint: controller.fingerprint });
    return { ...made, controller, gateway };
  }

  test('from the access point’s own address to the internet, and out again', async () => {
    const { controller, fakes, portal, gateway } = await site();
    fakes.ports.desk.storeByEntry = async ({ key }) =>
      key === 'default' ? (fakes.stores[0] ?? null) : null;
    const browser = plainBrowser();
    const end = await agree(browser, await browser.go(await controller.join(GUEST)));
    expect(end.heading).toBe('You are online');
    expect(controller.inside(MAC)).toBe(true);
    expect(await portal.equipment.kick(targetOf(gateway, {}))).toBe('done');
    expect(controller.inside(MAC)).toBe(false);
  });

  test('a site nobody registered ends at a page, not at an error', async () => {
    const { url } = await site();
    const page = await plainBrowser().go(`${url}/guest/s/elsewhere/?id=${MAC}&ap=x&t=1&ssid=G`);
    expect(page.status).toBe(404);
    expect(page.heading).not.toBe('');
  });

  test('a controller that says no: a page to try again, and then it works', async () => {
    let no = true;
    const { controller, url, fakes } = await site(({ path }) =>
      no && path.endsWith('stamgr') ? 'invalid' : 'answer',
    );
    const query = new URL(await controller.join(GUEST)).search;
    const browser = plainBrowser();
    const shut = await agree(browser, await browser.go(`${url}/p/harbour${query}`));
    expect(controller.inside(MAC)).toBe(false);
    expect(fakes.of('doors.noticed')).toContainEqual(
      expect.objectContaining({ code: 'controller-refused' }),
    );
    no = false;
    const end = await browser.submit(shut);
    expect(end.heading).toBe('You are online');
    expect(controller.inside(MAC)).toBe(true);
  });
});
