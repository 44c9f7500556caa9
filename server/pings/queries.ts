/** What a batch reads and writes: the device's state under lock, its pings with their verdicts. */
import type { DeviceState } from '../../geo/state.ts';
import type { Queryable, Row } from '../db/database.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Cooling } from './cooling.ts';
import type { ParsedPing } from './ping.ts';
import { bounded } from './history.ts';

interface LoadedRow extends Row {
  guest_id: string | null;
  revoked: boolean;
  state: object | null;
  skew: number[] | null;
  cooling: Cooling | null;
  since_checkpoint: number;
  fence_revision: number;
  known: number[] | null;
  /** Whether somebody wrote the state while this waited for it. */
  waited: boolean;
}

export interface Loaded {
  guestId: string | null;
  revoked: boolean;
  /** As stored, perhaps by an older release (see state.ts). Null for a device that never pinged. */
  state: object | null;
  /** Recent differences between its clock and ours (see skew.ts). */
  skew: readonly number[];
  cooling: Cooling | null;
  sinceCheckpoint: number;
  /** The merchant's fences as of now; see fences/live.ts. */
  fenceRevision: number;
  /** Indexes of the asked pings that are stored already. */
  known: Set<number>;
}

/**
 * Locks the device's state and reads all a batch needs, in one round trip. The lock is what keeps
 * one writer per device across processes. Null when there is no such device.
 */
export async function lockDevice(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  pings: readonly Pick<ParsedPing, 'at' | 'key'>[],
  now: number,
): Promise<Loaded | null> {
  const found =
    (await selectLocked(tx, merchantId, deviceId, pings)) ??
    (await firstState(tx, merchantId, deviceId, pings, now));
  // All but the state is then as it was before the wait: the fences' revision, a revoked token.
  const row = found?.waited ? await selectLocked(tx, merchantId, deviceId, pings) : found;
  return (
    row && {
      guestId: row.guest_id,
      revoked: row.revoked,
      state: row.state,
      skew: row.skew ?? [],
      cooling: row.cooling,
      sinceCheckpoint: row.since_checkpoint,
      fenceRevision: row.fence_revision,
      known: new Set(row.known ?? []),
    }
  );
}

/** A device's first batch makes the row that later ones lock. */
async function firstState(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  pings: readonly Pick<ParsedPing, 'at' | 'key'>[],
  now: number,
): Promise<LoadedRow | null> {
  await tx.query(
    `insert into device_states (device_id, merchant_id, state, updated_at)
     select id, merchant_id, 'null', $3 from devices where id = $2 and merchant_id = $1
     on conflict do nothing`,
    [merchantId, deviceId, new Date(now)],
  );
  return selectLocked(tx, merchantId, deviceId, pings);
}

async function selectLocked(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  pings: readonly Pick<ParsedPing, 'at' | 'key'>[],
): Promise<LoadedRow | null> {
  const times = pings.map((ping) => ping.at);
  // The bounds let the planner leave out the partitions of all other days.
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const { rows } = await tx.query<LoadedRow>(
    `with locked as materialized (
       select state, skew, cooling, since_checkpoint, xmin as written_by from device_states
       where device_id = $2 and merchant_id = $1 for update)
     select d.guest_id, d.revoked_at is not null as revoked, l.state, l.skew, l.cooling, l.since_checkpoint,
       l.written_by is distinct from (
         select xmin from device_states where device_id = $2 and merchant_id = $1) as waited,
       coalesce((select revision from fence_revisions where merchant_id = $1), 0) as fence_revision,
       (select jsonb_agg(k.i)
        from unnest($3::timestamptz[], $4::text[]) with ordinality as k (at, key, i)
        join pings p on p.device_id = $2 and p.at = k.at and p.ping_key = k.key
        where p.merchant_id = $1 and p.at >= $5 and p.at <= $6) as known
     from devices d cross join locked l where d.id = $2 and d.merchant_id = $1`,
    [
      merchantId,
      deviceId,
      times.map((at) => new Date(at).toISOString()),
      pings.map((ping) => ping.key),
      new Date(first),
      new Date(last),
    ],
  );
  const row = rows[0];
  return row ? { ...row, known: row.known?.map((i) => i - 1) ?? null } : null;
}

/** A ping with its verdict, on its way into the table. */
export interface JudgedPing {
  ping: ParsedPing;
  /** The time it was judged by; ms since 1970. */
  judgedAt: number;
  /** Null when accepted. */
  reason: string | null;
  /** False when the engine was never told. */
  usable: boolean;
}

export interface DeviceUpdate {
  state: DeviceState;
  wakeAt: number | null;
  /** The app that sent the batch; null when this house made it. */
  app: string | null;
  skew: readonly number[];
  cooling: Cooling | null;
  sinceCheckpoint: number;
  checkpoints: readonly Checkpoint[];
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** What is as usual is left out: the statement fills it in, and most of a ping is as usual. */
function toRow({ ping, judgedAt, reason, usable }: JudgedPing) {
  return {
    at: iso(ping.at),
    judged_at: judgedAt === ping.at ? undefined : iso(judgedAt),
    key: ping.key,
    lon: ping.lon,
    lat: ping.lat,
    accuracy: bounded(ping.accuracy),
    kind: ping.accuracyKind,
    speed: bounded(ping.speed),
    still: ping.still || undefined,
    mock: ping.mock || undefined,
    heard: ping.heard.length === 0 ? undefined : ping.heard,
    evidence: ping.evidence ?? undefined,
    source: ping.source,
    reason: reason ?? undefined,
    unusable: usable ? undefined : true,
    extras: ping.extras ?? undefined,
  };
}

/** Stores new pings and the state after them, in one round trip. Returns how many pings were new. */
export async function saveDevice(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  judged: readonly JudgedPing[],
  update: DeviceUpdate,
  now: number,
): Promise<number> {
  const { app, checkpoints, cooling, skew } = update;
  const { rows: counts } = await tx.query<{ kept: number }>(
    `with kept as (
       insert into pings (merchant_id, device_id, at, judged_at, ping_key, received_at, lon, lat,
         accuracy_m, accuracy_kind, speed_mps, still, mock, heard, evidence, source, accepted, reason,
         usable, extras)
       select $1, $2, at, coalesce(judged_at, at), key, $3, lon, lat, accuracy, kind, speed,
         coalesce(still, false), coalesce(mock, false), heard, evidence, source, reason is null,
         reason, unusable is null, extras
       from jsonb_to_recordset($4::jsonb) as p (at timestamptz, judged_at timestamptz, key text,
         lon double precision, lat double precision, accuracy double precision, kind text,
         speed double precision, still boolean, mock boolean, heard jsonb, evidence jsonb,
         source text, reason text, unusable boolean, extras jsonb)
       on conflict do nothing returning 1),
     remembered as (
       update device_states set state = $5, wake_at = $6, updated_at = $3, skew = $9,
         cooling = $10, since_checkpoint = $11
       where device_id = $2 and merchant_id = $1 returning 1),
     marked as (
       insert into device_checkpoints (device_id, merchant_id, at, state)
       select $2, $1, at, state from jsonb_to_recordset($12::jsonb) as c (at timestamptz, state jsonb)
       on conflict (device_id, at) do update set state = excluded.state returning 1),
     heard as (
       update devices set last_ping_at = $3, last_app = $7
       where id = $2 and merchant_id = $1 and $7::text is not null
         and (last_ping_at is null or last_ping_at < $8 or last_app is distinct from $7) returning 1)
     select (select count(*) from kept) as kept, (select count(*) from remembered) as remembered,
       (select count(*) from marked) as marked, (select count(*) from heard) as heard`,
    [
      merchantId,
      deviceId,
      new Date(now),
      JSON.stringify(judged.map(toRow)),
      JSON.stringify(update.state),
      update.wakeAt === null ? null : new Date(update.wakeAt),
      app,
      // Not at every ping: the device's row would be rewritten for nothing but a later second.
      new Date(now - 30_000),
      skew.length === 0 ? null : JSON.stringify(skew),
      cooling && JSON.stringify(cooling),
      update.sinceCheckpoint,
      JSON.stringify(checkpoints.map(({ at, state }) => ({ at: iso(at), state }))),
    ],
  );
  return counts[0]?.kept ?? 0;
}

export interface Sleeper {
  merchantId: string;
  deviceId: string;
}

/** Devices whose silence is due to be judged, of all merchants, the longest overdue first. */
export async function dueSleepers(db: Queryable, now: number, limit: number): Promise<Sleeper[]> {
  const { rows } = await db.query<{ merchant_id: string; device_id: string }>(
    `select merchant_id, device_id from device_states
     where wake_at <= $1 order by wake_at limit $2`,
    [new Date(now), limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, deviceId: row.device_id }));
}

export interface SleepingDevice {
  /** As stored (see state.ts). */
  state: object;
  cooling: Cooling | null;
  guestId: string | null;
}

/** Locks a device whose deadline has passed; null when a ping came in the meantime. */
export async function lockSleeper(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  now: number,
): Promise<SleepingDevice | null> {
  const { rows } = await tx.query<{
    state: object | null;
    cooling: Cooling | null;
    guest_id: string | null;
  }>(
    `select s.state, s.cooling, d.guest_id from device_states s join devices d on d.id = s.device_id
     where s.device_id = $2 and s.merchant_id = $1 and s.wake_at <= $3 for update of s`,
    [merchantId, deviceId, new Date(now)],
  );
  const row = rows[0];
  return row?.state ? { state: row.state, cooling: row.cooling, guestId: row.guest_id } : null;
}

export async function saveState(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  update: Pick<DeviceUpdate, 'state' | 'wakeAt' | 'cooling'>,
  now: number,
): Promise<void> {
  await tx.query(
    `update device_states set state = $3, wake_at = $4, cooling = $5, updated_at = $6
     where merchant_id = $1 and device_id = $2`,
    [
      merchantId,
      deviceId,
      JSON.stringify(update.state),
      update.wakeAt === null ? null : new Date(update.wakeAt),
      update.cooling && JSON.stringify(update.cooling),
      new Date(now),
    ],
  );
}

/** Puts off a judgement that failed; nothing else of the device changes. */
export async function wakeLater(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  wakeAt: number,
): Promise<void> {
  await tx.query(
    'update device_states set wake_at = $3 where merchant_id = $1 and device_id = $2 and wake_at < $3',
    [merchantId, deviceId, new Date(wakeAt)],
  );
}

const day = (at: Date): string => at.toISOString().slice(0, 10);

/** Makes the daily partitions between two days (UTC). */
export async function makePartitions(db: Queryable, from: Date, to: Date): Promise<void> {
  await db.query('call foyer_ping_partitions($1::date, $2::date)', [day(from), day(to)]);
}

/** Daily partitions that end before a day (UTC), oldest first. */
export async function partitionsBefore(db: Queryable, before: Date): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'pings'::regclass and c.relname ~ '^pings_\\d{8}$' and c.relname < $1
     order by 1`,
    [`pings_${day(before).replaceAll('-', '')}`],
  );
  return rows.map((row) => row.name);
}

/** Drops a whole day of raw pings. The name comes from `partitionsBefore`, never from outside. */
export async function dropPartition(db: Queryable, name: string): Promise<void> {
  if (!/^pings_\d{8}$/.test(name)) throw new Error(`not a day of pings: ${name}`);
  await db.query(`drop table if exists ${name}`);
}

/**
 * Deletes old pings of the default partition, which holds what no daily one took: times out of line
 * with their arrival. They go by arrival, or a ping "from 2031" would stay until then.
 */
export async function forgetStrays(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from pings_default where ctid = any (array(
       select ctid from pings_default where received_at < $1 limit $2))`,
    [before, limit],
  );
  return rowCount;
}
