/** SQL of a device's past: stored pings, remembered states, verdicts put right. */
import type { DeviceState } from '../../geo/state.ts';
import type { AccuracyKind, Evidence } from '../../geo/quality.ts';
import type { Queryable, Row } from '../db/database.ts';
import type { Source } from './ping.ts';

export interface PastPing extends Row {
  at: Date;
  judged_at: Date;
  ping_key: string;
  received_at: Date;
  lon: number;
  lat: number;
  accuracy_m: number | null;
  accuracy_kind: AccuracyKind;
  speed_mps: number | null;
  still: boolean;
  mock: boolean;
  heard: string[] | null;
  evidence: Evidence | null;
  source: Source;
  accepted: boolean;
  reason: string | null;
  usable: boolean;
}

/** The earliest `limit` pings of a device judged from `from` to `to`, both included. */
export async function pastPings(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  span: { from: number; to: number; limit: number; usable: boolean },
): Promise<PastPing[]> {
  const { rows } = await tx.query<PastPing>(
    `select at, judged_at, ping_key, received_at, lon, lat, accuracy_m, accuracy_kind, speed_mps,
       still, mock, heard, evidence, source, accepted, reason, usable
     from pings
     where merchant_id = $1 and device_id = $2 and judged_at >= $3 and judged_at <= $4
       and (usable or not $5::boolean)
     order by judged_at, ping_key limit $6`,
    [merchantId, deviceId, new Date(span.from), new Date(span.to), span.usable, span.limit],
  );
  return rows;
}

/** The newest checkpoint from before an instant. */
export async function pastState(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  before: number,
): Promise<DeviceState | null> {
  const { rows } = await tx.query<{ state: DeviceState }>(
    `select state from device_checkpoints
     where merchant_id = $1 and device_id = $2 and at < $3 order by at desc limit 1`,
    [merchantId, deviceId, new Date(before)],
  );
  return rows[0]?.state ?? null;
}

/** A verdict that a late ping turned round. */
export interface Correction {
  at: number;
  key: string;
  reason: string | null;
}

/** Checkpoints from `from` on no longer hold, and some verdicts are others now. */
export async function correctPast(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  from: number,
  corrections: readonly Correction[],
): Promise<void> {
  await tx.query(
    'delete from device_checkpoints where merchant_id = $1 and device_id = $2 and at >= $3',
    [merchantId, deviceId, new Date(from)],
  );
  if (corrections.length === 0) return;
  const times = corrections.map(({ at }) => at);
  await tx.query(
    `update pings p set accepted = c.reason is null, reason = c.reason
     from jsonb_to_recordset($3::jsonb) as c (at timestamptz, key text, reason text)
     where p.merchant_id = $1 and p.device_id = $2 and p.at = c.at and p.ping_key = c.key
       and p.at >= $4 and p.at <= $5`,
    [
      merchantId,
      deviceId,
      JSON.stringify(corrections.map((c) => ({ ...c, at: new Date(c.at).toISOString() }))),
      new Date(Math.min(...times)),
      new Date(Math.max(...times)),
    ],
  );
}

/**
 * Drops checkpoints older than `before`, but each device's newest of them: from there on its history
 * can still be run again.
 */
export async function dropCheckpoints(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from device_checkpoints c
     where c.at < $1 and exists (
       select 1 from device_checkpoints newer
       where newer.device_id = c.device_id and newer.at > c.at and newer.at < $1)`,
    [new Date(before)],
  );
  return rowCount;
}

/**
 * Forgets where devices were that have not been heard of since `before` and have nothing open: state,
 * clock and checkpoints. Returns how many devices.
 */
export async function blankStates(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `with quiet as (
       select device_id from device_states
       where updated_at < $1 and wake_at is null and state <> 'null' limit $2 for update skip locked),
     dropped as (
       delete from device_checkpoints c using quiet q where c.device_id = q.device_id)
     update device_states s set state = 'null', skew = null, cooling = null, since_checkpoint = 0
     from quiet q where s.device_id = q.device_id`,
    [before, limit],
  );
  return rowCount;
}
