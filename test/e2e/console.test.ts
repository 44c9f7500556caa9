/** The console in a real browser: every page without accessibility violations, in both looks, sizes and languages, and by keyboard. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { newPrintableCode } from '../../server/codes/printable.ts';
import { createPasswords } from '../../server/staff/passwords.ts';
import { createOwnerLink } from '../../server/staff/sign-in.ts';
import { applyChange, defaultSettings } from '../../server/stores/settings.ts';
import type { Database } from '../../server/db/database.ts';
import type { ConsoleHouse } from '../support/console-browser.ts';
import { faultsOf, looks, openConsole, violationsOn } from '../support/console-browser.ts';
import * as make from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';

const password = 'lantern under quiet water';

/** A café with a morning's visits, and everything else a page can show. */
async function cafe(db: Database) {
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
  let desk: ConsoleHouse;
  let rows: Awaited<ReturnType<typeof cafe>>;
  let emptyToken: string;
  let link: string;

  beforeAll(async () => {
    desk = await openConsole();
    rows = await cafe(desk.db);
    const empty = await make.makeMerchant(desk.db);
    const first = await make.makeStaff(desk.db, empty.id);
    emptyToken = (await make.makeSignIn(desk.db, empty.id, first.id)).token;
    link = await createOwnerLink(desk.db, () => make.NOON);
  });
  afterAll(() => desk?.close());

  /** By the door: with address and password. */
  async function enter(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await desk.enter(null, options);
    const page = await context.newPage();
    await page.goto(`${desk.origin}/console`);
    await page.locator('input[name=email]').fill(rows.owner.email);
    await page.locator('input[name=password]').fill(password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${desk.origin}/console/overview`);
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

  const faults = (page: Page, url: string): Promise<string[]> =>
    faultsOf(page, () => page.goto(desk.origin + url));

  test.each([looks[0], looks[3]])(
    'every page has nothing to complain about: %s',
    async (_name, options) => {
      const context = await enter(options);
      const page = await context.newPage();
      const found: string[] = [];
      for (const url of paths()) found.push(...(await faults(page, url)));
      await context.close();
      expect(found).toEqual([]);
    },
    240_000,
  );

  test('pages of strangers and of a merchant with nothing yet', async () => {
    const stranger = await desk.enter(null, { viewport: { width: 390, height: 844 } });
    const page = await stranger.newPage();
    const found = [
      ...(await faults(page, '/console/sign-in')),
      ...(await faults(page, `/console/start/${link}`)),
      ...(await faults(page, '/console/start/used')),
    ];
    await stranger.addCookies([{ name: 'foyer', value: emptyToken, url: desk.origin }]);
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
    await page.goto(`${desk.origin}/console/vouchers`);
    await page.keyboard.type(rows.code.toLowerCase());
    await page.keyboard.press('Enter');
    await page.waitForURL('**/redeem');
    expect(await page.locator('[role=status]').innerText()).toContain('Accepted: A coffee on us');
    await context.close();
  });

  test('the first Tab leads past the navigation; the accent’s contrast follows the colour', async () => {
    const context = await enter();
    const page = await context.newPage();
    await page.goto(`${desk.origin}/console/settings/look`);
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
    await page.goto(`${desk.origin}/console/devices`);
    await page.locator('#name').fill('Anna’s phone');
    await page.locator('form.card button').click();
    const codes = page.locator('img.qr');
    expect(await codes.count()).toBe(4);
    expect(await page.evaluate("document.querySelector('img.qr').naturalWidth")).toBeGreaterThan(0);
    expect(await violationsOn(page)).toEqual([]);
    await page.goto(`${desk.origin}/console/overview?look=dark`);
    await page.goto(`${desk.origin}/console/guests`);
    expect(await page.locator('html').getAttribute('data-look')).toBe('dark');
    await context.close();
  });
});
