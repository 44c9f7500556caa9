/** What is remembered of a device's past: its pings as the engine was told them, and earlier states. */
import type { AccuracyKind, Ping } from '../../geo/quality.ts';
import type { DeviceState, Turn } from '../../geo/state.ts';
import type { Queryable } from '../db/database.ts';
import type { PastPing } from './history-queries.ts';
import type { Source } from './ping.ts';
import { compareTurns } from '../../geo/history.ts';
import { pastPings, pastState } from './history-queries.ts';
import { rememberedState } from './state.ts';

/** Late pings change history this far back, by their arrival; visits are final when nothing can. */
export const HORIZON = 24 * 3_600_000;

/** A stored ping with what the engine was told of it, and what it answered. */
export interface StoredPing {
  /** `t` is the time it was judged by, `key` its identity with `at`. */
  ping: Ping & { key: string };
  /** Milliseconds since 1970 by the device's own clock. */
  at: number;
  receivedAt: number;
  source: Source;
  accepted: boolean;
  /** Null when accepted. */
  reason: string | null;
  /** False: the engine was never told, because it could not be used or came too late. */
  usable: boolean;
}

/** What the engine needs of a ping beside its time, from whatever source. */
export interface Told {
  key: string;
  lon: number;
  lat: number;
  accuracy: number | null;
  accuracyKind: AccuracyKind;
  speed: number | null;
  still: boolean;
  mock: boolean;
  heard: readonly string[];
  evidence: Ping['evidence'] | null;
}

/** Beyond these a number is nonsense. */
export const bounded = (value: number | null): number | null =>
  value === null ? null : Math.min(Math.max(value, -1e6), 1e6);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A ping as the engine is told it: the same on arrival and, years later, from storage. */
export function toEngine(told: Told, t: number): Ping & { key: string } {
  // Field by field: every ping passes here, and spreading costs as much as a third of the engine.
  const ping: Mutable<Ping> & { key: string } = {
    t,
    key: told.key,
    lon: told.lon,
    lat: told.lat,
    acc: bounded(told.accuracy),
    accKind: told.accuracyKind,
    still: told.still,
    mock: told.mock,
  };
  const speed = bounded(told.speed);
  if (speed !== null) ping.speed = speed;
  if (told.heard.length > 0) ping.heard = told.heard;
  if (told.evidence) ping.evidence = told.evidence;
  return ping;
}

const toldBy = (row: PastPing): Told => ({
  key: row.ping_key,
  lon: row.lon,
  lat: row.lat,
  accuracy: row.accuracy_m,
  accuracyKind: row.accuracy_kind,
  speed: row.speed_mps,
  still: row.still,
  mock: row.mock,
  heard: row.heard ?? [],
  evidence: row.evidence,
});

function toStored(row: PastPing): StoredPing {
  const { accepted, reason, usable, source } = row;
  return {
    ping: toEngine(toldBy(row), row.judged_at.getTime()),
    at: row.at.getTime(),
    receivedAt: row.received_at.getTime(),
    source,
    accepted,
    reason,
    usable,
  };
}

/**
 * A device's pings judged between two instants (ms since 1970, both included) in the order in which
 * the engine takes them; the earliest `limit` of them. `usable` leaves out what it was never told.
 */
export async function storedPings(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  from: number,
  to: number,
  limit: number,
  only: 'all' | 'usable' = 'all',
): Promise<StoredPing[]> {
  const span = { from, to, limit, usable: only === 'usable' };
  const rows = await pastPings(tx, merchantId, deviceId, span);
  return rows.map(toStored).toSorted((a, b) => compareTurns(a.ping, b.ping));
}

/**
 * The newest remembered state that nothing at or after the turn has entered into; null when history
 * does not reach back so far. What was judged since is in `storedPings` after its head.
 */
export async function checkpointBefore(
  tx: Queryable,
  merchantId: string,
  deviceId: string,
  turn: Turn,
): Promise<DeviceState | null> {
  const state = await pastState(tx, merchantId, deviceId, turn.t);
  return state === null ? null : rememberedState(state, deviceId);
}
