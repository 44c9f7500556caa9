/** Fences over a real database: drawing, versions, GeoJSON in and out, tenants, and what the engine sees. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { fencesAsGeoJson } from '../../server/fences/geojson.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { fenceRevision } from '../../server/fences/queries.ts';
import { fenceRoutes } from '../../server/fences/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeDevice,
  makeFence,
  makeMerchant,
  makeStore,
  makeVisit,
} from '../support/make.ts';
import { routesApp } from '../support/routes-app.ts';

let held: TestDatabase;
let db: Database;
let app: Express;
let mine: string;
let theirs: string;
let storeId: string;

type Ring = [number, number][];
const square: Ring = [
  [-0.128, 51.507],
  [-0.127, 51.507],
  [-0.127, 51.508],
  [-0.128, 51.508],
  [-0.128, 51.507],
];
const polygon = (ring: Ring, ...holes: Ring[]) => ({
  type: 'Polygon',
  coordinates: [ring, ...holes],
});
const moved = (by: number): Ring => square.map(([lon, lat]) => [lon + by, lat]);

const call = (method: 'get' | 'post' | 'patch' | 'delete', path: string, merchant = mine) =>
  request(app)[method](path).set('x-merchant', merchant);
const draw = async (over: object = {}) => {
  const reply = await call('post', '/v1/fences').send({
    name: 'Shoes',
    geometry: polygon(square),
    ...over,
  });
  return reply.body as { id: string; version: number; geometry: object; radius: number | null };
};
const collection = (...features: object[]) => ({ type: 'FeatureCollection', features });
const feature = (id: unknown, properties: object = {}, geometry: object = polygon(square)) => ({
  type: 'Feature',
  id,
  properties: { name: `Fence ${String(id)}`, ...properties },
  geometry,
});

async function revision(): Promise<number> {
  return db.tx((tx) => fenceRevision(tx, mine), { tenant: mine });
}

const containing = async (live: ReturnType<typeof createLiveFences>) =>
  db.tx(
    async (tx) => {
      const { index, metas } = await live.at(tx, mine, await fenceRevision(tx, mine));
      return index.containing(-0.1275, 51.5075).map((fence) => metas.get(fence.id)?.name);
    },
    { tenant: mine },
  );

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  app = routesApp(fenceRoutes({ db, clock: () => NOON }));
});
afterAll(() => held?.release());
beforeEach(async () => {
  mine = (await makeMerchant(db)).id;
  theirs = (await makeMerchant(db)).id;
  storeId = (await makeStore(db, mine)).id;
});

describe('one fence', () => {
  test('is drawn as it was given, digit by digit', async () => {
    const ring: Ring = [
      [-0.12812345678901, 51.50712345678901],
      [-0.1271, 51.5071],
      [-0.1271, 51.5082],
      [-0.12812345678901, 51.50712345678901],
    ];
    const made = await draw({ geometry: polygon(ring), storeId, floor: '2', category: 'food' });
    const { body } = await call('get', `/v1/fences/${made.id}`).expect(200);
    expect(body).toMatchObject({
      geometry: polygon(ring),
      version: 1,
      storeId,
      floor: '2',
      category: 'food',
      minDwellSeconds: 180,
      active: true,
    });
  });

  test('a circle is a point and its radius', async () => {
    const geometry = { type: 'Point', coordinates: [-0.1276, 51.5072] };
    expect(await draw({ geometry, radius: 25 })).toMatchObject({ geometry, radius: 25 });
  });

  test('gets a new version when its shape changes, and only then', async () => {
    const { id } = await draw();
    const patch = async (change: object) =>
      (await call('patch', `/v1/fences/${id}`).send(change).expect(200)).body.version;
    expect(await patch({ name: 'Bags' })).toBe(1);
    expect(await patch({ geometry: polygon(square) })).toBe(1);
    expect(await patch({ geometry: polygon(moved(0.001)) })).toBe(2);
    const circle = { type: 'Point', coordinates: [-0.1276, 51.5072] };
    expect(await patch({ geometry: circle, radius: 20 })).toBe(3);
    expect(await patch({ radius: 21 })).toBe(4);
    expect((await call('get', `/v1/fences/${id}`)).body).toMatchObject({
      name: 'Bags',
      radius: 21,
    });
  });

  test('tells of every change', async () => {
    const { id } = await draw();
    await call('patch', `/v1/fences/${id}`).send({ name: 'Bags' });
    await call('delete', `/v1/fences/${id}`).expect(204);
    const { rows } = await db.query<{ payload: { change: string } }>(
      `select payload from outbox where merchant_id = $1 and type = 'fence.changed' order by seq`,
      [mine],
    );
    expect(rows.map((row) => row.payload.change)).toEqual(['created', 'updated', 'deleted']);
  });

  test('with visits is retired, not deleted: its visits stay and end', async () => {
    const { id } = await draw();
    const device = await makeDevice(db, mine);
    const visit = await makeVisit(
      db,
      { merchantId: mine, fenceId: id, deviceId: device.id },
      { status: 'open', exitAt: null },
    );
    await call('delete', `/v1/fences/${id}`).expect(204);
    expect((await call('get', `/v1/fences/${id}`)).body).toMatchObject({ active: false });
    const { rows } = await db.query('select status, exit_at from visits where id = $1', [visit.id]);
    expect(rows).toEqual([{ status: 'closed', exit_at: expect.any(Date) }]);
  });

  test('lies in another of the same merchant, never in itself', async () => {
    const mall = await draw({ name: 'Mall' });
    const shop = await draw({ name: 'Shop', parentId: mall.id });
    const ring = await call('patch', `/v1/fences/${mall.id}`).send({ parentId: shop.id });
    expect([ring.status, ring.body.code]).toEqual([409, 'conflict']);
    const self = await call('patch', `/v1/fences/${mall.id}`).send({ parentId: mall.id });
    expect(self.status).toBe(409);
    await call('patch', `/v1/fences/${shop.id}`).send({ parentId: null }).expect(200);
  });
});

describe('what cannot be a fence says why', () => {
  const bow: Ring = [
    [-0.128, 51.507],
    [-0.127, 51.508],
    [-0.127, 51.507],
    [-0.128, 51.509],
    [-0.128, 51.507],
  ];
  const many: Ring = Array.from({ length: 10_002 }, (_, i) => [
    -0.1276 + 0.001 * Math.cos((i / 10_001) * 2 * Math.PI),
    51.5 + 0.001 * Math.sin((i / 10_001) * 2 * Math.PI),
  ]);
  const swapped: Ring = square.map(([lon, lat]) => [lat, lon]);
  test.each([
    ['unclosed', polygon(square.slice(0, 4)), 'not-closed'],
    ['crossing itself', polygon(bow), 'self-crossing'],
    ['too many vertices', polygon(many), 'too-many-vertices'],
    ['three points', polygon(square.slice(0, 3)), 'too-few-points'],
    [
      'beyond the pole',
      polygon([...square.slice(0, 3), [0, 195], [-0.128, 51.507]]),
      'out-of-range',
    ],
    ['swapped axes, seen by where the stores are', polygon(swapped), 'swapped-axes'],
    ['a line', { type: 'LineString', coordinates: square }, 'bare-line'],
    ['a point without radius', { type: 'Point', coordinates: [0, 51] }, 'radius-out-of-range'],
    ['words', 'a square, please', 'unsupported-type'],
    ['nothing', null, 'unsupported-type'],
  ])('%s', async (_, geometry, fault) => {
    const reply = await call('post', '/v1/fences').send({ name: 'Odd', geometry });
    expect([reply.status, reply.body.code, reply.body.fault]).toEqual([
      422,
      'invalid-geometry',
      fault,
    ]);
    expect(reply.body.detail.length).toBeGreaterThan(10);
    expect(await revision()).toBe(0);
  });

  test.each([
    ['an empty name', { name: '  ' }],
    ['a name with control characters', { name: 'a\u0007b' }],
    ['a name of 121 letters', { name: 'x'.repeat(121) }],
    ['a floor that is a list', { floor: ['1'] }],
  ])('%s', async (_, over) => {
    const reply = await call('post', '/v1/fences').send({
      name: 'Fine',
      geometry: polygon(square),
      ...over,
    });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid-request']);
  });

  test('hostile text is kept as text', async () => {
    const name = `<img src=x onerror=alert(1)>'; drop table fences; --`;
    expect(await draw({ name })).toMatchObject({ name });
  });
});

describe('GeoJSON in bulk', () => {
  test('what goes out comes back in, changing nothing but what was changed', async () => {
    const features = [
      feature('shop', { parent: 'mall', floor: '1', storeId }),
      feature('mall', { minDwellSeconds: 60 }, polygon(moved(0.0001))),
      feature('stand', { radius: 12 }, { type: 'Point', coordinates: [-0.1276, 51.5072] }),
    ];
    const first = await call('post', '/v1/fences/geojson')
      .send(collection(...features))
      .expect(200);
    expect(first.body).toMatchObject({ created: 3, updated: 0 });
    const { body: exported } = await call('get', '/v1/fences/geojson').expect(200);
    expect(exported.features).toHaveLength(3);
    const shop = exported.features.find((f: { id: string }) => f.id === first.body.ids.shop);
    expect(shop.properties).toMatchObject({ parent: first.body.ids.mall, floor: '1', storeId });

    const again = await call('post', '/v1/fences/geojson').send(exported).expect(200);
    expect(again.body).toMatchObject({ created: 0, updated: 3 });
    expect((await call('get', '/v1/fences/geojson')).body).toEqual(exported);

    const one = await call('get', `/v1/fences/${first.body.ids.shop}/geojson`).expect(200);
    expect(one.body).toEqual(shop);
    await call('post', '/v1/fences/geojson').send(one.body).expect(200);
  });

  test('a fence taken off the map by an import has its visits ended', async () => {
    const { id } = await draw();
    const device = await makeDevice(db, mine);
    const visit = await makeVisit(
      db,
      { merchantId: mine, fenceId: id, deviceId: device.id },
      { status: 'open', exitAt: null },
    );
    await call('post', '/v1/fences/geojson')
      .send(feature(id, { active: false }))
      .expect(200);
    const { rows } = await db.query('select status from visits where id = $1', [visit.id]);
    expect(rows).toEqual([{ status: 'closed' }]);
  });

  test('all or nothing, with every fault named', async () => {
    const reply = await call('post', '/v1/fences/geojson').send(
      collection(
        feature('good'),
        feature('open', {}, polygon(square.slice(0, 4))),
        feature('good'),
        feature('shouting', { name: 'x'.repeat(150) }),
      ),
    );
    expect([reply.status, reply.body.code]).toEqual([422, 'invalid-geometry']);
    expect(
      reply.body.faults.map((f: { path: string; fault: string }) => [f.path, f.fault]),
    ).toEqual([
      ['body.features.1', 'not-closed'],
      ['body.features.2', 'duplicate-id'],
      ['body.features.3', 'bad-name'],
    ]);
    expect((await call('get', '/v1/fences')).body.fences).toEqual([]);
  });

  test.each([
    ['no GeoJSON', { hello: 1 }, 'not-a-collection'],
    ['a list', [1, 2], 'not-a-collection'],
    ['a parent that is nowhere', collection(feature('a', { parent: 'b' })), 'bad-parent'],
    [
      '2,001 features',
      collection(...Array.from({ length: 2001 }, (_, i) => ({ i }))),
      'too-many-fences',
    ],
    ['a store that is no id', collection(feature('a', { storeId: 'x' })), 'bad-property'],
  ])('%s is refused by name', async (_, body, fault) => {
    const reply = await call('post', '/v1/fences/geojson').send(body);
    expect([reply.status, reply.body.fault]).toEqual([422, fault]);
  });

  test('parents in a ring are refused', async () => {
    const body = collection(feature('a', { parent: 'b' }), feature('b', { parent: 'a' }));
    expect((await call('post', '/v1/fences/geojson').send(body)).status).toBe(409);
  });

  test('10 MB is too much', async () => {
    const reply = await call('post', '/v1/fences/geojson')
      .set('Content-Type', 'application/json')
      .send(`{"type":"${'x'.repeat(10_000_000)}"}`);
    expect([reply.status, reply.body.code]).toEqual([413, 'body-too-large']);
  });
});

describe('another merchant', () => {
  test('sees and touches nothing', async () => {
    const { id } = await draw();
    for (const [method, path] of [
      ['get', `/v1/fences/${id}`],
      ['get', `/v1/fences/${id}/geojson`],
      ['delete', `/v1/fences/${id}`],
    ] as const) {
      await call(method, path, theirs).expect(404);
    }
    await call('patch', `/v1/fences/${id}`, theirs).send({ name: 'Mine' }).expect(404);
    expect((await call('get', '/v1/fences', theirs)).body).toEqual({ fences: [], next: null });
  });

  test('cannot hang a fence on foreign stores or parents', async () => {
    const { id } = await draw();
    const body = { name: 'Sly', geometry: polygon(square) };
    await call('post', '/v1/fences', theirs)
      .send({ ...body, storeId })
      .expect(404);
    await call('post', '/v1/fences', theirs)
      .send({ ...body, parentId: id })
      .expect(404);
    const imported = await call('post', '/v1/fences/geojson', theirs).send(
      collection(feature(id, { name: 'Taken over' })),
    );
    expect(imported.body).toMatchObject({ created: 1, updated: 0 });
    expect((await call('get', `/v1/fences/${id}`)).body.name).toBe('Shoes');
  });
});

describe('pages', () => {
  test('run through all fences once, newest first', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await draw({ name });
    const names: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { body } = await call('get', `/v1/fences?limit=2${next && `&cursor=${next}`}`);
      names.push(...body.fences.map((fence: { name: string }) => fence.name));
      ({ next } = body);
    }
    expect(names.toSorted((a, b) => a.localeCompare(b))).toEqual(['a', 'b', 'c', 'd', 'e']);
    await call('get', '/v1/fences?cursor=nonsense').expect(400);
  });
});

describe('the warm index', () => {
  test('of every process follows each change, whoever makes it', async () => {
    const [one, two] = [createLiveFences(), createLiveFences()];
    expect(await containing(one)).toEqual([]);
    const { id } = await draw();
    expect(await containing(one)).toEqual(['Shoes']);
    expect(await containing(two)).toEqual(['Shoes']);
    await makeFence(db, mine, { name: 'By SQL', shape: polygon(square) });
    expect(await containing(two)).toHaveLength(2);
    await call('patch', `/v1/fences/${id}`).send({ active: false });
    expect(await containing(one)).toEqual(['By SQL']);
    await db.query('delete from fences where merchant_id = $1', [mine]);
    expect(await containing(two)).toEqual([]);
  });

  test('is loaded once while nothing changes, and again after being forgotten', async () => {
    await draw();
    const live = createLiveFences();
    const at = () =>
      db.tx(async (tx) => live.at(tx, mine, await fenceRevision(tx, mine)), { tenant: mine });
    const first = await at();
    expect(await at()).toBe(first);
    live.forget(mine);
    expect(await at()).not.toBe(first);
  });

  test('keeps no more merchants than it may', async () => {
    const live = createLiveFences(1);
    const at = (merchantId: string) =>
      db.tx((tx) => live.at(tx, merchantId, 0), { tenant: merchantId });
    const first = await at(mine);
    await at(theirs);
    expect(await at(mine)).not.toBe(first);
  });
});

test('the map’s GeoJSON holds the active fences of one store', async () => {
  await draw({ storeId, name: 'In' });
  await draw({ name: 'Out' });
  await draw({ storeId, name: 'Old', active: false });
  const read = await db.tx((tx) => fencesAsGeoJson(tx, mine, storeId), { tenant: mine });
  expect(read.features.map((f) => f.properties.name)).toEqual(['In']);
});
