/** One lane per device: its batches one after another, devices side by side, everything bounded. */
import { problem } from '../errors.ts';

export interface Lanes {
  /** Runs `work` after all earlier work of this key; throws `too-many-requests` when too much waits. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Batches waiting or running. */
  busy(): number;
  /** Resolves when nothing waits or runs: for a graceful stop. */
  idle(): Promise<void>;
}

export interface LaneLimits {
  /** Batches one device may have waiting. */
  perLane: number;
  /** Batches all devices together may have waiting. */
  total: number;
  /** Batches worked on at the same time; more would only queue for a database connection. */
  width: number;
}

const defaults: LaneLimits = { perLane: 32, total: 2000, width: 8 };

export function createLanes(limits: Partial<LaneLimits> = {}): Lanes {
  const { perLane, total, width } = { ...defaults, ...limits };
  const lanes = new Map<string, (() => Promise<void>)[]>();
  const ready: string[] = [];
  let busy = 0;
  let running = 0;
  let waiters: (() => void)[] = [];

  function finished(): void {
    busy--;
    if (busy > 0) return;
    for (const resolve of waiters) resolve();
    waiters = [];
  }

  function pump(): void {
    while (running < width && ready.length > 0) {
      const key = ready.shift() as string;
      const lane = lanes.get(key) as (() => Promise<void>)[];
      running++;
      void (lane[0] as () => Promise<void>)().finally(() => {
        running--;
        lane.shift();
        if (lane.length === 0) lanes.delete(key);
        // To the back of the line: a busy device must not keep the others waiting.
        else ready.push(key);
        finished();
        pump();
      });
    }
  }

  return {
    run<T>(key: string, work: () => Promise<T>) {
      const lane = lanes.get(key) ?? [];
      if (lane.length >= perLane || busy >= total) {
        return Promise.reject(
          problem('too-many-requests', {
            detail: 'Earlier batches are still being stored; send again shortly.',
            retryAfter: 2,
          }),
        );
      }
      busy++;
      return new Promise<T>((resolve, reject) => {
        lane.push(() => work().then(resolve, reject));
        if (lane.length === 1) {
          lanes.set(key, lane);
          ready.push(key);
        }
        pump();
      });
    },
    busy: () => busy,
    idle: () => (busy === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  };
}
