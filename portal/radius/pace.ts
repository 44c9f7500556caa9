/** How much one sender may ask: token buckets and tries, for a bounded number of names. */

export interface Pace {
  /** Whether one more fits; counts it. */
  allows(name: string, now: number): boolean;
}

/** `perSecond` on average, `burst` at once. The names heard of longest ago are forgotten first. */
export function createPace(perSecond: number, burst: number, most = 8_192): Pace {
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    allows(name, now) {
      let bucket = buckets.get(name);
      if (bucket === undefined) {
        if (buckets.size >= most) buckets.delete(buckets.keys().next().value!);
        buckets.set(name, (bucket = { left: burst, at: now }));
      }
      const earned = (Math.max(0, now - bucket.at) * perSecond) / 1000;
      bucket.left = Math.min(burst, bucket.left + earned);
      bucket.at = now;
      if (bucket.left < 1) return false;
      bucket.left -= 1;
      return true;
    },
  };
}

export interface Tries {
  /** Whether this name has failed too often of late. */
  locked(name: string, now: number): boolean;
  failed(name: string, now: number): void;
}

/** `limit` failures within `windowMs` lock a name until the window ends. */
export function createTries(limit: number, windowMs: number, most = 8_192): Tries {
  const failures = new Map<string, { count: number; until: number }>();
  return {
    locked(name, now) {
      const entry = failures.get(name);
      return entry !== undefined && entry.until > now && entry.count >= limit;
    },
    failed(name, now) {
      const entry = failures.get(name);
      if (entry !== undefined && entry.until > now) {
        entry.count++;
        return;
      }
      failures.delete(name);
      if (failures.size >= most) failures.delete(failures.keys().next().value!);
      failures.set(name, { count: 1, until: now + windowMs });
    },
  };
}

/** Says yes at most once per name and `everyMs`. */
export function createOnceIn(
  everyMs: number,
  most = 8_192,
): (name: string, now: number) => boolean {
  const last = new Map<string, number>();
  return (name, now) => {
    const before = last.get(name);
    if (before !== undefined && now - before < everyMs) return false;
    last.delete(name);
    if (last.size >= most) last.delete(last.keys().next().value!);
    last.set(name, now);
    return true;
  };
}
