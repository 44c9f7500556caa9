/** The real house before an emulated Portal 2.0 AC: logins in every variant, known devices, and the ends of sessions. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Portal2Settings, RegisteredGateway } from '../../portal/ports-store.ts';
import { freeUdpPort } from '../../scripts/lib/udp.ts';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import type { House } from '../support/cast.ts';
import { makeHouse } from '../support/cast.ts';
import { bindAt, listenAt } from '../support/emulators/doors.ts';
import { startPortal2 } from '../support/emulators/portal2.ts';
import type { Portal2EmulatorOptions } from '../support/emulators/portal2.ts';
import { makeMac } from '../support/make.ts';
import { plainBrowser } from '../support/plain-browser.ts';
import { until } from '../support/until.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ RADIUS_PORT: '0', RADIUS_ACCT_PORT: '0', PORTAL2_PORT: '0' });
});
afterAll(() => app?.stop());

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Made {
  id: string;
  secret: string;
  radiusSecret: string;
}

interface Listed {
  id: string;
  state: string;
  method: string;
  endReason: string | null;
  bytesIn: number;
  bytesOut: number;
}

const IP = '10.0.0.23';
/** Every AC has an address of its own, as in life. */
let addresses = 60;

/** A store with one AC, as the API registers it, and the AC itself. */
async function shop(
  settings: Partial<Portal2Settings> = {},
  more: Partial<Portal2EmulatorOptions> = {},
  storeSettings: Record<string, unknown> = {},
) {
  addresses += 1;
  const host = `127.0.0.${addresses}`;
  const portal2 = { host, port: 20_000 + addresses, ...settings };
  const house = await makeHouse(app, { methods: ['click-through'], ...storeSettings });
  const name = `AC-${house.store.slug}`;
  const made = await house.api.post<Made>(`/v1/stores/${house.store.id}/gateways`, {
    kind: 'portal2',
    name,
    portal2,
    radius: { sources: [host], messageAuthenticator: 'require' },
  });
  const gateway: RegisteredGateway = {
    id: made.id,
    kind: 'portal2',
    name,
    secret: made.secret,
    portal2: { version: 2, auth: 'chap', sendChallenge: true, macBinding: false, ...portal2 },
    radius: {
      secret: made.radiusSecret,
      sources: [host],
      nasIds: [name],
      profile: 'huawei',
      messageAuthenticator: 'require',
      interimSeconds: 300,
    },
  };
  const { radiusAuth = 0, radiusAcct = 0, portal2: notices = 0 } = app.server.ports;
  const ac = await startPortal2({
    portal: app.url,
    slug: house.store.slug,
    gateway,
    radius: { host: '127.0.0.1', authPort: radiusAuth, acctPort: radiusAcct },
    notify: { host: '127.0.0.1', port: notices },
    ...more,
  });
  closers.push(() => ac.close());
  return { house, ac };
}

const sessionsOf = async ({ api, store }: House): Promise<Listed[]> =>
  (await api.get<{ sessions: Listed[] }>(`/v1/stores/${store.id}/sessions`)).sessions;

async function logIn(redirect: string) {
  const browser = plainBrowser();
  let page = await browser.go(redirect);
  if (/^Are you \d+ or older/.test(page.heading))
    page = await browser.submit(page, { value: 'over' });
  expect(page.heading).toBe('Almost there');
  return browser.submit(page);
}

describe('a whole login', () => {
  test.each<[string, Partial<Portal2Settings>]>([
    ['version 2, CHAP', {}],
    ['version 2, PAP', { auth: 'pap' }],
    ['version 1, CHAP', { version: 1 }],
    ['version 1, PAP', { version: 1, auth: 'pap' }],
  ])('%s', async (_name, settings) => {
    const { house, ac } = await shop(settings);
    const mac = makeMac();
    const welcome = await logIn(await ac.join({ mac, ip: IP }));
    expect(welcome.heading).toBe('You are online');
    expect(ac.clients.get(mac)).toMatchObject({ inside: true, affirmed: true });
    expect(ac.clients.get(mac)?.timeout).toBeGreaterThan(60);
    expect(ac.clients.get(mac)?.userName).toMatch(/^g\.[a-z2-7]{24}$/);
    ac.traffic(mac, 6_000_000_000, 20_000);
    await ac.tick();
    expect(await sessionsOf(house)).toMatchObject([
      { state: 'active', bytesIn: 6_000_000_000, bytesOut: 20_000 },
    ]);
  });

  test('one who leaves is told of by the AC', async () => {
    const { house, ac } = await shop();
    const mac = makeMac();
    await logIn(await ac.join({ mac, ip: IP }));
    await ac.leave(mac);
    await until(async () => (await sessionsOf(house))[0]?.state === 'ended');
    expect((await sessionsOf(house))[0]?.endReason).toBe('user-request');
  });

  test('staff puts a guest out, by the AC’s own protocol', async () => {
    const { house, ac } = await shop();
    const mac = makeMac();
    await logIn(await ac.join({ mac, ip: IP }));
    const [session] = await sessionsOf(house);
    const url = `/v1/sessions/${session?.id}/disconnect`;
    expect(await house.api.post<{ outcome: string }>(url, {})).toMatchObject({ outcome: 'done' });
    expect(ac.inside(mac)).toBe(false);
    expect((await sessionsOf(house))[0]?.state).toBe('ended');
  });

  test('whoever writes another’s MAC and address into a redirect gets nobody in', async () => {
    const { house, ac } = await shop();
    const [victim, thief] = [makeMac(), makeMac()];
    // The AC sees the thief's own MAC at the address, whatever the redirect said.
    await ac.join({ mac: thief, ip: IP });
    const forged = (await ac.join({ mac: victim, ip: '10.0.0.99' })).replace('10.0.0.99', IP);
    const page = await logIn(forged);
    expect(page.heading).not.toBe('You are online');
    expect([ac.inside(victim), ac.inside(thief)]).toEqual([false, false]);
    expect((await sessionsOf(house)).filter(({ state }) => state === 'active')).toEqual([]);
  });

  test('an AC that is away: a calm page, and another try succeeds', async () => {
    let away = true;
    const { ac } = await shop({}, { mood: () => (away ? 'refuse' : 'answer') });
    const mac = makeMac();
    const redirect = await ac.join({ mac, ip: IP });
    expect((await logIn(redirect)).heading).not.toBe('You are online');
    away = false;
    expect((await logIn(redirect)).heading).toBe('You are online');
    expect(ac.inside(mac)).toBe(true);
  });
});

describe('a device that was here before', () => {
  const policy = { policy: { graceMinutes: 0, gracePerDay: 1, rememberDays: 30 } };

  test('comes in without a page', async () => {
    const { house, ac } = await shop({ macBinding: true }, {}, policy);
    const mac = makeMac();
    const guest = { mac, ip: IP };
    await logIn(await ac.join(guest));
    const [first] = await sessionsOf(house);
    await house.api.post(`/v1/sessions/${first?.id}/disconnect`, {});
    expect(await ac.comeBack(guest)).toBe(0);
    await until(() => ac.inside(mac));
    const sessions = await sessionsOf(house);
    expect(sessions).toMatchObject([{ state: 'active', method: 'mac' }, { state: 'ended' }]);
    expect(await ac.comeBack({ mac: makeMac(), ip: '10.0.0.24' })).toBe(1);
  });

  test('and whom the AC then does not let in is not online in our books either', async () => {
    let refusing = false;
    const moods = { mood: () => (refusing ? 'refuse' : 'answer') } as const;
    const { house, ac } = await shop({ macBinding: true }, moods, policy);
    const guest = { mac: makeMac(), ip: IP };
    await logIn(await ac.join(guest));
    await ac.leave(guest.mac);
    await until(async () => (await sessionsOf(house))[0]?.state === 'ended');
    refusing = true;
    expect(await ac.comeBack(guest)).toBe(0);
    const ended = { state: 'ended', endReason: 'door-failed', method: 'mac' };
    await until(
      async () =>
        (await sessionsOf(house))[0]?.state === 'ended' && (await sessionsOf(house)).length === 2,
    );
    expect(await sessionsOf(house)).toMatchObject([ended, { state: 'ended' }]);
    refusing = false;
    expect(await ac.comeBack(guest)).toBe(0);
    await until(() => ac.inside(guest.mac));
    expect((await sessionsOf(house))[0]).toMatchObject({ state: 'active', method: 'mac' });
  });

  test('sees the page where the merchant did not ask for more', async () => {
    const { ac } = await shop({}, {}, policy);
    const guest = { mac: makeMac(), ip: IP };
    await logIn(await ac.join(guest));
    await ac.leave(guest.mac);
    expect(await ac.comeBack(guest)).toBe(1);
  });
});

/** The emulator as a person starts it. */
function byHand(kind: string, words: Record<string, string | null>) {
  const options = Object.entries(words).flatMap(([name, value]) => [`--${name}`, value ?? '']);
  const script = path.resolve(import.meta.dirname, '../support/emulators/cli.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, kind, ...options]);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  closers.push(async () => void child.kill());
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (said += text.toString()));
  return { ended, said: () => said };
}

test('the emulator by hand: it says what to open, and ends well once the guest is inside', async () => {
  const house = await makeHouse(app, { methods: ['click-through'] });
  const port = await freeUdpPort();
  const made = await house.api.post<Made>(`/v1/stores/${house.store.id}/gateways`, {
    kind: 'portal2',
    name: 'AC-by-hand',
    portal2: { host: '127.0.0.1', port },
    radius: { sources: ['127.0.0.1'], messageAuthenticator: 'require' },
  });
  const { radiusAuth = 0, radiusAcct = 0, portal2: notices = 0 } = app.server.ports;
  const words = {
    portal: app.url,
    store: house.store.slug,
    name: 'AC-by-hand',
    secret: made.secret,
    radius: `127.0.0.1:${radiusAuth}`,
    'acct-port': String(radiusAcct),
    'radius-secret': made.radiusSecret,
    notify: `127.0.0.1:${notices}`,
    port: String(port),
    mac: makeMac(),
    every: '1',
    wait: '30',
  };
  const hand = byHand('portal2', words);
  const address = () => /open (\S+)\n/.exec(hand.said())?.[1];
  await until(() => address() !== undefined);
  expect((await logIn(address() ?? '')).heading).toBe('You are online');
  expect(await hand.ended).toBe(0);
  expect(hand.said()).toContain('the guest is inside');
});

test.each(['unifi', 'portal2', 'coova'])(
  'the emulator by hand, its port taken: %s',
  async (kind) => {
    const taken = createServer();
    const busy = createSocket('udp4');
    const port = await listenAt(taken, 0);
    await bindAt(busy, port, '127.0.0.1');
    closers.push(
      async () => void taken.close(),
      async () => void busy.close(),
    );
    const hand = byHand(kind, { store: 'harbour', port: String(port) });
    expect(await hand.ended).toBe(1);
    expect(hand.said()).toBe(`emulate: port ${port} is in use\n`);
  },
);
