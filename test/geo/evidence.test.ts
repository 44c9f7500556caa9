/** What is heard, scanned or signed into: radio sets, composites of them, opening hours, priority. */
import { describe, expect, test } from '@jest/globals';
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { OpeningHours } from '../../geo/fence.ts';
import { defaultPolicy, initialState, parsePolicy, step } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { isOpen, zoneOffset } from '../../geo/hours.ts';
import { moved, runTrack } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];

const circle = (id: string, east: number, radius: number, more = {}): FenceDefinition => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { id, name: id, shape: { type: 'Circle', lon, lat, radius }, ...more };
};
const radio = (id: string, keys: string[], more = {}): FenceDefinition => ({
  id,
  name: id,
  shape: { type: 'Radio' },
  radio: keys,
  ...more,
});
const made = (id: string, of: 'any' | 'all', members: string[], more = {}): FenceDefinition => ({
  id,
  name: id,
  shape: { type: 'Composite', of, members },
  ...more,
});
const at = (second: number, east: number, more: Partial<Ping> = {}): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, lon, lat, acc: 8, ...more };
};
const times = (from: number, count: number, period: number, make: (s: number) => Ping): Ping[] =>
  Array.from({ length: count }, (_, i) => make(from + i * period));

const A = 'bssid:aa:aa:aa:aa:aa:01';
const B = 'bssid:bb:bb:bb:bb:bb:02';
const story = (pings: Ping[], fences: FenceDefinition[], policy = defaultPolicy): string[] =>
  runTrack(pings, createFenceIndex(fences), policy)
    .transitions.filter((t) => t.type !== 'dwelled')
    .map((t) => `${t.fence} ${t.type}${t.reason ? ` ${t.reason}` : ''} ${(t.at - T) / 1000}`);

/** The last belief in a fence after a track. */
function belief(pings: Ping[], fences: FenceDefinition[], id: string): number {
  const index = createFenceIndex(fences);
  let state: DeviceState = initialState('d');
  for (const ping of pings) ({ state } = step(state, ping, index, defaultPolicy));
  return state.fences.find((f) => f.fence === id)?.p ?? 0;
}

describe('a fence with ground that lists radio keys', () => {
  const shop = circle('shop', 0, 12, { radio: [A] });
  const next = circle('next', 26, 12, { radio: ['beacon:u:1:2', 'qr:hello'] });

  test.each([
    [A, 'shop', 'wifi_session'],
    ['beacon:u:1:2', 'next', 'beacon'],
    ['qr:hello', 'next', 'qr'],
  ])('is certain when %s is heard, even at ±65 m', (key, fence, kind) => {
    const pings = times(0, 12, 30, (s) => at(s, 10, { acc: 65, heard: [key] }));
    const { visits } = runTrack(pings, createFenceIndex([shop, next]));
    expect(visits.map((v) => v.fence)).toEqual([fence]);
    expect(visits[0]?.evidence).toEqual([kind]);
    expect(story(pings, [shop, next])[0]).toBe(`${fence} entered 0`);
  });

  test.each([
    ['the code beats the network, whatever the order', [A, 'qr:hello'], 'next'],
    ['the same, the other way round', ['qr:hello', A], 'next'],
    ['the beacon beats the network', [A, 'beacon:u:1:2'], 'next'],
  ])('of several keys at once %s', (_, heard, fence) => {
    const pings = times(0, 8, 30, (s) => at(s, 13, { acc: 50, heard }));
    expect(story(pings, [shop, next])[0]).toBe(`${fence} entered 0`);
  });

  test('of two networks the nearer place wins, and of equals the one heard first', () => {
    const far = circle('far', 400, 12, { radio: [B] });
    const near = times(0, 4, 30, (s) => at(s, 0, { heard: [B, A] }));
    expect(story(near, [shop, far])[0]).toBe('shop entered 0');
    const twin = circle('twin', 26, 12, { radio: [B] });
    const between = times(0, 4, 30, (s) => at(s, 13, { acc: 30, heard: [B, A] }));
    expect(story(between, [shop, twin])[0]).toBe('twin entered 0');
  });

  test('one key for a hall and its shop means the shop, and so the hall', () => {
    const hall = circle('hall', 0, 120, { radio: [A] });
    const inner = circle('inner', 30, 10, { radio: [A], parent: 'hall' });
    const pings = times(0, 4, 30, (s) => at(s, -60, { acc: 100, heard: [A] }));
    expect(story(pings, [hall, inner]).slice(0, 2)).toEqual(['hall entered 0', 'inner entered 0']);
  });

  test('evidence that names its fence beats every key', () => {
    const evidence = { fence: 'shop', kind: 'portal_login' } as const;
    const pings = times(0, 4, 30, (s) => at(s, 26, { acc: 40, heard: ['qr:hello'], evidence }));
    expect(story(pings, [shop, next])[0]).toBe('shop entered 0');
  });

  test.each([
    ['five kilometres off by a fine fix', 5000, 8, 0],
    ['half a kilometre off', 500, 8, 1],
    ['far off by a fix that may be as wrong', 1200, 240, 1],
  ])('a key said to be heard %s', (_, east, acc, visits) => {
    const pings = times(0, 20, 30, (s) => at(s, east, { acc, heard: [A] }));
    expect(story(pings, [shop]).filter((l) => l.includes('entered'))).toHaveLength(visits);
  });

  test('an unknown key changes nothing', () => {
    const plain = times(0, 8, 30, (s) => at(s, 40, { acc: 30 }));
    const heard = plain.map((p) => ({ ...p, heard: ['bssid:00:00:00:00:00:00'] }));
    expect(belief(heard, [shop, next], 'next')).toBe(belief(plain, [shop, next], 'next'));
  });
});

describe('a radio set', () => {
  const zone = radio('zone', [A, 'bssid:aa:aa:aa:aa:aa:03']);
  const other = radio('other', [B]);

  test('is entered when heard and left when no longer heard, by time and not by place', () => {
    const pings = [
      at(0, 0),
      ...times(30, 10, 30, (s) => at(s, s, { heard: [A] })),
      ...times(330, 30, 30, (s) => at(s, s)),
    ];
    const index = createFenceIndex([zone]);
    const { visits, transitions } = runTrack(pings, index);
    expect(transitions.map((t) => t.type)).toEqual(['entered', 'dwelled', 'left']);
    expect(visits[0]?.dwell.lower).toBe(270);
    expect(visits).toHaveLength(1);
    expect(visits[0]).toMatchObject({ fence: 'zone', status: 'final', band: 'high' });
    expect(visits[0]?.entry).toMatchObject({ earliest: T, latest: T + 30_000 });
    expect(visits[0]?.exit?.earliest).toBe(T + 300_000);
    expect(visits[0]?.exit?.latest).toBeLessThanOrEqual(T + 300_000 + 480_000);
  });

  test('missed scans do not end the visit', () => {
    const pings = times(0, 40, 30, (s) => at(s, 0, (s / 30) % 4 === 0 ? { heard: [A] } : {}));
    expect(story(pings, [zone])).toEqual(['zone entered 0', expect.stringContaining('timeout')]);
  });

  test('belief fades with its time constant', () => {
    const fading = [at(0, 0, { heard: [A] }), at(90, 0), at(180, 0)];
    expect(belief(fading, [zone], 'zone')).toBeCloseTo(0.97 / Math.E, 9);
  });

  test('hearing another set instead ends it at the second such ping', () => {
    const pings = [
      ...times(0, 8, 30, (s) => at(s, 0, { heard: [A] })),
      ...times(240, 8, 30, (s) => at(s, 0, { heard: [B] })),
    ];
    const told = story(pings, [zone, other]);
    expect(told.slice(0, 2)).toEqual(['zone entered 0', 'other entered 240']);
    expect(told[2]).toMatch(/^zone left 2[1-4]\d/);
    expect(belief(pings.slice(0, 9), [zone, other], 'zone')).toBeLessThan(0.02);
  });

  test('on the border of two sets, heard by turns, neither is torn up', () => {
    const pings = times(0, 40, 30, (s) => at(s, 0, { heard: [(s / 30) % 2 === 0 ? A : B] }));
    const told = story(pings, [zone, other]).filter((line) => !line.includes('timeout'));
    expect(told).toEqual(['zone entered 0', 'other entered 30']);
  });

  test('the network of the whole mall does not end the visit to a zone in it', () => {
    const mall = radio('mall', [B]);
    const inside = radio('inside', [A], { parent: 'mall' });
    const pings = times(0, 20, 30, (s) => at(s, 0, { heard: [(s / 30) % 2 === 0 ? A : B] }));
    const told = story(pings, [mall, inside]).filter((line) => !line.includes('timeout'));
    expect(told).toEqual(['inside entered 0', 'mall entered 0']);
  });

  test('makes the place that holds it certain', () => {
    const mall = circle('mall', 0, 40);
    const pings = times(0, 4, 30, (s) => at(s, 0, { acc: 100, heard: [A] }));
    expect(story(pings, [mall, radio('zone', [A], { parent: 'mall' })]).slice(0, 2)).toEqual([
      'mall entered 0',
      'zone entered 0',
    ]);
  });

  test('a key listed by very many fences is bounded work', () => {
    const many = Array.from({ length: 5000 }, (_, i) => radio(`r${i}`, [A]));
    const { state } = step(
      initialState('d'),
      at(0, 0, { heard: Array.from({ length: 1000 }, () => A) }),
      createFenceIndex(many),
      defaultPolicy,
    );
    expect(state.fences.length).toBeLessThanOrEqual(64);
  });
});

describe('composites', () => {
  const a = circle('a', 0, 20);
  const b = circle('b', 41, 20);
  const stay = (east: number): Ping[] => times(0, 14, 30, (s) => at(s, east));

  test('any: the shop and its terrace are one place; going from one to the other is no leaving', () => {
    const both = made('both', 'any', ['a', 'b']);
    const pings = [...stay(0), ...times(420, 14, 30, (s) => at(s, 41))];
    const told = story(pings, [a, b, both]).filter((line) => line.startsWith('both'));
    expect(told).toEqual(['both entered 0', expect.stringContaining('both left timeout')]);
    expect(story(pings, [a, b, both]).filter((l) => /^[ab] /.test(l)).length).toBe(4);
  });

  test('any: between neighbours that exclude each other beliefs add up', () => {
    const both = made('both', 'any', ['a', 'b']);
    const fences = [a, b, both];
    const pings = times(0, 6, 30, (s) => at(s, 20.5, { acc: 12 }));
    const [pa, pb] = [belief(pings, fences, 'a'), belief(pings, fences, 'b')];
    expect(pa).toBeGreaterThan(0.2);
    expect(belief(pings, fences, 'both')).toBeCloseTo(pa + pb, 9);
  });

  test('all: only where the grounds overlap; the least believed member decides', () => {
    const east = circle('east', 20, 40);
    const west = circle('west', -20, 40);
    const middle = made('middle', 'all', ['east', 'west']);
    const fences = [east, west, middle];
    expect(story(stay(0), fences).map((l) => l.split(' ')[0])).toContain('middle');
    expect(story(stay(45), fences).map((l) => l.split(' ')[0])).not.toContain('middle');
    const p = belief(stay(0), fences, 'middle');
    expect(p).toBe(Math.min(belief(stay(0), fences, 'east'), belief(stay(0), fences, 'west')));
  });

  test('all: neighbours that share no ground cannot both be true', () => {
    const fences = [a, b, made('never', 'all', ['a', 'b'])];
    expect(belief(stay(20), fences, 'never')).toBe(0);
  });

  test('all: in the shop and at the beacon', () => {
    const counter = radio('counter', ['beacon:u:1:1']);
    const fences = [a, counter, made('served', 'all', ['a', 'counter'])];
    const pings = [...stay(0), ...times(420, 8, 30, (s) => at(s, 0, { heard: ['beacon:u:1:1'] }))];
    expect(story(pings, fences).filter((l) => l.startsWith('served entered'))).toEqual([
      expect.stringMatching(/^served entered 4[2-9]\d$/),
    ]);
  });

  test('a small share of each of many members still counts together', () => {
    const stalls = Array.from({ length: 9 }, (_, i) => circle(`stall${i}`, i * 10 - 40, 5.2));
    const row = made(
      'row',
      'any',
      stalls.map((s) => s.id),
    );
    const pings = times(0, 4, 30, (s) => at(s, 0, { acc: 20 }));
    const best = Math.max(...stalls.map((s) => belief(pings, [...stalls, row], s.id)));
    expect(belief(pings, [...stalls, row], 'row')).toBeGreaterThan(2 * best);
  });

  test('nested four deep and no deeper; a circle of composites is looked at once', () => {
    const chain = ['c1', 'c2', 'c3', 'c4', 'c5'].map((id, i) =>
      made(id, 'any', [i === 0 ? 'a' : `c${i}`]),
    );
    const entered = story(stay(0), [a, ...chain]).filter((l) => l.includes('entered'));
    expect(entered.map((l) => l.split(' ')[0])).toEqual(['a', 'c1', 'c2', 'c3', 'c4']);
    const ring = [made('x', 'any', ['y', 'a']), made('y', 'any', ['x']), made('z', 'all', ['z'])];
    const told = story(stay(0), [a, ...ring]).filter((l) => l.includes('entered'));
    expect(told.map((l) => l.split(' ')[0])).toEqual(['a', 'x', 'y']);
  });

  test('layers that are each made of all of the layer below cost one look each', () => {
    let looks = 0;
    const counted = (id: string, members: string[]): FenceDefinition => ({
      ...made(id, 'any', []),
      shape: {
        type: 'Composite',
        of: 'any',
        get members() {
          looks++;
          return members;
        },
      },
    });
    const names = (layer: number): string[] =>
      Array.from({ length: 8 }, (_, i) => (layer === 0 ? 'a' : `c${layer}-${i}`));
    const layers = [1, 2, 3, 4].flatMap((layer) =>
      names(layer).map((id) => counted(id, names(layer - 1))),
    );
    const index = createFenceIndex([a, ...layers]);
    looks = 0;
    const { state } = step(initialState('d'), at(0, 0), index, defaultPolicy);
    expect(state.fences.length).toBeGreaterThan(0);
    // By every way from the top there would be over a thousand for each composite of the top layer.
    expect(looks).toBeLessThan(1000);
  });

  test('a member that is gone is as if it were never named', () => {
    const fences = [a, made('both', 'any', ['a', 'nothing'])];
    expect(belief(stay(0), fences, 'both')).toBe(belief(stay(0), fences, 'a'));
  });
});

describe('opening hours', () => {
  const week = (open: number, close: number): OpeningHours['week'] =>
    Array.from({ length: 7 }, () => [[open, close]] as const);
  const zurich = (hours: OpeningHours['week']): OpeningHours => ({
    timezone: 'Europe/Zurich',
    week: hours,
  });

  test.each([
    ['the hour before the clocks go forward', '2026-03-29T00:59:00Z', 119],
    ['the hour after', '2026-03-29T01:00:00Z', 180],
    ['before they go back', '2026-10-25T00:59:00Z', 179],
    ['after they went back', '2026-10-25T01:00:00Z', 120],
    ['in summer', '2026-07-01T10:00:00Z', 720],
    ['in winter', '2026-01-01T10:00:00Z', 660],
  ])('%s it is so many minutes past midnight', (_, instant, minutes) => {
    const t = Date.parse(instant);
    const local = t + (zoneOffset('Europe/Zurich', t) ?? NaN);
    expect((local / 60_000) % 1440).toBe(minutes);
    expect(isOpen(zurich(week(minutes, minutes + 1)), t)).toBe(true);
    expect(isOpen(zurich(week(minutes + 1, 1440)), t)).toBe(false);
  });

  test.each([
    ['Asia/Kathmandu', '2026-01-01T00:00:00Z', 345],
    ['Australia/Lord_Howe', '2026-04-04T14:59:00Z', 660],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', 630],
    ['America/St_Johns', '2026-01-01T00:00:00Z', -210],
    ['Asia/Shanghai', '2026-07-01T00:00:00Z', 480],
    ['UTC', '1969-12-31T23:59:59Z', 0],
  ])('%s at %s is %d minutes from UTC', (zone, instant, minutes) => {
    expect(zoneOffset(zone, Date.parse(instant))).toBe(minutes * 60_000);
  });

  test('a night club is open past midnight, on the day it opened', () => {
    const friday = [[], [], [], [], [[1320, 240]], [], []] as unknown as OpeningHours['week'];
    const open = (instant: string): boolean => isOpen(zurich(friday), Date.parse(instant));
    expect(open('2026-05-08T19:59:00Z')).toBe(false);
    expect(open('2026-05-08T20:00:00Z')).toBe(true);
    expect(open('2026-05-09T01:59:00Z')).toBe(true);
    expect(open('2026-05-09T02:00:00Z')).toBe(false);
    expect(open('2026-05-09T20:00:00Z')).toBe(false);
  });

  test('a zone nobody knows is always open', () => {
    expect(isOpen({ timezone: 'Mars/Olympus', week: [] }, T)).toBe(true);
  });

  test('a closed shop is less likely than its open neighbour, never impossible', () => {
    const closed = { timezone: 'UTC', week: week(0, 1) };
    const day = { timezone: 'UTC', week: week(480, 1200) };
    const pings = times(0, 14, 30, (s) => at(s, 20.5, { acc: 7 }));
    const fences = (hours: OpeningHours): FenceDefinition[] => [
      circle('a', 0, 20, { hours }),
      circle('b', 41, 20, { hours: day }),
    ];
    const [whenOpen, whenClosed] = [day, closed].map((h) => belief(pings, fences(h), 'a'));
    expect(whenClosed).toBeLessThan((whenOpen ?? 0) / 2);
    expect(whenClosed).toBeGreaterThan((whenOpen ?? 0) / 10);
    const inside = times(0, 14, 30, (s) => at(s, 0, { acc: 7 }));
    expect(story(inside, fences(closed))[0]).toBe('a entered 0');
  });

  test('a sign-in in a closed shop is a sign-in', () => {
    const hours = { timezone: 'UTC', week: week(0, 1) };
    const evidence = { fence: 'a', kind: 'portal_login' } as const;
    const pings = times(0, 4, 30, (s) => at(s, 0, { acc: 60, evidence }));
    const fence = circle('a', 0, 12);
    expect(belief(pings, [{ ...fence, hours }], 'a')).toBe(belief(pings, [fence], 'a'));
  });

  test('the ratio is bounded', () => {
    expect(parsePolicy({ closedOdds: 0.05 })).toMatchObject({ ok: false, code: 'out-of-range' });
    expect(parsePolicy({ closedOdds: 0.1 })).toMatchObject({ ok: true });
  });
});

describe('priority', () => {
  const stay = (east: number): Ping[] => times(0, 14, 30, (s) => at(s, east, { acc: 6 }));
  const entered = (east: number, fences: FenceDefinition[]): string[] =>
    story(stay(east), fences)
      .filter((l) => l.includes('entered'))
      .map((l) => l.split(' ')[0] ?? '');

  test.each([
    ['equal', 0, 0, ['a', 'b']],
    ['higher left', 5, 0, ['a']],
    ['higher right', 0, 5, ['b']],
  ])('of shared ground, %s', (_, left, right, who) => {
    const fences = [
      circle('a', 0, 30, { priority: left }),
      circle('b', 30, 30, { priority: right }),
    ];
    expect(entered(15, fences)).toEqual(who);
  });

  test('the rest of its ground stays with the lower one', () => {
    const fences = [circle('a', 0, 30, { priority: 1 }), circle('b', 30, 30)];
    expect(entered(48, fences)).toEqual(['b']);
    expect(entered(-18, fences)).toEqual(['a']);
  });

  test('on another floor nobody shares ground', () => {
    const floor = (n: string, priority: number): FenceDefinition =>
      circle(`f${n}`, 0, 30, { floor: n, priority });
    const fences = [floor('1', 1), floor('2', 0)];
    const even = [floor('1', 0), floor('2', 0)];
    expect(belief(stay(0), fences, 'f2')).toBe(belief(stay(0), even, 'f2'));
  });

  test('what holds another is no sibling of it', () => {
    const fences = [
      circle('mall', 0, 120, { priority: 9 }),
      circle('shop', 20, 14, { parent: 'mall' }),
    ];
    expect(entered(20, fences).toSorted()).toEqual(['mall', 'shop']);
  });
});
