/** PURE. Fences that rest after an exit: what the same device does there meanwhile triggers nothing. */
import type { Transition } from '../../geo/visit.ts';

/** Fence id → ms since 1970 (event time) until which it triggers nothing more for this device. */
export type Cooling = Readonly<Record<string, number>>;

/** Fences remembered per device; those that rest longest are kept. */
const MOST = 50;

export interface Cooler {
  /** Until when the fence rests at the time of this transition; null when it does not. */
  restsUntil(transition: Transition): number | null;
  /** Takes note of an exit, or of a way through; to be called in the order of happening. */
  note(transition: Transition): void;
  /** What to remember at `now`: null when nothing rests. */
  remembered(now: number): Cooling | null;
}

/** `cooldownOf` gives a fence's rest in seconds, 0 for none. */
export function createCooler(known: Cooling | null, cooldownOf: (fence: string) => number): Cooler {
  const until = new Map(Object.entries(known ?? {}));
  return {
    restsUntil({ fence, at }) {
      const end = until.get(fence);
      return end !== undefined && at < end ? end : null;
    },
    note({ type, fence, at }) {
      if (type !== 'left' && type !== 'crossed') return;
      const seconds = cooldownOf(fence);
      if (seconds > 0) until.set(fence, Math.max(until.get(fence) ?? 0, at + seconds * 1000));
    },
    remembered(now) {
      const resting = [...until].filter(([, end]) => end > now).toSorted((a, b) => b[1] - a[1]);
      return resting.length === 0 ? null : Object.fromEntries(resting.slice(0, MOST));
    },
  };
}
