/** All languages say the same things, nothing is said in vain, and nothing said is missing. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clockTime, deadline, masked, nextOpening } from '../../portal/format.ts';
import { createTexts, languageFromHeader, languagesOf, offered } from '../../portal/texts.ts';
import { fakeStore } from '../support/fakes.ts';

const PORTAL = path.join(import.meta.dirname, '../../portal');

function flat(value: unknown, prefix = ''): [string, string][] {
  if (typeof value === 'string') return [[prefix, value]];
  return Object.entries(value as object).flatMap(([key, inner]) =>
    flat(inner, prefix === '' ? key : `${prefix}.${key}`),
  );
}

const load = (language: string) =>
  new Map(flat(JSON.parse(readFileSync(path.join(PORTAL, `texts/${language}.json`), 'utf8'))));
const en = load('en');
const others = (['zh-CN', 'es', 'ar'] as const).map((code) => [code, load(code)] as const);
const all = [['en', en] as const, ...others];

const FORMS = /_(?:zero|one|two|few|many|other)$/;
const base = (key: string) => key.replace(FORMS, '');
const formOf = (key: string) => FORMS.exec(key)?.[0].slice(1) ?? '';
const bases = (words: Map<string, string>) => [...new Set([...words.keys()].map(base))].toSorted();

const sources = (readdirSync(PORTAL, { recursive: true }) as string[])
  .filter((file) => /\.(?:ts|ejs)$/.test(file))
  .map((file) => readFileSync(path.join(PORTAL, file), 'utf8'))
  .join('\n');

const blanks = (text: string | undefined) => (text?.match(/\{\{\w+\}\}/g) ?? []).toSorted();

describe('texts', () => {
  test.each(others)('have the same keys in %s', (_code, words) => {
    expect(bases(words)).toEqual(bases(en));
  });

  test.each(all)(
    'have in %s every plural form that its grammar knows, and no other',
    (code, words) => {
      const forms = new Intl.PluralRules(code).resolvedOptions().pluralCategories.toSorted();
      const counted = new Map<string, string[]>();
      for (const key of words.keys())
        if (formOf(key) !== '')
          counted.set(base(key), [...(counted.get(base(key)) ?? []), formOf(key)]);
      expect(counted.size).toBeGreaterThan(5);
      for (const [key, found] of counted) expect([key, found.toSorted()]).toEqual([key, forms]);
    },
  );

  test.each(others)('have the same blanks to fill in %s', (_code, words) => {
    for (const [key, text] of words) {
      const model = en.get(key) ?? en.get(`${base(key)}_other`);
      // “One minute” and “two minutes” are single words in Arabic.
      const asked = blanks(model).filter((blank) => blank !== '{{count}}');
      const given = blanks(text).filter((blank) => blank !== '{{count}}');
      expect([key, given]).toEqual([key, asked]);
      if (/_(?:few|many|other)$/.test(key))
        expect([key, blanks(text)]).toEqual([key, blanks(model)]);
    }
  });

  test('are all used', () => {
    const words = ['title', 'what', 'kept', 'do', 'text'];
    const used = (key: string) => {
      const [parent = '', last = ''] = key.split(/\.(?=[^.]*$)/);
      const whole = sources.includes(`'${key}'`);
      return whole || (words.includes(last) && sources.includes(`'${parent}'`));
    };
    expect([...en.keys()].map(base).filter((key) => !used(key))).toEqual([]);
  });

  test('are all there', () => {
    const asked = [...sources.matchAll(/\bt\('([^']+)'/g)].map(([, key]) => key ?? '');
    const known = new Set([...en.keys()].map(base));
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter((key) => !known.has(key))).toEqual([]);
  });

  test.each(all)('are calm in %s: no exclamation marks, no blank text', (_code, words) => {
    for (const [key, text] of words) expect([key, /[!！¡]|^\s*$/.test(text)]).toEqual([key, false]);
  });

  test('a number with a plus stands apart in Arabic: in its line the sign would change sides', () => {
    for (const [key, text] of load('ar'))
      expect([key, /(?<!\u2066)\+\d|\+\d+(?![\d\u2069])/.test(text)]).toEqual([key, false]);
  });

  test.each([
    ['zh-CN', /\p{Script=Han}/u],
    ['ar', /\p{Script=Arabic}/u],
  ] as const)('are written in the script of %s', (code, script) => {
    const words = load(code);
    const foreign = [...words].filter(([, text]) => !script.test(text) && !/^[A-Z]+$/.test(text));
    expect(foreign).toEqual([]);
  });

  test('are nowhere left in English', () => {
    const same = others.flatMap(([code, words]) =>
      [...words]
        .filter(([key, text]) => en.get(key) === text && !/^[A-Z]+$/.test(text))
        .map(([key]) => `${code} ${key}`),
    );
    expect(same).toEqual([]);
  });
});

test('counts take their right form', () => {
  const texts = createTexts();
  const say = (count: number) => texts.in('en')('trouble.code-wrong', { count });
  expect([say(1), say(2)]).toEqual([
    'That is not the code. You have 1 try left.',
    'That is not the code. You have 2 tries left.',
  ]);
  expect(texts.in('zh-CN')('trouble.code-wrong', { count: 1 })).toBe(
    '验证码不对，还可以再试 1 次。',
  );
  const arabic = [1, 2, 3, 11, 100].map((count) => texts.in('ar')('grace.email', { count }));
  expect(arabic).toEqual([
    'اتصال لدقيقة واحدة لقراءة بريدي',
    'اتصال لدقيقتين لقراءة بريدي',
    'اتصال لمدة 3 دقائق لقراءة بريدي',
    'اتصال لمدة 11 دقيقة لقراءة بريدي',
    'اتصال لمدة 100 دقيقة لقراءة بريدي',
  ]);
});

test('values in a right-to-left text stand by themselves', () => {
  const texts = createTexts();
  expect(texts.in('ar')('renew.text', { time: '10:05' })).toBe(
    'أنت متصل حتى الساعة \u206610:05\u2069.',
  );
  // A date with the name of its month is written from right to left itself.
  expect(texts.in('ar')('offer.until', { time: '22 نوفمبر' })).toBe('صالح حتى 22 نوفمبر');
  expect(texts.in('es')('renew.text', { time: '10:05' })).toBe('Tiene conexión hasta las 10:05.');
});

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  ['zh-TW', 'zh-CN'],
  ['de-DE,de;q=0.9,en-GB;q=0.5,zh;q=0.3', 'en'],
  ['en;q=0.2, zh;q=0.9', 'zh-CN'],
  ['zh;q=0', 'en'],
  ['es-MX,es;q=0.9', 'es'],
  ['ar-EG', 'ar'],
  ['fr, ar;q=0.4, es;q=0.6', 'es'],
  ['es;q=0.5, ar', 'ar'],
  ['ar;q=abc, es;q=0.1', 'es'],
  ['ar;q=7, es;q=0.1', 'es'],
  ['espagnol, arabic', 'en'],
  ['*', 'en'],
  [';;q=,,,', 'en'],
  ['zh'.padStart(5_000, ','), 'en'],
])('Accept-Language %j reads %s', (header, language) => {
  expect(languageFromHeader(header, 'en')).toBe(language);
});

test('a store’s own list is the choice there is', () => {
  expect(languageFromHeader('ar, es;q=0.5', 'en', ['en', 'es'])).toBe('es');
  expect(languageFromHeader('ar', 'es', ['en', 'es'])).toBe('es');
  expect(languagesOf(fakeStore({ languages: ['es', 'en'] }))).toEqual(['en', 'es']);
  expect(languagesOf(fakeStore())).toHaveLength(4);
});

test('only our languages are languages', () => {
  expect(
    ['en', 'zh-CN', 'zh', 'EN', null, undefined].map((said) => offered(languagesOf(null), said)),
  ).toEqual(['en', 'zh-CN', null, null, null, null]);
});

test.each([
  ['+447700900123', '+44 •••• 0123'],
  ['+13125550928', '+1 •••• 0928'],
  ['ada@example.org', 'a•••@example.org'],
])('%s is shown as %s', (address, shown) => expect(masked(address)).toBe(shown));

test('times are told where the shop is, rounded up', () => {
  const at = Date.UTC(2026, 10, 22, 10, 30, 20);
  expect(clockTime(at, 'en', 'Europe/London')).toBe('10:31');
  expect(clockTime(at, 'zh-CN', 'Asia/Shanghai')).toBe('18:31');
  expect(clockTime(at, 'es', 'Europe/Madrid')).toBe('11:31');
  expect(clockTime(at, 'ar', 'Asia/Dubai')).toBe('14:31');
  expect(deadline(at, at - 3_600_000, 'en', 'Europe/London')).toBe('22 November at 10:30');
  expect(deadline(at, at - 10 * 86_400_000, 'zh-CN', 'Asia/Shanghai')).toBe('11月22日');
});

test.each([
  ['2026-11-22T06:00:00Z', '08:00'],
  ['2026-11-22T09:00:00Z', '13:00'],
  ['2026-11-22T19:00:00Z', 'Tuesday 09:30'],
])('at %s the WiFi opens next: %s', (now, opens) => {
  const span = (from: string, to: string) => ({ from, to });
  const hours = {
    mon: [],
    tue: [span('09:30', '18:00')],
    wed: [],
    thu: [],
    fri: [],
    sat: [],
    sun: [span('13:00', '18:00'), span('08:00', '12:00')],
  };
  expect(nextOpening(fakeStore({ hours }), Date.parse(now), 'en')).toBe(opens);
});

test('a store that has no hours, or never opens, names none', () => {
  const never = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  expect(nextOpening(fakeStore(), 0, 'en')).toBeNull();
  expect(nextOpening(fakeStore({ hours: never }), 0, 'en')).toBeNull();
});
