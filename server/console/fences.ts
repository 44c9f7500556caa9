/** The fence editor: a map with its form, and the same form alone where there are no scripts. */
import express from 'express';
import type { Request, Response } from 'express';
import type { Queryable } from '../db/database.ts';
import { ProblemError, problem } from '../errors.ts';
import { fencesAsGeoJson } from '../fences/geojson.ts';
import { changeFence, createFence, removeFence } from '../fences/change.ts';
import { clientTexts, dataBlock } from './client-texts.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import type { FenceDraft } from './fence-form.ts';
import { draftOf, emptyDraft, typedShape } from './fence-form.ts';
import { floorsOf } from './live.ts';
import { done, field, needs, pageOf, query, renderPage, staffOf } from './page.ts';
import type { MapFence } from './queries.ts';
import { mapFences, storeLocation, visitsOfFence } from './queries.ts';

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

function typed(request: Request): FenceDraft {
  const shape = field(request, 'shape') === 'circle' ? 'circle' : 'polygon';
  return {
    id: idOf(request),
    name: field(request, 'name', 120),
    floor: field(request, 'floor', 40),
    category: field(request, 'category', 60),
    minutes: field(request, 'minutes', 20),
    parentId: uuid.test(field(request, 'parent')) ? field(request, 'parent') : '',
    active: field(request, 'active') === 'yes',
    shape,
    coordinates: field(request, 'coordinates', 200_000),
    radius: field(request, 'radius', 20),
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
  const { merchantId } = staffOf(response);
  const draft = typed(request);
  const before = draft.id === '' ? null : await storedFence(deps, response, draft.id);
  const refuse = (wrong: string): Promise<void> =>
    showFences(deps, request, response, { draft, wrong, status: 422 });
  if (draft.name === '') {
    await refuse(page.t('fences.nameMissing'));
    return;
  }
  const shape = typedShape(draft);
  if (!shape.ok) {
    await refuse(page.t(`fences.unreadable.${shape.fault}`, { line: shape.line }));
    return;
  }
  // What was not retyped is not sent: the text shows rounded corners, the store keeps exact ones.
  const untouched = before !== null && sameShape(draft, draftOf(before, 0));
  const { geometry, radius } = shape;
  const input = {
    name: draft.name,
    floor: draft.floor || null,
    category: draft.category || null,
    parentId: draft.parentId || null,
    minDwellSeconds: Math.round(Math.min(1440, Math.max(0, Number(draft.minutes) || 0)) * 60),
    active: draft.active,
  };
  try {
    const saved = await deps.db.tx(
      (tx) =>
        before === null
          ? createFence(
              tx,
              merchantId,
              { ...input, geometry, radius, storeId: page.store?.id ?? null },
              deps.clock(),
            )
          : changeFence(
              tx,
              merchantId,
              before.id,
              untouched ? input : { ...input, geometry, radius },
              deps.clock(),
            ),
      { tenant: merchantId },
    );
    done(response, `/console/fences?fence=${saved.id}`, 'saved');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500) throw error;
    await refuse(error.message);
  }
}

const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

function sameShape(a: FenceDraft, b: FenceDraft): boolean {
  return (
    a.shape === b.shape &&
    squeezed(a.coordinates) === squeezed(b.coordinates) &&
    (a.shape === 'polygon' || a.radius === b.radius)
  );
}

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
  if (field(request, 'confirm', 120) !== fence.name.trim()) {
    const wrong = page.t('fences.deleteMismatch', { name: fence.name });
    await showFences(deps, request, response, { draft: draftOf(fence, 0), wrong, status: 422 });
    return;
  }
  await deps.db.tx((tx) => removeFence(tx, merchantId, fence.id, deps.clock()), {
    tenant: merchantId,
  });
  done(response, '/console/fences', 'saved');
}

interface Shown {
  /** What was typed and could not be saved. */
  draft?: FenceDraft;
  wrong?: string;
  status?: number;
}

/** The editor's page; also the answer to a form that could not be saved, with what was typed. */
export async function showFences(
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
      location: await storeLocation(tx, merchantId, store.id),
      visits: await visitsIn(tx, merchantId, wanted),
    }),
    { tenant: merchantId, readOnly: true },
  );
  const chosen = found.fences.find((fence) => fence.id === wanted);
  if (wanted !== '' && !chosen) throw problem('not-found');
  const floors = floorsOf(found.fences);
  const mayWrite = page.can('fences:write');
  const data = {
    store: { id: store.id, slug: store.slug, location: found.location },
    fences: found.fences,
    floors,
    selected: chosen?.id ?? null,
    mayWrite,
    texts: clientTexts(page.locale, ['fences', 'maps']),
  };
  const draft = shown.draft ?? (chosen ? draftOf(chosen, found.visits) : newDraft(request));
  await renderPage(
    response,
    'fences',
    {
      data: dataBlock(data),
      fences: found.fences,
      floors,
      mayWrite,
      draft,
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

function newDraft(request: Request): FenceDraft | null {
  const kind = query(request, 'new');
  return kind === 'circle' || kind === 'polygon' ? { ...emptyDraft, shape: kind } : null;
}
