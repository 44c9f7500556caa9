/** PURE. Blocks of 32-bit numbers in one growing array; what is given back is handed out again. */

/** `ints` and `floats` are two views of the same memory, replaced when it grows: read them anew. */
export interface Pool {
  ints: Int32Array;
  floats: Float32Array;
  end: number;
  /** First hole of each size; the others follow through their own first integer. */
  readonly holes: Map<number, number>;
}

export function createPool(): Pool {
  const ints = new Int32Array(1024);
  return { ints, floats: new Float32Array(ints.buffer), end: 16, holes: new Map() };
}

/** Sizes are rounded up to a quarter of an octave: little is wasted and holes are soon filled. */
function roomFor(size: number): number {
  if (size <= 8) return Math.max(1, size);
  const step = 1 << (29 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}

/** Offset of `size` numbers, whatever stands in them. Never below 16. */
export function take(pool: Pool, size: number): number {
  const room = roomFor(size);
  const hole = pool.holes.get(room) ?? 0;
  if (hole !== 0) {
    pool.holes.set(room, pool.ints[hole] as number);
    return hole;
  }
  const at = pool.end;
  pool.end += room;
  if (pool.end > pool.ints.length) {
    const grown = new Int32Array(Math.max(pool.end, Math.ceil(pool.ints.length * 1.5)));
    grown.set(pool.ints);
    pool.ints = grown;
    pool.floats = new Float32Array(grown.buffer);
  }
  return at;
}

/** Gives a block back, with the size it was taken with. */
export function give(pool: Pool, at: number, size: number): void {
  const room = roomFor(size);
  pool.ints[at] = pool.holes.get(room) ?? 0;
  pool.holes.set(room, at);
}
