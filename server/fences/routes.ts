/** Fences over the API, one by one; in bulk they go through bulk-routes.ts. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { AnyRoute } from '../http/route.ts';
import { decodeCursor, paged } from '../http/cursor.ts';
import { route } from '../http/route.ts';
import { bulkRoutes } from './bulk-routes.ts';
import { changeFence, createFence, removeFence } from './change.ts';
import { oneFence } from './one.ts';
import { listFences } from './queries.ts';
import {
  changeBody,
  createBody,
  exampleFence,
  exampleSaved,
  fenceReply,
  listReply,
  present,
  presentSaved,
  savedReply,
  square,
} from './schema.ts';
import { sinceWhen } from './since.ts';

export interface FenceDeps {
  db: Database;
  clock: () => number;
}

const tag = 'Fences';
/** A shape with far too many corners is still read, to say how many are too many. */
const LIMIT = 8 * 1024 * 1024;
const idParams = z.object({ id: z.uuid().describe('Fence id.') });

function readRoutes({ db }: FenceDeps): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/fences',
      summary: 'List fences',
      tag,
      access: 'fences:read',
      query: z.object({
        storeId: z.uuid().optional().describe('Only fences of this store.'),
        active: z
          .enum(['true', 'false'])
          .transform((text) => text === 'true')
          .optional()
          .describe('Only fences in use, or only retired ones.'),
        limit: z.coerce.number().int().min(1).max(500).default(100).describe('Fences per page.'),
        cursor: z.string().max(200).optional().describe('`next` of the page before.'),
      }),
      reply: listReply,
      example: { reply: { fences: [exampleFence], next: null } },
      handler: async ({ caller: { merchantId }, query }) => {
        const { cursor, limit, ...filter } = query;
        const whole = { ...filter, after: decodeCursor(cursor), limit: limit + 1 };
        const rows = await db.tx((tx) => listFences(tx, merchantId, whole), {
          tenant: merchantId,
          readOnly: true,
        });
        const { page, next } = paged(rows, limit, (row) => row.created_at);
        return { fences: page.map(present), next };
      },
    }),
    route({
      method: 'get',
      path: '/v1/fences/:id',
      summary: 'One fence',
      tag,
      access: 'fences:read',
      params: idParams,
      reply: fenceReply,
      example: { reply: exampleFence },
      handler: async ({ caller, params }) =>
        present(await oneFence(db, caller.merchantId, params.id)),
    }),
  ];
}

function writeRoutes({ db, clock }: FenceDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/fences',
      summary: 'Draw a fence',
      description:
        'What is odd about a fence that was taken all the same, such as one smaller than positions are exact, is said under `warnings`.',
      tag,
      access: 'fences:write',
      body: createBody,
      bodyLimit: LIMIT,
      status: 201,
      reply: savedReply,
      example: { body: { name: 'Shoes', geometry: square, floor: '1' }, reply: exampleSaved },
      handler: async ({ caller: { merchantId }, body: { since, ...input } }) => {
        const from = sinceWhen(since, clock());
        return presentSaved(
          await db.tx((tx) => createFence(tx, merchantId, input, clock(), from), {
            tenant: merchantId,
          }),
        );
      },
    }),
    route({
      method: 'patch',
      path: '/v1/fences/:id',
      summary: 'Change a fence',
      description:
        'Only what is sent changes. Another ground (shape, floor, radios, members) makes a new version: visits that are open in it are judged anew within seconds, with the reason `fence_changed`, and trigger nothing.',
      tag,
      access: 'fences:write',
      params: idParams,
      body: changeBody,
      bodyLimit: LIMIT,
      reply: savedReply,
      example: {
        body: { name: 'Shoes and bags' },
        reply: { ...exampleSaved, name: 'Shoes and bags' },
      },
      handler: async ({ caller: { merchantId }, params, body }) =>
        presentSaved(
          await db.tx((tx) => changeFence(tx, merchantId, params.id, body, clock()), {
            tenant: merchantId,
          }),
        ),
    }),
    route({
      method: 'delete',
      path: '/v1/fences/:id',
      summary: 'Remove a fence',
      description:
        'A fence that has visits is retired instead: it leaves the map, its visits end and stay. One that a composite is made of cannot go before it is taken out there (409).',
      tag,
      access: 'fences:write',
      params: idParams,
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller: { merchantId }, params }) => {
        await db.tx((tx) => removeFence(tx, merchantId, params.id, clock()), {
          tenant: merchantId,
        });
        return {};
      },
    }),
  ];
}

export function fenceRoutes(deps: FenceDeps): AnyRoute[] {
  return [...bulkRoutes(deps), ...readRoutes(deps), ...writeRoutes(deps)];
}
