/** Messages from one key set in four languages, and which language a guest reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance } from 'i18next';
import type { Language, StoreView, Text } from './ports-store.ts';

const LANGUAGES: readonly Language[] = ['en', 'zh-CN', 'es', 'ar'];
export type Translate = (key: string, values?: Record<string, string | number>) => string;

export interface Texts {
  in(language: Language): Translate;
}

function load(language: Language): Record<string, unknown> {
  const file = join(import.meta.dirname, 'texts', `${language}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

const RIGHT_TO_LEFT = /\p{Script=Arabic}/u;

/**
 * Values in a right-to-left text stand between directional isolates, which the templates turn into
 * `<bdi>`: a time or a code would else change places with its neighbours. What is written from right
 * to left itself (a date with its month) fits in as it is.
 */
function isolated(values: Record<string, string | number>): Record<string, string | number> {
  const isolate = (value: string | number) =>
    typeof value === 'string' && !RIGHT_TO_LEFT.test(value) ? `\u2066${value}\u2069` : value;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isolate(value)]));
}

const MOST_KEPT = 2_000;

type Wording = (key: string, options: { skipInterpolation: true; count?: number }) => string;

/** Wordings are the same every time, for a number each; only values differ, and they are put in here. */
function kept(wording: Wording): Translate {
  const known = new Map<string, string>();
  const wordsOf = (key: string, count: number | undefined): string => {
    const name = count === undefined ? key : `${key} ${count}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const number = count === undefined ? {} : { count };
    const text = wording(key, { skipInterpolation: true, ...number });
    if (known.size < MOST_KEPT) known.set(name, text);
    return text;
  };
  return (key, values) => {
    if (values === undefined) return wordsOf(key, undefined);
    const { count } = values;
    const words = wordsOf(key, typeof count === 'number' ? count : undefined);
    return words.replaceAll(/\{\{(\w+)\}\}/g, (_place, name: string) => String(values[name] ?? ''));
  };
}

/** Escaping is the templates' business: a text escaped twice shows its entities to the guest. */
export function createTexts(): Texts {
  const engine = createInstance();
  void engine.init({
    lng: 'en',
    fallbackLng: 'en',
    supportedLngs: [...LANGUAGES],
    initAsync: false,
    interpolation: { escapeValue: false },
    resources: Object.fromEntries(
      LANGUAGES.map((language) => [language, { translation: load(language) }]),
    ),
  });
  const translatorOf = (language: Language): Translate => {
    const plain = kept(engine.getFixedT(language));
    if (directionOf(language) === 'ltr') return plain;
    return (key, values) => plain(key, values && isolated(values));
  };
  const translators = new Map(LANGUAGES.map((language) => [language, translatorOf(language)]));
  return { in: (language) => translators.get(language) ?? ((key) => key) };
}

/** The language of that name, if it is one of these. */
export function offered(
  languages: readonly Language[],
  text: string | null | undefined,
): Language | null {
  return languages.find((language) => language === text) ?? null;
}

/** Languages the store writes; all of ours where there is no store. */
export function languagesOf(store: StoreView | null): readonly Language[] {
  const chosen = store?.languages ?? [];
  return chosen.length > 0 ? LANGUAGES.filter((language) => chosen.includes(language)) : LANGUAGES;
}

const MAX_HEADER = 200;

function weightOf(parameters: readonly string[]): number {
  const written = parameters
    .map((parameter) => parameter.trim())
    .find((one) => one.startsWith('q='));
  const weight = written === undefined ? 1 : Number(written.slice(2));
  return weight >= 0 && weight <= 1 ? weight : 0;
}

/** RFC 9110 section 12.5.4: the most wanted language that is written here; a region or script reads its own. */
export function languageFromHeader(
  header: string | undefined,
  otherwise: Language,
  languages: readonly Language[] = LANGUAGES,
): Language {
  const wishes = (header ?? '')
    .slice(0, MAX_HEADER)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      return { primary: tag.trim().split('-')[0] ?? '', weight: weightOf(parameters) };
    });
  const byWeight = wishes
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { primary } of byWeight) {
    const found = languages.find((language) => language.split('-')[0] === primary);
    if (found !== undefined) return found;
  }
  return otherwise;
}

/** A merchant's words in the guest's language, or in the next best that was written. */
export function worded(text: Text, language: Language): { text: string; language: Language } {
  const own = text[language];
  return own === undefined || own === ''
    ? { text: text.en, language: 'en' }
    : { text: own, language };
}

/** Which way a language is written. */
export function directionOf(language: Language): 'ltr' | 'rtl' {
  return language === 'ar' ? 'rtl' : 'ltr';
}
