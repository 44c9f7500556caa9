/** Member cards over the API: make, import, list, export, change, delete. */
import { z } from 'zod';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { csvLine } from '../http/csv.ts';
import { idPageQuery, pageNext, pagedById } from '../http/cursor.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { MOST_ROWS, cardsOfCsv, changeCard, makeCards } from './manage.ts';
import { cardHashes } from './members.ts';
import { cardNumber } from './number.ts';
import type { CardRow } from './queries.ts';
import { deleteCard, listCards } from './queries.ts';
import {
  card,
  cardBody,
  cardExample,
  changeBody,
  outcome,
  outcomeExample,
  shown,
  shownMade,
  typed,
} from './schema.ts';

export interface MemberRouteDeps {
  db: Database;
  clock: () => number;
  /** The installation's secret. */
  secret: Buffer;
}

const tag = 'Member cards';
const MOST_EXPORTED = 50_000;
const BODY_LIMIT = 512 * 1024;

const HEAD = ['number', 'name', 'blocked', 'expires', 'created', 'guest'] as const;

/** Every card as CSV, newest first; read in pages, so that no statement is long. */
export async function cardsCsv(tx: Queryable, merchantId: string): Promise<string> {
  let text = csvLine(HEAD);
  let before: string | null = null;
  for (let rows = 0; rows < MOST_EXPORTED;) {
    const page: CardRow[] = await listCards(tx, merchantId, { number: null, before }, MOST_ROWS);
    for (const row of page) {
      text += csvLine([
        row.number,
        row.name,
        row.blocked_at !== null,
        row.expires_at,
        row.created_at,
        row.guest_id,
      ]);
    }
    rows += page.length;
    before = page.at(-1)?.id ?? null;
    if (page.length < MOST_ROWS) break;
  }
  return text;
}

export function memberRoutes(deps: MemberRouteDeps): AnyRoute[] {
  return [...making(deps), ...reading(deps), ...changing(deps)];
}

function making({ db, clock, secret }: MemberRouteDeps): AnyRoute[] {
  const make = async (merchantId: string, asked: Parameters<typeof makeCards>[3]) => {
    const { made: cards, errors } = await db.tx(
      (tx) => makeCards(tx, cardHashes(secret), merchantId, asked, clock()),
      { tenant: merchantId },
    );
    return { cards: cards.map(shownMade), errors };
  };
  return [
    route({
      method: 'post',
      path: '/v1/member-cards',
      summary: 'Make or bring in member cards',
      description:
        'Up to 1,000 at a time. Rows that cannot be used are told in `errors`; the others are kept. What the member types beside the number is kept only as a keyed hash.',
      tag,
      access: 'guests:write',
      body: z.strictObject({
        cards: z.array(cardBody).min(1).max(MOST_ROWS).describe('The cards.'),
      }),
      bodyLimit: BODY_LIMIT,
      reply: outcome,
      example: {
        body: {
          cards: [
            { name: 'Ada L.', expires: '2027-12-31' },
            { number: 'A-1001', pin: '4711' },
          ],
        },
        reply: outcomeExample,
      },
      handler: ({ caller: { merchantId }, body }) =>
        make(
          merchantId,
          body.cards.map((one, at) => ({ ...one, row: at + 1 })),
        ),
    }),
    route({
      method: 'post',
      path: '/v1/member-cards/import',
      summary: 'Bring in member cards from CSV text',
      description:
        'The first line names the columns, in any order: number, name, pin, phone, expires. Cells are separated by commas, semicolons or tabs. Up to 1,000 rows at a time; rows that cannot be used are told by their line, the others are kept.',
      tag,
      access: 'guests:write',
      body: z.string().max(BODY_LIMIT).describe('The CSV text.'),
      textBody: true,
      bodyLimit: BODY_LIMIT,
      reply: outcome,
      example: {
        body: 'number,name,phone\nA-1001,Ada L.,+44 7400 123456\n',
        reply: outcomeExample,
      },
      handler: ({ caller: { merchantId }, body }) => make(merchantId, cardsOfCsv(body)),
    }),
  ];
}

function reading({ db }: MemberRouteDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/member-cards',
      summary: 'List member cards',
      description: 'Newest first. `next` of one page is the `cursor` of the following.',
      tag,
      access: 'guests:read',
      query: z.object({
        number: typed(80).optional().describe('Only numbers that begin so.'),
        ...idPageQuery,
      }),
      reply: z.object({
        cards: z.array(card).describe('The cards.'),
        next: pageNext,
      }),
      example: { reply: { cards: [cardExample], next: null } },
      handler: async ({ caller: { merchantId }, query }) => {
        const begins = query.number?.toUpperCase().replace(/[^0-9A-Z]/g, '') || null;
        const filter = {
          number: (query.number && cardNumber(query.number)) ?? begins,
          before: query.cursor ?? null,
        };
        const rows = await db.tx((tx) => listCards(tx, merchantId, filter, query.limit + 1), {
          tenant: merchantId,
          readOnly: true,
        });
        const { page, next } = pagedById(rows, query.limit);
        return { cards: page.map(shown), next };
      },
    }),
    route({
      method: 'get',
      path: '/v1/member-cards/export',
      summary: 'All member cards as CSV',
      description:
        'Newest first, at most 50,000. Cells that a spreadsheet would run as formulas are defused. Neither PINs nor phones are in it: they are not kept.',
      tag,
      access: 'guests:read',
      reply: z.string().describe('CSV text with a head line.'),
      replyAs: 'text',
      example: {
        reply: `${HEAD.join(',')}\r\n481920375526,Ada L.,false,,2026-11-17T12:00:00.000Z,\r\n`,
      },
      handler: ({ caller: { merchantId } }) =>
        db.tx((tx) => cardsCsv(tx, merchantId), {
          tenant: merchantId,
          isolation: 'repeatable read',
          readOnly: true,
        }),
    }),
  ];
}

function changing({ db, clock, secret }: MemberRouteDeps): AnyRoute[] {
  const params = z.object({ id: z.uuid().describe('The card.') });
  return [
    route({
      method: 'patch',
      path: '/v1/member-cards/:id',
      summary: 'Change or block a member card',
      description:
        'A blocked card opens nothing any more. Sessions it opened end within half a minute, as soon as their gateway can be told, unless the guest has another card.',
      tag,
      access: 'guests:write',
      params,
      body: changeBody,
      reply: card,
      example: { body: { blocked: true }, reply: { ...cardExample, blocked: true } },
      handler: async ({ caller: { merchantId }, params: { id }, body }) =>
        shown(
          await db.tx((tx) => changeCard(tx, cardHashes(secret), merchantId, id, body, clock()), {
            tenant: merchantId,
          }),
        ),
    }),
    route({
      method: 'delete',
      path: '/v1/member-cards/:id',
      summary: 'Delete a member card',
      description: 'The guest who came with it stays.',
      tag,
      access: 'guests:write',
      params,
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller: { merchantId }, params: { id } }) => {
        const gone = await db.tx((tx) => deleteCard(tx, merchantId, id), { tenant: merchantId });
        if (!gone) throw problem('not-found');
        return {};
      },
    }),
  ];
}
