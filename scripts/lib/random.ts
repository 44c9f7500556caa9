/** PURE. Seeded randomness: the same seed gives the same crowd, the same town, the same noise. */

/** Numbers in [0, 1) that a seed decides (mulberry32, public domain): small, fast, good enough for a crowd. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One standard normal number from two uniform ones (Box-Muller). */
export function normalFrom(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** Standard normal. */
  normal(): number;
  pick<T>(items: readonly T[]): T;
}

export function seeded(seed: number): Random {
  const next = randomFrom(seed);
  return {
    next,
    between: (from, to) => from + (to - from) * next(),
    normal: () => normalFrom(next),
    pick: (items) => items[Math.floor(next() * items.length)]!,
  };
}
