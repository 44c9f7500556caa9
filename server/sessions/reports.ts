/** What gateways say about clients while they are inside: one session from many network sessions, and a verdict. */
import type { Database, Queryable } from '../db/database.ts';
import { announceEnded, announceStarted } from './announce.ts';
import { confirmSessions } from './door-queries.ts';
import { createHeard } from './heard.ts';
import { openingAt } from './hours.ts';
import type { KickReason } from './kick-queries.ts';
import { dropKicksAt, dropKicksOf, insertKicks } from './kick-queries.ts';
import type { LegName, StoredLeg } from './leg-queries.ts';
import type { LiveSession } from './live-queries.ts';
import {
  closeLegs,
  insertLeg,
  legsNamed,
  lockClientOf,
  sumLegs,
  updateLeg,
} from './leg-queries.ts';
import {
  endSession,
  liveSession,
  markTwins,
  reviveSession,
  sessionByToken,
  sessionFor,
  twinsOf,
} from './live-queries.ts';
import { beginLeg, growLeg, legFor, sameLeg, startOf } from './legs.ts';
import type { Told } from './legs.ts';
import type { GrantMemory } from './memory.ts';
import { keepNotice } from './notice-queries.ts';
import { isFinal, isOurs, refused, verdictOf } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** The part of a store this file needs. */
export interface StoreRef {
  id: string;
  merchantId: string;
}

/** The shape of portal/ports-network.ts SessionReport. */
export interface SessionReport {
  kind: 'start' | 'interim' | 'stop';
  mac: string;
  ip?: string;
  nasSession: string;
  multiSession?: string;
  sessionId?: string;
  bytesIn?: number;
  bytesOut?: number;
  seconds?: number;
  ap?: string;
  ssid?: string;
  reason?: string;
  at: number;
}

export interface ReportDeps {
  db: Database;
  clock: () => number;
  memory?: GrantMemory | undefined;
}

/** Gateways without a clock of their own say 1970; beyond this difference ours counts. */
const CLOCK_TRUST_MS = 24 * 3_600_000;
const MINUTE = 60_000;
const CLOCK_SKEW_MS = 2 * MINUTE;
/** An end that was only inferred, and a client of the same address: one visit within this time. */
const ROAM_MS = 5 * 60_000;
/** A deposit older than this is not claimed any more. */
const DEPOSIT_MS = 10 * 60_000;
const TWIN_MS = 5 * 60_000;
const TWIN_METRES = 1000;
const LONGEST_SECONDS = 400 * 86_400;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
/** Ends that a sign of life takes back, while there is time. */
const inferred: ReadonlySet<string> = new Set(['lost-carrier', 'nas-reboot', 'not-listed']);
/** A gateway that goes on counting this much after an end of ours did not follow it. */
const LINGERING_MS = MINUTE;
/** Gateways that act upon a verdict: refusing there is the end, no stop report follows. */
const asking: ReadonlySet<string> = new Set(['wifidog', 'apfree']);

const counter = (value: number | undefined, most = Number.MAX_SAFE_INTEGER): number =>
  value !== undefined && Number.isSafeInteger(value) && value > 0 ? Math.min(value, most) : 0;

/** Printable, bounded, or nothing. */
function word(text: string | undefined, most: number): string | null {
  return text?.replaceAll(/\p{Cc}/gu, '').slice(0, most) || null;
}

function tidy(report: SessionReport, now: number): Told {
  const { kind, at, seconds } = report;
  return {
    kind,
    at: Math.abs(at - now) < CLOCK_TRUST_MS ? Math.min(Math.trunc(at), now) : now,
    seconds: seconds === undefined ? null : counter(Math.trunc(seconds), LONGEST_SECONDS),
    bytesIn: counter(report.bytesIn),
    bytesOut: counter(report.bytesOut),
    reason: report.reason?.replaceAll(/[^\w.-]/g, '').slice(0, 40) || null,
    ip: word(report.ip, 45),
    ap: word(report.ap, 60),
    ssid: word(report.ssid, 64),
    multiSession: word(report.multiSession, 253),
  };
}

/** One report on its way: by whom, of what, and when it is read. */
interface Hearing {
  tx: Queryable;
  name: LegName;
  told: Told;
  now: number;
}

const closingOf = (session: LiveSession, now: number): number | null => {
  const opening = openingAt({ ...session, hours: session.hours ?? undefined }, now);
  return opening.open ? opening.until : null;
};

/** The gateway let a pending session in; announces it and gives it as it then stands. */
async function admit(
  tx: Queryable,
  at: { merchantId: string; gatewayId: string },
  session: LiveSession,
  now: number,
): Promise<LiveSession> {
  const closing = closingOf(session, now);
  const { started, ended } = await confirmSessions(tx, at.merchantId, [session.id], now, closing);
  await announceStarted(tx, started, now);
  await announceEnded(tx, ended, now);
  return (await liveSession(tx, at.merchantId, at.gatewayId, session.id)) ?? session;
}

async function sessionOf(
  { tx, name, told, now }: Hearing,
  known: StoredLeg | null,
  report: SessionReport,
): Promise<LiveSession | null> {
  if (known?.sessionId) return liveSession(tx, name.merchantId, name.gatewayId, known.sessionId);
  const { sessionId } = report;
  return sessionFor(tx, name, {
    sessionId: sessionId !== undefined && UUID.test(sessionId) ? sessionId : null,
    token: name.nasSession,
    multiSession: told.multiSession,
    mac: name.mac,
    grantedBefore: (startOf(told) ?? told.at) + CLOCK_SKEW_MS,
    endedAfter: now - ROAM_MS,
  });
}

/** Keeps the leg; false when the report told nothing new. */
async function keepLeg(
  { tx, name, told }: Hearing,
  known: StoredLeg | null,
  sessionId: string | null,
): Promise<boolean> {
  if (!known) return insertLeg(tx, name, sessionId, beginLeg(told));
  const grown = growLeg(known, told);
  if (sameLeg(known, grown) && known.sessionId === sessionId) return false;
  await updateLeg(tx, name.merchantId, known.id, sessionId, grown);
  return true;
}

/** Pending becomes active, an end that was only inferred is taken back. */
async function wake({ tx, name, told, now }: Hearing, session: LiveSession): Promise<LiveSession> {
  if (session.state === 'pending' && verdictOf(session, now).allowed) {
    return admit(tx, name, session, now);
  }
  if (session.state === 'ended' && told.kind !== 'stop') {
    if (await reviveSession(tx, name.merchantId, session.id, now)) {
      return (await liveSession(tx, name.merchantId, name.gatewayId, session.id)) ?? session;
    }
  }
  return session;
}

async function end(hearing: Hearing, session: LiveSession, reason: string): Promise<LiveSession> {
  const { tx, name, told, now } = hearing;
  await announceEnded(tx, await endSession(tx, name.merchantId, session.id, reason, told.at), now);
  await dropKicksOf(tx, [session.id]);
  return session.state === 'ended' ? session : { ...session, state: 'ended', end_reason: reason };
}

/** A leg ended: the session with it, when that was final or it was being put out, and no leg is open. */
async function stopped(hearing: Hearing, session: LiveSession, open: number): Promise<LiveSession> {
  const { told, name, tx } = hearing;
  if (session.kick !== null) await dropKicksOf(tx, [session.id], name.gatewayId);
  if (open > 0) return session;
  if (session.kick !== null) return end(hearing, session, session.kick);
  return isFinal(told.reason) ? end(hearing, session, told.reason!) : session;
}

/** Somebody else, or a copy, uses this hardware address far away: both are marked, staff is told. */
async function lookForTwins({ tx, name, now }: Hearing, session: LiveSession): Promise<void> {
  const { merchantId, storeId, gatewayId, mac } = name;
  const twins = await twinsOf(tx, merchantId, storeId, mac, now - TWIN_MS, TWIN_METRES);
  if (twins.length === 0) return;
  await markTwins(tx, merchantId, [session.id, ...twins.map((twin) => twin.id)], now);
  const code = 'mac-at-two-stores';
  await keepNotice(tx, { merchantId, storeId, gatewayId, code, detail: {}, times: 1 }, now);
  for (const twin of twins) {
    const there = { merchantId, storeId: twin.store_id, gatewayId: null, code };
    await keepNotice(tx, { ...there, detail: {}, times: 1 }, now);
  }
}

/** Why a gateway has to put out a client that it goes on counting, or null when it need not. */
function lingers({ told }: Hearing, session: LiveSession): KickReason | null {
  const { state, end_reason: reason, ended_at: endedAt, kick } = session;
  if (told.kind === 'stop' || state !== 'ended' || kick !== null) return null;
  if (told.at <= (endedAt?.getTime() ?? 0) + LINGERING_MS) return null;
  if (isOurs(reason)) return reason as KickReason;
  // Silent until its time was over: too late to take that end back.
  return inferred.has(reason ?? '') ? 'expired' : null;
}

async function hear(hearing: Hearing, report: SessionReport): Promise<Verdict> {
  const { tx, name, told, now } = hearing;
  await lockClientOf(tx, name.storeId, name.mac);
  const known = legFor(await legsNamed(tx, name), told);
  const found = await sessionOf(hearing, known, report);
  const news = await keepLeg(hearing, known, found?.id ?? null);
  if (!found) {
    await dropKicksAt(tx, name.gatewayId, name.mac);
    return { allowed: false, reason: 'unknown' };
  }
  let session = news ? await wake(hearing, found) : found;
  if (news) {
    const totals = await sumLegs(tx, name.merchantId, session.id, now);
    if (totals) session = { ...session, bytes_in: totals.bytes_in, bytes_out: totals.bytes_out };
    if (!known) await lookForTwins(hearing, session);
    if (told.kind === 'stop') session = await stopped(hearing, session, totals?.open ?? 0);
  }
  const verdict = verdictOf(session, now);
  const lingering = news && !asking.has(session.kind) ? lingers(hearing, session) : null;
  if (lingering !== null) await insertKicks(tx, [session.id], lingering, now, now);
  if (!verdict.allowed && told.kind !== 'stop' && asking.has(session.kind)) {
    const reason = session.kick ?? verdict.reason;
    await closeLegs(tx, name.merchantId, session.id, name.gatewayId, reason, told.at);
    await end(hearing, session, reason);
  }
  return verdict;
}

export function createReports({ db, clock, memory }: ReportDeps) {
  const unknown: Verdict = { allowed: false, reason: 'unknown' };
  const heard = createHeard();
  return {
    /** Keeps a report and says whether the client may stay. The same report again changes nothing. */
    async report(store: StoreRef, gatewayId: string, report: SessionReport): Promise<Verdict> {
      const now = clock();
      const mac = report.mac.toLowerCase();
      const nasSession = word(report.nasSession, 253);
      if (!MAC.test(mac) || nasSession === null) return unknown;
      const told = tidy(report, now);
      const { merchantId, id: storeId } = store;
      const name: LegName = { merchantId, storeId, gatewayId, mac, nasSession };
      const verdict = await db.tx(
        async (tx) => {
          await heard(tx, merchantId, gatewayId, now);
          return hear({ tx, name, told, now }, report);
        },
        { tenant: merchantId },
      );
      if (!verdict.allowed && report.sessionId !== undefined) memory?.forget(report.sessionId);
      return verdict;
    },

    /** A gateway shows the token of a deposit: confirms its session, once, for the MAC it was granted to. */
    async claim(
      store: StoreRef,
      gatewayId: string,
      shown: { token: string; mac: string; ip?: string },
    ): Promise<Verdict> {
      const now = clock();
      const { merchantId, id: storeId } = store;
      const token = word(shown.token, 253);
      if (token === null || token !== shown.token) return unknown;
      const at = { merchantId, storeId, gatewayId };
      return db.tx(
        async (tx) => {
          await heard(tx, merchantId, gatewayId, now);
          const session = await sessionByToken(tx, at, token);
          if (!session || session.mac !== shown.mac.toLowerCase()) return unknown;
          const verdict = verdictOf(session, now);
          if (!verdict.allowed || session.state !== 'pending') return verdict;
          if ((session.deposited_at?.getTime() ?? 0) <= now - DEPOSIT_MS) return refused('expired');
          return verdictOf(await admit(tx, at, session, now), now);
        },
        { tenant: merchantId },
      );
    },

    /** The gateway is alive. */
    async heard(store: StoreRef, gatewayId: string): Promise<void> {
      await db.tx((tx) => heard(tx, store.merchantId, gatewayId, clock()), {
        tenant: store.merchantId,
      });
    },
  };
}
