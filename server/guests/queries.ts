/** Guests in storage: found, made, listed, answered for. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';

export interface GuestRow extends Row {
  id: string;
  phone: string | null;
  email: string | null;
  name: string | null;
  language: string;
  created_at: Date;
  last_seen_at: Date;
  blocked_at: Date | null;
}

export const COLUMNS = 'id, phone, email, name, language, created_at, last_seen_at, blocked_at';

const CONFLICT = {
  phone: '(merchant_id, phone) where phone is not null',
  email: '(merchant_id, email) where email is not null',
} as const;

/** The guest with this proved address, made if need be; one statement, so parallel sign-ins agree. */
export async function guestByAddress(
  tx: Queryable,
  merchantId: string,
  kind: keyof typeof CONFLICT,
  address: string,
  language: string,
  now: number,
): Promise<GuestRow> {
  const { rows } = await tx.query<GuestRow>(
    `insert into guests as g (id, merchant_id, ${kind}, language, created_at, last_seen_at)
     values ($1, $2, $3, $4, $5, $5)
     on conflict ${CONFLICT[kind]} do update
       set last_seen_at = greatest(g.last_seen_at, excluded.last_seen_at), language = excluded.language
     returning ${COLUMNS}`,
    [uuidv7(now), merchantId, address, language, new Date(now)],
  );
  return rows[0]!;
}

/** A guest of whom nothing is known; `provisional` while only minutes of grace were given. */
export async function insertAnonymousGuest(
  tx: Queryable,
  merchantId: string,
  language: string,
  provisional: boolean,
  now: number,
): Promise<GuestRow> {
  const { rows } = await tx.query<GuestRow>(
    `insert into guests (id, merchant_id, language, provisional, created_at, last_seen_at)
     values ($1, $2, $3, $4, $5, $5) returning ${COLUMNS}`,
    [uuidv7(now), merchantId, language, provisional, new Date(now)],
  );
  return rows[0]!;
}

/**
 * Notes that a known guest is here. One who was a stand-in for grace until now becomes a guest from
 * now on: the grace was no visit of its own.
 */
export async function seenAgain(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  language: string,
  provisional: boolean,
  now: number,
): Promise<GuestRow | null> {
  const { rows } = await tx.query<GuestRow>(
    `update guests set last_seen_at = greatest(last_seen_at, $4), language = $3,
       created_at = case when provisional and not $5 then $4 else created_at end,
       provisional = provisional and $5
     where merchant_id = $1 and id = $2 returning ${COLUMNS}`,
    [merchantId, guestId, language, new Date(now), provisional],
  );
  return rows[0] ?? null;
}

export async function findGuest(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<GuestRow | null> {
  const { rows } = await tx.query<GuestRow>(
    `select ${COLUMNS} from guests where merchant_id = $1 and id = $2`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

/** Keeps the answer to the optional question, or that it was waved away; the newest counts. */
export async function keepAnswer(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  key: string,
  answer: string | null,
  now: number,
): Promise<void> {
  await tx.query(
    `insert into guest_answers (merchant_id, guest_id, question_key, answer, dismissed, answered_at)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (guest_id, question_key) do update
       set answer = excluded.answer, dismissed = excluded.dismissed, answered_at = excluded.answered_at`,
    [merchantId, guestId, key, answer, answer === null, new Date(now)],
  );
}

export interface AnswerRow extends Row {
  question_key: string;
  answer: string | null;
  dismissed: boolean;
  answered_at: Date;
}

export async function answersOf(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<AnswerRow[]> {
  const { rows } = await tx.query<AnswerRow>(
    `select question_key, answer, dismissed, answered_at from guest_answers
     where merchant_id = $1 and guest_id = $2 order by question_key`,
    [merchantId, guestId],
  );
  return rows;
}

export interface ListedGuest extends GuestRow {
  marketing: boolean | null;
  sessions: number;
}

export interface GuestFilter {
  /** Part of a name, phone number or mail address. */
  search?: string;
  /** Only guests whose offers are allowed (true) or not (false). */
  marketing?: boolean;
  after?: { at: Date; id: string };
}

/** Guests last seen most recently first. */
export async function listGuests(
  tx: Queryable,
  merchantId: string,
  filter: GuestFilter,
  limit: number,
): Promise<ListedGuest[]> {
  const { rows } = await tx.query<ListedGuest>(
    `select ${COLUMNS.replaceAll(/\b(\w+)/g, 'g.$1')}, c.granted as marketing,
       (select count(*) from sessions s where s.merchant_id = $1 and s.guest_id = g.id) as sessions
     from guests g left join lateral (
       select granted from consents
       where merchant_id = $1 and guest_id = g.id and purpose = 'marketing'
       order by seq desc limit 1) c on true
     where g.merchant_id = $1 and not g.provisional
       and ($2::text is null or position(lower($2) in lower(concat_ws(' ', g.name, g.phone, g.email))) > 0)
       and ($3::boolean is null or coalesce(c.granted, false) = $3)
       and ($4::timestamptz is null
         or (date_trunc('milliseconds', g.last_seen_at), g.id) < ($4::timestamptz, $5::uuid))
     order by date_trunc('milliseconds', g.last_seen_at) desc, g.id desc limit $6`,
    [
      merchantId,
      filter.search ?? null,
      filter.marketing ?? null,
      filter.after?.at ?? null,
      filter.after?.id ?? null,
      limit,
    ],
  );
  return rows;
}

/** How many offers a guest holds or held, and how many of them were redeemed. */
export async function voucherCounts(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<{ issued: number; redeemed: number }> {
  const { rows } = await tx.query<{ issued: number; redeemed: number }>(
    `select count(*) as issued, count(r.id) as redeemed
     from vouchers v left join redemptions r on r.voucher_id = v.id
     where v.merchant_id = $1 and v.guest_id = $2`,
    [merchantId, guestId],
  );
  return rows[0] ?? { issued: 0, redeemed: 0 };
}

export async function setBlocked(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  blockedAt: Date | null,
): Promise<GuestRow | null> {
  const { rows } = await tx.query<GuestRow>(
    `update guests set blocked_at = case when $3::timestamptz is null then null else coalesce(blocked_at, $3) end
     where merchant_id = $1 and id = $2 returning ${COLUMNS}`,
    [merchantId, guestId, blockedAt],
  );
  return rows[0] ?? null;
}
