/** Settings of the optional questions: at most five, in the order they are asked, one a visit. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import type { StoreRow } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import type { StoreSettings } from '../stores/settings.ts';
import { languages } from '../stores/words.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, needs, renderPage } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';
import { wordsSaid, wordsTyped } from './settings-texts.ts';
import { faultsBelow, faultsOfEntry, freshKey, keyFrom, saveSettings } from './store-form.ts';
import type { Faults } from './store-form.ts';

type Question = StoreSettings['questions'][number];

const here = '/console/settings/questions';
const MOST_QUESTIONS = 5;
const MOST_OPTIONS = 8;
const optionNumbers = Array.from({ length: MOST_OPTIONS }, (_, index) => index);
const names = [
  ...languages.map((language) => `label-${language}`),
  ...optionNumbers.flatMap((at) => [
    ...languages.map((language) => `option-${at}-${language}`),
    `option-${at}`,
  ]),
];

export const questionPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/questions', needs('stores:write'));
  router.get('/settings/questions', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-questions', listOf(row));
  });
  router.get('/settings/questions/new', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-question', formOf(row, null));
  });
  router.get('/settings/questions/:key', async (request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-question', formOf(row, found(row, request)));
  });
  router.post('/settings/questions/new', (request, response) => save(deps, request, response));
  router.post('/settings/questions/:key', (request, response) => save(deps, request, response));
  router.post('/settings/questions/:key/move', async (request, response) => {
    const row = await storeOfForm(deps, request, response);
    const list = moved(questionsOf(row), found(row, request).key, field(request, 'to'));
    await saveSettings(deps, response, row, { questions: list });
    done(response, here, 'saved');
  });
  router.post('/settings/questions/:key/remove', async (request, response) => {
    const row = await storeOfForm(deps, request, response);
    const { key } = found(row, request);
    const rest = questionsOf(row).filter((one) => one.key !== key);
    await saveSettings(deps, response, row, { questions: rest });
    done(response, here, 'question-removed');
  });
  return router;
};

const questionsOf = (row: StoreRow): Question[] => readSettings(row.settings).questions;

function found(row: StoreRow, request: Request): Question {
  const one = questionsOf(row).find(({ key }) => key === request.params['key']);
  if (!one) throw problem('not-found');
  return one;
}

/** PURE. The list with one question a place further up or down. */
export function moved<T extends { key: string }>(list: readonly T[], key: string, to: string): T[] {
  const at = list.findIndex((one) => one.key === key);
  const other = at + (to === 'up' ? -1 : 1);
  const [one, two] = [list[at], list[other]];
  if (!one || !two) return [...list];
  return list.map((each, index) => (index === at ? two : index === other ? one : each));
}

function listOf(row: StoreRow): Record<string, unknown> {
  const questions = questionsOf(row);
  return { row, questions, full: questions.length >= MOST_QUESTIONS, most: MOST_QUESTIONS };
}

function formOf(
  row: StoreRow,
  one: Question | null,
  given?: Typed,
  faults: Faults = {},
): Record<string, unknown> {
  const kept = Object.fromEntries([
    ...wordsTyped('label', one?.label),
    ...(one?.options ?? []).flatMap((option, at) => [
      ...wordsTyped(`option-${at}`, option.label),
      [`option-${at}`, option.value],
    ]),
  ]) as Typed;
  return { row, one, typed: given ?? kept, faults, faultsBelow, languages, optionNumbers };
}

/** PURE. The question that the form asks for; rows of answers left empty are none. */
function questionSaid(typed: Typed, key: string): Record<string, unknown> {
  const options = optionNumbers.flatMap((at) => {
    const label = wordsSaid(`option-${at}`, typed);
    if (Object.keys(label).length === 0) return [];
    const value = typed[`option-${at}`] || keyFrom(label.en ?? '', `answer-${at + 1}`);
    return [{ value, label }];
  });
  return { key, label: wordsSaid('label', typed), options };
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const one = request.params['key'] === undefined ? null : found(row, request);
  const typed = typedOf(request, names);
  const list = questionsOf(row);
  const keys = list.map(({ key }) => key);
  const said = questionSaid(typed, one?.key ?? freshKey(typed['label-en'] ?? '', 'question', keys));
  const at = one ? keys.indexOf(one.key) : list.length;
  const questions = one ? list.with(at, said as Question) : [...list, said];
  const all = await saveSettings(deps, response, row, { questions });
  const faults = faultsOfEntry(all, `questions.${at}`, 'question');
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-question', formOf(row, one, typed, faults), 422);
    return;
  }
  done(response, here, one ? 'saved' : 'question-added');
}
