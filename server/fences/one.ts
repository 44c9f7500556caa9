/** One fence of a merchant, or not-found. */
import type { Database, Queryable } from '../db/database.ts';
import type { FenceRow } from './queries.ts';
import { problem } from '../errors.ts';
import { fenceById } from './queries.ts';

export async function oneFence(db: Database, merchantId: string, id: string): Promise<FenceRow> {
  const read = (tx: Queryable) => fenceById(tx, merchantId, id);
  const row = await db.tx(read, { tenant: merchantId, readOnly: true });
  if (!row) throw problem('not-found', { detail: 'There is no fence with this id.' });
  return row;
}
