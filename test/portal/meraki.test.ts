/** Meraki click-through: whose grant links are followed, and how they are made up. */
import { describe, expect, test } from '@jest/globals';
import { meraki } from '../../portal/gateways/meraki.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import { doorBench, LANDING } from '../support/door-bench.ts';

const CLOUD: RegisteredGateway = { id: 'gw-mk', kind: 'meraki', name: 'shop' };
const bench = (more: Partial<RegisteredGateway> = {}) =>
  doorBench(() => meraki, { ...CLOUD, ...more });

const GRANT = 'https://n143.network-auth.com/splash/grant';
const REDIRECT = {
  base_grant_url: GRANT,
  user_continue_url: 'http://a.test/',
  node_id: '149624921787028',
  node_mac: '88:15:44:50:0a:94',
  gateway_id: '149624921787029',
  client_ip: '10.162.50.40',
  client_mac: 'f0:18:98:00:11:22',
};
const query = (more: Record<string, string> = {}) =>
  new URLSearchParams({ ...REDIRECT, ...more }).toString();
const url = (more: Record<string, string> = {}) =>
  `https://portal.example/p/harbour?${query(more)}`;

describe('redirects', () => {
  test('are read', () => {
    expect(bench().read(query())).toEqual({
      kind: 'known',
      gateway: CLOUD,
      context: {
        gatewayId: 'gw-mk',
        kind: 'meraki',
        mac: 'f0:18:98:00:11:22',
        ip: '10.162.50.40',
        ap: '88:15:44:50:0a:94',
        originUrl: 'http://a.test/',
        claims: { grant: GRANT },
      },
    });
  });

  test.each(['F0-18-98-00-11-22', 'f01898001122', 'f018.9800.1122', 'F01898:001122'])(
    'with the MAC written %s',
    (client_mac) => {
      const reading = bench().read(query({ client_mac }));
      expect(reading).toMatchObject({ context: { mac: 'f0:18:98:00:11:22' } });
    },
  );

  test.each([
    'https://evil.example/splash/grant',
    'https://network-auth.com.evil.example/splash/grant',
    'https://evilnetwork-auth.com/splash/grant',
    'http://n143.network-auth.com/splash/grant',
    'https://n143.network-auth.com:8443/splash/grant',
    'https://user@n143.network-auth.com/splash/grant',
    'https://n143.network-auth.com/splash/grant#x',
    'https://evil.example\\.network-auth.com/',
    'https://n143.network-auth.com/\n',
    'javascript:alert(1)',
    `${GRANT}?${'x'.repeat(700)}`,
    '',
  ])('never lead to %j', (base_grant_url) => {
    const detail = { parameter: 'base_grant_url' };
    const wanted = { kind: 'refused', reason: 'malformed', detail };
    expect(bench().read(query({ base_grant_url }))).toEqual(wanted);
  });

  test('may lead to a host the merchant registered', () => {
    const base_grant_url = 'https://eu.network-auth.example/splash/grant';
    expect(bench().read(query({ base_grant_url })).kind).toBe('refused');
    const { read } = bench({ hosts: ['eu.network-auth.example'] });
    expect(read(query({ base_grant_url })).kind).toBe('known');
  });

  test('without a MAC are malformed, without a registration unknown', () => {
    expect(bench().read(query({ client_mac: 'x' }))).toMatchObject({ reason: 'malformed' });
    const none = doorBench(() => meraki, { id: 'gw-p', kind: 'pretend', name: 'front' });
    const detail = { called: '149624921787029' };
    expect(none.read(query())).toEqual({ kind: 'refused', reason: 'unknown-gateway', detail });
    expect(none.read('client_mac=x').kind).toBe('absent');
  });
});

describe('the grant link', () => {
  const back = encodeURIComponent(LANDING);

  test.each([
    [GRANT, `${GRANT}?continue_url=${back}&duration=3600`],
    [`${GRANT}?hs=1`, `${GRANT}?hs=1&continue_url=${back}&duration=3600`],
    [`${GRANT}?a=%2fB%20c`, `${GRANT}?a=%2fB%20c&continue_url=${back}&duration=3600`],
  ])('%s, byte for byte', async (base_grant_url, wanted) => {
    const { open, contextOf } = bench();
    const opening = await open(contextOf(url({ base_grant_url })));
    expect(opening).toEqual({ kind: 'through', url: wanted });
  });

  test('without an end when the grant has none', async () => {
    const { open, contextOf } = bench();
    const opening = await open(contextOf(url()), { minutes: 0 });
    expect(opening).toEqual({ kind: 'through', url: `${GRANT}?continue_url=${back}` });
  });

  test('user_continue_url is never where it lands', async () => {
    const { open, contextOf } = bench();
    const opening = await open(contextOf(url({ user_continue_url: 'http://evil.example/' })));
    expect(JSON.stringify(opening)).not.toContain('evil.example');
  });

  test('nothing more can be done from here, and that is said', () => {
    const { kind, gateway } = bench();
    expect(kind.capabilities(gateway)).toMatchObject({
      redirect: 'forgeable',
      accounting: false,
      kick: 'never',
      status: false,
    });
    expect('kick' in kind).toBe(false);
  });
});
