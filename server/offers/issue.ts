/** Grants become vouchers: codes, counters and events, all in the caller's transaction. */
import type { Queryable } from '../db/database.ts';
import { appendEvents } from '../events/outbox.ts';
import type { NewEvent } from '../events/types.ts';
import { uuidv7 } from '../ids.ts';
import { formatCode, newCode } from './code.ts';
import { countIssued, insertVouchers } from './queries.ts';
import type { NewVoucher, Offer } from './queries.ts';

/** A decision to issue: which offer, by which rule, to whom, because of what. */
export interface Grant {
  decisionId: string;
  ruleId: string;
  offer: Offer;
  guestId: string | null;
  deviceId: string | null;
  /** Where it happened, for the store's live screen. */
  storeId: string | null;
  /** The event that caused it. */
  causeId: string;
}

/**
 * Issues one voucher per grant. The offers must be locked by the caller, who has seen that there is
 * stock; should the guarded count still find none, everything is rolled back.
 */
export async function issueVouchers(
  tx: Queryable,
  merchantId: string,
  grants: readonly Grant[],
  now: number,
): Promise<void> {
  if (grants.length === 0) return;
  const issued = grants.map((grant) => ({ grant, voucher: voucherOf(grant, now) }));
  await insertVouchers(
    tx,
    merchantId,
    issued.map(({ voucher }) => voucher),
    now,
  );
  const counts = new Map<string, number>();
  for (const { offer } of grants) counts.set(offer.id, (counts.get(offer.id) ?? 0) + 1);
  const list = [...counts].map(([offerId, n]) => ({ offerId, n }));
  if ((await countIssued(tx, merchantId, list)) !== list.length) {
    throw new Error('an offer ran out of stock although it was locked');
  }
  await appendEvents(
    tx,
    issued.map(({ grant, voucher }) => issuedEvent(merchantId, grant, voucher, now)),
    now,
  );
}

function voucherOf({ decisionId, offer, guestId, deviceId }: Grant, now: number): NewVoucher {
  return {
    id: uuidv7(now),
    offerId: offer.id,
    decisionId,
    storeId: offer.storeId,
    guestId,
    deviceId,
    code: newCode(),
    expiresAt: now + offer.validForS * 1000,
  };
}

function issuedEvent(
  merchantId: string,
  grant: Grant,
  voucher: NewVoucher,
  now: number,
): NewEvent<'offer.issued'> {
  const { offer, guestId, deviceId, storeId } = grant;
  return {
    merchantId,
    storeId,
    guestId,
    deviceId,
    type: 'offer.issued',
    key: guestId ?? deviceId ?? voucher.id,
    payload: {
      voucherId: voucher.id,
      offerId: offer.id,
      ruleId: grant.ruleId,
      storeId,
      guestId,
      deviceId,
      code: formatCode(voucher.code),
      headline: offer.headline,
      body: offer.body,
      terms: offer.terms,
      validUntil: new Date(voucher.expiresAt).toISOString(),
      causeId: grant.causeId,
      at: new Date(now).toISOString(),
    },
    occurredAt: new Date(now),
  };
}
