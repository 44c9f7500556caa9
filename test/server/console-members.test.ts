/** Member cards on the console: made, brought in from a table, found, changed, blocked, deleted, taken away. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMembers } from '../../server/members/members.ts';
import { listCards } from '../../server/members/queries.ts';
import type { ConsoleApp } from '../support/console.ts';
import { consoleApp, personOf } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';

let database: TestDatabase;
let house: ConsoleApp;
beforeAll(async () => {
  database = await testDatabase();
  house = consoleApp(database.db);
});
afterAll(() => database.release());

const url = '/console/members';

async function shop() {
  const merchant = await make.makeMerchant(database.db);
  const store = await make.makeStore(database.db, merchant.id);
  const owner = await personOf(house, merchant.id);
  const cards = () =>
    database.db.tx((tx) => listCards(tx, merchant.id, { number: null, before: null }, 100), {
      tenant: merchant.id,
    });
  const members = createMembers({
    db: database.db,
    clock: house.deps.clock,
    secret: house.deps.secret,
  });
  const opens = async (number: string, factor: string): Promise<boolean> => {
    const at = { ...store, merchantId: merchant.id };
    const typed = { number, factor };
    return (await members.check(at, typed, make.makeMac(), '192.0.2.1')).ok;
  };
  return { merchant, store, owner, cards, opens };
}

describe('making cards', () => {
  test('one, with a PIN that is shown once and opens the door', async () => {
    const { owner, cards, opens } = await shop();
    const made = await owner.post(url, { name: 'Ada L.', expires: '2027-12-31' }).expect(200);
    const [card] = await cards();
    const pin = /code-large">(\d{4,8})</.exec(made.text)?.[1] ?? '';
    expect(made.text).toContain(card!.number);
    expect(await opens(card!.number, pin)).toBe(true);
    const page = await owner.get(`${url}/${card!.id}`).expect(200);
    expect(page.text).not.toContain(pin);
    expect(page.text).toContain('value="2027-12-31"');
  });

  test.each([
    [{ number: 'x' }, 'The number must be 3 to 32'],
    [{ pin: '12' }, 'The PIN must be 4 to 8 digits'],
    [{ phone: 'abc' }, 'The PIN must be 4 to 8 digits'],
    [{ expires: 'soon' }, 'The last day must be a date'],
  ])('%j is refused with what was typed', async (fields, words) => {
    const { owner, cards } = await shop();
    const refused = await owner.post(url, { name: 'Kept', ...fields }).expect(422);
    expect(refused.text).toContain(words);
    expect(refused.text).toContain('value="Kept"');
    expect(await cards()).toEqual([]);
  });

  test('from a table: good rows are kept, the others told by their line, in either language', async () => {
    const { owner, cards, opens } = await shop();
    const csv = [
      'number;name;phone;pin',
      'A-1001;Ada L.;+44 7400 123456;',
      'A-1001;Twice;;4711',
      'x;Short;;4711',
      'B-2002;李晓梅;;0815',
    ].join('\r\n');
    const made = await owner.post(`${url}/import?lang=zh-CN`, { csv }).expect(200);
    expect(made.text).toContain('已制作 2 张会员卡');
    expect(made.text).toMatch(/>3<\/th><td>与其他行的会员号重复/);
    expect(made.text).toMatch(/>4<\/th><td>会员号须为/);
    expect((await cards()).map(({ number }) => number).toSorted()).toEqual(['A1001', 'B2002']);
    expect(await opens('a 1001', '3456')).toBe(true);
    expect(await opens('B2002', '0815')).toBe(true);
    const again = await owner.post(`${url}/import`, { csv }).expect(200);
    expect(again.text).toContain('A card with this number exists already');
  });

  test.each([
    ['', 'There was no table'],
    ['no,such,columns\n1,2,3', 'The first line must name columns'],
    ['number,name\n"open,1', 'The first line must name columns'],
    ['number,name', 'The first line must name columns'],
    [`number\n${'1234567\n'.repeat(1001)}`, 'The first line must name columns'],
    [`number\n${'1'.repeat(130_000)}`, 'the table is too long'],
  ])('a table that cannot be read makes nothing', async (csv, words) => {
    const { owner, cards } = await shop();
    expect((await owner.post(`${url}/import`, { csv }).expect(422)).text).toContain(words);
    expect(await cards()).toEqual([]);
  });
});

describe('cards', () => {
  test('are found by the beginning of a number or part of a name', async () => {
    const { owner, merchant } = await shop();
    await make.makeMemberCard(database.db, merchant.id, { number: '4819AB', name: 'Zoë' });
    await make.makeMemberCard(database.db, merchant.id, { number: '9999ZZ', name: '李晓梅' });
    const found = async (q: string): Promise<string[]> => {
      const page = await owner.get(`${url}?${new URLSearchParams({ q }).toString()}`).expect(200);
      return [...page.text.matchAll(/class="mono" href="[^"]+">([^<]+)</g)].map((one) => one[1]!);
    };
    expect(await found('48-19')).toEqual(['4819AB']);
    expect(await found('zo')).toEqual(['4819AB']);
    expect(await found('晓梅')).toEqual(['9999ZZ']);
    expect(await found('%')).toEqual([]);
    expect(await found('')).toHaveLength(2);
  });

  test('are changed, blocked and deleted only by their number', async () => {
    const { owner, cards, opens } = await shop();
    await owner.post(url, { number: 'CARD-1', name: 'Ada', pin: '4711' }).expect(200);
    const [card] = await cards();
    const page = `${url}/${card!.id}`;
    await owner.post(page, { name: 'Ada Byron', expires: '', pin: '9876' }).expect(303);
    expect((await cards())[0]).toMatchObject({ name: 'Ada Byron', expires_at: null });
    expect(await opens('CARD1', '4711')).toBe(false);
    expect(await opens('CARD1', '9876')).toBe(true);
    await owner.post(page, { name: 'Ada', pin: '1' }).expect(422);
    await owner.post(`${page}/block`, { blocked: 'yes' }).expect(303);
    expect(await opens('CARD1', '9876')).toBe(false);
    expect((await owner.get(url)).text).toContain('Blocked');
    await owner.post(`${page}/block`, { blocked: 'no' }).expect(303);
    expect(await opens('CARD1', '9876')).toBe(true);
    const kept = await owner.post(`${page}/remove`, { word: 'CARD-2' }).expect(303);
    expect(kept.headers['location']).toContain('not-removed');
    await owner.post(`${page}/remove`, { word: 'card-1' }).expect(303);
    expect(await cards()).toEqual([]);
  });

  test('are taken away as a table, formulas defused', async () => {
    const { owner, merchant } = await shop();
    await make.makeMemberCard(database.db, merchant.id, { number: 'C77', name: '=1+1' });
    const answer = await owner.get(`${url}.csv`).expect(200);
    expect(answer.headers['content-disposition']).toBe('attachment; filename=member-cards.csv');
    expect(answer.text).toContain("C77,'=1+1,false");
  });

  test('are none of the till’s business', async () => {
    const { merchant } = await shop();
    const till = await personOf(house, merchant.id, 'till');
    await till.get(url).expect(403);
    await till.get(`${url}.csv`).expect(403);
    await till.post(url, { name: 'x' }).expect(403);
    await till.post(`${url}/import`, { csv: 'number\n123' }).expect(403);
  });
});
