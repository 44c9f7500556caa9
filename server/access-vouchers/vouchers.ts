/** Looks a typed access code up for the portal, with a bounded number of wrong tries. */
import { parsePrintableCode } from '../codes/printable.ts';
import type { Database, Queryable } from '../db/database.ts';
import { networkOf } from '../http/network.ts';
import { deriveKey, keyedHash } from '../ids.ts';
import { countTries, dropTries, findAccessVoucher, lockTries, noteTry } from './queries.ts';

/** The part of a store this file needs. */
interface StoreRef {
  id: string;
  merchantId: string;
}

export interface VoucherDeps {
  db: Database;
  clock: () => number;
  /** The installation's secret. */
  secret: Buffer;
}

export type CheckOutcome =
  { ok: true } | { ok: false; reason: 'unknown' | 'used' | 'expired' | 'too-many-tries' };

/** Wrong tries in a window before even a right code is refused. */
export const TRY_WINDOW_MS = 15 * 60_000;
export const DEVICE_TRIES = 8;
/** A network may be a whole shop behind one address. */
export const NETWORK_TRIES = 40;

async function judge(
  tx: Queryable,
  store: StoreRef,
  code: string | null,
  now: number,
): Promise<CheckOutcome> {
  if (code === null) return { ok: false, reason: 'unknown' };
  const voucher = await findAccessVoucher(tx, store.merchantId, store.id, code);
  if (!voucher) return { ok: false, reason: 'unknown' };
  if (voucher.expires_at.getTime() <= now) return { ok: false, reason: 'expired' };
  return voucher.uses_left > 0 ? { ok: true } : { ok: false, reason: 'used' };
}

/** Says whether a code would open the door; taking its use is part of the admission. */
export function createVouchers({ db, clock, secret }: VoucherDeps) {
  const key = deriveKey(secret, 'access voucher tries');

  return {
    async check(store: StoreRef, typed: string, mac: string, ip: string): Promise<CheckOutcome> {
      const { merchantId, id: storeId } = store;
      const device = keyedHash(key, 'device', merchantId, mac);
      const network = keyedHash(key, 'network', merchantId, networkOf(ip));
      return db.tx(
        async (tx): Promise<CheckOutcome> => {
          await lockTries(tx, storeId);
          const now = clock();
          const tries = await countTries(tx, merchantId, device, network, now - TRY_WINDOW_MS);
          if (tries.device >= DEVICE_TRIES || tries.network >= NETWORK_TRIES) {
            return { ok: false, reason: 'too-many-tries' };
          }
          const outcome = await judge(tx, store, parsePrintableCode(typed), now);
          if (!outcome.ok) await noteTry(tx, merchantId, storeId, device, network, now);
          return outcome;
        },
        { tenant: merchantId },
      );
    },
  };
}

/** Drops tries that count no longer. For the timed jobs. */
export async function forgetTries(db: Queryable, now: number): Promise<number> {
  return dropTries(db, now - 2 * TRY_WINDOW_MS);
}
