/** Offers over HTTP: what can be issued, and how it went. */
import { z } from 'zod';
import { problem } from '../errors.ts';
import { route } from '../http/route.ts';
import type { AnyRoute } from '../http/route.ts';
import { changeOffer, createOffer, deleteOffer } from './manage.ts';
import type { OfferDeps } from './manage.ts';
import { text } from './text.ts';
import { offerById, offerFigures, offersOf } from './queries.ts';
import type { Offer } from './queries.ts';
import { voucherRoutes } from './vouchers/routes.ts';
import type { WrongCodes } from './wrong-codes.ts';

const tag = 'Offers';
const status = z.enum(['draft', 'live', 'paused']);
const params = z.strictObject({ id: z.uuid().describe('Offer id') });

const name = text(1, 120).describe('Name for your own use');
const headline = text(1, 80).describe('What the guest reads first');
const body = text(0, 500).describe('A few more words');
const terms = text(0, 1000).describe('Small print');
const validForS = z.number().int().min(60).max(31_536_000).describe('Life of a voucher, s');
const stock = z
  .number()
  .int()
  .min(0)
  .max(10_000_000)
  .nullable()
  .describe('Vouchers in all; null = no limit');
const storeId = z.uuid().nullable().describe('Store where it can be redeemed; null = every store');

const newOfferBody = z.strictObject({
  name,
  headline,
  body: body.default(''),
  terms: terms.default(''),
  validForS: validForS.default(86_400),
  stock: stock.default(null),
  storeId: storeId.default(null),
  status: status.default('live').describe('Only a live offer is issued'),
});

const changeOfferBody = z.strictObject({
  name: name.optional(),
  headline: headline.optional(),
  body: body.optional(),
  terms: terms.optional(),
  validForS: validForS.optional(),
  stock: stock.optional(),
  storeId: storeId.optional(),
  status: status.optional().describe('Only a live offer is issued; vouchers out stay good'),
});

const offerReply = z.object({
  id: z.string().describe('Offer id'),
  name: z.string().describe('Name'),
  headline: z.string().describe('Headline'),
  body: z.string().describe('Text'),
  terms: z.string().describe('Small print'),
  validForS: z.number().describe('Life of a voucher, s'),
  stock: z.number().nullable().describe('Vouchers in all; null = no limit'),
  storeId: z.string().nullable().describe('Store where it can be redeemed'),
  status: z.string().describe('draft, live or paused'),
  issued: z.number().describe('Vouchers issued'),
  redeemed: z.number().describe('Vouchers redeemed'),
  createdAt: z.iso.datetime().describe('When it was made'),
  updatedAt: z.iso.datetime().describe('When it last changed'),
});

const exampleOffer = {
  id: '01890a5d-ac96-774b-bcce-b302099a8058',
  name: 'Coffee for stayers',
  headline: 'A coffee on us',
  body: 'Show this at the till.',
  terms: 'One per guest.',
  validForS: 86_400,
  stock: 500,
  storeId: null,
  status: 'live',
  issued: 12,
  redeemed: 3,
  createdAt: '2026-11-17T12:00:00.000Z',
  updatedAt: '2026-11-17T12:00:00.000Z',
};

function show(offer: Offer) {
  return {
    ...offer,
    createdAt: offer.createdAt.toISOString(),
    updatedAt: offer.updatedAt.toISOString(),
  };
}

/** Offers and, behind them, the tills' doors. `wrongCodes` lets other doors share the tills' limit. */
export function offerRoutes(deps: OfferDeps & { wrongCodes?: WrongCodes }): AnyRoute[] {
  return [
    ...readingRoutes(deps),
    ...writingRoutes(deps),
    figuresRoute(deps),
    ...voucherRoutes(deps),
  ];
}

function readingRoutes({ db }: OfferDeps): AnyRoute[] {
  const list = route({
    method: 'get',
    path: '/v1/offers',
    summary: 'All offers, newest first',
    tag,
    access: 'offers:read',
    reply: z.object({ items: z.array(offerReply).describe('Offers, at most 500') }),
    example: { reply: { items: [exampleOffer] } },
    handler: async ({ caller: { merchantId } }) => {
      const offers = await db.tx((tx) => offersOf(tx, merchantId), { tenant: merchantId });
      return { items: offers.map(show) };
    },
  });
  const one = route({
    method: 'get',
    path: '/v1/offers/:id',
    summary: 'One offer',
    tag,
    access: 'offers:read',
    params,
    reply: offerReply,
    example: { reply: exampleOffer },
    handler: async ({ caller: { merchantId }, params: { id } }) => {
      const offer = await db.tx((tx) => offerById(tx, merchantId, id), { tenant: merchantId });
      if (!offer) throw problem('not-found');
      return show(offer);
    },
  });
  return [list, one];
}

function writingRoutes(deps: OfferDeps): AnyRoute[] {
  const create = route({
    method: 'post',
    path: '/v1/offers',
    summary: 'Make an offer',
    tag,
    access: 'offers:write',
    body: newOfferBody,
    status: 201,
    reply: offerReply,
    example: {
      body: { name: 'Coffee for stayers', headline: 'A coffee on us', stock: 500 },
      reply: exampleOffer,
    },
    handler: async ({ caller: { merchantId }, body }) =>
      show(await createOffer(deps, merchantId, body)),
  });
  const change = route({
    method: 'patch',
    path: '/v1/offers/:id',
    summary: 'Change an offer, or pause it',
    tag,
    access: 'offers:write',
    params,
    body: changeOfferBody,
    reply: offerReply,
    example: { body: { status: 'paused' }, reply: { ...exampleOffer, status: 'paused' } },
    handler: async ({ caller: { merchantId }, params: { id }, body }) =>
      show(await changeOffer(deps, merchantId, id, body)),
  });
  const remove = route({
    method: 'delete',
    path: '/v1/offers/:id',
    summary: 'Delete an offer nobody was given',
    tag,
    access: 'offers:write',
    params,
    status: 204,
    reply: z.null(),
    example: { reply: null },
    handler: async ({ caller: { merchantId }, params: { id } }) => {
      await deleteOffer(deps, merchantId, id);
      return null;
    },
  });
  return [create, change, remove];
}

function figuresRoute({ db }: OfferDeps): AnyRoute {
  return route({
    method: 'get',
    path: '/v1/offer-figures',
    summary: 'Issued, held out, shown and redeemed per offer',
    tag,
    access: 'offers:read',
    reply: z.object({
      items: z
        .array(
          z.object({
            offerId: z.string().describe('Offer'),
            name: z.string().describe('Its name'),
            status: z.string().describe('draft, live or paused'),
            issued: z.number().describe('Vouchers issued'),
            heldOut: z.number().describe('Times a guest was held out instead'),
            shown: z.number().describe('Vouchers a guest has seen'),
            redeemed: z.number().describe('Vouchers redeemed'),
          }),
        )
        .describe('One line per offer'),
    }),
    example: {
      reply: {
        items: [
          {
            offerId: exampleOffer.id,
            name: exampleOffer.name,
            status: 'live',
            issued: 12,
            heldOut: 1,
            shown: 9,
            redeemed: 3,
          },
        ],
      },
    },
    handler: async ({ caller: { merchantId } }) => ({
      items: await db.tx((tx) => offerFigures(tx, merchantId), { tenant: merchantId }),
    }),
  });
}
