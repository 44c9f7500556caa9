/** Tickets in storage, and who may come in by one or by hardware address. */
import type { Queryable, Row } from '../db/database.ts';
import type { LiveSession } from './live-queries.ts';
import { LIVE, LIVE_FROM } from './live-queries.ts';

export interface TicketRow extends Row {
  id: string;
  guest_id: string;
  mac: string;
  state: 'pending' | 'active' | 'ended';
  user_name: string;
  ticket_until: Date;
  ticket_used_at: Date | null;
  confirmed_at: Date | null;
  expires_at: Date;
  minutes: number;
  up_kbps: number;
  down_kbps: number;
  up_quota_kb: number;
  down_quota_kb: number;
}

const ALIVE = `user_name is not null and ticket_until > $6
  and (ticket_used_at is null or ticket_used_at > $7)`;

/** The ticket of a session, or `fresh` when it has none that lives; null when the session is over. */
export async function takeTicket(
  tx: Queryable,
  store: { id: string; merchantId: string },
  gatewayId: string,
  sessionId: string,
  fresh: { userName: string; until: number; usedAfter: number; now: number },
): Promise<TicketRow | null> {
  const { rows } = await tx.query<TicketRow>(
    `update sessions set
       user_name = case when ${ALIVE} then user_name else $5 end,
       ticket_until = case when ${ALIVE} then ticket_until else $8 end,
       ticket_used_at = case when ${ALIVE} then ticket_used_at end
     where merchant_id = $1 and store_id = $2 and gateway_id = $3 and id = $4
       and state <> 'ended' and expires_at > $6
     returning id, guest_id, mac, state, user_name, ticket_until, ticket_used_at, confirmed_at,
       expires_at, minutes, up_kbps, down_kbps, up_quota_kb, down_quota_kb`,
    [
      store.merchantId,
      store.id,
      gatewayId,
      sessionId,
      fresh.userName,
      new Date(fresh.now),
      new Date(fresh.usedAfter),
      new Date(fresh.until),
    ],
  );
  return rows[0] ?? null;
}

/** A session as access is decided for it. */
export interface Applicant extends LiveSession {
  mac: string;
  user_name: string | null;
  ticket_until: Date | null;
  ticket_used_at: Date | null;
  confirmed_at: Date | null;
  up_kbps: number;
  down_kbps: number;
  /** What the store allows now; null where it never said. */
  idle_minutes: number | null;
}

const APPLICANT = `${LIVE}, s.mac, s.user_name, s.ticket_until, s.ticket_used_at, s.confirmed_at,
  s.up_kbps, s.down_kbps, (st.settings #>> '{session,idleMinutes}')::int as idle_minutes`;

/** The session of a user name at this gateway; its row stays until the transaction ends. */
export async function sessionByUserName(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  userName: string,
): Promise<Applicant | null> {
  const { rows } = await tx.query<Applicant>(
    `select ${APPLICANT} from ${LIVE_FROM}
     where s.merchant_id = $1 and s.user_name = $2 and s.gateway_id = $3 for update of s`,
    [merchantId, userName, gatewayId],
  );
  return rows[0] ?? null;
}

/** Notes the first use; later ones change nothing. */
export async function useTicket(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  now: number,
): Promise<void> {
  await tx.query(
    `update sessions set ticket_used_at = coalesce(ticket_used_at, $3) where merchant_id = $1 and id = $2`,
    [merchantId, sessionId, new Date(now)],
  );
}

/** Keeps the name a gateway has for a client it asked about by hardware address. */
export async function noteUserName(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  userName: string,
): Promise<void> {
  await tx.query(
    `update sessions set nas_user_name = $3
     where merchant_id = $1 and id = $2 and nas_user_name is distinct from $3`,
    [merchantId, sessionId, userName],
  );
}

/** The newest live session that a gateway of this store confirmed for this hardware address. */
export async function confirmedAtStore(
  tx: Queryable,
  at: { merchantId: string; storeId: string; gatewayId: string },
  mac: string,
  now: number,
): Promise<Applicant | null> {
  const { rows } = await tx.query<Applicant>(
    `select ${APPLICANT} from ${LIVE_FROM}
     where s.merchant_id = $1 and s.store_id = $2 and s.mac = $4 and s.state = 'active'
       and s.confirmed_at is not null and s.expires_at > $5
     order by s.confirmed_at desc limit 1`,
    [at.merchantId, at.storeId, at.gatewayId, mac, new Date(now)],
  );
  return rows[0] ?? null;
}
