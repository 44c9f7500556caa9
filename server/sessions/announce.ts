/** Tells the house which sessions began and ended, in the transaction that made it so. */
import type { Queryable } from '../db/database.ts';
import { appendEvents } from '../events/outbox.ts';
import type { EndedRow, StartedRow } from './door-queries.ts';
import { confirmDevices } from './known-device-queries.ts';

/** Writes `session.ended` for each, in the caller's transaction. */
export async function announceEnded(
  tx: Queryable,
  ended: readonly EndedRow[],
  now: number,
): Promise<void> {
  const events = ended.map((row) => ({
    merchantId: row.merchant_id,
    storeId: row.store_id,
    guestId: row.guest_id,
    type: 'session.ended' as const,
    key: row.guest_id,
    payload: {
      sessionId: row.id,
      guestId: row.guest_id,
      storeId: row.store_id,
      reason: row.end_reason,
      at: row.ended_at.toISOString(),
    },
    occurredAt: row.ended_at,
  }));
  await appendEvents(tx, events, now);
}

/** Writes `session.started` for each; a gateway vouched for their hardware addresses. */
export async function announceStarted(
  tx: Queryable,
  started: readonly StartedRow[],
  now: number,
): Promise<void> {
  const [first] = started;
  if (!first) return;
  const ids = started.map((row) => row.id);
  const events = started.map((row) => ({
    merchantId: row.merchant_id,
    storeId: row.store_id,
    guestId: row.guest_id,
    type: 'session.started' as const,
    key: row.guest_id,
    payload: {
      sessionId: row.id,
      guestId: row.guest_id,
      storeId: row.store_id,
      at: row.confirmed_at.toISOString(),
    },
    occurredAt: row.confirmed_at,
  }));
  await Promise.all([
    confirmDevices(tx, first.merchant_id, ids, now),
    appendEvents(tx, events, now),
  ]);
}
