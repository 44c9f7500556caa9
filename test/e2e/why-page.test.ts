/** "Why (no) visit?" in a real browser: pick a span, slide through the positions, read what was missing. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { randomFrom } from '../../scripts/lib/random.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeShop, openBrowser, openPage, shopAt } from '../support/browser.ts';
import type { OpenPage, Shop } from '../support/browser.ts';
import { makeDevice, makeFence } from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { moved, noisyTrack } from '../support/tracks.ts';

const browserPart = requirePart('chromium', partPresent.chromium);

/** 17 November 2026, 10:00 in Shanghai. */
const TEN = Date.UTC(2026, 10, 17, 2);
const MINUTE = 60_000;

/** Metres east and north of the mall's corner. */
const spot = (east: number, north: number): [number, number] => moved(...shopAt, east, north);
const room = (west: number, south: number, east: number, north: number) => ({
  type: 'Polygon',
  coordinates: [
    [spot(west, south), spot(east, south), spot(east, north), spot(west, north), spot(west, south)],
  ],
});

/** Along the passage, ten minutes in Shoes, past Bags and out; a jump, a mock and a coarse fix on the way. */
function walk() {
  const way = (s: number): [number, number] => {
    if (s < 120) return spot(-20 + (s / 120) * 35, 20);
    if (s < 720) return spot(15, 8 + (randomFrom(s)() - 0.5) * 2);
    if (s < 900) return spot(15 + ((s - 720) / 180) * 55, 20);
    return spot(70 + (s - 900) * 0.5, 20);
  };
  const noise = { tau: 20, white: 0.3 };
  const track = noisyTrack(way, { seconds: 1080, period: 15, acc: 6, seed: 7, noise, start: TEN });
  const pings = track.map(({ t, lon, lat, acc }) => ({ at: t, lon, lat, accuracy: acc ?? 6 }));
  const odd = (second: number, more: object) => {
    const [lon, lat] = way(second);
    return { at: TEN + second * 1000 + 5000, lon, lat, accuracy: 6, ...more };
  };
  return [
    ...pings,
    odd(300, { lon: shopAt[0] + 3 }),
    odd(420, { accuracy: 700 }),
    odd(480, { mock: true }),
  ];
}

browserPart('why (no) visit', () => {
  let app: TestApp;
  let browser: Browser;
  let shop: Shop;
  let device: { id: string; token: string };
  let bags: { id: string };
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    app = await startApp();
    app.clock.now = TEN + 20 * MINUTE;
    browser = await openBrowser();
    shop = await makeShop(app);
    const { merchantId, storeId } = shop;
    const common = { storeId, floor: '1F' };
    const mall = await makeFence(app.db, merchantId, {
      ...common,
      name: 'Mall',
      shape: room(0, 0, 80, 40),
    });
    const inside = { ...common, parentId: mall.id };
    await makeFence(app.db, merchantId, { ...inside, name: 'Shoes', shape: room(4, 1, 26, 15) });
    bags = await makeFence(app.db, merchantId, {
      ...inside,
      name: 'Bags',
      shape: room(27, 1, 50, 15),
    });
    await makeFence(app.db, merchantId, { ...inside, name: 'Café', shape: room(27, 25, 60, 39) });
    device = await makeDevice(app.db, merchantId, { name: 'Anna’s phone' });
    const reply = await fetch(`${app.url}/v1/pings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ pings: walk() }),
    });
    expect(reply.status).toBe(202);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  afterEach(async () => {
    await opened?.page.context().close();
    expect(opened?.complaints ?? []).toEqual([]);
    opened = undefined;
  });

  const open = async (query = '', options = {}): Promise<Page> => {
    opened = await openPage(browser, app, shop, options);
    await opened.page.goto(`${app.url}/console/devices/${device.id}/why${query}`);
    return opened.page;
  };
  const clock = (page: Page) => page.locator('.why-clock');
  const slider = (page: Page) => page.getByRole('slider', { name: 'Position' });

  browserPart.test('the answer comes first, then the moments, step by step', async () => {
    const page = await open('?from=2026-11-17T10:00&span=30');
    const answers = page.locator('.why-answers li');
    await answers
      .filter({ hasText: 'Shoes' })
      .getByText(/There is a visit: score 0\.\d+/)
      .waitFor();
    await answers.filter({ hasText: 'Simulated positions: 1.' }).waitFor();
    expect(await page.locator('.map path.why-dot').count()).toBe(76);
    expect(await page.locator('.map path.why-dot--refused').count()).toBe(3);
    await slider(page).focus();
    await page.keyboard.press('Home');
    expect(await clock(page).textContent()).toBe('10:00:00');
    await page.keyboard.press('ArrowRight');
    expect(await clock(page).textContent()).toBe('10:00:15');
    expect(await slider(page).getAttribute('aria-valuetext')).toBe('10:00:15: Used');
    await page.getByRole('button', { name: 'Next position' }).click();
    expect(await clock(page).textContent()).toBe('10:00:30');
  });

  browserPart.test('a refused position says why, on the map and in words', async () => {
    const page = await open('?from=2026-11-17T10:00&span=30');
    await page.locator('.map path.why-dot--refused').nth(1).dispatchEvent('click');
    await page
      .locator('.why-panel')
      .getByText('The accuracy of 700 m is worse than the 250 m')
      .waitFor();
    expect(await clock(page).textContent()).toBe('10:07:05');
    expect(await page.locator('.why-beliefs').count()).toBe(0);
  });

  browserPart.test('what a visit still lacked is told while it lacked it', async () => {
    const page = await open('?from=2026-11-17T10:00&span=30');
    await slider(page).focus();
    await page.keyboard.press('Home');
    const lack = page
      .locator('.why-beliefs li', { hasText: 'Shoes' })
      .getByText(/needs 45 s, \d+ s so far/);
    for (let step = 0; step < 40 && (await lack.count()) === 0; step++) {
      await page.keyboard.press('ArrowRight');
    }
    expect(await lack.count()).toBe(1);
    expect(await page.locator('.why-beliefs .why-bar').count()).toBeGreaterThan(1);
  });

  browserPart.test('one fence can be asked for, and a shorter time', async () => {
    const page = await open('?from=2026-11-17T10:00&span=30');
    await page.getByLabel('Fence', { exact: true }).selectOption(bags.id);
    await page.getByLabel('For', { exact: true }).selectOption('15');
    await page.getByRole('button', { name: 'Show', exact: true }).last().click();
    const answers = page.locator('.why-answers li').filter({ hasText: 'Bags' });
    await answers.getByText('No visit').waitFor();
    expect(new URL(page.url()).searchParams.get('from')).toBe('2026-11-17T10:00');
    expect(await page.locator('.map path.why-dot').count()).toBe(64);
  });

  browserPart.test('a visit leads here, with its span and fence', async () => {
    const { rows } = await app.db.query<{ id: string }>(
      `select v.id from visits v join fences f on f.id = v.fence_id
       where v.device_id = $1 and f.name = 'Shoes' and v.status <> 'retracted'`,
      [device.id],
    );
    opened = await openPage(browser, app, shop);
    await opened.page.goto(`${app.url}/console/visits/${rows[0]?.id}`);
    await opened.page.getByRole('link', { name: 'Why is this a visit?' }).click();
    await opened.page.locator('.why-answers').getByText('There is a visit').waitFor();
    const select = opened.page.getByLabel('Fence', { exact: true });
    expect(await select.locator('option:checked').textContent()).toBe('Shoes');
  });

  browserPart.test('without scripts it is a table', async () => {
    const page = await open('?from=2026-11-17T10:00&span=30', { javaScriptEnabled: false });
    await page.getByRole('row', { name: /10:08:05 Simulated/ }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(76);
    expect(await page.locator('.map').isVisible()).toBe(false);
  });

  browserPart.test('a time in which nothing was heard says so', async () => {
    const page = await open('?from=2026-11-16T10:00&span=60');
    await page.getByRole('heading', { name: 'Nothing was heard in this time' }).waitFor();
    expect(await page.locator('.map').count()).toBe(0);
  });

  browserPart.test('in Chinese nothing is left untranslated', async () => {
    const page = await open('?from=2026-11-17T10:00&span=30&lang=zh-CN');
    await page.locator('.why-clock').waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain('为什么（没有）算作到访？');
    expect(text).not.toMatch(/why\.|\{\{|Believed|Inside|Entered/);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    browserPart.test(`has nothing for axe to complain about (${colorScheme})`, async () => {
      const page = await open('?from=2026-11-17T10:00&span=30', { colorScheme });
      await clock(page).waitFor();
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
    });
  }
});
