/** Every kind of fence over the API: drawn, changed, refused, moved house, and what a change means for people inside. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { fenceRoutes } from '../../server/fences/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeMerchant, makeStore, makeVisit } from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let held: TestDatabase;
let db: Database;
let app: Express;
let mine: string;
let theirs: string;
let now = NOON;

const MINUTE = 60_000;
const polygon = (west = 120.155) => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, 30.274],
      [west + 0.0006, 30.274],
      [west + 0.0006, 30.2746],
      [west, 30.2746],
      [west, 30.274],
    ],
  ],
});
const line = {
  type: 'LineString',
  coordinates: [
    [120.155, 30.274],
    [120.1556, 30.2741],
    [120.1557, 30.2746],
  ],
};
const point = { type: 'Point', coordinates: [120.155, 30.274] };
const bssid = 'bssid:3c:84:6a:12:9f:01';
const beacon = 'beacon:f7826da6-4fa2-4e98-8024-bc5b71e0893e:1:7';
const week = [
  [[540, 1260]],
  [],
  [],
  [],
  [],
  [
    [600, 720],
    [1080, 120],
  ],
  [],
];
const hours = { timezone: 'Asia/Shanghai', week };

interface Reply {
  id: string;
  version: number;
  warnings: { code: string }[];
  [key: string]: unknown;
}

const call = (method: 'get' | 'post' | 'patch' | 'delete', path: string, merchant = mine) =>
  request(app)[method](path).set('x-merchant', merchant);
const draw = async (body: object): Promise<Reply> => {
  const reply = await call('post', '/v1/fences').send({ name: 'Fence', ...body });
  if (reply.status !== 201) throw new Error(JSON.stringify(reply.body));
  return reply.body as Reply;
};
const patch = async (id: string, change: object) => {
  const reply = await call('patch', `/v1/fences/${id}`).send(change);
  return { status: reply.status, body: reply.body as Reply & Record<string, string> };
};
const upload = (type: string, text: string, query = '') =>
  call('post', `/v1/fences/import${query}`).set('content-type', type).send(text);
const collection = (...features: object[]) => ({ type: 'FeatureCollection', features });
const feature = (id: string, properties: object, geometry: object | null = polygon()) => ({
  type: 'Feature',
  id,
  properties: { name: id, ...properties },
  geometry,
});

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  app = routesApp(fenceRoutes({ db, clock: () => now }));
});
afterAll(() => held?.release());
beforeEach(async () => {
  now = NOON;
  mine = (await makeMerchant(db)).id;
  theirs = (await makeMerchant(db)).id;
});

describe('each kind', () => {
  const none = { radius: null, width: null, direction: null, members: null, of: null, radio: null };
  test.each([
    ['a polygon', { geometry: polygon() }, { ...none, kind: 'area' }],
    ['a circle', { geometry: point, radius: 25 }, { ...none, kind: 'circle', radius: 25 }],
    ['a corridor', { geometry: line, width: 16 }, { ...none, kind: 'corridor', width: 16 }],
    [
      'a tripwire',
      { geometry: line, direction: 'left' },
      { ...none, kind: 'tripwire', direction: 'left' },
    ],
    [
      'a tripwire by its name',
      { geometry: line, kind: 'tripwire' },
      { kind: 'tripwire', direction: 'both' },
    ],
    [
      'access points',
      { radio: [bssid] },
      { ...none, kind: 'radio', radio: [bssid], geometry: null },
    ],
    [
      'access points as they are printed on the box, and a beacon',
      {
        kind: 'radio',
        radio: ['3C-84-6A-12-9F-01', 'BEACON:F7826DA6-4FA2-4E98-8024-BC5B71E0893E:1:7'],
      },
      { radio: [bssid, beacon] },
    ],
    [
      'a polygon that hears',
      { geometry: polygon(), radio: [beacon] },
      { kind: 'area', radio: [beacon] },
    ],
    [
      'an isochrone',
      { geometry: polygon(), source: 'isochrone' },
      { kind: 'area', source: 'isochrone' },
    ],
    [
      'everything else that can be said',
      {
        geometry: polygon(),
        priority: 3,
        cooldownSeconds: 600,
        hours,
        floor: '2',
        minDwellSeconds: 0,
      },
      { priority: 3, cooldownSeconds: 600, hours, floor: '2', minDwellSeconds: 0 },
    ],
  ])('%s is kept as it was given', async (_, body, expected) => {
    const made = await draw(body);
    expect(made).toMatchObject({ version: 1, datum: 'wgs84', drawn: null, ...expected });
    const { warnings: _warnings, ...rest } = made;
    expect((await call('get', `/v1/fences/${made.id}`)).body).toEqual(rest);
    expect((await call('get', '/v1/fences')).body.fences).toEqual([rest]);
    expect((await patch(made.id, { name: 'Other' })).body).toMatchObject({
      version: 1,
      name: 'Other',
      ...expected,
    });
  });

  test('hours may be written as clocks are read', async () => {
    const clocks = [
      [['09:00', '21:00']],
      [],
      [],
      [],
      [],
      [
        ['10:00', '12:00'],
        ['18:00', '02:00'],
      ],
      [],
    ];
    const made = await draw({
      geometry: polygon(),
      hours: { timezone: 'Asia/Shanghai', week: clocks },
    });
    expect(made['hours']).toEqual(hours);
    expect((await patch(made.id, { hours: null })).body['hours']).toBeNull();
  });

  test('becomes another kind when its geometry does, without what only the old one had', async () => {
    const { id } = await draw({ geometry: point, radius: 25 });
    const area = await patch(id, { geometry: polygon() });
    expect(area.body).toMatchObject({ kind: 'area', radius: null, version: 2 });
    const corridor = await patch(id, { geometry: line, width: 3 });
    expect(corridor.body).toMatchObject({ kind: 'corridor', width: 3, version: 3 });
    const wire = await patch(id, { kind: 'tripwire', geometry: line });
    expect(wire.body).toMatchObject({ kind: 'tripwire', width: null, version: 4 });
    const signals = await patch(id, { kind: 'radio', geometry: null, radio: [bssid] });
    expect(signals.body).toMatchObject({
      kind: 'radio',
      geometry: null,
      direction: null,
      version: 5,
    });
  });

  test('gets a new version when its ground changes, and only then', async () => {
    const { id } = await draw({ geometry: line, width: 16, radio: [bssid] });
    const version = async (change: object) => (await patch(id, change)).body.version;
    expect(await version({ cooldownSeconds: 60, priority: 2, hours, minDwellSeconds: 9 })).toBe(1);
    expect(await version({ width: 17 })).toBe(2);
    expect(await version({ width: 17 })).toBe(2);
    expect(await version({ radio: [bssid, beacon] })).toBe(3);
    expect(await version({ floor: 'B1' })).toBe(4);
    expect(await version({ radio: null })).toBe(5);
  });

  test('says what is odd and takes it all the same', async () => {
    const small = await draw({ geometry: point, radius: 4 });
    expect(small.warnings.map(({ code }) => code)).toEqual(['small-without-radio']);
    expect((await patch(small.id, { radio: [beacon] })).body.warnings).toEqual([]);
  });
});

describe('what cannot be a fence says why', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => [
    120 + 0.01 * Math.cos((i / 100_000) * 2 * Math.PI),
    30 + 0.01 * Math.sin((i / 100_000) * 2 * Math.PI),
  ]);
  const badHours = { timezone: 'Mars/Olympus', week };
  test.each([
    ['nothing at all', {}, 'unsupported-type'],
    ['a bare line', { geometry: line }, 'bare-line'],
    ['a line that is both', { geometry: line, width: 3, direction: 'left' }, 'bare-line'],
    ['a corridor too wide', { geometry: line, width: 5000 }, 'width-out-of-range'],
    [
      'a corridor of one point',
      { geometry: { ...line, coordinates: [[1, 1]] }, width: 3 },
      'too-few-points',
    ],
    [
      'a line without length',
      {
        geometry: {
          ...line,
          coordinates: [
            [1, 1],
            [1, 1],
          ],
        },
        width: 3,
      },
      'no-length',
    ],
    [
      'a line round half the earth',
      {
        geometry: {
          ...line,
          coordinates: [
            [1, 1],
            [99, 1],
          ],
        },
        width: 3,
      },
      'line-too-long',
    ],
    ['a circle that is drawn', { geometry: polygon(), kind: 'circle' }, 'bad-kind'],
    ['signals with ground', { geometry: polygon(), kind: 'radio', radio: [bssid] }, 'bad-kind'],
    ['signals without any', { kind: 'radio', radio: [] }, 'bad-radio'],
    ['a word for a key', { radio: ['here'] }, 'bad-radio'],
    ['too many keys', { radio: Array.from({ length: 201 }, (_, i) => `qr:${i}`) }, 'too-many-keys'],
    ['a group of nothing', { kind: 'composite', members: [] }, 'bad-members'],
    ['a zone that is none', { geometry: polygon(), hours: badHours }, 'bad-hours'],
    [
      'an outline of 100,000 corners',
      { geometry: { type: 'Polygon', coordinates: [[...many, many[0]]] } },
      'too-many-vertices',
    ],
    [
      'a Chinese datum in London',
      { geometry: { ...point, coordinates: [0, 51.5] }, radius: 20, datum: 'gcj02' },
      'datum-elsewhere',
    ],
  ])('%s', async (_, body, fault) => {
    const reply = await call('post', '/v1/fences').send({ name: 'Odd', ...body });
    expect([reply.status, reply.body.code, reply.body.fault]).toEqual([
      422,
      'invalid-geometry',
      fault,
    ]);
    expect(reply.body.detail.length).toBeGreaterThan(10);
    expect((await call('get', '/v1/fences')).body.fences).toEqual([]);
  });

  test('the limit is named', async () => {
    const coordinates = [[...many, many[0]]];
    const reply = await call('post', '/v1/fences').send({
      name: 'X',
      geometry: { type: 'Polygon', coordinates },
    });
    expect(reply.body.detail).toMatch(/10[,.]?000/);
  });

  test.each([
    [{ kind: 'blob', geometry: polygon() }],
    [{ geometry: polygon(), priority: 101 }],
    [{ geometry: polygon(), cooldownSeconds: -1 }],
    [{ geometry: polygon(), direction: 'up' }],
    [{ geometry: polygon(), datum: 'nad27' }],
    [{ geometry: polygon(), source: 'rumour' }],
    [{ geometry: polygon(), hours: { timezone: 'UTC', week: [[]] } }],
    [{ geometry: polygon(), radio: 'all' }],
    [{ geometry: polygon(), members: { a: 1 } }],
    [{ geometry: polygon(), since: 'yesterday' }],
  ])('what does not fit is refused before it is looked at (%#)', async (body) => {
    const reply = await call('post', '/v1/fences').send({ name: 'Odd', ...body });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid-request']);
  });
});

describe('a fence drawn on a shifted map', () => {
  test('is kept where it is and shown as it was drawn', async () => {
    const made = await draw({ geometry: polygon(), datum: 'gcj02' });
    expect(made).toMatchObject({ datum: 'gcj02', drawn: polygon() });
    const [[lon]] = (made['geometry'] as ReturnType<typeof polygon>).coordinates[0] as [[number]];
    // In Hangzhou the shift is some 460 m to the east.
    expect((120.155 - lon) * 96_000).toBeCloseTo(460, -2);
    expect((await patch(made.id, { name: 'Other', priority: 1 })).body).toMatchObject({
      version: 1,
      datum: 'gcj02',
      geometry: made['geometry'],
    });
  });

  test('is put right later by naming the datum alone', async () => {
    const straight = await draw({ geometry: polygon() });
    const shifted = await draw({ geometry: polygon(), datum: 'bd09' });
    const fixed = await patch(straight.id, { datum: 'bd09' });
    expect(fixed.body).toMatchObject({ version: 2, datum: 'bd09', geometry: shifted['geometry'] });
    const back = await patch(straight.id, { datum: 'wgs84' });
    expect(back.body).toMatchObject({ version: 3, drawn: null, geometry: { type: 'Polygon' } });
    const [[lon]] = (back.body['geometry'] as unknown as ReturnType<typeof polygon>)
      .coordinates[0] as [[number]];
    expect(lon).toBeCloseTo(120.155, 7);
  });
});

describe('composites', () => {
  const parts = async () => {
    const [shop, desk] = [
      await draw({ geometry: polygon() }),
      await draw({ geometry: polygon(120.157) }),
    ];
    const group = await draw({ name: 'Both', members: [shop.id, desk.id] });
    return { shop, desk, group };
  };

  test('are made of fences of the merchant', async () => {
    const { shop, desk, group } = await parts();
    expect(group).toMatchObject({ kind: 'composite', members: [shop.id, desk.id], of: 'any' });
    expect((await patch(group.id, { of: 'all' })).body).toMatchObject({ of: 'all', version: 2 });
    const foreign = await call('post', '/v1/fences', theirs).send({
      name: 'Theirs',
      members: [shop.id],
    });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not-found']);
    const unknown = await patch(group.id, { members: ['nobody'] });
    expect([unknown.status, unknown.body['code']]).toEqual([404, 'not-found']);
    const wire = await draw({ geometry: line, direction: 'both' });
    expect((await patch(group.id, { members: [wire.id] })).status).toBe(409);
    expect((await patch(shop.id, { parentId: wire.id })).status).toBe(409);
  });

  test('are never part of themselves', async () => {
    const { shop, group } = await parts();
    const outer = await draw({ members: [group.id] });
    const ring = await patch(group.id, { members: [shop.id, outer.id] });
    expect([ring.status, ring.body['detail']]).toEqual([
      409,
      expect.stringContaining('part of itself'),
    ]);
    const self = await patch(group.id, { members: [group.id] });
    expect(self.status).toBe(409);
    expect((await call('get', `/v1/fences/${group.id}`)).body.version).toBe(1);
  });

  test('know their members however the ids are written', async () => {
    const { shop, group } = await parts();
    const loud = await patch(group.id, { members: [shop.id.toUpperCase(), shop.id] });
    expect(loud.body['members']).toEqual([shop.id]);
    const again = await draw({ members: [shop.id.toUpperCase()] });
    expect(again['members']).toEqual([shop.id]);
    const self = await patch(group.id, { members: [group.id.toUpperCase()] });
    expect(self.status).toBe(409);
  });

  test('keep their members from going, by name', async () => {
    const { shop, group } = await parts();
    const reply = await call('delete', `/v1/fences/${shop.id}`);
    expect([reply.status, reply.body.detail]).toEqual([409, expect.stringContaining('“Both”')]);
    await call('delete', `/v1/fences/${group.id}`).expect(204);
    await call('delete', `/v1/fences/${shop.id}`).expect(204);
  });

  test('change with their members, also through others', async () => {
    const { shop, group } = await parts();
    const outer = await draw({ members: [group.id] });
    const versions = async () =>
      Promise.all(
        [group, outer].map(async ({ id }) => (await call('get', `/v1/fences/${id}`)).body.version),
      );
    await patch(shop.id, { name: 'Same ground' });
    expect(await versions()).toEqual([1, 1]);
    await patch(shop.id, { geometry: polygon(120.156) });
    expect(await versions()).toEqual([2, 2]);
    await patch(shop.id, { active: false });
    expect(await versions()).toEqual([3, 3]);
  });
});

describe('people inside a fence that changes', () => {
  const HOUR_LATER = new Date(NOON + 60 * MINUTE);
  const inside = async (fenceId: string, status: 'open' | 'closed' = 'open') => {
    const { id: deviceId } = await makeDevice(db, mine);
    const visit = await makeVisit(
      db,
      { merchantId: mine, fenceId, deviceId },
      { status, exitAt: null },
    );
    await db.query(
      `insert into device_states (device_id, merchant_id, state, wake_at, updated_at)
       values ($1, $2, $3, $4, $5)`,
      [
        deviceId,
        mine,
        JSON.stringify({ v: 2, fences: [{ fence: fenceId, visit: { id: visit.id } }] }),
        HOUR_LATER,
        new Date(NOON),
      ],
    );
    return {
      wake: async () =>
        (await db.query('select wake_at from device_states where device_id = $1', [deviceId]))
          .rows[0]?.['wake_at'],
      visit: async () =>
        (await db.query('select status, exit_at from visits where id = $1', [visit.id])).rows[0],
    };
  };

  test.each([
    ['another shape', { geometry: polygon(120.1552) }, true],
    ['another floor', { floor: 'B1' }, true],
    ['out of use', { active: false }, true],
    ['another name', { name: 'Boots' }, false],
    ['another pause', { cooldownSeconds: 60 }, false],
  ])('%s', async (_, change, woken) => {
    const { id } = await draw({ geometry: polygon() });
    const [one, gone] = [await inside(id), await inside(id, 'closed')];
    now += 5 * MINUTE;
    await patch(id, change);
    expect(await one.wake()).toEqual(woken ? new Date(now) : HOUR_LATER);
    expect(await gone.wake()).toEqual(HOUR_LATER);
    // The engine says what becomes of the visit, not this.
    expect(await one.visit()).toEqual({ status: 'open', exit_at: null });
  });

  test('are woken when it goes, when it is imported again, and when a member of it changes', async () => {
    const [shop, lift] = [await draw({ geometry: polygon() }), await draw({ radio: [bssid] })];
    const group = await draw({ members: [shop.id] });
    const [inShop, inLift, inGroup] = [
      await inside(shop.id),
      await inside(lift.id),
      await inside(group.id),
    ];
    now += MINUTE;
    await call('delete', `/v1/fences/${lift.id}`).expect(204);
    expect(await inLift.wake()).toEqual(new Date(now));
    expect(await inLift.visit()).toEqual({ status: 'open', exit_at: null });
    await call('post', '/v1/fences/geojson')
      .send(feature(shop.id, {}, polygon(120.1553)))
      .expect(200);
    expect(await inShop.wake()).toEqual(new Date(now));
    expect(await inGroup.wake()).toEqual(new Date(now));
  });

  test('a wake that is due already stays due', async () => {
    const { id } = await draw({ geometry: polygon() });
    const one = await inside(id);
    now += 90 * MINUTE;
    await patch(id, { geometry: polygon(120.1552) });
    expect(await one.wake()).toEqual(HOUR_LATER);
  });
});

describe('moving house', () => {
  test('what is exported comes in again, every kind of it, and changes nothing', async () => {
    const mall = await draw({ geometry: polygon(), hours, priority: 2, cooldownSeconds: 60 });
    const shop = await draw({ geometry: polygon(120.1552), parentId: mall.id, datum: 'gcj02' });
    await draw({ geometry: point, radius: 25, radio: [beacon], floor: '2' });
    await draw({ geometry: line, width: 16 });
    await draw({ geometry: line, direction: 'right' });
    await draw({ radio: [bssid] });
    await draw({ geometry: polygon(), source: 'isochrone' });
    await draw({ members: [mall.id, shop.id], of: 'all' });
    const { body: exported } = await call('get', '/v1/fences/geojson').expect(200);
    expect(exported.features).toHaveLength(8);
    const again = await call('post', '/v1/fences/geojson').send(exported).expect(200);
    expect(again.body).toMatchObject({ created: 0, updated: 8 });
    expect((await call('get', '/v1/fences/geojson')).body).toEqual(exported);

    // Elsewhere it comes in as new fences that know each other.
    const moved = await call('post', '/v1/fences/geojson', theirs).send(exported).expect(200);
    expect(moved.body).toMatchObject({ created: 8, updated: 0 });
    const { ids } = moved.body as { ids: Record<string, string> };
    const there = (await call('get', '/v1/fences', theirs)).body.fences as Reply[];
    expect(there.find(({ kind }) => kind === 'composite')?.['members']).toEqual([
      ids[mall.id],
      ids[shop.id],
    ]);
    expect(there.find(({ id }) => id === ids[shop.id])).toMatchObject({
      parentId: ids[mall.id],
      datum: 'gcj02',
      geometry: shop['geometry'],
    });
  });

  test('children and groups may stand before what they refer to', async () => {
    const reply = await call('post', '/v1/fences/geojson')
      .send(
        collection(
          feature('group', { members: ['counter', 'shop'], of: 'any' }, null),
          feature('counter', { parent: 'shop' }, polygon(120.1551)),
          feature('shop', { parent: 'mall' }, polygon(120.1551)),
          feature('mall', {}),
        ),
      )
      .expect(200);
    const { ids } = reply.body as { ids: Record<string, string> };
    const { fences } = (await call('get', '/v1/fences')).body as { fences: Reply[] };
    const by = (name: string) => fences.find((fence) => fence['name'] === name);
    expect(by('group')?.['members']).toEqual([ids['counter'], ids['shop']]);
    expect([by('counter')?.['parentId'], by('shop')?.['parentId']]).toEqual([
      ids['shop'],
      ids['mall'],
    ]);
  });

  test.each([
    ['a ring of parents', [feature('a', { parent: 'b' }), feature('b', { parent: 'a' })], 409],
    [
      'a ring of members',
      [feature('a', { members: ['b'] }, null), feature('b', { members: ['a'] }, null)],
      409,
    ],
    ['a member that is nowhere', [feature('a', { members: ['b'] }, null)], 422],
    [
      'a tripwire as a member',
      [feature('a', { members: ['b'] }, null), feature('b', { direction: 'left' }, line)],
      422,
    ],
    [
      'a tripwire as a parent',
      [feature('a', { parent: 'b' }), feature('b', { direction: 'left' }, line)],
      422,
    ],
  ])('%s is refused whole', async (_, features, status) => {
    const reply = await call('post', '/v1/fences/geojson').send(collection(...features));
    expect(reply.status).toBe(status);
    expect((await call('get', '/v1/fences')).body.fences).toEqual([]);
  });

  test('a file may say for all its features what their coordinates are', async () => {
    const text = JSON.stringify(collection(feature('a', {}), feature('b', { datum: 'wgs84' })));
    await upload('application/geo+json', text, '?datum=gcj02').expect(200);
    const { fences } = (await call('get', '/v1/fences')).body as { fences: Reply[] };
    const datums = Object.fromEntries(fences.map((fence) => [fence['name'], fence['datum']]));
    expect(datums).toEqual({ a: 'gcj02', b: 'wgs84' });
  });

  const kml = (inner: string) =>
    `<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>${inner}</Document></kml>`;
  const KML = 'application/vnd.google-earth.kml+xml';
  const place = `<Placemark id="p1"><name>Passage</name>
    <ExtendedData><Data name="width"><value>16</value></Data><Data name="floor"><value>2</value></Data></ExtendedData>
    <LineString><coordinates>120.155,30.274,0 120.1556,30.2741,0</coordinates></LineString></Placemark>`;

  test('KML comes in with what its places say', async () => {
    const reply = await upload(KML, kml(place)).expect(200);
    expect(reply.body).toMatchObject({ created: 1, updated: 0, warnings: [] });
    const { fences } = (await call('get', '/v1/fences')).body as { fences: Reply[] };
    expect(fences[0]).toMatchObject({ name: 'Passage', kind: 'corridor', width: 16, floor: '2' });
  });

  test.each([
    [
      'KML with entities of its own',
      KML,
      `<!DOCTYPE kml [<!ENTITY a "b">]>${kml(place)}`,
      422,
      'kml-forbidden',
    ],
    ['KML that breaks off', KML, kml(place).slice(0, 200), 422, 'kml-broken'],
    ['XML that is no KML', KML, '<html></html>', 422, 'kml-no-kml'],
    [
      'a place that is no fence',
      KML,
      kml('<Placemark><name>X</name></Placemark>'),
      422,
      'unsupported-type',
    ],
    ['JSON that breaks off', 'application/geo+json', '{"type":', 400, undefined],
    ['JSON that is no collection', 'application/json', '[]', 422, 'not-a-collection'],
    ['a picture', 'image/png', 'PNG', 415, undefined],
    ['nothing', 'application/json', '', 400, undefined],
  ])('%s is refused', async (_, type, text, status, fault) => {
    const reply = await upload(type, text);
    expect([reply.status, reply.body.fault]).toEqual([status, fault]);
  });
});

describe('from when on a new fence counts', () => {
  const versions = async (id: string) =>
    (await db.query('select valid_from from fence_versions where fence_id = $1', [id])).rows;

  test('from now on, or from earlier when that is said', async () => {
    expect(await versions((await draw({ geometry: polygon() })).id)).toEqual([
      { valid_from: new Date(NOON) },
    ]);
    const since = new Date(NOON - 9 * 86_400_000);
    const made = await draw({ geometry: polygon(), since: since.toISOString() });
    expect(await versions(made.id)).toEqual([{ valid_from: since }]);
    const imported = await call('post', `/v1/fences/geojson?since=${since.toISOString()}`)
      .send(feature('a', {}))
      .expect(200);
    expect(await versions(imported.body.ids.a)).toEqual([{ valid_from: since }]);
  });

  test.each([1, -31 * 86_400_000])('never from %d ms away', async (away) => {
    const since = new Date(NOON + away).toISOString();
    const reply = await call('post', '/v1/fences').send({ name: 'X', geometry: polygon(), since });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid-request']);
  });
});

test('another merchant sees and changes nothing of it', async () => {
  const { id } = await draw({ geometry: line, width: 16, radio: [bssid] });
  for (const method of ['get', 'patch', 'delete'] as const) {
    expect((await call(method, `/v1/fences/${id}`, theirs).send({ width: 3 })).status).toBe(404);
  }
  await makeStore(db, theirs);
  const copy = await call('post', '/v1/fences/geojson', theirs).send(feature(id, {})).expect(200);
  expect(copy.body.ids[id]).not.toBe(id);
  expect((await call('get', `/v1/fences/${id}`)).body).toMatchObject({ version: 1, width: 16 });
});
