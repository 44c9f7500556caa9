/** An event meets the rules: candidates through the gates, decisions and vouchers in one transaction. */
import { mayProfile } from '../consents/analyse.ts';
import type { Database, Queryable } from '../db/database.ts';
import type { DomainEvent } from '../events/types.ts';
import type { Log } from '../log.ts';
import { byPrecedence, judge, storeCapKey, windowMs } from '../offers/eligible.ts';
import type { Contender, Moment, Tally, Verdict } from '../offers/eligible.ts';
import { issueVouchers } from '../offers/issue.ts';
import { lockOffers } from '../offers/queries.ts';
import type { Offer } from '../offers/queries.ts';
import { compiledRules } from './compiled.ts';
import type { Compiled, CompiledRules } from './compiled.ts';
import {
  candidatesFor,
  earlierGrants,
  findingsFor,
  insertDecisions,
  lockSubject,
  ruledTriggers,
  spentOf,
  storeGrants,
} from './decisions/queries.ts';
import type { Candidate, NewDecision, Subject } from './decisions/queries.ts';
import { gather, historySpan } from './facts.ts';
import type { Findings } from './facts.ts';
import {
  asksProfile,
  conditionsGate,
  consentGate,
  freshnessGate,
  profileGate,
  windowGate,
} from './gates.ts';
import type { Stop } from './gates.ts';
import type { Facts, Trace } from './evaluate.ts';
import { decisionId, occasionOf } from './occasion.ts';
import type { Occasion } from './occasion.ts';

export interface TriggerDeps {
  db: Database;
  /** ms since 1970. */
  clock: () => number;
  log: Log;
}

/** One candidate on its way through the gates. */
interface Case {
  id: string;
  candidate: Candidate;
  compiled: Compiled;
  contender: Contender | null;
  stop?: Stop | undefined;
  when?: Trace | undefined;
  verdict?: Verdict;
}

/** Everything about the event that its cases share. */
interface Hearing {
  occasion: Occasion;
  subject: Subject;
  now: number;
}

/** The gates look back at least this far for "already this visit". */
const LONGEST_VISIT_MS = 2 * 86_400_000;

/**
 * The subscriber for visit.* and guest.admitted. Idempotent: the same event again finds its decisions
 * and changes nothing.
 */
export function createTrigger(deps: TriggerDeps): (event: DomainEvent) => Promise<void> {
  const compiled = compiledRules(deps.log);
  return async (event) => {
    const occasion = occasionOf(event);
    if (occasion === null) return;
    await deps.db.tx((tx) => hear(tx, occasion, compiled, deps.clock()), {
      tenant: event.merchantId,
    });
  };
}

/** The events among these that a live rule of their merchant might answer. */
export function createForeseen(db: Database) {
  return async (events: readonly DomainEvent[]): Promise<ReadonlySet<DomainEvent>> => {
    const possible = events.filter((event) => occasionOf(event) !== null);
    if (possible.length === 0) return new Set();
    const ruled = await ruledTriggers(db, [
      ...new Set(possible.map(({ merchantId }) => merchantId)),
    ]);
    return new Set(possible.filter(({ merchantId, type }) => ruled.has(`${merchantId} ${type}`)));
  };
}

async function hear(
  tx: Queryable,
  occasion: Occasion,
  compiled: CompiledRules,
  now: number,
): Promise<void> {
  const candidates = await candidatesFor(tx, occasion);
  if (candidates.length === 0) return;
  const rules = await compiled(tx, occasion.merchantId, candidates);
  const subject = await lockSubject(tx, occasion);
  // Erased meanwhile: nobody is left to decide about.
  if (subject === null) return;
  const hearing = { occasion, subject, now };
  const cases = await earlyGates(tx, hearing, candidates, rules);
  const offers = await lateGates(tx, hearing, cases);
  await record(tx, hearing, cases, offers);
}

/** Window, freshness, consent and conditions; cases already decided are dropped. */
async function earlyGates(
  tx: Queryable,
  { occasion, subject, now }: Hearing,
  candidates: readonly Candidate[],
  rules: ReadonlyMap<string, Compiled>,
): Promise<Case[]> {
  const cases = candidates.flatMap((candidate) => {
    const compiled = rules.get(candidate.id);
    if (compiled === undefined) return [];
    const id = decisionId(candidate, subject.id, occasion);
    return [{ id, candidate, compiled, contender: contenderOf(candidate, compiled) }];
  });
  const groups = new Set(cases.flatMap(({ compiled }) => [...compiled.groups]));
  const asked = { groups, decisionIds: cases.map(({ id }) => id), now };
  const span = historySpan(subject.zone, occasion.at);
  const { found, decided } = await findingsFor(tx, occasion, subject, asked, span);
  const facts = gather(found, occasion, subject.zone, span);
  const { merchantId, storeId } = occasion;
  // Who is known by a device alone agreed in the app, and to that.
  const profile =
    subject.guestId === null ||
    !asksProfile(groups) ||
    (await mayProfile(tx, merchantId, subject.guestId, storeId));
  return cases
    .filter(({ id }) => !decided.has(id))
    .map((each) => withEarlyStop(each, { occasion, subject, now }, { ...found, profile }, facts));
}

function withEarlyStop(
  each: Case,
  hearing: Hearing,
  found: Findings & { profile: boolean },
  facts: Facts,
): Case {
  const { definition, test, groups } = each.compiled;
  const { occasion, subject, now } = hearing;
  if (definition === null) {
    return { ...each, stop: { gate: 'conditions', reason: 'rule-unreadable' } };
  }
  const { blocked, revoked } = subject;
  const stop =
    windowGate(definition, subject.zone, now) ??
    freshnessGate(definition, occasion, now) ??
    consentGate({ consent: found.consent, blocked, revoked }) ??
    profileGate(groups, found.profile);
  if (stop) return { ...each, stop };
  const { stop: unmet, trace } = conditionsGate(definition, test, facts);
  return { ...each, stop: unmet, when: trace };
}

function contenderOf({ id, offerId }: Candidate, { definition }: Compiled): Contender | null {
  if (definition === null) return null;
  const { group, caps, budget, experiment, quiet } = definition;
  return {
    ruleId: id,
    offerId,
    group,
    caps,
    budgetUnits: budget?.units,
    experiment: { salt: experiment.salt ?? id, holdout: experiment.holdout },
    quiet,
  };
}

/** Group, caps, budget, quiet hours and arm, for those still standing, in order of precedence. */
async function lateGates(
  tx: Queryable,
  { occasion, subject, now }: Hearing,
  cases: readonly Case[],
): Promise<Map<string, Offer>> {
  const open = cases.flatMap((each) =>
    each.stop === undefined && each.contender ? [{ each, contender: each.contender }] : [],
  );
  if (open.length === 0) return new Map();
  const contenders = open.map(({ contender }) => contender);
  const offerIds = [...new Set(contenders.map(({ offerId }) => offerId))];
  const offers = await lockOffers(tx, occasion.merchantId, offerIds);
  const tally = await tallyOf(tx, { occasion, subject, now }, contenders, offers);
  const { id, zone } = subject;
  const moment: Moment = { subject: id, occasion: subject.presence ?? occasion.key, zone, now };
  for (const { each, contender } of open.toSorted((a, b) =>
    byPrecedence(a.contender, b.contender),
  )) {
    each.verdict = judge(contender, tally, moment);
  }
  return offers;
}

async function tallyOf(
  tx: Queryable,
  { occasion, subject, now }: Hearing,
  contenders: readonly Contender[],
  offers: ReadonlyMap<string, Offer>,
): Promise<Tally> {
  const { merchantId } = occasion;
  const windows = contenders.flatMap(({ caps, group }) => [
    ...caps.guest.map(({ per }) => windowMs(per)),
    ...(group ? [windowMs(group.per)] : []),
  ]);
  const since = now - Math.max(LONGEST_VISIT_MS, ...windows);
  const budgeted = contenders.filter((each) => each.budgetUnits !== undefined);
  const wanted = contenders.flatMap(({ ruleId, caps }) =>
    caps.store.map(({ per }) => ({
      key: storeCapKey(ruleId, per),
      ruleId,
      since: now - windowMs(per),
    })),
  );
  const ruleIds = budgeted.map((each) => each.ruleId);
  return {
    past: await earlierGrants(tx, merchantId, subject, since),
    stockLeft: new Map([...offers].map(([id, offer]) => [id, stockLeft(offer)])),
    spent: ruleIds.length > 0 ? await spentOf(tx, merchantId, ruleIds) : new Map(),
    storeGrants:
      wanted.length > 0 ? await storeGrants(tx, merchantId, subject.storeId, wanted) : new Map(),
  };
}

function stockLeft({ status, stock, issued }: Offer): number | null {
  if (status !== 'live') return null;
  return stock === null ? Infinity : stock - issued;
}

/** Decisions, then vouchers for the new ones among them. */
async function record(
  tx: Queryable,
  { occasion, subject, now }: Hearing,
  cases: readonly Case[],
  offers: ReadonlyMap<string, Offer>,
): Promise<void> {
  if (cases.length === 0) return;
  const { merchantId, eventId } = occasion;
  const rows = cases.map(decisionOf);
  const fresh = await insertDecisions(tx, occasion, subject, rows, now);
  const issued = cases.filter(({ id, verdict }) => verdict?.outcome === 'issued' && fresh.has(id));
  if (issued.length === 0) return;
  const grants = issued.map(({ id, candidate }) => ({
    decisionId: id,
    ruleId: candidate.id,
    offer: offers.get(candidate.offerId)!,
    guestId: subject.guestId,
    deviceId: subject.deviceId,
    storeId: subject.storeId,
    causeId: eventId,
  }));
  await issueVouchers(tx, merchantId, grants, now);
}

function decisionOf({ id, candidate, contender, stop, when, verdict }: Case): NewDecision {
  const { gate, reason, detail = {} } = stop ?? verdict!;
  const tree = when ?? stop?.when;
  return {
    id,
    ruleId: candidate.id,
    ruleVersion: candidate.version,
    exclusionGroup: contender?.group?.name ?? null,
    outcome: verdict?.outcome ?? 'refused',
    gate,
    reason,
    trace: { detail, ...(tree === undefined ? {} : { when: tree }) },
  };
}
