/** Vouchers in people's hands: due, shown, looked up, redeemed. */
import type { Queryable, Row } from '../../db/database.ts';
import { formatCode } from '../code.ts';

/** A voucher ready to show. `code` is grouped for people; `validUntil` in ms since 1970. */
export interface DueOffer {
  voucherId: string;
  code: string;
  headline: string;
  body: string;
  terms: string;
  validUntil: number;
}

/** Whose vouchers. A device linked to a guest also holds the guest's. */
export interface Holder {
  guestId?: string | null;
  deviceId?: string | null;
}

interface DueRow extends Row {
  id: string;
  code: string;
  headline: string;
  body: string;
  terms: string;
  expires_at: Date;
}

/** Vouchers neither redeemed nor expired, newest first, at most 20. */
export async function offersDue(
  tx: Queryable,
  merchantId: string,
  holder: Holder,
  now: number,
): Promise<DueOffer[]> {
  const { rows } = await tx.query<DueRow>(
    `select v.id, v.code, v.expires_at, o.headline, o.body, o.terms
     from (select coalesce($2::uuid, (select guest_id from devices where merchant_id = $1 and id = $3)) as guest_id) h
       join vouchers v on v.guest_id = h.guest_id or (v.device_id = $3::uuid and v.guest_id is null)
       join offers o on o.id = v.offer_id
     where v.merchant_id = $1 and v.expires_at > $4
       and not exists (select 1 from redemptions r where r.voucher_id = v.id)
     order by v.issued_at desc, v.id desc limit 20`,
    [merchantId, holder.guestId ?? null, holder.deviceId ?? null, new Date(now)],
  );
  return rows.map((row) => ({
    voucherId: row.id,
    code: formatCode(row.code),
    headline: row.headline,
    body: row.body,
    terms: row.terms,
    validUntil: row.expires_at.getTime(),
  }));
}

/** Notes the first time a guest saw these; ids of others are left alone. */
export async function markShown(
  tx: Queryable,
  merchantId: string,
  voucherIds: readonly string[],
  now: number,
): Promise<void> {
  if (voucherIds.length === 0) return;
  await tx.query(
    `update vouchers set shown_at = $3
     where merchant_id = $1 and id = any ($2::uuid[]) and shown_at is null`,
    [merchantId, voucherIds, new Date(now)],
  );
}

/** A voucher with everything a till wants to know. */
export interface VoucherAtTill {
  id: string;
  offerId: string;
  code: string;
  /** Where it may be redeemed; null = anywhere of the merchant. */
  storeId: string | null;
  guestId: string | null;
  deviceId: string | null;
  headline: string;
  body: string;
  terms: string;
  issuedAt: Date;
  expiresAt: Date;
  redeemedAt: Date | null;
}

interface TillRow extends Row {
  id: string;
  offer_id: string;
  code: string;
  store_id: string | null;
  guest_id: string | null;
  device_id: string | null;
  headline: string;
  body: string;
  terms: string;
  issued_at: Date;
  expires_at: Date;
  redeemed_at: Date | null;
}

export async function voucherByCode(
  tx: Queryable,
  merchantId: string,
  code: string,
): Promise<VoucherAtTill | null> {
  const { rows } = await tx.query<TillRow>(
    `select v.id, v.offer_id, v.code, v.store_id, v.guest_id, v.device_id, v.issued_at, v.expires_at,
       o.headline, o.body, o.terms, r.redeemed_at
     from vouchers v join offers o on o.id = v.offer_id left join redemptions r on r.voucher_id = v.id
     where v.merchant_id = $1 and v.code = $2`,
    [merchantId, code],
  );
  const row = rows[0];
  return row
    ? {
        id: row.id,
        offerId: row.offer_id,
        code: row.code,
        storeId: row.store_id,
        guestId: row.guest_id,
        deviceId: row.device_id,
        headline: row.headline,
        body: row.body,
        terms: row.terms,
        issuedAt: row.issued_at,
        expiresAt: row.expires_at,
        redeemedAt: row.redeemed_at,
      }
    : null;
}

/** Waits at most this long for a request under the same key that is still being worked on. */
export async function limitWaiting(tx: Queryable, ms: number): Promise<void> {
  await tx.query("select set_config('lock_timeout', $1, true)", [`${ms}ms`]);
}

/** Takes an idempotency key; false when it was taken before. Waits for a request in flight. */
export async function takeKey(
  tx: Queryable,
  merchantId: string,
  key: string,
  requestHash: Buffer,
  now: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into redemption_answers (merchant_id, idempotency_key, request_hash, created_at)
     values ($1, $2, $3, $4) on conflict (merchant_id, idempotency_key) do nothing`,
    [merchantId, key, requestHash, new Date(now)],
  );
  return rowCount === 1;
}

/** What was answered under a key, and to which request. */
export async function answerOf(
  tx: Queryable,
  merchantId: string,
  key: string,
): Promise<{ requestHash: Buffer; answer: unknown } | null> {
  const { rows } = await tx.query<{ request_hash: Buffer; answer: unknown }>(
    `select request_hash, answer from redemption_answers
     where merchant_id = $1 and idempotency_key = $2`,
    [merchantId, key],
  );
  const row = rows[0];
  return row ? { requestHash: row.request_hash, answer: row.answer } : null;
}

export async function keepAnswer(
  tx: Queryable,
  merchantId: string,
  key: string,
  answer: unknown,
): Promise<void> {
  await tx.query(
    `update redemption_answers set answer = $3 where merchant_id = $1 and idempotency_key = $2`,
    [merchantId, key, JSON.stringify(answer)],
  );
}

/** Drops answers older than `before`, a housekeeping job across merchants; gives how many. */
export async function dropAnswers(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query('delete from redemption_answers where created_at < $1', [
    new Date(before),
  ]);
  return rowCount;
}

/** A redemption to write. */
export interface NewRedemption {
  id: string;
  code: string;
  /** Store of the till; null when the till does not say, which only fits vouchers for every store. */
  storeId: string | null;
  till: string;
  idempotencyKey: string;
}

/**
 * Spends a voucher in one statement: the unique constraint on the voucher decides who was first,
 * nothing is read beforehand. Gives the offer, or null when there was nothing to spend.
 */
export async function spendVoucher(
  tx: Queryable,
  merchantId: string,
  { id, code, storeId, till, idempotencyKey }: NewRedemption,
  now: number,
): Promise<{ voucherId: string; offerId: string } | null> {
  const { rows } = await tx.query<{ voucher_id: string; offer_id: string }>(
    `insert into redemptions (id, merchant_id, voucher_id, offer_id, store_id, till, idempotency_key, redeemed_at)
     select $3, v.merchant_id, v.id, v.offer_id, $4::uuid, $5, $6, $7 from vouchers v
     where v.merchant_id = $1 and v.code = $2 and v.expires_at > $7
       and (v.store_id is null or v.store_id = $4::uuid)
     on conflict (voucher_id) do nothing
     returning voucher_id, offer_id`,
    [merchantId, code, id, storeId, till, idempotencyKey, new Date(now)],
  );
  const row = rows[0];
  return row ? { voucherId: row.voucher_id, offerId: row.offer_id } : null;
}

export async function countRedeemed(
  tx: Queryable,
  merchantId: string,
  offerId: string,
): Promise<void> {
  await tx.query('update offers set redeemed = redeemed + 1 where merchant_id = $1 and id = $2', [
    merchantId,
    offerId,
  ]);
}

export interface RedemptionLine {
  id: string;
  voucherId: string;
  offerId: string;
  headline: string;
  code: string;
  storeId: string | null;
  till: string;
  guestId: string | null;
  deviceId: string | null;
  redeemedAt: Date;
}

interface RedemptionRow extends Row {
  id: string;
  voucher_id: string;
  offer_id: string;
  headline: string;
  code: string;
  store_id: string | null;
  till: string;
  guest_id: string | null;
  device_id: string | null;
  redeemed_at: Date;
}

/** Redemptions, newest first; `before` is the last line of the page before. */
export async function redemptionsList(
  tx: Queryable,
  merchantId: string,
  filter: { offerId?: string; storeId?: string; before?: { at: Date; id: string } },
  limit: number,
): Promise<RedemptionLine[]> {
  const { rows } = await tx.query<RedemptionRow>(
    `select r.id, r.voucher_id, r.offer_id, o.headline, v.code, r.store_id, r.till, v.guest_id, v.device_id,
       r.redeemed_at
     from redemptions r join vouchers v on v.id = r.voucher_id join offers o on o.id = r.offer_id
     where r.merchant_id = $1 and ($2::uuid is null or r.offer_id = $2) and ($3::uuid is null or r.store_id = $3)
       and ($4::timestamptz is null or (r.redeemed_at, r.id) < ($4, $5::uuid))
     order by r.redeemed_at desc, r.id desc limit $6`,
    [
      merchantId,
      filter.offerId ?? null,
      filter.storeId ?? null,
      filter.before?.at ?? null,
      filter.before?.id ?? null,
      limit,
    ],
  );
  return rows.map((row) => ({
    id: row.id,
    voucherId: row.voucher_id,
    offerId: row.offer_id,
    headline: row.headline,
    code: formatCode(row.code),
    storeId: row.store_id,
    till: row.till,
    guestId: row.guest_id,
    deviceId: row.device_id,
    redeemedAt: row.redeemed_at,
  }));
}
