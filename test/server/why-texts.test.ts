/** Every sentence of the engine's reasons has its words in both languages, with the same figures in them. */
import { expect, test } from '@jest/globals';
import { clues, english } from '../../geo/explain-words.ts';
import { languages, readTexts } from '../../server/console/texts.ts';

const figures = (text: string): string[] =>
  [...text.matchAll(/\{\{(\w+)\}\}/g)]
    .map((match) => match[1] ?? '')
    .toSorted((a, b) => a.localeCompare(b));

function textAt(tree: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);
}

test.each(languages)('%s', (language) => {
  const texts = readTexts(language);
  for (const code of clues) {
    const text = textAt(texts, `why.says.${code}`);
    expect([code, typeof text]).toEqual([code, 'string']);
    expect([code, figures(String(text))]).toEqual([code, figures(english[code])]);
  }
});
