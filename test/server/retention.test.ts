/** Nothing is kept longer than its store says, each class by itself, and a line says what went. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { forgetApprovals } from '../../server/approvals/approvals.ts';
import { forgetCodes } from '../../server/codes/codes.ts';
import { eraseGuest, exportGuest } from '../../server/guests/erase.ts';
import { forgetStandIns } from '../../server/guests/identity-queries.ts';
import { forgetMessages } from '../../server/messages/deliver.ts';
import {
  forgetLogged,
  forgetSessionLog,
  keepNoLonger,
  keepSessionLog,
} from '../../server/retention/retention.ts';
import { createDoors } from '../../server/sessions/accounting.ts';
import { dropExpiredDevices } from '../../server/sessions/known-devices.ts';
import { reviveSession } from '../../server/sessions/live-queries.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.release());

const { NOON } = make;
const DAY = 86_400_000;
const HOUR = 3_600_000;
const ago = (days: number): Date => new Date(NOON - days * DAY);

let merchantId: string;
let storeId: string;
let gatewayId: string;
let guestId: string;
const setUp = async (country: string, settings: object = {}) => {
  merchantId = (await make.makeMerchant(database.db)).id;
  storeId = (await make.makeStore(database.db, merchantId, { country, settings })).id;
  gatewayId = (await make.makeGateway(database.db, merchantId, storeId)).id;
  const seen = { lastSeenAt: ago(1), createdAt: ago(2000) };
  guestId = (await make.makeGuest(database.db, merchantId, seen)).id;
};
beforeEach(() => setUp('BR', { retention: { sessionsDays: 10, messagesDays: 3, codesDays: 1 } }));

const count = async (table: string): Promise<number> =>
  (await database.db.query(`select 1 from ${table} where merchant_id = $1`, [merchantId])).rows
    .length;
const log = async () =>
  (
    await database.db.query(
      'select class, store_id, removed from retention_log where merchant_id = $1 order by class, store_id',
      [merchantId],
    )
  ).rows;
const session = (endedAt: Date | null) =>
  make.makeSession(
    database.db,
    { merchantId, storeId, gatewayId, guestId },
    endedAt === null
      ? { state: 'active', grantedAt: ago(500) }
      : { state: 'ended', grantedAt: new Date(endedAt.getTime() - 3_600_000), endedAt },
  );

describe('each class goes by itself', () => {
  test('sessions that ended, never those that last', async () => {
    for (const at of [ago(11), ago(10.01), ago(9), null]) await session(at);
    await keepNoLonger(database.db, NOON);
    expect(await count('sessions')).toBe(2);
    expect(await log()).toEqual([{ class: 'sessionsDays', store_id: storeId, removed: 2 }]);
    await keepNoLonger(database.db, NOON);
    expect(await log()).toHaveLength(1);
  });

  test('what goes on one day is one line, however often the day is asked', async () => {
    for (const at of [ago(11), ago(10.1)]) await session(at);
    const line = (removed: number) => ({ class: 'sessionsDays', store_id: storeId, removed });
    await keepNoLonger(database.db, NOON);
    await session(ago(10));
    await keepNoLonger(database.db, NOON + 3_600_000);
    expect(await log()).toEqual([line(3)]);
    await session(ago(9.5));
    await keepNoLonger(database.db, NOON + 13 * 3_600_000);
    expect(await log()).toEqual(expect.arrayContaining([line(1), line(3)]));
    expect(await log()).toHaveLength(2);
  });

  test('messages and codes', async () => {
    for (const days of [2, 4]) {
      await make.makeMessage(database.db, merchantId, { storeId, createdAt: ago(days) });
      await make.makeCode(database.db, merchantId, storeId, { sentAt: ago(days / 3) });
    }
    await keepNoLonger(database.db, NOON);
    expect(await log()).toEqual([
      { class: 'codesDays', store_id: storeId, removed: 1 },
      { class: 'messagesDays', store_id: storeId, removed: 1 },
    ]);
  });

  test('visits that are over', async () => {
    await setUp('DE', { retention: { visitsDays: 100 } });
    const fence = await make.makeFence(database.db, merchantId, { storeId });
    const device = await make.makeDevice(database.db, merchantId, { guestId });
    const at = { merchantId, fenceId: fence.id, deviceId: device.id };
    for (const [status, days] of [
      ['final', 101],
      ['final', 99],
      ['open', 150],
    ] as const) {
      const exitAt = status === 'open' ? null : ago(days);
      const times = { entryAt: ago(days + 1), exitAt };
      await make.makeVisit(database.db, at, { storeId, status, ...times });
      await make.makeVisit(database.db, at, { status, ...times });
    }
    await keepNoLonger(database.db, NOON);
    expect(await count('visits')).toBe(4);
    const gone = { class: 'visitsDays', removed: 1 };
    expect(await log()).toEqual([
      { ...gone, store_id: storeId },
      { ...gone, store_id: null },
    ]);
  });

  test('guests who did not come back, by the longest of the merchant’s stores', async () => {
    await setUp('BR', { retention: { guestsDays: 100 } });
    await make.makeStore(database.db, merchantId, {
      country: 'BR',
      settings: { retention: { guestsDays: 200 } },
    });
    const guests: string[] = [];
    for (const days of [201, 150, 300]) {
      guests.push((await make.makeGuest(database.db, merchantId, { lastSeenAt: ago(days) })).id);
    }
    // A session that lasts, and an app that still pings, keep their guests.
    await make.makeSession(database.db, { merchantId, storeId, gatewayId, guestId: guests[2]! });
    await keepNoLonger(database.db, NOON);
    const { rows } = await database.db.query<{ id: string }>(
      'select id from guests where merchant_id = $1',
      [merchantId],
    );
    expect(new Set(rows.map((row) => row.id))).toEqual(new Set([guestId, guests[1], guests[2]]));
    expect(await log()).toEqual([{ class: 'guestsDays', store_id: null, removed: 1 }]);
  });

  test('what fails for one merchant keeps nobody else’s records', async () => {
    await setUp('BR', { retention: { guestsDays: 100 } });
    const stuck = merchantId;
    const { id } = await make.makeGuest(database.db, stuck, { lastSeenAt: ago(200) });
    await database.db.query(
      `create function stay() returns trigger language plpgsql as $$ begin
         if old.id = '${id}' then raise exception 'not this one'; end if; return old; end $$;
       create trigger stay before delete on guests for each row execute function stay()`,
    );
    await setUp('BR', { retention: { guestsDays: 100, sessionsDays: 10 } });
    await make.makeGuest(database.db, merchantId, { lastSeenAt: ago(200) });
    try {
      await expect(keepNoLonger(database.db, NOON)).rejects.toThrow('not this one');
    } finally {
      await database.db.query('drop function stay cascade');
    }
    expect(await log()).toEqual([{ class: 'guestsDays', store_id: null, removed: 1 }]);
    expect(await count('guests')).toBe(1);
  });

  test('the usual of a country holds where the store says nothing', async () => {
    await setUp('DE');
    await session(ago(61));
    await session(ago(59));
    await keepNoLonger(database.db, NOON);
    expect(await count('sessions')).toBe(1);
  });

  test('one store’s days say nothing about another’s', async () => {
    await session(ago(11));
    const mine = merchantId;
    await setUp('BR', { retention: { sessionsDays: 100 } });
    await session(ago(11));
    await keepNoLonger(database.db, NOON);
    expect(await count('sessions')).toBe(1);
    merchantId = mine;
    expect(await count('sessions')).toBe(0);
  });
});

describe('whatever goes leaves a line', () => {
  const line = (kind: string, at: string | null = storeId) => [
    { class: kind, store_id: at, removed: 1 },
  ];

  test.each([
    ['a hardware address', 'addresses', () => session(ago(31)), forgetLogged],
    [
      'a code by its age',
      'codesDays',
      () => make.makeCode(database.db, merchantId, storeId, { sentAt: ago(3) }),
      forgetCodes,
    ],
    [
      'a message by its age',
      'messagesDays',
      () => make.makeMessage(database.db, merchantId, { storeId, createdAt: ago(8) }),
      forgetMessages,
    ],
    [
      'a request to staff',
      'requests',
      () => make.makeApproval(database.db, merchantId, storeId, { askedAt: ago(31) }),
      forgetApprovals,
    ],
    [
      'a remembered device',
      'known-devices',
      () =>
        make.makeKnownDevice(
          database.db,
          { merchantId, storeId, guestId },
          { expiresAt: ago(0.01) },
        ),
      dropExpiredDevices,
    ],
  ] as const)('%s', async (_name, kind, make, forget) => {
    await make();
    await forget(database.db, NOON);
    expect(await log()).toEqual(line(kind));
    await forget(database.db, NOON);
    expect(await log()).toHaveLength(1);
  });

  test('a client that nobody let in', async () => {
    const doors = createDoors({ db: database.db, clock: () => NOON - 2 * DAY });
    const report = { kind: 'interim', mac: make.makeMac(), nasSession: 'n' } as const;
    await doors.report({ id: storeId, merchantId }, gatewayId, { ...report, at: NOON - 2 * DAY });
    await forgetLogged(database.db, NOON);
    expect(await log()).toEqual(line('strangers'));
  });

  test('a guest of grace only, and one who asked to be forgotten', async () => {
    await database.db.query('update guests set provisional = true where id = $1', [guestId]);
    await forgetStandIns(database.db, NOON, NOON);
    expect(await log()).toEqual(line('grace', null));
    const { id } = await make.makeGuest(database.db, merchantId);
    await database.db.tx((tx) => eraseGuest(tx, merchantId, id, NOON), { tenant: merchantId });
    expect(await log()).toEqual([...line('erasure', null), ...line('grace', null)]);
  });
});

describe('the log that some laws demand', () => {
  const entries = async () =>
    (
      await database.db.query<{ account: string; mac: string; keep_until: Date }>(
        'select account, mac, keep_until from session_log where merchant_id = $1',
        [merchantId],
      )
    ).rows;

  test('is written once per session that ended, and kept for six months', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const ended = await session(ago(2));
    await session(null);
    await keepSessionLog(database.db, NOON);
    await keepSessionLog(database.db, NOON);
    const kept = await entries();
    expect(kept).toMatchObject([{ mac: ended.mac }]);
    expect(kept[0]?.account).toMatch(/^\+44/);
    const until = ago(2).getTime() + 180 * DAY;
    expect(kept[0]?.keep_until.getTime()).toBe(until);
    await forgetSessionLog(database.db, until - 1);
    expect(await entries()).toHaveLength(1);
    await forgetSessionLog(database.db, until);
    expect(await entries()).toEqual([]);
    expect(await log()).toEqual([{ class: 'session-log', store_id: storeId, removed: 1 }]);
  });

  test('waits until an end is final: it holds what was counted, and who came back, once', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const { db } = database;
    const gone = await session(new Date(NOON - HOUR / 2));
    const quiet = await session(new Date(NOON - 3 * HOUR));
    await db.query(
      `update sessions set end_reason = 'lost-carrier', expires_at = $2 where id = $1`,
      [quiet.id, new Date(NOON + HOUR)],
    );
    await keepSessionLog(db, NOON);
    expect(await entries()).toEqual([]);
    await db.query('update sessions set bytes_in = 7 where id = $1', [gone.id]);
    await db.query(`update sessions set ended_at = $2, end_reason = 'expired' where id = $1`, [
      quiet.id,
      new Date(NOON + HOUR),
    ]);
    await keepSessionLog(db, NOON + 3 * HOUR);
    const kept = await db.query(
      'select mac, bytes_in, ended_at from session_log where merchant_id = $1 order by ended_at',
      [merchantId],
    );
    expect(kept.rows).toEqual([
      { mac: gone.mac, bytes_in: 7, ended_at: new Date(NOON - HOUR / 2) },
      { mac: quiet.mac, bytes_in: 0, ended_at: new Date(NOON + HOUR) },
    ]);
  });

  test('an end that was inferred is final after a day', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const { id } = await session(ago(1));
    await database.db.query(
      `update sessions set end_reason = 'not-listed', expires_at = $2 where id = $1`,
      [id, ago(-20)],
    );
    await keepSessionLog(database.db, NOON - 1);
    expect(await entries()).toEqual([]);
    await keepSessionLog(database.db, NOON);
    expect(await entries()).toHaveLength(1);
    expect(await reviveSession(database.db, merchantId, id, NOON)).toBe(false);
    await database.db.query('update sessions set ended_at = $2 where id = $1', [
      id,
      new Date(NOON - HOUR),
    ]);
    expect(await reviveSession(database.db, merchantId, id, NOON)).toBe(true);
  });

  test('nobody is in it who asked and was never let in', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const { id } = await session(ago(2));
    await database.db.query('update sessions set confirmed_at = null where id = $1', [id]);
    await keepSessionLog(database.db, NOON);
    expect(await entries()).toEqual([]);
  });

  test('is whole before an address is forgotten, however long the house was down', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const { id, mac } = await session(ago(40));
    const nas = mac.replaceAll(':', '-');
    await database.db.query('update sessions set nas_user_name = $2 where id = $1', [id, nas]);
    await forgetLogged(database.db, NOON);
    expect(await entries()).toMatchObject([{ mac }]);
    const { rows } = await database.db.query(
      'select mac, client_key, nas_user_name from sessions where id = $1',
      [id],
    );
    expect(rows).toEqual([{ mac: '', client_key: '', nas_user_name: null }]);
  });

  test('says which address was whose when, over every network session', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const { db } = database;
    const { id, mac } = await session(ago(2));
    const doors = createDoors({ db, clock: () => NOON - 2 * DAY });
    const said = async (nasSession: string, minute: number, ip: string) => {
      const at = NOON - 2 * DAY - HOUR + minute * 60_000;
      const report = { kind: 'interim', mac, nasSession, sessionId: id, at, ip } as const;
      await doors.report({ id: storeId, merchantId }, gatewayId, report);
    };
    await said('first', 0, '10.0.0.7');
    await said('first', 10, '10.0.0.7');
    await said('first', 20, '10.0.0.9');
    await said('second', 30, '2001:db8::9');
    await keepSessionLog(db, NOON);
    const { rows } = await db.query(
      `select ip, addresses from session_log where merchant_id = $1`,
      [merchantId],
    );
    const held = (ip: string, from: string, to: string) => ({
      ip,
      from: `2026-11-15T11:${from}:00.000Z`,
      to: `2026-11-15T11:${to}:00.000Z`,
    });
    expect(rows).toEqual([
      {
        ip: '2001:db8::9',
        addresses: [
          held('10.0.0.7', '00', '10'),
          held('10.0.0.9', '20', '20'),
          held('2001:db8::9', '30', '30'),
        ],
      },
    ]);
  });

  test.each([
    ['a card', 'member_cards', 'number'],
    ['an identity elsewhere', 'guest_identities', `issuer || ' ' || subject`],
  ])('names who came by %s, and is in their record', async (_name, table, name) => {
    await setUp('CN', { methods: ['member-card'] });
    const { db } = database;
    await db.query('update guests set phone = null, email = null where id = $1', [guestId]);
    await make.makeMemberCard(db, merchantId, table === 'member_cards' ? { guestId } : {});
    if (table === 'guest_identities') await make.makeGuestIdentity(db, merchantId, guestId);
    const [{ account }] = (
      await db.query<{ account: string }>(
        `select ${name} as account from ${table} where guest_id = $1`,
        [guestId],
      )
    ).rows as [{ account: string }];
    const [known, forgotten] = [await session(ago(2)), await session(ago(3))];
    await keepSessionLog(db, NOON);
    expect((await entries()).map((entry) => entry.account)).toEqual([account, account]);
    await db.query('delete from sessions where id = $1', [forgotten.id]);
    const record = await exportGuest(db, merchantId, guestId);
    expect(record.sections.log.map((entry) => entry['session_id'])).toEqual([
      forgotten.id,
      known.id,
    ]);
  });

  test('is in nobody else’s record, although they have the number now', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    const { db } = database;
    await session(ago(2));
    await keepSessionLog(db, NOON);
    const [{ account: phone }] = (await entries()) as unknown as [{ account: string }];
    await db.query('update guests set phone = $2 where id = $1', [guestId, make.makePhone()]);
    const other = await make.makeGuest(db, merchantId, { phone });
    expect((await exportGuest(db, merchantId, other.id)).sections.log).toEqual([]);
    expect((await exportGuest(db, merchantId, guestId)).sections.log).toHaveLength(1);
  });

  test('is not written where no law asks', async () => {
    await session(ago(2));
    await keepSessionLog(database.db, NOON);
    expect(await entries()).toEqual([]);
  });

  test('no tenant may change it', async () => {
    await setUp('CN', { methods: ['sms-code'] });
    await session(ago(2));
    await keepSessionLog(database.db, NOON);
    for (const text of ['update session_log set account = null', 'delete from session_log']) {
      await expect(database.db.tx((tx) => tx.query(text), { tenant: merchantId })).rejects.toThrow(
        /permission denied/,
      );
    }
  });
});
