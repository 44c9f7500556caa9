/** Every number that bounds one-time codes, and the judge that applies those on sending. */
import type { Queryable } from '../db/database.ts';
import type { Channel, Counted } from './queries.ts';
import { sendsAndUses, sendsAtLimit } from './queries.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long a code works. */
export const CODE_MS = 5 * MINUTE;
/** Guesses at one code: 5 in 1,000,000. */
export const CODE_TRIES = 5;
/** Pause before another code to the same address. */
export const RESEND_MS = 45_000;

/** Sends allowed in a window, for everything of one kind. Counted over all stores of the merchant, except `store`. */
export const SEND_LIMITS = {
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
  network: [{ sends: 60, per: HOUR }],
} as const;

/** Caps of one store, the same for every store: room for a busy shop. */
export const STORE_CAPS = { perHour: 300, smsPerDay: 1000 } as const;

/** What one store may send. */
export interface SendPolicy {
  /** ISO 3166-1 alpha-2 countries whose numbers get an SMS; the merchant may set them. */
  countries: readonly string[];
  /** Codes per hour, each channel. */
  perHour: number;
  /** The spend breaker: SMS per day. */
  smsPerDay: number;
}

/** The store's own country and the usual caps. */
export function defaultSendPolicy(country: string): SendPolicy {
  return { countries: [country], ...STORE_CAPS };
}

/**
 * The second spend breaker: people who ask for a code mostly type it. When of at least this many SMS
 * in an hour fewer than this share were used, somebody is pumping SMS and sending stops.
 */
export const PUMPING = { sends: 50, usedShare: 0.1, per: HOUR } as const;

export interface SendAttempt {
  merchantId: string;
  storeId: string;
  channel: Channel;
  addressHash: Buffer;
  deviceHash: Buffer;
  networkHash: Buffer;
}

export type SendVerdict =
  | { ok: true }
  | { ok: false; reason: 'too-many-sends' | 'unavailable'; by: string; retryAt: number };

async function pumped(tx: Queryable, attempt: SendAttempt, now: number): Promise<boolean> {
  // The newest codes had no time yet to be typed.
  const to = now - CODE_MS;
  const { sends, uses } = await sendsAndUses(
    tx,
    attempt.merchantId,
    attempt.storeId,
    attempt.channel,
    to - PUMPING.per,
    to,
  );
  return sends >= PUMPING.sends && uses < sends * PUMPING.usedShare;
}

/** Whether one more code may be sent; the caller holds the sending lock. */
export async function judgeSend(
  tx: Queryable,
  attempt: SendAttempt,
  policy: SendPolicy,
  now: number,
): Promise<SendVerdict> {
  const own: [Counted, readonly { sends: number; per: number }[]][] = [
    [{ by: 'address', hash: attempt.addressHash }, SEND_LIMITS.address],
    [{ by: 'device', hash: attempt.deviceHash }, SEND_LIMITS.device],
    [{ by: 'network', hash: attempt.networkHash }, SEND_LIMITS.network],
  ];
  const store: Counted = { by: 'store', storeId: attempt.storeId, channel: attempt.channel };
  const shared = [{ sends: policy.perHour, per: HOUR }];
  if (attempt.channel === 'sms') shared.push({ sends: policy.smsPerDay, per: DAY });

  let refused: { by: string; retryAt: number } | null = null;
  for (const [counted, limits] of own) {
    for (const { sends, per } of limits) {
      const full = await sendsAtLimit(tx, attempt.merchantId, counted, sends, now - per);
      if (full !== null && full + per > (refused?.retryAt ?? 0)) {
        refused = { by: counted.by, retryAt: full + per };
      }
    }
  }
  if (refused) return { ok: false, reason: 'too-many-sends', ...refused };
  for (const { sends, per } of shared) {
    const full = await sendsAtLimit(tx, attempt.merchantId, store, sends, now - per);
    if (full !== null)
      return { ok: false, reason: 'unavailable', by: 'store', retryAt: full + per };
  }
  if (attempt.channel === 'sms' && (await pumped(tx, attempt, now))) {
    return { ok: false, reason: 'unavailable', by: 'pumping', retryAt: now + 15 * MINUTE };
  }
  return { ok: true };
}
