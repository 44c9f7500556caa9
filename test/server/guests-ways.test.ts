/** Each way in and whom it makes of a client: cards, identities, remembered devices, grace, hours, codes on paper. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { StoreView } from '../../portal/ports-store.ts';
import type { Desk } from '../../portal/ports.ts';
import { newPrintableCode } from '../../server/codes/printable.ts';
import type { Database } from '../../server/db/database.ts';
import { forgetStandIns } from '../../server/guests/identity-queries.ts';
import { UNSEEN_TAPS_PER_HOUR } from '../../server/guests/admit.ts';
import { UNPROVED_GRACES_PER_HOUR } from '../../server/guests/proofs.ts';
import * as make from '../support/make.ts';
import {
  admission,
  letIn,
  multiply,
  openReception,
  receptionEach,
  rowsOf,
  writtenBy,
} from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
type Request = Parameters<Desk['admit']>[0];
type Proof = Request['proof'];

let db: Database;
let house: Reception;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
  house.store = {
    ...house.store,
    policy: { graceMinutes: 5, gracePerDay: 2, rememberDays: 30 },
    oidc: [
      { id: 'corp', name: 'Corp', issuer: 'https://id.corp.example', ...client },
      { id: 'other', name: 'Other', issuer: 'https://id.other.example', ...client },
    ],
  };
});
const client = { clientId: 'foyer', clientSecret: 'a secret', scopes: ['openid'] };

const at = (mac: string, over: Partial<Request> = {}): Partial<Request> => ({
  ...over,
  context: { ...admission(house).context, mac },
});
const enter = (proof: Proof, mac = make.makeMac(), over: Partial<Request> = {}) =>
  house.desk.admit(admission(house, at(mac, { proof, ...over })));
/** Comes in and has the gateway vouch for the client. */
async function inside(proof: Proof, mac = make.makeMac(), over: Partial<Request> = {}) {
  const answer = await letIn(house, at(mac, { proof, ...over }));
  await db.query(`update sessions set state = 'active', confirmed_at = granted_at where id = $1`, [
    answer.grant.sessionId,
  ]);
  return answer;
}
const guests = () =>
  house.rows<{ id: string; phone: string | null; email: string | null; name: string | null }>(
    'select id, phone, email, name from guests where merchant_id = $1 order by created_at, id',
    [house.merchantId],
  );

describe('a member card', () => {
  const card = (over = {}) =>
    make.makeMemberCard(db, house.merchantId, { number: 'A1001', ...over });
  const proof = { method: 'member-card' as const, number: 'A1001' };

  test('is one guest on every phone, by the name on the card', async () => {
    await card({ name: 'Ada' });
    const answers = await Promise.all(Array.from({ length: 5 }, () => enter(proof)));
    const ids = answers.map((answer) => (answer.ok ? answer.grant.guestId : answer.reason));
    expect(new Set(ids).size).toBe(1);
    expect(await guests()).toMatchObject([{ id: ids[0], name: 'Ada', phone: null }]);
    const [row] = await house.rows('select guest_id from member_cards where merchant_id = $1', [
      house.merchantId,
    ]);
    expect(row).toEqual({ guest_id: ids[0] });
  });

  test.each([
    ['unknown', { number: 'B2002' }, 'member-unknown'],
    ['blocked', { blockedAt: new Date(make.NOON) }, 'blocked'],
    ['past its end', { expiresAt: new Date(make.NOON) }, 'blocked'],
  ])('%s opens nothing and leaves nothing', async (_name, over, reason) => {
    await card(over);
    expect(await enter(proof)).toEqual({ ok: false, reason });
    expect(await writtenBy(house)).toEqual({ guests: 0, consents: 0, sessions: 0, events: 0 });
  });

  test('a MAC alone never leads to its member', async () => {
    await card({ name: 'Ada' });
    const mac = make.makeMac();
    const member = await inside(proof, mac);
    house.time.now += 2 * MINUTE;
    const spoofed = await letIn(house, at(mac));
    expect(spoofed.returning).toBe(false);
    expect(spoofed.grant.guestId).not.toBe(member.grant.guestId);
  });

  test('of another merchant is unknown', async () => {
    const other = await openReception(db);
    await make.makeMemberCard(db, other.merchantId, { number: 'A1001' });
    expect(await enter(proof)).toEqual({ ok: false, reason: 'member-unknown' });
  });

  test('once blocked, the device it was used on is no way round', async () => {
    await card();
    const mac = make.makeMac();
    const first = await inside(proof, mac);
    const token = first.deviceToken ?? '';
    await db.query('update member_cards set blocked_at = now() where merchant_id = $1', [
      house.merchantId,
    ]);
    const again = await enter({ method: 'returning', token }, mac, { consents: [] });
    expect(again).toEqual({ ok: false, reason: 'blocked' });
  });
});

describe('an identity elsewhere', () => {
  const oidc = (over = {}): Proof => ({ method: 'oidc', provider: 'corp', subject: 's1', ...over });
  const idOf = async (proof: Proof, mac?: string) =>
    (await letIn(house, at(mac ?? make.makeMac(), { proof }))).grant.guestId;

  test('is one guest by issuer and subject, many phones at once included', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => idOf(oidc({ name: 'Ada' }))));
    expect(new Set(ids).size).toBe(1);
    expect(await idOf(oidc({ subject: 's2' }))).not.toBe(ids[0]);
    expect(await idOf(oidc({ provider: 'other' }))).not.toBe(ids[0]);
    const first = (await guests()).find(({ id }) => id === ids[0]);
    expect(first).toMatchObject({ name: 'Ada', email: null });
  });

  test('a verified address leads to the guest who has it, and stays theirs', async () => {
    const known = await idOf({ method: 'email-code', address: 'ada@example.com' });
    expect(await idOf(oidc({ email: 'Ada@Example.com', name: 'Ada' }))).toBe(known);
    expect(await idOf(oidc())).toBe(known);
    expect(await guests()).toMatchObject([{ id: known, email: 'ada@example.com', name: 'Ada' }]);
  });

  test('without one it never does', async () => {
    const known = await idOf({ method: 'email-code', address: 'ada@example.com' });
    expect(await idOf(oidc())).not.toBe(known);
    expect(await idOf(oidc({ subject: 's3', email: 'not an address' }))).not.toBe(known);
  });

  test('of a provider the store does not know is refused', async () => {
    await expect(enter(oidc({ provider: 'gone' }))).rejects.toMatchObject({ code: 'conflict' });
    await expect(enter(oidc({ subject: '' }))).rejects.toMatchObject({ code: 'conflict' });
    expect(await rowsOf(house, 'guests')).toBe(0);
  });

  test('a blocked guest stays out by it', async () => {
    const id = await idOf(oidc());
    await db.query('update guests set blocked_at = now() where id = $1', [id]);
    expect(await enter(oidc())).toEqual({ ok: false, reason: 'blocked' });
  });

  test('a MAC alone never leads to it', async () => {
    const mac = make.makeMac();
    const { grant } = await inside(oidc({ name: 'Ada' }), mac);
    house.time.now += 2 * MINUTE;
    expect((await letIn(house, at(mac))).grant.guestId).not.toBe(grant.guestId);
  });
});

describe('a device that was here', () => {
  const phone = (): Proof => ({ method: 'sms-code', address: make.makePhone() });
  const back = (token: string, mac: string, over: Partial<Request> = {}) =>
    enter({ method: 'returning', token }, mac, { consents: [], ...over });

  test('comes in by its token and MAC together, without being asked again', async () => {
    const mac = make.makeMac();
    const first = await inside(phone(), mac);
    const token = first.deviceToken ?? '';
    expect(token).toMatch(/^fk_/);
    house.time.now += DAY;
    expect(await house.desk.knows?.(house.store, mac, token)).toBe(true);
    const again = await back(token, mac);
    expect(again).toMatchObject({ ok: true, returning: true, deviceToken: token });
    expect(again.ok && again.grant.guestId).toBe(first.grant.guestId);
    expect(await rowsOf(house, 'consents')).toBe(1);
  });

  test.each([
    ['another token', (token: string) => `${token}x`, (mac: string) => mac],
    ['another MAC', (token: string) => token, () => '02:00:00:00:00:99'],
    ['no token', () => '', (mac: string) => mac],
  ])('not by %s', async (_name, tokenOf, macOf) => {
    const mac = make.makeMac();
    const { deviceToken = '' } = await inside(phone(), mac);
    const [token, there] = [tokenOf(deviceToken), macOf(mac)];
    expect(await house.desk.knows?.(house.store, there, token)).toBe(false);
    expect(await back(token, there)).toEqual({ ok: false, reason: 'device-unknown' });
  });

  test('not past its time, not at a store that asks each time, not at another', async () => {
    const mac = make.makeMac();
    const { deviceToken = '' } = await inside(phone(), mac);
    const asks = { ...house.store, policy: { graceMinutes: 0, gracePerDay: 1, rememberDays: 0 } };
    expect(await back(deviceToken, mac, { store: asks })).toEqual({
      ok: false,
      reason: 'device-unknown',
    });
    const other = await openReception(db);
    const there = { ...other.store, policy: house.store.policy! };
    expect(await other.desk.knows?.(there, mac, deviceToken)).toBe(false);
    house.time.now += 30 * DAY;
    expect(await back(deviceToken, mac)).toEqual({ ok: false, reason: 'device-unknown' });
  });

  test('other terms have to be agreed to first', async () => {
    const mac = make.makeMac();
    const { deviceToken = '' } = await inside(phone(), mac);
    const [access, ...rest] = house.store.wordings;
    const store = { ...house.store, wordings: [{ ...access!, version: 'a2' }, ...rest] };
    expect(await house.desk.knows?.(store, mac, deviceToken)).toBe(false);
    expect(await back(deviceToken, mac, { store })).toEqual({ ok: false, reason: 'terms-changed' });
  });

  test.each(['voucher', 'staff', 'grace'] as const)(
    '%s opens once and is not remembered',
    async (way) => {
      const mac = make.makeMac();
      const answer = await letIn(house, at(mac, { proof: await proofOf(way, mac) }));
      expect(answer.deviceToken).toBeUndefined();
      expect(await rowsOf(house, 'known_devices')).toBe(0);
    },
  );

  test('two guests with one MAC each keep their own', async () => {
    const mac = make.makeMac();
    const one = await inside(phone(), mac);
    const two = await inside(phone(), mac);
    house.time.now += 2 * MINUTE;
    for (const { deviceToken = '', grant } of [one, two]) {
      const again = await back(deviceToken, mac);
      expect(again.ok && again.grant.guestId).toBe(grant.guestId);
    }
  });
});

const paperCode = (over: { minutes?: number; expiresAt?: Date } = {}) =>
  make.makeAccessVoucher(db, house.merchantId, house.store.id, {
    code: newPrintableCode(),
    ...over,
  });

async function proofOf(way: 'voucher' | 'staff' | 'grace', mac: string): Promise<Proof> {
  if (way === 'grace') return { method: 'grace', towards: 'email-code' };
  if (way === 'voucher') {
    const { code } = await paperCode();
    return { method: 'voucher', code };
  }
  const { requestId } = await house.approvals.ask(house.store, { name: 'Sam', mac });
  await db.query(
    `update approval_requests set decision = 'granted', decided_at = asked_at where id = $1`,
    [requestId],
  );
  return { method: 'staff', requestId };
}

describe('grace', () => {
  const grace: Proof = { method: 'grace', towards: 'email-code' };
  const mail = (): Proof => ({
    method: 'email-code',
    address: `${make.makeMac().replaceAll(':', '')}@example.com`,
  });
  const stay = (): Promise<{ provisional: boolean }[]> =>
    house.rows('select provisional from guests where merchant_id = $1', [house.merchantId]);

  test('is a few minutes, agreed to as far as the terms, and tells nobody of a guest', async () => {
    const consents = ['access', 'marketing'].map((purpose) => ({
      purpose: purpose as 'access' | 'marketing',
      granted: true,
      version: purpose === 'access' ? 'a1' : 'm1',
      language: 'en' as const,
    }));
    const answer = await letIn(house, {
      proof: grace,
      consents,
      answer: { key: 'taste', value: 'tea' },
    });
    expect(answer.grant.minutes).toBe(5);
    expect(await writtenBy(house)).toEqual({ guests: 1, consents: 1, sessions: 1, events: 0 });
    expect(await rowsOf(house, 'guest_answers')).toBe(0);
    expect(await stay()).toEqual([{ provisional: true }]);
  });

  test('is given so often a day and device, whatever it is towards', async () => {
    const mac = make.makeMac();
    const towards = ['email-code', 'oidc', 'sms-code'] as const;
    const answers: unknown[] = [];
    for (const way of towards) answers.push(await enter({ method: 'grace', towards: way }, mac));
    expect(answers).toMatchObject([
      { ok: true },
      { ok: true },
      { ok: false, reason: 'grace-used' },
    ]);
    expect(await enter(grace)).toMatchObject({ ok: true });
    house.time.now += DAY;
    expect(await enter(grace, mac)).toMatchObject({ ok: true });
  });

  test('changing the address again and again does not help beyond a bound of the store', async () => {
    const { grant } = await letIn(house, at(make.makeMac(), { proof: grace }));
    await multiply(house, grant.sessionId, UNPROVED_GRACES_PER_HOUR - 2);
    const mac = make.makeMac();
    expect(await enter(grace, mac)).toMatchObject({ ok: true });
    expect(await enter(grace)).toEqual({ ok: false, reason: 'grace-used' });
    // Who shows who they are makes room for the next.
    await inside(mail(), mac);
    expect(await enter(grace)).toMatchObject({ ok: true });
    expect(await enter(grace)).toEqual({ ok: false, reason: 'grace-used' });
    house.time.now += 60 * MINUTE;
    expect(await enter(grace)).toMatchObject({ ok: true });
  });

  test('a double press is one', async () => {
    const press = admission(house, { proof: grace });
    const answers = await Promise.all(Array.from({ length: 6 }, () => house.desk.admit(press)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await rowsOf(house, 'sessions')).toBe(1);
  });

  test('is not given where the store gives none', async () => {
    const store = { ...house.store, policy: { ...house.store.policy!, graceMinutes: 0 } };
    expect(await enter(grace, make.makeMac(), { store })).toEqual({
      ok: false,
      reason: 'grace-used',
    });
  });

  test('whoever proves themselves then is a new guest, and the stand-in is gone', async () => {
    const mac = make.makeMac();
    const before = await inside(grace, mac);
    house.time.now += 2 * MINUTE;
    const full = await letIn(house, at(mac, { proof: mail() }));
    expect(full.returning).toBe(false);
    expect(await guests()).toMatchObject([{ id: full.grant.guestId }]);
    const sessions = await house.rows<{ id: string; guest_id: string }>(
      'select id, guest_id from sessions where merchant_id = $1',
      [house.merchantId],
    );
    expect(new Set(sessions.map((row) => row.guest_id))).toEqual(new Set([full.grant.guestId]));
    expect(sessions.map((row) => row.id)).toContain(before.grant.sessionId);
  });

  test('whoever taps through then is the stand-in, from now on a guest', async () => {
    const mac = make.makeMac();
    const before = await inside(grace, mac);
    house.time.now += 2 * MINUTE;
    const full = await letIn(house, at(mac));
    expect(full).toMatchObject({ returning: false, grant: { guestId: before.grant.guestId } });
    expect(await stay()).toEqual([{ provisional: false }]);
  });

  test('a guest who is known keeps their name through it', async () => {
    const mac = make.makeMac();
    const first = await inside({ method: 'click-through' }, mac);
    house.time.now += DAY;
    const during = await letIn(house, at(mac, { proof: grace }));
    expect(during.grant.guestId).toBe(first.grant.guestId);
    expect(await stay()).toEqual([{ provisional: false }]);
  });

  test('stand-ins nobody came back for are forgotten', async () => {
    const { grant } = await inside(grace);
    expect(await forgetStandIns(db, house.time.now + 3 * DAY, house.time.now)).toBe(0);
    await db.query(`update sessions set state = 'ended', ended_at = now() where id = $1`, [
      grant.sessionId,
    ]);
    await forgetStandIns(db, house.time.now - 1, house.time.now);
    expect(await rowsOf(house, 'guests')).toBe(1);
    await forgetStandIns(db, house.time.now + 3 * DAY, house.time.now);
    expect(await writtenBy(house)).toMatchObject({ guests: 0, consents: 0, sessions: 0 });
  });
});

describe('closing time', () => {
  const span = [{ from: '09:00', to: '13:00' }];
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  const hours = Object.fromEntries(days.map((day) => [day, span])) as NonNullable<
    StoreView['hours']
  >;

  test('cuts what is granted, and shuts the door after it', async () => {
    house.store = { ...house.store, timezone: 'UTC', hours };
    house.rules.minutes = 0;
    const noon = new Date(house.time.now);
    house.time.now = Date.UTC(noon.getUTCFullYear(), noon.getUTCMonth(), noon.getUTCDate(), 12, 30);
    const { grant } = await letIn(house);
    expect(grant.minutes).toBe(30);
    house.time.now += 30 * MINUTE;
    expect(await enter({ method: 'click-through' })).toEqual({ ok: false, reason: 'closed' });
    const { code, id } = await paperCode();
    expect(await enter({ method: 'voucher', code })).toEqual({ ok: false, reason: 'closed' });
    const [row] = await house.rows('select uses_left from access_vouchers where id = $1', [id]);
    expect(row).toEqual({ uses_left: 1 });
  });
});

describe('a printed code', () => {
  test('is remembered by its session, which ends with it', async () => {
    const expiresAt = new Date(house.time.now + 20 * MINUTE);
    const voucher = await paperCode({ minutes: 120, expiresAt });
    const { grant } = await letIn(house, { proof: { method: 'voucher', code: voucher.code } });
    expect(grant).toMatchObject({ minutes: 20, expiresAt: expiresAt.getTime() });
    const [row] = await house.rows('select access_voucher_id as id from sessions where id = $1', [
      grant.sessionId,
    ]);
    expect(row).toEqual({ id: voucher.id });
  });
});

describe('a slot', () => {
  const words = (text: string) => ({ headline: { en: text, 'zh-CN': text }, body: {} });
  const fill = (slot: 'pre_auth' | 'landing' | 'return', sessionId?: string) =>
    house.desk.slot?.(house.store, slot, { language: 'en', ...(sessionId ? { sessionId } : {}) });

  beforeEach(() => {
    house.store = { ...house.store, house: { pre_auth: words('Hello'), landing: words('Enjoy') } };
  });

  test('shows the newest offer to its guest and the house to everybody else', async () => {
    const { grant } = await inside({ method: 'click-through' });
    const { sessionId, guestId } = grant;
    expect(await fill('landing', sessionId)).toEqual({ kind: 'house', content: words('Enjoy') });
    const offer = await make.makeOffer(db, house.merchantId);
    const voucher = await make.makeVoucher(db, house.merchantId, offer.id, { guestId });
    expect(await fill('landing', sessionId)).toMatchObject({
      kind: 'offer',
      card: { voucherId: voucher.id },
    });
    expect(await fill('return', sessionId)).toMatchObject({ kind: 'offer' });
    expect(await fill('pre_auth', sessionId)).toMatchObject({ kind: 'house' });
    expect(await fill('landing')).toMatchObject({ kind: 'house' });
    expect(await fill('landing', 'rubbish')).toMatchObject({ kind: 'house' });
    expect(await fill('return')).toBeNull();
    const other = await openReception(db);
    expect(
      await other.desk.slot?.(other.store, 'landing', { sessionId, language: 'en' }),
    ).toBeNull();
  });
});

describe('a vendor’s own address', () => {
  const site = (name: string, aps?: string[]) => ({
    unifi: { site: name, ...(aps ? { aps } : {}) },
  });
  const register = async (settings: object) => {
    const reception = await openReception(db);
    await make.makeGateway(db, reception.merchantId, reception.store.id, {
      kind: 'unifi',
      name: 'controller',
      settings,
    });
    return reception;
  };
  const asked = (on: Reception, key: string, ap?: string) =>
    on.desk.storeByEntry?.({ kind: 'unifi', key, ...(ap ? { ap } : {}) });

  test('is a store when only one has it', async () => {
    const one = await register(site('s-one'));
    expect(await asked(one, 's-one')).toMatchObject({ id: one.store.id });
    expect(await asked(one, 's-none')).toBeNull();
    expect(await one.desk.storeByEntry?.({ kind: 'meraki', key: 's-one' })).toBeNull();
  });

  test('needs the access point when several have it, and nothing when even that is not one’s own', async () => {
    const one = await register(site('twice', ['02:AA:00:00:00:01', '02-aa-00-00-00-03']));
    const two = await register(site('twice', ['02:aa:00:00:00:02', '02:aa:00:00:00:03']));
    expect(await asked(one, 'twice')).toBeNull();
    expect(await asked(one, 'twice', '02:aa:00:00:00:01')).toMatchObject({ id: one.store.id });
    expect(await asked(two, 'twice', '02:AA:00:00:00:02')).toMatchObject({ id: two.store.id });
    expect(await asked(one, 'twice', '02:aa:00:00:00:03')).toBeNull();
    expect(await asked(one, 'twice', '02:aa:00:00:00:04')).toBeNull();
    expect(await asked(one, 'twice', '%')).toBeNull();
  });

  test.each(['', 'x'.repeat(100), "' or 1=1 --", '\u0000'])(
    '%# hostile names find nothing',
    async (key) => {
      expect(await asked(house, key)).toBeNull();
    },
  );
});

describe('guests who only tap, of whom no gateway has spoken', () => {
  const tap: Proof = { method: 'click-through' };

  test('are told to the house up to a bound of the store; beyond it they come in all the same', async () => {
    const { grant } = await letIn(house, at(make.makeMac(), { proof: tap }));
    await multiply(house, grant.sessionId, UNSEEN_TAPS_PER_HOUR - 2);
    const told = () => rowsOf(house, 'outbox');
    const before = await told();
    expect(await enter(tap)).toMatchObject({ ok: true });
    expect(await told()).toBe(before + 1);
    expect(await enter(tap)).toMatchObject({ ok: true });
    expect(await told()).toBe(before + 1);
    expect(await enter({ method: 'sms-code', address: make.makePhone() })).toMatchObject({
      ok: true,
    });
    expect(await told()).toBe(before + 2);
    await db.query('update sessions set confirmed_at = granted_at where merchant_id = $1', [
      house.merchantId,
    ]);
    expect(await enter(tap)).toMatchObject({ ok: true });
    expect(await told()).toBe(before + 3);
  });
});
