/** Requests of guests to be let in by staff, in storage. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';
import { removeNoted } from '../stores/removal-queries.ts';

export interface ApprovalRow extends Row {
  id: string;
  store_id: string;
  name: string;
  asked_at: Date;
  expires_at: Date;
  decision: 'granted' | 'denied' | null;
  decided_at: Date | null;
  decided_by: string | null;
  used_at: Date | null;
}

export interface ListedApproval extends ApprovalRow {
  store_name: string;
  /** Who decided, as staff sees them; null for a key or a person who left. */
  decided_by_name: string | null;
}

const COLUMNS =
  'id, store_id, name, asked_at, expires_at, decision, decided_at, decided_by, used_at';

/** Serialises the requests at one store until the transaction ends, so that parallel ones are counted. */
export async function lockAsking(tx: Queryable, storeId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('approvals ' || $1, 0))`, [
    storeId,
  ]);
}

/** The request of this client that still waits, if any. */
export async function waitingOf(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientHash: Buffer,
  now: number,
): Promise<{ id: string } | null> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from approval_requests
     where merchant_id = $1 and store_id = $2 and client_hash = $3 and decision is null
       and expires_at > $4
     order by asked_at desc limit 1`,
    [merchantId, storeId, clientHash, new Date(now)],
  );
  return rows[0] ?? null;
}

/** Requests at a store since `since`: all, and those of one client. */
export async function countAsked(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  clientHash: Buffer,
  since: number,
): Promise<{ all: number; own: number }> {
  const { rows } = await tx.query<{ all: number; own: number }>(
    `select count(*) as "all", count(*) filter (where client_hash = $3) as own
     from approval_requests where merchant_id = $1 and store_id = $2 and asked_at > $4`,
    [merchantId, storeId, clientHash, new Date(since)],
  );
  return rows[0] ?? { all: 0, own: 0 };
}

export async function insertApproval(
  tx: Queryable,
  request: {
    merchantId: string;
    storeId: string;
    name: string;
    clientHash: Buffer;
    expiresAt: number;
  },
  now: number,
): Promise<string> {
  const id = uuidv7(now);
  await tx.query(
    `insert into approval_requests (id, merchant_id, store_id, name, client_hash, asked_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      id,
      request.merchantId,
      request.storeId,
      request.name,
      request.clientHash,
      new Date(now),
      new Date(request.expiresAt),
    ],
  );
  return id;
}

export async function findApproval(
  tx: Queryable,
  merchantId: string,
  id: string,
  lock = false,
): Promise<ApprovalRow | null> {
  const { rows } = await tx.query<ApprovalRow>(
    `select ${COLUMNS} from approval_requests
     where merchant_id = $1 and id = $2 ${lock ? 'for update' : ''}`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

/** Requests of one store or of all, newest first; `waitingAt` leaves only those that wait then. */
export async function listApprovals(
  tx: Queryable,
  merchantId: string,
  filter: { storeId: string | null; waitingAt: number | null },
  limit: number,
): Promise<ListedApproval[]> {
  const { rows } = await tx.query<ListedApproval>(
    `select r.id, r.store_id, r.name, r.asked_at, r.expires_at, r.decision, r.decided_at, r.decided_by,
       r.used_at, s.name as store_name, p.name as decided_by_name
     from approval_requests r join stores s on s.id = r.store_id
       left join staff p on p.merchant_id = $1 and p.id::text = r.decided_by
     where r.merchant_id = $1 and ($2::uuid is null or r.store_id = $2)
       and ($3::timestamptz is null or (r.decision is null and r.expires_at > $3))
     order by r.asked_at desc, r.id desc limit $4`,
    [
      merchantId,
      filter.storeId,
      filter.waitingAt === null ? null : new Date(filter.waitingAt),
      limit,
    ],
  );
  return rows;
}

export async function decideApproval(
  tx: Queryable,
  merchantId: string,
  id: string,
  decision: { granted: boolean; by: string; expiresAt: number },
  now: number,
): Promise<ApprovalRow | null> {
  const { rows } = await tx.query<ApprovalRow>(
    `update approval_requests set decision = $3, decided_by = $4, decided_at = $5, expires_at = $6
     where merchant_id = $1 and id = $2 and decision is null and expires_at > $5
     returning ${COLUMNS}`,
    [
      merchantId,
      id,
      decision.granted ? 'granted' : 'denied',
      decision.by,
      new Date(now),
      new Date(decision.expiresAt),
    ],
  );
  return rows[0] ?? null;
}

/** Uses a grant up: once, by the client it was given to. One conditional update, so parallel takers agree. */
export async function useApproval(
  tx: Queryable,
  merchantId: string,
  storeId: string,
  id: string,
  clientHash: Buffer,
  now: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update approval_requests set used_at = $5
     where merchant_id = $1 and store_id = $2 and id = $3 and client_hash = $4
       and decision = 'granted' and used_at is null and expires_at > $5`,
    [merchantId, storeId, id, clientHash, new Date(now)],
  );
  return rowCount === 1;
}

/** Who came in with it: forgotten together with them. */
export async function nameGuest(
  tx: Queryable,
  merchantId: string,
  id: string,
  guestId: string,
): Promise<void> {
  await tx.query('update approval_requests set guest_id = $3 where merchant_id = $1 and id = $2', [
    merchantId,
    id,
    guestId,
  ]);
}

export async function dropApprovals(db: Queryable, before: number, now: number): Promise<number> {
  const statement =
    'gone as (delete from approval_requests where asked_at < $2 returning merchant_id, store_id)';
  return removeNoted(db, { kind: 'requests', before, now, statement });
}
