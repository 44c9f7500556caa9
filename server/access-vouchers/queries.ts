/** Printed codes that open the WiFi, and the wrong tries at them. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';

export interface AccessVoucherRow extends Row {
  id: string;
  store_id: string;
  code: string;
  minutes: number;
  uses_left: number;
  expires_at: Date;
  created_at: Date;
}

const COLUMNS = 'id, store_id, code, minutes, uses_left, expires_at, created_at';

export interface NewBatch {
  merchantId: string;
  storeId: string;
  codes: readonly string[];
  minutes: number;
  uses: number;
  expiresAt: number;
}

/** Adds a batch; codes the store already has are left out, so fewer rows than codes may come back. */
export async function insertBatch(
  tx: Queryable,
  batch: NewBatch,
  now: number,
): Promise<AccessVoucherRow[]> {
  const { rows } = await tx.query<AccessVoucherRow>(
    `insert into access_vouchers (id, merchant_id, store_id, code, minutes, uses_left, expires_at, created_at)
     select id, $1, $2, code, $3, $4, $5, $6 from unnest($7::uuid[], $8::text[]) as v (id, code)
     on conflict (store_id, code) do nothing
     returning ${COLUMNS}`,
    [
      batch.merchantId,
      batch.storeId,
      batch.minutes,
      batch.uses,
      new Date(batch.expiresAt),
      new Date(now),
      batch.codes.map(() => uuidv7(now)),
      batch.codes,
    ],
  );
  return rows;
}

/** A store's printed codes, newest first, after the id already seen. */
export async function listAccessVouchers(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  before: string | null,
  limit: number,
): Promise<AccessVoucherRow[]> {
  const { rows } = await tx.query<AccessVoucherRow>(
    `select ${COLUMNS} from access_vouchers
     where merchant_id = $1 and store_id = $2 and ($3::uuid is null or id < $3)
     order by id desc limit $4`,
    [merchantId, storeId, before, limit],
  );
  return rows;
}

export async function deleteAccessVoucher(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  id: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from access_vouchers where merchant_id = $1 and store_id = $2 and id = $3',
    [merchantId, storeId, id],
  );
  return rowCount === 1;
}

export async function findAccessVoucher(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  code: string,
): Promise<AccessVoucherRow | null> {
  const { rows } = await tx.query<AccessVoucherRow>(
    `select ${COLUMNS} from access_vouchers where merchant_id = $1 and store_id = $2 and code = $3`,
    [merchantId, storeId, code],
  );
  return rows[0] ?? null;
}

/**
 * Takes one use inside the caller's transaction; null when there is none to take. One conditional
 * update: of parallel takers only as many succeed as uses are left.
 */
export async function takeUse(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  code: string,
  now: number,
): Promise<{ id: string; minutes: number; expires_at: Date } | null> {
  const { rows } = await tx.query<{ id: string; minutes: number; expires_at: Date }>(
    `update access_vouchers set uses_left = uses_left - 1
     where merchant_id = $1 and store_id = $2 and code = $3 and uses_left > 0 and expires_at > $4
     returning id, minutes, expires_at`,
    [merchantId, storeId, code, new Date(now)],
  );
  return rows[0] ?? null;
}

/** Serialises the checks at one store until the transaction ends, so that parallel guesses are counted. */
export async function lockTries(tx: Queryable, storeId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('voucher tries ' || $1, 0))`, [
    storeId,
  ]);
}

/** Wrong tries since `since`, by this device and by this network. */
export async function countTries(
  tx: Queryable,
  merchantId: string,
  deviceHash: Buffer,
  networkHash: Buffer,
  since: number,
): Promise<{ device: number; network: number }> {
  const { rows } = await tx.query<{ device: number; network: number }>(
    `select
       (select count(*) from access_voucher_tries
        where merchant_id = $1 and device_hash = $2 and tried_at > $4) as device,
       (select count(*) from access_voucher_tries
        where merchant_id = $1 and network_hash = $3 and tried_at > $4) as network`,
    [merchantId, deviceHash, networkHash, new Date(since)],
  );
  return rows[0] ?? { device: 0, network: 0 };
}

export async function noteTry(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  deviceHash: Buffer,
  networkHash: Buffer,
  now: number,
): Promise<void> {
  await tx.query(
    `insert into access_voucher_tries (id, merchant_id, store_id, device_hash, network_hash, tried_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [uuidv7(now), merchantId, storeId, deviceHash, networkHash, new Date(now)],
  );
}

/** Drops tries made before `before`. */
export async function dropTries(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from access_voucher_tries where tried_at < $1', [
    new Date(before),
  ]);
  return rowCount;
}
