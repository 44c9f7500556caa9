/** The doors of the tracker apps over a real database: answers each app waits for, and what is stored. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { App, Fixture } from '../../scripts/fuzz/apps.ts';
import { allFixtures, sentOf } from '../../scripts/fuzz/apps.ts';
import { defaultPolicy } from '../../geo/engine.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import type { DeviceCallers } from '../../server/devices/callers.ts';
import { gpsLoggerLink, gpsLoggerPage } from '../../server/devices/gpslogger.ts';
import { sealPassphrase } from '../../server/devices/passphrase.ts';
import { problem } from '../../server/errors.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import { openMessage, sealMessage } from '../../server/pings/protocols/secretbox.ts';
import { pingRoutes } from '../../server/pings/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makeVisit } from '../support/make.ts';
import { routesApp, silentLog } from '../support/routes-app.ts';

const secret = Buffer.alloc(32, 7);
const publicUrl = 'https://wifi.example';
const second = NOON / 1000;
const form = 'application/x-www-form-urlencoded';

let held: TestDatabase;
let app: Express;
let callers: DeviceCallers;
let now = NOON;
let merchant: { id: string };
let device: { id: string; token: string };
const clock = (): number => now;
const counted: string[] = [];
const bearer = () => ({ Authorization: `Bearer ${device.token}` });

beforeAll(async () => {
  held = await testDatabase();
  const { db } = held;
  const fences = createLiveFences();
  const ingest = createIngest({ db, clock, fences, lanes: createLanes(), policy: defaultPolicy });
  callers = createDeviceCallers({ db, clock });
  const count = (source: string, verdict: string): void =>
    void counted.push(`${source} ${verdict}`);
  const deps = { db, fences, secret, ingest, clock, log: silentLog, count, publicUrl };
  app = routesApp(pingRoutes(deps), callers.find);
});
afterAll(() => held?.release());
beforeEach(async () => {
  now = NOON;
  counted.length = 0;
  merchant = await makeMerchant(held.db);
  device = await makeDevice(held.db, merchant.id);
});

interface Stored {
  source: string;
  reason: string | null;
  speed_mps: number | null;
  lat: number;
}
const stored = async (): Promise<Stored[]> =>
  (
    await held.db.query<Stored & Record<string, unknown>>(
      'select source, reason, speed_mps, lat from pings where device_id = $1 order by at, ping_key',
      [device.id],
    )
  ).rows;
const change = (sql: string, ...values: unknown[]) =>
  held.db.query(`update devices set ${sql} where id = $1`, [device.id, ...values]);

const doors: Record<App, { path: string; answer: unknown; status?: number }> = {
  foyer: { path: '/v1/pings', answer: expect.anything(), status: 202 },
  owntracks: { path: '/owntracks', answer: [] },
  overland: { path: '/overland', answer: { result: 'ok' } },
  osmand: { path: '/osmand', answer: {} },
  gpslogger: { path: '/gpslogger', answer: {} },
  'background-geolocation': { path: '/background-geolocation', answer: { result: 'ok' } },
  radar: { path: '/v1/track', answer: expect.objectContaining({ meta: { code: 200 } }) },
  webhook: {
    path: '/v1/pings/webhook',
    answer: expect.objectContaining({ refused: expect.anything() }),
  },
};

const replay = { path: '/v1/track/replay', answer: { meta: { code: 200 } } };
const doorOf = (name: App, { body }: Fixture) =>
  name === 'radar' && JSON.stringify(body ?? null).includes('replays') ? replay : doors[name];

describe('captured messages', () => {
  const usable = allFixtures.filter(([, , { ignored }]) => !ignored['invalid-request']);
  test.each(usable)(
    '%s: %s is answered as the app needs it, twice, and stored once',
    async (name, _, fixture) => {
      const door: (typeof doors)[App] = doorOf(name, fixture);
      const { query = '', body = '', agent = '', passphrase } = sentOf(fixture);
      if (passphrase !== undefined) {
        await change('passphrase = $2', sealPassphrase(secret, device.id, passphrase));
      }
      for (let round = 0; round < 2; round++) {
        const reply = await request(app)
          .post(`${door.path}?${query}`)
          .set(bearer())
          .set('User-Agent', agent)
          .set('Content-Type', body.startsWith('lat=') ? form : 'application/json')
          .send(body);
        expect([reply.status, reply.body]).toEqual([door.status ?? 200, door.answer]);
      }
      const identities = fixture.pings.map(({ at, key }) => `${at} ${key}`);
      expect(await stored()).toHaveLength(new Set(identities).size);
    },
  );

  test.each([
    ['an empty body', '', 'application/json'],
    ['broken JSON', '{"_type":', 'application/json'],
    ['JSON of another type', '{"_type":"lwt"}', 'text/plain'],
    ['no JSON at all', 'lat=x&lon=2', 'application/x-www-form-urlencoded'],
    ['a number', '5', 'application/json; charset=utf-8'],
    ['NaN', '{"_type":"location","lat":NaN}', 'application/json'],
    ['bytes', '\u0000\ufffd\u0001', 'application/octet-stream'],
  ])('%s is never a 4xx', async (_, body, type) => {
    for (const [name, { path, answer }] of Object.entries(doors)) {
      if (name === 'foyer') continue;
      const reply = await request(app)
        .post(path)
        .set(bearer())
        .set('Content-Type', type)
        .send(body);
      expect([name, reply.status, reply.body]).toEqual([name, 200, answer]);
    }
    expect(await stored()).toEqual([]);
  });

  test('a batch of ours that would trip the checker is refused like any other', async () => {
    await request(app)
      .post('/v1/pings')
      .set(bearer())
      .send({ pings: { length: { toString: 1, valueOf: null } } })
      .expect(400);
  });

  test('being busy is a 503 to apps, with when to come again', async () => {
    const ingest = () => Promise.reject(problem('too-many-requests', { retryAfter: 2 }));
    const busy = routesApp(pingRoutes({ ingest, clock, log: silentLog }), callers.find);
    for (const [name, { path }] of Object.entries(doors)) {
      if (name === 'foyer') continue;
      const reply = await request(busy)
        .post(path)
        .set(bearer())
        .send(JSON.stringify({ lat: 1, lon: 1 }));
      expect([name, reply.status, reply.headers['retry-after']]).toEqual([name, 503, '2']);
    }
  });
});

describe('who is who', () => {
  const point = `lat=51.5&lon=-0.12&timestamp=${second}`;
  const basic = (user: string, password: string) =>
    `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const json = { location: { coords: { latitude: 51.5, longitude: -0.12 }, timestamp: second } };

  test.each<[string, (token: string) => request.Test]>([
    ['GET, as id', (t) => request(app).get(`/osmand?id=${t}&${point}`)],
    ['GET, as deviceid', (t) => request(app).get(`/v1/osmand?deviceid=${t}&${point}`)],
    ['POST, in the address', (t) => request(app).post(`/osmand?id=${t}&${point}`)],
    ['POST, in a form', (t) => request(app).post('/osmand').type('form').send(`id=${t}&${point}`)],
    [
      'POST, in JSON',
      (t) =>
        request(app)
          .post('/osmand')
          .send({ ...json, device_id: t }),
    ],
    [
      'POST, in a list',
      (t) =>
        request(app)
          .post('/osmand')
          .send([{ id: t, lat: 51.5, lon: -0.12, timestamp: second }]),
    ],
    ['as the end of the address', (t) => request(app).get(`/osmand/${t}?id=phone&${point}`)],
    [
      'the same by POST',
      (t) => request(app).post(`/osmand/${t}`).type('form').send(`id=7&${point}`),
    ],
    ['?token=', (t) => request(app).get(`/osmand?token=${t}&id=phone&${point}`)],
    [
      'Bearer',
      (t) => request(app).get(`/osmand?id=phone&${point}`).set('Authorization', `Bearer ${t}`),
    ],
    ['Basic', (t) => request(app).get(`/gpslogger?${point}`).set('Authorization', basic('u', t))],
    ['?token= at GPSLogger’s', (t) => request(app).put(`/gpslogger?token=${t}`).send(point)],
    [
      '?token= at the plugin’s',
      (t) => request(app).put(`/background-geolocation?token=${t}`).send(json),
    ],
    [
      '?token= at the webhook',
      (t) => request(app).post(`/v1/pings/webhook?token=${t}`).send({ lat: 51.5, lon: -0.12 }),
    ],
    [
      'the bare key, as to Radar',
      (t) =>
        request(app)
          .post('/v1/track')
          .set('Authorization', t)
          .send({ latitude: 51.5, longitude: -0.12, accuracy: 5 }),
    ],
  ])('%s', async (_, ask) => {
    await ask(device.token).expect(200);
    expect(await stored()).toMatchObject([{ lat: 51.5 }]);
    await ask('fd_wrong').expect(401);
    expect(await stored()).toHaveLength(1);
  });

  test.each([
    ['nothing at all', () => request(app).post('/osmand').send('lat=1&lon=2')],
    ['an id that is no token', () => request(app).get('/osmand?id=861001000719969&lat=1&lon=2')],
    [
      'a token in a body elsewhere',
      () => request(app).post('/gpslogger').send(`token=${device.token}`),
    ],
    ['?token= at Radar’s door', () => request(app).post(`/v1/track?token=${device.token}`)],
    [
      'the bare key elsewhere',
      () => request(app).post('/overland').set('Authorization', device.token),
    ],
    ['a token of 10,000 signs', () => request(app).get(`/osmand?id=${'x'.repeat(10_000)}`)],
  ])('%s is a 401', async (_, ask) => {
    await ask().expect(401);
  });

  test('strangers cannot make us read more than a small body', async () => {
    await request(app).post('/osmand').type('text').send('x'.repeat(200_000)).expect(413);
    await request(app).post('/overland').type('text').send('x'.repeat(200_000)).expect(401);
  });
});

describe('answers', () => {
  test('nothing at all to Traccar Client and GPSLogger', async () => {
    for (const path of ['/osmand', '/gpslogger']) {
      const reply = await request(app).get(`${path}?lat=1&lon=1&token=${device.token}`).expect(200);
      expect(reply.text).toBe('');
    }
  });

  test('the webhook says what became of each position', async () => {
    const body = [{ lat: 51.5, lon: -0.12 }, { lat: 120.1, lon: 30.2 }, { nothing: 1 }];
    const reply = await request(app).post('/v1/pings/webhook').set(bearer()).send(body).expect(200);
    expect(reply.body).toEqual({
      accepted: 1,
      duplicates: 0,
      refused: [{ index: 1, reason: 'lon-lat-swapped' }],
      ignored: { 'no-position': 1 },
    });
  });

  test('callers of Radar’s shape read the fences that the device is visiting', async () => {
    const fence = await makeFence(held.db, merchant.id, { name: 'Shoes' });
    const other = await makeFence(held.db, merchant.id, { name: 'Hats' });
    const at = (fenceId: string) => ({ merchantId: merchant.id, fenceId, deviceId: device.id });
    await makeVisit(held.db, at(fence.id), { status: 'open', exitAt: null });
    await makeVisit(held.db, at(other.id), { status: 'closed' });
    const body = {
      latitude: 51.6,
      longitude: -0.2,
      accuracy: 7,
      deviceId: 'phone-1',
      stopped: true,
    };
    const reply = await request(app)
      .post('/v1/track')
      .set('Authorization', device.token)
      .send(body)
      .expect(200);
    expect(reply.body).toEqual({
      meta: { code: 200 },
      events: [],
      user: {
        _id: device.id,
        deviceId: 'phone-1',
        userId: null,
        location: { type: 'Point', coordinates: [-0.2, 51.6] },
        locationAccuracy: 7,
        stopped: true,
        geofences: [{ _id: fence.id, description: 'Shoes', externalId: fence.id }],
      },
    });
  });
});

describe('OwnTracks', () => {
  const location = (over: object = {}) => ({
    _type: 'location',
    lat: 51.5072,
    lon: -0.1276,
    tst: now / 1000,
    acc: 8,
    ...over,
  });
  const send = async (body: object, agent = 'Owntracks-Android/gms/42') => {
    const reply = await request(app)
      .post('/owntracks')
      .set(bearer())
      .set('User-Agent', agent)
      .send(body)
      .expect(200);
    return reply.body as Record<string, unknown>[];
  };

  test('opens what is encrypted with the device’s own passphrase', async () => {
    await change('passphrase = $2', sealPassphrase(secret, device.id, 'open sesame'));
    expect(await send(sealMessage('open sesame', location()))).toEqual([]);
    expect(await send(sealMessage('another', location({ tst: second + 30 })))).toEqual([]);
    expect(await stored()).toHaveLength(1);
    expect(counted).toContain('owntracks not-decryptable');
  });

  test('a passphrase is of one device and of one installation', async () => {
    const other = await makeDevice(held.db, merchant.id);
    await change('passphrase = $2', sealPassphrase(secret, other.id, 'open sesame'));
    await send(sealMessage('open sesame', location()));
    await change('passphrase = $2', sealPassphrase(Buffer.alloc(32, 8), device.id, 'open sesame'));
    await send(sealMessage('open sesame', location()));
    expect(await stored()).toEqual([]);
  });

  describe('fences pushed to the phone', () => {
    interface Region {
      desc: string;
      tst: number;
      lat: number;
      lon: number;
    }
    const regions = ([command]: Record<string, unknown>[]): Region[] =>
      (command as { waypoints?: { waypoints: Region[] } } | undefined)?.waypoints?.waypoints ?? [];
    const names = (commands: Record<string, unknown>[]): string[] =>
      regions(commands).map(({ desc }) => desc);
    const shop = (name: string, lon: number, over: object = {}) =>
      makeFence(held.db, merchant.id, {
        name,
        shape: { type: 'Point', coordinates: [lon, 51.5072] },
        radiusM: 30,
        ...over,
      });
    beforeEach(() => change('waypoints = true'));

    test('come once, again when they change, when the phone has moved on, and after a day', async () => {
      const shoes = await shop('Shoes', -0.1276);
      await shop('Hats', -0.13);
      const [command] = await send(location());
      expect(command).toMatchObject({
        _type: 'cmd',
        action: 'setWaypoints',
        waypoints: {
          _type: 'waypoints',
          waypoints: [
            {
              _type: 'waypoint',
              desc: 'Shoes',
              rid: shoes.id,
              lat: 51.5072,
              lon: -0.1276,
              rad: 100,
            },
            { desc: 'Hats' },
          ],
        },
      });
      now += 60_000;
      expect(await send(location())).toEqual([]);
      await shop('Bags', -0.128);
      now += 60_000;
      expect(names(await send(location()))).toEqual(['Shoes', 'Bags', 'Hats']);
      now += 60_000;
      // Another place, the same fences around it in another order.
      expect(names(await send(location({ lon: -0.15 })))).toEqual(['Hats', 'Bags', 'Shoes']);
      now += 86_400_000;
      expect(await send(location({ lon: -0.15 }))).toHaveLength(1);
    });

    test('are not pushed to a device that does not ask, nor for a position that says nothing', async () => {
      await shop('Shoes', -0.1276);
      await change('waypoints = false');
      callers.forget(device.id);
      expect(await send(location())).toEqual([]);
      await change('waypoints = true');
      callers.forget(device.id);
      now += 60_000;
      expect(await send(location({ t: 'p' }))).toEqual([]);
      expect(await send(location({ lat: 0, lon: 0 }))).toEqual([]);
      expect(await send({ _type: 'lwt' })).toEqual([]);
      expect(await send(location())).toHaveLength(1);
    });

    test('at most twenty, the nearest; names told apart; stamps that stay', async () => {
      for (let i = 0; i < 25; i++) await shop('Stall', -0.1276 + i * 0.001);
      const list = regions(await send(location()));
      expect(list).toHaveLength(20);
      expect(new Set(list.map(({ desc }) => desc)).size).toBe(20);
      expect(new Set(list.map(({ tst }) => tst)).size).toBe(20);
      expect(Math.max(...list.map(({ lon }) => lon))).toBeCloseTo(-0.1276 + 0.019, 6);
    });

    test('one that is gone is dropped on an iPhone; Android is not sent an impossible place', async () => {
      const iphone = 'OwnTracks/17.4 CFNetwork/1494 Darwin/23.4.0';
      await shop('Shoes', -0.1276);
      const hats = await shop('Hats', -0.128);
      await send(location(), iphone);
      await held.db.query('update fences set active = false where id = $1', [hats.id]);
      now += 60_000;
      const list = regions(await send(location(), iphone));
      expect(list.map(({ desc, lat }) => [desc, lat])).toEqual([
        ['Shoes', 51.5072],
        ['Hats', -1e6],
      ]);
      await shop('Bags', -0.1281);
      await held.db.query("update fences set active = false where name = 'Bags'");
      now += 60_000;
      for (const reply of await send(location()))
        expect(JSON.stringify(reply)).not.toContain('-1000000');
    });

    test('beacons of a fence become regions whose ids come back as heard', async () => {
      const uuid = '2f234454-cf6d-4a0f-adf2-f4911ba9ffa6';
      const key = `beacon:${uuid}:1:2`;
      const fence = await shop('Till', -0.1276);
      await held.db.query('update fences set radio = $2 where id = $1', [
        fence.id,
        JSON.stringify([key, 'bssid:aa:bb:cc:dd:ee:ff']),
      ]);
      const [command] = await send(location());
      expect(command?.['waypoints']).toMatchObject({
        waypoints: [{ desc: 'Till' }, { desc: 'Till (2)', rid: key, uuid, major: 1, minor: 2 }],
      });
      now += 60_000;
      await send(location({ inrids: [fence.id, key] }));
      const { rows } = await held.db.query<{ heard: string[] | null }>(
        'select heard from pings where device_id = $1 order by at desc limit 1',
        [device.id],
      );
      expect(rows[0]?.heard).toEqual([key]);
    });

    test('are sealed when the device has a passphrase', async () => {
      await shop('Shoes', -0.1276);
      await change('passphrase = $2', sealPassphrase(secret, device.id, 'open sesame'));
      const [sealed] = await send(sealMessage('open sesame', location()));
      expect(sealed?.['_type']).toBe('encrypted');
      expect(openMessage('open sesame', sealed?.['data'])).toMatchObject({
        action: 'setWaypoints',
      });
    });

    test('are of this merchant only', async () => {
      await makeFence(held.db, (await makeMerchant(held.db)).id, { name: 'Foreign' });
      expect(await send(location())).toEqual([]);
    });
  });
});

describe('GPSLogger’s settings', () => {
  const input = () => ({ publicUrl, deviceId: device.id, token: device.token, secret, now: NOON });
  const pathOf = (link: string): string => link.split(publicUrl)[1] ?? '';

  test('come from a link that holds no token, for an hour', async () => {
    const link = gpsLoggerLink(input());
    expect(link).toMatch(
      /^gpslogger:\/\/properties\/https:\/\/wifi\.example\/v1\/setup\/gpslogger\/[\w-]+\/foyer\.properties$/,
    );
    expect(link).not.toContain(device.token);
    const reply = await request(app).get(pathOf(link)).expect(200);
    expect(reply.headers['content-type']).toMatch(/^text\/plain/);
    expect(reply.headers['cache-control']).toBe('no-store');
    const lines = Object.fromEntries(
      reply.text
        .trim()
        .split('\n')
        .map((line): [string, string] => [
          line.slice(0, line.indexOf('=')),
          line.slice(line.indexOf('=') + 1),
        ]),
    );
    expect(lines).toMatchObject({
      log_customurl_enabled: 'true',
      log_customurl_url: 'https://wifi.example/gpslogger',
      log_customurl_basicauth_username: device.id,
      log_customurl_basicauth_password: device.token,
    });
    // What the app would then send is understood.
    const filled = (lines['log_customurl_body'] ?? '')
      .replace('%LAT', '51.5')
      .replace('%LON', '-0.12')
      .replace('%TIMESTAMP', String(second))
      .replace('%ACC', '7')
      .replace('%SPD', '2')
      .replaceAll(/%[A-Z]+/g, '');
    await request(app)
      .post('/gpslogger')
      .auth(device.id, lines['log_customurl_basicauth_password'] ?? '')
      .type('form')
      .send(filled)
      .expect(200);
    expect(await stored()).toMatchObject([{ source: 'gpslogger', speed_mps: 2, reason: null }]);
    now += 3_600_001;
    await request(app).get(pathOf(link)).expect(401);
  });

  test('a code leads to a page in the phone’s language, whose link is that', async () => {
    const page = pathOf(gpsLoggerPage(input()));
    const reply = await request(app).get(page).set('Accept-Language', 'zh-CN,zh').expect(200);
    expect(reply.text).toContain('设置 GPSLogger');
    const [, link = ''] = /href="(gpslogger:[^"]+)"/.exec(reply.text) ?? [];
    await request(app).get(pathOf(link)).expect(200);
    expect((await request(app).get(page).expect(200)).text).toContain('Set up GPSLogger');
  });

  test('a changed link, another secret and a revoked device get none', async () => {
    const path = pathOf(gpsLoggerLink(input()));
    await request(app)
      .get(path.replace(/gpslogger\/..../, 'gpslogger/AAAA'))
      .expect(401);
    const foreign = gpsLoggerLink({ ...input(), secret: Buffer.alloc(32, 9) });
    await request(app).get(pathOf(foreign)).expect(401);
    await change('revoked_at = now()');
    callers.forget(device.id);
    await request(app).get(path).expect(401);
  });
});
