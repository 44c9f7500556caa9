/** Guests who ask to be let in, on the console: who waits, what is answered, and who may answer. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createApprovals } from '../../server/approvals/approvals.ts';
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

const url = '/console/approvals';

async function shop() {
  const merchant = await make.makeMerchant(database.db);
  const store = await make.makeStore(database.db, merchant.id);
  const owner = await personOf(house, merchant.id);
  const { clock, secret } = house.deps;
  const approvals = createApprovals({ db: database.db, clock, secret });
  const at = { id: store.id, merchantId: merchant.id };
  const ask = async (name: string) =>
    (await approvals.ask(at, { name, mac: make.makeMac() })).requestId;
  return { merchant, store, owner, ask, state: (id: string) => approvals.state(at, id) };
}

const waiting = (text: string): string[] =>
  [...text.matchAll(/<h2><bdi>([^<]+)</g)].map((found) => found[1]!);

describe('at the door', () => {
  test('who asked first stands first; a press lets in, another does not', async () => {
    const { owner, ask, state } = await shop();
    expect((await owner.get(url).expect(200)).text).toContain('Nobody is waiting');
    const first = await ask('Sam');
    house.time.now += 1000;
    const second = await ask('<b>Eve</b>');
    const page = await owner.get(url).expect(200);
    expect(waiting(page.text)).toEqual(['Sam', '&lt;b&gt;Eve&lt;/b&gt;']);
    expect(page.text).toContain('2 guests are waiting');
    await owner.post(`${url}/${first}`, { answer: 'grant' }).expect(303);
    await owner.post(`${url}/${second}`, { answer: 'deny' }).expect(303);
    expect([await state(first), await state(second)]).toEqual(['granted', 'denied']);
    const after = await owner.get(url).expect(200);
    expect(waiting(after.text)).toEqual([]);
    expect(after.text).toContain('Let in, not yet online');
    expect(after.text).toContain('Not let in');
  });

  test('the first answer counts, and too late is too late', async () => {
    const { owner, ask, state } = await shop();
    const id = await ask('Sam');
    await owner.post(`${url}/${id}`, {}).expect(400);
    await owner.post(`${url}/${id}`, { answer: 'maybe' }).expect(400);
    expect(await state(id)).toBe('waiting');
    await owner.post(`${url}/${id}`, { answer: 'deny' }).expect(303);
    const again = await owner.post(`${url}/${id}`, { answer: 'grant' }).expect(303);
    expect(again.headers['location']).toBe(`${url}?done=guest-answered`);
    expect(await state(id)).toBe('denied');
    const late = await ask('Late');
    house.time.now += 11 * 60_000;
    await owner.post(`${url}/${late}`, { answer: 'grant' }).expect(303);
    expect(await state(late)).toBe('expired');
    expect((await owner.get(url)).text).toContain('Nobody answered in time');
  });

  test('shows the chosen store’s door only, and another merchant’s never', async () => {
    const { merchant, owner, ask } = await shop();
    await ask('Sam');
    const other = await make.makeStore(database.db, merchant.id);
    expect(waiting((await owner.get(`${url}?store=${other.slug}`)).text)).toEqual([]);
    const theirs = await shop();
    const id = await theirs.ask('Secret');
    expect((await owner.get(url)).text).not.toContain('Secret');
    await owner.post(`${url}/${id}`, { answer: 'grant' }).expect(404);
    expect(await theirs.state(id)).toBe('waiting');
  });

  test('the till neither sees nor answers; without scripts the page asks again by itself', async () => {
    const { merchant, owner, ask, state } = await shop();
    const id = await ask('Sam');
    const till = await personOf(house, merchant.id, 'till');
    await till.get(url).expect(403);
    await till.post(`${url}/${id}`, { answer: 'grant' }).expect(403);
    expect(await state(id)).toBe('waiting');
    const { text } = await owner.get(url);
    expect(text).toMatch(
      /<noscript><meta http-equiv="refresh" content="10;url=\/console\/approvals">/,
    );
  });

  test('the live page says that somebody asks', async () => {
    const { owner, ask } = await shop();
    const asks = /class="button slim" href="\/console\/approvals">.*1 guest asks to be let in/s;
    expect((await owner.get('/console/live')).text).not.toMatch(asks);
    await ask('Sam');
    const { text } = await owner.get('/console/live').expect(200);
    expect(text).toMatch(asks);
  });
});
