/** The database that tells when events were committed: after the commit, only then, and only for events. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { appendEvents } from '../../server/events/outbox.ts';
import { watchEvents } from '../../server/events/watch.ts';
import type { Queryable } from '../../server/db/database.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeMerchant } from '../support/make.ts';

let held: TestDatabase;
let tenant: string;
let told: number;

beforeAll(async () => {
  held = await testDatabase();
  tenant = (await makeMerchant(held.db)).id;
});
afterAll(() => held.release());
beforeEach(() => {
  told = 0;
});

const watched = () => watchEvents(held.db, () => (told += 1));
const write = (tx: Queryable) => {
  const payload = { fenceId: 'f', change: 'created' as const, at: new Date(NOON).toISOString() };
  const event = { merchantId: tenant, type: 'fence.changed' as const, key: 'f', payload };
  return appendEvents(tx, [{ ...event, occurredAt: new Date(NOON) }], NOON);
};

test('a transaction with events is told of once, after its commit', async () => {
  await watched().tx(
    async (tx) => {
      await write(tx);
      await write(tx);
      expect(told).toBe(0);
    },
    { tenant },
  );
  expect(told).toBe(1);
});

test('one without events, one without any to write, and one rolled back are not', async () => {
  const db = watched();
  await db.tx((tx) => tx.query('select 1'), { tenant });
  await db.tx((tx) => appendEvents(tx, [], NOON), { tenant });
  const failing = db.tx(
    async (tx) => {
      await write(tx);
      throw new Error('changed my mind');
    },
    { tenant },
  );
  await expect(failing).rejects.toThrow('changed my mind');
  expect(told).toBe(0);
});
