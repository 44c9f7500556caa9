/** One-time codes in storage, and the counting behind every limit on sending them. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';

export type Channel = 'sms' | 'email';

/** Serialises the sends of one merchant until the transaction ends, so that parallel ones are counted. */
export async function lockSending(tx: Queryable, merchantId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('codes ' || $1, 0))`, [merchantId]);
}

export interface NewCode {
  merchantId: string;
  storeId: string;
  channel: Channel;
  addressHash: Buffer;
  bindingHash: Buffer;
  codeHash: Buffer;
  deviceHash: Buffer;
  networkHash: Buffer;
  expiresAt: number;
}

export async function insertCode(tx: Queryable, code: NewCode, now: number): Promise<void> {
  await tx.query(
    `insert into codes (id, merchant_id, store_id, channel, address_hash, binding_hash, code_hash,
       device_hash, network_hash, sent_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      uuidv7(now),
      code.merchantId,
      code.storeId,
      code.channel,
      code.addressHash,
      code.bindingHash,
      code.codeHash,
      code.deviceHash,
      code.networkHash,
      new Date(now),
      new Date(code.expiresAt),
    ],
  );
}

/** Whose sends are counted: exactly one of these per limit. */
export type Counted =
  | { by: 'address'; hash: Buffer }
  | { by: 'device'; hash: Buffer }
  | { by: 'network'; hash: Buffer }
  | { by: 'store'; storeId: string; channel: Channel };

const WHERE: Record<Counted['by'], string> = {
  address: 'address_hash = $2',
  device: 'device_hash = $2',
  network: 'network_hash = $2',
  store: 'store_id = $2',
};

/**
 * Whether `limit` sends happened since `since`, and if so when the one happened whose ageing makes
 * room again (ms since 1970); null when there is room.
 */
export async function sendsAtLimit(
  tx: Queryable,
  merchantId: string,
  counted: Counted,
  limit: number,
  since: number,
): Promise<number | null> {
  const channel = counted.by === 'store' ? counted.channel : null;
  const { rows } = await tx.query<{ sent_at: Date }>(
    `select sent_at from codes
     where merchant_id = $1 and ${WHERE[counted.by]} and sent_at > $3
       and ($5::text is null or channel = $5)
     order by sent_at desc offset $4 limit 1`,
    [
      merchantId,
      counted.by === 'store' ? counted.storeId : counted.hash,
      new Date(since),
      limit - 1,
      channel,
    ],
  );
  return rows[0]?.sent_at.getTime() ?? null;
}

/** How many of a store's codes sent in [from, to) there were, and how many of them were used. */
export async function sendsAndUses(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  channel: Channel,
  from: number,
  to: number,
): Promise<{ sends: number; uses: number }> {
  const { rows } = await tx.query<{ sends: number; uses: number }>(
    `select count(*) as sends, count(used_at) as uses from codes
     where merchant_id = $1 and store_id = $2 and channel = $3 and sent_at >= $4 and sent_at < $5`,
    [merchantId, storeId, channel, new Date(from), new Date(to)],
  );
  return rows[0] ?? { sends: 0, uses: 0 };
}

/** Which code is meant: the newest one sent to this address for this journey. */
export interface CodeRef {
  merchantId: string;
  storeId: string;
  channel: Channel;
  addressHash: Buffer;
  bindingHash: Buffer;
}

const NEWEST = `select id from codes
  where merchant_id = $1 and store_id = $2 and channel = $3 and address_hash = $4 and binding_hash = $5
  order by sent_at desc, id desc limit 1`;

const refParams = (ref: CodeRef): unknown[] => [
  ref.merchantId,
  ref.storeId,
  ref.channel,
  ref.addressHash,
  ref.bindingHash,
];

export interface CodeRow extends Row {
  id: string;
  code_hash: Buffer;
  attempts: number;
  expires_at: Date;
  used_at: Date | null;
}

/**
 * Takes one try, if one is left, and holds the row until the transaction ends: of parallel guesses
 * at most `tries` ever get here.
 */
export async function takeTry(
  tx: Queryable,
  ref: CodeRef,
  tries: number,
  now: number,
): Promise<CodeRow | null> {
  const { rows } = await tx.query<CodeRow>(
    `update codes set attempts = attempts + 1
     where id = (${NEWEST}) and attempts < $6 and used_at is null and expires_at > $7
     returning id, code_hash, attempts, expires_at, used_at`,
    [...refParams(ref), tries, new Date(now)],
  );
  return rows[0] ?? null;
}

/** The newest code as it stands, to say why no try was given. */
export async function newestCode(tx: Queryable, ref: CodeRef): Promise<CodeRow | null> {
  const { rows } = await tx.query<CodeRow>(
    `select id, code_hash, attempts, expires_at, used_at from codes where id = (${NEWEST})`,
    refParams(ref),
  );
  return rows[0] ?? null;
}

export async function markUsed(
  tx: Queryable,
  merchantId: string,
  id: string,
  now: number,
): Promise<void> {
  await tx.query('update codes set used_at = $3 where merchant_id = $1 and id = $2', [
    merchantId,
    id,
    new Date(now),
  ]);
}

/** Drops codes sent before `before`; the longest limit looks back one day. */
export async function dropCodes(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from codes where sent_at < $1', [new Date(before)]);
  return rowCount;
}
