/** Guests over the API: who they are, what they agreed to, and their right to know and to be forgotten. */
import { z } from 'zod';
import { consentHistory, currentConsents } from '../consents/queries.ts';
import { consentExample, consentReply, shownConsent } from '../consents/schema.ts';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { decodeCursor, pageNext, pageQuery, paged } from '../http/cursor.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import type { Log } from '../log.ts';
import { sessionsOfGuest } from '../sessions/queries.ts';
import { blockGuest } from './block.ts';
import { eraseGuest, exportGuest } from './erase.ts';
import { answersOf, findGuest, listGuests, voucherCounts } from './queries.ts';
import { sections } from './record-queries.ts';
import {
  answerReply,
  guestExample,
  guestReply,
  sessionExample,
  sessionReply,
  shownAnswer,
  shownGuest,
  shownSession,
} from './schema.ts';

export interface GuestRouteDeps {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'info'>;
}

const tag = 'Guests';
const HISTORY = 100;

const params = z.object({ id: z.uuid().describe('Guest id.') });

const listQuery = z.object({
  search: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .optional()
    .describe('Part of a name, phone number or mail address.'),
  marketing: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Only guests who agreed to offers (true), or who did not (false).'),
  ...pageQuery,
});

const listed = guestReply.extend({
  marketing: z.boolean().describe('Whether offers may be sent to the guest now.'),
  sessions: z.number().describe('WiFi sessions so far.'),
});

const details = z.object({
  guest: guestReply.describe('The guest.'),
  consents: z.array(consentReply).describe('What holds now: the newest entry of each purpose.'),
  history: z.array(consentReply).describe('The newest 100 entries of the ledger, newest first.'),
  answers: z.array(answerReply).describe('Answers to the optional question.'),
  sessions: z.array(sessionReply).describe('The newest 100 WiFi sessions, newest first.'),
  vouchers: z
    .object({
      issued: z.number().describe('Offers issued to the guest.'),
      redeemed: z.number().describe('Of these, redeemed.'),
    })
    .describe('Offers in numbers.'),
});

const record = z.record(z.string(), z.unknown());
const exported = z.object({
  guest: guestReply.describe('The guest.'),
  sections: z
    .record(z.string(), z.array(record))
    .describe(`Every row held, by kind: ${sections.join(', ')}.`),
  cutShort: z.array(z.string()).describe('Kinds with more rows than an export holds (10,000).'),
});

async function guestDetails(tx: Queryable, merchantId: string, id: string) {
  const guest = await findGuest(tx, merchantId, id);
  if (!guest) throw problem('not-found');
  const consents = await currentConsents(tx, merchantId, id);
  const history = await consentHistory(tx, merchantId, id, HISTORY);
  const answers = await answersOf(tx, merchantId, id);
  const sessions = await sessionsOfGuest(tx, merchantId, id, HISTORY);
  return {
    guest: shownGuest(guest),
    consents: consents.map(shownConsent),
    history: history.map(shownConsent),
    answers: answers.map(shownAnswer),
    sessions: sessions.map(shownSession),
    vouchers: await voucherCounts(tx, merchantId, id),
  };
}

function readRoutes({ db }: GuestRouteDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/guests',
      summary: 'List or search guests',
      description: 'Last seen first. `next` of one page is the `cursor` of the following.',
      tag,
      access: 'guests:read',
      query: listQuery,
      reply: z.object({
        guests: z.array(listed).describe('The guests.'),
        next: pageNext,
      }),
      example: {
        reply: { guests: [{ ...guestExample, marketing: true, sessions: 3 }], next: null },
      },
      handler: async ({ caller: { merchantId }, query }) => {
        const after = decodeCursor(query.cursor);
        const filter = {
          ...(query.search === undefined ? {} : { search: query.search }),
          ...(query.marketing === undefined ? {} : { marketing: query.marketing }),
          ...(after ? { after } : {}),
        };
        const rows = await db.tx((tx) => listGuests(tx, merchantId, filter, query.limit + 1), {
          tenant: merchantId,
        });
        const { page, next } = paged(rows, query.limit, (row) => row.last_seen_at);
        return {
          guests: page.map((row) => ({
            ...shownGuest(row),
            marketing: row.marketing ?? false,
            sessions: row.sessions,
          })),
          next,
        };
      },
    }),
    route({
      method: 'get',
      path: '/v1/guests/:id',
      summary: 'One guest with consents, answers and sessions',
      tag,
      access: 'guests:read',
      params,
      reply: details,
      example: {
        reply: {
          guest: guestExample,
          consents: [consentExample],
          history: [consentExample],
          answers: [{ key: 'taste', answer: 'tea', answeredAt: '2026-11-17T12:00:00.000Z' }],
          sessions: [sessionExample],
          vouchers: { issued: 2, redeemed: 1 },
        },
      },
      handler: ({ caller: { merchantId }, params: { id } }) =>
        db.tx((tx) => guestDetails(tx, merchantId, id), { tenant: merchantId }),
    }),
    route({
      method: 'get',
      path: '/v1/guests/:id/export',
      summary: 'Everything held about a guest',
      description:
        'For a guest who asks what is kept about them. Rows are as stored, without the server’s own hashes.',
      tag,
      access: 'guests:read',
      params,
      reply: exported,
      example: {
        reply: {
          guest: guestExample,
          sections: { answers: [{ question_key: 'taste', answer: 'tea' }] },
          cutShort: [],
        },
      },
      handler: async ({ caller: { merchantId }, params: { id } }) => {
        const held = await db.tx((tx) => exportGuest(tx, merchantId, id), {
          tenant: merchantId,
          isolation: 'repeatable read',
          readOnly: true,
        });
        return { ...held, guest: shownGuest(held.guest) };
      },
    }),
  ];
}

function writeRoutes({ db, clock, log }: GuestRouteDeps): AnyRoute[] {
  return [
    route({
      method: 'put',
      path: '/v1/guests/:id/blocked',
      summary: 'Refuse a guest at the portal, or admit them again',
      description: 'Blocking ends the guest’s sessions in our books; gateways close them in time.',
      tag,
      access: 'guests:write',
      params,
      body: z.strictObject({ blocked: z.boolean().describe('Refused (true) or welcome (false).') }),
      reply: guestReply,
      example: { body: { blocked: true }, reply: { ...guestExample, blocked: true } },
      handler: async ({ caller: { merchantId }, params: { id }, body }) => {
        const guest = await db.tx((tx) => blockGuest(tx, merchantId, id, body.blocked, clock()), {
          tenant: merchantId,
        });
        return shownGuest(guest);
      },
    }),
    route({
      method: 'delete',
      path: '/v1/guests/:id',
      summary: 'Forget a guest',
      description:
        'Deletes the guest with consents, answers, sessions, decisions, linked devices, their pings and visits, and messages. Vouchers stay as the shop’s books, without a person. Cannot be undone.',
      tag,
      access: 'guests:write',
      params,
      reply: z.object({
        devices: z.number().describe('Linked devices deleted.'),
        pings: z.number().describe('Their pings deleted.'),
        visits: z.number().describe('Visits deleted.'),
        sessions: z.number().describe('Sessions deleted.'),
        messages: z.number().describe('Messages to the guest deleted.'),
        vouchers: z.number().describe('Vouchers that no longer name the guest.'),
      }),
      example: {
        reply: { devices: 1, pings: 5310, visits: 12, sessions: 3, messages: 2, vouchers: 2 },
      },
      handler: async ({ caller: { merchantId }, params: { id } }) => {
        const erased = await db.tx((tx) => eraseGuest(tx, merchantId, id, clock()), {
          tenant: merchantId,
        });
        log.info({ guestId: id, merchantId }, 'a guest was erased');
        return erased;
      },
    }),
  ];
}

export function guestRoutes(deps: GuestRouteDeps): AnyRoute[] {
  return [...readRoutes(deps), ...writeRoutes(deps)];
}
