/** Guests by what they proved elsewhere: identity providers, member cards, and the few minutes of grace. */
import type { Queryable } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import type { GuestRow } from './queries.ts';
import { COLUMNS } from './queries.ts';
import { removeNoted } from '../stores/removal-queries.ts';

/** Serialises sign-ins of one identity until the transaction ends: two phones at once are one guest. */
export async function lockIdentity(
  tx: Queryable,
  merchantId: string,
  issuer: string,
  subject: string,
): Promise<void> {
  await tx.query(
    `select pg_advisory_xact_lock(hashtextextended('identity ' || $1 || ' ' || $2 || ' ' || $3, 0))`,
    [merchantId, issuer, subject],
  );
}

export async function guestOfIdentity(
  tx: Queryable,
  merchantId: string,
  issuer: string,
  subject: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ guest_id: string }>(
    `select guest_id from guest_identities
     where merchant_id = $1 and issuer = $2 and subject = $3`,
    [merchantId, issuer, subject],
  );
  return rows[0]?.guest_id ?? null;
}

/** Links an identity to a guest, or notes that it was used again. */
export async function keepIdentity(
  tx: Queryable,
  merchantId: string,
  identity: { issuer: string; subject: string; guestId: string },
  now: number,
): Promise<void> {
  await tx.query(
    `insert into guest_identities (merchant_id, issuer, subject, guest_id, created_at, last_seen_at)
     values ($1, $2, $3, $4, $5, $5)
     on conflict (merchant_id, issuer, subject) do update set last_seen_at = excluded.last_seen_at`,
    [merchantId, identity.issuer, identity.subject, identity.guestId, new Date(now)],
  );
}

/** A guest whose name is known from elsewhere. */
export async function insertNamedGuest(
  tx: Queryable,
  merchantId: string,
  name: string | null,
  language: string,
  now: number,
): Promise<GuestRow> {
  const { rows } = await tx.query<GuestRow>(
    `insert into guests (id, merchant_id, name, language, created_at, last_seen_at)
     values ($1, $2, $3, $4, $5, $5) returning ${COLUMNS}`,
    [uuidv7(now), merchantId, name, language, new Date(now)],
  );
  return rows[0]!;
}

/** Fills in a name that nobody gave yet. */
export async function nameIfNone(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  name: string,
): Promise<void> {
  await tx.query(
    'update guests set name = $3 where merchant_id = $1 and id = $2 and name is null',
    [merchantId, guestId, name],
  );
}

export async function guestIdByAddress(
  tx: Queryable,
  merchantId: string,
  kind: 'phone' | 'email',
  address: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from guests where merchant_id = $1 and ${kind} = $2`,
    [merchantId, address],
  );
  return rows[0]?.id ?? null;
}

/** Whether a guest holds cards and none of them is good at `now`: then a remembered device opens nothing. */
export async function onlyBadCards(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<boolean> {
  const { rows } = await tx.query<{ bad: boolean }>(
    `select count(*) > 0 and count(*) filter (
         where blocked_at is null and (expires_at is null or expires_at > $3)) = 0 as bad
     from member_cards where merchant_id = $1 and guest_id = $2`,
    [merchantId, guestId, new Date(now)],
  );
  return rows[0]?.bad ?? false;
}

/** How often this client was given grace at this store since `since`. */
export async function graceSince(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientKey: string,
  since: number,
): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*) as n from sessions
     where merchant_id = $1 and client_key = $3 and granted_at > $4 and store_id = $2
       and method = 'grace'`,
    [merchantId, storeId, clientKey, new Date(since)],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Graces at this store since `since` whose takers have not shown yet who they are, counted up to `most`.
 * Hardware addresses can be changed at will: by client alone nothing would be bounded.
 */
export async function unprovedGraces(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  since: number,
  most: number,
): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*) as n from (
       select 1 from sessions s join guests g on g.id = s.guest_id
       where s.merchant_id = $1 and s.store_id = $2 and s.granted_at > $3 and s.method = 'grace'
         and g.provisional limit $4) unproved`,
    [merchantId, storeId, new Date(since), most],
  );
  return rows[0]?.n ?? 0;
}

/** Guests at this store since `since` who only tapped, and of whom no gateway has said a word; up to `most`. */
export async function unseenTaps(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  since: number,
  most: number,
): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*) as n from (
       select 1 from sessions
       where merchant_id = $1 and store_id = $2 and granted_at > $3 and method = 'click-through'
         and confirmed_at is null and landed_at is null limit $4) unseen`,
    [merchantId, storeId, new Date(since), most],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Whoever was only given grace on this client turns out to be this guest: the sessions are theirs, and
 * the stand-in is forgotten with the access it agreed to. One statement.
 */
export async function adoptGrace(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientKey: string,
  guestId: string,
): Promise<void> {
  await tx.query(
    `with stand_in as (
       select distinct g.id from sessions s join guests g on g.id = s.guest_id
       where s.merchant_id = $1 and s.store_id = $2 and s.client_key = $3 and s.method = 'grace'
         and g.provisional and g.id <> $4),
     moved as (
       update sessions set guest_id = $4
       where merchant_id = $1 and guest_id in (select id from stand_in))
     delete from guests where merchant_id = $1 and id in (select id from stand_in)`,
    [merchantId, storeId, clientKey, guestId],
  );
}

/** Forgets stand-ins of grace not seen since `before`, with their sessions. */
export async function forgetStandIns(db: Queryable, before: number, now: number): Promise<number> {
  return removeNoted(db, {
    kind: 'grace',
    before,
    now,
    statement: `gone as (delete from guests g where g.provisional and g.last_seen_at < $2
       and not exists (select 1 from sessions s where s.guest_id = g.id and s.state <> 'ended')
     returning g.merchant_id, null::uuid as store_id)`,
  });
}
