/** Both languages say the same things, nothing is said in vain, and nothing said is missing. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clockTime, deadline, masked } from '../../portal/format.ts';
import { asLanguage, createTexts, languageFromHeader } from '../../portal/texts.ts';

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
const zh = load('zh-CN');
const base = (key: string) => key.replace(/_(?:one|other)$/, '');

const sources = (readdirSync(PORTAL, { recursive: true }) as string[])
  .filter((file) => /\.(?:ts|ejs)$/.test(file))
  .map((file) => readFileSync(path.join(PORTAL, file), 'utf8'))
  .join('\n');

const blanks = (text: string | undefined) => (text?.match(/\{\{\w+\}\}/g) ?? []).toSorted();

describe('texts', () => {
  test('have the same keys in both languages', () => {
    expect([...zh.keys()].toSorted()).toEqual([...en.keys()].toSorted());
  });

  test('have the same blanks to fill', () => {
    for (const [key, text] of en) expect([key, blanks(zh.get(key))]).toEqual([key, blanks(text)]);
  });

  test('are all used', () => {
    const words = ['title', 'what', 'kept', 'do'];
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

  test('are calm: no exclamation marks, no blank text, Chinese in Chinese', () => {
    for (const [key, text] of [...en, ...zh])
      expect([key, /[!！]|^\s*$/.test(text)]).toEqual([key, false]);
    const latin = [...zh].filter(([, text]) => !/\p{Script=Han}/u.test(text)).map(([key]) => key);
    expect(latin).toEqual([]);
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
});

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  ['zh-TW', 'zh-CN'],
  ['de-DE,de;q=0.9,en-GB;q=0.5,zh;q=0.3', 'en'],
  ['en;q=0.2, zh;q=0.9', 'zh-CN'],
  ['zh;q=0', 'en'],
  ['*', 'en'],
  [';;q=,,,', 'en'],
  ['zh'.padStart(5_000, ','), 'en'],
])('Accept-Language %j reads %s', (header, language) => {
  expect(languageFromHeader(header, 'en')).toBe(language);
});

test('only our languages are languages', () => {
  expect(['en', 'zh-CN', 'zh', 'EN', null, undefined].map(asLanguage)).toEqual([
    'en',
    'zh-CN',
    null,
    null,
    null,
    null,
  ]);
});

test.each([
  ['+447700900123', '+44 •••• 0123'],
  ['ada@example.org', 'a•••@example.org'],
])('%s is shown as %s', (address, shown) => expect(masked(address)).toBe(shown));

test('times are told where the shop is, rounded up', () => {
  const at = Date.UTC(2026, 10, 22, 10, 30, 20);
  expect(clockTime(at, 'en', 'Europe/London')).toBe('10:31');
  expect(clockTime(at, 'zh-CN', 'Asia/Shanghai')).toBe('18:31');
  expect(deadline(at, at - 3_600_000, 'en', 'Europe/London')).toBe('22 November at 10:30');
  expect(deadline(at, at - 10 * 86_400_000, 'zh-CN', 'Asia/Shanghai')).toBe('11月22日');
});
