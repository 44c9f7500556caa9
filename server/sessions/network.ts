/** Who may come in by RADIUS: bearers of a ticket, devices that were here before, and grants known from memory. */
import type { Database, Queryable } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import type { Log } from '../log.ts';
import { storeById } from '../stores/queries.ts';
import { readSettings } from '../stores/settings.ts';
import { announceEnded, announceStarted } from './announce.ts';
import { clientKeyOf, clientKeys } from './client-key.ts';
import { confirmSessions } from './door-queries.ts';
import { createHeard } from './heard.ts';
import { limitedMinutes, openingAt } from './hours.ts';
import { recognise } from './known-devices.ts';
import { closeGatewayLegs, endUncounted } from './leg-queries.ts';
import type { GrantMemory, KnownGrant } from './memory.ts';
import { setLearnt } from './peer-queries.ts';
import type { Peer } from './peers.ts';
import { createPeers } from './peers.ts';
import type { SessionLimits } from './queries.ts';
import { insertSession, lockClient } from './queries.ts';
import type { Applicant } from './ticket-queries.ts';
import { confirmedAtStore, noteUserName, sessionByUserName, useTicket } from './ticket-queries.ts';
import { USER_NAME, answerable, passwordOf, ticketKey } from './tickets.ts';
import { verdictOf } from './verdict.ts';

/** The shape of portal/ports-network.ts AccessRequest. */
export interface AccessRequest {
  userName: string;
  mac: string | null;
  /** The gateway may ask by hardware address, and has shown the password that it asks so with. */
  byMac: boolean;
  nasSession?: string;
  ip?: string;
  ssid?: string;
  ap?: string;
  proves(password: string): boolean;
}

interface Grant extends SessionLimits {
  sessionId: string;
  guestId: string;
  expiresAt: number;
  idleMinutes?: number;
}

export type AccessDecision =
  { accept: true; grant: Grant } | { accept: false; reason: string; message?: string };

export interface NetworkDeps {
  db: Database;
  clock: () => number;
  log: Pick<Log, 'warn'>;
  /** The installation's secret. */
  secret: Buffer;
  memory: GrantMemory;
}

/** How long a hardware address that nobody knows is not looked up again: gateways ask twice a join. */
const STRANGER_MS = 7_000;
/** A gateway that could not reach us tells of its restart when it can, and says when that was. */
const LONGEST_DELAY_MS = 24 * 3_600_000;
const MOST_STRANGERS = 20_000;
const LONGEST_NAME = 253;
const MINUTE = 60_000;

const messages: Record<string, string> = {
  closed: 'The WiFi is closed now.',
  expired: 'Your time is over.',
  quota: 'Your volume is used up.',
  'ticket-old': 'Please sign in again.',
};

function no(reason: string): AccessDecision {
  const message = messages[reason];
  return { accept: false, reason, ...(message === undefined ? {} : { message }) };
}

/** What is left of a grant, never 0 where there was a limit: 0 would be none. */
function remaining(session: Applicant, now: number): Grant {
  const left = (quotaKB: number, used: number): number =>
    quotaKB === 0 ? 0 : Math.max(1, Math.floor((quotaKB * 1024 - used) / 1024));
  const opening = openingAt({ ...session, hours: session.hours ?? undefined }, now);
  const until = Math.min(
    session.minutes === 0 ? Number.POSITIVE_INFINITY : session.expires_at.getTime(),
    (opening.open ? opening.until : now) ?? Number.POSITIVE_INFINITY,
  );
  return {
    sessionId: session.id,
    guestId: session.guest_id,
    minutes: minutesUntil(until, now),
    upKbps: session.up_kbps,
    downKbps: session.down_kbps,
    upQuotaKB: left(session.up_quota_kb, session.bytes_out),
    downQuotaKB: left(session.down_quota_kb, session.bytes_in),
    expiresAt: Math.min(session.expires_at.getTime(), until),
    ...idleOf(session.idle_minutes),
  };
}

/** What the store says of silence, if anything. */
const idleOf = (minutes: number | null | undefined): Pick<Grant, 'idleMinutes'> =>
  typeof minutes === 'number' ? { idleMinutes: minutes } : {};

function minutesUntil(until: number, now: number): number {
  return Number.isFinite(until) ? Math.max(1, Math.floor((until - now) / MINUTE)) : 0;
}

/** What the house knows of a store that access by hardware address depends on. */
async function rulesOf(tx: Queryable, store: Peer['store']) {
  const row = await storeById(tx, store.merchantId, store.id);
  if (!row) return null;
  const settings = readSettings(row.settings);
  const version = settings.wordings.find((one) => one.purpose === 'access')?.version ?? '';
  return {
    open: { timezone: row.timezone, hours: settings.hours ?? undefined },
    limits: settings.session,
    terms: { version, rememberDays: settings.policy.rememberDays },
  };
}

export function createNetwork(deps: NetworkDeps) {
  const { db, clock, log, memory } = deps;
  const tickets = ticketKey(deps.secret);
  const clients = clientKeys(deps.secret);
  const peers = createPeers({ db, clock });
  const strangers = new Map<string, number>();
  const heard = createHeard();

  function keep(session: Applicant, peer: Peer): void {
    memory.keep({
      sessionId: session.id,
      guestId: session.guest_id,
      merchantId: peer.store.merchantId,
      storeId: peer.store.id,
      gatewayId: session.gateway_id,
      mac: session.mac,
      userName: session.user_name,
      ticketUntil: session.ticket_until?.getTime() ?? 0,
      ticketUsedAt: session.ticket_used_at?.getTime() ?? null,
      confirmed: true,
      expiresAt: session.expires_at.getTime(),
      minutes: session.minutes,
      upKbps: session.up_kbps,
      downKbps: session.down_kbps,
      upQuotaKB: session.up_quota_kb,
      downQuotaKB: session.down_quota_kb,
      ...idleOf(session.idle_minutes),
    });
  }

  /** The gateway asked, so the hardware address is real: the session begins, unless it has. */
  async function begin(tx: Queryable, peer: Peer, session: Applicant, now: number): Promise<void> {
    const { merchantId } = peer.store;
    const opening = openingAt({ ...session, hours: session.hours ?? undefined }, now);
    const closing = opening.open ? opening.until : null;
    const { started, ended } = await confirmSessions(tx, merchantId, [session.id], now, closing);
    await announceStarted(tx, started, now);
    await announceEnded(tx, ended, now);
  }

  async function byTicket(
    tx: Queryable,
    peer: Peer,
    request: AccessRequest,
    now: number,
  ): Promise<{ decision: AccessDecision; session?: Applicant }> {
    const { merchantId } = peer.store;
    const find = () => sessionByUserName(tx, merchantId, peer.gateway.id, request.userName);
    const session = await find();
    if (!session) return { decision: no('unknown-user') };
    if (!request.proves(passwordOf(tickets, request.userName))) {
      return { decision: no('wrong-password') };
    }
    if (request.mac !== null && request.mac !== session.mac) return { decision: no('wrong-mac') };
    const usedAt = session.ticket_used_at?.getTime() ?? null;
    const until = session.ticket_until?.getTime() ?? 0;
    if (!answerable({ until, usedAt }, now)) return { decision: no('ticket-old') };
    const verdict = verdictOf(session, now);
    if (!verdict.allowed) return { decision: no(verdict.reason) };
    const pending = session.state === 'pending';
    // Asked again by a gateway that did not hear us: nothing changes.
    if (usedAt !== null && !pending) {
      return { decision: { accept: true, grant: remaining(session, now) }, session };
    }
    await Promise.all([
      useTicket(tx, merchantId, session.id, now),
      pending && begin(tx, peer, session, now),
    ]);
    const begun = (await find()) ?? session;
    return { decision: { accept: true, grant: remaining(begun, now) }, session: begun };
  }

  /** A device that was here before: a session of its own, booked under its guest, showing nothing of them. */
  async function readmit(
    tx: Queryable,
    peer: Peer,
    mac: string,
    request: AccessRequest,
    now: number,
  ): Promise<boolean> {
    const { merchantId, id: storeId } = peer.store;
    const rules = await rulesOf(tx, peer.store);
    if (!rules) return false;
    const clientKey = clientKeyOf(clients, storeId, mac);
    const guestId = await recognise(tx, { merchantId, storeId, clientKey }, rules.terms, now);
    const minutes = limitedMinutes(rules.open, now, rules.limits.minutes);
    if (guestId === null || minutes === null) return false;
    const opened = {
      merchantId,
      storeId,
      gatewayId: peer.gateway.id,
      guestId,
      method: 'mac',
      mac,
      clientKey,
      ip: request.ip ?? null,
      admissionKey: Buffer.from(uuidv7(now)),
      limits: { ...rules.limits, minutes },
    };
    const session = await insertSession(tx, opened, now);
    if (!session) return false;
    const { started, ended } = await confirmSessions(tx, merchantId, [session.id], now);
    await announceStarted(tx, started, now);
    await announceEnded(tx, ended, now);
    return true;
  }

  async function byAddress(
    tx: Queryable,
    peer: Peer,
    mac: string,
    request: AccessRequest,
    now: number,
  ): Promise<{ decision: AccessDecision; session?: Applicant }> {
    const { merchantId, id: storeId } = peer.store;
    const at = { merchantId, storeId, gatewayId: peer.gateway.id };
    await lockClient(tx, clientKeyOf(clients, storeId, mac));
    let session = await confirmedAtStore(tx, at, mac, now);
    if (!session && (await readmit(tx, peer, mac, request, now))) {
      session = await confirmedAtStore(tx, at, mac, now);
    }
    if (!session) return { decision: no('unknown-mac') };
    const verdict = verdictOf(session, now);
    if (!verdict.allowed) return { decision: no(verdict.reason) };
    const name = request.userName.replaceAll(/\p{Cc}/gu, '').slice(0, LONGEST_NAME);
    await noteUserName(tx, merchantId, session.id, name);
    return { decision: { accept: true, grant: remaining(session, now) }, session };
  }

  /** While storage is away: what was granted in the last hours still holds. */
  function fromMemory(peer: Peer, request: AccessRequest, now: number): AccessDecision | null {
    const { userName, mac } = request;
    if (USER_NAME.test(userName)) {
      const known = memory.byUserName(userName);
      if (!known || known.gatewayId !== peer.gateway.id) return null;
      if (!request.proves(passwordOf(tickets, userName))) return no('wrong-password');
      if (mac !== null && mac !== known.mac) return no('wrong-mac');
      const usedAt = known.ticketUsedAt;
      if (!answerable({ until: known.ticketUntil, usedAt }, now)) return no('ticket-old');
      memory.keep({ ...known, confirmed: true, ticketUsedAt: usedAt ?? now });
      return remembered(known, now);
    }
    const known = mac !== null && request.byMac ? memory.byMac(peer.store.id, mac) : null;
    return known && remembered(known, now);
  }

  function remembered(known: KnownGrant, now: number): AccessDecision {
    const { sessionId, guestId, expiresAt, upKbps, downKbps, upQuotaKB, downQuotaKB } = known;
    const minutes = known.minutes === 0 ? 0 : minutesUntil(expiresAt, now);
    const limits = { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB };
    const idle = idleOf(known.idleMinutes);
    return { accept: true, grant: { sessionId, guestId, expiresAt, ...limits, ...idle } };
  }

  async function decide(peer: Peer, request: AccessRequest, now: number): Promise<AccessDecision> {
    const { merchantId } = peer.store;
    const { mac } = request;
    const { decision, session } = await db.tx(
      async (tx) => {
        await heard(tx, merchantId, peer.gateway.id, now);
        return request.byMac
          ? byAddress(tx, peer, mac!, request, now)
          : byTicket(tx, peer, request, now);
      },
      { tenant: merchantId },
    );
    if (session) keep(session, peer);
    return decision;
  }

  /** Whether this request is one that can be granted at all, before storage is asked. */
  function refusedAtOnce(peer: Peer, request: AccessRequest, now: number): AccessDecision | null {
    if (!request.byMac) return USER_NAME.test(request.userName) ? null : no('unknown-user');
    if (request.mac === null) return no('unknown-mac');
    const until = strangers.get(`${peer.store.id} ${request.mac}`) ?? 0;
    return now < until ? no('unknown-mac') : null;
  }

  function noteStranger(peer: Peer, mac: string, now: number): void {
    if (strangers.size >= MOST_STRANGERS) strangers.clear();
    strangers.set(`${peer.store.id} ${mac}`, now + STRANGER_MS);
  }

  return {
    peersAt: peers.peersAt,
    peersByAc: peers.peersByAc,
    peerByCertificate: (fingerprint: string) => peers.peerByCertificate(fingerprint),

    /** Rejects only when storage is away and memory does not know the grant. */
    async authorise(peer: Peer, request: AccessRequest): Promise<AccessDecision> {
      const now = clock();
      const refusal = refusedAtOnce(peer, request, now);
      if (refusal) return refusal;
      try {
        const decision = await decide(peer, request, now);
        if (!decision.accept && decision.reason === 'unknown-mac') {
          noteStranger(peer, request.mac!, now);
        }
        return decision;
      } catch (error) {
        const known = fromMemory(peer, request, now);
        if (!known) throw error;
        log.warn({ err: error, gateway: peer.gateway.id }, 'access was decided from memory');
        return known;
      }
    },

    /** Attribute 80 arrived for the first time from a gateway that learns. */
    async learnt(peer: Peer): Promise<void> {
      const { merchantId } = peer.store;
      await db.tx((tx) => setLearnt(tx, merchantId, peer.gateway.id), { tenant: merchantId });
      peers.changed(peer.gateway.id);
    },

    /** The gateway restarted: nobody of its network sessions from before is inside. */
    async restarted(peer: Peer, at: number): Promise<void> {
      const now = clock();
      const { merchantId } = peer.store;
      const before = now - at < LONGEST_DELAY_MS ? Math.min(at, now) : now;
      await db.tx(
        async (tx) => {
          await heard(tx, merchantId, peer.gateway.id, now);
          await closeGatewayLegs(tx, merchantId, peer.gateway.id, before);
          const ended = await endUncounted(tx, merchantId, peer.gateway.id, before, now);
          await announceEnded(tx, ended, now);
        },
        { tenant: merchantId },
      );
    },
  };
}
