/** What a batch, a rewind or a silence found, into visits and events, in the caller's transaction. */
import type { Policy } from '../../geo/policy.ts';
import type { Queryable } from '../db/database.ts';
import type { FenceMeta } from '../fences/live.ts';
import type { Cooling } from './cooling.ts';
import type { Judged } from './judge.ts';
import type { Retold, VisitOf } from './visit-events.ts';
import { appendEvents } from '../events/outbox.ts';
import { retractVisits, upsertVisits } from '../visits/queries.ts';
import { createCooler } from './cooling.ts';
import { revisionEvents, visitEvents } from './visit-events.ts';

export type News = Pick<Judged, 'happenings' | 'visits' | 'revision' | 'metas' | 'cooldownOf'>;

export interface Telling {
  /** What to remember of fences that rest after an exit. */
  cooling: Cooling | null;
  /** Writes visits and events. */
  tell: (tx: Queryable) => Promise<void>;
}

export function tellVisits(
  who: VisitOf,
  news: News,
  cooling: Cooling | null,
  policy: Policy,
  now: number,
): Telling {
  const { metas: fences, happenings, visits, revision } = news;
  const cooler = createCooler(cooling, news.cooldownOf);
  const retracted = revision?.retracted ?? [];
  const retold = new Set(retracted.map((visit) => visit.fence));
  const events = [
    ...visitEvents(who, happenings, { fences, cooler, retold, policy, now }),
    ...revisionEvents(who, retoldOf(news), { fences, now }),
  ];
  return {
    cooling: cooler.remembered(now),
    async tell(tx) {
      await retractVisits(tx, who.merchantId, goneIds(news), now);
      await upsertVisits(tx, who, toStore(visits, fences), now);
      await appendEvents(tx, events, now);
    },
  };
}

const toStore = (visits: News['visits'], fences: ReadonlyMap<string, FenceMeta>) =>
  [...visits.values()].map((visit) => ({ visit, fence: fences.get(visit.fence) }));

/** Ids under which nothing stands any more: retracted, or told under another id now. */
function goneIds({ revision }: News): string[] {
  if (!revision) return [];
  const replaced = revision.changed.flatMap(({ visit, was }) =>
    was && was.id !== visit.id ? [was.id] : [],
  );
  return [...revision.retracted.map((visit) => visit.id), ...replaced];
}

/** Revised visits as they stand after the whole batch. */
function retoldOf({ revision, visits }: News): Retold[] {
  if (!revision) return [];
  const gone = revision.retracted.map((visit) => ({
    visit,
    change: 'retracted' as const,
    replaces: null,
  }));
  const now = revision.changed.map(({ visit, was }) => ({
    visit: visits.get(visit.id) ?? visit,
    change: was ? ('changed' as const) : ('added' as const),
    replaces: was && was.id !== visit.id ? was.id : null,
  }));
  return [...gone, ...now];
}
