/** A house that ran before sessions spanned gateways goes on: its rows, brought to the newest schema, seen through the doors. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pretendRedirect } from '../../portal/router.ts';
import { mayAnalyse, mayProfile } from '../../server/consents/analyse.ts';
import type { Database } from '../../server/db/database.ts';
import { openEmbedded } from '../../server/db/embedded.ts';
import { migrate, readMigrations } from '../../server/db/migrate.ts';
import { openPool } from '../../server/db/pool.ts';
import type { TestApp } from '../support/app.ts';
import { startApp } from '../support/app.ts';
import { codeFor } from '../support/cast.ts';
import { startOpenNds } from '../support/emulators/opennds.ts';
import { testFolder } from '../support/folder.ts';
import { partPresent, postgresUrl, requirePart } from '../support/parts.ts';
import { dropDatabase, emptyDatabase, urlOf } from '../support/postgres.ts';
import { releaseOf } from '../support/releases.ts';

const BEFORE = 7;
const fixture = (name: string): string =>
  readFileSync(path.resolve(import.meta.dirname, '../fixtures/upgrade', name), 'utf8');
const rows = fixture('house-0007.sql');

interface Person {
  guestId: string;
  /** Rows of their record, by section. */
  sizes: Record<string, number>;
}
/** Who is who, and what that house itself answered in the end. */
const was = JSON.parse(fixture('house-0007.json')) as {
  now: string;
  merchantId: string;
  apiKey: string;
  stores: Record<'harbour' | 'pier' | 'bund', string>;
  gateways: { nds: string; pretend: { name: string; secret: string } };
  overview: unknown;
  visits: unknown;
  ada: Person & { live: string };
  anon: Person & { live: string };
  dan: Person & { waiting: string; rhid: string };
} & Record<'bob' | 'cleo' | 'eve' | 'mei' | 'vic', Person>;
/** The installation's secret, as it was. */
const SECRET = 'an-old-house-keeps-its-secret-for-years-0001';
const MINUTE = 60_000;
const BROKEN = 'sessions_guest_id_granted_at_idx';
const then = Date.parse(was.now);

interface Old {
  db: Database;
  release(): Promise<void>;
}

interface Store {
  settings: { wordings: { purpose: string; version: string; text: Record<string, string> }[] };
}
interface Word {
  purpose: string;
  granted: boolean;
}

function contract(open: () => Promise<Old>): void {
  const folder = testFolder();
  let old: Old;
  let app: TestApp;
  beforeAll(async () => {
    old = await open();
    await migrate(old.db, { folder: releaseOf(folder, BEFORE) });
    await old.db.query(rows);
    // Made beforehand, and broken off: it has the name, and holds nothing.
    const early = `create unique index concurrently ${BROKEN} on sessions ((true))`;
    await expect(old.db.query(early)).rejects.toMatchObject({ code: '23505' });
    expect(await migrate(old.db)).toHaveLength(readMigrations().length - BEFORE);
    app = await startApp({ SECRET }, { storage: () => old.db });
    app.clock.now = then + MINUTE;
  }, 180_000);
  afterAll(async () => {
    await app?.stop();
    await old?.release();
  });

  const api = async <T = unknown>(url: string, init: RequestInit = {}): Promise<T> => {
    const headers = { authorization: `Bearer ${was.apiKey}`, 'content-type': 'application/json' };
    const response = await fetch(new URL(url, app.url), { ...init, headers });
    expect([url, response.status]).toEqual([url, 200]);
    return (await response.json()) as T;
  };
  const kept = async <R extends Record<string, unknown>>(text: string, params: unknown[] = []) =>
    (await old.db.query<R>(text, params)).rows;
  const session = async (id: string) =>
    (
      await kept<{ state: string; end_reason: string | null; bytes_in: number; bytes_out: number }>(
        'select state, end_reason, bytes_in, bytes_out from sessions where id = $1',
        [id],
      )
    )[0];

  // In order: each test starts from where the one before it left the house.
  test('an index whose building was broken off is made anew', async () => {
    const [index] = await kept(
      `select indisvalid as valid, pg_get_indexdef(indexrelid) as made from pg_index
       where indexrelid = to_regclass($1)`,
      [BROKEN],
    );
    expect(index).toEqual({ valid: true, made: expect.stringContaining('(guest_id, granted_at') });
  });

  test('reports say what they said', async () => {
    const { harbour } = was.stores;
    expect(await api(`/v1/analytics/overview?store=${harbour}&day=2026-10-20`)).toEqual(
      was.overview,
    );
    expect(await api('/v1/visits?limit=10')).toEqual(was.visits);
  });

  test('every guest’s record is as long as it was', async () => {
    const guests = [was.ada, was.bob, was.cleo, was.eve, was.mei, was.vic, was.anon, was.dan];
    for (const { guestId, sizes } of guests) {
      const { sections, cutShort } = await api<{
        sections: Record<string, unknown[]>;
        cutShort: string[];
      }>(`/v1/guests/${guestId}/export`);
      const { pings: _pings, ...counted } = sizes;
      const found = Object.entries(sections).map(([name, list]) => [name, list.length] as const);
      expect(Object.fromEntries(found.filter(([, length]) => length > 0))).toEqual(counted);
      expect(cutShort).toEqual([]);
    }
  });

  test('settings are read as they were, with the usual of today for what is new', async () => {
    const harbour = await api<Store>(`/v1/stores/${was.stores.harbour}`);
    expect(harbour.settings).toMatchObject({
      methods: ['sms-code', 'email-code', 'click-through', 'voucher'],
      question: { key: 'reason' },
      questions: [{ key: 'reason', label: { en: 'Why are you here?' } }],
      landingHosts: ['harbour.example'],
      venueUrl: 'https://harbour.example/',
      session: { minutes: 1440, downKbps: 8000, downQuotaKB: 500_000, upQuotaKB: 0 },
    });
    const pier = await api<Store>(`/v1/stores/${was.stores.pier}`);
    const marketing = pier.settings.wordings.find((one) => one.purpose === 'marketing');
    expect(marketing).toMatchObject({
      version: 'own-1',
      text: { en: 'Mail me the news of the pier.' },
    });
    const bund = await api<Store>(`/v1/stores/${was.stores.bund}`);
    expect(bund.settings).toMatchObject({
      methods: ['click-through'],
      defaultLanguage: 'zh-CN',
    });
  });

  test.each([
    // Asked for the choosing by visits in the same sentence; nobody was asked about the counting.
    ['ada', 'harbour', { marketing: true, profiling: true, analytics: false }],
    ['bob', 'harbour', { marketing: false, profiling: false, analytics: false }],
    ['eve', 'harbour', { marketing: undefined, profiling: false, analytics: false }],
    // The merchant's own words asked for no choosing: there the law of the place says.
    ['cleo', 'pier', { marketing: true, profiling: true, analytics: true }],
    ['mei', 'bund', { marketing: true, profiling: true, analytics: false }],
  ] as const)('what %s agreed to at %s means no more than it said', async (who, where, means) => {
    const { guestId } = was[who];
    const { consents } = await api<{ consents: Word[] }>(`/v1/guests/${guestId}`);
    const word = (purpose: string) => consents.find((one) => one.purpose === purpose)?.granted;
    expect(word('access')).toBe(true);
    expect(word('marketing')).toBe(means.marketing);
    const at = [was.merchantId, guestId, was.stores[where]] as const;
    const may = await old.db.tx(
      async (tx) => ({
        profiling: await mayProfile(tx, ...at),
        analytics: await mayAnalyse(tx, ...at),
      }),
      { tenant: was.merchantId },
    );
    expect(may).toEqual({ profiling: means.profiling, analytics: means.analytics });
  });

  test('who is inside is inside, under the address that their phone knows', async () => {
    const body = JSON.stringify({ mac: '02:00:00:00:00:a1' });
    const at = `/v1/stores/${was.stores.harbour}/capport`;
    const { url } = await api<{ url: string }>(at, { method: 'POST', body });
    const told = await fetch(new URL(new URL(url).pathname, app.url));
    expect(await told.json()).toMatchObject({
      captive: false,
      'seconds-remaining': 1440 * 60 - 56 * 60,
      'bytes-remaining': 500_000 * 1024,
    });
  });

  test('secrets are sealed by the first round, and work before and after', async () => {
    const gateway = { ...was.gateways.pretend };
    const client = { mac: '02:00:00:00:00:77', ip: '10.0.0.77' };
    const page = () => fetch(new URL(pretendRedirect('pier', gateway, client), app.url));
    expect((await page()).status).toBe(200);
    await app.server.jobs.runDue();
    const settings = await kept<{ settings: { secret: string } }>('select settings from gateways');
    for (const one of settings) expect(one.settings.secret).toMatch(/^sealed:/);
    expect((await page()).status).toBe(200);
    const forged = pretendRedirect('pier', { ...gateway, secret: 'x'.repeat(32) }, client);
    expect((await fetch(new URL(forged, app.url))).status).not.toBe(200);
  });

  test('its router fetches whom it was to let in, and tells who left', async () => {
    const router = await startOpenNds({
      portal: app.url,
      slug: 'harbour',
      gateway: {
        id: was.gateways.nds,
        kind: 'opennds',
        name: 'Harbour Router',
        level: 3,
        secret: '00112233445566778899aabbccddeeff',
      },
    });
    try {
      const there = await router.join({ mac: '02:00:00:00:00:55', ip: '10.0.0.55' });
      expect((await fetch(there)).status).toBe(200);
      expect(await router.authmon('view')).toContain(was.dan.rhid);
      await router.authmon('view', `* ${was.dan.rhid}`);
      expect(await session(was.dan.waiting)).toMatchObject({ state: 'active' });
      const seconds = Math.round((then + MINUTE) / 1000);
      await router.authmon(
        'deauthed',
        `method=client_deauth, clientmac=02:00:00:00:00:a1, bytes_incoming=777, bytes_outgoing=77, session_start=${seconds - 3000}, session_end=${seconds}, token=aabbccdd, custom=bmE=`,
      );
      expect(await session(was.ada.live)).toEqual({
        state: 'ended',
        end_reason: 'client_deauth',
        bytes_in: 777,
        bytes_out: 77,
      });
    } finally {
      await router.close();
    }
  });

  test('the rest end when their time is over, and nothing is deleted before its days', async () => {
    app.clock.now = then + 86_400_000;
    await app.server.jobs.runDue();
    expect(await session(was.anon.live)).toMatchObject({ state: 'ended', end_reason: 'expired' });
    expect(await kept('select count(*)::integer as n from sessions')).toEqual([{ n: 9 }]);
    expect(await kept('select count(*)::integer as n from guests')).toEqual([{ n: 8 }]);
    expect(await kept('select class from retention_log')).toEqual([]);
  });

  test('a guest of old sees what is kept, by a code to the address they proved', async () => {
    const ask = (url: string, form: Record<string, string>) =>
      fetch(new URL(url, app.url), {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(form),
      });
    const address = 'bob@example.com';
    const sent = await ask('/p/harbour/mine/start', { value: address });
    const c = new URL(sent.headers.get('location') ?? '', app.url).searchParams.get('c') ?? '';
    const value = await codeFor({ ...app, db: old.db }, address);
    const opened = await ask('/p/harbour/mine/finish', { c, value });
    const look = await fetch(new URL(opened.headers.get('location') ?? '', app.url));
    const text = await look.text();
    expect(look.status).toBe(200);
    expect(text).toContain(address);
    expect(text).toContain('Harbour Cafe');
  });
}

describe('embedded engine', () => {
  contract(async () => {
    const db = await openEmbedded({ folder: null });
    return { db, release: () => db.close() };
  });
});

requirePart('PostgreSQL with PostGIS (set TEST_DATABASE_URL)', partPresent.postgres)(
  'PostgreSQL',
  () => {
    contract(async () => {
      const name = `foyer_clone_${process.pid}_house`;
      await emptyDatabase(postgresUrl as string, name);
      const db = await openPool(urlOf(postgresUrl as string, name), { max: 4 });
      return {
        db,
        async release() {
          await db.close();
          await dropDatabase(postgresUrl as string, name);
        },
      };
    });
  },
);
