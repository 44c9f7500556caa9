/** Settings of a store: who it is and where it stands; and opening a new one. */
import express from 'express';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { ProblemError, problem } from '../errors.ts';
import { createStore } from '../stores/change.ts';
import { storeById } from '../stores/queries.ts';
import type { StoreRow } from '../stores/queries.ts';
import { countryText, nameText, slugText, zoneText } from '../stores/schema.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, isId, needs, pageOf, renderPage, staffOf } from './page.ts';
import { setPreference } from '../http/cookies.ts';
import { saveChange } from './store-form.ts';
import type { Faults } from './store-form.ts';

/** The fields of a form as typed; the view shows them again when something was wrong. */
export type Typed = Record<string, string>;

export const settingsPages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/settings', needs('stores:write'));
  router.get('/settings', async (_request, response) => {
    const row = await currentStore(deps, response);
    if (!row) {
      response.redirect(303, '/console/settings/new-store');
      return;
    }
    await renderPage(response, 'settings', storeForm(row));
  });
  router.post('/settings', (request, response) => saveStore(deps, request, response));
  router.get('/settings/new-store', async (_request, response) => {
    await renderPage(response, 'settings-new', {
      typed: { timezone: '', country: '' },
      wrong: [],
      zones: Intl.supportedValuesOf('timeZone'),
    });
  });
  router.post('/settings/new-store', (request, response) => openStore(deps, request, response));
  return router;
};

/** The store the page is about; a form names its own, so that another tab's choice changes nothing. */
export async function currentStore(
  deps: ConsoleDeps,
  response: Response,
  id = pageOf(response).store?.id,
): Promise<StoreRow | null> {
  if (!id) return null;
  const { merchantId } = staffOf(response);
  return deps.db.tx((tx) => storeById(tx, merchantId, id), { tenant: merchantId, readOnly: true });
}

export async function storeOfForm(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
): Promise<StoreRow> {
  const row = await currentStore(deps, response, isId(field(request, 'id')));
  if (!row) throw problem('not-found');
  return row;
}

/** The names of the fields a schema refused. */
function wrongFields(error: z.ZodError): string[] {
  return [...new Set(error.issues.map((issue) => String(issue.path[0] ?? '')))];
}

export function typedOf(request: Request, names: readonly string[], max = 4000): Typed {
  return Object.fromEntries(names.map((name) => [name, field(request, name, max)]));
}

const degrees = (most: number) =>
  z
    .literal('')
    .transform(() => null)
    .or(z.coerce.number().min(-most).max(most));
const storeFields = z
  .object({
    name: nameText,
    timezone: zoneText,
    country: z.string().toUpperCase().pipe(countryText),
    lon: degrees(180),
    lat: degrees(90),
  })
  .refine((store) => (store.lon === null) === (store.lat === null), { path: ['lat'] });
const storeNames = ['name', 'timezone', 'country', 'lon', 'lat'];

/** `law`: what the country's law has against the settings as they stand. */
function storeForm(
  row: StoreRow,
  typed?: Typed,
  wrong: string[] = [],
  law: Faults = {},
): Record<string, unknown> {
  return {
    row,
    wrong,
    law: [...new Set(Object.values(law))],
    zones: Intl.supportedValuesOf('timeZone'),
    typed: typed ?? {
      name: row.name,
      timezone: row.timezone,
      country: row.country,
      lon: row.lon === null ? '' : String(Math.round(row.lon * 1e7) / 1e7),
      lat: row.lat === null ? '' : String(Math.round(row.lat * 1e7) / 1e7),
    },
  };
}

function placeOf(fields: { lon: number | null; lat: number | null }) {
  const { lon, lat } = fields;
  return lon === null || lat === null ? null : { lon, lat };
}

async function saveStore(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const row = await storeOfForm(deps, request, response);
  const typed = typedOf(request, storeNames);
  const read = storeFields.safeParse(typed);
  if (!read.success) {
    await renderPage(response, 'settings', storeForm(row, typed, wrongFields(read.error)), 422);
    return;
  }
  const { lon, lat, ...rest } = read.data;
  const change = { ...rest, location: placeOf({ lon, lat }) };
  const law = await saveChange(deps, response, row, change);
  if (Object.keys(law).length > 0) {
    await renderPage(response, 'settings', storeForm(row, typed, ['law'], law), 422);
    return;
  }
  done(response, '/console/settings', 'saved');
}

async function openStore(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const typed = typedOf(request, ['slug', ...storeNames]);
  const read = z.object({ slug: slugText }).safeParse(typed);
  const rest = storeFields.safeParse(typed);
  const wrong = [
    ...(read.success ? [] : wrongFields(read.error)),
    ...(rest.success ? [] : wrongFields(rest.error)),
  ];
  if (read.success && rest.success) {
    try {
      const { lon, lat, ...fields } = rest.data;
      await createStore(deps, staffOf(response).merchantId, {
        ...fields,
        slug: read.data.slug,
        location: placeOf({ lon, lat }),
      });
      setPreference(response, 'foyer_store', read.data.slug);
      done(response, '/console/settings/ways', 'store-opened');
      return;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'conflict') throw error;
      wrong.push('taken');
    }
  }
  const zones = Intl.supportedValuesOf('timeZone');
  await renderPage(response, 'settings-new', { typed, wrong, zones }, 422);
}
