/** Member cards: made, brought in, checked within limits that tell nothing, and kept apart by merchant. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import request from 'supertest';
import type { Express } from 'express';
import type { Database } from '../../server/db/database.ts';
import { csvLine, parseCsv } from '../../server/http/csv.ts';
import { TRIES, forgetMemberTries } from '../../server/members/members.ts';
import { cardNumber, checkDigit, lastFour, newCardNumber } from '../../server/members/number.ts';
import { memberRoutes } from '../../server/members/routes.ts';
import { makeMac } from '../support/make.ts';
import { openReception, receptionEach, rowsOf } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let db: Database;
let house: Reception;
let app: Express;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
  app = routesApp(memberRoutes({ db, clock: () => house.time.now, secret: house.secret }));
});

const as = (merchant: string) => ({ 'x-merchant': merchant });
const post = (body: object, merchant = house.merchantId) =>
  request(app).post('/v1/member-cards').set(as(merchant)).send(body);
const importing = (csv: string) =>
  request(app)
    .post('/v1/member-cards/import')
    .set(as(house.merchantId))
    .set('content-type', 'text/csv')
    .send(csv);

async function card(over: Record<string, string> = {}) {
  const reply = await post({ cards: [{ number: 'A-1001', pin: '4711', ...over }] }).expect(200);
  return reply.body.cards[0] as { id: string; number: string; pin: string | null };
}

let networks = 0;
const newIp = () => `10.8.${(networks >> 8) & 255}.${networks++ & 255}`;
/** A check from a device and network of its own, so that only the limit under test counts. */
const check = (number: string, factor: string, mac = makeMac(), ip = newIp()) =>
  house.members.check(house.store, { number, factor }, mac, ip);

describe('numbers', () => {
  test.each([
    ['a-1001', 'A1001'],
    [' 4819 2037 5526 ', '481920375526'],
    ['Ａ１００１', 'A1001'],
    ['12', null],
    ['A'.repeat(33), null],
    ['<script>', null],
    ['', null],
  ])('%j is %j', (typed, number) => {
    expect(cardNumber(typed)).toBe(number);
  });

  test('of our own show every single wrong digit', () => {
    fc.assert(
      fc.property(fc.nat(11), fc.integer({ min: 1, max: 9 }), (place, by) => {
        const number = newCardNumber();
        const digits = Array.from(number);
        digits[place] = String((Number(digits[place]) + by) % 10);
        const typo = digits.join('');
        expect(number).toMatch(/^[1-9]\d{11}$/);
        expect(checkDigit(number.slice(0, -1))).toBe(number.at(-1));
        expect(checkDigit(typo.slice(0, -1))).not.toBe(typo.at(-1));
      }),
    );
  });

  test.each([
    ['+44 7400 123456', '3456'],
    ['(0) 7400-123456', '3456'],
    ['123', null],
    ['none', null],
  ])('the phone %j ends in %j', (phone, digits) => {
    expect(lastFour(phone)).toBe(digits);
  });
});

describe('a card', () => {
  test('of our own has a number and a PIN, told once and kept as a hash', async () => {
    const reply = await post({ cards: [{ name: 'Ada' }] }).expect(200);
    const [made] = reply.body.cards;
    expect(made).toMatchObject({ row: 1, name: 'Ada', factor: 'pin', blocked: false });
    expect(made.pin).toMatch(/^\d{6}$/);
    const [row] = await house.rows('select * from member_cards where merchant_id = $1', [
      house.merchantId,
    ]);
    const kept = Object.values(row ?? {}).map((value) =>
      Buffer.isBuffer(value) ? value.toString('latin1') + value.toString('hex') : String(value),
    );
    expect(kept.join('\n')).not.toContain(made.pin);
    const list = await request(app).get('/v1/member-cards').set(as(house.merchantId)).expect(200);
    expect(JSON.stringify(list.body)).not.toContain(made.pin);
    expect(await check(made.number, made.pin)).toEqual({ ok: true, number: made.number });
  });

  test('goes by the last four digits of the phone when there is one', async () => {
    await post({ cards: [{ number: 'B77', phone: '+44 7400 123456' }] }).expect(200);
    expect(JSON.stringify(await house.rows('select * from member_cards'))).not.toContain('123456');
    expect(await check('b-77', '3456')).toEqual({ ok: true, number: 'B77' });
    expect(await check('b-77', '3457')).toEqual({ ok: false, reason: 'unknown' });
  });

  test('unknown and wrong are one answer, and both count alike', async () => {
    await card();
    const wrong = await check('A1001', '0000');
    expect(wrong).toEqual({ ok: false, reason: 'unknown' });
    expect(await check('A1002', '4711')).toEqual(wrong);
    expect(await check('not a number!', '4711')).toEqual(wrong);
    expect(await check('A1001', 'abcd')).toEqual(wrong);
    expect(await rowsOf(house, 'member_tries')).toBe(4);
    const answers: unknown[] = [];
    for (const number of ['A1001', 'A1002']) {
      for (let i = 0; i < TRIES.numberPerHour; i++) answers.push(await check(number, '9999'));
    }
    // One and two tries were used before, by the two numbers.
    expect(
      answers.filter((answer) => (answer as { reason: string }).reason === 'unknown'),
    ).toHaveLength(2 * TRIES.numberPerHour - 3);
  });

  test.each([
    ['an hour', TRIES.numberPerHour, HOUR],
    ['a day', TRIES.numberPerDay, DAY],
  ])(
    'bears only so many wrong tries %s, then even the right one is refused',
    async (_n, most, after) => {
      await card();
      for (let i = 0; i < most; i++) {
        await check('A1001', String(1000 + i));
        if ((i + 1) % (TRIES.numberPerHour - 1) === 0) house.time.now += HOUR;
      }
      for (let i = 0; i < TRIES.numberPerHour; i++) await check('A1001', '0000');
      expect(await check('A1001', '4711')).toEqual({ ok: false, reason: 'too-many-tries' });
      house.time.now += after;
      expect(await check('A1001', '4711')).toMatchObject({ ok: true });
    },
  );

  test.each([
    ['device', TRIES.devicePerQuarter, { mac: '02:00:00:00:00:77' }],
    ['network', TRIES.networkPerQuarter, { ip: '10.7.7.7' }],
  ] as const)('one %s tries so many numbers and no more', async (_name, most, one) => {
    await card();
    const { mac, ip } = { mac: undefined, ip: undefined, ...one };
    for (let i = 0; i < most; i++) {
      expect(await check(`X${1000 + i}`, '0000', mac, ip)).toMatchObject({ reason: 'unknown' });
    }
    expect(await check('A1001', '4711', mac, ip)).toEqual({ ok: false, reason: 'too-many-tries' });
    expect(await check('A1001', '4711')).toMatchObject({ ok: true });
  });

  test('no more than five of many parallel guesses are looked at', async () => {
    await card();
    await Promise.all(Array.from({ length: 20 }, (_, i) => check('A1001', String(2000 + i))));
    expect(await rowsOf(house, 'member_tries')).toBe(TRIES.numberPerHour);
  });

  test('blocked or past its end says so only to who knows the factor', async () => {
    const { id } = await card();
    const path = `/v1/member-cards/${id}`;
    const change = (body: object) =>
      request(app).patch(path).set(as(house.merchantId)).send(body).expect(200);
    await change({ blocked: true });
    expect(await check('A1001', '4711')).toEqual({ ok: false, reason: 'blocked' });
    expect(await check('A1001', '0000')).toEqual({ ok: false, reason: 'unknown' });
    await change({ blocked: false, expires: '2026-11-01' });
    expect(await check('A1001', '4711')).toEqual({ ok: false, reason: 'blocked' });
    await change({ expires: null });
    expect(await check('A1001', '4711')).toMatchObject({ ok: true });
  });

  test('a new PIN opens again what too many tries had shut', async () => {
    const { id } = await card();
    for (let i = 0; i < TRIES.numberPerHour; i++) await check('A1001', '0000');
    const path = `/v1/member-cards/${id}`;
    await request(app).patch(path).set(as(house.merchantId)).send({ pin: '5522' }).expect(200);
    expect(await check('A1001', '5522')).toMatchObject({ ok: true });
    expect(await check('A1001', '4711')).toMatchObject({ reason: 'unknown' });
  });

  test('is nothing to another merchant', async () => {
    const { id } = await card();
    const other = await openReception(db);
    const theirs = { number: 'A1001', factor: '4711' };
    expect(await other.members.check(other.store, theirs, makeMac(), newIp())).toEqual({
      ok: false,
      reason: 'unknown',
    });
    const path = `/v1/member-cards/${id}`;
    await request(app).patch(path).set(as(other.merchantId)).send({ blocked: true }).expect(404);
    await request(app).delete(path).set(as(other.merchantId)).expect(404);
    const list = await request(app).get('/v1/member-cards').set(as(other.merchantId));
    expect(list.body.cards).toEqual([]);
  });

  test('tries are forgotten when they count no longer', async () => {
    await check('A1001', '0000');
    expect(await forgetMemberTries(db, house.time.now + 29 * DAY)).toBe(0);
    expect(await forgetMemberTries(db, house.time.now + 31 * DAY)).toBeGreaterThan(0);
  });
});

describe('bringing cards in', () => {
  test('keeps good rows and says of the others why not', async () => {
    await card();
    const reply = await post({
      cards: [
        { number: 'a 1001', pin: '1234' },
        { number: 'N01', pin: '12' },
        { number: '!!' },
        { number: 'N02', pin: '1234', expires: 'tomorrow' },
        { number: 'N03', pin: '1234', expires: '2027-12-31' },
        { number: 'n-03', pin: '9999' },
        { number: 'N04', name: 'x'.repeat(150) },
      ],
    }).expect(200);
    expect(reply.body.cards).toMatchObject([
      { row: 5, number: 'N03', expiresAt: '2027-12-31T23:59:59.999Z' },
    ]);
    expect(reply.body.errors.map((error: { row: number }) => error.row)).toEqual([
      1, 2, 3, 4, 6, 7,
    ]);
    expect(await rowsOf(house, 'member_cards')).toBe(2);
  });

  test.each([
    ['no card', { cards: [] }],
    ['more than a thousand', { cards: Array.from({ length: 1001 }, () => ({})) }],
    ['unknown properties', { cards: [{ nummer: '1' }] }],
  ])('%s is refused as a whole', async (_name, body) => {
    await post(body).expect(400);
    expect(await rowsOf(house, 'member_cards')).toBe(0);
  });

  test('a thousand at once', async () => {
    const cards = Array.from({ length: 1000 }, (_, i) => ({ number: `K${i + 1000}`, pin: '1234' }));
    const reply = await post({ cards }).expect(200);
    expect(reply.body.cards).toHaveLength(1000);
    expect(reply.body.errors).toEqual([]);
  });

  test('from CSV, whatever the separator, the quotes and the order', async () => {
    const csv =
      '\uFEFFName;Number;Phone\r\n"Lovelace; ""Ada""";C-01;+44 7400 123456\r\n\r\nx;!;1\r\n';
    const reply = await importing(csv).expect(200);
    expect(reply.body.cards).toMatchObject([
      { row: 2, name: 'Lovelace; "Ada"', number: 'C01', factor: 'phone' },
    ]);
    expect(reply.body.errors).toMatchObject([{ row: 4 }]);
    expect(await check('C01', '3456')).toMatchObject({ ok: true });
  });

  test.each([
    ['an unknown column', 'number,colour\n1234,red\n'],
    ['a column named twice', 'number,number\n1,2\n'],
    ['an endless quote', 'number,name\n1234,"never closed\n'],
    ['nothing', ''],
    ['too many rows', `number\n${'1234\n'.repeat(1001)}`],
  ])('CSV with %s is refused as a whole', async (_name, csv) => {
    await importing(csv).expect(400);
    expect(await rowsOf(house, 'member_cards')).toBe(0);
  });

  test('the export opens in a spreadsheet as data', async () => {
    await card({ name: '=HYPERLINK("http://evil.example")' });
    const reply = await request(app).get('/v1/member-cards/export').set(as(house.merchantId));
    expect(reply.headers['content-type']).toContain('text/plain');
    const [head, row] = parseCsv(reply.text, 10) ?? [];
    expect(head?.cells.slice(0, 2)).toEqual(['number', 'name']);
    expect(row?.cells.slice(0, 2)).toEqual(['A1001', `'=HYPERLINK("http://evil.example")`]);
    expect(reply.text).not.toContain('4711');
  });

  test('whatever a cell holds, it is read back as it was written', () => {
    const cell = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => `x${text}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (rows) => {
        const text = csvLine(['a', 'b']) + rows.map(csvLine).join('');
        expect(
          parseCsv(text, 10)
            ?.slice(1)
            .map(({ cells }) => cells),
        ).toEqual(rows);
      }),
    );
  });

  test('no text makes the reader run on or throw', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', ',', ';', '\n', '\r', '\t', 'a') }),
        (text) => {
          const rows = parseCsv(text, 5);
          expect(rows === null || rows.length <= 6).toBe(true);
        },
      ),
    );
  });

  test('the list goes on page by page and finds by number', async () => {
    await post({ cards: ['D1000', 'D1001', 'D1002'].map((number) => ({ number })) });
    const get = (query: string) =>
      request(app).get(`/v1/member-cards?${query}`).set(as(house.merchantId)).expect(200);
    const first = await get('limit=2');
    const second = await get(`limit=2&cursor=${first.body.next}`);
    const numbers = [...first.body.cards, ...second.body.cards].map(({ number }) => String(number));
    expect(numbers.toSorted((a, b) => a.localeCompare(b))).toEqual(['D1000', 'D1001', 'D1002']);
    expect(second.body.next).toBeNull();
    expect((await get('number=d-1001')).body.cards).toHaveLength(1);
  });
});
