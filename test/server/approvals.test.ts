/** Guests whom staff let in: one waiting request a client, one answer, one use. */
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import { ASKS, WAIT_MS, forgetApprovals } from '../../server/approvals/approvals.ts';
import { approvalRoutes } from '../../server/approvals/routes.ts';
import type { Database } from '../../server/db/database.ts';
import { makeMac } from '../support/make.ts';
import { admission, openReception, receptionEach, rowsOf } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';

const MINUTE = 60_000;

let db: Database;
let house: Reception;
let app: Express;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
  app = routesApp(approvalRoutes({ db, clock: () => house.time.now }));
});

const ask = (mac = makeMac(), name = 'Sam') => house.approvals.ask(house.store, { name, mac });
const state = (id: string) => house.approvals.state(house.store, id);
const answer = (id: string, granted: boolean, merchant = house.merchantId) =>
  request(app).put(`/v1/approvals/${id}`).set('x-merchant', merchant).send({ granted });
const list = async (query = '', merchant = house.merchantId) =>
  (await request(app).get(`/v1/approvals${query}`).set('x-merchant', merchant).expect(200)).body
    .approvals as Record<string, unknown>[];
const events = () =>
  house.rows<{ type: string; payload: unknown }>(
    `select type, payload from outbox where merchant_id = $1 order by seq`,
    [house.merchantId],
  );

/** Comes in with a request, by default as the client that asked. */
async function enter(requestId: string, mac: string) {
  const proof = { method: 'staff' as const, requestId };
  return house.desk.admit(
    admission(house, { proof, context: { ...admission(house).context, mac } }),
  );
}

describe('asking', () => {
  test('waits for staff, once a client, and is told without a name', async () => {
    const mac = makeMac();
    const { requestId } = await ask(mac, '  Sam\u0000 from\n the press ');
    expect(await ask(mac.toUpperCase(), 'Somebody else')).toEqual({ requestId });
    expect(await state(requestId)).toBe('waiting');
    expect(await list()).toMatchObject([
      { id: requestId, name: 'Sam from the press', state: 'waiting', storeId: house.store.id },
    ]);
    expect(await events()).toEqual([
      {
        type: 'approval.asked',
        payload: {
          requestId,
          storeId: house.store.id,
          at: new Date(house.time.now).toISOString(),
        },
      },
    ]);
  });

  test('pressed many times at once is one request', async () => {
    const mac = makeMac();
    const asked = await Promise.all(Array.from({ length: 8 }, () => ask(mac)));
    expect(new Set(asked.map(({ requestId }) => requestId)).size).toBe(1);
    expect(await rowsOf(house, 'approval_requests')).toBe(1);
  });

  test('ends after ten minutes; then another may be made', async () => {
    const mac = makeMac();
    const { requestId } = await ask(mac);
    house.time.now += WAIT_MS;
    expect(await state(requestId)).toBe('expired');
    await answer(requestId, true).expect(409);
    expect((await ask(mac)).requestId).not.toBe(requestId);
    expect(await list()).toHaveLength(1);
    expect(await list('?waiting=false')).toHaveLength(2);
  });

  test('is bounded for a client and for a store', async () => {
    const mac = makeMac();
    for (let i = 0; i < ASKS.clientPerHour; i++) {
      await answer((await ask(mac)).requestId, false);
    }
    await expect(ask(mac)).rejects.toMatchObject({ code: 'too-many-requests' });
    for (let i = ASKS.clientPerHour; i < ASKS.storePerHour; i++) await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'too-many-requests' });
    house.time.now += 60 * MINUTE;
    await ask(mac);
  });

  test.each(['', '   ', '\u0000\u200b'])('a name of %j is none', async (name) => {
    await expect(ask(makeMac(), name)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('a name is cut to sixty characters', async () => {
    await ask(makeMac(), '🙂'.repeat(100));
    expect((await list())[0]?.['name']).toBe('🙂'.repeat(60));
  });
});

describe('answering', () => {
  test('a grant lets its client in once, a double press included', async () => {
    const mac = makeMac();
    const { requestId } = await ask(mac);
    expect(await enter(requestId, mac)).toEqual({ ok: false, reason: 'staff-waiting' });
    await answer(requestId, true).expect(200);
    expect(await state(requestId)).toBe('granted');
    expect(await enter(requestId, makeMac())).toEqual({ ok: false, reason: 'staff-denied' });
    const context = { ...admission(house).context, mac };
    const proof = { method: 'staff' as const, requestId };
    const press = admission(house, { context, proof });
    const first = await house.desk.admit(press);
    expect(first).toMatchObject({ ok: true });
    // The same grant; that its client presses again is for the portal to prove.
    expect(await house.desk.admit(press)).toEqual({ ...first, byMac: 'session' });
    house.time.now += 2 * MINUTE;
    expect(await house.desk.admit(press)).toEqual({ ok: false, reason: 'staff-denied' });
    expect(await list('?waiting=false')).toMatchObject([{ used: true, state: 'granted' }]);
  });

  test('the first answer counts, and the same again changes nothing', async () => {
    const { requestId } = await ask();
    const first = (await answer(requestId, false).expect(200)).body;
    expect(first).toMatchObject({ state: 'denied', decidedBy: expect.any(String) });
    house.time.now += MINUTE;
    expect((await answer(requestId, false).expect(200)).body).toEqual(first);
    await answer(requestId, true).expect(409);
    expect((await events()).map(({ type }) => type)).toEqual([
      'approval.asked',
      'approval.decided',
    ]);
  });

  test('a grant nobody uses ends', async () => {
    const mac = makeMac();
    const { requestId } = await ask(mac);
    house.time.now += WAIT_MS - 1;
    await answer(requestId, true).expect(200);
    house.time.now += WAIT_MS - 1;
    expect(await state(requestId)).toBe('granted');
    house.time.now += 1;
    expect(await state(requestId)).toBe('expired');
    expect(await enter(requestId, mac)).toEqual({ ok: false, reason: 'staff-denied' });
  });

  test.each(['rubbish', '019a9b3e-4c00-7abc-8def-0123456789ab'])('%s opens nothing', async (id) => {
    expect(await state(id)).toBe('expired');
    expect(await enter(id, makeMac())).toEqual({ ok: false, reason: 'staff-denied' });
  });

  test('is the merchant’s own, and at its store', async () => {
    const mac = makeMac();
    const { requestId } = await ask(mac);
    const other = await openReception(db);
    await answer(requestId, true, other.merchantId).expect(404);
    expect(await list('', other.merchantId)).toEqual([]);
    await request(app)
      .get(`/v1/approvals?storeId=${house.store.id}`)
      .set('x-merchant', other.merchantId)
      .expect(404);
    expect(await other.approvals.state(other.store, requestId)).toBe('expired');
    await answer(requestId, true).expect(200);
    const context = { ...admission(other).context, mac };
    const proof = { method: 'staff' as const, requestId };
    expect(await other.desk.admit(admission(other, { context, proof }))).toEqual({
      ok: false,
      reason: 'staff-denied',
    });
  });

  test('requests are forgotten after a month, and with their guest', async () => {
    const mac = makeMac();
    const { requestId } = await ask(mac);
    await ask();
    await answer(requestId, true).expect(200);
    const inside = await enter(requestId, mac);
    const guestId = inside.ok ? inside.grant.guestId : '';
    await db.query('delete from sessions where guest_id = $1', [guestId]);
    await db.query('delete from guests where id = $1', [guestId]);
    expect(await rowsOf(house, 'approval_requests')).toBe(1);
    expect(await forgetApprovals(db, house.time.now + 29 * 1440 * MINUTE)).toBe(0);
    await forgetApprovals(db, house.time.now + 31 * 1440 * MINUTE);
    expect(await rowsOf(house, 'approval_requests')).toBe(0);
  });
});
