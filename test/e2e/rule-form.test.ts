/** Offers, rules and decisions in a real browser: the rule form comes alive, and every page is accessible. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeShop, openBrowser, openPage } from '../support/browser.ts';
import type { OpenPage, Shop } from '../support/browser.ts';
import { makeDecision, makeFence, makeOffer, makeRule } from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';

const browserPart = requirePart('chromium', partPresent.chromium);

browserPart('offers and rules', () => {
  let app: TestApp;
  let browser: Browser;
  let shop: Shop;
  let opened: OpenPage | undefined;
  let offerId = '';
  let ruleId = '';

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
    await makeFence(app.db, shop.merchantId, { storeId: shop.storeId, name: 'Shoes' });
    offerId = (await makeOffer(app.db, shop.merchantId, { name: 'Run −10 %' })).id;
    const definition = { trigger: 'visit.dwelled' };
    ruleId = (await makeRule(app.db, shop.merchantId, offerId, { definition })).id;
    await makeDecision(app.db, shop.merchantId, ruleId);
  });
  afterEach(async () => {
    await opened?.page.context().close();
    expect(opened?.complaints ?? []).toEqual([]);
    opened = undefined;
  });

  const open = async (path: string, options: BrowserContextOptions = {}): Promise<Page> => {
    opened = await openPage(browser, app, shop, options);
    await opened.page.goto(`${app.url}/console/${path}`);
    return opened.page;
  };

  browserPart.test('the sentence is told as the form is filled, and saved as told', async () => {
    const page = await open('rules/new');
    const sentence = page.locator('[data-part="sentence"]');
    await page.getByLabel('Where').selectOption({ label: 'Shoes' });
    await sentence.getByText('Shoes').waitFor();
    await page.getByLabel('Offer').selectOption({ label: 'Run −10 %' });
    await sentence.getByText('Run −10 %').waitFor();
    const address = page.url();
    await page.getByRole('button', { name: 'Add condition' }).click();
    const row = page.locator('.condition').nth(1);
    await row.getByLabel('What is asked').selectOption({ label: 'Has been here before' });
    await row.getByLabel('Value').selectOption({ label: 'yes' });
    await sentence.getByText('has been here before').waitFor();
    expect(page.url()).toBe(address);
    await page.getByLabel('Name', { exact: true }).fill('Runners');
    await page.getByRole('button', { name: 'Save rule' }).last().click();
    await page.getByRole('heading', { name: 'Runners' }).waitFor();
    const card = page.locator('.rule', { hasText: 'Runners' });
    expect(await card.locator('.rule__sentence').innerText()).toMatch(
      /Shoes.*been here before.*Run/,
    );
  });

  browserPart.test('a removed condition leaves the sentence and the rule', async () => {
    const page = await open('rules/new');
    const sentence = page.locator('[data-part="sentence"]');
    await sentence.getByText('time stayed').waitFor();
    await page.getByRole('button', { name: 'Remove this condition' }).click();
    await sentence.filter({ hasNotText: 'time stayed' }).waitFor();
    expect(await page.locator('ul .condition').count()).toBe(0);
  });

  browserPart.test('questions an event never answers are not offered', async () => {
    const page = await open('rules/new');
    const option = page.locator('ul .condition option[value="session.method"]');
    expect(await option.getAttribute('hidden')).toBe('');
    await page.getByLabel('What happens').selectOption('guest.admitted');
    expect(await option.getAttribute('hidden')).toBeNull();
  });

  const everyPage = (): string[] => [
    'offers',
    `offers/${offerId}`,
    'rules',
    `rules/${ruleId}`,
    'decisions',
  ];
  for (const colorScheme of ['light', 'dark'] as const) {
    browserPart.test(
      `axe finds nothing and nothing is cut off on a phone (${colorScheme})`,
      async () => {
        const page = await open('offers', { colorScheme, viewport: { width: 390, height: 844 } });
        for (const path of everyPage()) {
          await page.goto(`${app.url}/console/${path}`);
          const { violations } = await new AxeBuilder({ page }).analyze();
          const told = violations.map(({ id, nodes }) => [path, id, nodes[0]?.html]);
          expect(told).toEqual([]);
          const wide = await page.evaluate('document.documentElement.scrollWidth');
          expect([path, wide]).toEqual([path, 390]);
        }
      },
    );
  }
});
