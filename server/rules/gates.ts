/** PURE. The gates before the offer's own: live window, freshness and trust, consent, conditions. */
import { businessDay, inHours } from '../offers/hours.ts';
import type { OfferGate, OfferReason } from '../offers/eligible.ts';
import { localTime } from '../stores/local-time.ts';
import { explain } from './evaluate.ts';
import type { Facts, Test, Trace } from './evaluate.ts';
import type { Occasion } from './occasion.ts';
import type { FactGroup } from './fields.ts';
import type { Definition } from './schema.ts';

export type Gate = 'window' | 'freshness' | 'consent' | 'conditions' | OfferGate;
export type Reason =
  | OfferReason
  | 'not-started'
  | 'ended'
  | 'wrong-day'
  | 'wrong-hour'
  | 'too-late'
  | 'clock-ahead'
  | 'untrusted'
  | 'band-too-low'
  | 'no-consent'
  | 'no-profiling'
  | 'guest-blocked'
  | 'device-revoked'
  | 'rule-unreadable'
  | 'conditions-false'
  | 'conditions-unknown';

/** Where a candidate stopped, and the figures or the tree behind it. */
export interface Stop {
  gate: Gate;
  reason: Reason;
  detail?: Record<string, string | number>;
  when?: Trace;
}

/** Whom the event concerns, as far as the gates ask. */
export interface Standing {
  consent: boolean;
  blocked: boolean;
  revoked: boolean;
}

/** Clocks of phones may run ahead a little; more than this is not believed. */
const AHEAD_MS = 60_000;
const BANDS = ['none', 'low', 'medium', 'high'];

function outside(reason: Reason): Stop {
  return { gate: 'window', reason };
}

/** Whether the rule is alive at `now`, by the store's clock where it names days or hours. */
export function windowGate(
  { window }: Definition,
  zone: string | null,
  now: number,
): Stop | undefined {
  if (window === undefined) return undefined;
  const { from, to, days, hours } = window;
  if (from !== undefined && now < Date.parse(from)) return outside('not-started');
  if (to !== undefined && now >= Date.parse(to)) return outside('ended');
  if (days === undefined && hours === undefined) return undefined;
  const time = localTime(zone, now);
  if (time === null) return outside('zone-unknown');
  if (hours !== undefined && !inHours(time, hours)) return outside('wrong-hour');
  if (days !== undefined && !days.includes(businessDay(time, hours))) return outside('wrong-day');
  return undefined;
}

/** Whether the event is recent and sure enough to act upon. */
export function freshnessGate(
  { maxAgeSeconds, minBand }: Definition,
  { seenAt, visit }: Pick<Occasion, 'seenAt' | 'visit'>,
  now: number,
): Stop | undefined {
  const gate = 'freshness';
  const ageSeconds = Math.round((now - seenAt) / 1000);
  if (now - seenAt > maxAgeSeconds * 1000) {
    return { gate, reason: 'too-late', detail: { ageSeconds, maxAgeSeconds } };
  }
  if (seenAt - now > AHEAD_MS) return { gate, reason: 'clock-ahead', detail: { ageSeconds } };
  if (visit === null) return undefined;
  if (!visit.eligible) return { gate, reason: 'untrusted', detail: { whyNot: visit.whyNot } };
  if (BANDS.indexOf(visit.band) < BANDS.indexOf(minBand)) {
    return { gate, reason: 'band-too-low', detail: { band: visit.band, minBand } };
  }
  return undefined;
}

/** Every offer is marketing: no consent on record, no offer. */
export function consentGate(standing: Standing): Stop | undefined {
  if (standing.blocked) return { gate: 'consent', reason: 'guest-blocked' };
  if (standing.revoked) return { gate: 'consent', reason: 'device-revoked' };
  return standing.consent ? undefined : { gate: 'consent', reason: 'no-consent' };
}

/** Facts that are a profile of the guest: where they were before, what they answered, what they hold. */
const PROFILE: ReadonlySet<FactGroup> = new Set(['history', 'answers', 'vouchers']);

export function asksProfile(groups: ReadonlySet<FactGroup>): boolean {
  return [...groups].some((group) => PROFILE.has(group));
}

/** A rule that chooses by a profile needs the consent to that, where the guest or the law wants one. */
export function profileGate(groups: ReadonlySet<FactGroup>, mayProfile: boolean): Stop | undefined {
  if (mayProfile || !asksProfile(groups)) return undefined;
  return { gate: 'consent', reason: 'no-profiling' };
}

/** Only true passes; false and unknown each have their own reason. */
export function conditionsGate(
  { when }: Definition,
  test: Test | undefined,
  facts: Facts,
): { stop: Stop | undefined; trace: Trace | undefined } {
  if (when === undefined || test === undefined) return { stop: undefined, trace: undefined };
  const truth = test(facts);
  const trace = explain(when, facts);
  if (truth === true) return { stop: undefined, trace };
  const reason = truth === false ? 'conditions-false' : 'conditions-unknown';
  return { stop: { gate: 'conditions', reason, when: trace }, trace };
}
