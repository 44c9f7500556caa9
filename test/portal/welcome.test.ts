/** What waits behind the terms: the gateway's door, the welcome page with its offers, and forms sent twice. */
import { describe, expect, test } from '@jest/globals';
import { formsOf, refreshOf } from '../e2e/opennds/guest.ts';
import { fakeOffer, fakeStore, openNds } from '../support/fakes.ts';
import { acceptAll, link, MAC, makePhone, only } from './phone.ts';

async function inside(url = '') {
  const phone = makePhone([fakeStore({ methods: ['click-through'] })]);
  phone.fakes.offers.push(fakeOffer());
  const welcome = await acceptAll(phone, await phone.arrive('harbour', url));
  return { phone, welcome };
}

describe('the welcome page', () => {
  test('shows the offer that is due, its code and its QR, and says that it was shown', async () => {
    const { phone, welcome } = await inside();
    expect(welcome.html).toContain('HC-7Q4M-2K');
    expect(welcome.html).toMatch(/<svg [^>]*aria-label="QR code for HC-7Q4M-2K"/);
    expect(welcome.html).toContain('Valid until 22 November at 18:00');
    expect(phone.fakes.of('desk.shown')).toMatchObject([{ voucherIds: ['v-1'] }]);
  });

  test('comes without offers when they cannot be looked up', async () => {
    const phone = makePhone([only('click-through')]);
    phone.fakes.broken.add('desk.offers');
    const welcome = await acceptAll(phone, await phone.arrive());
    expect(welcome.heading).toBe('You are online');
    expect(refreshOf(welcome.html)?.url).toContain('&n=1');
    expect(link(welcome, 'Show my offers')).not.toBe('');
  });

  test('without a script it looks again for a minute, then leaves it to the guest', async () => {
    const phone = makePhone([only('click-through')]);
    let page = await acceptAll(phone, await phone.arrive());
    let turns = 0;
    for (; refreshOf(page.html) !== null && turns < 20; turns++)
      page = await phone.get(refreshOf(page.html)?.url ?? '');
    expect(turns).toBe(12);
  });

  test('its script is answered as soon as there is news', async () => {
    const { phone, welcome } = await inside();
    const poll = /data-poll="([^"]*)"/.exec(welcome.html)?.[1] ?? '';
    const same = await phone.agent().get(`${poll}&known=v-1`);
    expect(same.body).toMatchObject({ changed: false, html: '' });
    phone.fakes.offers.push(fakeOffer({ voucherId: 'v-2', code: 'NEW-1' }));
    const news = await phone.agent().get(`${poll}&known=v-1`);
    expect(news.body).toMatchObject({ changed: true });
    expect((news.body as { html: string }).html).toContain('NEW-1');
    expect(news.headers['cache-control']).toBe('no-store');
  });

  test.each([
    ['https://harbour.example/menu?x=1', true],
    ['https://HARBOUR.example/', true],
    ['https://evil.example/', false],
    ['https://harbour.example.evil.example/', false],
    ['https://harbour.example@evil.example/', false],
    ['https://user:pw@harbour.example/', false],
    ['javascript:alert(1)', false],
    ['ftp://harbour.example/', false],
    ['http://captive.apple.com/hotspot-detect.html', false],
    ['//evil.example', false],
  ])('%s is offered to go on to: %s', async (url, offered) => {
    const { welcome } = await inside(url);
    expect(welcome.heading).toBe('You are online');
    expect(welcome.html.includes('Continue to ')).toBe(offered);
    if (!offered) expect(welcome.html).not.toContain('evil.example');
  });

  test('a probe host stays out even if a merchant lists it', async () => {
    const store = fakeStore({ methods: ['click-through'], landingHosts: ['captive.apple.com'] });
    const phone = makePhone([store]);
    const page = await acceptAll(phone, await phone.arrive('harbour', 'http://captive.apple.com/'));
    expect(page.html).not.toContain('captive.apple.com');
  });

  test('ends when the session does, with a way back in', async () => {
    const { phone, welcome } = await inside();
    for (const session of phone.fakes.sessions.values()) session.state = 'ended';
    const ended = await phone.get(welcome.url);
    expect(ended.heading).toBe('Your time is up');
    expect((await phone.get(link(ended, 'Start again'))).heading).toBe('Almost there');
  });

  test('that was ended at once is not gone back to: the house is asked again', async () => {
    const phone = makePhone([only('click-through')]);
    const terms = await phone.arrive();
    expect((await acceptAll(phone, terms)).heading).toBe('You are online');
    const ended = () => {
      for (const session of phone.fakes.sessions.values()) session.state = 'ended';
    };
    ended();
    expect((await acceptAll(phone, terms)).heading).toBe('You are online');
    ended();
    phone.fakes.blocked.add(MAC);
    expect((await acceptAll(phone, terms)).heading).toBe('We cannot connect you');
  });
});

function throughTheBrowser() {
  const items = {
    hid: 'a'.repeat(64),
    clientip: '192.168.77.162',
    clientmac: MAC,
    gatewayname: 'StoreOne%20',
    gatewayaddress: '192.168.77.1:2050',
  };
  const text = Object.entries(items).map(([name, value]) => `${name}=${value}`);
  const fas = Buffer.from(text.join(', ')).toString('base64');
  const phone = makePhone([fakeStore({ methods: ['click-through'], gateways: [openNds(1)] })]);
  return { phone, entry: `/p/harbour?fas=${fas}` };
}

describe('the door', () => {
  test('a gateway that must ask first: the page waits, helps, and can be told to try again', async () => {
    const phone = makePhone([only('click-through')]);
    phone.fakes.broken.add('doors.deposit');
    const waiting = await acceptAll(phone, await phone.arrive());
    expect(waiting.heading).toBe('Connecting you');
    expect(refreshOf(waiting.html)?.seconds).toBe(2);
    const poll = /data-poll="([^"]*)"/.exec(waiting.html)?.[1] ?? '';
    expect((await phone.agent().get(poll)).body).toEqual({ wait: 1000 });
    phone.fakes.pass(30_000);
    const late = await phone.get(waiting.url);
    expect(late.heading).toBe('Not connected yet');
    expect(late.html).toContain('Nothing has to be entered again');
    phone.fakes.broken.clear();
    expect((await phone.submit(late, {})).heading).toBe('You are online');
    const { go } = (await phone.agent().get(poll)).body as { go: string };
    expect((await phone.get(go)).heading).toBe('You are online');
    expect(phone.fakes.of('desk.admit')).toHaveLength(1);
  });

  test('an old page’s button opens no door to a session that the house ended', async () => {
    const phone = makePhone([only('click-through')]);
    phone.fakes.broken.add('doors.deposit');
    const waiting = await acceptAll(phone, await phone.arrive());
    phone.fakes.pass(30_000);
    const late = await phone.get(waiting.url);
    phone.fakes.broken.clear();
    for (const session of phone.fakes.sessions.values()) session.state = 'ended';
    const tried = phone.fakes.of('doors.deposit').length;
    expect((await phone.submit(late, {})).heading).toBe('Your time is up');
    expect(phone.fakes.of('doors.deposit')).toHaveLength(tried);
  });

  test('a gateway with a door: a page of ours leads there, and only its return counts', async () => {
    const { phone, entry } = throughTheBrowser();
    const door = await acceptAll(phone, await phone.get(entry));
    expect(door.heading).toBe('Opening the door');
    const refresh = refreshOf(door.html);
    expect(refresh).toMatchObject({ seconds: 0 });
    const target = new URL(refresh?.url ?? '');
    expect(target.host).toBe('192.168.77.1:2050');
    const landing = new URL(target.searchParams.get('redir') ?? '');
    expect(landing.origin).toBe('https://portal.example');
    expect([...phone.fakes.sessions.values()][0]?.state).toBe('pending');
    const welcome = await phone.get(landing.pathname + landing.search);
    expect(welcome.heading).toBe('You are online');
    expect(phone.fakes.of('doors.landed')).toHaveLength(1);
  });

  test('who is inside already is led to the welcome page, and never elsewhere', async () => {
    const { phone, entry } = throughTheBrowser();
    const door = await acceptAll(phone, await phone.get(entry));
    const landing = new URL(refreshOf(door.html)?.url ?? '').searchParams.get('redir') ?? '';
    const inside = (redir: string) =>
      phone.get(`/p/harbour?tok=x&redir=${encodeURIComponent(redir)}&status=authenticated`);
    expect((await inside(landing)).html).toContain('For 2 hours');
    for (const other of ['https://evil.example/', 'https://portal.example/p/harbour/go', 'x', '']) {
      const page = await inside(other);
      expect([page.status, page.heading]).toEqual([200, 'You are online']);
      expect(page.html).not.toContain('For 2 hours');
    }
  });
});

describe('idempotence', () => {
  test('old pages sent again lead whoever is inside to the welcome page, admitted once', async () => {
    const phone = makePhone([fakeStore({ methods: ['click-through'], questions: [] })]);
    const terms = await phone.arrive();
    const [one, two] = await Promise.all([phone.submit(terms, {}), phone.submit(terms, {})]);
    expect([one.heading, two.heading]).toEqual(['You are online', 'You are online']);
    expect(phone.fakes.sessions.size).toBe(1);
    const [form] = formsOf(terms.html);
    const inside = /[?&]j=([\w-]+)/.exec(one.url)?.[1] ?? '';
    const replay = await phone.post('/p/harbour/consent', { ...form?.fields, j: inside });
    expect((await phone.get(replay.headers['location'] ?? '')).heading).toBe('You are online');
  });

  test('every form is answered with 303, and its page can be reloaded', async () => {
    const phone = makePhone();
    const choose = await phone.arrive();
    const [form] = formsOf(choose.html);
    const response = await phone.post('/p/harbour/choose', { ...form?.fields, method: 'voucher' });
    expect(response.status).toBe(303);
    const page = response.headers['location'] ?? '';
    expect((await phone.get(page)).heading).toBe((await phone.get(page)).heading);
  });
});
