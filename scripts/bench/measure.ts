/** Medians, percentiles and bytes held, for the benches. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes held after a full collection: heap, and arrays beside it. */
export function bytesHeld(): number {
  // Buffers are freed by the collection after the one that finds them.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
