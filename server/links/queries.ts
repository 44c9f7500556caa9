/** Sealed journeys under hashed keys, in storage. */
import type { Queryable } from '../db/database.ts';

export interface NewLink {
  keyHash: Buffer;
  merchantId: string;
  storeId: string;
  kind: 'short' | 'state';
  sealed: string;
  expiresAt: number;
}

/** Adds a link unless the store holds `most` live ones of its kind; false when it does, or the key is taken. */
export async function insertLink(
  tx: Queryable,
  link: NewLink,
  most: number,
  now: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into journey_links (key_hash, merchant_id, store_id, kind, sealed, created_at, expires_at)
     select $1, $2, $3, $4, $5, $6, $7
     where (select count(*) from (
       select 1 from journey_links
       where merchant_id = $2 and store_id = $3 and kind = $4 and expires_at > $6 limit $8) live) < $8
     on conflict do nothing`,
    [
      link.keyHash,
      link.merchantId,
      link.storeId,
      link.kind,
      link.sealed,
      new Date(now),
      new Date(link.expiresAt),
      most,
    ],
  );
  return rowCount === 1;
}

export async function readLink(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  keyHash: Buffer,
  now: number,
): Promise<string | null> {
  const { rows } = await tx.query<{ sealed: string }>(
    `select sealed from journey_links
     where key_hash = $3 and merchant_id = $1 and store_id = $2 and kind = 'short' and expires_at > $4`,
    [merchantId, storeId, keyHash, new Date(now)],
  );
  return rows[0]?.sealed ?? null;
}

/** Reads and removes in one statement: of parallel readers one gets it. */
export async function takeLink(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  keyHash: Buffer,
  now: number,
): Promise<string | null> {
  const { rows } = await tx.query<{ sealed: string; expires_at: Date }>(
    `delete from journey_links
     where key_hash = $3 and merchant_id = $1 and store_id = $2 and kind = 'state'
     returning sealed, expires_at`,
    [merchantId, storeId, keyHash],
  );
  const [row] = rows;
  return row && row.expires_at.getTime() > now ? row.sealed : null;
}

export async function dropLinks(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from journey_links where expires_at < $1', [
    new Date(before),
  ]);
  return rowCount;
}
