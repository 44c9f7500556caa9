/** What gateways do to sessions in storage: deposits, confirmations and the many ways to end. */
import type { Queryable, Row } from '../db/database.ts';
import { kicksOfGuest } from './kick-queries.ts';
import type { SessionLimits } from './queries.ts';

export interface EndedRow extends Row {
  id: string;
  merchant_id: string;
  store_id: string;
  guest_id: string;
  end_reason: string;
  ended_at: Date;
}

export interface StartedRow extends Row {
  id: string;
  merchant_id: string;
  store_id: string;
  guest_id: string;
  confirmed_at: Date;
}

/** What an ended session tells. */
export const ENDED = 'id, merchant_id, store_id, guest_id, end_reason, ended_at';
const ENDED_OLD =
  'old.id, old.merchant_id, old.store_id, old.guest_id, old.end_reason, old.ended_at';

export interface WaitingDeposit extends Row {
  id: string;
  rhid: string;
  minutes: number;
  up_kbps: number;
  down_kbps: number;
  up_quota_kb: number;
  down_quota_kb: number;
}

/**
 * Sessions a gateway shall let in when it next asks, oldest first. A client that asked twice goes by
 * one hash; its newest session is meant.
 */
export async function waitingDeposits(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  since: number,
  now: number,
  limit: number,
): Promise<WaitingDeposit[]> {
  const { rows } = await tx.query<WaitingDeposit>(
    `select id, rhid, minutes, up_kbps, down_kbps, up_quota_kb, down_quota_kb from (
       select distinct on (rhid) * from sessions
       where merchant_id = $1 and gateway_id = $2 and state = 'pending' and rhid is not null
         and deposited_at > $3 and expires_at > $4
       order by rhid, granted_at desc, id desc) newest
     order by deposited_at, id limit $5`,
    [merchantId, gatewayId, new Date(since), new Date(now), limit],
  );
  return rows;
}

/** What a door is told of a session: `rhid` is the hash or token it goes by there. */
interface DoorGrant {
  sessionId: string;
  rhid: string;
  limits: SessionLimits;
}

/** Parameters $1 to $10 of the two statements that leave a grant with a door. */
function depositOf(
  merchantId: string,
  gatewayId: string,
  { sessionId, rhid, limits }: DoorGrant,
  now: number,
): unknown[] {
  const { minutes, upKbps, downKbps, upQuotaKB, downQuotaKB } = limits;
  const rates = [minutes, upKbps, downKbps, upQuotaKB, downQuotaKB];
  return [merchantId, gatewayId, sessionId, rhid, new Date(now), ...rates];
}

/** Leaves a pending session for its gateway to fetch; again changes only the hash it goes by. */
export async function leaveDeposit(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  sessionId: string,
  rhid: string,
  limits: SessionLimits,
  now: number,
): Promise<void> {
  await tx.query(
    `update sessions set rhid = $4, deposited_at = coalesce(deposited_at, $5), minutes = $6,
       up_kbps = $7, down_kbps = $8, up_quota_kb = $9, down_quota_kb = $10
     where merchant_id = $1 and gateway_id = $2 and id = $3 and state = 'pending'`,
    depositOf(merchantId, gatewayId, { sessionId, rhid, limits }, now),
  );
}

/** The pending sessions that go by these hashes at a gateway, the newest of each. */
export async function depositedSessions(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  rhids: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select distinct on (rhid) id from sessions
     where merchant_id = $1 and gateway_id = $2 and rhid = any ($3::text[]) and state = 'pending'
     order by rhid, granted_at desc, id desc`,
    [merchantId, gatewayId, rhids],
  );
  return rows.map((row) => row.id);
}

/**
 * A gateway let these in: their time runs from now, at most until `closing`, and older sessions of the
 * same client at the same gateway are over. Sessions that are not pending stay as they are.
 */
export async function confirmSessions(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
  now: number,
  closing: number | null = null,
): Promise<{ started: StartedRow[]; ended: EndedRow[] }> {
  if (ids.length === 0) return { started: [], ended: [] };
  const { rows: started } = await tx.query<StartedRow>(
    `update sessions set state = 'active', confirmed_at = $3,
       expires_at = least($4, case when minutes > 0 then $3::timestamptz + make_interval(mins => minutes) else expires_at end)
     where merchant_id = $1 and id = any ($2::uuid[]) and state = 'pending'
     returning id, merchant_id, store_id, guest_id, confirmed_at`,
    [merchantId, ids, new Date(now), closing === null ? null : new Date(closing)],
  );
  return { started, ended: await endReplaced(tx, merchantId, ids, now) };
}

/**
 * For a door that opens at once: what `leaveDeposit` and then `confirmSessions` would do to this session, if
 * it is pending.
 */
export async function openSession(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  grant: DoorGrant,
  now: number,
): Promise<{ started: StartedRow[]; ended: EndedRow[] }> {
  // Sent together: who is replaced shows by the time of the confirmation.
  const [{ rows: started }, ended] = await Promise.all([
    tx.query<StartedRow>(
      `update sessions set rhid = $4, deposited_at = coalesce(deposited_at, $5), minutes = $6::int,
         up_kbps = $7, down_kbps = $8, up_quota_kb = $9, down_quota_kb = $10, state = 'active', confirmed_at = $5,
         expires_at = case when $6 > 0 then $5::timestamptz + make_interval(mins => $6) else expires_at end
       where merchant_id = $1 and gateway_id = $2 and id = $3 and state = 'pending'
       returning id, merchant_id, store_id, guest_id, confirmed_at`,
      depositOf(merchantId, gatewayId, grant, now),
    ),
    endReplaced(tx, merchantId, [grant.sessionId], now),
  ]);
  return { started, ended };
}

/** Ends older sessions of the same client at the same gateway as those of these that began at `now`. */
async function endReplaced(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
  now: number,
): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    // The few that are fresh first, then theirs by address: the other way round reads all that are open.
    `with fresh as materialized (
       select gateway_id, mac, granted_at from sessions
       where merchant_id = $1 and id = any ($2::uuid[]) and confirmed_at = $3)
     update sessions old set state = 'ended', ended_at = $3, end_reason = 'replaced'
     from fresh
     where old.merchant_id = $1 and old.gateway_id = fresh.gateway_id
       and old.mac = fresh.mac and old.mac <> ''
       and old.state <> 'ended' and old.id <> all ($2::uuid[]) and old.granted_at <= fresh.granted_at
     returning ${ENDED_OLD}`,
    [merchantId, ids, new Date(now)],
  );
  return rows;
}

/** Sessions of one store that an hour's browsers may make active by their word alone. */
export const LANDINGS_PER_HOUR = 1_000;
const HOUR_MS = 3_600_000;

/**
 * The browser says the gateway's own door let it through. Weaker than the gateway's word, so it ends
 * only older sessions of the same guest on the same client; and anybody can say it, so that beyond what
 * a busy shop has in an hour it is heard no more: such sessions stay pending.
 */
export async function landSession(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  sessionId: string,
  now: number,
): Promise<EndedRow[]> {
  const { rowCount } = await tx.query(
    `update sessions set state = 'active', landed_at = $4
     where merchant_id = $1 and store_id = $2 and id = $3 and state = 'pending' and expires_at > $4
       and (select count(*) from (
         select 1 from sessions
         where merchant_id = $1 and store_id = $2 and granted_at > $5
           and landed_at is not null and confirmed_at is null limit $6) said) < $6`,
    [merchantId, storeId, sessionId, new Date(now), new Date(now - HOUR_MS), LANDINGS_PER_HOUR],
  );
  if (rowCount === 0) return [];
  const { rows } = await tx.query<EndedRow>(
    `update sessions old set state = 'ended', ended_at = $3, end_reason = 'replaced'
     from sessions fresh
     where fresh.merchant_id = $1 and fresh.id = $2 and old.merchant_id = $1 and old.id <> fresh.id
       and old.gateway_id = fresh.gateway_id and old.mac = fresh.mac and old.mac <> ''
       and old.guest_id = fresh.guest_id and old.state <> 'ended'
       and old.granted_at <= fresh.granted_at
     returning ${ENDED_OLD}`,
    [merchantId, sessionId, new Date(now)],
  );
  return rows;
}

/** The gateway started anew: whoever it had let in, or was to let in, is outside again. */
export async function clearGateway(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  now: number,
): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    `update sessions set state = 'ended', ended_at = $3, end_reason = 'gateway-cleared'
     where merchant_id = $1 and gateway_id = $2
       and (state = 'active' or (state = 'pending' and rhid is not null))
     returning ${ENDED}`,
    [merchantId, gatewayId, new Date(now)],
  );
  return rows;
}

export interface Departure {
  mac: string;
  reason: string;
  bytesIn: number;
  bytesOut: number;
  endedAt: number;
}

/**
 * The gateway closed this client's session; one begun after `latestStart` is not meant. What it counted
 * is kept as the session's only leg; one that our own books had closed before gets its counters as well.
 */
export async function endByGateway(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  departure: Departure,
  latestStart: number,
): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    `with meant as (
       select id, state from sessions
       where merchant_id = $1 and gateway_id = $2 and mac = $3 and granted_at <= $8
         and (state <> 'ended' or ended_at > $9)
       order by state = 'active' desc, state = 'pending' desc, granted_at desc limit 1),
     counted as (
       insert into session_legs (id, merchant_id, store_id, gateway_id, session_id, nas_session, mac, ip,
         started_at, last_at, ended_at, end_reason, bytes_in, bytes_out, seconds)
       select s.id, s.merchant_id, s.store_id, s.gateway_id, s.id, s.id::text, s.mac, s.ip,
         coalesce(s.confirmed_at, s.granted_at), greatest($4, s.granted_at), greatest($4, s.granted_at), $5, $6, $7,
         greatest(0, extract(epoch from $4 - coalesce(s.confirmed_at, s.granted_at)))::bigint
       from sessions s join meant on meant.id = s.id
       where not exists (select 1 from session_legs l where l.session_id = s.id)
       on conflict do nothing)
     update sessions s set
       state = 'ended',
       ended_at = case when meant.state = 'ended' then s.ended_at else greatest($4, s.granted_at) end,
       end_reason = case when meant.state = 'ended' then s.end_reason else $5 end,
       bytes_in = greatest(s.bytes_in, $6), bytes_out = greatest(s.bytes_out, $7)
     from meant where s.id = meant.id and (s.state <> 'ended' or meant.state = 'ended')
     returning s.id, s.merchant_id, s.store_id, s.guest_id, s.end_reason, s.ended_at, meant.state as was`,
    [
      merchantId,
      gatewayId,
      departure.mac,
      new Date(departure.endedAt),
      departure.reason,
      departure.bytesIn,
      departure.bytesOut,
      new Date(latestStart),
      new Date(departure.endedAt - AFTERMATH_MS),
    ],
  );
  return rows.filter((row) => row['was'] !== 'ended');
}

/** A gateway's own end of a session that our books ended first comes within this time. */
const AFTERMATH_MS = 5 * 60_000;

/** Ends every live session of a guest in our books, and leaves word for the gateways that hold them. */
export async function endSessionsOfGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  reason: 'blocked' | 'erased',
  now: number,
): Promise<EndedRow[]> {
  await kicksOfGuest(tx, merchantId, guestId, reason, now);
  const { rows } = await tx.query<EndedRow>(
    `update sessions set state = 'ended', ended_at = $4, end_reason = $3
     where merchant_id = $1 and guest_id = $2 and state <> 'ended' returning ${ENDED}`,
    [merchantId, guestId, reason, new Date(now)],
  );
  return rows;
}

/** Ends up to `limit` sessions whose time has run out, of any merchant; others may do so beside us. */
export async function endExpired(tx: Queryable, now: number, limit: number): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    `update sessions set state = 'ended', ended_at = expires_at,
       end_reason = case when state = 'active' then 'expired' else 'never-confirmed' end
     where id in (
       select id from sessions where state <> 'ended' and expires_at <= $1
       order by expires_at limit $2 for update skip locked)
     returning ${ENDED}`,
    [new Date(now), limit],
  );
  return rows;
}

/** Notes that a gateway was heard, at most once in `everyMs`. */
export async function heardGateway(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  now: number,
  everyMs: number,
): Promise<void> {
  await tx.query(
    `update gateways set last_heard_at = $3
     where merchant_id = $1 and id = $2 and (last_heard_at is null or last_heard_at < $4)`,
    [merchantId, gatewayId, new Date(now), new Date(now - everyMs)],
  );
}

/** Adds hashes to those a gateway is known by, the newest `keep` staying. */
export async function learnHashes(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  hashes: readonly string[],
  keep: number,
): Promise<void> {
  const { rows } = await tx.query<{ known: unknown }>(
    `select settings -> 'hashes' as known from gateways where merchant_id = $1 and id = $2 for update`,
    [merchantId, gatewayId],
  );
  if (!rows[0]) return;
  const known = Array.isArray(rows[0].known) ? (rows[0].known as unknown[]) : [];
  const all = [...new Set([...hashes, ...known.filter((hash) => typeof hash === 'string')])];
  await tx.query(
    `update gateways set settings = jsonb_set(settings, '{hashes}', $3::jsonb)
     where merchant_id = $1 and id = $2`,
    [merchantId, gatewayId, JSON.stringify(all.slice(0, keep))],
  );
}
