/** Settings of what guests read: the texts they agree to, and the words of the house where no offer is due. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { lawOf } from '../stores/law.ts';
import type { StoreRow } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import type { StoreSettings } from '../stores/settings.ts';
import { slots } from '../stores/settings-parts.ts';
import { languages } from '../stores/words.ts';
import type { Text } from '../stores/words.ts';
import { purposes } from '../stores/wordings.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, needs, renderPage } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';
import { faultsBelow, saveSettings } from './store-form.ts';
import type { Faults } from './store-form.ts';

const inLanguages = (name: string): string[] => languages.map((language) => `${name}-${language}`);
const names = [
  ...purposes.flatMap(inLanguages),
  ...slots.flatMap((slot) => [
    ...inLanguages(`${slot}-headline`),
    ...inLanguages(`${slot}-body`),
    `${slot}-link`,
  ]),
];

export const textPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/texts', needs('stores:write'));
  router.get('/settings/texts', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-texts', textForm(row));
  });
  router.post('/settings/texts', (request, response) => save(deps, request, response));
  return router;
};

/** The words of one text under the names of its fields. */
export function wordsTyped(name: string, words: Partial<Text> | undefined): [string, string][] {
  return languages.map((language) => [`${name}-${language}`, words?.[language] ?? '']);
}

/** PURE. What was typed in each language; languages left empty are left out. */
export function wordsSaid(name: string, typed: Typed): Partial<Text> {
  const said = languages.map((language) => [language, typed[`${name}-${language}`] ?? ''] as const);
  return Object.fromEntries(said.filter(([, words]) => words !== ''));
}

function typedSettings({ wordings, house }: StoreSettings): Typed {
  return Object.fromEntries([
    ...wordings.flatMap(({ purpose, text }) => wordsTyped(purpose, text)),
    ...slots.flatMap((slot) => [
      ...wordsTyped(`${slot}-headline`, house[slot]?.headline),
      ...wordsTyped(`${slot}-body`, house[slot]?.body),
      [`${slot}-link`, house[slot]?.link ?? ''],
    ]),
  ]) as Typed;
}

function textForm(row: StoreRow, given?: Typed, faults: Faults = {}): Record<string, unknown> {
  const settings = readSettings(row.settings);
  const versions = Object.fromEntries(settings.wordings.map((one) => [one.purpose, one.version]));
  return {
    row,
    typed: given ?? typedSettings(settings),
    faults,
    faultsBelow,
    purposes,
    slots,
    languages,
    versions,
    asked: lawOf(settings, row.country).purposes,
  };
}

/** PURE. What the form says, as a change: a place of the house without words is none. */
function textChange(typed: Typed): Record<string, unknown> {
  const house = slots.map((slot) => {
    const headline = wordsSaid(`${slot}-headline`, typed);
    const body = wordsSaid(`${slot}-body`, typed);
    const link = typed[`${slot}-link`] ?? '';
    const empty = Object.keys(headline).length + Object.keys(body).length === 0 && link === '';
    return [slot, empty ? null : { headline, body, ...(link ? { link } : {}) }];
  });
  return {
    // An empty field takes its language away; the schema asks for English and Chinese.
    wordings: Object.fromEntries(
      purposes.map((purpose) => [
        purpose,
        Object.fromEntries(
          languages.map((language) => [language, typed[`${purpose}-${language}`] ?? '']),
        ),
      ]),
    ),
    house: Object.fromEntries(house),
  };
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const typed = typedOf(request, names, 5000);
  const faults = await saveSettings(deps, response, row, textChange(typed));
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-texts', textForm(row, typed, faults), 422);
    return;
  }
  done(response, '/console/settings/texts', 'saved');
}
