/** The dispatcher over a real outbox: order, retries, dead letters, crashes, cursors. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { createDispatcher } from '../../server/events/dispatch.ts';
import type { Dispatcher, Subscriber } from '../../server/events/dispatch.ts';
import { appendEvents, dropDelivered, outboxFigures } from '../../server/events/outbox.ts';
import type { DomainEvent, NewEvent } from '../../server/events/types.ts';
import { createLog } from '../../server/log.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeMerchant } from '../support/make.ts';

const LEASE = 30_000;
const RETRIES = [500, 2_000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000];

let held: TestDatabase;
let db: Database;
let merchantId: string;
let time: { now: number };
let logged: string[];
let started: Dispatcher[];

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held?.release());
beforeEach(async () => {
  merchantId = (await makeMerchant(db)).id;
  time = { now: NOON };
  logged = [];
  started = [];
});
afterEach(async () => {
  for (const dispatcher of started) await dispatcher.stop();
  await db.query('delete from outbox');
});

const log = createLog('debug', { write: (line) => void logged.push(line) });
const clock = (): number => time.now;

function dispatch(subscribers: Parts['subscribers'], more: Partial<Parts> = {}): Dispatcher {
  const dispatcher = createDispatcher({ db, clock, log, subscribers, ...more });
  started.push(dispatcher);
  return dispatcher;
}
type Parts = Parameters<typeof createDispatcher>[0];

const event = (key: string, name: string): NewEvent => ({
  merchantId,
  type: 'fence.changed',
  key,
  payload: { fenceId: name, change: 'updated', at: new Date(NOON).toISOString() },
  occurredAt: new Date(NOON),
});
const write = (...names: [key: string, name: string][]): Promise<void> =>
  db.tx(
    (tx) =>
      appendEvents(
        tx,
        names.map(([key, name]) => event(key, name)),
        time.now,
      ),
    {
      tenant: merchantId,
    },
  );
const nameOf = (given: DomainEvent): string => (given.payload as { fenceId: string }).fenceId;

/** Collects names; names in `bad` fail. */
function recorder(bad: ReadonlySet<string> = new Set()) {
  const seen: string[] = [];
  const subscriber: Subscriber = async (given) => {
    await turn();
    seen.push(nameOf(given));
    if (bad.has(nameOf(given))) throw new Error('cannot yet');
  };
  return { seen, subscriber };
}

/** Moves the clock and hands out whatever that made due. */
async function pass(dispatcher: Dispatcher, ms: number): Promise<void> {
  time.now += ms;
  await dispatcher.idle();
}

const stored = async () =>
  (
    await db.query<{ name: string; attempts: number; due: Date; done: boolean; dead: boolean }>(
      `select payload ->> 'fenceId' as name, attempts, due_at as due, done_at is not null as done,
         dead_at is not null as dead from outbox order by seq`,
    )
  ).rows;

describe('handing out', () => {
  test('who looks ahead at a batch hears only what it asked for, and everything when it cannot look', async () => {
    const [all, some, blind] = [recorder(), recorder(), recorder()];
    const looked: string[][] = [];
    const dispatcher = dispatch([
      {
        hear: some.subscriber,
        among: async (events) => {
          looked.push(events.map(nameOf));
          return new Set(events.filter((given) => nameOf(given) === 'b'));
        },
      },
      { hear: blind.subscriber, among: () => Promise.reject(new Error('away')) },
      all.subscriber,
    ]);
    await write(['one', 'a'], ['one', 'b'], ['two', 'c']);
    dispatcher.start();
    await dispatcher.idle();
    expect(looked).toEqual([['a', 'b', 'c']]);
    expect(some.seen).toEqual(['b']);
    expect(blind.seen.toSorted()).toEqual(['a', 'b', 'c']);
    expect(all.seen.toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('events of one key come in order, each once, to every subscriber', async () => {
    const [first, second] = [recorder(), recorder()];
    const names = Array.from({ length: 250 }, (_, i) => `${i % 3}/${String(i).padStart(3, '0')}`);
    for (const name of names) await write([name[0]!, name]);
    const dispatcher = dispatch([first.subscriber, second.subscriber]);
    dispatcher.start();
    await dispatcher.idle();
    for (const { seen } of [first, second]) {
      expect(seen.toSorted()).toEqual(names.toSorted());
      for (const key of ['0', '1', '2']) {
        const mine = seen.filter((name) => name.startsWith(key));
        expect(mine).toEqual(mine.toSorted());
      }
    }
    await dispatcher.stop();
    expect(await stored()).toHaveLength(250);
    expect((await stored()).every(({ done, attempts }) => done && attempts === 1)).toBe(true);
  });

  test('keys go side by side, but never more than four at once', async () => {
    let [inHand, most] = [0, 0];
    const release: (() => void)[] = [];
    const dispatcher = dispatch([
      async () => {
        most = Math.max(most, ++inHand);
        // Nobody moves on before four are here: a dispatcher without company would stand still.
        if (release.length < 3 && most < 4) await new Promise<void>((go) => release.push(go));
        else for (const go of release.splice(0)) go();
        for (let i = 0; i < 5; i++) await turn();
        inHand--;
      },
    ]);
    await write(...Array.from({ length: 100 }, (_, i): [string, string] => [`key ${i}`, `${i}`]));
    dispatcher.start();
    await dispatcher.idle();
    expect(most).toBe(4);
    expect((await outboxFigures(db, time.now)).waiting).toBe(0);
  });

  test('a small pool is enough for a hundred keys whose subscriber needs a transaction', async () => {
    const dispatcher = dispatch([
      (given) =>
        db.tx(async (tx) => void (await tx.query('select 1')), { tenant: given.merchantId }),
    ]);
    await write(...Array.from({ length: 100 }, (_, i): [string, string] => [`key ${i}`, `${i}`]));
    dispatcher.start();
    await dispatcher.idle();
    expect((await stored()).every(({ attempts }) => attempts === 1)).toBe(true);
    expect(logged).toEqual([]);
  });

  test('what a subscriber writes is handed out as well', async () => {
    const { seen, subscriber } = recorder();
    const dispatcher = dispatch([
      subscriber,
      async (given) => {
        if (nameOf(given) === 'cause') await write(['other', 'effect']);
      },
    ]);
    await write(['a', 'cause']);
    dispatcher.start();
    await dispatcher.idle();
    expect(seen).toEqual(['cause', 'effect']);
  });

  test('an event of a rolled-back transaction never existed', async () => {
    const { seen, subscriber } = recorder();
    const dispatcher = dispatch([subscriber]);
    dispatcher.start();
    const broken = db.tx(
      async (tx) => {
        await appendEvents(tx, [event('a', 'never')], time.now);
        throw new Error('changed my mind');
      },
      { tenant: merchantId },
    );
    await expect(broken).rejects.toThrow('changed my mind');
    await write(['a', 'real']);
    await dispatcher.idle();
    expect(seen).toEqual(['real']);
  });

  test('screens are told in order of positions, and a failing screen holds nobody up', async () => {
    const told: number[] = [];
    const { seen, subscriber } = recorder(new Set(['a1']));
    const dispatcher = dispatch([subscriber], {
      announce: [
        async () => {
          throw new Error('a torn socket');
        },
        async ({ position }) => {
          await turn();
          told.push(position);
        },
      ],
    });
    await write(['a', 'a1'], ['b', 'b1'], ['a', 'a2'], ['b', 'b2'], ['c', 'c1']);
    dispatcher.start();
    await dispatcher.idle();
    expect(told).toHaveLength(5);
    expect(told).toEqual(told.toSorted((x, y) => x - y));
    expect(seen).not.toContain('a2');
    expect(seen).toEqual(expect.arrayContaining(['b1', 'b2', 'c1']));
  });
});

describe('failures', () => {
  test('are tried again later and later, then end among the dead; other keys are not held up', async () => {
    const bad = new Set(['a1']);
    const { seen, subscriber } = recorder(bad);
    const dispatcher = dispatch([subscriber]);
    await write(['a', 'a1'], ['a', 'a2'], ['b', 'b1']);
    dispatcher.start();
    await dispatcher.idle();
    expect(seen.toSorted()).toEqual(['a1', 'b1']);
    for (const [failures, delay] of RETRIES.entries()) {
      const [a1] = await stored();
      expect(a1).toMatchObject({ attempts: failures + 1, dead: false });
      expect(a1!.due.getTime() - time.now).toBe(delay);
      await pass(dispatcher, delay - 1);
      expect(seen.filter((name) => name === 'a1')).toHaveLength(failures + 1);
      await pass(dispatcher, 1);
      expect(seen.filter((name) => name === 'a1')).toHaveLength(failures + 2);
    }
    // The eighth failure is the end; what waited behind it comes, with all its tries before it.
    const [a1, a2] = await stored();
    expect(a1).toMatchObject({ dead: true, done: false, attempts: 8 });
    expect(a2).toMatchObject({ attempts: 1 });
    expect(seen.at(-1)).toBe('a2');
    await pass(dispatcher, 365 * 86_400_000);
    expect(seen.filter((name) => name === 'a1')).toHaveLength(8);
    expect(await outboxFigures(db, time.now)).toMatchObject({ waiting: 0, dead: 1 });
    expect(logged.filter((line) => line.includes('"dead":true'))).toHaveLength(1);
    expect(await dropDelivered(db, time.now + 1)).toBe(3);
    expect(await outboxFigures(db, time.now)).toMatchObject({ dead: 0 });
  });

  test('a success on the second try keeps the order of the key', async () => {
    const bad = new Set(['a1']);
    const { seen, subscriber } = recorder(bad);
    const dispatcher = dispatch([subscriber]);
    await write(['a', 'a1'], ['a', 'a2']);
    dispatcher.start();
    await dispatcher.idle();
    await write(['a', 'a3']);
    await dispatcher.idle();
    bad.clear();
    await pass(dispatcher, 500);
    expect(seen).toEqual(['a1', 'a1', 'a2', 'a3']);
  });

  test('storage that goes away for a moment delays, and loses nothing', async () => {
    let away = 2;
    const shaky: Database = {
      ...db,
      query: (text, params) => db.query(text, params),
      listen: (channel, told) => db.listen(channel, told),
      close: () => db.close(),
      tx(work, options) {
        if (away-- > 0) return Promise.reject(new Error('connection terminated'));
        return db.tx(work, options);
      },
    };
    const { seen, subscriber } = recorder();
    const dispatcher = dispatch([subscriber], { db: shaky });
    await write(['a', 'a1']);
    dispatcher.start();
    await dispatcher.idle();
    expect(seen).toEqual(['a1']);
    expect(logged.filter((line) => line.includes('could not be handed out'))).toHaveLength(2);
  });

  test('an event that could not even be put back comes again when its lease is over', async () => {
    const { seen, subscriber } = recorder(new Set(['a1']));
    let away = false;
    const shaky: Database = {
      ...db,
      query: (text, params) =>
        away ? Promise.reject(new Error('connection terminated')) : db.query(text, params),
      listen: (channel, told) => db.listen(channel, told),
      close: () => db.close(),
      tx: (work, options) => db.tx(work, options),
    };
    const dispatcher = dispatch(
      [
        async (given) => {
          away = nameOf(given) === 'a1';
          await subscriber(given);
        },
      ],
      { db: shaky },
    );
    await write(['a', 'a1'], ['a', 'a2']);
    dispatcher.start();
    await dispatcher.idle();
    expect(seen).toEqual(['a1']);
    away = false;
    await pass(dispatcher, LEASE - 1);
    expect(seen).toEqual(['a1']);
    await pass(dispatcher, 1);
    expect(seen).toEqual(['a1', 'a1']);
  });
});

describe('stopping and crashing', () => {
  test('stop() finishes what is in hand and leaves the rest for the next', async () => {
    const names = Array.from({ length: 230 }, (_, i): [string, string] => [`${i % 7}`, `${i}`]);
    await write(...names);
    const [first, second] = [recorder(), recorder()];
    let stopped: Promise<void> | undefined;
    const dispatcher = dispatch([
      first.subscriber,
      async () => {
        if (first.seen.length === 10) stopped = dispatcher.stop();
      },
    ]);
    dispatcher.start();
    await dispatcher.idle();
    await stopped;
    expect(first.seen.length).toBeLessThan(names.length);
    const next = dispatch([second.subscriber]);
    next.start();
    await next.idle();
    // Not one lost, not one twice.
    const all = [...first.seen, ...second.seen].toSorted();
    expect(all).toEqual(names.map(([, name]) => name).toSorted());
  });

  test('stop() without a start, and twice, is harmless; idle() does not wait for a stopped one', async () => {
    const dispatcher = dispatch([]);
    await dispatcher.stop();
    dispatcher.start();
    await dispatcher.stop();
    await dispatcher.stop();
    await dispatcher.idle();
  });
});
