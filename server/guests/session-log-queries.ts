/** The log of WiFi sessions that some countries demand: written once, read by nothing else of the house. */
import type { Queryable } from '../db/database.ts';
import { INFERRED } from '../sessions/live-queries.ts';

const FROM_SESSIONS = `insert into session_log (session_id, merchant_id, store_id, gateway_id, account, method, mac,
    ip, granted_at, ended_at, bytes_in, bytes_out, keep_until)
  select s.id, s.merchant_id, s.store_id, s.gateway_id,
    coalesce(g.phone, g.email, (select c.number from member_cards c where c.guest_id = g.id limit 1)),
    s.method, s.mac, s.ip, s.granted_at, s.ended_at, s.bytes_in, s.bytes_out,
    s.ended_at + make_interval(days => $3)
  from sessions s join guests g on g.id = s.guest_id
  where s.merchant_id = $1 and s.store_id = $2 and s.state = 'ended' and s.mac <> ''
    and (s.confirmed_at is not null or s.landed_at is not null)`;

/** Sessions of one guest at one store. */
export async function logSessionsOfGuest(
  tx: Queryable,
  at: { merchantId: string; storeId: string; days: number },
  guestId: string,
): Promise<void> {
  await tx.query(`${FROM_SESSIONS} and s.guest_id = $4 on conflict (session_id) do nothing`, [
    at.merchantId,
    at.storeId,
    at.days,
    guestId,
  ]);
}

/**
 * Sessions of a store that ended before `before` and are not in the log yet. One whose end was inferred may
 * still be taken back: it waits until its own time is over, or until `inferredBefore`.
 */
export async function logSessionsOfStore(
  db: Queryable,
  at: { merchantId: string; storeId: string; days: number },
  settled: { before: number; inferredBefore: number },
  limit: number,
): Promise<number> {
  const { rowCount } = await db.query(
    `${FROM_SESSIONS} and s.ended_at <= $5
       and (s.end_reason not in ${INFERRED} or s.expires_at <= $5 or s.ended_at <= $6)
       and not exists (select 1 from session_log l where l.session_id = s.id)
     order by s.ended_at limit $4 on conflict (session_id) do nothing`,
    [
      at.merchantId,
      at.storeId,
      at.days,
      limit,
      new Date(settled.before),
      new Date(settled.inferredBefore),
    ],
  );
  return rowCount;
}

/** Entries whose time is up. */
export async function dropSessionLog(db: Queryable, now: number): Promise<number> {
  const { rowCount } = await db.query('delete from session_log where keep_until <= $1', [
    new Date(now),
  ]);
  return rowCount;
}
