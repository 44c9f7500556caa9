/** What a batch, a rewind or a silence found, into visits and events, in the caller's transaction. */
import type { Policy } from '../../geo/policy.ts';
import type { Queryable } from '../db/database.ts';
import type { GoneVisit, ToldVisit } from '../visits/queries.ts';
import type { Cooling } from './cooling.ts';
import type { Judged } from './judge.ts';
import type { Returns } from './returning.ts';
import type { Retold, VisitOf } from './visit-events.ts';
import { overlap } from '../../geo/history.ts';
import { appendEvents } from '../events/outbox.ts';
import { retractVisits, takenBack, upsertVisits } from '../visits/queries.ts';
import { createCooler } from './cooling.ts';
import { createReturns, returnsAsked } from './returning.ts';
import { FRESH, revisionEvents, visitEvents } from './visit-events.ts';

export type News = Pick<Judged, 'happenings' | 'visits' | 'revision' | 'metas' | 'cooldownOf'>;

export interface Telling {
  /** What to remember of fences that rest after an exit. */
  cooling: Cooling | null;
  /** Writes visits and events. */
  tell: () => Promise<void>;
}

/** Takes back what is gone; the rest is written by `tell`. */
export async function tellVisits(
  tx: Queryable,
  who: VisitOf,
  news: News,
  cooling: Cooling | null,
  policy: Policy,
  now: number,
): Promise<Telling> {
  await retractVisits(tx, who.merchantId, goneOf(news), now);
  const returns = await returnsOf(tx, who, news, policy, now);
  const { metas: fences, happenings, revision } = news;
  const cooler = createCooler(cooling, news.cooldownOf);
  const retold = new Set((revision?.retracted ?? []).map((visit) => visit.fence));
  const events = [
    ...visitEvents(who, happenings, { fences, cooler, retold, returns, policy, now }),
    ...revisionEvents(who, retoldOf(news), { fences, now }),
  ];
  return {
    cooling: cooler.remembered(now),
    async tell() {
      await upsertVisits(tx, who, toStore(news, returns), now);
      await appendEvents(tx, events, now);
    },
  };
}

async function returnsOf(
  tx: Queryable,
  { merchantId, deviceId }: VisitOf,
  { happenings }: News,
  policy: Policy,
  now: number,
): Promise<Returns> {
  const reopen = policy.reopenSeconds * 1000;
  const asked = returnsAsked(happenings, now - FRESH, reopen);
  const taken = asked && (await takenBack(tx, merchantId, deviceId, asked.fenceIds, asked.from));
  return createReturns(taken ?? [], reopen);
}

/** Each visit with the id that what counts per visit has been counted under so far. */
function toStore({ visits, metas, happenings, revision }: News, returns: Returns): ToldVisit[] {
  const begun = happenings.flatMap(({ transition: { type }, visit }) =>
    visit && type === 'entered' ? [[visit.id, returns.of(visit)?.id ?? null] as const] : [],
  );
  const told = revision?.changed.map(({ visit, was }) => [visit.id, was && was.id] as const);
  const before = new Map([...begun, ...(told ?? []).filter(([, was]) => was !== null)]);
  return [...visits.values()].map((visit) => ({
    visit,
    fence: metas.get(visit.fence),
    continues: before.get(visit.id) ?? null,
  }));
}

/** Visits that stand no more: taken back, become part of another, or told under another id now. */
function goneOf({ revision }: News): GoneVisit[] {
  if (!revision) return [];
  const { changed, retracted } = revision;
  const whole = (part: (typeof retracted)[number]) =>
    changed.find(({ visit }) => visit.fence === part.fence && overlap(visit, part));
  const replaced = changed.flatMap(({ visit, was }) =>
    was && was.id !== visit.id ? [{ id: was.id, into: null }] : [],
  );
  const taken = retracted.map((visit) => {
    const { was, visit: now } = whole(visit) ?? {};
    return { id: visit.id, into: was?.id ?? now?.id ?? null };
  });
  return [...taken, ...replaced];
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
