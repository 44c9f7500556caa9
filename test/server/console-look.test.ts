/** The look of the portal on the console: saving it, and the portal's own page with what is not saved yet. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PNG } from 'pngjs';
import { contrast } from '../../server/stores/colour.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import type { ConsoleApp } from '../support/console.ts';
import { consoleApp, personOf } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';

let database: TestDatabase;
let house: ConsoleApp;
beforeAll(async () => {
  database = await testDatabase();
  house = consoleApp(database.db);
});
afterAll(() => database.release());

async function shop(settings: object = {}) {
  const merchant = await make.makeMerchant(database.db);
  const store = await make.makeStore(database.db, merchant.id, { name: 'Quayside', settings });
  const owner = await personOf(house, merchant.id);
  const view = () => storeBySlug(database.db, store.slug);
  return { merchant, store, owner, view };
}

/** A picture of one colour, larger than a logo is kept. */
function picture(width = 960, height = 320): string {
  const png = new PNG({ width, height });
  png.data.fill(200);
  return PNG.sync.write(png).toString('base64');
}

const url = '/console/settings/look';
const form = { accent: '#1f5fbf', background: 'tint', 'promise-en': 'Free WiFi' };

describe('saving the look', () => {
  test('colour, ground and promises in every language', async () => {
    const { store, owner, view } = await shop();
    const words = {
      'promise-zh-CN': '免费上网',
      'promise-es': 'WiFi gratis',
      'promise-ar': 'واي فاي',
    };
    const saved = await owner.post(url, { id: store.id, ...form, ...words }).expect(303);
    expect(saved.headers['location']).toBe(`${url}?done=saved`);
    expect((await view())?.theme).toMatchObject({
      accent: '#1f5fbf',
      background: 'tint',
      promise: { en: 'Free WiFi', 'zh-CN': '免费上网', es: 'WiFi gratis', ar: 'واي فاي' },
    });
  });

  test('a colour that carries no text is darkened, and that is said', async () => {
    const { store, owner, view } = await shop();
    const saved = await owner.post(url, { id: store.id, ...form, accent: '#787878' }).expect(303);
    const page = await owner.get(String(saved.headers['location'])).expect(200);
    expect(page.text).toContain('darkened a little');
    const theme = (await view())!.theme;
    expect(contrast(theme.accent, theme.onAccent)).toBeGreaterThanOrEqual(4.5);
  });

  test('a logo is drawn anew and small, keeps its words, and can be taken off', async () => {
    const { store, owner, view } = await shop();
    await owner.post(url, { id: store.id, ...form, logo: picture() }).expect(303);
    expect((await view())?.theme.logo).toMatchObject({ width: 480, height: 160, alt: 'Quayside' });
    await owner.post(url, { id: store.id, ...form, 'logo-alt': 'A lighthouse' }).expect(303);
    expect((await view())?.theme.logo).toMatchObject({ width: 480, alt: 'A lighthouse' });
    expect((await owner.get(url)).text).toContain('alt="A lighthouse"');
    await owner.post(url, { id: store.id, ...form, 'logo-remove': 'yes' }).expect(303);
    expect((await view())?.theme.logo).toBeUndefined();
  });

  test.each([
    [{ accent: 'red' }, 'Use a colour like #0e6655'],
    [{ background: 'sunset' }, 'Choose one of the three'],
    [{ logo: 'bm8gcGljdHVyZQ==' }, 'This picture cannot be used'],
    [{ 'promise-ar': 'x'.repeat(121) }, 'At most 120 characters'],
  ])('%j is refused in words and changes nothing', async (fields, words) => {
    const { store, owner, view } = await shop();
    const before = (await view())?.theme;
    const typed = { id: store.id, ...form, 'promise-en': 'kept as typed', ...fields };
    const refused = await owner.post(url, typed).expect(422);
    expect(refused.text).toContain(words);
    expect(refused.text).toContain('value="kept as typed"');
    expect((await view())?.theme).toEqual(before);
  });
});

describe('the preview', () => {
  const shown = (fields: object) => ({ 'show-page': 'choose', 'show-language': 'en', ...fields });

  test('is the portal’s page with what is typed; nothing of it is kept', async () => {
    const { store, owner, view } = await shop({ methods: ['sms-code', 'voucher'] });
    const before = await view();
    const typed = { id: store.id, ...form, accent: '#aa0055', 'promise-en': 'Not saved' };
    const page = await owner.post(`${url}/preview`, { ...typed, ...shown({}) }).expect(200);
    expect(page.text).toContain('--accent:#aa0055');
    expect(page.text).toContain('Quayside');
    expect(page.text).toContain('Not saved');
    expect(await view()).toEqual(before);
    const kept = await owner.get(`${url}/preview`).expect(200);
    expect(kept.text).not.toContain('Not saved');
  });

  test('stands only in our own frame, runs nothing and leads nowhere', async () => {
    const { store, owner } = await shop({ methods: ['sms-code', 'voucher'] });
    for (const page of ['choose', 'code', 'consent', 'welcome']) {
      const fields = { id: store.id, ...form, ...shown({ 'show-page': page }) };
      const answer = await owner.post(`${url}/preview`, fields).expect(200);
      const policy = answer.headers['content-security-policy'] ?? '';
      expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[^']+'; img-src data:;/);
      expect(policy).toMatch(/form-action 'none'; frame-ancestors 'self'; sandbox$/);
      expect(answer.headers['x-frame-options']).toBe('SAMEORIGIN');
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
      expect(answer.text).toContain(`<style nonce="${nonce}">`);
      expect(answer.text).not.toMatch(/<script|http-equiv="refresh"|data-poll/);
      const links = [...answer.text.matchAll(/ (?:href|action)="([^"]*)"/g)].map(
        (found) => found[1],
      );
      expect(links.filter((link) => !/^(#|data:,)/.test(link ?? ''))).toEqual([]);
    }
  });

  test.each([
    ['choose', 'en', 'I have a WiFi code'],
    ['code', 'en', 'Enter your code'],
    ['consent', 'en', 'This WiFi is offered by the shop'],
    ['welcome', 'en', 'You are online'],
    ['consent', 'zh-CN', '本 WiFi 由店铺提供'],
    ['welcome', 'es', '<html lang="es"'],
    ['choose', 'ar', '<html lang="ar" dir="rtl"'],
  ])('%s in %s', async (page, language, words) => {
    const { store, owner } = await shop({ methods: ['sms-code', 'voucher'] });
    const fields = { 'show-page': page, 'show-language': language };
    const answer = await owner.post(`${url}/preview`, { id: store.id, ...form, ...fields });
    expect(answer.text).toContain(words);
    expect(answer.headers['content-language']).toBe(language);
  });

  test('light and dark are chosen, not the browser’s', async () => {
    const { store, owner } = await shop();
    const look = async (name: string): Promise<string> =>
      (await owner.post(`${url}/preview`, { id: store.id, ...form, 'show-look': name })).text;
    for (const text of [await look('dark'), await look('light')]) {
      expect(text).not.toContain('prefers-color-scheme');
    }
    expect(await look('dark')).toMatch(/color-scheme:dark[^}]*}/);
    expect(await look('light')).toMatch(/color-scheme:light[^}]*}/);
  });

  test('a new logo shows before it is saved; what does not fit is left as it is', async () => {
    const { store, owner } = await shop();
    const typed = { id: store.id, ...form, accent: 'nonsense', logo: picture() };
    const page = await owner.post(`${url}/preview`, typed).expect(200);
    expect(page.text).toMatch(/<img class="logo" src="data:image\/png;base64,[A-Za-z0-9+/]{100,}/);
    const bad = await owner.post(`${url}/preview`, { ...typed, logo: 'bm8=' }).expect(200);
    expect(bad.text).not.toContain('class="logo"');
  });

  test('of another merchant’s store is nobody’s', async () => {
    const { store } = await shop();
    const { owner } = await shop();
    await owner.post(`${url}/preview`, { id: store.id, ...form }).expect(404);
    await owner.post(`${url}/preview`, { id: store.id, csrf: '' }).expect(403);
  });
});
