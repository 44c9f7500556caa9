/** WiFi sessions in storage: one row per admission, pending → active → ended. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import { removeNoted } from '../stores/removal-queries.ts';

/** Limits of one admission; 0 = unlimited. Speeds in kbit/s, quotas in KB (1,024 bytes). */
export interface SessionLimits {
  minutes: number;
  upKbps: number;
  downKbps: number;
  upQuotaKB: number;
  downQuotaKB: number;
}

export interface SessionRow extends Row {
  id: string;
  merchant_id: string;
  store_id: string;
  gateway_id: string;
  guest_id: string;
  method: string;
  state: 'pending' | 'active' | 'ended';
  minutes: number;
  up_kbps: number;
  down_kbps: number;
  up_quota_kb: number;
  down_quota_kb: number;
  bytes_in: number;
  bytes_out: number;
  rhid: string | null;
  granted_at: Date;
  confirmed_at: Date | null;
  landed_at: Date | null;
  last_seen_at: Date | null;
  expires_at: Date;
  ended_at: Date | null;
  end_reason: string | null;
}

const COLUMNS = `id, merchant_id, store_id, gateway_id, guest_id, method, state, minutes, up_kbps,
  down_kbps, up_quota_kb, down_quota_kb, bytes_in, bytes_out, rhid, granted_at, confirmed_at,
  landed_at, last_seen_at, expires_at, ended_at, end_reason`;

/** The same columns where guests are joined. */
const OF_S = COLUMNS.replaceAll(/\w+/g, 's.$&');

/** Nobody is known by this guest: no phone, no mail, no member card, no identity elsewhere. */
const NAMELESS = `g.phone is null and g.email is null
  and not exists (select 1 from member_cards c where c.guest_id = g.id)
  and not exists (select 1 from guest_identities i where i.guest_id = g.id)`;

/** A session whose guest's offers may be shown: see `guestOfOpenSession`. */
const SHOWS_OFFERS = `s.state <> 'ended' and g.blocked_at is null and s.twin_at is null
  and (s.state = 'active' or not (${NAMELESS})) and (s.method <> 'mac' or (${NAMELESS}))`;

/** An admission without a time limit is still looked at again after this long. */
const UNLIMITED_MS = 30 * 86_400_000;

/** When a session of `minutes` granted or confirmed at `from` runs out (ms since 1970). */
export function expiryOf(from: number, minutes: number): number {
  return from + (minutes > 0 ? minutes * 60_000 : UNLIMITED_MS);
}

export interface NewSession {
  merchantId: string;
  storeId: string;
  gatewayId: string;
  guestId: string;
  method: string;
  mac: string;
  clientKey: string;
  ip: string | null;
  admissionKey: Buffer;
  limits: SessionLimits;
  /** The printed code that opens it: when that is withdrawn or expires, so does the session. */
  accessVoucherId?: string | null | undefined;
}

/**
 * Opens a pending session at a gateway of this store, null when it has no such gateway; fails on a
 * live session with the same admission key.
 */
export async function insertSession(
  tx: Queryable,
  session: NewSession,
  now: number,
): Promise<SessionRow | null> {
  const { rows } = await tx.query<SessionRow>(
    `insert into sessions (id, merchant_id, store_id, gateway_id, guest_id, method, mac, client_key,
       ip, admission_key, minutes, up_kbps, down_kbps, up_quota_kb, down_quota_kb, granted_at, expires_at,
       access_voucher_id)
     select $1, $2, $3, id, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
     from gateways where merchant_id = $2 and store_id = $3 and id = $4
     returning ${COLUMNS}`,
    [
      uuidv7(now),
      session.merchantId,
      session.storeId,
      session.gatewayId,
      session.guestId,
      session.method,
      session.mac,
      session.clientKey,
      session.ip,
      session.admissionKey,
      session.limits.minutes,
      session.limits.upKbps,
      session.limits.downKbps,
      session.limits.upQuotaKB,
      session.limits.downQuotaKB,
      new Date(now),
      new Date(expiryOf(now, session.limits.minutes)),
      session.accessVoucherId ?? null,
    ],
  );
  return rows[0] ?? null;
}

/** Serialises admissions of one client until the transaction ends, across processes. */
export async function lockClient(tx: Queryable, clientKey: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('session ' || $1, 0))`, [
    clientKey,
  ]);
}

/** The live session of this very admission, if it was granted at or after `since`. */
export async function repeatedAdmission(
  tx: Queryable,
  merchantId: string,
  admissionKey: Buffer,
  since: number,
): Promise<SessionRow | null> {
  const { rows } = await tx.query<SessionRow>(
    `select ${COLUMNS} from sessions
     where merchant_id = $1 and admission_key = $2 and state <> 'ended' and granted_at >= $3`,
    [merchantId, admissionKey, new Date(since)],
  );
  return rows[0] ?? null;
}

/**
 * Lets an older live session of the same admission keep running under a key nobody computes: who
 * comes back later gets a session of their own, and only the gateway's word ends the old one.
 */
export async function releaseAdmissionKey(
  tx: Queryable,
  merchantId: string,
  admissionKey: Buffer,
): Promise<void> {
  await tx.query(
    `update sessions set admission_key = uuid_send(id)
     where merchant_id = $1 and admission_key = $2 and state <> 'ended'`,
    [merchantId, admissionKey],
  );
}

/**
 * The guest this client was, at this store, when a gateway last confirmed it — only when nobody is
 * known by that guest: hardware addresses are easily copied, so they never lead to a person.
 */
export async function rememberedGuest(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientKey: string,
  since: number,
): Promise<string | null> {
  const { rows } = await tx.query<{ guest_id: string }>(
    `select s.guest_id from sessions s join guests g on g.id = s.guest_id
     where s.merchant_id = $1 and s.store_id = $2 and s.client_key = $3 and s.granted_at >= $4
       and (s.confirmed_at is not null or s.landed_at is not null)
       and ${NAMELESS}
     order by s.granted_at desc limit 1`,
    [merchantId, storeId, clientKey, new Date(since)],
  );
  return rows[0]?.guest_id ?? null;
}

/**
 * The guest of a live session of this very admission, however long ago it was granted — again only
 * one by whom nobody is known. Asking anew must not make somebody new: each would get the
 * offers of a first visit.
 */
export async function guestOfAdmission(
  tx: Queryable,
  merchantId: string,
  admissionKey: Buffer,
  now: number,
): Promise<string | null> {
  const { rows } = await tx.query<{ guest_id: string }>(
    `select s.guest_id from sessions s join guests g on g.id = s.guest_id
     where s.merchant_id = $1 and s.admission_key = $2 and s.state <> 'ended' and s.expires_at > $3
       and ${NAMELESS}`,
    [merchantId, admissionKey, new Date(now)],
  );
  return rows[0]?.guest_id ?? null;
}

export interface ShownSession extends SessionRow {
  /** The guest whose offers it may show now, as of `guestOfOpenSession`; null when it may show none. */
  shows: string | null;
}

/** The session as a page needs it: one look for what it says and whose offers it shows. */
export async function shownSession(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  id: string,
): Promise<ShownSession | null> {
  const { rows } = await tx.query<ShownSession>(
    `select ${OF_S}, case when ${SHOWS_OFFERS} then s.guest_id end as shows
     from sessions s join guests g on g.id = s.guest_id
     where s.merchant_id = $1 and s.store_id = $2 and s.id = $3`,
    [merchantId, storeId, id],
  );
  return rows[0] ?? null;
}

/** A session of the merchant's, wherever it is. */
export async function sessionById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<SessionRow | null> {
  const { rows } = await tx.query<SessionRow>(
    `select ${COLUMNS} from sessions where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

export interface ListedSession extends SessionRow {
  /** Access points or gateways that counted it. */
  legs: number;
  /** Why it is being put out, and what its gateway last said; null when it may stay. */
  kick_reason: string | null;
  kick_outcome: string | null;
}

/** A store's sessions, newest first, those in use or all. */
export async function sessionsAt(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  filter: { live: boolean; before?: { at: Date; id: string } | undefined; limit: number },
): Promise<ListedSession[]> {
  const { rows } = await tx.query<ListedSession>(
    `select ${COLUMNS}, k.reason as kick_reason, k.outcome as kick_outcome,
       (select count(*) from session_legs l where l.session_id = s.id) as legs
     from sessions s left join lateral (
       select reason, outcome from session_kicks
       where merchant_id = s.merchant_id and session_id = s.id order by created_at limit 1) k on true
     where merchant_id = $1 and store_id = $2 and (not $3 or state = 'active')
       and ($4::timestamptz is null or (granted_at, id) < ($4, $5::uuid))
     order by granted_at desc, id desc limit $6`,
    [
      merchantId,
      storeId,
      filter.live,
      filter.before?.at ?? null,
      filter.before?.id ?? null,
      filter.limit,
    ],
  );
  return rows;
}

/** The newest session a guest's client has open at a gateway, of those that go by `keys` where told. */
export async function openSessionOf(
  tx: Queryable,
  {
    merchantId,
    gatewayId,
    clientKey,
  }: { merchantId: string; gatewayId: string; clientKey: string },
  guestId: string,
  keys: readonly Buffer[] | null,
  now: number,
): Promise<SessionRow | null> {
  const { rows } = await tx.query<SessionRow>(
    `select ${COLUMNS} from sessions
     where merchant_id = $1 and gateway_id = $2 and client_key = $3 and guest_id = $4
       and state = 'active' and expires_at > $5 and method not in ('grace', 'mac')
       and ($6::text[] is null or encode(admission_key, 'hex') = any ($6::text[]))
     order by granted_at desc limit 1`,
    [
      merchantId,
      gatewayId,
      clientKey,
      guestId,
      new Date(now),
      keys?.map((key) => key.toString('hex')) ?? null,
    ],
  );
  return rows[0] ?? null;
}

/** The newest live session of a client; an active one before a pending one. */
export async function liveSessionOfClient(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientKey: string,
  now: number,
): Promise<SessionRow | null> {
  const { rows } = await tx.query<SessionRow>(
    `select ${COLUMNS} from sessions
     where merchant_id = $1 and store_id = $2 and client_key = $3 and state <> 'ended'
       and expires_at > $4
     order by state = 'active' desc, granted_at desc limit 1`,
    [merchantId, storeId, clientKey, new Date(now)],
  );
  return rows[0] ?? null;
}

/**
 * The guest whose offers this session may show. A guest known only by a client key must have been
 * confirmed first: until then the hardware address is a claim. An address that two used at once, or that
 * alone opened the session, leads to nobody who gave a name.
 */
export async function guestOfOpenSession(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  id: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ guest_id: string }>(
    `select s.guest_id from sessions s join guests g on g.id = s.guest_id
     where s.merchant_id = $1 and s.store_id = $2 and s.id = $3 and ${SHOWS_OFFERS}`,
    [merchantId, storeId, id],
  );
  return rows[0]?.guest_id ?? null;
}

/** A guest's sessions, newest first. */
export async function sessionsOfGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  limit: number,
): Promise<SessionRow[]> {
  const { rows } = await tx.query<SessionRow>(
    `select ${COLUMNS} from sessions where merchant_id = $1 and guest_id = $2
     order by granted_at desc, id desc limit $3`,
    [merchantId, guestId, limit],
  );
  return rows;
}

/** Forgets hardware and network addresses, and legs, of up to `limit` sessions that ended before `before`. */
export async function forgetClients(
  db: Queryable,
  before: number,
  now: number,
  limit: number,
): Promise<number> {
  return removeNoted(db, {
    kind: 'addresses',
    before,
    now,
    statement: `old as (
       select id from sessions where state = 'ended' and ended_at < $2 and client_key <> ''
       order by ended_at limit $4 for update skip locked),
     legless as (delete from session_legs where session_id in (select id from old)),
     gone as (
       update sessions s set mac = '', ip = null, client_key = '', rhid = null, user_name = null,
         nas_user_name = null
       from old where s.id = old.id returning s.merchant_id, s.store_id)`,
    params: [limit],
  });
}
