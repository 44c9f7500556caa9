/** Rows that are valid by default, one maker per table: a test says only what it is about. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { Purpose } from '../../server/stores/wordings.ts';
import type { Queryable } from '../../server/db/database.ts';
import { hashToken, newToken, uuidv7 } from '../../server/ids.ts';
import type { GatewayKind } from '../../server/stores/gateway-schema.ts';
import { maker, noDate, noNumber, noText, wide } from './maker.ts';

/** Noon of a Tuesday, UTC; tests that move the clock start here. */
export const NOON = Date.parse('2026-11-17T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const unique = (): string => randomBytes(5).toString('hex');
const bytes = (): Buffer => randomBytes(32);
const id = (): string => uuidv7(NOON);
const when = (offset = 0): Date => new Date(NOON + offset);

export const makeMac = (): string =>
  ['02', ...Array.from(randomBytes(5), (byte) => byte.toString(16).padStart(2, '0'))].join(':');
/** A British mobile number in E.164. */
export const makePhone = (): string => `+447400${String(randomInt(1_000_000)).padStart(6, '0')}`;

const london: object = { type: 'Point', coordinates: [-0.1276, 51.5072] };

export const makeMerchant = maker('merchants', () => ({
  id: id(),
  name: 'Harbour Mall',
  createdAt: when(-DAY),
}));

export const makeStaff = maker('staff', (merchantId: string) => ({
  id: id(),
  merchantId,
  email: `staff-${unique()}@example.com`,
  name: 'Sam Doe',
  role: wide<'owner' | 'manager' | 'till'>('owner'),
  passwordHash: 'none',
  createdAt: when(-DAY),
  ...noDate('disabledAt'),
}));

const signIn = maker('sign_ins', (merchantId: string, staffId: string) => ({
  tokenHash: bytes(),
  merchantId,
  staffId,
  createdAt: when(),
  lastSeenAt: when(),
  expiresAt: when(12 * HOUR),
  ...noText('userAgent'),
}));
export async function makeSignIn(db: Queryable, merchantId: string, staffId: string, over = {}) {
  const token = newToken('fs');
  const row = await signIn(db, merchantId, staffId, { tokenHash: hashToken(token), ...over });
  return { ...row, token };
}

const ownerLink = maker('owner_links', () => ({
  tokenHash: bytes(),
  createdAt: when(),
  expiresAt: when(HOUR),
  ...noDate('usedAt'),
}));
export async function makeOwnerLink(db: Queryable, over = {}) {
  const token = newToken('fo');
  return { ...(await ownerLink(db, { tokenHash: hashToken(token), ...over })), token };
}

const apiKey = maker('api_keys', (merchantId: string) => ({
  id: id(),
  merchantId,
  name: 'Till system',
  prefix: `fk_${unique()}`,
  secretHash: bytes(),
  scopes: ['guests:read'],
  createdAt: when(-DAY),
  ...noDate('lastUsedAt', 'revokedAt'),
}));
/** `secret` is what the caller would send after the prefix. */
export async function makeApiKey(
  db: Queryable,
  merchantId: string,
  over: { name?: string; prefix?: string; scopes?: string[]; revokedAt?: Date } = {},
) {
  const secret = randomBytes(24).toString('base64url');
  return { ...(await apiKey(db, merchantId, { secretHash: hashToken(secret), ...over })), secret };
}

export const makeStore = maker('stores', (merchantId: string) => ({
  id: id(),
  merchantId,
  slug: `shop-${unique()}`,
  name: 'Corner Shop',
  timezone: 'Europe/London',
  country: 'GB',
  /** GeoJSON Point. */
  location: london,
  settings: wide<object>({}),
  createdAt: when(-DAY),
  updatedAt: when(-DAY),
}));

export const makeGateway = maker('gateways', (merchantId: string, storeId: string) => ({
  id: id(),
  merchantId,
  storeId,
  kind: wide<GatewayKind>('pretend'),
  name: `gateway-${unique()}`,
  settings: wide<object>({}),
  ...noDate('lastHeardAt'),
  createdAt: when(-DAY),
}));

const fence = maker('fences', (merchantId: string) => ({
  id: id(),
  merchantId,
  ...noText('storeId', 'parentId', 'floor', 'category'),
  name: 'Shop floor',
  /** GeoJSON geometry; a Point is a circle and needs `radiusM`. */
  shape: london,
  radiusM: wide<number | null>(30),
  kind: wide<'area' | 'circle' | 'corridor' | 'tripwire' | 'radio' | 'composite'>('circle'),
  ...noText('direction'),
  cooldownS: 0,
  minDwellS: 180,
  version: 1,
  active: true,
  createdAt: when(-DAY),
  updatedAt: when(-DAY),
}));
/** A circle of 30 m in London unless a shape is given; with a shape and no radius it is an area. */
export const makeFence: typeof fence = (db, merchantId, over = {}) => {
  const { radiusM = null } = over;
  const kind = radiusM === null ? 'area' : 'circle';
  return fence(db, merchantId, over.shape ? { radiusM, kind, ...over } : over);
};

export const makeGuest = maker('guests', (merchantId: string) => ({
  id: id(),
  merchantId,
  phone: wide<string | null>(makePhone()),
  ...noText('email', 'name'),
  language: 'en',
  createdAt: when(-HOUR),
  lastSeenAt: when(-HOUR),
  ...noDate('blockedAt'),
}));

export const makeConsent = maker('consents', (merchantId: string, guestId: string) => ({
  id: id(),
  merchantId,
  guestId,
  ...noText('storeId'),
  purpose: wide<Purpose>('marketing'),
  granted: true,
  textVersion: '1',
  textSha256: createHash('sha256').update('Send me offers.').digest('hex'),
  language: 'en',
  source: wide<'portal' | 'console' | 'api'>('portal'),
  givenAt: when(-HOUR),
}));

export const makeAnswer = maker('guest_answers', (merchantId: string, guestId: string) => ({
  merchantId,
  guestId,
  questionKey: 'taste',
  answer: wide<string | null>('tea'),
  dismissed: false,
  answeredAt: when(-HOUR),
}));

export const makeCode = maker('codes', (merchantId: string, storeId: string) => ({
  id: id(),
  merchantId,
  storeId,
  channel: wide<'sms' | 'email'>('sms'),
  addressHash: bytes(),
  bindingHash: bytes(),
  codeHash: bytes(),
  deviceHash: bytes(),
  networkHash: bytes(),
  attempts: 0,
  sentAt: when(),
  expiresAt: when(300_000),
  ...noDate('usedAt'),
  ...noText('country', 'prefix'),
}));

export const makeMessage = maker('messages', (merchantId: string) => ({
  id: id(),
  merchantId,
  ...noText('storeId', 'subject', 'lastError'),
  channel: wide<'sms' | 'email'>('sms'),
  address: makePhone(),
  body: 'Your code is 123456',
  status: wide<'waiting' | 'sent' | 'failed'>('waiting'),
  attempts: 0,
  dueAt: when(),
  expiresAt: when(300_000),
  createdAt: when(),
  ...noDate('sentAt'),
}));

export const makeAccessVoucher = maker(
  'access_vouchers',
  (merchantId: string, storeId: string) => ({
    id: id(),
    merchantId,
    storeId,
    code: unique().toUpperCase(),
    minutes: 60,
    usesLeft: 1,
    expiresAt: when(30 * DAY),
    createdAt: when(-DAY),
  }),
);

/** A card whose second factor nobody knows: for what happens after it was checked. */
export const makeMemberCard = maker('member_cards', (merchantId: string) => ({
  id: id(),
  merchantId,
  number: unique().toUpperCase(),
  ...noText('name', 'guestId'),
  factor: wide<'pin' | 'phone'>('pin'),
  factorHash: bytes(),
  ...noDate('blockedAt', 'expiresAt'),
  createdAt: when(-DAY),
  updatedAt: when(-DAY),
}));

export const makeGuestIdentity = maker(
  'guest_identities',
  (merchantId: string, guestId: string) => ({
    merchantId,
    issuer: 'https://id.example',
    subject: unique(),
    guestId,
    createdAt: when(-DAY),
    lastSeenAt: when(),
  }),
);

/** A browser that is known again for a month. */
export const makeKnownDevice = maker(
  'known_devices',
  (at: { merchantId: string; storeId: string; guestId: string }) => ({
    ...at,
    clientKey: randomBytes(24).toString('base64url'),
    tokenHash: bytes(),
    termsVersion: 'a1',
    createdAt: when(),
    ...noDate('confirmedAt', 'revokedAt'),
    lastSeenAt: when(),
    expiresAt: when(30 * DAY),
  }),
);

/** Somebody who asked at NOON to be let in and waits. */
export const makeApproval = maker('approval_requests', (merchantId: string, storeId: string) => ({
  id: id(),
  merchantId,
  storeId,
  name: 'Sam',
  clientHash: bytes(),
  askedAt: when(),
  expiresAt: when(600_000),
  ...noText('decision', 'decidedBy', 'guestId'),
  ...noDate('decidedAt', 'usedAt'),
}));

export const makeSmsPause = maker('sms_pauses', (merchantId: string) => ({
  merchantId,
  prefix: `+44${randomInt(100_000_000)}`,
  country: 'GB',
  sends: 20,
  uses: 1,
  pausedAt: when(),
  until: when(6 * HOUR),
}));

/** An active session of two hours that began at NOON. */
export const makeSession = maker(
  'sessions',
  (at: { merchantId: string; storeId: string; gatewayId: string; guestId: string }) => ({
    id: id(),
    ...at,
    method: 'click-through',
    mac: makeMac(),
    clientKey: randomBytes(24).toString('base64url'),
    admissionKey: bytes(),
    ...noText('ip', 'rhid', 'endReason'),
    state: wide<'pending' | 'active' | 'ended'>('active'),
    minutes: 120,
    upKbps: 0,
    downKbps: 0,
    upQuotaKb: 0,
    downQuotaKb: 0,
    bytesIn: 0,
    bytesOut: 0,
    grantedAt: when(),
    confirmedAt: wide<Date | null>(when()),
    ...noDate('depositedAt', 'landedAt', 'endedAt'),
    expiresAt: when(2 * HOUR),
  }),
);

const device = maker('devices', (merchantId: string) => ({
  id: id(),
  merchantId,
  ...noText('guestId', 'lastApp'),
  name: 'Phone',
  tokenHash: bytes(),
  marketingConsentAt: wide<Date | null>(when(-DAY)),
  createdAt: when(-DAY),
  ...noDate('lastPingAt', 'revokedAt'),
}));
/** A device that opted in to offers, and the token its app sends. */
export async function makeDevice(
  db: Queryable,
  merchantId: string,
  over: NonNullable<Parameters<typeof device>[2]> = {},
) {
  const token = newToken('fd');
  return { ...(await device(db, merchantId, { tokenHash: hashToken(token), ...over })), token };
}

const ping = maker('pings', (merchantId: string, deviceId: string) => ({
  merchantId,
  deviceId,
  at: when(),
  judgedAt: when(),
  pingKey: unique(),
  receivedAt: when(1000),
  lon: -0.1276,
  lat: 51.5072,
  accuracyM: wide<number | null>(8),
  accuracyKind: wide<'p68' | 'rms' | 'p95'>('p68'),
  ...noNumber('speedMps'),
  source: 'foyer',
  accepted: true,
  ...noText('reason'),
}));
/** Judged by its own clock unless said otherwise. */
export const makePing: typeof ping = (db, merchantId, deviceId, over = {}) =>
  ping(db, merchantId, deviceId, over.at ? { judgedAt: over.at, ...over } : over);

export const makeDeviceState = maker('device_states', (merchantId: string, deviceId: string) => ({
  deviceId,
  merchantId,
  state: wide<object>({}),
  ...noDate('wakeAt'),
  updatedAt: when(),
}));

/** A finished visit of ten minutes that began at NOON. */
export const makeVisit = maker(
  'visits',
  (at: { merchantId: string; fenceId: string; deviceId: string }) => ({
    id: unique(),
    ...at,
    ...noText('storeId', 'guestId'),
    fenceVersion: 1,
    status: wide<'open' | 'closed' | 'final' | 'retracted'>('final'),
    revision: 1,
    score: 0.9,
    band: wide<'high' | 'medium' | 'low' | 'none'>('high'),
    entryEarliest: wide<Date | null>(when(-30_000)),
    entryAt: when(),
    entryLatest: wide<Date | null>(when(30_000)),
    exitEarliest: wide<Date | null>(when(570_000)),
    exitAt: wide<Date | null>(when(600_000)),
    exitLatest: wide<Date | null>(when(630_000)),
    dwellLowerS: 540,
    dwellS: 600,
    dwellUpperS: wide<number | null>(660),
    pings: 20,
    detail: wide<object>({}),
    updatedAt: when(630_000),
  }),
);

export const makeOffer = maker('offers', (merchantId: string) => ({
  id: id(),
  merchantId,
  ...noText('storeId'),
  name: 'Coffee for stayers',
  headline: 'A coffee on us',
  body: 'Show this at the till.',
  terms: 'One per guest.',
  validForS: 86_400,
  ...noNumber('stock'),
  issued: 0,
  redeemed: 0,
  status: wide<'draft' | 'live' | 'paused'>('live'),
  createdAt: when(-DAY),
  updatedAt: when(-DAY),
}));

type Trigger = 'visit.entered' | 'visit.dwelled' | 'visit.left' | 'guest.admitted';

/** `definition` is empty: a test of rules gives its own. */
export const makeRule = maker('rules', (merchantId: string, offerId: string) => ({
  id: id(),
  merchantId,
  ...noText('storeId'),
  offerId,
  name: 'Stayers get coffee',
  status: wide<'draft' | 'live' | 'paused'>('live'),
  version: 1,
  trigger: wide<Trigger>('visit.dwelled'),
  definition: wide<object>({}),
  createdAt: when(-DAY),
  updatedAt: when(-DAY),
}));

export const makeRuleVersion = maker('rule_versions', (merchantId: string, ruleId: string) => ({
  ruleId,
  version: 1,
  merchantId,
  definition: wide<object>({}),
  changedAt: when(-DAY),
  ...noText('changedBy'),
}));

export const makeDecision = maker('decisions', (merchantId: string, ruleId: string) => ({
  id: unique(),
  merchantId,
  ruleId,
  ruleVersion: 1,
  eventId: id(),
  trigger: wide<Trigger>('visit.dwelled'),
  ...noText('storeId', 'fenceId', 'visitId', 'guestId', 'deviceId', 'exclusionGroup'),
  outcome: wide<'issued' | 'held_out' | 'refused'>('issued'),
  gate: 'issue',
  reason: 'issued',
  trace: wide<object>({}),
  decidedAt: when(),
}));

export const makeVoucher = maker('vouchers', (merchantId: string, offerId: string) => ({
  id: id(),
  merchantId,
  offerId,
  ...noText('decisionId', 'storeId', 'guestId', 'deviceId'),
  code: unique().toUpperCase(),
  issuedAt: when(),
  expiresAt: when(DAY),
  ...noDate('shownAt'),
}));

export const makeRedemption = maker(
  'redemptions',
  (merchantId: string, at: { voucherId: string; offerId: string }) => ({
    id: id(),
    merchantId,
    ...at,
    ...noText('storeId'),
    till: 'till-1',
    idempotencyKey: unique(),
    redeemedAt: when(60_000),
  }),
);

/** An undelivered event; `payload` is whatever the test's subscriber reads. */
export const makeEvent = maker('outbox', (merchantId: string) => ({
  id: id(),
  merchantId,
  ...noText('storeId', 'guestId', 'deviceId'),
  type: 'guest.admitted',
  key: unique(),
  payload: wide<object>({}),
  occurredAt: when(),
  writtenAt: when(),
  dueAt: when(),
  ...noNumber('position'),
}));
