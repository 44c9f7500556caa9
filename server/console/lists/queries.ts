/** What only the console's lists ask: vouchers with their state, a batch of access codes, what needs attention. */
import type { Queryable, Row } from '../../db/database.ts';

export interface VoucherLine extends Row {
  id: string;
  code: string;
  headline: string;
  guest_id: string | null;
  guest: string | null;
  issued_at: Date;
  expires_at: Date;
  shown_at: Date | null;
  redeemed_at: Date | null;
  till: string | null;
}

export interface VoucherFilter {
  /** Only those of this store, or of none. */
  storeId: string | null;
  guestId?: string;
  redeemed?: boolean;
  before?: { at: Date; id: string };
}

/** Vouchers, newest first. */
export async function vouchersList(
  tx: Queryable,
  merchantId: string,
  filter: VoucherFilter,
  limit: number,
): Promise<VoucherLine[]> {
  const { rows } = await tx.query<VoucherLine>(
    `select v.id, v.code, o.headline, v.guest_id, coalesce(g.name, g.phone, g.email) as guest,
       v.issued_at, v.expires_at, v.shown_at, r.redeemed_at, r.till
     from vouchers v join offers o on o.id = v.offer_id
     left join redemptions r on r.voucher_id = v.id
     left join guests g on g.id = v.guest_id
     where v.merchant_id = $1
       and ($2::uuid is null or v.store_id is null or v.store_id = $2 or r.store_id = $2)
       and ($3::uuid is null or v.guest_id = $3)
       and ($4::boolean is null or (r.id is not null) = $4)
       and ($5::timestamptz is null
         or (date_trunc('milliseconds', v.issued_at), v.id) < ($5, $6::uuid))
     order by date_trunc('milliseconds', v.issued_at) desc, v.id desc limit $7`,
    [
      merchantId,
      filter.storeId,
      filter.guestId ?? null,
      filter.redeemed ?? null,
      filter.before?.at ?? null,
      filter.before?.id ?? null,
      limit,
    ],
  );
  return rows;
}

export interface CodeBatch extends Row {
  created_at: Date;
  codes: number;
  minutes: number;
  uses_left: number;
  expires_at: Date;
}

/** Printed codes come in batches: everything made at one instant with the same terms. */
export async function codeBatches(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  limit: number,
): Promise<CodeBatch[]> {
  const { rows } = await tx.query<CodeBatch>(
    `select created_at, minutes, expires_at, count(*) as codes, sum(uses_left) as uses_left
     from access_vouchers where merchant_id = $1 and store_id = $2
     group by created_at, minutes, expires_at order by created_at desc limit $3`,
    [merchantId, storeId, limit],
  );
  return rows;
}

export interface BatchCode extends Row {
  id: string;
  code: string;
  minutes: number;
  uses_left: number;
  expires_at: Date;
}

export async function codesOfBatch(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  madeAt: Date,
): Promise<BatchCode[]> {
  const { rows } = await tx.query<BatchCode>(
    `select id, code, minutes, uses_left, expires_at from access_vouchers
     where merchant_id = $1 and store_id = $2 and date_trunc('milliseconds', created_at) = $3
     order by id limit 1000`,
    [merchantId, storeId, madeAt],
  );
  return rows;
}

/** Takes a batch out of use: codes not yet used up open nothing any more. */
export async function withdrawBatch(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  madeAt: Date,
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from access_vouchers
     where merchant_id = $1 and store_id = $2 and date_trunc('milliseconds', created_at) = $3`,
    [merchantId, storeId, madeAt],
  );
  return rowCount;
}

/** How far a merchant has come with setting up, and what needs a look today. */
export interface Standing extends Row {
  gateways: number;
  fences: number;
  devices: number;
  offers: number;
  rules: number;
  /** Real gateways that reported once and then fell silent. */
  silent: string[];
  /** Live offers with nothing left to give. */
  used_up: string[];
  /** Codes and notices that could not be sent in the last day. */
  unsent: number;
}

export async function standingOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  now: Date,
): Promise<Standing> {
  const { rows } = await tx.query<Standing>(
    `select
       (select count(*) from gateways where merchant_id = $1 and store_id = $2) as gateways,
       (select count(*) from fences where merchant_id = $1 and store_id = $2) as fences,
       (select count(*) from devices where merchant_id = $1 and revoked_at is null) as devices,
       (select count(*) from offers where merchant_id = $1) as offers,
       (select count(*) from rules where merchant_id = $1 and status = 'live') as rules,
       array(select name from gateways where merchant_id = $1 and store_id = $2
         and (kind in ('wifidog', 'apfree')
           or (kind = 'opennds' and coalesce((settings ->> 'level')::int, 3) >= 3))
         and last_heard_at < $3::timestamptz - interval '15 minutes' order by name limit 5) as silent,
       array(select name from offers where merchant_id = $1 and (store_id is null or store_id = $2)
         and status = 'live' and stock is not null and issued >= stock order by name limit 5) as used_up,
       (select count(*) from messages where merchant_id = $1 and status = 'failed'
         and created_at > $3::timestamptz - interval '1 day') as unsent`,
    [merchantId, storeId, now],
  );
  return rows[0] as Standing;
}
