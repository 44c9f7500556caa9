/** Messages from one key set in two languages, and which language a guest reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance } from 'i18next';
import type { Language, Text } from './ports.ts';

export const LANGUAGES: readonly Language[] = ['en', 'zh-CN', 'es', 'ar'];
export type Translate = (key: string, values?: Record<string, string | number>) => string;

export interface Texts {
  in(language: Language): Translate;
}

function load(language: Language): Record<string, unknown> {
  const file = join(import.meta.dirname, 'texts', `${language}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
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
  const translators = new Map<Language, Translate>(
    LANGUAGES.map((language) => [language, engine.getFixedT(language) as Translate]),
  );
  return { in: (language) => translators.get(language) ?? ((key) => key) };
}

export function asLanguage(text: string | null | undefined): Language | null {
  return LANGUAGES.find((language) => language === text) ?? null;
}

/** The first language of `Accept-Language` that we write, by its weight; any Chinese reads ours. */
export function languageFromHeader(header: string | undefined, otherwise: Language): Language {
  const wishes = (header ?? '')
    .slice(0, 200)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const weight = parameters.find((parameter) => parameter.trim().startsWith('q='));
      return { tag, weight: weight === undefined ? 1 : Number(weight.trim().slice(2)) };
    });
  const byWeight = wishes
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { tag } of byWeight) {
    if (tag === 'zh' || tag.startsWith('zh-')) return 'zh-CN';
    if (tag === 'en' || tag.startsWith('en-')) return 'en';
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
