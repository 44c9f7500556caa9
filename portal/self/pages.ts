/** The pages of "My data", from their state to what stands on them. */
import { masked } from '../format.ts';
import type { Kit } from '../kit.ts';
import { basePath } from '../kit.ts';
import type { Language, StoreView } from '../ports-store.ts';
import type { SelfRecord } from '../ports-self.ts';
import type { Page, Shown } from '../render.ts';
import { worded } from '../texts.ts';
import type { CodeState, LookState, Note } from './seal.ts';
import { recordView } from './words.ts';

/** What every page of these is made with. */
export interface Shelf {
  kit: Kit;
  store: StoreView;
  language: Language;
}

export function minePath(store: StoreView): string {
  return `${basePath(store)}/mine`;
}

function page(
  { kit, store, language }: Shelf,
  view: Page['view'],
  title: string,
  here: string,
  locals: Record<string, unknown>,
  status = 200,
): Shown {
  const t = kit.texts.in(language);
  const base = minePath(store);
  const joined = here.includes('?') ? '&' : '?';
  return {
    status,
    page: {
      view,
      language,
      store,
      title: t(title),
      locals: { base, trouble: '', ...locals },
      inLanguage: (other) => `${here}${joined}lang=${other}`,
    },
  };
}

type EnterTrouble = 'self.trouble.address' | 'self.trouble.busy' | 'self.trouble.over';

/** Where somebody shows who they are; `over` when a look had come to its end. */
export function enterPage(
  shelf: Shelf,
  given: { typed?: string; trouble?: EnterTrouble } = {},
): Shown {
  const t = shelf.kit.texts.in(shelf.language);
  const { typed = '', trouble } = given;
  const status = trouble === 'self.trouble.busy' ? 429 : 200;
  const locals = { typed, trouble: trouble === undefined ? '' : t(trouble) };
  return page(shelf, 'self-enter', 'self.enter.title', minePath(shelf.store), locals, status);
}

export function codePage(shelf: Shelf, state: CodeState, sealed: string): Shown {
  const t = shelf.kit.texts.in(shelf.language);
  const locals = {
    sealed,
    address: masked(state.address),
    within: state.key !== undefined,
    trouble: state.wrong === true ? t('self.trouble.code') : '',
  };
  const here = `${minePath(shelf.store)}/code?c=${sealed}`;
  return page(shelf, 'self-code', 'self.code.title', here, locals);
}

const NOTE: Record<Note, string> = {
  saved: 'self.note.saved',
  mailed: 'self.note.mailed',
  refused: 'self.note.refused',
  changed: 'self.note.changed',
  devices: 'self.note.devices',
  'address-done': 'self.note.address-done',
  'address-taken': 'self.note.address-taken',
};

export function recordPage(
  shelf: Shelf,
  record: SelfRecord,
  state: LookState,
  sealed: string,
): Shown {
  const { kit, language, store } = shelf;
  const t = kit.texts.in(language);
  const locals = {
    sealed,
    note: state.note === undefined ? '' : t(NOTE[state.note]),
    ...recordView(record, t, language, store.timezone),
  };
  return page(shelf, 'self', 'self.title', `${minePath(store)}/look?m=${sealed}`, locals);
}

/** Questions the store asks today can be answered here; older answers can only be taken away. */
export function editPage(
  shelf: Shelf,
  record: SelfRecord,
  sealed: string,
  trouble: 'self.trouble.address' | 'self.trouble.busy' | 'self.trouble.send' | null = null,
): Shown {
  const { language, store, kit } = shelf;
  const t = kit.texts.in(language);
  const answers = record.answers.map((answer) => ({
    key: answer.key,
    label: answer.label ? worded(answer.label, language).text : answer.key,
    value: answer.value ?? '',
    known: answer.label !== undefined,
    options: answer.options.map((option) => ({
      value: option.value,
      label: worded(option.label, language).text,
    })),
  }));
  const { name, phone, email } = record;
  const locals = {
    sealed,
    name: name ?? '',
    phone,
    email,
    answers,
    trouble: trouble ? t(trouble) : '',
  };
  const here = `${minePath(store)}/edit?m=${sealed}`;
  return page(shelf, 'self-edit', 'self.edit.title', here, locals);
}

export function forgetPage(shelf: Shelf, record: SelfRecord, sealed: string): Shown {
  const open = record.vouchers.filter((voucher) => voucher.state === 'open').length;
  const locals = { sealed, open, logDays: record.logDays, limited: record.limited };
  const here = `${minePath(shelf.store)}/forget?m=${sealed}`;
  return page(shelf, 'self-forget', 'self.forget.title', here, locals);
}

/** A page that only says something: forgotten, left, confirmed. */
export function saidPage(
  shelf: Shelf,
  what: 'gone' | 'left' | 'confirmed' | 'void',
  here: string,
): Shown {
  const key = {
    gone: 'self.said.gone',
    left: 'self.said.left',
    confirmed: 'self.said.confirmed',
    void: 'self.said.void',
  }[what];
  const leads = what === 'left' ? 'self.said.again' : 'self.title';
  const locals = { key, good: what !== 'void', leads: what === 'gone' ? '' : leads };
  return page(shelf, 'self-said', `${key}.title`, here, locals, what === 'void' ? 410 : 200);
}

export function confirmPage(
  shelf: Shelf,
  asked: { text: string; language: Language },
  here: string,
): Shown {
  const { text, language } = asked;
  const direction = language === 'ar' ? 'rtl' : 'ltr';
  const locals = { here, text, textLanguage: language, direction };
  return page(shelf, 'self-confirm', 'self.confirm.title', here, locals);
}
