/** Clients to be put out, in storage: noted in the transaction that ends their grant, done when the gateway says so. */
import type { Queryable, Row } from '../db/database.ts';
import type { GatewayKind, GatewaySettings } from '../stores/gateway-schema.ts';
import type { WeekHours } from './hours.ts';

export type KickReason =
  'expired' | 'quota' | 'closed' | 'blocked' | 'erased' | 'staff' | 'replaced';

/**
 * Where each session has its client: at the gateways that count it now, or, before any has counted it,
 * at the one it was granted for. A snapshot, since the session's own row may be gone when it is needed.
 */
const TARGETS = `select s.id, w.gateway_id, s.merchant_id, s.store_id, $2, s.mac, s.ip, coalesce(s.user_name, s.nas_user_name), s.rhid,
    w.names, $3::timestamptz, $4::timestamptz, greatest(s.expires_at, $4)
  from sessions s cross join lateral (
    select l.gateway_id, array_agg(l.nas_session) as names from session_legs l
    where l.session_id = s.id and l.ended_at is null group by l.gateway_id
    union all
    select s.gateway_id, '{}' where not exists (select 1 from session_legs l where l.session_id = s.id)) w`;

const INTO = `insert into session_kicks as k (session_id, gateway_id, merchant_id, store_id, reason, mac, ip,
  user_name, token, nas_sessions, due_at, created_at, until)`;

/** Notes that these sessions are to be put out from `dueAt` on; asked again, the first reason stands. */
export async function insertKicks(
  tx: Queryable,
  sessionIds: readonly string[],
  reason: KickReason,
  dueAt: number,
  now: number,
): Promise<void> {
  if (sessionIds.length === 0) return;
  await tx.query(
    `${INTO} ${TARGETS} where s.id = any ($1::uuid[]) and s.mac <> ''
     on conflict (session_id, gateway_id) do update set due_at = least(k.due_at, excluded.due_at)`,
    [sessionIds, reason, new Date(dueAt), new Date(now)],
  );
}

/** The same for every session of a guest that a gateway may have let in. */
export async function kicksOfGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  reason: 'blocked' | 'erased',
  now: number,
): Promise<void> {
  // Sessions before notes, as everybody else locks them.
  await tx.query(
    `select 1 from sessions where merchant_id = $1 and guest_id = $2 and state <> 'ended' order by id for update`,
    [merchantId, guestId],
  );
  await tx.query(
    `${INTO} ${TARGETS}
     where s.merchant_id = $5 and s.guest_id = $1 and s.mac <> '' and (s.state = 'active'
       or (s.state = 'pending' and (s.rhid is not null or s.user_name is not null))
       or exists (select 1 from session_legs l where l.session_id = s.id and l.ended_at is null))
     on conflict (session_id, gateway_id) do update
       set reason = excluded.reason, due_at = excluded.due_at, outcome = null, attempts = 0`,
    [guestId, reason, new Date(now), new Date(now), merchantId],
  );
}

/**
 * Holds these sessions until the transaction ends and gives those still live, or all: what another process
 * is just ending is not noted anew.
 */
export async function holdSessions(
  tx: Queryable,
  sessionIds: readonly string[],
  live: boolean,
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from sessions where id = any ($1::uuid[]) and (not $2 or state <> 'ended')
     order by id for update`,
    [sessionIds, live],
  );
  return rows.map((row) => row.id);
}

export interface KickRow extends Row {
  session_id: string;
  gateway_id: string;
  merchant_id: string;
  store_id: string;
  reason: KickReason;
  mac: string;
  ip: string | null;
  user_name: string | null;
  token: string | null;
  nas_sessions: string[];
  attempts: number;
  until: Date;
  kind: GatewayKind;
  name: string;
  settings: GatewaySettings;
  /** Of the session; null when its guest was erased. */
  state: 'pending' | 'active' | 'ended' | null;
  /** The gateway itself said that the client left, or it holds a newer session of the same client. */
  moot: boolean;
}

const TAKEN = `k.session_id, k.gateway_id, k.merchant_id, k.store_id, k.reason, k.mac, k.ip, k.user_name,
  k.token, k.attempts, k.until, g.kind, g.name, g.settings,
  (select s.state from sessions s where s.id = k.session_id) as state,
  coalesce((select array_agg(l.nas_session) from session_legs l
    where l.session_id = k.session_id and l.gateway_id = k.gateway_id and l.ended_at is null),
    k.nas_sessions) as nas_sessions,
  (exists (select 1 from session_legs l where l.session_id = k.session_id and l.gateway_id = k.gateway_id)
    and not exists (select 1 from session_legs l where l.session_id = k.session_id
      and l.gateway_id = k.gateway_id and l.ended_at is null))
  or exists (select 1 from sessions n where n.merchant_id = k.merchant_id and n.mac = k.mac
    and n.gateway_id = k.gateway_id and n.state = 'active' and n.id <> k.session_id
    and n.granted_at >= k.created_at) as moot`;

/** Takes up to `limit` that are due, of any merchant, and holds them for `leaseMs`. */
export async function takeKicks(
  db: Queryable,
  now: number,
  leaseMs: number,
  limit: number,
): Promise<KickRow[]> {
  const { rows } = await db.query<KickRow>(
    `update session_kicks k set attempts = k.attempts + 1, due_at = $2
     from gateways g
     where g.id = k.gateway_id and (k.session_id, k.gateway_id) in (
       select session_id, gateway_id from session_kicks where due_at <= $1
       order by due_at limit $3 for update skip locked)
     returning ${TAKEN}`,
    [new Date(now), new Date(now + leaseMs), limit],
  );
  return rows;
}

/** The same for one session, due or not. */
export async function takeKicksOf(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  dueAgain: number,
): Promise<KickRow[]> {
  const { rows } = await tx.query<KickRow>(
    `update session_kicks k set attempts = k.attempts + 1, due_at = $3
     from gateways g
     where g.id = k.gateway_id and k.merchant_id = $1 and k.session_id = $2
     returning ${TAKEN}`,
    [merchantId, sessionId, new Date(dueAgain)],
  );
  return rows;
}

/** What the gateway answered, and when to ask again (null: it stands as it is). */
export async function noteKick(
  tx: Queryable,
  kick: Pick<KickRow, 'session_id' | 'gateway_id'>,
  outcome: 'later' | 'unable' | 'failed',
  dueAt: number | null,
): Promise<void> {
  await tx.query(
    `update session_kicks set outcome = $3, due_at = $4 where session_id = $1 and gateway_id = $2`,
    [kick.session_id, kick.gateway_id, outcome, dueAt === null ? null : new Date(dueAt)],
  );
}

/** Done at this gateway; gives how many gateways still hold the session. */
export async function dropKick(
  tx: Queryable,
  kick: Pick<KickRow, 'session_id' | 'gateway_id'>,
): Promise<number> {
  const { rows } = await tx.query<{ left: number }>(
    `with gone as (delete from session_kicks where session_id = $1 and gateway_id = $2)
     select count(*) as left from session_kicks where session_id = $1 and gateway_id <> $2`,
    [kick.session_id, kick.gateway_id],
  );
  return rows[0]?.left ?? 0;
}

/** Forgets what stands for a session at one gateway, or at all: it ended by itself. */
export async function dropKicksOf(
  tx: Queryable,
  sessionIds: readonly string[],
  gatewayId: string | null = null,
): Promise<void> {
  await tx.query(
    `delete from session_kicks where session_id = any ($1::uuid[]) and ($2::uuid is null or gateway_id = $2)`,
    [sessionIds, gatewayId],
  );
}

/** Gives up what the sessions' own limits have ended since `before`, and what waits for nobody. */
export async function dropStaleKicks(db: Queryable, before: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from session_kicks k where k.until < $1 or (k.due_at is null and k.outcome <> 'later'
       and not exists (select 1 from sessions s where s.id = k.session_id and s.state = 'active'))`,
    [new Date(before)],
  );
  return rowCount;
}

export interface OverRow extends Row {
  id: string;
  reason: KickReason;
}

/** Nothing is noted yet for a session whose grant is found over. */
const UNNOTED = 'not exists (select 1 from session_kicks k where k.session_id = s.id)';

/**
 * Live sessions whose grant is over by their own facts: guest or member card blocked, volume used up, or
 * the printed code that opened them withdrawn or past its date. Each of the parts reads an index of its own.
 */
export async function sessionsOver(db: Queryable, now: number, limit: number): Promise<OverRow[]> {
  const { rows } = await db.query<OverRow>(
    `select distinct on (id) id, reason from (
       select s.id, 'blocked' as reason, 1 as rank
       from guests g join sessions s on s.merchant_id = g.merchant_id and s.guest_id = g.id
       where g.blocked_at is not null and s.state = 'active' and ${UNNOTED}
       union all
       select s.id, 'blocked', 1
       from member_cards c join sessions s on s.merchant_id = c.merchant_id and s.guest_id = c.guest_id
       where c.blocked_at is not null and s.state = 'active'
         and s.method in ('member-card', 'returning', 'mac') and ${UNNOTED}
         and not exists (select 1 from member_cards o where o.merchant_id = c.merchant_id
           and o.guest_id = c.guest_id and o.blocked_at is null and (o.expires_at is null or o.expires_at > $1))
       union all
       select s.id, 'quota', 2 from sessions s
       where s.state = 'active' and (s.down_quota_kb > 0 or s.up_quota_kb > 0) and ${UNNOTED}
         and ((s.down_quota_kb > 0 and s.bytes_in >= s.down_quota_kb * 1024::bigint)
           or (s.up_quota_kb > 0 and s.bytes_out >= s.up_quota_kb * 1024::bigint))
       union all
       select s.id, 'expired', 3
       from sessions s left join access_vouchers v on v.id = s.access_voucher_id
       where s.access_voucher_id is not null and s.state <> 'ended' and s.state = 'active'
         and (v.id is null or v.expires_at <= $1) and ${UNNOTED}) over
     order by id, rank limit $2`,
    [new Date(now), limit],
  );
  return rows;
}

export interface OpenStoreRow extends Row {
  id: string;
  timezone: string;
  hours: WeekHours;
}

/** Stores with opening hours that have somebody inside. */
export async function storesWithHours(db: Queryable): Promise<OpenStoreRow[]> {
  const { rows } = await db.query<OpenStoreRow>(
    `select st.id, st.timezone, st.settings -> 'hours' as hours from stores st
     where jsonb_typeof(st.settings -> 'hours') = 'object' and exists (
       select 1 from sessions s where s.store_id = st.id and s.merchant_id = st.merchant_id and s.state = 'active')`,
  );
  return rows;
}

/** Everybody inside at these stores for whom nothing is noted yet. */
export async function insideAt(
  db: Queryable,
  storeIds: readonly string[],
  limit: number,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select s.id from sessions s
     where s.store_id = any ($1::uuid[]) and s.state = 'active' and ${UNNOTED}
     order by s.id limit $2`,
    [storeIds, limit],
  );
  return rows.map((row) => row.id);
}

/** Live sessions of these that no gateway has to be asked about: nobody counts them any more. */
export async function unheld(
  tx: Queryable,
  sessionIds: readonly string[],
): Promise<{ id: string; merchant_id: string }[]> {
  const { rows } = await tx.query<{ id: string; merchant_id: string }>(
    `select s.id, s.merchant_id from sessions s
     where s.id = any ($1::uuid[]) and s.state <> 'ended' and ${UNNOTED} for update of s`,
    [sessionIds],
  );
  return rows;
}

/** The gateway asked about a client that is nobody's any more, and is being told so. */
export async function dropKicksAt(tx: Queryable, gatewayId: string, mac: string): Promise<void> {
  await tx.query(
    `delete from session_kicks where gateway_id = $1 and mac = $2 and outcome = 'later'`,
    [gatewayId, mac],
  );
}
