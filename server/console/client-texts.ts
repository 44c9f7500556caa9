/** The texts a page's own script needs, flat, and data blocks that cannot break out of the page. */
import type { Language } from './texts.ts';
import { readTexts } from './texts.ts';

const flat = new Map<Language, Record<string, string>>();

function flatten(
  tree: Record<string, unknown>,
  prefix: string,
  into: Record<string, string>,
): void {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') into[prefix + key] = value;
    else flatten(value as Record<string, unknown>, `${prefix}${key}.`, into);
  }
}

function allOf(language: Language): Record<string, string> {
  let all = flat.get(language);
  if (!all) {
    all = {};
    flatten(readTexts(language), '', all);
    flat.set(language, all);
  }
  return all;
}

/** Every text whose key starts with one of `areas`, placeholders and plural forms as they stand. */
export function clientTexts(language: Language, areas: readonly string[]): Record<string, string> {
  const wanted = Object.entries(allOf(language)).filter(([key]) =>
    areas.some((area) => key.startsWith(`${area}.`)),
  );
  return Object.fromEntries(wanted);
}

/** JSON for a `<script type="application/json">`: `<` is written so that no text can end the block. */
export function dataBlock(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028');
}
