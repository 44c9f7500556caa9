/** Devices: apps and trackers that send pings. Tokens are kept as SHA-256 only. */
import type { Queryable, Row } from '../db/database.ts';
import type { Cursor } from '../http/cursor.ts';
import type { DeviceCaller } from '../http/route.ts';

export interface DeviceRow extends Row {
  id: string;
  name: string;
  guest_id: string | null;
  marketing_consent_at: Date | null;
  created_at: Date;
  last_ping_at: Date | null;
  last_app: string | null;
  revoked_at: Date | null;
  /** Whether it has a passphrase; which one, nobody is told. */
  encrypted: boolean;
  /** Whether the fences around it are pushed to it as its own regions. */
  waypoints: boolean;
}

const columns = `id, name, guest_id, marketing_consent_at, created_at, last_ping_at, last_app, revoked_at,
  passphrase is not null as encrypted, waypoints`;

export interface NewDevice {
  id: string;
  name: string;
  guestId: string | null;
  marketingConsentAt: Date | null;
  tokenHash: Buffer;
  createdAt: Date;
  /** Sealed; null: the device sends in the clear. */
  passphrase: Buffer | null;
  waypoints: boolean;
}

interface CallerRow extends Row {
  id: string;
  merchant_id: string;
  guest_id: string | null;
  encrypted: boolean;
  waypoints: boolean;
}
const callerColumns = 'id, merchant_id, guest_id, passphrase is not null as encrypted, waypoints';

function callerOf(row: CallerRow | undefined): DeviceCaller | null {
  if (!row) return null;
  return {
    kind: 'device',
    merchantId: row.merchant_id,
    deviceId: row.id,
    guestId: row.guest_id,
    ...(row.encrypted ? { encrypted: true } : {}),
    ...(row.waypoints ? { waypoints: true } : {}),
  };
}

/** The caller behind a token hash. Runs without a tenant: the token is what names the tenant. */
export async function callerByTokenHash(
  db: Queryable,
  tokenHash: Buffer,
): Promise<DeviceCaller | null> {
  const { rows } = await db.query<CallerRow>(
    `select ${callerColumns} from devices where token_hash = $1 and revoked_at is null`,
    [tokenHash],
  );
  return callerOf(rows[0]);
}

/**
 * The device of this id. Only for messages whose sender somebody else has checked: the MQTT broker.
 * Runs without a tenant, since the id is what names the tenant.
 */
export async function callerById(db: Queryable, id: string): Promise<DeviceCaller | null> {
  const { rows } = await db.query<CallerRow>(
    `select ${callerColumns} from devices where id = $1 and revoked_at is null`,
    [id],
  );
  return callerOf(rows[0]);
}

export async function insertDevice(
  tx: Queryable,
  merchantId: string,
  device: NewDevice,
): Promise<DeviceRow> {
  const { rows } = await tx.query<DeviceRow>(
    `insert into devices (id, merchant_id, name, guest_id, marketing_consent_at, token_hash, created_at,
       passphrase, waypoints)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${columns}`,
    [
      device.id,
      merchantId,
      device.name,
      device.guestId,
      device.marketingConsentAt,
      device.tokenHash,
      device.createdAt,
      device.passphrase,
      device.waypoints,
    ],
  );
  return rows[0] as DeviceRow;
}

/** How many devices of a merchant are in use. */
export async function countDevices(tx: Queryable, merchantId: string): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    'select count(*) as n from devices where merchant_id = $1 and revoked_at is null',
    [merchantId],
  );
  return rows[0]?.n ?? 0;
}

/** Newest first; revoked ones only when asked for. */
export async function listDevices(
  tx: Queryable,
  merchantId: string,
  filter: {
    guestId?: string | undefined;
    revoked?: boolean | undefined;
    after?: Cursor | undefined;
    limit: number;
  },
): Promise<DeviceRow[]> {
  const { rows } = await tx.query<DeviceRow>(
    `select ${columns} from devices
     where merchant_id = $1
       and ($2::uuid is null or guest_id = $2)
       and ($3::boolean or revoked_at is null)
       and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
     order by created_at desc, id desc limit $6`,
    [
      merchantId,
      filter.guestId ?? null,
      filter.revoked ?? false,
      filter.after?.at ?? null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
  return rows;
}

export async function deviceById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<DeviceRow | null> {
  const { rows } = await tx.query<DeviceRow>(
    `select ${columns} from devices where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

/** Undefined leaves a value as it is. */
export interface DeviceChange {
  name?: string | undefined;
  guestId?: string | null | undefined;
  marketingConsentAt?: Date | null | undefined;
  /** Sealed; null: from now on it sends in the clear. */
  passphrase?: Buffer | null | undefined;
  waypoints?: boolean | undefined;
}

export async function updateDevice(
  tx: Queryable,
  merchantId: string,
  id: string,
  change: DeviceChange,
): Promise<DeviceRow | null> {
  const { rows } = await tx.query<DeviceRow>(
    `update devices set
       name = coalesce($3, name),
       guest_id = case when $4 then $5::uuid else guest_id end,
       marketing_consent_at = case when $6 then $7::timestamptz else marketing_consent_at end,
       passphrase = case when $8 then $9::bytea else passphrase end,
       waypoints = coalesce($10::boolean, waypoints),
       waypoints_sent = case when $10::boolean then null else waypoints_sent end
     where merchant_id = $1 and id = $2 returning ${columns}`,
    [
      merchantId,
      id,
      change.name ?? null,
      change.guestId !== undefined,
      change.guestId ?? null,
      change.marketingConsentAt !== undefined,
      change.marketingConsentAt ?? null,
      change.passphrase !== undefined,
      change.passphrase ?? null,
      change.waypoints ?? null,
    ],
  );
  return rows[0] ?? null;
}

/** The sealed passphrase of a device; null without one. */
export async function passphraseOf(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<Uint8Array | null> {
  const { rows } = await tx.query<{ passphrase: Uint8Array | null }>(
    'select passphrase from devices where merchant_id = $1 and id = $2',
    [merchantId, id],
  );
  return rows[0]?.passphrase ?? null;
}

/** What was pushed to a device last; null when nothing was. */
export async function waypointsSent<T>(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<T | null> {
  const { rows } = await tx.query<{ sent: T | null }>(
    'select waypoints_sent as sent from devices where merchant_id = $1 and id = $2 and waypoints',
    [merchantId, id],
  );
  return rows[0]?.sent ?? null;
}

export async function rememberWaypoints(
  tx: Queryable,
  merchantId: string,
  id: string,
  sent: unknown,
): Promise<void> {
  await tx.query('update devices set waypoints_sent = $3 where merchant_id = $1 and id = $2', [
    merchantId,
    id,
    JSON.stringify(sent),
  ]);
}

/** The device's token stops working for good; revoking twice keeps the first time. */
export async function revokeDevice(
  tx: Queryable,
  merchantId: string,
  id: string,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update devices set revoked_at = coalesce(revoked_at, $3) where merchant_id = $1 and id = $2',
    [merchantId, id, now],
  );
  return rowCount > 0;
}

/** Puts a new token in place of the old; null when there is no such device or it is revoked. */
export async function replaceToken(
  tx: Queryable,
  merchantId: string,
  id: string,
  tokenHash: Buffer,
): Promise<DeviceRow | null> {
  const { rows } = await tx.query<DeviceRow>(
    `update devices set token_hash = $3
     where merchant_id = $1 and id = $2 and revoked_at is null returning ${columns}`,
    [merchantId, id, tokenHash],
  );
  return rows[0] ?? null;
}

/** Whether a guest of this merchant has this id: foreign keys do not ask whose row it is. */
export async function hasGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<boolean> {
  const { rowCount } = await tx.query('select 1 from guests where merchant_id = $1 and id = $2', [
    merchantId,
    guestId,
  ]);
  return rowCount > 0;
}
