/** The gates without a database: windows, freshness, consent, groups, caps, budget, arms, quiet hours. */
import { describe, expect, test } from '@jest/globals';
import {
  armPosition,
  byPrecedence,
  judge,
  storeCapKey,
  windowMs,
} from '../../server/offers/eligible.ts';
import type { Contender, Moment, Tally } from '../../server/offers/eligible.ts';
import { businessDay, inHours } from '../../server/offers/hours.ts';
import { localTime, startOfLocalDay } from '../../server/stores/local-time.ts';
import { consentGate, freshnessGate, windowGate } from '../../server/rules/gates.ts';
import { definitionSchema } from '../../server/rules/schema.ts';
import { decisionId, occasionOf } from '../../server/rules/occasion.ts';
import type { DomainEvent } from '../../server/events/types.ts';

const utc = (text: string): number => Date.parse(text);
const NOON = utc('2026-11-17T12:00:00Z');
const HOUR = 3_600_000;
const rule = (over: object) => definitionSchema.parse({ trigger: 'visit.entered', ...over });

describe('the clock on the wall', () => {
  test.each([
    ['Europe/London', '2026-03-29T00:59:00Z', 59],
    ['Europe/London', '2026-03-29T01:00:00Z', 120],
    ['Europe/London', '2026-10-25T00:30:00Z', 90],
    ['Europe/London', '2026-10-25T01:30:00Z', 90],
    ['Asia/Shanghai', '2026-11-17T16:00:00Z', 0],
    ['Asia/Kathmandu', '2026-11-17T18:14:00Z', 1439],
  ])('%s at %s', (zone, at, minutes) => {
    expect(localTime(zone, utc(at))?.minutes).toBe(minutes);
  });

  test.each([null, '', 'Mars/Olympus', 'Europe/London; drop'])('no such zone: %s', (zone) => {
    expect(localTime(zone, NOON)).toBeNull();
    expect(startOfLocalDay(zone, NOON)).toBeNull();
  });

  test.each([
    ['Europe/London', '2026-03-29T12:00:00Z', '2026-03-29T00:00:00Z'],
    ['Europe/London', '2026-10-25T12:00:00Z', '2026-10-24T23:00:00Z'],
    ['Asia/Shanghai', '2026-11-17T15:59:59Z', '2026-11-16T16:00:00Z'],
    ['Asia/Shanghai', '2026-11-17T16:00:00Z', '2026-11-17T16:00:00Z'],
    ['America/New_York', '2026-11-01T20:00:00Z', '2026-11-01T04:00:00Z'],
    ['America/Havana', '2026-11-01T20:00:00Z', '2026-11-01T04:00:00Z'],
    ['America/Havana', '2026-03-08T20:00:00Z', '2026-03-08T05:00:00Z'],
  ])('the day in %s at %s began at %s', (zone, at, start) => {
    expect(new Date(startOfLocalDay(zone, utc(at))!)).toEqual(new Date(start));
  });

  test.each([
    ['22:00', '09:00', 21 * 60 + 59, false],
    ['22:00', '09:00', 22 * 60, true],
    ['22:00', '09:00', 0, true],
    ['22:00', '09:00', 8 * 60 + 59, true],
    ['22:00', '09:00', 9 * 60, false],
    ['09:00', '22:00', 9 * 60, true],
    ['09:00', '22:00', 22 * 60, false],
    ['20:00', '24:00', 23 * 60 + 59, true],
    ['20:00', '24:00', 0, false],
  ])('%s–%s at minute %i: %s', (from, to, minutes, inside) => {
    const time = { minutes, weekday: 1, date: '2026-11-16' };
    expect(inHours(time, { from, to })).toBe(inside);
  });

  test('after midnight the evening’s day still counts', () => {
    const night = { from: '20:00', to: '02:00' };
    expect(businessDay({ minutes: 60, weekday: 1, date: '' }, night)).toBe(7);
    expect(businessDay({ minutes: 60, weekday: 6, date: '' }, night)).toBe(5);
    expect(businessDay({ minutes: 1300, weekday: 6, date: '' }, night)).toBe(6);
    expect(businessDay({ minutes: 60, weekday: 6, date: '' }, undefined)).toBe(6);
  });
});

describe('the live window', () => {
  const zone = 'Europe/London';
  test.each<[string, object | undefined, string | null, string, string | undefined]>([
    ['none', undefined, null, '2026-11-17T12:00:00Z', undefined],
    ['before it', { from: '2026-11-17T12:00:01Z' }, zone, '2026-11-17T12:00:00Z', 'not-started'],
    [
      'its first instant',
      { from: '2026-11-17T12:00:00Z' },
      zone,
      '2026-11-17T12:00:00Z',
      undefined,
    ],
    ['its end', { to: '2026-11-17T12:00:00Z' }, zone, '2026-11-17T12:00:00Z', 'ended'],
    ['a Tuesday', { days: [2] }, zone, '2026-11-17T12:00:00Z', undefined],
    ['no Monday', { days: [1] }, zone, '2026-11-17T12:00:00Z', 'wrong-day'],
    [
      'too early',
      { hours: { from: '13:00', to: '14:00' } },
      zone,
      '2026-11-17T12:00:00Z',
      'wrong-hour',
    ],
    [
      'Friday night on Saturday',
      { days: [5], hours: { from: '20:00', to: '02:00' } },
      zone,
      '2026-11-21T01:00:00Z',
      undefined,
    ],
    [
      'Saturday night is not Friday’s',
      { days: [5], hours: { from: '20:00', to: '02:00' } },
      zone,
      '2026-11-21T21:00:00Z',
      'wrong-day',
    ],
    ['no zone', { days: [2] }, null, '2026-11-17T12:00:00Z', 'zone-unknown'],
    ['no zone needed', { from: '2026-01-01T00:00:00Z' }, null, '2026-11-17T12:00:00Z', undefined],
  ])('%s', (_, window, where, at, reason) => {
    expect(windowGate(rule(window ? { window } : {}), where, utc(at))?.reason).toBe(reason);
  });
});

describe('freshness and trust', () => {
  const visit = {
    id: 'v',
    fenceId: 'f',
    eligible: true,
    whyNot: '',
    band: 'medium',
    score: 0.6,
    p: 0.9,
    dwellLower: 0,
  };
  test.each<[string, object, number, object | null, string | undefined]>([
    ['fresh', {}, 0, visit, undefined],
    ['just fresh', {}, 120_000, visit, undefined],
    ['stale', {}, 120_001, visit, 'too-late'],
    ['a longer limit', { maxAgeSeconds: 600 }, 500_000, visit, undefined],
    ['a clock a little ahead', {}, -60_000, visit, undefined],
    ['a clock far ahead', {}, -60_001, visit, 'clock-ahead'],
    ['not to be trusted', {}, 0, { ...visit, eligible: false, whyNot: 'mock' }, 'untrusted'],
    ['stale comes before untrusted', {}, 200_000, { ...visit, eligible: false }, 'too-late'],
    ['sure enough', { minBand: 'medium' }, 0, visit, undefined],
    ['not sure enough', { minBand: 'high' }, 0, visit, 'band-too-low'],
    ['a login has no band', {}, 0, null, undefined],
    ['a stale login', {}, 121_000, null, 'too-late'],
  ])('%s', (_, over, age, seen, reason) => {
    const occasion = { seenAt: NOON - age, visit: seen as typeof visit | null };
    expect(freshnessGate(rule(over), occasion, NOON)?.reason).toBe(reason);
  });
});

test.each([
  [true, false, false, undefined],
  [false, false, false, 'no-consent'],
  [true, true, false, 'guest-blocked'],
  [true, false, true, 'device-revoked'],
])('consent %s, blocked %s, revoked %s: %s', (consent, blocked, revoked, reason) => {
  expect(consentGate({ consent, blocked, revoked })?.reason).toBe(reason);
});

const contender = (over: Partial<Contender> = {}): Contender => ({
  ruleId: 'r1',
  offerId: 'o1',
  group: undefined,
  caps: { guest: [], store: [] },
  budgetUnits: undefined,
  experiment: { salt: 's', holdout: 0 },
  quiet: undefined,
  ...over,
});
const tally = (over: Partial<Tally> = {}): Tally => ({
  past: [],
  stockLeft: new Map([['o1', 10]]),
  spent: new Map(),
  storeGrants: new Map(),
  ...over,
});
const moment = (over: Partial<Moment> = {}): Moment => ({
  subject: 'g1',
  occasion: 'v1',
  zone: 'Europe/London',
  now: NOON,
  ...over,
});
const past = (over: Partial<Tally['past'][number]> = {}) => ({
  ruleId: 'r1',
  group: null,
  occasion: 'v0',
  at: NOON - HOUR,
  ...over,
});
const held = { salt: 's', holdout: 0.9 };
/** Somebody whom the salt above holds out. */
const ghost = Array.from({ length: 50 }, (_, i) => `g${i}`).find(
  (id) => armPosition('s', id) < 0.9,
)!;

const cap = (n: number, per: string) => ({ caps: { guest: [{ n, per }], store: [] } });

describe('the later gates', () => {
  const group = { name: 'one', priority: 0, per: '4h' };
  const storeCap = { caps: { guest: [], store: [{ n: 2, per: '1d' }] } };
  const night = { from: '22:00', to: '09:00' };

  test.each<[string, Partial<Contender>, Partial<Tally>, Partial<Moment>, string]>([
    ['nothing in the way', {}, {}, {}, 'issued'],
    ['the same visit again', {}, { past: [past({ occasion: 'v1' })] }, {}, 'already-this-visit'],
    ['another visit', {}, { past: [past()] }, {}, 'issued'],
    [
      'the group is taken',
      { group },
      { past: [past({ ruleId: 'r2', group: 'one' })] },
      {},
      'group-taken',
    ],
    [
      'another group is taken',
      { group },
      { past: [past({ ruleId: 'r2', group: 'two' })] },
      {},
      'issued',
    ],
    [
      'taken long ago',
      { group },
      { past: [past({ ruleId: 'r2', group: 'one', at: NOON - 4 * HOUR })] },
      {},
      'issued',
    ],
    [
      'taken long ago in this very visit',
      { group },
      { past: [past({ ruleId: 'r2', group: 'one', occasion: 'v1', at: NOON - 9 * HOUR })] },
      {},
      'group-taken',
    ],
    ['under the cap', cap(2, '7d'), { past: [past()] }, {}, 'issued'],
    [
      'at the cap',
      cap(1, '7d'),
      { past: [past({ at: NOON - 7 * 24 * HOUR + 1 })] },
      {},
      'guest-cap',
    ],
    [
      'the window slid past',
      cap(1, '7d'),
      { past: [past({ at: NOON - 7 * 24 * HOUR })] },
      {},
      'issued',
    ],
    [
      'another rule’s grants do not count',
      cap(1, '7d'),
      { past: [past({ ruleId: 'r2' })] },
      {},
      'issued',
    ],
    [
      'the store is full',
      storeCap,
      { storeGrants: new Map([[storeCapKey('r1', '1d'), 2]]) },
      {},
      'store-cap',
    ],
    [
      'the store has room',
      storeCap,
      { storeGrants: new Map([[storeCapKey('r1', '1d'), 1]]) },
      {},
      'issued',
    ],
    ['no live offer', {}, { stockLeft: new Map([['o1', null]]) }, {}, 'offer-not-live'],
    ['an offer that is gone', {}, { stockLeft: new Map() }, {}, 'offer-not-live'],
    ['no stock', {}, { stockLeft: new Map([['o1', 0]]) }, {}, 'out-of-stock'],
    ['no limit', {}, { stockLeft: new Map([['o1', Infinity]]) }, {}, 'issued'],
    ['budget spent', { budgetUnits: 5 }, { spent: new Map([['r1', 5]]) }, {}, 'budget-spent'],
    ['budget left', { budgetUnits: 5 }, { spent: new Map([['r1', 4]]) }, {}, 'issued'],
    ['held out', { experiment: held }, {}, { subject: ghost }, 'held-out'],
    [
      'caps come before budget',
      cap(1, '1d'),
      { past: [past()], stockLeft: new Map() },
      {},
      'guest-cap',
    ],
    [
      'the law’s evening',
      { floor: { from: '21:00', to: '08:00' } },
      {},
      { now: utc('2026-11-17T21:30:00Z') },
      'quiet-hours',
    ],
    [
      'the law’s day',
      { floor: { from: '21:00', to: '08:00' } },
      {},
      { now: utc('2026-11-17T20:30:00Z') },
      'issued',
    ],
    ['night', { quiet: night }, {}, { now: utc('2026-11-17T22:00:00Z') }, 'quiet-hours'],
    ['past midnight', { quiet: night }, {}, { now: utc('2026-11-18T03:00:00Z') }, 'quiet-hours'],
    ['morning', { quiet: night }, {}, { now: utc('2026-11-18T09:00:00Z') }, 'issued'],
    [
      'summer: nine by the wall',
      { quiet: night },
      {},
      { now: utc('2026-06-17T08:00:00Z') },
      'issued',
    ],
    [
      'summer: before nine by the wall',
      { quiet: night },
      {},
      { now: utc('2026-06-17T07:59:59Z') },
      'quiet-hours',
    ],
    [
      'the hour that does not exist',
      { quiet: { from: '01:00', to: '02:00' } },
      {},
      { now: utc('2026-03-29T01:00:00Z') },
      'issued',
    ],
    [
      'the hour that comes twice, first',
      { quiet: { from: '01:00', to: '02:00' } },
      {},
      { now: utc('2026-10-25T00:30:00Z') },
      'quiet-hours',
    ],
    [
      'the hour that comes twice, second',
      { quiet: { from: '01:00', to: '02:00' } },
      {},
      { now: utc('2026-10-25T01:30:00Z') },
      'quiet-hours',
    ],
    ['no zone is never "send anyway"', { quiet: night }, {}, { zone: null }, 'zone-unknown'],
    ['a broken zone neither', { quiet: night }, {}, { zone: 'Nowhere/Land' }, 'zone-unknown'],
    [
      'the night holds ghosts back too',
      { quiet: night, experiment: held },
      {},
      { subject: ghost, now: utc('2026-11-17T23:00:00Z') },
      'quiet-hours',
    ],
  ])('%s', (_, who, state, when, reason) => {
    expect(judge(contender(who), tally(state), moment(when)).reason).toBe(reason);
  });

  test('a ghost takes the group and the caps, but no stock', () => {
    const state = tally({ stockLeft: new Map([['o1', 1]]) });
    const first = contender({ group, experiment: held, ...storeCap });
    expect(judge(first, state, moment({ subject: ghost })).outcome).toBe('held_out');
    expect(state.stockLeft.get('o1')).toBe(1);
    expect(state.storeGrants.get(storeCapKey('r1', '1d'))).toBe(1);
    const second = judge(contender({ ruleId: 'r2', group }), state, moment({ subject: ghost }));
    expect(second).toMatchObject({ reason: 'group-taken', detail: { takenBy: 'r1' } });
    const later = moment({ subject: ghost, occasion: 'v2', now: NOON + 5 * HOUR });
    const again = contender({ experiment: held, ...cap(1, '1d') });
    expect(judge(again, state, later).reason).toBe('guest-cap');
  });

  test('a rule that is stopped leaves the group to the next', () => {
    const state = tally();
    const capped = contender({ group, ...cap(1, '7d') });
    state.past.push(past({ group: 'one', at: NOON - 5 * HOUR }));
    expect(judge(capped, state, moment()).reason).toBe('guest-cap');
    expect(judge(contender({ ruleId: 'r2', group }), state, moment()).reason).toBe('issued');
  });

  test('two rules of one event share the last piece', () => {
    const state = tally({ stockLeft: new Map([['o1', 1]]) });
    expect(judge(contender(), state, moment()).reason).toBe('issued');
    expect(judge(contender({ ruleId: 'r2' }), state, moment()).reason).toBe('out-of-stock');
  });

  test('priority first, then the older rule', () => {
    const of = (ruleId: string, priority: number) =>
      contender({ ruleId, group: { ...group, priority } });
    const order = [of('c', 1), of('b', 5), of('a', 1), contender({ ruleId: 'd' })];
    expect(order.toSorted(byPrecedence).map((each) => each.ruleId)).toEqual(['b', 'a', 'c', 'd']);
  });

  test.each([
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ])('%s', (per, ms) => {
    expect(windowMs(per)).toBe(ms);
  });
});

describe('the draw', () => {
  test('over 10,000 guests the held-out share is the one asked for', () => {
    for (const [salt, share] of [
      ['a', 0.1],
      ['b', 0.1],
      ['c', 0.5],
    ] as const) {
      const ids = Array.from({ length: 10_000 }, (_, i) => `guest-${i}`);
      const out = ids.filter((id) => armPosition(salt, id) < share).length;
      // Four standard deviations of the binomial; the ids are fixed, so this never flickers.
      expect(Math.abs(out - 10_000 * share)).toBeLessThan(
        4 * Math.sqrt(10_000 * share * (1 - share)),
      );
    }
  });

  test('it is the same every time and independent between salts', () => {
    expect(armPosition('a', 'g')).toBe(armPosition('a', 'g'));
    const ids = Array.from({ length: 10_000 }, (_, i) => `guest-${i}`);
    const both = ids.filter((id) => armPosition('a', id) < 0.1 && armPosition('b', id) < 0.1);
    expect(Math.abs(both.length - 100)).toBeLessThan(40);
  });
});

const event = (type: DomainEvent['type'], payload: object): DomainEvent =>
  ({
    id: 'e',
    position: 1,
    merchantId: 'm',
    storeId: null,
    guestId: null,
    deviceId: 'd',
    type,
    payload,
    occurredAt: new Date(NOON),
  }) as unknown as DomainEvent;

describe('one decision per occasion', () => {
  test('the id hangs on rule, version, subject, visit and tier, not on the event', () => {
    const visit = { visitId: 'v', at: new Date(NOON).toISOString(), deviceId: 'd' };
    const first = occasionOf(event('visit.dwelled', { ...visit, tierSeconds: 300 }))!;
    const again = occasionOf({
      ...event('visit.dwelled', { ...visit, tierSeconds: 300 }),
      id: 'e2',
    })!;
    const tier = occasionOf(event('visit.dwelled', { ...visit, tierSeconds: 600 }))!;
    const id = decisionId({ id: 'r', version: 1 }, 'g', first);
    expect(decisionId({ id: 'r', version: 1 }, 'g', again)).toBe(id);
    const others = [
      decisionId({ id: 'r', version: 1 }, 'g', tier),
      decisionId({ id: 'r', version: 2 }, 'g', first),
      decisionId({ id: 'r2', version: 1 }, 'g', first),
      decisionId({ id: 'r', version: 1 }, 'g2', first),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });

  test('other events are no occasions', () => {
    expect(occasionOf(event('voucher.redeemed', {}))).toBeNull();
    expect(occasionOf(event('fence.changed', {}))).toBeNull();
  });
});
