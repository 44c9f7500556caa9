/** Devices that may come in again, in storage. */
import type { Queryable, Row } from '../db/database.ts';
import { removeNoted } from '../stores/removal-queries.ts';

export interface KnownDeviceRow extends Row {
  guest_id: string;
  token_hash: Buffer;
  terms_version: string;
  created_at: Date;
  expires_at: Date;
}

/** What keeps a device from being let in: its guest blocked, or the terms taken back. */
const WELCOME = `g.blocked_at is null and coalesce((
    select c.granted from consents c
    where c.merchant_id = d.merchant_id and c.guest_id = d.guest_id and c.purpose = 'access'
    order by c.seq desc limit 1), true)`;

const LIVE = `d.revoked_at is null and d.expires_at > $4`;

export interface NewDevice {
  merchantId: string;
  storeId: string;
  clientKey: string;
  guestId: string;
  tokenHash: Buffer;
  termsVersion: string;
  expiresAt: number;
}

/**
 * Adds a device or gives it another term. A new token makes it unconfirmed again only when it was taken
 * back before: the hardware address is still the one a gateway vouched for.
 */
export async function keepDevice(tx: Queryable, device: NewDevice, now: number): Promise<void> {
  await tx.query(
    `insert into known_devices as d (merchant_id, store_id, client_key, guest_id, token_hash,
       terms_version, created_at, last_seen_at, expires_at)
     select $1, id, $3, $4, $5, $6, $7, $7, $8 from stores where merchant_id = $1 and id = $2
     on conflict (store_id, client_key, guest_id) do update set token_hash = $5, terms_version = $6,
       last_seen_at = $7, expires_at = $8, revoked_at = null,
       confirmed_at = case when d.revoked_at is null then d.confirmed_at end`,
    [
      device.merchantId,
      device.storeId,
      device.clientKey,
      device.guestId,
      device.tokenHash,
      device.termsVersion,
      new Date(now),
      new Date(device.expiresAt),
    ],
  );
}

/** The devices of a hardware address that may still come in, the newest first. */
export async function devicesOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientKey: string,
  now: number,
): Promise<KnownDeviceRow[]> {
  const { rows } = await tx.query<KnownDeviceRow>(
    `select d.guest_id, d.token_hash, d.terms_version, d.created_at, d.expires_at
     from known_devices d join guests g on g.id = d.guest_id
     where d.merchant_id = $1 and d.store_id = $2 and d.client_key = $3 and ${LIVE} and ${WELCOME}
     order by d.last_seen_at desc limit 10`,
    [merchantId, storeId, clientKey, new Date(now)],
  );
  return rows;
}

/** The guest whose device a gateway vouched for last, under these very terms. */
export async function confirmedDevice(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientKey: string,
  termsVersion: string,
  now: number,
): Promise<string | null> {
  const { rows } = await tx.query<{ guest_id: string }>(
    `select d.guest_id from known_devices d join guests g on g.id = d.guest_id
     where d.merchant_id = $1 and d.store_id = $2 and d.client_key = $3 and ${LIVE} and ${WELCOME}
       and d.terms_version = $5 and d.confirmed_at is not null
       -- Who has cards comes in as long as one of them is good.
       and coalesce((select bool_or(c.blocked_at is null and (c.expires_at is null or c.expires_at > $4))
         from member_cards c where c.merchant_id = d.merchant_id and c.guest_id = d.guest_id), true)
     order by d.confirmed_at desc limit 1`,
    [merchantId, storeId, clientKey, new Date(now), termsVersion],
  );
  return rows[0]?.guest_id ?? null;
}

/** A gateway let these sessions in: their hardware addresses are real, and so are their devices'. */
export async function confirmDevices(
  tx: Queryable,
  merchantId: string,
  sessionIds: readonly string[],
  now: number,
): Promise<void> {
  await tx.query(
    `update known_devices d set confirmed_at = $3, last_seen_at = $3
     from sessions s
     where s.merchant_id = $1 and s.id = any ($2::uuid[]) and s.method <> 'mac'
       and d.merchant_id = $1 and d.store_id = s.store_id and d.client_key = s.client_key
       and d.guest_id = s.guest_id and d.revoked_at is null`,
    [merchantId, sessionIds, new Date(now)],
  );
}

export async function revokeDevices(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<number> {
  const { rowCount } = await tx.query(
    `update known_devices set revoked_at = $3
     where merchant_id = $1 and guest_id = $2 and revoked_at is null`,
    [merchantId, guestId, new Date(now)],
  );
  return rowCount;
}

/** Drops devices that expired or were taken back before `before`. */
export async function dropDevices(db: Queryable, before: number, now: number): Promise<number> {
  return removeNoted(db, {
    kind: 'known-devices',
    before,
    now,
    statement: `gone as (delete from known_devices where expires_at < $2 or revoked_at < $2
     returning merchant_id, store_id)`,
  });
}
