/** Every number that bounds one-time codes, and the judge that applies those on sending. */
import type { Queryable } from '../db/database.ts';
import { pauseOf, pausePrefix } from './pause-queries.ts';
import type { Channel, Counted, Full } from './queries.ts';
import { firstFull, sendsAndUses } from './queries.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long a code works. */
export const CODE_MS = 5 * MINUTE;
/** Guesses at one code: 5 in 1,000,000. */
export const CODE_TRIES = 5;
/** Pause before another code to the same address. */
export const RESEND_MS = 45_000;

/** Sends allowed in a window, ms. */
interface Limit {
  sends: number;
  per: number;
}

/** For everything of one kind; counted over all stores of the merchant. */
const SEND_LIMITS = {
  address: [
    { sends: 1, per: RESEND_MS },
    { sends: 5, per: HOUR },
    { sends: 10, per: DAY },
  ],
  device: [
    { sends: 6, per: HOUR },
    { sends: 12, per: DAY },
  ],
  /** A network may be a whole shop behind one address, so this is wide. */
  network: [
    { sends: 60, per: HOUR },
    { sends: 400, per: DAY },
  ],
} as const satisfies Record<string, readonly Limit[]>;

/**
 * SMS of one store to numbers of one range (a country's code and the next three digits), and to all
 * numbers of a country that is not the store's own: few real guests come from one range at once, while
 * those who earn by texts own whole ranges, mostly abroad.
 */
export const SMS_LIMITS = {
  prefix: [
    { sends: 60, per: HOUR },
    { sends: 300, per: DAY },
  ],
  country: [
    { sends: 60, per: HOUR },
    { sends: 300, per: DAY },
  ],
} as const satisfies Record<string, readonly Limit[]>;

/** Caps of one store: room for a busy shop. The day's SMS are the merchant's to set, up to this. */
const STORE_CAPS = { perHour: 300, smsPerDay: 1000 } as const;
/** The merchant's SMS of a day, over all stores, are at most this many times those of one store. */
const MERCHANT_STORES = 5;

/** What one store may send. */
export interface SendPolicy {
  /** ISO 3166-1 alpha-2; its numbers are not counted as foreign. */
  country: string;
  /** Countries whose numbers get an SMS; the merchant may set them. */
  countries: readonly string[];
  /** Codes per hour, each channel. */
  perHour: number;
  /** The spend breaker: SMS per day of this store. */
  smsPerDay: number;
  /** The spend breaker over all stores of the merchant: SMS per day. */
  merchantSmsPerDay: number;
}

/** PURE. The store's own country unless it says others, and the day's budget it was given. */
export function sendPolicyOf(
  country: string,
  sms: { countries: readonly string[]; perDay: number },
): SendPolicy {
  const smsPerDay = Math.min(sms.perDay, STORE_CAPS.smsPerDay);
  return {
    country,
    countries: sms.countries.length > 0 ? sms.countries : [country],
    perHour: STORE_CAPS.perHour,
    smsPerDay,
    merchantSmsPerDay: MERCHANT_STORES * smsPerDay,
  };
}

/** The store's own country and the usual caps. */
export function defaultSendPolicy(country: string): SendPolicy {
  return sendPolicyOf(country, { countries: [], perDay: STORE_CAPS.smsPerDay });
}

/**
 * People who ask for a code mostly type it. When of at least this many SMS in an hour fewer than this
 * share were used, somebody is pumping SMS: to one range of numbers, and that range is left alone for
 * `pause`; or from one store, and that store's SMS stop.
 */
export const PUMPING = {
  sends: 50,
  prefixSends: 20,
  usedShare: 0.1,
  per: HOUR,
  pause: 6 * HOUR,
} as const;

export interface SendAttempt {
  merchantId: string;
  storeId: string;
  channel: Channel;
  addressHash: Buffer;
  deviceHash: Buffer;
  networkHash: Buffer;
  /** Of an SMS: its country, and the first digits of its number. */
  target: { country: string; prefix: string } | null;
}

export type SendVerdict =
  | { ok: true }
  | { ok: false; reason: 'too-many-sends'; by: string; retryAt: number }
  | { ok: false; reason: 'unavailable'; by: string; retryAt: number; paused?: Pause };

/** A range of numbers that was just found to be pumped. */
export interface Pause {
  prefix: string;
  country: string;
  sends: number;
  uses: number;
  until: number;
}

/** Everything this send counts towards, and how many sends each may have. */
function countsOf(attempt: SendAttempt, policy: SendPolicy): [Counted, readonly Limit[]][] {
  const { storeId, channel, target } = attempt;
  const counts: [Counted, readonly Limit[]][] = [
    [{ by: 'address', hash: attempt.addressHash }, SEND_LIMITS.address],
    [{ by: 'device', hash: attempt.deviceHash }, SEND_LIMITS.device],
    [{ by: 'network', hash: attempt.networkHash }, SEND_LIMITS.network],
    [{ by: 'store', storeId, channel }, [{ sends: policy.perHour, per: HOUR }]],
  ];
  if (channel !== 'sms' || target === null) return counts;
  const { country, prefix } = target;
  counts.push(
    [{ by: 'store', storeId, channel }, [{ sends: policy.smsPerDay, per: DAY }]],
    [{ by: 'merchant', channel }, [{ sends: policy.merchantSmsPerDay, per: DAY }]],
    [{ by: 'prefix', storeId, prefix }, SMS_LIMITS.prefix],
  );
  if (country !== policy.country) {
    counts.push([{ by: 'country', storeId, country }, SMS_LIMITS.country]);
  }
  return counts;
}

/** Limits a guest reaches by asking too often; the others are the house's. */
const OWN = new Set<string>(['address', 'device', 'network']);

/** The limit that is full for longest: a guest's own before the house's. */
function worst(full: readonly Full[]): Full | null {
  const own = full.filter(({ by }) => OWN.has(by));
  const named = own.length > 0 ? own : full;
  return named.toSorted((a, b) => b.retryAt - a.retryAt)[0] ?? null;
}

const isPumped = (least: number, { sends, uses }: { sends: number; uses: number }): boolean =>
  sends >= least && uses < sends * PUMPING.usedShare;

/** Whether the numbers of this range, or this store, are being pumped. */
async function pumped(
  tx: Queryable,
  { merchantId, storeId, channel, target }: SendAttempt,
  now: number,
): Promise<SendVerdict> {
  if (channel !== 'sms' || target === null) return { ok: true };
  const { prefix, country } = target;
  const pausedUntil = await pauseOf(tx, merchantId, prefix, now);
  if (pausedUntil !== null) {
    return { ok: false, reason: 'unavailable', by: 'paused-prefix', retryAt: pausedUntil };
  }
  // The newest codes had no time yet to be typed.
  const span = { from: now - CODE_MS - PUMPING.per, to: now - CODE_MS };
  const counts = await sendsAndUses(tx, merchantId, storeId, prefix, span);
  if (isPumped(PUMPING.prefixSends, counts.prefix)) {
    const until = now + PUMPING.pause;
    const paused = { prefix, country, ...counts.prefix, until };
    await pausePrefix(tx, merchantId, paused, now);
    return { ok: false, reason: 'unavailable', by: 'prefix-pumped', retryAt: until, paused };
  }
  if (isPumped(PUMPING.sends, counts.store)) {
    return { ok: false, reason: 'unavailable', by: 'pumping', retryAt: now + 15 * MINUTE };
  }
  return { ok: true };
}

/** Whether one more code may be sent; the caller holds the sending lock. */
export async function judgeSend(
  tx: Queryable,
  attempt: SendAttempt,
  policy: SendPolicy,
  now: number,
): Promise<SendVerdict> {
  const limits = countsOf(attempt, policy).flatMap(([counted, list]) =>
    list.map(({ sends, per }) => ({ counted, sends, per })),
  );
  const refused = worst(await firstFull(tx, attempt.merchantId, limits, now));
  if (refused === null) return pumped(tx, attempt, now);
  return OWN.has(refused.by)
    ? { ok: false, reason: 'too-many-sends', ...refused }
    : { ok: false, reason: 'unavailable', ...refused };
}
