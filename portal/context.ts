/** What a guest's journey has gathered, sealed into its own links so that no cookie and no script is needed. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { OpenRequest } from './gateways/gateway.ts';
import type {
  ConsentGiven,
  GatewayContext,
  Language,
  MethodName,
  Proof,
  StoreView,
} from './ports.ts';

/** What went wrong at the last form, said under the field it belongs to. */
export interface Trouble {
  kind:
    | 'address-invalid'
    | 'send-limit'
    | 'send-refused'
    | 'send-unavailable'
    | 'code-malformed'
    | 'code-wrong'
    | 'code-expired'
    | 'code-locked'
    | 'code-used'
    | 'voucher-unknown'
    | 'voucher-used'
    | 'voucher-expired'
    | 'voucher-limit'
    | 'terms-changed'
    | 'answer-missing'
    | 'host-down';
  /** Tries left. */
  left?: number;
  /** When another try makes sense (ms since 1970). */
  retryAt?: number;
}

/** Times are ms since 1970. Everything the guest typed stays here until admission, then goes. */
export interface Journey {
  storeId: string;
  language: Language;
  startedAt: number;
  /** Ties one-time codes to this journey. */
  binding: string;
  /** Absent once the guest is inside and came back by another way. */
  context?: GatewayContext;
  method?: MethodName;
  typed?: string;
  address?: string;
  resendAt?: number;
  proof?: Proof;
  consents?: ConsentGiven[];
  asks?: boolean;
  answer?: { key: string; value: string } | { key: string; dismissed: true };
  trouble?: Trouble;
  /** The host will not have this guest. */
  refused?: boolean;
  session?: InsideSession;
}

export interface InsideSession {
  grant: OpenRequest['grant'];
  expiresAt: number;
  admittedAt: number;
  landed?: boolean;
  returning?: boolean;
}

export type Unsealed =
  | { ok: true; journey: Journey }
  | { ok: false; reason: 'expired'; journey: Journey }
  | { ok: false; reason: 'forged' };

export interface Seal {
  close(journey: Journey, store: StoreView): string;
  open(sealed: string, store: StoreView): Unsealed;
}

/** Long enough to fetch a phone from the car, short enough that a shared link is soon worthless. */
export const JOURNEY_MS = 30 * 60_000;
/** Once inside, the link only shows one's own offers and time left. */
export const INSIDE_MS = 12 * 3_600_000;
const MAX_SEALED = 4096;
const IV = 12;
const TAG = 16;

function lifetime(journey: Journey, now: number): number {
  if (journey.session === undefined) return now + JOURNEY_MS;
  const limit = now + INSIDE_MS;
  return journey.session.expiresAt > now ? Math.min(journey.session.expiresAt, limit) : limit;
}

function decrypt(sealed: string, key: Buffer, aad: Buffer): unknown {
  if (sealed.length > MAX_SEALED || !/^[\w-]+$/.test(sealed)) return null;
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length <= IV + TAG) return null;
  const open = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG });
  open.setAAD(aad);
  open.setAuthTag(bytes.subarray(IV, IV + TAG));
  try {
    const text = Buffer.concat([open.update(bytes.subarray(IV + TAG)), open.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch {
    return null;
  }
}

/** The format's number is part of the authenticated data: links of an older release simply restart. */
function bindingOf(store: StoreView): Buffer {
  return Buffer.from(`foyer journey 1\n${store.merchantId}\n${store.id}`);
}

/** AES-256-GCM under a key derived from the host's secret, bound to the store, expiring. */
export function createSeal(secret: Buffer, clock: () => number): Seal {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'foyer portal journey', 32));
  return {
    close(journey, store) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG });
      cipher.setAAD(bindingOf(store));
      const text = JSON.stringify({ until: lifetime(journey, clock()), journey });
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, store) {
      const read = decrypt(sealed, key, bindingOf(store)) as {
        until: number;
        journey: Journey;
      } | null;
      if (read === null) return { ok: false, reason: 'forged' };
      if (read.until < clock()) return { ok: false, reason: 'expired', journey: read.journey };
      return { ok: true, journey: read.journey };
    },
  };
}

export function startJourney(
  store: StoreView,
  context: GatewayContext,
  language: Language,
  now: number,
): Journey {
  return {
    storeId: store.id,
    language,
    startedAt: now,
    binding: randomBytes(16).toString('base64url'),
    context,
  };
}

/** The journey once the host has admitted the guest: what was typed is no longer carried about. */
export function insideJourney(journey: Journey, session: InsideSession): Journey {
  return {
    storeId: journey.storeId,
    language: journey.language,
    startedAt: journey.startedAt,
    binding: journey.binding,
    ...(journey.context === undefined ? {} : { context: journey.context }),
    session,
  };
}
