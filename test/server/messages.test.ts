/** Messages on their way out: leases, retries, giving up, forgetting. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { createLog } from '../../server/log.ts';
import { deliverMessages, forgetMessages, startCourier } from '../../server/messages/deliver.ts';
import { queueMessage, recentMessages } from '../../server/messages/queries.ts';
import type { Outgoing, SendResult, Sender } from '../../server/messages/sender.ts';
import { developmentSender } from '../../server/messages/sender.ts';
import { codeWords } from '../../server/messages/texts.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeMerchant, makeMessage } from '../support/make.ts';

let held: TestDatabase;
let db: Database;
let merchantId: string;
let now = NOON;
const clock = () => now;
let logged: string[] = [];
const log = createLog('debug', { write: (line) => void logged.push(line) });

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held.release());
beforeEach(async () => {
  now = NOON;
  logged = [];
  await db.query('delete from messages');
  merchantId = (await makeMerchant(db)).id;
});

/** A sender that answers as told and remembers what it was given. */
function scripted(...answers: SendResult[]): Sender & { sent: Outgoing[] } {
  const sent: Outgoing[] = [];
  return {
    kind: 'webhook',
    sent,
    send(message) {
      sent.push(message);
      return Promise.resolve(answers[sent.length - 1] ?? { ok: true });
    },
  };
}

const again: SendResult = { ok: false, again: true, error: 'http 503' };
const never: SendResult = { ok: false, again: false, error: 'http 400' };
const deliver = (sms: Sender) => deliverMessages({ db, clock, log, senders: { sms, email: sms } });
const stored = async (id: string) =>
  (await db.query('select * from messages where id = $1', [id])).rows[0];

async function dueAt(id: string): Promise<Date> {
  const { rows } = await db.query<{ due_at: Date }>('select due_at from messages where id = $1', [
    id,
  ]);
  return rows[0]!.due_at;
}

describe('delivery', () => {
  test('empties the text once it is delivered', async () => {
    const { id, address } = await makeMessage(db, merchantId);
    const sender = scripted();
    expect(await deliver(sender)).toEqual({ sent: 1, failed: 0, postponed: 0 });
    expect(sender.sent).toMatchObject([{ id, address, body: 'Your code is 123456' }]);
    expect(await stored(id)).toMatchObject({ status: 'sent', body: '', sent_at: new Date(now) });
    expect(await deliver(sender)).toEqual({ sent: 0, failed: 0, postponed: 0 });
  });

  test('the development sender leaves it to be read on the console', async () => {
    const { id } = await makeMessage(db, merchantId);
    await deliver(developmentSender);
    expect(await stored(id)).toMatchObject({ status: 'sent', body: 'Your code is 123456' });
    const list = await db.tx((tx) => recentMessages(tx, merchantId, 10), { tenant: merchantId });
    expect(list).toMatchObject([{ id, body: 'Your code is 123456' }]);
  });

  test('a message whose cause was undone never leaves', async () => {
    const undone = db.tx(
      async (tx) => {
        const message = {
          merchantId,
          storeId: null,
          channel: 'sms',
          address: '+447400123456',
        } as const;
        await queueMessage(tx, { ...message, subject: null, body: 'x', expiresAt: now + 1 }, now);
        throw new Error('undone');
      },
      { tenant: merchantId },
    );
    await expect(undone).rejects.toThrow('undone');
    const sender = scripted();
    await deliver(sender);
    expect(sender.sent).toEqual([]);
  });

  test('is tried again with growing pauses under the same id', async () => {
    const { id } = await makeMessage(db, merchantId);
    const sender = scripted(again, again, { ok: true });
    const pauses: number[] = [];
    for (let i = 0; i < 2; i++) {
      expect(await deliver(sender)).toMatchObject({ postponed: 1 });
      expect(await deliver(sender)).toMatchObject({ postponed: 0, sent: 0 });
      const due = (await dueAt(id)).getTime();
      pauses.push(due - now);
      now = due;
    }
    expect(pauses).toEqual([2000, 4000]);
    expect(await deliver(sender)).toMatchObject({ sent: 1 });
    expect(sender.sent.map((message) => message.id)).toEqual([id, id, id]);
  });

  test.each<[string, SendResult[], Partial<Parameters<typeof makeMessage>[2]>]>([
    ['a refusal that will not change', [never], {}],
    [
      'six tries',
      [again, again, again, again, again, again],
      { expiresAt: new Date(NOON + 3_600_000) },
    ],
    ['the end of its use', [again], { expiresAt: new Date(NOON + 1000) }],
  ])('gives up after %s, and keeps no text', async (_name, answers, over) => {
    const { id } = await makeMessage(db, merchantId, over);
    const sender = scripted(...answers);
    for (let i = 0; i < 8; i++) {
      await deliver(sender);
      now += 60_000;
    }
    expect(sender.sent).toHaveLength(answers.length);
    expect(await stored(id)).toMatchObject({ status: 'failed', body: '' });
    expect(logged.join('')).toContain('a message could not be delivered');
  });

  test('what expired while waiting is not sent at all', async () => {
    const { id } = await makeMessage(db, merchantId, { expiresAt: new Date(NOON) });
    const sender = scripted();
    expect(await deliver(sender)).toMatchObject({ failed: 1 });
    expect(sender.sent).toEqual([]);
    expect(await stored(id)).toMatchObject({ last_error: 'expired', body: '' });
  });

  test('of several workers one takes each message', async () => {
    for (let i = 0; i < 150; i++) await makeMessage(db, merchantId);
    const sender = scripted();
    async function work(): Promise<void> {
      while ((await deliver(sender)).sent > 0);
    }
    await Promise.all(Array.from({ length: 8 }, work));
    const ids = sender.sent.map((message) => message.id);
    expect(ids).toHaveLength(150);
    expect(new Set(ids).size).toBe(150);
  });

  test('a worker that died is replaced after its lease, and one that was merely slow changes nothing', async () => {
    const { id } = await makeMessage(db, merchantId);
    const answer: { with?: (result: SendResult) => void } = {};
    const slow: Sender = {
      kind: 'webhook',
      send: () => new Promise((resolve) => (answer.with = resolve)),
    };
    const first = deliver(slow);
    while (answer.with === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = scripted();
    expect(await deliver(second)).toMatchObject({ sent: 0 });
    now += 60_001;
    expect(await deliver(second)).toMatchObject({ sent: 1 });
    answer.with?.(never);
    await first;
    expect(await stored(id)).toMatchObject({ status: 'sent', attempts: 2, last_error: null });
  });

  test('the courier is woken, works through everything, and stops', async () => {
    const sender = scripted();
    const courier = startCourier({ db, clock, log, senders: { sms: sender, email: sender } });
    for (let i = 0; i < 45; i++) await makeMessage(db, merchantId);
    courier.wake();
    courier.wake();
    while (sender.sent.length < 45) await new Promise((resolve) => setTimeout(resolve, 5));
    await courier.stop();
    await makeMessage(db, merchantId);
    courier.wake();
    await courier.stop();
    expect(sender.sent).toHaveLength(45);
  });

  test('logs and stored errors hold neither address nor text', async () => {
    const { id, address } = await makeMessage(db, merchantId);
    await deliver(scripted(again));
    now += 5000;
    await deliver(scripted(never));
    const told = logged.join('') + String((await stored(id))?.['last_error']);
    expect(told).toContain('http 400');
    for (const secret of [address, address.slice(4), '123456']) expect(told).not.toContain(secret);
  });

  test('old messages are forgotten', async () => {
    await makeMessage(db, merchantId);
    expect(await forgetMessages(db, NOON + 6 * 86_400_000)).toBe(0);
    expect(await forgetMessages(db, NOON + 8 * 86_400_000)).toBe(1);
  });
});

describe('the words', () => {
  test('fit one SMS in English, and start with the code', () => {
    const { body, subject } = codeWords('en', 'W'.repeat(120), '012345', 5);
    expect(body.length).toBeLessThanOrEqual(160);
    expect(body.startsWith('012345 is your WiFi code')).toBe(true);
    expect(subject).toBe('012345 is your WiFi code');
  });

  test('a shop’s name cannot forge lines', () => {
    const { body } = codeWords('zh-CN', 'Shop\r\nBcc: x\u2028\u202e', '012345', 5);
    expect(body).toContain('在 Shop Bcc: x 登录');
    expect(body).not.toMatch(/[\r\n\u2028\u202e]/);
  });
});
