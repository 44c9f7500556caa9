/** RFC 8908's answer, probes that only configured hosts answer, and gateways' own calls over HTTP. */
import { describe, expect, test } from '@jest/globals';
import { capportPath } from '../../portal/capport.ts';
import { CAPTIVE_JSON, captiveAnswer, isProbeHost, probeAnswer } from '../../portal/captive-api.ts';
import { gatewayHashes } from '../../portal/gateways/opennds-names.ts';
import { fakeStore, openNds } from '../support/fakes.ts';
import { MAC, acceptAll, makePhone, settings } from './phone.ts';
import type { Phone } from './phone.ts';

const CLICK = { methods: ['click-through' as const] };

async function ask(more = {}) {
  const store = fakeStore({ ...CLICK, ...more });
  const phone = makePhone([store]);
  const key = phone.fakes.ports.desk.clientKey(store, MAC);
  const url = `/capport/${store.slug}/${key}`;
  const get = () =>
    phone
      .agent()
      .get(url)
      .set('Accept', CAPTIVE_JSON)
      .buffer(true)
      .parse((res, done) => {
        let text = '';
        res.on('data', (chunk: Buffer) => (text += chunk.toString()));
        res.on('end', () => done(null, JSON.parse(text)));
      });
  return { phone, key, get };
}

describe('RFC 8908', () => {
  test('outside: captive, and where to go', async () => {
    const { get, key } = await ask({ venueUrl: 'https://harbour.example/' });
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/captive+json');
    expect(answer.headers['cache-control']).toBe('private, no-store');
    expect(answer.body).toEqual({
      captive: true,
      'user-portal-url': `https://portal.example/p/harbour/me/${key}`,
      'venue-info-url': 'https://harbour.example/',
    });
  });

  test('inside: free, how long and how much is left', async () => {
    const { phone, get, key } = await ask();
    await acceptAll(phone, await phone.arrive());
    for (const session of phone.fakes.sessions.values()) session.bytesRemaining = 1_000;
    phone.fakes.pass(60_500);
    expect((await get()).body).toEqual({
      captive: false,
      'user-portal-url': `https://portal.example/p/harbour/me/${key}`,
      'venue-info-url': `https://portal.example/p/harbour/me/${key}`,
      'can-extend-session': true,
      'seconds-remaining': 7_139,
      'bytes-remaining': 1_000,
    });
    const mine = await phone.get(`/p/harbour/me/${key}`);
    expect(mine.heading).toBe('You are online');
    expect(mine.html).toContain('until 12:00');
  });

  test.each(['pending', 'ended'] as const)('a session that is %s is captive', async (state) => {
    const { phone, get } = await ask();
    await acceptAll(phone, await phone.arrive());
    for (const session of phone.fakes.sessions.values()) session.state = state;
    expect((await get()).body).toMatchObject({ captive: true });
    expect((await get()).body).not.toHaveProperty('seconds-remaining');
  });

  test('a session past its time is captive whatever its state says', async () => {
    const { phone, get } = await ask();
    await acceptAll(phone, await phone.arrive());
    phone.fakes.pass(7_200_001);
    expect((await get()).body).toMatchObject({ captive: true });
  });

  test('a session without bytes left is captive', async () => {
    const { phone, get } = await ask();
    await acceptAll(phone, await phone.arrive());
    for (const session of phone.fakes.sessions.values()) session.bytesRemaining = 0;
    expect((await get()).body).toMatchObject({ captive: true });
  });

  test('no client is ever told that there is no portal', async () => {
    const { phone, get } = await ask();
    const before = await get();
    await acceptAll(phone, await phone.arrive());
    for (const answer of [before, await get()]) {
      expect(JSON.stringify([answer.headers, answer.body])).not.toContain('capport:unrestricted');
      expect(typeof answer.body.captive).toBe('boolean');
    }
  });

  test.each(['text/html', '*/*', 'application/json'])('%s gets the same type', async (accept) => {
    const { phone, key } = await ask();
    const answer = await phone.agent().get(`/capport/harbour/${key}`).set('Accept', accept);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, CAPTIVE_JSON]);
  });

  test.each([
    '/capport/nowhere/0123456789abcdef0123',
    '/capport/harbour/short',
    '/capport/harbour/02:00:00:00:00:50',
  ])('%s is not found', async (url) => {
    const answer = await makePhone().agent().get(url);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });
});

describe('by the MAC that a gateway fills in', () => {
  const asked = (phone: Phone, mac: string) =>
    phone
      .agent()
      .get(capportPath(settings().secret, 'harbour') + mac)
      .buffer(true)
      .parse((res, done) => {
        let text = '';
        res.on('data', (chunk: Buffer) => (text += chunk.toString()));
        res.on('end', () => done(null, JSON.parse(text)));
      });

  test.each([
    '/capport/harbour/client/020000000050',
    '/capport/harbour/client/guessed-key-of-22-char/020000000050',
  ])('without the key of the store’s network nobody learns who is inside: %s', async (url) => {
    const { phone } = await ask();
    const outside = await phone.agent().get(url);
    await acceptAll(phone, await phone.arrive());
    const inside = await phone.agent().get(url);
    expect([outside.status, inside.status]).toEqual([404, 404]);
    expect(inside.text).toBe(outside.text);
  });

  test('one store’s key is not another’s', () => {
    const { secret } = settings();
    const [, key] = capportPath(secret, 'harbour').split('/client/');
    expect(capportPath(secret, 'quay')).not.toContain(key);
  });

  test('the state is told, and never the way to the client’s own page', async () => {
    const { phone } = await ask();
    const portal = { 'user-portal-url': 'https://portal.example/p/harbour' };
    const outside = await asked(phone, '020000000050');
    expect(outside.headers['content-type']).toBe(CAPTIVE_JSON);
    expect(outside.body).toEqual({ captive: true, ...portal });
    await acceptAll(phone, await phone.arrive());
    const inside = await asked(phone, '02-00-00-00-00-50');
    expect(inside.body).toMatchObject({ captive: false, 'seconds-remaining': 7200, ...portal });
    expect(JSON.stringify(inside.body)).not.toContain('/me/');
    expect((await asked(phone, '020000000051')).body).toEqual({ captive: true, ...portal });
  });

  test.each(['x', '02000000005', '0200000000500'])('%s is none', async (mac) => {
    const { phone } = await ask();
    expect((await asked(phone, mac)).status).toBe(404);
  });
});

describe('the answer itself', () => {
  const session = { sessionId: 's', guestId: 'g', state: 'active' as const, expiresAt: 10_000 };
  const url = 'https://portal.example/p/harbour/me/k';

  test('pages without TLS are left out', () => {
    const store = fakeStore({ venueUrl: 'http://harbour.example/' });
    const offersUrl = 'http://portal.example/p/harbour/me/k';
    expect(captiveAnswer(store, null, offersUrl, 0)).toEqual({ captive: true });
    expect(captiveAnswer(store, session, offersUrl, 0, { offersUrl })).toEqual({
      captive: false,
      'can-extend-session': false,
      'seconds-remaining': 10,
    });
  });

  test('the merchant’s own page stands in where there are no offers to show', () => {
    const store = fakeStore({ venueUrl: 'https://harbour.example/' });
    expect(captiveAnswer(store, session, url, 0)['venue-info-url']).toBe(store.venueUrl);
    expect(captiveAnswer(store, session, url, 0, { offersUrl: url })['venue-info-url']).toBe(url);
    expect(captiveAnswer(store, null, url, 0, { offersUrl: url })['venue-info-url']).toBe(
      store.venueUrl,
    );
  });

  test('without an end there is nothing to count down', () => {
    const endless = { ...session, expiresAt: 0 };
    expect(captiveAnswer(fakeStore(), endless, url, 99)).toEqual({
      captive: false,
      'user-portal-url': url,
      'can-extend-session': false,
    });
  });

  test('whole seconds and bytes only', () => {
    const odd = { ...session, bytesRemaining: 10.7 };
    expect(captiveAnswer(fakeStore(), odd, url, 8_001)).toMatchObject({
      'seconds-remaining': 1,
      'bytes-remaining': 10,
    });
  });
});

describe('probes', () => {
  test.each([
    ['captive.apple.com', '/hotspot-detect.html', 'apple'],
    ['www.apple.com', '/library/test/success.html', 'apple'],
    ['connectivitycheck.gstatic.com', '/generate_204', 'android'],
    ['connect.rom.miui.com', '/generate_204', 'xiaomi'],
    ['connectivitycheck.platform.hicloud.com', '/generate_204', 'huawei'],
    ['www.msftconnecttest.com', '/connecttest.txt', 'windows'],
    ['detectportal.firefox.com', '/success.txt', 'firefox'],
    ['nmcheck.gnome.org', '/check_network_status.txt', 'gnome'],
    ['CAPTIVE.APPLE.COM:80', '/', 'apple'],
  ])('%s%s is of %s', (host, path, system) => {
    expect(probeAnswer(host, path)?.system).toBe(system);
  });

  test.each([
    ['www.apple.com', '/'],
    ['www.google.com', '/search'],
    ['harbour.example', '/generate_204'],
    ['captive.apple.com.evil.example', '/hotspot-detect.html'],
  ])('%s%s is none', (host, path) => expect(probeAnswer(host, path)).toBeNull());

  test('hosts are known whatever their case', () => {
    expect(isProbeHost('Captive.Apple.com')).toBe(true);
    expect(isProbeHost('apple.com')).toBe(false);
  });

  test('are answered with a redirect on configured hosts, and left alone elsewhere', async () => {
    const probes = { 'captive.apple.com': 'harbour' };
    const phone = makePhone(undefined, { probes });
    const ask = (host: string, path: string) =>
      phone.agent().get(path).set('Host', host).redirects(0);
    const apple = await ask('captive.apple.com', '/hotspot-detect.html');
    expect([apple.status, apple.headers['location']]).toEqual([
      302,
      'https://portal.example/p/harbour',
    ]);
    expect(apple.headers['cache-control']).toBe('no-store');
    expect(apple.text).not.toContain('Success');
    const android = await ask('connectivitycheck.gstatic.com', '/generate_204');
    expect(android.status).toBe(404);
    const unset = await makePhone()
      .agent()
      .get('/hotspot-detect.html')
      .set('Host', 'captive.apple.com');
    expect(unset.status).toBe(404);
  });
});

describe('a gateway’s own calls', () => {
  const [hash = ''] = gatewayHashes('StoreOne');
  const payload = Buffer.from('none').toString('base64');

  test.each(['post', 'get'] as const)(
    'by %s, at the address its guests come to',
    async (method) => {
      const phone = makePhone([fakeStore({ ...CLICK, gateways: [openNds(3)] })]);
      const store = phone.fakes.stores[0] ?? fakeStore();
      const limits = { minutes: 60, upKbps: 0, downKbps: 0, upQuotaKB: 0, downQuotaKB: 0 };
      const deposit = { rhid: 'a'.repeat(64), sessionId: 's-1', ...limits };
      await phone.fakes.ports.doors.deposit(store, 'gw-nds-3', deposit);
      const fields = { auth_get: 'view', gatewayhash: hash, payload };
      const answer =
        method === 'post'
          ? await phone.post('/p/harbour', fields)
          : await phone.agent().get('/p/harbour').query(fields);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toContain('text/plain');
      expect(answer.text).toMatch(/^\* a{64}%2060%200%200%200%200%20\S+$/);
    },
  );

  test('from a gateway nobody registered open nothing', async () => {
    const phone = makePhone([fakeStore({ gateways: [openNds(3)] })]);
    const fields = { auth_get: 'view', gatewayhash: 'f'.repeat(64), payload };
    const answer = await phone.post('/p/harbour', fields);
    expect([answer.status, answer.text]).toEqual([403, 'unknown gateway\n']);
  });

  test('a stray form at the door leads to the page', async () => {
    const answer = await makePhone().post('/p/harbour', { hello: 'x' });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/p/harbour']);
  });
});
