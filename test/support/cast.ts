/** Who plays in tests of the whole house: a merchant with everything made over the API, phones, sockets. */
import { once } from 'node:events';
import { afterEach } from '@jest/globals';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { pretendRedirect } from '../../portal/router.ts';
import { createApi } from '../../scripts/demo/api.ts';
import type { Api } from '../../scripts/demo/api.ts';
import { scopes } from '../../server/http/route.ts';
import { csrfToken } from '../../server/http/csrf.ts';
import type { NewEvent } from '../../server/events/types.ts';
import { hashToken, uuidv7 } from '../../server/ids.ts';
import { preparePartitions } from '../../server/pings/keep.ts';
import type { EventMessage, Join } from '../../server/realtime/messages.ts';
import { createApiKey } from '../../server/staff/keys.ts';
import { formsOf, headingOf } from '../e2e/opennds/guest.ts';
import type { Sheet } from '../e2e/opennds/guest.ts';
import type { TestApp } from './app.ts';
import { makeMac, makeMerchant, makeSignIn, makeStaff } from './make.ts';

export interface House {
  merchantId: string;
  /** With a key of every scope. */
  api: Api;
  apiKey: string;
  store: { id: string; slug: string };
  gateway: { id: string; name: string; secret: string };
  /** The owner's sign-in, as a browser sends it. */
  headers: { cookie: string };
  csrf: string;
  /** Where the shop is; `makeRoom` draws a fence of 30 m around it. */
  at: { lon: number; lat: number };
  clock: TestApp['clock'];
}

export const nowOf = (app: TestApp): number => app.clock.now ?? Date.now();

let houses = 0;

/** A merchant with one store, a pretend gateway, and an owner who is signed in. */
export async function makeHouse(
  app: TestApp,
  settings: Record<string, unknown> = {},
): Promise<House> {
  houses += 1;
  const { db, clock } = app.server.services;
  const merchantId = (await makeMerchant(app.db, { name: `House ${houses}` })).id;
  const { key } = await createApiKey({ db, clock }, merchantId, { name: 'Test', scopes });
  const staff = await makeStaff(app.db, merchantId);
  const now = nowOf(app);
  const { token } = await makeSignIn(app.db, merchantId, staff.id, {
    createdAt: new Date(now),
    lastSeenAt: new Date(now),
    expiresAt: new Date(now + 86_400_000),
  });
  const api = createApi(app.url, key);
  const at = { lon: 4.4828 + houses / 100, lat: 51.9173 };
  const store = await api.post<House['store']>('/v1/stores', {
    slug: `house-${process.pid}-${houses}`,
    name: `House ${houses}`,
    timezone: 'Europe/Amsterdam',
    country: 'NL',
    location: at,
    settings: {
      methods: ['click-through', 'email-code', 'sms-code', 'voucher'],
      // One optional purpose and no age, unless a test is about them.
      purposes: ['marketing'],
      ageGate: null,
      ...settings,
    },
  });
  const gateway = await api.post<House['gateway']>(`/v1/stores/${store.id}/gateways`, {
    kind: 'pretend',
    name: 'atrium',
  });
  await preparePartitions(db, now);
  return {
    merchantId,
    api,
    apiKey: key,
    store,
    gateway,
    headers: { cookie: `foyer=${token}` },
    csrf: csrfToken(app.server.services.csrfKey, hashToken(token)),
    at,
    clock: app.clock,
  };
}

/** Path of the gateway's signed redirect for a client. */
export function redirectOf(
  { store, gateway }: Pick<House, 'store' | 'gateway'>,
  client: { mac?: string; ip?: string; url?: string } = {},
): string {
  return pretendRedirect(store.slug, gateway, { mac: makeMac(), ip: '192.0.2.7', ...client });
}

/** The shop's floor as a fence; its id. Drawn a day ago: what was pinged before a fence stood is no visit. */
export async function makeRoom({ api, store, at, clock }: House, name = 'Shoes'): Promise<string> {
  const { now } = clock;
  clock.now = (now ?? Date.now()) - 86_400_000;
  const { id } = await api.post<{ id: string }>('/v1/fences', {
    name,
    storeId: store.id,
    geometry: { type: 'Point', coordinates: [at.lon, at.lat] },
    radius: 30,
    minDwellSeconds: 120,
  });
  clock.now = now;
  return id;
}

/** A live offer with a live rule that gives it to everybody who meets `definition`. */
export async function makeOffering(
  { api, store }: House,
  definition: { trigger: string } & Record<string, unknown>,
  over: Record<string, unknown> = {},
): Promise<{ offerId: string; ruleId: string }> {
  const offer = await api.post<{ id: string }>('/v1/offers', {
    name: 'Coffee',
    storeId: store.id,
    headline: 'A coffee on us',
    body: 'Show this at the till.',
    terms: 'One per guest.',
    validForS: 14_400,
    stock: null,
    status: 'live',
    ...over,
  });
  const rule = await api.post<{ id: string }>('/v1/rules', {
    name: 'Coffee for everybody',
    offerId: offer.id,
    status: 'live',
    definition: { scope: { storeId: store.id }, experiment: { holdout: 0 }, ...definition },
  });
  return { offerId: offer.id, ruleId: rule.id };
}

export interface Phone {
  deviceId: string;
  token: string;
}

/** A registered app that opted in to offers. */
export async function makePhone(
  { api }: Pick<House, 'api'>,
  over: Record<string, unknown> = {},
): Promise<Phone> {
  const { device, token } = await api.post<{ device: { id: string }; token: string }>(
    '/v1/devices',
    { name: 'Phone', marketingConsent: true, ...over },
  );
  return { deviceId: device.id, token };
}

export interface Fix {
  /** ms since 1970. */
  t: number;
  lon: number;
  lat: number;
  acc: number;
  /** m/s. */
  speed: number;
}

/** Somebody who stands in the shop: a fix each 10 s, the last one at `until`. */
export function staying({ at }: House, until: number, count: number): Fix[] {
  return Array.from({ length: count }, (_, i) => ({
    t: Math.floor(until / 1000) * 1000 - (count - 1 - i) * 10_000,
    lon: at.lon + ((i * 7) % 5) * 1e-6,
    lat: at.lat + ((i * 3) % 5) * 1e-6,
    acc: 6,
    speed: 0,
  }));
}

export type Told = Partial<NewEvent> & { code?: string };

/** An offer to a phone (or to nobody), as rules write it. */
export function offerTold(at: House, who: Phone | null, now: number, over: Told = {}): NewEvent {
  const { code = 'K7M4P2XW9C', ...rest } = over;
  const deviceId = who?.deviceId ?? null;
  const time = new Date(now).toISOString();
  return {
    merchantId: at.merchantId,
    storeId: at.store.id,
    deviceId,
    type: 'offer.issued',
    key: deviceId ?? 'nobody',
    occurredAt: new Date(now),
    payload: {
      voucherId: uuidv7(now),
      offerId: uuidv7(now),
      ruleId: uuidv7(now),
      storeId: at.store.id,
      guestId: null,
      deviceId,
      code,
      headline: 'A coffee on us',
      body: '',
      terms: '',
      validUntil: time,
      causeId: uuidv7(now),
      at: time,
    },
    ...rest,
  };
}

export interface Line {
  socket: Socket;
  events: EventMessage[];
  /** The answer to joining. */
  caughtUp: { position: number; complete: boolean };
  /** Resolves with the event of this type, come or to come. */
  hear(type: string): Promise<EventMessage>;
}

const open: Socket[] = [];

/** Registers the end of every socket that a test opened. */
export function closeSockets(): void {
  afterEach(() => {
    for (const socket of open.splice(0)) socket.disconnect();
  });
}

function plug(app: TestApp, auth: object, headers: Record<string, string>): Socket {
  const socket = io(app.url, {
    path: '/live',
    auth,
    extraHeaders: headers,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  open.push(socket);
  return socket;
}

/** Joins the live channel; throws what the server said when it refuses. */
export async function dial(
  app: TestApp,
  auth: Join,
  headers: Record<string, string> = {},
): Promise<Line> {
  const socket = plug(app, auth, headers);
  const events: EventMessage[] = [];
  const waiting: { type: string; resolve: (message: EventMessage) => void }[] = [];
  socket.on('event', (message: EventMessage) => {
    events.push(message);
    for (const { type, resolve } of waiting) if (type === message.type) resolve(message);
  });
  const caughtUp = await new Promise<Line['caughtUp']>((resolve, reject) => {
    socket.once('caught-up', resolve);
    socket.once('connect_error', reject);
  });
  return {
    socket,
    events,
    caughtUp,
    async hear(type) {
      const come = events.find((message) => message.type === type);
      return come ?? new Promise((resolve) => waiting.push({ type, resolve }));
    },
  };
}

/** What the server says to who may not join. */
export async function refusal(
  app: TestApp,
  auth: object,
  headers: Record<string, string> = {},
): Promise<string> {
  const socket = plug(app, auth, headers);
  const [error] = (await once(socket as never, 'connect_error')) as [Error];
  socket.disconnect();
  return error.message;
}

export const staffLine = (app: TestApp, house: House, after?: number): Promise<Line> =>
  dial(
    app,
    { kind: 'staff', storeId: house.store.id, ...(after === undefined ? {} : { after }) },
    house.headers,
  );

export const phoneLine = (app: TestApp, { token }: Phone, after?: number): Promise<Line> =>
  dial(app, { kind: 'device', token, ...(after === undefined ? {} : { after }) });

/** A guest's browser without scripts and cookies, one page at a time. */
export function browse(app: TestApp, headers: Record<string, string> = {}) {
  const sheetOf = async (response: Response): Promise<Sheet> => ({
    url: response.url,
    status: response.status,
    html: await response.text(),
  });
  const get = async (path: string, from = app.url): Promise<Sheet> =>
    sheetOf(await fetch(new URL(path, from), { headers: { 'accept-language': 'en', ...headers } }));
  return {
    get,
    /** Fills a form of the page (the first unless told) and sends it. */
    async submit(from: Sheet, values: Record<string, string>, which = 0): Promise<Sheet> {
      const form = formsOf(from.html)[which];
      if (form === undefined) throw new Error(`no form on “${headingOf(from.html)}”`);
      const body = new URLSearchParams({ ...form.fields, ...values });
      return sheetOf(
        await fetch(new URL(form.action, from.url), { method: 'POST', body, headers }),
      );
    },
  };
}

/** The newest one-time code that was sent to this address, from the development outbox. */
export async function codeFor(app: TestApp, address: string): Promise<string> {
  const { rows } = await app.db.query<{ body: string }>(
    'select body from messages where address = $1 order by created_at desc limit 1',
    [address],
  );
  const code = /\b\d{6}\b/.exec(rows[0]?.body ?? '')?.[0];
  if (code === undefined) throw new Error(`nothing was sent to ${address}`);
  return code;
}
