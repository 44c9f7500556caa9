/** One calm notice on the fences page when positions at sign-in say that the fences stand elsewhere. */
import express from 'express';
import type { Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { changeFence } from '../fences/change.ts';
import { bearingOf, checkDatum } from '../fences/datum-check.ts';
import { listFences } from '../fences/queries.ts';
import type { FenceRow } from '../fences/queries.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, needs, pageOf, staffOf } from './page.ts';
import type { Page } from './page.ts';

export interface DatumNotice {
  /** Keys below `datum-check.`. */
  finding: 'gcj02' | 'bd09' | 'moved';
  metres: number;
  bearing: string;
  n: number;
  devices: number;
  /** Fences that can be put right: those said to be in WGS 84. */
  fences: number;
}

/** Mounted before the fences page: what it finds, that page's view shows. */
export const datumNotice: PageModule = (deps) => {
  const router = express.Router();
  router.get('/fences', async (_request, response, next) => {
    const page = pageOf(response);
    response.locals['page'] = { ...page, datumNotice: await noticeFor(deps, page) };
    next();
  });
  router.post('/fences-datum', needs('fences:write'), async (request, response) => {
    const page = pageOf(response);
    const datum = field(request, 'datum');
    if (!page.store || (datum !== 'gcj02' && datum !== 'bd09')) throw problem('not-found');
    const { merchantId } = staffOf(response);
    const { id } = page.store;
    await deps.db.tx(
      async (tx) => {
        for (const fence of await mistaken(tx, merchantId, id)) {
          await changeFence(tx, merchantId, fence.id, { datum }, deps.clock());
        }
      },
      { tenant: merchantId },
    );
    done(response, '/console/fences', 'saved');
  });
  return router;
};

const MOST = 500;

/** Fences drawn from coordinates that were taken for WGS 84. */
async function mistaken(tx: Queryable, merchantId: string, storeId: string): Promise<FenceRow[]> {
  const rows = await listFences(tx, merchantId, { storeId, active: true, limit: MOST });
  return rows.filter((row) => row.datum === 'wgs84' && row.geometry !== null);
}

async function noticeFor(deps: ConsoleDeps, page: Page): Promise<DatumNotice | null> {
  const { store, staff } = page;
  if (!store || !staff || !page.can('fences:read')) return null;
  const { check, fences } = await deps.db.tx(
    async (tx) => ({
      check: await checkDatum(tx, staff.merchantId, store.id, deps.clock()),
      fences: (await mistaken(tx, staff.merchantId, store.id)).length,
    }),
    { tenant: staff.merchantId, readOnly: true },
  );
  if (!check || check.medianEast === null || check.medianNorth === null) return null;
  const { verdict, n, devices } = check;
  if (verdict !== 'gcj02' && verdict !== 'bd09' && verdict !== 'moved') return null;
  return {
    finding: verdict,
    n,
    devices,
    fences,
    ...bearingOf(check.medianEast, check.medianNorth),
  };
}
