/** The sentences of setup guides and of the self-test, by key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sentence } from './parts.ts';

export type GuideLanguage = 'en' | 'zh-CN';
export type GuideWords = Record<string, string>;

export function guideWords(language: GuideLanguage): GuideWords {
  const file = join(import.meta.dirname, 'texts', `${language}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as GuideWords;
}

/** The sentence with its values in place; the key itself where nobody wrote one. */
export function spoken(words: GuideWords, { key, values }: Sentence): string {
  const text = words[key] ?? key;
  return text.replaceAll(/\{\{([\w-]+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}
