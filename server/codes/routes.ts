/** Number ranges that get no SMS for a while, over the API. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { endPause, listPauses } from './pause-queries.ts';

export interface CodeRouteDeps {
  db: Database;
  clock: () => number;
}

const tag = 'Codes';

const pause = z.object({
  prefix: z.string().describe('How the numbers begin: +, country code and three digits.'),
  country: z.string().describe('Their country, ISO 3166-1 alpha-2.'),
  sends: z.number().describe('Codes sent to such numbers in the hour before.'),
  uses: z.number().describe('Of these, how many were typed.'),
  pausedAt: z.string().describe('Since when, ISO 8601 UTC.'),
  until: z.string().describe('Until when, ISO 8601 UTC.'),
});

export function codeRoutes({ db, clock }: CodeRouteDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/sms-pauses',
      summary: 'Number ranges that get no codes by SMS for now',
      description:
        'A range is paused when many codes went there and hardly any was typed: then somebody asks for texts who does not read them, and you pay. Newest first, at most 200.',
      tag,
      access: 'guests:read',
      reply: z.object({ pauses: z.array(pause).describe('The ranges.') }),
      example: {
        reply: {
          pauses: [
            {
              prefix: '+447400',
              country: 'GB',
              sends: 24,
              uses: 1,
              pausedAt: '2026-11-17T12:00:00.000Z',
              until: '2026-11-17T18:00:00.000Z',
            },
          ],
        },
      },
      handler: async ({ caller: { merchantId } }) => {
        const rows = await db.tx((tx) => listPauses(tx, merchantId, clock()), {
          tenant: merchantId,
          readOnly: true,
        });
        return {
          pauses: rows.map(({ paused_at: pausedAt, until, ...row }) => ({
            ...row,
            pausedAt: pausedAt.toISOString(),
            until: until.toISOString(),
          })),
        };
      },
    }),
    route({
      method: 'delete',
      path: '/v1/sms-pauses/:prefix',
      summary: 'End the pause of a number range',
      description: 'It begins again when codes sent there still are not typed.',
      tag,
      access: 'guests:write',
      params: z.object({
        prefix: z
          .string()
          .regex(/^\+[0-9]{1,12}$/)
          .describe('How the numbers begin, as listed; write + as %2B.'),
      }),
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller: { merchantId }, params: { prefix } }) => {
        const ended = await db.tx((tx) => endPause(tx, merchantId, prefix), {
          tenant: merchantId,
        });
        if (!ended) throw problem('not-found');
        return {};
      },
    }),
  ];
}
