/** A fence edited while people are inside: their visits are judged anew, soon, with the reason, and fire nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import { defaultPolicy } from '../../geo/policy.ts';
import type { Database } from '../../server/db/database.ts';
import type { VisitEvent } from '../../server/events/types.ts';
import { createLiveFences } from '../../server/fences/live.ts';
import { fenceRoutes } from '../../server/fences/routes.ts';
import { createIngest } from '../../server/pings/ingest.ts';
import { createLanes } from '../../server/pings/lanes.ts';
import { pingRoutes } from '../../server/pings/routes.ts';
import { judgeSilence } from '../../server/pings/silence.ts';
import { createDeviceCallers } from '../../server/devices/callers.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

import { NOON, makeDevice, makeMerchant, makeStore } from '../support/make.ts';
import { routesApp, silentLog } from '../support/routes-app.ts';

const MINUTE = 60_000;
const METRE = 1 / 111_320;
const [LON, LAT] = [120.155, 30.274];

let held: TestDatabase;
let db: Database;
let app: Express;
let now = NOON;
let mine: string;
let device: { id: string; token: string };
let judge: () => Promise<number>;

/** A square of 60 m around a spot so many metres east of where the people stand. */
const around = (east: number) => {
  const [w, s] = [LON + (east - 30) * METRE * 1.158, LAT - 30 * METRE];
  const [e, n] = [w + 60 * METRE * 1.158, s + 60 * METRE];
  return {
    type: 'Polygon',
    coordinates: [
      [
        [w, s],
        [e, s],
        [e, n],
        [w, n],
        [w, s],
      ],
    ],
  };
};
const draw = async (east: number, more: object = {}) => {
  const reply = await request(app)
    .post('/v1/fences')
    .set('x-merchant', mine)
    .send({ name: 'Shop', geometry: around(east), ...more });
  expect(reply.status).toBe(201);
  return reply.body.id as string;
};
const change = async (id: string, what: object) => {
  await request(app).patch(`/v1/fences/${id}`).set('x-merchant', mine).send(what).expect(200);
};
/** Stands still in the middle for so many minutes, a ping every half, up to now. */
const stand = async (minutes: number) => {
  for (let i = 0; i < minutes * 2; i++) {
    now += 30_000;
    const at = new Date(now - 1000).toISOString();
    const ping = { id: String(now), at, lon: LON + (i % 3) * METRE, lat: LAT, accuracy: 6 };
    await request(app)
      .post('/v1/pings')
      .set('Authorization', `Bearer ${device.token}`)
      .send({ pings: [ping] })
      .expect(202);
  }
};
type Told = Pick<VisitEvent, 'triggerEligible'> & {
  fenceId: string;
  reason?: string;
  whyNot?: string;
};
const told = async () => {
  const { rows } = await db.query<{ type: string; payload: Told }>(
    `select type, payload from outbox where device_id = $1 and type like 'visit.%' order by seq`,
    [device.id],
  );
  return rows.map(({ type, payload }) => ({ type, ...payload }));
};
const visits = async () =>
  (
    await db.query(
      'select fence_id, status, exit_at is not null as ended from visits where device_id = $1 order by entry_at',
      [device.id],
    )
  ).rows;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held?.release());
beforeEach(async () => {
  now = NOON;
  mine = (await makeMerchant(db)).id;
  await makeStore(db, mine, { location: { type: 'Point', coordinates: [LON, LAT] } });
  device = await makeDevice(db, mine);
  const clock = () => now;
  const parts = {
    db,
    clock,
    fences: createLiveFences(),
    lanes: createLanes(),
    policy: defaultPolicy,
  };
  const ingest = createIngest(parts);
  const { find } = createDeviceCallers({ db, clock });
  app = routesApp([...fenceRoutes(parts), ...pingRoutes({ ingest, clock, log: silentLog })], find);
  judge = () => judgeSilence({ ...parts, log: silentLog });
});

describe('people inside', () => {
  test('leave when the fence moves away from them, with the reason, and trigger nothing', async () => {
    const shop = await draw(0);
    await stand(6);
    expect(await visits()).toEqual([{ fence_id: shop, status: 'open', ended: false }]);
    now += MINUTE;
    await change(shop, { geometry: around(200) });
    expect(await judge()).toBe(1);
    expect(await visits()).toEqual([{ fence_id: shop, status: 'closed', ended: true }]);
    const last = (await told()).at(-1)!;
    expect(last).toMatchObject({
      type: 'visit.left',
      reason: 'fence_changed',
      triggerEligible: false,
    });
  });

  test('stay when the fence still holds them', async () => {
    const shop = await draw(0);
    await stand(6);
    const before = await told();
    now += MINUTE;
    await change(shop, { geometry: around(10) });
    await judge();
    expect(await visits()).toEqual([{ fence_id: shop, status: 'open', ended: false }]);
    expect((await told()).filter(({ type }) => type !== 'visit.dwelled')).toEqual(
      before.filter(({ type }) => type !== 'visit.dwelled'),
    );
  });

  test.each(['deleted', 'retired'])('leave when the fence is %s', async (how) => {
    const shop = await draw(0);
    await stand(6);
    now += MINUTE;
    if (how === 'retired') await change(shop, { active: false });
    else await request(app).delete(`/v1/fences/${shop}`).set('x-merchant', mine).expect(204);
    expect(await judge()).toBe(1);
    expect(await visits()).toEqual([{ fence_id: shop, status: 'closed', ended: true }]);
    const last = (await told()).at(-1)!;
    expect(last).toMatchObject({
      type: 'visit.left',
      reason: 'fence-removed',
      triggerEligible: false,
    });
  });

  test('do not enter a fence that is drawn around them: it fires nothing', async () => {
    await draw(500);
    await stand(6);
    expect(await told()).toEqual([]);
    const shop = await draw(0);
    await stand(6);
    const events = await told();
    const entered = events.find(({ type }) => type === 'visit.entered');
    expect(entered).toMatchObject({ fenceId: shop, triggerEligible: false });
    expect(entered?.whyNot).toContain('changed');
  });

  test('nor one that is taken into use again around them', async () => {
    const shop = await draw(0, { active: false });
    await stand(6);
    now += MINUTE;
    await change(shop, { active: true });
    await stand(6);
    const entered = (await told()).find(({ type }) => type === 'visit.entered');
    expect(entered).toMatchObject({ fenceId: shop, triggerEligible: false });
  });

  test('but whoever comes in later does', async () => {
    const shop = await draw(0);
    now += 30 * MINUTE;
    await stand(6);
    const entered = (await told()).find(({ type }) => type === 'visit.entered');
    expect(entered).toMatchObject({ fenceId: shop, triggerEligible: true });
  });
});
