/** The same work asked for twice within a minute is done once: double presses, refreshes, two tabs. */
import type { Clock } from './ports.ts';

const KEEP_MS = 60_000;
const MAX_KEPT = 5_000;

/** `keep` says of a result whether it stands; one that does not is shared only while it is awaited. */
export type Once = <T>(
  key: string,
  work: () => Promise<T>,
  keep?: (result: T) => boolean,
) => Promise<T>;

/** Kept in this process only: with several, a repeated press may meet the host's own limits instead. */
export function createOnce(clock: Clock): Once {
  const kept = new Map<string, { until: number; result: Promise<unknown> }>();
  const drop = (now: number) => {
    for (const [key, { until }] of kept) {
      if (until > now && kept.size < MAX_KEPT) return;
      kept.delete(key);
    }
  };
  return <T>(key: string, work: () => Promise<T>, keep: (result: T) => boolean = () => true) => {
    const now = clock();
    drop(now);
    const known = kept.get(key);
    if (known !== undefined && known.until > now) return known.result as Promise<T>;
    const result = work();
    kept.set(key, { until: now + KEEP_MS, result });
    // A failure is not an answer: the next press tries again.
    result.then(
      (value) => keep(value) || kept.delete(key),
      () => kept.delete(key),
    );
    return result;
  };
}
