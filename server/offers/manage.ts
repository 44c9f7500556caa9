/** Offers are written here and nowhere else. */
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { uuidv7 } from '../ids.ts';
import { hasStore } from '../stores/queries.ts';
import { deleteUnusedOffer, insertOffer, offerById, updateOffer } from './queries.ts';
import type { Offer, OfferFields } from './queries.ts';

export interface OfferDeps {
  db: Database;
  /** ms since 1970. */
  clock: () => number;
}

async function checkStore(tx: Queryable, merchantId: string, storeId: string | null) {
  if (storeId !== null && !(await hasStore(tx, merchantId, storeId))) {
    throw problem('not-found', { detail: 'There is no such store.' });
  }
}

async function stored(tx: Queryable, merchantId: string, id: string): Promise<Offer> {
  const offer = await offerById(tx, merchantId, id);
  if (!offer) throw problem('not-found');
  return offer;
}

export async function createOffer(
  { db, clock }: OfferDeps,
  merchantId: string,
  fields: OfferFields,
): Promise<Offer> {
  const now = clock();
  const id = uuidv7(now);
  return db.tx(
    async (tx) => {
      await checkStore(tx, merchantId, fields.storeId);
      await insertOffer(tx, merchantId, id, fields, now);
      return stored(tx, merchantId, id);
    },
    { tenant: merchantId },
  );
}

/** Changes some fields; vouchers already out keep their own store and end. */
export async function changeOffer(
  { db, clock }: OfferDeps,
  merchantId: string,
  id: string,
  changes: { [K in keyof OfferFields]?: OfferFields[K] | undefined },
): Promise<Offer> {
  return db.tx(
    async (tx) => {
      const offer = await stored(tx, merchantId, id);
      const given = Object.entries(changes).filter(([, value]) => value !== undefined);
      const fields: OfferFields = { ...offer, ...Object.fromEntries(given) };
      await checkStore(tx, merchantId, fields.storeId);
      if (!(await updateOffer(tx, merchantId, id, fields, clock()))) {
        throw problem('conflict', { detail: 'More vouchers are out than this stock.' });
      }
      return stored(tx, merchantId, id);
    },
    { tenant: merchantId },
  );
}

/** Deletes an offer nobody was given and no rule names. */
export async function deleteOffer({ db }: OfferDeps, merchantId: string, id: string) {
  await db.tx(
    async (tx) => {
      await stored(tx, merchantId, id);
      if (await deleteUnusedOffer(tx, merchantId, id)) return;
      throw problem('conflict', {
        detail: 'The offer has vouchers or a rule: pause it instead.',
      });
    },
    { tenant: merchantId },
  );
}
