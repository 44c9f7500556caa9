/** CoovaChilli: recorded vectors, redirects good, forged and malformed, and the way to its door. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createCoova } from '../../portal/gateways/coova.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import {
  boundChallenge,
  chapResponse,
  checksumFits,
  checksumOf,
  papPassword,
  splitChecksum,
} from '../../portal/gateways/uam.ts';
import { nasPeer } from '../../scripts/lib/radius-house.ts';
import { doorBench, LANDING } from '../support/door-bench.ts';

const file = path.join(import.meta.dirname, '../fixtures/gateways/coova-1.9.json');
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<
  'url' | 'secret' | 'password' | 'bound' | 'response' | 'pap',
  string
>;
const CHALLENGE = '71fc3be01332068bdf4daf3de7aff032';
const SECRET = recorded.secret;
const BASE = recorded.url.slice(0, recorded.url.indexOf('&md='));

const COOVA: RegisteredGateway = {
  id: 'gw-coova',
  kind: 'coova',
  name: 'store-coova',
  secret: SECRET,
};
const bench = (more: Partial<RegisteredGateway> = {}, others: RegisteredGateway[] = []) =>
  doorBench((ports) => createCoova(() => ports.clock()), { ...COOVA, ...more }, others);

/** The recorded redirect with other words in it, under a checksum that fits. */
function signed(edit: (words: string) => string, secret = SECRET): string {
  const words = edit(BASE);
  return `${words}&md=${checksumOf(words, secret)}`;
}
const without = (name: string) => (words: string) =>
  words.replace(new RegExp(`&${name}=[^&]*`), '');
const instead = (name: string, value: string) => (words: string) =>
  words.replace(new RegExp(`([?&]${name}=)[^&]*`), `$1${value}`);

describe('arithmetic, as recorded from a real gateway', () => {
  const bound = boundChallenge(CHALLENGE, SECRET);

  test('the challenge is bound to the secret, where there is one', () => {
    expect(bound.toString('hex')).toBe(recorded.bound);
    expect(boundChallenge(CHALLENGE, '').toString('hex')).toBe(CHALLENGE);
  });

  test('CHAP', () => {
    expect(chapResponse(recorded.password, bound)).toBe(recorded.response);
    expect(chapResponse(recorded.password, bound, 7)).not.toBe(recorded.response);
  });

  test('PAP, in blocks of sixteen', () => {
    expect(papPassword(recorded.password, bound)).toBe(recorded.pap);
    expect(papPassword('a'.repeat(17), bound)).toHaveLength(64);
  });

  test('the checksum covers everything before it', () => {
    const parts = splitChecksum(recorded.url);
    expect(parts.md).toBe('655AA71EC129A75EFA14596B92C30546');
    expect(checksumOf(parts.words, SECRET)).toBe(parts.md);
    expect(checksumFits(parts, SECRET)).toBe(true);
    expect(checksumFits(parts, 'another')).toBe(false);
    expect(checksumFits(parts, '')).toBe(false);
  });
});

describe('redirects', () => {
  test('the recorded one is read', () => {
    const { readUrl, fakes } = bench();
    expect(readUrl(recorded.url)).toEqual({
      kind: 'known',
      gateway: COOVA,
      context: {
        gatewayId: 'gw-coova',
        kind: 'coova',
        mac: '02:00:00:00:00:60',
        ip: '10.1.0.2',
        ap: 'fa:ca:fb:35:db:ca',
        ssid: 'GuestWiFi',
        hid: '179529988000000001',
        gatewayAddress: '10.1.0.1:3990',
        originUrl: 'http://neverssl.test/abc?x=1&y=a%20b',
        claims: { challenge: CHALLENGE, heard: String(fakes.ports.clock()) },
      },
    });
  });

  test.each([
    ['another scheme, as behind a proxy', recorded.url.replace('http://', 'https://')],
    [
      'the port written out',
      signed((words) => words.replace(':8088', '')).replace('10.98.0.2', '10.98.0.2:80'),
    ],
    [
      'ampersands as they stand in a page',
      (() => {
        const md = checksumOf(BASE.replaceAll('&', '&amp;'), SECRET);
        return `${BASE}&md=${md}`;
      })(),
    ],
    [
      'wrapped by a home page',
      `https://portal.example/p/harbour?loginurl=${encodeURIComponent(recorded.url)}`,
    ],
    ['a small checksum', recorded.url.replace(/[0-9A-F]{32}$/, (md) => md.toLowerCase())],
    ['words behind the checksum, which say nothing', `${recorded.url}&mac=02-00-00-00-00-99`],
  ])('is accepted: %s', (_name, url) => {
    expect(bench().readUrl(url)).toMatchObject({
      kind: 'known',
      context: { mac: '02:00:00:00:00:60' },
    });
  });

  test.each([
    ['another MAC', recorded.url.replace('02-00-00-00-00-60', '02-00-00-00-00-61')],
    ['another address of the gateway', recorded.url.replace('10.1.0.1', '10.1.0.9')],
    ['no checksum', BASE],
    ['a checksum of another secret', signed((words) => words, 'other')],
    ['a cut checksum', recorded.url.slice(0, -2)],
    ['a MAC behind the checksum', `${signed(without('mac'))}&mac=02-00-00-00-00-61`],
    ['success without the secret', `${BASE.replace('notyet', 'success')}&md=${'0'.repeat(32)}`],
  ])('is refused: %s', (_name, url) => {
    const reading = bench().readUrl(url);
    expect(reading.kind).toBe('refused');
    // What stands behind the checksum is not believed: then a field is missing.
    expect(['forged', 'malformed']).toContain((reading as { reason: string }).reason);
  });

  test.each([
    ['challenge', signed(instead('challenge', '71fc'))],
    ['challenge', signed(without('challenge'))],
    ['mac', signed(instead('mac', 'nobody'))],
    ['uamip', signed(instead('uamip', '8.8.8.8'))],
    ['uamip', signed(instead('uamip', '10.1.0.1%40evil.example'))],
    ['uamip', signed(instead('uamip', '127.0.0.1'))],
    ['uamip', signed(instead('uamport', '22'))],
    ['uamip', signed(instead('uamport', '3990%2f..'))],
    ['uamip', signed(instead('uamport', '99999'))],
  ])('%s that cannot be, though signed, is malformed', (parameter, url) => {
    const detail = { parameter };
    expect(bench().readUrl(url)).toEqual({ kind: 'refused', reason: 'malformed', detail });
  });

  test('without a secret there is no checksum to ask for', () => {
    const { readUrl, kind, gateway } = bench({ secret: '' });
    expect(readUrl(BASE).kind).toBe('known');
    expect(kind.capabilities(gateway).redirect).toBe('forgeable');
  });

  test('a NAS-Identifier that is registered names it as well: the set-up file writes that', () => {
    const radius = { ...nasPeer('gw').gateway.radius!, nasIds: ['till-7'] };
    const { readUrl } = bench({ radius });
    expect(readUrl(signed(instead('nasid', 'till-7'))).kind).toBe('known');
  });

  test('a name that is not registered is nobody’s', () => {
    const { readUrl } = bench();
    expect(readUrl(signed(instead('nasid', 'elsewhere')))).toEqual({
      kind: 'refused',
      reason: 'unknown-gateway',
      detail: { called: 'elsewhere' },
    });
    const two = bench({}, [{ ...COOVA, id: 'gw-2', name: 'second' }]);
    expect(two.readUrl(signed(without('nasid')))).toMatchObject({ reason: 'unknown-gateway' });
    expect(bench().readUrl(signed(without('nasid'))).kind).toBe('known');
  });

  test('a registered host may stand where a private address would', () => {
    const url = signed(instead('uamip', 'hotspot.example.com'));
    expect(bench().readUrl(url).kind).toBe('refused');
    const { readUrl } = bench({ hosts: ['hotspot.example.com'] });
    expect(readUrl(url)).toMatchObject({ context: { gatewayAddress: 'hotspot.example.com:3990' } });
  });

  test.each(['success', 'already'])('res=%s: inside, and back to our page', (res) => {
    const landing = encodeURIComponent(LANDING);
    const url = signed((words) => instead('userurl', landing)(instead('res', res)(words)));
    expect(bench().readUrl(url)).toEqual({ kind: 'already-inside', returnTo: LANDING });
  });

  test.each([
    ['failed&reason=reject', 'reject'],
    ['failed&reason=timeout', 'timeout'],
    ['failed', 'other'],
    ['failed&reason=%3Cscript%3E', 'other'],
  ])('res=%s comes back with a fresh challenge and why', (res, failed) => {
    const reading = bench().readUrl(signed(instead('res', res)));
    expect(reading).toMatchObject({ kind: 'known', context: { claims: { failed } } });
  });

  test('other redirects are none of its business', () => {
    expect(bench().read('gw=front-desk&mac=02:00:00:00:00:60').kind).toBe('absent');
  });
});

describe('the door', () => {
  test('CHAP: the ticket’s name, the proof, and the page to come back to', async () => {
    const { open, contextOf, fakes } = bench();
    const opening = await open(contextOf(recorded.url));
    const [ticket] = fakes.tickets.values();
    expect(opening.kind).toBe('through');
    const url = new URL((opening as { url: string }).url);
    expect(url.origin + url.pathname).toBe('http://10.1.0.1:3990/logon');
    const bound = boundChallenge(CHALLENGE, SECRET);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      username: ticket?.username,
      response: chapResponse(ticket?.password ?? '', bound),
      userurl: LANDING,
    });
    expect(url.href).not.toContain(ticket?.password);
  });

  test('PAP, where it is registered so', async () => {
    const { open, contextOf, fakes } = bench({ login: 'pap' });
    const opening = await open(contextOf(recorded.url));
    const [ticket] = fakes.tickets.values();
    const query = new URL((opening as { url: string }).url).searchParams;
    const bound = boundChallenge(CHALLENGE, SECRET);
    expect(query.get('password')).toBe(papPassword(ticket?.password ?? '', bound));
    expect(query.has('response')).toBe(false);
  });

  test('a challenge about to be forgotten is changed for a new one, without a ticket', async () => {
    const { open, contextOf, fakes } = bench();
    const context = contextOf(recorded.url);
    fakes.pass(9 * 60_000);
    const back = encodeURIComponent(LANDING);
    const url = `http://10.1.0.1:3990/prelogin?userurl=${back}`;
    expect(await open(context)).toEqual({ kind: 'through', url });
    expect(fakes.tickets.size).toBe(0);
  });

  test('a page too long for the gateway’s buffer is left out', async () => {
    const { kind, contextOf, request } = bench();
    const landingUrl = `${LANDING}${'x'.repeat(1500)}`;
    const opening = await kind.open({ ...request(contextOf(recorded.url)), landingUrl });
    expect((opening as { url: string }).url).not.toContain('userurl');
  });

  test('the same guest asking twice is sent with the same ticket', async () => {
    const { open, contextOf } = bench();
    const context = contextOf(recorded.url);
    expect(await open(context)).toEqual(await open(context));
  });

  test('userurl is never a place to be sent to', async () => {
    const { open, contextOf } = bench();
    const url = signed(instead('userurl', 'http%3a%2f%2fevil.example%2f'));
    const opening = await open(contextOf(url));
    expect(JSON.stringify(opening)).not.toContain('evil.example');
  });

  test('what it can do depends on RADIUS', () => {
    const { kind } = bench();
    const radius = { secret: 's', sources: [], nasIds: [], interimSeconds: 300 };
    const settings = { ...radius, profile: 'coova', messageAuthenticator: 'require' } as const;
    expect(kind.capabilities(COOVA)).toMatchObject({ limits: false, kick: 'never' });
    expect(kind.capabilities({ ...COOVA, radius: settings })).toMatchObject({
      redirect: 'signed',
      limits: true,
      accounting: true,
      kick: 'never',
    });
    const coa = { host: '10.1.0.1', port: 3799 };
    expect(kind.capabilities({ ...COOVA, radius: { ...settings, coa } }).kick).toBe('now');
  });
});
