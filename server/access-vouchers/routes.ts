/** Printed access codes over the API: make a batch, list, withdraw. */
import { z } from 'zod';
import { formatPrintableCode, newPrintableCode } from '../codes/printable.ts';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { idPageQuery, pageNext, pagedById } from '../http/cursor.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { hasStore } from '../stores/queries.ts';
import type { AccessVoucherRow, NewBatch } from './queries.ts';
import { deleteAccessVoucher, insertBatch, listAccessVouchers } from './queries.ts';

export interface AccessVoucherRouteDeps {
  db: Database;
  clock: () => number;
}

const MOST_PER_BATCH = 500;
const LONGEST_DAYS = 366;
const DAY_MS = 86_400_000;

const params = z.object({ storeId: z.uuid().describe('The store whose WiFi the codes open.') });

const batchBody = z.strictObject({
  count: z.number().int().min(1).max(MOST_PER_BATCH).describe('How many codes to make.'),
  minutes: z
    .number()
    .int()
    .min(1)
    .max(525_600)
    .describe('Minutes of WiFi that one use of a code gives.'),
  uses: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('How often each code may be used; 1 unless said.'),
  validDays: z
    .number()
    .int()
    .min(1)
    .max(LONGEST_DAYS)
    .default(90)
    .describe('Days until the codes expire, and with them sessions they opened; 90 unless said.'),
});

const voucher = z.object({
  id: z.string().describe('Identifier.'),
  code: z.string().describe('The code as printed; case and dashes do not matter when it is typed.'),
  minutes: z.number().describe('Minutes of WiFi that one use gives.'),
  usesLeft: z.number().describe('Uses left.'),
  expiresAt: z.string().describe('When it stops working, ISO 8601 UTC.'),
  createdAt: z.string().describe('When it was made, ISO 8601 UTC.'),
});

const example = {
  id: '019a9b3e-4c00-7abc-8def-0123456789ab',
  code: '7KPXM-3RTVH',
  minutes: 120,
  usesLeft: 1,
  expiresAt: '2027-02-15T12:00:00.000Z',
  createdAt: '2026-11-17T12:00:00.000Z',
};

function shown(row: AccessVoucherRow) {
  return {
    id: row.id,
    code: formatPrintableCode(row.code),
    minutes: row.minutes,
    usesLeft: row.uses_left,
    expiresAt: row.expires_at.toISOString(),
    createdAt: row.created_at.toISOString(),
  };
}

/** Draws until the batch is whole; a clash with an existing code is a one in billions chance. */
export async function makeBatch(
  tx: Queryable,
  wanted: Omit<NewBatch, 'codes'>,
  count: number,
  now: number,
) {
  const rows: AccessVoucherRow[] = [];
  while (rows.length < count) {
    const codes = new Set<string>();
    while (codes.size < count - rows.length) codes.add(newPrintableCode());
    rows.push(...(await insertBatch(tx, { ...wanted, codes: [...codes] }, now)));
  }
  return rows;
}

export function accessVoucherRoutes({ db, clock }: AccessVoucherRouteDeps): AnyRoute[] {
  /** Runs `work` as the merchant, once the store is known to be theirs. */
  async function atStore<T>(
    merchantId: string,
    storeId: string,
    work: (tx: Queryable) => Promise<T>,
  ): Promise<T> {
    return db.tx(
      async (tx) => {
        if (!(await hasStore(tx, merchantId, storeId))) throw problem('not-found');
        return work(tx);
      },
      { tenant: merchantId },
    );
  }

  return [
    route({
      method: 'post',
      path: '/v1/stores/:storeId/access-vouchers',
      summary: 'Make a batch of printable WiFi codes',
      description:
        'Codes have no letters or digits that look alike, and their last sign is a check. Each may be used `uses` times at this store.',
      tag: 'Access vouchers',
      access: 'guests:write',
      params,
      body: batchBody,
      status: 201,
      reply: z.object({ vouchers: z.array(voucher).describe('The codes made.') }),
      example: {
        body: { count: 1, minutes: 120, uses: 1, validDays: 90 },
        reply: { vouchers: [example] },
      },
      handler: async ({ caller, params: { storeId }, body }) => {
        const now = clock();
        const wanted = {
          merchantId: caller.merchantId,
          storeId,
          minutes: body.minutes,
          uses: body.uses,
          expiresAt: now + body.validDays * DAY_MS,
        };
        const rows = await atStore(caller.merchantId, storeId, (tx) =>
          makeBatch(tx, wanted, body.count, now),
        );
        return { vouchers: rows.map(shown) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/stores/:storeId/access-vouchers',
      summary: "List a store's printable WiFi codes",
      description: 'Newest first. `next` of one page is the `cursor` of the following.',
      tag: 'Access vouchers',
      access: 'guests:read',
      params,
      query: z.object(idPageQuery),
      reply: z.object({
        vouchers: z.array(voucher).describe('The codes.'),
        next: pageNext,
      }),
      example: { reply: { vouchers: [example], next: null } },
      handler: async ({ caller, params: { storeId }, query }) => {
        const rows = await atStore(caller.merchantId, storeId, (tx) =>
          listAccessVouchers(tx, caller.merchantId, storeId, query.cursor ?? null, query.limit + 1),
        );
        const { page, next } = pagedById(rows, query.limit);
        return { vouchers: page.map(shown), next };
      },
    }),
    route({
      method: 'delete',
      path: '/v1/stores/:storeId/access-vouchers/:id',
      summary: 'Withdraw a printable WiFi code',
      description: 'Sessions it opened end with it, as soon as their gateway can be told.',
      tag: 'Access vouchers',
      access: 'guests:write',
      params: params.extend({ id: z.uuid().describe('The code to withdraw.') }),
      status: 204,
      reply: z.object({}),
      example: { reply: {} },
      handler: async ({ caller, params: { storeId, id } }) => {
        const gone = await atStore(caller.merchantId, storeId, (tx) =>
          deleteAccessVoucher(tx, caller.merchantId, storeId, id),
        );
        if (!gone) throw problem('not-found');
        return {};
      },
    }),
  ];
}
