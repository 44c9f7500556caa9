/** Keeps sealed journeys under short keys, so that a guest goes on elsewhere; whoever reads storage cannot. */
import { randomBytes } from 'node:crypto';
import { newSigns, parseSigns } from '../codes/printable.ts';
import type { Database, Queryable } from '../db/database.ts';
import { problem } from '../errors.ts';
import { deriveKey, keyedHash } from '../ids.ts';
import { dropLinks, insertLink, readLink, takeLink } from './queries.ts';

/** The part of a store this file needs. */
interface StoreRef {
  id: string;
  merchantId: string;
}

export interface LinkDeps {
  db: Database;
  clock: () => number;
  /** The installation's secret. */
  secret: Buffer;
}

const MINUTE = 60_000;
const SHORT_SIGNS = 8;
const STATE_BYTES = 32;
const STATE = /^[\w-]{43}$/;
const LONGEST_SEALED = 16_384;
const LONGEST_MS = 24 * 60 * MINUTE;

/** Live links of one store, each kind: many more journeys than a store has at once. */
export const MOST_LINKS = 5_000;
/**
 * Unknown short keys looked up a minute at one store before none is: 23⁸ keys and at most 5,000 live
 * ones make that a hit in a month of guessing, and no hit says who it was.
 */
export const MISSES_PER_MINUTE = 300;
const MOST_STORES_WATCHED = 2_000;

/** Counts wrong keys by store and minute, bounded: the oldest store goes first. */
function createMisses(clock: () => number) {
  const misses = new Map<string, { minute: number; count: number }>();
  const minuteNow = (): number => Math.floor(clock() / MINUTE);
  return {
    tooMany(storeId: string): boolean {
      const known = misses.get(storeId);
      return known?.minute === minuteNow() && known.count >= MISSES_PER_MINUTE;
    },
    note(storeId: string): void {
      const minute = minuteNow();
      const known = misses.get(storeId);
      const count = known?.minute === minute ? known.count + 1 : 1;
      misses.delete(storeId);
      misses.set(storeId, { minute, count });
      if (misses.size > MOST_STORES_WATCHED) misses.delete(misses.keys().next().value!);
    },
  };
}

export function createLinks({ db, clock, secret }: LinkDeps) {
  const key = deriveKey(secret, 'journey links');
  const hashOf = (kind: 'short' | 'state', storeId: string, name: string): Buffer =>
    keyedHash(key, kind, storeId, name);
  const misses = createMisses(clock);

  return {
    async keep(
      store: StoreRef,
      sealed: string,
      { ttlMs, kind }: { ttlMs: number; kind: 'short' | 'state' },
    ): Promise<string> {
      if (sealed.length > LONGEST_SEALED) throw problem('body-too-large');
      const { merchantId, id: storeId } = store;
      const name =
        kind === 'short' ? newSigns(SHORT_SIGNS) : randomBytes(STATE_BYTES).toString('base64url');
      const now = clock();
      const expiresAt = now + Math.min(Math.max(0, ttlMs), LONGEST_MS);
      const link = {
        keyHash: hashOf(kind, storeId, name),
        merchantId,
        storeId,
        kind,
        sealed,
        expiresAt,
      };
      const kept = await db.tx((tx) => insertLink(tx, link, MOST_LINKS, now), {
        tenant: merchantId,
      });
      if (!kept) throw problem('too-many-requests', { detail: 'Too many journeys are kept here.' });
      return name;
    },

    async find(store: StoreRef, typed: string): Promise<string | null> {
      const { merchantId, id: storeId } = store;
      if (STATE.test(typed)) {
        const hash = hashOf('state', storeId, typed);
        return db.tx((tx) => takeLink(tx, merchantId, storeId, hash, clock()), {
          tenant: merchantId,
        });
      }
      const name = parseSigns(typed, SHORT_SIGNS);
      if (name === null || misses.tooMany(storeId)) return null;
      const hash = hashOf('short', storeId, name);
      const sealed = await db.tx((tx) => readLink(tx, merchantId, storeId, hash, clock()), {
        tenant: merchantId,
        readOnly: true,
      });
      if (sealed === null) misses.note(storeId);
      return sealed;
    },
  };
}

/** Drops links that are too old to be read. For the timed jobs. */
export async function forgetLinks(db: Queryable, now: number): Promise<number> {
  return dropLinks(db, now);
}
