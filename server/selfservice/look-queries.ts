/** Looks at one's own data in storage, and the sessions they are opened from. */
import type { Queryable, Row } from '../db/database.ts';

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
