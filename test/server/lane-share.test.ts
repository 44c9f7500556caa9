/** What one device may have waiting is a part of what all may: the others still get in. */
import { expect, test } from '@jest/globals';
import { createLanes } from '../../server/pings/lanes.ts';

test('one device’s large batches leave room for everybody else', async () => {
  const lanes = createLanes();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const greedy = Array.from({ length: 32 }, () => lanes.run('greedy', () => ended, 2_000));
  const outcomes = Promise.allSettled(greedy);
  const others = Array.from({ length: 10 }, (_, i) => lanes.run(`d${i}`, () => ended, 200));
  end();
  await Promise.all(others);
  const taken = (await outcomes).filter(({ status }) => status === 'fulfilled');
  expect(taken.length).toBeGreaterThan(1);
  expect(taken.length).toBeLessThan(10);
  // However large, a batch is taken when nothing of its device waits.
  expect(await lanes.run('greedy', () => Promise.resolve('large'), 20_000)).toBe('large');
});
