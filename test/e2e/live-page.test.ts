/** The live page in a real browser: events arrive by socket, missed ones after a reconnect, each once. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { appendEvents } from '../../server/events/outbox.ts';
import type { VisitEvent } from '../../server/events/types.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeShop, openBrowser, openPage, shopAt } from '../support/browser.ts';
import type { OpenPage, Shop } from '../support/browser.ts';
import { makeDevice, makeFence, makeVisit } from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';

const browserPart = requirePart('chromium', partPresent.chromium);

const [lon, lat] = shopAt;
const square = {
  type: 'Polygon',
  coordinates: [
    [
      [lon, lat],
      [lon + 0.0004, lat],
      [lon + 0.0004, lat + 0.0003],
      [lon, lat + 0.0003],
      [lon, lat],
    ],
  ],
};

browserPart('the live page', () => {
  let app: TestApp;
  let browser: Browser;
  let shop: Shop;
  let fence: { id: string; name: string };
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    app = await startApp();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  beforeEach(async () => {
    shop = await makeShop(app);
    const over = { storeId: shop.storeId, name: 'Shoes', floor: '1F', shape: square };
    fence = await makeFence(app.db, shop.merchantId, over);
  });
  afterEach(async () => {
    await opened?.page.context().close();
    expect(opened?.complaints ?? []).toEqual([]);
    opened = undefined;
  });

  const live = async (options = {}): Promise<Page> => {
    opened = await openPage(browser, app, shop, options);
    await opened.page.goto(`${app.url}/console/live`);
    return opened.page;
  };
  const connected = (page: Page): Promise<void> =>
    page.locator('[data-part="connection"][data-state="live"]').waitFor();

  /** Somebody enters: an open visit and its event, in one transaction as the engine writes them. */
  const enter = async (place = fence): Promise<void> => {
    const device = await makeDevice(app.db, shop.merchantId);
    const at = new Date();
    const visit = await makeVisit(
      app.db,
      { merchantId: shop.merchantId, fenceId: place.id, deviceId: device.id },
      { storeId: shop.storeId, status: 'open', entryAt: at, exitAt: null },
    );
    const payload: VisitEvent = {
      visitId: visit.id,
      deviceId: device.id,
      guestId: null,
      storeId: shop.storeId,
      fenceId: place.id,
      fenceName: place.name,
      at: at.toISOString(),
      detectedAt: at.toISOString(),
      p: 0.9,
      score: 0.8,
      band: 'high',
      triggerEligible: false,
    };
    await app.db.tx(
      (tx) =>
        appendEvents(
          tx,
          [
            {
              merchantId: shop.merchantId,
              storeId: shop.storeId,
              deviceId: device.id,
              type: 'visit.entered',
              key: device.id,
              payload,
              occurredAt: at,
            },
          ],
          at.getTime(),
        ),
      { tenant: shop.merchantId },
    );
    app.server.services.dispatcher.nudge();
    await app.settled();
  };
  const lines = (page: Page) => page.locator('.feed__item');

  browserPart.test('an event appears in the feed and in the numbers without a reload', async () => {
    const page = await live();
    await connected(page);
    expect(await lines(page).count()).toBe(0);
    await enter();
    await lines(page).getByText('A visitor came into Shoes').waitFor();
    await page.locator('.map-label__count', { hasText: /^1$/ }).waitFor();
    await page.locator('[data-part="in-store"]', { hasText: /^1$/ }).waitFor();
    expect(await page.locator('.map path.fence').getAttribute('data-tint')).not.toBe('0');
  });

  browserPart.test(
    'what happened while the line was down comes after the reconnect, once',
    async () => {
      const page = await live();
      await connected(page);
      await enter();
      await lines(page).first().waitFor();
      await page.context().setOffline(true);
      await page.locator('[data-part="connection"][data-state="away"]').waitFor();
      await enter();
      await enter();
      expect(await lines(page).count()).toBe(1);
      await page.context().setOffline(false);
      await connected(page);
      await page.locator('.map-label__count', { hasText: /^3$/ }).waitFor();
      expect(await lines(page).count()).toBe(3);
      const ids = await lines(page).evaluateAll((items) =>
        items.map(
          (item) => (item as unknown as { dataset: Record<string, string> }).dataset['event'],
        ),
      );
      expect(new Set(ids).size).toBe(3);
    },
  );

  browserPart.test('events already in the page are not told twice', async () => {
    await enter();
    const page = await live();
    await connected(page);
    await enter();
    await page.locator('.map-label__count', { hasText: /^2$/ }).waitFor();
    expect(await lines(page).count()).toBe(2);
  });

  browserPart.test('a paused feed waits and counts', async () => {
    const page = await live();
    await connected(page);
    await page.getByRole('button', { name: 'Pause' }).click();
    await enter();
    await page.getByRole('button', { name: 'Resume (1 new)' }).waitFor();
    expect(await lines(page).count()).toBe(0);
    await page.getByRole('button', { name: 'Resume (1 new)' }).click();
    expect(await lines(page).count()).toBe(1);
  });

  browserPart.test('floors are switched by keyboard', async () => {
    const over = { storeId: shop.storeId, name: 'Books', floor: '2F', shape: square };
    await makeFence(app.db, shop.merchantId, over);
    const page = await live();
    await page.locator('.map-label__name', { hasText: 'Shoes' }).waitFor();
    await page.getByRole('radio', { name: '1F' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.map-label__name', { hasText: 'Books' }).waitFor();
    expect(await page.locator('.map-label__name', { hasText: 'Shoes' }).count()).toBe(0);
  });

  browserPart.test("another merchant's events never arrive", async () => {
    const page = await live();
    await connected(page);
    const [ours, ourFence] = [shop, fence];
    shop = await makeShop(app);
    fence = await makeFence(app.db, shop.merchantId, { storeId: shop.storeId, shape: square });
    await enter();
    [shop, fence] = [ours, ourFence];
    await enter();
    await lines(page).getByText('A visitor came into Shoes').waitFor();
    expect(await lines(page).count()).toBe(1);
  });

  browserPart.test('without scripts it is a table that refreshes itself', async () => {
    await enter();
    const page = await live({ javaScriptEnabled: false });
    await page.getByRole('row', { name: /Shoes/ }).getByText('1', { exact: true }).waitFor();
    expect(await lines(page).count()).toBe(1);
    expect(await page.locator('meta[http-equiv="refresh"]').count()).toBe(1);
    expect(await page.locator('.map').isVisible()).toBe(false);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    browserPart.test(`has nothing for axe to complain about (${colorScheme})`, async () => {
      await enter();
      const page = await live({ colorScheme });
      await connected(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
    });
  }
});
