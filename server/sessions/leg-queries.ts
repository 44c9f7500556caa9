/** Network sessions in storage, and what their reports do to the sessions they belong to. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import { removeNoted } from '../stores/removal-queries.ts';
import type { EndedRow } from './door-queries.ts';
import { ENDED } from './door-queries.ts';
import type { Leg } from './legs.ts';

export interface StoredLeg extends Leg {
  id: string;
  sessionId: string | null;
}

interface LegRow extends Row {
  id: string;
  session_id: string | null;
  started_at: Date;
  last_at: Date;
  ended_at: Date | null;
  end_reason: string | null;
  inferred: boolean;
  bytes_in: number;
  bytes_out: number;
  seconds: number;
  ip: string | null;
  addresses: { ip: string; from: string; to: string }[] | null;
  ap: string | null;
  ssid: string | null;
  multi_session: string | null;
}

/** As stored: times in words, for whoever reads the table. */
function addressesJson({ addresses }: Leg): string | null {
  const said = (ms: number): string => new Date(ms).toISOString();
  return addresses === null
    ? null
    : JSON.stringify(addresses.map(({ ip, from, to }) => ({ ip, from: said(from), to: said(to) })));
}

function legOf(row: LegRow): StoredLeg {
  return {
    id: row.id,
    sessionId: row.session_id,
    startedAt: row.started_at.getTime(),
    lastAt: row.last_at.getTime(),
    endedAt: row.ended_at?.getTime() ?? null,
    endReason: row.end_reason,
    inferred: row.inferred,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
    seconds: row.seconds,
    ip: row.ip,
    addresses:
      row.addresses?.map(({ ip, from, to }) => ({
        ip,
        from: Date.parse(from),
        to: Date.parse(to),
      })) ?? null,
    ap: row.ap,
    ssid: row.ssid,
    multiSession: row.multi_session,
  };
}

/** A name under which a gateway counts. */
export interface LegName {
  merchantId: string;
  storeId: string;
  gatewayId: string;
  mac: string;
  nasSession: string;
}

/** One report of a client at a store at a time: two of its access points may speak at once. */
export async function lockClientOf(tx: Queryable, storeId: string, mac: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('legs ' || $1 || $2, 0))`, [
    storeId,
    mac,
  ]);
}

/** The legs under this name, the newest first; a gateway that restarts hourly for ever stops here. */
export async function legsNamed(tx: Queryable, name: LegName): Promise<StoredLeg[]> {
  const { rows } = await tx.query<LegRow>(
    `select id, session_id, started_at, last_at, ended_at, end_reason, inferred, bytes_in, bytes_out,
       seconds, ip, addresses, ap, ssid, multi_session
     from session_legs
     where merchant_id = $1 and gateway_id = $2 and mac = $3 and nas_session = $4
     order by started_at desc limit 50`,
    [name.merchantId, name.gatewayId, name.mac, name.nasSession],
  );
  return rows.map(legOf);
}

/** Adds a leg at a gateway of the store; false when it has no such gateway. */
export async function insertLeg(
  tx: Queryable,
  name: LegName,
  sessionId: string | null,
  leg: Leg,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into session_legs (id, merchant_id, store_id, gateway_id, session_id, nas_session,
       multi_session, mac, ip, ap, ssid, started_at, last_at, ended_at, end_reason, inferred,
       bytes_in, bytes_out, seconds, addresses)
     select $1, $2, $3, id, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20
     from gateways where merchant_id = $2 and store_id = $3 and id = $4
     on conflict do nothing`,
    [
      uuidv7(leg.startedAt),
      name.merchantId,
      name.storeId,
      name.gatewayId,
      sessionId,
      name.nasSession,
      leg.multiSession,
      name.mac,
      leg.ip,
      leg.ap,
      leg.ssid,
      new Date(leg.startedAt),
      new Date(leg.lastAt),
      leg.endedAt === null ? null : new Date(leg.endedAt),
      leg.endReason,
      leg.inferred,
      leg.bytesIn,
      leg.bytesOut,
      leg.seconds,
      addressesJson(leg),
    ],
  );
  return rowCount === 1;
}

export async function updateLeg(
  tx: Queryable,
  merchantId: string,
  id: string,
  sessionId: string | null,
  leg: Leg,
): Promise<void> {
  await tx.query(
    `update session_legs set session_id = $3, multi_session = $4, ip = $5, ap = $6, ssid = $7,
       last_at = $8, ended_at = $9, end_reason = $10, inferred = $11, bytes_in = $12, bytes_out = $13,
       seconds = $14, addresses = $15
     where merchant_id = $1 and id = $2`,
    [
      merchantId,
      id,
      sessionId,
      leg.multiSession,
      leg.ip,
      leg.ap,
      leg.ssid,
      new Date(leg.lastAt),
      leg.endedAt === null ? null : new Date(leg.endedAt),
      leg.endReason,
      leg.inferred,
      leg.bytesIn,
      leg.bytesOut,
      leg.seconds,
      addressesJson(leg),
    ],
  );
}

/** A session's totals, from its legs; they only rise. Gives them with what else changed by it. */
export async function sumLegs(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  now: number,
): Promise<{ bytes_in: number; bytes_out: number; open: number } | null> {
  const { rows } = await tx.query<{ bytes_in: number; bytes_out: number; open: number }>(
    `update sessions s set bytes_in = greatest(s.bytes_in, t.bytes_in),
       bytes_out = greatest(s.bytes_out, t.bytes_out),
       last_seen_at = greatest(s.last_seen_at, $3), ip = coalesce(t.ip, s.ip),
       left_at = case when t.open = 0 then t.ended_at end
     from (
       select coalesce(sum(bytes_in), 0)::bigint as bytes_in, coalesce(sum(bytes_out), 0)::bigint as bytes_out,
         count(*) filter (where ended_at is null) as open, max(ended_at) as ended_at,
         (array_agg(ip order by last_at desc) filter (where ip is not null))[1] as ip
       from session_legs where merchant_id = $1 and session_id = $2) t
     where s.merchant_id = $1 and s.id = $2
     returning s.bytes_in, s.bytes_out, t.open`,
    [merchantId, sessionId, new Date(now)],
  );
  return rows[0] ?? null;
}

const sessionsOf = (rows: readonly { session_id: string | null }[]): string[] => [
  ...new Set(rows.flatMap((row) => row.session_id ?? [])),
];

/** Which sessions nobody counts any more, after legs of theirs were closed otherwise than by a report. */
async function noteLeft(tx: Queryable, sessionIds: readonly string[]): Promise<void> {
  if (sessionIds.length === 0) return;
  await tx.query(
    `update sessions s set left_at = l.ended_at
     from (
       select session_id, max(ended_at) as ended_at from session_legs where session_id = any ($1::uuid[])
       group by session_id having bool_and(ended_at is not null)) l
     where s.id = l.session_id and s.state = 'active'`,
    [sessionIds],
  );
}

/**
 * Closes the open legs of a session, at one gateway or at all of them. The gateway's own word about it may
 * still follow, or show that it was not so.
 */
export async function closeLegs(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
  gatewayId: string | null,
  reason: string,
  now: number,
): Promise<void> {
  await tx.query(
    `update session_legs set ended_at = greatest(last_at, $5), end_reason = $4, inferred = true
     where merchant_id = $1 and session_id = $2 and ($3::uuid is null or gateway_id = $3)
       and ended_at is null`,
    [merchantId, sessionId, gatewayId, reason, new Date(now)],
  );
  await noteLeft(tx, [sessionId]);
}

/** Whether any gateway ever counted this session. */
export async function wasCounted(
  tx: Queryable,
  merchantId: string,
  sessionId: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'select 1 from session_legs where merchant_id = $1 and session_id = $2 limit 1',
    [merchantId, sessionId],
  );
  return rowCount > 0;
}

/** The gateway restarted: its open legs ended when they were last heard of. */
export async function closeGatewayLegs(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  before: number,
): Promise<void> {
  const { rows } = await tx.query<{ session_id: string | null }>(
    `update session_legs set ended_at = last_at, end_reason = 'nas-reboot', inferred = true
     where merchant_id = $1 and gateway_id = $2 and ended_at is null and last_at <= $3
     returning session_id`,
    [merchantId, gatewayId, new Date(before)],
  );
  await noteLeft(tx, sessionsOf(rows));
}

/** The gateway restarted: sessions it had let in before that, and never counted, are over. */
export async function endUncounted(
  tx: Queryable,
  merchantId: string,
  gatewayId: string,
  before: number,
  now: number,
): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    `update sessions s set state = 'ended', ended_at = $4, end_reason = 'nas-reboot'
     where s.merchant_id = $1 and s.gateway_id = $2 and s.state = 'active' and s.confirmed_at <= $3
       and not exists (select 1 from session_legs l where l.session_id = s.id)
     returning ${ENDED}`,
    [merchantId, gatewayId, new Date(before), new Date(now)],
  );
  return rows;
}

/**
 * Closes legs that fell silent while their gateway went on speaking. Only those that were counted
 * meanwhile: some gateways tell the beginning and the end and nothing between.
 */
export async function closeSilent(
  tx: Queryable,
  now: number,
  silenceMs: number,
  limit: number,
): Promise<number> {
  const { rows } = await tx.query<{ session_id: string | null }>(
    `update session_legs set ended_at = last_at, end_reason = 'lost-carrier', inferred = true
     where id in (
       select l.id from session_legs l join gateways g on g.id = l.gateway_id
       where l.ended_at is null and l.last_at < $1 and l.last_at > l.started_at + interval '30 seconds'
         and g.last_heard_at > l.last_at + make_interval(secs => greatest($2::float8, case
           when g.settings #>> '{radius,interimSeconds}' ~ '^\\d{1,6}$'
           then 3 * (g.settings #>> '{radius,interimSeconds}')::float8 else 0 end))
       order by l.last_at limit $3 for update of l skip locked)
     returning session_id`,
    [new Date(now - silenceMs), silenceMs / 1000, limit],
  );
  await noteLeft(tx, sessionsOf(rows));
  return rows.length;
}

/** Ends sessions whose last leg ended before `before` and was followed by none. */
export async function endLegless(
  tx: Queryable,
  before: number,
  limit: number,
): Promise<EndedRow[]> {
  const { rows } = await tx.query<EndedRow>(
    `update sessions s set state = 'ended', ended_at = greatest(q.ended_at, s.granted_at), end_reason = q.reason
     from (
       select s.id, l.ended_at, l.reason
       from sessions s cross join lateral (
         select max(ended_at) as ended_at, bool_or(ended_at is null) as open,
           (array_agg(end_reason order by ended_at desc))[1] as reason
         from session_legs where session_id = s.id) l
       where s.state = 'active' and s.left_at < $1 and not l.open and l.ended_at < $1
       order by s.left_at limit $2 for update of s skip locked) q
     where s.id = q.id
     returning s.id, s.merchant_id, s.store_id, s.guest_id, s.end_reason, s.ended_at`,
    [new Date(before), limit],
  );
  return rows;
}

/** Forgets legs of clients that were never ours, up to `limit`. */
export async function dropStrangers(
  db: Queryable,
  before: number,
  now: number,
  limit: number,
): Promise<number> {
  return removeNoted(db, {
    kind: 'strangers',
    before,
    now,
    statement: `gone as (delete from session_legs where id in (
       select id from session_legs where session_id is null and last_at < $2 limit $4)
     returning merchant_id, store_id)`,
    params: [limit],
  });
}
