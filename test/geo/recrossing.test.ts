/** One way through a fence is told once, though late pings move the moment at which it happened. */
import { describe, expect, test } from '@jest/globals';
import type { Ping } from '../../geo/engine.ts';
import { defaultPolicy, initialState } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { revise, run } from '../../geo/history.ts';
import { moved } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];

const ping = (second: number, east: number): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, key: `${second}`, lon, lat, acc: 5 };
};
const [lon, lat] = HOME;
const shop = { id: 'f', name: 'f', shape: { type: 'Circle' as const, lon, lat, radius: 15 } };

const crossed = (happenings: ReturnType<typeof run>['happenings']) =>
  happenings.filter(({ transition }) => transition.type === 'crossed').map((h) => h.transition.at);

describe('through a shop', () => {
  const timeline = [{ from: -Infinity, fences: createFenceIndex([shop]) }];
  const start = initialState('d');
  const way = [ping(0, -100), ping(60, 100)];

  test('a late ping on the way there moves the crossing and tells no second one', () => {
    const late = [ping(10, -90)];
    const before = run(start, way, timeline, defaultPolicy);
    expect(crossed(before.happenings)).toHaveLength(1);
    const { run: after, fresh } = revise(start, way, late, timeline, defaultPolicy);
    expect(crossed(after.happenings)).toHaveLength(1);
    expect(crossed(after.happenings)).not.toEqual(crossed(before.happenings));
    expect(crossed(fresh)).toEqual([]);
  });

  test('a way back that nobody knew of is told, and it alone', () => {
    const late = [ping(120, -100), ping(180, 100)];
    const { run: after, fresh } = revise(
      start,
      [...way, ping(240, 200)],
      late,
      timeline,
      defaultPolicy,
    );
    expect(crossed(after.happenings)).toHaveLength(3);
    expect(crossed(fresh)).toEqual(crossed(after.happenings).slice(1));
  });

  test('one from before those that were told does not pass for one of them', () => {
    const late = [ping(-4060, -100), ping(-4000, 100)];
    const { run: after, fresh } = revise(start, way, late, timeline, defaultPolicy);
    expect(crossed(after.happenings)).toHaveLength(2);
    expect(crossed(fresh)).toEqual(crossed(after.happenings).slice(0, 1));
  });
});
