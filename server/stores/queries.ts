/** Stores and their gateways. */
import type { Queryable, Row } from '../db/database.ts';

export interface StoreChoice extends Row {
  id: string;
  slug: string;
  name: string;
  timezone: string;
}

/** What a picker needs, in the order stores were made. */
export async function storeChoices(tx: Queryable, merchantId: string): Promise<StoreChoice[]> {
  const { rows } = await tx.query<StoreChoice>(
    'select id, slug, name, timezone from stores where merchant_id = $1 order by created_at, id limit 500',
    [merchantId],
  );
  return rows;
}
