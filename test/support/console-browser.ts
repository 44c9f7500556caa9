/** The console behind a port of its own and a browser before it: somebody comes in, and pages are looked at for faults. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { ConsoleDeps } from '../../server/console/deps.ts';
import type { Database } from '../../server/db/database.ts';
import { openBrowser } from './browser.ts';
import { consoleApp } from './console.ts';
import type { ConsoleApp } from './console.ts';
import { testDatabase } from './database.ts';

export interface ConsoleHouse {
  db: Database;
  house: ConsoleApp;
  origin: string;
  browser: Browser;
  /** A browser that speaks British English unless said; with a token, of whom signed in with it. */
  enter(token: string | null, options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

export async function openConsole(over: Partial<ConsoleDeps> = {}): Promise<ConsoleHouse> {
  const database = await testDatabase();
  const house = consoleApp(database.db, over);
  const server: Server = house.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await openBrowser();
  return {
    db: database.db,
    house,
    origin,
    browser,
    async enter(token, options = {}) {
      const context = await browser.newContext({ locale: 'en-GB', ...options });
      if (token !== null) await context.addCookies([{ name: 'foyer', value: token, url: origin }]);
      return context;
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
      await database.release();
    },
  };
}

/** The looks under which every page is judged. */
export const looks = [
  ['desktop, light, English', { viewport: { width: 1440, height: 900 }, colorScheme: 'light' }],
  [
    'desktop, dark, Chinese',
    { viewport: { width: 1280, height: 900 }, colorScheme: 'dark', locale: 'zh-CN' },
  ],
  ['phone, light, English', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
  [
    'phone, dark, Chinese',
    { viewport: { width: 390, height: 844 }, colorScheme: 'dark', locale: 'zh-CN' },
  ],
] as const satisfies readonly (readonly [string, BrowserContextOptions])[];

/** What axe says of the page that is open, what is folded away included. */
export async function violationsOn(page: Page): Promise<string[]> {
  // A frame that runs nothing cannot be asked; its pages are looked at by themselves.
  await page.evaluate('document.querySelectorAll("iframe").forEach((one) => one.remove())');
  await page.evaluate(
    'document.querySelectorAll("main details").forEach((one) => (one.open = true))',
  );
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map((node) => node.html).join(' | ')}`.slice(0, 400),
  );
}

/** What is wrong with a page that `open` leads to: accessibility, scripts or the policy complaining, wider than the screen. */
export async function faultsOf(page: Page, open: () => Promise<unknown>): Promise<string[]> {
  const found: string[] = [];
  page.on('pageerror', (error) => found.push(error.message));
  page.on('console', (message) => {
    const ours = message.type() === 'error' && !/status of (404|422)/.test(message.text());
    if (ours) found.push(message.text());
  });
  await open();
  found.push(...(await violationsOn(page)));
  const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  if (Number(wider) > 0) found.push(`${String(wider)} px wider than the screen`);
  page.removeAllListeners();
  const at = new URL(page.url()).pathname;
  return found.map((one) => `${at}: ${one}`);
}
