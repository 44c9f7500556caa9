/** Who may come in by RADIUS: tickets, devices that were here before, addresses of equipment, and storage that is away. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { AccessRequest, Network, Peer, Ticket } from '../../portal/ports-network.ts';
import type { RegisteredGateway } from '../../portal/ports-store.ts';
import type { Database } from '../../server/db/database.ts';
import { uuidv7 } from '../../server/ids.ts';
import { clientKeyOf, clientKeys } from '../../server/sessions/client-key.ts';
import {
  dropExpiredDevices,
  forget,
  knows,
  remember,
} from '../../server/sessions/known-devices.ts';
import { createGrantMemory } from '../../server/sessions/memory.ts';
import type { GrantMemory } from '../../server/sessions/memory.ts';
import { createNetwork } from '../../server/sessions/network.ts';
import { createTickets } from '../../server/sessions/tickets.ts';
import { defaultSettings } from '../../server/stores/settings.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeGateway, makeGuest, makeMac, makeMemberCard, makeSession } from '../support/make.ts';
import { openReception } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const DAY = 86_400_000;
const secret = randomBytes(48);
const TERMS = defaultSettings('GB').wordings.find(({ purpose }) => purpose === 'access')!.version;

let held: TestDatabase;
/** Storage that can be taken away. */
let db: Database;
let away = false;
let house: Reception;
let memory: GrantMemory;
let network: Network;
let tickets: { ticket: (store: Peer['store'], gatewayId: string, id: string) => Promise<Ticket> };

beforeAll(async () => {
  held = await testDatabase();
  const real = held.db;
  const gone = (): never => {
    throw new Error('storage is away');
  };
  db = {
    engine: real.engine,
    query: async (text, params) => (away ? gone() : real.query(text, params)),
    tx: async (work, options) => (away ? gone() : real.tx(work, options)),
    listen: (channel, heard) => real.listen(channel, heard),
    close: () => real.close(),
  };
});
afterAll(() => held.release());
beforeEach(async () => {
  away = false;
  house = await openReception(db);
  await db.query(`update gateways set kind = 'radius' where id = $1`, [house.gatewayId]);
  const clock = () => house.time.now;
  memory = createGrantMemory(clock);
  const log = { warn: () => undefined };
  network = createNetwork({ db, clock, log, secret, memory });
  tickets = createTickets({ db, clock, secret, memory });
});

const radius: NonNullable<RegisteredGateway['radius']> = {
  secret: 'shared-secret-of-the-gateway',
  sources: [],
  nasIds: [],
  profile: 'plain',
  messageAuthenticator: 'require',
  macAuth: { password: 'mac' },
  interimSeconds: 300,
};
const peer = (over: Partial<typeof radius> = {}, id = house.gatewayId): Peer => ({
  store: house.store,
  gateway: { id, kind: 'radius', name: 'r', radius: { ...radius, ...over } },
});

async function granted(over: NonNullable<Parameters<typeof makeSession>[2]> = {}) {
  const guest = await makeGuest(db, house.merchantId);
  const { store, gatewayId, merchantId } = house;
  const at = { merchantId, storeId: store.id, gatewayId, guestId: guest.id };
  return makeSession(db, at, { state: 'pending', confirmedAt: null, ...over });
}

const withTicket = (
  ticket: Pick<Ticket, 'username' | 'password'>,
  mac: string | null,
): AccessRequest => ({
  userName: ticket.username,
  mac,
  byMac: false,
  proves: (password) => password === ticket.password,
});
const withMac = (mac: string, password = mac): AccessRequest => ({
  userName: mac.replaceAll(':', '-').toUpperCase(),
  mac,
  byMac: true,
  proves: (right) => right === password,
});
const row = async (id: string) =>
  (await house.rows('select * from sessions where id = $1', [id]))[0];
const settings = (over: object) =>
  db.query('update stores set settings = settings || $2::jsonb where id = $1', [
    house.store.id,
    JSON.stringify(over),
  ]);

describe('a ticket', () => {
  test('says how much silence the store allows, from memory too', async () => {
    await settings({ session: { idleMinutes: 60 } });
    const { id, mac } = await granted({});
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    const accept = await network.authorise(peer(), withTicket(ticket, mac));
    expect(accept).toMatchObject({ accept: true, grant: { idleMinutes: 60 } });
    away = true;
    const again = await network.authorise(peer(), withTicket(ticket, mac));
    expect(again).toMatchObject({ accept: true, grant: { idleMinutes: 60 } });
  });

  test('opens the door for its client, once and its repetitions, with what the plan says', async () => {
    const { id, mac, guestId } = await granted({
      downKbps: 10_000,
      upKbps: 2000,
      downQuotaKb: 500,
    });
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    expect(ticket.username).toMatch(/^g\.[a-z2-7]{24}$/);
    expect(ticket.password).toMatch(/^[a-z2-7]{16}$/);
    expect(ticket.until).toBe(house.time.now + 3 * MINUTE);
    house.time.now += MINUTE;
    const accept = await network.authorise(peer(), withTicket(ticket, mac));
    expect(accept).toEqual({
      accept: true,
      grant: {
        sessionId: id,
        guestId,
        minutes: 120,
        upKbps: 2000,
        downKbps: 10_000,
        upQuotaKB: 0,
        downQuotaKB: 500,
        expiresAt: house.time.now + 120 * MINUTE,
      },
    });
    expect(await row(id)).toMatchObject({
      state: 'active',
      confirmed_at: new Date(house.time.now),
    });
    house.time.now += 29 * SECOND;
    expect(await network.authorise(peer(), withTicket(ticket, mac))).toMatchObject({
      accept: true,
      grant: { minutes: 119 },
    });
    house.time.now += 2 * SECOND;
    expect(await network.authorise(peer(), withTicket(ticket, mac))).toMatchObject({
      accept: false,
      reason: 'ticket-old',
    });
    const started = await house.rows(
      `select 1 from outbox where merchant_id = $1 and type = 'session.started'`,
      [house.merchantId],
    );
    expect(started).toHaveLength(1);
  });

  test('is the same until it is old, then another; its password is nowhere in storage', async () => {
    const { id } = await granted();
    const first = await tickets.ticket(house.store, house.gatewayId, id);
    house.time.now += 2 * MINUTE;
    expect(await tickets.ticket(house.store, house.gatewayId, id)).toEqual(first);
    expect(JSON.stringify(await row(id))).not.toContain(first.password);
    house.time.now += MINUTE;
    const second = await tickets.ticket(house.store, house.gatewayId, id);
    expect(second.username).not.toBe(first.username);
    expect(await network.authorise(peer(), withTicket(first, null))).toMatchObject({
      reason: 'unknown-user',
    });
  });

  test('asked for many times at once is one', async () => {
    const { id } = await granted();
    const all = await Promise.all(
      Array.from({ length: 6 }, () => tickets.ticket(house.store, house.gatewayId, id)),
    );
    expect(new Set(all.map(({ username }) => username)).size).toBe(1);
  });

  test.each([
    ['another client', async (t: Ticket) => withTicket(t, makeMac()), 'wrong-mac'],
    [
      'a wrong password',
      async (t: Ticket, mac: string) => withTicket({ ...t, password: 'x' }, mac),
      'wrong-password',
    ],
    [
      'a made-up name',
      async (t: Ticket, mac: string) => withTicket({ ...t, username: `g.${'a'.repeat(24)}` }, mac),
      'unknown-user',
    ],
    [
      'somebody’s own name',
      async (t: Ticket, mac: string) => withTicket({ ...t, username: 'bob' }, mac),
      'unknown-user',
    ],
  ])('is refused to %s', async (_name, made, reason) => {
    const { id, mac } = await granted();
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    expect(await network.authorise(peer(), await made(ticket, mac))).toMatchObject({
      accept: false,
      reason,
    });
    expect(await row(id)).toMatchObject({ state: 'pending', ticket_used_at: null });
  });

  test('is refused when it is unused for three minutes, when the guest is blocked, and when it is over', async () => {
    const { id, mac, guestId } = await granted();
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    await db.query('update guests set blocked_at = now() where id = $1', [guestId]);
    expect(await network.authorise(peer(), withTicket(ticket, mac))).toMatchObject({
      reason: 'blocked',
    });
    await db.query('update guests set blocked_at = null where id = $1', [guestId]);
    house.time.now += 3 * MINUTE;
    expect(await network.authorise(peer(), withTicket(ticket, mac))).toMatchObject({
      reason: 'ticket-old',
      message: 'Please sign in again.',
    });
    await db.query(`update sessions set state = 'ended' where id = $1`, [id]);
    await expect(tickets.ticket(house.store, house.gatewayId, id)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('is none for other gateways, stores and merchants', async () => {
    const { id, mac } = await granted();
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    const second = await makeGateway(db, house.merchantId, house.store.id);
    const other = await openReception(db);
    const foreign: Peer = { ...peer(), store: other.store };
    for (const from of [peer({}, second.id), foreign]) {
      expect(await network.authorise(from, withTicket(ticket, mac))).toMatchObject({
        accept: false,
      });
    }
    for (const [store, gateway] of [
      [other.store, house.gatewayId],
      [house.store, second.id],
    ] as const) {
      await expect(tickets.ticket(store, gateway, id)).rejects.toMatchObject({ code: 'not-found' });
    }
  });

  test('lasts until closing time, by the wall', async () => {
    const day = [{ from: '09:00', to: '13:00' }];
    await settings({
      hours: { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day },
    });
    const { id, mac } = await granted();
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    const closing = Date.parse('2026-11-17T13:00:00Z');
    const decision = await network.authorise(peer(), withTicket(ticket, mac));
    expect(decision).toMatchObject({ accept: true, grant: { minutes: 60, expiresAt: closing } });
    const late = await granted();
    house.time.now = closing;
    const tooLate = await tickets.ticket(house.store, house.gatewayId, late.id);
    expect(await network.authorise(peer(), withTicket(tooLate, late.mac))).toMatchObject({
      reason: 'closed',
    });
  });
});

describe('a hardware address alone', () => {
  const key = (mac: string) => clientKeyOf(clientKeys(secret), house.store.id, mac);

  /** Somebody who was here before under these terms, and whose device a gateway vouched for. */
  async function knownDevice(
    over: { termsVersion?: string; days?: number; confirmed?: boolean } = {},
  ) {
    const mac = makeMac();
    const guest = await makeGuest(db, house.merchantId);
    const { merchantId, store } = house;
    const token = await db.tx(
      (tx) =>
        remember(
          tx,
          { merchantId, storeId: store.id, clientKey: key(mac) },
          { guestId: guest.id, termsVersion: over.termsVersion ?? TERMS, days: over.days ?? 30 },
          house.time.now,
        ),
      { tenant: merchantId },
    );
    if (over.confirmed !== false) {
      await db.query('update known_devices set confirmed_at = now() where guest_id = $1', [
        guest.id,
      ]);
    }
    return { mac, token: token!, guestId: guest.id };
  }

  test('of a remembered device opens the WiFi, as one session however often it is asked', async () => {
    const { mac, guestId } = await knownDevice();
    const first = await network.authorise(peer(), withMac(mac));
    expect(first).toMatchObject({ accept: true, grant: { guestId, minutes: 240 } });
    house.time.now += SECOND;
    const second = await network.authorise(peer(), withMac(mac));
    const ids = [first, second].map((one) => (one.accept ? one.grant.sessionId : null));
    expect(ids[0]).toBe(ids[1]);
    const userName = mac.replaceAll(':', '-').toUpperCase();
    expect(await row(ids[0]!)).toMatchObject({
      method: 'mac',
      state: 'active',
      nas_user_name: userName,
    });
    // Nothing of the guest's is shown because of it.
    expect(await house.desk.offers(house.store, ids[0]!, 0)).toEqual([]);
  });

  test.each([
    ['nobody vouched for it', { confirmed: false }, async () => undefined],
    ['the terms are others now', { termsVersion: 'old' }, async () => undefined],
    ['it expired', { days: 1 }, async () => void (house.time.now += DAY)],
    ['the store asks each time', {}, () => settings({ policy: { rememberDays: 0 } })],
    [
      'the guest is blocked',
      {},
      (guest: string) => db.query('update guests set blocked_at = now() where id = $1', [guest]),
    ],
    [
      'every member card of the guest is blocked or past its end',
      {},
      async (guest: string) => {
        const now = new Date(house.time.now);
        await makeMemberCard(db, house.merchantId, { guestId: guest, blockedAt: now });
        const number = `B${guest.slice(-8)}`.toUpperCase();
        await makeMemberCard(db, house.merchantId, { guestId: guest, number, expiresAt: now });
      },
    ],
    [
      'the guest was erased',
      {},
      (guest: string) => db.query('delete from guests where id = $1', [guest]),
    ],
    [
      'the guest opted out',
      {},
      (guest: string) => forget(db, house.merchantId, guest, house.time.now),
    ],
    [
      'the guest took the terms back',
      {},
      (guest: string) =>
        db.query(
          `insert into consents (id, merchant_id, guest_id, purpose, granted, text_version, text_sha256, language, source, given_at)
       values ($1, $2, $3, 'access', false, '1', 'x', 'en', 'portal', now())`,
          [uuidv7(house.time.now), house.merchantId, guest],
        ),
    ],
    [
      'the store is closed',
      {},
      () => settings({ hours: { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] } }),
    ],
  ])('opens nothing when %s', async (_name, over, change) => {
    const { mac, guestId } = await knownDevice(over);
    await change(guestId);
    expect(await network.authorise(peer(), withMac(mac))).toMatchObject({ accept: false });
    expect(await house.rows(`select 1 from sessions where mac = $1`, [mac])).toEqual([]);
  });

  test('is refused to strangers without asking storage again', async () => {
    const stranger = makeMac();
    expect(await network.authorise(peer(), withMac(stranger))).toMatchObject({
      reason: 'unknown-mac',
    });
    away = true;
    expect(await network.authorise(peer(), withMac(stranger))).toMatchObject({
      reason: 'unknown-mac',
    });
    house.time.now += 10 * SECOND;
    await expect(network.authorise(peer(), withMac(stranger))).rejects.toThrow('away');
  });

  test('goes on with the session it has, at another gateway of the store, and with what is left of it', async () => {
    await settings({ policy: { rememberDays: 0 } });
    const { id, mac, confirmedAt } = await granted({
      state: 'active',
      confirmedAt: new Date(house.time.now),
      downQuotaKb: 500,
      bytesIn: 100 * 1024,
    });
    const second = await makeGateway(db, house.merchantId, house.store.id);
    house.time.now = confirmedAt!.getTime() + 30 * MINUTE;
    expect(await network.authorise(peer({}, second.id), withMac(mac))).toMatchObject({
      accept: true,
      grant: { sessionId: id, minutes: 90, downQuotaKB: 400 },
    });
    await db.query('update sessions set bytes_in = $2 where id = $1', [id, 500 * 1024]);
    expect(await network.authorise(peer({}, second.id), withMac(mac))).toMatchObject({
      reason: 'quota',
    });
  });

  test('a device’s token is known with its address only, keeps while it is shown, and is another after that', async () => {
    const { mac, token, guestId } = await knownDevice();
    const { merchantId, store } = house;
    const at = { merchantId, storeId: store.id, clientKey: key(mac) };
    const now = house.time.now;
    expect(await knows(db, at, token, now)).toEqual({ guestId, termsVersion: TERMS });
    expect(await knows(db, { ...at, clientKey: key(makeMac()) }, token, now)).toBeNull();
    expect(await knows(db, at, `${token}x`, now)).toBeNull();
    expect(
      await knows(db, { ...at, merchantId: (await openReception(db)).merchantId }, token, now),
    ).toBeNull();
    const device = { guestId, termsVersion: TERMS, days: 30 };
    expect(await remember(db, at, { ...device, shown: token }, now + DAY)).toBe(token);
    const fresh = await remember(db, at, device, now + DAY);
    expect(fresh).not.toBe(token);
    expect(await knows(db, at, token, now + DAY)).toBeNull();
    expect(await remember(db, at, { ...device, days: 0 }, now)).toBeNull();
    await dropExpiredDevices(db, now + 32 * DAY);
    expect(await house.rows('select 1 from known_devices where guest_id = $1', [guestId])).toEqual(
      [],
    );
  });
});

describe('equipment by its address', () => {
  const settled = (id: string, given: object) =>
    db.query('update gateways set settings = $2::jsonb where id = $1', [id, JSON.stringify(given)]);
  const idsAt = async (address: string) =>
    (await network.peersAt(address)).map(({ gateway }) => gateway.id);

  test('is found by address and block, v4 and v6, of any merchant, with its settings', async () => {
    const other = await openReception(db);
    const address = `10.${Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 250)}.7`;
    await settled(house.gatewayId, {
      radius: { ...radius, sources: [address, '2001:db8:77::/48', 'nonsense'] },
    });
    await settled(other.gatewayId, { radius: { ...radius, sources: [`${address}/30`] } });
    expect((await idsAt(address)).toSorted()).toEqual(
      [house.gatewayId, other.gatewayId].toSorted(),
    );
    expect(await idsAt('2001:db8:77::5')).toEqual([house.gatewayId]);
    expect(await idsAt('2001:db8:78::5')).toEqual([]);
    expect(await idsAt('nonsense')).toEqual([]);
    const [first] = await network.peersAt('2001:db8:77::5');
    expect(first).toMatchObject({
      store: { id: house.store.id, merchantId: house.merchantId },
      gateway: { kind: 'radius', radius: { secret: radius.secret } },
    });
  });

  test('is found by certificate and by the address of an AC', async () => {
    const certificate = randomBytes(32).toString('hex');
    const host = `10.201.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`;
    await settled(house.gatewayId, {
      radius: { ...radius, certificate },
      portal2: { host, port: 2000 },
    });
    expect((await network.peerByCertificate(certificate))?.gateway.id).toBe(house.gatewayId);
    expect(await network.peerByCertificate('f'.repeat(64))).toBeNull();
    expect((await network.peersByAc(host)).map(({ gateway }) => gateway.id)).toEqual([
      house.gatewayId,
    ]);
    expect(await network.peersAt(host)).toEqual([]);
    await settled(house.gatewayId, {});
    house.time.now += 31 * SECOND;
    expect(await network.peersByAc(host)).toEqual([]);
  });

  test('is looked up again when none that is remembered fits, but not with every packet', async () => {
    const address = `10.205.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`;
    const second = await makeGateway(db, house.merchantId, house.store.id);
    const anew = async () =>
      (await network.peersAt(address, true)).map(({ gateway }) => gateway.id).toSorted();
    await settled(house.gatewayId, { radius: { ...radius, sources: [address] } });
    expect(await idsAt(address)).toEqual([house.gatewayId]);
    await settled(second.id, { radius: { ...radius, sources: [address] } });
    expect(await anew()).toEqual([house.gatewayId]);
    house.time.now += 3 * SECOND;
    expect(await idsAt(address)).toEqual([house.gatewayId]);
    expect(await anew()).toEqual([house.gatewayId, second.id].toSorted());
    expect(await idsAt(address)).toHaveLength(2);
  });

  test('is remembered for moments, and as long as storage is away', async () => {
    const address = `10.202.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`;
    expect(await idsAt(address)).toEqual([]);
    await settled(house.gatewayId, { radius: { ...radius, sources: [address] } });
    expect(await idsAt(address)).toEqual([]);
    house.time.now += 6 * SECOND;
    expect(await idsAt(address)).toEqual([house.gatewayId]);
    away = true;
    house.time.now += DAY;
    expect(await idsAt(address)).toEqual([house.gatewayId]);
    await expect(network.peersAt('10.203.0.1')).rejects.toThrow('away');
    away = false;
    await settled(house.gatewayId, { radius: { ...radius, sources: [] } });
    expect(await idsAt(address)).toEqual([]);
  });

  test('that learns is told apart from then on', async () => {
    await settled(house.gatewayId, {
      radius: { ...radius, messageAuthenticator: 'learn', sources: ['10.204.0.1'] },
    });
    const [learner] = await network.peersAt('10.204.0.1');
    await network.learnt(learner!);
    const [after] = await network.peersAt('10.204.0.1');
    expect(after?.gateway.radius?.learnt).toBe(true);
    await settled(house.gatewayId, { radius: { ...radius, sources: [] } });
    await network.learnt(learner!);
    const [row] = await house.rows<{ learnt: unknown }>(
      `select settings #> '{radius,learnt}' as learnt from gateways where id = $1`,
      [house.gatewayId],
    );
    expect(row?.learnt).toBeNull();
  });
});

describe('while storage is away', () => {
  test('a ticket that was made before still opens the door, and only for its client', async () => {
    const { id, mac } = await granted({ downKbps: 5000 });
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    away = true;
    expect(await network.authorise(peer(), withTicket(ticket, makeMac()))).toMatchObject({
      reason: 'wrong-mac',
    });
    expect(
      await network.authorise(peer(), withTicket({ ...ticket, password: 'x' }, mac)),
    ).toMatchObject({ reason: 'wrong-password' });
    expect(await network.authorise(peer(), withTicket(ticket, mac))).toMatchObject({
      accept: true,
      grant: { sessionId: id, minutes: 120, downKbps: 5000 },
    });
    house.time.now += 31 * SECOND;
    expect(await network.authorise(peer(), withTicket(ticket, mac))).toMatchObject({
      reason: 'ticket-old',
    });
    // Their accounting confirms what could not be written then.
    away = false;
    await house.doors.report!(house.store, house.gatewayId, {
      kind: 'start',
      mac,
      nasSession: 'n',
      sessionId: id,
      at: house.time.now,
    });
    expect(await row(id)).toMatchObject({ state: 'active' });
  });

  test('who was let in before is let in again by address; others make it fail', async () => {
    const { id, mac } = await granted();
    const ticket = await tickets.ticket(house.store, house.gatewayId, id);
    await network.authorise(peer(), withTicket(ticket, mac));
    away = true;
    house.time.now += 60 * MINUTE;
    expect(await network.authorise(peer(), withMac(mac))).toMatchObject({
      accept: true,
      grant: { sessionId: id, minutes: 60 },
    });
    await expect(network.authorise(peer(), withMac(makeMac()))).rejects.toThrow('away');
    const unheard = { username: `g.${'b'.repeat(24)}`, password: 'x' };
    await expect(network.authorise(peer(), withTicket(unheard, mac))).rejects.toThrow('away');
    house.time.now += 61 * MINUTE;
    await expect(network.authorise(peer(), withMac(mac))).rejects.toThrow('away');
  });

  test('memory is bounded and forgets after hours', () => {
    const grant = {
      sessionId: 's0',
      guestId: 'g',
      merchantId: 'm',
      storeId: 'st',
      gatewayId: 'gw',
      mac: 'mac0',
      userName: 'g.0',
      ticketUntil: 0,
      ticketUsedAt: null,
      confirmed: true,
      expiresAt: house.time.now + DAY,
      minutes: 0,
      upKbps: 0,
      downKbps: 0,
      upQuotaKB: 0,
      downQuotaKB: 0,
    };
    for (let i = 0; i <= 20_000; i++)
      memory.keep({ ...grant, sessionId: `s${i}`, mac: `mac${i}`, userName: `g.${i}` });
    expect(memory.byUserName('g.0')).toBeNull();
    expect(memory.byMac('st', 'mac0')).toBeNull();
    expect(memory.byMac('st', 'mac20000')?.sessionId).toBe('s20000');
    memory.forget('s20000');
    expect(memory.byMac('st', 'mac20000')).toBeNull();
    house.time.now += 7 * 60 * MINUTE;
    expect(memory.byUserName('g.19999')).toBeNull();
  });
});
