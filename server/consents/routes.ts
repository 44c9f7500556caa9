/** The consent ledger over the API: read it, and record what a guest told the staff. */
import { z } from 'zod';
import { languages } from '../stores/words.ts';
import { purposes } from '../stores/wordings.ts';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { AnyRoute, MerchantCaller } from '../http/route.ts';
import { route } from '../http/route.ts';
import { hasStore } from '../stores/queries.ts';
import {
  WITHDRAWAL,
  appendConsent,
  consentLedger,
  currentConsents,
  holdGuest,
  wordingOf,
} from './queries.ts';
import { voidRequests } from './request-queries.ts';
import { consentExample, consentReply, shownConsent } from './schema.ts';

export interface ConsentRouteDeps {
  db: Database;
  clock: () => number;
}

const tag = 'Consents';

const entryBody = z
  .strictObject({
    purpose: z
      .enum(purposes)
      .exclude(['access'])
      .describe('What it is about. Access is agreed to at the portal only.'),
    granted: z.boolean().describe('The guest agrees (true) or takes it back (false).'),
    version: z
      .string()
      .trim()
      .min(1)
      .max(60)
      .optional()
      .describe('Version of the wording the guest was shown or read; needed to agree.'),
    text: z.string().min(1).max(4000).optional().describe('That wording itself; needed to agree.'),
    language: z.enum(languages).default('en').describe('Language of the wording.'),
    storeId: z.uuid().optional().describe('The store where it happened.'),
  })
  .refine((body) => !body.granted || (body.version !== undefined && body.text !== undefined), {
    message: 'agreeing needs the version and the text that was shown',
    path: ['text'],
  });

const sourceOf = (caller: MerchantCaller) => (caller.kind === 'staff' ? 'console' : 'api');

export function consentRoutes({ db, clock }: ConsentRouteDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/guests/:id/consents',
      summary: 'Record that a guest agreed to a purpose, or takes it back',
      description:
        'Adds an entry to the ledger; nothing is ever changed there. Taking back holds from this moment on.',
      tag,
      access: 'guests:write',
      params: z.object({ id: z.uuid().describe('Guest id.') }),
      body: entryBody,
      status: 201,
      reply: z.object({
        consents: z.array(consentReply).describe('What holds now: the newest of each purpose.'),
      }),
      example: {
        body: { purpose: 'marketing', granted: false },
        reply: { consents: [{ ...consentExample, granted: false, source: 'console' }] },
      },
      handler: async ({ caller, params: { id: guestId }, body }) => {
        const { merchantId } = caller;
        const rows = await db.tx(
          async (tx) => {
            if (!(await holdGuest(tx, merchantId, guestId))) throw problem('not-found');
            const storeId = body.storeId ?? null;
            if (storeId !== null && !(await hasStore(tx, merchantId, storeId))) {
              throw problem('not-found', { detail: 'There is no such store.' });
            }
            const entry = {
              merchantId,
              guestId,
              storeId,
              purpose: body.purpose,
              granted: body.granted,
              version: body.version ?? WITHDRAWAL,
              text: body.text ?? '',
              language: body.language,
              source: sourceOf(caller),
              method: 'staff',
            } as const;
            await appendConsent(tx, entry, clock());
            if (!body.granted && body.purpose === 'marketing-email') {
              await voidRequests(tx, merchantId, guestId);
            }
            return currentConsents(tx, merchantId, guestId);
          },
          { tenant: merchantId },
        );
        return { consents: rows.map(shownConsent) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/consents/texts/:sha256',
      summary: 'The wording behind an entry of the ledger',
      tag,
      access: 'guests:read',
      params: z.object({
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe('`textSha256` of the entry.'),
      }),
      reply: z.object({
        text: z.string().describe('The text as it was shown.'),
        firstShownAt: z.string().describe('When it was first shown, ISO 8601 UTC.'),
      }),
      example: { reply: { text: 'Send me offers.', firstShownAt: '2026-11-01T09:00:00.000Z' } },
      handler: async ({ caller: { merchantId }, params: { sha256 } }) => {
        const wording = await db.tx((tx) => wordingOf(tx, merchantId, sha256), {
          tenant: merchantId,
        });
        if (!wording) throw problem('not-found');
        return { text: wording.text, firstShownAt: wording.first_shown_at.toISOString() };
      },
    }),
    route({
      method: 'get',
      path: '/v1/consents',
      summary: 'The consent ledger, newest first',
      description: '`next` of one page is the `cursor` of the following.',
      tag,
      access: 'guests:read',
      query: z.object({
        purpose: z.enum(purposes).optional().describe('Only entries of this one.'),
        cursor: z.coerce
          .number()
          .int()
          .min(1)
          .max(Number.MAX_SAFE_INTEGER)
          .optional()
          .describe('`next` of the page before.'),
        limit: z.coerce
          .number()
          .int()
          .min(1)
          .max(500)
          .default(100)
          .describe('How many at most; 100 unless said.'),
      }),
      reply: z.object({
        entries: z.array(consentReply).describe('Entries of the ledger.'),
        next: z.number().nullable().describe('Where the list goes on, or null at its end.'),
      }),
      example: { reply: { entries: [consentExample], next: null } },
      handler: async ({ caller: { merchantId }, query }) => {
        const filter = {
          ...(query.purpose ? { purpose: query.purpose } : {}),
          ...(query.cursor === undefined ? {} : { before: query.cursor }),
        };
        const rows = await db.tx((tx) => consentLedger(tx, merchantId, filter, query.limit + 1), {
          tenant: merchantId,
        });
        const page = rows.slice(0, query.limit);
        const next = rows.length > query.limit ? (page.at(-1)?.seq ?? null) : null;
        return { entries: page.map(shownConsent), next };
      },
    }),
  ];
}
