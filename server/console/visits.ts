/** Visits of a day, each with how sure it is, and as a table to take away. */
import express from 'express';
import type { Request, Response } from 'express';
import type { Queryable } from '../db/database.ts';
import { dayAfter, dayOf, startOfDay } from '../analytics/day.ts';
import { decodeCursor, encodeCursor, textId } from '../http/cursor.ts';
import { problem } from '../errors.ts';
import { listVisits, visitById } from '../visits/queries.ts';
import type { VisitRow } from '../visits/queries.ts';
import { sendCsv } from './csv.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { dayAsked } from './overview.ts';
import { needs, pageOf, query, renderPage, staffOf } from './page.ts';
import { fencesNamed } from './queries.ts';
import { evidenceWords, factorLines } from './visit-words.ts';

const perPage = 50;
const mostRows = 10_000;
const MAX_RIVALS = 3;
const LIKELY_RIVAL = 0.05;
/** As long after its exit a visit may still be revised. */
const FINAL_AFTER_MS = 24 * 3_600_000;
/** Anything a visit can be worth listing as; `none` is somebody who walked past. */
const believed = ['high', 'medium', 'low'];

export const visitPages: PageModule = (deps) => {
  const router = express.Router();
  const read = needs('visits:read');
  router.get('/visits', read, async (request, response) => {
    const page = pageOf(response);
    if (!page.store) {
      await renderPage(response, 'visits', { visits: [] });
      return;
    }
    const today = dayOf(page.now, page.store.timezone);
    const day = dayAsked(query(request, 'day'), today);
    const after = decodeCursor(query(request, 'after') || undefined, textId);
    const rows = await visitsOf(deps, response, day, perPage + 1, after);
    const last = rows.length > perPage ? rows[perPage - 1] : undefined;
    await renderPage(response, 'visits', {
      visits: rows.slice(0, perPage),
      day,
      today,
      first: !after,
      next: last ? encodeCursor(last.entry_at, last.id) : null,
    });
  });
  router.get('/visits.csv', read, (request, response) => csv(deps, request, response));
  router.get('/visits/:id', read, async (request, response) => {
    const { merchantId } = staffOf(response);
    const id = String(request.params['id']).slice(0, 64);
    const found = await deps.db.tx(
      async (tx) => {
        const visit = await visitById(tx, merchantId, id);
        return visit && { visit, rivals: await rivalsOf(tx, merchantId, visit) };
      },
      { tenant: merchantId, readOnly: true },
    );
    if (!found) throw problem('not-found');
    const { visit, rivals } = found;
    const { t, f } = pageOf(response);
    await renderPage(response, 'visit', {
      visit,
      within: rivals.filter(({ parentId }) => parentId === visit.fence_id),
      instead: rivals.filter(({ parentId }) => parentId !== visit.fence_id),
      factors: factorLines(visit.detail, t, f),
      settles: new Date((visit.exit_at?.getTime() ?? 0) + FINAL_AFTER_MS),
      proof: evidenceWords(visit.detail.evidence ?? [], t),
    });
  });
  return router;
};

interface Rival {
  name: string;
  parentId: string | null;
  /** Mean belief, 0..1. */
  p: number;
}

/** Where else it may have been, or where in it: the likelier ones, the likeliest first. */
async function rivalsOf(tx: Queryable, merchantId: string, visit: VisitRow): Promise<Rival[]> {
  const likely = (visit.detail.alternates ?? [])
    .filter(({ p }) => p >= LIKELY_RIVAL)
    .toSorted((a, b) => b.p - a.p)
    .slice(0, MAX_RIVALS);
  const ids = likely.map(({ fence }) => fence);
  const named = await fencesNamed(tx, merchantId, ids);
  return likely.flatMap(({ fence, p }) => {
    const found = named.get(fence);
    return found ? [{ ...found, p }] : [];
  });
}

async function visitsOf(
  deps: ConsoleDeps,
  response: Response,
  day: string,
  limit: number,
  after?: { at: Date; id: string },
): Promise<VisitRow[]> {
  const { merchantId } = staffOf(response);
  const { store } = pageOf(response);
  if (!store) return [];
  const from = startOfDay(day, store.timezone);
  const to = startOfDay(dayAfter(day), store.timezone);
  return deps.db.tx(
    (tx) =>
      listVisits(tx, merchantId, { storeId: store.id, from, to, bands: believed, after, limit }),
    { tenant: merchantId, readOnly: true },
  );
}

async function csv(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { store, now } = pageOf(response);
  const today = dayOf(now, store?.timezone ?? 'UTC');
  const day = dayAsked(query(request, 'day'), today);
  const rows = await visitsOf(deps, response, day, mostRows);
  sendCsv(
    response,
    `visits-${day}`,
    [
      'id',
      'fence',
      'device',
      'guest',
      'status',
      'score',
      'band',
      'entered',
      'left',
      'dwell_s',
      'dwell_lower_s',
      'dwell_upper_s',
      'pings',
    ],
    rows.map((row) => [
      row.id,
      row.fence_name,
      row.device_id,
      row.guest_id,
      row.status,
      row.score,
      row.band,
      row.entry_at,
      row.exit_at,
      row.dwell_s,
      row.dwell_lower_s,
      row.dwell_upper_s,
      row.pings,
    ]),
  );
}
