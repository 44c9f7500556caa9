/** The house behind the portal's ports over a real database: what the guests' tests walk through. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import type { StoreView } from '../../portal/ports-store.ts';
import type {
  Approvals,
  Codes,
  Desk,
  Doors,
  Links,
  Members,
  OfferCard,
  Vouchers,
} from '../../portal/ports.ts';
import { createVouchers } from '../../server/access-vouchers/vouchers.ts';
import { createApprovals } from '../../server/approvals/approvals.ts';
import type { SendPolicy } from '../../server/codes/limits.ts';
import { createCodes } from '../../server/codes/codes.ts';
import { defaultSendPolicy } from '../../server/codes/limits.ts';
import type { Database, Queryable } from '../../server/db/database.ts';
import { createDesk } from '../../server/guests/desk.ts';
import { createLinks } from '../../server/links/links.ts';
import { createLog } from '../../server/log.ts';
import { createMembers } from '../../server/members/members.ts';
import { markShown, offersDue } from '../../server/offers/vouchers/queries.ts';
import { createDoors } from '../../server/sessions/accounting.ts';
import { testDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';
import { NOON, makeGateway, makeMac, makeMerchant, makeStore } from './make.ts';

export interface Reception {
  merchantId: string;
  store: StoreView;
  gatewayId: string;
  desk: Desk;
  codes: Codes;
  vouchers: Vouchers;
  members: Members;
  approvals: Approvals;
  links: Links;
  doors: Doors;
  /** The installation's secret. */
  secret: Buffer;
  /** What the services see; move it. */
  time: { now: number };
  /** Limits and send policy; change them. */
  rules: { minutes: number; policy: SendPolicy };
  /** Everything logged, as JSON lines. */
  logged: string[];
  /** How often a message was said to wait. */
  wakes: number;
  /** Wakes whoever waits for an offer to this guest. */
  offerIssued(guestId: string): void;
  /** Rows, as the owner sees them. */
  rows<T extends Record<string, unknown>>(text: string, params?: unknown[]): Promise<T[]>;
}

function storeView(row: { id: string; merchantId: string; slug: string }, gatewayId: string) {
  const view: StoreView = {
    id: row.id,
    merchantId: row.merchantId,
    slug: row.slug,
    name: 'Corner Shop',
    timezone: 'Europe/London',
    country: 'GB',
    defaultLanguage: 'en',
    methods: ['click-through', 'sms-code', 'email-code', 'voucher'],
    wordings: [
      { purpose: 'access', version: 'a1', text: { en: 'Be kind online.', 'zh-CN': '文明上网。' } },
      { purpose: 'marketing', version: 'm1', text: { en: 'Send offers.', 'zh-CN': '发送优惠。' } },
    ],
    questions: [],
    gateways: [{ id: gatewayId, kind: 'pretend', name: 'front' }],
    theme: { accent: '#0e6655', onAccent: '#ffffff', promise: {} },
    landingHosts: [],
  };
  return view;
}

/** A merchant with one store and one gateway, and everything a portal asks for. */
export async function openReception(db: Database): Promise<Reception> {
  const merchant = await makeMerchant(db);
  const row = await makeStore(db, merchant.id);
  const gateway = await makeGateway(db, merchant.id, row.id);
  const store = storeView(row, gateway.id);
  const time = { now: NOON };
  const clock = () => time.now;
  const rules = { minutes: 120, policy: defaultSendPolicy('GB') };
  const logged: string[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(line) });
  const secret = randomBytes(48);
  const waiting = new Map<string, () => void>();
  const limits = (_tx: Queryable, _store: StoreView) =>
    Promise.resolve({
      minutes: rules.minutes,
      upKbps: 2000,
      downKbps: 10_000,
      upQuotaKB: 0,
      downQuotaKB: 500,
    });
  const desk: Desk = createDesk<StoreView>({
    db,
    clock,
    log,
    secret,
    storeBySlug: (slug) => Promise.resolve(slug === store.slug ? store : null),
    limits,
    offersDue: (tx, merchantId, holder, now): Promise<OfferCard[]> =>
      offersDue(tx, merchantId, holder, now),
    markShown,
    waitForOffer: (guestId, _ms, signal) =>
      new Promise<void>((resolve) => {
        waiting.set(guestId, resolve);
        signal.addEventListener('abort', () => {
          waiting.delete(guestId);
          resolve();
        });
      }),
  });
  const reception: Reception = {
    merchantId: merchant.id,
    store,
    gatewayId: gateway.id,
    desk,
    codes: createCodes({
      db,
      clock,
      log,
      secret,
      sendPolicy: () => Promise.resolve(rules.policy),
      wake: () => void reception.wakes++,
    }),
    vouchers: createVouchers({ db, clock, secret }),
    members: createMembers({ db, clock, secret }),
    approvals: createApprovals({ db, clock, secret }),
    links: createLinks({ db, clock, secret }),
    secret,
    doors: createDoors({ db, clock }),
    time,
    rules,
    logged,
    wakes: 0,
    offerIssued: (guestId) => waiting.get(guestId)?.(),
    async rows<T extends Record<string, unknown>>(text: string, params: unknown[] = []) {
      return (await db.query<T>(text, params)).rows;
    },
  };
  return reception;
}

type Request = Parameters<Desk['admit']>[0];

/** An admission that is valid by default: click-through on a fresh device, access agreed to. */
export function admission(reception: Reception, over: Partial<Request> = {}): Request {
  return {
    store: reception.store,
    context: {
      gatewayId: reception.gatewayId,
      kind: 'pretend',
      mac: makeMac(),
      ip: '10.0.0.7',
    },
    proof: { method: 'click-through' },
    consents: [{ purpose: 'access', granted: true, version: 'a1', language: 'en' }],
    language: 'en',
    ...over,
  };
}

/** Admits and gives the grant; fails when refused. */
export async function letIn(reception: Reception, over: Partial<Request> = {}) {
  const answer = await reception.desk.admit(admission(reception, over));
  if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
  return answer;
}

/** How many rows of a table are the merchant's. */
export async function rowsOf(reception: Reception, table: string): Promise<number> {
  const [row] = await reception.rows<{ n: number }>(
    `select count(*) as n from ${table} where merchant_id = $1`,
    [reception.merchantId],
  );
  return row?.n ?? -1;
}

/** What admissions write, counted. */
export async function writtenBy(reception: Reception) {
  return {
    guests: await rowsOf(reception, 'guests'),
    consents: await rowsOf(reception, 'consents'),
    sessions: await rowsOf(reception, 'sessions'),
    events: await rowsOf(reception, 'outbox'),
  };
}

/** The same session `count` times more, of clients that nobody has seen: a script that makes addresses up. */
export async function multiply(house: Reception, sessionId: string, count: number): Promise<void> {
  await house.rows(
    `insert into sessions (id, merchant_id, store_id, gateway_id, guest_id, method, state, mac,
       client_key, admission_key, minutes, up_kbps, down_kbps, up_quota_kb, down_quota_kb, granted_at,
       landed_at, expires_at)
     select gen_random_uuid(), merchant_id, store_id, gateway_id, guest_id, method, state, mac,
       'made up ' || n, uuid_send(gen_random_uuid()), minutes, up_kbps, down_kbps, up_quota_kb,
       down_quota_kb, granted_at, landed_at, expires_at
     from sessions, generate_series(1, $2::int) n where id = $1`,
    [sessionId, count],
  );
}

/** For all tests of a file: one database, and before each test a house of its own in it. */
export function receptionEach(
  ready: (house: Reception, db: Database) => void | Promise<void>,
): void {
  let held: TestDatabase;
  beforeAll(async () => {
    held = await testDatabase();
  });
  afterAll(() => held.release());
  beforeEach(async () => ready(await openReception(held.db), held.db));
}
