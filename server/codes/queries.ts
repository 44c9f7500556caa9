/** One-time codes in storage, and the counting behind every limit on sending them. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import { removeNoted } from '../stores/removal-queries.ts';

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
  /** Of an SMS: its country, and the first digits of its number. */
  target: { country: string; prefix: string } | null;
  expiresAt: number;
}

export async function insertCode(tx: Queryable, code: NewCode, now: number): Promise<void> {
  await tx.query(
    `insert into codes (id, merchant_id, store_id, channel, address_hash, binding_hash, code_hash,
       device_hash, network_hash, sent_at, expires_at, country, prefix)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
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
      code.target?.country ?? null,
      code.target?.prefix ?? null,
    ],
  );
}

/** Whose sends are counted: exactly one of these per limit. */
export type Counted =
  | { by: 'address' | 'device' | 'network'; hash: Buffer }
  | { by: 'store'; storeId: string; channel: Channel }
  | { by: 'merchant'; channel: Channel }
  | { by: 'prefix'; storeId: string; prefix: string }
  | { by: 'country'; storeId: string; country: string };

export interface SendLimit {
  counted: Counted;
  sends: number;
  /** Milliseconds. */
  per: number;
}

/** A limit without room, and when the send ages whose ageing makes room again (ms since 1970). */
export interface Full {
  by: Counted['by'];
  retryAt: number;
}

/** The columns that one kind of limit looks at, and what they must hold. */
function columnsOf(counted: Counted): [string, unknown][] {
  switch (counted.by) {
    case 'store':
      return [
        ['store_id', counted.storeId],
        ['channel', counted.channel],
      ];
    case 'merchant':
      return [['channel', counted.channel]];
    case 'prefix':
      return [
        ['store_id', counted.storeId],
        ['prefix', counted.prefix],
      ];
    case 'country':
      return [
        ['store_id', counted.storeId],
        ['country', counted.country],
      ];
    default:
      return [[`${counted.by}_hash`, counted.hash]];
  }
}

/** Which of these limits are reached, by one statement; none when there is room for one more send. */
export async function firstFull(
  tx: Queryable,
  merchantId: string,
  limits: readonly SendLimit[],
  now: number,
): Promise<Full[]> {
  const params: unknown[] = [merchantId];
  const value = (one: unknown): string => `$${params.push(one)}`;
  const looks = limits.map(({ counted, sends, per }, at) => {
    const where = columnsOf(counted).map(([column, held]) => `${column} = ${value(held)}`);
    return `(select ${at} as at, sent_at from codes
      where merchant_id = $1 and ${where.join(' and ')} and sent_at > ${value(new Date(now - per))}
      order by sent_at desc offset ${value(sends - 1)}::int limit 1)`;
  });
  const { rows } = await tx.query<{ at: number; sent_at: Date }>(looks.join(' union all '), params);
  return rows.map(({ at, sent_at: sentAt }) => {
    const { counted, per } = limits[at]!;
    return { by: counted.by, retryAt: sentAt.getTime() + per };
  });
}

export interface SentAndUsed {
  sends: number;
  uses: number;
}

/** SMS sent in [from, to), and how many of them were used: to a range of numbers, and from a store. */
export async function sendsAndUses(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  prefix: string,
  { from, to }: { from: number; to: number },
): Promise<{ prefix: SentAndUsed; store: SentAndUsed }> {
  const { rows } = await tx.query<Record<'ps' | 'pu' | 'ss' | 'su', number>>(
    `select count(*) filter (where prefix = $3) as ps, count(used_at) filter (where prefix = $3) as pu,
       count(*) filter (where store_id = $2) as ss, count(used_at) filter (where store_id = $2) as su
     from codes
     where merchant_id = $1 and channel = 'sms' and (store_id = $2 or prefix = $3)
       and sent_at >= $4 and sent_at < $5`,
    [merchantId, storeId, prefix, new Date(from), new Date(to)],
  );
  const { ps = 0, pu = 0, ss = 0, su = 0 } = rows[0] ?? {};
  return { prefix: { sends: ps, uses: pu }, store: { sends: ss, uses: su } };
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
export async function dropCodes(db: Queryable, before: number, now: number): Promise<number> {
  const statement =
    'gone as (delete from codes where sent_at < $2 returning merchant_id, store_id)';
  return removeNoted(db, { kind: 'codesDays', before, now, statement });
}
