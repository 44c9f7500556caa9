/** The pages in a real browser of a phone's size: with and without scripts, and under axe's eyes. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createPortal, pretendRedirect } from '../../portal/router.ts';
import { fakeOffer, fakeStore, makeFakes, PRETEND } from '../support/fakes.ts';
import type { Fakes } from '../support/fakes.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { settings } from './phone.ts';

const SIZE = { width: 390, height: 700 };
const withBrowser = requirePart('Chromium', partPresent.chromium);

const heading = (page: Page) => page.textContent('h1');

/** Nothing to scroll sideways, and every target big enough for a thumb. */
async function fits(page: Page): Promise<void> {
  const wide = await page.evaluate('document.documentElement.scrollWidth');
  expect(wide).toBe(SIZE.width);
  for (const target of await page
    .locator('button:visible, a.button, .plain, .lang, .field')
    .all()) {
    const box = await target.boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(48);
  }
}

withBrowser('a phone’s sign-in sheet', () => {
  let browser: Browser;
  let server: Server;
  let fakes: Fakes;
  let origin = '';
  let guests = 16;

  beforeAll(async () => {
    const click = fakeStore({ id: 'click', slug: 'click', methods: ['click-through'] });
    fakes = makeFakes({ stores: [fakeStore(), click], clock: Date.now });
    const app = express();
    app.use(createPortal(fakes.ports, settings({ offerWaitMs: 2_000 })).router);
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: partPresent.chromium ?? '',
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
    });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  });

  /** A new guest at the door; complaints of the page's console are collected. */
  async function arrive(slug: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: SIZE, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (line) => {
      if (line.type() === 'error') complaints.push(line.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    guests += 1;
    const mac = `02:00:00:00:01:${guests.toString(16)}`;
    await page.goto(origin + pretendRedirect(slug, PRETEND, { mac, ip: '10.0.0.5' }));
    return { context, page, complaints };
  }

  async function walkBySms(page: Page, address: string, look: () => Promise<void>) {
    await look();
    await page.click('button[value=sms-code]');
    await look();
    await page.fill('#value', 'not a number');
    await page.click('main form button');
    await look();
    expect(await page.inputValue('#value')).toBe('not a number');
    await page.fill('#value', address);
    await page.click('main form button');
    await look();
    await page.fill('#value', fakes.codeFor(address) ?? '');
    await page.click('main form button');
    await look();
    expect(await page.isChecked('input[name=marketing]')).toBe(false);
    await page.click('main form button');
    await look();
    await page.check('input[value=coffee]');
    await page.click('main form button');
    await look();
  }

  test.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('%s, from the door to the welcome page', async (_name, javaScriptEnabled) => {
    const { context, page, complaints } = await arrive('harbour', { javaScriptEnabled });
    const headings: (string | null)[] = [];
    const address = `+44770090${javaScriptEnabled ? '1111' : '2222'}`;
    await walkBySms(page, address, async () => {
      headings.push(await heading(page));
      await fits(page);
    });
    expect(headings).toEqual([
      'Free WiFi',
      'Your phone number',
      'Your phone number',
      'Enter your code',
      'Almost there',
      'One question',
      'You are online',
    ]);
    expect(await page.locator('noscript a').count()).toBe(javaScriptEnabled ? 0 : 1);
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('an offer that comes later appears by itself, and is not drawn twice', async () => {
    const { context, page } = await arrive('click');
    await page.click('main form button');
    await page.click('button[name=skip]');
    expect(await heading(page)).toBe('You are online');
    expect(await page.locator('.offer').count()).toBe(0);
    fakes.offers.push(fakeOffer({ validUntil: Date.now() + 3_600_000 }));
    await page.waitForSelector('.offer');
    fakes.offers.push(fakeOffer({ voucherId: 'v-2', code: 'TWO' }));
    await page.waitForSelector('text=TWO');
    expect(await page.locator('.offer').count()).toBe(2);
    fakes.offers.length = 0;
    await context.close();
  });

  test('a door that opens late moves the page on by itself', async () => {
    fakes.broken.add('doors.deposit');
    const { context, page } = await arrive('click');
    await page.click('main form button');
    await page.click('button[name=skip]');
    expect(await heading(page)).toBe('Connecting you');
    fakes.broken.clear();
    for (const session of fakes.sessions.values()) session.state = 'active';
    await page.waitForSelector('text=You are online');
    await context.close();
  });

  test('the back button and a reload lead on, not astray', async () => {
    const { context, page } = await arrive('click');
    await page.click('main form button');
    await page.goBack();
    expect(await heading(page)).toBe('Almost there');
    await page.click('main form button');
    await page.waitForSelector('text=One question');
    await page.reload();
    expect(await heading(page)).toBe('One question');
    await page.click('button[name=skip]');
    await page.waitForSelector('text=You are online');
    await page.reload();
    expect(await heading(page)).toBe('You are online');
    await context.close();
  });

  const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
    (['en', 'zh-CN'] as const).map((locale) => ({ colorScheme, locale })),
  );

  describe.each(looks)('in $colorScheme, $locale', ({ colorScheme, locale }) => {
    test('axe finds nothing on any page', async () => {
      fakes.offers.splice(0, 9, fakeOffer({ validUntil: Date.now() + 3_600_000 }));
      const { context, page } = await arrive('harbour', { colorScheme, locale });
      const found: string[] = [];
      const look = async () => {
        const { violations } = await new AxeBuilder({ page }).analyze();
        const title = await heading(page);
        for (const { id, nodes } of violations)
          found.push(`${title}: ${id} ${nodes.map((node) => node.html).join(' ')}`);
      };
      const address = `+4477009${colorScheme.length}${locale.length}333`;
      await walkBySms(page, address, look);
      await page.goto(`${origin}/p/nowhere`);
      await look();
      fakes.broken.add('doors.deposit');
      const waiting = await arrive('click', { colorScheme, locale });
      await waiting.page.click('main form button');
      await waiting.page.click('button[name=skip]');
      const { violations } = await new AxeBuilder({ page: waiting.page }).analyze();
      fakes.broken.clear();
      fakes.offers.length = 0;
      expect([...found, ...violations.map(({ id }) => `connecting: ${id}`)]).toEqual([]);
      await waiting.context.close();
      await context.close();
    }, 60_000);
  });
});
