/** MikroTik: its CHAP, what its login page sends good and bad, and the way to its door. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createMikrotik, mikrotikResponse, octalOctets } from '../../portal/gateways/mikrotik.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import { doorBench, LANDING } from '../support/door-bench.ts';

const file = path.join(import.meta.dirname, '../fixtures/gateways/mikrotik-chap.json');
const vector = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
const ID = vector['chap-id'] ?? '';
const CHALLENGE = vector['chap-challenge'] ?? '';

const ROUTER: RegisteredGateway = { id: 'gw-mt', kind: 'mikrotik', name: 'shop-router' };
const bench = (more: Partial<RegisteredGateway> = {}) =>
  doorBench((ports) => createMikrotik(() => ports.clock()), { ...ROUTER, ...more });

const PAGE = {
  router: 'shop-router',
  identity: 'MikroTik',
  'server-name': 'hotspot1',
  'link-login-only': 'http://10.5.50.1/login',
  'link-login': 'http://10.5.50.1/login?dst=http%3A%2F%2Fa.test%2F',
  'link-orig': 'http://a.test/',
  mac: '02:00:00:00:00:60',
  ip: '10.5.50.20',
  'chap-id': ID,
  'chap-challenge': CHALLENGE,
  error: '',
};
const query = (more: Record<string, string> = {}) =>
  new URLSearchParams({ ...PAGE, ...more }).toString();
const url = (more: Record<string, string> = {}) =>
  `https://portal.example/p/harbour?${query(more)}`;

describe('CHAP as the router does it', () => {
  test('id, password, challenge', () => {
    const [id, challenge] = [octalOctets(ID, 1), octalOctets(CHALLENGE, 16)];
    expect(id?.toString('hex')).toBe('f9');
    expect(mikrotikResponse(id!, vector['password'] ?? '', challenge!)).toBe(vector['response']);
  });

  test.each([
    ['\\101', 1, '41'],
    ['A', 1, '41'],
    ['A\\015b', 3, '410d62'],
    ['\\\\', 2, '5c5c'],
    ['\\1', 2, '5c31'],
    ['\u00ff', 1, 'ff'],
    ['\u0100', 1, undefined],
    ['\\777', 1, undefined],
    ['', 1, undefined],
    ['ab', 1, undefined],
  ])('octets of %j', (text, length, hex) => {
    expect(octalOctets(text, length)?.toString('hex')).toBe(hex);
  });
});

describe('what the login page sends', () => {
  test('is read', () => {
    const { read, fakes } = bench();
    expect(read(query())).toMatchObject({
      kind: 'known',
      gateway: ROUTER,
      context: {
        gatewayId: 'gw-mt',
        kind: 'mikrotik',
        mac: '02:00:00:00:00:60',
        ip: '10.5.50.20',
        originUrl: 'http://a.test/',
        claims: {
          only: 'http://10.5.50.1/login',
          again: 'http://10.5.50.1/login',
          chapId: 'f9',
          challenge: 'ef0dd80b119c65a5c3ab62a65b7dfdce',
          heard: String(fakes.ports.clock()),
        },
      },
    });
  });

  test.each(['router', 'identity', 'server-name'])('names its router by %s', (field) => {
    const names = { router: '', identity: '', 'server-name': '', [field]: 'shop-router' };
    expect(bench().read(query(names)).kind).toBe('known');
  });

  test('of another router is nobody’s', () => {
    const reading = bench().read(query({ router: 'elsewhere' }));
    expect(reading).toEqual({
      kind: 'refused',
      reason: 'unknown-gateway',
      detail: { called: 'elsewhere' },
    });
  });

  test.each([
    ['link-login-only', { 'link-login-only': 'http://evil.example/login' }],
    ['link-login-only', { 'link-login-only': 'http://10.5.50.1/admin' }],
    ['link-login-only', { 'link-login-only': 'http://10.5.50.1:22/login' }],
    ['link-login-only', { 'link-login-only': 'http://10.5.50.1@evil.example/login' }],
    ['link-login-only', { 'link-login-only': 'javascript:alert(1)//login' }],
    ['link-login-only', { 'link-login-only': 'http://10.5.50.1\\@evil.example/login' }],
    ['link-login-only', { 'link-login-only': 'http://127.0.0.1/login' }],
    ['link-login-only', { 'link-login-only': '' }],
    ['mac', { mac: '02:00:00:00:00' }],
    ['chap-challenge', { 'chap-challenge': '\\357\\015' }],
    ['chap-challenge', { 'chap-id': '' }],
  ])('is malformed at %s: %j', (parameter, more) => {
    const detail = { parameter };
    expect(bench().read(query(more))).toEqual({ kind: 'refused', reason: 'malformed', detail });
  });

  test('a client the router sees no MAC of is told apart', () => {
    const detail = { parameter: 'mac', value: '---' };
    const wanted = { kind: 'refused', reason: 'malformed', detail };
    expect(bench().read(query({ mac: '---' }))).toEqual(wanted);
  });

  test('a page without a challenge is one for PAP, unless CHAP is asked for', () => {
    const bare = query({ 'chap-id': '', 'chap-challenge': '' });
    expect(bench().read(bare).kind).toBe('known');
    expect(bench({ login: 'chap' }).read(bare)).toMatchObject({ detail: { parameter: 'chap-id' } });
  });

  test('an error brings the guest back with a fresh challenge', () => {
    const reading = bench().read(query({ error: 'invalid username or password' }));
    expect(reading).toMatchObject({ kind: 'known', context: { claims: { failed: 'reject' } } });
  });

  test('a registered name may stand where a private address would', () => {
    const named = query({ 'link-login-only': 'https://hotspot.shop.example/login' });
    expect(bench().read(named).kind).toBe('refused');
    expect(bench({ hosts: ['hotspot.shop.example'] }).read(named).kind).toBe('known');
  });

  test('a foreign link-login is left out, not followed', () => {
    const reading = bench().read(query({ 'link-login': 'http://evil.example/login' }));
    expect(JSON.stringify(reading)).not.toContain('evil');
  });
});

describe('the door', () => {
  const proof = (password: string) =>
    mikrotikResponse(octalOctets(ID, 1)!, password, octalOctets(CHALLENGE, 16)!);

  test('CHAP: the ticket’s name, the proof, our page, no popup', async () => {
    const { open, contextOf, fakes } = bench();
    const opening = await open(contextOf(url()));
    const [ticket] = fakes.tickets.values();
    const door = new URL((opening as { url: string }).url);
    expect(door.origin + door.pathname).toBe('http://10.5.50.1/login');
    expect(Object.fromEntries(door.searchParams)).toEqual({
      username: ticket?.username,
      password: proof(ticket?.password ?? ''),
      dst: LANDING,
      popup: 'false',
    });
  });

  test('PAP: the one-time password itself', async () => {
    const { open, contextOf, fakes } = bench({ login: 'pap' });
    const opening = await open(contextOf(url()));
    const [ticket] = fakes.tickets.values();
    const door = new URL((opening as { url: string }).url);
    expect(door.searchParams.get('password')).toBe(ticket?.password);
  });

  test('after a while the browser fetches a new challenge first', async () => {
    const { open, contextOf, fakes } = bench();
    const context = contextOf(url());
    fakes.pass(5 * 60_000);
    const wanted = `http://10.5.50.1/login?dst=${encodeURIComponent(LANDING)}`;
    expect(await open(context)).toEqual({ kind: 'through', url: wanted });
    expect(fakes.tickets.size).toBe(0);
  });

  test('an address that is no longer registered stays shut', async () => {
    const known = bench({ hosts: ['hotspot.shop.example'] });
    const context = known.contextOf(
      url({ 'link-login-only': 'https://hotspot.shop.example/login' }),
    );
    expect(await bench().open(context)).toEqual({ kind: 'shut', reason: 'stale' });
  });

  test('link-orig is never a place to be sent to', async () => {
    const { open, contextOf } = bench();
    const opening = await open(contextOf(url({ 'link-orig': 'http://evil.example/' })));
    expect(JSON.stringify(opening)).not.toContain('evil.example');
  });
});
