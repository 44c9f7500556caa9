/** What phones may be told and believed: keys set elsewhere, fences only under seal, one device a list. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Express } from 'express';
import request from 'supertest';
import { defaultPolicy } from '../../geo/engine.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import { sealPassphrase } from '../../server/devices/passphrase.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { createLog } from '../../server/log.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import { sealMessage } from '../../server/pings/protocols/secretbox.ts';
import { pingRoutes } from '../../server/pings/routes.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeDevice, makeFence, makeMerchant } from '../support/make.ts';
import { routesApp, silentLog } from '../support/routes-app.ts';

const secret = Buffer.alloc(32, 7);
const second = NOON / 1000;

let held: TestDatabase;
let app: Express;
let now = NOON;
let searches = 0;
let merchant: { id: string };
let device: { id: string; token: string };
const counted: string[] = [];

beforeAll(async () => {
  held = await testDatabase();
  const { db } = held;
  const clock = (): number => now;
  const fences = createLiveFences();
  const watched = {
    ...fences,
    at: (...asked: Parameters<typeof fences.at>) => {
      searches++;
      return fences.at(...asked);
    },
  };
  const ingest = createIngest({ db, clock, fences, lanes: createLanes(), policy: defaultPolicy });
  const count = (source: string, verdict: string, n: number): void =>
    void counted.push(`${source} ${verdict} ${n}`);
  const deps = { db, fences: watched, secret, ingest, clock, log: silentLog, count };
  app = routesApp(pingRoutes(deps), createDeviceCallers({ db, clock }).find);
});
afterAll(() => held?.release());
beforeEach(async () => {
  now = NOON;
  searches = 0;
  counted.length = 0;
  merchant = await makeMerchant(held.db);
  device = await makeDevice(held.db, merchant.id);
});

const stored = async (): Promise<number> =>
  (
    await held.db.query<{ n: number }>('select count(*) as n from pings where device_id = $1', [
      device.id,
    ])
  ).rows[0]!.n;
const change = (sql: string, ...values: unknown[]) =>
  held.db.query(`update devices set ${sql} where id = $1`, [device.id, ...values]);
const location = (over: object = {}) => ({
  _type: 'location',
  lat: 51.5072,
  lon: -0.1276,
  tst: Math.round(now / 1000),
  acc: 8,
  ...over,
});

async function send(message: object): Promise<object[]> {
  const bearer = { Authorization: `Bearer ${device.token}` };
  return (await request(app).post('/owntracks').set(bearer).send(message).expect(200)).body;
}

describe('OwnTracks', () => {
  test('a passphrase that was set on another process is known when it is needed', async () => {
    await send(location());
    await change('passphrase = $2', sealPassphrase(secret, device.id, 'open sesame'));
    now += 1_000;
    await send(sealMessage('open sesame', location()));
    expect(await stored()).toBe(2);
    expect(counted).toEqual([]);
  });

  test('fences never go out in the clear to a device that encrypts', async () => {
    await makeFence(held.db, merchant.id, { name: 'Shoes' });
    // Sealed under an installation's secret that is no longer ours.
    const foreign = sealPassphrase(Buffer.alloc(32, 8), device.id, 'open sesame');
    await change('waypoints = true, passphrase = $2', foreign);
    expect(await send(location())).toEqual([]);
    now += 60_000;
    expect(await send(location())).toEqual([]);
  });

  test('what to watch is looked for once a minute', async () => {
    await makeFence(held.db, merchant.id, { name: 'Shoes' });
    await change('waypoints = true');
    expect(await send(location())).toHaveLength(1);
    for (let i = 1; i <= 5; i++) {
      now += 10_000;
      // Far enough that other fences may be near.
      await send(location({ lat: 51.5072 + i * 0.02 }));
    }
    expect(searches).toBe(1);
    now += 10_000;
    await send(location({ lat: 51.7 }));
    expect(searches).toBe(2);
  });
});

describe('a list of positions in JSON', () => {
  const item = (i: number, id?: string) => ({
    lat: 51.5 + i / 1000,
    lon: -0.12,
    timestamp: second + i,
    ...(id === undefined ? {} : { id }),
  });

  test('is of one device: what names another is counted and left', async () => {
    const list = [item(0, device.token), item(1, 'another'), item(2), item(3, device.token)];
    await request(app).post('/osmand').send(list).expect(200);
    expect(await stored()).toBe(3);
    expect(counted).toContain('osmand other-device 1');
  });
});

test('a passphrase does not reach the log', () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  log.info({ device: { passphrase: 'open sesame' }, passphrase: 'open sesame' }, 'saved');
  expect(lines.join('')).not.toContain('open sesame');
});
