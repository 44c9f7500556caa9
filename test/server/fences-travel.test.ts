/** The fences of any moment, whatever order the moments are asked in, are those an index built whole would show. */
import { describe, expect, test } from '@jest/globals';
import type { Fence } from '../../geo/fence.ts';
import type { FenceIndex } from '../../geo/fence-index.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { createPast, editionsOf } from '../../server/fences/past.ts';
import { definitionOf } from '../../server/fences/definition.ts';
import type { FenceRow } from '../../server/fences/queries.ts';
import type { StoredShape } from '../../server/fences/shape.ts';
import type { VersionRow } from '../../server/fences/versions-queries.ts';
import { randomFrom } from '../../scripts/lib/random.ts';

const random = randomFrom(11);
const METRE = 1 / 111_320;
const between = (from: number, to: number): number => from + (to - from) * random();
const whole = (to: number): number => Math.floor(between(0, to));

const bare = { radius_m: null, width_m: null, direction: null, members: null, members_of: null };

function anyShape(id: number): StoredShape & { radio: string[] | null } {
  const [x, y] = [between(0, 300) * METRE, between(0, 300) * METRE];
  const side = between(5, 120) * METRE;
  const line = {
    type: 'LineString' as const,
    coordinates: [[x, y] as const, [x + side, y] as const],
  };
  const kind = whole(6);
  if (kind === 0) return { ...bare, kind: 'radio', geometry: null, radio: [`qr:${whole(3)}`] };
  if (kind === 1)
    return { ...bare, kind: 'tripwire', geometry: line, direction: 'both', radio: null };
  if (kind === 2) {
    const members = [`f${(id + 1) % 40}`, `f${(id + 2) % 40}`];
    return { ...bare, kind: 'composite', geometry: null, members, members_of: 'any', radio: null };
  }
  const ring = [
    [x, y],
    [x + side, y],
    [x + side, y + side],
    [x, y + side],
    [x, y],
  ] as const;
  return {
    ...bare,
    kind: 'area',
    geometry: { type: 'Polygon', coordinates: [[...ring]] },
    radio: null,
  };
}

function edition(id: number, version: number): FenceRow {
  const rest = { store_id: null, parent_id: null, floor: null, category: null, min_dwell_s: 180 };
  const more = { priority: 0, cooldown_s: 0, hours: null, datum: 'wgs84' as const, made: null };
  const at = new Date(0);
  const dates = { changed_at: at, created_at: at, updated_at: at, active: true };
  return { id: `f${id}`, name: `f${id}`, version, ...rest, ...more, ...dates, ...anyShape(id) };
}

/** Forty fences, most of which came, changed and went over a thousand seconds. */
const history: VersionRow[] = Array.from({ length: 40 }, (_, id) => {
  const cuts = Array.from({ length: whole(5) }, () => whole(1000)).toSorted((a, b) => a - b);
  return [0, ...cuts].flatMap((from, i): VersionRow[] => {
    const { geometry, changed_at, ...was } = edition(id, i + 1);
    const isLast = i === cuts.length;
    const isGone = isLast && id % 5 === 0;
    const to = isLast ? (isGone ? from + 50 : null) : cuts[i]!;
    if (to === from || (!isLast && random() < 0.2)) return [];
    return [
      {
        fence_id: was.id,
        valid_from: new Date(from * 1000),
        valid_to: to === null ? null : new Date(to * 1000),
        was: { ...was, changed_at: changed_at.toISOString() },
        geometry,
      },
    ];
  });
}).flat();

function builtAt(moment: number): FenceIndex {
  const stood = history.filter(
    ({ valid_from, valid_to }) =>
      valid_from.getTime() <= moment && (valid_to === null || valid_to.getTime() > moment),
  );
  return createFenceIndex(
    stood.map(({ was, geometry }) =>
      definitionOf({
        ...was,
        geometry,
        changed_at: new Date(was.changed_at),
      } as unknown as FenceRow),
    ),
  );
}

const ids = (fences: readonly Fence[]): string[] => fences.map(({ id }) => id);

function answers(index: FenceIndex, lon: number, lat: number) {
  const box = { minX: lon, minY: lat, maxX: lon + 40 * METRE, maxY: lat + 40 * METRE };
  const inside = index.containing(lon, lat);
  return {
    size: index.size,
    all: index.all().map((fence) => fence.definition),
    candidates: ids(index.candidates(lon, lat, 25)),
    containing: ids(inside),
    touching: ids(index.touching(box)),
    wires: ids(index.wires(box)),
    hearing: ['qr:0', 'qr:1', 'qr:2'].map((key) => ids(index.hearing(key))),
    composites: ids(index.compositesOf('f7')),
    kin: inside.map((fence) => index.kin(fence)),
    siblings: inside.map((fence) => ids(index.siblings(fence))),
  };
}

describe('the past', () => {
  const present = builtAt(2_000_000);
  const past = createPast(
    present,
    editionsOf(
      history.filter(({ valid_from, valid_to }) => Number(valid_from) > 1000 || valid_to !== null),
    ),
    1000,
  );

  test('shows each moment as it was, in whatever order moments are asked for', () => {
    const timeline = past.since(100_000);
    expect(timeline.length).toBeGreaterThan(40);
    expect(timeline[0]?.from).toBe(-Infinity);
    expect(timeline.at(-1)?.fences).toBe(present);
    for (let i = 0; i < 200; i++) {
      const epoch = timeline[whole(timeline.length)]!;
      const [lon, lat] = [between(-20, 400) * METRE, between(-20, 400) * METRE];
      const built = builtAt(Math.max(epoch.from, 100_000));
      expect(answers(epoch.fences, lon, lat)).toEqual(answers(built, lon, lat));
    }
  });

  test('two views at once do not mix', () => {
    const [first, , third] = past.since(300_000);
    const one = answers(first!.fences, 10 * METRE, 10 * METRE);
    const three = answers(third!.fences, 10 * METRE, 10 * METRE);
    expect(answers(first!.fences, 10 * METRE, 10 * METRE)).toEqual(one);
    expect(answers(third!.fences, 10 * METRE, 10 * METRE)).toEqual(three);
  });

  test('cannot be changed', () => {
    const [first] = past.since(300_000);
    expect(() => first!.fences.remove('f1')).toThrow('changed where they are kept');
    expect(() => first!.fences.add(present.all()[0]!.definition)).toThrow(
      'changed where they are kept',
    );
  });
});
