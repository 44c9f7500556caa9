/** Who a device token belongs to, remembered for a few seconds so that each ping costs no query for it. */
import type { Database } from '../db/database.ts';
import type { DeviceCaller } from '../http/route.ts';
import { hashToken } from '../ids.ts';
import { callerById, callerByTokenHash } from './queries.ts';

export interface DeviceCallers {
  find: (token: string) => Promise<DeviceCaller | null>;
  /** By id: only for what a broker has checked. */
  findById: (id: string) => Promise<DeviceCaller | null>;
  /** Forgets what is remembered of a device: after revoking, a new token, or another guest. */
  forget(deviceId: string): void;
}

export interface CallersOptions {
  /** Devices remembered at most; the least recently used goes first. */
  size?: number;
  /** Milliseconds until a caller is looked up again: bounds how long other processes lag behind. */
  ttl?: number;
}

/** The caller behind a device token, or null. */
export function findDeviceByToken(
  db: Pick<Database, 'query'>,
  token: string,
): Promise<DeviceCaller | null> {
  return callerByTokenHash(db, hashToken(token));
}

export function createDeviceCallers(
  deps: { db: Pick<Database, 'query'>; clock: () => number },
  { size = 20_000, ttl = 10_000 }: CallersOptions = {},
): DeviceCallers {
  const { db, clock } = deps;
  // A Map keeps insertion order: the first key is the least recently used.
  const known = new Map<string, { caller: DeviceCaller; until: number }>();

  async function remembered(
    key: string,
    look: () => Promise<DeviceCaller | null>,
  ): Promise<DeviceCaller | null> {
    const hit = known.get(key);
    known.delete(key);
    if (hit && hit.until > clock()) {
      known.set(key, hit);
      return hit.caller;
    }
    const caller = await look();
    if (caller) {
      known.set(key, { caller, until: clock() + ttl });
      if (known.size > size) known.delete(known.keys().next().value as string);
    }
    return caller;
  }

  return {
    find(token) {
      const hash = hashToken(token);
      return remembered(hash.toString('latin1'), () => callerByTokenHash(db, hash));
    },
    findById: (id) => remembered(id, () => callerById(db, id)),
    forget(deviceId) {
      for (const [key, { caller }] of known) if (caller.deviceId === deviceId) known.delete(key);
    },
  };
}
