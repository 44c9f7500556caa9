/** Late pings and offers: a visit told under another id, or taken back and returned, is one occasion. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import type { DomainEvent } from '../../server/events/types.ts';
import { createLog } from '../../server/log.ts';
import { createTrigger } from '../../server/rules/trigger.ts';
import { visitsOfFence } from '../../server/console/queries.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeConsent,
  makeDevice,
  makeFence,
  makeGuest,
  makeMerchant,
  makeOffer,
  makeRule,
  makeStore,
} from '../support/make.ts';
import { eventsOf, openDoors, stay, visitsOf } from '../support/pinging.ts';
import type { Doors, SentPing } from '../support/pinging.ts';

const MINUTE = 60_000;
const SHOP = { lon: -0.1276, lat: 51.5072 };
const AWAY = { lon: -0.1261, lat: 51.5092 };

let held: TestDatabase;
let db: Database;
let now = NOON;
let doors: Doors;
let merchantId: string;
let storeId: string;
let fenceId: string;
let offerId: string;
let device: { id: string; token: string };
let trigger: (event: DomainEvent) => Promise<void>;

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
  trigger = createTrigger({ db, clock: () => now, log: createLog('silent') });
});
afterAll(() => held?.release());

beforeEach(async () => {
  now = NOON;
  merchantId = (await makeMerchant(db)).id;
  storeId = (await makeStore(db, merchantId)).id;
  fenceId = (await makeFence(db, merchantId, { storeId, name: 'Shop' })).id;
  offerId = (await makeOffer(db, merchantId)).id;
  const guestId = (await makeGuest(db, merchantId)).id;
  await makeConsent(db, merchantId, guestId);
  device = await makeDevice(db, merchantId, { guestId });
  doors = openDoors(db, () => now);
});

const send = async (pings: readonly SentPing[]) => {
  expect((await doors.send(device.token, pings)).status).toBe(202);
};

/** As they come in life, each a second after it was taken, and heard by the rules at once. */
async function live(pings: readonly SentPing[], hear = heard): Promise<void> {
  for (const ping of pings) {
    now = Math.max(now, ping.at + 1_000);
    await send([ping]);
    await hear();
  }
}
const deaf = () => Promise.resolve();

const rule = (trigger_: 'visit.entered' | 'visit.dwelled' | 'visit.left', definition: object) =>
  makeRule(db, merchantId, offerId, {
    trigger: trigger_,
    definition: { experiment: { holdout: 0 }, ...definition },
  });

/** Everything in the outbox, heard by the rules; again and again does no harm. */
async function heard(): Promise<void> {
  const { rows } = await db.query<{ id: string; type: DomainEvent['type']; payload: object }>(
    `select id, type, payload from outbox where device_id = $1 and type like 'visit.%' order by seq`,
    [device.id],
  );
  for (const { id, type, payload } of rows) {
    const at = { occurredAt: new Date(now), position: 1, merchantId, storeId };
    await trigger({ ...at, id, type, payload, guestId: null, deviceId: device.id } as DomainEvent);
  }
}

async function decisions() {
  const { rows } = await db.query<{ trigger: string; reason: string }>(
    `select trigger, reason from decisions where merchant_id = $1 order by decided_at, trigger desc`,
    [merchantId],
  );
  return rows.map((row) => `${row.trigger} ${row.reason}`);
}

/** Enters live, then earlier pings turn up and give the visit another id. */
async function renamed(): Promise<void> {
  await live([...stay(2, NOON - 10 * MINUTE, AWAY), ...stay(4, NOON, SHOP)]);
  const [before] = await visitsOf(db, device.id);
  await send(stay(3, NOON - 90_000, SHOP));
  const [after, ...others] = await visitsOf(db, device.id);
  expect(others).toEqual([]);
  expect(after?.['id']).not.toBe(before?.['id']);
}

describe('a visit told under another id', () => {
  const group = { name: 'hello', priority: 1, per: '1m' };

  test.each([
    ['decided before it was renamed', true],
    ['still waiting to be decided then', false],
  ])('takes its group only once: the entry %s', async (_, before) => {
    await rule('visit.entered', { group });
    await rule('visit.dwelled', { group });
    const coming = [...stay(2, NOON - 10 * MINUTE, AWAY), ...stay(4, NOON, SHOP)];
    await live(coming, before ? heard : deaf);
    await send(stay(3, NOON - 90_000, SHOP));
    await heard();
    // Beyond the group's time: only the visit itself stands in the way.
    await live(stay(12, NOON + 2 * MINUTE, SHOP));
    const made = await decisions();
    expect(made[0]).toBe('visit.entered issued');
    expect(made.slice(1)).toContain('visit.dwelled group-taken');
    expect(made.filter((each) => each.endsWith('issued'))).toHaveLength(1);
  });

  test('may be renamed more than once, and back', async () => {
    await rule('visit.entered', { group });
    await rule('visit.dwelled', { group });
    await renamed();
    await send(stay(1, NOON - 105_000, SHOP));
    await send(stay(1, NOON - 120_000, SHOP));
    await live(stay(12, NOON + 2 * MINUTE, SHOP));
    expect((await decisions()).filter((each) => each.endsWith('issued'))).toHaveLength(1);
    const { rows } = await db.query<{ roots: number; n: number }>(
      `select count(distinct coalesce(root_id, id)) as roots, count(*) as n from visits
       where device_id = $1`,
      [device.id],
    );
    expect(rows[0]?.n).toBeGreaterThan(2);
    expect(rows[0]?.roots).toBe(1);
  });

  test('is counted once among the visits of its fence', async () => {
    await renamed();
    const found = await db.tx((tx) => visitsOfFence(tx, merchantId, fenceId), {
      tenant: merchantId,
    });
    expect(found).toBe(1);
  });
});

describe('a visit taken back', () => {
  /** Somebody comes in; late pings say that it was not so. */
  async function takenBack(): Promise<void> {
    await live([...stay(1, NOON - 5 * MINUTE, AWAY), ...stay(2, NOON - 60_000, SHOP, 50_000)]);
    expect(await visitsOf(db, device.id)).toMatchObject([{ status: 'open' }]);
    now = NOON;
    await send(stay(5, NOON - 58_000, AWAY, 8_000));
    expect(await visitsOf(db, device.id)).toEqual([]);
  }

  test('that returns at once is no news', async () => {
    await rule('visit.entered', { group: { name: 'hello', priority: 1, per: '1m' } });
    await takenBack();
    await live(stay(24, NOON + 20_000, SHOP, 15_000));
    const told = await eventsOf(db, device.id, 'visit.entered');
    expect(told.map(({ payload }) => payload.triggerEligible)).toEqual([true, false]);
    expect(told[1]?.payload.whyNot).toContain('taken back');
    expect((await decisions()).filter((each) => each.endsWith('issued'))).toHaveLength(1);
    // What it had not come to before is news.
    const dwelled = await eventsOf(db, device.id, 'visit.dwelled');
    expect(dwelled.map(({ payload }) => payload.triggerEligible)).toEqual([true, true]);
  });

  test('makes way for another, later on', async () => {
    await takenBack();
    await live([...stay(6, NOON + 30_000, AWAY), ...stay(6, NOON + 5 * MINUTE, SHOP)]);
    const told = await eventsOf(db, device.id, 'visit.entered');
    expect(told.map(({ payload }) => payload.triggerEligible)).toEqual([true, true]);
  });

  test('does not meet conditions that read it', async () => {
    await rule('visit.left', { when: { field: 'visit.dwell_seconds', op: 'gte', value: 60 } });
    await live([...stay(8, NOON, SHOP), ...stay(5, NOON + 4 * MINUTE, AWAY)], deaf);
    await db.query(`update visits set status = 'retracted' where device_id = $1`, [device.id]);
    await heard();
    expect(await decisions()).toEqual(['visit.left conditions-unknown']);
  });
});
