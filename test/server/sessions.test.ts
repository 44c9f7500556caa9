/** WiFi sessions: what gateways report, what time does, and what the captive-portal API reads. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { expireSessions, forgetSessionClients } from '../../server/sessions/accounting.ts';
import { LANDINGS_PER_HOUR } from '../../server/sessions/door-queries.ts';
import { makeMac, makePhone } from '../support/make.ts';
import { admission, letIn, multiply, openReception, receptionEach } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

let db: Database;
let house: Reception;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
});

let rhids = 0;
const newRhid = () => (++rhids).toString(16).padStart(64, '0');

/** A guest at the door with a deposit left for the gateway. */
async function waiting(over: { mac?: string; address?: string } = {}) {
  const mac = over.mac ?? makeMac();
  const { grant } = await letIn(house, {
    proof: { method: 'sms-code', address: over.address ?? makePhone() },
    context: { ...admission(house).context, mac },
  });
  const rhid = newRhid();
  const { sessionId } = grant;
  const limits = { minutes: 60, upKbps: 1, downKbps: 2, upQuotaKB: 3, downQuotaKB: 4 };
  await house.doors.deposit(house.store, house.gatewayId, { rhid, sessionId, ...limits });
  return { ...grant, mac, rhid };
}

/** The same, let in by the gateway. */
async function inside(over: { mac?: string; address?: string } = {}) {
  const guest = await waiting(over);
  await house.doors.confirmed(house.store, house.gatewayId, [guest.rhid]);
  return guest;
}

async function row(sessionId: string) {
  const [found] = await house.rows('select * from sessions where id = $1', [sessionId]);
  return found;
}

const endings = () =>
  house.rows<{ id: string; reason: string }>(
    `select payload ->> 'sessionId' as id, payload ->> 'reason' as reason from outbox
     where merchant_id = $1 and type = 'session.ended' order by seq`,
    [house.merchantId],
  );

const pending = (limit = 10) => house.doors.pending(house.store, house.gatewayId, limit);
const left = (mac: string, over = {}) =>
  house.doors.ended(house.store, house.gatewayId, {
    mac,
    reason: 'idle_deauth',
    bytesIn: 1000,
    bytesOut: 2000,
    endedAt: house.time.now,
    ...over,
  });

describe('deposits', () => {
  test('wait for their gateway in order, at most as many as it asks for', async () => {
    const first = await waiting();
    house.time.now += 1;
    const second = await waiting();
    house.time.now += 1;
    await waiting();
    const { rhid, sessionId } = first;
    const limits = { minutes: 60, upKbps: 1, downKbps: 2, upQuotaKB: 3, downQuotaKB: 4 };
    expect((await pending(2))[0]).toEqual({ rhid, sessionId, ...limits });
    expect((await pending(2)).map((deposit) => deposit.rhid)).toEqual([rhid, second.rhid]);
    expect(await pending()).toHaveLength(3);
  });

  test('are sent again until they are confirmed', async () => {
    const { rhid } = await waiting();
    expect(await pending()).toHaveLength(1);
    expect(await pending()).toHaveLength(1);
    await house.doors.confirmed(house.store, house.gatewayId, [rhid]);
    expect(await pending()).toEqual([]);
  });

  test('left twice stand once', async () => {
    const guest = await waiting();
    const [deposit] = await pending();
    await house.doors.deposit(house.store, house.gatewayId, deposit!);
    expect(await pending()).toEqual([deposit]);
    expect(guest.rhid).toBe(deposit?.rhid);
  });

  test('nobody fetched are given up', async () => {
    await waiting();
    house.time.now += 11 * MINUTE;
    expect(await pending()).toEqual([]);
  });

  test('are not for other gateways, and other merchants cannot confirm them', async () => {
    const { rhid, sessionId } = await waiting();
    const other = await openReception(db);
    expect(await other.doors.pending(other.store, other.gatewayId, 10)).toEqual([]);
    expect(await other.doors.pending(other.store, house.gatewayId, 10)).toEqual([]);
    await other.doors.confirmed(other.store, house.gatewayId, [rhid]);
    await other.doors.landed(other.store, sessionId);
    expect(await row(sessionId)).toMatchObject({ state: 'pending' });
  });

  test('asking is a sign of life of the gateway', async () => {
    await pending();
    const [gateway] = await house.rows('select last_heard_at from gateways where id = $1', [
      house.gatewayId,
    ]);
    expect(gateway?.['last_heard_at']).toEqual(new Date(house.time.now));
  });
});

describe('confirmation', () => {
  test('starts the time', async () => {
    const guest = await waiting();
    house.time.now += 30_000;
    await house.doors.confirmed(house.store, house.gatewayId, [guest.rhid, 'f'.repeat(64)]);
    expect(await row(guest.sessionId)).toMatchObject({
      state: 'active',
      confirmed_at: new Date(house.time.now),
      expires_at: new Date(house.time.now + 60 * MINUTE),
    });
  });

  test('repeated changes nothing', async () => {
    const guest = await inside();
    const before = await row(guest.sessionId);
    house.time.now += MINUTE;
    await house.doors.confirmed(house.store, house.gatewayId, [guest.rhid]);
    await house.doors.landed(house.store, guest.sessionId);
    expect(await row(guest.sessionId)).toEqual(before);
  });

  test('at once, where the door opens as it is asked: a deposit and its confirmation in one', async () => {
    const mac = makeMac();
    const old = await inside({ mac });
    const bystander = await inside();
    house.time.now += 5 * MINUTE;
    const { sessionId } = await waiting({ mac });
    const rhid = newRhid();
    const limits = { minutes: 30, upKbps: 5, downKbps: 6, upQuotaKB: 7, downQuotaKB: 8 };
    for (let i = 0; i < 2; i++) {
      await house.doors.opened!(house.store, house.gatewayId, { rhid, sessionId, ...limits });
      house.time.now += MINUTE;
    }
    const at = new Date(house.time.now - 2 * MINUTE);
    expect(await row(sessionId)).toMatchObject({
      state: 'active',
      rhid,
      minutes: 30,
      down_quota_kb: 8,
      confirmed_at: at,
      expires_at: new Date(at.getTime() + 30 * MINUTE),
    });
    expect(await row(bystander.sessionId)).toMatchObject({ state: 'active' });
    expect(await endings()).toEqual([{ id: old.sessionId, reason: 'replaced' }]);
  });

  test('of a new session ends the older one of that client', async () => {
    const mac = makeMac();
    const old = await inside({ mac });
    const bystander = await inside();
    house.time.now += 5 * MINUTE;
    const fresh = await inside({ mac });
    expect(await row(old.sessionId)).toMatchObject({ state: 'ended', end_reason: 'replaced' });
    expect(await row(fresh.sessionId)).toMatchObject({ state: 'active' });
    expect(await row(bystander.sessionId)).toMatchObject({ state: 'active' });
    expect(await endings()).toEqual([{ id: old.sessionId, reason: 'replaced' }]);
  });

  test('of one client that asked twice before it was fetched is one session', async () => {
    const mac = makeMac();
    const address = makePhone();
    const first = await waiting({ mac, address });
    house.time.now += 2 * MINUTE;
    const second = await waiting({ mac, address });
    // The gateway knows the client by one hash, however often it asked.
    await db.query('update sessions set rhid = $2 where id = $1', [first.sessionId, second.rhid]);
    expect((await pending()).map((deposit) => deposit.sessionId)).toEqual([second.sessionId]);
    await house.doors.confirmed(house.store, house.gatewayId, [second.rhid]);
    expect(await row(second.sessionId)).toMatchObject({ state: 'active' });
    expect(await row(first.sessionId)).toMatchObject({ state: 'ended', end_reason: 'replaced' });
  });

  test('by landing is weaker: it ends only the same guest’s session', async () => {
    const mac = makeMac();
    const address = makePhone();
    const mine = await inside({ mac, address });
    const theirs = await inside({ mac: makeMac() });
    await db.query('update sessions set mac = $2 where id = $1', [theirs.sessionId, mac]);
    house.time.now += 5 * MINUTE;
    const again = await waiting({ mac, address });
    await house.doors.landed(house.store, again.sessionId);
    expect(await row(again.sessionId)).toMatchObject({ state: 'active', confirmed_at: null });
    expect(await row(mine.sessionId)).toMatchObject({ state: 'ended' });
    expect(await row(theirs.sessionId)).toMatchObject({ state: 'active' });
  });

  test('beyond what a busy shop has in an hour, the browser’s word makes nothing active', async () => {
    const guest = await waiting();
    await house.doors.landed(house.store, guest.sessionId);
    await multiply(house, guest.sessionId, LANDINGS_PER_HOUR - 1);
    const next = await waiting();
    await house.doors.landed(house.store, next.sessionId);
    expect(await row(next.sessionId)).toMatchObject({ state: 'pending', landed_at: null });
    await house.doors.confirmed(house.store, house.gatewayId, [next.rhid]);
    expect(await row(next.sessionId)).toMatchObject({ state: 'active' });
    house.time.now += 60 * MINUTE;
    const later = await waiting();
    await house.doors.landed(house.store, later.sessionId);
    expect(await row(later.sessionId)).toMatchObject({ state: 'active' });
  });

  test('landing after the time is no way in', async () => {
    const guest = await waiting();
    house.time.now += 3 * 60 * MINUTE;
    await house.doors.landed(house.store, guest.sessionId);
    expect(await row(guest.sessionId)).toMatchObject({ state: 'pending', landed_at: null });
  });
});

describe('the end', () => {
  test('comes with the gateway’s counters, once', async () => {
    const guest = await inside();
    house.time.now += 10 * MINUTE;
    await left(guest.mac.toUpperCase());
    await left(guest.mac);
    expect(await row(guest.sessionId)).toMatchObject({
      state: 'ended',
      end_reason: 'idle_deauth',
      bytes_in: 1000,
      bytes_out: 2000,
      ended_at: new Date(house.time.now),
    });
    expect(await endings()).toEqual([{ id: guest.sessionId, reason: 'idle_deauth' }]);
  });

  test('parallel reports are one end', async () => {
    const guest = await inside();
    await Promise.all(Array.from({ length: 8 }, () => left(guest.mac)));
    expect(await endings()).toHaveLength(1);
  });

  test('a late report of an earlier session does not end the present one', async () => {
    const guest = await inside();
    house.time.now += 30 * MINUTE;
    const fresh = await inside({ mac: guest.mac });
    await left(guest.mac, { endedAt: house.time.now - 20 * MINUTE });
    expect(await row(fresh.sessionId)).toMatchObject({ state: 'active' });
  });

  test.each([
    ['1970', () => 5000],
    ['next year', () => house.time.now + 365 * DAY],
    ['nonsense', () => Number.NaN],
  ])('a gateway whose clock says %s is told by ours', async (_name, endedAt) => {
    const guest = await inside();
    house.time.now += MINUTE;
    await left(guest.mac, { endedAt: endedAt(), bytesIn: -5, bytesOut: Number.POSITIVE_INFINITY });
    expect(await row(guest.sessionId)).toMatchObject({
      state: 'ended',
      ended_at: new Date(house.time.now),
      bytes_in: 0,
      bytes_out: 0,
    });
  });

  test('hostile reasons are cut down', async () => {
    const guest = await inside();
    await left(guest.mac, { reason: `<script>'; drop\n${'x'.repeat(100)}` });
    expect((await row(guest.sessionId))?.['end_reason']).toBe(`scriptdrop${'x'.repeat(30)}`);
  });

  test('another merchant’s gateway ends nothing here', async () => {
    const guest = await inside();
    const other = await openReception(db);
    const report = {
      mac: guest.mac,
      reason: 'x',
      bytesIn: 0,
      bytesOut: 0,
      endedAt: house.time.now,
    };
    await other.doors.ended(other.store, other.gatewayId, report);
    await other.doors.ended(other.store, house.gatewayId, report);
    await other.doors.cleared(other.store, house.gatewayId);
    expect(await row(guest.sessionId)).toMatchObject({ state: 'active' });
  });

  test('a gateway that starts anew has nobody inside; who is still typing is not concerned', async () => {
    const one = await inside();
    const two = await waiting();
    const { grant: typing } = await letIn(house);
    await house.doors.cleared(house.store, house.gatewayId);
    await house.doors.cleared(house.store, house.gatewayId);
    expect((await endings()).map((end) => end.id).toSorted()).toEqual(
      [one.sessionId, two.sessionId].toSorted(),
    );
    expect(await row(typing.sessionId)).toMatchObject({ state: 'pending' });
  });
});

describe('time', () => {
  // These jobs work for all merchants at once: what other tests left would be counted.
  beforeEach(() => db.query('delete from sessions'));

  test('ends what ran out, with its event, once', async () => {
    const guest = await inside();
    const never = await waiting();
    await db.query('update sessions set expires_at = $2 where id = $1', [
      never.sessionId,
      new Date(house.time.now + 60 * MINUTE),
    ]);
    expect(await expireSessions(db, house.time.now + 60 * MINUTE - 1)).toBe(0);
    const at = house.time.now + 60 * MINUTE;
    const ended = await Promise.all([expireSessions(db, at), expireSessions(db, at)]);
    expect(ended[0] + ended[1]).toBe(2);
    expect(await row(guest.sessionId)).toMatchObject({ state: 'ended', ended_at: new Date(at) });
    expect((await endings()).toSorted((a, b) => a.reason.localeCompare(b.reason))).toEqual([
      { id: guest.sessionId, reason: 'expired' },
      { id: never.sessionId, reason: 'never-confirmed' },
    ]);
    expect(await expireSessions(db, at)).toBe(0);
  });

  test('makes hardware and network addresses forgotten', async () => {
    const guest = await inside();
    await left(guest.mac);
    expect(await forgetSessionClients(db, house.time.now + 29 * DAY)).toBe(0);
    expect(await forgetSessionClients(db, house.time.now + 31 * DAY)).toBe(1);
    expect(await row(guest.sessionId)).toMatchObject({ mac: '', ip: null, client_key: '' });
    expect(await forgetSessionClients(db, house.time.now + 31 * DAY)).toBe(0);
  });
});

const view = (mac: string, from = house) =>
  from.desk.sessionByClientKey(from.store, from.desk.clientKey(from.store, mac));

describe('what the captive-portal API reads', () => {
  test('is the live session of a client, the active one first', async () => {
    const guest = await inside();
    house.time.now += 2 * MINUTE;
    const { sessionId } = await waiting({ mac: guest.mac });
    expect(await view(guest.mac)).toMatchObject({ sessionId: guest.sessionId, state: 'active' });
    await left(guest.mac);
    expect(await view(guest.mac)).toMatchObject({ sessionId, state: 'pending' });
  });

  test('is nothing for strangers, ended or expired sessions, or other stores', async () => {
    const guest = await inside();
    expect(await view(makeMac())).toBeNull();
    expect(await view(guest.mac, await openReception(db))).toBeNull();
    expect(await house.desk.sessionByClientKey(house.store, guest.mac)).toBeNull();
    house.time.now += 60 * MINUTE;
    expect(await view(guest.mac)).toBeNull();
  });

  test('counts the quota down', async () => {
    const { grant } = await letIn(house);
    const view = () => house.desk.session(house.store, grant.sessionId);
    expect(await view()).toMatchObject({ bytesRemaining: 500 * 1024 });
    await db.query('update sessions set bytes_in = 600000 where id = $1', [grant.sessionId]);
    expect(await view()).toMatchObject({ bytesRemaining: 0 });
    await db.query('update sessions set down_quota_kb = 0 where id = $1', [grant.sessionId]);
    expect(await view()).not.toHaveProperty('bytesRemaining');
  });

  test.each(['', 'x', "' or 1=1", '00000000-0000-0000-0000-000000000000'])(
    'session %j is none',
    async (id) => expect(await house.desk.session(house.store, id)).toBeNull(),
  );
});

const learn = (hashes: string[]) => house.doors.learned!(house.store, house.gatewayId, hashes);

async function known(): Promise<string[] | undefined> {
  const text = `select settings -> 'hashes' as hashes from gateways where id = $1`;
  const [row] = await house.rows<{ hashes: string[] }>(text, [house.gatewayId]);
  return row?.hashes;
}

test('hashes a gateway is known by are kept, the newest first, not endlessly', async () => {
  const one = newRhid();
  await learn([one]);
  await learn([one, 'not a hash']);
  expect(await known()).toEqual([one]);
  for (let i = 0; i < 20; i++) await learn([newRhid()]);
  expect(await known()).toHaveLength(16);
  expect(await known()).not.toContain(one);
});
