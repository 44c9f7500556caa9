/** A second process beside the first: takes over what a crash left, and positions stay cursors. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDispatcher } from '../../server/events/dispatch.ts';
import type { Subscriber } from '../../server/events/dispatch.ts';
import { appendEvents, eventsAfter } from '../../server/events/outbox.ts';
import type { DomainEvent, NewEvent } from '../../server/events/types.ts';
import { definitionSchema } from '../../server/rules/schema.ts';
import { createTrigger } from '../../server/rules/trigger.ts';
import { postgresTestDatabase, testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  NOON,
  makeConsent,
  makeGuest,
  makeMerchant,
  makeOffer,
  makeRule,
  makeStore,
} from '../support/make.ts';
import { postgresUrl, requirePart } from '../support/parts.ts';
import { silentLog as log } from '../support/routes-app.ts';

const LEASE = 30_000;

let held: TestDatabase;
beforeAll(async () => {
  held = await testDatabase();
});
afterAll(() => held?.release());

const nameOf = (given: DomainEvent): string => (given.payload as { fenceId: string }).fenceId;

describe('a crash', () => {
  test('what a crashed process had in hand is taken over after the lease, and takes effect once', async () => {
    const { db } = held;
    const merchantId = (await makeMerchant(db)).id;
    const time = { now: NOON };
    const clock = (): number => time.now;
    const dispatch = (subscribers: Subscriber[]) =>
      createDispatcher({ db, clock, log, subscribers });
    const store = await makeStore(db, merchantId);
    const guest = await makeGuest(db, merchantId);
    await makeConsent(db, merchantId, guest.id);
    const offer = await makeOffer(db, merchantId);
    const definition = definitionSchema.parse({
      trigger: 'guest.admitted',
      experiment: { holdout: 0 },
    });
    await makeRule(db, merchantId, offer.id, { trigger: 'guest.admitted', definition });
    const at = new Date(time.now).toISOString();
    await db.tx(
      (tx) =>
        appendEvents(
          tx,
          [
            {
              merchantId,
              storeId: store.id,
              guestId: guest.id,
              type: 'guest.admitted',
              key: guest.id,
              occurredAt: new Date(time.now),
              payload: {
                guestId: guest.id,
                storeId: store.id,
                sessionId: guest.id,
                method: 'click-through',
                returning: false,
                marketingConsent: true,
                at,
              },
            },
          ],
          time.now,
        ),
      { tenant: merchantId },
    );
    const vouchers = async () =>
      (await db.query('select id from vouchers where merchant_id = $1', [merchantId])).rowCount;
    const trigger = createTrigger({ db, clock, log });
    let wake: () => void = () => undefined;
    let reached: () => void = () => undefined;
    const crashed = new Promise<void>((resolve) => (reached = resolve));
    // The rule has spoken and committed; the process dies before it can say so.
    const first = dispatch([
      trigger,
      (given) =>
        given.type === 'guest.admitted'
          ? new Promise<void>((resolve) => {
              wake = resolve;
              reached();
            })
          : Promise.resolve(),
    ]);
    first.start();
    await crashed;
    expect(await vouchers()).toBe(1);

    const heard: string[] = [];
    const second = dispatch([trigger, async ({ type }) => void heard.push(type)]);
    second.start();
    // The offer waits as well: it is of the same guest, and comes after what caused it.
    try {
      time.now += LEASE - 1;
      await second.idle();
      expect(heard).toEqual([]);
      time.now += 1;
      await second.idle();
      expect(heard).toEqual(['guest.admitted', 'offer.issued']);
      expect(await vouchers()).toBe(1);
    } finally {
      wake();
      await first.stop();
      await second.stop();
    }
    expect(await vouchers()).toBe(1);
  });
});

const onPostgres = requirePart('cursors under concurrent writers (PostgreSQL)', postgresUrl);

onPostgres('positions are cursors', () => {
  onPostgres.test(
    'two dispatchers, eight writers that commit out of order: a reader misses nothing and sees no past change',
    async () => {
      const own = await postgresTestDatabase(postgresUrl!, 16);
      const merchant = (await makeMerchant(own.db)).id;
      const [writers, rounds] = [8, 25];
      let writing = true;
      const delivered: string[] = [];
      const subscribers: Subscriber[] = [async (given) => void delivered.push(nameOf(given))];
      const pair = [1, 2].map(() =>
        createDispatcher({ db: own.db, clock: Date.now, log, subscribers }),
      );
      for (const dispatcher of pair) dispatcher.start();
      const read: { name: string; position: number }[] = [];
      let cursor = 0;
      const readOn = async (): Promise<void> => {
        const found = await own.db.tx((tx) => eventsAfter(tx, merchant, cursor, {}, 20), {
          tenant: merchant,
          readOnly: true,
        });
        for (const each of found) read.push({ name: nameOf(each), position: each.position });
        cursor = found.at(-1)?.position ?? cursor;
      };
      const reader = (async () => {
        while (writing) await readOn();
      })();
      try {
        await Promise.all(
          Array.from({ length: writers }, async (_, writer) => {
            for (let round = 0; round < rounds; round++) {
              await own.db.tx(
                async (tx) => {
                  const name = `${writer}/${String(round).padStart(2, '0')}`;
                  const made: NewEvent = {
                    merchantId: merchant,
                    type: 'fence.changed',
                    key: `${writer}`,
                    payload: { fenceId: name, change: 'updated', at: new Date().toISOString() },
                    occurredAt: new Date(),
                  };
                  await appendEvents(tx, [made], Date.now());
                  // Numbered already, committed later than others that began after it.
                  await tx.query('select pg_sleep($1::float8)', [((writer * 7 + round) % 5) / 500]);
                },
                { tenant: merchant },
              );
              for (const dispatcher of pair) dispatcher.nudge();
            }
          }),
        );
        for (const dispatcher of pair) await dispatcher.idle();
        for (const dispatcher of pair) await dispatcher.stop();
        writing = false;
        await reader;
        for (let before = -1; before !== cursor;) {
          before = cursor;
          await readOn();
        }
      } finally {
        writing = false;
        for (const dispatcher of pair) await dispatcher.stop();
        await own.release();
      }
      expect(read).toHaveLength(writers * rounds);
      expect(new Set(read.map(({ name }) => name)).size).toBe(writers * rounds);
      const positions = read.map(({ position }) => position);
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      expect(new Set(delivered).size).toBe(writers * rounds);
      for (let writer = 0; writer < writers; writer++) {
        const mine = delivered.filter((name) => name.startsWith(`${writer}/`));
        expect(mine).toEqual(mine.toSorted());
      }
    },
  );
});
