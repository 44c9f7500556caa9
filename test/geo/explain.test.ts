/** Why there is a visit or none: every refusal, lack and rival in a sentence, from real runs of the engine. */
import { describe, expect, test } from '@jest/globals';
import type { Ping, Policy } from '../../geo/engine.ts';
import type { ExplainOptions, Explanation } from '../../geo/explain.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import { defaultPolicy, initialState } from '../../geo/engine.ts';
import { createExplainer } from '../../geo/explain.ts';
import { clues, english, inWords, say, share } from '../../geo/explain-words.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { run } from '../../geo/history.ts';
import { moved, trackFixtures } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];

const square = (id: string, east: number, size: number, more = {}): FenceDefinition => {
  const corner = (x: number, y: number): [number, number] =>
    moved(...HOME, east + (x * size) / 2, (y * size) / 2);
  const ring = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1), corner(-1, -1)];
  return { id, name: `Shop ${id}`, shape: { type: 'Polygon', coordinates: [ring] }, ...more };
};

const at = (second: number, east: number, more: Partial<Ping> = {}): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, lon, lat, acc: 5, key: `k${second}`, ...more };
};

const every20 = (from: number, to: number, east: number, more: Partial<Ping> = {}): Ping[] =>
  Array.from({ length: (to - from) / 20 + 1 }, (_, i) => at(from + i * 20, east, more));

function why(
  fences: readonly FenceDefinition[],
  pings: readonly Ping[],
  options: Partial<ExplainOptions> & { asked?: never; about?: string } = {},
): Explanation {
  const index = createFenceIndex(fences);
  const policy: Policy = options.policy ?? defaultPolicy;
  const { about, ...rest } = options;
  const asked = about === undefined ? [] : [index.get(about)!];
  const explainer = createExplainer({ ...rest, policy, asked });
  const until = Math.max(T, ...pings.map((ping) => ping.t)) + 4 * 3_600_000;
  const told = run(initialState('d'), pings, [{ from: -Infinity, fences: index }], policy, {
    until,
    onStep: explainer.onStep,
  });
  return explainer.explain(told.visits.values());
}

const verdict = ({ fences }: Explanation, fence: string) => fences.find((f) => f.fence === fence);
const codes = ({ pings }: Explanation, fence: string): string[] =>
  pings.map((ping) => ping.fences.find((f) => f.fence === fence)?.says.code ?? '-');

describe('ping by ping', () => {
  const stay = [...every20(0, 40, 150), ...every20(60, 300, 0), ...every20(320, 500, 200)];
  const told = why([square('a', 0, 40)], stay);

  test('the way into a visit and out of it is told step by step', () => {
    const steps = codes(told, 'a');
    const order = ['wait', 'entered', 'inside', 'left'].map((code) => steps.indexOf(code));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const views = told.pings.flatMap((ping) => ping.fences);
    expect(views.find((view) => view.after !== view.before)).toMatchObject({
      before: 'away',
      after: 'candidate',
    });
    expect(told.pings.flatMap((ping) => ping.transitions.map((t) => t.type))).toEqual([
      'entered',
      'dwelled',
      'left',
    ]);
  });

  test('what is missing is told in figures', () => {
    const { says } = told.pings.flatMap((p) => p.fences).find((f) => f.says.code === 'wait')!;
    expect(says.values).toMatchObject({ needs: 45 });
    expect(inWords(says)).toMatch(/^Believed 0\.\d+; needs 45 s, \d+ s so far\.$/);
  });

  test('a refused ping has its reason, with figures where there are any', () => {
    const bad = [
      at(0, 0),
      at(20, 0, { mock: true }),
      at(40, 0, { acc: 900 }),
      at(60, 40_000),
      at(80, 0, { lat: 95 }),
    ];
    const { pings, trust } = why([square('a', 0, 40)], bad);
    expect(pings.map((ping) => ping.verdict)).toEqual([
      'accepted',
      'mock',
      'inaccurate',
      'impossible-speed',
      'out-of-range',
    ]);
    expect(pings[1]?.fused).toBeNull();
    expect(inWords(pings[2]!.says[0]!)).toContain('900 m is worse than the 250 m');
    expect(pings[3]?.says[0]?.values['seconds']).toBe(60);
    expect(pings[3]?.says[0]?.values['metres']).toBeGreaterThan(39_000);
    expect(trust.map((each) => each.code)).toEqual(['trust.mock', 'trust.impossible-speed']);
  });

  test('a wild fix, a fix without accuracy and a proof are noted', () => {
    const still = { still: true } as const;
    const pings = [
      ...every20(0, 200, 0, still),
      at(220, 180),
      at(240, 0, { acc: null }),
      at(260, 0, { evidence: { fence: 'a', kind: 'portal_login' } }),
    ];
    const told = why([square('a', 0, 40)], pings).pings.map((p) => p.says.map((s) => s.code));
    expect(told[11]).toEqual(['note.spike']);
    expect(told[12]).toEqual(['note.no-accuracy']);
    expect(told[13]).toEqual(['note.evidence']);
  });

  test('pings from before the span lead up to it and are not told', () => {
    const { pings } = why([square('a', 0, 40)], stay, { from: T + 200_000 });
    expect(pings[0]?.t).toBe(T + 200_000);
    expect(pings[0]?.fences[0]?.says.code).not.toBe('wait');
  });

  test('a ping the engine never saw takes its place by time', () => {
    const explainer = createExplainer({ policy: defaultPolicy });
    explainer.refused(at(60, 0), 'time-future');
    explainer.refused(at(40, 0), 'odd-thing');
    const { pings } = explainer.explain([]);
    expect(pings.map((ping) => ping.says[0])).toEqual([
      say('refused.other', { reason: 'odd-thing' }),
      say('refused.time-future'),
    ]);
  });
});

describe('fence by fence: why no visit', () => {
  const shops = [square('a', 0, 12), square('b', 13, 12)];
  test.each<[string, FenceDefinition[], Ping[], string]>([
    ['nothing was sent', [square('a', 0, 40)], [], 'no-fixes'],
    [
      'every fix was simulated',
      [square('a', 0, 40)],
      every20(0, 300, 0, { mock: true }),
      'all-refused',
    ],
    ['it was never near', [square('a', 0, 40)], every20(0, 300, 5000), 'never-near'],
    [
      'it walked past',
      [square('a', 0, 40)],
      [at(0, -120), at(60, 0), at(75, 0), at(120, 120)],
      'too-brief',
    ],
    [
      'the fixes were too coarse',
      [square('a', 0, 8)],
      every20(0, 400, 0, { acc: 45 }),
      'never-believed',
    ],
    ['the shop next door was likelier', shops, every20(0, 600, 9), 'rival-won'],
    [
      'it stayed too short',
      [square('a', 0, 120)],
      [at(0, -200), ...every20(20, 80, 0), ...every20(100, 300, 250)],
      'too-short',
    ],
    ['there is one', [square('a', 0, 40)], every20(0, 600, 0), 'visit'],
    [
      'its signals were not heard',
      [{ id: 'a', name: 'a', shape: { type: 'Radio' }, radio: ['bssid:x'] }],
      every20(0, 60, 0),
      'never-heard',
    ],
    [
      'it was closed',
      [square('a', 0, 12, { hours: { timezone: 'UTC', week: [[], [], [], [], [], [], []] } })],
      every20(0, 600, 7),
      'was-closed',
    ],
  ])('%s', (_, fences, pings, code) => {
    const told = verdict(why(fences, pings, { about: 'a' }), 'a');
    expect(told?.says.code).toBe(code);
    expect(told?.visited).toBe(code === 'visit');
    expect(inWords(told!.says)).not.toMatch(/\{\{|undefined|NaN|Infinity/);
  });

  test('the rival is named, with both beliefs', () => {
    const told = verdict(why(shops, every20(0, 600, 9)), 'a')!;
    const name = (id: string): string => shops.find((shop) => shop.id === id)!.name;
    expect(inWords(told.says, name)).toMatch(
      /^Shop b was likelier: 0\.\d+ against 0\.\d+ at best\.$/,
    );
  });

  test('a fence asked for stands alone when only it is wanted', () => {
    const told = why(shops, every20(0, 600, 9), { about: 'a', only: true });
    expect(told.fences.map((f) => f.fence)).toEqual(['a']);
    expect(new Set(told.pings.flatMap((p) => p.fences.map((f) => f.fence)))).toEqual(
      new Set(['a']),
    );
  });
});

test('listening changes nothing', () => {
  for (const { fences, pings } of trackFixtures()) {
    const timeline = [{ from: -Infinity, fences: createFenceIndex(fences) }];
    const { onStep } = createExplainer({ policy: defaultPolicy });
    const heard = run(initialState('d'), pings, timeline, defaultPolicy, { onStep });
    expect(heard).toEqual(run(initialState('d'), pings, timeline, defaultPolicy));
  }
});

test('every sentence of every fixture is whole', () => {
  for (const { fences, pings } of trackFixtures()) {
    const told = why(fences, pings);
    const sentences = [
      ...told.pings.flatMap((p) => [...p.says, ...p.fences.map((f) => f.says)]),
      ...told.fences.map((f) => f.says),
      ...told.trust,
    ];
    for (const each of sentences) {
      expect(clues).toContain(each.code);
      const wanted = [...english[each.code].matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]);
      expect(Object.keys(each.values)).toEqual(expect.arrayContaining(wanted));
      for (const value of Object.values(each.values)) expect(value).not.toBeNaN();
    }
  }
});

test('a share is rounded down: what falls short must not read as enough', () => {
  expect([0.6499, 0.65, 1, 0.2899].map(share)).toEqual([0.64, 0.65, 1, 0.28]);
});

test('what has no ground is told of without any', () => {
  const radio: FenceDefinition = {
    id: 'r',
    name: 'WiFi',
    shape: { type: 'Radio' },
    radio: ['bssid:x'],
  };
  const heard = every20(0, 200, 0).map((ping, i) =>
    i % 5 === 4 ? ping : { ...ping, heard: ['bssid:x'] },
  );
  const both: FenceDefinition = {
    id: 'c',
    name: 'Both',
    shape: { type: 'Composite', of: 'any', members: ['a'] },
  };
  const told = why(
    [square('a', 0, 8), radio, both],
    [...heard, ...every20(220, 600, 0, { acc: 45 })],
  );
  expect(codes(told, 'r')).toEqual(expect.arrayContaining(['proven', 'inside', 'unheard']));
  const words = told.pings.flatMap((p) => p.fences.map((f) => inWords(f.says)));
  expect(words.filter((text) => / 0 m inradius|NaN/.test(text))).toEqual([]);
});
