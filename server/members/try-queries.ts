/** Wrong tries at member cards, in storage: counted by keyed hashes of number, device and network. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';

/** Serialises the checks of one merchant until the transaction ends, so that parallel guesses are counted. */
export async function lockTries(tx: Queryable, merchantId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('member tries ' || $1, 0))`, [
    merchantId,
  ]);
}

/** Whose wrong tries, each a keyed hash. */
export interface Trier {
  number: Buffer;
  device: Buffer;
  network: Buffer;
}

/** Starts of the windows that wrong tries are counted in, ms since 1970. */
export interface TryWindows {
  short: number;
  hour: number;
  day: number;
  month: number;
}

export interface TryCounts extends Row {
  number_hour: number;
  number_day: number;
  number_month: number;
  device: number;
  network: number;
}

export async function countTries(
  tx: Queryable,
  merchantId: string,
  by: Trier,
  since: TryWindows,
): Promise<TryCounts> {
  const { rows } = await tx.query<TryCounts>(
    `select n.number_hour, n.number_day, n.number_month,
       (select count(*) from member_tries
        where merchant_id = $1 and device_hash = $3 and tried_at > $5) as device,
       (select count(*) from member_tries
        where merchant_id = $1 and network_hash = $4 and tried_at > $5) as network
     from (select count(*) filter (where tried_at > $6) as number_hour,
         count(*) filter (where tried_at > $7) as number_day, count(*) as number_month
       from member_tries where merchant_id = $1 and number_hash = $2 and tried_at > $8) n`,
    [
      merchantId,
      by.number,
      by.device,
      by.network,
      new Date(since.short),
      new Date(since.hour),
      new Date(since.day),
      new Date(since.month),
    ],
  );
  return rows[0]!;
}

export async function noteTry(
  tx: Queryable,
  merchantId: string,
  by: Trier,
  now: number,
): Promise<void> {
  await tx.query(
    `insert into member_tries (id, merchant_id, number_hash, device_hash, network_hash, tried_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [uuidv7(now), merchantId, by.number, by.device, by.network, new Date(now)],
  );
}

/** Forgets the tries at one number: staff gave it a new factor. */
export async function clearTries(
  tx: Queryable,
  merchantId: string,
  numberHash: Buffer,
): Promise<void> {
  await tx.query('delete from member_tries where merchant_id = $1 and number_hash = $2', [
    merchantId,
    numberHash,
  ]);
}

export async function dropTries(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from member_tries where tried_at < $1', [
    new Date(before),
  ]);
  return rowCount;
}
