/** The real house before emulated equipment of each family: a whole login, the session's bytes, and the guest put out. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import { expireSessions } from '../../server/sessions/accounting.ts';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import type { House } from '../support/cast.ts';
import { makeHouse } from '../support/cast.ts';
import { startCoova } from '../support/emulators/coova.ts';
import type { Emulator, EmulatorOptions } from '../support/emulators/emulator.ts';
import { startMeraki } from '../support/emulators/meraki.ts';
import { startMikrotik } from '../support/emulators/mikrotik.ts';
import { startUnifi } from '../support/emulators/unifi.ts';
import { makeMac } from '../support/make.ts';
import { plainBrowser } from '../support/plain-browser.ts';
import type { PlainBrowser } from '../support/plain-browser.ts';
import { until } from '../support/until.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ RADIUS_PORT: '0', RADIUS_ACCT_PORT: '0' });
});
afterAll(() => app?.stop());

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Made {
  id: string;
  name: string;
  secret: string | null;
  radiusSecret: string | null;
}

interface Listed {
  id: string;
  state: string;
  method: string;
  endReason: string | null;
  bytesIn: number;
  bytesOut: number;
}

/** Every gateway has an address of its own, as in life. */
let addresses = 10;
function radiusBody() {
  addresses += 1;
  return { sources: [`127.0.0.${addresses}`], messageAuthenticator: 'learn' };
}

/** A store with one gateway of this kind, as the API registers it. */
async function shop(
  kind: RegisteredGateway['kind'],
  body: Record<string, unknown>,
  settings: Record<string, unknown> = {},
) {
  const house = await makeHouse(app, { methods: ['click-through'], ...settings });
  const name = `${kind}-${house.store.slug}`;
  const made = await house.api.post<Made>(`/v1/stores/${house.store.id}/gateways`, {
    kind,
    name,
    ...body,
  });
  const { radiusAuth: authPort = 0, radiusAcct: acctPort = 0 } = app.server.ports;
  const gateway: RegisteredGateway = { id: made.id, kind, name };
  if (made.secret !== null) gateway.secret = made.secret;
  const { sources = [] } = (body['radius'] ?? {}) as { sources?: string[] };
  if (made.radiusSecret !== null)
    gateway.radius = {
      secret: made.radiusSecret,
      sources,
      nasIds: [name],
      profile: 'plain',
      messageAuthenticator: 'learn',
      interimSeconds: 60,
    };
  const options: EmulatorOptions = {
    portal: app.url,
    slug: house.store.slug,
    gateway,
    radius: { host: '127.0.0.1', authPort, acctPort },
  };
  return { house, made, gateway, options };
}

const sessionsOf = async ({ api, store }: House): Promise<Listed[]> =>
  (await api.get<{ sessions: Listed[] }>(`/v1/stores/${store.id}/sessions`)).sessions;

const change = (house: House, id: string, body: Record<string, unknown>) =>
  fetch(`${app.url}/v1/gateways/${id}`, {
    method: 'PATCH',
    headers: { Authorization: `Bearer ${house.apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

/** A grown-up guest from a redirect to wherever agreeing leads. */
async function agree(browser: PlainBrowser, redirect: string) {
  let page = await browser.go(redirect);
  if (/^Are you \d+ or older/.test(page.heading))
    page = await browser.submit(page, { value: 'over' });
  expect(page.heading).toBe('Almost there');
  return browser.submit(page);
}

const logIn = async (equipment: Emulator, mac: string) =>
  agree(plainBrowser(), await equipment.join({ mac, ip: '10.0.0.23' }));

/** The minutes ran out a moment ago, and the gateway did not say that it ended the session. */
async function timeIsOver(house: House): Promise<void> {
  const { db, reconciler } = app.server.services;
  const late = Date.now() - 30_000;
  await db.query(`update sessions set expires_at = $2 where store_id = $1`, [
    house.store.id,
    new Date(late),
  ]);
  await expireSessions(db, late);
  expect(await sessionsOf(house)).toMatchObject([{ state: 'ended', endReason: 'expired' }]);
  await reconciler.run(Date.now());
}

async function erase(house: House): Promise<void> {
  const { db, reconciler } = app.server.services;
  const { rows } = await db.query<{ guest_id: string }>(
    'select guest_id from sessions where store_id = $1',
    [house.store.id],
  );
  const gone = await fetch(`${app.url}/v1/guests/${rows[0]?.guest_id}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${house.apiKey}` },
  });
  expect(gone.status).toBe(200);
  expect(await sessionsOf(house)).toEqual([]);
  await reconciler.run(Date.now());
}

describe.each([
  ['coova', startCoova, { login: 'chap' }],
  ['coova', startCoova, { login: 'pap' }],
  ['mikrotik', startMikrotik, { login: 'chap' }],
] as const)('%s with RADIUS (%#)', (kind, start, settings) => {
  /** A shop with this gateway, which takes Disconnect requests. */
  async function stand(store: Record<string, unknown> = {}) {
    const radius = radiusBody();
    const body = { hosts: ['127.0.0.1'], radius, ...settings };
    const { house, made, options } = await shop(kind, body, store);
    const nas = await start({ ...options, gateway: { ...options.gateway, ...settings } });
    closers.push(() => nas.close());
    const coa = { host: radius.sources[0], port: nas.coaPort };
    expect((await change(house, made.id, { radius: { ...radius, coa } })).status).toBe(200);
    return { house, nas };
  }

  test('login, accounting, Disconnect', async () => {
    const { house, nas } = await stand();
    const mac = makeMac();
    const welcome = await logIn(nas, mac);
    expect(welcome.heading).toBe('You are online');
    expect(nas.inside(mac)).toBe(true);
    await until(async () => (await sessionsOf(house))[0]?.state === 'active');
    const timeout = nas.clients.get(mac)?.timeout ?? 0;
    expect(timeout).toBeGreaterThan(60);

    nas.traffic(mac, 6_000_000_000, 20_000);
    await nas.tick();
    const [session] = await sessionsOf(house);
    expect(session).toMatchObject({ bytesIn: 6_000_000_000, bytesOut: 20_000 });

    const put = await house.api.post<{ outcome: string }>(
      `/v1/sessions/${session?.id}/disconnect`,
      {},
    );
    expect(put.outcome).toBe('done');
    expect(nas.inside(mac)).toBe(false);
    await until(async () => (await sessionsOf(house))[0]?.state === 'ended');
  });

  test('a guest who used up what was granted is put out, whatever the gateway thinks', async () => {
    const quota = { minutes: 60, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 1_000 };
    const { house, nas } = await stand({ session: quota });
    const mac = makeMac();
    await logIn(nas, mac);
    nas.traffic(mac, 2_000_000, 10);
    await nas.tick();
    await app.server.services.reconciler.run(Date.now());
    await until(async () => !nas.inside(mac));
    expect((await sessionsOf(house))[0]).toMatchObject({ state: 'ended', endReason: 'quota' });
  });

  test.each([
    ['whose time is over', timeIsOver],
    ['who is erased', erase],
  ])('a guest %s is put out, though accounting goes on', async (_name, end) => {
    const { house, nas } = await stand();
    const mac = makeMac();
    await logIn(nas, mac);
    nas.traffic(mac, 70_000, 10);
    await nas.tick();
    await end(house);
    await nas.tick();
    await until(async () => !nas.inside(mac));
  });

  test('a guest whose page stood open until the gateway forgot its challenge still gets in', async () => {
    const { nas } = await stand();
    const mac = makeMac();
    const browser = plainBrowser();
    let page = await browser.go(await nas.join({ mac, ip: '10.0.0.23' }));
    if (/^Are you \d+ or older/.test(page.heading))
      page = await browser.submit(page, { value: 'over' });
    if ('age' in nas) nas.age(mac);
    else nas.variables(mac);
    const welcome = await browser.submit(page);
    expect(welcome.heading).toBe('You are online');
    expect(nas.inside(mac)).toBe(true);
  });

  test('a ticket is good for the device it was made for, and for no other', async () => {
    const radius = radiusBody();
    const body = { hosts: ['127.0.0.1'], radius, ...settings };
    const { house, options } = await shop(kind, body);
    const nas = await start({ ...options, gateway: { ...options.gateway, ...settings } });
    closers.push(() => nas.close());
    const [victim, thief] = [makeMac(), makeMac()];
    const copied = await nas.join({ mac: victim, ip: '10.0.0.23' });
    const browser = plainBrowser();
    await agree(browser, copied);
    expect(nas.inside(victim)).toBe(true);
    const link = browser.path.find((url) => /\/log(?:on|in)\?username/.test(url)) ?? '';
    const own = new URL(await nas.join({ mac: thief, ip: '10.0.0.66' })).searchParams;
    const door = new URL(link);
    door.port = own.get('uamport') ?? new URL(own.get('link-login-only') ?? '').port;
    await fetch(door, { redirect: 'manual' });
    await plainBrowser().go(copied);
    expect(nas.inside(thief)).toBe(false);
    expect(await sessionsOf(house)).toHaveLength(1);
  });
});

/** A store whose door is a controller of its own. */
async function unifiShop() {
  sites += 1;
  const unifi = {
    url: '',
    api: 'legacy' as const,
    site: `site${process.pid}n${sites}`,
    username: 'foyer',
    password: 'controller password',
  };
  const held: RegisteredGateway = { id: 'unused', kind: 'unifi', name: 'unused', unifi };
  const nothing = { portal: app.url, slug: 'unused', gateway: held };
  const controller = await startUnifi(nothing);
  closers.push(() => controller.close());
  const { url, fingerprint } = controller;
  const { house } = await shop('unifi', { unifi: { ...unifi, url, fingerprint } });
  return { house, controller };
}
let sites = 0;

test.each([
  ['whose time is over', timeIsOver],
  ['who is erased', erase],
])('UniFi: a guest %s is put out', async (_name, end) => {
  const { house, controller } = await unifiShop();
  const mac = makeMac();
  await logIn(controller, mac);
  expect(controller.inside(mac)).toBe(true);
  await end(house);
  await until(async () => !controller.inside(mac));
});

test('UniFi: found by its site, counted by its controller, put out by it', async () => {
  const { house, controller } = await unifiShop();
  const mac = makeMac();
  expect((await logIn(controller, mac)).heading).toBe('You are online');
  expect(controller.inside(mac)).toBe(true);
  controller.traffic(mac, 70_000, 3_000);
  app.server.services.pollControllers(Date.now());
  await app.server.services.polls.idle();
  const [session] = await sessionsOf(house);
  expect(session).toMatchObject({ state: 'active', bytesIn: 70_000, bytesOut: 3_000 });
  const put = await house.api.post<{ outcome: string }>(
    `/v1/sessions/${session?.id}/disconnect`,
    {},
  );
  expect(put.outcome).toBe('done');
  expect(controller.inside(mac)).toBe(false);
});

test('Meraki: let in by the cloud, and nobody can be put out', async () => {
  const { house, options } = await shop('meraki', { hosts: ['127.0.0.1'] });
  const cloud = await startMeraki(options);
  closers.push(() => cloud.close());
  const mac = makeMac();
  expect((await logIn(cloud, mac)).heading).toBe('You are online');
  expect(cloud.granted.get(mac)).toBeGreaterThan(0);
  const [session] = await sessionsOf(house);
  expect(session?.state).toBe('active');
  const put = await house.api.post<{ outcome: string }>(
    `/v1/sessions/${session?.id}/disconnect`,
    {},
  );
  expect(put.outcome).toBe('unable');
});
