/** Says for the portal whether a card number and its second factor belong together; wrong tries are bounded. */
import type { Database, Queryable } from '../db/database.ts';
import { networkOf } from '../http/network.ts';
import { deriveKey, keyedHash, sameBytes } from '../ids.ts';
import { cardNumber, factorDigits } from './number.ts';
import type { CardRow } from './queries.ts';
import { cardByNumber } from './queries.ts';
import type { Trier, TryCounts } from './try-queries.ts';
import { countTries, dropTries, lockTries, noteTry } from './try-queries.ts';

/** The part of a store this file needs. */
interface StoreRef {
  id: string;
  merchantId: string;
}

export interface MemberDeps {
  db: Database;
  clock: () => number;
  /** The installation's secret. */
  secret: Buffer;
}

export type CheckOutcome =
  { ok: true; number: string } | { ok: false; reason: 'unknown' | 'too-many-tries' | 'blocked' };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30 * DAY;
const SHORT = 15 * MINUTE;

/**
 * Wrong tries before even the right factor is refused. Of ten thousand PINs a thief of a number sees
 * ten a day and thirty a month; a network may be a whole shop behind one address.
 */
export const TRIES = {
  numberPerHour: 5,
  numberPerDay: 10,
  numberPerMonth: 30,
  devicePerQuarter: 8,
  networkPerQuarter: 40,
} as const;

/** Keyed hashes of a merchant's cards: the key is the installation's, so a copy of the rows alone guesses nothing. */
export function cardHashes(secret: Buffer) {
  const key = deriveKey(secret, 'member cards');
  return {
    factor: (merchantId: string, number: string, digits: string): Buffer =>
      keyedHash(key, 'factor', merchantId, number, digits),
    number: (merchantId: string, number: string): Buffer =>
      keyedHash(key, 'number', merchantId, number),
    device: (merchantId: string, mac: string): Buffer =>
      keyedHash(key, 'device', merchantId, mac.toLowerCase()),
    network: (merchantId: string, ip: string): Buffer =>
      keyedHash(key, 'network', merchantId, networkOf(ip)),
  };
}

function exhausted(counts: TryCounts): boolean {
  return (
    counts.number_hour >= TRIES.numberPerHour ||
    counts.number_day >= TRIES.numberPerDay ||
    counts.number_month >= TRIES.numberPerMonth ||
    counts.device >= TRIES.devicePerQuarter ||
    counts.network >= TRIES.networkPerQuarter
  );
}

/** Whether the card may be used at `now`: neither blocked nor past its end. */
export function cardIsGood(card: CardRow, now: number): boolean {
  return card.blocked_at === null && (card.expires_at === null || card.expires_at.getTime() > now);
}

/** What stands for a card that does not exist: no digits hash to it. */
const NO_CARD = Buffer.alloc(32);

export function createMembers({ db, clock, secret }: MemberDeps) {
  const hashes = cardHashes(secret);

  /** An unknown number runs through the same statements and the same comparison as a known one. */
  async function judge(
    tx: Queryable,
    merchantId: string,
    typed: { number: string; factor: string },
    by: Trier,
  ): Promise<CheckOutcome> {
    await lockTries(tx, merchantId);
    const now = clock();
    const since = { short: now - SHORT, hour: now - HOUR, day: now - DAY, month: now - MONTH };
    const counts = await countTries(tx, merchantId, by, since);
    const number = cardNumber(typed.number) ?? '';
    const card = await cardByNumber(tx, merchantId, number);
    const digits = factorDigits(typed.factor) ?? '';
    const right = sameBytes(
      card?.factor_hash ?? NO_CARD,
      hashes.factor(merchantId, number, digits),
    );
    if (exhausted(counts)) return { ok: false, reason: 'too-many-tries' };
    if (card === null || !right) {
      await noteTry(tx, merchantId, by, now);
      return { ok: false, reason: 'unknown' };
    }
    return cardIsGood(card, now) ? { ok: true, number } : { ok: false, reason: 'blocked' };
  }

  return {
    async check(
      store: StoreRef,
      typed: { number: string; factor: string },
      mac: string,
      ip: string,
    ): Promise<CheckOutcome> {
      const { merchantId } = store;
      const by = {
        // Rubbish is nobody's number: counted for its sender alone.
        number: hashes.number(merchantId, cardNumber(typed.number) ?? `rubbish ${mac}`),
        device: hashes.device(merchantId, mac),
        network: hashes.network(merchantId, ip),
      };
      return db.tx((tx) => judge(tx, merchantId, typed, by), { tenant: merchantId });
    },
  };
}

/** Drops tries that count no longer. For the timed jobs. */
export async function forgetMemberTries(db: Queryable, now: number): Promise<number> {
  return dropTries(db, now - MONTH);
}
