/** A few minutes online to read a code, by gateway: how they begin, how they end, and what comes after. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { RegisteredGateway, StoreView } from '../../portal/ports.ts';
import type { Emulator } from '../support/emulators/emulator.ts';
import { startOpenNds } from '../support/emulators/opennds.ts';
import { startWifidog } from '../support/emulators/wifidog.ts';
import { openNds } from '../support/fakes.ts';
import type { Sight, Wire } from './wire.ts';
import { startWire } from './wire.ts';

const ADA = { mac: '02:00:00:00:00:50', ip: '192.168.77.162' };
const MAIL = 'ada@lovelace.example';
const SITE: Partial<StoreView> = {
  methods: ['email-code'],
  policy: { graceMinutes: 5, gracePerDay: 2, rememberDays: 0 },
};
const DOG: RegisteredGateway = {
  id: 'gw-dog',
  kind: 'wifidog',
  name: 'store42',
  secret: 'dogsecret0123456789abcdef',
};

let wire: Wire;
let gear: Emulator;

afterEach(async () => {
  await gear.close();
  await wire.close();
});

async function startAt<T extends Emulator>(
  gateway: RegisteredGateway,
  start: (options: { portal: string; slug: string; gateway: RegisteredGateway }) => Promise<T>,
): Promise<T> {
  wire = await startWire([gateway], SITE);
  const [registered = gateway] = wire.store.gateways;
  const made = await start({ portal: wire.url, slug: wire.store.slug, gateway: registered });
  gear = made;
  return made;
}

/** As far as the page that waits for the code. */
async function asked(): Promise<Sight> {
  const first = await wire.browse(await gear.join(ADA));
  return wire.submit(first, { value: MAIL }, '/start');
}

/** Types the code that was sent, and agrees. */
async function finish(page: Sight): Promise<Sight> {
  const code = wire.fakes.codeFor(MAIL) ?? '';
  return wire.submit(await wire.submit(page, { value: code }, '/finish'), {}, '/consent');
}

const grantsAsked = () =>
  (wire.fakes.of('doors.deposit') as { minutes: number }[]).map(({ minutes }) => minutes);

test('WiFiDog: let in for the time being, and then for good without going out', async () => {
  const dog = await startAt(DOG, (options) => startWifidog(options));
  const code = await asked();
  const inGrace = await wire.submit(code, {}, '/grace');
  const mark = () => dog.clients.get(ADA.mac)?.mark;
  expect(mark()).toBe('validating');
  expect(inGrace.html).toContain('/finish');
  await dog.tick();
  expect(mark()).toBe('validating');

  expect((await finish(inGrace)).heading).toBe('You are online');
  expect(mark()).toBe('known');
  await dog.tick();
  expect(mark()).toBe('known');
});

test('WiFiDog: who never comes back with the code is put out in time', async () => {
  const dog = await startAt(DOG, (options) => startWifidog(options));
  await wire.submit(await asked(), {}, '/grace');
  wire.fakes.pass(6 * 60_000);
  await dog.tick();
  expect(dog.inside(ADA.mac)).toBe(false);
});

describe.each([3, 4] as const)('openNDS level %d', (level) => {
  test('the gateway ends the minutes itself, and lets straight in who had finished', async () => {
    const nds = await startAt(openNds(level), (options) => startOpenNds(options));
    const waiting = await wire.submit(await asked(), {}, '/grace');
    await nds.tick();
    expect(nds.clients.get(ADA.mac)).toMatchObject({ state: 'Authenticated', minutes: 5 });
    const page = await wire.browse(waiting.url);

    const done = await finish(page);
    expect(done.heading).toBe('All done');
    await nds.tick();
    // It refuses to give more time to a client who is inside.
    expect(nds.clients.get(ADA.mac)).toMatchObject({ state: 'Authenticated', minutes: 5 });

    wire.fakes.pass(5 * 60_000);
    await nds.leave(ADA.mac);
    expect(nds.inside(ADA.mac)).toBe(false);
    const again = await wire.browse(await nds.join(ADA));
    await nds.tick();
    expect(nds.inside(ADA.mac)).toBe(true);
    expect((await wire.browse(again.url)).heading).toBe('You are online');
    expect(grantsAsked().at(-1)).toBeGreaterThan(5);
  });
});

test.each([0, 1, 2] as const)(
  'openNDS level %d ends nothing early: no minutes are offered',
  async (level) => {
    await startAt(openNds(level), (options) => startOpenNds(options));
    const page = await asked();
    expect(page.html).toContain('/finish');
    expect(page.html).not.toContain('/grace');
  },
);
