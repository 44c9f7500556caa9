/** A page of a store as guests would see it, for staff who change its look: nobody is asked and nothing is kept. */
import { randomBytes } from 'node:crypto';
import type { InsideSession, Journey } from './context.ts';
import { methodOfWay } from './journey.ts';
import type { Kit } from './kit.ts';
import { createKit } from './kit.ts';
import { waysOf } from './methods/all.ts';
import { pageFor } from './pages.ts';
import type { Language, StoreView } from './ports-store.ts';
import type { Desk, Doors, PortalPorts, Proof } from './ports.ts';
import type { Page, Rendered } from './render.ts';
import { logoOf } from './theme.ts';
import type { Looked, DeviceMemory, Walker } from './walk.ts';
import { look } from './walk.ts';

export const previewPages = ['choose', 'code', 'consent', 'welcome'] as const;
export type PreviewPage = (typeof previewPages)[number];

export interface PreviewRequest {
  page: PreviewPage;
  language: Language;
  /** Drawn as on a phone that is set to dark. */
  dark: boolean;
  /** Minutes online that the last page tells of. */
  minutes: number;
}

export type Preview = (store: StoreView, asked: PreviewRequest) => Promise<Rendered>;

const nobody = (): Promise<never> => Promise.reject(new Error('a preview asks nobody'));
const nothing = (): Promise<void> => Promise.resolve();

const desk: Desk = {
  store: () => Promise.resolve(null),
  admit: nobody,
  session: () => Promise.resolve(null),
  sessionByClientKey: () => Promise.resolve(null),
  clientKey: () => '',
  offers: () => Promise.resolve([]),
  shown: nothing,
};
const doors: Doors = {
  pending: () => Promise.resolve([]),
  deposit: nobody,
  confirmed: nothing,
  landed: nothing,
  cleared: nothing,
  ended: nothing,
};

/** Every way in is there to be shown; none of them leads anywhere. */
function quietPorts(clock: () => number): PortalPorts {
  const silent = (): void => undefined;
  return {
    clock,
    desk,
    doors,
    codes: { normalise: () => null, send: nobody, verify: nobody },
    vouchers: { check: nobody },
    members: { check: nobody },
    approvals: { ask: nobody, state: nobody },
    links: { keep: nobody, find: () => Promise.resolve(null) },
    log: { info: silent, warn: silent, error: silent },
  };
}

const PROOFS: Partial<Record<Proof['method'], Proof>> = {
  'sms-code': { method: 'sms-code', address: '+447400123456' },
  'email-code': { method: 'email-code', address: 'ada@example.com' },
  voucher: { method: 'voucher', code: '' },
  'member-card': { method: 'member-card', number: '' },
  staff: { method: 'staff', requestId: '' },
};

function insideFor(now: number, minutes: number): InsideSession {
  const unlimited = { upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
  const expiresAt = minutes === 0 ? 0 : now + minutes * 60_000;
  return { grant: { sessionId: '', minutes, ...unlimited }, expiresAt, admittedAt: now };
}

/** Whose code is waited for: the way by code that comes first, or one by mail where there is none. */
function withCode(store: StoreView): { store: StoreView; method: 'sms-code' | 'email-code' } {
  const codes = ['sms-code', 'email-code'] as const;
  const [method] = store.methods.flatMap((name) => codes.filter((code) => code === name));
  if (method !== undefined) return { store, method };
  return { store: { ...store, methods: [...store.methods, 'email-code'] }, method: 'email-code' };
}

async function standing(
  kit: Kit,
  walker: Walker,
  { page, minutes }: PreviewRequest,
): Promise<{ walker: Walker; looked: Looked }> {
  const { store, journey } = walker;
  const now = kit.ports.clock();
  if (page === 'choose') return { walker, looked: await look(kit, walker) };
  if (page === 'welcome') {
    const inside: Journey = { ...journey, session: insideFor(now, minutes) };
    return { walker, looked: { step: 'welcome', journey: inside } };
  }
  if (page === 'code') {
    const { store: other, method } = withCode(store);
    const address = method === 'sms-code' ? '+447400123456' : 'ada@example.com';
    const sent: Journey = { ...journey, method, address, resendAt: now + 45_000 };
    return { walker: { ...walker, store: other }, looked: { step: 'code', journey: sent } };
  }
  const [way] = waysOf(kit.ports, store);
  const proof = way === undefined ? undefined : PROOFS[methodOfWay(way)];
  const proved = {
    ...journey,
    ...(way === undefined ? {} : { method: way }),
    ...(proof === undefined ? {} : { proof }),
  };
  return { walker, looked: { step: 'consent', journey: proved } };
}

/** Links lead nowhere, the phone's own setting gives way to the chosen one, and the logo comes along. */
function stilled({ html, nonce }: Rendered, page: Page, dark: boolean): Rendered {
  const logo = logoOf(page.store);
  const data = page.store?.theme.logo?.data;
  const still = html
    .replaceAll(/ (href|action)="(?!#|data:)[^"]*"/g, ' $1="#"')
    .replaceAll('(prefers-color-scheme:dark)', dark ? '(min-width:0)' : '(max-width:0)')
    .replace('color-scheme:light dark', `color-scheme:${dark ? 'dark' : 'light'}`);
  const inline = logo && data ? still.replace(logo.src, `data:image/png;base64,${data}`) : still;
  return { html: inline, nonce };
}

const forgets = () => undefined;
const NO_COOKIES: DeviceMemory = {
  token: null,
  keep: forgets,
  drop: forgets,
  letIn: forgets,
  wasLetIn: () => false,
  began: forgets,
  holds: () => false,
};

/** `publicUrl` and `viewCache` as in the portal's own settings. */
export function createPreview(settings: {
  clock: () => number;
  publicUrl: string;
  viewCache: boolean;
}): Preview {
  const { clock, ...rest } = settings;
  const kit = createKit(quietPorts(clock), { ...rest, secret: randomBytes(32) });
  return async (given, asked) => {
    const { language } = asked;
    // Gateways decide nothing about the look, and one of them would be asked for its sign-in page.
    const store = { ...given, gateways: [] };
    const journey: Journey = {
      storeId: store.id,
      language,
      startedAt: clock(),
      binding: '',
      age: 'over',
    };
    const start: Walker = { store, journey, networkIp: '', userAgent: '', device: NO_COOKIES };
    const { walker, looked } = await standing(kit, start, asked);
    const { page } = await pageFor(kit, walker, looked);
    const { poll: _poll, refresh: _refresh, formTo: _formTo, ...bare } = page;
    return stilled(kit.renderer.page(bare), bare, asked.dark);
  };
}
