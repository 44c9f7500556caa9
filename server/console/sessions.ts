/** Who is online now, and who was: a store's WiFi sessions, and putting somebody out. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../http/cursor.ts';
import { gatewayById, storeById } from '../stores/queries.ts';
import { portalStore } from '../stores/view.ts';
import { sendCsv } from './csv.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import type { Abilities } from './gateways/desk.ts';
import { onlineAt, onlineFigures, onlineOne } from './online/queries.ts';
import type { OnlineLine } from './online/queries.ts';
import { endWord, stateOf, volumeOf, wayWord } from './online/words.ts';
import { done, isId, needs, pageOf, query, renderPage, staffOf, within } from './page.ts';

const perPage = 50;
const mostRows = 10_000;

export const sessionPages: PageModule = (deps) => {
  const router = express.Router();
  const read = needs('guests:read');
  const write = needs('guests:write');
  router.get('/sessions', read, (request, response) => list(deps, request, response));
  router.get('/sessions.csv', read, (request, response) => csv(deps, request, response));
  router.get('/sessions/:id/disconnect', write, (request, response) =>
    ask(deps, request, response),
  );
  router.post('/sessions/:id/disconnect', write, (request, response) =>
    disconnect(deps, request, response),
  );
  return router;
};

const isLive = (request: Request): boolean => query(request, 'show') !== 'all';

async function list(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { store } = pageOf(response);
  const after = decodeCursor(query(request, 'after') || undefined);
  const live = isLive(request);
  const found = await within(deps, response, async (tx, merchantId) =>
    store
      ? {
          rows: await onlineAt(tx, merchantId, store.id, { live, before: after }, perPage + 1),
          figures: await onlineFigures(tx, merchantId, store.id),
        }
      : { rows: [], figures: null },
  );
  const last = found.rows.length > perPage ? found.rows[perPage - 1] : undefined;
  await renderPage(response, 'online', {
    sessions: found.rows.slice(0, perPage),
    figures: found.figures,
    live,
    first: !after,
    next: last ? encodeCursor(last.granted_at, last.id) : null,
    // Older pages stand still: what was read there must not move.
    scripts: after ? [] : ['refresh.js'],
    endWord,
    stateOf,
    volumeOf,
    wayWord,
  });
}

async function csv(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { store } = pageOf(response);
  if (!store) throw problem('not-found');
  const live = isLive(request);
  const rows = await within(deps, response, (tx, merchantId) =>
    onlineAt(tx, merchantId, store.id, { live }, mostRows),
  );
  const head = [
    'id',
    'guest_id',
    'guest',
    'gateway',
    'method',
    'state',
    'granted_at',
    'confirmed_at',
    'last_seen_at',
    'expires_at',
    'ended_at',
    'end_reason',
    'bytes_down',
    'bytes_up',
  ];
  sendCsv(response, live ? 'online' : 'sessions', head, rows.map(cellsOf));
}

function cellsOf(row: OnlineLine) {
  return [
    row.id,
    row.guest_id,
    row.guest,
    row.gateway,
    row.method,
    row.state,
    row.granted_at,
    row.confirmed_at,
    row.last_seen_at,
    row.expires_at,
    row.ended_at,
    row.end_reason,
    row.counted ? row.bytes_in : null,
    row.counted ? row.bytes_out : null,
  ];
}

/** What will come of it is said before it is done. */
async function ask(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const id = isId(request.params['id']);
  const { session, gateway } = await within(deps, response, async (tx, merchantId) => {
    const found = await onlineOne(tx, merchantId, id);
    const row = found && (await gatewayById(tx, merchantId, found.gateway_id));
    const store = row && (await storeById(tx, merchantId, row.store_id));
    if (!found || !row || !store) throw problem('not-found');
    return { session: found, gateway: portalStore(store, [row]).gateways[0]! };
  });
  const abilities: Abilities = deps.gateways.capabilities(gateway);
  const means = session.state === 'ended' ? 'ended' : abilities.kick;
  const who = session.guest ?? pageOf(response).t('online.guest');
  const title = pageOf(response).t('online-out.title', { who });
  await renderPage(response, 'online-out', { session, gateway, means, who, title, wayWord });
}

async function disconnect(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const id = isId(request.params['id']);
  const { merchantId, staffId } = staffOf(response);
  const { outcome } = await deps.reconciler.disconnect(merchantId, id);
  deps.log.info({ event: 'guest-disconnected', staff: staffId, outcome }, 'a guest was put out');
  done(response, '/console/sessions', `out-${outcome}`);
}
