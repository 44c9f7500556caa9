/** Guests who stray, hosts that fail and links that lie: a calm page each time, and never a dead end. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPortal, pretendRedirect } from '../../portal/router.ts';
import { themeCss } from '../../portal/theme.ts';
import { formsOf } from '../e2e/opennds/guest.ts';
import { fakeOffer, fakeStore, makeFakes, openNds, PRETEND } from '../support/fakes.ts';
import { acceptAll, link, MAC, makePhone, settings } from './phone.ts';
import type { Seen } from './phone.ts';

/** What happened, what we kept, what to do. */
function saysWhy(page: Seen): void {
  const main = page.html.slice(page.html.indexOf('<main'));
  expect(main.match(/<p[ >]/g)?.length).toBeGreaterThanOrEqual(3);
  expect(main).toContain('class="kept"');
}

describe('links that lead nowhere', () => {
  test.each([
    ['/p/nowhere', 404, 'No such shop here'],
    ['/p/%2e%2e%2fetc', 404, 'No such shop here'],
    ['/p/harbour', 200, 'Join the WiFi first'],
    ['/p/harbour/nothing', 404, 'Nothing here'],
    ['/p/harbour?gw=other&mac=x', 403, 'This WiFi is not set up yet'],
    [
      '/p/harbour?gw=front-desk&mac=02:00:00:00:00:50&ip=10.0.0.5&sig=00',
      403,
      'This link cannot be used',
    ],
    ['/p/harbour?fas=AAAA', 403, 'This WiFi is not set up yet'],
    ['/p/harbour/go', 400, 'Let us start again'],
    ['/p/harbour/go?j=forged', 400, 'Let us start again'],
    ['/p/harbour/landed?j=forged', 400, 'Let us start again'],
    ['/p/harbour/me/0123456789abcdef0123', 200, 'Join the WiFi first'],
  ])('%s', async (url, status, heading) => {
    const page = await makePhone().get(url);
    expect([page.status, page.heading]).toEqual([status, heading]);
    saysWhy(page);
  });

  test('where the gateway catches an address of its own, that is the way back', async () => {
    const phone = makePhone([fakeStore({ gateways: [openNds(3)] })]);
    const page = await phone.get('/p/harbour');
    expect(link(page, 'Open the sign-in page')).toBe('http://status.client/');
  });

  test('the language can be changed there too', async () => {
    const phone = makePhone();
    const page = await phone.get('/p/nowhere?x=1');
    const other = await phone.get(link(page, '简体中文'));
    expect(other.heading).toBe('没有找到这家店');
    expect(other.html).toContain('<html lang="zh-CN">');
    expect(link(other, 'English')).toBe('/p/nowhere?x=1&lang=en');
  });
});

describe('sealed links', () => {
  test('of one store open nothing at another', async () => {
    const phone = makePhone([fakeStore(), fakeStore({ id: 'store-2', slug: 'other' })]);
    const [form] = formsOf((await phone.arrive()).html);
    const page = await phone.get(`/p/other/go?j=${form?.fields['j'] ?? ''}`);
    expect(page.status).toBe(400);
  });

  test('that ran out restart the journey with the gateway still known', async () => {
    const phone = makePhone();
    const choose = await phone.arrive();
    const sms = await phone.submit(choose, { method: 'sms-code' });
    phone.fakes.pass(31 * 60_000);
    const page = await phone.submit(sms, { value: '+447700900123' });
    expect([page.status, page.heading]).toEqual([410, 'Let us start again']);
    expect(phone.fakes.of('codes.send')).toHaveLength(0);
    const again = await phone.get(link(page, 'Start again'));
    expect(again.heading).toBe('Free WiFi');
    const terms = await phone.submit(again, { method: 'click-through' });
    expect((await acceptAll(phone, terms)).heading).toBe('You are online');
  });

  test('of yesterday do not: the gateway knows this guest no longer', async () => {
    const phone = makePhone();
    const sms = await phone.submit(await phone.arrive(), { method: 'sms-code' });
    phone.fakes.pass(25 * 3_600_000);
    expect(link(await phone.get(sms.url), 'Start again')).toBe('');
  });

  test('a proof belongs to its way: choosing another starts over', async () => {
    const phone = makePhone([fakeStore({ methods: ['voucher', 'sms-code'] })]);
    const voucher = await phone.submit(await phone.arrive(), { method: 'voucher' });
    const terms = await phone.submit(voucher, { value: 'OPENSESAME' });
    expect(terms.heading).toBe('Almost there');
    const [form] = formsOf(terms.html);
    const other = await phone.post('/p/harbour/choose', { ...form?.fields, method: 'sms-code' });
    expect((await phone.get(other.headers['location'] ?? '')).heading).toBe('Your phone number');
  });

  test('forms out of order do not skip a step', async () => {
    const phone = makePhone([fakeStore({ methods: ['sms-code'] })]);
    const [form] = formsOf((await phone.arrive()).html);
    const fields = { j: form?.fields['j'] ?? '', access: 'a1', value: 'coffee', skip: 'yes' };
    for (const step of ['consent', 'profile', 'admit', 'again', 'finish']) {
      const response = await phone.post(`/p/harbour/${step}`, fields);
      const page = await phone.get(response.headers['location'] ?? '');
      expect(page.heading).toBe('Your phone number');
    }
    expect(phone.fakes.of('desk.admit')).toHaveLength(0);
  });
});

describe('a host that is down', () => {
  test.each(['desk.store'])('%s: says so, and the same link tries again', async (port) => {
    const phone = makePhone();
    phone.fakes.broken.add(port);
    const page = await phone.arrive();
    expect([page.status, page.heading]).toEqual([503, 'One moment, please']);
    saysWhy(page);
    phone.fakes.broken.clear();
    expect((await phone.get(link(page, 'Try again'))).heading).toBe('Free WiFi');
    expect(JSON.stringify(phone.fakes.of('log'))).not.toContain(MAC);
  });

  test('codes that cannot be sent or checked keep the page before', async () => {
    const phone = makePhone([fakeStore({ methods: ['sms-code'] })]);
    const start = await phone.arrive();
    phone.fakes.broken.add('codes.send');
    const page = await phone.submit(start, { value: '+447700900123' });
    expect(page.status).toBe(503);
    expect(page.html).not.toContain('the database is away');
    expect(JSON.stringify(phone.fakes.of('log'))).not.toContain('7700900123');
    phone.fakes.broken.clear();
    const back = await phone.get(link(page, 'Try again'));
    const code = await phone.submit(back, { value: '+447700900123' });
    expect(code.heading).toBe('Enter your code');
    phone.fakes.broken.add('codes.verify');
    const digits = phone.fakes.codeFor('+447700900123') ?? '';
    const down = await phone.submit(code, { value: digits });
    phone.fakes.broken.clear();
    const again = await phone.submit(await phone.get(link(down, 'Try again')), { value: digits });
    expect(again.heading).toBe('Almost there');
  });

  test('an admission that fails keeps every answer for one more press', async () => {
    const phone = makePhone([fakeStore({ methods: ['click-through'] })]);
    const question = await phone.submit(await phone.arrive(), { marketing: 'yes' });
    phone.fakes.broken.add('desk.admit');
    const page = await phone.submit(question, { value: 'work' });
    expect([page.status, page.heading]).toEqual([503, 'Ready to connect']);
    expect(page.html).toContain('Everything you entered is kept');
    phone.fakes.broken.clear();
    expect((await phone.submit(page, {})).heading).toBe('You are online');
    expect(phone.fakes.of('desk.admit')).toMatchObject([
      { answer: { value: 'work' }, consents: [{}, { purpose: 'marketing', granted: true }] },
    ]);
  });

  test('a guest whom the house refuses is told so, kindly', async () => {
    const phone = makePhone([fakeStore({ methods: ['click-through'] })]);
    phone.fakes.blocked.add(MAC);
    const page = await acceptAll(phone, await phone.arrive());
    expect([page.status, page.heading]).toEqual([403, 'We cannot connect you']);
    saysWhy(page);
  });
});

describe('hostile input', () => {
  const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(2)>'`;

  test('text of merchants and guests is shown as text', async () => {
    const both = { en: EVIL, 'zh-CN': EVIL };
    const store = fakeStore({
      name: EVIL,
      methods: ['email-code', 'click-through'],
      wordings: [
        { purpose: 'access', version: EVIL, text: both },
        { purpose: 'marketing', version: 'm', text: both },
      ],
      questions: [{ key: 'q', label: both, options: [{ value: EVIL, label: both }] }],
      theme: { accent: '#000000', onAccent: '#ffffff', promise: both },
    });
    const phone = makePhone([store]);
    phone.fakes.offers.push(
      fakeOffer({ headline: EVIL, body: EVIL, terms: EVIL, code: EVIL, voucherId: EVIL }),
    );
    const choose = await phone.arrive();
    const mail = await phone.submit(await phone.submit(choose, { method: 'email-code' }), {
      value: EVIL,
    });
    const terms = await phone.submit(choose, { method: 'click-through' });
    const question = await phone.submit(terms, {});
    const welcome = await phone.submit(question, { value: EVIL });
    expect(welcome.heading).toBe('You are online');
    for (const page of [choose, mail, terms, question, welcome]) {
      expect(page.html).toContain('&lt;script&gt;');
      expect(
        page.html.replaceAll(
          /<script nonce="[^"]*" src="\/p\/assets\/portal\.js[^"]*" defer><\/script>/g,
          '',
        ),
      ).not.toMatch(/<script|<img/);
    }
  });

  test('a theme that is no colour is left out', () => {
    const promise = {};
    const evil = themeCss({ accent: 'red}body{display:none', onAccent: '#ffffff', promise });
    expect(evil).toBe(themeCss(undefined));
    expect(themeCss({ accent: '#0b6e4f', onAccent: '#FFFFFF', promise })).toContain('#0b6e4f');
  });

  test.each([
    ['a form of 10 MB', 'value='.padEnd(10_000_000, 'x'), 'application/x-www-form-urlencoded', 413],
    [
      'a thousand fields',
      Array.from({ length: 1_000 }, (_, n) => `f${n}=1`).join('&'),
      'application/x-www-form-urlencoded',
      413,
    ],
    ['the same field twice', 'value=a&value=b', 'application/x-www-form-urlencoded', 400],
    ['JSON', '{"j":1}', 'application/json', 400],
    ['broken percent signs', 'j=%E0%A4%A', 'application/x-www-form-urlencoded', 400],
    ['nothing', '', 'application/x-www-form-urlencoded', 400],
  ])('%s gets a page', async (_name, body, type, status) => {
    const phone = makePhone();
    const response = await phone.agent().post('/p/harbour/finish').type(type).send(body);
    expect(response.status === status || response.status === 400).toBe(true);
    expect(response.text).toContain('class="kept"');
    expect(response.text).not.toContain('Error');
  });

  test('odd query numbers and languages change nothing', async () => {
    const phone = makePhone([fakeStore({ methods: ['click-through'] })]);
    const welcome = await acceptAll(phone, await phone.arrive());
    for (const more of ['&n=NaN', '&n=-1', '&n=1e999', '&lang=xx', '&lang=en&lang=zh-CN'])
      expect((await phone.get(welcome.url + more)).heading).toBe('You are online');
  });
});

async function everyPage(): Promise<Seen[]> {
  const phone = makePhone();
  const one = makePhone([fakeStore({ methods: ['click-through'] })]);
  one.fakes.offers.push(fakeOffer(), fakeOffer({ voucherId: 'v-2' }));
  const choose = await phone.arrive();
  const sms = await phone.submit(choose, { method: 'sms-code' });
  const code = await phone.submit(sms, { value: '+447700900123' });
  const voucher = await phone.submit(choose, { method: 'voucher' });
  const terms = await one.arrive();
  const question = await one.submit(terms, {});
  const welcome = await one.submit(question, { skip: 'yes' });
  const slow = makePhone([fakeStore({ methods: ['click-through'] })]);
  slow.fakes.broken.add('doors.deposit');
  const connecting = await acceptAll(slow, await slow.arrive());
  slow.fakes.pass(40_000);
  const late = await slow.get(connecting.url);
  const sorry = await phone.get('/p/nowhere');
  return [choose, sms, code, voucher, terms, question, welcome, connecting, late, sorry];
}

test('no query, however odd, is more than a page or a plain no', async () => {
  const { agent, fakes } = makePhone([fakeStore({ gateways: [PRETEND, openNds(1), openNds(3)] })]);
  const names = 'fas iv gw mac ip url sig status redir tok auth_get gatewayhash payload j n lang';
  const name = fc.constantFrom(...names.split(' '));
  const value = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.base64String({ maxLength: 80 }),
    fc.constant('authenticated'),
  );
  const path = fc.constantFrom('', '/go', '/landed', '/offers.json', '/status.json');
  await fc.assert(
    fc.asyncProperty(path, fc.dictionary(name, value), async (tail, fields) => {
      const answer = await agent()
        .get(`/p/harbour${tail}?${new URLSearchParams(fields).toString()}`)
        .redirects(0);
      expect(answer.status).toBeLessThan(500);
      const to = answer.headers['location'] ?? '/p/harbour';
      expect(to.startsWith('/p/harbour')).toBe(true);
    }),
    { numRuns: 150, seed: 20261122 },
  );
  expect(
    fakes.calls.filter(({ port }) => /admit|confirmed|landed|ended|cleared/.test(port)),
  ).toEqual([]);
});

describe('every page', () => {
  test('is small, private, framed by nobody, and asks nobody else', async () => {
    for (const page of await everyPage()) {
      const name = page.heading;
      expect({ name, small: page.html.length < 50_000 }).toEqual({ name, small: true });
      const packed = gzipSync(page.html).length;
      expect({ name, packed: packed < 15_000 }).toEqual({ name, packed: true });
      expect(page.headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'content-type': 'text/html; charset=utf-8',
      });
      const csp = page.headers['content-security-policy'] ?? '';
      const nonce = /style-src 'nonce-([^']+)'/.exec(csp)?.[1] ?? 'none';
      expect(csp).toContain("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
      expect(csp).toContain("form-action 'self'");
      expect(csp).not.toContain('unsafe');
      expect(page.html).toContain(`<style nonce="${nonce}">`);
      expect(page.html).not.toMatch(/\sstyle="|\son\w+="/);
      const outside = [...page.html.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(
        ([, url]) => url,
      );
      expect(outside.filter((url) => !/^(?:[/#]|data:,$)/.test(url ?? ''))).toEqual([]);
    }
  });

  test('has one heading, a title, its language and a switch, and labels for its fields', async () => {
    for (const page of await everyPage()) {
      expect(page.html.match(/<h1>/g)).toHaveLength(1);
      expect(page.html).toMatch(/<title>[^<]+<\/title>/);
      expect(page.html).toContain('<html lang="en">');
      expect(link(page, '简体中文')).not.toBe('');
      for (const [, id] of page.html.matchAll(/<input class="field[^>]* id="(\w+)"/g))
        expect(page.html).toContain(`<label for="${id ?? ''}">`);
    }
  });

  test('nonces are never used twice', async () => {
    const phone = makePhone();
    const nonces = [await phone.arrive(), await phone.arrive()].map(
      (page) => /nonce="([^"]+)"/.exec(page.html)?.[1],
    );
    expect(new Set(nonces).size).toBe(2);
  });
});

describe('the script', () => {
  test('is served from here, small, kept by its version, and nothing else is served', async () => {
    const phone = makePhone([fakeStore({ methods: ['click-through'] })]);
    const welcome = await acceptAll(phone, await phone.arrive());
    const src = /<script nonce="[^"]+" src="([^"]+)"/.exec(welcome.html)?.[1] ?? '';
    const script = await phone.agent().get(src);
    expect(script.headers['content-type']).toContain('javascript');
    expect(script.headers['cache-control']).toContain('immutable');
    expect(script.text.length).toBeLessThan(3_000);
    for (const other of ['portal.css', '..%2fports.ts', 'x'])
      expect((await phone.agent().get(`/p/assets/${other}`)).status).toBe(404);
  });

  test('gets a plain no for links that are not genuine', async () => {
    const { agent } = makePhone();
    for (const page of ['offers.json', 'status.json'])
      expect((await agent().get(`/p/harbour/${page}?j=x`)).status).toBe(410);
  });
});

test('a secret that is too short is refused at once', () => {
  const { ports } = makeFakes();
  expect(() => createPortal(ports, settings({ secret: Buffer.alloc(8) }))).toThrow('32 octets');
  expect(pretendRedirect('a/b', PRETEND, { mac: MAC, ip: '10.0.0.5' })).toContain('/p/a%2Fb?');
});
