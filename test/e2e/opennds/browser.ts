/** A guest's mini-browser inside the rig: headless Chromium of a phone's size, with scripts or without. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import type { Rig } from './rig.ts';

/** The whole program runs in the guest's namespace; only its pipe comes out. */
export async function launchIn(rig: Rig, program: string): Promise<Browser> {
  const wrapper = path.join(rig.work, 'browser');
  const words = rig.inside('cli', [program, '"$@"']);
  writeFileSync(wrapper, `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 });
  return chromium.launch({
    executablePath: wrapper,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
}

/** A sheet without a past: phones' sign-in sheets keep no cookies. */
export async function openSheet(browser: Browser, scripts: boolean): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 700 },
    javaScriptEnabled: scripts,
    // The rig's own authority is trusted by the gateway; Chromium keeps a list of its own.
    ignoreHTTPSErrors: true,
  });
  return context.newPage();
}

interface Visitor {
  address: string;
  readCode: () => string;
}

type Act = (page: Page, visitor: Visitor) => Promise<unknown>;

/** What a guest does on each page, known by the form that stands on it. */
const ACTS: [form: string, act: Act][] = [
  ['/age', (page) => page.locator('form[action$="/age"] button').first().click()],
  ['/choose', (page) => page.click('button[value=email-code]')],
  [
    '/finish',
    async (page, { readCode }) => {
      await page.fill('form[action$="/finish"] [name=value]', readCode());
      await page.click('form[action$="/finish"] button');
    },
  ],
  [
    '/start',
    async (page, { address }) => {
      await page.fill('form[action$="/start"] [name=value]', address);
      await page.click('form[action$="/start"] button');
    },
  ],
  [
    '/consent',
    async (page) => {
      for (const box of await page.locator('form[action$="/consent"] [type=checkbox]').all())
        await box.check();
      await page.click('form[action$="/consent"] button');
    },
  ],
  ['/profile', (page) => page.click('button[name=skip]')],
];

const ONLINE = 'You are online';
const MOST_PAGES = 10;

/** The form that stands on the page, if it is one of those above; pages that lead themselves have none. */
async function formOn(page: Page): Promise<Act | null> {
  for (const [form, act] of ACTS)
    if ((await page.locator(`main form[action$="${form}"]`).count()) > 0) return act;
  return null;
}

/** Headings of the pages met, from the captured request to the welcome. */
export async function walkInBySheet(page: Page, visitor: Visitor): Promise<string[]> {
  const met: string[] = [];
  await page.goto('http://captive.test/');
  for (let turn = 0; turn < MOST_PAGES; turn++) {
    met.push((await page.locator('h1').first().textContent()) ?? '');
    const act = met.at(-1) === ONLINE ? null : await formOn(page);
    if (act === null && (await page.locator('main form[method=post]').count()) > 0)
      throw new Error(`nobody told the guest what to do on “${met.at(-1)}”`);
    if (act === null) break;
    const before = page.url();
    await act(page, visitor);
    await page.waitForURL((url) => url.href !== before, { waitUntil: 'commit' });
  }
  // From here on the page leads itself: through the gateway's door, or by asking until it opened.
  await page.waitForSelector(`h1:text-is("${ONLINE}")`, { timeout: 40_000 });
  return [...met, ONLINE];
}
