/** The self-test's judgement of every kind of answer, and a whole run over loopback. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { PROBES } from '../../portal/captive-api.ts';
import type { ProbeAsk, ProbeHeard } from '../../portal/selftest.ts';
import { bySystem, checkOwnProbes, judge, planProbes, runSelftest } from '../../portal/selftest.ts';
import { createPortal } from '../../portal/router.ts';
import { guideWords } from '../../portal/setup/words.ts';
import { createProbeFetcher } from '../../scripts/lib/probe-fetcher.ts';
import { makeFakes } from '../support/fakes.ts';

const PORTAL = 'https://wifi.example';
const ANDROID: ProbeAsk = {
  system: 'android',
  host: 'connectivitycheck.gstatic.com',
  path: '/generate_204',
  scheme: 'http',
};
const APPLE: ProbeAsk = { system: 'apple', host: 'captive.apple.com', path: '/', scheme: 'http' };
const TLS: ProbeAsk = { ...ANDROID, host: 'www.google.com', scheme: 'https' };

type Answer = Extract<ProbeHeard, { kind: 'answer' }>;
const answer = (status: number, more: Partial<Answer> = {}): Answer => ({
  kind: 'answer',
  status,
  location: null,
  cacheControl: null,
  body: '',
  length: more.body?.length ?? 0,
  address: '203.0.113.9',
  resolved: true,
  ...more,
});
const to = (location: string, more: Partial<Answer> = {}) => answer(302, { location, ...more });
const SUCCESS = '<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>\n';

describe('one answer', () => {
  test.each<[string, ProbeAsk, ProbeHeard, string, string]>([
    ['a redirect to us', ANDROID, to('https://wifi.example/p/x?a=1'), 'captive', 'to-portal'],
    ['a redirect by path', ANDROID, to('/login'), 'captive', 'to-elsewhere'],
    ['a redirect to the gateway', APPLE, to('http://10.1.0.1:3990/'), 'captive', 'to-elsewhere'],
    ['a lasting redirect', APPLE, answer(301, { location: PORTAL }), 'captive', 'kept-too-long'],
    [
      'a redirect to be kept',
      APPLE,
      to(PORTAL, { cacheControl: 'public, max-age=600' }),
      'captive',
      'kept-too-long',
    ],
    [
      'a redirect not to be kept',
      APPLE,
      to(PORTAL, { cacheControl: 'max-age=0' }),
      'captive',
      'to-portal',
    ],
    ['a redirect to nowhere', APPLE, answer(302), 'broken', 'no-target'],
    ['a redirect to a script', APPLE, to('javascript:alert(1)'), 'broken', 'no-target'],
    ['the internet’s answer', ANDROID, answer(204), 'open', 'online'],
    ['the internet’s page', APPLE, answer(200, { body: SUCCESS }), 'open', 'online'],
    [
      'a page of the gateway’s',
      APPLE,
      answer(200, { body: '<p>Welcome to our WiFi</p>' }),
      'captive',
      'in-place',
    ],
    ['an empty page', ANDROID, answer(200), 'broken', 'tiny-body'],
    ['four octets', ANDROID, answer(200, { body: 'ok\r\n' }), 'broken', 'tiny-body'],
    ['five octets', ANDROID, answer(200, { body: 'login' }), 'captive', 'in-place'],
    ['204 to who wants a page', APPLE, answer(204), 'broken', 'tiny-body'],
    ['403', ANDROID, answer(403), 'broken', 'error-status'],
    [
      '511',
      ANDROID,
      answer(511, { body: 'Network Authentication Required' }),
      'broken',
      'error-status',
    ],
    ['502', APPLE, answer(502), 'broken', 'error-status'],
    ['a forged name', ANDROID, to(PORTAL, { address: '10.1.0.1' }), 'broken', 'private-address'],
    [
      'a forged name, IPv6',
      ANDROID,
      to(PORTAL, { address: 'fd00::1' }),
      'broken',
      'private-address',
    ],
    [
      'a gateway that was named',
      ANDROID,
      to(PORTAL, { address: '10.1.0.1', resolved: false }),
      'captive',
      'to-portal',
    ],
    ['no name', ANDROID, { kind: 'no-name' }, 'broken', 'no-name'],
    ['silence', ANDROID, { kind: 'silence' }, 'broken', 'silence'],
    ['a closed port', ANDROID, { kind: 'refused' }, 'broken', 'refused'],
    ['HTTPS that nobody touches', TLS, { kind: 'silence' }, 'captive', 'https-left'],
    [
      'HTTPS under a wrong certificate',
      TLS,
      { kind: 'handshake', trusted: false },
      'broken',
      'https-touched',
    ],
    ['HTTPS that passes', TLS, { kind: 'handshake', trusted: true }, 'open', 'https-passes'],
  ])('%s', (_name, ask, heard, verdict, reason) => {
    const judged = judge(ask, heard, PORTAL);
    expect([judged.verdict, judged.reason.key]).toEqual([verdict, `selftest.${reason}`]);
    const words = guideWords('en')[judged.reason.key] ?? '';
    const places = [...words.matchAll(/\{\{([\w-]+)\}\}/g)].map(([, name]) => name ?? '');
    for (const place of places) expect(judged.reason.values).toHaveProperty(place);
  });
});

describe('all of them', () => {
  test('every probe of every system is asked', () => {
    const asks = planProbes();
    for (const probe of PROBES)
      for (const path of probe.paths)
        expect(asks).toContainEqual({
          system: probe.system,
          host: probe.host,
          path: path === '*' ? '/' : path,
          scheme: 'http',
        });
    expect(asks.filter(({ scheme }) => scheme === 'https')).toHaveLength(1);
  });

  test.each<[string, ProbeHeard[], string]>([
    ['all redirected', [to(PORTAL), to(PORTAL)], 'appears'],
    ['one open', [to(PORTAL), answer(204)], 'perhaps'],
    ['all open', [answer(204), answer(204)], 'online'],
    ['all broken', [answer(500), { kind: 'silence' }], 'fails'],
    ['open and broken', [answer(204), { kind: 'silence' }], 'fails'],
  ])('%s: %s', (_name, heard, outlook) => {
    const judged = heard.map((one) => judge(ANDROID, one, PORTAL));
    expect(bySystem(judged)).toMatchObject([{ system: 'android', outlook }]);
  });

  test('a wrong certificate spoils what would have appeared', () => {
    const judged = [
      judge(ANDROID, to(PORTAL), PORTAL),
      judge(TLS, { kind: 'handshake', trusted: false }, PORTAL),
    ];
    expect(bySystem(judged)[0]?.outlook).toBe('perhaps');
  });
});

describe('over the network', () => {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(`${req.headers.host}${req.url}`);
    if (req.headers.host === 'captive.apple.com') res.writeHead(200).end(SUCCESS);
    else if (req.headers.host === 'ping.archlinux.org') res.writeHead(200).end('x'.repeat(50_000));
    else if (req.headers.host === 'test.steampowered.com') res.socket?.destroy();
    else res.writeHead(302, { Location: `${PORTAL}/p/harbour` }).end();
  });
  let via = { host: '127.0.0.1', port: 0 };
  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    via = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  });
  afterAll(() => void server.close());

  test('a gateway is asked in every system’s name, and nothing is followed', async () => {
    const fetcher = createProbeFetcher({ via, timeoutMs: 2_000 });
    const asks = planProbes().filter(({ scheme }) => scheme === 'http');
    const reports = await runSelftest(fetcher, PORTAL, asks);
    const outlooks = Object.fromEntries(reports.map(({ system, outlook }) => [system, outlook]));
    expect(outlooks).toMatchObject({
      android: 'appears',
      apple: 'perhaps',
      windows: 'appears',
      arch: 'appears',
      steam: 'fails',
    });
    expect(asked).toHaveLength(asks.length);
    expect(asked).toContain('www.msftconnecttest.com/redirect');
  });

  test('a gateway that is not there', async () => {
    const fetcher = createProbeFetcher({ via: { host: '127.0.0.1', port: 1 }, timeoutMs: 1_000 });
    const [report] = await runSelftest(fetcher, PORTAL, [ANDROID]);
    expect(report?.judgements[0]?.reason.key).toBe('selftest.refused');
  });

  test('our own answers, where the network brings probes to us', async () => {
    const fetcher = createProbeFetcher({ via, timeoutMs: 1_000 });
    const good = await checkOwnProbes(fetcher, PORTAL, { 'connect.rom.miui.com': 'harbour' });
    expect(good).toMatchObject([{ system: 'xiaomi', outlook: 'appears' }]);
    const bad = await checkOwnProbes(fetcher, PORTAL, { 'captive.apple.com': 'harbour' });
    expect(bad).toMatchObject([{ system: 'apple', outlook: 'online' }]);
    expect(await checkOwnProbes(fetcher, PORTAL, {})).toBeNull();
  });
});

describe('the portal’s own answers', () => {
  test('lead to the sign-in from every host that the network may bring here', async () => {
    const probes = Object.fromEntries(PROBES.map(({ host }) => [host, 'harbour']));
    const fakes = makeFakes();
    const settings = { secret: Buffer.alloc(32, 5), publicUrl: PORTAL, viewCache: true, probes };
    const app = express();
    app.use(createPortal(fakes.ports, settings).router);
    const server = createServer(app);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const fetcher = createProbeFetcher({ via: { host: '127.0.0.1', port }, timeoutMs: 2_000 });
    const reports = await checkOwnProbes(fetcher, PORTAL, probes);
    server.close();
    expect(reports?.length).toBeGreaterThan(10);
    for (const { system, outlook } of reports ?? [])
      expect([system, outlook]).toEqual([system, 'appears']);
  });
});
