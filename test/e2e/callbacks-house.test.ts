/** The real house before gateways that call back, emulated: whole logins, bytes, ends, and a line beside HTTP. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import type { House } from '../support/cast.ts';
import { makeHouse } from '../support/cast.ts';
import { startApfree } from '../support/emulators/apfree.ts';
import type { Emulator, EmulatorOptions } from '../support/emulators/emulator.ts';
import { startOpenNds } from '../support/emulators/opennds.ts';
import { startWifidog } from '../support/emulators/wifidog.ts';
import { makeMac } from '../support/make.ts';
import { plainBrowser } from '../support/plain-browser.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.stop());

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  app.clock.now = null;
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Listed {
  id: string;
  state: string;
  endReason: string | null;
  bytesIn: number;
  bytesOut: number;
}

/** A store with one gateway of this kind, as the API registers it, and its equipment. */
async function shop<T extends Emulator>(
  kind: RegisteredGateway['kind'],
  body: Record<string, unknown>,
  start: (options: EmulatorOptions) => Promise<T>,
): Promise<{ house: House; equipment: T }> {
  const house = await makeHouse(app, { methods: ['click-through'] });
  const name = `${kind}-${house.store.slug}`.slice(0, 50);
  const path = `/v1/stores/${house.store.id}/gateways`;
  const made = await house.api.post<{ id: string; secret: string }>(path, {
    kind,
    name,
    hosts: ['127.0.0.1'],
    ...body,
  });
  const gateway = { id: made.id, kind, name, secret: made.secret, ...body };
  const equipment = await start({ portal: app.url, slug: house.store.slug, gateway });
  closers.push(() => equipment.close());
  return { house, equipment };
}

const sessionsOf = async ({ api, store }: House): Promise<Listed[]> =>
  (await api.get<{ sessions: Listed[] }>(`/v1/stores/${store.id}/sessions`)).sessions;

const putOut = async ({ api }: House, id: string | undefined) =>
  (await api.post<{ outcome: string }>(`/v1/sessions/${id}/disconnect`, {})).outcome;

/** A grown-up guest from a redirect to wherever agreeing leads. */
async function agree(redirect: string) {
  const browser = plainBrowser();
  let page = await browser.go(redirect);
  if (/^Are you \d+ or older/.test(page.heading))
    page = await browser.submit(page, { value: 'over' });
  expect(page.heading).toBe('Almost there');
  return { browser, page: await browser.submit(page) };
}

const logIn = async (equipment: Emulator, mac: string) =>
  (await agree(await equipment.join({ mac, ip: '10.0.0.23' }))).page;

const later = (minutes: number) => {
  app.clock.now = (app.clock.now ?? Date.now()) + minutes * 60_000;
};

const dogs = [
  ['wifidog', startWifidog],
  ['apfree', startApfree],
] as const;

describe.each(dogs)('%s', (kind, start) => {
  test('login, bytes, farewell', async () => {
    const { house, equipment } = await shop(kind, {}, start);
    const mac = makeMac();
    expect((await logIn(equipment, mac)).heading).toBe('You are online');
    expect(equipment.inside(mac)).toBe(true);
    expect(await sessionsOf(house)).toMatchObject([{ state: 'active' }]);
    equipment.traffic(mac, 6_000_000_000, 20_000);
    await equipment.tick();
    expect(await sessionsOf(house)).toMatchObject([
      { state: 'active', bytesIn: 6_000_000_000, bytesOut: 20_000 },
    ]);
    await equipment.leave(mac);
    expect(await sessionsOf(house)).toMatchObject([{ state: 'ended', endReason: 'logout' }]);
  });

  test('when the time is over the next report is the last', async () => {
    const { house, equipment } = await shop(kind, {}, start);
    const mac = makeMac();
    await logIn(equipment, mac);
    later(24 * 60);
    await equipment.tick();
    expect(equipment.inside(mac)).toBe(false);
    expect(await sessionsOf(house)).toMatchObject([{ state: 'ended', endReason: 'expired' }]);
  });

  test('who is put out by staff goes at the next report', async () => {
    const { house, equipment } = await shop(kind, {}, start);
    const mac = makeMac();
    await logIn(equipment, mac);
    const [session] = await sessionsOf(house);
    expect(await putOut(house, session?.id)).toBe('later');
    expect(equipment.inside(mac)).toBe(true);
    await equipment.tick();
    expect(equipment.inside(mac)).toBe(false);
    expect((await sessionsOf(house))[0]?.state).toBe('ended');
  });

  test('a token is good for the device it was made for, and for no other', async () => {
    const { house, equipment } = await shop(kind, {}, start);
    const [victim, thief] = [makeMac(), makeMac()];
    await agree(await equipment.join({ mac: victim, ip: '10.0.0.23' }));
    await equipment.join({ mac: thief, ip: '10.0.0.66' });
    const token = equipment.clients.get(victim)?.token ?? '';
    expect(await equipment.authenticate(thief, token)).toContain('message=denied');
    expect(equipment.inside(thief)).toBe(false);
    expect(await sessionsOf(house)).toHaveLength(1);
  });
});

test('apfree: over its line staff puts a guest out at once', async () => {
  const { house, equipment } = await shop('apfree', {}, startApfree);
  await equipment.connect();
  const mac = makeMac();
  await logIn(equipment, mac);
  const [session] = await sessionsOf(house);
  expect(await putOut(house, session?.id)).toBe('done');
  expect(equipment.inside(mac)).toBe(false);
  expect((await sessionsOf(house))[0]?.state).toBe('ended');
  await equipment.tick();
});

describe.each([0, 1, 2, 3, 4] as const)('openNDS level %d', (level) => {
  test('login, and the end as far as it tells', async () => {
    const { house, equipment } = await shop('opennds', { level }, startOpenNds);
    const mac = makeMac();
    const { browser, page } = await agree(await equipment.join({ mac, ip: '10.0.0.23' }));
    if (level >= 3) {
      expect(await sessionsOf(house)).toMatchObject([{ state: 'pending' }]);
      await equipment.tick();
    }
    expect((await browser.go(page.url)).heading).toBe('You are online');
    expect(equipment.inside(mac)).toBe(true);
    expect(await sessionsOf(house)).toMatchObject([{ state: 'active' }]);
    const [session] = await sessionsOf(house);
    expect(await putOut(house, session?.id)).toBe('unable');
    equipment.traffic(mac, 5_000, 70);
    await equipment.leave(mac);
    if (level >= 3)
      expect(await sessionsOf(house)).toMatchObject([
        { state: 'ended', bytesIn: 5_000, bytesOut: 70 },
      ]);
  });
});
