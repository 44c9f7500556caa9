/** Live, fences, offers, rules and decisions as plain pages: forms that work without scripts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { definitionSchema } from '../../server/rules/schema.ts';
import { emptyRule, draftOfDefinition, readDefinition } from '../../server/console/rule-form.ts';
import { dataBlock } from '../../server/console/client-texts.ts';
import { readTexts } from '../../server/console/texts.ts';
import { feedLines } from '../../server/console/live.ts';
import { feedLine } from '../../server/console/shared/feed-line.ts';
import { readPolygon, readRings, writeRings } from '../../server/console/shared/coordinates.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeShop } from '../support/browser.ts';
import type { Shop } from '../support/browser.ts';
import { makeDecision, makeFence, makeOffer, makeRule } from '../support/make.ts';

describe('coordinates as text', () => {
  const ring = [
    [1, 2],
    [3, 2],
    [3, 4],
    [1, 2],
  ] as [number, number][];

  test('come back as they went', () => {
    expect(readPolygon(writeRings([ring, ring]))).toEqual({ ok: true, rings: [ring, ring] });
  });
  test.each([
    ['', 'empty', 1],
    ['1, 2\n3', 'not-numbers', 2],
    ['1, 2\nhere, there', 'not-numbers', 2],
    ['1, 2\n3, 91', 'out-of-range', 2],
    ['181, 2', 'out-of-range', 1],
    ['1, 2\n3, 4', 'too-few', 1],
    ['1, Infinity', 'not-numbers', 1],
  ])('%j is refused as %s', (text, fault, line) => {
    expect(readPolygon(text)).toEqual({ ok: false, fault, line });
  });
  test.each(['1,2', '1;2', '1\t2', ' 1   2 ', '1 , 2\r'])('%j is read', (text) => {
    expect(readRings(text)).toEqual({ ok: true, rings: [[[1, 2]]] });
  });
});

describe('the live feed', () => {
  const message = (type: string, payload: Record<string, unknown>) =>
    feedLine({ id: 'e', position: 1, type, at: '2026-11-17T12:00:00Z', payload });

  test.each([
    ['visit.entered', { fenceName: 'Shoes', guestId: null }, 'live.feed.entered.visitor'],
    ['visit.entered', { fenceName: 'Shoes', guestId: 'g' }, 'live.feed.entered.guest'],
    ['visit.dwelled', { fenceName: 'Shoes', tierSeconds: 300 }, 'live.feed.stayed.visitor'],
    ['visit.left', { fenceName: 'Shoes', dwellSeconds: 600 }, 'live.feed.left.visitor'],
    ['visit.left', { fenceName: 'Shoes', dwellSeconds: 0 }, 'live.feed.leftSoon.visitor'],
    ['guest.admitted', { returning: true }, 'live.feed.wifiAgain'],
    ['offer.issued', { headline: 'Tea', guestId: 'g' }, 'live.feed.offer.guest'],
    ['voucher.redeemed', { headline: 'Tea', till: '2' }, 'live.feed.redeemed'],
  ])('%s with %j says %s, in both languages', (type, payload, key) => {
    expect(message(type, payload)?.key).toBe(key);
    for (const language of ['en', 'zh-CN'] as const) {
      const text = key
        .split('.')
        .reduce<unknown>(
          (tree, step) => (tree as Record<string, unknown>)[step],
          readTexts(language),
        );
      expect(typeof text).toBe('string');
    }
  });
  test('lines stand by when it happened; neighbours that say the same stay are one', () => {
    const event = (id: string, minute: string, type: string, guestId: string | null = null) => ({
      id,
      position: 1,
      type,
      at: `2026-11-17T12:${minute}:00.000Z`,
      payload: { fenceName: 'Hall', tierSeconds: 300, guestId },
    });
    const lines = feedLines([
      event('a', '04', 'visit.dwelled'),
      event('b', '05', 'visit.dwelled'),
      event('c', '02', 'visit.dwelled', 'g'),
      event('d', '03', 'visit.entered'),
      event('e', '03', 'visit.entered'),
      event('f', '01', 'session.ended'),
    ]);
    expect(lines.map((line) => line.ids)).toEqual([['b', 'a'], ['d'], ['e'], ['c']]);
    expect(lines[0]?.at).toBe('2026-11-17T12:05:00.000Z');
  });

  test('events that say nothing to a shop are left out', () => {
    expect(message('session.ended', {})).toBeNull();
  });
});

test('a data block cannot be ended from inside', () => {
  const name = '</script><script>alert(1)</script>';
  const block = dataBlock({ name });
  expect(block).not.toContain('<');
  expect(JSON.parse(block)).toEqual({ name });
});

describe('the rule form', () => {
  const lookup = { stores: new Map<string, string>(), fences: new Map<string, string>() };
  const rest = { id: '', version: 1, name: '', offerId: '', status: 'live' as const };

  test.each([
    ['nothing but a trigger', { trigger: 'guest.admitted' }],
    [
      'rows of every kind',
      {
        trigger: 'visit.dwelled',
        when: {
          any: [
            { field: 'visit.dwell_seconds', op: 'gte', value: 90 },
            { field: 'guest.returning', op: 'eq', value: false },
            { field: 'time.hour', op: 'between', value: [9, 17] },
            { field: 'visit.fence_category', op: 'in', value: ['shoes', 'sport'] },
            { field: 'answer.size', op: 'known' },
          ],
        },
      },
    ],
    [
      'a deep tree',
      {
        trigger: 'visit.left',
        when: { all: [{ not: { field: 'guest.new', op: 'eq', value: true } }] },
      },
    ],
    [
      'every limit',
      {
        trigger: 'visit.entered',
        scope: { fenceId: '01933b2e-8f00-7000-8000-0000000000fe' },
        window: {
          from: '2026-01-01T00:00:00Z',
          days: [1, 7],
          hours: { from: '09:00', to: '18:30' },
        },
        caps: {
          guest: [
            { n: 2, per: '7d' },
            { n: 1, per: '12h' },
          ],
          store: [{ n: 50, per: '30m' }],
        },
        quiet: { from: '21:00', to: '08:00' },
        group: { name: 'coffee', priority: 5, per: '4h' },
        experiment: { holdout: 0.125, salt: 'x' },
        budget: { units: 500 },
        maxAgeSeconds: 60,
        minBand: 'medium',
      },
    ],
  ])('writes %s into fields and reads the same back', (_, input) => {
    const definition = definitionSchema.parse(input);
    const draft = draftOfDefinition(definition, rest);
    const read = definitionSchema.parse(readDefinition(draft, definition, lookup));
    const single = (when: unknown): unknown => when;
    expect({ ...read, when: single(read.when) }).toEqual({ ...definition, when: definition.when });
  });

  test('a refused comparison is shown as its opposite, in a row', () => {
    const input = {
      trigger: 'visit.entered',
      when: { all: [{ not: { field: 'guest.visits_30d', op: 'gt', value: 3 } }] },
    };
    const draft = draftOfDefinition(definitionSchema.parse(input), rest);
    expect(draft.tree).toBe('');
    expect(draft.conditions).toEqual([
      { field: 'guest.visits_30d', key: '', op: 'lte', value: '3' },
    ]);
  });

  test.each([
    ['visit.dwell_seconds', 'soon', 'soon'],
    ['visit.dwell_seconds', '1.5', 90],
    ['guest.new', 'yes', true],
    ['guest.new', 'maybe', 'maybe'],
    ['visit.fence_id', 'Shoes', 'f1'],
  ])('%s typed as %j means %j', (field, value, means) => {
    const draft = { ...emptyRule, conditions: [{ field, key: '', op: 'eq', value }] };
    const named = { ...lookup, fences: new Map([['f1', 'Shoes']]) };
    expect(readDefinition(draft, null, named).when).toEqual({
      all: [{ field, op: 'eq', value: means }],
    });
  });
});

describe('the pages', () => {
  let app: TestApp;
  let shop: Shop;

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(async () => {
    await app?.stop();
  });
  beforeEach(async () => {
    shop = await makeShop(app);
  });

  /** Which of the words a page lacks; tags do not count as gaps. Never prints the page. */
  const lacks = (html: string, ...words: string[]): string[] => {
    const plain = html.replaceAll(/<\/?b>/g, '');
    return words.filter((each) => !plain.includes(each));
  };

  const get = async (path: string): Promise<{ status: number; html: string }> => {
    const response = await fetch(app.url + path, { headers: shop.headers, redirect: 'manual' });
    return { status: response.status, html: await response.text() };
  };
  const post = async (path: string, values: Record<string, string> | [string, string][]) => {
    const page = await get('/console/fences');
    const csrf = /name="csrf-token" content="([^"]+)"/.exec(page.html)![1]!;
    const pairs: [string, string][] = Array.isArray(values) ? values : Object.entries(values);
    const response = await fetch(app.url + path, {
      method: 'POST',
      headers: { ...shop.headers, origin: app.url },
      body: new URLSearchParams([...pairs, ['csrf', csrf]]),
      redirect: 'manual',
    });
    const location = response.headers.get('location') ?? '';
    return { status: response.status, location, html: await response.text() };
  };
  const fences = async (): Promise<
    { name: string; geometry: unknown; radius: number | null }[]
  > => {
    const response = await fetch(`${app.url}/v1/fences`, { headers: shop.headers });
    return ((await response.json()) as { fences: never }).fences;
  };

  const typed = {
    name: 'Shoes',
    floor: '1F',
    category: 'shoes',
    minutes: '2.5',
    active: 'yes',
    kind: 'area',
    coordinates: '120.0757, 30.2931\n120.0760, 30.2931\n120.0760, 30.2934\n120.0757, 30.2934',
  };

  test('a fence is typed, changed and deleted without a map', async () => {
    const made = await post('/console/fences', typed);
    expect(made.status).toBe(303);
    const id = /fence=([0-9a-f-]{36})/.exec(made.location)![1]!;
    expect(await fences()).toMatchObject([
      { name: 'Shoes', floor: '1F', minDwellSeconds: 150, geometry: { type: 'Polygon' } },
    ]);
    const shown = await get(`/console/fences?fence=${id}`);
    expect(lacks(shown.html, '120.0757, 30.2931')).toEqual([]);
    const circle = {
      ...typed,
      name: 'Kiosk',
      kind: 'circle',
      coordinates: '120.0757, 30.2931',
      radius: '12',
    };
    expect((await post(`/console/fences/${id}`, circle)).status).toBe(303);
    expect(await fences()).toMatchObject([
      { name: 'Kiosk', radius: 12, geometry: { type: 'Point' } },
    ]);
    const wrong = await post(`/console/fences/${id}/delete`, { confirm: 'Shoes' });
    expect(wrong.status).toBe(422);
    expect(await fences()).toHaveLength(1);
    expect((await post(`/console/fences/${id}/delete`, { confirm: 'Kiosk' })).status).toBe(303);
    expect(await fences()).toEqual([]);
  });

  test.each([
    [{ ...typed, name: '' }, 'Give the fence a name.'],
    [{ ...typed, coordinates: '120, north' }, 'Line 1 is not'],
    [{ ...typed, kind: 'circle', coordinates: '120, 30' }, 'needs a radius'],
    [{ ...typed, coordinates: '30.2931, 120.0757' }, 'is not on the earth'],
  ])('a fence that cannot be is refused and what was typed is kept (%#)', async (form, words) => {
    const answer = await post('/console/fences', form);
    expect(answer.status).toBe(422);
    expect(lacks(answer.html, words)).toEqual([]);
    expect(lacks(answer.html, form.coordinates.split('\n')[0]!)).toEqual([]);
    expect(await fences()).toEqual([]);
  });

  test('hostile names are text everywhere', async () => {
    const name = `<img src=x onerror=alert(1)>'"`;
    await makeFence(app.db, shop.merchantId, { storeId: shop.storeId, name });
    const offer = await makeOffer(app.db, shop.merchantId, { name, headline: name, body: name });
    await makeRule(app.db, shop.merchantId, offer.id, {
      name,
      definition: { trigger: 'visit.dwelled' },
    });
    for (const path of ['live', 'fences', 'offers', `offers/${offer.id}`, 'rules', 'rules/new']) {
      const { status, html } = await get(`/console/${path}`);
      expect([path, status]).toEqual([path, 200]);
      expect([path, html.includes('<img src=x')]).toEqual([path, false]);
    }
  });

  test("another merchant's things are not there", async () => {
    const ours = shop;
    const [fence, offer] = [
      await makeFence(app.db, ours.merchantId, { storeId: ours.storeId, name: 'Secret' }),
      await makeOffer(app.db, ours.merchantId, { name: 'Secret' }),
    ];
    const rule = await makeRule(app.db, ours.merchantId, offer.id, {
      name: 'Secret',
      definition: { trigger: 'visit.dwelled' },
    });
    await makeDecision(app.db, ours.merchantId, rule.id);
    shop = await makeShop(app);
    const paths = ['fences', 'offers', 'rules', 'decisions', `decisions?rule=${rule.id}`];
    for (const path of paths)
      expect(lacks((await get(`/console/${path}`)).html, 'Secret')).toEqual(['Secret']);
    for (const path of [`fences?fence=${fence.id}`, `offers/${offer.id}`, `rules/${rule.id}`]) {
      expect((await get(`/console/${path}`)).status).toBe(404);
    }
    expect((await post(`/console/fences/${fence.id}/delete`, { confirm: 'Secret' })).status).toBe(
      404,
    );
    expect((await post(`/console/rules/${rule.id}/status`, { status: 'paused' })).status).toBe(404);
  });

  const offerForm = {
    name: 'Runners',
    headline: 'Run −10 %',
    body: '',
    terms: '',
    lasts: '7',
    unit: 'days',
    stock: '200',
    storeId: '',
    status: 'live',
  };

  test('an offer is written and shows its figures', async () => {
    const made = await post('/console/offers', offerForm);
    expect(made.status).toBe(303);
    const { html } = await get('/console/offers');
    expect(lacks(html, 'Runners')).toEqual([]);
    expect(html).toMatch(/\/ 200/);
    const wrong = await post(made.location.split('?')[0]!, {
      ...offerForm,
      headline: '',
      lasts: '0',
    });
    expect(wrong.status).toBe(422);
    expect(lacks(wrong.html, 'This is needed.')).toEqual([]);
    expect(lacks(wrong.html, 'Between one minute and 365 days.')).toEqual([]);
  });

  test('a rule grows by a row, is saved, reads as a sentence and is paused', async () => {
    const offer = await makeOffer(app.db, shop.merchantId, { name: 'Run −10 %' });
    const place = await makeFence(app.db, shop.merchantId, {
      storeId: shop.storeId,
      name: 'Shoes',
    });
    const form: [string, string][] = [
      ['name', 'Runners'],
      ['offerId', offer.id],
      ['status', 'live'],
      ['trigger', 'visit.dwelled'],
      ['place', `fence:${place.id}`],
      ['glue', 'all'],
      ['cField', 'visit.dwell_seconds'],
      ['cKey', ''],
      ['cOp', 'gte'],
      ['cValue', '5'],
      ['guestCapN', '1'],
      ['guestCapPer', '7'],
      ['guestCapUnit', 'd'],
      ['holdout', '10'],
    ];
    const rows = (html: string): number =>
      (html.split('<template')[0]!.match(/name="cField"/g) ?? []).length;
    const grown = await post('/console/rules', [...form, ['do', 'add']]);
    expect([grown.status, rows(grown.html)]).toEqual([200, 2]);
    const shrunk = await post('/console/rules', [...form, ['do', 'remove:0']]);
    expect([shrunk.status, rows(shrunk.html)]).toEqual([200, 0]);
    expect((await post('/console/rules', [...form, ['do', 'save']])).status).toBe(303);
    const { html } = await get('/console/rules');
    expect(lacks(html, 'When somebody stays in Shoes')).toEqual([]);
    expect(lacks(html, 'Run −10 %')).toEqual([]);
    const id = /\/console\/rules\/([0-9a-f-]{36})\/status/.exec(html)![1]!;
    expect((await post(`/console/rules/${id}/status`, { status: 'paused' })).status).toBe(303);
    expect(lacks((await get('/console/rules')).html, 'Paused')).toEqual([]);
    const stale = await post(`/console/rules/${id}`, [...form, ['version', '7'], ['do', 'save']]);
    expect(stale.status).toBe(422);
    expect(lacks(stale.html, 'edited meanwhile')).toEqual([]);
  });

  test('a rule that cannot be is told why', async () => {
    const offer = await makeOffer(app.db, shop.merchantId);
    const answer = await post('/console/rules', {
      name: 'Odd',
      offerId: offer.id,
      trigger: 'guest.admitted',
      place: 'any',
      cField: 'visit.dwell_seconds',
      cOp: 'gte',
      cValue: 'long',
      cKey: '',
      do: 'save',
    });
    expect(answer.status).toBe(422);
    expect(lacks(answer.html, 'never known on guest.admitted')).toEqual([]);
    expect(lacks(answer.html, 'value="long"')).toEqual([]);
  });

  test('decisions say why and why not, in words', async () => {
    const offer = await makeOffer(app.db, shop.merchantId);
    const rule = await makeRule(app.db, shop.merchantId, offer.id, { name: 'Runners' });
    const leaf = {
      field: 'visit.dwell_seconds',
      op: 'gte',
      value: 300,
      fact: 120,
      result: 'false',
    };
    await makeDecision(app.db, shop.merchantId, rule.id, {
      outcome: 'refused',
      gate: 'conditions',
      reason: 'conditions-false',
      trace: { detail: {}, when: { all: [leaf], result: 'false' } },
    });
    await makeDecision(app.db, shop.merchantId, rule.id, { outcome: 'issued' });
    const all = await get('/console/decisions');
    expect(lacks(all.html, 'The conditions were not met.')).toEqual([]);
    expect(lacks(all.html, 'was 2 min')).toEqual([]);
    expect(lacks(all.html, 'does not hold')).toEqual([]);
    const given = await get(`/console/decisions?rule=${rule.id}&outcome=issued`);
    expect(lacks(given.html, 'The offer was issued.')).toEqual([]);
    expect(lacks(given.html, 'The conditions were not met.')).toEqual([
      'The conditions were not met.',
    ]);
  });

  test('scripts and styles are kept for good under their hash, and only then', async () => {
    const { html } = await get('/console/live');
    const script = /src="([^"]+live\.js)"/.exec(html)![1]!;
    const now = await fetch(app.url + script);
    expect(now.status).toBe(200);
    expect(now.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(now.headers.get('content-type')).toContain('javascript');
    const old = await fetch(app.url + script.replace(/assets\/\w+/, 'assets/000000000000'));
    expect(old.headers.get('cache-control')).toBe('no-cache');
    for (const name of ['nothing.js', '..%2Fassets.ts', 'assets.ts']) {
      const answer = await fetch(app.url + script.replace('live.js', name));
      expect([name, answer.status]).toEqual([name, 404]);
    }
  });
});
