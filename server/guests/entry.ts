/** Which store a vendor's redirect is for when its address names none of ours. */
import type { Database } from '../db/database.ts';
import { storesOfUnifiAp, storesOfUnifiSite } from './entry-queries.ts';

const LONGEST_SITE = 64;

export interface Entry {
  kind: string;
  /** UniFi: the short site name in the redirect's path. */
  key: string;
  /** Access point, aa:bb:cc:dd:ee:ff. */
  ap?: string;
}

const only = (slugs: readonly string[]): string | null => {
  const distinct = new Set(slugs);
  return distinct.size === 1 ? slugs[0]! : null;
};

/**
 * The slug of the one store this entry can mean, else null: many sites are called `default`, and then
 * only an access point that exactly one of them registered tells them apart.
 */
export async function slugOfEntry(db: Database, { kind, key, ap }: Entry): Promise<string | null> {
  if (kind !== 'unifi' || key === '' || key.length > LONGEST_SITE || key.includes('\u0000')) {
    return null;
  }
  const sites = await storesOfUnifiSite(db, key, 2);
  const found = only(sites.map(({ slug }) => slug));
  if (found !== null || sites.length === 0 || ap === undefined) return found;
  const mac = ap.toLowerCase().replaceAll('-', ':');
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return null;
  return only((await storesOfUnifiAp(db, key, mac, 2)).map(({ slug }) => slug));
}
