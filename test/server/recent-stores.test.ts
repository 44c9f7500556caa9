/** Stores kept for a moment: read once, never past their time, and never past a change made here. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recentStores, watchStores } from '../../server/stores/recent.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeGateway, makeMerchant, makeStore } from '../support/make.ts';

let held: TestDatabase;

beforeAll(async () => {
  held = await testDatabase();
});
afterAll(() => held.release());

/** A shelf with a clock to turn and a count of what was read. */
function shelf() {
  const time = { now: 1_000 };
  const stores = recentStores<string | null>(() => time.now);
  const reads: string[] = [];
  const read = (slug: string, answer: () => Promise<string | null> = async () => slug) =>
    stores.through(slug, () => {
      reads.push(slug);
      return answer();
    });
  return { time, stores, reads, read };
}

test('many pages of one second read once, the next second reads again', async () => {
  const { time, reads, read } = shelf();
  await Promise.all([read('a'), read('a'), read('b')]);
  time.now += 999;
  expect(await read('a')).toBe('a');
  expect(reads).toEqual(['a', 'b']);
  time.now += 1;
  await read('a');
  expect(reads).toEqual(['a', 'b', 'a']);
});

test('a change is seen at once, also by who began to read before it', async () => {
  const { stores, reads, read } = shelf();
  let answer = (_store: string): void => undefined;
  const slow = read('a', () => new Promise((resolve) => (answer = resolve)));
  stores.changed();
  expect(await read('a', async () => 'new')).toBe('new');
  answer('old');
  expect(await slow).toBe('old');
  expect(await read('a')).toBe('new');
  expect(reads).toHaveLength(2);
});

test('what is not there, or could not be read, is asked for again', async () => {
  const { reads, read } = shelf();
  expect(await read('none', async () => null)).toBeNull();
  expect(await read('none', async () => 'made meanwhile')).toBe('made meanwhile');
  await expect(read('away', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await read('away')).toBe('away');
  expect(reads).toHaveLength(4);
});

test('a thousand are kept, the oldest go', async () => {
  const { reads, read } = shelf();
  for (let i = 0; i <= 1_000; i++) await read(`s${i}`);
  await read('s1000');
  expect(reads).toHaveLength(1_001);
  await read('s0');
  expect(reads).toHaveLength(1_002);
});

test('changes are told of after their commit; a gateway merely heard is none', async () => {
  let told = 0;
  const db = watchStores(held.db, () => (told += 1));
  const merchant = await makeMerchant(held.db);
  const store = await makeStore(held.db, merchant.id);
  const gateway = await makeGateway(held.db, merchant.id, store.id);
  const tenant = merchant.id;
  const rename = 'update stores set name = $2 where id = $1';
  await db.tx(
    async (tx) => {
      await tx.query(rename, [store.id, 'Other']);
      expect(told).toBe(0);
    },
    { tenant },
  );
  expect(told).toBe(1);
  await db.query('update gateways set settings = settings where id = $1', [gateway.id]);
  expect(told).toBe(2);
  await db.query('update gateways set last_heard_at = now() where id = $1', [gateway.id]);
  await db.query('select name from stores where id = $1', [store.id]);
  const undone = db.tx(async (tx) => {
    await tx.query(rename, [store.id, 'Nobody’s']);
    throw new Error('not after all');
  });
  await expect(undone).rejects.toThrow('not after all');
  expect(told).toBe(2);
});
