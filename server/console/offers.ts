/** Offers: the list with its figures, and one offer's form with what the guest will see. */
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError, problem } from '../errors.ts';
import { changeOffer, createOffer, deleteOffer } from '../offers/manage.ts';
import type { Offer, OfferFields, OfferStatus } from '../offers/queries.ts';
import { offerById, offerFigures, offersOf } from '../offers/queries.ts';
import { rulesOf } from '../rules/queries.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, needs, pageOf, renderPage, staffOf } from './page.ts';

const HOUR = 3_600;
const DAY = 86_400;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The form's fields as typed. */
interface OfferDraft {
  id: string;
  name: string;
  headline: string;
  body: string;
  terms: string;
  lasts: string;
  unit: 'hours' | 'days';
  stock: string;
  storeId: string;
  status: OfferStatus;
  issued: number;
}

const emptyDraft: OfferDraft = {
  id: '',
  name: '',
  headline: '',
  body: '',
  terms: '',
  lasts: '7',
  unit: 'days',
  stock: '',
  storeId: '',
  status: 'live',
  issued: 0,
};

export const offerPages: PageModule = (deps) => {
  const pages = express.Router();
  pages.get('/offers', needs('offers:read'), async (_request, response) => {
    const { merchantId } = staffOf(response);
    const found = await deps.db.tx(
      async (tx) => ({
        offers: await offersOf(tx, merchantId),
        figures: new Map((await offerFigures(tx, merchantId)).map((row) => [row.offerId, row])),
      }),
      { tenant: merchantId, readOnly: true },
    );
    await renderPage(response, 'offers', { ...found, styles: ['rules.css'] });
  });
  pages.get('/offers/new', needs('offers:write'), async (_request, response) => {
    await showOffer(deps, response, emptyDraft, {});
  });
  pages.get('/offers/:id', needs('offers:read'), async (request, response) => {
    await showOffer(deps, response, draftOf(await stored(deps, request, response)), {});
  });
  pages.post('/offers{/:id}', needs('offers:write'), async (request, response) => {
    await save(deps, request, response);
  });
  pages.post('/offers/:id/delete', needs('offers:write'), async (request, response) => {
    const offer = await stored(deps, request, response);
    const { merchantId } = staffOf(response);
    try {
      await deleteOffer(deps, merchantId, offer.id);
    } catch (error) {
      const wrong = refusal(error);
      await showOffer(deps, response, draftOf(offer), { form: wrong });
      return;
    }
    done(response, '/console/offers', 'saved');
  });
  return pages;
};

async function stored(deps: ConsoleDeps, request: Request, response: Response): Promise<Offer> {
  const { merchantId } = staffOf(response);
  const { id } = request.params;
  if (typeof id !== 'string' || !uuid.test(id)) throw problem('not-found');
  const offer = await deps.db.tx((tx) => offerById(tx, merchantId, id), {
    tenant: merchantId,
    readOnly: true,
  });
  if (!offer) throw problem('not-found');
  return offer;
}

function draftOf(offer: Offer): OfferDraft {
  const days = offer.validForS % DAY === 0;
  return {
    id: offer.id,
    name: offer.name,
    headline: offer.headline,
    body: offer.body,
    terms: offer.terms,
    lasts: String(Math.round((offer.validForS / (days ? DAY : HOUR)) * 100) / 100),
    unit: days ? 'days' : 'hours',
    stock: offer.stock === null ? '' : String(offer.stock),
    storeId: offer.storeId ?? '',
    status: offer.status,
    issued: offer.issued,
  };
}

function typed(request: Request, issued: number): OfferDraft {
  const { id } = request.params;
  const status = field(request, 'status');
  return {
    id: typeof id === 'string' ? id : '',
    name: field(request, 'name', 200),
    headline: field(request, 'headline', 200),
    body: field(request, 'body', 2_000),
    terms: field(request, 'terms', 4_000),
    lasts: field(request, 'lasts', 20),
    unit: field(request, 'unit') === 'hours' ? 'hours' : 'days',
    stock: field(request, 'stock', 20),
    storeId: field(request, 'storeId', 36),
    status: status === 'draft' || status === 'paused' ? status : 'live',
    issued,
  };
}

/** Faults by field: text keys below `offers.wrong`; empty when the offer can be saved. */
function faultsOf(draft: OfferDraft): Record<string, string> {
  const faults: Record<string, string> = {};
  const bound = (name: 'name' | 'headline' | 'body' | 'terms', min: number, max: number): void => {
    if (draft[name].length < min) faults[name] = 'missing';
    else if (draft[name].length > max) faults[name] = 'long';
  };
  bound('name', 1, 120);
  bound('headline', 1, 80);
  bound('body', 0, 500);
  bound('terms', 0, 1_000);
  const seconds = secondsOf(draft);
  if (!(seconds >= 60 && seconds <= 365 * DAY)) faults['lasts'] = 'lasts';
  const stock = Number(draft.stock);
  if (draft.stock !== '' && !(Number.isInteger(stock) && stock >= 0 && stock <= 2_000_000_000)) {
    faults['stock'] = 'stock';
  } else if (draft.stock !== '' && stock < draft.issued) faults['stock'] = 'stockIssued';
  if (draft.storeId !== '' && !uuid.test(draft.storeId)) faults['storeId'] = 'missing';
  return faults;
}

const secondsOf = (draft: OfferDraft): number =>
  Math.round(Number(draft.lasts || Number.NaN) * (draft.unit === 'days' ? DAY : HOUR));

function fieldsOf(draft: OfferDraft): OfferFields {
  return {
    storeId: draft.storeId || null,
    name: draft.name,
    headline: draft.headline,
    body: draft.body,
    terms: draft.terms,
    validForS: secondsOf(draft),
    stock: draft.stock === '' ? null : Number(draft.stock),
    status: draft.status,
  };
}

/** The refusal's own words; anything that is not one is thrown on. */
function refusal(error: unknown): string {
  if (error instanceof ProblemError && error.status < 500) return error.message;
  throw error;
}

async function save(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { merchantId } = staffOf(response);
  const isNew = request.params['id'] === undefined;
  const before = isNew ? null : await stored(deps, request, response);
  const draft = typed(request, before?.issued ?? 0);
  const faults = faultsOf(draft);
  if (Object.keys(faults).length > 0) {
    const { t } = pageOf(response);
    const told = Object.entries(faults).map(([name, key]) => [name, t(`offers.wrong.${key}`)]);
    await showOffer(deps, response, draft, Object.fromEntries(told) as Record<string, string>);
    return;
  }
  try {
    const fields = fieldsOf(draft);
    const saved = before
      ? await changeOffer(deps, merchantId, before.id, fields)
      : await createOffer(deps, merchantId, fields);
    done(response, before ? '/console/offers' : `/console/offers/${saved.id}`, 'saved');
  } catch (error) {
    await showOffer(deps, response, draft, { form: refusal(error) });
  }
}

async function showOffer(
  deps: ConsoleDeps,
  response: Response,
  draft: OfferDraft,
  wrong: Record<string, string>,
): Promise<void> {
  const { t } = pageOf(response);
  const { merchantId } = staffOf(response);
  const rules = await deps.db.tx((tx) => rulesOf(tx, merchantId), {
    tenant: merchantId,
    readOnly: true,
  });
  await renderPage(
    response,
    'offer',
    {
      title: draft.id === '' ? t('offers.new') : draft.name,
      draft,
      wrong,
      rules: draft.id === '' ? [] : rules.filter((rule) => rule.offerId === draft.id),
      styles: ['rules.css'],
    },
    Object.keys(wrong).length > 0 ? 422 : 200,
  );
}
