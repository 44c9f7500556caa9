/** The fence editor: a map with its form, and the same form alone where there are no scripts. */
import express from 'express';
import type { Request, Response } from 'express';
import type { Queryable } from '../db/database.ts';
import { ProblemError, problem } from '../errors.ts';
import { changeFence, createFence, removeFence } from '../fences/change.ts';
import { fencesAsGeoJson } from '../fences/geojson.ts';
import type { FenceInput } from '../fences/input.ts';
import { gatewaysOf } from '../stores/queries.ts';
import { clientTexts, dataBlock } from './client-texts.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import type { FenceDraft } from './fence-form.ts';
import { draftOf, emptyDraft, readDraft } from './fence-form.ts';
import { floorsOf } from './live.ts';
import { datumOfTiles } from './map-datum.ts';
import type { Page } from './page.ts';
import { done, field, fields, needs, pageOf, query, renderPage, staffOf } from './page.ts';
import type { MapFence } from './queries.ts';
import { mapFences, storeLocation, visitsOfFence } from './queries.ts';
import type { Datum, FenceKind, FenceValue } from './shared/fence.ts';
import { fenceKinds } from './shared/fence.ts';

export const fencePages: PageModule = (deps) => {
  const pages = express.Router();
  pages.get('/fences', needs('fences:read'), async (request, response) => {
    await showFences(deps, request, response);
  });
  pages.get('/fences/export', needs('fences:read'), async (_request, response) => {
    const { store } = pageOf(response);
    if (!store) throw problem('not-found');
    const { merchantId } = staffOf(response);
    const collection = await deps.db.tx((tx) => fencesAsGeoJson(tx, merchantId, store.id), {
      tenant: merchantId,
      readOnly: true,
    });
    response
      .attachment(`fences-${store.slug}.geojson`)
      .type('application/geo+json')
      .send(JSON.stringify(collection, null, 2));
  });
  pages.post('/fences{/:id}', needs('fences:write'), async (request, response) => {
    await saveTyped(deps, request, response);
  });
  pages.post('/fences/:id/delete', needs('fences:write'), async (request, response) => {
    await removeTyped(deps, request, response);
  });
  return pages;
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOST_TEXT = 200_000;

function oneOf<T extends string>(value: string, allowed: readonly T[], otherwise: T): T {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

function typed(request: Request, timezone: string): FenceDraft {
  return {
    id: idOf(request),
    name: field(request, 'name', 120),
    kind: oneOf(field(request, 'kind'), fenceKinds, 'area'),
    floor: field(request, 'floor', 40),
    category: field(request, 'category', 60),
    minutes: field(request, 'minutes', 20),
    parentId: uuid.test(field(request, 'parent')) ? field(request, 'parent') : '',
    active: field(request, 'active') === 'yes',
    coordinates: field(request, 'coordinates', MOST_TEXT),
    radius: field(request, 'radius', 20),
    width: field(request, 'width', 20),
    direction: oneOf(field(request, 'direction'), ['left', 'right', 'both'], 'both'),
    members: fields(request, 'members').filter((id) => uuid.test(id)),
    of: oneOf(field(request, 'of'), ['any', 'all'], 'any'),
    gateways: fields(request, 'gateways').filter((id) => uuid.test(id)),
    bssids: field(request, 'bssids', MOST_TEXT),
    beacons: field(request, 'beacons', MOST_TEXT),
    codes: field(request, 'codes', MOST_TEXT),
    priority: field(request, 'priority', 20),
    cooldown: field(request, 'cooldown', 20),
    limited: field(request, 'limited') === 'yes',
    timezone: field(request, 'timezone', 60) || timezone,
    days: [0, 1, 2, 3, 4, 5, 6].map((day) => field(request, `day-${day}`, 120)),
    datum: oneOf<Datum>(field(request, 'datum'), ['wgs84', 'gcj02', 'bd09'], 'wgs84'),
    visits: 0,
  };
}

const idOf = (request: Request): string => {
  const { id } = request.params;
  return typeof id === 'string' ? id : '';
};

/** The form as a page without scripts posts it. */
async function saveTyped(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const page = pageOf(response);
  const draft = typed(request, page.store?.timezone ?? 'UTC');
  const before = draft.id === '' ? null : await storedFence(deps, response, draft.id);
  const refuse = (wrong: string): Promise<void> =>
    showFences(deps, request, response, { draft, wrong, status: 422 });
  const read = readDraft(draft);
  if (!read.ok) {
    await refuse(page.t(`fences.${read.fault}`, { line: read.line }));
    return;
  }
  try {
    const saved = await save(deps, page, staffOf(response).merchantId, before, draft, read.value);
    done(response, `/console/fences?fence=${saved.id}`, 'saved');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500) throw error;
    await refuse(wordsOf(page, error));
  }
}

function save(
  deps: ConsoleDeps,
  page: Page,
  merchantId: string,
  before: MapFence | null,
  draft: FenceDraft,
  { geometry, kind, ...rest }: FenceValue,
) {
  // What was not retyped is not sent: the text shows rounded corners, the store keeps exact ones.
  const untouched =
    before !== null &&
    before.datum === draft.datum &&
    squeezed(draft.coordinates) === squeezed(draftOf(before, 0, '').coordinates);
  const shape = untouched ? {} : { kind, geometry };
  const input: FenceInput = { ...rest, ...shape };
  const storeId = page.store?.id ?? null;
  return deps.db.tx(
    (tx) =>
      before === null
        ? createFence(tx, merchantId, { ...input, storeId }, deps.clock())
        : changeFence(tx, merchantId, before.id, input, deps.clock()),
    { tenant: merchantId },
  );
}

/** The server's own words are English; in another language the page has some for what is known by name. */
function wordsOf(page: Page, error: ProblemError): string {
  const fault = error.extras['fault'];
  if (page.locale === 'en' || typeof fault !== 'string') return error.message;
  for (const key of [`fences.fault.${fault}`, `fences.conflict.${fault}`]) {
    const words = page.t(key);
    if (words !== key) return words;
  }
  return error.message;
}

const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

async function storedFence(deps: ConsoleDeps, response: Response, id: string): Promise<MapFence> {
  const { merchantId } = staffOf(response);
  const { store } = pageOf(response);
  const fences = await deps.db.tx((tx) => mapFences(tx, merchantId, store?.id ?? ''), {
    tenant: merchantId,
    readOnly: true,
  });
  const found = fences.find((fence) => fence.id === id);
  if (!found) throw problem('not-found');
  return found;
}

async function removeTyped(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const page = pageOf(response);
  const { merchantId } = staffOf(response);
  const fence = await storedFence(deps, response, idOf(request));
  const refuse = (wrong: string): Promise<void> => {
    const draft = draftOf(fence, 0, page.store?.timezone ?? 'UTC');
    return showFences(deps, request, response, { draft, wrong, status: 422 });
  };
  if (field(request, 'confirm', 120) !== fence.name.trim()) {
    await refuse(page.t('fences.deleteMismatch', { name: fence.name }));
    return;
  }
  try {
    await deps.db.tx((tx) => removeFence(tx, merchantId, fence.id, deps.clock()), {
      tenant: merchantId,
    });
    done(response, '/console/fences', 'saved');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500) throw error;
    await refuse(wordsOf(page, error));
  }
}

interface Shown {
  /** What was typed and could not be saved. */
  draft?: FenceDraft;
  wrong?: string;
  status?: number;
}

/** The editor's page; also the answer to a form that could not be saved, with what was typed. */
async function showFences(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  shown: Shown = {},
): Promise<void> {
  const page = pageOf(response);
  const { store } = page;
  const { merchantId } = staffOf(response);
  if (!store) {
    await renderPage(response, 'fences', { store: null });
    return;
  }
  const wanted = query(request, 'fence');
  const found = await deps.db.tx(
    async (tx) => ({
      fences: await mapFences(tx, merchantId, store.id),
      gateways: (await gatewaysOf(tx, merchantId, store.id)).map(({ id, name }) => ({ id, name })),
      location: await storeLocation(tx, merchantId, store.id),
      visits: await visitsIn(tx, merchantId, wanted),
    }),
    { tenant: merchantId, readOnly: true },
  );
  const chosen = found.fences.find((fence) => fence.id === wanted);
  if (wanted !== '' && !chosen) throw problem('not-found');
  const floors = floorsOf(found.fences);
  const mayWrite = page.can('fences:write');
  const mapDatum = datumOfTiles(deps.tiles);
  const data = {
    store: { id: store.id, slug: store.slug, location: found.location, timezone: store.timezone },
    fences: found.fences,
    floors,
    selected: chosen?.id ?? null,
    mayWrite,
    mapDatum,
    icons: page.asset('icons.svg'),
    texts: clientTexts(page.locale, ['fences', 'maps']),
  };
  const stored = chosen ? draftOf(chosen, found.visits, store.timezone) : null;
  const draft = shown.draft ?? stored ?? newDraft(request, store.timezone, mapDatum);
  await renderPage(
    response,
    'fences',
    {
      data: dataBlock(data),
      fences: found.fences,
      gateways: found.gateways,
      floors,
      mayWrite,
      draft,
      blank: emptyDraft('area', store.timezone),
      kinds: fenceKinds,
      plain: true,
      wrong: shown.wrong ?? '',
      tiles: deps.tiles,
      wide: true,
      scripts: ['fences.js'],
      styles: ['fences.css'],
    },
    shown.status ?? 200,
  );
}

async function visitsIn(tx: Queryable, merchantId: string, fenceId: string): Promise<number> {
  return uuid.test(fenceId) ? visitsOfFence(tx, merchantId, fenceId) : 0;
}

function newDraft(request: Request, timezone: string, datum: Datum): FenceDraft | null {
  const wanted = query(request, 'new');
  const kind = wanted === 'polygon' ? 'area' : wanted;
  if (!fenceKinds.includes(kind as FenceKind)) return null;
  return { ...emptyDraft(kind as FenceKind, timezone), datum };
}
