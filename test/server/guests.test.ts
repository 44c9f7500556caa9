/** The desk: one admission, one transaction; what is agreed to; recognition; offers. */
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import type { Desk } from '../../portal/ports.ts';
import type { Database } from '../../server/db/database.ts';
import { guestRoutes } from '../../server/guests/routes.ts';
import { createLog } from '../../server/log.ts';
import * as make from '../support/make.ts';
import {
  admission,
  letIn,
  openReception,
  receptionEach,
  rowsOf,
  writtenBy,
} from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const phone = (address: string) => ({ method: 'sms-code' as const, address });
const BOTH = [
  { purpose: 'access', granted: true, version: 'a1', language: 'en' },
  { purpose: 'marketing', granted: true, version: 'm1', language: 'en' },
] as const;

let db: Database;
let house: Reception;
let app: Express;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
  const log = createLog('debug', { write: (line) => void house.logged.push(line) });
  app = routesApp(guestRoutes({ db, clock: () => house.time.now, log }));
});

const count = (table: string) => rowsOf(house, table);
const counts = () => writtenBy(house);

const get = (path: string, merchantId = house.merchantId) =>
  request(app).get(path).set('x-merchant', merchantId);

describe('admission', () => {
  test('writes guest, consents, session and event together', async () => {
    const address = make.makePhone();
    const context = { ...admission(house).context, mac: '02:AA:BB:CC:DD:EE' };
    const answer = await letIn(house, { proof: phone(address), context, consents: [...BOTH] });
    expect(answer).toEqual({
      ok: true,
      returning: false,
      grant: {
        sessionId: expect.any(String),
        guestId: expect.any(String),
        minutes: 120,
        upKbps: 2000,
        downKbps: 10_000,
        upQuotaKB: 0,
        downQuotaKB: 500,
        expiresAt: house.time.now + 120 * MINUTE,
      },
    });
    expect(await counts()).toEqual({ guests: 1, consents: 2, sessions: 1, events: 1 });
    const [session] = await house.rows('select * from sessions where merchant_id = $1', [
      house.merchantId,
    ]);
    expect(session).toMatchObject({
      state: 'pending',
      mac: '02:aa:bb:cc:dd:ee',
      method: 'sms-code',
    });
    const [event] = await house.rows(
      'select type, key, payload from outbox where merchant_id = $1',
      [house.merchantId],
    );
    expect(event).toEqual({
      type: 'guest.admitted',
      key: answer.grant.guestId,
      payload: {
        guestId: answer.grant.guestId,
        storeId: house.store.id,
        sessionId: answer.grant.sessionId,
        method: 'sms-code',
        returning: false,
        marketingConsent: true,
        at: new Date(house.time.now).toISOString(),
      },
    });
  });

  test('pressed again within a minute is the same admission', async () => {
    const again = admission(house, { proof: phone(make.makePhone()) });
    const first = await house.desk.admit(again);
    house.time.now += MINUTE - 1;
    expect(await house.desk.admit(again)).toEqual(first);
    expect(await counts()).toEqual({ guests: 1, consents: 1, sessions: 1, events: 1 });
  });

  test('later it is a new one, and the old session is left to its gateway', async () => {
    const again = admission(house, { proof: phone(make.makePhone()) });
    const first = await house.desk.admit(again);
    house.time.now += MINUTE + 1;
    const second = await house.desk.admit(again);
    expect(second).toMatchObject({ ok: true, returning: true });
    expect(first.ok && second.ok && first.grant.sessionId !== second.grant.sessionId).toBe(true);
    expect(await counts()).toEqual({ guests: 1, consents: 2, sessions: 2, events: 2 });
  });

  test.each([
    ['the client token', { hid: 'b'.repeat(64) }],
    ['the device', { mac: '02:00:00:00:00:01' }],
  ])('differs with %s', async (_name, change) => {
    const first = admission(house, { proof: phone(make.makePhone()) });
    await house.desk.admit(first);
    await house.desk.admit({ ...first, context: { ...first.context, ...change } });
    expect(await counts()).toMatchObject({ guests: 1, sessions: 2 });
  });

  test('many presses in parallel are one', async () => {
    const same = admission(house, { proof: phone(make.makePhone()), consents: [...BOTH] });
    const answers = await Promise.all(Array.from({ length: 12 }, () => house.desk.admit(same)));
    const sessions = new Set(answers.map((answer) => answer.ok && answer.grant.sessionId));
    expect(sessions.size).toBe(1);
    expect(await counts()).toEqual({ guests: 1, consents: 2, sessions: 1, events: 1 });
  });

  test('many devices of one number in parallel are one guest', async () => {
    const proof = phone(make.makePhone());
    const answers = await Promise.all(Array.from({ length: 10 }, () => letIn(house, { proof })));
    expect(new Set(answers.map((answer) => answer.grant.guestId)).size).toBe(1);
    expect(await counts()).toEqual({ guests: 1, consents: 10, sessions: 10, events: 10 });
  });

  test('a blocked guest is refused, and nothing of the try is kept', async () => {
    const address = make.makePhone();
    const guest = await make.makeGuest(db, house.merchantId, {
      phone: address,
      blockedAt: new Date(house.time.now),
    });
    const before = await counts();
    const answer = await house.desk.admit(admission(house, { proof: phone(address) }));
    expect(answer).toEqual({ ok: false, reason: 'blocked' });
    expect(await counts()).toEqual(before);
    const [row] = await house.rows<{ last_seen_at: Date }>(
      'select last_seen_at from guests where id = $1',
      [guest.id],
    );
    expect(row?.last_seen_at).toEqual(guest.lastSeenAt);
  });

  test('a gateway of another store is no door of this one', async () => {
    const other = await openReception(db);
    const request = admission(house);
    await expect(
      house.desk.admit({ ...request, context: { ...request.context, gatewayId: other.gatewayId } }),
    ).rejects.toMatchObject({ code: 'not-found' });
    expect(await counts()).toEqual({ guests: 0, consents: 0, sessions: 0, events: 0 });
  });

  test('the logs never hold a number, a mail address or a device', async () => {
    const context = { ...admission(house).context, mac: '02:12:34:56:78:9a' };
    await letIn(house, { context, proof: phone('+447400999888') });
    await letIn(house, { context, proof: { method: 'email-code', address: 'ada@example.com' } });
    await letIn(house, {
      context,
      proof: phone('+447400999888'),
      answer: { key: 'taste', value: 'a\u0000b' },
      consents: [BOTH[0], { ...BOTH[1], version: 'gone' }],
      language: 'zh-CN',
      store: { ...house.store },
    }).catch(() => undefined);
    const log = house.logged.join('');
    for (const secret of ['7400999888', 'ada@example.com', '12:34:56', '10.0.0.7']) {
      expect(log).not.toContain(secret);
    }
  });
});

describe('what a guest agrees to', () => {
  test('marketing that cannot be stored does not keep anyone out', async () => {
    await db.query(`create function refuse_marketing() returns trigger language plpgsql as $$
      begin raise exception 'no marketing today'; end $$`);
    await db.query(`create trigger refuse before insert on consents for each row
      when (new.purpose = 'marketing') execute function refuse_marketing()`);
    try {
      await letIn(house, { consents: [...BOTH] });
      expect(await counts()).toEqual({ guests: 1, consents: 1, sessions: 1, events: 1 });
      const [event] = await house.rows<{ payload: { marketingConsent: boolean } }>(
        'select payload from outbox where merchant_id = $1',
        [house.merchantId],
      );
      expect(event?.payload.marketingConsent).toBe(false);
      expect(house.logged.join('')).toContain('"part":"marketing"');
    } finally {
      await db.query('drop trigger refuse on consents');
      await db.query('drop function refuse_marketing');
    }
  });

  test('access that cannot be stored does', async () => {
    await db.query(`create function refuse_access() returns trigger language plpgsql as $$
      begin raise exception 'no access today'; end $$`);
    await db.query(`create trigger refuse before insert on consents for each row
      when (new.purpose = 'access') execute function refuse_access()`);
    try {
      await expect(letIn(house, { consents: [...BOTH] })).rejects.toThrow('no access today');
      expect(await counts()).toEqual({ guests: 0, consents: 0, sessions: 0, events: 0 });
    } finally {
      await db.query('drop trigger refuse on consents');
      await db.query('drop function refuse_access');
    }
  });

  test.each([
    ['nothing', []],
    ['only marketing', [BOTH[1]]],
    ['a refusal of access', [{ ...BOTH[0], granted: false }]],
  ])('%s lets nobody in', async (_name, consents) => {
    await expect(
      house.desk.admit(admission(house, { consents: [...consents] })),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(await counts()).toEqual({ guests: 0, consents: 0, sessions: 0, events: 0 });
  });

  test('an old version of the terms is shown again', async () => {
    const old = [{ ...BOTH[0], version: 'a0' }, BOTH[1]];
    const answer = await house.desk.admit(admission(house, { consents: old }));
    expect(answer).toEqual({ ok: false, reason: 'terms-changed' });
    expect(await counts()).toEqual({ guests: 0, consents: 0, sessions: 0, events: 0 });
  });

  test('an unknown version of the marketing text is not an agreement', async () => {
    await letIn(house, { consents: [BOTH[0], { ...BOTH[1], version: 'm0' }] });
    expect(await counts()).toMatchObject({ consents: 1, sessions: 1 });
  });
});

describe('the optional question', () => {
  const asking = (over: Reception = house) => ({
    ...over.store,
    questions: ['taste', 'seat'].map((key) => ({
      key,
      label: { en: key, 'zh-CN': key },
      options: [],
    })),
  });
  const question = (proof: Parameters<NonNullable<Desk['question']>>[1], mac = make.makeMac()) =>
    house.desk.question?.(asking(), proof, mac);

  test('is the first that was neither answered nor waved away', async () => {
    const proof = phone(make.makePhone());
    expect(await question(proof)).toBe('taste');
    await letIn(house, { proof });
    expect(await question(proof)).toBe('taste');
    await letIn(house, { proof, answer: { key: 'taste', dismissed: true } });
    expect(await question(proof)).toBe('seat');
    await letIn(house, { proof, answer: { key: 'seat', value: 'window' } });
    expect(await question(proof)).toBeNull();
    expect(await house.desk.question?.(house.store, proof, make.makeMac())).toBeNull();
    const other = await openReception(db);
    expect(await other.desk.question?.(asking(other), proof, make.makeMac())).toBe('taste');
  });

  test('is not asked again of an anonymous guest whose phone is remembered', async () => {
    const proof = { method: 'click-through' as const };
    const { context } = admission(house);
    const { grant } = await letIn(house, {
      context,
      proof,
      answer: { key: 'taste', dismissed: true },
    });
    expect(await question(proof, context.mac)).toBe('taste');
    await house.doors.landed(house.store, grant.sessionId);
    expect(await question(proof, context.mac)).toBe('seat');
    expect(await question(proof)).toBe('taste');
  });

  test('is nothing to whoever is too young for it', async () => {
    await letIn(house, { age: 'under', answer: { key: 'taste', value: 'tea' } });
    expect(await count('guest_answers')).toBe(0);
  });

  test('keeps hostile answers word for word', async () => {
    const value = `<script>alert('x')</script> {{7*7}} '; drop table guests; -- 🙂`;
    const { grant } = await letIn(house, { answer: { key: 'taste', value } });
    const reply = await get(`/v1/guests/${grant.guestId}`).expect(200);
    expect(reply.body.answers).toEqual([
      { key: 'taste', answer: value, answeredAt: new Date(house.time.now).toISOString() },
    ]);
  });

  test('an answer that cannot be stored does not keep anyone out', async () => {
    await letIn(house, { answer: { key: 'taste', value: 'a\u0000b' } });
    expect(await counts()).toMatchObject({ guests: 1, sessions: 1, events: 1 });
    expect(await count('guest_answers')).toBe(0);
  });
});

const device = (mac: string) => ({ context: { ...admission(house).context, mac } });

/** Lets in by click-through and has the gateway confirm. */
async function comeAndGo(mac: string) {
  const answer = await letIn(house, device(mac));
  await house.doors.landed(house.store, answer.grant.sessionId);
  return answer;
}

describe('recognition by device', () => {
  test('a click-through guest is known again for thirty days', async () => {
    const mac = make.makeMac();
    const first = await comeAndGo(mac);
    house.time.now += 30 * DAY - MINUTE;
    const second = await comeAndGo(mac);
    expect(second).toMatchObject({ returning: true, grant: { guestId: first.grant.guestId } });
    house.time.now += 30 * DAY + MINUTE;
    const third = await comeAndGo(mac);
    expect(third.returning).toBe(false);
    expect(third.grant.guestId).not.toBe(first.grant.guestId);
  });

  test('whoever asks anew under the gateway’s own mark is the same, also unconfirmed', async () => {
    const { context } = admission(house);
    const first = await letIn(house, { context: { ...context, hid: 'a'.repeat(64) } });
    house.time.now += 10 * MINUTE;
    const again = await letIn(house, { context: { ...context, hid: 'a'.repeat(64) } });
    expect(again.grant.sessionId).not.toBe(first.grant.sessionId);
    expect(again.grant.guestId).toBe(first.grant.guestId);
    const other = await letIn(house, { context: { ...context, hid: 'b'.repeat(64) } });
    expect(other.grant.guestId).not.toBe(first.grant.guestId);
    house.time.now += DAY;
    const later = await letIn(house, { context: { ...context, hid: 'a'.repeat(64) } });
    expect(later.grant.guestId).not.toBe(first.grant.guestId);
  });

  test('not before a gateway confirmed it', async () => {
    const mac = make.makeMac();
    const first = await letIn(house, device(mac));
    house.time.now += 2 * MINUTE;
    const second = await letIn(house, device(mac));
    expect(second.grant.guestId).not.toBe(first.grant.guestId);
  });

  test('never leads to somebody with a number or a mail address', async () => {
    const mac = make.makeMac();
    const known = await letIn(house, { ...device(mac), proof: phone(make.makePhone()) });
    await house.doors.landed(house.store, known.grant.sessionId);
    house.time.now += 2 * MINUTE;
    const spoofed = await letIn(house, device(mac));
    expect(spoofed.returning).toBe(false);
    expect(spoofed.grant.guestId).not.toBe(known.grant.guestId);
  });

  test('not at another store', async () => {
    const mac = make.makeMac();
    const other = await openReception(db);
    const first = await comeAndGo(mac);
    const answer = await letIn(other, { context: { ...admission(other).context, mac } });
    expect(answer.grant.guestId).not.toBe(first.grant.guestId);
    expect(house.desk.clientKey(house.store, mac)).not.toBe(house.desk.clientKey(other.store, mac));
  });

  test('the client key is opaque and does not depend on spelling', () => {
    const key = house.desk.clientKey(house.store, '02:AA:BB:CC:DD:EE');
    expect(key).toBe(house.desk.clientKey(house.store, '02:aa:bb:cc:dd:ee'));
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(Buffer.from(key, 'base64url').toString('latin1')).not.toContain('aa:bb');
  });
});

async function guestWithOffer() {
  const { grant } = await letIn(house, { proof: phone(make.makePhone()) });
  const offer = await make.makeOffer(db, house.merchantId);
  const issue = () => make.makeVoucher(db, house.merchantId, offer.id, { guestId: grant.guestId });
  return { ...grant, issue };
}

describe('offers at the desk', () => {
  test('come at once when there are some', async () => {
    const { sessionId, issue } = await guestWithOffer();
    const voucher = await issue();
    expect(await house.desk.offers(house.store, sessionId, 25_000)).toMatchObject([
      { voucherId: voucher.id, headline: 'A coffee on us' },
    ]);
  });

  test('are waited for, and known ones do not end the wait', async () => {
    const { sessionId, guestId, issue } = await guestWithOffer();
    const first = await issue();
    const waiting = house.desk.offers(house.store, sessionId, 25_000, [first.id]);
    const second = await issue();
    // Wakes it whether or not it listens yet: repeated until the answer is there.
    const waker = setInterval(() => house.offerIssued(guestId), 5);
    const due = await waiting.finally(() => clearInterval(waker));
    expect(due.map((card) => card.voucherId).toSorted()).toEqual([first.id, second.id].toSorted());
  });

  test('are nobody’s without a live session at this store', async () => {
    const { sessionId, issue } = await guestWithOffer();
    await issue();
    const other = await openReception(db);
    expect(await other.desk.offers(other.store, sessionId, 0)).toEqual([]);
    expect(await house.desk.offers(house.store, 'not-an-id', 0)).toEqual([]);
    await db.query(`update sessions set state = 'ended' where id = $1`, [sessionId]);
    expect(await house.desk.offers(house.store, sessionId, 0)).toEqual([]);
  });

  test('of a guest known by device only wait for the gateway’s word', async () => {
    const { grant } = await letIn(house);
    const offer = await make.makeOffer(db, house.merchantId);
    await make.makeVoucher(db, house.merchantId, offer.id, { guestId: grant.guestId });
    expect(await house.desk.offers(house.store, grant.sessionId, 0)).toEqual([]);
    await house.doors.landed(house.store, grant.sessionId);
    expect(await house.desk.offers(house.store, grant.sessionId, 0)).toHaveLength(1);
  });

  test('seen is noted for one’s own only', async () => {
    const { sessionId, issue } = await guestWithOffer();
    const own = await issue();
    const foreign = await (await guestWithOffer()).issue();
    await house.desk.shown(house.store, sessionId, [own.id, foreign.id, 'rubbish']);
    const rows = await house.rows<{ id: string; shown_at: Date | null }>(
      'select id, shown_at from vouchers where merchant_id = $1',
      [house.merchantId],
    );
    const shown = rows.filter((row) => row.shown_at !== null).map((row) => row.id);
    expect(shown).toEqual([own.id]);
  });
});
