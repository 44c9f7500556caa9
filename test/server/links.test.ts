/** Journeys kept for another browser: under hashed keys, bounded, read once where that is meant. */
import { expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { MISSES_PER_MINUTE, MOST_LINKS, forgetLinks } from '../../server/links/links.ts';
import { openReception, receptionEach, rowsOf } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';

const MINUTE = 60_000;

let db: Database;
let house: Reception;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
});

const keep = (kind: 'short' | 'state', ttlMs = 10 * MINUTE, sealed = 'sealed journey') =>
  house.links.keep(house.store, sealed, { ttlMs, kind });
const find = (key: string) => house.links.find(house.store, key);

test('a short key has eight signs nobody misreads, and may be read again', async () => {
  const key = await keep('short');
  expect(key).toMatch(/^[2345789CDFGHJKMNPRTVWXY]{8}$/);
  expect(await find(key)).toBe('sealed journey');
  expect(await find(` ${key.slice(0, 4).toLowerCase()}-${key.slice(4)} `)).toBe('sealed journey');
});

test('a state has 43 characters and can be read once, however many ask', async () => {
  const key = await keep('state');
  expect(key).toMatch(/^[\w-]{43}$/);
  const answers = await Promise.all(Array.from({ length: 6 }, () => find(key)));
  expect(answers.filter((answer) => answer !== null)).toEqual(['sealed journey']);
  expect(await find(key)).toBeNull();
});

test.each(['short', 'state'] as const)('a %s key ends with its time', async (kind) => {
  const key = await keep(kind);
  house.time.now += 10 * MINUTE;
  expect(await find(key)).toBeNull();
});

test('no time is longer than a day', async () => {
  const key = await keep('short', 365 * 1440 * MINUTE);
  house.time.now += 1440 * MINUTE - 1;
  expect(await find(key)).toBe('sealed journey');
  house.time.now += 1;
  expect(await find(key)).toBeNull();
});

test('storage does not hold the key', async () => {
  const key = await keep('short');
  const [row] = await house.rows('select * from journey_links where merchant_id = $1', [
    house.merchantId,
  ]);
  const kept = Object.values(row ?? {}).map((value) =>
    Buffer.isBuffer(value) ? value.toString('latin1') : String(value),
  );
  expect(kept.join('\n')).not.toContain(key);
});

test('a key is nothing at another store', async () => {
  const other = await openReception(db);
  for (const kind of ['short', 'state'] as const) {
    const key = await keep(kind);
    expect(await other.links.find(other.store, key)).toBeNull();
    expect(await find(key)).toBe('sealed journey');
  }
});

test.each(['', 'short', 'A'.repeat(43), '../../etc', '\u0000'.repeat(8), '9'.repeat(100_000)])(
  '%# hostile keys find nothing',
  async (key) => {
    expect(await find(key)).toBeNull();
  },
);

test('a journey longer than any is refused', async () => {
  await expect(keep('short', MINUTE, 'x'.repeat(16_385))).rejects.toMatchObject({
    code: 'body-too-large',
  });
});

test('a store keeps only so many live ones of a kind', async () => {
  await db.query(
    `insert into journey_links (key_hash, merchant_id, store_id, kind, sealed, created_at, expires_at)
     select decode(md5($2 || n), 'hex'), $1, $2::uuid, 'short', 'x', $4, $5 from generate_series(1, $3::int) n`,
    [
      house.merchantId,
      house.store.id,
      MOST_LINKS,
      new Date(house.time.now),
      new Date(house.time.now + MINUTE),
    ],
  );
  await expect(keep('short')).rejects.toMatchObject({ code: 'too-many-requests' });
  await keep('state');
  house.time.now += MINUTE;
  expect(await find(await keep('short'))).toBe('sealed journey');
});

test('guessing short keys ends for the minute, at that store', async () => {
  const key = await keep('short');
  for (let i = 0; i < MISSES_PER_MINUTE; i++) await find('22222222');
  expect(await find(key)).toBeNull();
  house.time.now += MINUTE;
  expect(await find(key)).toBe('sealed journey');
});

test('old ones are forgotten', async () => {
  await keep('short');
  await keep('state', 60 * MINUTE);
  await forgetLinks(db, house.time.now + 11 * MINUTE);
  expect(await rowsOf(house, 'journey_links')).toBe(1);
});
