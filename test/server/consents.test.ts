/** The consent ledger: only ever added to, the newest entry holds, every wording provable. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Express } from 'express';
import { hasMarketingConsent, wordingHash } from '../../server/consents/queries.ts';
import { consentRoutes } from '../../server/consents/routes.ts';
import type { Database } from '../../server/db/database.ts';
import { makeConsent, makeGuest, makePhone } from '../support/make.ts';
import { letIn, openReception, receptionEach } from '../support/reception.ts';
import type { Reception } from '../support/reception.ts';
import { routesApp } from '../support/routes-app.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let db: Database;
let house: Reception;
let app: Express;

receptionEach((opened, over) => {
  [house, db] = [opened, over];
  app = routesApp(consentRoutes({ db, clock: () => house.time.now }));
});

const marketing = (guestId: string, merchantId = house.merchantId) =>
  db.tx((tx) => hasMarketingConsent(tx, merchantId, guestId), { tenant: merchantId });

const post = (guestId: string, body: object, merchantId = house.merchantId) =>
  request(app).post(`/v1/guests/${guestId}/consents`).set('x-merchant', merchantId).send(body);

describe('the ledger', () => {
  test('names the wording that was shown, in its language', async () => {
    const { grant } = await letIn(house, {
      proof: { method: 'sms-code', address: makePhone() },
      language: 'zh-CN',
      consents: [
        { purpose: 'access', granted: true, version: 'a1', language: 'zh-CN' },
        { purpose: 'marketing', granted: false, version: 'm1', language: 'zh-CN' },
      ],
    });
    const rows = await house.rows(
      `select purpose, granted, text_version, text_sha256, language, source, store_id, given_at
       from consents where guest_id = $1 order by seq`,
      [grant.guestId],
    );
    const shared = {
      language: 'zh-CN',
      source: 'portal',
      store_id: house.store.id,
      given_at: new Date(house.time.now),
    };
    expect(rows).toEqual([
      {
        purpose: 'access',
        granted: true,
        text_version: 'a1',
        text_sha256: sha256('文明上网。'),
        ...shared,
      },
      {
        purpose: 'marketing',
        granted: false,
        text_version: 'm1',
        text_sha256: sha256('发送优惠。'),
        ...shared,
      },
    ]);
    expect(wordingHash('文明上网。')).toBe(sha256('文明上网。'));
  });

  test('still reads out a wording that the store has since changed', async () => {
    await letIn(house);
    house.store.wordings[0]!.version = 'a2';
    house.store.wordings[0]!.text.en = 'Be kinder.';
    house.time.now += 1000;
    const consents = [{ purpose: 'access', granted: true, version: 'a2', language: 'en' } as const];
    await letIn(house, { consents });
    const read = (text: string, merchantId = house.merchantId) =>
      request(app)
        .get(`/v1/consents/texts/${sha256(text)}`)
        .set('x-merchant', merchantId);
    expect((await read('Be kind online.').expect(200)).body).toEqual({
      text: 'Be kind online.',
      firstShownAt: new Date(house.time.now - 1000).toISOString(),
    });
    expect((await read('Be kinder.').expect(200)).body.text).toBe('Be kinder.');
    await read('Be kind online.', (await openReception(db)).merchantId).expect(404);
    await read('never shown').expect(404);
  });

  test('takes an unchanged choice again, as proof of what was shown', async () => {
    const proof = { method: 'sms-code' as const, address: makePhone() };
    const first = await letIn(house, { proof });
    await letIn(house, { proof });
    const rows = await house.rows('select 1 from consents where guest_id = $1', [
      first.grant.guestId,
    ]);
    expect(rows).toHaveLength(2);
  });

  test.each([
    ['the application', true],
    ['the owner of the database', false],
  ])('cannot be rewritten by %s', async (_name, asTenant) => {
    const guest = await makeGuest(db, house.merchantId);
    const consent = await makeConsent(db, house.merchantId, guest.id);
    const update = db.tx(
      (tx) => tx.query('update consents set granted = false where id = $1', [consent.id]),
      asTenant ? { tenant: house.merchantId } : {},
    );
    await expect(update).rejects.toThrow(/permission denied|append-only/);
    expect(await marketing(guest.id)).toBe(true);
  });

  test('cannot be thinned out by the application', async () => {
    const guest = await makeGuest(db, house.merchantId);
    await makeConsent(db, house.merchantId, guest.id);
    await expect(
      db.tx((tx) => tx.query('delete from consents'), { tenant: house.merchantId }),
    ).rejects.toThrow(/permission denied/);
  });
});

describe('what holds', () => {
  test.each<[string, boolean[], boolean]>([
    ['nothing was ever said', [], false],
    ['agreed', [true], true],
    ['refused', [false], false],
    ['taken back', [true, false], false],
    ['given again', [true, false, true], true],
  ])('is the newest entry, even within one millisecond: %s', async (_name, choices, expected) => {
    const guest = await makeGuest(db, house.merchantId);
    for (const granted of choices) {
      await makeConsent(db, house.merchantId, guest.id, {
        granted,
        givenAt: new Date(house.time.now),
      });
    }
    await makeConsent(db, house.merchantId, guest.id, { purpose: 'access', granted: !expected });
    expect(await marketing(guest.id)).toBe(expected);
  });

  test('is nobody else’s business', async () => {
    const guest = await makeGuest(db, house.merchantId);
    await makeConsent(db, house.merchantId, guest.id);
    const other = await openReception(db);
    expect(await marketing(guest.id, other.merchantId)).toBe(false);
    const lying = db.tx((tx) => hasMarketingConsent(tx, house.merchantId, guest.id), {
      tenant: other.merchantId,
    });
    expect(await lying).toBe(false);
  });
});

describe('over the API', () => {
  test('staff record that a guest takes it back, at once', async () => {
    const guest = await makeGuest(db, house.merchantId);
    await makeConsent(db, house.merchantId, guest.id);
    const reply = await post(guest.id, { purpose: 'marketing', granted: false }).expect(201);
    expect(reply.body.consents).toMatchObject([
      { purpose: 'marketing', granted: false, version: 'withdrawal', source: 'api' },
    ]);
    expect(await marketing(guest.id)).toBe(false);
  });

  test('agreeing needs the words', async () => {
    const guest = await makeGuest(db, house.merchantId);
    const agree = { purpose: 'marketing', granted: true };
    expect((await post(guest.id, agree)).body).toMatchObject({ code: 'invalid-request' });
    expect((await post(guest.id, { ...agree, version: 'm1' })).status).toBe(400);
    expect(await marketing(guest.id)).toBe(false);
    const whole = { ...agree, version: 'm1', text: 'Send offers.', storeId: house.store.id };
    const reply = await post(guest.id, whole).expect(201);
    expect(reply.body.consents).toMatchObject([{ textSha256: sha256('Send offers.') }]);
    expect(await marketing(guest.id)).toBe(true);
  });

  test.each([
    ['access', { purpose: 'access', granted: true, version: 'a1', text: 'x' }],
    ['no choice', { purpose: 'marketing' }],
    ['a choice that is none', { purpose: 'marketing', granted: 'yes' }],
    ['more than asked', { purpose: 'marketing', granted: false, guestId: 'x' }],
    ['a store that is no id', { purpose: 'marketing', granted: false, storeId: 'x' }],
  ])('refuses %s', async (_name, body) => {
    const guest = await makeGuest(db, house.merchantId);
    expect((await post(guest.id, body)).status).toBe(400);
  });

  test('guests and stores of others are not there', async () => {
    const other = await openReception(db);
    const foreign = await makeGuest(db, other.merchantId);
    const own = await makeGuest(db, house.merchantId);
    const withdraw = { purpose: 'marketing', granted: false };
    expect((await post(foreign.id, withdraw)).status).toBe(404);
    expect((await post(own.id, { ...withdraw, storeId: other.store.id })).status).toBe(404);
    expect(
      await house.rows('select 1 from consents where guest_id = any ($1)', [[foreign.id, own.id]]),
    ).toEqual([]);
  });

  test('the ledger is read newest first, page by page, by purpose', async () => {
    const guest = await makeGuest(db, house.merchantId);
    const made: string[] = [];
    for (let i = 0; i < 5; i++)
      made.unshift((await makeConsent(db, house.merchantId, guest.id)).id);
    await makeConsent(db, house.merchantId, guest.id, { purpose: 'access' });
    await makeConsent(db, (await openReception(db)).merchantId, guest.id);
    const got: string[] = [];
    let cursor = '';
    do {
      const { body } = await request(app)
        .get(`/v1/consents?purpose=marketing&limit=2${cursor && `&cursor=${cursor}`}`)
        .set('x-merchant', house.merchantId)
        .expect(200);
      got.push(...body.entries.map((entry: { id: string }) => entry.id));
      cursor = body.next ?? '';
    } while (cursor);
    expect(got).toEqual(made);
  });
});
