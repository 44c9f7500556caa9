/** History under another policy: only the policy differs, nothing is written, twice the same bytes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { defaultPolicy } from '../../geo/policy.ts';
import { createArchive } from '../../server/compose/archive.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { rerunRoutes } from '../../server/visits/rerun-routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant, makeStore } from '../support/make.ts';
import { openDoors, stay, visitsOf } from '../support/pinging.ts';
import { routesApp } from '../support/routes-app.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHOP = { lon: -0.1276, lat: 51.5072 };
const CAFE = { lon: -0.1246, lat: 51.5072 };
const AWAY = { lon: -0.1261, lat: 51.5092 };

interface Answer {
  devices: number;
  pings: number;
  before: { visits: number };
  after: { visits: number };
  counts: { added: number; lost: number; changed: number; same: number };
  added: { fenceName: string }[];
  lost: { fenceName: string; deviceId: string }[];
  changed: { changes: string[] }[];
}

let held: TestDatabase;
let db: Database;
let app: Express;
let now = NOON;
let merchantId: string;
let storeId: string;
let otherStore: string;
let devices: { id: string; token: string }[] = [];

/** Ann stays long in the shop and briefly in the café; Bob long in the café only. */
beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  const clock = (): number => now;
  const archive = createArchive(createLiveFences());
  app = routesApp(rerunRoutes({ db, clock, archive, policy: defaultPolicy }));
  merchantId = (await makeMerchant(db)).id;
  storeId = (await makeStore(db, merchantId)).id;
  otherStore = (await makeStore(db, merchantId)).id;
  await makeFence(db, merchantId, { storeId, name: 'Shop' });
  const shape = { type: 'Point', coordinates: [CAFE.lon, CAFE.lat] };
  await makeFence(db, merchantId, { storeId: otherStore, name: 'Café', shape, radiusM: 30 });
  devices = [await makeDevice(db, merchantId), await makeDevice(db, merchantId)];
  const doors = openDoors(db, clock);
  const walks = [
    [
      ...stay(4, NOON, AWAY),
      ...stay(40, NOON + 2 * MINUTE, SHOP),
      ...stay(2, NOON + 22 * MINUTE, AWAY),
      ...stay(11, NOON + 24 * MINUTE, CAFE),
      ...stay(4, NOON + 30 * MINUTE, AWAY),
    ],
    [
      ...stay(4, NOON, AWAY),
      ...stay(40, NOON + 2 * MINUTE, CAFE),
      ...stay(4, NOON + 22 * MINUTE, AWAY),
    ],
  ];
  now = NOON + HOUR;
  for (const [i, pings] of walks.entries()) await doors.send(devices[i]!.token, pings);
  now = NOON + 3 * HOUR;
  await doors.silence();
});
afterAll(() => held?.release());

const iso = (t: number): string => new Date(t).toISOString();
const span = { from: iso(NOON - HOUR), to: iso(NOON + HOUR) };
const post = (body: object, merchant = merchantId) =>
  request(app)
    .post('/v1/visits/rerun')
    .set('x-merchant', merchant)
    .send({ ...span, ...body });
const rerun = async (body: object): Promise<Answer> =>
  (await post({ policy: {}, ...body }).expect(200)).body as Answer;

describe('another policy', () => {
  test('today’s changes nothing', async () => {
    const answer = await rerun({});
    expect(answer.counts).toEqual({ added: 0, lost: 0, changed: 0, same: 3 });
    expect(answer).toMatchObject({ devices: 2, before: { visits: 3 }, after: { visits: 3 } });
    expect(answer.pings).toBe(61 + 48);
  });

  test('a stricter one loses the short visit and says so', async () => {
    const answer = await rerun({ policy: { enterSeconds: 600 } });
    expect(answer.lost.map((v) => [v.fenceName, v.deviceId])).toEqual([['Café', devices[0]!.id]]);
    expect(answer).toMatchObject({ before: { visits: 3 }, after: { visits: 2 } });
    expect(answer.counts.same + answer.counts.changed).toBe(2);
  });

  test('the answer is the same twice, to the byte', async () => {
    const policy = { enterSeconds: 120, standingDensity: 2, minDwellSeconds: 400 };
    const first = await post({ policy }).expect(200);
    expect((await post({ policy }).expect(200)).text).toBe(first.text);
  });

  test('nothing is written', async () => {
    const look = async () => Promise.all(devices.map((device) => visitsOf(db, device.id)));
    const before = await look();
    await rerun({ policy: { enterSeconds: 600 } });
    expect(await look()).toEqual(before);
    const { rows } = await db.query('select count(*)::int as n from device_checkpoints');
    await rerun({});
    expect((await db.query('select count(*)::int as n from device_checkpoints')).rows).toEqual(
      rows,
    );
  });

  test('against what is stored, today’s policy agrees with what the doors made', async () => {
    expect((await rerun({ against: 'stored' })).counts).toEqual({
      added: 0,
      lost: 0,
      changed: 0,
      same: 3,
    });
  });
});

describe('what is looked at', () => {
  test('only the devices named', async () => {
    const answer = await rerun({ deviceIds: [devices[1]!.id] });
    expect(answer).toMatchObject({ devices: 1, before: { visits: 1 } });
  });

  test('only fences of the store, and who was heard near it', async () => {
    expect((await rerun({ storeId })).before.visits).toBe(1);
    expect((await rerun({ storeId: otherStore })).before.visits).toBe(2);
  });

  test('only visits that begin in the span; one judged across its edge stays whole', async () => {
    const answer = await rerun({ from: iso(NOON + 20 * MINUTE), policy: { enterSeconds: 600 } });
    expect(answer.counts).toMatchObject({ lost: 1, changed: 0, same: 0 });
  });

  test('another merchant has nothing', async () => {
    const theirs = (await makeMerchant(db)).id;
    const { body } = await post({ policy: {} }, theirs).expect(200);
    expect(body).toMatchObject({ devices: 0, pings: 0 });
    await post({ policy: {}, deviceIds: [devices[0]!.id] }, theirs).expect(404);
    await post({ policy: {}, storeId }, theirs).expect(404);
  });
});

describe('what it refuses, and how', () => {
  test.each<[string, object, RegExp]>([
    ['an unknown setting', { policy: { speed: 3 } }, /no such setting: speed/],
    ['a setting out of range', { policy: { enterAt: 4 } }, /enterAt: 0\.3 to 0\.999/],
    ['no policy', {}, /body\.policy/],
    ['more than a week', { policy: {}, from: iso(NOON - 8 * 24 * HOUR) }, /at most 7 days/],
    [
      'a span that ends before it begins',
      { policy: {}, to: iso(NOON - 2 * HOUR) },
      /later than from/,
    ],
    ['a misspelt field', { policy: {}, devices: [] }, /devices/],
    ['no devices at all', { policy: {}, deviceIds: [] }, /deviceIds/],
  ])('%s', async (_, body, detail) => {
    const reply = await post(body).expect(400);
    expect((reply.body as { detail: string }).detail).toMatch(detail);
  });

  test('a second run while one is under way', async () => {
    const answers = await Promise.all([post({ policy: {} }), post({ policy: {} })]);
    expect(new Set(answers.map((each) => each.status))).toEqual(new Set([200, 429]));
  });
});

describe('the command', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rerun-'));
    writeFileSync(join(folder, 'strict.json'), '{"enterSeconds": 600}');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const command = (...more: string[]) =>
    spawnSync(
      process.execPath,
      ['--import', 'tsx', 'scripts/rerun.ts', '--policy', join(folder, 'strict.json'), ...more],
      {
        cwd: join(import.meta.dirname, '../..'),
        encoding: 'utf8',
        env: { ...process.env, DATABASE_URL: held.url },
      },
    );

  test('gives the same answer as the API, or readable lines', async () => {
    if (!held.url) {
      console.warn('skipped: the command needs a database that a second process can open');
      return;
    }
    const args = ['--from', span.from, '--to', span.to, '--merchant', merchantId];
    const json = command(...args, '--json');
    expect(json.stderr).toBe('');
    const { body } = await post({ policy: { enterSeconds: 600 } }).expect(200);
    expect(JSON.parse(json.stdout)).toEqual(body);
    const { stdout } = command(...args);
    expect(stdout).toMatch(new RegExp(`^- 2026-\\S+  ${devices[0]!.id}  Café  \\d+ s  `, 'm'));
    expect(stdout).toMatch(/0 added, 1 lost, \d changed, \d the same/);
  });

  test('says in one line what is wrong', () => {
    const { status, stderr } = command('--from', 'yesterday', '--to', span.to);
    expect([status, stderr]).toEqual([1, 'rerun: --from: not a time: yesterday\n']);
  });
});
