/** Sessions as reports find, judge and change them. */
import type { Queryable, Row } from '../db/database.ts';
import type { EndedRow } from './door-queries.ts';
import { ENDED } from './door-queries.ts';
import type { WeekHours } from './hours.ts';

/** A session with all that a verdict is made from. */
export interface LiveSession extends Row {
  id: string;
  guest_id: string;
  gateway_id: string;
  state: 'pending' | 'active' | 'ended';
  end_reason: string | null;
  ended_at: Date | null;
  expires_at: Date;
  minutes: number;
  bytes_in: number;
  bytes_out: number;
  up_quota_kb: number;
  down_quota_kb: number;
  blocked: boolean;
  timezone: string;
  hours: WeekHours | null;
  kind: string;
  /** Why it is to be put out, when it is. */
  kick: string | null;
}

/** Columns of a LiveSession; $3 is the gateway that asks. */
export const LIVE = `s.id, s.guest_id, s.gateway_id, s.state, s.end_reason, s.ended_at, s.expires_at, s.minutes, s.bytes_in,
  s.bytes_out, s.up_quota_kb, s.down_quota_kb, g.blocked_at is not null as blocked, st.timezone,
  st.settings -> 'hours' as hours, w.kind, (
    select k.reason from session_kicks k where k.merchant_id = s.merchant_id and k.session_id = s.id
    order by k.created_at limit 1) as kick`;

export const LIVE_FROM = `sessions s join guests g on g.id = s.guest_id join stores st on st.id = s.store_id
  join gateways w on w.id = $3`;

/** How long an end that was only inferred can be taken back. */
export const REVIVE_MS = 24 * 3_600_000;

/** Ends that the house only inferred: a sign of life takes them back. */
export const INFERRED = `('lost-carrier', 'nas-reboot', 'not-listed')`;

export async function liveSession(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  id: string,
): Promise<LiveSession | null> {
  const { rows } = await tx.query<LiveSession>(
    `select ${LIVE} from ${LIVE_FROM} where s.merchant_id = $1 and s.id = $2`,
    [merchantId, id, gatewayId],
  );
  return rows[0] ?? null;
}

export interface Clues {
  /** Our own name, carried back by the gateway. */
  sessionId: string | null;
  /** The token of a deposit, where gateways name sessions by it. */
  token: string;
  multiSession: string | null;
  mac: string;
  /** Sessions granted later are not meant (ms since 1970). */
  grantedBefore: number;
  /** An inferred end before this is final (ms since 1970). */
  endedAfter: number;
}

/**
 * The session a new network session belongs to, the strongest clue first: our own name, the token it was
 * let in by, the name that joins access points, and the hardware address at this store.
 */
export async function sessionFor(
  tx: Queryable,
  at: { merchantId: string; storeId: string; gatewayId: string },
  clues: Clues,
): Promise<LiveSession | null> {
  const { rows } = await tx.query<LiveSession>(
    `select ${LIVE} from ${LIVE_FROM}
     where s.merchant_id = $1 and s.store_id = $2 and s.mac = $4 and (
       s.id = $5::uuid
       or (s.gateway_id = $3 and s.rhid = $6)
       -- Gateways that let in by token know nobody by hardware address alone.
       or (w.kind not in ('wifidog', 'apfree') and s.granted_at <= $8
         and (s.state = 'active' or (s.end_reason in ${INFERRED} and s.ended_at > $9))))
     order by
       s.id is not distinct from $5::uuid desc,
       (s.gateway_id = $3 and s.rhid is not distinct from $6) desc,
       ($7::text is not null and exists (
         select 1 from session_legs l where l.merchant_id = $1 and l.session_id = s.id and l.multi_session = $7)) desc,
       s.state = 'active' desc, s.gateway_id = $3 desc, s.confirmed_at desc nulls last, s.granted_at desc
     limit 1`,
    [
      at.merchantId,
      at.storeId,
      at.gatewayId,
      clues.mac,
      clues.sessionId,
      clues.token,
      clues.multiSession,
      new Date(clues.grantedBefore),
      new Date(clues.endedAfter),
    ],
  );
  return rows[0] ?? null;
}

/** The session that was deposited under this token at this gateway, and for which hardware address. */
export async function sessionByToken(
  tx: Queryable,
  at: { merchantId: string; storeId: string; gatewayId: string },
  token: string,
): Promise<(LiveSession & { mac: string; deposited_at: Date | null }) | null> {
  const { rows } = await tx.query<LiveSession & { mac: string; deposited_at: Date | null }>(
    `select ${LIVE}, s.mac, s.deposited_at from ${LIVE_FROM}
     where s.merchant_id = $1 and s.store_id = $2 and s.gateway_id = $3 and s.rhid = $4
     order by s.granted_at desc limit 1`,
    [at.merchantId, at.storeId, at.gatewayId, token],
  );
  return rows[0] ?? null;
}

/** Takes back an end that was only inferred; its old admission stays no longer repeatable. */
export async function reviveSession(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  now: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update sessions set state = 'active', ended_at = null, end_reason = null, admission_key = uuid_send(id)
     where merchant_id = $1 and id = $2 and state = 'ended' and end_reason in ${INFERRED} and expires_at > $3
       and ended_at > $4`,
    [merchantId, sessionId, new Date(now), new Date(now - REVIVE_MS)],
  );
  return rowCount === 1;
}

/** Ends one live session. */
export async function endSession(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  reason: string,
  at: number,
): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    `update sessions set state = 'ended', ended_at = greatest($4, granted_at), end_reason = $3
     where merchant_id = $1 and id = $2 and state <> 'ended' returning ${ENDED}`,
    [merchantId, sessionId, reason, new Date(at)],
  );
  return rows;
}

export interface Twin extends Row {
  id: string;
  store_id: string;
}

/** Live sessions under the same hardware address at stores of this merchant too far away to walk between. */
export async function twinsOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  mac: string,
  since: number,
  metres: number,
): Promise<Twin[]> {
  const { rows } = await tx.query<Twin>(
    `select s.id, s.store_id from sessions s join stores there on there.id = s.store_id
       join stores here on here.id = $2
     where s.merchant_id = $1 and s.mac = $3 and s.state = 'active' and s.store_id <> $2
       and greatest(s.last_seen_at, s.confirmed_at) > $4
       and coalesce(st_distance(here.location, there.location) > $5, true)
     limit 5`,
    [merchantId, storeId, mac, new Date(since), metres],
  );
  return rows;
}

/** Marks sessions as under a hardware address that two had at once. */
export async function markTwins(
  tx: Queryable,
  merchantId: string,
  ids: readonly string[],
  now: number,
): Promise<void> {
  await tx.query(
    `update sessions set twin_at = coalesce(twin_at, $3) where merchant_id = $1 and id = any ($2::uuid[])`,
    [merchantId, ids, new Date(now)],
  );
}
