/** Who goes back in the browser and presses again has one session; and what a hardware address alone led to is said. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Desk } from '../../portal/ports.ts';
import type { Database } from '../../server/db/database.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeMac, makePhone } from '../support/make.ts';
import { admission, letIn, openReception, rowsOf } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const MINUTE = 60_000;
const HID = 'a'.repeat(64);
type Request = Parameters<Desk['admit']>[0];

let held: TestDatabase;
let db: Database;
let house: Reception;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held.release());
beforeEach(async () => {
  house = await openReception(db);
  const policy = { graceMinutes: 5, gracePerDay: 2, rememberDays: 30 };
  house.store = { ...house.store, policy };
});

const from = (mac: string, hid: string | undefined, over: Partial<Request> = {}) => ({
  ...over,
  context: { ...admission(house).context, mac, ...(hid === undefined ? {} : { hid }) },
});

/** Comes in, and the gateway says so. */
async function inside(request: Partial<Request>) {
  const answer = await letIn(house, request);
  await db.query(
    `update sessions set state = 'active', confirmed_at = granted_at where id = $1 and state = 'pending'`,
    [answer.grant.sessionId],
  );
  return answer;
}

describe('pressed again while the session runs', () => {
  const tap = { proof: { method: 'click-through' } } as const;
  const sms = () => ({ proof: { method: 'sms-code', address: makePhone() } }) as const;

  test.each([
    ['after a tap', tap],
    ['after a code', sms()],
  ])('%s: the first grant, with what is left of it', async (_name, proof) => {
    const mac = makeMac();
    const first = await inside(from(mac, HID, proof));
    house.time.now += 20 * MINUTE;
    const again = await letIn(house, from(mac, HID, proof));
    expect(again.grant).toEqual({ ...first.grant, minutes: first.grant.minutes - 20 });
    const { deviceToken = '' } = again;
    const returning = { proof: { method: 'returning', token: deviceToken }, consents: [] } as const;
    const known = await letIn(house, from(mac, HID, { ...returning, consents: [] }));
    expect(known.grant.sessionId).toBe(first.grant.sessionId);
    expect(await rowsOf(house, 'sessions')).toBe(1);
    expect(await rowsOf(house, 'outbox')).toBe(1);
  });

  test('a client that its gateway marks anew is outside: another session', async () => {
    const mac = makeMac();
    const first = await inside(from(mac, HID, tap));
    house.time.now += 2 * MINUTE;
    const again = await letIn(house, from(mac, 'b'.repeat(64), tap));
    expect(again.grant.sessionId).not.toBe(first.grant.sessionId);
  });

  test.each([
    ['a gateway that can be asked again: the first', true, 1],
    ['one that cannot: another', false, 2],
  ])('without a mark, at %s', async (_name, reopens, sessions) => {
    const mac = makeMac();
    await inside(from(mac, undefined, { ...tap, reopens }));
    house.time.now += 2 * MINUTE;
    await letIn(house, from(mac, undefined, { ...tap, reopens }));
    expect(await rowsOf(house, 'sessions')).toBe(sessions);
  });

  test('what is over, or somebody else’s, is not taken up', async () => {
    const mac = makeMac();
    const first = await inside(from(mac, HID, tap));
    const other = await letIn(house, from(mac, HID, sms()));
    expect(other.grant.sessionId).not.toBe(first.grant.sessionId);
    house.time.now = first.grant.expiresAt + 1;
    const later = await letIn(house, from(mac, HID, tap));
    expect(later.grant).toMatchObject({ minutes: first.grant.minutes });
    expect(later.grant.sessionId).not.toBe(first.grant.sessionId);
  });
});

describe('what the hardware address alone led to', () => {
  test('is said of a guest and of a session, and of nobody who was not here before', async () => {
    const mac = makeMac();
    const first = await inside(from(mac, undefined));
    expect(first.byMac).toBeUndefined();
    expect((await letIn(house, from(mac, undefined))).byMac).toBe('session');
    house.time.now += 2 * MINUTE;
    expect((await letIn(house, from(mac, undefined))).byMac).toBe('guest');
  });

  test('is not said where the gateway’s mark fits, nor of who proved more', async () => {
    const mac = makeMac();
    await inside(from(mac, HID));
    house.time.now += 2 * MINUTE;
    expect((await letIn(house, from(mac, HID))).byMac).toBeUndefined();
    expect((await letIn(house, from(mac, 'b'.repeat(64)))).byMac).toBe('guest');
    const proof = { method: 'sms-code', address: makePhone() } as const;
    expect((await letIn(house, from(mac, undefined, { proof }))).byMac).toBeUndefined();
  });
});
