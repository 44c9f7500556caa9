/** Whether a guest's WiFi sessions and visits may be joined into statistics about them. */
import type { Queryable } from '../db/database.ts';
import { lawOf } from '../stores/law.ts';
import { packOf } from '../stores/packs.ts';
import { storeById } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import { newestWord } from './queries.ts';

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
  if (word !== null) return word;
  const store = await storeById(tx, merchantId, storeId);
  if (store === null) return false;
  const { pack } = lawOf(readSettings(store.settings), store.country);
  return !packOf(pack).separately.includes('analytics');
}
