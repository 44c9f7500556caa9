/** The connection check: from what was noticed of a gateway to what is wrong, in words; and what it can do. */
import { describe, expect, test } from '@jest/globals';
import { abilityRows } from '../../server/console/gateways/abilities.ts';
import { checkOf } from '../../server/console/gateways/check.ts';
import type { Facts, Noticed } from '../../server/console/gateways/check.ts';
import { readTexts } from '../../server/console/texts.ts';
import { gatewayKinds } from '../../server/stores/gateway-schema.ts';
import type { GatewayKind } from '../../server/stores/gateway-schema.ts';
import type { NoticeCode } from '../../portal/ports-network.ts';
import { gatewayDesk } from '../support/console.ts';
import * as make from '../support/make.ts';
import { settingsOf } from '../support/site.ts';

const publicUrl = 'https://wifi.example.com';

describe('the connection check', () => {
  const now = new Date(make.NOON);
  const before = (ms: number): Date => new Date(make.NOON - ms);
  const minute = 60_000;
  const notice = (
    code: string,
    detail: Record<string, string> = {},
    ago = minute,
    own = true,
  ): Noticed => ({
    gateway_id: own ? 'g' : null,
    code,
    detail,
    times: 2,
    first_at: before(ago),
    last_at: before(ago),
  });
  const facts = (kind: GatewayKind, over: Partial<Facts> = {}): Facts => {
    const settings = settingsOf[kind];
    const gateway = { id: 'g', kind, name: 'Door', settings, last_heard_at: before(30_000) };
    return {
      gateway,
      notices: [],
      alone: true,
      traffic: { live: 0, uncounted: 0, granted_at: null, confirmed_at: null, stuck: 0 },
      abilities: gatewayDesk(publicUrl).capabilities({ ...settings, id: 'g', kind, name: 'Door' }),
      doors: { radius: true, radsec: true, portal2: true },
      stranger: null,
      now,
      ...over,
    };
  };
  const stranger = { address: '192.0.2.9', packets: 3, lastAt: now.getTime() - 90_000 };
  const words = readTexts('en')['gateway-check'] as Record<string, Record<string, unknown>>;
  const found = (asked: Facts): string[] =>
    checkOf(asked).findings.map(({ tone, key }) => `${tone} ${key}`);

  test.each<[string, Facts, string[]]>([
    [
      'a redirect with a wrong signature',
      facts('coova', { notices: [notice('redirect-forged', {}, minute, false)] }),
      ['bad redirect-forged'],
    ],
    [
      'one that lacks a parameter',
      facts('portal2', {
        notices: [notice('redirect-malformed', { parameter: 'wlanusermac' }, minute, false)],
      }),
      ['bad redirect-malformed'],
    ],
    [
      'one that cannot be read',
      facts('opennds', { notices: [notice('redirect-malformed')] }),
      ['bad redirect-unreadable'],
    ],
    [
      'one by a name nobody knows',
      facts('opennds', { notices: [notice('redirect-unknown-gateway', {}, minute, false)] }),
      ['bad redirect-unknown-gateway'],
    ],
    [
      'the same in a store with several gateways',
      facts('opennds', {
        alone: false,
        notices: [notice('redirect-unknown-gateway', {}, minute, false)],
      }),
      ['warn redirect-unknown-gateway'],
    ],
    [
      'a forged one while others work',
      facts('coova', {
        notices: [notice('redirect-forged'), notice('redirect-ok', {}, 10 * minute)],
      }),
      ['warn redirect-forged'],
    ],
    [
      'one that was forged before it worked',
      facts('coova', {
        notices: [notice('redirect-ok'), notice('redirect-forged', {}, 10 * minute)],
      }),
      [],
    ],
    [
      'a wrong RADIUS secret',
      facts('mikrotik', { notices: [notice('radius-wrong-secret', { from: '192.0.2.7' })] }),
      ['bad radius-wrong-secret'],
    ],
    [
      'the same before it was put right',
      facts('mikrotik', {
        notices: [notice('radius-ok'), notice('radius-wrong-secret', {}, 9 * minute)],
      }),
      [],
    ],
    [
      'several at one address',
      facts('coova', { notices: [notice('radius-shared-address', { from: '192.0.2.7' })] }),
      ['bad radius-shared-address'],
    ],
    [
      'another NAS-Identifier',
      facts('coova', { notices: [notice('radius-unknown-nas', { called: 'till' })] }),
      ['bad radius-unknown-nas'],
    ],
    [
      'packets from an address nobody registered',
      facts('coova', { stranger }),
      ['bad radius-stranger'],
    ],
    [
      'the same beside packets that are believed',
      facts('coova', { stranger, notices: [notice('radius-ok', {}, 2 * minute)] }),
      ['warn radius-stranger'],
    ],
    [
      'the same before the address was put right',
      facts('coova', { stranger, notices: [notice('radius-ok')] }),
      [],
    ],
    [
      'requests that are not signed, refused',
      facts('mikrotik', {
        notices: [notice('radius-no-message-authenticator', { dropped: 'true' })],
      }),
      ['bad radius-no-message-authenticator'],
    ],
    [
      'requests that are not signed, allowed',
      facts('mikrotik', {
        notices: [notice('radius-no-message-authenticator', { dropped: 'false' })],
      }),
      ['warn radius-unsigned'],
    ],
    [
      'a refusal with a reason',
      facts('radius', { notices: [notice('radius-rejected', { reason: 'eap' })] }),
      ['warn rejected-eap'],
    ],
    [
      'a refusal with a reason nobody wrote words for',
      facts('radius', { notices: [notice('radius-rejected', { reason: 'new' })] }),
      ['warn radius-rejected'],
    ],
    [
      'no accounting',
      facts('coova', {
        traffic: { live: 3, uncounted: 2, granted_at: now, confirmed_at: now, stuck: 0 },
      }),
      ['warn accounting-missing'],
    ],
    [
      'a controller that is away',
      facts('unifi', { notices: [notice('controller-unreachable', { host: 'unifi.test' })] }),
      ['bad controller-unreachable'],
    ],
    [
      'a controller that says no',
      facts('unifi', { notices: [notice('controller-refused', { says: 'no' })] }),
      ['bad controller-refused'],
    ],
    [
      'a controller that answered since',
      facts('unifi', {
        notices: [notice('controller-ok'), notice('controller-refused', {}, 2 * minute)],
      }),
      [],
    ],
    [
      'an address that nothing is sent to',
      facts('portal2', {
        notices: [notice('controller-unreachable', { says: 'address refused' })],
      }),
      ['bad address-refused'],
    ],
    [
      'an AC that does not answer',
      facts('portal2', { notices: [notice('controller-unreachable')] }),
      ['bad ac-unreachable'],
    ],
    [
      'an AC with another secret',
      facts('portal2', { notices: [notice('door-failed', { why: 'wrong-secret' })] }),
      ['bad door-wrong-secret'],
    ],
    [
      'a door that stays shut',
      facts('opennds', { notices: [notice('door-failed')] }),
      ['bad door-failed'],
    ],
    ['a door that is slow', facts('unifi', { notices: [notice('door-slow')] }), ['warn door-slow']],
    [
      'a guest who cannot be put out',
      facts('coova', {
        notices: [notice('kick-failed')],
        traffic: { live: 1, uncounted: 0, granted_at: now, confirmed_at: now, stuck: 1 },
      }),
      ['warn kick-failed'],
    ],
    ['the same when nobody is left', facts('coova', { notices: [notice('kick-failed')] }), []],
    [
      'what happened long ago',
      facts('opennds', { notices: [notice('door-failed', {}, 4 * 86_400_000)] }),
      [],
    ],
    [
      'a server without RADIUS',
      facts('mikrotik', { doors: { radius: false, radsec: false, portal2: false } }),
      ['bad radius-shut'],
    ],
    [
      'a server that does not hear ACs',
      facts('portal2', { doors: { radius: true, radsec: false, portal2: false } }),
      ['warn portal2-shut'],
    ],
  ])('%s', (_name, asked, expected) => {
    expect(found(asked)).toEqual(expected);
    for (const line of expected) {
      expect(words['findings']?.[line.split(' ')[1]!]).toEqual({
        what: expect.stringMatching(/\w/),
        do: expect.stringMatching(/\w/),
      });
    }
  });

  const heard = (kind: GatewayKind, at: Date | null, settings = settingsOf[kind]) =>
    facts(kind, { gateway: { id: 'g', kind, name: 'Door', settings, last_heard_at: at } });
  const { radius } = settingsOf.radius;

  test.each<[string, Facts, string[], string]>([
    ['openNDS at level 3 is silent', heard('opennds', before(20 * minute)), ['bad silent'], 'bad'],
    [
      'openNDS at level 2 never calls',
      heard('opennds', before(20 * minute), { level: 2, secret: 'x' }),
      [],
      'good',
    ],
    ['a router was never heard', heard('wifidog', null), ['warn never-router'], 'waiting'],
    ['Meraki was never heard', heard('meraki', null), ['warn never-redirect'], 'waiting'],
    ['RADIUS equipment was never heard', heard('radius', null), ['warn never-radius'], 'waiting'],
    [
      'no address is registered',
      heard('radius', now, { radius: { ...radius!, sources: [] } }),
      ['bad no-sources'],
      'bad',
    ],
    [
      'no password is registered',
      heard('unifi', now, { unifi: { url: 'https://u', api: 'legacy', site: 'd' } }),
      ['bad no-controller'],
      'bad',
    ],
    ['a pretend one needs nothing', heard('pretend', null), [], 'waiting'],
  ])('%s', (_name, asked, expected, state) => {
    expect([found(asked), checkOf(asked).state]).toEqual([expected, state]);
  });

  test('all good, with times', () => {
    const notices = [
      notice('redirect-ok', {}, minute),
      notice('radius-ok', {}, 2 * minute),
      notice('accounting-ok', {}, 3 * minute),
    ];
    const traffic = { live: 1, uncounted: 0, granted_at: now, confirmed_at: now, stuck: 0 };
    const check = checkOf(facts('mikrotik', { notices, traffic }));
    expect(check.state).toBe('good');
    expect(check.signs).toEqual([
      { key: 'heard', at: now },
      { key: 'redirect', at: before(minute) },
      { key: 'door', at: now },
      { key: 'radius', at: before(2 * minute) },
      { key: 'accounting', at: before(3 * minute) },
    ]);
  });

  /** Every notice that the portal may give. */
  const codes: Record<NoticeCode, 'trouble' | 'good news'> = {
    'redirect-ok': 'good news',
    'redirect-forged': 'trouble',
    'redirect-unknown-gateway': 'trouble',
    'redirect-malformed': 'trouble',
    'door-opened': 'good news',
    'door-failed': 'trouble',
    'door-slow': 'trouble',
    'radius-ok': 'good news',
    'radius-wrong-secret': 'trouble',
    'radius-shared-address': 'trouble',
    'radius-unknown-nas': 'trouble',
    'radius-no-message-authenticator': 'trouble',
    'radius-rejected': 'trouble',
    'accounting-ok': 'good news',
    'controller-refused': 'trouble',
    'controller-unreachable': 'trouble',
    'kick-failed': 'trouble',
    'mac-at-two-stores': 'trouble',
  };
  /** What their details may hold, of which the words depend. */
  const details: Record<string, string>[] = [
    {},
    { parameter: 'wlanusermac' },
    { why: 'wrong-secret' },
    { reason: 'stale' },
    { dropped: 'true' },
    { says: 'address refused' },
    { says: `DEPTH_ZERO_SELF_SIGNED_CERT ${'ab'.repeat(32)}` },
    { says: `another certificate ${'ab'.repeat(32)}` },
    ...(
      'eap no-name no-credentials two-credentials mac-auth-off mac-password ' +
      'unknown-user wrong-password wrong-mac ticket-old'
    )
      .split(' ')
      .map((reason) => ({ reason })),
  ];
  const traffic = { live: 1, uncounted: 0, granted_at: now, confirmed_at: now, stuck: 1 };
  const keysOf = (code: string): string[] =>
    gatewayKinds.flatMap((kind) =>
      details.flatMap((detail) =>
        found(facts(kind, { traffic, notices: [notice(code, detail)] })).map(
          (line) => line.split(' ')[1]!,
        ),
      ),
    );

  test('every notice is told in words, and no words are left for what nobody writes', () => {
    const said = Object.entries(codes).map(
      ([code, news]) => [code, news, new Set(keysOf(code))] as const,
    );
    for (const [code, news, keys] of said)
      expect([code, keys.size > 0]).toEqual([code, news === 'trouble']);
    const missing =
      'no-sources no-controller no-ac radius-shut portal2-shut silent accounting-missing ' +
      'never-router never-redirect never-radius radius-stranger';
    const all = new Set([...missing.split(' '), ...said.flatMap(([, , keys]) => [...keys])]);
    expect(Object.keys(words['findings']!).toSorted()).toEqual([...all].toSorted());
  });

  test.each<[string, Record<string, string>]>([
    [`DEPTH_ZERO_SELF_SIGNED_CERT ${'ab'.repeat(32)}`, { fingerprint: 'ab'.repeat(32) }],
    ['ECONNREFUSED', { cause: 'port' }],
    ['status 503', { says: 'status 503' }],
  ])('a controller of which is said %s', (says, values) => {
    const notices = [notice('controller-unreachable', { host: 'unifi.test', says })];
    const [first] = checkOf(facts('unifi', { notices })).findings;
    expect(first?.values).toEqual({ host: 'unifi.test', name: 'Door', ...values });
    for (const cause of Object.values(values)) {
      if ('cause' in values) expect(words['causes']).toHaveProperty(cause);
    }
  });

  test.each(['expired', 'quota', 'closed', 'blocked', 'ended'])(
    'a guest whom the house refuses (%s) is no fault of the gateway',
    (reason) => {
      const notices = [notice('radius-rejected', { reason })];
      expect(checkOf(facts('mikrotik', { notices })).state).toBe('good');
    },
  );

  test('every state of an ability has words', () => {
    const tree = readTexts('en') as Record<string, Record<string, Record<string, unknown>>>;
    for (const kind of gatewayKinds) {
      const gateway = { ...settingsOf[kind], id: 'g', kind, name: 'Door' };
      for (const row of abilityRows(gatewayDesk(publicUrl).capabilities(gateway))) {
        const words = tree['gateway-abilities']?.[row.topic]?.[row.state];
        const wanted = row.instead ? ['what', 'instead'] : ['what'];
        expect({ row, keys: Object.keys(words as object) }).toEqual({ row, keys: wanted });
      }
    }
  });
});
