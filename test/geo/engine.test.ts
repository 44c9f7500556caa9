/** step() and tick(): fixtures in and out, then what must hold for every track there is. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import { defaultPolicy, initialState, nextDeadline, step, tick } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { expectedOutput, moved, runTrack, trackFixtures } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];

const circle = (id: string, east: number, radius: number, more = {}): FenceDefinition => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { id, name: id, shape: { type: 'Circle', lon, lat, radius }, ...more };
};

const at = (second: number, east: number, more: Partial<Ping> = {}): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, lon, lat, acc: 8, ...more };
};

describe('fixtures', () => {
  test.each(trackFixtures().map((f) => [f.name, f] as const))('%s', (name, fixture) => {
    const { transitions, visits, verdicts } = runTrack(
      fixture.pings,
      createFenceIndex(fixture.fences),
    );
    const told = {
      refused: verdicts.flatMap((reason, i) => (reason ? [`${i}: ${reason}`] : [])),
      transitions: transitions.map((t) => ({
        ...t,
        at: new Date(t.at).toISOString(),
        detectedAt: new Date(t.detectedAt).toISOString(),
        p: Number(t.p.toFixed(3)),
      })),
      visits,
    };
    expect(JSON.parse(JSON.stringify(told))).toEqual(expectedOutput(name, told));
  });
});

describe('one fence', () => {
  const shop = createFenceIndex([circle('shop', 0, 20)]);
  const stay = Array.from({ length: 21 }, (_, i) => at(60 + i * 20, 0));

  test('entered, dwelled and left, with the truth within the bounds', () => {
    const pings = [at(0, 200), at(30, 90), ...stay, at(480, 90), at(510, 200), at(540, 260)];
    const { transitions, visits } = runTrack(pings, shop);
    expect(transitions.map((t) => [t.type, t.tierSeconds])).toEqual([
      ['entered', undefined],
      ['dwelled', 180],
      ['dwelled', 300],
      ['left', undefined],
    ]);
    const [visit] = visits;
    expect(visit).toMatchObject({
      status: 'final',
      leftCensored: false,
      rightCensored: false,
      band: 'high',
    });
    expect(visit?.dwell.lower).toBeLessThanOrEqual(400);
    expect(visit?.dwell.upper).toBeGreaterThanOrEqual(400);
    expect(visit?.entry.earliest).toBeGreaterThanOrEqual(T + 30_000);
    expect(visit?.exit?.latest).toBeLessThanOrEqual(T + 480_000);
  });

  test('silence is an end nobody saw, found by tick alone and stamped with the deadline', () => {
    let state = initialState('d');
    for (const ping of stay) ({ state } = step(state, ping, shop, defaultPolicy));
    const last = stay.at(-1)?.t ?? 0;
    const due = last + 1800_000;
    expect(nextDeadline(state, defaultPolicy)).toBe(due);
    expect(tick(state, due - 1, shop, defaultPolicy).transitions).toEqual([]);
    const { transitions, visits } = tick(state, due + 999_999, shop, defaultPolicy);
    expect(transitions).toEqual([
      expect.objectContaining({ type: 'left', reason: 'timeout', at: last, detectedAt: due }),
    ]);
    const final = visits.at(-1);
    expect(final).toMatchObject({ status: 'final', leftCensored: true, rightCensored: true });
    expect(final?.dwell).toEqual({ lower: 400, estimate: 400, upper: null });
    expect(final?.exit?.latest).toBeNull();
  });

  test('a ping after the silence tells the same story as a tick did', () => {
    const late = at(20_000, 0);
    const { transitions } = runTrack([...stay, late], shop);
    expect(transitions.find((t) => t.reason === 'timeout')?.detectedAt).toBe(
      (stay.at(-1)?.t ?? 0) + 1800_000,
    );
  });

  test('a short step outside continues the same visit', () => {
    const again = Array.from({ length: 10 }, (_, i) => at(560 + i * 20, 0));
    const { transitions, visits } = runTrack(
      [...stay, at(480, 80), at(500, 90), at(520, 80), ...again],
      shop,
    );
    expect(transitions.filter((t) => t.type === 'entered').map((t) => t.reason)).toEqual([
      undefined,
      'returned',
    ]);
    expect(visits).toHaveLength(1);
  });

  test('one wild fix does not end a visit', () => {
    const pings = stay.map((p, i) => (i === 12 ? at(60 + i * 20, 120) : p));
    const { transitions } = runTrack(pings, shop);
    expect(transitions.filter((t) => t.type === 'left')).toHaveLength(1);
  });

  test('a straight way through is crossed, not visited', () => {
    const { transitions, visits } = runTrack(
      [at(0, -180), at(60, -60), at(120, 60), at(180, 180)],
      shop,
    );
    expect(transitions.map((t) => t.type)).toEqual(['crossed']);
    expect(visits).toEqual([]);
  });

  test('a fence taken away ends its visit with a reason', () => {
    const index = createFenceIndex([circle('shop', 0, 20)]);
    let state = initialState('d');
    for (const ping of stay) ({ state } = step(state, ping, index, defaultPolicy));
    index.remove('shop');
    const { transitions, visits, state: after } = step(state, at(470, 0), index, defaultPolicy);
    expect(transitions).toEqual([
      expect.objectContaining({ type: 'left', reason: 'fence-removed' }),
    ]);
    expect(visits.at(-1)?.status).toBe('final');
    expect(after.fences).toEqual([]);
  });

  test('±65 m can never put anybody in a 20 m shop, a sign-in can', () => {
    const coarse = stay.map((p) => ({ ...p, acc: 100 }));
    expect(runTrack(coarse, shop).transitions).toEqual([]);
    const known = coarse.map((p, i): Ping =>
      i === 5 ? { ...p, evidence: { fence: 'shop', kind: 'portal_login' } } : p,
    );
    const { transitions, visits } = runTrack(known, shop);
    expect(transitions[0]).toMatchObject({ type: 'entered', at: known[5]?.t });
    expect(visits[0]?.factors[0]?.text).toContain('portal_login');
  });
});

const stayAt = (east: number): Ping[] => Array.from({ length: 16 }, (_, i) => at(i * 20, east));
const entered = (pings: Ping[], fences: FenceDefinition[]): string[] =>
  runTrack(pings, createFenceIndex(fences))
    .transitions.filter((t) => t.type === 'entered')
    .map((t) => t.fence)
    .toSorted();

describe('fences among others', () => {
  test('a shop in a mall: both', () => {
    const mall = circle('mall', 0, 120);
    expect(entered(stayAt(20), [mall, circle('shop', 20, 12, { parent: 'mall' })])).toEqual([
      'mall',
      'shop',
    ]);
  });

  test('leaving the shop is not leaving the mall', () => {
    const fences = [circle('mall', 0, 120), circle('shop', 20, 12, { parent: 'mall' })];
    const pings = [...stayAt(20), ...Array.from({ length: 10 }, (_, i) => at(330 + i * 20, -60))];
    const { transitions } = runTrack(pings, createFenceIndex(fences));
    const left = transitions.filter((t) => t.type === 'left');
    expect(left.map((t) => [t.fence, t.reason])).toEqual([
      ['shop', undefined],
      ['mall', 'timeout'],
    ]);
  });

  test('overlapping circles of equals: both', () => {
    expect(entered(stayAt(10), [circle('a', 0, 40), circle('b', 20, 40)])).toEqual(['a', 'b']);
  });

  test('two storeys of shops: neither by position, the signed-in one by evidence', () => {
    const mall = circle('mall', 0, 120);
    const floors = ['1', '2'].map((floor) =>
      circle(`f${floor}`, 0, 110, { parent: 'mall', floor }),
    );
    const shops = ['1', '2'].map((floor) =>
      circle(`s${floor}`, 20, 12, { parent: `f${floor}`, floor }),
    );
    const all = [mall, ...floors, ...shops];
    const blind = entered(stayAt(20), all);
    expect(blind).toContain('mall');
    expect(blind.filter((id) => id.startsWith('s'))).toEqual([]);
    const pings = stayAt(20).map((p, i): Ping =>
      i === 3 ? { ...p, evidence: { fence: 's2', kind: 'wifi_session' } } : p,
    );
    expect(entered(pings, all).filter((id) => id.startsWith('s'))).toEqual(['s2']);
  });
});

const anyPing = fc.record(
  {
    t: fc.oneof(fc.integer({ min: T, max: T + 7_200_000 }), fc.double(), fc.constant(0)),
    lon: fc.oneof(fc.double({ min: 8.539, max: 8.541, noNaN: true }), fc.double()),
    lat: fc.oneof(fc.double({ min: 47.375, max: 47.377, noNaN: true }), fc.double()),
    acc: fc.oneof(fc.double({ min: 1, max: 80, noNaN: true }), fc.double(), fc.constant(null)),
    accKind: fc.constantFrom('p68', 'rms', 'p95'),
    speed: fc.double(),
    still: fc.boolean(),
    mock: fc.constant(false),
    evidence: fc.record({
      fence: fc.constantFrom('a', 'shop', 'nowhere'),
      kind: fc.constantFrom('portal_login', 'qr'),
    }),
  },
  { requiredKeys: ['t', 'lon', 'lat', 'acc'] },
) as fc.Arbitrary<Ping>;

const freeze = <V>(value: V): V => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
};

describe('for any pings whatever', () => {
  const fences = createFenceIndex([
    circle('mall', 0, 90),
    circle('shop', 10, 12, { parent: 'mall' }),
    circle('a', 40, 15, { parent: 'mall' }),
  ]);
  test('step never throws, never mutates, survives JSON, repeats itself, stays small', () => {
    fc.assert(
      fc.property(fc.array(anyPing, { maxLength: 40 }), (pings) => {
        const sorted = pings.toSorted((a, b) => a.t - b.t);
        let state: DeviceState = initialState('d');
        for (const ping of sorted) {
          freeze(state);
          const copy = JSON.parse(JSON.stringify(state)) as DeviceState;
          const result = step(state, ping, fences, defaultPolicy);
          expect(step(copy, ping, fences, defaultPolicy)).toEqual(result);
          for (const t of result.transitions)
            expect(Number.isFinite(t.at) && Number.isFinite(t.p)).toBe(true);
          for (const v of result.visits) {
            expect(v.score).toBeGreaterThanOrEqual(0);
            expect(v.score).toBeLessThanOrEqual(1);
            expect(v.dwell.upper ?? Infinity).toBeGreaterThanOrEqual(v.dwell.lower);
          }
          ({ state } = result);
          expect(JSON.stringify(state).length).toBeLessThan(4000);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test('twice the same ping is once', () => {
    fc.assert(
      fc.property(fc.array(anyPing, { maxLength: 25 }), (pings) => {
        const sorted = pings.toSorted((a, b) => a.t - b.t);
        const once = runTrack(sorted, fences);
        const twice = runTrack(
          sorted.flatMap((p) => [p, p]),
          fences,
        );
        expect(twice.visits).toEqual(once.visits);
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  test('every left follows an entered, every visit ends final', () => {
    const near = fc.record({
      gap: fc.integer({ min: 1, max: 2000 }),
      east: fc.integer({ min: -150, max: 150 }),
      acc: fc.integer({ min: 3, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(near, { maxLength: 60 }), (rows) => {
        let second = 0;
        const pings = rows.map(({ gap, east, acc }) => at((second += gap), east, { acc }));
        const { transitions, visits } = runTrack(pings, fences);
        const open = new Set<string>();
        for (const t of transitions) {
          if (t.type === 'entered') {
            expect(open.has(t.fence)).toBe(false);
            open.add(t.fence);
          }
          if (t.type === 'dwelled') expect(open.has(t.fence)).toBe(true);
          if (t.type === 'left') expect(open.delete(t.fence)).toBe(true);
          if (t.type !== 'crossed') expect(t.at).toBeLessThanOrEqual(t.detectedAt);
        }
        expect([...open]).toEqual([]);
        for (const v of visits) expect(v.status).toBe('final');
      }),
      { numRuns: 300, seed: 9 },
    );
  });
});
