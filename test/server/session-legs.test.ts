/** Network sessions without a database: any order of reports gives the same totals; opening hours on odd days. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { limitedMinutes, openingAt } from '../../server/sessions/hours.ts';
import type { WeekHours } from '../../server/sessions/hours.ts';
import { beginLeg, growLeg, legFor, sameLeg } from '../../server/sessions/legs.ts';
import type { Leg, Told } from '../../server/sessions/legs.ts';
import { verdictOf } from '../../server/sessions/verdict.ts';

const NOON = Date.parse('2026-11-17T12:00:00Z');
const MINUTE = 60_000;

const told = (over: Partial<Told>): Told => ({
  kind: 'interim',
  at: NOON,
  seconds: null,
  bytesIn: 0,
  bytesOut: 0,
  reason: null,
  ip: null,
  ap: null,
  ssid: null,
  multiSession: null,
  ...over,
});

/** What storage does with the reports of one name. */
function fold(reports: readonly Told[]): Leg[] {
  const legs: Leg[] = [];
  for (const report of reports) {
    const known = legFor(legs, report);
    if (known) legs[legs.indexOf(known)] = growLeg(known, report);
    else legs.push(beginLeg(report));
  }
  return legs.toSorted((a, b) => a.startedAt - b.startedAt);
}

const totals = (legs: readonly Leg[]) => ({
  bytesIn: legs.reduce((sum, leg) => sum + leg.bytesIn, 0),
  bytesOut: legs.reduce((sum, leg) => sum + leg.bytesOut, 0),
});

/** One run of a gateway's counters: rising, one report every few minutes, maybe with an end. */
const run = fc.record({
  steps: fc.array(
    fc.record({ s: fc.integer({ min: 60, max: 600 }), b: fc.nat({ max: 2 ** 40 }) }),
    { minLength: 1, maxLength: 8 },
  ),
  stops: fc.boolean(),
  jitter: fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 8, maxLength: 8 }),
});

type Run = typeof run extends fc.Arbitrary<infer R> ? R : never;

/** Reports of runs one after another under one name: a gateway that restarted in between. */
function reportsOf(runs: readonly Run[]): { reports: Told[]; truth: number } {
  const reports: Told[] = [];
  let clock = NOON;
  let truth = 0;
  for (const { steps, stops, jitter } of runs) {
    const start = clock;
    let [seconds, bytes] = [0, 0];
    reports.push(told({ kind: 'start', at: start }));
    for (const [i, step] of steps.entries()) {
      seconds += step.s;
      bytes += step.b;
      const at = start + (seconds + jitter[i]!) * 1000;
      const kind = stops && i === steps.length - 1 ? 'stop' : 'interim';
      reports.push(told({ kind, at, seconds, bytesIn: bytes, bytesOut: bytes * 2, reason: 'x' }));
    }
    truth += bytes;
    clock = start + (seconds + 300) * 1000;
  }
  return { reports, truth };
}

describe('the legs of one name', () => {
  test('come to the same totals in any order, with any report repeated', () => {
    fc.assert(
      fc.property(
        fc.array(run, { minLength: 1, maxLength: 4 }).chain((runs) => {
          const { reports, truth } = reportsOf(runs);
          const twice = [...reports, ...reports];
          const orders = fc.shuffledSubarray(twice, { minLength: twice.length });
          return fc.record({
            order: orders,
            truth: fc.constant(truth),
            n: fc.constant(runs.length),
          });
        }),
        ({ order, truth, n }) => {
          const legs = fold(order);
          expect(legs).toHaveLength(n);
          expect(totals(legs)).toEqual({ bytesIn: truth, bytesOut: truth * 2 });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a report that says nothing new changes nothing', () => {
    const { reports } = reportsOf([
      { steps: [{ s: 300, b: 5 }], stops: true, jitter: Array<number>(8).fill(0) },
    ]);
    const legs = fold(reports);
    for (const report of reports) {
      const known = legFor(legs, report)!;
      expect(sameLeg(known, growLeg(known, report))).toBe(true);
    }
  });

  test('without a beginning, counters that fall later on are a new one, and older ones are not', () => {
    const at = (minute: number, bytesIn: number) =>
      told({ at: NOON + minute * MINUTE, bytesIn, bytesOut: 0 });
    expect(totals(fold([at(0, 100), at(1, 300), at(2, 40), at(3, 60)])).bytesIn).toBe(360);
    expect(totals(fold([at(1, 300), at(0, 100), at(2, 400)])).bytesIn).toBe(400);
  });

  test('a gateway whose seconds run slow, or stand at 0, still counts one session', () => {
    const slow = (minute: number, seconds: number) =>
      told({ at: NOON + minute * MINUTE, seconds, bytesIn: minute * 10 });
    const begun = told({ kind: 'start' });
    expect(fold([begun, slow(5, 0), slow(10, 0), slow(15, 0)])).toMatchObject([{ bytesIn: 150 }]);
    expect(fold([begun, slow(5, 290), slow(10, 500), slow(15, 700)])).toMatchObject([
      { bytesIn: 150 },
    ]);
  });

  test('a report told again hours later, as of now, adds nothing and wakes nobody', () => {
    const begun = told({ kind: 'start' });
    const counted = told({ at: NOON + 5 * MINUTE, seconds: 300, bytesIn: 7 });
    const gone = told({ ...counted, kind: 'stop', at: NOON + 9 * MINUTE, seconds: 540 });
    const later = (report: Told) => ({ ...report, at: NOON + 300 * MINUTE });
    const once = fold([begun, counted, gone]);
    expect(fold([begun, counted, gone, later(gone)])).toEqual(once);
    const [leg] = fold([begun, counted]);
    const silent = { ...leg!, endedAt: leg!.lastAt, endReason: 'lost-carrier', inferred: true };
    expect(growLeg(silent, later(counted))).toEqual(silent);
  });

  test('counters that stand where those of an earlier leg ended are its own leg’s', () => {
    // A gateway that counts no bytes asks at even times, and used the name again after it restarted.
    const minutes = (at: number, seconds: number, kind: Told['kind'] = 'interim') =>
      told({ kind, at: NOON + at * MINUTE, seconds });
    const legs = fold([minutes(10, 600), minutes(12, 720, 'stop'), minutes(60, 0, 'start')]);
    expect(legFor(legs, minutes(72, 720))).toBe(legs[1]);
  });

  test('addresses are bounded in whatever order they are told', () => {
    const at = (minute: number, ip: string) =>
      told({ at: NOON + minute * MINUTE, seconds: minute * 60, ip });
    const late = Array.from({ length: 80 }, (_, n) => at(990 - n * 10, `10.0.0.${n}`));
    const [leg] = fold([at(0, '10.0.1.1'), at(1000, '10.0.1.1'), ...late]);
    expect(leg?.addresses?.length).toBeLessThanOrEqual(50);
    expect(leg?.addresses?.at(-1)?.ip).toBe('10.0.1.1');
  });

  test('a stop that repeats the newest counters is an end all the same', () => {
    const counted = told({ at: NOON + 5 * MINUTE, seconds: 300, bytesIn: 7 });
    const [leg] = fold([counted, { ...counted, kind: 'stop', reason: 'bye' }]);
    expect(leg).toMatchObject({ endedAt: NOON + 5 * MINUTE, endReason: 'bye', inferred: false });
  });

  test('an end stands against late interim reports; one that was only inferred is taken back', () => {
    const begun = beginLeg(told({ kind: 'start' }));
    const ended = growLeg(
      begun,
      told({ kind: 'stop', at: NOON + MINUTE, seconds: 60, reason: 'bye' }),
    );
    const late = growLeg(ended, told({ at: NOON + 2 * MINUTE, seconds: 120, bytesIn: 9 }));
    expect(late).toMatchObject({ endedAt: NOON + MINUTE, endReason: 'bye', bytesIn: 9 });
    const silent = { ...begun, endedAt: NOON, endReason: 'lost-carrier', inferred: true };
    expect(growLeg(silent, told({ at: NOON + 1, seconds: 0 }))).toMatchObject({
      endedAt: null,
      inferred: false,
    });
    expect(growLeg(silent, told({ at: NOON - 1, seconds: 0 })).endedAt).toBe(NOON);
  });
});

describe('the addresses of one leg', () => {
  const seen = (ip: string | null, minute: number) =>
    told({ at: NOON + minute * MINUTE, seconds: minute * 60, ip });
  const read = (leg: Leg | undefined) =>
    leg?.addresses?.map(({ ip, from, to }) => [ip, (from - NOON) / MINUTE, (to - NOON) / MINUTE]);

  test('are none where the gateway tells none', () => {
    const [leg] = fold([told({ kind: 'start' }), seen(null, 2)]);
    expect(leg).toMatchObject({ ip: null, addresses: null });
  });

  test.each([
    [
      'in order',
      ['a0', 'a5', 'b10', 'b15', 'a20'],
      [
        ['a', 0, 5],
        ['b', 10, 15],
        ['a', 20, 20],
      ],
    ],
    [
      'the end first',
      ['b10', 'a5', 'a0', 'b15'],
      [
        ['a', 0, 5],
        ['b', 10, 15],
      ],
    ],
    [
      'one between two',
      ['a0', 'a20', 'b10'],
      [
        ['a', 0, 10],
        ['b', 10, 10],
        ['a', 10, 20],
      ],
    ],
    [
      'repeated',
      ['a0', 'b10', 'a0', 'b10', 'b10'],
      [
        ['a', 0, 0],
        ['b', 10, 10],
      ],
    ],
  ])('are told of %s', (_name, reports, intervals) => {
    const all = reports.map((text) => seen(text[0]!, Number(text.slice(1))));
    const [leg] = fold([told({ kind: 'start' }), ...all]);
    expect(read(leg)).toEqual(intervals);
    const newest = intervals.at(-1)!;
    expect(leg?.ip).toBe(newest[0]);
  });

  test('are bounded: of a client that hops for ever those held longest stay, and the newest', () => {
    const hops = Array.from({ length: 200 }, (_, i) => seen(`hop ${i}`, 30 + i));
    const [leg] = fold([told({ kind: 'start', ip: 'long' }), seen('long', 20), ...hops]);
    expect(leg?.addresses).toHaveLength(50);
    expect(read(leg)?.[0]).toEqual(['long', 0, 20]);
    expect(leg?.addresses?.at(-1)?.ip).toBe('hop 199');
  });
});

const closed: WeekHours = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
const daily = (from: string, to: string): WeekHours => {
  const day = [{ from, to }];
  return { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day };
};
const at = (text: string): number => Date.parse(text);
const LONDON = 'Europe/London';

describe('opening hours', () => {
  test.each([
    [
      'in the middle of the day',
      LONDON,
      daily('09:00', '18:00'),
      '2026-11-17T12:00:00Z',
      '2026-11-17T18:00:00Z',
    ],
    [
      'on the minute of opening',
      LONDON,
      daily('09:00', '18:00'),
      '2026-11-17T09:00:00Z',
      '2026-11-17T18:00:00Z',
    ],
    [
      'until midnight and past it',
      LONDON,
      daily('18:00', '02:00'),
      '2026-11-17T23:00:00Z',
      '2026-11-18T02:00:00Z',
    ],
    [
      'after midnight, of yesterday',
      LONDON,
      daily('18:00', '02:00'),
      '2026-11-18T01:00:00Z',
      '2026-11-18T02:00:00Z',
    ],
    [
      'over midnight in two pieces',
      LONDON,
      { ...closed, tue: [{ from: '20:00', to: '24:00' }], wed: [{ from: '00:00', to: '03:00' }] },
      '2026-11-17T21:00:00Z',
      '2026-11-18T03:00:00Z',
    ],
    [
      'two spans that meet',
      LONDON,
      {
        ...closed,
        tue: [
          { from: '13:00', to: '18:00' },
          { from: '09:00', to: '13:00' },
        ],
      },
      '2026-11-17T10:00:00Z',
      '2026-11-17T18:00:00Z',
    ],
    // 25 October 2026: two o'clock in summer time is one o'clock again. The night is an hour longer.
    [
      'when the clock is put back',
      LONDON,
      daily('22:00', '01:30'),
      '2026-10-24T23:00:00Z',
      '2026-10-25T01:30:00Z',
    ],
    // 29 March 2026: half past one does not happen; the door shuts at what would have been it.
    [
      'when the clock is put forward',
      LONDON,
      daily('22:00', '01:30'),
      '2026-03-28T23:00:00Z',
      '2026-03-29T01:30:00Z',
    ],
    [
      'in summer, by the wall',
      LONDON,
      daily('09:00', '18:00'),
      '2026-07-01T08:30:00Z',
      '2026-07-01T17:00:00Z',
    ],
    [
      'in a zone of half hours',
      'Asia/Kolkata',
      daily('09:00', '18:00'),
      '2026-11-17T10:00:00Z',
      '2026-11-17T12:30:00Z',
    ],
    [
      'east of everybody',
      'Pacific/Kiritimati',
      daily('09:00', '18:00'),
      '2026-11-16T20:00:00Z',
      '2026-11-17T04:00:00Z',
    ],
  ])('%s', (_name, timezone, hours, now, until) => {
    const opening = openingAt({ timezone, hours }, at(now));
    expect(opening.open && opening.until && new Date(opening.until).toISOString()).toBe(
      new Date(until).toISOString(),
    );
  });

  test.each([
    ['before opening', LONDON, daily('09:00', '18:00'), '2026-11-17T08:59:59Z'],
    ['at closing', LONDON, daily('09:00', '18:00'), '2026-11-17T18:00:00Z'],
    [
      'on a day without hours',
      LONDON,
      { ...closed, mon: [{ from: '09:00', to: '18:00' }] },
      '2026-11-17T12:00:00Z',
    ],
    ['always', LONDON, closed, '2026-11-17T12:00:00Z'],
  ])('closed: %s', (_name, timezone, hours, now) => {
    expect(openingAt({ timezone, hours }, at(now))).toEqual({ open: false });
    expect(limitedMinutes({ timezone, hours }, at(now), 60)).toBeNull();
  });

  test('never close when day follows day, or when none are said', () => {
    const always = { open: true, until: null };
    expect(openingAt({ timezone: LONDON, hours: daily('00:00', '24:00') }, NOON)).toEqual(always);
    expect(openingAt({ timezone: LONDON }, NOON)).toEqual(always);
    expect(openingAt({ timezone: 'Nowhere/Atlantis', hours: closed }, NOON)).toEqual(always);
  });

  test.each([
    [60, 60],
    [600, 360],
    [0, 360],
  ])('a grant of %i minutes at noon lasts %i', (minutes, lasts) => {
    expect(
      limitedMinutes({ timezone: LONDON, hours: daily('09:00', '18:00') }, NOON, minutes),
    ).toBe(lasts);
  });

  test('a grant seconds before closing is a minute, never unlimited', () => {
    const late = at('2026-11-17T17:59:50Z');
    expect(limitedMinutes({ timezone: LONDON, hours: daily('09:00', '18:00') }, late, 0)).toBe(1);
  });
});

describe('the verdict', () => {
  const session = {
    id: 's',
    state: 'active' as const,
    end_reason: null,
    expires_at: new Date(NOON + MINUTE),
    bytes_in: 0,
    bytes_out: 0,
    up_quota_kb: 0,
    down_quota_kb: 0,
    blocked: false,
    timezone: LONDON,
    hours: null,
    kick: null,
  };
  test.each([
    [{}, null],
    [{ state: 'ended' as const, end_reason: 'staff' }, 'ended'],
    [{ state: 'ended' as const, end_reason: 'blocked' }, 'blocked'],
    [{ blocked: true }, 'blocked'],
    [{ kick: 'staff' }, 'ended'],
    [{ kick: 'quota' }, 'quota'],
    [{ expires_at: new Date(NOON) }, 'expired'],
    [{ down_quota_kb: 1, bytes_in: 1023 }, null],
    [{ down_quota_kb: 1, bytes_in: 1024 }, 'quota'],
    [{ up_quota_kb: 5_000_000, bytes_out: 5_000_000 * 1024 }, 'quota'],
    [{ hours: closed }, 'closed'],
  ])('%j: %s', (over, reason) => {
    const verdict = verdictOf({ ...session, ...over }, NOON);
    expect(verdict.allowed ? null : verdict.reason).toBe(reason);
  });
});
