/** Remembered devices: who was here may come in again with one tap, or where a gateway asks by hardware address. */
import type { Queryable } from '../db/database.ts';
import { hashToken, newToken, sameBytes } from '../ids.ts';
import {
  confirmedDevice,
  devicesOf,
  dropDevices,
  keepDevice,
  revokeDevices,
} from './known-device-queries.ts';

const DAY_MS = 86_400_000;

/** One device of one guest at one store. `clientKey` is `clientKeyOf` store and hardware address. */
export interface DeviceAt {
  merchantId: string;
  storeId: string;
  clientKey: string;
}

/**
 * Remembers the device of a guest who is being let in, for `days` from now, under the terms they agreed
 * to; gives the token for the portal's cookie, null where the store asks each time (`days` 0). The token
 * that the device showed just now stays the same. Call it in the admission's transaction.
 */
export async function remember(
  tx: Queryable,
  at: DeviceAt,
  device: { guestId: string; termsVersion: string; days: number; shown?: string | undefined },
  now: number,
): Promise<string | null> {
  if (!(device.days > 0)) return null;
  const { guestId, termsVersion, days, shown } = device;
  const known = shown === undefined ? null : await knows(tx, at, shown, now);
  const token = known?.guestId === guestId ? shown! : newToken('fk');
  const expiresAt = now + days * DAY_MS;
  await keepDevice(
    tx,
    { ...at, guestId, termsVersion, expiresAt, tokenHash: hashToken(token) },
    now,
  );
  return token;
}

/**
 * The guest whose device shows this token from this hardware address; null when it is unknown, expired,
 * taken back, or its guest is blocked. Compare `termsVersion` with the store's own: other terms must be
 * agreed to first. Callers ask only where the store's `rememberDays` is above 0.
 */
export async function knows(
  tx: Queryable,
  at: DeviceAt,
  token: string,
  now: number,
): Promise<{ guestId: string; termsVersion: string } | null> {
  if (token.length === 0 || token.length > 200) return null;
  const shown = hashToken(token);
  const rows = await devicesOf(tx, at.merchantId, at.storeId, at.clientKey, now);
  const row = rows.find((one) => sameBytes(one.token_hash, shown));
  return row ? { guestId: row.guest_id, termsVersion: row.terms_version } : null;
}

/**
 * For a gateway that asks by hardware address alone: under whose name such a session is booked. It opens
 * the WiFi and nothing else; nobody may be shown anything of that guest because of it.
 */
export async function recognise(
  tx: Queryable,
  at: DeviceAt,
  terms: { version: string; rememberDays: number },
  now: number,
): Promise<string | null> {
  if (!(terms.rememberDays > 0)) return null;
  return confirmedDevice(tx, at.merchantId, at.storeId, at.clientKey, terms.version, now);
}

/** Forgets every device of a guest: they opted out. Gives how many. */
export async function forget(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<number> {
  return revokeDevices(tx, merchantId, guestId, now);
}

/** Drops what expired. For the timed jobs. */
export async function dropExpiredDevices(db: Queryable, now: number): Promise<number> {
  return dropDevices(db, now, now);
}
