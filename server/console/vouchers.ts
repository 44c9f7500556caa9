/** Vouchers: what was issued and redeemed, and the till's form. */
import { randomUUID } from 'node:crypto';
import express from 'express';
import type { Request, Response } from 'express';
import { ProblemError } from '../errors.ts';
import { cookieOf, setPreference } from '../http/cookies.ts';
import { decodeCursor, encodeCursor } from '../http/cursor.ts';
import { formatCode } from '../offers/code.ts';
import { redeem } from '../offers/redeem.ts';
import type { Redeemed } from '../offers/redeem.ts';
import { sendCsv } from './csv.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { vouchersList } from './lists/queries.ts';
import { field, needs, pageOf, query, renderPage, staffOf } from './page.ts';

const perPage = 50;
const mostRows = 10_000;
/** Refusals the till's page has words for; anything else fails as any page does. */
const worded = [
  'voucher-unknown',
  'voucher-redeemed',
  'voucher-expired',
  'voucher-wrong-store',
  'too-many-requests',
];

interface Outcome {
  redeemed?: Redeemed;
  refused?: string;
  detail?: string | undefined;
  typed?: string;
  till?: string;
}

export const voucherPages: PageModule = (deps) => {
  const router = express.Router();
  router.get('/vouchers', needs('vouchers:redeem'), (request, response) =>
    show(deps, request, response, {}),
  );
  router.post('/vouchers/redeem', needs('vouchers:redeem'), (request, response) =>
    spend(deps, request, response),
  );
  router.get('/vouchers.csv', needs('guests:read'), (request, response) =>
    csv(deps, request, response),
  );
  return router;
};

async function show(
  deps: ConsoleDeps,
  request: Request,
  response: Response,
  outcome: Outcome,
  status = 200,
): Promise<void> {
  const page = pageOf(response);
  const { merchantId } = staffOf(response);
  const after = decodeCursor(query(request, 'after') || undefined);
  const state = stateOf(request);
  // The till needs the form alone: whose voucher it is, is none of its business.
  const rows = page.can('guests:read')
    ? await deps.db.tx(
        (tx) =>
          vouchersList(
            tx,
            merchantId,
            {
              storeId: page.store?.id ?? null,
              ...(state ? { redeemed: state === 'redeemed' } : {}),
              ...(after ? { before: after } : {}),
            },
            perPage + 1,
          ),
        { tenant: merchantId, readOnly: true },
      )
    : [];
  const last = rows.length > perPage ? rows[perPage - 1] : undefined;
  await renderPage(
    response,
    'vouchers',
    {
      vouchers: rows.slice(0, perPage),
      formatCode,
      state,
      outcome,
      attempt: randomUUID(),
      // What was just typed stays; the cookie of this request is the one before.
      till: outcome.till ?? tillOf(request),
      first: !after,
      next: last ? encodeCursor(last.issued_at, last.id) : null,
    },
    status,
  );
}

/** The till named last in this browser. */
function tillOf(request: Request): string {
  try {
    return decodeURIComponent(cookieOf(request, 'foyer_till') ?? '').slice(0, 60);
  } catch {
    return '';
  }
}

function stateOf(request: Request): 'open' | 'redeemed' | '' {
  const asked = query(request, 'state');
  return asked === 'open' || asked === 'redeemed' ? asked : '';
}

async function spend(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const staff = staffOf(response);
  const till = field(request, 'till', 60).replaceAll(/[\p{Cc}\p{Cs}]/gu, '') || staff.name;
  const typed = field(request, 'code', 100);
  const attempt = field(request, 'attempt', 60);
  setPreference(response, 'foyer_till', till);
  try {
    const redeemed = await redeem(deps, {
      merchantId: staff.merchantId,
      callerId: staff.staffId,
      code: typed,
      till,
      storeId: pageOf(response).store?.id ?? null,
      // The form's own number: pressing the button twice redeems once.
      idempotencyKey: /^[0-9a-f-]{36}$/.test(attempt)
        ? `console ${attempt}`
        : `console ${randomUUID()}`,
    });
    await show(deps, request, response, { redeemed, till });
  } catch (error) {
    if (!(error instanceof ProblemError) || !worded.includes(error.code)) throw error;
    const { detail } = error.extras;
    await show(deps, request, response, { refused: error.code, detail, typed, till }, error.status);
  }
}

async function csv(deps: ConsoleDeps, request: Request, response: Response): Promise<void> {
  const { merchantId } = staffOf(response);
  const state = stateOf(request);
  const filter = {
    storeId: pageOf(response).store?.id ?? null,
    ...(state ? { redeemed: state === 'redeemed' } : {}),
  };
  const rows = await deps.db.tx((tx) => vouchersList(tx, merchantId, filter, mostRows), {
    tenant: merchantId,
    readOnly: true,
  });
  sendCsv(
    response,
    'vouchers',
    ['id', 'code', 'offer', 'guest', 'issued', 'expires', 'shown', 'redeemed', 'till'],
    rows.map((row) => [
      row.id,
      formatCode(row.code),
      row.headline,
      row.guest,
      row.issued_at,
      row.expires_at,
      row.shown_at,
      row.redeemed_at,
      row.till,
    ]),
  );
}
