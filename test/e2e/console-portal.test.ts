/** The console's pages about the portal in a real browser: no complaints, a preview that follows, and a door that does. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { applyChange, defaultSettings } from '../../server/stores/settings.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import type { Person } from '../support/console.ts';
import { personOf } from '../support/console.ts';
import type { ConsoleHouse } from '../support/console-browser.ts';
import { faultsOf, looks, openConsole, violationsOn } from '../support/console-browser.ts';
import * as make from '../support/make.ts';
import { partPresent, requirePart } from '../support/parts.ts';

const settings = applyChange(defaultSettings('DE'), {
  methods: ['sms-code', 'voucher', 'staff'],
  promise: { en: 'Free WiFi for our guests', 'zh-CN': '顾客免费上网' },
  question: {
    key: 'taste',
    label: { en: 'Tea or coffee?', 'zh-CN': '茶还是咖啡？' },
    options: [{ value: 'tea', label: { en: 'Tea', 'zh-CN': '茶' } }],
  },
  oidc: [
    {
      id: 'club',
      name: 'Harbour Club',
      issuer: 'https://accounts.example.com',
      clientId: 'foyer',
      clientSecret: 'secret',
      scopes: ['openid'],
      realName: true,
    },
  ],
});

requirePart('browser (needs Chromium)', partPresent.chromium)('the portal on the console', () => {
  let desk: ConsoleHouse;
  let owner: Person;
  let shop: { merchantId: string; id: string; slug: string };
  let card: { id: string };

  beforeAll(async () => {
    desk = await openConsole({ publicUrl: 'http://127.0.0.1' });
    const { db, house } = desk;
    const merchant = await make.makeMerchant(db, { name: 'Harbour Coffee' });
    const store = await make.makeStore(db, merchant.id, {
      name: 'Quayside',
      country: 'DE',
      settings,
    });
    shop = { merchantId: merchant.id, id: store.id, slug: store.slug };
    owner = await personOf(house, merchant.id);
    card = await make.makeMemberCard(db, merchant.id, { name: '李晓梅' });
    await make.makeApproval(db, merchant.id, store.id, { name: 'Sam from the press' });
    await make.makeAccessVoucher(db, merchant.id, store.id, { createdAt: new Date(make.NOON) });
  });
  afterAll(() => desk?.close());

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    return (await desk.enter(owner.token, options)).newPage();
  }

  const paths = (): string[] => [
    '/console/settings',
    '/console/settings/look',
    '/console/settings/ways',
    '/console/settings/providers',
    '/console/settings/providers/club',
    '/console/settings/consent',
    '/console/settings/texts',
    '/console/settings/questions',
    '/console/settings/questions/taste',
    '/console/members',
    `/console/members/${card.id}`,
    '/console/approvals',
    `/console/codes/sheet?made=${make.NOON}`,
  ];

  test.each(looks)(
    'every page has nothing to complain about: %s',
    async (_name, options) => {
      const page = await open(options);
      const found: string[] = [];
      for (const url of paths())
        found.push(...(await faultsOf(page, () => page.goto(desk.origin + url))));
      await page.context().close();
      expect(found).toEqual([]);
    },
    240_000,
  );

  test.each([looks[1], looks[2]])(
    'nor have cards just made, with rows that do not fit: %s',
    async (_name, options) => {
      const page = await open(options);
      await page.goto(`${desk.origin}/console/members`);
      await page.locator('#csv').fill('number,name\nD-1,Ada\n!,Nobody\n');
      const found = await faultsOf(page, async () => {
        await page.locator('form[action$="/import"] button').click();
        await page.waitForURL('**/import');
      });
      await page.context().close();
      expect(found).toEqual([]);
    },
    60_000,
  );

  const look = '/console/settings/look';

  test('the pages of the preview are as accessible as the portal', async () => {
    const page = await open({ viewport: { width: 390, height: 700 } });
    const found: string[] = [];
    for (const [name, language, dark] of [
      ['choose', 'ar', 'dark'],
      ['code', 'en', 'light'],
      ['consent', 'zh-CN', 'dark'],
      ['welcome', 'es', 'light'],
    ] as const) {
      const query = new URLSearchParams({
        'show-page': name,
        'show-language': language,
        'show-look': dark,
      });
      const answer = await page.request.get(`${desk.origin}${look}/preview?${query.toString()}`);
      await page.setContent(await answer.text());
      found.push(...(await violationsOn(page)).map((one) => `${name}: ${one}`));
    }
    await page.context().close();
    expect(found).toEqual([]);
  }, 120_000);

  /** What the frame shows; it runs nothing, so its text is what the server sent last. */
  async function shownAfter(page: Page, act: () => Promise<unknown>): Promise<string> {
    const answer = page.waitForResponse((one) => one.url().endsWith('/look/preview'));
    await act();
    return (await answer).text();
  }

  test('the preview follows what is typed and chosen, and Back leads away at once', async () => {
    const page = await open({ viewport: { width: 1280, height: 900 } });
    await page.goto(`${desk.origin}/console/members`);
    await page.goto(desk.origin + look);
    const words = await shownAfter(page, () => page.locator('#promise-en').fill('Typed just now'));
    expect(words).toContain('Typed just now');
    const arabic = await shownAfter(page, () => page.locator('#show-language').selectOption('ar'));
    expect(arabic).toContain('dir="rtl"');
    const colour = await shownAfter(page, () => page.locator('#accent').fill('#aa0055'));
    expect(colour).toContain('--accent:#aa0055');
    await page.locator('.phone iframe[name="preview-3"]:not([hidden])').waitFor();
    expect(await page.locator('.phone iframe').count()).toBe(1);
    await page.goBack();
    expect(page.url()).toBe(`${desk.origin}/console/members`);
    await page.context().close();
  }, 60_000);

  test('any picture becomes a small logo: shown at once, kept when saved', async () => {
    const png = new PNG({ width: 1600, height: 400 });
    for (let at = 0; at < png.data.length; at += 1) png.data[at] = at % 4 === 3 ? 255 : at % 251;
    const page = await open();
    await page.goto(desk.origin + look);
    const file = { name: 'sign.png', mimeType: 'image/png', buffer: PNG.sync.write(png) };
    const html = await shownAfter(page, () => page.locator('#logo-file').setInputFiles(file));
    expect(html).toContain('src="data:image/png;base64,');
    expect(await page.locator('[data-part=logo-said]').innerText()).toMatch(/Ready: \d+ × \d+/);
    const data = await page.locator('input[name=logo]').inputValue();
    const made = PNG.sync.read(Buffer.from(data, 'base64'));
    expect([made.width <= 480, made.height <= 160, made.width / made.height]).toEqual([
      true,
      true,
      4,
    ]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL('**/look?done=saved');
    const kept = (await storeBySlug(desk.db, shop.slug))?.theme.logo;
    expect(kept).toMatchObject({ width: made.width, height: made.height, alt: 'Quayside' });
    const bad = { name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('no picture') };
    await page.locator('#logo-file').setInputFiles(bad);
    await page.getByText('This file is no picture').waitFor();
    expect(await page.locator('input[name=logo]').inputValue()).toBe('');
    await page.context().close();
  }, 60_000);

  test('without scripts the preview shows at a press, and everything saves', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto(desk.origin + look);
    expect(await page.locator('#logo-file').isVisible()).toBe(false);
    expect(await page.getByText('needs JavaScript in this browser').isVisible()).toBe(true);
    await page.locator('#promise-en').fill('Pressed');
    await page.locator('#show-page').selectOption('choose');
    const html = await shownAfter(page, () =>
      page.getByRole('button', { name: 'Show', exact: true }).last().click(),
    );
    expect(html).toContain('Pressed');
    expect(page.url()).toBe(desk.origin + look);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL('**/look?done=saved');
    expect((await storeBySlug(desk.db, shop.slug))?.theme.promise.en).toBe('Pressed');
    await page.context().close();
  }, 60_000);

  test('a guest who asks appears by themselves and is let in with the keyboard', async () => {
    const page = await open();
    await page.goto(`${desk.origin}/console/approvals`);
    expect(await page.title()).toMatch(/^\(1\) /);
    await make.makeApproval(desk.db, shop.merchantId, shop.id, { name: 'Joe at the bar' });
    await page.getByText('Joe at the bar').waitFor({ timeout: 20_000 });
    expect(await page.title()).toMatch(/^\(2\) /);
    expect(await page.locator('[data-part=said]').innerText()).toBe('2 guests are waiting.');
    await page.getByRole('button', { name: 'Let Joe at the bar in', exact: true }).focus();
    await make.makeApproval(desk.db, shop.merchantId, shop.id, { name: 'Ann outside' });
    const told = page.locator('[data-part=said]', { hasText: '3 guests are waiting.' });
    await told.waitFor({ state: 'attached', timeout: 20_000 });
    expect(await page.getByText('Ann outside').count()).toBe(0);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/approvals?done=guest-granted');
    const { rows } = await desk.db.query(
      'select decision, decided_by from approval_requests where name = $1',
      ['Joe at the bar'],
    );
    expect(rows).toEqual([{ decision: 'granted', decided_by: owner.staffId }]);
    await page.context().close();
  }, 60_000);

  test('cards are brought in from a file', async () => {
    const page = await open();
    await page.goto(`${desk.origin}/console/members`);
    const buffer = Buffer.from('number,name\nC-1001,Ada\nC-1001,Twice\n');
    await page.locator('#file').setInputFiles({ name: 'cards.csv', mimeType: 'text/csv', buffer });
    await textStands(page);
    await page.getByRole('button', { name: 'Bring in' }).click();
    await page.getByText('1 row was left out').first().waitFor();
    expect(await page.locator('main').innerText()).toContain('C1001');
    await page.context().close();
  }, 60_000);

  /** The file's text stands in the field before anything is sent. */
  async function textStands(page: Page): Promise<void> {
    await page.waitForFunction('document.querySelector("#csv").value.includes("C-1001,Ada")');
  }
});
