/** Grants against live sessions: every way a grant ends, what each kind of gateway can do about it, and controllers' lists. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { KickOutcome, KickTarget, LiveClient } from '../../portal/ports-network.ts';
import type { Database } from '../../server/db/database.ts';
import type { DomainEvent } from '../../server/events/types.ts';
import { blockGuest } from '../../server/guests/block.ts';
import { eraseGuest } from '../../server/guests/erase.ts';
import {
  endQuietSessions,
  expireSessions,
  forgetSessionClients,
} from '../../server/sessions/accounting.ts';
import { noticesOf } from '../../server/sessions/notice-queries.ts';
import { createPolls } from '../../server/sessions/polls.ts';
import { createReconciler } from '../../server/sessions/reconcile.ts';
import type { Reconciler } from '../../server/sessions/reconcile.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  makeAccessVoucher,
  makeGateway,
  makeGuest,
  makeMac,
  makeMemberCard,
  makeSession,
} from '../support/make.ts';
import { openReception } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let held: TestDatabase;
let db: Database;
let house: Reception;
let reconciler: Reconciler;
/** What the equipment was asked, and what it answers. */
let asked: KickTarget[];
let answer: (target: KickTarget) => Promise<KickOutcome> | KickOutcome;
let counted: KickOutcome[];

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held.release());
beforeEach(async () => {
  // These rounds work for all merchants at once: what other tests left would be counted.
  await db.query('delete from sessions');
  await db.query('delete from session_kicks');
  house = await openReception(db);
  await kindOf(house.gatewayId, 'radius');
  [asked, counted] = [[], []];
  answer = () => 'done';
  reconciler = createReconciler({
    db,
    clock: () => house.time.now,
    log: { warn: () => undefined },
    count: (outcome) => void counted.push(outcome),
  });
  reconciler.connect({
    kick: async (target) => {
      asked.push(target);
      return answer(target);
    },
  });
});

const kindOf = (gateway: string, kind: string) =>
  db.query('update gateways set kind = $2 where id = $1', [gateway, kind]);

async function inside(over: NonNullable<Parameters<typeof makeSession>[2]> = {}) {
  const guest = await makeGuest(db, house.merchantId);
  const { store, gatewayId, merchantId } = house;
  const at = { merchantId, storeId: store.id, gatewayId, guestId: guest.id };
  return makeSession(db, at, over);
}
/** The same, counted by its gateway. */
async function counting(over: NonNullable<Parameters<typeof makeSession>[2]> = {}) {
  const session = await inside(over);
  await report(session.mac, 'nas-1', 10);
  return session;
}
const report = (mac: string, nasSession: string, bytesIn: number, over = {}) =>
  house.doors.report!(house.store, house.gatewayId, {
    kind: 'interim',
    mac,
    nasSession,
    seconds: 0,
    bytesIn,
    at: house.time.now,
    ...over,
  });
const row = async (id: string) =>
  (await house.rows('select * from sessions where id = $1', [id]))[0];
const kicks = () =>
  house.rows('select * from session_kicks where merchant_id = $1', [house.merchantId]);
const endings = () =>
  house.rows<{ id: string; reason: string }>(
    `select payload ->> 'sessionId' as id, payload ->> 'reason' as reason from outbox
     where merchant_id = $1 and type = 'session.ended' order by seq`,
    [house.merchantId],
  );
const round = () => reconciler.run(house.time.now);
const settings = (over: object) =>
  db.query('update stores set settings = settings || $2::jsonb where id = $1', [
    house.store.id,
    JSON.stringify(over),
  ]);

describe('a grant that is over', () => {
  const tuesday = (from: string, to: string) => ({
    hours: { mon: [], tue: [{ from, to }], wed: [], thu: [], fri: [], sat: [], sun: [] },
  });

  const causes: [
    string,
    string,
    (session: Awaited<ReturnType<typeof inside>>) => Promise<unknown>,
  ][] = [
    ['the volume is used up', 'quota', ({ mac }) => report(mac, 'nas-1', 2 ** 31)],
    ['the store closed', 'closed', () => settings(tuesday('09:00', '12:00'))],
    [
      'the guest was blocked',
      'blocked',
      ({ guestId }) => db.query('update guests set blocked_at = now() where id = $1', [guestId]),
    ],
    [
      'the member card was blocked',
      'blocked',
      async ({ id, guestId }) => {
        await db.query(`update sessions set method = 'member-card' where id = $1`, [id]);
        await makeMemberCard(db, house.merchantId, {
          guestId,
          blockedAt: new Date(house.time.now),
        });
      },
    ],
    [
      'the printed code was withdrawn',
      'expired',
      ({ id }) =>
        db.query('update sessions set access_voucher_id = gen_random_uuid() where id = $1', [id]),
    ],
    [
      'the printed code expired',
      'expired',
      async ({ id }) => {
        const { id: code } = await makeAccessVoucher(db, house.merchantId, house.store.id, {
          expiresAt: new Date(house.time.now),
        });
        await db.query('update sessions set access_voucher_id = $2 where id = $1', [id, code]);
      },
    ],
  ];

  test.each(causes)(
    'since %s (%s) is ended at the gateway, then in the books, once',
    async (_name, reason, cause) => {
      const session = await counting({ downQuotaKb: 2 ** 21 });
      const bystander = await inside({ storeId: house.store.id });
      await db.query('update sessions set store_id = $2 where id = $1', [
        bystander.id,
        await elsewhere(),
      ]);
      await round();
      expect(asked).toEqual([]);
      await cause(session);
      await round();
      await round();
      expect(asked).toMatchObject([
        {
          store: { id: house.store.id, merchantId: house.merchantId },
          gateway: { id: house.gatewayId, kind: 'radius' },
          sessionId: session.id,
          mac: session.mac,
          nasSessions: ['nas-1'],
          reason,
        },
      ]);
      expect(await row(session.id)).toMatchObject({ state: 'ended', end_reason: reason });
      expect(await row(bystander.id)).toMatchObject({ state: 'active' });
      expect(await endings()).toEqual([{ id: session.id, reason }]);
      expect(await kicks()).toEqual([]);
      expect(counted).toEqual(['done']);
    },
  );

  const elsewhere = async (): Promise<string> => {
    const { rows } = await db.query<{ id: string }>(
      `insert into stores (id, merchant_id, slug, name, timezone, country) values (gen_random_uuid(), $1, 'x' || substr(md5(random()::text), 1, 9), 'x', 'UTC', 'GB') returning id`,
      [house.merchantId],
    );
    return rows[0]!.id;
  };

  test('a code that still works and hours that are open end nothing', async () => {
    const { id: code } = await makeAccessVoucher(db, house.merchantId, house.store.id);
    const session = await counting();
    await db.query('update sessions set access_voucher_id = $2 where id = $1', [session.id, code]);
    await settings(tuesday('09:00', '24:00'));
    await round();
    expect(asked).toEqual([]);
  });

  test('silent until its time was over, and counted again after it, is put out', async () => {
    const session = await counting();
    await report(session.mac, 'nas-1', 20, { seconds: 300, at: house.time.now + 5 * MINUTE });
    house.time.now += 5 * MINUTE;
    await report(session.mac, 'nas-1', 30, { seconds: 300 });
    house.time.now += HOUR;
    await house.doors.heard!(house.store, house.gatewayId);
    await endQuietSessions(db, house.time.now);
    expect(await row(session.id)).toMatchObject({ state: 'ended', end_reason: 'lost-carrier' });
    house.time.now += 25 * HOUR;
    const late = { seconds: 26 * 3600 + 300 };
    expect(await report(session.mac, 'nas-1', 40, late)).toMatchObject({ allowed: false });
    await round();
    expect(asked).toMatchObject([
      { sessionId: session.id, nasSessions: ['nas-1'], reason: 'expired' },
    ]);
    await round();
    expect(asked).toHaveLength(1);
    expect(await endings()).toEqual([{ id: session.id, reason: 'lost-carrier' }]);
  });

  test('a blocked card ends nothing that another card or another way in opened', async () => {
    const [other, phone] = [await counting(), await counting()];
    await db.query(`update sessions set method = 'member-card' where id = $1`, [other.id]);
    await makeMemberCard(db, house.merchantId, { guestId: other.guestId });
    for (const { guestId } of [other, phone])
      await makeMemberCard(db, house.merchantId, {
        guestId,
        number: `B${guestId.slice(-8)}`.toUpperCase(),
        blockedAt: new Date(house.time.now),
      });
    await round();
    expect(asked).toEqual([]);
  });

  test('everybody in a mall that closes is noted in one round', async () => {
    const guest = await makeGuest(db, house.merchantId);
    await db.query(
      `insert into sessions (id, merchant_id, store_id, gateway_id, guest_id, method, mac, client_key, admission_key,
         state, minutes, granted_at, confirmed_at, expires_at)
       select gen_random_uuid(), $1, $2, $3, $4, 'click-through', '02:00:00:00:' || i, 'c' || i, uuid_send(gen_random_uuid()),
         'active', 120, $5, $5, $5::timestamptz + interval '2 hours' from generate_series(1, 600) i`,
      [house.merchantId, house.store.id, house.gatewayId, guest.id, new Date(house.time.now)],
    );
    await settings(tuesday('09:00', '12:00'));
    answer = () => new Promise(() => undefined);
    await reconciler.begin(house.time.now);
    expect(await kicks()).toHaveLength(600);
    await reconciler.stop();
  });

  test('by time is over in the books at once; the gateway is asked only if it did not end it itself', async () => {
    const itself = await counting();
    const not = await inside();
    const never = await inside({ state: 'pending', confirmedAt: null });
    house.time.now = itself.expiresAt.getTime();
    await expireSessions(db, house.time.now);
    await round();
    expect(asked).toEqual([]);
    await report(itself.mac, 'nas-1', 20, {
      kind: 'stop',
      seconds: 7200,
      reason: 'session-timeout',
    });
    house.time.now += 30 * SECOND;
    await round();
    expect(asked).toMatchObject([{ sessionId: not.id, reason: 'expired' }]);
    expect(await row(itself.id)).toMatchObject({ end_reason: 'expired', bytes_in: 20 });
    expect(await row(never.id)).toMatchObject({ end_reason: 'never-confirmed' });
    expect(await endings()).toHaveLength(3);
    expect(await kicks()).toEqual([]);
  });
});

describe('a guest who is blocked or erased', () => {
  test('is put out at every gateway that counts them, with every name they go by', async () => {
    const session = await counting({ rhid: 'token-1', ip: '10.0.0.9' });
    await db.query(`update sessions set user_name = 'g.name' where id = $1`, [session.id]);
    const second = await makeGateway(db, house.merchantId, house.store.id);
    await kindOf(second.id, 'coova');
    await house.doors.report!(house.store, second.id, {
      kind: 'start',
      mac: session.mac,
      nasSession: 'nas-2',
      at: house.time.now,
    });
    const tenant = { tenant: house.merchantId };
    await db.tx(
      (tx) => blockGuest(tx, house.merchantId, session.guestId, true, house.time.now),
      tenant,
    );
    await round();
    const held = asked.map(({ gateway, nasSessions }) => `${gateway.kind} ${nasSessions.join()}`);
    expect(held.toSorted()).toEqual(['coova nas-2', 'radius nas-1']);
    expect(asked[0]).toMatchObject({
      userName: 'g.name',
      token: 'token-1',
      ip: '10.0.0.9',
      reason: 'blocked',
    });
    expect(await endings()).toEqual([{ id: session.id, reason: 'blocked' }]);
  });

  test('goes out although nothing is left of them; what was kept for that goes with it', async () => {
    const session = await counting();
    const waiting = await inside({ guestId: session.guestId, state: 'pending', confirmedAt: null });
    answer = () => 'failed';
    await db.tx((tx) => eraseGuest(tx, house.merchantId, session.guestId, house.time.now), {
      tenant: house.merchantId,
    });
    expect(await row(session.id)).toBeUndefined();
    await round();
    expect(asked).toMatchObject([
      { sessionId: session.id, mac: session.mac, nasSessions: ['nas-1'], reason: 'erased' },
    ]);
    expect(await kicks()).toMatchObject([{ outcome: 'failed' }]);
    answer = () => 'done';
    house.time.now += MINUTE;
    await round();
    expect(asked).toHaveLength(2);
    expect(await kicks()).toEqual([]);
    expect(asked.every((target) => target.sessionId !== waiting.id)).toBe(true);
  });

  test('is not waited for: the event wakes the reconciler', async () => {
    const session = await counting();
    await db.tx((tx) => blockGuest(tx, house.merchantId, session.guestId, true, house.time.now), {
      tenant: house.merchantId,
    });
    const said = (reason: string): DomainEvent => ({
      id: 'e',
      position: 1,
      merchantId: house.merchantId,
      storeId: null,
      guestId: null,
      deviceId: null,
      occurredAt: new Date(),
      type: 'session.ended',
      payload: {
        sessionId: session.id,
        guestId: session.guestId,
        storeId: house.store.id,
        reason,
        at: '',
      },
    });
    await reconciler.hear(said('idle-timeout'));
    await reconciler.idle();
    expect(asked).toEqual([]);
    await reconciler.hear(said('blocked'));
    await reconciler.idle();
    expect(asked).toMatchObject([{ sessionId: session.id }]);
  });

  test('who signed in again meanwhile is left alone', async () => {
    const session = await counting();
    await db.tx((tx) => eraseGuest(tx, house.merchantId, session.guestId, house.time.now), {
      tenant: house.merchantId,
    });
    house.time.now += SECOND;
    const now = new Date(house.time.now);
    const fresh = await inside({ mac: session.mac, grantedAt: now, confirmedAt: now });
    await round();
    expect(asked).toEqual([]);
    expect(await row(fresh.id)).toMatchObject({ state: 'active' });
    expect(await kicks()).toEqual([]);
  });
});

describe('what a gateway answers', () => {
  const out = (id: string) => reconciler.disconnect(house.merchantId, id);

  test('done: the guest is out', async () => {
    const session = await counting();
    expect(await out(session.id)).toEqual({ outcome: 'done', until: null });
    expect(asked).toMatchObject([{ reason: 'staff', sessionId: session.id }]);
    expect(await row(session.id)).toMatchObject({ state: 'ended', end_reason: 'staff' });
    expect(await out(session.id)).toEqual({ outcome: 'ended', until: null });
    expect(asked).toHaveLength(1);
  });

  test('later: stands until it asks, and is then refused', async () => {
    await kindOf(house.gatewayId, 'wifidog');
    answer = () => 'later';
    const session = await inside({ rhid: 'token' });
    await report(session.mac, 'token', 5);
    expect(await out(session.id)).toEqual({ outcome: 'later', until: session.expiresAt.getTime() });
    house.time.now += 10 * MINUTE;
    await round();
    expect(asked).toHaveLength(1);
    expect(await row(session.id)).toMatchObject({ state: 'active' });
    expect(await report(session.mac, 'token', 9)).toEqual({ allowed: false, reason: 'ended' });
    expect(await row(session.id)).toMatchObject({
      state: 'ended',
      end_reason: 'staff',
      bytes_in: 9,
    });
    expect(await kicks()).toEqual([]);
  });

  test('later, of somebody erased: refused as a stranger, and that is all that was kept', async () => {
    await kindOf(house.gatewayId, 'wifidog');
    answer = () => 'later';
    const session = await inside({ rhid: 'token' });
    await db.tx((tx) => eraseGuest(tx, house.merchantId, session.guestId, house.time.now), {
      tenant: house.merchantId,
    });
    await round();
    expect(await kicks()).toHaveLength(1);
    expect(await report(session.mac, 'token', 9)).toEqual({ allowed: false, reason: 'unknown' });
    expect(await kicks()).toEqual([]);
  });

  test('unable, of somebody erased: nothing is kept of them', async () => {
    answer = () => 'unable';
    const session = await counting();
    await db.tx((tx) => eraseGuest(tx, house.merchantId, session.guestId, house.time.now), {
      tenant: house.merchantId,
    });
    expect(await kicks()).toHaveLength(1);
    await round();
    expect(asked.map(({ mac }) => mac)).toEqual([session.mac]);
    expect(await kicks()).toEqual([]);
  });

  test('unable: the session goes on to its own limit, and nobody asks again', async () => {
    answer = () => 'unable';
    const session = await inside();
    expect(await out(session.id)).toEqual({
      outcome: 'unable',
      until: session.expiresAt.getTime(),
    });
    house.time.now += HOUR;
    await round();
    expect(asked).toHaveLength(1);
    expect(await row(session.id)).toMatchObject({ state: 'active' });
    house.time.now = session.expiresAt.getTime();
    await expireSessions(db, house.time.now);
    house.time.now += MINUTE;
    await round();
    expect(await row(session.id)).toMatchObject({ state: 'ended', end_reason: 'expired' });
    await forgetSessionClients(db, house.time.now);
    expect(await kicks()).toEqual([]);
  });

  test('nothing, or nonsense: asked again, ever more rarely, and staff is told', async () => {
    const session = await counting();
    answer = () => Promise.reject(new Error('no route'));
    expect(await out(session.id)).toMatchObject({ outcome: 'failed' });
    const waits: number[] = [];
    let before = house.time.now;
    while (waits.length < 4) {
      house.time.now += SECOND;
      const asks = asked.length;
      await round();
      if (asked.length === asks) continue;
      waits.push((house.time.now - before) / SECOND);
      before = house.time.now;
    }
    expect(waits).toEqual([5, 15, 45, 135]);
    expect(await row(session.id)).toMatchObject({ state: 'active' });
    const [notice] = await noticesOf(db, house.merchantId, house.store.id, 10);
    expect(notice).toMatchObject({
      code: 'kick-failed',
      gateway_id: house.gatewayId,
      times: 5,
      detail: { reason: 'staff' },
    });
    answer = () => 'done';
    house.time.now += HOUR;
    await round();
    expect(await row(session.id)).toMatchObject({ state: 'ended' });
  });

  test('its own stop report: then it need not be asked any more', async () => {
    const session = await counting();
    answer = () => 'failed';
    await out(session.id);
    await report(session.mac, 'nas-1', 30, { kind: 'stop', seconds: 60, reason: 'admin-reset' });
    expect(await row(session.id)).toMatchObject({
      state: 'ended',
      end_reason: 'staff',
      bytes_in: 30,
    });
    expect(await kicks()).toEqual([]);
  });

  test('the worst of several gateways is what staff reads', async () => {
    const session = await counting();
    const second = await makeGateway(db, house.merchantId, house.store.id);
    await house.doors.report!(house.store, second.id, {
      kind: 'start',
      mac: session.mac,
      nasSession: 'nas-2',
      at: house.time.now,
    });
    answer = ({ gateway }) => (gateway.id === second.id ? 'failed' : 'done');
    expect(await out(session.id)).toMatchObject({ outcome: 'failed' });
    expect(await row(session.id)).toMatchObject({ state: 'active' });
    answer = () => 'done';
    house.time.now += MINUTE;
    await round();
    expect(await row(session.id)).toMatchObject({ state: 'ended', end_reason: 'staff' });
  });

  test('a session between two access points needs no gateway to be ended', async () => {
    const session = await counting();
    await report(session.mac, 'nas-1', 30, { kind: 'stop', seconds: 60, reason: 'lost-carrier' });
    expect(await out(session.id)).toEqual({ outcome: 'done', until: null });
    expect(asked).toEqual([]);
    expect(await row(session.id)).toMatchObject({ state: 'ended', end_reason: 'staff' });
  });

  test('done, while the gateway goes on counting: it is asked again', async () => {
    const session = await counting();
    await out(session.id);
    await report(session.mac, 'nas-1', 20, { seconds: 30, at: house.time.now + 30 * SECOND });
    await round();
    expect(asked).toHaveLength(1);
    house.time.now += 5 * MINUTE;
    expect(await report(session.mac, 'nas-1', 40, { seconds: 300 })).toMatchObject({
      allowed: false,
    });
    await round();
    expect(asked).toMatchObject([{ reason: 'staff' }, { reason: 'staff', nasSessions: ['nas-1'] }]);
    expect(await row(session.id)).toMatchObject({
      state: 'ended',
      end_reason: 'staff',
      bytes_in: 40,
    });
    await round();
    expect(asked).toHaveLength(2);
  });

  test('another merchant’s session is none', async () => {
    const session = await counting();
    const other = await openReception(db);
    await expect(reconciler.disconnect(other.merchantId, session.id)).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(asked).toEqual([]);
  });

  test('a gateway that never answers does not keep the house from closing', async () => {
    const session = await counting();
    answer = () => new Promise(() => undefined);
    await db.query('update guests set blocked_at = now() where id = $1', [session.guestId]);
    await reconciler.begin(house.time.now);
    await reconciler.stop();
    expect(counted).toEqual(['failed']);
    expect(await row(session.id)).toMatchObject({ state: 'active' });
  });

  test('two processes ask once', async () => {
    for (let i = 0; i < 5; i++) {
      const { guestId } = await inside();
      await db.query('update guests set blocked_at = now() where id = $1', [guestId]);
    }
    const twin = createReconciler({
      db,
      clock: () => house.time.now,
      log: { warn: () => undefined },
      count: () => undefined,
    });
    twin.connect({ kick: async (target) => (asked.push(target), 'done') });
    await Promise.all([round(), twin.run(house.time.now)]);
    expect(new Set(asked.map(({ sessionId }) => sessionId)).size).toBe(5);
    expect(asked).toHaveLength(5);
  });

  test('without equipment nothing is lost', async () => {
    const session = await counting();
    const alone = createReconciler({
      db,
      clock: () => house.time.now,
      log: { warn: () => undefined },
      count: () => undefined,
    });
    expect(await alone.disconnect(house.merchantId, session.id)).toMatchObject({
      outcome: 'failed',
    });
    house.time.now += MINUTE;
    await round();
    expect(asked).toMatchObject([{ sessionId: session.id }]);
  });

  test('what nobody can be asked about is given up in the end', async () => {
    const session = await counting();
    answer = () => 'failed';
    await db.tx((tx) => eraseGuest(tx, house.merchantId, session.guestId, house.time.now), {
      tenant: house.merchantId,
    });
    await round();
    await forgetSessionClients(db, session.expiresAt.getTime() + 2 * HOUR);
    expect(await kicks()).toEqual([]);
  });
});

describe('a controller’s list', () => {
  let list: LiveClient[] | null | Error;
  const polls = (more = {}) =>
    createPolls({ db, clock: () => house.time.now, log: { warn: () => undefined }, ...more });
  const lister = {
    poll: async () => {
      if (list instanceof Error) throw list;
      return list;
    },
  };
  const poll = () => polls().run(lister, house.time.now);
  beforeEach(() => kindOf(house.gatewayId, 'unifi'));

  test('counts, and ends who is not on it any more', async () => {
    const stays = await inside();
    const goes = await inside();
    const now = new Date(house.time.now + 9 * MINUTE + 30 * SECOND);
    const fresh = await inside({ grantedAt: now, confirmedAt: now });
    house.time.now += 10 * MINUTE;
    list = [
      { mac: stays.mac.toUpperCase(), bytesIn: 77, bytesOut: 7, seconds: 600, ip: '10.0.0.3' },
    ];
    expect(await poll()).toBe(1);
    expect(await row(stays.id)).toMatchObject({ state: 'active', bytes_in: 77, ip: '10.0.0.3' });
    expect(await row(goes.id)).toMatchObject({ state: 'ended', end_reason: 'not-listed' });
    expect(await row(fresh.id)).toMatchObject({ state: 'active' });
    expect(await endings()).toEqual([{ id: goes.id, reason: 'not-listed' }]);
    house.time.now += MINUTE;
    list = [...list, { mac: goes.mac, bytesIn: 5, seconds: 660 }];
    await poll();
    expect(await row(goes.id)).toMatchObject({ state: 'active', bytes_in: 5 });
  });

  test('that leaves out a phone asleep ends it only when it stays away', async () => {
    const [dozes, goes] = [await inside(), await inside()];
    const both = [{ mac: dozes.mac, bytesIn: 5 }, { mac: goes.mac }];
    house.time.now += 2 * MINUTE;
    list = both;
    await poll();
    list = [];
    for (let minute = 0; minute < 2; minute++) {
      house.time.now += MINUTE;
      await poll();
      await endQuietSessions(db, house.time.now);
    }
    expect(await endings()).toEqual([]);
    const left = house.time.now - MINUTE;
    list = both.slice(0, 1);
    for (let minute = 0; minute < 3; minute++) {
      house.time.now += MINUTE;
      await poll();
      await endQuietSessions(db, house.time.now);
    }
    expect(await endings()).toEqual([{ id: goes.id, reason: 'not-listed' }]);
    expect(await row(goes.id)).toMatchObject({ ended_at: new Date(left) });
    expect(await row(dozes.id)).toMatchObject({ state: 'active', bytes_in: 5, left_at: null });
  });

  test.each([
    ['counted before', [{ bytesIn: 5 }]],
    ['never counted', []],
  ])(
    'shows who should be out, %s: they are put out again; strangers are not',
    async (_n, first) => {
      const ours = await inside();
      list = first.map((counted) => ({ mac: ours.mac, ...counted }));
      if (list.length > 0) await poll();
      await db.query(
        `update session_legs set ended_at = $2, inferred = true where session_id = $1`,
        [ours.id, new Date(house.time.now)],
      );
      house.time.now += MINUTE;
      await db.query(
        `update sessions set state = 'ended', end_reason = 'blocked', ended_at = $2 where id = $1`,
        [ours.id, new Date(house.time.now)],
      );
      list = [{ mac: ours.mac }, { mac: makeMac() }];
      await poll();
      await round();
      expect(asked).toMatchObject([{ sessionId: ours.id, mac: ours.mac, reason: 'blocked' }]);
      list = [];
      await poll();
      await round();
      expect(asked).toHaveLength(1);
    },
  );

  test('that cannot be had ends nobody; where there is none to ask nothing happens', async () => {
    const session = await inside();
    house.time.now += 10 * MINUTE;
    list = new Error('connection refused');
    expect(await poll()).toBe(0);
    list = null;
    expect(await poll()).toBe(0);
    await endQuietSessions(db, house.time.now);
    expect(await row(session.id)).toMatchObject({ state: 'active' });
    expect(await noticesOf(db, house.merchantId, house.store.id, 10)).toEqual([]);
  });

  test('that comes, or takes too long, is what staff reads of the controller', async () => {
    await inside();
    const codes = async () =>
      (await noticesOf(db, house.merchantId, house.store.id, 10)).map(({ code }) => code);
    list = [];
    expect(await poll()).toBe(1);
    expect(await codes()).toEqual(['controller-ok']);
    house.time.now += MINUTE;
    const never = { poll: () => new Promise<never>(() => undefined) };
    expect(await polls({ patienceMs: 1 }).run(never, house.time.now)).toBe(0);
    expect(await codes()).toEqual(['controller-unreachable', 'controller-ok']);
  });
});
