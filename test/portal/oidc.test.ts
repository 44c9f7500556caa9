/** Signing in with an identity provider: a real one on loopback, and providers that are away, lie or never stop talking. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { boundedFetch, MAX_ANSWER } from '../../portal/methods/bounded-fetch.ts';
import { createOidc } from '../../portal/methods/oidc.ts';
import { miniBrowser } from '../../portal/mini-browser.ts';
import type { OidcProvider } from '../../portal/ports-store.ts';
import type { AdmitRequest } from '../../portal/ports.ts';
import { fakeStore } from '../support/fakes.ts';
import { browseTo, startIdentity } from '../support/identity.ts';
import type { Identity } from '../support/identity.ts';
import { link, makePhone } from './phone.ts';
import type { Seen } from './phone.ts';

const PLAIN = 'http://portal.example';
const CALLBACK = `${PLAIN}/p/harbour/oidc`;
const SHEET =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';

let identity: Identity;
beforeAll(async () => {
  identity = await startIdentity(CALLBACK);
});
afterAll(() => identity.close());
afterEach(() => {
  identity.account = {
    sub: 'ada',
    email: 'Ada@Example.org',
    email_verified: true,
    name: 'Ada Lovelace',
  };
});

function shop(provider: OidcProvider = identity.provider, equipmentHere = true) {
  const wordings = fakeStore().wordings;
  const mail = { en: 'Mail me offers.', 'zh-CN': '邮件优惠。' };
  return makePhone(
    [
      fakeStore({
        methods: ['oidc', 'voucher'],
        oidc: [provider],
        questions: [],
        wordings: [...wordings, { purpose: 'marketing-email', version: 'e1', text: mail }],
        policy: { graceMinutes: 5, gracePerDay: 2, rememberDays: 0 },
      }),
    ],
    { publicUrl: PLAIN, equipmentHere },
    { cookies: true },
  );
}
type Shop = ReturnType<typeof shop>;

/** At the page that leads to the provider. */
async function atProvider(phone: Shop): Promise<Seen> {
  const choose = await phone.arrive();
  return phone.submit(choose, { method: 'oidc:example' });
}

/** Out to the provider and back: path and query of the portal’s own page. */
async function signIn(phone: Shop, page: Seen): Promise<string> {
  const out = await phone.agent().get(link(page, 'Continue with Example ID')).redirects(0);
  expect(out.status).toBe(302);
  const back = await browseTo(out.headers['location'] ?? '', CALLBACK);
  return back.pathname + back.search;
}

describe('a provider', () => {
  test('vouches for a guest: who they are, and their address when it is verified', async () => {
    const phone = shop();
    const page = await atProvider(phone);
    expect(page.heading).toBe('Continue with Example ID');
    const out = await phone.agent().get(link(page, 'Continue with Example ID')).redirects(0);
    const url = new URL(out.headers['location'] ?? '');
    expect(url.origin).toBe(identity.provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: CALLBACK,
      scope: 'openid email profile',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{20,}$/),
    });
    const back = await browseTo(url.href, CALLBACK);
    const terms = await phone.get(back.pathname + back.search);
    expect(terms.heading).toBe('Almost there');
    expect(terms.html).toContain('Mail me offers.');
    expect(terms.html).not.toContain('xample.org');
    expect(terms.html).not.toContain('Lovelace');
    const welcome = await phone.submit(terms, { 'marketing-email': 'yes' });
    expect(welcome.heading).toBe('You are online');
    const [admission] = phone.fakes.of('desk.admit') as AdmitRequest[];
    expect(admission?.proof).toEqual({
      method: 'oidc',
      provider: 'example',
      subject: 'ada',
      email: 'ada@example.org',
      name: 'Ada Lovelace',
    });
    expect(admission?.consents).toContainEqual({
      purpose: 'marketing-email',
      granted: true,
      version: 'e1',
      language: 'en',
    });
  });

  test('an address that is not verified proves nothing, and no offers are asked for by mail', async () => {
    identity.account = { sub: 'bob', email: 'bob@example.org', email_verified: false };
    const phone = shop();
    const terms = await phone.get(await signIn(phone, await atProvider(phone)));
    expect(terms.html).not.toContain('Mail me offers.');
    await phone.submit(terms, {});
    const [admission] = phone.fakes.of('desk.admit') as AdmitRequest[];
    expect(admission?.proof).toEqual({ method: 'oidc', provider: 'example', subject: 'bob' });
  });

  test('a guest who refuses there is told calmly, and may try again or go another way', async () => {
    identity.account = null;
    const phone = shop();
    const page = await phone.get(await signIn(phone, await atProvider(phone)));
    expect(page.heading).toBe('Continue with Example ID');
    expect(page.html).toContain('You did not allow the sign-in');
    expect(page.html).toMatch(/class="button second" href="[^"]*">Connect another way/);
    identity.account = { sub: 'ada' };
    expect((await phone.get(await signIn(phone, page))).heading).toBe('Almost there');
  });

  test('is found once for many guests', async () => {
    const phone = shop();
    identity.asked.length = 0;
    const page = await atProvider(phone);
    for (let n = 0; n < 5; n++) await signIn(phone, page);
    expect(identity.asked.filter((path) => path.includes('.well-known'))).toHaveLength(1);
  });
});

describe('answers that are not what they seem', () => {
  test('each state is good once', async () => {
    const phone = shop();
    const back = await signIn(phone, await atProvider(phone));
    expect((await phone.get(back)).heading).toBe('Almost there');
    const again = await phone.get(back);
    expect([again.status, again.heading]).toEqual([400, 'Let us start again']);
  });

  test.each([
    [
      'a state of nobody',
      (url: URL) => url.searchParams.set('state', 'A'.repeat(43)),
      'Let us start again',
    ],
    ['no state', (url: URL) => url.searchParams.delete('state'), 'Let us start again'],
    [
      'a code of nobody',
      (url: URL) => url.searchParams.set('code', 'guessed'),
      'Continue with Example ID',
    ],
    ['no code', (url: URL) => url.searchParams.delete('code'), 'Continue with Example ID'],
    [
      'another issuer',
      (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
      'Continue with Example ID',
    ],
  ])('%s', async (_name, spoil, heading) => {
    const phone = shop();
    const url = new URL(await signIn(phone, await atProvider(phone)), PLAIN);
    spoil(url);
    const page = await phone.get(url.pathname + url.search);
    expect(page.heading).toBe(heading);
    expect(page.status).toBeLessThan(500);
  });

  test('the answer counts only in the browser that left for it', async () => {
    const phone = shop();
    const back = await signIn(phone, await atProvider(phone));
    for (const cookie of ['other=1', `foyer-away=${'A'.repeat(43)}`]) {
      const victim = await phone.stranger().get(back).set('cookie', cookie).redirects(0);
      expect(victim.status).toBe(400);
      expect(victim.text).toContain('Let us start again');
    }
    expect(phone.fakes.of('desk.admit')).toEqual([]);
    expect((await phone.get(back)).heading).toBe('Almost there');
  });

  test.each(['cross-site', 'same-site', 'none'])(
    'nobody is led out by a link from elsewhere (%s): the page comes first',
    async (site) => {
      const phone = shop();
      const way = link(await atProvider(phone), 'Continue with Example ID');
      const page = await phone.get(way, { 'sec-fetch-site': site });
      expect([page.status, page.heading]).toEqual([200, 'Continue with Example ID']);
      const own = await phone.agent().get(way).set('sec-fetch-site', 'same-origin').redirects(0);
      expect(own.status).toBe(302);
    },
  );

  test('the code of one sign-in is worth nothing in another', async () => {
    const phone = shop();
    const page = await atProvider(phone);
    const [one, two] = [
      new URL(await signIn(phone, page), PLAIN),
      new URL(await signIn(phone, page), PLAIN),
    ];
    one.searchParams.set('state', two.searchParams.get('state') ?? '');
    const mixed = await phone.get(one.pathname + one.search);
    expect(mixed.html).toContain('The sign-in did not work just now');
  });

  test('a journey of another store is none here', async () => {
    const phone = shop();
    const back = await signIn(phone, await atProvider(phone));
    expect((await phone.get(back.replace('/harbour/', '/nowhere/'))).status).toBe(404);
  });
});

describe('a provider in trouble', () => {
  let rogue: Server;
  let answer: (path: string) => { status: number; headers?: Record<string, string>; body?: string };
  let asked: number;
  beforeEach(async () => {
    asked = 0;
    rogue = createServer((request, response) => {
      asked += 1;
      const { status, headers = {}, body = '' } = answer(request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
    await new Promise<void>((resolve) => rogue.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => rogue.close(resolve)));

  const issuer = () => `http://127.0.0.1:${(rogue.address() as AddressInfo).port}`;
  const at = (more: Partial<OidcProvider> = {}): OidcProvider => ({
    ...identity.provider,
    issuer: issuer(),
    ...more,
  });
  const metadata = (more: Record<string, unknown>) =>
    JSON.stringify({
      issuer: issuer(),
      authorization_endpoint: `${issuer()}/auth`,
      token_endpoint: `${issuer()}/token`,
      jwks_uri: `${issuer()}/jwks`,
      ...more,
    });

  test.each<[string, () => ReturnType<typeof answer>]>([
    ['an error', () => ({ status: 500 })],
    ['a redirect elsewhere', () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } })],
    ['no JSON', () => ({ status: 200, body: '<html>' })],
    [
      'another issuer’s words',
      () => ({ status: 200, body: metadata({ issuer: 'https://evil.example' }) }),
    ],
    [
      'a page that is no web page',
      () => ({ status: 200, body: metadata({ authorization_endpoint: 'javascript:alert(1)' }) }),
    ],
    [
      'a page elsewhere without encryption',
      () => ({ status: 200, body: metadata({ authorization_endpoint: 'http://evil.example/' }) }),
    ],
    ['words without end', () => ({ status: 200, body: `"${'x'.repeat(MAX_ANSWER)}"` })],
  ])('%s keeps the guest on our page, with another way', async (_name, what) => {
    answer = what;
    const phone = shop(at());
    const page = await atProvider(phone);
    const out = await phone.get(link(page, 'Continue with Example ID'));
    expect([out.status, out.heading]).toEqual([200, 'Continue with Example ID']);
    expect(out.html).toContain('The sign-in did not work just now');
    expect((await phone.get(link(out, 'Connect another way'))).heading).toBe('Free WiFi');
  });

  test('one that is away is not asked by every guest, but again after a moment', async () => {
    answer = () => ({ status: 503 });
    const phone = shop(at());
    const page = await atProvider(phone);
    const go = () => phone.get(link(page, 'Continue with Example ID'));
    for (let n = 0; n < 4; n++) expect((await go()).html).toContain('did not work just now');
    expect(asked).toBe(1);
    phone.fakes.pass(10_001);
    await go();
    expect(asked).toBe(2);
  });

  const said = (path: string) => ({
    status: path.startsWith('/.well-known/') ? 200 : 400,
    body: path.startsWith('/.well-known/') ? metadata({}) : '{}',
  });

  test('one that went away after it was asked about itself keeps the guest on our page as well', async () => {
    answer = said;
    const phone = shop(at());
    const page = await atProvider(phone);
    const go = () => phone.get(link(page, 'Continue with Example ID'));
    expect((await go()).status).toBe(302);
    answer = () => ({ status: 503 });
    // For some seconds nobody asks anew.
    expect((await go()).status).toBe(302);
    phone.fakes.pass(15_001);
    const kept = phone.fakes.links.size;
    const out = await go();
    expect([out.status, out.heading]).toEqual([200, 'Continue with Example ID']);
    expect(out.html).toContain('The sign-in did not work just now');
    expect(link(out, 'Connect another way')).not.toBe('');
    expect(phone.fakes.links.size).toBe(kept);
    answer = said;
    phone.fakes.pass(10_001);
    expect((await go()).status).toBe(302);
  });

  test('one whose door is shut altogether is found out likewise', async () => {
    answer = said;
    const phone = shop(at());
    const page = await atProvider(phone);
    const go = () => phone.get(link(page, 'Continue with Example ID'));
    expect((await go()).status).toBe(302);
    rogue.closeAllConnections();
    await new Promise((resolve) => rogue.close(resolve));
    phone.fakes.pass(15_001);
    expect((await go()).html).toContain('The sign-in did not work just now');
  });

  test('one on this machine is asked nothing where equipment here is not allowed either', async () => {
    let asked = 0;
    answer = () => {
      asked += 1;
      return { status: 200, body: metadata({}) };
    };
    const phone = shop(at(), false);
    const page = await atProvider(phone);
    const out = await phone.get(link(page, 'Continue with Example ID'));
    expect(out.html).toContain('The sign-in did not work just now');
    expect(asked).toBe(0);
  });

  test('one whose page never answers is not waited for', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const page = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/auth`;
    answer = () => ({ status: 200, body: metadata({ authorization_endpoint: page }) });
    const oidc = createOidc({ clock: () => 0, plainLoopback: true });
    expect(await oidc.awake(at())).toBe(false);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });

  test('an answer that the provider does not stand by leads back to the page, in bounded time', async () => {
    const phone = shop(at());
    answer = said;
    const page = await atProvider(phone);
    const out = await phone.agent().get(link(page, 'Continue with Example ID')).redirects(0);
    const state = new URL(out.headers['location'] ?? '').searchParams.get('state') ?? '';
    answer = () => ({ status: 503 });
    const back = await phone.get(`/p/harbour/oidc?code=x&state=${state}`);
    expect([back.status, back.heading]).toEqual([200, 'Continue with Example ID']);
    expect(back.html).toContain('The sign-in did not work just now');
    // The state is spent: the same address again says so calmly.
    const again = await phone.get(`/p/harbour/oidc?code=x&state=${state}`);
    expect(again.status).toBe(400);
    expect(again.heading).not.toBe('');
  });

  test('nothing is read beyond a bound, and no redirect is followed', async () => {
    answer = () => ({ status: 200, body: 'x'.repeat(MAX_ANSWER + 1) });
    await expect(boundedFetch(issuer(), {})).rejects.toThrow('too long');
    answer = () => ({ status: 302, headers: { location: `${issuer()}/more` } });
    expect((await boundedFetch(issuer(), {})).status).toBe(302);
    answer = () => ({ status: 200, body: 'fine' });
    expect(await (await boundedFetch(issuer(), {})).text()).toBe('fine');
  });

  test.each([
    ['http://127.0.0.1:1', false],
    ['http://id.example', true],
    ['ftp://id.example', true],
    ['https://user:pw@id.example', true],
  ])('%s is no issuer (plain loopback allowed: %s)', async (address, plainLoopback) => {
    const oidc = createOidc({ clock: () => 0, plainLoopback });
    const provider = at({ issuer: address });
    const errand = oidc.errand(provider);
    await expect(oidc.leave(provider, errand, 'state', CALLBACK)).rejects.toThrow('https');
  });
});

describe('in a sign-in window', () => {
  test('the way out comes first: a short time online, a short address; the browser goes on from there', async () => {
    const phone = shop();
    const choose = await phone.arrive();
    const sheet = (url: string) => phone.get(url, { 'user-agent': SHEET });
    const page = await sheet((await phone.submit(choose, { method: 'oidc:example' })).url);
    expect(page.html).toContain('may not open it');
    const key =
      /class="address" dir="ltr">portal\.example\/p\/harbour\/r\/<wbr><b>([0-9A-Z]{8})</.exec(
        page.html,
      )?.[1] ?? '';
    const grace = await phone.submit(page, {});
    expect(grace.html).toMatch(/You are online until .*10:05.*Sign in to stay longer/);
    expect(phone.fakes.of('desk.admit')).toMatchObject([
      { proof: { method: 'grace', towards: 'oidc' }, consents: [{ purpose: 'access' }] },
    ]);
    const elsewhere = await phone.get(`/p/harbour/r/${key.toLowerCase()}`);
    expect(elsewhere.heading).toBe('Continue with Example ID');
    const terms = await phone.get(await signIn(phone, elsewhere));
    expect((await phone.submit(terms, {})).heading).toBe('You are online');
  });

  test.each([
    [SHEET, 'apple'],
    ['CaptiveNetworkSupport-481.0.1 wispr', 'apple'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)',
      'apple',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120 Mobile Safari/537.36',
      'android',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
      null,
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120 Mobile/15E148 Safari/604.1',
      null,
    ],
    [
      'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Mobile Safari/537.36',
      null,
    ],
    ['curl/8', null],
    ['', null],
  ])('%s is %s', (userAgent, window) => expect(miniBrowser(userAgent)).toBe(window));
});
