/** Equipment set up on the real house's console: what its forms make works, and what is wrong is said. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import type { House } from '../support/cast.ts';
import { makeHouse } from '../support/cast.ts';
import { startCoova } from '../support/emulators/coova.ts';
import { startMikrotik } from '../support/emulators/mikrotik.ts';
import { startPortal2 } from '../support/emulators/portal2.ts';
import { startUnifi } from '../support/emulators/unifi.ts';
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

const list = '/console/settings/gateways';

/** Somebody at the house's console. */
function desk({ headers, csrf }: House) {
  return {
    async get(path: string): Promise<string> {
      const response = await fetch(app.url + path, { headers });
      expect(response.status).toBe(200);
      return response.text();
    },
    async post(path: string, fields: Record<string, string>) {
      const body = new URLSearchParams({ csrf, ...fields });
      const asked = { method: 'POST', headers, body, redirect: 'manual' as const };
      const response = await fetch(app.url + path, asked);
      const location = new URL(response.headers.get('location') ?? '/', app.url).pathname;
      return { status: response.status, location, text: await response.text() };
    },
  };
}

/** A guest whom one press lets in. */
async function signIn(redirect: string) {
  const browser = plainBrowser();
  let shown = await browser.go(redirect);
  if (/^Are you \d+ or older/.test(shown.heading))
    shown = await browser.submit(shown, { value: 'over' });
  return browser.submit(shown);
}

const unifi = {
  api: 'legacy' as const,
  site: `desk${process.pid}`,
  username: 'foyer',
  password: 'controller password',
};

test('UniFi: registered by the form, asked, used, broken by a wrong password and mended', async () => {
  const house = await makeHouse(app, { methods: ['click-through'] });
  const staff = desk(house);
  const unused = { id: 'unused', kind: 'unifi' as const, name: 'unused' };
  const gateway = { ...unused, unifi: { ...unifi, url: 'https://unused.test' } };
  const controller = await startUnifi({ portal: app.url, slug: house.store.slug, gateway });
  closers.push(() => controller.close());
  const fields = {
    name: 'Terrace',
    'unifi.url': controller.url,
    'unifi.site': unifi.site,
    'unifi.api': 'legacy',
    'unifi.username': unifi.username,
    'unifi.password': unifi.password,
    'unifi.fingerprint': controller.fingerprint,
  };
  const made = await staff.post(list, { id: house.store.id, equipment: 'unifi', ...fields });
  expect(made.status).toBe(303);
  const page = made.location;
  expect(await staff.get(`${page}/check`)).toContain('Waiting for the first sign of it');
  expect((await staff.post(`${page}/check`, {})).text).toContain(
    'The controller answers. 0 guests are let in there.',
  );

  const mac = makeMac();
  const shown = await signIn(await controller.join({ mac, ip: '10.0.0.23' }));
  expect(shown.heading).toBe('You are online');
  await until(async () => (await staff.get(`${page}/check`)).includes('>It works<'));
  expect((await staff.post(`${page}/check`, {})).text).toContain('1 guest is let in there.');

  const online = await staff.get('/console/sessions');
  const out = /href="(\/console\/sessions\/[^"]+\/disconnect)"/.exec(online)?.[1] ?? '';
  expect(await staff.get(out)).toContain('puts them out at once');
  expect((await staff.post(out, {})).location).toBe('/console/sessions');
  expect(controller.inside(mac)).toBe(false);

  const wrong = { ...fields, 'unifi.password': 'not the password' };
  expect((await staff.post(`${page}/edit`, wrong)).status).toBe(303);
  await signIn(await controller.join({ mac: makeMac(), ip: '10.0.0.24' }));
  const refused = await staff.post(`${page}/check`, {});
  expect(refused.text).not.toContain('did not let an admitted guest in');
  expect(refused.text).toContain('The controller did not answer as it should.');
  expect(refused.text).toContain('The controller said no.');
  await staff.post(`${page}/edit`, fields);
  const mended = await staff.post(`${page}/check`, {});
  expect(mended.text).toContain('The controller answers.');
  expect(mended.text).not.toContain('The controller said no.');
});

test.each([
  ['coova', startCoova, 'x', 'RADIUS packets come with a wrong shared secret.'],
  ['mikrotik', startMikrotik, '', 'It asks without signing its requests, and is refused.'],
] as const)(
  '%s: what is wrong between it and RADIUS is named',
  async (kind, start, mistake, said) => {
    const house = await makeHouse(app, { methods: ['click-through'] });
    const staff = desk(house);
    const source = kind === 'coova' ? '127.0.0.76' : '127.0.0.77';
    const made = await staff.post(list, {
      id: house.store.id,
      equipment: kind,
      name: 'Hotspot',
      'radius.sources': source,
      hosts: '127.0.0.1',
    });
    expect(made.status).toBe(303);
    const page = made.location;
    const settings = await staff.get(`${page}/files/0`);
    const secretOf = (name: string): string =>
      new RegExp(`${name}=\\W?([0-9a-f]{32})`).exec(settings)?.[1] ?? `no ${name}`;
    const radius = {
      secret: secretOf(kind === 'coova' ? 'HS_RADSECRET' : 'secret') + mistake,
      sources: [source],
      nasIds: ['Hotspot'],
      profile: kind,
      messageAuthenticator: 'require' as const,
      interimSeconds: 60,
    };
    const own = kind === 'coova' ? { secret: secretOf('HS_UAMSECRET') } : {};
    const { radiusAuth: authPort = 0, radiusAcct: acctPort = 0 } = app.server.ports;
    const equipment = await start({
      portal: app.url,
      slug: house.store.slug,
      gateway: { id: 'unused', kind, name: 'Hotspot', login: 'chap', radius, ...own },
      radius: { host: '127.0.0.1', authPort, acctPort },
    });
    closers.push(() => equipment.close());
    await signIn(await equipment.join({ mac: makeMac(), ip: '10.0.0.24' })).catch(() => undefined);
    await until(async () => (await staff.get(`${page}/check`)).includes(said));
    expect(await staff.get(list)).toContain(said);
  },
);

test.each([
  ['wrong-secret', 'The AC answers with another secret than the one registered.'],
  ['refuse', 'The AC refused to let a guest in.'],
  ['silence', 'The AC does not answer.'],
] as const)(
  'Portal 2.0: an AC whose answer is %s is told apart',
  async (mood, said) => {
    const house = await makeHouse(app, { methods: ['click-through'] });
    const staff = desk(house);
    const host = { 'wrong-secret': '127.0.0.81', refuse: '127.0.0.82', silence: '127.0.0.83' }[
      mood
    ];
    const typed = { name: 'AC-1', 'portal2.host': host, 'portal2.port': '20081' };
    const made = await staff.post(list, { id: house.store.id, equipment: 'huawei', ...typed });
    expect(made.status).toBe(303);
    const page = made.location;
    const guide = await staff.get(page);
    const secrets = [...new Set(guide.match(/\b[0-9a-f]{32}\b/g))];
    const { radiusAuth: authPort = 0, radiusAcct: acctPort = 0 } = app.server.ports;
    const ac = await startPortal2({
      portal: app.url,
      slug: house.store.slug,
      gateway: {
        id: 'unused',
        kind: 'portal2',
        name: 'AC-1',
        secret: secrets[0]!,
        portal2: {
          host,
          port: 20_081,
          version: 2,
          auth: 'chap',
          sendChallenge: true,
          macBinding: false,
        },
      },
      radius: { host: '127.0.0.1', authPort, acctPort },
      mood: () => mood,
    });
    closers.push(() => ac.close());
    await signIn(await ac.join({ mac: makeMac(), ip: '10.0.0.24' }));
    const check = await staff.get(`${page}/check`);
    expect(check).toContain(said);
    expect(check.match(/class="card finding bad"/g)).toHaveLength(1);
  },
  30_000,
);
