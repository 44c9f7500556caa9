/** Any order, any batches, every ping twice, silence asked about at any time: one and the same story. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import type { Timeline } from '../../geo/history.ts';
import type { Visit } from '../../geo/visit.ts';
import { defaultPolicy, initialState, tick } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { isLate, revise, run, seenUntil } from '../../geo/history.ts';
import { normalFrom, randomFrom } from '../../scripts/lib/random.ts';
import { moved } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const MINUTE = 60_000;
const HOME: [number, number] = [8.54, 47.376];
const END = T + 48 * 60 * MINUTE;

const circle = (id: string, east: number, radius: number, more = {}): FenceDefinition => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { id, name: id, shape: { type: 'Circle', lon, lat, radius }, ...more };
};

const ping = (second: number, east: number, more: Partial<Ping> = {}): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, key: `${second}`, lon, lat, acc: 8, ...more };
};

const mall = (version = 1, changedAt?: number): FenceDefinition[] => [
  circle('mall', 0, 120, { version: 1 }),
  circle('shop', 0, 18, { parent: 'mall', version, ...(changedAt ? { changedAt } : {}) }),
  circle('café', 45, 15, { parent: 'mall' }),
];
const always: Timeline = [{ from: -Infinity, fences: createFenceIndex(mall()) }];

/** Somebody about for two hours: stays, walks, leaves, is silent, sends nonsense now and then. */
function dayOf(seed: number): Ping[] {
  const random = randomFrom(seed);
  const noise = normalFrom;
  const places = [0, 45, 300, 0, 0, 45, -500];
  const pings: Ping[] = [];
  let second = 0;
  while (pings.length < 60) {
    const place = places[Math.floor(random() * places.length)] as number;
    const fixes = 1 + Math.floor(random() * 14);
    for (let i = 0; i < fixes; i++) {
      second += random() < 0.05 ? 2400 : random() < 0.1 ? 0 : 5 + Math.floor(random() * 60);
      const wild = random() < 0.04 ? 90_000 : 0;
      pings.push(
        ping(second, place + 5 * noise(random) + wild, {
          key: `${pings.length}-${seed}`,
          acc: random() < 0.03 ? 900 : 8,
          mock: random() < 0.02,
        }),
      );
    }
  }
  return pings;
}

/** What a server does: late pings rewind to a state of before, the others are stepped. */
class Memory {
  state: DeviceState = initialState('d');
  readonly visits = new Map<string, Visit>();
  readonly timeline: Timeline;
  private readonly stored: Ping[] = [];
  private readonly checkpoints: DeviceState[] = [];

  constructor(timeline: Timeline) {
    this.timeline = timeline;
  }

  take(batch: readonly Ping[]): void {
    const known = new Set(this.stored.map((p) => p.key));
    const fresh = batch.filter((p, i) => {
      return !known.has(p.key) && batch.findIndex((q) => q.key === p.key) === i;
    });
    const turn = (p: Ping) => ({ t: p.t, key: p.key ?? '' });
    if (fresh.some((p) => isLate(this.state, turn(p)))) this.rewind(fresh);
    else {
      this.checkpoints.push(this.state);
      const { state, visits } = run(this.state, fresh, this.timeline, defaultPolicy);
      this.state = state;
      for (const visit of visits.values()) this.visits.set(visit.id, visit);
    }
    this.stored.push(...fresh);
  }

  private rewind(fresh: readonly Ping[]): void {
    const turn = (p: Ping) => ({ t: p.t, key: p.key ?? '' });
    const fits = (s: DeviceState): boolean => fresh.every((p) => !isLate(s, turn(p)));
    const start = this.checkpoints.findLast(fits) ?? initialState('d');
    const since = this.stored.filter((p) => !isLate(start, turn(p)));
    const { settled } = this.state;
    const until = settled === null ? {} : { until: settled };
    const revision = revise(start, since, fresh, this.timeline, defaultPolicy, until);
    this.checkpoints.splice(this.checkpoints.findLastIndex(fits) + 1);
    for (const { id } of revision.retracted) this.visits.delete(id);
    for (const { visit, was } of revision.changed) {
      if (was) this.visits.delete(was.id);
      this.visits.set(visit.id, visit);
    }
    this.state = revision.run.state;
  }

  silence(now: number): void {
    const { state, visits } = run(this.state, [], this.timeline, defaultPolicy, { until: now });
    this.state = state;
    for (const visit of visits.values()) this.visits.set(visit.id, visit);
  }

  final(): string {
    this.silence(END);
    const rows = [...this.visits.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return JSON.stringify(rows, null, 1);
  }
}

function truth(pings: readonly Ping[], timeline: Timeline) {
  const all = run(initialState('d'), pings, timeline, defaultPolicy, { until: END });
  const rows = [...all.visits.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { state: all.state, visits: JSON.stringify(rows, null, 1) };
}

const changeAt = T + 40 * MINUTE;
const edited: Timeline = [
  { from: -Infinity, fences: createFenceIndex(mall()) },
  { from: changeAt, fences: createFenceIndex(mall(2, changeAt).slice(0, 2)) },
];

describe('the order of arrival does not matter', () => {
  test.each([
    ['fences as they are', always],
    ['a fence redrawn and another removed in between', edited],
  ])('%s', (_, timeline) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.infiniteStream(fc.nat({ max: 0xffff })),
        (seed, stream) => {
          const pings = dayOf(seed);
          const pick = (n: number): number => (stream.next().value as number) % n;
          // Mostly near its place, now and then far from it; each ping twice.
          const arrival = [...pings, ...pings]
            .map((p, i) => ({ p, at: (i % pings.length) + pick(pick(4) === 0 ? 80 : 4) }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ p }) => p);
          const memory = new Memory(timeline);
          while (arrival.length > 0) {
            memory.take(arrival.splice(0, 1 + pick(9)));
            if (pick(5) === 0) memory.silence(seenUntil(memory.state) + pick(90) * MINUTE);
          }
          const wanted = truth(pings, timeline);
          expect(memory.final()).toBe(wanted.visits);
          expect(memory.state).toEqual(wanted.state);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  test('the story is not an empty one', () => {
    const visits = [1, 2, 3, 4, 5].flatMap(
      (seed) => JSON.parse(truth(dayOf(seed), always).visits) as Visit[],
    );
    expect(new Set(visits.map((v) => v.fence))).toEqual(new Set(['mall', 'shop', 'café']));
  });
});

describe('revise', () => {
  const stay = Array.from({ length: 12 }, (_, i) => ping(60 + i * 30, 0));
  const start = initialState('d');

  test('a late ping inside makes the visit longer and tells nothing twice', () => {
    const early = [ping(0, 0), ping(30, 0)];
    const { changed, retracted, fresh } = revise(start, stay, early, always, defaultPolicy);
    const shop = changed.find(({ visit }) => visit.fence === 'shop');
    expect(retracted).toEqual([]);
    expect(fresh.filter((h) => h.transition.type === 'entered')).toEqual([]);
    expect(shop?.was?.entry.latest).toBe(T + 60_000);
    expect(shop?.visit.entry.latest).toBe(T);
  });

  test('late pings elsewhere undo a visit', () => {
    const few = [ping(0, 300), ping(60, 0), ping(120, 0), ping(180, 300)];
    const away = [70, 80, 90, 100, 110].map((s) => ping(s, 300));
    const before = run(start, few, always, defaultPolicy, { until: END });
    expect([...before.visits.values()].map((v) => v.fence)).toContain('shop');
    const { retracted } = revise(start, few, away, always, defaultPolicy, { until: END });
    expect(retracted.map((v) => v.fence)).toContain('shop');
  });

  test('late pings make a visit nobody knew of', () => {
    const passing = [ping(0, 300), ping(900, 300)];
    const { changed, fresh } = revise(start, passing, stay, always, defaultPolicy);
    expect(changed.map(({ visit, was }) => [visit.fence, was])).toContainEqual(['shop', null]);
    expect(fresh.map((h) => h.transition.type)).toContain('entered');
  });
});

describe('a fence changed around people', () => {
  const sitting = Array.from({ length: 30 }, (_, i) => ping(i * 30, 0));
  const edit = T + 6 * MINUTE + 5000;
  const after = (fences: FenceDefinition[]): Timeline => [
    { from: -Infinity, fences: createFenceIndex([circle('shop', 0, 20)]) },
    { from: edit, fences: createFenceIndex(fences) },
  ];
  const told = (timeline: Timeline) =>
    run(initialState('d'), sitting, timeline, defaultPolicy).happenings.map(({ transition: t }) => [
      t.type,
      t.fence,
      t.reason,
      t.detectedAt < edit ? 'before' : 'after',
    ]);

  test('redrawn a little: the visit goes on under the new version', () => {
    const timeline = after([circle('shop', 0, 25, { version: 2, changedAt: edit })]);
    const { visits, happenings } = run(initialState('d'), sitting, timeline, defaultPolicy);
    expect([...visits.values()].map((v) => [v.fenceVersion, v.status])).toEqual([[2, 'open']]);
    expect(happenings.filter((h) => h.transition.type === 'left')).toEqual([]);
  });

  test('moved away: left, because the fence changed', () => {
    const timeline = after([circle('shop', 400, 20, { version: 2, changedAt: edit })]);
    expect(told(timeline)).toContainEqual(['left', 'shop', 'fence_changed', 'after']);
  });

  test('a new fence around somebody: entered, because the fence changed', () => {
    const drawn = circle('new', 2, 20, { changedAt: edit, parent: 'none' });
    const timeline = after([circle('shop', 0, 20), drawn]);
    expect(told(timeline)).toContainEqual(['entered', 'new', 'fence_changed', 'after']);
  });

  test('removed: left, and not by silence', () => {
    expect(told(after([]))).toContainEqual(['left', 'shop', 'fence-removed', 'after']);
  });

  test('somebody who walks in after the change has entered', () => {
    const walk = [ping(300, 300), ping(360, 240), ...sitting.slice(14)];
    const timeline = after([circle('shop', 0, 25, { version: 2, changedAt: edit })]);
    const { happenings } = run(initialState('d'), walk, timeline, defaultPolicy);
    const entered = happenings.find((h) => h.transition.type === 'entered');
    expect(entered?.transition.reason).toBeUndefined();
  });
});

test('asking in between changes nothing that a later ping would not have found', () => {
  const { fences } = always[0] as { fences: ReturnType<typeof createFenceIndex> };
  const { state } = run(initialState('d'), dayOf(3), always, defaultPolicy);
  const once = tick(state, END, fences, defaultPolicy).state;
  const first = tick(state, seenUntil(state) + 31 * MINUTE, fences, defaultPolicy).state;
  expect(tick(first, END, fences, defaultPolicy).state).toEqual(once);
});
