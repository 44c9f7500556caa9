/** A visit that began before the stretch of history under revision is never taken back by it. */
import { describe, expect, test } from '@jest/globals';
import type { Ping } from '../../geo/engine.ts';
import type { Timeline } from '../../geo/history.ts';
import { defaultPolicy, initialState } from '../../geo/engine.ts';
import { createFenceIndex } from '../../geo/fence-index.ts';
import { revise, run } from '../../geo/history.ts';
import { moved } from '../support/tracks.ts';

const T = Date.UTC(2026, 4, 4, 9);
const HOME: [number, number] = [8.54, 47.376];

const ping = (second: number, east: number): Ping => {
  const [lon, lat] = moved(...HOME, east, 0);
  return { t: T + second * 1000, key: `${second}`, lon, lat, acc: 8 };
};
const [lon, lat] = HOME;
const shop = { id: 'shop', name: 'shop', shape: { type: 'Circle' as const, lon, lat, radius: 18 } };
const timeline: Timeline = [{ from: -Infinity, fences: createFenceIndex([shop]) }];
const stay = Array.from({ length: 11 }, (_, i) => ping(i * 30, 0));
const { state: inside } = run(initialState('d'), stay, timeline, defaultPolicy);

/** When the visit was last told, in seconds; the next telling is a minute later. */
const toldAt = ((inside.fences[0]?.visit?.toldAt ?? 0) - T) / 1000;

describe('a visit open before, told once more by the old run only', () => {
  const next = toldAt + 60;

  test.each([
    ['a late ping takes the turn of the one that told it', ping(next - 0.4, 0)],
    ['a late ping leads away, from where that one is out of reach', ping(next - 2, 300)],
  ])('%s', (_, late) => {
    const { run: after, retracted } = revise(
      inside,
      [ping(next, 0)],
      [late],
      timeline,
      defaultPolicy,
    );
    const open = after.state.fences.filter(
      ({ phase }) => phase === 'inside' || phase === 'leaving',
    );
    expect(open.map(({ visit }) => visit?.id)).toEqual([inside.fences[0]?.visit?.id]);
    expect(after.visits.size).toBe(0);
    expect(retracted).toEqual([]);
  });
});
