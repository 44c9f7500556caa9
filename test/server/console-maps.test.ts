/** Live, fences, offers, rules and decisions as plain pages: forms that work without scripts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { definitionSchema } from '../../server/rules/schema.ts';
import { emptyRule, draftOfDefinition, readDefinition } from '../../server/console/rule-form.ts';
import { dataBlock } from '../../server/console/client-texts.ts';
import { readTexts } from '../../server/console/texts.ts';
import { feedLines } from '../../server/console/live.ts';
import { feedLine } from '../../server/console/shared/feed-line.ts';
import { datumOfTiles } from '../../server/console/map-datum.ts';
import { readPolygon, readRings, writeRings } from '../../server/console/shared/coordinates.ts';
import type { FenceGeometry, FenceKind } from '../../server/console/shared/fence.ts';
import { readDay, writeDay } from '../../server/console/shared/opening.ts';
import { readRadio, writeRadio } from '../../server/console/shared/radio-keys.ts';
import { readShape, writeShape } from '../../server/console/shared/typed-shape.ts';
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

describe('opening hours as text', () => {
  test.each([
    ['', []],
    ['9-18', [[540, 1080]]],
    [
      '09:00–12:30, 14:00–18:00',
      [
        [540, 750],
        [840, 1080],
      ],
    ],
    [
      '9.30 — 18：00；20至2',
      [
        [570, 1080],
        [1200, 120],
      ],
    ],
    ['0-24', [[0, 1440]]],
  ])('%j is read', (text, spans) => {
    expect(readDay(text)).toEqual(spans);
  });
  test.each(['all day', '9', '9-18-20', '25-26', '9:60-10', '24-26', '9-18,', '-'])(
    '%j is not',
    (text) => {
      expect(readDay(text)).toBeNull();
    },
  );
  test('come back as they went', () => {
    const spans = [
      [0, 1440],
      [545, 1],
      [1200, 120],
    ] as [number, number][];
    expect(readDay(writeDay(spans))).toEqual(spans);
  });
});

describe('signals as text', () => {
  const blank = { gateways: [], bssids: '', beacons: '', codes: '' };
  const uuid = 'f7826da6-4fa2-4e98-8024-bc5b71e0893e';
  const keys = [
    'gateway:01933b2e-8f00-7000-8000-0000000000fe',
    'bssid:3c:84:6a:12:9f:01',
    `beacon:${uuid}:1:65535`,
    'qr:lift-1',
  ];

  test('come back as they went', () => {
    expect(readRadio(writeRadio(keys))).toEqual({ ok: true, keys });
    expect(readRadio(blank)).toEqual({ ok: true, keys: [] });
  });
  test.each([
    [{ bssids: '3C-84-6A-12-9F-01\n\n3c846a129f01' }, 'bssid:3c:84:6a:12:9f:01'],
    [{ beacons: `${uuid.toUpperCase()}, 01, 7` }, `beacon:${uuid}:1:7`],
    [{ codes: '  LIFT-1  ' }, 'qr:lift-1'],
  ])('%j is one key, however it is written', (typed, key) => {
    expect(readRadio({ ...blank, ...typed })).toEqual({ ok: true, keys: [key] });
  });
  test.each([
    [{ bssids: '3c:84:6a:12:9f:01\nhere' }, 'bssid', 2],
    [{ bssids: '3c:84:6a:12:9f:0g' }, 'bssid', 1],
    [{ beacons: uuid }, 'beacon', 1],
    [{ beacons: `${uuid} 1 65536` }, 'beacon', 1],
    [{ beacons: `${uuid} 1 2 3` }, 'beacon', 1],
    [{ codes: 'ok\ntwo words' }, 'code', 2],
    [{ codes: 'x'.repeat(101) }, 'code', 1],
  ])('%j is refused', (typed, fault, line) => {
    expect(readRadio({ ...blank, ...typed })).toEqual({ ok: false, fault, line });
  });
});

test('a shape of each kind comes back as it went', () => {
  const ring = [
    [1, 2],
    [3, 2],
    [3, 4],
    [1, 2],
  ];
  const shapes: [FenceKind, FenceGeometry | null][] = [
    ['area', { type: 'Polygon', coordinates: [ring, ring] }],
    ['circle', { type: 'Point', coordinates: [1, 2] }],
    ['corridor', { type: 'LineString', coordinates: ring.slice(0, 3) }],
    ['tripwire', { type: 'LineString', coordinates: ring.slice(0, 2) }],
    ['radio', null],
    ['composite', null],
  ];
  for (const [kind, geometry] of shapes) {
    expect(readShape(kind, writeShape(geometry))).toEqual({ ok: true, geometry });
  }
  expect(readShape('corridor', '1, 2')).toEqual({ ok: false, fault: 'too-short', line: 1 });
  expect(readShape('tripwire', '1, 2\n\n3, 4')).toMatchObject({ ok: false, fault: 'too-short' });
});

test.each([
  ['https://tile.openstreetmap.org/{z}/{x}/{y}.png', 'wgs84'],
  ['https://webrd01.is.autonavi.com/appmaptile?x={x}', 'gcj02'],
  ['https://rt0.map.gtimg.com/tile?z={z}', 'gcj02'],
  ['https://maponline0.bdimg.com/tile/?qt=vtile', 'bd09'],
])('over %s is drawn in %s', (url, datum) => {
  expect(datumOfTiles({ url })).toBe(datum);
  expect(datumOfTiles(null)).toBe('wgs84');
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
    ['fence.crossed', { fenceName: 'Door', direction: 'left' }, 'live.feed.crossed.visitor'],
    ['visit.revised', { fenceName: 'Shoes', change: 'added' }, 'live.feed.added'],
    ['visit.revised', { fenceName: 'Shoes', change: 'changed' }, 'live.feed.changed'],
    ['visit.retracted', { fenceName: 'Shoes' }, 'live.feed.retracted'],
    ['visit.left', { fenceName: 'Shoes', reason: 'fence_changed' }, 'live.feed.redrawn'],
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
  /** What the fence form of a page would post, as a browser without scripts does. */
  const formOf = (html: string): [string, string][] => {
    const form = /<form[^>]*data-part="form"[\s\S]*?<\/form>/.exec(html)![0];
    const value = (tag: string, name: string) =>
      new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&#34;', '"') ?? '';
    const inputs = [...form.matchAll(/<input[^>]*name="[^>]*>/g)]
      .map(([tag]) => tag)
      .filter((tag) => !/type="(checkbox|radio)"/.test(tag) || / checked/.test(tag));
    const texts = [...form.matchAll(/<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</g)];
    const selects = [...form.matchAll(/<select[^>]*name="([^"]+)"[^>]*>([\s\S]*?)<\/select>/g)];
    return [
      ...inputs.map((tag): [string, string] => [value(tag, 'name'), value(tag, 'value')]),
      ...texts.map(([, name, text]): [string, string] => [name!, text!]),
      ...selects.map(([, name, options]): [string, string] => [
        name!,
        /value="([^"]*)" selected/.exec(options!)?.[1] ?? '',
      ]),
    ].filter(([name]) => name !== 'csrf' && name !== 'confirm');
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

  test('each kind is typed without a map, shown again and kept when saved as it stands', async () => {
    const plain = { minutes: '3', active: 'yes', priority: '2', cooldown: '10', direction: 'left' };
    const line = '120.0757, 30.2931\n120.0760, 30.2931';
    const member = await post('/console/fences', { ...plain, ...typed });
    const shopId = /fence=([0-9a-f-]{36})/.exec(member.location)![1]!;
    const forms: [Record<string, string>, object][] = [
      [
        { kind: 'corridor', coordinates: line, width: '16' },
        { width: 16, cooldownSeconds: 600 },
      ],
      [
        { kind: 'tripwire', coordinates: line },
        { direction: 'left', width: null, priority: 2 },
      ],
      [
        { kind: 'radio', bssids: '3C-84-6A-12-9F-01', codes: 'lift-1' },
        { radio: ['bssid:3c:84:6a:12:9f:01', 'qr:lift-1'], geometry: null },
      ],
      [
        { kind: 'composite', members: shopId, of: 'all' },
        { members: [shopId], of: 'all' },
      ],
      [
        {
          kind: 'area',
          coordinates: typed.coordinates,
          limited: 'yes',
          'day-0': '9-18',
          datum: 'gcj02',
        },
        {
          hours: { timezone: 'Asia/Shanghai', week: [[[540, 1080]], [], [], [], [], [], []] },
          datum: 'gcj02',
        },
      ],
    ];
    for (const [form, expected] of forms) {
      const name = `A ${form['kind']}`;
      const made = await post('/console/fences', { ...plain, name, ...form });
      expect([name, made.status]).toEqual([name, 303]);
      const id = /fence=([0-9a-f-]{36})/.exec(made.location)![1]!;
      const before = (await fences()).find((fence) => fence.name === name);
      expect(before).toMatchObject({ kind: form['kind'], version: 1, ...expected });
      const again = await post(`/console/fences/${id}`, formOf((await get(made.location)).html));
      expect(again.status).toBe(303);
      const after = (await fences()).find((fence) => fence.name === name);
      expect(after).toEqual({ ...before, updatedAt: expect.any(String) });
    }
  });

  test.each([
    [{ kind: 'corridor', coordinates: '1, 2\n3, 4', width: '0' }, 'needs a width'],
    [{ kind: 'tripwire', coordinates: '1, 2' }, 'at least two points'],
    [{ kind: 'radio', bssids: 'here' }, 'Access points, line 1'],
    [{ kind: 'radio' }, 'at least one signal'],
    [{ kind: 'composite' }, 'at least one fence'],
    [{ kind: 'radio', codes: 'a', limited: 'yes', 'day-2': 'noon' }, 'Opening hours, day 3'],
    [{ kind: 'area', coordinates: '1, 2\n3, 2\n3, 4', datum: 'bd09' }, 'datum'],
  ])('%j is refused with what to mend', async (form, words) => {
    const answer = await post('/console/fences', { name: 'Odd', minutes: '3', ...form });
    expect(answer.status).toBe(422);
    expect(lacks(answer.html, words)).toEqual([]);
    expect(await fences()).toEqual([]);
  });

  test('a fence that another is made of cannot be deleted, and the page says why', async () => {
    const part = await makeFence(app.db, shop.merchantId, { storeId: shop.storeId, name: 'Shop' });
    await post('/console/fences', {
      name: 'Both',
      minutes: '3',
      kind: 'composite',
      active: 'yes',
      members: part.id,
    });
    const refused = await post(`/console/fences/${part.id}/delete`, { confirm: 'Shop' });
    expect([refused.status, lacks(refused.html, 'part of “Both”')]).toEqual([422, []]);
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
