/** PURE. Running sums of one visit: begun, one ping further, or two presences joined. */
import type { Sight } from './dwell.ts';
import type { Fence } from './fence.ts';
import type { Millis } from './lonlat.ts';
import type { Policy } from './policy.ts';
import type { VisitSums } from './state.ts';
import { joinRivals, mergeRivals } from './alternates.ts';
import { visitId } from './visit.ts';

/** The sums of a presence that begins with this sight. */
export function startSums(
  sight: Sight,
  from: Millis | null,
  fence: Fence,
  device: string,
): VisitSums {
  return {
    id: visitId(device, fence.id, sight.t),
    fenceVersion: fence.version,
    revision: 0,
    toldAt: sight.t,
    from,
    first: sight.t,
    last: sight.t,
    pings: 0,
    weight: 0,
    belief: 0,
    none: 0,
    alternates: [],
    observed: 0,
    longestGap: 0,
    still: 0,
    bestAcc: sight.acc,
    evidence: [],
    wide: sight.wide,
    jumped: sight.jumped,
    tiers: 0,
    exit: null,
    ...(sight.edited ? { edited: true as const } : {}),
  };
}

/** Counts a ping that is judged inside. */
export function addInside(sums: VisitSums, sight: Sight, policy: Policy): VisitSums {
  const gap = sight.t - sums.last;
  const seen = gap <= policy.staleSeconds * 1000 ? gap : 0;
  const { evidence } = sums;
  const news = sight.evidence !== null && !evidence.includes(sight.evidence);
  // Written out, not spread: a copy would first clone the dozen numbers that change.
  const counted: VisitSums = {
    id: sums.id,
    fenceVersion: sums.fenceVersion,
    revision: sums.revision,
    toldAt: sums.toldAt,
    from: sums.from,
    first: sums.first,
    last: sight.t,
    pings: sums.pings + 1,
    weight: sums.weight + sight.weight,
    belief: sums.belief + sight.weight * sight.p,
    none: sums.none + sight.weight * sight.none,
    alternates: mergeRivals(sums, sight),
    observed: sums.observed + seen,
    longestGap: Math.max(sums.longestGap, gap),
    still: sums.still + seen * sight.pStill,
    bestAcc: Math.min(sums.bestAcc, sight.acc),
    evidence: news && sight.evidence !== null ? [...evidence, sight.evidence] : evidence,
    wide: sums.wide,
    jumped: sums.jumped,
    tiers: sums.tiers,
    exit: null,
  };
  const perfect = sight.perfect ?? sums.perfect;
  if (!sums.edited && !perfect) return counted;
  return {
    ...counted,
    ...(sums.edited ? { edited: true } : {}),
    ...(perfect ? { perfect } : {}),
  };
}

/** The closed visit and the presence that followed it so soon, as one visit. */
export function joinSums(old: VisitSums, again: VisitSums): VisitSums {
  return {
    ...old,
    last: again.last,
    pings: old.pings + again.pings,
    weight: old.weight + again.weight,
    belief: old.belief + again.belief,
    none: old.none + again.none,
    alternates: joinRivals(old.alternates, again.alternates),
    observed: old.observed + again.observed,
    longestGap: Math.max(old.longestGap, again.first - old.last, again.longestGap),
    still: old.still + again.still,
    bestAcc: Math.min(old.bestAcc, again.bestAcc),
    evidence: [...new Set([...old.evidence, ...again.evidence])],
    jumped: old.jumped || again.jumped,
    exit: null,
    ...(again.perfect ? { perfect: again.perfect } : {}),
  };
}
