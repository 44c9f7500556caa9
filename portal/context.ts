/** What a guest's journey has gathered, sealed into its own links so that no cookie and no script is needed. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { OpenRequest, Opening } from './gateways/gateway.ts';
import type { Way } from './journey.ts';
import type { Language, Purpose, StoreView } from './ports-store.ts';
import type { ConsentGiven, GatewayContext, Proof } from './ports.ts';

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
    | 'member-unknown'
    | 'member-blocked'
    | 'member-limit'
    | 'name-missing'
    | 'staff-denied'
    | 'staff-expired'
    | 'oidc-denied'
    | 'oidc-failed'
    | 'grace-used'
    | 'device-unknown'
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
  /** Above the site's age gate or below it. */
  age?: 'over' | 'under';
  /**
   * Nothing but a hardware address says that this is the guest the journey began with: its pages name
   * nobody and show nothing that is theirs.
   */
  claimed?: true;
  /** This device is known, but not as this guest's. */
  stranger?: boolean;
  method?: Way;
  typed?: string;
  address?: string;
  resendAt?: number;
  /** What the staff were asked. */
  requestId?: string;
  /** While the guest is with an identity provider; never in a link of a page. */
  away?: { provider: string; verifier: string; nonce: string };
  proof?: Proof;
  shown?: WordsShown;
  consents?: ConsentGiven[];
  /** Key of the one question that is due. */
  asks?: string;
  answer?: { key: string; value: string } | { key: string; dismissed: true };
  trouble?: Trouble;
  /** The host will not have this guest, or not at this hour. */
  refused?: 'blocked' | 'closed';
  session?: InsideSession;
}

/** Which words stood on the page that asks for agreement: no agreement without it. */
export interface WordsShown {
  screen: 'consent' | 'grace';
  /** Of the page's text, lower-case hex. */
  sha256: string;
  versions: Partial<Record<Purpose, string>>;
}

export interface InsideSession {
  grant: OpenRequest['grant'];
  expiresAt: number;
  admittedAt: number;
  landed?: boolean;
  returning?: boolean;
  /** A few minutes to fetch a code or to sign in elsewhere; the journey goes on. */
  grace?: boolean;
  /** The gateway said no at the last try. */
  shut?: Extract<Opening, { kind: 'shut' }>['reason'];
  /** How often the gateway sent the guest back instead of letting them in. */
  sentBack?: number;
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
/** With the rest of a request line it has to fit the 8 KiB that proxies allow. */
export const MAX_SEALED = 7_000;
const MAX_OPENED = 65_536;
/** Within this a journey has one link. */
const SAME_MS = 1_000;
const IV = 12;
const TAG = 16;
/** What the compressor takes of memory at a time: a journey fits, and the usual 16 KiB cost more than the work. */
const CHUNK = 2_048;

function lifetime({ session }: Journey, now: number): number {
  if (session === undefined || session.grace === true) return now + JOURNEY_MS;
  const limit = now + INSIDE_MS;
  return session.expiresAt > now ? Math.min(session.expiresAt, limit) : limit;
}

function decrypt(sealed: string, key: Buffer, aad: Buffer): unknown {
  if (sealed.length > MAX_SEALED || !/^[\w-]+$/.test(sealed)) return null;
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length <= IV + TAG) return null;
  const open = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG });
  open.setAAD(aad);
  open.setAuthTag(bytes.subarray(IV, IV + TAG));
  try {
    const packed = Buffer.concat([open.update(bytes.subarray(IV + TAG)), open.final()]);
    const text = inflateRawSync(packed, {
      dictionary: WORDS,
      maxOutputLength: MAX_OPENED,
      chunkSize: CHUNK,
    });
    return JSON.parse(text.toString('utf8'));
  } catch {
    return null;
  }
}

/** What every journey repeats: gateways cut long addresses, and CoovaChilli's buffer is 2 KiB. */
const WORDS = Buffer.from(
  '"claims":{"originUrl":"http://","gatewayAddress":"192.168.","authDir":"opennds_auth","ssid":"","ap":"' +
    '"method":"email-code"sms-code"click-through"voucher"address":"+"resendAt":17"link":"' +
    '"shown":{"screen":"consent","sha256":"","versions":{"access":"standard-1","marketing":"standard-1","' +
    '"consents":[{"purpose":"access","granted":true,"version":"standard-1","language":"zh-CN"},' +
    '{"purpose":"marketing","granted":false,"version":"standard-1","language":"en"}],"asks":"' +
    '"session":{"grant":{"sessionId":"","minutes":120,"upKbps":0,"downKbps":0,"upQuotaKB":0,' +
    '"downQuotaKB":0},"expiresAt":17,"admittedAt":17,"landed":true}}}' +
    '"context":{"gatewayId":"","kind":"opennds","mac":"02:","ip":"192.168.10.","hid":"' +
    '{"until":17,"journey":{"storeId":"","language":"en","startedAt":17,"binding":"',
);

/** The format's number is part of the authenticated data: links of an older release simply restart. */
function bindingOf(store: StoreView): Buffer {
  return Buffer.from(`foyer journey 2\n${store.merchantId}\n${store.id}`);
}

/** AES-256-GCM under a key derived from the host's secret, bound to the store, expiring. */
export function createSeal(secret: Buffer, clock: () => number): Seal {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'foyer portal journey', 32));
  /** A page holds the same journey in several places: there it is the same link. */
  const links = new WeakMap<Journey, { at: number; binding: string; sealed: string }>();

  function sealed(journey: Journey, binding: Buffer, now: number): string {
    const iv = randomBytes(IV);
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG });
    cipher.setAAD(binding);
    const text = JSON.stringify({ until: lifetime(journey, now), journey });
    const packed = deflateRawSync(text, { dictionary: WORDS, chunkSize: CHUNK });
    const body = Buffer.concat([cipher.update(packed), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
  }

  return {
    close(journey, store) {
      const now = clock();
      const bound = bindingOf(store);
      const binding = bound.toString('latin1');
      const before = links.get(journey);
      if (before?.binding === binding && Math.abs(now - before.at) < SAME_MS) return before.sealed;
      const link = { at: now, binding, sealed: sealed(journey, bound, now) };
      links.set(journey, link);
      return link.sealed;
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

const newBinding = (): string => randomBytes(16).toString('base64url');

/**
 * What somebody else may have begun goes on as one's own, and under another binding: whoever holds the
 * mark of the old one is the browser that began it.
 */
export function ownJourney(journey: Journey): Journey {
  const { claimed, ...own } = journey;
  return claimed === undefined ? journey : { ...own, binding: newBinding() };
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
    binding: newBinding(),
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
    ...(journey.claimed === undefined ? {} : { claimed: journey.claimed }),
    ...(journey.context === undefined ? {} : { context: journey.context }),
    session,
  };
}

/** The same for the way back from a gateway's own door, which has served its purpose then. */
export function landingJourney(journey: Journey): Journey {
  const { shown: _seen, context, ...rest } = journey;
  if (context === undefined) return rest;
  const { claims: _used, ...bare } = context;
  return { ...rest, context: bare };
}
