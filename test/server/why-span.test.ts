/** Spans between wall clocks and instants, over changes of the clocks. */
import { describe, expect, test } from '@jest/globals';
import { askedSpan, instantOf, localOf, spanAround } from '../../server/console/why-span.ts';

const at = (text: string): number => Date.parse(text);

describe('the clock on the wall', () => {
  test.each([
    ['2026-11-17T10:00', 'Asia/Shanghai', '2026-11-17T02:00:00Z'],
    ['2026-07-01T00:30', 'Europe/Amsterdam', '2026-06-30T22:30:00Z'],
    ['2026-03-29T04:00', 'Europe/Amsterdam', '2026-03-29T02:00:00Z'],
    ['2026-03-29T01:59', 'Europe/Amsterdam', '2026-03-29T00:59:00Z'],
    ['2026-10-25T12:00', 'Europe/Amsterdam', '2026-10-25T11:00:00Z'],
    ['2026-01-01T05:45', 'Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ])('%s in %s', (local, zone, instant) => {
    expect(instantOf(local, zone)).toBe(at(instant));
    expect(localOf(at(instant), zone)).toBe(local);
  });

  test.each(['', 'now', '2026-11-17', '2026-13-01T00:00', '2026-11-17T10:00Z'])(
    '%p is no time',
    (text) => {
      expect(instantOf(text, 'UTC')).toBeNull();
    },
  );
});

describe('what is asked for', () => {
  const heard = at('2026-11-17T10:00:30Z');

  test('nothing: two hours up to when the device was last heard', () => {
    const span = askedSpan({ from: '', span: '' }, heard, 'UTC');
    expect([span.local, span.minutes]).toEqual(['2026-11-17T08:02', 120]);
    expect(span.to).toBeGreaterThan(heard);
  });

  test('a length that is not offered is the usual one', () => {
    expect(askedSpan({ from: '2026-11-17T10:00', span: '100000' }, heard, 'UTC').minutes).toBe(120);
  });

  test.each([
    [10, 30],
    [50, 60],
    [300, 360],
    [9000, 1440],
  ])('around a visit of %d minutes: %d', (stay, minutes) => {
    const entry = at('2026-11-17T10:00:00Z');
    const span = spanAround(entry, entry + stay * 60_000, 'UTC');
    expect([span.local, span.minutes]).toEqual(['2026-11-17T09:55', minutes]);
  });
});
