/** Rows that are valid by default, one maker per table: a test says only what it is about. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { Queryable } from '../../server/db/database.ts';
import { hashToken, newToken, uuidv7 } from '../../server/ids.ts';

/** A quiet Tuesday noon in UTC; tests that move the clock start here. */
export const NOON = Date.parse('2026-11-17T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Made = Record<string, unknown>;

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** JSON columns need text; dates, buffers and plain lists go as they are. */
function parameter(value: unknown): unknown {
  const plain =
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
  return plain ? JSON.stringify(value) : (value ?? null);
}

/** Inserts `row`; `as` gives the SQL of columns that are not plain parameters. */
async function insert<T extends object>(
  db: Queryable,
  table: string,
  row: T,
  as: Record<string, (position: string) => string> = {},
): Promise<T> {
  const columns = Object.entries(row as Made).filter(([, value]) => value !== undefined);
  const values = columns.map(([name], i) => as[name]?.(`$${i + 1}`) ?? `$${i + 1}`);
  await db.query(
    `insert into ${table} (${columns.map(([name]) => snake(name)).join(', ')}) values (${values.join(', ')})`,
    columns.map(([, value]) => parameter(value)),
  );
  return row;
}

const geography = (position: string): string =>
  `st_setsrid(st_geomfromgeojson(${position}), 4326)::geography`;
const unique = (): string => randomBytes(5).toString('hex');
const id = (): string => uuidv7(NOON);
const when = (offset = 0): Date => new Date(NOON + offset);

export const makeMac = (): string =>
  ['02', ...Array.from(randomBytes(5), (byte) => byte.toString(16).padStart(2, '0'))].join(':');
/** A valid British mobile number in E.164; the range is kept for mobiles. */
export const makePhone = (): string => `+447400${String(randomInt(1_000_000)).padStart(6, '0')}`;

export async function makeMerchant(db: Queryable, over: { id?: string; name?: string } = {}) {
  return insert(db, 'merchants', {
    id: id(),
    name: 'Harbour Mall',
    createdAt: when(-DAY),
    ...over,
  });
}

export interface StaffRow {
  id: string;
  email: string;
  name: string;
  role: 'owner' | 'manager' | 'till';
  passwordHash: string;
  createdAt: Date;
  disabledAt: Date | null;
}

export async function makeStaff(db: Queryable, merchantId: string, over: Partial<StaffRow> = {}) {
  return insert(db, 'staff', {
    id: id(),
    merchantId,
    email: `staff-${unique()}@example.com`,
    name: 'Sam Doe',
    role: 'owner' as StaffRow['role'],
    // Of no password: a maker that hashed one would cost 20 ms a row.
    passwordHash: 'none',
    createdAt: when(-DAY),
    disabledAt: null as Date | null,
    ...over,
  });
}

export async function makeSignIn(
  db: Queryable,
  merchantId: string,
  staffId: string,
  over: { createdAt?: Date; lastSeenAt?: Date; expiresAt?: Date; userAgent?: string } = {},
) {
  const token = newToken('fs');
  const row = await insert(db, 'sign_ins', {
    tokenHash: hashToken(token),
    merchantId,
    staffId,
    createdAt: when(),
    lastSeenAt: when(),
    expiresAt: when(12 * HOUR),
    ...over,
  });
  return { ...row, token };
}

export async function makeOwnerLink(
  db: Queryable,
  over: { createdAt?: Date; expiresAt?: Date; usedAt?: Date } = {},
) {
  const token = newToken('fo');
  const row = await insert(db, 'owner_links', {
    tokenHash: hashToken(token),
    createdAt: when(),
    expiresAt: when(HOUR),
    ...over,
  });
  return { ...row, token };
}

/** The row of an API key; `secret` is what the caller would send after the prefix. */
export async function makeApiKey(
  db: Queryable,
  merchantId: string,
  over: { name?: string; prefix?: string; scopes?: string[]; revokedAt?: Date } = {},
) {
  const secret = randomBytes(24).toString('base64url');
  const row = await insert(db, 'api_keys', {
    id: id(),
    merchantId,
    name: 'Till system',
    prefix: `fk_${unique()}`,
    secretHash: hashToken(secret),
    scopes: ['guests:read'],
    createdAt: when(-DAY),
    ...over,
  });
  return { ...row, secret };
}

export interface StoreRow {
  id: string;
  slug: string;
  name: string;
  timezone: string;
  country: string;
  /** GeoJSON Point. */
  location: object;
  settings: object;
  createdAt: Date;
  updatedAt: Date;
}

export async function makeStore(db: Queryable, merchantId: string, over: Partial<StoreRow> = {}) {
  return insert(
    db,
    'stores',
    {
      id: id(),
      merchantId,
      slug: `shop-${unique()}`,
      name: 'Corner Shop',
      timezone: 'Europe/London',
      country: 'GB',
      location: { type: 'Point', coordinates: [-0.1276, 51.5072] } as object,
      settings: {} as object,
      createdAt: when(-DAY),
      updatedAt: when(-DAY),
      ...over,
    },
    { location: geography },
  );
}

export interface GatewayRow {
  id: string;
  kind: 'pretend' | 'opennds';
  name: string;
  settings: object;
  lastHeardAt: Date | null;
  createdAt: Date;
}

export async function makeGateway(
  db: Queryable,
  merchantId: string,
  storeId: string,
  over: Partial<GatewayRow> = {},
) {
  return insert(db, 'gateways', {
    id: id(),
    merchantId,
    storeId,
    kind: 'pretend' as GatewayRow['kind'],
    name: `gateway-${unique()}`,
    settings: {} as object,
    lastHeardAt: null as Date | null,
    createdAt: when(-DAY),
    ...over,
  });
}

export interface FenceRow {
  id: string;
  storeId: string | null;
  parentId: string | null;
  name: string;
  /** GeoJSON geometry; a Point needs `radiusM`. */
  shape: object;
  radiusM: number | null;
  floor: string | null;
  category: string | null;
  minDwellS: number;
  version: number;
  active: boolean;
  createdAt: Date;
  updatedAt: Date;
}

/** A circle of 30 m in London unless said otherwise. */
export async function makeFence(db: Queryable, merchantId: string, over: Partial<FenceRow> = {}) {
  return insert(
    db,
    'fences',
    {
      id: id(),
      merchantId,
      storeId: null as string | null,
      parentId: null as string | null,
      name: 'Shop floor',
      shape: { type: 'Point', coordinates: [-0.1276, 51.5072] } as object,
      radiusM: over.shape === undefined ? 30 : (null as number | null),
      floor: null as string | null,
      category: null as string | null,
      minDwellS: 180,
      version: 1,
      active: true,
      createdAt: when(-DAY),
      updatedAt: when(-DAY),
      ...over,
    },
    { shape: geography },
  );
}

export interface GuestRow {
  id: string;
  phone: string | null;
  email: string | null;
  name: string | null;
  language: string;
  createdAt: Date;
  lastSeenAt: Date;
  blockedAt: Date | null;
}

export async function makeGuest(db: Queryable, merchantId: string, over: Partial<GuestRow> = {}) {
  return insert(db, 'guests', {
    id: id(),
    merchantId,
    phone: makePhone() as string | null,
    email: null as string | null,
    name: null as string | null,
    language: 'en',
    createdAt: when(-HOUR),
    lastSeenAt: when(-HOUR),
    blockedAt: null as Date | null,
    ...over,
  });
}

export interface ConsentRow {
  id: string;
  storeId: string | null;
  purpose: 'access' | 'marketing';
  granted: boolean;
  textVersion: string;
  textSha256: string;
  language: string;
  source: 'portal' | 'console' | 'api';
  givenAt: Date;
}

/** Marketing consent, granted an hour ago, unless said otherwise. */
export async function makeConsent(
  db: Queryable,
  merchantId: string,
  guestId: string,
  over: Partial<ConsentRow> = {},
) {
  return insert(db, 'consents', {
    id: id(),
    merchantId,
    guestId,
    storeId: null as string | null,
    purpose: 'marketing' as ConsentRow['purpose'],
    granted: true,
    textVersion: '1',
    textSha256: createHash('sha256').update('Send me offers.').digest('hex'),
    language: 'en',
    source: 'portal' as ConsentRow['source'],
    givenAt: when(-HOUR),
    ...over,
  });
}

export async function makeAnswer(
  db: Queryable,
  merchantId: string,
  guestId: string,
  over: { questionKey?: string; answer?: string | null; dismissed?: boolean } = {},
) {
  return insert(db, 'guest_answers', {
    merchantId,
    guestId,
    questionKey: 'taste',
    answer: 'tea' as string | null,
    dismissed: false,
    answeredAt: when(-HOUR),
    ...over,
  });
}

export interface CodeRow {
  id: string;
  channel: 'sms' | 'email';
  addressHash: Buffer;
  bindingHash: Buffer;
  codeHash: Buffer;
  deviceHash: Buffer;
  networkHash: Buffer;
  attempts: number;
  sentAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
}

/** Hashes are random: nothing typed will fit them. */
export async function makeCode(
  db: Queryable,
  merchantId: string,
  storeId: string,
  over: Partial<CodeRow> = {},
) {
  return insert(db, 'codes', {
    id: id(),
    merchantId,
    storeId,
    channel: 'sms' as CodeRow['channel'],
    addressHash: randomBytes(32),
    bindingHash: randomBytes(32),
    codeHash: randomBytes(32),
    deviceHash: randomBytes(32),
    networkHash: randomBytes(32),
    attempts: 0,
    sentAt: when(),
    expiresAt: when(300_000),
    usedAt: null as Date | null,
    ...over,
  });
}

export interface MessageRow {
  id: string;
  storeId: string | null;
  channel: 'sms' | 'email';
  address: string;
  subject: string | null;
  body: string;
  status: 'waiting' | 'sent' | 'failed';
  attempts: number;
  dueAt: Date;
  expiresAt: Date;
  createdAt: Date;
  sentAt: Date | null;
  lastError: string | null;
}

export async function makeMessage(
  db: Queryable,
  merchantId: string,
  over: Partial<MessageRow> = {},
) {
  return insert(db, 'messages', {
    id: id(),
    merchantId,
    storeId: null as string | null,
    channel: 'sms' as MessageRow['channel'],
    address: makePhone(),
    subject: null as string | null,
    body: 'Your code is 123456',
    status: 'waiting' as MessageRow['status'],
    attempts: 0,
    dueAt: when(),
    expiresAt: when(300_000),
    createdAt: when(),
    sentAt: null as Date | null,
    lastError: null as string | null,
    ...over,
  });
}

export async function makeAccessVoucher(
  db: Queryable,
  merchantId: string,
  storeId: string,
  over: { id?: string; code?: string; minutes?: number; usesLeft?: number; expiresAt?: Date } = {},
) {
  return insert(db, 'access_vouchers', {
    id: id(),
    merchantId,
    storeId,
    code: unique().toUpperCase(),
    minutes: 60,
    usesLeft: 1,
    expiresAt: when(30 * DAY),
    createdAt: when(-DAY),
    ...over,
  });
}

export interface SessionRow {
  id: string;
  method: string;
  mac: string;
  clientKey: string;
  ip: string | null;
  admissionKey: Buffer;
  rhid: string | null;
  state: 'pending' | 'active' | 'ended';
  minutes: number;
  upKbps: number;
  downKbps: number;
  upQuotaKb: number;
  downQuotaKb: number;
  bytesIn: number;
  bytesOut: number;
  grantedAt: Date;
  depositedAt: Date | null;
  landedAt: Date | null;
  confirmedAt: Date | null;
  expiresAt: Date;
  endedAt: Date | null;
  endReason: string | null;
}

/** An active session of two hours that began at NOON. */
export async function makeSession(
  db: Queryable,
  at: { merchantId: string; storeId: string; gatewayId: string; guestId: string },
  over: Partial<SessionRow> = {},
) {
  return insert(db, 'sessions', {
    id: id(),
    ...at,
    method: 'click-through',
    mac: makeMac(),
    clientKey: randomBytes(24).toString('base64url'),
    ip: '10.0.0.7' as string | null,
    admissionKey: randomBytes(32),
    rhid: null as string | null,
    state: 'active' as SessionRow['state'],
    minutes: 120,
    upKbps: 0,
    downKbps: 0,
    upQuotaKb: 0,
    downQuotaKb: 0,
    bytesIn: 0,
    bytesOut: 0,
    grantedAt: when(),
    depositedAt: null as Date | null,
    landedAt: null as Date | null,
    confirmedAt: when() as Date | null,
    expiresAt: when(2 * HOUR),
    endedAt: null as Date | null,
    endReason: null as string | null,
    ...over,
  });
}

export interface DeviceRow {
  id: string;
  guestId: string | null;
  name: string;
  tokenHash: Buffer;
  marketingConsentAt: Date | null;
  createdAt: Date;
  lastPingAt: Date | null;
  lastApp: string | null;
  revokedAt: Date | null;
}

/** A device and the token its app would send. */
export async function makeDevice(db: Queryable, merchantId: string, over: Partial<DeviceRow> = {}) {
  const token = newToken('fd');
  const row = await insert(db, 'devices', {
    id: id(),
    merchantId,
    guestId: null as string | null,
    name: 'Phone',
    tokenHash: hashToken(token),
    marketingConsentAt: when(-DAY) as Date | null,
    createdAt: when(-DAY),
    lastPingAt: null as Date | null,
    lastApp: null as string | null,
    revokedAt: null as Date | null,
    ...over,
  });
  return { ...row, token };
}

export interface PingRow {
  at: Date;
  pingKey: string;
  receivedAt: Date;
  lon: number;
  lat: number;
  accuracyM: number | null;
  accuracyKind: 'p68' | 'rms' | 'p95';
  speedMps: number | null;
  source: string;
  accepted: boolean;
  reason: string | null;
}

export async function makePing(
  db: Queryable,
  merchantId: string,
  deviceId: string,
  over: Partial<PingRow> = {},
) {
  return insert(db, 'pings', {
    merchantId,
    deviceId,
    at: when(),
    pingKey: unique(),
    receivedAt: when(1000),
    lon: -0.1276,
    lat: 51.5072,
    accuracyM: 8 as number | null,
    accuracyKind: 'p68' as PingRow['accuracyKind'],
    speedMps: null as number | null,
    source: 'foyer',
    accepted: true,
    reason: null as string | null,
    ...over,
  });
}

export async function makeDeviceState(
  db: Queryable,
  merchantId: string,
  deviceId: string,
  over: { state?: object; wakeAt?: Date; updatedAt?: Date } = {},
) {
  return insert(db, 'device_states', {
    deviceId,
    merchantId,
    state: {} as object,
    updatedAt: when(),
    ...over,
  });
}

export interface VisitRow {
  id: string;
  storeId: string | null;
  fenceVersion: number;
  guestId: string | null;
  status: 'open' | 'closed' | 'final' | 'retracted';
  revision: number;
  score: number;
  band: 'high' | 'medium' | 'low' | 'none';
  entryEarliest: Date | null;
  entryAt: Date;
  entryLatest: Date | null;
  exitEarliest: Date | null;
  exitAt: Date | null;
  exitLatest: Date | null;
  dwellLowerS: number;
  dwellS: number;
  dwellUpperS: number | null;
  pings: number;
  detail: object;
  updatedAt: Date;
}

/** A finished visit of ten minutes that began at NOON. */
export async function makeVisit(
  db: Queryable,
  at: { merchantId: string; fenceId: string; deviceId: string },
  over: Partial<VisitRow> = {},
) {
  return insert(db, 'visits', {
    id: unique(),
    ...at,
    storeId: null as string | null,
    fenceVersion: 1,
    guestId: null as string | null,
    status: 'final' as VisitRow['status'],
    revision: 1,
    score: 0.9,
    band: 'high' as VisitRow['band'],
    entryEarliest: when(-30_000) as Date | null,
    entryAt: when(),
    entryLatest: when(30_000) as Date | null,
    exitEarliest: when(570_000) as Date | null,
    exitAt: when(600_000) as Date | null,
    exitLatest: when(630_000) as Date | null,
    dwellLowerS: 540,
    dwellS: 600,
    dwellUpperS: 660 as number | null,
    pings: 20,
    detail: {} as object,
    updatedAt: when(630_000),
    ...over,
  });
}

export interface OfferRow {
  id: string;
  storeId: string | null;
  name: string;
  headline: string;
  body: string;
  terms: string;
  validForS: number;
  stock: number | null;
  issued: number;
  redeemed: number;
  status: 'draft' | 'live' | 'paused';
  createdAt: Date;
  updatedAt: Date;
}

export async function makeOffer(db: Queryable, merchantId: string, over: Partial<OfferRow> = {}) {
  return insert(db, 'offers', {
    id: id(),
    merchantId,
    storeId: null as string | null,
    name: 'Coffee for stayers',
    headline: 'A coffee on us',
    body: 'Show this at the till.',
    terms: 'One per guest.',
    validForS: 86_400,
    stock: null as number | null,
    issued: 0,
    redeemed: 0,
    status: 'live' as OfferRow['status'],
    createdAt: when(-DAY),
    updatedAt: when(-DAY),
    ...over,
  });
}

export interface RuleRow {
  id: string;
  storeId: string | null;
  name: string;
  status: 'draft' | 'live' | 'paused';
  version: number;
  trigger: 'visit.entered' | 'visit.dwelled' | 'visit.left' | 'guest.admitted';
  /** See rules/schema.ts. */
  definition: object;
  createdAt: Date;
  updatedAt: Date;
}

export async function makeRule(
  db: Queryable,
  merchantId: string,
  offerId: string,
  over: Partial<RuleRow> = {},
) {
  return insert(db, 'rules', {
    id: id(),
    merchantId,
    storeId: null as string | null,
    offerId,
    name: 'Stayers get coffee',
    status: 'live' as RuleRow['status'],
    version: 1,
    trigger: 'visit.dwelled' as RuleRow['trigger'],
    definition: {} as object,
    createdAt: when(-DAY),
    updatedAt: when(-DAY),
    ...over,
  });
}

export async function makeRuleVersion(
  db: Queryable,
  merchantId: string,
  ruleId: string,
  over: { version?: number; definition?: object; changedBy?: string } = {},
) {
  return insert(db, 'rule_versions', {
    ruleId,
    version: 1,
    merchantId,
    definition: {} as object,
    changedAt: when(-DAY),
    ...over,
  });
}

export interface DecisionRow {
  id: string;
  ruleVersion: number;
  eventId: string;
  trigger: string;
  storeId: string | null;
  fenceId: string | null;
  visitId: string | null;
  guestId: string | null;
  deviceId: string | null;
  exclusionGroup: string | null;
  outcome: 'issued' | 'held_out' | 'refused';
  gate: string;
  reason: string;
  trace: object;
  decidedAt: Date;
}

export async function makeDecision(
  db: Queryable,
  merchantId: string,
  ruleId: string,
  over: Partial<DecisionRow> = {},
) {
  return insert(db, 'decisions', {
    id: unique(),
    merchantId,
    ruleId,
    ruleVersion: 1,
    eventId: id(),
    trigger: 'visit.dwelled',
    storeId: null as string | null,
    fenceId: null as string | null,
    visitId: null as string | null,
    guestId: null as string | null,
    deviceId: null as string | null,
    exclusionGroup: null as string | null,
    outcome: 'issued' as DecisionRow['outcome'],
    gate: 'issue',
    reason: 'issued',
    trace: {} as object,
    decidedAt: when(),
    ...over,
  });
}

export interface VoucherRow {
  id: string;
  decisionId: string | null;
  storeId: string | null;
  guestId: string | null;
  deviceId: string | null;
  code: string;
  issuedAt: Date;
  expiresAt: Date;
  shownAt: Date | null;
}

export async function makeVoucher(
  db: Queryable,
  merchantId: string,
  offerId: string,
  over: Partial<VoucherRow> = {},
) {
  return insert(db, 'vouchers', {
    id: id(),
    merchantId,
    offerId,
    decisionId: null as string | null,
    storeId: null as string | null,
    guestId: null as string | null,
    deviceId: null as string | null,
    code: unique().toUpperCase(),
    issuedAt: when(),
    expiresAt: when(DAY),
    shownAt: null as Date | null,
    ...over,
  });
}

export async function makeRedemption(
  db: Queryable,
  merchantId: string,
  at: { voucherId: string; offerId: string },
  over: { id?: string; storeId?: string; till?: string; redeemedAt?: Date } = {},
) {
  return insert(db, 'redemptions', {
    id: id(),
    merchantId,
    ...at,
    till: 'till-1',
    idempotencyKey: unique(),
    redeemedAt: when(60_000),
    ...over,
  });
}

/** An undelivered event; `payload` is whatever the test's subscriber reads. */
export async function makeEvent(
  db: Queryable,
  merchantId: string,
  over: {
    id?: string;
    storeId?: string;
    guestId?: string;
    deviceId?: string;
    type?: string;
    key?: string;
    payload?: object;
    occurredAt?: Date;
    position?: number;
  } = {},
) {
  return insert(db, 'outbox', {
    id: id(),
    merchantId,
    type: 'guest.admitted',
    key: unique(),
    payload: {} as object,
    occurredAt: when(),
    writtenAt: when(),
    dueAt: when(),
    ...over,
  });
}
