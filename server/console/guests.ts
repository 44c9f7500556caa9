/** Guests: the list, one person with everything they agreed to and did, export and erasure. */
import express from 'express';
import type { Request, Response } from 'express';
import { problem } from '../errors.ts';
import {
  WITHDRAWAL,
  appendConsent,
  consentHistory,
  currentConsents,
  holdGuest,
} from '../consents/queries.ts';
import { blockGuest } from '../guests/block.ts';
import { eraseGuest, exportGuest } from '../guests/erase.ts';
import { answersOf, findGuest, listGuests } from '../guests/queries.ts';
import type { GuestRow } from '../guests/queries.ts';
import { decodeCursor, encodeCursor } from '../http/cursor.ts';
import { sessionsOfGuest } from '../sessions/queries.ts';
import { purposes } from '../stores/wordings.ts';
import { listVisits } from '../visits/queries.ts';
import { sendCsv } from './csv.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { vouchersList } from './lists/queries.ts';
import { done, field, isId, needs, pageOf, query, renderPage, staffOf, within } from './page.ts';

const perPage = 50;
const mostRows = 10_000;
/** Newest rows of each kind on a guest's page; the export has them all. */
const shownRows = 15;

export const guestPages: PageModule = (deps) => {
  const router = express.Router();
  const read = needs('guests:read');
  const write = needs('guests:write');
  router.get('/guests', read, (request, response) => list(deps, request, response));
  router.get('/guests.csv', read, (request, response) => csv(deps, request, response));
  router.get('/guests/:id', read, (request, response) => one(deps, request, response));
  router.get('/guests/:id/export', read, async (request, response) => {
    const record = await within(deps, response, (tx, merchantId) =>
      exportGuest(tx, merchantId, isId(request.params['id'])),
    );
    response.attachment(`guest-${record.guest.id}.json`).json(record);
  });
  router.post('/guests/:id/block', write, async (request, response) => {
    const id = isId(request.params['id']);
    const blocked = field(request, 'blocked') === 'yes';
    await within(deps, response, (tx, merchantId) =>
      blockGuest(tx, merchantId, id, blocked, deps.clock()),
    );
    done(response, `/console/guests/${id}`, blocked ? 'blocked' : 'unblocked');
  });
  router.post('/guests/:id/withdraw', write, (request, response) =>
    withdraw(deps, request, response),
  );
  router.get('/guests/:id/erase', write, async (request, response) => {
    await askErase(deps, request, response, '');
  });
  router.post('/guests/:id/erase', write, (request, response) => erase(deps, request, response));
  return router;
};

function filterOf(request: Request) {
  const search = query(request, 'q', 120);
  const offers = query(request, 'offers');
  return {
    ...(search ? { search } : {}),
    ...(offers === 'yes' || offers === 'no' ? { marketing: offers === 'yes' } : {}),
  };
}

async function list(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const after = decodeCursor(query(request, 'after') || undefined);
  const filter = { ...filterOf(request), ...(after ? { after } : {}) };
  const rows = await within(deps, response, (tx, merchantId) =>
    listGuests(tx, merchantId, filter, perPage + 1),
  );
  const last = rows.length > perPage ? rows[perPage - 1] : undefined;
  await renderPage(response, 'guests', {
    guests: rows.slice(0, perPage),
    q: query(request, 'q', 120),
    offers: query(request, 'offers'),
    filtered: Object.keys(filterOf(request)).length > 0,
    first: !after,
    next: last ? encodeCursor(last.last_seen_at, last.id) : null,
    nameOf,
  });
}

async function csv(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const rows = await within(deps, response, (tx, merchantId) =>
    listGuests(tx, merchantId, filterOf(request), mostRows),
  );
  sendCsv(
    response,
    'guests',
    [
      'id',
      'name',
      'phone',
      'email',
      'language',
      'first_seen',
      'last_seen',
      'sessions',
      'offers_allowed',
      'blocked',
    ],
    rows.map((row) => [
      row.id,
      row.name,
      row.phone,
      row.email,
      row.language,
      row.created_at,
      row.last_seen_at,
      row.sessions,
      row.marketing ?? false,
      row.blocked_at !== null,
    ]),
  );
}

/** What people call this guest; null when all that is known is that they were here. */
export function nameOf(guest: Pick<GuestRow, 'name' | 'phone' | 'email'>): string | null {
  return guest.name ?? guest.phone ?? guest.email;
}

async function one(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const id = isId(request.params['id']);
  const found = await within(deps, response, async (tx, merchantId) => {
    const guest = await findGuest(tx, merchantId, id);
    if (!guest) throw problem('not-found');
    return {
      guest,
      answers: await answersOf(tx, merchantId, id),
      holds: await currentConsents(tx, merchantId, id),
      consents: await consentHistory(tx, merchantId, id, 100),
      sessions: await sessionsOfGuest(tx, merchantId, id, shownRows),
      visits: await listVisits(tx, merchantId, { guestId: id, limit: shownRows }),
      vouchers: await vouchersList(tx, merchantId, { storeId: null, guestId: id }, shownRows),
    };
  });
  await renderPage(response, 'guest', {
    ...found,
    title: nameOf(found.guest) ?? pageOf(response).t('guests.unnamed'),
    nameOf,
    withdrawal: WITHDRAWAL,
    agreed: found.holds.some(isOffers),
    shownPurposes: purposes.filter(
      (purpose) =>
        ['access', 'marketing'].includes(purpose) ||
        found.holds.some((row) => row.purpose === purpose),
    ),
  });
}

const offers: readonly string[] = ['marketing', 'marketing-email', 'marketing-sms'];

/** Whether this agreement lets offers reach the guest, by whatever channel. */
const isOffers = (row: { purpose: string; granted: boolean }): boolean =>
  row.granted && offers.includes(row.purpose);

/** Staff can only take an agreement to offers back for a guest; to agree is for the guest alone. */
async function withdraw(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const guestId = isId(request.params['id']);
  const language = pageOf(response).locale;
  await within(deps, response, async (tx, merchantId) => {
    if (!(await holdGuest(tx, merchantId, guestId))) throw problem('not-found');
    const now = await currentConsents(tx, merchantId, guestId);
    const entry = {
      merchantId,
      guestId,
      storeId: null,
      granted: false,
      version: WITHDRAWAL,
      text: '',
      language,
      source: 'console',
    } as const;
    // "No more offers" means by every channel; twice pressed is once taken back.
    for (const { purpose } of now.filter(isOffers)) {
      await appendConsent(tx, { ...entry, purpose }, deps.clock());
    }
  });
  done(response, `/console/guests/${guestId}`, 'withdrawn');
}

/** What must be typed before a guest is erased: their name as the page shows it, or the end of their id. */
function eraseWord(guest: Pick<GuestRow, 'id' | 'name' | 'phone' | 'email'>): string {
  return nameOf(guest) ?? guest.id.slice(-8);
}

async function askErase(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  typed: string,
): Promise<void> {
  const id = isId(request.params['id']);
  const record = await within(deps, response, (tx, merchantId) => exportGuest(tx, merchantId, id));
  const { guest, sections } = record;
  await renderPage(
    response,
    'guest-erase',
    {
      guest,
      word: eraseWord(guest),
      wrong: typed !== '',
      counts: Object.entries(sections).map(([key, rows]) => ({ key, count: rows.length })),
    },
    typed === '' ? 200 : 422,
  );
}

async function erase(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const id = isId(request.params['id']);
  const typed = field(request, 'word', 254);
  const guest = await within(deps, response, (tx, merchantId) => findGuest(tx, merchantId, id));
  if (!guest) throw problem('not-found');
  if (typed.normalize() !== eraseWord(guest).normalize().trim()) {
    await askErase(deps, request, response, typed || ' ');
    return;
  }
  await within(deps, response, (tx, merchantId) => eraseGuest(tx, merchantId, id, deps.clock()));
  deps.log.info({ event: 'guest-erased', staff: staffOf(response).staffId }, 'a guest was erased');
  done(response, '/console/guests', 'erased');
}
