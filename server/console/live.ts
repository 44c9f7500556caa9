/** The live page: who is where now and what just happened; a refreshing table without scripts. */
import express from 'express';
import { listApprovals } from '../approvals/queries.ts';
import type { Queryable } from '../db/database.ts';
import { newestPosition } from '../events/outbox.ts';
import { problem } from '../errors.ts';
import { clientTexts, dataBlock } from './client-texts.ts';
import type { PageModule } from './deps.ts';
import { datumOfTiles } from './map-datum.ts';
import { needs, pageOf, renderPage, staffOf } from './page.ts';
import type { Occupancy, RecentEvent } from './queries.ts';
import { mapFences, occupancy, recentEvents, storeLocation } from './queries.ts';
import type { Datum } from './shared/fence.ts';
import { feedLine, stacking } from './shared/feed-line.ts';
import type { FeedLine } from './shared/feed-line.ts';

const FIRST_EVENTS = 40;

export const livePages: PageModule = (deps) => {
  const pages = express.Router();

  pages.get('/live', needs('events:read'), async (_request, response) => {
    const page = pageOf(response);
    const { merchantId } = staffOf(response);
    const { store } = page;
    if (!store) {
      await renderPage(response, 'live', { store: null });
      return;
    }
    const found = await deps.db.tx(
      (tx) => readAll(tx, merchantId, store.id, datumOfTiles(deps.tiles), deps.clock()),
      {
        tenant: merchantId,
        readOnly: true,
      },
    );
    const floors = floorsOf(found.fences);
    const data = {
      store: { id: store.id, name: store.name, timezone: store.timezone, location: found.location },
      language: page.locale === 'en' ? 'en-GB' : page.locale,
      // Sets of signals and groups have no ground of their own: they stand in the table only.
      fences: found.fences
        .filter(({ geometry }) => geometry !== null)
        .map((fence) => ({ ...fence, count: found.now.counts[fence.id] ?? 0 })),
      position: found.position,
      figures: `/console/live/figures?store=${encodeURIComponent(store.slug)}`,
      texts: clientTexts(page.locale, ['live', 'maps']),
    };
    await renderPage(response, 'live', {
      data: dataBlock(data),
      fences: found.fences,
      people: found.now,
      asking: page.can('guests:read') ? found.asking : 0,
      floors,
      lines: feedLines(found.events),
      at: page.now,
      tiles: deps.tiles,
      wide: true,
      scripts: ['live.js'],
      styles: ['live.css'],
    });
  });

  pages.get('/live/figures', needs('events:read'), async (_request, response) => {
    const { store } = pageOf(response);
    const { merchantId } = staffOf(response);
    if (!store) throw problem('not-found');
    const now = await deps.db.tx((tx) => occupancy(tx, merchantId, store.id), {
      tenant: merchantId,
      readOnly: true,
    });
    response.json(now);
  });

  return pages;
};

interface Found {
  fences: Awaited<ReturnType<typeof mapFences>>;
  now: Occupancy;
  events: RecentEvent[];
  position: number;
  location: [number, number] | null;
  /** Guests who wait for somebody to let them in. */
  asking: number;
}

/** The cursor is read first: an event in between comes again over the socket, and is known by its id. */
async function readAll(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  map: Datum,
  clock: number,
): Promise<Found> {
  const position = await newestPosition(tx, merchantId);
  return {
    position,
    // Nobody is ever in a tripwire.
    fences: (await mapFences(tx, merchantId, storeId, map)).filter(
      ({ active, kind }) => active && kind !== 'tripwire',
    ),
    now: await occupancy(tx, merchantId, storeId),
    events: await recentEvents(tx, merchantId, storeId, FIRST_EVENTS),
    location: await storeLocation(tx, merchantId, storeId),
    asking: (await listApprovals(tx, merchantId, { storeId, waitingAt: clock }, 60)).length,
  };
}

export interface ShownLine {
  /** Of every event the line stands for, newest first. */
  ids: string[];
  /** ISO 8601 UTC, of the newest. */
  at: string;
  line: FeedLine;
}

/** PURE. Newest first by when it happened; neighbours that say such a thing in the same words are one line. */
export function feedLines(events: readonly RecentEvent[]): ShownLine[] {
  const all = events.flatMap((event): ShownLine[] => {
    const line = feedLine(event);
    return line ? [{ ids: [event.id], at: line.told ?? event.at, line }] : [];
  });
  const shown: ShownLine[] = [];
  for (const one of all.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))) {
    const above = shown.at(-1);
    if (above && stacking.includes(one.line.tone) && wordsOf(above.line) === wordsOf(one.line))
      above.ids.push(...one.ids);
    else shown.push(one);
  }
  return shown;
}

const wordsOf = ({ key, values }: FeedLine): string => JSON.stringify([key, values]);

/** Floor names in the order people count them. */
export function floorsOf(fences: readonly { floor: string | null }[]): string[] {
  const names = new Set(fences.map((fence) => fence.floor).filter((floor) => floor !== null));
  return [...names].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
