/** One lane per device: its batches one after another, devices side by side, everything bounded. */
import { problem } from '../errors.ts';

export interface Lanes {
  /**
   * Runs `work` after all earlier work of this key; throws `too-many-requests` when too much waits.
   * `weight` is what it holds in memory meanwhile, in pings.
   */
  run<T>(key: string, work: () => Promise<T>, weight?: number): Promise<T>;
  /** Batches waiting or running. */
  busy(): number;
  /** Resolves when nothing waits or runs: for a graceful stop. */
  idle(): Promise<void>;
}

export interface LaneLimits {
  /** Batches one device may have waiting. */
  perLane: number;
  /** Pings one device may have waiting, or it alone would fill the house; one batch is always taken. */
  share: number;
  /** Pings all devices together may have waiting; one batch is always taken when nothing waits. */
  total: number;
  /** Batches worked on at the same time; more would only queue for a database connection. */
  width: number;
}

interface Waiting {
  work: () => Promise<void>;
  weight: number;
}

const defaults: LaneLimits = { perLane: 32, share: 12_000, total: 50_000, width: 8 };

export function createLanes(limits: Partial<LaneLimits> = {}): Lanes {
  const { perLane, share, total, width } = { ...defaults, ...limits };
  const lanes = new Map<string, Waiting[]>();
  const ready: string[] = [];
  let busy = 0;
  let held = 0;
  let running = 0;
  let waiters: (() => void)[] = [];

  function finished(weight: number): void {
    busy--;
    held -= weight;
    if (busy > 0) return;
    for (const resolve of waiters) resolve();
    waiters = [];
  }

  function pump(): void {
    while (running < width && ready.length > 0) {
      const key = ready.shift() as string;
      const lane = lanes.get(key) as Waiting[];
      const { work, weight } = lane[0] as Waiting;
      running++;
      void work().finally(() => {
        running--;
        lane.shift();
        if (lane.length === 0) lanes.delete(key);
        // To the back of the line: a busy device must not keep the others waiting.
        else ready.push(key);
        finished(weight);
        pump();
      });
    }
  }

  return {
    run<T>(key: string, work: () => Promise<T>, weight = 1) {
      const lane = lanes.get(key) ?? [];
      const own = lane.reduce((sum, each) => sum + each.weight, weight);
      const laneFull = lane.length >= perLane || (lane.length > 0 && own > share);
      const full = held + weight > total && (held > 0 || total === 0);
      if (laneFull || full) {
        return Promise.reject(
          problem('too-many-requests', {
            detail: 'Earlier batches are still being stored; send again shortly.',
            retryAfter: 2,
          }),
        );
      }
      busy++;
      held += weight;
      return new Promise<T>((resolve, reject) => {
        lane.push({ work: () => work().then(resolve, reject), weight });
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
