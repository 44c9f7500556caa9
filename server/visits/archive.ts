/** What is kept of the past and can be run again: pings, remembered states, fences as they stood. */
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { Timeline } from '../../geo/history.ts';
import type { Turn } from '../../geo/state.ts';
import type { Queryable } from '../db/database.ts';

/** A stored ping with what the engine was told of it, and what it answered. */
export interface ArchivedPing {
  readonly ping: Ping & { readonly key: string };
  readonly receivedAt: number;
  readonly source: string;
  /** Null when accepted. */
  readonly reason: string | null;
  /** False: the engine was never told of it. */
  readonly usable: boolean;
}

export interface FenceName {
  readonly name: string;
  readonly storeId: string | null;
}

/**
 * Given by the composition root: pings and fences know of visits, so visits must not know of them.
 * Everything is read inside the tenant's transaction.
 */
export interface Archive {
  /** Judged from `from` to `to` (ms since 1970, both included), in order; the earliest `limit`. */
  pings(
    tx: Queryable,
    merchantId: string,
    deviceId: string,
    span: { from: number; to: number; limit: number },
  ): Promise<readonly ArchivedPing[]>;
  /** A state that nothing at or after the turn has entered into; null when none is remembered. */
  stateBefore(
    tx: Queryable,
    merchantId: string,
    deviceId: string,
    turn: Turn,
  ): Promise<DeviceState | null>;
  /** Which fences stood when since `from`, and what all fences are called today. */
  fences(
    tx: Queryable,
    merchantId: string,
    from: number,
  ): Promise<{ timeline: Timeline; names: ReadonlyMap<string, FenceName> }>;
}
