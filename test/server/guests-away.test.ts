/** The reception while storage is away: what it knew a moment ago is still answered, nothing is let in. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { failure } from '../../server/db/failures.ts';
import { createMemory } from '../../server/guests/memory.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { admission, letIn, openReception } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const MINUTE = 60_000;

let held: TestDatabase;
let house: Reception;
let away: string | null = null;

beforeAll(async () => {
  held = await testDatabase();
  const { db } = held;
  const cut = <T>(work: () => Promise<T>): Promise<T> =>
    away === null ? work() : Promise.reject(failure(away, 'storage is away'));
  const shaky: Database = {
    ...db,
    query: (text, params) => cut(() => db.query(text, params)),
    tx: (work, options) => cut(() => db.tx(work, options)),
  };
  house = await openReception(shaky);
});
afterAll(() => held.release());

test('a known live session is answered for a minute, an unknown one is not', async () => {
  const { grant } = await letIn(house);
  const seen = await house.desk.session(house.store, grant.sessionId);
  const unseen = (await letIn(house)).grant.sessionId;
  away = '08006';
  try {
    expect(await house.desk.session(house.store, grant.sessionId)).toEqual(seen);
    await expect(house.desk.session(house.store, unseen)).rejects.toMatchObject({ code: '08006' });
    await expect(house.desk.admit(admission(house))).rejects.toMatchObject({ code: '08006' });
    const other = { ...house.store, id: house.gatewayId };
    await expect(house.desk.session(other, grant.sessionId)).rejects.toMatchObject({
      code: '08006',
    });
    house.time.now += MINUTE + 1;
    await expect(house.desk.session(house.store, grant.sessionId)).rejects.toMatchObject({
      code: '08006',
    });
  } finally {
    away = null;
  }
  expect(await house.desk.session(house.store, grant.sessionId)).toMatchObject({
    state: 'pending',
  });
});

test('one whose time runs out meanwhile is over', async () => {
  house.rules.minutes = 1;
  const { grant } = await letIn(house);
  await house.desk.session(house.store, grant.sessionId);
  away = '57P01';
  try {
    house.time.now += MINUTE;
    expect(await house.desk.session(house.store, grant.sessionId)).toMatchObject({
      state: 'ended',
    });
  } finally {
    away = null;
  }
});

test('a slot falls back to the house', async () => {
  const { grant } = await letIn(house);
  const content = { headline: { en: 'Hello', 'zh-CN': '你好' }, body: {} };
  const store = { ...house.store, house: { landing: content } };
  away = '08006';
  try {
    const who = { sessionId: grant.sessionId, language: 'en' as const };
    expect(await house.desk.slot?.(store, 'landing', who)).toEqual({ kind: 'house', content });
  } finally {
    away = null;
  }
});

test('memory is bounded, forgets what is not worth keeping, and hides no refusal of storage', async () => {
  let now = 0;
  const memory = createMemory<number | null>({
    clock: () => now,
    keepMs: 1000,
    most: 2,
    worth: (value) => value !== null,
  });
  const broken = () => Promise.reject(failure('08006', 'away'));
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const) {
    await memory.through(key, () => Promise.resolve(value));
  }
  await expect(memory.through('a', broken)).rejects.toThrow('away');
  expect(await memory.through('c', broken)).toBe(3);
  await expect(
    memory.through('c', () => Promise.reject(failure('42P01', 'no table'))),
  ).resolves.toBe(3);
  now += 1001;
  await expect(
    memory.through('b', () => Promise.reject(failure('42P01', 'no table'))),
  ).rejects.toThrow('no table');
  await memory.through('b', () => Promise.resolve(null));
  await expect(memory.through('b', broken)).rejects.toThrow('away');
});

test('an admission is one transaction of few statements', async () => {
  const { db } = held;
  let transactions = 0;
  const statements: string[] = [];
  const watched: Database = {
    ...db,
    tx: (work, options) => {
      transactions += 1;
      return db.tx(
        (tx) =>
          work({
            query: (text, params) => {
              statements.push(text.trim().split(/\s+/).slice(0, 3).join(' '));
              return tx.query(text, params);
            },
          }),
        options,
      );
    },
  };
  const fresh = await openReception(watched);
  const policy = { graceMinutes: 5, gracePerDay: 2, rememberDays: 30 };
  const proof = { method: 'sms-code' as const, address: '+447400123999' };
  await letIn(fresh, { store: { ...fresh.store, policy }, proof });
  expect(transactions).toBe(1);
  expect(statements.length).toBeLessThanOrEqual(10);
});
