/** PURE. The gates behind a rule's conditions: group, caps, budget, experiment arm, quiet hours. */
import { createHash } from 'node:crypto';
import { localTime } from '../stores/local-time.ts';
import { inHours } from './hours.ts';
import type { Hours } from './hours.ts';

/** At most `n` in the sliding window `per`, e.g. `7d`, `12h`, `30m`. */
export interface Cap {
  n: number;
  per: string;
}

/** A rule that met its conditions, with what the remaining gates need to know about it. */
export interface Contender {
  ruleId: string;
  offerId: string;
  group: { name: string; priority: number; per: string } | undefined;
  caps: { guest: readonly Cap[]; store: readonly Cap[] };
  budgetUnits: number | undefined;
  experiment: { salt: string; holdout: number };
  quiet: Hours | undefined;
  /**
   * Hours in which the law lets nothing be pushed on the offer's channel (stores/packs.ts quietHours),
   * on top of the rule's own; a page or a socket has none.
   */
  floor?: Hours | undefined;
}

/** The moment being decided: whose, where, in which visit or session. */
export interface Moment {
  /** Guest id, or the device's where no guest is known. */
  subject: string;
  /** Visit or session id. */
  occasion: string;
  zone: string | null;
  /** ms since 1970. */
  now: number;
}

/** An earlier grant to the same subject, a held-out ghost included. */
export interface PastGrant {
  ruleId: string;
  group: string | null;
  occasion: string | null;
  at: number;
}

/** What is left and what was given; `judge` books its own grants into it. */
export interface Tally {
  past: PastGrant[];
  /** Vouchers left per offer (Infinity = no limit); missing or null = the offer is not live. */
  stockLeft: Map<string, number | null>;
  /** Vouchers already issued per rule with a budget. */
  spent: Map<string, number>;
  /** Grants in this store per rule and window: key of `storeCapKey`. */
  storeGrants: Map<string, number>;
}

export type OfferGate = 'group' | 'caps' | 'budget' | 'experiment' | 'quiet-hours' | 'issue';
export type OfferReason =
  | 'already-this-visit'
  | 'group-taken'
  | 'guest-cap'
  | 'store-cap'
  | 'offer-not-live'
  | 'out-of-stock'
  | 'budget-spent'
  | 'quiet-hours'
  | 'zone-unknown'
  | 'held-out'
  | 'issued';

export interface Verdict {
  outcome: 'issued' | 'held_out' | 'refused';
  gate: OfferGate;
  reason: OfferReason;
  /** Figures behind the reason, for the decision's trace. */
  detail: Record<string, string | number>;
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a window such as `7d`. */
export function windowMs(per: string): number {
  return Number(per.slice(0, -1)) * UNIT_MS[per.slice(-1) as keyof typeof UNIT_MS];
}

export function storeCapKey(ruleId: string, per: string): string {
  return `${ruleId} ${per}`;
}

/** A subject's place on [0, 1) for an experiment: the same salt and subject always give the same. */
export function armPosition(salt: string, subject: string): number {
  const digest = createHash('sha256').update(`${salt}\u0000${subject}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

function refuse(
  gate: OfferGate,
  reason: OfferReason,
  detail: Verdict['detail'] = {},
): Verdict | undefined {
  return { outcome: 'refused', gate, reason, detail };
}

function groupGate({ ruleId, group }: Contender, tally: Tally, moment: Moment) {
  const { occasion, now } = moment;
  if (tally.past.some((grant) => grant.ruleId === ruleId && grant.occasion === occasion)) {
    return refuse('group', 'already-this-visit');
  }
  if (group === undefined) return undefined;
  const since = now - windowMs(group.per);
  const holder = tally.past.find(
    (grant) => grant.group === group.name && (grant.at > since || grant.occasion === occasion),
  );
  return holder && refuse('group', 'group-taken', { group: group.name, takenBy: holder.ruleId });
}

function capsGate({ ruleId, caps }: Contender, tally: Tally, now: number) {
  for (const { n, per } of caps.guest) {
    const since = now - windowMs(per);
    const had = tally.past.filter((grant) => grant.ruleId === ruleId && grant.at > since).length;
    if (had >= n) return refuse('caps', 'guest-cap', { n, per, had });
  }
  for (const { n, per } of caps.store) {
    const had = tally.storeGrants.get(storeCapKey(ruleId, per)) ?? 0;
    if (had >= n) return refuse('caps', 'store-cap', { n, per, had });
  }
  return undefined;
}

function budgetGate({ ruleId, offerId, budgetUnits }: Contender, tally: Tally) {
  const left = tally.stockLeft.get(offerId) ?? null;
  if (left === null) return refuse('budget', 'offer-not-live');
  if (left <= 0) return refuse('budget', 'out-of-stock');
  const spent = tally.spent.get(ruleId) ?? 0;
  if (budgetUnits !== undefined && spent >= budgetUnits) {
    return refuse('budget', 'budget-spent', { units: budgetUnits, spent });
  }
  return undefined;
}

/** No zone means no proof that it is not night: the offer is dropped, never "sent anyway". */
function quietGate({ quiet, floor }: Contender, { zone, now }: Moment) {
  const spans = [quiet, floor].filter((span) => span !== undefined);
  if (spans.length === 0) return undefined;
  const time = localTime(zone, now);
  if (time === null) return refuse('quiet-hours', 'zone-unknown');
  const span = spans.find((hours) => inHours(time, hours));
  return span && refuse('quiet-hours', 'quiet-hours', { from: span.from, to: span.to });
}

/** Books a grant: ghosts count towards caps and groups like the rest, but use up no stock. */
function book(contender: Contender, tally: Tally, moment: Moment, ghost: boolean): void {
  const { ruleId, offerId, group, caps } = contender;
  const { occasion, now: at } = moment;
  tally.past.push({ ruleId, group: group?.name ?? null, occasion, at });
  for (const { per } of caps.store) {
    const key = storeCapKey(ruleId, per);
    tally.storeGrants.set(key, (tally.storeGrants.get(key) ?? 0) + 1);
  }
  if (ghost) return;
  tally.stockLeft.set(offerId, (tally.stockLeft.get(offerId) ?? 0) - 1);
  tally.spent.set(ruleId, (tally.spent.get(ruleId) ?? 0) + 1);
}

/**
 * Takes one contender through the gates in their order and books what it is granted.
 * Both arms pass the same gates, the quiet hours too: dropping only the treated at night would leave
 * more ghosts than their share and bias the comparison. The arm is fixed by a hash and told last.
 */
export function judge(contender: Contender, tally: Tally, moment: Moment): Verdict {
  const stopped =
    groupGate(contender, tally, moment) ??
    capsGate(contender, tally, moment.now) ??
    budgetGate(contender, tally) ??
    quietGate(contender, moment);
  if (stopped) return stopped;
  const { salt, holdout } = contender.experiment;
  const ghost = armPosition(salt, moment.subject) < holdout;
  book(contender, tally, moment, ghost);
  return ghost
    ? { outcome: 'held_out', gate: 'experiment', reason: 'held-out', detail: { holdout } }
    : { outcome: 'issued', gate: 'issue', reason: 'issued', detail: {} };
}

/** Who is heard first: the higher priority, then the older rule (UUIDv7 sort by age). */
export function byPrecedence(a: Contender, b: Contender): number {
  const byPriority = (b.group?.priority ?? 0) - (a.group?.priority ?? 0);
  return byPriority !== 0 ? byPriority : a.ruleId < b.ruleId ? -1 : 1;
}
