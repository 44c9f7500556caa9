/** The portal's ports in memory: believable, settable, and recording all that is asked of them. */
import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  AdmitRequest,
  Deposit,
  OfferCard,
  PortalPorts,
  RegisteredGateway,
  SessionView,
  StoreView,
} from '../../portal/ports.ts';

export const PRETEND: RegisteredGateway = {
  id: 'gw-pretend',
  kind: 'pretend',
  name: 'front-desk',
  secret: 'pretend-secret-of-the-tests',
};

export function openNds(
  level: 0 | 1 | 2 | 3 | 4,
  more: Partial<RegisteredGateway> = {},
): RegisteredGateway {
  const secret = 's3cretfaskey0123456789abcdef';
  return { id: `gw-nds-${level}`, kind: 'opennds', name: 'StoreOne', level, secret, ...more };
}

/** A shop that is valid by default. */
export function fakeStore(more: Partial<StoreView> = {}): StoreView {
  return {
    id: 'store-1',
    merchantId: 'merchant-1',
    slug: 'harbour',
    name: 'Harbour Coffee',
    timezone: 'Europe/London',
    country: 'GB',
    defaultLanguage: 'en',
    methods: ['click-through', 'sms-code', 'email-code', 'voucher'],
    wordings: [
      {
        purpose: 'access',
        version: 'a1',
        text: {
          en: 'Use the WiFi fairly and within the law. We keep when you connected and for how long.',
          'zh-CN': '请合理、合法地使用网络。我们会保存您的上网时间和时长。',
        },
      },
      {
        purpose: 'marketing',
        version: 'm1',
        text: {
          en: 'Send me offers from Harbour Coffee, at most once a week.',
          'zh-CN': '同意接收海港咖啡的优惠消息，每周最多一条。',
        },
      },
    ],
    questions: [
      {
        key: 'visit-for',
        label: { en: 'What brings you here today?', 'zh-CN': '今天来店是为了？' },
        options: [
          { value: 'coffee', label: { en: 'A coffee', 'zh-CN': '喝杯咖啡' } },
          { value: 'work', label: { en: 'A place to work', 'zh-CN': '找个地方办公' } },
          { value: 'friends', label: { en: 'Meeting friends', 'zh-CN': '朋友见面' } },
        ],
      },
    ],
    gateways: [PRETEND],
    theme: { accent: '#1f5fbf', onAccent: '#ffffff', promise: {} },
    landingHosts: ['harbour.example'],
    ...more,
  };
}

export function fakeOffer(more: Partial<OfferCard> = {}): OfferCard {
  return {
    voucherId: 'v-1',
    code: 'HC-7Q4M-2K',
    headline: 'A second coffee on us',
    body: 'Buy one flat white today, the next is free.',
    terms: 'One per visit. Not with other offers.',
    validUntil: Date.UTC(2026, 10, 22, 18, 0),
    ...more,
  };
}

export interface Call {
  port: string;
  with: unknown;
}

export interface Fakes {
  ports: PortalPorts;
  stores: StoreView[];
  calls: Call[];
  /** Calls of one port, oldest first. */
  of(port: string): unknown[];
  /** The newest one-time code sent to an address. */
  codeFor(address: string): string | undefined;
  sessions: Map<string, SessionView & { mac: string }>;
  deposits: Map<string, Deposit & { gatewayId: string }>;
  offers: OfferCard[];
  vouchers: Map<string, 'fresh' | 'used' | 'expired'>;
  /** Ports that fail for now, as a database that is away would. */
  broken: Set<string>;
  blocked: Set<string>;
  /** Moves the clock on. */
  pass(ms: number): void;
  settings: { minutes: number; downQuotaKB: number };
}

export interface FakeOptions {
  stores?: StoreView[];
  start?: number;
  /** A running clock, for browsers and gateways; the tests' own stands still. */
  clock?: () => number;
}

type State = Omit<Fakes, 'ports' | 'of' | 'codeFor' | 'pass'> & {
  now: () => number;
  codes: Map<string, { code: string; tries: number; used: boolean; until: number }>;
  note(port: string, what: unknown): void;
};

const HOUR = 3_600_000;

function admitIn(state: State, request: AdmitRequest): string {
  const hid = request.context.hid ?? request.context.mac;
  const id = createHmac('sha256', 'fake').update(`${hid}|${JSON.stringify(request.proof)}`);
  const sessionId = `s-${id.digest('hex').slice(0, 12)}`;
  const { minutes } = state.settings;
  if (!state.sessions.has(sessionId))
    state.sessions.set(sessionId, {
      sessionId,
      guestId: `g-${sessionId}`,
      state: 'pending',
      expiresAt: state.now() + minutes * 60_000,
      mac: request.context.mac,
    });
  return sessionId;
}

function keyOf(store: StoreView, mac: string): string {
  return createHmac('sha256', store.id).update(mac).digest('hex').slice(0, 32);
}

function fakeDesk(state: State): PortalPorts['desk'] {
  return {
    async store(slug) {
      state.note('desk.store', slug);
      return state.stores.find((store) => store.slug === slug) ?? null;
    },
    async mayAsk(_store, proof, questionKey) {
      state.note('desk.mayAsk', { proof, questionKey });
      return true;
    },
    async admit(request) {
      state.note('desk.admit', request);
      const { proof, context } = request;
      if (state.blocked.has(context.mac)) return { ok: false, reason: 'blocked' };
      if (proof.method === 'voucher') {
        const known = state.vouchers.get(proof.code);
        if (known !== 'fresh')
          return { ok: false, reason: known === 'used' ? 'voucher-used' : 'voucher-invalid' };
        state.vouchers.set(proof.code, 'used');
      }
      const before = state.sessions.size;
      const sessionId = admitIn(state, request);
      const { minutes, downQuotaKB } = state.settings;
      const limits = { upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB };
      const expiresAt = state.sessions.get(sessionId)?.expiresAt ?? state.now() + HOUR;
      const grant = { sessionId, guestId: `g-${sessionId}`, minutes, expiresAt, ...limits };
      return { ok: true, grant, returning: state.sessions.size === before };
    },
    async session(_store, sessionId) {
      state.note('desk.session', sessionId);
      return state.sessions.get(sessionId) ?? null;
    },
    async sessionByClientKey(store, key) {
      const own = [...state.sessions.values()].find((one) => keyOf(store, one.mac) === key);
      return own ?? null;
    },
    clientKey: keyOf,
    async offers(_store, sessionId, waitMs, known = []) {
      state.note('desk.offers', { sessionId, waitMs, known });
      const fresh = () => state.offers.some((card) => !known.includes(card.voucherId));
      for (let waited = 0; waited < waitMs && !fresh(); waited += 25) await delay(25);
      return [...state.offers];
    },
    async shown(_store, sessionId, voucherIds) {
      state.note('desk.shown', { sessionId, voucherIds });
    },
  };
}

/** Addresses ending in 0000 or @refused.example are refused, as a real sender would. */
function fakeCodes(state: State): PortalPorts['codes'] {
  let next = 100_000;
  return {
    normalise(_store, channel, typed) {
      if (channel === 'email')
        return /^[^\s@<>]+@[^\s@<>]+\.[a-z]{2,}$/i.test(typed) ? typed.toLowerCase() : null;
      const digits = typed.replaceAll(/[\s()-]/g, '');
      if (/^\+\d{8,15}$/.test(digits)) return digits;
      return /^0\d{9,10}$/.test(digits) ? `+44${digits.slice(1)}` : null;
    },
    async send(request) {
      state.note('codes.send', request);
      const { address, binding } = request;
      if (address.endsWith('0000') || address.endsWith('@refused.example'))
        return { ok: false, reason: 'destination-refused' };
      next += 1;
      const until = state.now() + 5 * 60_000;
      const entry = { code: String(next), tries: 5, used: false, until };
      state.codes.set(`${binding}|${address}`, entry);
      return { ok: true, resendAt: state.now() + 30_000, expiresAt: until };
    },
    async verify(request) {
      state.note('codes.verify', request);
      const entry = state.codes.get(`${request.binding}|${request.address}`);
      if (entry === undefined || entry.until < state.now()) return { ok: false, reason: 'expired' };
      if (entry.used) return { ok: false, reason: 'used' };
      if (entry.tries === 0) return { ok: false, reason: 'locked' };
      if (entry.code !== request.code) {
        entry.tries -= 1;
        if (entry.tries === 0) return { ok: false, reason: 'locked' };
        return { ok: false, reason: 'wrong', triesLeft: entry.tries };
      }
      entry.used = true;
      return { ok: true };
    },
  };
}

function fakeDoors(state: State): PortalPorts['doors'] {
  const set = (sessionId: string, to: SessionView['state']) => {
    const session = state.sessions.get(sessionId);
    if (session !== undefined && session.state !== 'ended') session.state = to;
  };
  return {
    async pending(_store, gatewayId, limit) {
      state.note('doors.pending', { gatewayId, limit });
      const own = [...state.deposits.values()].filter((one) => one.gatewayId === gatewayId);
      return own.slice(0, limit);
    },
    async deposit(_store, gatewayId, deposit) {
      state.note('doors.deposit', { gatewayId, ...deposit });
      state.deposits.set(deposit.rhid, { ...deposit, gatewayId });
    },
    async confirmed(_store, gatewayId, rhids) {
      state.note('doors.confirmed', { gatewayId, rhids });
      for (const rhid of rhids) {
        const deposit = state.deposits.get(rhid);
        if (deposit?.gatewayId !== gatewayId) continue;
        state.deposits.delete(rhid);
        set(deposit.sessionId, 'active');
      }
    },
    async landed(_store, sessionId) {
      state.note('doors.landed', sessionId);
      set(sessionId, 'active');
    },
    async cleared(_store, gatewayId) {
      state.note('doors.cleared', gatewayId);
      for (const [rhid, deposit] of state.deposits)
        if (deposit.gatewayId === gatewayId) state.deposits.delete(rhid);
    },
    async learned(_store, gatewayId, hashes) {
      state.note('doors.learned', { gatewayId, hashes });
    },
    async ended(_store, gatewayId, report) {
      state.note('doors.ended', { gatewayId, ...report });
      for (const session of state.sessions.values())
        if (session.mac === report.mac) session.state = 'ended';
    },
  };
}

function fakeVouchers(state: State): PortalPorts['vouchers'] {
  return {
    async check(_store, code, mac, ip) {
      state.note('vouchers.check', { code, mac, ip });
      const known = state.vouchers.get(code);
      if (known === 'fresh') return { ok: true };
      return { ok: false, reason: known ?? 'unknown' };
    },
  };
}

/** Makes every method of a port fail while its name stands in `broken`. */
function breakable<T extends object>(port: T, name: string, broken: Set<string>): T {
  return new Proxy(port, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown;
      if (typeof value !== 'function' || !broken.has(`${name}.${String(key)}`)) return value;
      return async () => {
        throw new Error('the database is away');
      };
    },
  });
}

export function makeFakes(options: FakeOptions = {}): Fakes {
  let now = options.start ?? Date.UTC(2026, 10, 22, 10, 0);
  const calls: Call[] = [];
  const broken = new Set<string>();
  const state: State = {
    stores: options.stores ?? [fakeStore()],
    calls,
    sessions: new Map(),
    deposits: new Map(),
    offers: [],
    vouchers: new Map([
      ['OPENSESAME', 'fresh'],
      ['SPENT', 'used'],
      ['STALE', 'expired'],
    ]),
    broken,
    blocked: new Set(),
    settings: { minutes: 120, downQuotaKB: 0 },
    codes: new Map(),
    now: () => options.clock?.() ?? now,
    note: (port, what) => void calls.push({ port, with: what }),
  };
  const quiet = (facts: unknown, message: string) => state.note('log', { facts, message });
  const ports: PortalPorts = {
    desk: breakable(fakeDesk(state), 'desk', broken),
    codes: breakable(fakeCodes(state), 'codes', broken),
    vouchers: breakable(fakeVouchers(state), 'vouchers', broken),
    doors: breakable(fakeDoors(state), 'doors', broken),
    clock: state.now,
    log: { info: quiet, warn: quiet, error: quiet },
  };
  return {
    ...state,
    ports,
    of: (port) => calls.filter((call) => call.port === port).map((call) => call.with),
    codeFor(address) {
      const entries = [...state.codes].filter(([key]) => key.endsWith(`|${address}`));
      return entries.at(-1)?.[1].code;
    },
    pass(ms) {
      now += ms;
    },
  };
}
