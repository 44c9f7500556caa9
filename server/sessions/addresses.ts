/** PURE. Which network address a client had when, as far as a gateway told. */

/** An address, and when it was told of first and last (ms since 1970). */
export interface Held {
  ip: string;
  from: number;
  to: number;
}

/** A network session has few; of one that never ends those held longest stay. */
const MOST = 50;

/** PURE. The list with an address told of at a moment, in whatever order moments are told. */
export function tellAddress(list: readonly Held[], ip: string, at: number): readonly Held[] {
  const next = list.findIndex((held) => held.from > at);
  const after = next === -1 ? list.length : next;
  const before = list[after - 1];
  if (before?.ip === ip)
    return at <= before.to ? list : list.with(after - 1, { ...before, to: at });
  const following = list[after];
  if (following?.ip === ip) return list.with(after, { ...following, from: at });
  const now = { ip, from: at, to: at };
  if (!before || before.to <= at) return bounded(list.toSpliced(after, 0, now));
  // Told of too late: another address was between the two tellings of one.
  const [first, second] = [
    { ...before, to: at },
    { ...before, from: at },
  ];
  return bounded(list.toSpliced(after - 1, 1, first, now, second));
}

/** The newest always stays. */
function bounded(list: readonly Held[]): readonly Held[] {
  if (list.length <= MOST) return list;
  const past = list.slice(0, -1);
  const shortest = past.toSorted((a, b) => a.to - a.from - (b.to - b.from))[0]!;
  return bounded(list.toSpliced(past.indexOf(shortest), 1));
}
