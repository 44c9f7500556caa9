/** The newer ways in through the whole house: pages, API and storage together. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { browse, makeHouse, redirectOf } from '../support/cast.ts';
import type { House } from '../support/cast.ts';
import { makeMac } from '../support/make.ts';
import { formsOf, headingOf } from '../e2e/opennds/guest.ts';
import type { Sheet } from '../e2e/opennds/guest.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.stop());

const houseWith = (methods: string[]): Promise<House> =>
  makeHouse(app, {
    methods,
    ageGate: null,
    purposes: [],
    policy: { rememberDays: 30, graceMinutes: 0 },
  });

/** A browser that keeps the one cookie of the portal. */
function browserWithCookies() {
  const jar = new Map<string, string>();
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const ask = async (url: URL, init: RequestInit = {}): Promise<Sheet> => {
    const headers = { 'accept-language': 'en', ...(jar.size === 0 ? {} : { cookie: cookie() }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const set of response.headers.getSetCookie()) {
      const [name = '', ...value] = (set.split(';')[0] ?? '').split('=');
      jar.set(name, value.join('='));
    }
    const onward = response.headers.get('location');
    if (onward !== null && response.status < 400) return ask(new URL(onward, url));
    return { url: url.href, status: response.status, html: await response.text() };
  };
  return {
    get: (path: string) => ask(new URL(path, app.url)),
    post: (url: string, body: URLSearchParams) => ask(new URL(url), { method: 'POST', body }),
    cookie,
  };
}

const rows = async <R extends Record<string, unknown>>(house: House, text: string) =>
  (await app.db.query<R>(text, [house.merchantId])).rows;
const sessions = (house: House) =>
  rows<{ method: string; state: string; guest_id: string }>(
    house,
    'select method, state, guest_id from sessions where merchant_id = $1 order by granted_at, id',
  );

/** Agrees to the terms that stand on the page. */
const agree = (guest: ReturnType<typeof browse>, page: Sheet) => guest.submit(page, {});

describe('a member card', () => {
  test('opens by number and PIN, and a wrong PIN says no more than that', async () => {
    const house = await houseWith(['member-card']);
    const { cards } = await house.api.post<{ cards: { number: string; pin: string }[] }>(
      '/v1/member-cards',
      { cards: [{ name: 'Ada' }] },
    );
    const [{ number, pin }] = cards as [{ number: string; pin: string }];
    const guest = browse(app);
    const door = await guest.get(redirectOf(house));
    const wrong = await guest.submit(door, { value: number, factor: '000001' });
    const unknown = await guest.submit(door, { value: '999999999999', factor: pin });
    const trouble = (page: Sheet) => /class="trouble"[^>]*>([^<]*)</.exec(page.html)?.[1];
    expect(trouble(wrong)).toBeTruthy();
    expect(trouble(wrong)).toBe(trouble(unknown));
    const typed = `${number.slice(0, 4)} ${number.slice(4, 8)} ${number.slice(8)}`;
    const terms = await guest.submit(wrong, { value: typed, factor: pin });
    await agree(guest, terms);
    expect(await sessions(house)).toMatchObject([{ method: 'member-card' }]);
    const guests = await rows(
      house,
      'select name, phone, email from guests where merchant_id = $1',
    );
    expect(guests).toEqual([{ name: 'Ada', phone: null, email: null }]);
    const list = await house.api.get<{ cards: { guestId: string | null }[] }>('/v1/member-cards');
    expect(list.cards[0]?.guestId).toBe((await sessions(house))[0]?.guest_id);
  });
});

describe('staff', () => {
  test('let a waiting guest in over the API, and the guest goes on', async () => {
    const house = await houseWith(['staff']);
    const guest = browse(app);
    const door = await guest.get(redirectOf(house));
    const waiting = await guest.submit(door, { value: 'Sam from the press' });
    expect(await sessions(house)).toEqual([]);
    type Listed = { approvals: { id: string; name: string; state: string }[] };
    const { approvals } = await house.api.get<Listed>('/v1/approvals');
    expect(approvals).toMatchObject([{ name: 'Sam from the press', state: 'waiting' }]);
    await app.settled();
    const answer = await fetch(`${app.url}/v1/approvals/${approvals[0]!.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${house.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ granted: true }),
    });
    expect(answer.status).toBe(200);
    const terms = await guest.get(waiting.url);
    await agree(guest, terms);
    expect(await sessions(house)).toMatchObject([{ method: 'staff' }]);
    const events = await house.api.get<{ events: { type: string }[] }>(
      `/v1/events?store=${house.store.id}&after=0`,
    );
    const types = events.events.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['approval.asked', 'approval.decided']));
  });
});

describe('a device that was here', () => {
  test('is let in with one tap by its cookie and MAC, and is nobody without the cookie', async () => {
    const house = await houseWith(['click-through']);
    const mac = makeMac();
    const guest = browserWithCookies();
    const terms = await guest.get(redirectOf(house, { mac }));
    const [form] = formsOf(terms.html);
    await guest.post(new URL(form!.action, terms.url).href, new URLSearchParams(form!.fields));
    expect(guest.cookie()).toMatch(/\bfoyer=fk_/);
    const [first] = await sessions(house);
    const tapAgain = async () => {
      const back = await guest.get(redirectOf(house, { mac }));
      const [oneTap] = formsOf(back.html);
      expect(oneTap?.action).toMatch(/\/back$/);
      const body = new URLSearchParams({ ...oneTap!.fields, value: 'yes' });
      await guest.post(new URL(oneTap!.action, back.url).href, body);
    };
    await tapAgain();
    expect(await sessions(house)).toHaveLength(1);
    await rows(
      house,
      `update sessions set state = 'ended', ended_at = granted_at, end_reason = 'user-request'
       where merchant_id = $1`,
    );
    await tapAgain();
    const [, again] = await sessions(house);
    expect(again).toMatchObject({ method: 'returning', guest_id: first!.guest_id });
    const stranger = await browse(app).get(redirectOf(house, { mac }));
    expect(formsOf(stranger.html)[0]?.action).not.toMatch(/\/back$/);
    expect(headingOf(stranger.html)).toBe(headingOf(terms.html));
  });
});
