/** The console's texts in both languages, and which of them a request wants. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInstance } from 'i18next';
import type { Request } from 'express';
import { cookieOf } from '../http/cookies.ts';

export const languages = ['en', 'zh-CN'] as const;
export type Language = (typeof languages)[number];

/** Looks up a text by its dotted key, e.g. `t('guests.title')`; `{{name}}` is filled from `values`. */
export type Translate = (key: string | string[], values?: Record<string, unknown>) => string;

const folder = path.join(import.meta.dirname, 'texts');
/** Each area that keeps its texts apart has its own pair of files; the keys do not overlap. */
const parts = ['', 'maps.', 'why.', 'gateways.', 'portal.'];

/** All texts of one language as one tree. */
export function readTexts(language: Language): Record<string, unknown> {
  const trees = parts.map((part): Record<string, unknown> => {
    const file = path.join(folder, `${part}${language}.json`);
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  });
  return Object.assign({}, ...trees) as Record<string, unknown>;
}

let loaded: ReturnType<typeof createInstance> | undefined;

function texts(): ReturnType<typeof createInstance> {
  if (loaded) return loaded;
  loaded = createInstance();
  void loaded.init({
    fallbackLng: 'en',
    supportedLngs: [...languages],
    initAsync: false,
    // EJS escapes on the way out; twice would show &amp;amp;
    interpolation: { escapeValue: false },
    returnNull: false,
    resources: Object.fromEntries(
      languages.map((language) => [language, { translation: readTexts(language) }]),
    ),
  });
  return loaded;
}

export function translator(language: Language): Translate {
  const fixed = texts().getFixedT(language);
  return (key, values) => fixed(key, values ?? {});
}

/** `?lang=` wins, then the cookie, then what the browser prefers. */
export function languageOf(request: Request): Language {
  const asked = known(request.query['lang']) ?? known(cookieOf(request, 'foyer_lang'));
  if (asked) return asked;
  const [best = 'en'] = request.acceptsLanguages();
  return /^zh/i.test(best) ? 'zh-CN' : 'en';
}

function known(value: unknown): Language | null {
  return languages.find((language) => language === value) ?? null;
}
