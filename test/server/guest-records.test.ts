/** Guests over the API: listed, found, blocked, handed out whole, deleted. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { eraseGuest } from '../../server/guests/erase.ts';
import { guestRoutes } from '../../server/guests/routes.ts';
import { createLog } from '../../server/log.ts';
import { pingOf } from '../../server/pings/ping.ts';
import { lockDevice, saveDevice } from '../../server/pings/queries.ts';
import { initialState } from '../../geo/engine.ts';
import { postgresTestDatabase, testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';
import { postgresUrl, requirePart } from '../support/parts.ts';
import { admission, letIn, openReception, rowsOf, writtenBy } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';
import { signal } from '../support/signal.ts';

const MINUTE = 60_000;
const phone = (address: string) => ({ method: 'sms-code' as const, address });
const BOTH = [
  { purpose: 'access', granted: true, version: 'a1', language: 'en' },
  { purpose: 'marketing', granted: true, version: 'm1', language: 'en' },
] as const;

let held: TestDatabase;
let db: Database;
let house: Reception;
let app: Express;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held.release());
beforeEach(async () => {
  house = await openReception(db);
  const log = createLog('debug', { write: (line) => void house.logged.push(line) });
  app = routesApp(guestRoutes({ db, clock: () => house.time.now, log }));
});

const count = (table: string) => rowsOf(house, table);
const counts = () => writtenBy(house);

const get = (path: string, merchantId = house.merchantId) =>
  request(app).get(path).set('x-merchant', merchantId);

describe('guests over the API', () => {
  test('are listed last seen first, page by page, without gap or double', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      const seen = new Date(house.time.now - Math.floor(i / 2) * MINUTE);
      made.push((await make.makeGuest(db, house.merchantId, { lastSeenAt: seen })).id);
    }
    const got: string[] = [];
    let cursor = '';
    do {
      const reply = await get(`/v1/guests?limit=3${cursor && `&cursor=${cursor}`}`).expect(200);
      got.push(...reply.body.guests.map((guest: { id: string }) => guest.id));
      cursor = reply.body.next ?? '';
    } while (cursor);
    expect(got.toSorted()).toEqual(made.toSorted());
    expect(new Set(got.slice(0, 2))).toEqual(new Set(made.slice(0, 2)));
  });

  test.each([
    ['part of a name', 'dA L', 'Ada Lovelace'],
    ['a percent sign, literally', '100%', '100% Bob'],
    ['an underscore, literally', 'c_d', 'c_d'],
    ['hostile text', `<b>';--`, `<b>';--</b>`],
  ])('are found by %s', async (_name, search, name) => {
    await make.makeGuest(db, house.merchantId, { name: 'Cxd 1000' });
    const guest = await make.makeGuest(db, house.merchantId, { name });
    const reply = await get(`/v1/guests?search=${encodeURIComponent(search)}`).expect(200);
    expect(reply.body.guests).toHaveLength(1);
    expect(reply.body.guests[0]).toMatchObject({ id: guest.id, name });
  });

  test('are found by number and by what they agreed to', async () => {
    const yes = await make.makeGuest(db, house.merchantId, { phone: '+447400111222' });
    await make.makeGuest(db, house.merchantId, { phone: '+447400333444' });
    await make.makeConsent(db, house.merchantId, yes.id);
    const byPhone = await get('/v1/guests?search=111222').expect(200);
    expect(byPhone.body.guests.map((guest: { id: string }) => guest.id)).toEqual([yes.id]);
    const agreed = await get('/v1/guests?marketing=true').expect(200);
    expect(agreed.body.guests).toMatchObject([{ id: yes.id, marketing: true, sessions: 0 }]);
    const not = await get('/v1/guests?marketing=false').expect(200);
    expect(not.body.guests).toMatchObject([{ phone: '+447400333444', marketing: false }]);
  });

  test.each([
    'limit=0',
    'limit=1000',
    'cursor=%%%',
    'cursor=bm9wZQ',
    // A cursor of another list: '1 abc'.
    'cursor=MSBhYmM',
    'marketing=maybe',
    'search=',
    'search=a%00b',
  ])('refuse ?%s', async (query) => {
    const reply = await get(`/v1/guests?${query}`);
    expect(reply.status).toBe(400);
    expect(reply.body.code).toBe('invalid-request');
  });

  test('show one with consents, answers, sessions and vouchers', async () => {
    const { grant } = await letIn(house, {
      proof: phone(make.makePhone()),
      consents: [...BOTH],
      answer: { key: 'taste', value: 'tea' },
    });
    const offer = await make.makeOffer(db, house.merchantId);
    const voucher = await make.makeVoucher(db, house.merchantId, offer.id, {
      guestId: grant.guestId,
    });
    await make.makeVoucher(db, house.merchantId, offer.id, { guestId: grant.guestId });
    await make.makeRedemption(db, house.merchantId, { voucherId: voucher.id, offerId: offer.id });
    const { body } = await get(`/v1/guests/${grant.guestId}`).expect(200);
    expect(body.consents).toHaveLength(2);
    expect(body.answers).toMatchObject([{ key: 'taste', answer: 'tea' }]);
    expect(body.sessions).toMatchObject([{ id: grant.sessionId, state: 'pending' }]);
    expect(body.vouchers).toEqual({ issued: 2, redeemed: 1 });
    expect(JSON.stringify(body)).not.toMatch(/client_?key|admission|merchant/i);
  });

  test('blocking ends sessions and refuses the next try; unblocking welcomes again', async () => {
    const proof = phone(make.makePhone());
    const { grant } = await letIn(house, { proof });
    const put = (blocked: boolean) =>
      request(app)
        .put(`/v1/guests/${grant.guestId}/blocked`)
        .set('x-merchant', house.merchantId)
        .send({ blocked });
    expect((await put(true).expect(200)).body.blocked).toBe(true);
    expect(await house.desk.session(house.store, grant.sessionId)).toMatchObject({
      state: 'ended',
    });
    expect(await house.desk.admit(admission(house, { proof }))).toMatchObject({
      reason: 'blocked',
    });
    expect((await put(false).expect(200)).body.blocked).toBe(false);
    expect(await house.desk.admit(admission(house, { proof }))).toMatchObject({ ok: true });
  });

  test('another merchant’s guest is nowhere to be found', async () => {
    const other = await openReception(db);
    const { grant } = await letIn(other, { proof: phone(make.makePhone()) });
    const id = grant.guestId;
    const own = { 'x-merchant': house.merchantId };
    const replies = [
      await get(`/v1/guests/${id}`),
      await get(`/v1/guests/${id}/export`),
      await request(app).put(`/v1/guests/${id}/blocked`).set(own).send({ blocked: true }),
      await request(app).delete(`/v1/guests/${id}`).set(own),
    ];
    expect(replies.map((reply) => reply.status)).toEqual([404, 404, 404, 404]);
    expect((await get('/v1/guests')).body.guests).toEqual([]);
    expect((await get(`/v1/guests/${id}`, other.merchantId)).status).toBe(200);
  });
});

/** Somebody of whom every table holds something. */
async function everywhere() {
  const address = '+447400555666';
  const { grant } = await letIn(house, {
    proof: phone(address),
    consents: [...BOTH],
    answer: { key: 'taste', value: 'tea' },
  });
  const { merchantId } = house;
  const { guestId } = grant;
  const device = await make.makeDevice(db, merchantId, { guestId });
  await make.makePing(db, merchantId, device.id);
  const fence = await make.makeFence(db, merchantId);
  const visit = { merchantId, fenceId: fence.id, deviceId: device.id };
  await make.makeVisit(db, visit, { guestId });
  const offer = await make.makeOffer(db, merchantId);
  const rule = await make.makeRule(db, merchantId, offer.id);
  const decision = await make.makeDecision(db, merchantId, rule.id, { guestId });
  const voucher = await make.makeVoucher(db, merchantId, offer.id, {
    guestId,
    decisionId: decision.id,
  });
  await make.makeRedemption(db, merchantId, { voucherId: voucher.id, offerId: offer.id });
  await make.makeMessage(db, merchantId, { address });
  await make.makeMemberCard(db, merchantId, { guestId });
  await make.makeApproval(db, merchantId, house.store.id, { guestId });
  await make.makeGuestIdentity(db, merchantId, guestId);
  await make.makeKnownDevice(db, { merchantId, storeId: house.store.id, guestId });
  await db.query(`update guests set age_band = 'over' where id = $1`, [guestId]);
  const at = [merchantId, house.store.id, guestId, new Date(make.NOON)];
  await db.query(
    `insert into consent_requests (token_hash, merchant_id, guest_id, store_id, email, text_version, text,
       language, created_at, expires_at)
     values (sha256(gen_random_uuid()::text::bytea), $1, $3, $2, 'a@guests.example', 'm1', 'Mail me.', 'en', $4, $4)`,
    at,
  );
  await db.query(
    `insert into self_looks (token_hash, merchant_id, store_id, guest_id, limited, opened_at, expires_at)
     values (sha256(gen_random_uuid()::text::bytea), $1, $2, $3, false, $4, $4)`,
    at,
  );
  await db.query(
    `insert into session_legs (id, merchant_id, store_id, gateway_id, session_id, nas_session, mac, started_at, last_at)
     select gen_random_uuid(), $1, $2, gateway_id, id, 'n1', mac, $3, $3 from sessions where id = $4`,
    [merchantId, house.store.id, new Date(make.NOON), grant.sessionId],
  );
  await db.query(
    `insert into session_log (session_id, merchant_id, store_id, account, method, mac, granted_at, ended_at,
       bytes_in, bytes_out, keep_until)
     values ($1, $2, $3, $4, 'sms-code', '02:00:00:00:00:01', $5, $5, 0, 0, $5)`,
    [grant.sessionId, merchantId, house.store.id, address, new Date(make.NOON)],
  );
  return { address, guestId, sessionId: grant.sessionId, voucherId: voucher.id };
}

describe('a guest’s record', () => {
  test('can be handed out whole', async () => {
    const { guestId } = await everywhere();
    const { body } = await get(`/v1/guests/${guestId}/export`).expect(200);
    const sizes = Object.fromEntries(
      Object.entries(body.sections).map(([name, rows]) => [name, (rows as unknown[]).length]),
    );
    expect(sizes).toEqual({
      consents: 2,
      age: 1,
      confirmations: 1,
      looks: 1,
      connections: 1,
      log: 1,
      answers: 1,
      sessions: 1,
      identities: 1,
      cards: 1,
      requests: 1,
      browsers: 1,
      vouchers: 1,
      decisions: 1,
      devices: 1,
      visits: 1,
      pings: 1,
      messages: 1,
      events: 1,
    });
    expect(body.guest.phone).toBe('+447400555666');
    expect(body.cutShort).toEqual([]);
    expect(JSON.stringify(body)).not.toMatch(/token_hash|client_key|merchant_id/);
  });

  test('can be deleted; the shop’s books stay, without a person', async () => {
    const { guestId, address, voucherId, sessionId } = await everywhere();
    const bystander = await letIn(house, { proof: phone(make.makePhone()) });
    const reply = await request(app)
      .delete(`/v1/guests/${guestId}`)
      .set('x-merchant', house.merchantId)
      .expect(200);
    expect(reply.body).toEqual({
      devices: 1,
      pings: 1,
      visits: 1,
      sessions: 1,
      messages: 1,
      vouchers: 1,
    });
    const gone = ['devices', 'pings', 'visits', 'guest_answers', 'decisions', 'messages'];
    gone.push('guest_identities', 'member_cards', 'approval_requests', 'known_devices');
    gone.push('consent_requests', 'self_looks', 'session_legs');
    for (const table of gone) {
      expect([table, await count(table)]).toEqual([table, 0]);
    }
    expect(await counts()).toMatchObject({ guests: 1, consents: 1, sessions: 1 });
    expect(await count('redemptions')).toBe(1);
    const [voucher] = await house.rows('select guest_id, device_id from vouchers where id = $1', [
      voucherId,
    ]);
    expect(voucher).toEqual({ guest_id: null, device_id: null });
    const [ended] = await house.rows(
      `select payload ->> 'sessionId' as id, payload ->> 'reason' as reason from outbox
       where merchant_id = $1 and type = 'session.ended'`,
      [house.merchantId],
    );
    expect(ended).toEqual({ id: sessionId, reason: 'erased' });
    await get(`/v1/guests/${guestId}`).expect(404);
    await get(`/v1/guests/${bystander.grant.guestId}`).expect(200);
    expect(house.logged.join('')).not.toContain(address);
  });

  test('after deletion the same number is a stranger', async () => {
    const { guestId, address } = await everywhere();
    await request(app).delete(`/v1/guests/${guestId}`).set('x-merchant', house.merchantId);
    house.time.now += 1;
    const again = await letIn(house, { proof: phone(address) });
    expect(again.returning).toBe(false);
    expect(again.grant.guestId).not.toBe(guestId);
  });
});

requirePart('a batch in hand while its guest is erased (PostgreSQL)', postgresUrl)(
  'two connections',
  () => {
    let apart: TestDatabase;
    beforeAll(async () => {
      apart = await postgresTestDatabase(postgresUrl!);
      db = apart.db;
    });
    afterAll(async () => {
      db = held.db;
      await apart.release();
    });

    test('pings stored while their guest is erased go as well', async () => {
      const { merchantId } = house;
      const guest = await make.makeGuest(db, merchantId);
      const device = await make.makeDevice(db, merchantId, { guestId: guest.id });
      await make.makeDeviceState(db, merchantId, device.id);
      const at = house.time.now;
      const ping = pingOf({ key: 'late', at, lon: 0.1, lat: 0.1, accuracy: 5, source: 'foyer' });
      const judged = { ping, judgedAt: at, reason: null, usable: true };
      const state = initialState(device.id);
      const nothing = { wakeAt: null, skew: [], cooling: null, sinceCheckpoint: 1 };
      const update = { ...nothing, state, app: 'foyer', checkpoints: [{ at: 0, state }] };
      const [locked, hasLock] = signal();
      const [released, goOn] = signal();
      const batch = db.tx(
        async (tx) => {
          await lockDevice(tx, merchantId, device.id, [ping], at);
          hasLock();
          await released;
          await saveDevice(tx, merchantId, device.id, [judged], update, at);
        },
        { tenant: merchantId },
      );
      await locked;
      const erased = db.tx((tx) => eraseGuest(tx, merchantId, guest.id, at), {
        tenant: merchantId,
      });
      // Long enough for the erasure to meet the batch's lock.
      await pause(300);
      goOn();
      await batch;
      await erased;
      expect(await count('devices')).toBe(0);
      expect(await count('pings')).toBe(0);
    });
  },
);
