/** Agreements that wait for a mailed link. */
import type { Queryable, Row } from '../db/database.ts';

export interface NewRequest {
  tokenHash: Buffer;
  merchantId: string;
  guestId: string;
  storeId: string;
  email: string;
  version: string;
  text: string;
  language: string;
  pageSha256: string | null;
  screen: string | null;
  expiresAt: number;
}

export async function insertRequest(
  tx: Queryable,
  request: NewRequest,
  now: number,
): Promise<void> {
  await tx.query(
    `insert into consent_requests (token_hash, merchant_id, guest_id, store_id, email, text_version, text,
       language, page_sha256, screen, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      request.tokenHash,
      request.merchantId,
      request.guestId,
      request.storeId,
      request.email,
      request.version,
      request.text,
      request.language,
      request.pageSha256,
      request.screen,
      new Date(now),
      new Date(request.expiresAt),
    ],
  );
}

/** How many links were asked for since then. */
export async function requestsSince(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  since: number,
): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `select count(*)::int as count from consent_requests
     where merchant_id = $1 and guest_id = $2 and created_at > $3`,
    [merchantId, guestId, new Date(since)],
  );
  return rows[0]?.count ?? 0;
}

/** Whether a mailed link still waits to be followed. */
export async function linkWaits(
  tx: Queryable,
  merchantId: string,
  guestId: string,
  now: number,
): Promise<boolean> {
  const { rows } = await tx.query(
    `select 1 from consent_requests r join guests g on g.id = r.guest_id and g.email = r.email
     where r.merchant_id = $1 and r.guest_id = $2 and r.expires_at > $3 limit 1`,
    [merchantId, guestId, new Date(now)],
  );
  return rows.length > 0;
}

/** The guest's mail address, locked so that it stays the one that is written to. */
export async function addressOf(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ email: string | null }>(
    'select email from guests where merchant_id = $1 and id = $2 for key share',
    [merchantId, guestId],
  );
  return rows[0]?.email ?? null;
}

export interface RequestRow extends Row {
  guest_id: string;
  text_version: string;
  text: string;
  language: string;
  page_sha256: string | null;
  screen: string | null;
}

/** A link that still works: in time, to the guest's address of today. */
export async function openRequest(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  tokenHash: Buffer,
  now: number,
): Promise<RequestRow | null> {
  const { rows } = await tx.query<RequestRow>(
    `select r.guest_id, r.text_version, r.text, r.language, r.page_sha256, r.screen
     from consent_requests r join guests g on g.id = r.guest_id and g.email = r.email and coalesce(g.age_band, '') <> 'under'
     where r.merchant_id = $1 and r.store_id = $2 and r.token_hash = $3 and r.expires_at > $4`,
    [merchantId, storeId, tokenHash, new Date(now)],
  );
  return rows[0] ?? null;
}

/**
 * A void link stays for a day without its address, so that it counts among the mails of that day however
 * often the guest changes their mind.
 */
const VOID = `email = '', expires_at = least(r.expires_at, r.created_at + interval '1 day')`;

/** Takes the link: one statement, so that two presses of the button make one entry. */
export async function takeRequest(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  tokenHash: Buffer,
  now: number,
): Promise<RequestRow | null> {
  const { rows } = await tx.query<RequestRow>(
    `update consent_requests r set ${VOID} from guests g
     where r.merchant_id = $1 and r.store_id = $2 and r.token_hash = $3 and r.expires_at > $4
       and g.merchant_id = $1 and g.id = r.guest_id and g.email = r.email and coalesce(g.age_band, '') <> 'under'
     returning r.guest_id, r.text_version, r.text, r.language, r.page_sha256, r.screen`,
    [merchantId, storeId, tokenHash, new Date(now)],
  );
  return rows[0] ?? null;
}

/** Taking back offers by mail also voids the links that are still on their way. */
export async function voidRequests(
  tx: Queryable,
  merchantId: string,
  guestId: string,
): Promise<void> {
  await tx.query(`update consent_requests r set ${VOID} where merchant_id = $1 and guest_id = $2`, [
    merchantId,
    guestId,
  ]);
}

export async function dropRequests(db: Queryable, now: number): Promise<number> {
  const { rowCount } = await db.query('delete from consent_requests where expires_at <= $1', [
    new Date(now),
  ]);
  return rowCount;
}
