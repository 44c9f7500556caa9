/** Keeps the log of sessions where the law demands one: as sessions end, and before a guest is erased. */
import type { Queryable } from '../db/database.ts';
import { REVIVE_MS } from '../sessions/live-queries.ts';
import { lawOf } from '../stores/law.ts';
import { packOf } from '../stores/packs.ts';
import { readSettings } from '../stores/settings.ts';
import { logSessionsOfGuest, logSessionsOfStore, storesOfGuest } from './session-log-queries.ts';

/** PURE. Days a store's log is kept, or 0 where no law asks for one. */
export function logDaysOf(store: { country: string; settings: unknown }): number {
  const law = lawOf(readSettings(store.settings), store.country);
  const { sessionLogDays } = packOf(law.pack);
  return sessionLogDays === 0 ? 0 : Math.max(sessionLogDays, law.retention.sessionsDays);
}

/** Call it once the guest's sessions are ended, while they are still there. */
export async function logBeforeErasure(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<void> {
  for (const store of await storesOfGuest(tx, merchantId, guestId)) {
    const days = logDaysOf(store);
    if (days > 0) {
      await logSessionsOfGuest(tx, { merchantId, storeId: store.id, days }, guestId);
    }
  }
}

const BATCH = 5_000;
/** A gateway's last counters come after the end that we booked. */
const AFTERMATH_MS = 3_600_000;

/** Writes what ended since the last time, as soon as its end stands. For the timed jobs. */
export async function logEndedSessions(
  db: Queryable,
  stores: readonly { id: string; merchant_id: string; country: string; settings: unknown }[],
  now: number,
): Promise<number> {
  const settled = { before: now - AFTERMATH_MS, inferredBefore: now - REVIVE_MS };
  let written = 0;
  for (const store of stores) {
    const days = logDaysOf(store);
    if (days === 0) continue;
    const at = { merchantId: store.merchant_id, storeId: store.id, days };
    for (let batch = BATCH; batch === BATCH; written += batch) {
      batch = await logSessionsOfStore(db, at, settled, BATCH);
    }
  }
  return written;
}
