/** What gateways send, read right or refused; and what they are told. Captured bytes in fixtures/gateways. */
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createGateways } from '../../portal/gateways/all.ts';
import { depositLine } from '../../portal/gateways/opennds-authmon.ts';
import {
  bareGatewayName,
  openFas,
  parseItems,
  privateAddress,
} from '../../portal/gateways/opennds-fas.ts';
import { gatewayHashes, rhidOf } from '../../portal/gateways/opennds.ts';
import { pretendRedirect } from '../../portal/gateways/pretend.ts';
import type { RegisteredGateway } from '../../portal/ports.ts';
import { fakeStore, makeFakes, openNds, PRETEND } from '../support/fakes.ts';

function fixture<T>(name: string): T {
  const file = path.join(import.meta.dirname, '../fixtures/gateways', `${name}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

const values = fixture<Record<string, string>>('opennds-values');
const level2 = fixture<{ faskey: string; iv: string; fas: string; items: object }>(
  'opennds-level2-query',
);
const FASKEY = values['faskey'] ?? '';
const HID = values['hid'] ?? '';

const read = (query: string, ...gateways: RegisteredGateway[]) =>
  createGateways().read(new URLSearchParams(query), fakeStore({ gateways }));

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
    ['opennds-9.10-level1', openNds(1)],
    ['opennds-9.10-level3', openNds(3)],
  ])('%s is read as it was captured', (name, gateway) => {
    const { query, expect: wanted } = fixture<{ query: string; expect: object }>(name);
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
    const { query, hashes } = fixture<{ query: string; hashes: string[] }>('opennds-9.10-level3');
    const gateways = createGateways();
    const store = fakeStore({ gateways: [openNds(3)] });
    const again = () => gateways.read(new URLSearchParams(query), store);
    expect(again()).toMatchObject({ learnt: hashes });
    expect(again()).not.toHaveProperty('learnt');
    const knowing = fakeStore({ gateways: [openNds(3, { hashes })] });
    const fresh = createGateways().read(new URLSearchParams(query), knowing);
    expect(fresh).not.toHaveProperty('learnt');
  });

  test.each<[string, string, RegisteredGateway[], string]>([
    [
      'a name nobody registered',
      plainQuery({ ...ITEMS, gatewayname: 'Other' }),
      [openNds(1)],
      'unknown-gateway',
    ],
    ['no gateway at all', plainQuery(ITEMS), [], 'unknown-gateway'],
    ['a plain query for a level 2 gateway', plainQuery(ITEMS), [openNds(2)], 'unknown-gateway'],
    ['a plain query for a level 3 gateway', plainQuery(ITEMS), [openNds(3)], 'unknown-gateway'],
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
  const gateways = createGateways();
  const reading = gateways.read(new URLSearchParams(query), store);
  if (reading.kind !== 'known') throw new Error('not read');
  const { context } = reading;
  const landingUrl = 'https://p.example/p/harbour/landed?j=a-b_c';
  const { doors } = fakes.ports;
  const request = { store, gateway, context, grant: GRANT, landingUrl, doors };
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

describe('openNDS authmon', () => {
  const RHID = values['rhid'] ?? '';
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  function caller(hashes: string[] = [values['gatewayhash'] ?? '']) {
    const fakes = makeFakes();
    const store = fakeStore({ gateways: [openNds(1), openNds(3, { hashes })] });
    const gateways = createGateways();
    const { doors, log } = fakes.ports;
    const call = (auth_get: string, payload = 'none', more: Record<string, string> = {}) => {
      const fields = new URLSearchParams({
        auth_get,
        gatewayhash: values['gatewayhash'] ?? '',
        payload: base64(payload),
        ...more,
      });
      return gateways.hear({ store, fields, doors, log, now: 77_000 });
    };
    const deposit = (rhid: string) =>
      doors.deposit(store, 'gw-nds-3', {
        rhid,
        sessionId: `s-${rhid}`,
        minutes: 1,
        upKbps: 0,
        downKbps: 0,
        upQuotaKB: 0,
        downQuotaKB: 0,
      });
    return { fakes, gateways, call, deposit };
  }

  test('a line is one word of seven', () => {
    const [rhid = '', minutes, ...limits] = decodeURIComponent(values['authmonLine'] ?? '').split(
      ' ',
    );
    const line = depositLine({
      rhid,
      sessionId: 's',
      minutes: Number(minutes),
      upKbps: Number(limits[0]),
      downKbps: Number(limits[1]),
      upQuotaKB: Number(limits[2]),
      downQuotaKB: Number(limits[3]),
    });
    expect(line.replace(/%20[^%]*%3D$/, '')).toBe(
      (values['authmonLine'] ?? '').replace(/%20[^%]*%3D$/, ''),
    );
    expect(line).not.toContain(' ');
  });

  test('view tells at most four, and again until they are acknowledged', async () => {
    const { call, deposit } = caller();
    const rhids = Array.from({ length: 6 }, (_, n) => String(n).repeat(64));
    for (const rhid of rhids) await deposit(rhid);
    const first = await call('view');
    expect(first?.text.split(' ')).toHaveLength(5);
    expect(first?.text.length).toBeLessThan(1_024);
    expect(await call('view')).toEqual(first);
    expect(await call('view', `* ${rhids.slice(0, 4).join(' ')}`)).toEqual({
      status: 200,
      text: 'ack',
    });
    expect((await call('view'))?.text.split(' ')).toHaveLength(3);
  });

  test('acknowledging confirms exactly those; a bare star confirms nobody', async () => {
    const { fakes, call, deposit } = caller();
    await deposit(RHID);
    expect(await call('view', '*')).toEqual({ status: 200, text: 'ack' });
    expect(fakes.of('doors.confirmed')).toEqual([]);
    await call('view', `* ${RHID} <script> 123`);
    expect(fakes.of('doors.confirmed')).toEqual([{ gatewayId: 'gw-nds-3', rhids: [RHID] }]);
    expect(await call('view')).toEqual({ status: 200, text: '*' });
  });

  test('list hands over and forgets', async () => {
    const { fakes, call, deposit } = caller();
    await deposit(RHID);
    expect((await call('list'))?.text).toContain(`* ${RHID}%20`);
    expect(fakes.of('doors.confirmed')).toHaveLength(1);
    expect(await call('list')).toEqual({ status: 200, text: '*' });
  });

  test('clear: the gateway started anew', async () => {
    const { fakes, call } = caller();
    expect(await call('clear')).toEqual({ status: 200, text: '' });
    expect(fakes.of('doors.cleared')).toEqual(['gw-nds-3']);
  });

  test('deauthed: who left, why, and what was used', async () => {
    const { fakes, call } = caller();
    expect(await call('deauthed', values['deauthed'])).toEqual({ status: 200, text: 'ack' });
    expect(fakes.of('doors.ended')).toEqual([
      {
        gatewayId: 'gw-nds-3',
        mac: '02:00:00:00:00:50',
        reason: 'ndsctl_deauth',
        bytesIn: 346,
        bytesOut: 241,
        endedAt: 1_795_299_144_000,
      },
    ]);
  });

  test.each([
    [
      'method=idle_deauth, clientmac=02:00:00:00:00:50, bytes_incoming=-4, bytes_outgoing=NaN',
      [0, 0, 77_000],
    ],
    ['clientmac=02:00:00:00:00:50, session_end=x', [0, 0, 77_000]],
  ])('deauthed with odd numbers: %s', async (payload, [bytesIn, bytesOut, endedAt]) => {
    const { fakes, call } = caller();
    await call('deauthed', payload);
    expect(fakes.of('doors.ended')).toMatchObject([{ bytesIn, bytesOut, endedAt }]);
  });

  test('deauthed that names nobody ends nobody', async () => {
    const { fakes, call } = caller();
    expect(await call('deauthed', 'method=x, clientmac=everyone')).toEqual({
      status: 200,
      text: 'ack',
    });
    expect(fakes.of('doors.ended')).toEqual([]);
  });

  test('a gateway nobody registered learns and opens nothing', async () => {
    const { fakes, call, deposit } = caller([]);
    await deposit(RHID);
    for (const action of ['view', 'list', 'clear', 'deauthed', 'custom'])
      expect(await call(action, `* ${RHID}`)).toEqual({ status: 403, text: 'unknown gateway\n' });
    expect(fakes.calls.filter(({ port }) => /confirmed|cleared|ended|pending/.test(port))).toEqual(
      [],
    );
  });

  test('a gateway of level 1 has no say here', async () => {
    const fakes = makeFakes();
    const [hash = ''] = gatewayHashes('StoreOne');
    const store = fakeStore({ gateways: [openNds(1)] });
    const fields = new URLSearchParams({
      auth_get: 'view',
      gatewayhash: hash,
      payload: base64('none'),
    });
    const { doors, log } = fakes.ports;
    const answer = await createGateways().hear({ store, fields, doors, log, now: 0 });
    expect(answer?.status).toBe(403);
  });

  test('a name without a suffix is known by itself, with and without its blank', async () => {
    for (const hash of gatewayHashes('StoreOne')) {
      const { call } = caller([]);
      expect((await call('view', 'none', { gatewayhash: hash }))?.status).toBe(200);
    }
  });

  test('custom and unknown requests open nothing', async () => {
    const { fakes, call } = caller();
    expect(await call('custom', 'hello')).toEqual({ status: 200, text: 'ack' });
    expect((await call('format-disk'))?.text).toBe('unknown request\n');
    expect(fakes.of('doors.confirmed')).toEqual([]);
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
    ['another name', query.replace('front-desk', 'back-door'), 'unknown-gateway'],
  ])('%s is refused', (_name, changed, reason) => {
    expect(read(changed, PRETEND)).toEqual({ kind: 'refused', reason });
  });

  test('its redirect is worth nothing at another store, or without a secret', () => {
    const other = fakeStore({ slug: 'other' });
    const reading = createGateways().read(new URLSearchParams(query), other);
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
    const gateways = createGateways();
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
    });
    expect(opening).toEqual({ kind: 'open' });
    expect(fakes.calls.map(({ port }) => port)).toEqual(['doors.deposit', 'doors.confirmed']);
  });
});

test('what each gateway can do is said', () => {
  const { of, knock } = createGateways();
  expect(of('opennds').capabilities(openNds(1))).toMatchObject({
    door: 'browser',
    redirect: 'forgeable',
    limits: false,
  });
  expect(of('opennds').capabilities(openNds(2))).toMatchObject({
    door: 'browser',
    redirect: 'encrypted',
    limits: false,
  });
  expect(of('opennds').capabilities(openNds(3))).toMatchObject({
    door: 'poll',
    limits: true,
    accounting: true,
    kick: false,
  });
  expect(knock(fakeStore())).toBeNull();
  expect(knock(fakeStore({ gateways: [PRETEND, openNds(1)] }))).toBe('http://status.client/');
});
