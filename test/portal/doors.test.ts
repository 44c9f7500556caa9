/** Doors of every make and mood: forms, refusals, slow ones and silent ones; and what stands in a page's slots. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { pretend } from '../../portal/gateways/pretend.ts';
import type { Opening } from '../../portal/gateways/gateway.ts';
import { contentSecurityPolicy } from '../../portal/headers.ts';
import { checkFor } from '../../portal/landing.ts';
import type { StoreView } from '../../portal/ports-store.ts';
import { pretendRedirect } from '../../portal/router.ts';
import { formsOf, refreshOf } from '../e2e/opennds/guest.ts';
import { walledGarden } from '../../portal/setup/garden.ts';
import { fakeOffer, fakeStore, PRETEND } from '../support/fakes.ts';
import { link, MAC, makePhone, PUBLIC } from './phone.ts';
import type { Phone } from './phone.ts';

const shop = (more: Partial<StoreView> = {}, settings = {}) =>
  makePhone([fakeStore({ methods: ['click-through'], questions: [], ...more })], settings);

/** The pretend gateway, opening as told. */
const opens = (opening: () => Promise<Opening>, door?: 'browser') => {
  jest.spyOn(pretend, 'open').mockImplementation(opening);
  if (door === undefined) return;
  const able = pretend.capabilities(PRETEND);
  jest.spyOn(pretend, 'capabilities').mockImplementation(() => ({
    ...able,
    door,
    knock: 'http://gateway.example/',
  }));
};
afterEach(() => {
  jest.restoreAllMocks();
});

const enter = async (phone: Phone) => phone.submit(await phone.arrive(), {});
const notices = (phone: Phone) =>
  (phone.fakes.of('doors.noticed') as { code: string }[]).map(({ code }) => code);

describe('a door that takes a form', () => {
  const url = 'http://192.168.88.1/login;x,y?a=1';
  const fields = { username: 'g.abc', password: '<secret>', dst: 'https://portal.example/p' };

  test('gets a page with one button, sent by itself where there is a script, and nowhere else', async () => {
    opens(async () => ({ kind: 'post', url, fields }), 'browser');
    const page = await enter(shop());
    expect(page.heading).toBe('Opening the door');
    expect(formsOf(page.html)).toEqual([{ action: url, fields }]);
    expect(page.html).toMatch(/<form method="post" action="[^"]*" data-auto>/);
    expect(page.html.match(/<button/g)).toHaveLength(1);
    expect(refreshOf(page.html)).toBeNull();
    const csp = page.headers['content-security-policy'] ?? '';
    expect(csp).toContain(
      "form-action 'self' http://192.168.88.1/login%3Bx%2Cy; script-src 'nonce-",
    );
    expect(csp).not.toContain('a=1');
  });

  test('other pages may send forms only to us', () => {
    expect(contentSecurityPolicy('n', { scripted: false })).toMatch(/form-action 'self'$/);
    expect(contentSecurityPolicy(null, { scripted: false })).toMatch(/form-action 'none'$/);
  });
});

describe('a door that stays shut', () => {
  test.each([
    ['refused', 'and said no', true],
    ['unreachable', 'could not be reached', true],
    ['stale', 'has forgotten this sign-in', false],
  ] as const)('%s: what happened, what is kept, what to do', async (reason, words, again) => {
    opens(async () => ({ kind: 'shut', reason }));
    const phone = shop({ methods: ['click-through', 'voucher'] });
    const terms = await phone.submit(await phone.arrive(), { method: 'click-through' });
    const page = await phone.submit(terms, {});
    expect(page.heading).toBe('The WiFi did not let you in');
    expect(page.html).toContain(words);
    expect(page.html).toContain('Nothing has to be entered again');
    expect(link(page, 'Connect another way')).not.toBe('');
    expect(formsOf(page.html)).toHaveLength(again ? 1 : 0);
    expect(notices(phone)).toEqual(['redirect-ok', 'door-failed']);
    if (!again) return;
    jest.restoreAllMocks();
    expect((await phone.submit(page, {})).heading).toBe('You are online');
    expect(phone.fakes.of('desk.admit')).toHaveLength(1);
    expect(notices(phone).at(-1)).toBe('door-opened');
  });

  test('one the browser should go through says so on its own page, with the gateway’s own sign-in', async () => {
    opens(async () => ({ kind: 'shut', reason: 'stale' }), 'browser');
    const page = await enter(shop());
    expect(page.heading).toBe('The WiFi did not let you in');
    expect(link(page, 'Open the sign-in page')).toBe('http://gateway.example/');
  });

  test('one that fails leaves the guest admitted, waiting, and then helped', async () => {
    opens(async () => {
      throw new Error('no route to 192.168.88.1');
    });
    const phone = shop();
    const page = await enter(phone);
    expect(page.heading).toBe('Connecting you');
    expect(JSON.stringify(phone.fakes.of('log'))).not.toContain('192.168');
    phone.fakes.pass(30_000);
    expect((await phone.get(page.url)).heading).toBe('Not connected yet');
  });

  test('one that never answers holds nobody up', async () => {
    opens(() => new Promise(() => undefined));
    const phone = shop({}, { doorMs: 30 });
    expect((await enter(phone)).heading).toBe('Connecting you');
    expect(notices(phone)).toContain('door-slow');
  });

  test('one that answers late still opens: the waiting page goes on', async () => {
    let open: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (open = resolve));
    const real = pretend.open.bind(pretend);
    jest.spyOn(pretend, 'open').mockImplementation(async (request) => {
      await late;
      return real(request);
    });
    const phone = shop({}, { doorMs: 30 });
    const page = await enter(phone);
    expect(page.heading).toBe('Connecting you');
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await phone.get(page.url)).heading).toBe('You are online');
  });

  test('a gateway that sends its guest back is asked once more, then the guest is told', async () => {
    opens(async () => ({ kind: 'through', url: 'http://192.168.88.1/login' }), 'browser');
    const phone = shop();
    expect((await enter(phone)).heading).toBe('Opening the door');
    expect((await phone.arrive()).heading).toBe('Opening the door');
    const told = await phone.arrive();
    expect(told.heading).toBe('The WiFi did not let you in');
    expect((await phone.arrive()).heading).toBe('The WiFi did not let you in');
    expect((await phone.submit(told, {})).heading).toBe('Opening the door');
    expect(phone.fakes.of('desk.admit')).toHaveLength(1);
  });

  test('whose session is over starts anew', async () => {
    opens(async () => ({ kind: 'through', url: 'http://192.168.88.1/login' }), 'browser');
    const phone = shop();
    await enter(phone);
    for (const session of phone.fakes.sessions.values()) session.state = 'ended';
    expect((await phone.arrive()).heading).toBe('Almost there');
  });

  test('two guests with one hardware address: neither learns of the other, both get in', async () => {
    const phone = shop({ methods: ['sms-code'] });
    const one = await phone.submit(await phone.arrive(), { value: '+447700900111' });
    const met = await phone.arrive();
    expect(met.heading).toBe('Enter your code');
    expect(met.html).not.toContain('7700900111');
    const other = await phone.get(link(met, 'Use another number'));
    expect(other.html).not.toContain('0111');
    const two = await phone.submit(other, { value: '+447700900222' });
    for (const [page, address] of [
      [one, '+447700900111'],
      [two, '+447700900222'],
    ] as const) {
      const terms = await phone.submit(page, { value: phone.fakes.codeFor(address) ?? '' });
      expect((await phone.submit(terms, {})).heading).toBe('You are online');
    }
    expect(phone.fakes.sessions.size).toBe(2);
  });
});

describe('a redirect by form', () => {
  const query = (mac = MAC) =>
    Object.fromEntries(
      new URL(pretendRedirect('harbour', PRETEND, { mac, ip: '10.0.0.5' }), PUBLIC).searchParams,
    );

  test('is read like any other, and answered with a page that can be reloaded', async () => {
    const phone = shop();
    const answer = await phone.post('/p/harbour', query());
    expect(answer.status).toBe(303);
    const page = await phone.get(answer.headers['location'] ?? '');
    expect(page.heading).toBe('Almost there');
    expect((await phone.submit(page, {})).heading).toBe('You are online');
  });

  test('forged, of nobody, or of nothing, it leads to a calm page', async () => {
    const phone = shop();
    const forged = await phone.post('/p/harbour', { ...query(), sig: '00' });
    expect([forged.status, forged.text.includes('This link cannot be used')]).toEqual([403, true]);
    const other = await phone.post('/p/harbour', { ...query(), gw: 'other' });
    expect(other.status).toBe(403);
    expect(notices(phone)).toEqual(['redirect-forged', 'redirect-unknown-gateway']);
    const called = phone.fakes.of('doors.noticed').at(-1);
    expect(JSON.stringify(called)).toContain('"detail":{"called":"other"}');
    const stray = await phone.post('/p/harbour', { hello: 'there' });
    expect([stray.status, stray.headers['location']]).toEqual([303, '/p/harbour']);
  });
});

describe('slots', () => {
  const house = (name: string) => ({
    headline: { en: `House ${name}`, 'zh-CN': `本店 ${name}` },
    body: { en: 'Fresh bread at four.' },
    link: `https://harbour.example/${name}`,
  });
  const HOUSE = { pre_auth: house('before'), landing: house('inside'), return: house('again') };
  const open = (more: Partial<StoreView> = {}) =>
    shop({ methods: ['click-through', 'voucher'], ...more });
  const walkIn = async (phone: Phone) => {
    const first = await phone.arrive();
    const welcome = await phone.submit(await phone.submit(first, { method: 'click-through' }), {});
    return { first, welcome };
  };

  test('hold what the engine gives, each in its place', async () => {
    const phone = open({ house: HOUSE });
    phone.fakes.slots.pre_auth = { kind: 'offer', card: fakeOffer({ headline: 'Before' }) };
    phone.fakes.slots.landing = {
      kind: 'offer',
      card: fakeOffer({ voucherId: 'v-9', code: 'IN-1' }),
    };
    const { first, welcome } = await walkIn(phone);
    expect(first.html).toContain('Before');
    // A code is worth something: it is shown to whom it was issued.
    expect(first.html).not.toContain('HC-7Q4M-2K');
    expect(welcome.html).toContain('IN-1');
    expect(welcome.html).not.toContain('House inside');
    expect(phone.fakes.of('desk.shown')).toMatchObject([{ voucherIds: ['v-9'] }]);
    const who = phone.fakes.of('desk.slot') as { slot: string; sessionId?: string }[];
    expect(who[0]).toEqual({ slot: 'pre_auth', language: 'en' });
    expect(who[1]).toMatchObject({ slot: 'landing', sessionId: expect.any(String) });
  });

  test('an offer that is due anyway is not drawn twice', async () => {
    const phone = open();
    phone.fakes.offers.push(fakeOffer());
    phone.fakes.slots.landing = { kind: 'offer', card: fakeOffer() };
    const { welcome } = await walkIn(phone);
    expect(welcome.html.match(/data-offer=/g)).toHaveLength(1);
  });

  test('hold words of the house where no offer is due, and lead where equipment lets guests go', async () => {
    const { first, welcome } = await walkIn(open({ house: HOUSE }));
    expect(first.html).toContain('House before');
    expect(link(first, 'Read more')).toBe('https://harbour.example/before');
    expect(walledGarden({ house: HOUSE }, PUBLIC)).toEqual(['portal.example', 'harbour.example']);
    const probe = { ...house('before'), link: 'https://www.google.com/' };
    const nowhere = await open({ house: { pre_auth: probe } }).arrive();
    expect(nowhere.html).toContain('House before');
    expect(nowhere.html).not.toContain('google');
    expect(welcome.html).toContain('House inside');
    expect(link(welcome, 'Read more')).toBe('https://harbour.example/inside');
  });

  test('never keep a page waiting, and never break one', async () => {
    const slow = open({ house: HOUSE });
    slow.fakes.settings.slotMs = 400;
    slow.fakes.slots.pre_auth = { kind: 'offer', card: fakeOffer({ headline: 'Too late' }) };
    const page = await slow.arrive();
    expect(page.html).toContain('House before');
    expect(page.html).not.toContain('Too late');
    const late = { kind: 'offer', card: fakeOffer({ headline: 'Too late' }) } as const;
    Object.assign(slow.fakes.slots, { landing: late, return: late });
    const { welcome: inside } = await walkIn(slow);
    expect(inside.heading).toBe('You are online');
    expect(inside.html).toContain('House inside');
    expect(inside.html).not.toContain('Too late');
    const code = await slow.submit(await slow.arrive(), { method: 'voucher' });
    jest.spyOn(slow.fakes.ports.desk, 'admit').mockImplementation(async (request) => {
      const [session] = slow.fakes.sessions.values();
      expect(request.proof.method).toBe('voucher');
      return { ok: true, grant: session!.grant, returning: true };
    });
    const terms = await slow.submit(code, { value: 'OPENSESAME' });
    const again = await slow.submit(terms, {});
    expect(again.html).toContain('House again');
    expect(again.html).not.toContain('Too late');
    expect((slow.fakes.of('desk.slot') as { slot: string }[]).map(({ slot }) => slot)).toEqual(
      expect.arrayContaining(['pre_auth', 'landing', 'return']),
    );
    const broken = open();
    broken.fakes.broken.add('desk.slot');
    const { first, welcome } = await walkIn(broken);
    expect(first.html).not.toContain('class="house"');
    expect(welcome.heading).toBe('You are online');
  });

  test.each(['javascript:alert(1)', 'http://harbour.example/', '//x', 'nonsense'])(
    'a link %s is none',
    async (address) => {
      const landing = { ...house('inside'), link: address };
      const { welcome } = await walkIn(open({ house: { landing } }));
      expect(welcome.html).toContain('House inside');
      expect(welcome.html).not.toContain(address);
    },
  );
});

describe('the phone’s own check', () => {
  const SHEET =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';

  test('a sign-in window is loaded once more, and may be left by a plain address of its maker', async () => {
    const phone = shop();
    const { url } = await enter(phone);
    const welcome = await phone.get(url, { 'user-agent': SHEET });
    expect(refreshOf(welcome.html)).toMatchObject({ seconds: 3 });
    expect(welcome.html).not.toContain('<noscript><meta');
    expect(link(welcome, 'Done')).toBe('http://captive.apple.com/hotspot-detect.html');
    const second = await phone.get(refreshOf(welcome.html)?.url ?? '', { 'user-agent': SHEET });
    expect(second.heading).toBe('You are online');
    expect(second.html).toContain('<noscript><meta');
  });

  test('a browser stays where it is', async () => {
    const welcome = await enter(shop());
    expect(welcome.html).not.toContain('captive.apple.com');
    expect(checkFor('Mozilla/5.0 (Linux; Android 14; wv) Chrome/1')).toContain('generate_204');
    expect(checkFor('')).toBeNull();
  });
});

describe('hours', () => {
  test('a store that is closed says when it opens', async () => {
    const day = [{ from: '11:30', to: '18:00' }];
    const hours = { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day };
    const phone = shop({ hours });
    jest.spyOn(phone.fakes.ports.desk, 'admit').mockResolvedValue({ ok: false, reason: 'closed' });
    const page = await enter(phone);
    expect([page.status, page.heading]).toEqual([503, 'The WiFi is resting']);
    expect(page.html).toContain('It opens at 11:30.');
    jest.restoreAllMocks();
    expect((await phone.get(link(page, 'Start again'))).heading).toBe('Almost there');
  });
});
