/** Settings of how a store's portal looks: colour, ground, logo and promise, with the real page beside them. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { contrast, readableAccent } from '../stores/colour.ts';
import type { StoreRow } from '../stores/queries.ts';
import { settingsChange } from '../stores/schema.ts';
import type { SettingsChange } from '../stores/schema.ts';
import { applyChange, readSettings } from '../stores/settings.ts';
import type { StoreSettings } from '../stores/settings.ts';
import { backgrounds } from '../stores/settings-parts.ts';
import { portalStore } from '../stores/view.ts';
import { languages } from '../stores/words.ts';
import type { Language } from '../stores/words.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, needs, query, renderPage } from './page.ts';
import { previewPages } from './preview-desk.ts';
import type { PreviewRequest } from './preview-desk.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';
import { faultsBelow, saveSettings } from './store-form.ts';
import type { Faults } from './store-form.ts';

const here = '/console/settings/look';
const promiseNames = languages.map((language) => `promise-${language}`);
const names = ['accent', 'background', 'logo-alt', 'logo-remove', ...promiseNames];
/** base64 of the largest picture that the form may carry. */
const MOST_LOGO = 120_000;

export const lookPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/look', needs('stores:write'));
  router.get('/settings/look', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-look', lookForm(row));
  });
  router.post('/settings/look', (request, response) => save(deps, request, response));
  router.get('/settings/look/preview', async (request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    const asked = askedOf((name) => query(request, name), row);
    await showPreview(deps, response, row, readSettings(row.settings), asked);
  });
  router.post('/settings/look/preview', async (request, response) => {
    const row = await storeOfForm(deps, request, response);
    const asked = askedOf((name) => field(request, name), row);
    await showPreview(deps, response, row, unsaved(row, lookTyped(request)), asked);
  });
  return router;
};

function lookTyped(request: Request): Typed {
  return { ...typedOf(request, names), logo: field(request, 'logo', MOST_LOGO) };
}

function lookForm(row: StoreRow, given?: Typed, faults: Faults = {}): Record<string, unknown> {
  const { theme, languages: offered } = readSettings(row.settings);
  const typed = given ?? {
    accent: theme.accent,
    background: theme.background,
    'logo-alt': theme.logo?.alt ?? '',
    ...Object.fromEntries(
      languages.map((language) => [`promise-${language}`, theme.promise[language] ?? '']),
    ),
  };
  const wanted = typed['accent'] ?? '';
  const shown = readableAccent(/^#[0-9a-f]{6}$/i.test(wanted) ? wanted : theme.accent);
  return {
    row,
    typed,
    faults,
    faultsBelow,
    backgrounds,
    languages,
    offered,
    logo: theme.logo ?? null,
    shown,
    ratio: contrast(shown.accent, shown.onAccent),
    previewPages,
    asked: { page: 'choose', language: readSettings(row.settings).defaultLanguage },
    scripts: ['look.js'],
  };
}

/** PURE. What the form says, as a change of settings; a logo that is not chosen anew stays. */
function lookChange(
  typed: Typed,
  kept: StoreSettings['theme']['logo'],
  shop: string,
): Record<string, unknown> {
  const promise = Object.fromEntries(
    languages
      .map((language) => [language, typed[`promise-${language}`] ?? ''] as const)
      .filter(([, words]) => words !== ''),
  );
  const plain = { accent: typed['accent'], background: typed['background'], promise };
  const alt = (typed['logo-alt'] || shop).slice(0, 120);
  if (typed['logo-remove'] === 'yes') return { ...plain, logo: null };
  if (typed['logo']) return { ...plain, logo: { data: typed['logo'], alt } };
  const renamed = kept !== undefined && kept.alt !== alt;
  return renamed ? { ...plain, logo: { data: kept.data, alt } } : plain;
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const typed = lookTyped(request);
  const kept = readSettings(row.settings).theme.logo;
  const faults = await saveSettings(deps, response, row, lookChange(typed, kept, row.name));
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-look', lookForm(row, typed, faults), 422);
    return;
  }
  const { corrected } = readableAccent(typed['accent'] ?? '');
  done(response, here, corrected ? 'accent-corrected' : 'saved');
}

/** What is typed as far as it fits: a preview never asks for corrections. */
function unsaved(row: StoreRow, typed: Typed): StoreSettings {
  const settings = readSettings(row.settings);
  const said = Object.entries(lookChange(typed, settings.theme.logo, row.name));
  return said.reduce((so, [name, value]) => {
    const read = settingsChange.safeParse({ [name]: value });
    return read.success ? applied(so, read.data) : so;
  }, settings);
}

function applied(settings: StoreSettings, change: SettingsChange): StoreSettings {
  try {
    return applyChange(settings, change);
  } catch {
    // A picture that is no logo.
    return settings;
  }
}

function askedOf(
  value: (name: string) => string,
  row: StoreRow,
): Omit<PreviewRequest, 'minutes'> & { language: Language } {
  const { defaultLanguage } = readSettings(row.settings);
  return {
    page: previewPages.find((page) => page === value('show-page')) ?? 'choose',
    language: languages.find((one) => one === value('show-language')) ?? defaultLanguage,
    dark: value('show-look') === 'dark',
  };
}

/** The portal's own page in a frame of ours: it runs nothing, sends nothing and loads nothing. */
async function showPreview(
  deps: ConsoleDeps,
  response: Response,
  row: StoreRow,
  settings: StoreSettings,
  asked: Omit<PreviewRequest, 'minutes'>,
): Promise<void> {
  const { minutes } = settings.session;
  const store = portalStore({ ...row, settings }, []);
  const { html, nonce } = await deps.preview(store, { ...asked, minutes });
  response.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox`,
  );
  response.set('Content-Language', asked.language);
  response.type('html').send(html);
}
