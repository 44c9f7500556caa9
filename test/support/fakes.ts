/** The portal's ports in memory: believable, settable, and recording all that is asked of them. */
import type { RegisteredGateway, SlotName, StoreView } from '../../portal/ports-store.ts';
import type {
  Deposit,
  Grant,
  OfferCard,
  PortalPorts,
  SessionView,
  SlotContent,
} from '../../portal/ports.ts';
import type { Ticket } from '../../portal/ports-network.ts';
import { fakeDesk } from './fake-desk.ts';
import { fakeDoors, fakeNetwork } from './fake-doors.ts';
import { fakeApprovals, fakeCodes, fakeLinks, fakeMembers, fakeVouchers } from './fake-ways.ts';

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
  sessions: Map<string, FakeSession>;
  deposits: Map<string, Deposit & { gatewayId: string }>;
  tickets: Map<string, Ticket & { sessionId: string; gatewayId: string }>;
  offers: OfferCard[];
  vouchers: Map<string, 'fresh' | 'used' | 'expired'>;
  /** Member number → second factor. */
  members: Map<string, string>;
  /** What guests asked of the staff; a test sets the state. */
  approvals: Map<string, FakeApproval>;
  links: Map<string, { sealed: string; storeId: string; kind: 'short' | 'state'; until: number }>;
  /** Tokens of devices that are remembered → their MAC. */
  devices: Map<string, string>;
  slots: Partial<Record<SlotName, SlotContent>>;
  /** Ports that fail for now, as a database that is away would. */
  broken: Set<string>;
  blocked: Set<string>;
  /** Moves the clock on. */
  pass(ms: number): void;
  settings: FakeSettings;
}

export interface FakeSession extends SessionView {
  mac: string;
  grant: Grant;
  grace: boolean;
}

export interface FakeApproval {
  name: string;
  mac: string;
  state: 'waiting' | 'granted' | 'denied' | 'expired';
}

export interface FakeSettings {
  minutes: number;
  downQuotaKB: number;
  downKbps: number;
  upKbps: number;
  /** How long a slot takes to answer. */
  slotMs: number;
}

export interface FakeOptions {
  stores?: StoreView[];
  start?: number;
  /** A running clock, for browsers and gateways; the tests' own stands still. */
  clock?: () => number;
  /** Ports that this host does not have. */
  without?: ('members' | 'approvals' | 'links' | 'network')[];
}

/** What the fakes share. */
export type State = Omit<Fakes, 'ports' | 'of' | 'codeFor' | 'pass'> & {
  now: () => number;
  codes: Map<string, { code: string; tries: number; used: boolean; until: number }>;
  /** Questions settled, as `mac|key`. */
  settled: Set<string>;
  memberTries: Map<string, number>;
  note(port: string, what: unknown): void;
};

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
    tickets: new Map(),
    members: new Map([['M100200', '4321']]),
    approvals: new Map(),
    links: new Map(),
    devices: new Map(),
    slots: {},
    settled: new Set(),
    memberTries: new Map(),
    settings: { minutes: 120, downQuotaKB: 0, downKbps: 0, upKbps: 0, slotMs: 0 },
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
    network: breakable(fakeNetwork(state), 'network', broken),
    members: breakable(fakeMembers(state), 'members', broken),
    approvals: breakable(fakeApprovals(state), 'approvals', broken),
    links: breakable(fakeLinks(state), 'links', broken),
    clock: state.now,
    log: { info: quiet, warn: quiet, error: quiet },
  };
  for (const name of options.without ?? []) delete ports[name];
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
