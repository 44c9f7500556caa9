/** Site setup and who is online in a real browser: nothing to complain about on any page, and what scripts add. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, BrowserContextOptions } from 'playwright-core';
import { gatewayKinds } from '../../server/stores/gateway-schema.ts';
import { personOf } from '../support/console.ts';
import type { ConsoleHouse } from '../support/console-browser.ts';
import { faultsOf, looks, openConsole } from '../support/console-browser.ts';
import * as make from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { makeGatewayOf, makeLeg, makeNotice } from '../support/site.ts';

const list = '/console/settings/gateways';

requirePart('browser (needs Chromium)', partPresent.chromium)('gateways in a browser', () => {
  let desk: ConsoleHouse;
  let token: string;
  let at: { merchantId: string; storeId: string };
  let sessionId: string;
  const ids: Record<string, string> = {};

  async function fill(): Promise<void> {
    const { db } = desk;
    for (const kind of gatewayKinds) ids[kind] = (await makeGatewayOf(db, at, kind)).id;
    const own = { ...at, gatewayId: ids['coova']! };
    await makeNotice(db, own, { code: 'redirect-ok' });
    await makeNotice(db, own, { code: 'radius-wrong-secret', detail: { from: '192.0.2.7' } });
    await makeNotice(db, own, { code: 'radius-rejected', detail: { reason: 'wrong-mac' } });
    const guest = await make.makeGuest(db, at.merchantId, { name: '李晓梅' });
    const where = { ...own, guestId: guest.id };
    sessionId = (await make.makeSession(db, where, { bytesIn: 987_654_321 })).id;
    await makeLeg(db, { ...own, sessionId });
    await make.makeSession(db, where, { state: 'pending', confirmedAt: null });
    const endedAt = new Date(make.NOON);
    await make.makeSession(db, where, { state: 'ended', endedAt, endReason: 'idle-timeout' });
  }

  beforeAll(async () => {
    desk = await openConsole({ tryOut: (slug) => `/p/${slug}` });
    const merchant = await make.makeMerchant(desk.db, { name: 'Harbour Coffee' });
    const store = await make.makeStore(desk.db, merchant.id, { name: 'Quayside' });
    at = { merchantId: merchant.id, storeId: store.id };
    await fill();
    token = (await personOf(desk.house, merchant.id)).token;
  });
  afterAll(() => desk?.close());

  const enter = (options: BrowserContextOptions = {}): Promise<BrowserContext> =>
    desk.enter(token, options);

  const of = (kind: string, page = ''): string => `${list}/${ids[kind]}${page}`;
  /** One page of each make. */
  const few = (): string[] => [
    list,
    `${list}/new?equipment=unifi`,
    of('mikrotik'),
    of('coova', '/check'),
    of('meraki', '/abilities'),
    '/console/sessions?show=all',
  ];
  const all = (): string[] => [
    ...few(),
    `${list}/new`,
    ...['opennds', 'coova', 'huawei', 'radius'].map((card) => `${list}/new?equipment=${card}`),
    ...['pretend', 'opennds', 'apfree', 'unifi', 'portal2', 'radius'].map((kind) => of(kind)),
    ...['unifi', 'meraki'].map((kind) => of(kind, '/check')),
    ...['opennds', 'coova'].map((kind) => of(kind, '/edit')),
    '/console/sessions',
    `/console/sessions/${sessionId}/disconnect`,
  ];

  const phone = { width: 390, height: 844 };

  test.each(looks)(
    'pages have nothing to complain about: %s',
    async (name, options) => {
      const context = await enter(options);
      const page = await context.newPage();
      const found: string[] = [];
      const paths = /desktop, light|phone, dark/.test(name) ? all() : few();
      for (const url of paths)
        found.push(...(await faultsOf(page, () => page.goto(desk.origin + url))));
      await context.close();
      expect(found).toEqual([]);
    },
    300_000,
  );

  test.each([looks[1], looks[2]])(
    'nor have the answers to forms: %s',
    async (_name, options) => {
      const context = await enter(options);
      const page = await context.newPage();
      const found: string[] = [];
      const answered = async (url: string, form: string): Promise<void> => {
        await page.goto(desk.origin + url);
        // What the browser itself would ask for is left to the server.
        const press = `document.querySelector('form[action$="${form}"]').submit()`;
        const answer = () => Promise.all([page.waitForNavigation(), page.evaluate(press)]);
        found.push(...(await faultsOf(page, answer)));
      };
      await answered(of('coova', '/edit'), '/secret');
      await answered(of('unifi', '/check'), '/check');
      await answered(`${list}/new?equipment=unifi`, '/gateways');
      await context.close();
      expect(found).toEqual([]);
    },
    120_000,
  );

  test('without scripts: equipment is chosen, registered, set up and removed', async () => {
    const context = await enter({ javaScriptEnabled: false, viewport: phone });
    const page = await context.newPage();
    await page.goto(`${desk.origin}${list}`);
    await page.getByRole('link', { name: 'Add a gateway' }).click();
    await page.getByRole('link', { name: 'Ubiquiti UniFi' }).click();
    expect(await page.locator('[name="unifi.apiKey"]').isVisible()).toBe(false);
    await page.locator('[name="unifi.api"]').selectOption('official');
    expect(await page.locator('[name="unifi.apiKey"]').isVisible()).toBe(true);
    await page.locator('[name="name"]').fill('Terrace');
    await page.locator('[name="unifi.url"]').fill('unifi.test');
    await page.getByRole('button', { name: 'Add and show its settings' }).click();
    expect(await page.locator('[aria-invalid=true]').getAttribute('name')).toBe('unifi.apiKey');
    await page.locator('[name="unifi.apiKey"]').fill('0123456789abcdef');
    await page.getByRole('button', { name: 'Add and show its settings' }).click();
    expect(await page.locator('h1').innerText()).toBe('Terrace');
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
    await page.locator('#word').fill('Terrace');
    await page.getByRole('button', { name: 'Remove the gateway' }).click();
    await page.waitForURL(/done=gateway-removed/);
    await context.close();
  });

  test('a file is copied by one press and downloaded by another', async () => {
    const context = await enter({ permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    await page.goto(`${desk.origin}${list}/${ids['mikrotik']}`);
    await page.getByRole('button', { name: 'Copy foyer.rsc' }).click();
    await page.getByText('Copied').waitFor();
    const copied = String(await page.evaluate('navigator.clipboard.readText()'));
    const waiting = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download foyer.rsc' }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toBe('foyer.rsc');
    expect(copied).toContain('/radius add service=hotspot');
    await context.close();
  });

  test('the check follows what happens while somebody looks, but not what they hold', async () => {
    const context = await enter();
    const page = await context.newPage();
    await page.clock.install();
    await page.goto(`${desk.origin}${list}/${ids['meraki']}/check`);
    const summary = page.locator('#summary-title');
    expect(await summary.innerText()).toBe('Waiting for the first sign of it');
    const own = { ...at, gatewayId: ids['meraki']! };
    await makeNotice(desk.db, own, { code: 'redirect-ok' });
    await page.locator('[data-part=refresh]').hover();
    await page.clock.runFor(10_500);
    expect(await summary.innerText()).toBe('Waiting for the first sign of it');
    await page.locator('h1').hover();
    await page.clock.runFor(10_500);
    await page.getByText('It works', { exact: true }).waitFor();
    await context.close();
  });
});
