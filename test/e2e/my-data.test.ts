/** "My data" from the welcome page and in a real browser: who is recognised how far, and that everybody can use it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { logIn } from '../../scripts/demo/guest.ts';
import type { GuestChoices, Visit } from '../../scripts/demo/guest.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { openBrowser } from '../support/browser.ts';
import { codeFor, makeHouse, redirectOf } from '../support/cast.ts';
import type { House } from '../support/cast.ts';
import { makeMac } from '../support/make.ts';
import { requirePart, partPresent } from '../support/parts.ts';

let app: TestApp;
let house: House;
let guests = 0;
beforeAll(async () => {
  app = await startApp({ TRUST_PROXY: '1' });
});
afterAll(() => app?.stop());
beforeEach(async () => {
  house = await makeHouse(app, { purposes: null });
});

/** Through the door by one way in, to the welcome page. */
async function arrive(
  method: GuestChoices['method'],
  mac: string,
): Promise<Visit & { address: string }> {
  guests += 1;
  const address = `mine-${guests}@guests.example`;
  const proof =
    method === 'email-code' ? { value: address, readCode: () => codeFor(app, address) } : {};
  const choices = { method, marketing: true, ...proof };
  const visit = await logIn(app.url, redirectOf(house, { mac }), choices);
  return { ...visit, address };
}

/** Opens the link of the welcome page: in the guest's own browser, or in another that came by its address. */
async function follow(visit: Visit, cookie = visit.cookies): Promise<string> {
  const href = /href="([^"]*\/mine\?j=[^"]+)"/.exec(visit.html)?.[1];
  expect(href).toBeDefined();
  const headers = { 'accept-language': 'en', cookie };
  const response = await fetch(new URL(href!, visit.url), { headers });
  return response.text();
}

describe('from the welcome page', () => {
  test('a guest who proved an address sees everything at once', async () => {
    const visit = await arrive('email-code', makeMac());
    const page = await follow(visit);
    expect(page).toContain(visit.address);
    expect(page).toContain('Times on the WiFi');
    expect(page).toContain('Agreed on');
  });

  test('to whoever merely read the address of the page, nothing is shown', async () => {
    const visit = await arrive('email-code', makeMac());
    const other = await arrive('email-code', makeMac());
    for (const cookies of ['', other.cookies]) {
      const page = await follow(visit, cookies);
      expect(page).not.toContain(visit.address);
      expect(page).not.toContain('Times on the WiFi');
      expect(page).toContain('Send me a code');
    }
  });

  test('one of whom nothing is known sees switches and nothing personal', async () => {
    const page = await follow(await arrive('click-through', makeMac()));
    expect(page).toContain('Only this device is known');
    expect(page).toContain('Take back');
    expect(page).not.toContain('Times on the WiFi');
    expect(page).not.toContain('/mine/download');
  });

  test('a person whose device is merely recognised proves an address first', async () => {
    const mac = makeMac();
    const known = await arrive('email-code', mac);
    const page = await follow(await arrive('click-through', mac));
    expect(page).not.toContain(known.address);
    expect(page).toMatch(/Only this device is known|Send me a code/);
  });

  test('taken back there, an offer is no longer made', async () => {
    const page = await follow(await arrive('email-code', makeMac()));
    const m = /name="m" value="([\w-]+)"/.exec(page)![1]!;
    const body = new URLSearchParams({ m, purpose: 'marketing', granted: 'no' });
    await fetch(new URL(`/p/${house.store.slug}/mine/choose`, app.url), { method: 'POST', body });
    const { rows } = await app.db.query(
      `select granted, source from consents where merchant_id = $1 and purpose = 'marketing' order by seq desc limit 1`,
      [house.merchantId],
    );
    expect(rows).toEqual([{ granted: false, source: 'self-service' }]);
  });
});

const inChromium = requirePart('chromium', partPresent.chromium);

inChromium('for everybody', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  test.each([
    ['en', 390, 'light'],
    ['zh-CN', 390, 'dark'],
    ['ar', 390, 'light'],
    ['es', 1280, 'dark'],
  ] as const)(
    '%s at %i in %s: no rule of access is broken',
    async (language, width, colorScheme) => {
      const { address } = await arrive('email-code', makeMac());
      const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme });
      const page = await context.newPage();
      const check = async () => {
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
        const over = await page.evaluate(
          'document.documentElement.scrollWidth - window.innerWidth',
        );
        expect(over).toBeLessThanOrEqual(0);
      };
      await page.goto(`${app.url}/p/${house.store.slug}/mine?lang=${language}`);
      await check();
      app.clock.now = Date.now() + 60_000 * guests;
      await page.fill('#value', address);
      await page.press('#value', 'Enter');
      await page.waitForURL(/\/mine\/code/);
      await check();
      await page.fill('#value', await codeFor(app, address));
      await page.press('#value', 'Enter');
      await page.waitForURL(/\/mine\/look/);
      await check();
      for (const part of ['edit', 'forget']) {
        const here = page.url();
        await page.click(`a[href*="/mine/${part}"]`);
        await check();
        await page.goto(here);
      }
      app.clock.now = null;
      await context.close();
    },
  );
});
