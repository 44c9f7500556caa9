/** One session from many network sessions: reports in any order, roaming, restarts, silence, claims and notices. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SessionReport } from '../../portal/ports-network.ts';
import type { Database } from '../../server/db/database.ts';
import { endQuietSessions, forgetSessionClients } from '../../server/sessions/accounting.ts';
import { createGrantMemory } from '../../server/sessions/memory.ts';
import { createNetwork } from '../../server/sessions/network.ts';
import { createNotices, forgetNotices } from '../../server/sessions/notices.ts';
import { noticesOf } from '../../server/sessions/notice-queries.ts';
import { makeGateway, makeGuest, makeMac, makeSession, makeStore } from '../support/make.ts';
import { openReception, receptionEach } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

let db: Database;
let house: Reception;
let names = 0;

receptionEach(async (opened, over) => {
  [house, db] = [opened, over];
  await db.query(`update gateways set kind = 'radius' where id = $1`, [house.gatewayId]);
});

/** Somebody inside since NOON, at a gateway of the house. */
async function inside(over: NonNullable<Parameters<typeof makeSession>[2]> = {}) {
  const guest = await makeGuest(db, house.merchantId);
  const { store, gatewayId, merchantId } = house;
  const at = { merchantId, storeId: store.id, gatewayId, guestId: guest.id };
  const session = await makeSession(db, at, over);
  return { ...session, nas: `nas-${++names}` };
}

type Said = Partial<SessionReport> & Pick<SessionReport, 'kind' | 'mac'>;
const say = (said: Said, gatewayId = house.gatewayId, at = house) =>
  at.doors.report!(at.store, gatewayId, { nasSession: 'n', at: house.time.now, ...said });

async function row(id: string) {
  const [found] = await house.rows<Record<string, unknown>>(
    'select * from sessions where id = $1',
    [id],
  );
  return found;
}
const legs = (id: string) =>
  house.rows('select * from session_legs where session_id = $1 order by started_at', [id]);
const events = (type: string) =>
  house.rows<{ id: string; reason: string | null; at: string }>(
    `select payload ->> 'sessionId' as id, payload ->> 'reason' as reason, payload ->> 'at' as at
     from outbox where merchant_id = $1 and type = $2 order by seq`,
    [house.merchantId, type],
  );
const anotherGateway = async (kind = 'radius') => {
  const gateway = await makeGateway(db, house.merchantId, house.store.id);
  await db.query('update gateways set kind = $2 where id = $1', [gateway.id, kind]);
  return gateway.id;
};

describe('reports of one network session', () => {
  test('count up, beyond 32 bits, and say that the client may stay', async () => {
    const { id, mac, nas, expiresAt } = await inside();
    await say({ kind: 'start', mac, nasSession: nas });
    house.time.now += 5 * MINUTE;
    const bytes = 3 * 2 ** 32 + 7;
    const said: Said = {
      kind: 'interim',
      mac,
      nasSession: nas,
      seconds: 300,
      bytesIn: bytes,
      bytesOut: 11,
    };
    const verdict = await say({ ...said, ip: '10.0.0.9', ap: '02:00:00:00:0a:01', ssid: 'Cafe' });
    expect(verdict).toEqual({ allowed: true, sessionId: id, expiresAt: expiresAt.getTime() });
    expect(await row(id)).toMatchObject({ bytes_in: bytes, bytes_out: 11, ip: '10.0.0.9' });
    expect(await legs(id)).toMatchObject([
      { nas_session: nas, seconds: 300, ssid: 'Cafe', ap: '02:00:00:00:0a:01', ended_at: null },
    ]);
  });

  test('in any order and repeated, restarts of the gateway included, come to the same totals', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5], { minLength: 12 }),
        async (order) => {
          const { id, mac, nas } = await inside();
          const start = house.time.now - 60 * MINUTE;
          const again = start + 30 * MINUTE;
          const said: Said[] = [
            { kind: 'start', mac, at: start },
            {
              kind: 'interim',
              mac,
              at: start + 300_000,
              seconds: 300,
              bytesIn: 5000,
              bytesOut: 50,
            },
            {
              kind: 'interim',
              mac,
              at: start + 600_000,
              seconds: 600,
              bytesIn: 2 ** 33,
              bytesOut: 90,
            },
            { kind: 'start', mac, at: again },
            { kind: 'interim', mac, at: again + 300_000, seconds: 300, bytesIn: 70, bytesOut: 7 },
            {
              kind: 'stop',
              mac,
              at: again + 600_000,
              seconds: 600,
              bytesIn: 80,
              bytesOut: 8,
              reason: 'x',
            },
          ];
          await db.query('update sessions set granted_at = $2 where id = $1', [
            id,
            new Date(start),
          ]);
          for (const i of order) await say({ ...said[i]!, nasSession: nas, sessionId: id });
          expect(await row(id)).toMatchObject({ bytes_in: 2 ** 33 + 80, bytes_out: 98 });
          expect(await legs(id)).toHaveLength(2);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('all at once are as one', async () => {
    const { id, mac, nas } = await inside();
    const said: Said = { kind: 'interim', mac, nasSession: nas, seconds: 60, bytesIn: 9 };
    await Promise.all(Array.from({ length: 6 }, () => say(said)));
    expect(await legs(id)).toHaveLength(1);
    expect(await row(id)).toMatchObject({ bytes_in: 9 });
  });

  test('with Class confirm a session whose access was granted while storage was away', async () => {
    const { id, mac, nas } = await inside({ state: 'pending', confirmedAt: null });
    const verdict = await say({ kind: 'start', mac, nasSession: nas, sessionId: id });
    expect(verdict).toMatchObject({ allowed: true, sessionId: id });
    expect(await row(id)).toMatchObject({
      state: 'active',
      confirmed_at: new Date(house.time.now),
    });
    expect((await events('session.started')).map((event) => event.id)).toEqual([id]);
  });

  test.each([
    ['nonsense', { at: Number.NaN, seconds: -5, bytesIn: -1, bytesOut: Number.NaN }],
    ['a clock of 1970', { at: 5000, seconds: 2 ** 40, bytesIn: Number.POSITIVE_INFINITY }],
    ['control characters', { nasSession: 'a\u0000b', reason: '<x>\n'.repeat(50), ssid: 'a\u0000' }],
    [
      'long words',
      { nasSession: 'n'.repeat(999), ip: '9'.repeat(99), multiSession: 'm'.repeat(999) },
    ],
  ])('that say %s are kept within bounds', async (_name, over) => {
    const { id, mac } = await inside();
    await say({ kind: 'stop', mac, sessionId: id, ...over });
    expect(await legs(id)).toHaveLength(1);
    expect(await row(id)).toMatchObject({ bytes_in: 0, bytes_out: 0 });
  });

  test('of clients that were never let in are kept apart, and forgotten after a day', async () => {
    const mac = makeMac();
    const unknown = { allowed: false, reason: 'unknown' };
    expect(await say({ kind: 'interim', mac, seconds: 60, bytesIn: 5 })).toEqual(unknown);
    expect(await say({ kind: 'interim', mac: 'nonsense' })).toEqual(unknown);
    const strangers = 'select session_id from session_legs where mac = $1';
    expect(await house.rows(strangers, [mac])).toEqual([{ session_id: null }]);
    await forgetSessionClients(db, house.time.now + DAY + 1);
    expect(await house.rows(strangers, [mac])).toEqual([]);
  });

  test('of other merchants reach nothing here', async () => {
    const { id, mac, nas } = await inside();
    const other = await openReception(db);
    const stop: Said = {
      kind: 'stop',
      mac,
      nasSession: nas,
      sessionId: id,
      bytesIn: 5,
      reason: 'user-request',
    };
    expect(await say(stop, other.gatewayId, other)).toMatchObject({ allowed: false });
    expect(await say(stop, house.gatewayId, other)).toMatchObject({ allowed: false });
    expect(await row(id)).toMatchObject({ state: 'active', bytes_in: 0 });
    expect(await legs(id)).toEqual([]);
  });
});

describe('a client that moves', () => {
  /** Six minutes at one access point, then on at another gateway of the store. */
  async function moved(clue: Partial<SessionReport>) {
    const guest = await inside();
    const { mac, nas } = guest;
    const there = await anotherGateway();
    await say({ kind: 'start', mac, nasSession: nas, ...clue });
    house.time.now += 6 * MINUTE;
    await say({
      kind: 'stop',
      mac,
      nasSession: nas,
      seconds: 360,
      bytesIn: 100,
      reason: 'lost-carrier',
      ...clue,
    });
    house.time.now += MINUTE;
    await say({ kind: 'start', mac, nasSession: 'other', ...clue }, there);
    house.time.now += MINUTE;
    await say(
      { kind: 'interim', mac, nasSession: 'other', seconds: 60, bytesIn: 30, ...clue },
      there,
    );
    return { ...guest, there };
  }

  test.each([
    ['the hardware address', {}],
    ['a name that joins access points', { multiSession: 'multi-1' }],
  ])('keeps one session by %s, whose bytes are the sum', async (_name, clue) => {
    const { id } = await moved(clue);
    await endQuietSessions(db, house.time.now + 2 * MINUTE);
    expect(await row(id)).toMatchObject({ state: 'active', bytes_in: 130 });
    expect(await legs(id)).toHaveLength(2);
    expect(await events('session.ended')).toEqual([]);
  });

  test('ends once it left and did not come back, when it was last seen', async () => {
    const { id, mac, there } = await moved({});
    const gone = house.time.now;
    await say(
      { kind: 'stop', mac, nasSession: 'other', seconds: 60, bytesIn: 31, reason: 'idle-timeout' },
      there,
    );
    await endQuietSessions(db, gone + 2 * MINUTE);
    expect(await row(id)).toMatchObject({ state: 'active' });
    await endQuietSessions(db, gone + 4 * MINUTE);
    expect(await row(id)).toMatchObject({
      state: 'ended',
      end_reason: 'idle-timeout',
      ended_at: new Date(gone),
      bytes_in: 131,
    });
    expect(await events('session.ended')).toMatchObject([{ id, reason: 'idle-timeout' }]);
  });

  test('ends at once by their own sign-out, but not while another access point counts them', async () => {
    const { id, mac, there, nas } = await moved({});
    await say({ kind: 'start', mac, nasSession: `${nas}-b` });
    await say(
      { kind: 'stop', mac, nasSession: 'other', seconds: 60, reason: 'user-request' },
      there,
    );
    expect(await row(id)).toMatchObject({ state: 'active' });
    await say({ kind: 'stop', mac, nasSession: `${nas}-b`, seconds: 0, reason: 'user-request' });
    expect(await row(id)).toMatchObject({ state: 'ended', end_reason: 'user-request' });
  });

  test('is counted by two gateways at once, and both count', async () => {
    const { id, mac, nas } = await inside();
    const there = await anotherGateway();
    const counted = { kind: 'interim', mac, seconds: 60, bytesOut: 1 } as const;
    await Promise.all(
      [1, 2, 3].flatMap((n) => [
        say({ ...counted, nasSession: nas, bytesIn: n * 10 }),
        say({ ...counted, nasSession: 'other', bytesIn: n * 100 }, there),
      ]),
    );
    expect(await legs(id)).toHaveLength(2);
    expect(await row(id)).toMatchObject({ bytes_in: 330, bytes_out: 2, state: 'active' });
  });

  test('has left although its beginning is heard of after its end, and again hours later', async () => {
    const { id, mac, nas } = await inside();
    const begun = house.time.now;
    house.time.now += 10 * MINUTE;
    const stop: Said = {
      kind: 'stop',
      mac,
      nasSession: nas,
      seconds: 600,
      bytesIn: 50,
      reason: 'user-request',
    };
    await say(stop);
    const interim: Said = { ...stop, kind: 'interim', seconds: 300, bytesIn: 20 };
    await say({ ...interim, at: begun + 5 * MINUTE });
    await say({ kind: 'start', mac, nasSession: nas, at: begun });
    const ended = await row(id);
    expect(ended).toMatchObject({ state: 'ended', end_reason: 'user-request', bytes_in: 50 });
    house.time.now += 180 * MINUTE;
    await say({ ...stop, sessionId: id });
    expect(await row(id)).toMatchObject({ bytes_in: 50, ended_at: ended?.['ended_at'] });
    expect(await legs(id)).toHaveLength(1);
    expect(await events('session.ended')).toHaveLength(1);
  });

  test('and signs in anew: a late end of the old session is not the new one’s', async () => {
    const { id, mac, nas } = await inside();
    house.time.now += 60 * MINUTE;
    const fresh = await inside({
      mac,
      grantedAt: new Date(house.time.now),
      confirmedAt: new Date(house.time.now),
    });
    await db.query(
      `update sessions set state = 'ended', end_reason = 'replaced', ended_at = now() where id = $1`,
      [id],
    );
    await say({
      kind: 'stop',
      mac,
      nasSession: nas,
      at: house.time.now - 30 * MINUTE,
      seconds: 600,
      reason: 'user-request',
    });
    expect(await row(fresh.id)).toMatchObject({ state: 'active' });
    expect(await legs(fresh.id)).toEqual([]);
  });
});

describe('silence and restarts', () => {
  const interim = (mac: string, nas: string, seconds: number): Said => ({
    kind: 'interim',
    mac,
    nasSession: nas,
    seconds,
    bytesIn: seconds,
  });
  const network = () =>
    createNetwork({
      db,
      clock: () => house.time.now,
      log: { warn: () => undefined },
      secret: Buffer.alloc(48),
      memory: createGrantMemory(() => house.time.now),
    });
  const peer = () => ({
    store: house.store,
    gateway: { id: house.gatewayId, kind: 'radius' as const, name: 'r' },
  });

  test('of one client while the gateway speaks is a departure; a later sign of life takes it back', async () => {
    const { id, mac, nas } = await inside();
    house.time.now += 5 * MINUTE;
    await say(interim(mac, nas, 300));
    const last = house.time.now;
    house.time.now += 20 * MINUTE;
    await endQuietSessions(db, house.time.now);
    expect(await row(id)).toMatchObject({ state: 'active' });
    await house.doors.heard!(house.store, house.gatewayId);
    await endQuietSessions(db, house.time.now);
    expect(await row(id)).toMatchObject({
      state: 'ended',
      end_reason: 'lost-carrier',
      ended_at: new Date(last),
    });
    expect(await say(interim(mac, nas, 1500))).toMatchObject({ allowed: true });
    expect(await row(id)).toMatchObject({ state: 'active', ended_at: null, bytes_in: 1500 });
  });

  test('of a gateway that tells nothing between beginning and end is none', async () => {
    const { id, mac, nas } = await inside();
    await say({ kind: 'start', mac, nasSession: nas });
    house.time.now += 60 * MINUTE;
    await house.doors.heard!(house.store, house.gatewayId);
    await endQuietSessions(db, house.time.now);
    expect(await row(id)).toMatchObject({ state: 'active' });
  });

  test('a gateway that restarted has nobody inside; who comes back within moments goes on', async () => {
    const back = await inside();
    const gone = await inside();
    const uncounted = await inside();
    const elsewhere = await inside({ gatewayId: await anotherGateway() });
    house.time.now += 5 * MINUTE;
    await say(interim(back.mac, back.nas, 300));
    await say(interim(gone.mac, gone.nas, 300));
    house.time.now += MINUTE;
    await network().restarted(peer(), house.time.now);
    house.time.now += MINUTE;
    await say({ kind: 'start', mac: back.mac, nasSession: back.nas, sessionId: back.id });
    house.time.now += 4 * MINUTE;
    await say({ ...interim(back.mac, back.nas, 240), bytesIn: 7 });
    await endQuietSessions(db, house.time.now);
    expect(await row(back.id)).toMatchObject({ state: 'active', bytes_in: 307 });
    expect(await row(gone.id)).toMatchObject({ state: 'ended', end_reason: 'nas-reboot' });
    expect(await row(uncounted.id)).toMatchObject({ state: 'ended', end_reason: 'nas-reboot' });
    expect(await row(elsewhere.id)).toMatchObject({ state: 'active' });
  });
});

describe('a restart told of late', () => {
  test('ends whom the gateway counted before it, not who came in after it', async () => {
    const [before, after] = [await inside(), await inside()];
    await say({ kind: 'interim', mac: before.mac, nasSession: before.nas, seconds: 60 });
    const restart = (house.time.now += 5 * MINUTE);
    house.time.now += 20 * MINUTE;
    await say({ kind: 'interim', mac: after.mac, nasSession: after.nas, seconds: 900 });
    const network = createNetwork({
      db,
      clock: () => house.time.now,
      log: { warn: () => undefined },
      secret: Buffer.alloc(48),
      memory: createGrantMemory(() => house.time.now),
    });
    const gateway = { id: house.gatewayId, kind: 'radius' as const, name: 'r' };
    await network.restarted({ store: house.store, gateway }, restart);
    expect(await legs(before.id)).toMatchObject([{ end_reason: 'nas-reboot', inferred: true }]);
    expect(await legs(after.id)).toMatchObject([{ ended_at: null }]);
  });
});

describe('a gateway that lets in by token', () => {
  const token = () => `${++names}`.padStart(32, 't');
  const claim = (shown: { token: string; mac: string; ip?: string }, from = house) =>
    from.doors.claim!(from.store, house.gatewayId, shown);
  const unknown = { allowed: false, reason: 'unknown' };

  /** Somebody with a deposit at a WiFiDog. */
  async function deposited(over: NonNullable<Parameters<typeof makeSession>[2]> = {}) {
    await db.query(`update gateways set kind = 'wifidog' where id = $1`, [house.gatewayId]);
    const rhid = token();
    const now = new Date(house.time.now);
    return {
      ...(await inside({ state: 'pending', confirmedAt: null, rhid, depositedAt: now, ...over })),
      rhid,
    };
  }

  test('has it confirmed once, for the very client it was granted to', async () => {
    const { id, mac, rhid } = await deposited();
    expect(await claim({ token: rhid, mac: makeMac() })).toEqual(unknown);
    expect(await claim({ token: token(), mac })).toEqual(unknown);
    expect(await claim({ token: `${rhid}\u0000`, mac })).toEqual(unknown);
    expect(await claim({ token: rhid, mac }, await openReception(db))).toEqual(unknown);
    expect(await row(id)).toMatchObject({ state: 'pending' });
    const verdict = await claim({ token: rhid, mac: mac.toUpperCase() });
    expect(verdict).toEqual({
      allowed: true,
      sessionId: id,
      expiresAt: house.time.now + 120 * MINUTE,
    });
    house.time.now += MINUTE;
    expect(await claim({ token: rhid, mac })).toEqual(verdict);
    expect(await events('session.started')).toHaveLength(1);
  });

  test.each([
    ['too old', 'ended', { depositedAt: new Date(0) }, 'expired'],
    ['out of time', 'x', { expiresAt: new Date(0) }, 'expired'],
    ['ended', 'x', { state: 'ended' as const, endReason: 'staff' }, 'ended'],
  ])('is refused a deposit that is %s', async (_name, _x, over, reason) => {
    const { mac, rhid } = await deposited(over);
    expect(await claim({ token: rhid, mac })).toEqual({ allowed: false, reason });
  });

  test('is refused a blocked guest, and everybody when the store is closed', async () => {
    const one = await deposited();
    await db.query('update guests set blocked_at = now() where id = $1', [one.guestId]);
    expect(await claim({ token: one.rhid, mac: one.mac })).toEqual({
      allowed: false,
      reason: 'blocked',
    });
    const two = await deposited();
    const hours = {
      mon: [],
      tue: [{ from: '13:00', to: '18:00' }],
      wed: [],
      thu: [],
      fri: [],
      sat: [],
      sun: [],
    };
    await db.query(`update stores set settings = $2::jsonb where id = $1`, [
      house.store.id,
      JSON.stringify({ hours }),
    ]);
    expect(await claim({ token: two.rhid, mac: two.mac })).toEqual({
      allowed: false,
      reason: 'closed',
    });
    house.time.now += 65 * MINUTE;
    await db.query('update sessions set deposited_at = $2, minutes = 600 where id = $1', [
      two.id,
      new Date(house.time.now),
    ]);
    const closing = Date.parse('2026-11-17T18:00:00Z');
    expect(await claim({ token: two.rhid, mac: two.mac })).toMatchObject({
      allowed: true,
      expiresAt: closing,
    });
  });

  test('is told 0 at the next counters once the volume is used up, and that is the end', async () => {
    const { id, mac, rhid } = await deposited({ downQuotaKb: 100 });
    await claim({ token: rhid, mac });
    const counters = (bytesIn: number): Said => ({
      kind: 'interim',
      mac,
      nasSession: rhid,
      bytesIn,
      bytesOut: 1,
    });
    expect(await say(counters(102_399))).toMatchObject({ allowed: true });
    house.time.now += MINUTE;
    expect(await say(counters(102_400))).toEqual({ allowed: false, reason: 'quota' });
    expect(await row(id)).toMatchObject({ state: 'ended', end_reason: 'quota', bytes_in: 102_400 });
    expect(await say(counters(102_500))).toEqual({ allowed: false, reason: 'quota' });
    expect(await events('session.ended')).toMatchObject([{ id, reason: 'quota' }]);
  });

  test('gets nobody in by a token of old, whoever is inside at that hardware address', async () => {
    const old = await deposited();
    await claim({ token: old.rhid, mac: old.mac });
    house.time.now += 10 * MINUTE;
    const now = new Date(house.time.now);
    const fresh = await deposited({ mac: old.mac, grantedAt: now });
    await claim({ token: fresh.rhid, mac: old.mac });
    const counters = (nasSession: string): Said => ({
      kind: 'interim',
      mac: old.mac,
      nasSession,
      bytesIn: 1,
    });
    expect(await say(counters(old.rhid))).toEqual({ allowed: false, reason: 'ended' });
    expect(await say(counters(token()))).toEqual(unknown);
    expect(await say(counters(fresh.rhid))).toMatchObject({ allowed: true, sessionId: fresh.id });
  });
});

test('openNDS’s own end is a leg like any other, and adds its counters to what we ended first', async () => {
  const one = await inside();
  const report = {
    mac: one.mac,
    reason: 'client_deauth',
    bytesIn: 10,
    bytesOut: 20,
    endedAt: house.time.now + 1,
  };
  house.time.now += MINUTE;
  await house.doors.ended(house.store, house.gatewayId, report);
  expect(await legs(one.id)).toMatchObject([
    { bytes_in: 10, bytes_out: 20, end_reason: 'client_deauth' },
  ]);
  const two = await inside();
  await db.query(
    `update sessions set state = 'ended', end_reason = 'expired', ended_at = $2 where id = $1`,
    [two.id, new Date(house.time.now)],
  );
  await house.doors.ended(house.store, house.gatewayId, {
    ...report,
    mac: two.mac,
    endedAt: house.time.now + 2000,
  });
  expect(await row(two.id)).toMatchObject({ end_reason: 'expired', bytes_in: 10 });
  expect(await events('session.ended')).toMatchObject([{ id: one.id }]);
});

describe('one hardware address at two distant stores at once', () => {
  test('marks both, tells staff, and shows nothing personal', async () => {
    const far = await makeStore(db, house.merchantId, {
      location: { type: 'Point', coordinates: [2.35, 48.85] },
    });
    const gateway = await makeGateway(db, house.merchantId, far.id);
    await db.query(`update gateways set kind = 'radius' where id = $1`, [gateway.id]);
    const here = await inside();
    const guest = await makeGuest(db, house.merchantId);
    const there = await makeSession(
      db,
      { merchantId: house.merchantId, storeId: far.id, gatewayId: gateway.id, guestId: guest.id },
      { mac: here.mac },
    );
    expect(await house.desk.offers(house.store, here.id, 0)).toEqual([]);
    await say({ kind: 'start', mac: here.mac, nasSession: 'one' });
    await house.doors.report!({ id: far.id, merchantId: house.merchantId }, gateway.id, {
      kind: 'start',
      mac: here.mac,
      nasSession: 'two',
      at: house.time.now,
    });
    for (const { id } of [here, there]) expect((await row(id))?.['twin_at']).toBeInstanceOf(Date);
    for (const store of [house.store.id, far.id]) {
      const notices = await noticesOf(db, house.merchantId, store, 10);
      expect(notices.map(({ code, detail }) => [code, detail])).toContainEqual([
        'mac-at-two-stores',
        {},
      ]);
    }
  });

  test('two stores in one street are no cause for doubt', async () => {
    const near = await makeStore(db, house.merchantId);
    const gateway = await makeGateway(db, house.merchantId, near.id);
    const here = await inside();
    const guest = await makeGuest(db, house.merchantId);
    await makeSession(
      db,
      { merchantId: house.merchantId, storeId: near.id, gatewayId: gateway.id, guestId: guest.id },
      { mac: here.mac },
    );
    await say({ kind: 'start', mac: here.mac });
    expect(await row(here.id)).toMatchObject({ twin_at: null });
  });
});

describe('notices', () => {
  const listed = () => noticesOf(db, house.merchantId, house.store.id, 100);

  test('are counted by kind and gateway, the newest detail shown', async () => {
    for (const source of ['192.0.2.1', '192.0.2.2']) {
      house.time.now += MINUTE;
      await house.doors.noticed!(house.store, house.gatewayId, {
        code: 'radius-wrong-secret',
        detail: { source },
      });
      await house.doors.noticed!(house.store, null, { code: 'redirect-unknown-gateway' });
    }
    expect(await listed()).toMatchObject([
      {
        code: 'radius-wrong-secret',
        gateway_id: house.gatewayId,
        times: 2,
        detail: { source: '192.0.2.2' },
      },
      { code: 'redirect-unknown-gateway', gateway_id: null, times: 2 },
    ]);
    const [first] = await listed();
    expect(first!.last_at.getTime() - first!.first_at.getTime()).toBe(MINUTE);
  });

  test('of a flood are written now and then, and all counted', async () => {
    const notices = createNotices({ db, clock: () => house.time.now });
    for (let i = 0; i < 100; i++)
      await notices.noticed(house.store, null, { code: 'redirect-forged' });
    expect(await listed()).toMatchObject([{ times: 20 }]);
    house.time.now += 11_000;
    await notices.noticed(house.store, null, { code: 'redirect-forged' });
    expect(await listed()).toMatchObject([{ times: 101 }]);
  });

  test('of what works are written now and then, and sooner after something was wrong', async () => {
    const notices = createNotices({ db, clock: () => house.time.now });
    const ok = () => notices.noticed(house.store, house.gatewayId, { code: 'redirect-ok' });
    const times = async () => (await listed()).find(({ code }) => code === 'redirect-ok')?.times;
    for (let i = 0; i < 5; i++) await ok();
    house.time.now += 11_000;
    await ok();
    expect(await times()).toBe(1);
    await notices.noticed(house.store, null, { code: 'redirect-forged' });
    await ok();
    expect(await times()).toBe(7);
    await ok();
    house.time.now += 31_000;
    await ok();
    expect(await times()).toBe(9);
  });

  test('stay small, and at the store they are of', async () => {
    const detail = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`k\u0000${i}`, 'v'.repeat(9999)]),
    );
    await house.doors.noticed!(house.store, house.gatewayId, { code: 'door-failed', detail });
    const other = await openReception(db);
    await other.doors.noticed!(house.store, house.gatewayId, { code: 'door-failed' });
    const foreign = createNotices({ db, clock: () => house.time.now });
    await foreign.noticed({ id: house.store.id, merchantId: other.merchantId }, house.gatewayId, {
      code: 'door-slow',
    });
    await house.doors.noticed!(house.store, other.gatewayId, { code: 'door-slow' });
    const [slow, failed] = (await listed()).toSorted((a, b) => b.code.localeCompare(a.code));
    expect([slow?.gateway_id, slow?.times]).toEqual([null, 1]);
    expect(JSON.stringify(failed?.detail).length).toBeLessThan(2500);
    await forgetNotices(db, house.time.now + 31 * DAY);
    expect(await listed()).toEqual([]);
  });
});
