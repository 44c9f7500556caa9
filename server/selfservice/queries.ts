/** A guest's look at their own data: the looks themselves, and what they read and write. */
import type { Queryable, Row } from '../db/database.ts';
import type { Purpose } from '../stores/wordings.ts';

export interface NewLook {
  tokenHash: Buffer;
  merchantId: string;
  storeId: string;
  guestId: string;
  sessionId: string | null;
  limited: boolean;
  expiresAt: number;
}

export async function insertLook(tx: Queryable, look: NewLook, now: number): Promise<void> {
  await tx.query(
    `insert into self_looks (token_hash, merchant_id, store_id, guest_id, session_id, limited, opened_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      look.tokenHash,
      look.merchantId,
      look.storeId,
      look.guestId,
      look.sessionId,
      look.limited,
      new Date(now),
      new Date(look.expiresAt),
    ],
  );
}

export interface LookRow extends Row {
  guest_id: string;
  session_id: string | null;
  limited: boolean;
}

/** A look that is still open. */
export async function openLook(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  tokenHash: Buffer,
  now: number,
): Promise<LookRow | null> {
  const { rows } = await tx.query<LookRow>(
    `select guest_id, session_id, limited from self_looks
     where merchant_id = $1 and store_id = $2 and token_hash = $3 and expires_at > $4`,
    [merchantId, storeId, tokenHash, new Date(now)],
  );
  return rows[0] ?? null;
}

export async function deleteLook(
  tx: Queryable,
  merchantId: string,
  tokenHash: Buffer,
): Promise<void> {
  await tx.query('delete from self_looks where merchant_id = $1 and token_hash = $2', [
    merchantId,
    tokenHash,
  ]);
}

export async function dropLooks(db: Queryable, now: number): Promise<number> {
  const { rowCount } = await db.query('delete from self_looks where expires_at <= $1', [
    new Date(now),
  ]);
  return rowCount;
}

export interface SessionBehind extends Row {
  guest_id: string;
  method: string;
  /** Somebody else may wear this device's address. */
  twin: boolean;
  /** The guest has a name, an address, a card or an account elsewhere. */
  named: boolean;
}

/** The live session a guest came from, and whether its guest is a person with a name. */
export async function sessionBehind(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  sessionId: string,
): Promise<SessionBehind | null> {
  const { rows } = await tx.query<SessionBehind>(
    `select s.guest_id, s.method, s.twin_at is not null as twin,
       (g.phone is not null or g.email is not null or g.name is not null
        or exists (select 1 from guest_identities i where i.guest_id = g.id)
        or exists (select 1 from member_cards c where c.guest_id = g.id)) as named
     from sessions s join guests g on g.id = s.guest_id
     where s.merchant_id = $1 and s.store_id = $2 and s.id = $3 and s.state <> 'ended'
       and not g.provisional`,
    [merchantId, storeId, sessionId],
  );
  return rows[0] ?? null;
}

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

/** Whether a mailed link still waits to be followed. */
export async function linkWaits(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<boolean> {
  const { rows } = await tx.query(
    `select 1 from consent_requests where merchant_id = $1 and guest_id = $2 and expires_at > $3 limit 1`,
    [merchantId, guestId, new Date(now)],
  );
  return rows.length > 0;
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
    `update sessions set mac = '', ip = null, client_key = '', rhid = null
     where merchant_id = $1 and guest_id = $2 and state = 'ended' and client_key <> ''`,
    [merchantId, guestId],
  );
}
