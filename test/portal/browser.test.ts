/** The pages in a real browser of a phone's size: with and without scripts, and under axe's eyes. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import express from 'express';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Opening } from '../../portal/gateways/gateway.ts';
import { pretend } from '../../portal/gateways/pretend.ts';
import type { Purpose, StoreView, Text } from '../../portal/ports-store.ts';
import { createPortal, pretendRedirect } from '../../portal/router.ts';
import { fakeOffer, fakeStore, makeFakes, PRETEND } from '../support/fakes.ts';
import type { Fakes } from '../support/fakes.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { settings } from './phone.ts';

const SIZE = { width: 390, height: 700 };
const withBrowser = requirePart('Chromium', partPresent.chromium);

const heading = (page: Page) => page.textContent('h1');

const doors: [string, Opening][] = [
  ['shut', { kind: 'shut', reason: 'unreachable' }],
  ['waiting', { kind: 'waiting' }],
];

/** The usual shop, one with one way in, one with every way, and one that asks for an age and remembers. */
function shops(): StoreView[] {
  const policy = { graceMinutes: 5, gracePerDay: 99, rememberDays: 30 };
  const wordings = fakeStore().wordings;
  const words = { en: 'Mail me offers.', 'zh-CN': '邮件优惠。', es: 'Ofertas.', ar: 'العروض.' };
  const provider = {
    id: 'example',
    name: 'Example ID',
    issuer: 'https://id.example',
    clientId: 'c',
    clientSecret: 's',
    scopes: [],
  };
  const every = fakeStore({
    id: 'every',
    slug: 'every',
    policy,
    methods: ['click-through', 'email-code', 'voucher', 'member-card', 'oidc', 'staff'],
    oidc: [provider],
    wordings: [...wordings, { purpose: 'marketing-email', version: '1', text: words }],
    house: {
      pre_auth: { headline: words, body: words },
      landing: { headline: words, body: words, link: 'https://harbour.example/' },
    },
  });
  const single = { methods: ['click-through' as const] };
  const gate = { id: 'gate', slug: 'gate', ageGate: 16, questions: [], policy, ...single };
  const asked = (purpose: Purpose, en: string, more: Partial<Text> = {}) => ({
    purpose,
    version: '1',
    text: { ...words, en, ...more },
  });
  const texts =
    'By ticking this box you agree to receive recurring automated marketing text messages from ' +
    'Harbour Coffee at the number provided. Consent is not a condition of any purchase. Message and ' +
    'data rates may apply. Message frequency varies, at most four a month. Reply STOP to cancel, HELP for help.';
  const much = fakeStore({
    id: 'much',
    slug: 'much',
    country: 'US',
    methods: ['sms-code'],
    wordings: [
      ...wordings,
      asked('marketing-sms', texts),
      asked(
        'analytics',
        'Count my visits, to learn when the shop is busy and which shelves I stop at.',
      ),
      asked('profiling', 'Keep a profile of my visits and answers, so that offers fit me.'),
    ],
  });
  return [
    fakeStore(),
    much,
    fakeStore({ id: 'click', slug: 'click', ...single }),
    every,
    fakeStore(gate),
  ];
}

/** Nothing to scroll sideways, and every target big enough for a thumb. */
async function fits(page: Page): Promise<void> {
  const wide = await page.evaluate('document.documentElement.scrollWidth');
  expect(wide).toBe(SIZE.width);
  for (const target of await page
    .locator('button:visible, a.button, .plain, .lang, .field, summary:visible')
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
    const app = express();
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    fakes = makeFakes({ stores: shops(), clock: Date.now });
    app.use(createPortal(fakes.ports, settings({ offerWaitMs: 2_000, publicUrl: origin })).router);
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
    const mac = `02:00:00:00:${(guests >> 8).toString(16).padStart(2, '0')}:${(guests & 255).toString(16).padStart(2, '0')}`;
    const again = () => page.goto(origin + pretendRedirect(slug, PRETEND, { mac, ip: '10.0.0.5' }));
    await again();
    return { context, page, complaints, again };
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

  test.each(['light', 'dark'] as const)(
    'however much is asked, the button is in reach and everything can be read (%s)',
    async (colorScheme) => {
      const { context, page } = await arrive('much', { colorScheme });
      const address = colorScheme === 'light' ? '+12025550143' : '+12025550144';
      await page.fill('#value', address);
      await page.click('main form button');
      await page.fill('#value', fakes.codeFor(address) ?? '');
      await page.click('main form button');
      expect(await heading(page)).toBe('Almost there');
      await fits(page);
      const button = page.locator('main form button');
      const bottom = async () => {
        const box = await button.boundingBox();
        return (box?.y ?? SIZE.height) + (box?.height ?? 0);
      };
      expect(await bottom()).toBeLessThanOrEqual(SIZE.height);
      const boxes = await page.locator('.choice').all();
      expect(boxes).toHaveLength(4);
      for (const box of boxes) {
        expect(await box.locator('input').isChecked()).toBe(false);
        await box.locator('input').scrollIntoViewIfNeeded();
        // Nothing lies over it: a press meets the box.
        await box.locator('input').click({ trial: true });
      }
      await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
      expect(await bottom()).toBeLessThanOrEqual(SIZE.height);
      await context.close();
    },
  );

  test.each([
    ['en', 390, 700],
    ['en', 320, 568],
    ['ar', 320, 480],
    // A phone zoomed to twice its size, and one on its side.
    ['en', 195, 350],
    ['ar', 640, 360],
  ])(
    'whoever tabs through it sees what has the focus (%s, %i by %i)',
    async (locale, width, height) => {
      const { context, page } = await arrive('much', { locale, viewport: { width, height } });
      const address = `+1202555${String(guests).padStart(4, '0')}`;
      await page.fill('#value', address);
      await page.click('main form button');
      await page.fill('#value', fakes.codeFor(address) ?? '');
      await page.click('main form button');
      await page.waitForSelector('.asked');
      // As it opens, and once more from the page's end.
      for (const key of ['Tab', 'Shift+Tab']) {
        const seen: string[] = [];
        for (let press = 0; press < 12; press++) {
          await page.keyboard.press(key);
          const found = await page.evaluate(`(() => {
          const focused = document.activeElement;
          if (focused === null || !focused.matches('.asked input')) return null;
          const { left, top, bottom, width } = focused.getBoundingClientRect();
          const meets = [top + 1, bottom - 1].map((y) => document.elementFromPoint(left + width / 2, y));
          return focused.name + (meets.every((met) => met === focused) ? '' : ' is covered');
        })()`);
          if (typeof found === 'string') seen.push(found);
        }
        expect([key, ...seen.slice(0, 4).toSorted()]).toEqual([
          key,
          'analytics',
          'marketing',
          'marketing-sms',
          'profiling',
        ]);
      }
      await context.close();
    },
  );

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

  test('a form for a gateway’s door is sent by the script, and by one press without', async () => {
    const door = jest.spyOn(pretend, 'open').mockResolvedValue({
      kind: 'post',
      url: `${origin}/p/harbour?at=the-router`,
      fields: { username: 'g.abc', password: 'once' },
    });
    const able = pretend.capabilities(PRETEND);
    const style = jest
      .spyOn(pretend, 'capabilities')
      .mockReturnValue({ ...able, door: 'browser' as const });
    for (const javaScriptEnabled of [true, false]) {
      const { context, page, complaints } = await arrive('click', { javaScriptEnabled });
      const sent = page.waitForRequest((request) => request.url().endsWith('the-router'));
      await page.click('main form button');
      await page.click('button[name=skip]');
      if (!javaScriptEnabled) await page.click('main form button');
      expect((await sent).postData()).toBe('username=g.abc&password=once');
      expect(complaints).toEqual([]);
      await context.close();
    }
    door.mockRestore();
    style.mockRestore();
  });

  test('the staff’s answer moves the page on by itself', async () => {
    const { context, page } = await arrive('every');
    await page.click('button[value=staff]');
    await page.fill('#value', 'Ada');
    await page.click('main form button');
    expect(await heading(page)).toBe('The staff have been asked');
    for (const request of fakes.approvals.values()) request.state = 'granted';
    await page.waitForSelector('text=Almost there');
    fakes.approvals.clear();
    await context.close();
  });

  test('a device that keeps its cookie comes back with one tap', async () => {
    const { context, page, again } = await arrive('gate');
    await page.click('button[value=over]');
    await page.click('main form button');
    await page.waitForSelector('.tick');
    await again();
    expect(await heading(page)).toBe('Good to have you back');
    const cookies = await context.cookies();
    expect(cookies).toMatchObject([
      { name: 'foyer', path: '/p/gate', httpOnly: true, sameSite: 'Lax' },
    ]);
    await page.click('button[value=yes]');
    expect(await heading(page)).toBe('You are online');
    await context.close();
  });

  describe.each(['en', 'zh-CN', 'es', 'ar'] as const)('in %s', (locale) => {
    test('axe finds nothing on any page, light or dark, and all of it fits', async () => {
      const found: string[] = [];
      const judge = async (page: Page, dark: boolean) => {
        await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
        const axe = new AxeBuilder({ page });
        // Nothing but its colours tells a page in the dark from the same page in the light.
        const { violations } = await (dark ? axe.withRules(['color-contrast']) : axe).analyze();
        const title = await heading(page);
        for (const { id, nodes } of violations)
          found.push(`${title}: ${id} ${nodes.map((node) => node.html).join(' ')}`);
      };
      const look = async (page: Page) => {
        await judge(page, false);
        await judge(page, true);
        await fits(page);
        expect(await page.getAttribute('html', 'lang')).toBe(locale);
        expect(await page.evaluate('getComputedStyle(document.body).direction')).toBe(
          locale === 'ar' ? 'rtl' : 'ltr',
        );
      };
      const seen = await everyPage((slug, more) => arrive(slug, { locale, ...more }), look);
      expect(found).toEqual([]);
      expect(seen).toBeGreaterThanOrEqual(20);
    }, 240_000);
  });

  test.each(['tint', 'accent'] as const)(
    'a ground of %s keeps its contrast',
    async (background) => {
      const [shop] = fakes.stores.filter(({ slug }) => slug === 'every');
      if (shop === undefined) throw new Error('no shop');
      const before = shop.theme;
      shop.theme = { ...before, accent: '#0b6e4f', background };
      for (const colorScheme of ['light', 'dark'] as const) {
        const { context, page } = await arrive('every', { colorScheme });
        await page.click('summary');
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id }) => id)).toEqual([]);
        await fits(page);
        expect(await page.isVisible('nav a[hreflang=ar]')).toBe(true);
        await context.close();
      }
      shop.theme = before;
    },
  );

  const SHEET =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';
  type Arrive = (slug: string, more?: BrowserContextOptions) => ReturnType<typeof arrive>;

  /** Every page there is, each looked at once. Gives how many. */
  async function everyPage(open: Arrive, look: (page: Page) => Promise<void>): Promise<number> {
    let seen = 0;
    const visit = async (
      slug: string,
      walk: (page: Page, see: () => Promise<void>) => Promise<void>,
      more = {},
    ) => {
      const { context, page } = await open(slug, more);
      const see = async () => {
        seen += 1;
        await look(page);
      };
      await see();
      await walk(page, see);
      await context.close();
    };
    const press = (page: Page) => page.click('main form button');
    guests += 1;
    const address = `guest-${guests}@example.org`;
    const offer = fakeOffer({ validUntil: Date.now() + 3_600_000 });
    await visit('every', async (page, see) => {
      await page.click('button[value=email-code]');
      await see();
      await page.fill('#value', 'nobody');
      await press(page);
      await see();
      await page.fill('#value', address);
      await press(page);
      await see();
      for (const fold of await page.locator('.fold > summary').all()) await fold.click();
      await see();
      await page.click('form[action$=grace] button');
      await see();
      await page.fill('#value', fakes.codeFor(address) ?? '');
      await press(page);
      await see();
      await press(page);
      await see();
      fakes.offers.push(offer);
      await page.click('button[name=skip]');
      await page.waitForSelector('.offer');
      await see();
      fakes.offers.length = 0;
    });
    for (const way of ['voucher', 'member-card', 'staff', 'oidc:example'])
      await visit('every', async (page, see) => {
        await page.click(`button[value="${way}"]`);
        await see();
        if (way.startsWith('oidc')) return;
        await page.fill('#value', 'nonesuch');
        if (way === 'member-card') await page.fill('#factor', '1');
        await press(page);
        await see();
      });
    fakes.approvals.clear();
    await visit(
      'every',
      async (page, see) => {
        await page.click('button[value="oidc:example"]');
        await see();
      },
      { userAgent: SHEET },
    );
    await visit('gate', async (page, see) => {
      await page.click('button[value=over]');
      await press(page);
      await page.waitForSelector('.tick');
      await see();
    });
    for (const [kind, opening] of doors)
      await visit('click', async (page, see) => {
        const door = jest.spyOn(pretend, 'open').mockResolvedValue(opening);
        await press(page);
        await page.click('button[name=skip]');
        door.mockRestore();
        await see();
        expect(await page.locator('main form').count()).toBe(kind === 'shut' ? 1 : 0);
      });
    await visit('click', async (page, see) => {
      await page.goto(`${origin}/p/nowhere`);
      await see();
    });
    return seen;
  }
});
