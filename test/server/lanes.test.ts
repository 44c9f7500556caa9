/** Lanes: order within a device, devices side by side, and bounds on everything that waits. */
import { describe, expect, test } from '@jest/globals';
import { createLanes } from '../../server/pings/lanes.ts';
import { createTogether } from '../../server/pings/together.ts';

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

describe('batches that wait behind each other', () => {
  /** One lane, and work that answers each ping with its double. */
  function desk(fail: (pings: readonly number[]) => boolean = () => false, atOnce = 10) {
    const lanes = createLanes();
    const together = createTogether<number, number>(atOnce);
    const done: number[][] = [];
    const work = async (pings: readonly number[]) => {
      done.push([...pings]);
      await turn();
      if (fail(pings)) throw new Error(`no: ${pings.join()}`);
      return pings.map((ping) => ping * 2);
    };
    const send = (...pings: number[]) =>
      together.run('a', pings, work, (task) => lanes.run('a', task, pings.length));
    return { done, send };
  }

  test('are done in one go, each with its own answers', async () => {
    const { done, send } = desk();
    const answers = await Promise.all([send(1), send(2, 3), send(4)]);
    expect(answers).toEqual([[2], [4, 6], [8]]);
    // The first finds nobody behind it.
    expect(done).toEqual([[1], [2, 3, 4]]);
    expect(await send(5)).toEqual([10]);
  });

  test('are not too many at once', async () => {
    const { done, send } = desk(() => false, 3);
    await Promise.all([send(1), send(2, 3), send(4), send(5, 6, 7, 8)]);
    expect(done).toEqual([[1], [2, 3, 4], [5, 6, 7, 8]]);
  });

  test('fail alone when they failed together', async () => {
    const { done, send } = desk((pings) => pings.includes(3));
    const answers = await Promise.allSettled([send(1), send(2), send(3), send(4)]);
    expect(answers.map((answer) => answer.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(done.slice(0, 3)).toEqual([[1], [2, 3, 4], [2]]);
    expect(done.at(-1)).toEqual([4]);
  });

  test('leave the line when there is no room for them', async () => {
    const lanes = createLanes({ total: 0 });
    const together = createTogether<number, number>();
    const full = together.run(
      'a',
      [1],
      () => Promise.resolve([1]),
      (task) => lanes.run('a', task),
    );
    await expect(full).rejects.toMatchObject({ code: 'too-many-requests' });
    const work = (pings: readonly number[]) => Promise.resolve([...pings]);
    const free = createLanes();
    expect(await together.run('a', [2], work, (task) => free.run('a', task))).toEqual([2]);
  });
});
