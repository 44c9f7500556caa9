/** Member cards: the list, making them one by one or from a table, and one card's changes. */
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError, problem } from '../errors.ts';
import { MOST_ROWS, cardsOfCsv, changeCard, makeCards } from '../members/manage.ts';
import type { AskedCard, CardChange } from '../members/manage.ts';
import { cardHashes } from '../members/members.ts';
import { cardNumber } from '../members/number.ts';
import type { CardRow } from '../members/queries.ts';
import { cardById, deleteCard, listCards } from '../members/queries.ts';
import { cardsCsv } from '../members/routes.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, isId, needs, pageOf, query, renderPage, staffOf, within } from './page.ts';
import { typedOf } from './settings.ts';
import type { Typed } from './settings.ts';

const here = '/console/members';
const perPage = 50;
const cardNames = ['number', 'name', 'pin', 'phone', 'expires'];
/** Below what a form may carry, with room for what escaping adds. */
const MOST_CSV = 120_000;

export const memberPages: PageModule = (deps) => {
  const router = express.Router();
  const read = needs('guests:read');
  const write = needs('guests:write');
  router.get('/members', read, (request, response) => list(deps, request, response));
  router.get('/members.csv', read, async (_request, response) => {
    const { merchantId } = staffOf(response);
    const text = await deps.db.tx((tx) => cardsCsv(tx, merchantId), {
      tenant: merchantId,
      isolation: 'repeatable read',
      readOnly: true,
    });
    response.attachment('member-cards.csv').type('text/csv; charset=utf-8').send(`\uFEFF${text}`);
  });
  router.post('/members', write, async (request, response) => {
    const typed = typedOf(request, cardNames);
    await make(deps, request, response, [{ row: 1, ...given(typed) }], { typed });
  });
  router.post('/members/import', write, (request, response) => bringIn(deps, request, response));
  router.get('/members/:id', read, async (request, response) => {
    const card = await cardOf(deps, request, response);
    await renderPage(response, 'member', memberForm(card));
  });
  router.post('/members/:id', write, (request, response) => change(deps, request, response));
  router.post('/members/:id/block', write, async (request, response) => {
    const blocked = field(request, 'blocked') === 'yes';
    const card = await changed(deps, request, response, { blocked });
    done(response, `${here}/${card.id}`, blocked ? 'card-blocked' : 'card-good');
  });
  router.post('/members/:id/remove', write, async (request, response) => {
    const card = await cardOf(deps, request, response);
    if (cardNumber(field(request, 'word')) !== card.number) {
      done(response, `${here}/${card.id}`, 'not-removed');
      return;
    }
    await within(deps, response, (tx, merchantId) => deleteCard(tx, merchantId, card.id));
    done(response, here, 'card-removed');
  });
  return router;
};

/** What was typed; fields left empty are left out. */
function given(typed: Typed): Omit<AskedCard, 'row'> {
  return Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== ''));
}

interface Said {
  typed?: Typed;
  csv?: string;
  /** Why nothing was made: a text key below `members.refused`. */
  refused?: string;
}

async function list(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  { typed = {}, csv = '', refused = '' }: Said = {},
): Promise<void> {
  const q = query(request, 'q', 80);
  const after = query(request, 'after');
  const start = q.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');
  const filter = {
    // Nothing typed narrows nothing; a name in letters we cannot put on a card finds by name alone.
    number: q === '' ? null : (cardNumber(q) ?? (start || null)),
    name: q || null,
    before: after === '' ? null : isId(after),
  };
  const rows = await within(deps, response, (tx, merchantId) =>
    listCards(tx, merchantId, filter, perPage + 1),
  );
  const cards = rows.slice(0, perPage);
  const next = rows.length > perPage ? (cards.at(-1)?.id ?? null) : null;
  const first = after === '';
  const data = {
    cards,
    next,
    first,
    q,
    typed,
    csv,
    refused,
    most: MOST_ROWS,
    scripts: ['members.js'],
  };
  await renderPage(response, 'members', data, refused === '' ? 200 : 422);
}

/** Made cards are shown once, with the PINs that were made for them: nobody sees those again. */
async function make(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  asked: AskedCard[],
  said: Said,
): Promise<void> {
  const outcome = await within(deps, response, (tx, merchantId) =>
    makeCards(tx, cardHashes(deps.secret), merchantId, asked, deps.clock()),
  );
  const [only] = outcome.errors;
  if (outcome.made.length === 0 && only && said.typed) {
    await list(deps, request, response, { ...said, refused: only.why });
    return;
  }
  const pins = outcome.made.some(({ pin }) => pin !== null);
  await renderPage(response, 'members-made', { ...outcome, pins });
}

async function bringIn(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const csv = field(request, 'csv', MOST_CSV + 1);
  if (csv.length > MOST_CSV || csv === '') {
    const refused = csv === '' ? 'empty' : 'long';
    await list(deps, request, response, { refused, csv: '' });
    return;
  }
  let asked: AskedCard[];
  try {
    asked = cardsOfCsv(csv);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    await list(deps, request, response, { refused: 'csv', csv });
    return;
  }
  if (asked.length === 0) {
    await list(deps, request, response, { refused: 'csv', csv });
    return;
  }
  await make(deps, request, response, asked, { csv });
}

async function cardOf(deps: ConsoleDeps, request: Request, response: Response): Promise<CardRow> {
  const id = isId(request.params['id']);
  const card = await within(deps, response, (tx, merchantId) => cardById(tx, merchantId, id));
  if (!card) throw problem('not-found');
  return card;
}

function memberForm(card: CardRow, given?: Typed, wrong = ''): Record<string, unknown> {
  const { factor_hash: _hash, ...shown } = card;
  const typed = given ?? {
    name: card.name ?? '',
    expires: card.expires_at?.toISOString().slice(0, 10) ?? '',
  };
  return { card: shown, typed: { ...typed, pin: '', phone: '' }, wrong, title: card.number };
}

function changed(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  change: CardChange,
): Promise<CardRow> {
  const id = isId(request.params['id']);
  return within(deps, response, (tx, merchantId) =>
    changeCard(tx, cardHashes(deps.secret), merchantId, id, change, deps.clock()),
  );
}

async function change(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const card = await cardOf(deps, request, response);
  const typed = typedOf(request, cardNames);
  const { pin, phone } = given(typed);
  const name = (typed['name'] ?? '').replaceAll(/[\p{Cc}\p{Cs}]/gu, '').slice(0, 120);
  try {
    await changed(deps, request, response, {
      name: name || null,
      expires: typed['expires'] || null,
      ...(pin === undefined ? {} : { pin }),
      ...(phone === undefined || pin !== undefined ? {} : { phone }),
    });
    done(response, `${here}/${card.id}`, 'saved');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'invalid-request') throw error;
    const { t } = pageOf(response);
    const wrong = t('members.refused.change');
    await renderPage(response, 'member', memberForm(card, typed, wrong), 422);
  }
}
