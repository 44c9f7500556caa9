/** Words a merchant writes in several languages: English and Chinese always, the others when they like. */
import { z } from 'zod';

export const languages = ['en', 'zh-CN', 'es', 'ar'] as const;
export type Language = (typeof languages)[number];

export interface Text {
  en: string;
  'zh-CN': string;
  es?: string | undefined;
  ar?: string | undefined;
}

/** A text of `part` in each language; Spanish and Arabic may be left out and then read in English. */
export function inWords<T extends z.ZodType<string>>(part: T) {
  return z.object({
    en: part.describe('In English.'),
    'zh-CN': part.describe('In simplified Chinese.'),
    es: part.optional().describe('In Spanish; English is shown without it.'),
    ar: part.optional().describe('In Arabic; English is shown without it.'),
  });
}

/** PURE. The words in a language, and the language they are really in. */
export function worded(text: Text, language: Language): { text: string; language: Language } {
  const own = text[language];
  return own === undefined || own === ''
    ? { text: text.en, language: 'en' }
    : { text: own, language };
}
