/** Whether visits may be counted as a guest's own, and whether offers may be chosen by them. */
import type { Queryable } from '../db/database.ts';
import { lawOf } from '../stores/law.ts';
import { packOf } from '../stores/packs.ts';
import { storeById } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import type { Purpose } from '../stores/wordings.ts';
import { currentConsents, newestWord } from './queries.ts';

/** Whether the store's law wants a purpose to be asked by itself; an unknown store counts as strict. */
async function askedSeparately(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  purpose: Purpose,
): Promise<boolean> {
  const store = await storeById(tx, merchantId, storeId);
  if (store === null) return true;
  const { pack } = lawOf(readSettings(store.settings), store.country);
  return packOf(pack).separately.includes(purpose);
}

/**
 * The guest's own word counts first, whatever the store: a refusal or withdrawal stops it at once.
 * Without one, only where the store's country does not ask for it separately.
 */
export async function mayAnalyse(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  storeId: string,
): Promise<boolean> {
  const word = await newestWord(tx, merchantId, guestId, 'analytics');
  return word ?? !(await askedSeparately(tx, merchantId, storeId, 'analytics'));
}

/** The marketing words of this version asked for the choosing by visits in the same sentence. */
const BOTH_IN_ONE = 'standard-1';

/** The same for choosing offers by visits, answers and vouchers. */
export async function mayProfile(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  storeId: string | null,
): Promise<boolean> {
  const held = await currentConsents(tx, merchantId, guestId);
  const word = held.find((row) => row.purpose === 'profiling');
  if (word) return word.granted;
  const offers = held.find((row) => row.purpose === 'marketing');
  if (offers?.granted === true && offers.text_version === BOTH_IN_ONE) return true;
  return storeId === null || !(await askedSeparately(tx, merchantId, storeId, 'profiling'));
}
