/** A seeded crowd among fences of every kind, told exactly as before: what makes it quicker must not change it. */
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceState, Ping } from '../../geo/engine.ts';
import type { FenceDefinition } from '../../geo/fence.ts';
import { defaultPolicy, initialState, step, tick } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { randomFrom } from '../../scripts/lib/random.ts';
import { PLAN_ORIGIN, hallPlan, rectangle, streetPlan } from '../support/stays.ts';
import { moved } from '../support/tracks.ts';

const FILE = join(import.meta.dirname, '../fixtures/tracks/crowd-digest.json');
const T = Date.UTC(2026, 2, 28, 22);
const KEYS = ['bssid:00:00:00:00:00:01', 'beacon:u:1:1', 'qr:x', 'gateway:g'];

/** A mall on two floors, a street, and whatever else a merchant may draw. */
function town(): FenceDefinition[] {
  const mall = hallPlan(3).map((d) => ({
    ...d,
    id: `m${d.id}`,
    ...(d.parent ? { parent: 'm0' } : {}),
  }));
  const upper = hallPlan(4)
    .slice(1, 8)
    .map((d) => ({ ...d, id: `u${d.id}`, parent: 'up', floor: '2' }));
  const street = streetPlan(5).map((d, i) => ({
    ...d,
    id: `s${d.id}`,
    shape: shifted(d, 0, -40),
    ...(i % 5 === 0 ? { priority: 1 + (i % 3) } : {}),
    ...(i % 4 === 0
      ? {
          hours: {
            timezone: 'Europe/Paris',
            week: Array.from({ length: 7 }, () => [[480, 60]] as const),
          },
        }
      : {}),
    ...(i === 7 ? { radio: [KEYS[3] as string] } : {}),
  }));
  const at = (e: number, n: number): [number, number] => moved(...PLAN_ORIGIN, e, n);
  const [lon, lat] = at(220, 20);
  const wire = (id: string, e: number): FenceDefinition => ({
    id,
    name: id,
    shape: {
      type: 'Tripwire',
      direction: id === 'w1' ? 'both' : 'left',
      coordinates: [at(e, -60), at(e + 9, 0), at(e, 70)],
    },
  });
  return [
    ...mall,
    rectangle('up', PLAN_ORIGIN, [0, 0, 140, 60], { parent: 'm0', floor: '2' }),
    ...upper,
    ...street,
    { id: 'plaza', name: 'plaza', shape: { type: 'Circle', lon, lat, radius: 60 } },
    {
      id: 'kiosk',
      name: 'kiosk',
      parent: 'plaza',
      shape: { type: 'Circle', lon, lat, radius: 6 },
      radio: [KEYS[2] as string],
    },
    rectangle('a', PLAN_ORIGIN, [160, 30, 40, 30]),
    rectangle('b', PLAN_ORIGIN, [180, 30, 40, 30], { priority: 2 }),
    { id: 'r1', name: 'r1', shape: { type: 'Radio' }, radio: [KEYS[0] as string], parent: 'm0' },
    { id: 'r2', name: 'r2', shape: { type: 'Radio' }, radio: [KEYS[1] as string] },
    {
      id: 'c1',
      name: 'c1',
      shape: { type: 'Composite', of: 'any', members: ['m1', 'm2', 'm3', 'r2'] },
    },
    { id: 'c2', name: 'c2', shape: { type: 'Composite', of: 'all', members: ['plaza', 'kiosk'] } },
    { id: 'c3', name: 'c3', shape: { type: 'Composite', of: 'any', members: ['c1', 'c2', 'a'] } },
    wire('w1', 150),
    wire('w2', 60),
  ];
}

function shifted(
  { shape }: FenceDefinition,
  east: number,
  north: number,
): FenceDefinition['shape'] {
  if (shape.type !== 'Polygon') return shape;
  const coordinates = shape.coordinates.map((ring) =>
    ring.map(([x, y]) => moved(x, y, east, north)),
  );
  return { type: 'Polygon', coordinates };
}

/** Six hours of somebody walking, stopping, going out of sight and coming back. */
function walk(seed: number): Ping[] {
  const random = randomFrom(seed);
  let [x, y, heading, pause] = [random() * 260, random() * 120 - 60, random() * 6.28, 0];
  let [ex, ey] = [0, 0];
  const acc = 5 + random() * random() * 30;
  const pings: Ping[] = [];
  for (let t = T; t < T + 6 * 3_600_000;) {
    const period = random() < 0.01 ? 2400 : 5 + random() * 40;
    t += Math.round(period * 1000);
    if (pause > 0) pause -= period;
    else {
      heading += random() - 0.5;
      x += 0.8 * Math.min(period, 60) * Math.cos(heading);
      y += 0.8 * Math.min(period, 60) * Math.sin(heading);
      if (x < -20 || x > 280 || y < -80 || y > 80) heading += 2.5;
      if (random() < 0.15) pause = 60 + random() * 1500;
    }
    const keep = Math.exp(-period / 20);
    ex = keep * ex + (1 - keep) * acc * (random() + random() + random() - 1.5) * 1.3;
    ey = keep * ey + (1 - keep) * acc * (random() + random() + random() - 1.5) * 1.3;
    const far = random() < 0.01 ? 300 : 0;
    const [lon, lat] = moved(...PLAN_ORIGIN, x + ex + far, y + ey);
    const heard = random() < 0.08 ? [KEYS[Math.floor(random() * 4)] as string] : undefined;
    const evidence = random() < 0.004 ? { fence: 'm4', kind: 'portal_login' as const } : undefined;
    pings.push({
      t,
      lon,
      lat,
      acc,
      ...(heard ? { heard } : {}),
      ...(evidence ? { evidence } : {}),
    });
  }
  return pings;
}

/** Everything that geometry and belief decide; how a visit is scored has tests of its own. */
function digestOf(
  seed: number,
  fences: ReturnType<typeof createFenceIndex>,
): Record<string, unknown> {
  const hash = createHash('sha256');
  const counts: Record<string, number> = {};
  let state: DeviceState = initialState(`d${seed}`);
  const take = (result: ReturnType<typeof step>): void => {
    ({ state } = result);
    hash.update(
      JSON.stringify([
        state.track,
        state.wires,
        state.fences.map((f) => [f.fence, f.p, f.phase, f.from]),
      ]),
    );
    hash.update(JSON.stringify(result.transitions));
    for (const { type, fence } of result.transitions) {
      counts[type] = (counts[type] ?? 0) + 1;
      counts[fence] = (counts[fence] ?? 0) + 1;
    }
    for (const v of result.visits) {
      hash.update(
        JSON.stringify([v.id, v.fence, v.status, v.entry, v.exit, v.dwell, v.alternates, v.pNone]),
      );
    }
  };
  for (const ping of walk(seed)) take(step(state, ping, fences, defaultPolicy));
  take(tick(state, T + 12 * 3_600_000, fences, defaultPolicy));
  return { seed, counts, hash: hash.digest('hex').slice(0, 16) };
}

test('the same crowd gives the same transitions, visits and states, to the last digit', () => {
  const fences = createFenceIndex(town());
  const digests = Array.from({ length: 12 }, (_, i) => digestOf(i + 1, fences));
  const kinds = new Set(digests.flatMap((d) => Object.keys(d.counts as object)));
  for (const kind of [
    'crossed',
    'w1',
    'w2',
    'r1',
    'r2',
    'c1',
    'c2',
    'c3',
    'a',
    'b',
    'plaza',
    'up',
    'm0',
    's104',
  ]) {
    expect(kinds).toContain(kind);
  }
  if (process.env.REGEN === '1') writeFileSync(FILE, `${JSON.stringify(digests, null, 2)}\n`);
  expect(digests).toEqual(JSON.parse(readFileSync(FILE, 'utf8')));
});
