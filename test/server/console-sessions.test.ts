/** Who is online, on the console: the list in words, the download, and putting somebody out. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { endWord, stateOf, volumeOf, wayWord } from '../../server/console/online/words.ts';
import { readTexts } from '../../server/console/texts.ts';
import type { KickOutcome } from '../../server/sessions/reconcile.ts';
import { createReconciler } from '../../server/sessions/reconcile.ts';
import type { ConsoleApp } from '../support/console.ts';
import { consoleApp, personOf } from '../support/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';
import { silentLog } from '../support/routes-app.ts';
import { makeGatewayOf, makeLeg } from '../support/site.ts';

describe('words', () => {
  test.each([
    [0, '0 kB'],
    [999, '1 kB'],
    [123_456, '123 kB'],
    [1_234_567, '1.2 MB'],
    [12_345_678, '12 MB'],
    [1_834_567_890, '1.8 GB'],
    [5e15, '5000 TB'],
  ])('%d octets read as %s', (octets, text) => {
    const { value, digits, unit } = volumeOf(octets);
    expect(`${value.toFixed(digits)} ${unit}`).toBe(text);
  });

  const at = { expires_at: new Date(make.NOON) };
  test.each([
    [{ ...at, state: 'active', kick_reason: null, kick_outcome: null }, 'active'],
    [{ ...at, state: 'pending', kick_reason: null, kick_outcome: null }, 'pending'],
    [{ ...at, state: 'active', kick_reason: 'staff', kick_outcome: null }, 'leaving'],
    [{ ...at, state: 'active', kick_reason: 'staff', kick_outcome: 'later' }, 'leaving'],
    [{ ...at, state: 'active', kick_reason: 'quota', kick_outcome: 'unable' }, 'unable'],
    [{ ...at, state: 'active', kick_reason: 'staff', kick_outcome: 'failed' }, 'failed'],
    [{ ...at, state: 'ended', kick_reason: 'staff', kick_outcome: 'failed' }, 'ended'],
  ] as const)('%j is %s', (session, key) => {
    expect(stateOf(session).key).toBe(key);
  });

  test('every state, end and way has words', () => {
    const { online } = readTexts('en') as Record<string, Record<string, object>>;
    for (const reason of ['quota', 'nas-reboot', 'idle-timeout', 'staff', 'anything', null]) {
      expect(online?.['ends']).toHaveProperty(endWord(reason));
    }
    for (const method of ['mac', 'oidc', 'returning', 'grace', 'a-new-one']) {
      expect(online?.['ways']).toHaveProperty(wayWord(method));
    }
    for (const key of ['active', 'pending', 'leaving', 'unable', 'failed', 'ended']) {
      expect(online?.['states']).toHaveProperty(key);
    }
  });
});

describe('pages', () => {
  let database: TestDatabase;
  let house: ConsoleApp;
  /** What the gateway answers when it is asked to put somebody out. */
  let answer: KickOutcome = 'done';
  beforeAll(async () => {
    database = await testDatabase();
    const clock = (): number => make.NOON;
    const { db } = database;
    const reconciler = createReconciler({ db, clock, log: silentLog, count: () => undefined });
    reconciler.connect({ kick: async () => answer });
    house = consoleApp(db, { reconciler });
  });
  afterAll(() => database.release());

  async function shop(kind: 'coova' | 'wifidog' | 'meraki' = 'coova') {
    const merchant = await make.makeMerchant(database.db);
    const store = await make.makeStore(database.db, merchant.id);
    const place = { merchantId: merchant.id, storeId: store.id };
    const gateway = await makeGatewayOf(database.db, place, kind);
    const guest = await make.makeGuest(database.db, merchant.id, { name: 'Ada Byron' });
    const at = { ...place, gatewayId: gateway.id, guestId: guest.id };
    const owner = await personOf(house, merchant.id);
    return { at, merchant, store, gateway, guest, owner };
  }

  test('the list: who, since, until, how much, where, how, and in what state', async () => {
    const { at, owner, merchant } = await shop();
    const counted = await make.makeSession(database.db, at, {
      method: 'sms-code',
      bytesIn: 1_834_567_890,
      bytesOut: 123_456,
    });
    await makeLeg(database.db, { ...at, sessionId: counted.id });
    const nameless = await make.makeGuest(database.db, merchant.id, { phone: null });
    await make.makeSession(
      database.db,
      { ...at, guestId: nameless.id },
      { state: 'ended', endedAt: new Date(make.NOON), endReason: 'quota', method: 'mac' },
    );
    const live = await owner.get('/console/sessions').expect(200);
    expect(live.text).toContain('1 guest online');
    expect(live.text).toContain('Ada Byron</a><span class="help block">Code by SMS');
    expect(live.text).toMatch(/↓ 1\.8 GB.*↑ 123 kB/);
    expect(live.text).toMatch(/data-label="Until"><time [^>]*>14:00</);
    expect(live.text).toContain('Door coova');
    expect(live.text).not.toContain('Data used up');
    const all = await owner.get('/console/sessions?show=all').expect(200);
    expect(all.text).toContain('>Guest</a><span class="help block">Known device');
    expect(all.text).toContain('Data used up');
    expect(all.text).toContain('not told');
    expect(all.text.match(/\/disconnect"/g)).toHaveLength(1);
    const zh = await owner.get('/console/sessions?lang=zh-CN').expect(200);
    expect(zh.text).toContain('1 位顾客在线');
  });

  test('the list goes on page by page, and older pages stand still', async () => {
    const { at, owner } = await shop();
    for (let i = 0; i < 51; i += 1) {
      await make.makeSession(database.db, at, { grantedAt: new Date(make.NOON - i * 1000) });
    }
    const first = await owner.get('/console/sessions').expect(200);
    expect(first.text).toContain('refresh.js');
    const next = /href="(\/console\/sessions\?after=[^"]+)"/.exec(first.text)?.[1] ?? '';
    const second = await owner.get(next.replaceAll('&amp;', '&')).expect(200);
    expect(second.text.match(/<th [^>]*scope="row"/g)).toHaveLength(1);
    expect(second.text).not.toContain('refresh.js');
    await owner.get('/console/sessions?after=%00').expect(400);
  });

  test('the download holds the same, and blanks where nobody counted', async () => {
    const { at, owner } = await shop();
    const { id } = await make.makeSession(database.db, at);
    const answered = await owner.get('/console/sessions.csv').expect(200);
    expect(answered.headers['content-disposition']).toBe('attachment; filename=online.csv');
    const [head, row] = answered.text.replace('\uFEFF', '').split('\r\n');
    expect(head?.split(',').slice(-2)).toEqual(['bytes_down', 'bytes_up']);
    expect(row?.split(',')[0]).toBe(id);
    expect(row?.endsWith(',,')).toBe(true);
    const all = await owner.get('/console/sessions.csv?show=all').expect(200);
    expect(all.headers['content-disposition']).toBe('attachment; filename=sessions.csv');
  });

  test.each([
    ['coova', 'done', 'puts them out at once', 'Disconnected.', 'ended'],
    ['wifidog', 'later', 'when it next reports', 'Noted: the gateway', 'active'],
    ['meraki', 'unable', 'cannot put anybody out', 'This gateway cannot', 'active'],
    ['coova', 'failed', 'puts them out at once', 'The gateway did not answer.', 'active'],
  ] as const)(
    '%s, %s: what will come of it is said before, what came of it after',
    async (kind, outcome, before, after, state) => {
      const { at, owner } = await shop(kind);
      const { id } = await make.makeSession(database.db, at);
      await makeLeg(database.db, { ...at, sessionId: id });
      const asked = await owner.get(`/console/sessions/${id}/disconnect`).expect(200);
      expect(asked.text).toContain('Disconnect Ada Byron?');
      expect(asked.text).toContain(before);
      answer = outcome;
      const put = await owner.post(`/console/sessions/${id}/disconnect`).expect(303);
      const next = await owner.get(String(put.headers['location'])).expect(200);
      expect(next.text).toContain(after);
      const { rows } = await database.db.query('select state from sessions where id = $1', [id]);
      expect(rows).toEqual([{ state }]);
    },
  );

  test('who has left already is not asked about again', async () => {
    const { at, owner } = await shop();
    const ended = { state: 'ended' as const, endedAt: new Date(make.NOON) };
    const { id } = await make.makeSession(database.db, at, ended);
    const asked = await owner.get(`/console/sessions/${id}/disconnect`).expect(200);
    expect(asked.text).toContain('This session has ended already.');
    expect(asked.text).not.toContain('<button class="danger">');
    const put = await owner.post(`/console/sessions/${id}/disconnect`).expect(303);
    expect(put.headers['location']).toContain('done=out-ended');
  });

  test('the till sees nobody; strangers neither see nor disconnect', async () => {
    const { at, merchant, store } = await shop();
    const { id } = await make.makeSession(database.db, at);
    const till = await personOf(house, merchant.id, 'till');
    const stranger = (await shop()).owner;
    for (const page of ['', '.csv', `/${id}/disconnect`]) {
      await till.get(`/console/sessions${page}`).expect(403);
    }
    await till.post(`/console/sessions/${id}/disconnect`).expect(403);
    const list = await stranger.get(`/console/sessions?store=${store.slug}`).expect(200);
    expect(list.text).not.toContain('Ada Byron');
    await stranger.get(`/console/sessions/${id}/disconnect`).expect(404);
    await stranger.post(`/console/sessions/${id}/disconnect`).expect(404);
    const { rows } = await database.db.query('select state from sessions where id = $1', [id]);
    expect(rows).toEqual([{ state: 'active' }]);
  });

  test('a merchant without a store has nobody online', async () => {
    const merchant = await make.makeMerchant(database.db);
    const owner = await personOf(house, merchant.id);
    expect((await owner.get('/console/sessions').expect(200)).text).toContain('Nobody is online');
    await owner.get('/console/sessions.csv').expect(404);
  });
});
