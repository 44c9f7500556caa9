/** Devices over a real database: tokens shown once, setup links that apps can read, links, revocation. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { createDeviceCallers, findDeviceByToken } from '../../server/devices/callers.ts';
import type { DeviceCallers } from '../../server/devices/callers.ts';
import { deviceRoutes } from '../../server/devices/routes.ts';
import { newPassphrase, openPassphrase } from '../../server/devices/passphrase.ts';
import { brokerOf, ownTracksLink, traccarCode } from '../../server/devices/setup.ts';
import { deviceToken } from '../../server/http/device-auth.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeGuest, makeMerchant } from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

const publicUrl = 'https://wifi.example';
const mqttPublicUrl = 'mqtts://mqtt.example';
const secret = Buffer.alloc(32, 7);
let held: TestDatabase;
let db: Database;
let app: Express;
let callers: DeviceCallers;
let now = NOON;
let mine: string;
let theirs: string;

const clock = (): number => now;
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const call = (method: 'get' | 'post' | 'patch' | 'delete', path: string, merchant = mine) =>
  request(app)[method](path).set('x-merchant', merchant);
async function make(body: object = {}) {
  const reply = await call('post', '/v1/devices').send({ name: 'Till tablet', ...body });
  return reply.body as {
    token: string;
    device: { id: string; guestId: string | null; marketingConsentAt: string | null };
    setup: {
      pingUrl: string;
      apps: { app: string; link: string; qr: string }[];
      mqtt: { host: string; username: string; account: string } | null;
    };
  };
}

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  callers = createDeviceCallers({ db, clock });
  app = routesApp(deviceRoutes({ db, clock, publicUrl, callers, secret, mqttPublicUrl }));
});
afterAll(() => held?.release());
beforeEach(async () => {
  now = NOON;
  mine = (await makeMerchant(db)).id;
  theirs = (await makeMerchant(db)).id;
});

describe('a new device', () => {
  test('has a token that works, is shown once and is kept only as a hash', async () => {
    const { token, device } = await make();
    expect(token).toMatch(/^fd_[\w-]{32}$/);
    expect(await findDeviceByToken(db, token)).toEqual({
      kind: 'device',
      merchantId: mine,
      deviceId: device.id,
      guestId: null,
    });
    const shown = await call('get', `/v1/devices/${device.id}`).expect(200);
    expect(JSON.stringify(shown.body)).not.toContain(token);
    const { rows } = await db.query('select devices::text as row from devices where id = $1', [
      device.id,
    ]);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('can be given to a guest of the same merchant only', async () => {
    const guest = await makeGuest(db, mine);
    const { device } = await make({ guestId: guest.id, marketingConsent: true });
    expect(device).toMatchObject({
      guestId: guest.id,
      marketingConsentAt: '2026-11-17T12:00:00.000Z',
    });
    const stranger = await makeGuest(db, theirs);
    await call('post', '/v1/devices').send({ name: 'x', guestId: stranger.id }).expect(404);
  });

  test.each([
    ['no name', {}],
    ['a blank name', { name: '   ' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a number for a name', { name: 5 }],
    ['a guest that is no id', { name: 'x', guestId: 'ann' }],
  ])('with %s is refused', async (_, body) => {
    await call('post', '/v1/devices').send(body).expect(400);
  });
});

describe('setup', () => {
  test('OwnTracks finds its whole configuration in the link', async () => {
    const { token, device, setup } = await make();
    const { link, qr } = setup.apps.find(({ app }) => app === 'owntracks') ?? { link: '', qr: '' };
    const [, inline = ''] = /^owntracks:\/\/\/config\?inline=([A-Za-z0-9/%]+)$/.exec(link) ?? [];
    const text = Buffer.from(decodeURIComponent(inline), 'base64').toString();
    expect(JSON.parse(text)).toEqual({
      _type: 'configuration',
      mode: 3,
      url: 'https://wifi.example/owntracks',
      auth: true,
      username: device.id,
      password: token,
      deviceId: device.id.slice(-8),
      tid: device.id.slice(-2),
      monitoring: 1,
    });
    expect(qr).toMatch(/^<svg /);
  });

  test('the link escapes what base64 has and addresses do not', () => {
    // Three lengths: base64 pads two of them.
    const links = ['t', 'to', 'tok'].map((token) =>
      ownTracksLink({ publicUrl: `${publicUrl}/>?~`, deviceId: 'd'.repeat(8), token }),
    );
    expect(links.every((link) => link.includes('%2B'))).toBe(true);
    expect(links.filter((link) => link.includes('%3D'))).toHaveLength(2);
    for (const link of links) expect(link.split('inline=')[1]).not.toMatch(/[+=]/);
  });

  test('OwnTracks over MQTT finds the broker, itself and its topic in the link', async () => {
    const { token, device, setup } = await make({ waypoints: true });
    const { link } = setup.apps.find(({ app }) => app === 'owntracks-mqtt') ?? { link: '' };
    const inline = decodeURIComponent(link.split('inline=')[1] ?? '');
    const short = device.id.slice(-8);
    expect(JSON.parse(Buffer.from(inline, 'base64').toString())).toEqual({
      _type: 'configuration',
      mode: 0,
      host: 'mqtt.example',
      port: 8883,
      tls: true,
      pubTopicBase: 'owntracks/%u/%d',
      pubRetain: false,
      auth: true,
      username: device.id,
      password: token,
      deviceId: short,
      tid: device.id.slice(-2),
      monitoring: 1,
      cmd: true,
    });
    expect(setup.mqtt).toMatchObject({
      host: 'mqtt.example',
      username: device.id,
      topic: `owntracks/${device.id}/${short}`,
    });
    expect(setup.mqtt?.account).toMatch(
      new RegExp(`^${device.id}:\\$7\\$101\\$[\\w+/]{16}\\$[\\w+/]{86}==$`),
    );
    expect(setup.mqtt?.account).not.toContain(token);
  });

  test.each([
    [undefined, null],
    ['', null],
    ['https://x', null],
    ['mqtt://m.example', { host: 'm.example', port: 1883, tls: false }],
    ['mqtts://m.example:444', { host: 'm.example', port: 444, tls: true }],
  ])('the broker of %p is %p', (url, broker) => {
    expect(brokerOf(url)).toEqual(broker);
  });

  test('Traccar Client finds its server and its name, in the link and in the code', async () => {
    const { token, setup } = await make();
    const { link } = setup.apps.find(({ app }) => app === 'traccar') ?? { link: '' };
    const url = new URL(link);
    expect([url.protocol, url.host]).toEqual(['org.traccar.client:', 'config']);
    const settings = Object.fromEntries(url.searchParams);
    expect(settings).toMatchObject({
      url: 'https://wifi.example/osmand',
      id: token,
      accuracy: 'high',
      interval: '30',
      buffer: 'true',
    });
    const code = new URL(traccarCode({ publicUrl, deviceId: '', token }));
    expect(code.origin + code.pathname).toBe(settings['url']);
    expect(code.searchParams.get('id')).toBe(token);
  });

  test('Overland finds address and token in the link', async () => {
    const { token, setup } = await make();
    const { link } = setup.apps.find(({ app }) => app === 'overland') ?? { link: '' };
    const url = new URL(link);
    expect([url.protocol, url.host]).toEqual(['overland:', 'setup']);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      url: 'https://wifi.example/overland',
      token,
      unique_id: 'yes',
    });
  });

  test('a new token brings new links and ends the old token at once', async () => {
    const { token, device } = await make();
    await callers.find(token);
    const again = await call('post', `/v1/devices/${device.id}/token`).expect(201);
    expect(again.body.token).not.toBe(token);
    expect(await callers.find(token)).toBeNull();
    expect(await callers.find(again.body.token)).toMatchObject({ deviceId: device.id });
  });
});

describe('changing', () => {
  test('name, guest and agreement, one at a time', async () => {
    const guest = await makeGuest(db, mine);
    const { device } = await make();
    const patch = async (body: object) =>
      (await call('patch', `/v1/devices/${device.id}`).send(body).expect(200)).body;
    expect(await patch({ name: 'Ann’s phone' })).toMatchObject({
      name: 'Ann’s phone',
      guestId: null,
    });
    expect(await patch({ guestId: guest.id })).toMatchObject({
      name: 'Ann’s phone',
      guestId: guest.id,
    });
    expect(await patch({ marketingConsent: true })).toMatchObject({
      marketingConsentAt: '2026-11-17T12:00:00.000Z',
    });
    expect(await patch({ guestId: null, marketingConsent: false })).toMatchObject({
      guestId: null,
      marketingConsentAt: null,
    });
  });

  test('revoking ends the token, keeps the device, and may be repeated', async () => {
    const { token, device } = await make();
    expect(await callers.find(token)).not.toBeNull();
    await call('delete', `/v1/devices/${device.id}`).expect(204);
    expect(await callers.find(token)).toBeNull();
    now += 60_000;
    await call('delete', `/v1/devices/${device.id}`).expect(204);
    const { body } = await call('get', `/v1/devices/${device.id}`);
    expect(body.revokedAt).toBe('2026-11-17T12:00:00.000Z');
    await call('post', `/v1/devices/${device.id}/token`).expect(404);
    expect((await call('get', '/v1/devices')).body.devices).toEqual([]);
    expect((await call('get', '/v1/devices?revoked=true')).body.devices).toHaveLength(1);
  });

  test('is not for other merchants', async () => {
    const { device } = await make();
    await call('get', `/v1/devices/${device.id}`, theirs).expect(404);
    await call('patch', `/v1/devices/${device.id}`, theirs).send({ name: 'Mine' }).expect(404);
    await call('delete', `/v1/devices/${device.id}`, theirs).expect(404);
    await call('post', `/v1/devices/${device.id}/token`, theirs).expect(404);
    expect((await call('get', '/v1/devices', theirs)).body).toEqual({ devices: [], next: null });
  });
});

describe('a passphrase', () => {
  const rowOf = async (id: string) =>
    (await db.query('select passphrase from devices where id = $1', [id])).rows[0];

  test('is kept sealed, opens for its own device, and is never shown', async () => {
    const made = await make({ passphrase: 'open sesame' });
    const { id } = made.device;
    expect(made.device).toMatchObject({ encrypted: true, waypoints: false });
    const shown = await call('get', `/v1/devices/${id}`).expect(200);
    expect(JSON.stringify([made, shown.body])).not.toContain('open sesame');
    expect(JSON.stringify(await rowOf(id))).not.toContain(
      Buffer.from('open sesame').toString('hex'),
    );
    expect(await openPassphrase(db, secret, { merchantId: mine, deviceId: id })).toBe(
      'open sesame',
    );
    expect(await openPassphrase(db, secret, { merchantId: theirs, deviceId: id })).toBeNull();
    const other = Buffer.alloc(32, 8);
    expect(await openPassphrase(db, other, { merchantId: mine, deviceId: id })).toBeNull();
    expect(await callers.find(made.token)).toMatchObject({ encrypted: true });
  });

  test('can be changed and dropped; other changes leave it', async () => {
    const { device } = await make();
    const { id } = device;
    const patch = async (body: object) =>
      (await call('patch', `/v1/devices/${id}`).send(body).expect(200)).body;
    expect(await patch({ passphrase: 'one', waypoints: true })).toMatchObject({
      encrypted: true,
      waypoints: true,
    });
    expect(await patch({ name: 'Ann' })).toMatchObject({ encrypted: true, waypoints: true });
    expect(await openPassphrase(db, secret, { merchantId: mine, deviceId: id })).toBe('one');
    expect(await patch({ passphrase: null, waypoints: false })).toMatchObject({
      encrypted: false,
      waypoints: false,
    });
    expect(await openPassphrase(db, secret, { merchantId: mine, deviceId: id })).toBeNull();
  });

  test.each([
    ['an empty one', ''],
    ['33 bytes', '店'.repeat(11)],
    ['a line break', 'a\nb'],
    ['a number', 5],
  ])('%s is refused', async (_, passphrase) => {
    await call('post', '/v1/devices').send({ name: 'x', passphrase }).expect(400);
  });

  test('that we make up fits and is not made twice', () => {
    const made = Array.from({ length: 50 }, newPassphrase);
    expect(new Set(made).size).toBe(50);
    for (const each of made) expect(each).toMatch(/^([a-hjkmnp-z2-9]{4}-){5}[a-hjkmnp-z2-9]{4}$/);
  });
});

describe('callers', () => {
  test('are found by id, too, for what a broker has checked, until revoked', async () => {
    const { device } = await make();
    expect(await callers.findById(device.id)).toMatchObject({ merchantId: mine });
    await call('delete', `/v1/devices/${device.id}`).expect(204);
    expect(await callers.findById(device.id)).toBeNull();
  });

  test('are remembered for a while, and no more of them than there is room for', async () => {
    let asked = 0;
    const counting: Pick<Database, 'query'> = {
      query(text, params) {
        asked++;
        return db.query(text, params);
      },
    };
    const few = createDeviceCallers({ db: counting, clock: () => now }, { size: 2, ttl: 1_000 });
    const tokens = [(await make()).token, (await make()).token, (await make()).token] as const;
    await few.find(tokens[0]);
    await few.find(tokens[0]);
    expect(asked).toBe(1);
    now += 1_001;
    await few.find(tokens[0]);
    expect(asked).toBe(2);
    await few.find(tokens[1]);
    await few.find(tokens[2]);
    await few.find(tokens[1]);
    expect(asked).toBe(4);
    await few.find(tokens[0]);
    expect(asked).toBe(5);
  });
});

describe('the token of a request', () => {
  test.each<[string, string | undefined, string, object, string | null]>([
    ['Bearer', 'Bearer fd_a', '/v1/pings', {}, 'fd_a'],
    ['bearer in lower case, with room around', '  bearer   fd_a  ', '/v1/pings', {}, 'fd_a'],
    ['Basic: the password', basic('ann:fd_a'), '/owntracks', {}, 'fd_a'],
    ['Basic: a password with a colon', basic('ann:fd:a'), '/owntracks', {}, 'fd:a'],
    ['Basic: only a user', basic('fd_a:'), '/owntracks', {}, 'fd_a'],
    ['Basic, not encoded, as Overland does', 'Basic fd_a:', '/owntracks', {}, 'fd_a'],
    ['Basic: nothing in it', basic(':'), '/owntracks', {}, null],
    ['Basic: not base64', 'Basic ???', '/owntracks', {}, null],
    ['?token= at a protocol door', undefined, '/overland', { token: 'fd_a' }, 'fd_a'],
    [
      '?api_key= at Dawarich’s door',
      undefined,
      '/api/v1/overland/batches',
      { api_key: 'fd_a' },
      'fd_a',
    ],
    ['a header before the address', 'Bearer fd_h', '/owntracks', { token: 'fd_q' }, 'fd_h'],
    ['?token= elsewhere', undefined, '/v1/pings', { token: 'fd_a' }, null],
    ['a list of tokens', undefined, '/overland', { token: ['a', 'b'] }, null],
    ['the bare token, at Radar’s door', 'fd_a', '/v1/track', {}, 'fd_a'],
    ['the bare token at its sibling', ' fd_a ', '/v1/track/replay', {}, 'fd_a'],
    ['the bare token elsewhere', 'fd_a', '/v1/tracks', {}, null],
    ['?token= at Traccar’s door', undefined, '/osmand', { token: 'fd_a' }, 'fd_a'],
    ['?token= of the webhook', undefined, '/v1/pings/webhook', { token: 'fd_a' }, 'fd_a'],
    ['?token= at a door of a like name', undefined, '/osmands', { token: 'fd_a' }, null],
    ['another scheme', 'Digest fd_a', '/v1/pings', {}, null],
    ['a token of 201 characters', `Bearer ${'x'.repeat(201)}`, '/v1/pings', {}, null],
    ['more room than a header needs', `Bearer ${' '.repeat(9000)}fd_a`, '/v1/pings', {}, null],
    ['none', undefined, '/v1/pings', {}, null],
  ])('%s', (_, header, path, query, expected) => {
    expect(deviceToken(header, path, query as Record<string, unknown>)).toBe(expected);
  });
});
