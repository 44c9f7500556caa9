/** PURE. Visits that late pings took back and that return: the same presence is not news twice. */
import type { Happening } from '../../geo/history.ts';
import type { Visit } from '../../geo/visit.ts';
import type { TakenBack } from '../visits/queries.ts';

export interface Returns {
  /** The visit taken back that this one is the return of; null when there is none. */
  of(visit: Visit): TakenBack | null;
  /** Whether what happened was told of the visit before that was taken back. */
  told(happening: Happening): boolean;
}

/** `reopen`: ms after which somebody who is back makes another visit. */
export function createReturns(taken: readonly TakenBack[], reopen: number): Returns {
  const of = (visit: Visit): TakenBack | null =>
    taken.find((old) => old.fenceId === visit.fence && onePresence(old, visit, reopen)) ?? null;
  return {
    of,
    told({ transition: { type, tierSeconds = 0 }, visit }) {
      const old = visit && of(visit);
      if (!old) return false;
      if (type === 'entered') return true;
      return type === 'dwelled' ? old.dwellLower >= tierSeconds : old.exit !== null;
    },
  };
}

/** Taken back while open, it was believed in until then. */
function onePresence(old: TakenBack, { entry, exit }: Visit, reopen: number): boolean {
  const end = old.exit ?? old.retractedAt;
  return entry.estimate <= end + reopen && (exit?.estimate ?? Infinity) + reopen >= old.entry;
}

/** What must be known to tell returns from news; null when nothing of this batch could be one. */
export function returnsAsked(
  happenings: readonly Happening[],
  since: number,
  reopen: number,
): { fenceIds: string[]; from: number } | null {
  const asked = happenings.flatMap(({ transition: { type, detectedAt }, visit }) =>
    visit && (type === 'entered' || detectedAt >= since) ? [visit] : [],
  );
  if (asked.length === 0) return null;
  const from = Math.min(...asked.map(({ entry }) => entry.estimate)) - reopen;
  return { fenceIds: [...new Set(asked.map(({ fence }) => fence))], from };
}
