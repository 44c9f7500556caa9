/** Lanes: order within a device, devices side by side, and bounds on everything that waits. */
import { describe, expect, test } from '@jest/globals';
import { createLanes } from '../../server/pings/lanes.ts';

/** Work that ends when told to, and says when it began. */
function work(began: string[], name: string) {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = async () => {
    began.push(name);
    await ended;
    return name;
  };
  return { run, end };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('lanes', () => {
  test('keep one device’s batches in order and let others pass', async () => {
    const lanes = createLanes();
    const began: string[] = [];
    const [a1, a2, b1] = [work(began, 'a1'), work(began, 'a2'), work(began, 'b1')];
    const done = [lanes.run('a', a1.run), lanes.run('a', a2.run), lanes.run('b', b1.run)];
    await turn();
    expect(began).toEqual(['a1', 'b1']);
    a1.end();
    await turn();
    expect(began).toEqual(['a1', 'b1', 'a2']);
    a2.end();
    b1.end();
    expect(await Promise.all(done)).toEqual(['a1', 'a2', 'b1']);
    expect(lanes.busy()).toBe(0);
  });

  test('work on so many at a time and give each device its turn', async () => {
    const lanes = createLanes({ width: 1 });
    const began: string[] = [];
    const names = ['a1', 'a2', 'a3', 'b1'];
    const all = names.map((name) => work(began, name));
    const done = all.map(({ run }, i) => lanes.run((names[i] as string).slice(0, 1), run));
    for (const { end } of all) end();
    await Promise.all(done);
    expect(began).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  test('go on after a failure, which only its own caller sees', async () => {
    const lanes = createLanes();
    const failed = lanes.run('a', () => Promise.reject(new Error('no')));
    const fine = lanes.run('a', () => Promise.resolve('fine'));
    await expect(failed).rejects.toThrow('no');
    expect(await fine).toBe('fine');
  });

  test('refuse what would be too much, for one device and for all', async () => {
    const lanes = createLanes({ perLane: 2, total: 10 });
    const held = work([], '');
    const waiting = [lanes.run('a', held.run, 4), lanes.run('a', held.run, 4)];
    await expect(lanes.run('a', held.run)).rejects.toMatchObject({
      code: 'too-many-requests',
      extras: { retryAfter: 2 },
    });
    await expect(lanes.run('b', held.run, 3)).rejects.toMatchObject({ code: 'too-many-requests' });
    waiting.push(lanes.run('c', held.run, 2));
    held.end();
    await Promise.all(waiting);
    expect(await lanes.run('b', () => Promise.resolve('large'), 11)).toBe('large');
  });

  test('say when nothing waits or runs any more', async () => {
    const lanes = createLanes();
    await lanes.idle();
    const held = work([], '');
    const running = lanes.run('a', held.run);
    let idle = false;
    const waited = lanes.idle().then(() => {
      idle = true;
    });
    await turn();
    expect(idle).toBe(false);
    held.end();
    await running;
    await waited;
    expect(idle).toBe(true);
  });
});
