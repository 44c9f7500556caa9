/** The store a question is about, and the zone its days are counted in. */
import type { Queryable, Row } from '../db/database.ts';
import type { Place } from './day.ts';

export async function placeOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<Place | null> {
  const { rows } = await tx.query<Row & { timezone: string }>(
    'select timezone from stores where merchant_id = $1 and id = $2',
    [merchantId, storeId],
  );
  return rows[0] ? { merchantId, storeId, timezone: rows[0].timezone } : null;
}
