/** Settings of what guests read and are asked: the two wordings, and the one question. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { changeStore } from '../stores/change.ts';
import type { StoreRow } from '../stores/queries.ts';
import { settingsChange } from '../stores/schema.ts';
import { readSettings } from '../stores/settings.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, needs, renderPage, staffOf } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';

const mostOptions = 8;
const wordingNames = ['access-en', 'access-zh', 'marketing-en', 'marketing-zh'];
const optionNames = Array.from({ length: mostOptions }, (_, index) => index);
const questionNames = [
  'question-key',
  'question-en',
  'question-zh',
  ...optionNames.flatMap((index) => [
    `option-${index}-en`,
    `option-${index}-zh`,
    `option-${index}`,
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

function textForm(row: StoreRow, given?: Typed, wrong: string[] = []): Record<string, unknown> {
  const settings = readSettings(row.settings);
  const wording = (purpose: 'access' | 'marketing') =>
    settings.wordings.find((one) => one.purpose === purpose);
  const options = settings.question?.options ?? [];
  const typed: Typed = given ?? {
    'access-en': wording('access')?.text.en ?? '',
    'access-zh': wording('access')?.text['zh-CN'] ?? '',
    'marketing-en': wording('marketing')?.text.en ?? '',
    'marketing-zh': wording('marketing')?.text['zh-CN'] ?? '',
    'question-key': settings.question?.key ?? '',
    'question-en': settings.question?.label.en ?? '',
    'question-zh': settings.question?.label['zh-CN'] ?? '',
    ...Object.fromEntries(
      options.flatMap((option, index) => [
        [`option-${index}`, option.value],
        [`option-${index}-en`, option.label.en],
        [`option-${index}-zh`, option.label['zh-CN']],
      ]),
    ),
  };
  const versions = Object.fromEntries(settings.wordings.map((one) => [one.purpose, one.version]));
  return { row, typed, wrong, versions, optionNames };
}

/** PURE. What the form says, as a change: rows left empty are no options, an empty question is none. */
export function textChange(typed: Typed): Record<string, unknown> {
  const text = (name: string): string => typed[name] ?? '';
  const options = optionNames
    .filter((index) => text(`option-${index}-en`) || text(`option-${index}-zh`))
    .map((index) => ({
      value: text(`option-${index}`) || keyFrom(text(`option-${index}-en`), `answer-${index + 1}`),
      label: { en: text(`option-${index}-en`), 'zh-CN': text(`option-${index}-zh`) },
    }));
  const asked = text('question-en') || text('question-zh') || options.length > 0;
  return {
    wordings: {
      access: { en: text('access-en'), 'zh-CN': text('access-zh') },
      marketing: { en: text('marketing-en'), 'zh-CN': text('marketing-zh') },
    },
    question: asked
      ? {
          key: text('question-key') || keyFrom(text('question-en'), 'question'),
          label: { en: text('question-en'), 'zh-CN': text('question-zh') },
          options,
        }
      : null,
  };
}

/** PURE. A key people can read in an export, made from the English words. */
export function keyFrom(words: string, otherwise: string): string {
  const key = words
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return key || otherwise;
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const typed = typedOf(request, [...wordingNames, ...questionNames], 5000);
  const read = settingsChange.safeParse(textChange(typed));
  if (!read.success) {
    // The place inside the form: wordings.access, wordings.marketing or question.
    const wrong = read.error.issues.map((issue) =>
      issue.path[0] === 'wordings' ? String(issue.path[1]) : String(issue.path[0]),
    );
    await renderPage(response, 'settings-texts', textForm(row, typed, [...new Set(wrong)]), 422);
    return;
  }
  await changeStore(deps, staffOf(response).merchantId, row.id, { settings: read.data });
  done(response, '/console/settings/texts', 'saved');
}
