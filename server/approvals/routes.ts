/** Guests who wait to be let in, over the API: list them, let them in or not. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { hasStore } from '../stores/queries.ts';
import { decide, stateOf } from './approvals.ts';
import type { ApprovalRow, ListedApproval } from './queries.ts';
import { listApprovals } from './queries.ts';

export interface ApprovalRouteDeps {
  db: Database;
  clock: () => number;
}

const tag = 'Approvals';

const approval = z.object({
  id: z.string().describe('Identifier.'),
  storeId: z.string().describe('Store the guest stands in.'),
  name: z.string().describe('What the guest called themselves; nobody checked it.'),
  state: z
    .enum(['waiting', 'granted', 'denied', 'expired'])
    .describe('waiting for an answer; expired when none came, or a grant was not used, in time.'),
  askedAt: z.string().describe('When the guest asked, ISO 8601 UTC.'),
  expiresAt: z.string().describe('Until when an answer is waited for, or a grant may be used.'),
  decidedAt: z.string().nullable().describe('When staff answered, ISO 8601 UTC, or null.'),
  decidedBy: z.string().nullable().describe('Id of the person or API key that answered, or null.'),
  used: z.boolean().describe('Whether the guest has come in with it.'),
});
const listed = approval.extend({
  storeName: z.string().describe('Name of the store.'),
  decidedByName: z.string().nullable().describe('Name of the person who answered, or null.'),
});

const example = {
  id: '019a9b3e-4c00-7abc-8def-0123456789ab',
  storeId: '019a9b3e-0000-7abc-8def-0123456789ab',
  name: 'Sam from the press',
  state: 'waiting' as const,
  askedAt: '2026-11-17T12:00:00.000Z',
  expiresAt: '2026-11-17T12:10:00.000Z',
  decidedAt: null,
  decidedBy: null,
  used: false,
};

function shown(row: ApprovalRow, now: number) {
  return {
    id: row.id,
    storeId: row.store_id,
    name: row.name,
    state: row.used_at ? ('granted' as const) : stateOf(row, now),
    askedAt: row.asked_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    decidedAt: row.decided_at?.toISOString() ?? null,
    decidedBy: row.decided_by,
    used: row.used_at !== null,
  };
}

const shownListed = (row: ListedApproval, now: number) => ({
  ...shown(row, now),
  storeName: row.store_name,
  decidedByName: row.decided_by_name,
});

export function approvalRoutes({ db, clock }: ApprovalRouteDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/approvals',
      summary: 'List guests who ask to be let in',
      description: 'Newest first, at most 200.',
      tag,
      access: 'guests:read',
      query: z.object({
        storeId: z.uuid().optional().describe('Only at this store.'),
        waiting: z
          .enum(['true', 'false'])
          .default('true')
          .describe('Only those that still wait (true, unless said), or answered ones too.'),
      }),
      reply: z.object({ approvals: z.array(listed).describe('The requests.') }),
      example: {
        reply: { approvals: [{ ...example, storeName: 'Harbour Cafe', decidedByName: null }] },
      },
      handler: async ({ caller: { merchantId }, query }) => {
        const now = clock();
        const storeId = query.storeId ?? null;
        const rows = await db.tx(
          async (tx) => {
            if (storeId !== null && !(await hasStore(tx, merchantId, storeId))) {
              throw problem('not-found');
            }
            const waitingAt = query.waiting === 'true' ? now : null;
            return listApprovals(tx, merchantId, { storeId, waitingAt }, 200);
          },
          { tenant: merchantId, readOnly: true },
        );
        return { approvals: rows.map((row) => shownListed(row, now)) };
      },
    }),
    route({
      method: 'put',
      path: '/v1/approvals/:id',
      summary: 'Let a waiting guest in, or not',
      description:
        'The first answer counts: the same answer again changes nothing, another one is a conflict. A grant may be used once, within ten minutes, by the phone that asked.',
      tag,
      access: 'guests:write',
      params: z.object({ id: z.uuid().describe('The request.') }),
      body: z.strictObject({ granted: z.boolean().describe('Let in (true) or not (false).') }),
      reply: approval,
      example: {
        body: { granted: true },
        reply: {
          ...example,
          state: 'granted' as const,
          decidedAt: '2026-11-17T12:01:00.000Z',
          decidedBy: '019a9b3e-0001-7abc-8def-0123456789ab',
        },
      },
      handler: async ({ caller, params: { id }, body }) => {
        const now = clock();
        const row = await db.tx(
          (tx) => decide(tx, caller.merchantId, id, { granted: body.granted, by: caller.id }, now),
          { tenant: caller.merchantId },
        );
        return shown(row, now);
      },
    }),
  ];
}
