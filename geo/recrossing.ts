/** PURE. Which ways through a fence are new when history is told again. */
import type { Happening } from './history.ts';
import type { Millis } from './lonlat.ts';

const wayOf = ({ transition: { fence, direction } }: Happening): string => `${fence} ${direction}`;
const momentOf = (each: Happening): string => `${wayOf(each)} ${each.transition.at}`;

/** Crossings by fence and direction, each list in the order of their moments. */
function byWay(crossings: readonly Happening[]): Map<string, Happening[]> {
  const ways = new Map<string, Happening[]>();
  for (const each of crossings.toSorted((a, b) => a.transition.at - b.transition.at)) {
    const way = ways.get(wayOf(each));
    if (way) way.push(each);
    else ways.set(wayOf(each), [each]);
  }
  return ways;
}

/**
 * Crossings of `after` that are none of `before`. A crossing has no identity but its estimated moment,
 * and late pings move that: one of the same fence, the same way and within `reach` is the same one.
 */
export function newCrossings(
  before: readonly Happening[],
  after: readonly Happening[],
  reach: Millis,
): Set<Happening> {
  const isCrossing = ({ transition }: Happening): boolean => transition.type === 'crossed';
  const [old, now] = [before.filter(isCrossing), after.filter(isCrossing)];
  // Those that stayed are set aside, so that none of them is taken for another that moved.
  const oldMoments = new Set(old.map(momentOf));
  const moments = new Set(now.map(momentOf));
  const gone = byWay(old.filter((each) => !moments.has(momentOf(each))));
  const come = byWay(now.filter((each) => !oldMoments.has(momentOf(each))));
  const fresh = new Set<Happening>();
  for (const [way, crossings] of come) {
    const known = gone.get(way) ?? [];
    let next = 0;
    for (const each of crossings) {
      const { at } = each.transition;
      while (next < known.length && (known[next] as Happening).transition.at < at - reach) next++;
      const there = known[next];
      if (there && there.transition.at <= at + reach) next++;
      else fresh.add(each);
    }
  }
  return fresh;
}
