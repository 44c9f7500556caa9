/** What gateways send, read right or refused; and what they are told. Captured bytes in fixtures/gateways. */
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createGateways } from '../../portal/gateways/all.ts';
import type { Gateways } from '../../portal/gateways/all.ts';
import type { Visit } from '../../portal/gateways/gateway.ts';
import {
  bareGatewayName,
  openFas,
  parseItems,
  privateAddress,
} from '../../portal/gateways/opennds-fas.ts';
import { gatewayHashes } from '../../portal/gateways/opennds-names.ts';
import { rhidOf } from '../../portal/gateways/opennds.ts';
import { pretendRedirect } from '../../portal/gateways/pretend.ts';
import type { RegisteredGateway, StoreView } from '../../portal/ports-store.ts';
import { fakeStore, makeFakes, openNds, PRETEND } from '../support/fakes.ts';

function fixture(name: string): unknown {
  const file = path.join(import.meta.dirname, '../fixtures/gateways', `${name}.json`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

const values = fixture('opennds-values') as Record<string, string>;
const level2 = fixture('opennds-level2-query') as {
  faskey: string;
  iv: string;
  fas: string;
  items: object;
};
const FASKEY = values['faskey'] ?? '';
const HID = values['hid'] ?? '';

const fresh = () => createGateways(makeFakes().ports);
/** The guest's request as the portal met it. */
const visit = (query: string): Visit => ({
  url: `https://p.example/p/harbour?${query}`,
  method: 'GET',
  networkIp: '192.0.2.9',
});
const readAt = (gateways: Gateways, query: string, store: StoreView) =>
  gateways.read(new URLSearchParams(query), store, visit(query));
const read = (query: string, ...gateways: RegisteredGateway[]) =>
  readAt(fresh(), query, fakeStore({ gateways }));

const ITEMS = {
  hid: HID,
  clientip: '192.168.77.162',
  clientmac: '02:00:00:00:00:50',
  gatewayname: 'StoreOne%20Node%3a163395498e73%20',
  gatewayaddress: '192.168.77.1:2050',
  originurl: 'http%3a%2f%2fa.test%2f',
};

function plainQuery(items: Record<string, string>): string {
  const text = Object.entries(items).map(([name, value]) => `${name}=${value}`);
  return `fas=${Buffer.from(text.join(', ')).toString('base64')}`;
}

function secretQuery(items: Record<string, string>, key = FASKEY): string {
  const iv = '0123456789abcdef';
  const bytes = Buffer.alloc(32);
  Buffer.from(key).copy(bytes);
  const cipher = createCipheriv('aes-256-cbc', bytes, iv);
  const text = Object.entries(items)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
  const inner = cipher.update(`${text}, `, 'utf8', 'base64') + cipher.final('base64');
  return `fas=${Buffer.from(inner).toString('base64')}&iv=${iv}`;
}

describe('openNDS arithmetic', () => {
  test('client id and key give the value the gateway accepts', () => {
    expect(rhidOf(HID, FASKEY)).toBe(values['rhid']);
  });

  test('its name, with the blank it ends in, gives the hash it calls by', () => {
    expect(gatewayHashes(values['gatewayname'] ?? '')[0]).toBe(values['gatewayhash']);
    const [trimmed] = gatewayHashes('StoreOne%20Node%3a163395498e73');
    expect(trimmed).toBe(values['gatewayhash']);
  });

  test('level 2: base64 of base64 of AES', () => {
    const query = new URLSearchParams(`fas=${level2.fas}&iv=${level2.iv}`);
    expect(Object.fromEntries(openFas(query, level2.faskey) ?? [])).toEqual(level2.items);
    expect(openFas(query, 'another key')).toBeNull();
    expect(openFas(new URLSearchParams(`fas=${level2.fas}&iv=short`), level2.faskey)).toBeNull();
  });

  test('a block that was tampered with spoils the whole, whatever the padding says', () => {
    const query = new URLSearchParams(secretQuery({ ...ITEMS, note: 'café '.repeat(20) }));
    const inner = Buffer.from(query.get('fas') ?? '', 'base64').toString();
    expect(openFas(query, FASKEY)?.get('note')).toContain('café');
    const length = Buffer.from(inner, 'base64').length;
    // Not the last two: there the padding would already be wrong. Not the first: the text begins with it.
    for (let at = 16; at < length - 32; at += 5) {
      const bytes = Buffer.from(inner, 'base64');
      bytes[at]! ^= 1;
      query.set('fas', Buffer.from(bytes.toString('base64')).toString('base64'));
      expect(openFas(query, FASKEY)).toBeNull();
    }
  });

  test('a key of 64 hex digits counts with its first 32 characters', () => {
    const long = '0123456789abcdef'.repeat(4);
    const query = new URLSearchParams(secretQuery(ITEMS, long.slice(0, 32)));
    expect(openFas(query, long)?.get('hid')).toBe(HID);
  });

  test.each([
    ['a=1, b=2=3, ', { a: '1', b: '2=3' }],
    ['a=1, themespec=(null), (null)(null)(null)', { a: '1' }],
    ['a=1, store_id=S42>, (null)(null)', { a: '1', store_id: 'S42>' }],
    ['a=1, a=2', { a: '1' }],
    ['=x, nothing, \u0000\ufffd=1', {}],
    ['', {}],
  ])('items of %j', (text, expected) => {
    expect(Object.fromEntries(parseItems(text))).toEqual(expected);
  });

  test.each([
    ['StoreOne%20Node%3a163395498e73%20', 'StoreOne'],
    ['Store%20One%20', 'Store One'],
    ['%E6%B5%B7%E6%B8%AF%20Node%3aab', '海港'],
    ['%zz', '%zz'],
  ])('name of %j', (encoded, name) => expect(bareGatewayName(encoded)).toBe(name));

  test.each([
    ['192.168.77.1:2050', true],
    ['10.0.0.1:80', true],
    ['172.16.0.1:2050', true],
    ['172.32.0.1:2050', false],
    ['100.64.1.1:2050', true],
    ['8.8.8.8:2050', false],
    ['127.0.0.1:2050', false],
    ['192.168.77.1:99999', false],
    ['192.168.77.1', false],
    ['192.168.77.1:80@evil.example', false],
    ['evil.example:80', false],
    ['[fd00::1]:2050', true],
    ['[2001:db8::1]:2050', false],
  ])('a browser may be sent to %s: %s', (address, fine) => {
    expect(privateAddress(address)).toBe(fine);
  });
});

describe('openNDS redirects', () => {
  test.each([
    ['opennds-9.10-level0', openNds(0)],
    ['opennds-9.10-level1', openNds(1)],
    ['opennds-9.10-level3', openNds(3)],
  ])('%s is read as it was captured', (name, gateway) => {
    const { query, expect: wanted } = fixture(name) as { query: string; expect: object };
    const reading = read(query, PRETEND, gateway);
    expect(reading).toMatchObject({
      kind: 'known',
      context: { ...wanted, kind: 'opennds', gatewayId: gateway.id },
    });
  });

  test('a + in the base64 survives being read as a space', () => {
    // The tilde pairs make the encoder use both of base64's special characters.
    const query = plainQuery({ ...ITEMS, custom: '~~>>~~??~>~' });
    expect(query).toContain('+');
    expect(read(query, openNds(1)).kind).toBe('known');
  });

  test('level 3 tells under which hashes the gateway will call, once', () => {
    const { query, hashes } = fixture('opennds-9.10-level3') as { query: string; hashes: string[] };
    const gateways = fresh();
    const store = fakeStore({ gateways: [openNds(3)] });
    const again = () => readAt(gateways, query, store);
    expect(again()).toMatchObject({ learnt: hashes });
    expect(again()).not.toHaveProperty('learnt');
    const knowing = fakeStore({ gateways: [openNds(3, { hashes })] });
    expect(readAt(fresh(), query, knowing)).not.toHaveProperty('learnt');
  });

  const OTHER = plainQuery({ ...ITEMS, gatewayname: 'Other' });
  const SECRET_OTHER = secretQuery({ ...ITEMS, gatewayname: 'Other' });
  const LONG = 'x'.repeat(200);
  test.each<[string, string, RegisteredGateway[], string]>([
    ['a name nobody registered', OTHER, [openNds(1)], 'Other'],
    ['a name nobody registered, under our key', SECRET_OTHER, [openNds(3)], 'Other'],
    [
      'a name of any length',
      plainQuery({ ...ITEMS, gatewayname: LONG }),
      [openNds(1)],
      LONG.slice(0, 60),
    ],
    ['no gateway at all', plainQuery(ITEMS), [], 'StoreOne'],
    ['a plain query for a level 2 gateway', plainQuery(ITEMS), [openNds(2)], 'StoreOne'],
    ['a plain query for a level 3 gateway', plainQuery(ITEMS), [openNds(3)], 'StoreOne'],
  ])('%s is a stranger’s', (_name, query, gateways, called) => {
    const refused = { kind: 'refused', reason: 'unknown-gateway', detail: { called } };
    expect(read(query, ...gateways)).toEqual(refused);
  });

  test.each<[string, string, RegisteredGateway[], string]>([
    ['another key', secretQuery(ITEMS, 'guessed'), [openNds(3)], 'forged'],
    [
      'an encrypted query for a level 1 gateway',
      secretQuery(ITEMS),
      [openNds(1)],
      'unknown-gateway',
    ],
    ['no key registered', secretQuery(ITEMS), [openNds(3, { secret: '' })], 'forged'],
    ['not base64', 'fas=%00%01', [openNds(1)], 'unknown-gateway'],
    ['nothing', 'fas=', [openNds(1)], 'unknown-gateway'],
    ['9 kB', `fas=${'A'.repeat(9_000)}`, [openNds(1)], 'unknown-gateway'],
    ['a MAC that is none', plainQuery({ ...ITEMS, clientmac: '<b>' }), [openNds(1)], 'malformed'],
    ['a client id that is none', plainQuery({ ...ITEMS, hid: 'abc' }), [openNds(1)], 'malformed'],
    [
      'a door out in the world',
      plainQuery({ ...ITEMS, gatewayaddress: '6.6.6.6:80' }),
      [openNds(1)],
      'malformed',
    ],
  ])('%s is refused', (_name, query, gateways, reason) => {
    expect(read(query, ...gateways)).toEqual({ kind: 'refused', reason });
  });

  test('an origin that is no web address, and a door that is no name, are left out', () => {
    const items = { ...ITEMS, originurl: 'javascript%3aalert(1)', authdir: '../x?y' };
    const reading = read(plainQuery(items), openNds(1));
    expect(reading).toMatchObject({ kind: 'known' });
    expect(reading).not.toHaveProperty('context.originUrl');
    expect(reading).not.toHaveProperty('context.authDir');
  });
});

const GRANT = {
  sessionId: 's-1',
  minutes: 120,
  upKbps: 256,
  downKbps: 512,
  upQuotaKB: 0,
  downQuotaKB: 9,
};

async function openVia(level: 1 | 2 | 3) {
  const fakes = makeFakes();
  const gateway = openNds(level);
  const store = fakeStore({ gateways: [gateway] });
  const query = level === 1 ? plainQuery(ITEMS) : secretQuery({ ...ITEMS, authdir: 'door_x' });
  const gateways = createGateways(fakes.ports);
  const reading = readAt(gateways, query, store);
  if (reading.kind !== 'known') throw new Error('not read');
  const { context } = reading;
  const landingUrl = 'https://p.example/p/harbour/landed?j=a-b_c';
  const { doors, log } = fakes.ports;
  const request = { store, gateway, context, grant: GRANT, landingUrl, doors, log, now: 0 };
  return { fakes, opening: await gateways.of('opennds').open(request) };
}

describe('openNDS doors', () => {
  test.each([
    [1, 'opennds_auth'],
    [2, 'door_x'],
  ] as const)('level %d: the browser goes through', async (level, directory) => {
    const { opening } = await openVia(level);
    const back = encodeURIComponent('https://p.example/p/harbour/landed?j=a-b_c');
    const url = `http://192.168.77.1:2050/${directory}/?tok=${values['rhid']}&redir=${back}`;
    expect(opening).toEqual({ kind: 'through', url });
  });

  test('level 3: the limits wait for the gateway', async () => {
    const { fakes, opening } = await openVia(3);
    expect(opening).toEqual({ kind: 'waiting' });
    expect(fakes.of('doors.deposit')).toEqual([
      { gatewayId: 'gw-nds-3', rhid: values['rhid'], ...GRANT },
    ]);
  });
});

describe('the pretend gateway', () => {
  const client = { mac: '02-00-00-00-00-AB', ip: '10.0.0.5', url: 'https://harbour.example/menu' };
  const link = pretendRedirect('harbour', PRETEND, client);
  const query = link.slice(link.indexOf('?') + 1);

  test('its own redirect is read', () => {
    expect(read(query, PRETEND)).toEqual({
      kind: 'known',
      gateway: PRETEND,
      context: {
        gatewayId: 'gw-pretend',
        kind: 'pretend',
        mac: '02:00:00:00:00:ab',
        ip: '10.0.0.5',
        originUrl: 'https://harbour.example/menu',
      },
    });
  });

  test.each([
    ['another MAC', query.replace('-AB', '-AC'), 'forged'],
    ['another address', query.replace('10.0.0.5', '10.0.0.6'), 'forged'],
    ['another destination', query.replace('harbour.example', 'evil.example'), 'forged'],
    ['no signature', query.replace(/&sig=.*/, ''), 'forged'],
  ])('%s is refused', (_name, changed, reason) => {
    expect(read(changed, PRETEND)).toEqual({ kind: 'refused', reason });
  });

  test('another name is a stranger’s', () => {
    const refused = { kind: 'refused', reason: 'unknown-gateway', detail: { called: 'back-door' } };
    expect(read(query.replace('front-desk', 'back-door'), PRETEND)).toEqual(refused);
  });

  test('its redirect is worth nothing at another store, or without a secret', () => {
    const other = fakeStore({ slug: 'other' });
    const reading = readAt(fresh(), query, other);
    expect(reading).toEqual({ kind: 'refused', reason: 'forged' });
    const bare: RegisteredGateway = { id: 'x', kind: 'pretend', name: 'front-desk' };
    const own = pretendRedirect('harbour', bare, client);
    expect(read(own.slice(own.indexOf('?') + 1), bare)).toEqual({
      kind: 'refused',
      reason: 'forged',
    });
  });

  test('it lets in and confirms at once', async () => {
    const fakes = makeFakes();
    const gateways = createGateways(fakes.ports);
    const store = fakeStore();
    const context = {
      gatewayId: 'gw-pretend',
      kind: 'pretend',
      mac: client.mac,
      ip: client.ip,
    } as const;
    const opening = await gateways.of('pretend').open({
      store,
      gateway: PRETEND,
      context,
      grant: GRANT,
      landingUrl: '',
      doors: fakes.ports.doors,
      log: fakes.ports.log,
      now: 0,
    });
    expect(opening).toEqual({ kind: 'open' });
    expect(fakes.calls.map(({ port }) => port)).toEqual(['doors.deposit', 'doors.confirmed']);
  });
});

test('what each gateway can do is said', () => {
  const gateways = fresh();
  const openNdsAt = (level: 0 | 1 | 2 | 3 | 4) =>
    gateways.of('opennds').capabilities(openNds(level));
  const throughBrowser = {
    door: 'browser',
    limits: false,
    speed: false,
    kick: 'never',
    extend: true,
  };
  const fetched = { door: 'poll', limits: true, accounting: true, kick: 'never', extend: false };
  expect(openNdsAt(0)).toMatchObject({ ...throughBrowser, redirect: 'forgeable' });
  expect(openNdsAt(1)).toMatchObject({ ...throughBrowser, redirect: 'forgeable' });
  expect(openNdsAt(2)).toMatchObject({ ...throughBrowser, redirect: 'encrypted' });
  expect(openNdsAt(3)).toMatchObject({ ...fetched, redirect: 'encrypted' });
  expect(openNdsAt(4)).toMatchObject({ ...fetched, redirect: 'forgeable' });
  expect(gateways.knock(fakeStore())).toBeNull();
  expect(gateways.knock(fakeStore({ gateways: [PRETEND, openNds(1)] }))).toBe(
    'http://status.client/',
  );
});
