/** Access codes: printed slips that open the WiFi, made in batches. */
import express from 'express';
import qrcode from 'qrcode';
import { z } from 'zod';
import { problem } from '../errors.ts';
import { makeBatch } from '../access-vouchers/routes.ts';
import { formatPrintableCode } from '../codes/printable.ts';
import { codeBatches, codesOfBatch, withdrawBatch } from './lists/queries.ts';
import type { PageModule } from './deps.ts';
import { done, field, needs, pageOf, query, renderPage, staffOf } from './page.ts';

const wanted = z.object({
  count: z.coerce.number().int().min(1).max(200),
  minutes: z.coerce.number().int().min(5).max(43_200),
  uses: z.coerce.number().int().min(1).max(1000),
  days: z.coerce.number().int().min(1).max(730),
});
const DAY = 86_400_000;

export const codePages: PageModule = (deps) => {
  const router = express.Router();
  router.use('/codes', needs('stores:write'));
  router.get('/codes', async (_request, response) => {
    const { store } = pageOf(response);
    const { merchantId } = staffOf(response);
    const batches = store
      ? await deps.db.tx((tx) => codeBatches(tx, merchantId, store.id, 100), { tenant: merchantId })
      : [];
    await renderPage(response, 'codes', { batches });
  });
  router.post('/codes', async (request, response) => {
    const { store } = pageOf(response);
    const { merchantId } = staffOf(response);
    const given = wanted.safeParse({ ...(request.body as Record<string, unknown>) });
    if (!store || !given.success) throw problem('invalid-request');
    const now = deps.clock();
    const { count, minutes, uses, days } = given.data;
    const terms = { merchantId, storeId: store.id, minutes, uses, expiresAt: now + days * DAY };
    await deps.db.tx((tx) => makeBatch(tx, terms, count, now), { tenant: merchantId });
    done(response, `/console/codes/sheet?made=${now}`, 'codes-made');
  });
  router.get('/codes/sheet', async (request, response) => {
    const { store } = pageOf(response);
    const { merchantId } = staffOf(response);
    const made = instant(query(request, 'made'));
    if (!store) throw problem('not-found');
    const codes = await deps.db.tx((tx) => codesOfBatch(tx, merchantId, store.id, made), {
      tenant: merchantId,
    });
    if (codes.length === 0) throw problem('not-found');
    const address = `${deps.publicUrl}/p/${store.slug}`;
    const slips = await Promise.all(
      codes.map(async (one) => ({
        ...one,
        qr: await qrImage(`${address}?code=${formatPrintableCode(one.code)}`),
      })),
    );
    await renderPage(response, 'codes-sheet', {
      codes: slips,
      made,
      address: address.replace(/^https?:\/\//, ''),
      formatCode: formatPrintableCode,
    });
  });
  router.post('/codes/withdraw', async (request, response) => {
    const { store } = pageOf(response);
    const { merchantId } = staffOf(response);
    const made = instant(field(request, 'made'));
    if (!store) throw problem('not-found');
    const gone = await deps.db.tx((tx) => withdrawBatch(tx, merchantId, store.id, made), {
      tenant: merchantId,
    });
    if (gone === 0) throw problem('not-found');
    done(response, '/console/codes', 'codes-withdrawn');
  });
  return router;
};

/** The store's page with the code beside it: the guest looks at it and presses the button. */
async function qrImage(url: string): Promise<string> {
  const svg = await qrcode.toString(url, {
    type: 'svg',
    margin: 0,
    errorCorrectionLevel: 'M',
  });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

/** A batch is named by the millisecond it was made. */
function instant(text: string): Date {
  const at = new Date(Number(text));
  if (!/^\d{10,14}$/.test(text) || Number.isNaN(at.getTime())) throw problem('not-found');
  return at;
}
