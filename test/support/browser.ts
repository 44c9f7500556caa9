/** A real browser, signed in at the console, that can reach nothing but the server under test. */
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { hashToken, newToken } from '../../server/ids.ts';
import type { TestApp } from './app.ts';
import { makeMerchant, makeStaff, makeStore } from './make.ts';
import { partPresent } from './parts.ts';

export interface Shop {
  merchantId: string;
  storeId: string;
  slug: string;
  /** The sign-in cookie of the owner. */
  cookie: { name: string; value: string };
  /** `cookie` as a request header. */
  headers: { cookie: string };
}

/** [lon, lat] of the shop that the tests draw. */
export const shopAt = [120.0757, 30.2931] as const;

/** A merchant with one store and its owner signed in. */
export async function makeShop(app: TestApp): Promise<Shop> {
  const merchant = await makeMerchant(app.db, { name: 'Harbour Mall' });
  const staff = await makeStaff(app.db, merchant.id, { name: 'Ada Berg' });
  const store = await makeStore(app.db, merchant.id, {
    name: 'Harbour Mall',
    timezone: 'Asia/Shanghai',
    country: 'CN',
    location: { type: 'Point', coordinates: [...shopAt] },
  });
  const token = newToken('fs');
  await app.db.query(
    `insert into sign_ins (token_hash, merchant_id, staff_id, created_at, last_seen_at, expires_at, user_agent)
     values ($1, $2, $3, $4, $4, $5, 'test')`,
    [
      hashToken(token),
      merchant.id,
      staff.id,
      new Date(app.clock.now ?? Date.now()),
      new Date((app.clock.now ?? Date.now()) + 86_400_000),
    ],
  );
  return {
    merchantId: merchant.id,
    storeId: store.id,
    slug: store.slug,
    cookie: { name: 'foyer', value: token },
    headers: { cookie: `foyer=${token}` },
  };
}

/** Chromium that resolves no name but loopback: an outside asset would fail loudly. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: partPresent.chromium ?? '',
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}

export interface OpenPage {
  page: Page;
  /** Addresses asked for outside the server, script errors and policy violations: should stay empty. */
  complaints: string[];
}

export async function openPage(
  browser: Browser,
  app: TestApp,
  shop: Shop,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  await context.addCookies([{ ...shop.cookie, url: app.url }]);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('request', (request) => {
    const outside = !request.url().startsWith(app.url) && !/^(data|blob):/.test(request.url());
    if (outside && !request.url().startsWith(app.url.replace('http', 'ws'))) {
      complaints.push(`outside request ${request.url()}`);
    }
  });
  page.on('pageerror', (error) => complaints.push(`page error ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints };
}
