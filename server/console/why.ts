/** "Why (no) visit?": a device's positions in a span, on a map with a slider, and as a table without scripts. */
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError, problem } from '../errors.ts';
import { deviceById } from '../devices/queries.ts';
import type { DeviceRow } from '../devices/queries.ts';
import { visitById } from '../visits/queries.ts';
import { whyOf } from '../visits/why.ts';
import type { Why } from '../visits/why.ts';
import { clientTexts, dataBlock } from './client-texts.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { isId, needs, pageOf, query, renderPage, staffOf } from './page.ts';
import type { Page } from './page.ts';
import { mapFences } from './queries.ts';
import { rowOf, scriptData, worded } from './why-data.ts';
import type { Wording } from './why-data.ts';
import { askedSpan, lengths, spanAround } from './why-span.ts';
import type { Span } from './why-span.ts';

/** Rows of the table: beyond these nobody reads on. */
const MAX_ROWS = 500;

export const whyPages: PageModule = (deps) => {
  const router = express.Router();
  router.get('/devices/:id/why', needs('devices:read'), async (request, response) => {
    const page = pageOf(response);
    const asked = await whatIsAsked(deps, request, response);
    const { device, span, fenceId } = asked;
    const why = await answered(deps, response, asked);
    const failed = typeof why === 'string';
    const shown = failed ? nothing : shownOf(why, page, span);
    await renderPage(response, 'why', {
      ...shown,
      device,
      span,
      fenceId,
      fences: asked.fences,
      lengths,
      note: failed ? why : '',
      clock: clockOf(page),
      tiles: deps.tiles,
      maxRows: MAX_ROWS,
      scripts: shown.rows.length > 0 ? ['why.js'] : [],
      styles: ['why.css'],
    });
  });
  return router;
};

const nothing = { rows: [], count: 0, answers: [], trust: [], data: null };

interface Asked {
  device: DeviceRow;
  span: Span;
  fenceId: string;
  fences: { id: string; name: string }[];
}

async function whatIsAsked(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
): Promise<Asked> {
  const { merchantId } = staffOf(response);
  const { store, now } = pageOf(response);
  const id = isId(request.params['id']);
  const zone = store?.timezone ?? 'UTC';
  return deps.db.tx(
    async (tx) => {
      const device = await deviceById(tx, merchantId, id);
      if (!device) throw problem('not-found');
      const fences = store ? await mapFences(tx, merchantId, store.id) : [];
      const named = fences.map((fence) => ({ id: fence.id, name: fence.name }));
      const visitId = query(request, 'visit', 64);
      const visit = visitId === '' ? null : await visitById(tx, merchantId, visitId);
      if (visit && visit.device_id === id) {
        const exit = visit.exit_latest ?? visit.exit_at ?? now;
        const entry = visit.entry_earliest ?? visit.entry_at;
        const span = spanAround(entry.getTime(), exit.getTime(), zone);
        return { device, span, fenceId: visit.fence_id, fences: named };
      }
      const heard = (device.last_ping_at ?? now).getTime();
      const wanted = { from: query(request, 'from'), span: query(request, 'span') };
      const fence = query(request, 'fence');
      const fenceId = fence === '' ? '' : isId(fence);
      return { device, span: askedSpan(wanted, heard, zone), fenceId, fences: named };
    },
    { tenant: merchantId, readOnly: true },
  );
}

/** Or why there is no answer: too much at once, or a fence that did not stand then. */
async function answered(
  deps: ConsoleDeps,
  response: Response,
  { device, span, fenceId }: Asked,
): Promise<Why | 'tooMuch' | 'notThen'> {
  const { merchantId } = staffOf(response);
  try {
    return await whyOf(deps, {
      merchantId,
      deviceId: device.id,
      from: span.from,
      to: span.to,
      ...(fenceId === '' ? {} : { fenceId }),
    });
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'invalid-request') return 'tooMuch';
    if (error instanceof ProblemError && error.code === 'not-found') return 'notThen';
    throw error;
  }
}

/** Hours, minutes and seconds in the store's zone; with the day where the span runs past midnight. */
function clockOf({ locale, store }: Page): (at: number) => string {
  const format = new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, {
    timeZone: store?.timezone ?? 'UTC',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  return (at) => format.format(new Date(at));
}

function shownOf(why: Why, page: Page, span: Span) {
  const { t, locale, store } = page;
  const nameOf = (id: string): string => why.names.get(id)?.name ?? id;
  const wording: Wording = { t, nameOf };
  const { explanation } = why;
  const data = {
    ...scriptData(why, wording),
    words: clientTexts(locale, ['maps']),
    own: ownWords(locale),
    language: locale === 'en' ? 'en-GB' : locale,
    timezone: store?.timezone ?? 'UTC',
    from: span.from,
    to: span.to,
  };
  return {
    rows: explanation.pings.slice(0, MAX_ROWS).map((ping) => rowOf(ping, wording)),
    count: explanation.pings.length,
    answers: explanation.fences.map(({ fence, visited, says, best }) => ({
      name: nameOf(fence),
      visited,
      best,
      says: worded(says, wording),
    })),
    trust: explanation.trust.map((each) => worded(each, wording)),
    data: dataBlock(data),
  };
}

/** The script's own words; the sentences are in the data already. */
function ownWords(locale: Page['locale']): Record<string, string> {
  const all = Object.entries(clientTexts(locale, ['why']));
  return Object.fromEntries(all.filter(([key]) => !/^why\.(says|verdict|kind)\./.test(key)));
}
