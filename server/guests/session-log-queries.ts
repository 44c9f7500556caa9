/** The log of WiFi sessions that some countries demand: written once, read by nothing else of the house. */
import type { Queryable, Row } from '../db/database.ts';
import { INFERRED } from '../sessions/live-queries.ts';
import { removeNoted } from '../stores/removal-queries.ts';

/** A time as the gateways' lists of addresses write it. */
const said = (time: string): string =>
  `to_char(${time} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Which address the client had when, over all its network sessions; null where none was told. */
const ADDRESSES = `(
    select jsonb_agg(held order by held ->> 'from') from (
      select held
      from session_legs l cross join lateral jsonb_array_elements(coalesce(l.addresses, jsonb_build_array(
        jsonb_build_object('ip', l.ip, 'from', ${said('l.started_at')}, 'to', ${said('coalesce(l.ended_at, l.last_at)')})
      ))) as told (held)
      where l.session_id = s.id and l.ip is not null order by held ->> 'from' limit 500) first)`;

const FROM_SESSIONS = `insert into session_log (session_id, merchant_id, store_id, gateway_id, account, method, mac,
    ip, addresses, granted_at, ended_at, bytes_in, bytes_out, keep_until)
  select s.id, s.merchant_id, s.store_id, s.gateway_id,
    coalesce(g.phone, g.email,
      (select c.number from member_cards c where c.guest_id = g.id order by c.created_at limit 1),
      (select i.issuer || ' ' || i.subject from guest_identities i where i.guest_id = g.id
       order by i.created_at limit 1)),
    s.method, s.mac, s.ip, ${ADDRESSES}, s.granted_at, s.ended_at, s.bytes_in, s.bytes_out,
    s.ended_at + make_interval(days => $3)
  from sessions s join guests g on g.id = s.guest_id
  where s.merchant_id = $1 and s.store_id = $2 and s.state = 'ended' and s.mac <> ''
    and (s.confirmed_at is not null or s.landed_at is not null)`;

export interface LawfulStore extends Row {
  id: string;
  country: string;
  settings: unknown;
}

/** The stores at which a guest has sessions. */
export async function storesOfGuest(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<LawfulStore[]> {
  const { rows } = await tx.query<LawfulStore>(
    `select id, country, settings from stores where merchant_id = $1 and id in (
       select store_id from sessions where merchant_id = $1 and guest_id = $2)`,
    [merchantId, guestId],
  );
  return rows;
}

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

/** Up to `limit` entries whose time is up. */
export async function dropSessionLog(db: Queryable, now: number, limit: number): Promise<number> {
  return removeNoted(db, {
    kind: 'session-log',
    before: now,
    now,
    statement: `gone as (delete from session_log where session_id in (
       select session_id from session_log where keep_until <= $2 order by keep_until limit $4)
     returning merchant_id, store_id)`,
    params: [limit],
  });
}
