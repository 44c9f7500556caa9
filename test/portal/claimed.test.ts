/** Redirects that anybody can write, with somebody else's hardware address: they lead to nothing of that guest's. */
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { createSeal, insideJourney, startJourney } from '../../portal/context.ts';
import type { Journey } from '../../portal/context.ts';
import type { SelfService } from '../../portal/ports-self.ts';
import { createPortal } from '../../portal/router.ts';
import type {
  GatewayKind,
  RadiusSettings,
  RegisteredGateway,
  StoreView,
} from '../../portal/ports-store.ts';
import type { AdmitRequest } from '../../portal/ports.ts';
import { fakeOffer, fakeStore, makeFakes, PRETEND } from '../support/fakes.ts';
import { formsOf } from '../e2e/opennds/guest.ts';
import { acceptAll, link, makePhone, settings } from './phone.ts';
import type { Phone, Seen } from './phone.ts';

const MAC = '02:00:00:00:00:77';
const POLICY = { graceMinutes: 5, gracePerDay: 2, rememberDays: 30 };

const radius: RadiusSettings = {
  secret: 'radius-secret-of-the-tests',
  sources: [],
  nasIds: [],
  profile: 'mikrotik',
  messageAuthenticator: 'require',
  interimSeconds: 300,
};

/** Each family whose redirects a guest can forge, and how one looks. */
const FAMILIES: [GatewayKind, Partial<RegisteredGateway>, string][] = [
  [
    'wifidog',
    { name: 'dog', secret: 'dogsecret0123456789abcdef' },
    `/p/harbour?gw_id=dog&gw_address=192.168.1.1&gw_port=2060&mac=${MAC}&ip=192.168.1.5&url=http://a.test/`,
  ],
  [
    'mikrotik',
    { name: 'tik', radius, login: 'pap' },
    `/p/harbour?mac=${MAC}&ip=192.168.1.5&identity=tik&server-name=hs&link-login-only=http://192.168.1.1/login&link-orig=http://a.test/`,
  ],
  [
    'meraki',
    { name: 'cloud' },
    `/p/harbour?base_grant_url=https://n1.network-auth.com/splash/grant&client_mac=${MAC}&client_ip=10.0.0.9&node_mac=88:15:44:50:0a:94&user_continue_url=http://a.test/`,
  ],
  [
    'portal2',
    {
      name: 'ac',
      secret: 'portal-secret-of-the-tests',
      portal2: {
        host: '127.0.0.1',
        port: 9,
        version: 2,
        auth: 'pap',
        sendChallenge: false,
        macBinding: false,
      },
    },
    `/p/harbour?wlanuserip=10.0.0.9&wlanacname=ac&wlanusermac=${MAC}&ssid=Guest`,
  ],
  [
    'unifi',
    {
      name: 'shop',
      unifi: { url: 'https://127.0.0.1:9', site: 'default', api: 'official', apiKey: 'k' },
    },
    `/guest/s/default/?id=${MAC}&ap=78:8a:20:59:c6:99&t=1795299140&url=http://a.test/&ssid=Guest`,
  ],
];

function shop(kind: GatewayKind, gateway: Partial<RegisteredGateway>, more: Partial<StoreView>) {
  const own = { id: 'gw', kind, name: 'gw', ...gateway };
  const store = fakeStore({ gateways: [own], questions: [], policy: POLICY, ...more });
  return makePhone([store], { doorMs: 50, publicUrl: 'http://portal.example' }, { cookies: true });
}

function cookiesOf(answer: request.Response, jar: string[]): request.Response {
  for (const line of (answer.headers['set-cookie'] as unknown as string[] | undefined) ?? [])
    jar.push(line.split(';')[0] ?? '');
  return answer;
}

/** What a browser that only claims the address meets: no cookie of the guest's. */
async function borrowed(phone: Phone, redirect: string, jar: string[] = []): Promise<Seen> {
  let url = redirect;
  for (let hop = 0; hop < 5; hop++) {
    const answer = await phone.stranger().get(url).set('Cookie', jar.join('; ')).redirects(0);
    cookiesOf(answer, jar);
    const next = answer.headers['location'];
    if (next === undefined) {
      const heading = /<h1[^>]*>([^<]*)</.exec(answer.text)?.[1] ?? '';
      return { url, status: answer.status, html: answer.text, heading, headers: answer.headers };
    }
    url = next;
  }
  throw new Error('too many redirects');
}

describe.each(FAMILIES)('%s', (kind, gateway, redirect) => {
  const mailShop = () => shop(kind, gateway, { methods: ['email-code', 'voucher'] });

  async function atCode() {
    const phone = mailShop();
    const form = await phone.submit(await phone.get(redirect), { method: 'email-code' });
    const code = await phone.submit(form, { value: 'ada@example.org' });
    expect(code.html).toContain('a•••@example.org');
    return { phone, code };
  }

  test('the browser that began goes on by its next redirect', async () => {
    const { phone } = await atCode();
    const again = await phone.get(redirect);
    expect(again.heading).toBe('Enter your code');
    expect(again.html).toContain('a•••@example.org');
  });

  test('another one may type the code it was sent, and is shown no address until then', async () => {
    const { phone } = await atCode();
    const page = await borrowed(phone, redirect);
    expect(page.heading).toBe('Enter your code');
    expect(page.html).not.toContain('example.org');
    expect(page.html).toContain('We sent the code a moment ago');
    // The short address on the page leads no further than the page itself.
    const [, key = ''] = /\/p\/harbour\/r\/<wbr><b>([0-9A-Z]{8})</.exec(page.html) ?? [];
    expect(key).not.toBe('');
    const elsewhere = await borrowed(phone, `/p/harbour/r/${key}`);
    expect(elsewhere.heading).toBe('Enter your code');
    expect(elsewhere.html).not.toContain('example.org');
    const digits = phone.fakes.codeFor('ada@example.org') ?? '';
    const terms = await phone.submit(page, { value: digits });
    expect(terms.heading).toBe('Almost there');
  });

  test.each(['Connect another way', 'Use another address'])(
    'one that goes its own way from there, by “%s”, learns nothing of the guest’s later',
    async (way) => {
      const { phone, code } = await atCode();
      const jar: string[] = [];
      const page = await borrowed(phone, redirect, jar);
      let form = await borrowed(phone, link(page, way), jar);
      for (const values of [{ method: 'email-code' }, { value: 'eve@example.org' }]) {
        const [{ action, fields } = { action: '', fields: {} }] = formsOf(form.html);
        if ('method' in values && !form.html.includes('name="method"')) continue;
        const sent = await phone
          .stranger()
          .post(action)
          .set('Cookie', jar.join('; '))
          .type('form')
          .send({ ...fields, ...values })
          .redirects(0);
        form = await borrowed(phone, cookiesOf(sent, jar).headers['location'] ?? '', jar);
      }
      // What it typed itself is its own.
      expect(form.html.includes('e•••@example.org')).toBe(true);
      phone.fakes.pass(120_000);
      await phone.submit(code, {}, 1);
      const later = await borrowed(phone, redirect, jar);
      expect(later.html.includes('a•••@example.org')).toBe(false);
    },
  );

  test('a session that waits at the door shows its guest’s offers to nobody else', async () => {
    const { phone, code } = await atCode();
    const digits = phone.fakes.codeFor('ada@example.org') ?? '';
    await acceptAll(phone, await phone.submit(code, { value: digits }));
    phone.fakes.offers.push(fakeOffer());
    const page = await borrowed(phone, redirect);
    for (const one of phone.fakes.sessions.values()) one.state = 'active';
    const later = page.url.includes('/go?') ? await borrowed(phone, page.url) : page;
    expect(later.html).not.toContain('HC-7Q4M-2K');
    expect(later.html).not.toContain('example.org');
    expect(link(later, 'My data')).not.toContain('?j=');
  });
});

test('“My data” does not open to a session that a mere claim led to', async () => {
  const fakes = makeFakes();
  const opened: string[] = [];
  const self = {
    openBySession: async (_store: unknown, sessionId: string) => {
      opened.push(sessionId);
      return null;
    },
  } as unknown as SelfService;
  const app = express();
  app.use(createPortal({ ...fakes.ports, self }, settings()).router);
  const { secret } = settings();
  const seal = createSeal(secret, fakes.ports.clock);
  const [store] = fakes.stores as [StoreView];
  const grant = { sessionId: 's-1', minutes: 60, upKbps: 0, downKbps: 0, upQuotaKB: 0 };
  const session = { grant: { ...grant, downQuotaKB: 0 }, expiresAt: 0, admittedAt: 0 };
  const context = { gatewayId: PRETEND.id, kind: 'pretend', mac: MAC, ip: '10.0.0.5' } as const;
  const inside = insideJourney(startJourney(store, context, 'en', 0), session);
  const mine = (journey: Journey) =>
    request(app).get(`/p/harbour/mine?j=${seal.close(journey, store)}`);
  expect((await mine({ ...inside, claimed: true })).text).toContain('name="value"');
  expect(opened).toEqual([]);
  await mine(inside);
  expect(opened).toEqual(['s-1']);
});

test('a guest found by address alone is let in and shown no offers where anybody can write the redirect', async () => {
  const [kind, gateway, redirect] = FAMILIES.find(([name]) => name === 'unifi')!;
  const phone = shop(kind, gateway, { methods: ['click-through'] });
  const { desk } = phone.fakes.ports;
  const house = { ...desk };
  desk.admit = async (request: AdmitRequest) => {
    const admission = await house.admit(request);
    return admission.ok ? { ...admission, byMac: 'guest' as const } : admission;
  };
  phone.fakes.offers.push(fakeOffer());
  const terms = await phone.get(redirect);
  const shut = await phone.submit(terms, {});
  for (const one of phone.fakes.sessions.values()) one.state = 'active';
  const welcome = await phone.get(shut.url);
  expect(welcome.heading).toBe('You are online');
  expect(welcome.html).not.toContain('HC-7Q4M-2K');
  expect(phone.fakes.of('desk.offers')).toHaveLength(0);
  const cookies = JSON.stringify([terms.headers, welcome.headers, shut.headers]);
  expect(cookies).not.toContain('foyer=');
});
