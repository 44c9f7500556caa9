/** The fence editor: a map with its form, and the same form alone where there are no scripts. */
import express from 'express';
import type { Request, Response } from 'express';
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { clientTexts, dataBlock } from './client-texts.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import type { FenceDraft } from './fence-form.ts';
import { draftOf, emptyDraft } from './fence-form.ts';
import { floorsOf } from './live.ts';
import { needs, pageOf, query, renderPage, staffOf } from './page.ts';
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
    const fences = await deps.db.tx((tx) => mapFences(tx, merchantId, store.id), {
      tenant: merchantId,
      readOnly: true,
    });
    response
      .attachment(`fences-${store.slug}.geojson`)
      .type('application/geo+json')
      .send(JSON.stringify(collectionOf(fences), null, 2));
  });
  return pages;
};

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
  return /^[0-9a-f-]{36}$/.test(fenceId) ? visitsOfFence(tx, merchantId, fenceId) : 0;
}

function newDraft(request: Request): FenceDraft | null {
  const kind = query(request, 'new');
  return kind === 'circle' || kind === 'polygon' ? { ...emptyDraft, shape: kind } : null;
}

/** The form other tools and `npm run replay` read: a circle is a Point with a radius. */
function collectionOf(fences: readonly MapFence[]): unknown {
  return {
    type: 'FeatureCollection',
    features: fences.map((fence) => ({
      type: 'Feature',
      id: fence.id,
      properties: {
        name: fence.name,
        ...(fence.parentId === null ? {} : { parent: fence.parentId }),
        ...(fence.radius === null ? {} : { radius: fence.radius }),
        ...(fence.floor === null ? {} : { floor: fence.floor }),
        ...(fence.category === null ? {} : { category: fence.category }),
        minDwellSeconds: fence.minDwellSeconds,
        active: fence.active,
      },
      geometry: fence.geometry,
    })),
  };
}
