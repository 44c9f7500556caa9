/** WiFi sessions of a store as the console lists them: who, where, since when, and what is under way. */
import type { Queryable, Row } from '../../db/database.ts';

export interface OnlineLine extends Row {
  id: string;
  guest_id: string;
  guest: string | null;
  gateway_id: string;
  gateway: string;
  method: string;
  state: 'pending' | 'active' | 'ended';
  granted_at: Date;
  confirmed_at: Date | null;
  last_seen_at: Date | null;
  expires_at: Date;
  ended_at: Date | null;
  end_reason: string | null;
  bytes_in: number;
  bytes_out: number;
  /** Whether any gateway counted it: zero bytes are a figure then, not a blank. */
  counted: boolean;
  /** Why the guest is being put out, and what the gateway last said to that. */
  kick_reason: string | null;
  kick_outcome: string | null;
}

const COLUMNS = `s.id, s.guest_id, coalesce(g.name, g.phone, g.email) as guest, s.gateway_id, w.name as gateway,
  s.method, s.state, s.granted_at, s.confirmed_at, s.last_seen_at,
  s.expires_at, s.ended_at, s.end_reason, s.bytes_in, s.bytes_out,
  exists (select 1 from session_legs l where l.merchant_id = s.merchant_id and l.session_id = s.id) as counted,
  k.reason as kick_reason, k.outcome as kick_outcome`;

const FROM = `sessions s join guests g on g.id = s.guest_id join gateways w on w.id = s.gateway_id
  left join lateral (select reason, outcome from session_kicks
    where merchant_id = s.merchant_id and session_id = s.id order by created_at limit 1) k on true`;

export interface OnlineFilter {
  live: boolean;
  before?: { at: Date; id: string } | undefined;
}

/** Newest first; `live` leaves out what has ended and what never came about. */
export async function onlineAt(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  filter: OnlineFilter,
  limit: number,
): Promise<OnlineLine[]> {
  const { rows } = await tx.query<OnlineLine>(
    `select ${COLUMNS} from ${FROM}
     where s.merchant_id = $1 and s.store_id = $2 and (not $3 or s.state = 'active')
       and ($4::timestamptz is null or (s.granted_at, s.id) < ($4, $5::uuid))
     order by s.granted_at desc, s.id desc limit $6`,
    [merchantId, storeId, filter.live, filter.before?.at ?? null, filter.before?.id ?? null, limit],
  );
  return rows;
}

/** One session, wherever it is. */
export async function onlineOne(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<OnlineLine | null> {
  const { rows } = await tx.query<OnlineLine>(
    `select ${COLUMNS} from ${FROM} where s.merchant_id = $1 and s.id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

export interface OnlineFigures extends Row {
  live: number;
  waiting: number;
  bytes_in: number;
  bytes_out: number;
}

export async function onlineFigures(
  tx: Queryable,
  merchantId: string,
  storeId: string,
): Promise<OnlineFigures> {
  const { rows } = await tx.query<OnlineFigures>(
    `select count(*) filter (where state = 'active') as live,
       count(*) filter (where state = 'pending') as waiting,
       coalesce(sum(bytes_in) filter (where state = 'active'), 0)::bigint as bytes_in,
       coalesce(sum(bytes_out) filter (where state = 'active'), 0)::bigint as bytes_out
     from sessions where merchant_id = $1 and store_id = $2 and state <> 'ended'`,
    [merchantId, storeId],
  );
  return rows[0] as OnlineFigures;
}
