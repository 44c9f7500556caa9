/** A short time online to fetch a code: tied to the terms, bounded, resumable; and the way to another browser. */
import { describe, expect, test } from '@jest/globals';
import { checksumOf } from '../../portal/gateways/uam.ts';
import type { RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import type { AdmitRequest } from '../../portal/ports.ts';
import { refreshOf } from '../e2e/opennds/guest.ts';
import { fakeStore } from '../support/fakes.ts';
import { MAC, makePhone, PUBLIC } from './phone.ts';
import type { Phone } from './phone.ts';

const admissions = (phone: Phone) => phone.fakes.of('desk.admit') as AdmitRequest[];
const POLICY = { graceMinutes: 5, gracePerDay: 2, rememberDays: 30 };

const shop = (more: Partial<StoreView>, settings = {}) =>
  makePhone([fakeStore({ questions: [], policy: POLICY, ...more })], settings);

describe('a few minutes online to read the code', () => {
  async function atCode(
    more: Partial<StoreView> = {},
    method: 'email-code' | 'sms-code' = 'email-code',
  ) {
    const phone = shop({ methods: [method, 'voucher'], ...more });
    const address = method === 'email-code' ? 'ada@example.org' : '+447700900123';
    const form = await phone.submit(await phone.arrive(), { method });
    const code = await phone.submit(form, { value: address });
    return { phone, code, digits: () => phone.fakes.codeFor(address) ?? '' };
  }

  test('are tied to the terms, which stand on the page; then the code lets in fully', async () => {
    const { phone, code, digits } = await atCode();
    expect(code.html).toContain('By going online you accept these terms');
    expect(code.html).toContain('Use the WiFi fairly');
    expect(code.html).toContain('Go online for 5 minutes to read my mail');
    const online = await phone.submit(code, {}, 2);
    expect(online.heading).toBe('Enter your code');
    expect(online.html).toContain('You are online until 10:05. Read your mail');
    expect(online.html).not.toContain('Go online for 5 minutes');
    expect(admissions(phone)).toMatchObject([
      {
        proof: { method: 'grace', towards: 'email-code' },
        consents: [{ purpose: 'access', granted: true, version: 'a1', language: 'en' }],
        shown: { screen: 'grace', pageSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
    const terms = await phone.submit(online, { value: digits() });
    expect(terms.heading).toBe('Almost there');
    const welcome = await phone.submit(terms, {});
    expect(welcome.heading).toBe('You are online');
    expect(welcome.html).toContain('For 2 hours');
    expect(admissions(phone)[1]?.proof).toEqual({
      method: 'email-code',
      address: 'ada@example.org',
    });
  });

  test('are offered for text messages in their own words, and not where the store gives none', async () => {
    const sms = await atCode({}, 'sms-code');
    expect(sms.code.html).toContain('Go online for 5 minutes to get the message');
    const none = await atCode({ policy: { ...POLICY, graceMinutes: 0 } });
    expect(none.code.html).not.toContain('Go online');
    expect((await none.phone.post('/p/harbour/grace', {})).status).toBe(400);
  });

  test('are not given without the page that shows the terms, nor when they changed meanwhile', async () => {
    const store = fakeStore({ methods: ['email-code'], questions: [], policy: POLICY });
    const phone = makePhone([store]);
    const code = await phone.submit(await phone.arrive(), { value: 'ada@example.org' });
    const [, j = ''] = /j=([\w-]+)/.exec(code.url) ?? [];
    const unseen = await phone.post('/p/harbour/grace', { j });
    expect((await phone.get(unseen.headers['location'] ?? '')).html).toContain(
      'terms were updated',
    );
    const [access] = store.wordings;
    if (access !== undefined) access.version = 'a2';
    expect((await phone.submit(code, {}, 2)).html).toContain('The terms were updated');
    expect(admissions(phone)).toHaveLength(0);
  });

  test('are used up after so many a day: the code still helps', async () => {
    const { phone, code, digits } = await atCode({ policy: { ...POLICY, gracePerDay: 0 } });
    const page = await phone.submit(code, {}, 2);
    expect(page.heading).toBe('Enter your code');
    expect(page.html).toContain('has been used up for today');
    expect((await phone.submit(page, { value: digits() })).heading).toBe('Almost there');
  });

  test('pressed twice they are one', async () => {
    const { phone, code } = await atCode();
    const pages = await Promise.all([phone.submit(code, {}, 2), phone.submit(code, {}, 2)]);
    expect(pages.map(({ heading }) => heading)).toEqual(['Enter your code', 'Enter your code']);
    expect(phone.fakes.sessions.size).toBe(1);
  });

  test('run out: the page still takes the code', async () => {
    const { phone, code, digits } = await atCode();
    const online = await phone.submit(code, {}, 2);
    phone.fakes.pass(5 * 60_000 + 1);
    const later = await phone.get(online.url);
    expect(later.heading).toBe('Enter your code');
    expect(later.html).not.toContain('You are online until');
    const again = await phone.submit(later, {}, 1);
    const terms = await phone.submit(again, { value: digits() });
    expect((await phone.submit(terms, {})).heading).toBe('You are online');
  });

  const COOVA: RegisteredGateway = {
    id: 'gw-coova',
    kind: 'coova',
    name: 'front-coova',
    secret: 'uam-secret-of-the-tests',
    radius: {
      secret: 'radius-secret-of-the-tests',
      sources: [],
      nasIds: [],
      profile: 'coova',
      messageAuthenticator: 'require',
      interimSeconds: 300,
    },
  };
  /** A redirect of a gateway that cannot extend; each network session has its own name there. */
  const entryOf = (session: string) => {
    const words = new URLSearchParams({
      res: 'notyet',
      uamip: '192.168.77.1',
      uamport: '3990',
      challenge: session.repeat(32),
      mac: MAC.toUpperCase().replaceAll(':', '-'),
      ip: '192.168.77.162',
      nasid: 'front-coova',
      sessionid: session.repeat(16),
    });
    const address = `/p/harbour?${words.toString()}`;
    return `${address}&md=${checksumOf(PUBLIC + address, 'uam-secret-of-the-tests')}`;
  };

  test('where the gateway cannot extend, all is kept, and its next sign-in page lets straight in', async () => {
    const phone = shop({ methods: ['email-code'], gateways: [COOVA] });
    const code = await phone.submit(await phone.get(entryOf('a')), { value: 'ada@example.org' });
    const door = await phone.submit(code, {}, 2);
    expect(door.heading).toBe('Opening the door');
    const back = new URL(refreshOf(door.html)?.url ?? '').searchParams.get('userurl') ?? '';
    const landing = new URL(back);
    const online = await phone.get(landing.pathname + landing.search);
    expect(online.heading).toBe('Enter your code');
    expect(online.html).toContain('You are online until 10:05');
    const digits = phone.fakes.codeFor('ada@example.org') ?? '';
    const done = await phone.submit(await phone.submit(online, { value: digits }), {});
    expect(done.heading).toBe('All done');
    expect(done.html).toContain('You are online until 10:05');
    expect(refreshOf(done.html)?.seconds).toBe(302);
    expect(admissions(phone)).toHaveLength(1);
    phone.fakes.pass(5 * 60_000 + 5_000);
    const again = await phone.get(entryOf('b'));
    expect(again.heading).toBe('Opening the door');
    expect(admissions(phone)).toMatchObject([
      {},
      {
        proof: { method: 'email-code', address: 'ada@example.org' },
        context: { hid: 'b'.repeat(16) },
      },
    ]);
  });

  test('another device does not come in on them', async () => {
    const phone = shop({ methods: ['email-code'], gateways: [COOVA] });
    await phone.submit(await phone.get(entryOf('a')), { value: 'ada@example.org' });
    expect((await phone.get(entryOf('c'))).heading).toBe('Your e-mail');
  });

  test('a short address leads another browser to this very page, for half an hour', async () => {
    const { phone, code, digits } = await atCode();
    const [, key = ''] =
      /portal\.example\/p\/harbour\/r\/<wbr><b>([0-9A-Z]{8})</.exec(code.html) ?? [];
    expect(code.html).toMatch(/<svg [^>]*aria-label="QR code of the address above"/);
    const typed = `${key.slice(0, 4).toLowerCase()}-${key.slice(4)}`;
    const elsewhere = await phone.get(`/p/harbour/r/${typed}`);
    expect(elsewhere.heading).toBe('Enter your code');
    expect((await phone.submit(elsewhere, { value: digits() })).heading).toBe('Almost there');
    phone.fakes.pass(30 * 60_000 + 1);
    const old = await phone.get(`/p/harbour/r/${key}`);
    expect([old.status, old.heading]).toEqual([404, 'This short link has run out']);
  });

  test('short addresses are not to be guessed', async () => {
    const { phone, code } = await atCode();
    const [, key = ''] = /\/p\/harbour\/r\/<wbr><b>([0-9A-Z]{8})</.exec(code.html) ?? [];
    for (let n = 0; n < 20; n++) await phone.get(`/p/harbour/r/ABCDEFG${n % 10}`);
    const before = phone.fakes.of('links.find').length;
    expect((await phone.get(`/p/harbour/r/${key}`)).status).toBe(404);
    expect(phone.fakes.of('links.find')).toHaveLength(before);
    phone.fakes.pass(10 * 60_000);
    expect((await phone.get(`/p/harbour/r/${key}`)).heading).toBe('Enter your code');
  });

  test('a host without links, or one that is away, merely shows none', async () => {
    const { phone, code } = await atCode();
    phone.fakes.pass(61_000);
    phone.fakes.broken.add('links.keep');
    const page = await phone.get(code.url);
    expect(page.heading).toBe('Enter your code');
    expect(page.html).not.toContain('/r/');
  });
});
