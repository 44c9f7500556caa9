/** Consent and privacy on the console: packs, purposes, texts in four languages, questions, words of the house. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { moved } from '../../server/console/settings-questions.ts';
import { lawOf } from '../../server/stores/law.ts';
import { storeById } from '../../server/stores/queries.ts';
import { readSettings } from '../../server/stores/settings.ts';
import { purposes } from '../../server/stores/wordings.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import type { ConsoleApp, Person } from '../support/console.ts';
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

async function shop(country = 'DE', own: object = {}) {
  const merchant = await make.makeMerchant(database.db);
  const store = await make.makeStore(database.db, merchant.id, { country, settings: own });
  const owner = await personOf(house, merchant.id);
  const settings = async () => {
    const row = await storeById(database.db, merchant.id, store.id);
    return readSettings(row?.settings);
  };
  return { store, owner, settings, law: async () => lawOf(await settings(), country) };
}

const url = '/console/settings/consent';

/** Every field of a form as the page holds it. */
async function formAt(owner: Person, page: string): Promise<Record<string, string | string[]>> {
  const { text } = await owner.get(page).expect(200);
  const main = text.slice(text.indexOf('<main'));
  const unescaped = (value: string): string =>
    value
      .replaceAll('&#34;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
  const form: Record<string, string | string[]> = {};
  for (const [tag] of main.matchAll(/<input [^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(tag)?.[1] ?? '';
    const value = unescaped(/value="([^"]*)"/.exec(tag)?.[1] ?? '');
    const ticked = tag.includes(' checked');
    if (/type="(radio|checkbox)"/.test(tag) && !ticked) continue;
    const known = form[name];
    form[name] = known === undefined ? value : [known, value].flat();
  }
  for (const [, name, value] of main.matchAll(/<textarea id="([^"]+)"[^>]*>\n([^<]*)</g))
    form[name!] = unescaped(value!);
  for (const [, name, options] of main.matchAll(/<select id="([^"]+)"[^>]*>(.*?)<\/select>/gs))
    form[name!] = /value="([^"]*)" selected/.exec(options!)?.[1] ?? '';
  return form;
}

describe('the law', () => {
  test('saving what the page shows changes nothing, and pins nothing to the store', async () => {
    const { owner, settings } = await shop('DE');
    const before = await settings();
    await owner.post(url, await formAt(owner, url)).expect(303);
    expect(await settings()).toEqual(before);
  });

  test('says what it sets and forbids; what is chosen within it is kept', async () => {
    const { owner, law } = await shop('DE');
    const page = await owner.get(url).expect(200);
    expect(page.text).toContain('As in Germany: European Union');
    expect(page.text).toContain('Below 16, guests are asked for nothing but the terms');
    expect(page.text).toContain('1 to 365; usually 60.');
    const form = await formAt(owner, url);
    const own = { asks: 'own', purpose: ['marketing-email'], ageGate: '14', sessionsDays: '90' };
    await owner.post(url, { ...form, ...own, doubleOptIn: 'no' }).expect(303);
    expect(await law()).toMatchObject({
      pack: 'eu',
      purposes: ['access', 'marketing-email'],
      ageGate: 14,
      doubleOptIn: false,
      retention: { sessionsDays: 90, visitsDays: 395 },
    });
    const again = await formAt(owner, url);
    await owner.post(url, { ...again, asks: 'pack', ageGate: '', doubleOptIn: '' }).expect(303);
    expect(await law()).toMatchObject({
      purposes: ['access', 'marketing', 'analytics', 'profiling'],
      ageGate: null,
      doubleOptIn: true,
    });
  });

  test.each([
    ['DE', { pack: 'generic' }, 'The store’s country follows “European Union”'],
    ['DE', { ageGate: '12' }, 'European Union: the age must be 13 to 16'],
    ['DE', { sessionsDays: '366' }, 'European Union: keep these for 1 to 365 days'],
    ['DE', { visitsDays: 'x' }, 'A whole number of days'],
    ['CN', { ageGate: '' }, 'China: the age must be 14 to 18'],
    ['CN', { sessionsDays: '30' }, 'China: keep these for 180 to 1100 days'],
    ['NZ', { ageGate: '9' }, 'A whole number of years'],
    ['NZ', { pack: 'cn' }, 'every guest must be named'],
  ])('in %s %j is refused at its field', async (country, fields, words) => {
    const methods = country === 'CN' ? ['sms-code'] : ['click-through'];
    const { owner, settings } = await shop(country, { methods });
    const before = await settings();
    const refused = await owner.post(url, { ...(await formAt(owner, url)), ...fields }).expect(422);
    expect(refused.text).toContain(words);
    expect(refused.text).toMatch(/class="wrong"/);
    expect(await settings()).toEqual(before);
  });

  test('a stricter pack may be chosen where none is demanded', async () => {
    const { owner, law } = await shop('NZ');
    await owner.post(url, { ...(await formAt(owner, url)), pack: 'eu' }).expect(303);
    expect((await law()).pack).toBe('eu');
  });
});

describe('texts', () => {
  const texts = '/console/settings/texts';

  test('all six purposes in four languages; only what was edited gets a new version', async () => {
    const { owner, settings } = await shop();
    const form = await formAt(owner, texts);
    for (const purpose of purposes)
      for (const language of ['en', 'zh-CN', 'es', 'ar'])
        expect(form[`${purpose}-${language}`]).not.toBe('');
    const before = await settings();
    await owner.post(texts, form).expect(303);
    expect((await settings()).wordings).toEqual(before.wordings);
    const words = { 'access-en': 'Be kind.\r\n\r\nAlways.', 'access-es': '', 'access-ar': '' };
    await owner.post(texts, { ...form, ...words }).expect(303);
    const { wordings } = await settings();
    const version = (purpose: string) => wordings.find((one) => one.purpose === purpose);
    expect(version('access')).toMatchObject({
      version: 'own-1',
      text: { en: 'Be kind.\n\nAlways.' },
    });
    expect(version('access')?.text.es).toBeUndefined();
    expect(version('profiling')?.version).toMatch(/^standard-/);
    await owner.post(texts, { ...(await formAt(owner, texts)), 'profiling-ar': '' }).expect(303);
    const after = (await settings()).wordings.find((one) => one.purpose === 'profiling');
    expect(after).toMatchObject({ version: 'own-1' });
    expect(Object.keys(after!.text).toSorted()).toEqual(['en', 'es', 'zh-CN']);
  });

  test.each([
    [{ 'access-en': '' }, 'English and Chinese are needed'],
    [{ 'marketing-sms-zh-CN': '' }, 'English and Chinese are needed'],
    [{ 'analytics-ar': 'x'.repeat(1001) }, 'at most 1,000 characters'],
    [{ 'landing-body-en': 'Words without a headline' }, 'A headline needs English and Chinese'],
    [{ 'return-headline-en': 'Hello', 'return-headline-zh-CN': '' }, 'A headline needs'],
    [
      {
        'landing-headline-en': 'A',
        'landing-headline-zh-CN': '甲',
        'landing-link': 'http://x.com',
      },
      'begins with https://',
    ],
  ])('%j is refused', async (fields, words) => {
    const { owner, settings } = await shop();
    const before = await settings();
    const form = await formAt(owner, texts);
    const refused = await owner.post(texts, { ...form, ...fields }).expect(422);
    expect(refused.text).toContain(words);
    expect(await settings()).toEqual(before);
  });

  test('words of the house stand in their place and go when they are emptied', async () => {
    const { owner, store } = await shop();
    const form = await formAt(owner, texts);
    const words = {
      'landing-headline-en': 'Fresh buns',
      'landing-headline-zh-CN': '新鲜面包',
      'landing-headline-ar': 'خبز طازج',
      'landing-body-en': 'Until four.',
      'landing-link': 'https://example.com/buns',
    };
    await owner.post(texts, { ...form, ...words }).expect(303);
    expect((await storeBySlug(database.db, store.slug))?.house).toEqual({
      landing: {
        headline: { en: 'Fresh buns', 'zh-CN': '新鲜面包', ar: 'خبز طازج' },
        body: { en: 'Until four.' },
        link: 'https://example.com/buns',
      },
    });
    await owner.post(texts, form).expect(303);
    expect((await storeBySlug(database.db, store.slug))?.house).toEqual({});
  });
});

describe('questions', () => {
  const list = '/console/settings/questions';
  const asked = (id: string, en: string, more: object = {}) => ({
    id,
    'label-en': en,
    'label-zh-CN': '问题',
    ...more,
  });

  test('are added, changed under their key, moved and removed; five are the most', async () => {
    const { owner, store, settings } = await shop();
    const answers = {
      'option-0-en': 'Tea',
      'option-0-zh-CN': '茶',
      'option-0-ar': 'شاي',
      'option-3-en': 'Coffee',
      'option-3-zh-CN': '咖啡',
    };
    const add = (en: string, more = {}) => owner.post(`${list}/new`, asked(store.id, en, more));
    await add('Tea or coffee?', answers).expect(303);
    await add('Tea or coffee?').expect(303);
    await add('First time here?').expect(303);
    const keys = async () => (await settings()).questions.map(({ key }) => key);
    expect(await keys()).toEqual(['tea-or-coffee', 'tea-or-coffee-2', 'first-time-here']);
    expect((await settings()).questions[0]?.options).toEqual([
      { value: 'tea', label: { en: 'Tea', 'zh-CN': '茶', ar: 'شاي' } },
      { value: 'coffee', label: { en: 'Coffee', 'zh-CN': '咖啡' } },
    ]);
    const form = await formAt(owner, `${list}/tea-or-coffee`);
    // Other words for the same answer: those given before still count as it.
    const change = {
      ...form,
      id: store.id,
      'label-en': 'What do you drink?',
      'option-0-en': 'A tea',
    };
    await owner.post(`${list}/tea-or-coffee`, change).expect(303);
    expect((await settings()).questions[0]).toMatchObject({
      key: 'tea-or-coffee',
      label: { en: 'What do you drink?' },
      options: [{ value: 'tea', label: { en: 'A tea' } }, { value: 'coffee' }],
    });
    await owner.post(`${list}/first-time-here/move`, { id: store.id, to: 'up' }).expect(303);
    expect(await keys()).toEqual(['tea-or-coffee', 'first-time-here', 'tea-or-coffee-2']);
    await owner.post(`${list}/tea-or-coffee/move`, { id: store.id, to: 'up' }).expect(303);
    expect((await keys())[0]).toBe('tea-or-coffee');
    await owner.post(`${list}/tea-or-coffee-2/remove`, { id: store.id }).expect(303);
    expect(await keys()).toEqual(['tea-or-coffee', 'first-time-here']);
    for (const en of ['Three', 'Four', 'Five']) await add(en).expect(303);
    expect((await owner.get(list)).text).not.toContain('questions/new');
    expect((await add('Six').expect(422)).text).toContain('At most five questions');
  });

  test.each([
    [{ 'label-zh-CN': '' }, 'The question needs English and Chinese'],
    [{ 'option-0-en': 'Tea' }, 'Every answer needs English and Chinese'],
    [
      { 'option-0-en': 'A', 'option-0-zh-CN': '甲', 'option-1-en': 'A', 'option-1-zh-CN': '乙' },
      'may stand only once',
    ],
  ])('%j is refused with what was typed', async (fields, words) => {
    const { owner, store, settings } = await shop();
    const refused = await owner.post(`${list}/new`, asked(store.id, 'Kept?', fields)).expect(422);
    expect(refused.text).toContain(words);
    expect(refused.text).toContain('value="Kept?"');
    expect((await settings()).questions).toEqual([]);
  });

  test.each([
    ['b', 'up', 'bac'],
    ['b', 'down', 'acb'],
    ['a', 'up', 'abc'],
    ['c', 'down', 'abc'],
  ])('%s moved %s gives %s', (key, to, order) => {
    const three = ['a', 'b', 'c'].map((one) => ({ key: one }));
    expect(
      moved(three, key, to)
        .map((one) => one.key)
        .join(''),
    ).toBe(order);
  });
});
