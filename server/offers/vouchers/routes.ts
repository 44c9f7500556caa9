/** The till's doors: look a voucher up, redeem it, and read what was redeemed. */
import { z } from 'zod';
import { problem } from '../../errors.ts';
import { decodeCursor, paged } from '../../http/cursor.ts';
import { route } from '../../http/route.ts';
import type { AnyRoute } from '../../http/route.ts';
import { formatCode, parseCode } from '../code.ts';
import type { OfferDeps } from '../manage.ts';
import { text } from '../text.ts';
import { redeem } from '../redeem.ts';
import type { WrongCodes } from '../wrong-codes.ts';
import { createWrongCodes } from '../wrong-codes.ts';
import { redemptionsList, voucherByCode } from './queries.ts';

const tag = 'Vouchers';
const exampleId = '01890a5d-ac96-774b-bcce-b302099a8060';
const exampleVoucher = {
  voucherId: exampleId,
  offerId: '01890a5d-ac96-774b-bcce-b302099a8058',
  headline: 'A coffee on us',
  body: 'Show this at the till.',
  terms: 'One per guest.',
};

type TillDeps = OfferDeps & { wrongCodes: WrongCodes };

/** `wrongCodes` may be handed in to share its memory; otherwise the routes keep their own. */
export function voucherRoutes(deps: OfferDeps & { wrongCodes?: WrongCodes }): AnyRoute[] {
  const withLimit: TillDeps = { ...deps, wrongCodes: deps.wrongCodes ?? createWrongCodes() };
  return [redeemRoute(withLimit), lookUpRoute(withLimit), redemptionsRoute(deps)];
}

/** The key of a request, or a problem that says what is missing. */
function idempotencyKey(header: string | string[] | undefined): string {
  const key = Array.isArray(header) ? undefined : header?.trim();
  if (key === undefined || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw problem('invalid-request', {
      detail: 'Send an Idempotency-Key header of 1 to 255 visible ASCII characters.',
      errors: [{ path: 'headers.idempotency-key', message: 'missing or not usable' }],
    });
  }
  return key;
}

const redeemedReply = z.object({
  redemptionId: z.string().describe('Redemption'),
  voucherId: z.string().describe('Voucher, now spent'),
  offerId: z.string().describe('Offer'),
  headline: z.string().describe('What the guest gets'),
  body: z.string().describe('Text of the offer'),
  terms: z.string().describe('Small print'),
  storeId: z.string().nullable().describe('Store of the till'),
  till: z.string().describe('Till'),
  redeemedAt: z.iso.datetime().describe('When it was redeemed'),
});

function redeemRoute(deps: TillDeps): AnyRoute {
  return route({
    method: 'post',
    path: '/v1/redemptions',
    summary: 'Redeem a voucher at a till',
    description: [
      'Needs an `Idempotency-Key` header: any string of up to 255 visible ASCII characters, new for every redemption, the same on every retry. For a day the same key with the same request gives the first answer again, refusals included; with another request it is `idempotency-mismatch`; while the first one is still being worked on it is `request-in-progress`: retry.',
      'Refusals: `voucher-unknown`, `voucher-redeemed` (with `redeemedAt`), `voucher-expired`, `voucher-wrong-store`. Too many codes that do not exist give `too-many-requests`.',
    ].join('\n\n'),
    tag,
    access: 'vouchers:redeem',
    body: z.strictObject({
      code: z
        .string()
        .min(1)
        .max(100)
        .describe('As scanned or typed; case and dashes do not matter'),
      till: text(1, 60).describe('Your name of the till'),
      storeId: z.uuid().optional().describe('Store of the till; vouchers of one store need it'),
    }),
    status: 201,
    reply: redeemedReply,
    example: {
      body: { code: 'K7M4P-2XW9C', till: 'till-1' },
      reply: {
        redemptionId: exampleId,
        ...exampleVoucher,
        storeId: null,
        till: 'till-1',
        redeemedAt: '2026-11-17T12:00:00.000Z',
      },
    },
    handler: ({ caller, body, headers }) =>
      redeem(deps, {
        merchantId: caller.merchantId,
        callerId: caller.id,
        code: body.code,
        till: body.till,
        storeId: body.storeId ?? null,
        idempotencyKey: idempotencyKey(headers['idempotency-key']),
      }),
  });
}

function lookUpRoute({ db, clock, wrongCodes }: TillDeps): AnyRoute {
  return route({
    method: 'get',
    path: '/v1/vouchers/:code',
    summary: 'Look a voucher up without spending it',
    tag,
    access: 'vouchers:redeem',
    params: z.strictObject({
      code: z.string().min(1).max(100).describe('As scanned or typed'),
    }),
    reply: z.object({
      voucherId: z.string().describe('Voucher'),
      code: z.string().describe('Its code, grouped'),
      offerId: z.string().describe('Offer'),
      headline: z.string().describe('What the guest gets'),
      body: z.string().describe('Text of the offer'),
      terms: z.string().describe('Small print'),
      storeId: z.string().nullable().describe('Store where it can be redeemed; null = every store'),
      state: z.enum(['open', 'redeemed', 'expired']).describe('Whether it can still be redeemed'),
      issuedAt: z.iso.datetime().describe('When it was issued'),
      expiresAt: z.iso.datetime().describe('When it ends'),
      redeemedAt: z.iso.datetime().nullable().describe('When it was redeemed'),
    }),
    example: {
      reply: {
        ...exampleVoucher,
        code: 'K7M4P-2XW9C',
        storeId: null,
        state: 'open',
        issuedAt: '2026-11-17T12:00:00.000Z',
        expiresAt: '2026-11-18T12:00:00.000Z',
        redeemedAt: null,
      },
    },
    handler: async ({ caller: { merchantId, id: caller }, params }) => {
      await wrongCodes.check(caller);
      const code = parseCode(params.code);
      const found =
        code && (await db.tx((tx) => voucherByCode(tx, merchantId, code), { tenant: merchantId }));
      if (!found) {
        await wrongCodes.note(caller);
        throw problem('voucher-unknown');
      }
      const { id: voucherId, redeemedAt, expiresAt, issuedAt, ...rest } = found;
      const state: 'open' | 'expired' = expiresAt.getTime() <= clock() ? 'expired' : 'open';
      return {
        ...rest,
        voucherId,
        code: formatCode(found.code),
        state: redeemedAt ? ('redeemed' as const) : state,
        issuedAt: issuedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
        redeemedAt: redeemedAt?.toISOString() ?? null,
      };
    },
  });
}

const redemptionLine = z.object({
  id: z.string().describe('Redemption'),
  voucherId: z.string().describe('Voucher'),
  offerId: z.string().describe('Offer'),
  headline: z.string().describe('Headline of the offer'),
  code: z.string().describe('Code, grouped'),
  storeId: z.string().nullable().describe('Store of the till'),
  till: z.string().describe('Till'),
  guestId: z.string().nullable().describe('Guest who had it'),
  deviceId: z.string().nullable().describe('Device that had it'),
  redeemedAt: z.iso.datetime().describe('When'),
});

function redemptionsRoute({ db }: OfferDeps): AnyRoute {
  return route({
    method: 'get',
    path: '/v1/redemptions',
    summary: 'What was redeemed, newest first',
    tag,
    access: 'offers:read',
    query: z.strictObject({
      offerId: z.uuid().optional().describe('Only this offer'),
      storeId: z.uuid().optional().describe('Only tills of this store'),
      cursor: z.string().max(200).optional().describe('`next` of the page before'),
      limit: z.coerce.number().int().min(1).max(200).default(50).describe('Lines in a page'),
    }),
    reply: z.object({
      items: z.array(redemptionLine).describe('Redemptions'),
      next: z.string().nullable().describe('Cursor of the next page; null at the end'),
    }),
    example: {
      reply: {
        items: [
          {
            id: exampleId,
            voucherId: exampleId,
            offerId: exampleVoucher.offerId,
            headline: exampleVoucher.headline,
            code: 'K7M4P-2XW9C',
            storeId: null,
            till: 'till-1',
            guestId: null,
            deviceId: exampleId,
            redeemedAt: '2026-11-17T12:00:00.000Z',
          },
        ],
        next: null,
      },
    },
    handler: async ({ caller: { merchantId }, query: { offerId, storeId, cursor, limit } }) => {
      const before = decodeCursor(cursor);
      const filter = {
        ...(offerId === undefined ? {} : { offerId }),
        ...(storeId === undefined ? {} : { storeId }),
        ...(before === undefined ? {} : { before }),
      };
      const found = await db.tx((tx) => redemptionsList(tx, merchantId, filter, limit + 1), {
        tenant: merchantId,
      });
      const { page, next } = paged(found, limit, (line) => line.redeemedAt);
      return {
        items: page.map((line) => ({ ...line, redeemedAt: line.redeemedAt.toISOString() })),
        next,
      };
    },
  });
}
