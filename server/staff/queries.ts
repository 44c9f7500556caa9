/** Staff, their sign-ins and the one-time links that create the first owner. */
import type { Queryable, Row } from '../db/database.ts';
import type { Role } from './roles.ts';

export interface Account extends Row {
  id: string;
  merchant_id: string;
  email: string;
  name: string;
  role: Role;
  password_hash: string;
}

/** The account a sign-in claims to be: looked up before there is a tenant. */
export async function accountByEmail(db: Queryable, email: string): Promise<Account | null> {
  const { rows } = await db.query<Account>(
    `select id, merchant_id, email, name, role, password_hash from staff
     where email = $1 and disabled_at is null`,
    [email],
  );
  return rows[0] ?? null;
}

/** Someone signed in: who they are and for whom they work. */
export interface SignedIn {
  staffId: string;
  merchantId: string;
  merchantName: string;
  name: string;
  email: string;
  role: Role;
  /** SHA-256 of the sign-in token: names this sign-in and keys its CSRF token. */
  tokenHash: Buffer;
  lastSeenAt: Date;
}

interface SignedInRow extends Row {
  token_hash: Buffer;
  staff_id: string;
  merchant_id: string;
  merchant_name: string;
  name: string;
  email: string;
  role: Role;
  last_seen_at: Date;
}

/** The sign-in behind a token's hash, if it is neither too old nor idle since `idleSince`. */
export async function signInByHash(
  db: Queryable,
  tokenHash: Buffer,
  now: Date,
  idleSince: Date,
): Promise<SignedIn | null> {
  const { rows } = await db.query<SignedInRow>(
    `select i.token_hash, i.staff_id, i.merchant_id, m.name as merchant_name, s.name, s.email, s.role, i.last_seen_at
     from sign_ins i
     join staff s on s.id = i.staff_id and s.merchant_id = i.merchant_id
     join merchants m on m.id = i.merchant_id
     where i.token_hash = $1 and i.expires_at > $2 and i.last_seen_at > $3 and s.disabled_at is null`,
    [tokenHash, now, idleSince],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    staffId: row.staff_id,
    merchantId: row.merchant_id,
    merchantName: row.merchant_name,
    name: row.name,
    email: row.email,
    role: row.role,
    tokenHash: row.token_hash,
    lastSeenAt: row.last_seen_at,
  };
}

export async function insertSignIn(
  tx: Queryable,
  signIn: {
    tokenHash: Buffer;
    merchantId: string;
    staffId: string;
    now: Date;
    expiresAt: Date;
    userAgent: string;
  },
): Promise<void> {
  await tx.query(
    `insert into sign_ins (token_hash, merchant_id, staff_id, created_at, last_seen_at, expires_at, user_agent)
     values ($1, $2, $3, $4, $4, $5, $6)`,
    [
      signIn.tokenHash,
      signIn.merchantId,
      signIn.staffId,
      signIn.now,
      signIn.expiresAt,
      signIn.userAgent,
    ],
  );
}

export async function touchSignIn(db: Queryable, tokenHash: Buffer, now: Date): Promise<void> {
  await db.query('update sign_ins set last_seen_at = $2 where token_hash = $1', [tokenHash, now]);
}

export async function deleteSignIn(db: Queryable, tokenHash: Buffer): Promise<void> {
  await db.query('delete from sign_ins where token_hash = $1', [tokenHash]);
}

/** Signs a person out everywhere, except at `keep` when given. */
export async function deleteSignInsOf(
  tx: Queryable,
  merchantId: string,
  staffId: string,
  keep?: Buffer,
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from sign_ins where merchant_id = $1 and staff_id = $2
       and ($3::bytea is null or token_hash <> $3)`,
    [merchantId, staffId, keep ?? null],
  );
  return rowCount;
}

/** Drops sign-ins nobody can use any more. */
export async function deleteStaleSignIns(
  db: Queryable,
  now: Date,
  idleSince: Date,
): Promise<number> {
  const { rowCount } = await db.query(
    'delete from sign_ins where expires_at <= $1 or last_seen_at <= $2',
    [now, idleSince],
  );
  return rowCount;
}

export interface SignInRow extends Row {
  id: string;
  created_at: Date;
  last_seen_at: Date;
  user_agent: string | null;
}

/** Where a person is signed in; `id` is the hex of the token's hash. */
export async function signInsOf(
  tx: Queryable,
  merchantId: string,
  staffId: string,
): Promise<SignInRow[]> {
  const { rows } = await tx.query<SignInRow>(
    `select encode(token_hash, 'hex') as id, created_at, last_seen_at, user_agent from sign_ins
     where merchant_id = $1 and staff_id = $2 order by last_seen_at desc limit 50`,
    [merchantId, staffId],
  );
  return rows;
}

export interface StaffRow extends Row {
  id: string;
  email: string;
  name: string;
  role: Role;
  created_at: Date;
  disabled_at: Date | null;
  last_seen_at: Date | null;
}

export async function staffOf(tx: Queryable, merchantId: string): Promise<StaffRow[]> {
  const { rows } = await tx.query<StaffRow>(
    `select s.id, s.email, s.name, s.role, s.created_at, s.disabled_at,
       (select max(i.last_seen_at) from sign_ins i where i.staff_id = s.id) as last_seen_at
     from staff s where s.merchant_id = $1
     order by s.disabled_at is not null, s.created_at limit 500`,
    [merchantId],
  );
  return rows;
}

export async function insertMerchant(
  tx: Queryable,
  merchant: { id: string; name: string; now: Date },
): Promise<void> {
  await tx.query('insert into merchants (id, name, created_at) values ($1, $2, $3)', [
    merchant.id,
    merchant.name,
    merchant.now,
  ]);
}

export async function insertStaff(
  tx: Queryable,
  staff: {
    id: string;
    merchantId: string;
    email: string;
    name: string;
    role: Role;
    passwordHash: string;
    now: Date;
  },
): Promise<void> {
  await tx.query(
    `insert into staff (id, merchant_id, email, name, role, password_hash, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      staff.id,
      staff.merchantId,
      staff.email,
      staff.name,
      staff.role,
      staff.passwordHash,
      staff.now,
    ],
  );
}

/** Disables or enables a person; the last owner who can still sign in stays. */
export async function setStaffDisabled(
  tx: Queryable,
  merchantId: string,
  staffId: string,
  disabledAt: Date | null,
): Promise<boolean> {
  // One such change at a time: two owners who disable each other must not both find the other there.
  await tx.query('select 1 from merchants where id = $1 for no key update', [merchantId]);
  const { rowCount } = await tx.query(
    `update staff set disabled_at = $3 where merchant_id = $1 and id = $2
       and ($3::timestamptz is null or role <> 'owner' or exists (
         select 1 from staff o where o.merchant_id = $1 and o.role = 'owner' and o.disabled_at is null and o.id <> $2))`,
    [merchantId, staffId, disabledAt],
  );
  return rowCount === 1;
}

export async function setPassword(
  tx: Queryable,
  merchantId: string,
  staffId: string,
  passwordHash: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update staff set password_hash = $3 where merchant_id = $1 and id = $2',
    [merchantId, staffId, passwordHash],
  );
  return rowCount === 1;
}

/** Whether any owner exists at all: the first start asks before it prints a link. */
export async function anyStaff(db: Queryable): Promise<boolean> {
  const { rows } = await db.query('select 1 from staff limit 1');
  return rows.length > 0;
}

export async function insertOwnerLink(
  tx: Queryable,
  tokenHash: Buffer,
  now: Date,
  expiresAt: Date,
): Promise<void> {
  // One open link at a time: a newer one replaces those that were never used.
  await tx.query('delete from owner_links where used_at is null');
  await tx.query(
    'insert into owner_links (token_hash, created_at, expires_at) values ($1, $2, $3)',
    [tokenHash, now, expiresAt],
  );
}

export async function ownerLinkOpen(db: Queryable, tokenHash: Buffer, now: Date): Promise<boolean> {
  const { rows } = await db.query(
    'select 1 from owner_links where token_hash = $1 and used_at is null and expires_at > $2',
    [tokenHash, now],
  );
  return rows.length === 1;
}

/** Spends the link: true for exactly one caller. */
export async function spendOwnerLink(
  tx: Queryable,
  tokenHash: Buffer,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update owner_links set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2',
    [tokenHash, now],
  );
  return rowCount === 1;
}

export interface ApiKeyRow extends Row {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

export async function insertApiKey(
  tx: Queryable,
  merchantId: string,
  key: {
    id: string;
    name: string;
    prefix: string;
    secretHash: Buffer;
    scopes: readonly string[];
    createdAt: Date;
  },
): Promise<void> {
  await tx.query(
    `insert into api_keys (id, merchant_id, name, prefix, secret_hash, scopes, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [key.id, merchantId, key.name, key.prefix, key.secretHash, key.scopes, key.createdAt],
  );
}

/** A key that still works, by its public part: the look-up that names the tenant. */
export async function keyByPrefix(
  db: Queryable,
  prefix: string,
): Promise<(ApiKeyRow & { merchant_id: string; secret_hash: Buffer }) | null> {
  const { rows } = await db.query<ApiKeyRow & { merchant_id: string; secret_hash: Buffer }>(
    `select id, merchant_id, name, prefix, secret_hash, scopes, created_at, last_used_at, revoked_at
     from api_keys where prefix = $1 and revoked_at is null`,
    [prefix],
  );
  return rows[0] ?? null;
}

export async function touchApiKey(db: Queryable, id: string, now: Date): Promise<void> {
  await db.query('update api_keys set last_used_at = $2 where id = $1', [id, now]);
}

export async function apiKeysOf(tx: Queryable, merchantId: string): Promise<ApiKeyRow[]> {
  const { rows } = await tx.query<ApiKeyRow>(
    `select id, name, prefix, scopes, created_at, last_used_at, revoked_at from api_keys
     where merchant_id = $1 order by revoked_at is not null, created_at desc limit 500`,
    [merchantId],
  );
  return rows;
}

export async function revokeApiKey(
  tx: Queryable,
  merchantId: string,
  id: string,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update api_keys set revoked_at = coalesce(revoked_at, $3) where merchant_id = $1 and id = $2',
    [merchantId, id, now],
  );
  return rowCount === 1;
}
