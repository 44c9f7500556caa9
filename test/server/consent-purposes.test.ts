/** Choices by purpose: exact words, proof, ages, the second yes for mail, and what each allows. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mayAnalyse } from '../../server/consents/analyse.ts';
import { CONFIRM_MS, confirmByMail, forgetRequests } from '../../server/consents/confirm.ts';
import { currentConsents, hasConsent } from '../../server/consents/queries.ts';
import type { RecordRequest } from '../../server/consents/record.ts';
import { recordConsents, termsCurrent } from '../../server/consents/record.ts';
import type { Queryable } from '../../server/db/database.ts';
import { storeBySlug } from '../../server/stores/view.ts';
import type { PortalStore } from '../../server/stores/view.ts';
import type { Purpose } from '../../server/stores/wordings.ts';
import { purposes } from '../../server/stores/wordings.ts';
import type { TestDatabase } from '../support/database.ts';
import { testDatabase } from '../support/database.ts';
import * as make from '../support/make.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.release());

const { NOON } = make;
const SHA = 'ab'.repeat(32);
const OPTIONAL = purposes.filter((one) => one !== 'access');
const shown = { pageSha256: SHA, screen: 'consent', ip: '192.0.2.7', userAgent: 'Phone/1.0' };

let merchantId: string;
let guestId: string;
let store: PortalStore;
beforeEach(async () => {
  merchantId = (await make.makeMerchant(database.db)).id;
  const settings = { purposes: OPTIONAL, ageGate: null };
  const { slug } = await make.makeStore(database.db, merchantId, { country: 'DE', settings });
  store = (await storeBySlug(database.db, slug))!;
  guestId = (await make.makeGuest(database.db, merchantId, { email: `${slug}@guests.example` })).id;
});

const inside = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
  database.db.tx(work, { tenant: merchantId });
const given = (granted: readonly Purpose[], over: Partial<Record<Purpose, string>> = {}) =>
  store.wordings.map(({ purpose, version }) => ({
    purpose,
    version: over[purpose] ?? version,
    granted: granted.includes(purpose),
    language: 'es' as const,
  }));
const record = (over: Partial<RecordRequest> = {}) =>
  inside((tx) =>
    recordConsents(
      tx,
      {
        store,
        guestId,
        consents: given(['access']),
        shown,
        language: 'es',
        source: 'portal',
        publicUrl: 'https://wifi.example',
        ...over,
      },
      NOON,
    ),
  );
const held = (purpose: Purpose) => inside((tx) => hasConsent(tx, merchantId, guestId, purpose));
const rows = async () => inside((tx) => currentConsents(tx, merchantId, guestId));

describe('what is kept', () => {
  test('each purpose by itself, with the words, their language, and what was on the screen', async () => {
    await record({ consents: given(['access', 'marketing', 'analytics']) });
    const kept = await rows();
    expect(kept).toHaveLength(6);
    for (const row of kept) {
      expect(row).toMatchObject({
        granted: ['access', 'marketing', 'analytics'].includes(row.purpose),
        language: 'es',
        source: 'portal',
        method: 'form',
        page_sha256: SHA,
        screen: 'consent',
        ip: '192.0.2.7',
        user_agent: 'Phone/1.0',
      });
    }
  });

  test('proof is cut to what the ledger holds, whatever was sent', async () => {
    const wild = {
      pageSha256: 'no hash',
      screen: 's'.repeat(99),
      ip: '::1',
      userAgent: '\u0000x'.repeat(300),
    };
    await record({ shown: wild });
    const [row] = await rows();
    expect(row).toMatchObject({ page_sha256: null, screen: 's'.repeat(60) });
    expect(row?.user_agent).toHaveLength(200);
  });

  test.each([
    ['nothing', () => []],
    ['a refusal of the terms', () => given([])],
    ['terms that changed', () => given(['access'], { access: 'own-9' })],
  ])('%s is no agreement', async (_name, consents) => {
    await expect(record({ consents: consents() })).rejects.toMatchObject({ code: 'conflict' });
    expect(await rows()).toEqual([]);
  });

  test('other words that changed are left out, and the guest gets in', async () => {
    const consents = given(['access', 'marketing', 'analytics'], { marketing: 'own-9' });
    const recorded = await record({ consents });
    expect(recorded.granted).toEqual(['access', 'analytics']);
    expect(recorded.failed.map((one) => one.purpose)).toEqual(['marketing']);
  });

  test('terms agreed to before hold as long as their words do', async () => {
    await record();
    expect((await record({ consents: [] })).granted).toEqual([]);
    expect(await rows()).toHaveLength(6);
    const edited = store.wordings.map((one) =>
      one.purpose === 'access' ? { ...one, text: { en: 'New.', 'zh-CN': '新。' } } : one,
    );
    expect(termsCurrent({ ...store, wordings: edited }, await rows())).toBe(false);
    await expect(
      record({ store: { ...store, wordings: edited }, consents: [] }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('the newest entry holds, whoever wrote it', async () => {
    await record({ consents: given(['access', 'profiling']) });
    expect(await held('profiling')).toBe(true);
    await record({ consents: given(['access']) });
    expect(await held('profiling')).toBe(false);
  });
});

describe('ages', () => {
  const all = () => given([...purposes]);

  test('below it, only the terms are kept; the rest is refused and says why', async () => {
    const recorded = await record({ consents: all(), age: 'under' });
    expect(recorded).toMatchObject({ granted: ['access'], refused: OPTIONAL });
    const kept = await rows();
    expect(kept.filter((row) => row.granted).map((row) => row.purpose)).toEqual(['access']);
    for (const row of kept.filter((one) => one.purpose !== 'access')) {
      expect(row.method).toBe('age-gate');
    }
  });

  test('said once, it holds at the next visit', async () => {
    await record({ consents: all(), age: 'under' });
    expect((await record({ consents: all() })).refused).toEqual(OPTIONAL);
  });

  test('a site with an age takes nothing from a guest who did not say', async () => {
    const gated = { ...store, ageGate: 16 };
    expect((await record({ store: gated, consents: all() })).refused).toEqual(OPTIONAL);
    const over = await record({ store: gated, consents: all(), age: 'over' });
    expect(over.refused).toEqual([]);
    expect((await record({ store: gated, consents: all() })).refused).toEqual([]);
  });
});

describe('offers by mail', () => {
  const mails = () =>
    inside(async (tx) => {
      const { rows: found } = await tx.query<{ body: string; subject: string }>(
        'select subject, body from messages where merchant_id = $1',
        [merchantId],
      );
      return found;
    });

  test('wait for the link, in the guest’s language, and only so many a day', async () => {
    const consents = given(['access', 'marketing-email']);
    expect((await record({ consents })).awaiting).toEqual(['marketing-email']);
    expect(await held('marketing-email')).toBe(false);
    const [mail] = await mails();
    expect(mail?.subject).toContain('confírmelo');
    expect(mail?.body).toContain(`https://wifi.example/p/${store.slug}/confirm/fc_`);
    for (let turn = 0; turn < 5; turn += 1) await record({ consents });
    expect(await mails()).toHaveLength(3);
    const { rows: links } = await database.db.query<{ expires_at: Date }>(
      'select expires_at from consent_requests where merchant_id = $1',
      [merchantId],
    );
    expect(links[0]?.expires_at.getTime()).toBe(NOON + CONFIRM_MS);
  });

  test('refusing voids the links that are on their way', async () => {
    await record({ consents: given(['access', 'marketing-email']) });
    await record({ consents: given(['access']) });
    const token = /fc_[\w-]{32}/.exec((await mails())[0]?.body ?? '')?.[0] ?? '';
    const from = { ip: '192.0.2.1', userAgent: 'x' };
    const confirmed = await inside((tx) => confirmByMail(tx, store, token, from, NOON));
    expect(confirmed).toBe(false);
    expect(await held('marketing-email')).toBe(false);
  });

  test('changing one’s mind again and again brings no more mails than a day’s', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      await record({ consents: given(['access', 'marketing-email']) });
      await record({ consents: given(['access']) });
    }
    expect(await mails()).toHaveLength(3);
    // No link is on its way: nobody is told to wait for one.
    const more = await record({ consents: given(['access', 'marketing-email']) });
    expect(more).toMatchObject({
      awaiting: [],
      refused: expect.arrayContaining(['marketing-email']),
    });
    await inside((tx) => forgetRequests(tx, NOON + 86_400_000));
    const { rows: links } = await database.db.query(
      'select 1 from consent_requests where merchant_id = $1',
      [merchantId],
    );
    expect(links).toEqual([]);
  });

  test.each([
    [
      'without an address',
      async () =>
        void (await database.db.query('update guests set email = null where id = $1', [guestId])),
      {},
    ],
    ['without a way to make a link', async () => undefined, { publicUrl: undefined }],
  ])('%s nothing is granted', async (_why, prepare, over) => {
    await prepare();
    const recorded = await record({ consents: given(['access', 'marketing-email']), ...over });
    expect(recorded.refused).toContain('marketing-email');
    expect(await mails()).toEqual([]);
  });

  test('where one yes is enough it holds at once', async () => {
    await database.db.query(
      `update stores set settings = settings || '{"doubleOptIn": false}' where id = $1`,
      [store.id],
    );
    await record({ consents: given(['access', 'marketing-email']) });
    expect(await held('marketing-email')).toBe(true);
  });
});

describe('statistics about a guest', () => {
  const may = () => inside((tx) => mayAnalyse(tx, merchantId, guestId, store.id));
  const country = (code: string) =>
    database.db.query('update stores set country = $2 where id = $1', [store.id, code]);

  test.each([
    ['DE', null, false],
    ['DE', true, true],
    ['DE', false, false],
    ['CN', null, false],
    ['US', null, true],
    ['US', false, false],
    ['BR', null, true],
    ['BR', false, false],
  ])('in %s with %s: %s', async (code, word, allowed) => {
    await country(code);
    if (word !== null) {
      await make.makeConsent(database.db, merchantId, guestId, {
        purpose: 'analytics',
        granted: word,
      });
    }
    expect(await may()).toBe(allowed);
  });

  test('of a store that is not the merchant’s: no', async () => {
    const other = await make.makeMerchant(database.db);
    const theirs = await make.makeStore(database.db, other.id, { country: 'BR' });
    expect(await inside((tx) => mayAnalyse(tx, merchantId, guestId, theirs.id))).toBe(false);
  });
});
