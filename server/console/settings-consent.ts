/** Settings of consent and privacy: whose law holds, what guests are asked, from which age, and how long records are kept. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { lawOf } from '../stores/law.ts';
import { keepClasses, packFor, packOf, packs } from '../stores/packs.ts';
import type { StoreRow } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import { purposes } from '../stores/wordings.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, fields, needs, renderPage } from './page.ts';
import { currentStore, storeOfForm, typedOf } from './settings.ts';
import type { Typed } from './settings.ts';
import { faultsBelow, numberTyped, saveSettings } from './store-form.ts';
import type { Faults } from './store-form.ts';

const names = ['pack', 'asks', 'ageGate', 'doubleOptIn', ...keepClasses];
/** The terms are always asked. */
const optional = purposes.filter((purpose) => purpose !== 'access');

interface ConsentTyped {
  typed: Typed;
  asked: string[];
}

export const consentPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings/consent', needs('stores:write'));
  router.get('/settings/consent', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) throw problem('not-found');
    await renderPage(response, 'settings-consent', consentForm(row));
  });
  router.post('/settings/consent', (request, response) => save(deps, request, response));
  return router;
};

/** What holds now: the pack's say stands in every field that was left to it. */
function typedSettings(row: StoreRow): ConsentTyped {
  const settings = readSettings(row.settings);
  const law = lawOf(settings, row.country);
  const { doubleOptIn } = settings;
  return {
    typed: {
      pack: settings.pack ?? '',
      asks: settings.purposes === null ? 'pack' : 'own',
      ageGate: law.ageGate === null ? '' : String(law.ageGate),
      doubleOptIn: doubleOptIn === null ? '' : doubleOptIn ? 'yes' : 'no',
      ...Object.fromEntries(keepClasses.map((name) => [name, String(law.retention[name])])),
    },
    asked: law.purposes,
  };
}

function consentForm(
  row: StoreRow,
  given = typedSettings(row),
  faults: Faults = {},
): Record<string, unknown> {
  const own = packFor(row.country);
  const chosen = packs.find((name) => name === given.typed['pack']) ?? own;
  return {
    row,
    ...given,
    faults,
    faultsBelow,
    packs,
    own,
    pack: packOf(chosen),
    /** A country whose law is known leaves no choice. */
    free: own === 'generic',
    allPacks: packs.map(packOf),
    optional,
    keepClasses,
  };
}

/** PURE. What the form says against what holds: what was not touched stays with the pack. */
function consentChange(
  { typed, asked }: ConsentTyped,
  before: ConsentTyped,
): Record<string, unknown> {
  const text = (name: string): string => typed[name] ?? '';
  const touched = (name: string): boolean => text(name) !== before.typed[name];
  const kept = keepClasses.filter(touched).map((name) => [name, numberTyped(text(name))]);
  const yes = text('doubleOptIn');
  return {
    pack: text('pack') || null,
    purposes: text('asks') === 'own' ? optional.filter((one) => asked.includes(one)) : null,
    doubleOptIn: yes === '' ? null : yes === 'yes',
    ...(touched('ageGate')
      ? { ageGate: text('ageGate') === '' ? null : numberTyped(text('ageGate')) }
      : {}),
    ...(kept.length > 0 ? { retention: Object.fromEntries(kept) } : {}),
  };
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const given = { typed: typedOf(request, names), asked: fields(request, 'purpose') };
  const said = consentChange(given, typedSettings(row));
  const faults = await saveSettings(deps, response, row, said);
  if (Object.keys(faults).length > 0) {
    await renderPage(response, 'settings-consent', consentForm(row, given, faults), 422);
    return;
  }
  done(response, '/console/settings/consent', 'saved');
}
