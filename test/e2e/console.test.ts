/** The console in a real browser: every page without accessibility violations, in both looks, sizes and languages, and by keyboard. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { newPrintableCode } from '../../server/codes/printable.ts';
import { createPasswords } from '../../server/staff/passwords.ts';
import { createOwnerLink } from '../../server/staff/sign-in.ts';
import { applyChange, defaultSettings } from '../../server/stores/settings.ts';
import { consoleApp } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';

const password = 'lantern under quiet water';

/** A café with a morning's visits, and everything else a page can show. */
async function cafe({ db }: TestDatabase) {
  const merchant = await make.makeMerchant(db, { name: 'Harbour Coffee' });
  const passwordHash = await createPasswords().hash(password);
  const owner = await make.makeStaff(db, merchant.id, { name: 'Mara Lind', passwordHash });
  const settings = applyChange(defaultSettings(), {
    question: {
      key: 'taste',
      label: { en: 'Tea or coffee?', 'zh-CN': '茶还是咖啡？' },
      options: [{ value: 'tea', label: { en: 'Tea', 'zh-CN': '茶' } }],
    },
  });
  const store = await make.makeStore(db, merchant.id, { name: 'Quayside', settings });
  const gateway = await make.makeGateway(db, merchant.id, store.id, {
    kind: 'opennds',
    name: 'Door',
    settings: { level: 3, secret: '0123456789abcdef' },
    lastHeardAt: new Date(make.NOON - 3_600_000),
  });
  const guest = await make.makeGuest(db, merchant.id, { name: '李晓梅' });
  await make.makeConsent(db, merchant.id, guest.id, { purpose: 'access' });
  await make.makeConsent(db, merchant.id, guest.id, { granted: false });
  await make.makeAnswer(db, merchant.id, guest.id);
  const ids = {
    merchantId: merchant.id,
    storeId: store.id,
    gatewayId: gateway.id,
    guestId: guest.id,
  };
  await make.makeSession(db, ids);
  const device = await make.makeDevice(db, merchant.id, { guestId: guest.id });
  const fence = await make.makeFence(db, merchant.id, { storeId: store.id });
  const at = { merchantId: merchant.id, fenceId: fence.id, deviceId: device.id };
  const over = { storeId: store.id, guestId: guest.id };
  const visits = [];
  for (let hour = 1; hour < 6; hour += 1) {
    const entryAt = new Date(make.NOON - hour * 3_600_000);
    visits.push(await make.makeVisit(db, at, { ...over, entryAt }));
    await make.makeVisit(db, at, {
      ...over,
      entryAt: new Date(entryAt.getTime() - 7 * 86_400_000),
    });
  }
  const offer = await make.makeOffer(db, merchant.id, { stock: 1, issued: 1 });
  const code = newPrintableCode();
  await make.makeVoucher(db, merchant.id, offer.id, { code, storeId: store.id, guestId: guest.id });
  await make.makeMessage(db, merchant.id, { storeId: store.id });
  const slip = await make.makeAccessVoucher(db, merchant.id, store.id, {
    code: newPrintableCode(),
  });
  await make.makeApiKey(db, merchant.id);
  return { owner, gateway, guest, device, visits, slip, code };
}

requirePart('browser (needs Chromium)', partPresent.chromium)('the console in a browser', () => {
  let database: TestDatabase;
  let server: Server;
  let origin: string;
  let browser: Browser;
  let rows: Awaited<ReturnType<typeof cafe>>;
  let emptyToken: string;
  let link: string;

  beforeAll(async () => {
    database = await testDatabase();
    const house = consoleApp(database.db);
    rows = await cafe(database);
    const empty = await make.makeMerchant(database.db);
    const first = await make.makeStaff(database.db, empty.id);
    emptyToken = (await make.makeSignIn(database.db, empty.id, first.id)).token;
    link = await createOwnerLink(database.db, () => make.NOON);
    server = house.app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: partPresent.chromium!,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
    await database?.release();
  });

  async function enter(
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<BrowserContext> {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    await page.goto(`${origin}/console`);
    await page.locator('input[name=email]').fill(rows.owner.email);
    await page.locator('input[name=password]').fill(password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${origin}/console/overview`);
    await page.close();
    return context;
  }

  const paths = (): string[] => [
    '/console/overview',
    '/console/guests',
    '/console/guests?q=nobody-at-all',
    `/console/guests/${rows.guest.id}`,
    `/console/guests/${rows.guest.id}/erase`,
    '/console/visits',
    `/console/visits/${rows.visits[0]!.id}`,
    '/console/vouchers',
    '/console/devices',
    `/console/devices/${rows.device.id}/revoke`,
    '/console/codes',
    `/console/codes/sheet?made=${rows.slip.createdAt.getTime()}`,
    '/console/outbox',
    '/console/settings',
    '/console/settings/new-store',
    '/console/settings/gateways',
    `/console/settings/gateways/${rows.gateway.id}`,
    '/console/settings/people',
    '/console/settings/keys',
    '/console/account',
    '/console/nothing-here',
  ];

  /** What is wrong with a page: accessibility, the policy or scripts complaining, wider than the screen. */
  async function faults(page: Page, url: string): Promise<string[]> {
    const found: string[] = [];
    const note = (text: string): void => void found.push(`${url}: ${text}`);
    page.on('pageerror', (error) => note(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 404/.test(message.text())) note(message.text());
    });
    await page.goto(`${origin}${url}`);
    const { violations } = await new AxeBuilder({ page }).analyze();
    for (const { id, nodes } of violations)
      note(
        `${id}: ${nodes
          .map((node) => node.html)
          .join(' | ')
          .slice(0, 300)}`,
      );
    const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    if (Number(wider) > 0) note(`${String(wider)} px wider than the screen`);
    page.removeAllListeners();
    return found;
  }

  test.each([
    [
      'desktop, light, English',
      { viewport: { width: 1440, height: 900 }, colorScheme: 'light', locale: 'en-GB' },
    ],
    [
      'phone, dark, Chinese',
      { viewport: { width: 390, height: 844 }, colorScheme: 'dark', locale: 'zh-CN' },
    ],
  ] as const)(
    'every page has nothing to complain about: %s',
    async (_name, options) => {
      const context = await enter(options);
      const page = await context.newPage();
      const found: string[] = [];
      for (const url of paths()) found.push(...(await faults(page, url)));
      await context.close();
      expect(found).toEqual([]);
    },
    180_000,
  );

  test('pages of strangers and of a merchant with nothing yet', async () => {
    const stranger = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const page = await stranger.newPage();
    const found = [
      ...(await faults(page, '/console/sign-in')),
      ...(await faults(page, `/console/start/${link}`)),
      ...(await faults(page, '/console/start/used')),
    ];
    await stranger.addCookies([{ name: 'foyer', value: emptyToken, url: origin }]);
    for (const url of [
      'overview',
      'guests',
      'visits',
      'vouchers',
      'devices',
      'codes',
      'outbox',
      'settings',
    ]) {
      found.push(...(await faults(page, `/console/${url}`)));
    }
    await stranger.close();
    expect(found).toEqual([]);
  }, 120_000);

  test('works with scripts off: a voucher redeemed by keyboard alone', async () => {
    const context = await enter({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${origin}/console/vouchers`);
    await page.keyboard.type(rows.code.toLowerCase());
    await page.keyboard.press('Enter');
    await page.waitForURL('**/redeem');
    expect(await page.locator('[role=status]').innerText()).toContain('Accepted: A coffee on us');
    await context.close();
  });

  test('the first Tab leads past the navigation; the accent’s contrast follows the colour', async () => {
    const context = await enter();
    const page = await context.newPage();
    await page.goto(`${origin}/console/settings/look`);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe('#main');
    await page.locator('#accent').fill('#787878');
    expect(await page.locator('[data-part=contrast]').innerText()).toContain(
      'saved a little darker',
    );
    await page.locator('#accent').fill('#ffcc00');
    expect(await page.locator('[data-part=contrast]').innerText()).toMatch(/1[0-9]\.\d/);
    await context.close();
  });

  test('a device’s codes and the chosen look', async () => {
    const context = await enter({ viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    await page.goto(`${origin}/console/devices`);
    await page.locator('#name').fill('Anna’s phone');
    await page.locator('form.card button').click();
    const codes = page.locator('img.qr');
    expect(await codes.count()).toBe(4);
    expect(await page.evaluate("document.querySelector('img.qr').naturalWidth")).toBeGreaterThan(0);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => one.id)).toEqual([]);
    await page.goto(`${origin}/console/overview?look=dark`);
    await page.goto(`${origin}/console/guests`);
    expect(await page.locator('html').getAttribute('data-look')).toBe('dark');
    await context.close();
  });
});
