/** What a look at one's own data reads and writes. */
import type { Queryable, Row } from '../db/database.ts';
import type { Purpose } from '../stores/wordings.ts';

const BY = { sms: 'phone', email: 'email' } as const;

export async function guestOfAddress(
  tx: Queryable,
  merchantId: string,
  channel: keyof typeof BY,
  address: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from guests where merchant_id = $1 and ${BY[channel]} = $2`,
    [merchantId, address],
  );
  return rows[0]?.id ?? null;
}

export interface Person extends Row {
  name: string | null;
  phone: string | null;
  email: string | null;
  age_band: 'over' | 'under' | null;
  created_at: Date;
  last_seen_at: Date;
  sessions: number;
  visits: number;
}

/** Whom the look is at, and how much there is of them. Visits as the house counts them: judged, not retracted. */
export async function personBehind(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<Person | null> {
  const { rows } = await tx.query<Person>(
    `select g.name, g.phone, g.email, g.age_band, g.created_at, g.last_seen_at,
       (select count(*)::int from sessions s where s.merchant_id = $1 and s.guest_id = $2) as sessions,
       (select count(*)::int from visits v where v.merchant_id = $1 and v.status <> 'retracted'
          and (v.guest_id = $2
            or v.device_id in (select id from devices where merchant_id = $1 and guest_id = $2))) as visits
     from guests g where g.merchant_id = $1 and g.id = $2`,
    [merchantId, guestId],
  );
  return rows[0] ?? null;
}

export interface HeldWord extends Row {
  purpose: Purpose;
  granted: boolean;
  text_version: string;
  text: string | null;
  language: string;
  given_at: Date;
}

/** The newest entry of each purpose with its words. */
export async function heldWords(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<HeldWord[]> {
  const { rows } = await tx.query<HeldWord>(
    `select distinct on (c.purpose) c.purpose, c.granted, c.text_version, t.text, c.language, c.given_at
     from consents c
     left join consent_texts t on t.merchant_id = c.merchant_id and t.sha256 = c.text_sha256
     where c.merchant_id = $1 and c.guest_id = $2
     order by c.purpose, c.seq desc`,
    [merchantId, guestId],
  );
  return rows;
}

export interface SessionLine extends Row {
  store: string;
  method: string;
  granted_at: Date;
  ended_at: Date | null;
  bytes_in: number;
  bytes_out: number;
}

export async function newestSessions(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  limit: number,
): Promise<SessionLine[]> {
  const { rows } = await tx.query<SessionLine>(
    `select p.name as store, s.method, s.granted_at, s.ended_at, s.bytes_in, s.bytes_out
     from sessions s join stores p on p.id = s.store_id
     where s.merchant_id = $1 and s.guest_id = $2 order by s.granted_at desc, s.id desc limit $3`,
    [merchantId, guestId, limit],
  );
  return rows;
}

export interface VoucherLine extends Row {
  headline: string;
  code: string;
  expires_at: Date;
  redeemed: boolean;
}

export async function newestVouchers(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  limit: number,
): Promise<VoucherLine[]> {
  const { rows } = await tx.query<VoucherLine>(
    `select o.headline, v.code, v.expires_at, r.id is not null as redeemed
     from vouchers v join offers o on o.id = v.offer_id left join redemptions r on r.voucher_id = v.id
     where v.merchant_id = $1 and v.guest_id = $2 order by v.issued_at desc, v.id desc limit $3`,
    [merchantId, guestId, limit],
  );
  return rows;
}

export interface DeviceLine extends Row {
  kind: 'wifi' | 'app';
  name: string;
  since: Date;
}

/** Devices remembered for one-tap return, by the store that remembers them, and linked apps. */
export async function devicesBehind(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<DeviceLine[]> {
  const { rows } = await tx.query<DeviceLine>(
    `select 'wifi' as kind, p.name, k.created_at as since
     from known_devices k join stores p on p.id = k.store_id
     where k.merchant_id = $1 and k.guest_id = $2 and k.revoked_at is null and k.expires_at > $3
     union all
     select 'app', d.name, d.created_at from devices d
     where d.merchant_id = $1 and d.guest_id = $2 and d.revoked_at is null
     order by since desc limit 50`,
    [merchantId, guestId, new Date(now)],
  );
  return rows;
}

export async function saveName(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  name: string | null,
): Promise<void> {
  await tx.query('update guests set name = $3 where merchant_id = $1 and id = $2', [
    merchantId,
    guestId,
    name,
  ]);
}

/** Gives the guest a proved address; false when another guest has it. */
export async function saveAddress(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  channel: keyof typeof BY,
  address: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update guests set ${BY[channel]} = $3 where merchant_id = $1 and id = $2
       and not exists (select 1 from guests where merchant_id = $1 and ${BY[channel]} = $3 and id <> $2)`,
    [merchantId, guestId, address],
  );
  return rowCount === 1;
}

/** Takes an answer away altogether: the question may be asked again. */
export async function dropAnswer(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  key: string,
): Promise<void> {
  await tx.query(
    'delete from guest_answers where merchant_id = $1 and guest_id = $2 and question_key = $3',
    [merchantId, guestId, key],
  );
}

/** Sessions that are over no longer tell which device they were of; those that last still must. */
export async function forgetClientsOf(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<void> {
  await tx.query(
    `with old as (
       select id from sessions
       where merchant_id = $1 and guest_id = $2 and state = 'ended' and client_key <> '' for update),
     legless as (delete from session_legs where merchant_id = $1 and session_id in (select id from old))
     update sessions s set mac = '', ip = null, client_key = '', rhid = null, user_name = null,
       nas_user_name = null
     from old where s.id = old.id`,
    [merchantId, guestId],
  );
}
